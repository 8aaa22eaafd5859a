/* main.c - the commands of `qvl` */
#include "cmd.h"

static const cmd *const commands[] = {
    &cmd_forward,
    &cmd_inspect,
};

int main(int argc, char **argv)
{
    return cmd_main(commands, QVL_COUNT(commands), argc, argv);
}
