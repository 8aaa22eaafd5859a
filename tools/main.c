/* main.c - the commands of `qvl` */
#include "backend/backend.h"
#include "cmd.h"

static const cmd *const commands[] = {
    &cmd_eval,
    &cmd_forward,
    &cmd_inspect,
    &cmd_init,
};

int main(int argc, char **argv)
{
    qvl_backends_start(argv);
    return cmd_main(commands, QVL_COUNT(commands), argc, argv);
}
