/* main.c - the commands of `qvl` */
#include "backend/backend.h"
#include "cmd.h"

static const cmd *const commands[] = {
    &cmd_eval,
    &cmd_forward,
    &cmd_inspect,
    &cmd_infer,
    &cmd_init,
    &cmd_bench,
    &cmd_data_synth,
    &cmd_data_validate,
    &cmd_eval,
    &cmd_train,
};

int main(int argc, char **argv)
{
    qvl_backends_start(argv);
    return cmd_main(commands, QVL_COUNT(commands), argc, argv);
}
