/* cmd_sample.c - qvl data sample: a few records of many */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "data/choose.h"
#include "record_file.h"

typedef struct {
    int n;
    const char *by;
    int seed;
    const char *output;
} sample_options;

#define AT(field) .at = offsetof(sample_options, field)

static const cmd_flag flags[] = {
    { .name = "n", .type = CMD_COUNT, AT(n), .value = "N", .is_needed = true,
      .help = "how many" },
    { .name = "by", .type = CMD_TEXT, AT(by), .value = "HOW",
      .preset = "random",
      .help = "uniform: far from each other; random; stratified: as random, "
              "groups of 0, 1, 2 to 3, 4 to 7, ... objects keep their shares; "
              "top_k: most objects" },
    { .name = "seed", .type = CMD_COUNT, AT(seed), .value = "N",
      .preset = "42", .help = "the same seed draws the same" },
    { .name = "output", .type = CMD_TEXT, AT(output), .value = "FILE.jsonl",
      .help = "the new file (default: standard output)" },
};

static int read_by(const char *word, qvl_choose_by *by, qvl_err *err)
{
    static const char *const words[] = {
        [QVL_CHOOSE_UNIFORM] = "uniform",
        [QVL_CHOOSE_RANDOM] = "random",
        [QVL_CHOOSE_STRATIFIED] = "stratified",
        [QVL_CHOOSE_TOP_K] = "top_k",
    };
    for (size_t i = 0; i < QVL_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0) {
            *by = (qvl_choose_by)i;
            return QVL_OK;
        }
    return qvl_fail(err, QVL_E_USAGE, "flag --by: found %s, expected uniform, "
                    "random, stratified or top_k", word);
}

typedef struct {
    const sample_options *o;
    qvl_choose_by by;
    const char *path;
    qvl_arena arena;
    qvl_file_out *out;
    qvl_err *err;
} call;

static int write_file(call *c, const record_file *f, const size_t *record,
                      size_t n)
{
    QVL_TRY(record_file_begin(&c->out, f, c->o->output, c->err));
    QVL_TRY(record_file_put(c->out, f, record, n, c->err));
    qvl_file_out *out = c->out;
    c->out = NULL;
    QVL_TRY(qvl_file_out_commit(out, c->err));
    printf("%s: %zu of %zu records\n", c->o->output, n, f->n);
    return QVL_OK;
}

static int run_steps(void *arg)
{
    call *c = arg;
    record_file f;
    size_t n = (size_t)c->o->n;
    QVL_TRY(record_file_load(&f, c->path, &c->arena, c->err));
    if (n > f.n)
        return qvl_fail(c->err, QVL_E_DATA, "file %s: found %zu records, "
                        "expected %zu or more", c->path, f.n, n);
    int *n_objects = qvl_arena_array(&c->arena, int, f.n);
    size_t *record = qvl_arena_array(&c->arena, size_t, n);
    for (size_t i = 0; i < f.n; i++)
        n_objects[i] = f.line[i].n_objects;
    qvl_choose(record, n, n_objects, f.n, c->by, (uint64_t)c->o->seed,
               &c->arena);
    if (c->o->output != NULL)
        return write_file(c, &f, record, n);
    for (size_t i = 0; i < n; i++) {
        const record_line *line = &f.line[record[i]];
        fwrite(line->text, 1, line->len, stdout);
        putchar('\n');
    }
    return QVL_OK;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const sample_options *o = options;
    call c = { .o = o, .err = err };
    if (n != 1)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl data sample): found "
                        "%d files, expected one", n);
    if (o->n < 1)
        return qvl_fail(err, QVL_E_USAGE, "flag --n: found 0, expected 1 or "
                        "more");
    QVL_TRY(read_by(o->by, &c.by, err));
    c.path = word[0];
    int rc = qvl_guard(run_steps, &c, err);
    qvl_file_out_abort(c.out);
    qvl_arena_release(&c.arena);
    return rc;
}

const cmd cmd_data_sample = {
    .name = "data sample",
    .summary = "a few records of many",
    .usage = "FILE.jsonl -n N [--by uniform|random|stratified|top_k] [--seed N]\n"
             "           [--output FILE.jsonl]",
    .details =
        "Records are written as they are, in the order of FILE; by top_k those with\n"
        "most objects first. The new file is in the folder of FILE if its pictures\n"
        "are named relative to that.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(sample_options),
    .run = run,
};
