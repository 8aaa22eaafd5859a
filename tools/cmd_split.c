/* cmd_split.c - qvl data split: some records to train on, some to validate
 *
 * Three files are written; none appears before all that goes into them is there.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "data/choose.h"
#include "record_file.h"

typedef struct {
    double ratio;
    int seed;
    const char *output;
} split_options;

#define AT(field) .at = offsetof(split_options, field)

static const cmd_flag flags[] = {
    { .name = "ratio", .type = CMD_REAL, AT(ratio), .value = "R",
      .preset = "0.1", .help = "share of the records to validate on" },
    { .name = "seed", .type = CMD_COUNT, AT(seed), .value = "N",
      .preset = "42", .help = "the same seed splits the same" },
    { .name = "output", .type = CMD_TEXT, AT(output), .value = "STEM",
      .help = "what names of the new files begin with (default: FILE)" },
};

enum { TRAIN, VAL, INDEX, N_FILES };
static const char *const endings[N_FILES] = { ".train.jsonl", ".val.jsonl",
                                              ".split.json" };

typedef struct {
    const split_options *o;
    const char *path;
    qvl_arena arena;
    qvl_file_out *out[N_FILES];
    qvl_str index;  // text of that file
    qvl_err *err;
} call;

static void put_list(qvl_str *s, const char *key, const size_t *record,
                     size_t n)
{
    qvl_str_printf(s, ", \"%s\": [", key);
    for (size_t i = 0; i < n; i++)
        qvl_str_printf(s, "%s%zu", i > 0 ? ", " : "", record[i]);
    qvl_str_putc(s, ']');
}

/* {"file", "seed", "ratio", "records", "train": [...], "val": [...]}: numbers of
 * records from 0 on, in the order of the two files. */
static int put_index(call *c, const size_t *record, size_t n, size_t n_val)
{
    const char *slash = strrchr(c->path, '/');
    const char *name = slash != NULL ? slash + 1 : c->path;
    qvl_str *s = &c->index;
    qvl_str_puts(s, "{\"file\": ");
    qvl_json_quote(s, name, strlen(name));
    qvl_str_printf(s, ", \"seed\": %d, \"ratio\": %.17g, \"records\": %zu",
                   c->o->seed, c->o->ratio, n);
    put_list(s, "train", record + n_val, n - n_val);
    put_list(s, "val", record, n_val);
    qvl_str_puts(s, "}\n");
    return qvl_file_out_write(c->out[INDEX], s->p, s->len, c->err);
}

static const char *stem_of(call *c)
{
    static const char ending[] = ".jsonl";
    size_t len = strlen(c->path), n = sizeof ending - 1;
    if (c->o->output != NULL)
        return c->o->output;
    bool has_ending = len > n && strcmp(c->path + len - n, ending) == 0;
    return qvl_arena_strndup(&c->arena, c->path, has_ending ? len - n : len);
}

static int run_steps(void *arg)
{
    call *c = arg;
    record_file f;
    const char *stem = stem_of(c);
    const char *path[N_FILES];
    QVL_TRY(record_file_load(&f, c->path, &c->arena, c->err));
    if (f.n < 2)
        return qvl_fail(c->err, QVL_E_DATA, "file %s: found 1 record, expected "
                        "2 or more", c->path);
    for (int i = 0; i < N_FILES; i++) {
        path[i] = qvl_arena_printf(&c->arena, "%s%s", stem, endings[i]);
        QVL_TRY(record_file_begin(&c->out[i], &f, path[i], c->err));
    }
    size_t *record = qvl_arena_array(&c->arena, size_t, f.n);
    size_t n_val = qvl_split(record, f.n, c->o->ratio, (uint64_t)c->o->seed);
    QVL_TRY(record_file_put(c->out[TRAIN], &f, record + n_val, f.n - n_val,
                            c->err));
    QVL_TRY(record_file_put(c->out[VAL], &f, record, n_val, c->err));
    QVL_TRY(put_index(c, record, f.n, n_val));
    for (int i = 0; i < N_FILES; i++) {
        qvl_file_out *out = c->out[i];
        c->out[i] = NULL;
        QVL_TRY(qvl_file_out_commit(out, c->err));
    }
    printf("%s: %zu records\n%s: %zu\n%s: %zu\n", path[TRAIN], f.n - n_val,
           path[VAL], n_val, path[INDEX], f.n);
    return QVL_OK;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const split_options *o = options;
    if (n != 1)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl data split): found %d "
                        "files, expected one", n);
    if (!(o->ratio > 0.0 && o->ratio < 1.0))
        return qvl_fail(err, QVL_E_USAGE, "flag --ratio: found %g, expected "
                        "more than 0 and less than 1", o->ratio);
    call c = { .o = o, .path = word[0], .err = err };
    int rc = qvl_guard(run_steps, &c, err);
    for (int i = 0; i < N_FILES; i++)
        qvl_file_out_abort(c.out[i]);
    qvl_str_release(&c.index);
    qvl_arena_release(&c.arena);
    return rc;
}

const cmd cmd_data_split = {
    .name = "data split",
    .summary = "records to train on and records to validate on",
    .usage = "FILE.jsonl [--ratio R] [--seed N] [--output STEM]",
    .details =
        "Records are shuffled; max(1, R times their number) of them go to\n"
        "STEM.val.jsonl, the others to STEM.train.jsonl, as they are written.\n"
        "STEM.split.json lists which: numbers from 0 on. What stands there is\n"
        "replaced. STEM is in the folder of FILE if its pictures are named relative\n"
        "to that.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(split_options),
    .run = run,
};
