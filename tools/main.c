/* main.c - the commands of `qvl` */
#include "backend/backend.h"
#include "cmd.h"

static const cmd *const commands[] = {
    &cmd_forward,
    &cmd_inspect,
    &cmd_init,
    &cmd_train,
    &cmd_config_inspect,
    &cmd_config_diff,
    &cmd_config_check,
    &cmd_data_synth,
    &cmd_data_validate,
};

int main(int argc, char **argv)
{
    qvl_backends_start(argv);
    return cmd_main(commands, QVL_COUNT(commands), argc, argv);
}
