/* main.c - the commands of `qvl` */
#include "backend/backend.h"
#include "cmd.h"

static const cmd *const commands[] = {
    &cmd_train,
    &cmd_infer,
    &cmd_eval,
    &cmd_data_synth,
    &cmd_data_validate,
    &cmd_data_audit,
    &cmd_data_lengths,
    &cmd_data_split,
    &cmd_data_sample,
    &cmd_data_import,
    &cmd_data_fuse,
    &cmd_data_resize,
    &cmd_vis_augment,
    &cmd_vis_dataset,
    &cmd_vis_predictions,
    &cmd_config_inspect,
    &cmd_config_diff,
    &cmd_config_check,
    &cmd_config_reference,
    &cmd_init,
    &cmd_forward,
    &cmd_inspect,
    &cmd_bench,
};

int main(int argc, char **argv)
{
    qvl_backends_start(argv);
    return cmd_main(commands, QVL_COUNT(commands), argc, argv);
}
