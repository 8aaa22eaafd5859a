/* cmd_init.c - qvl init: a model folder with random weights */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "model/init.h"
#include "tensor/dtype.h"

typedef struct {
    const char *size;
    const char *tokenizer;
    const char *output;
    const char *dtype;
    int seed;
} init_options;

static const cmd_flag flags[] = {
    { .name = "size", .type = CMD_TEXT, .at = offsetof(init_options, size),
      .value = "NAME", .is_needed = true,
      .help = "a size of configs/model, or a file of that form" },
    { .name = "output", .type = CMD_TEXT, .at = offsetof(init_options, output),
      .value = "DIR", .is_needed = true, .help = "the new folder" },
    { .name = "tokenizer", .type = CMD_TEXT,
      .at = offsetof(init_options, tokenizer), .value = "DIR",
      .help = "folder whose tokenizer files are copied; its control tokens"
              " and its size are those of the model" },
    { .name = "seed", .type = CMD_COUNT, .at = offsetof(init_options, seed),
      .value = "N", .preset = "0", .help = "of the weights" },
    { .name = "dtype", .alias = "torch-dtype", .type = CMD_TEXT,
      .at = offsetof(init_options, dtype), .value = "T",
      .help = "f32, bf16 or f16 (default: what the size says)" },
};

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const init_options *o = options;
    qvl_init_options init = {.size = o->size, .tokenizer = o->tokenizer,
                             .output = o->output,
                             .seed = (uint64_t)o->seed, .dtype = -1};
    if (n > 0)
        return qvl_fail(err, QVL_E_USAGE, "init takes flags only: found '%s'",
                        word[0]);
    if (o->dtype)
        QVL_TRY(qvl_dtype_parse(o->dtype, &init.dtype, err));
    return qvl_init_model(&init, err);
}

const cmd cmd_init = {
    .name = "init",
    .summary = "a model folder with random weights",
    .usage = "--size NAME|FILE.yaml --output DIR [--tokenizer DIR] [--seed N]"
             " [--dtype T]",
    .details = "The folder has Hugging Face's layout. The same seed gives the"
               " same bytes.\nWithout --tokenizer it holds no tokenizer files.",
    .flag = flags,
    .n_flags = sizeof flags / sizeof flags[0],
    .options_bytes = sizeof(init_options),
    .run = run,
};
