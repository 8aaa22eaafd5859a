/* cmd_fuse.c - qvl data fuse: an epoch of several sets of data as one file
 *
 * All lines are held in memory. A line is taken apart again when it is written, once for
 * each slot that has it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "config/fusion.h"
#include "data/fusion_plan.h"
#include "data/fusion_record.h"
#include "data/record_line.h"
#include "data/reduce.h"
#include "record_file.h"

typedef struct {
    const char *config;
    const char *output;
    int seed;
    int epoch;
    bool no_shuffle;
} fuse_options;

#define AT(field) .at = offsetof(fuse_options, field)

static const cmd_flag flags[] = {
    { .name = "config", .type = CMD_TEXT, AT(config), .value = "FUSION.yaml",
      .is_needed = true, .help = "targets and sources; YAML, or JSON when its "
                                 "name ends in .json" },
    { .name = "output", .type = CMD_TEXT, AT(output), .value = "OUT.jsonl",
      .is_needed = true, .help = "the new file; - is standard output" },
    { .name = "seed", .type = CMD_COUNT, AT(seed), .value = "N",
      .preset = "42", .help = "the same seed draws the same" },
    { .name = "epoch", .type = CMD_COUNT, AT(epoch), .value = "N",
      .preset = "0", .help = "which epoch of a run" },
    { .name = "no-shuffle", .type = CMD_SWITCH, AT(no_shuffle),
      .help = "entries one behind the other" },
};

typedef struct {
    const fuse_options *o;
    bool is_stdout;
    qvl_fusion fusion;
    record_file *file;     // [fusion.n]
    const char **prefix;   // [fusion.n] before relative pictures; "": nothing
    qvl_fusion_plan plan;
    qvl_arena arena;
    qvl_arena scratch;     // of a line
    qvl_str text;
    qvl_file_out *out;
    qvl_err *err;
} call;

/* ---- what is read -------------------------------------------------------- */

static int check_record(void *ctx, const qvl_record *record, qvl_err *err)
{
    return qvl_fusion_check(ctx, record, err);
}

static int load_files(call *c)
{
    const qvl_fusion *f = &c->fusion;
    size_t *n = qvl_arena_array(&c->arena, size_t, f->n);
    c->file = qvl_arena_array(&c->arena, record_file, f->n);
    for (int i = 0; i < f->n; i++) {
        qvl_fusion_entry entry = f->entry[i];
        record_file_rules rules = { .options.needs = qvl_fusion_needs(&entry),
                                    .check = check_record, .ctx = &entry };
        QVL_TRY(record_file_load_by(&c->file[i], entry.train_jsonl, &rules,
                                    &c->arena, c->err));
        n[i] = c->file[i].n;
    }
    QVL_TRY(qvl_fusion_plan_init(&c->plan, f, n, (uint64_t)c->o->seed, &c->arena,
                                 c->err));
    c->plan.is_shuffled = !c->o->no_shuffle;
    return QVL_OK;
}

/* ---- where it goes ------------------------------------------------------- */

static int check_other(const call *c, const char *path)
{
    if (path == NULL || !qvl_file_is_same(path, c->o->output))
        return QVL_OK;
    return qvl_fail(c->err, QVL_E_USAGE, "output (%s): found a file that is read, "
                    "expected another", c->o->output);
}

static int check_output(const call *c)
{
    for (int i = 0; i < c->fusion.files.n && !c->is_stdout; i++)
        QVL_TRY(check_other(c, c->fusion.files.v[i]));
    for (int i = 0; i < c->fusion.n && !c->is_stdout; i++) {
        QVL_TRY(check_other(c, c->fusion.entry[i].train_jsonl));
        QVL_TRY(check_other(c, c->fusion.entry[i].val_jsonl));
    }
    return QVL_OK;
}

/* How the folder of an entry's pictures is called from that of the output: absolute
 * where nobody will look there. */
static int find_prefix(call *c, const record_file *f, const char **prefix)
{
    const char *root, *folder;
    *prefix = "";
    if (f->image_root == NULL)
        return QVL_OK;
    QVL_TRY(qvl_folder_real(&root, f->image_root, &c->arena, c->err));
    *prefix = root;
    if (c->is_stdout || !f->is_bound)
        return QVL_OK;
    QVL_TRY(qvl_folder_real(&folder,
                            qvl_folder_above(c->o->output, &c->arena),
                            &c->arena, c->err));
    *prefix = qvl_folder_relative(folder, root, &c->arena);
    return QVL_OK;
}

static int find_prefixes(call *c)
{
    c->prefix = qvl_arena_array(&c->arena, const char *, c->fusion.n);
    for (int i = 0; i < c->fusion.n; i++)
        QVL_TRY(find_prefix(c, &c->file[i], &c->prefix[i]));
    return QVL_OK;
}

/* ---- lines --------------------------------------------------------------- */

static void reduce(call *c, qvl_record_line *l, const qvl_fusion_slot *slot)
{
    const qvl_fusion_entry *entry = &c->fusion.entry[slot->entry];
    qvl_rng_id id = qvl_fusion_plan_id(&c->plan, (uint64_t)c->o->epoch, slot);
    qvl_record simple = qvl_fusion_simplify(entry, &l->record, &c->scratch);
    int n_kept;
    const int *kept = qvl_reduce_choose(&n_kept, simple.n_objects,
                                        qvl_fusion_cap(entry, &simple), &id,
                                        &c->scratch);
    if (simple.n_objects > 0)
        qvl_record_line_reduce(l, simple.object, kept, n_kept, &c->scratch);
}

static void add_notes(call *c, qvl_record_line *l, int entry)
{
    qvl_fusion_note note = qvl_fusion_note_of(&c->fusion.entry[entry]);
    for (int i = 0; i < QVL_N_FUSED; i++)
        qvl_record_line_note(l, qvl_fused_keys[i], note.text[i], &c->scratch);
}

static int put_text(call *c)
{
    if (!c->is_stdout)
        return qvl_file_out_write(c->out, c->text.p, c->text.len, c->err);
    fwrite(c->text.p, 1, c->text.len, stdout);
    return QVL_OK;
}

static int put_slot(call *c, const qvl_fusion_slot *slot)
{
    const record_file *f = &c->file[slot->entry];
    const record_line *line = &f->line[slot->record];
    const char *prefix = c->prefix[slot->entry];
    qvl_record_source source = { line->text, line->len, f->path, line->number };
    qvl_record_line l;
    qvl_arena_reset(&c->scratch);
    qvl_str_reset(&c->text);
    QVL_TRY(qvl_record_line_read(&l, &source, prefix, &c->scratch, c->err));
    reduce(c, &l, slot);
    if (prefix[0] != '\0')
        qvl_record_line_rename(&l, &c->scratch);
    add_notes(c, &l, slot->entry);
    qvl_json_put(&c->text, l.root, -1);
    qvl_str_putc(&c->text, '\n');
    return put_text(c);
}

static void report(call *c)
{
    qvl_str_reset(&c->text);
    qvl_fusion_plan_put(&c->text, &c->plan);
    fprintf(stderr, "epoch %d of %s, seed %d: %zu records\n%s", c->o->epoch,
            c->o->config, c->o->seed, c->plan.n_slots, c->text.p);
}

static int run_steps(void *arg)
{
    call *c = arg;
    QVL_TRY(qvl_fusion_load(&c->fusion, c->o->config, -1, &c->arena, c->err));
    QVL_TRY(check_output(c));
    QVL_TRY(load_files(c));
    QVL_TRY(find_prefixes(c));
    qvl_fusion_slot *slot = qvl_arena_array(&c->arena, qvl_fusion_slot,
                                            c->plan.n_slots);
    qvl_fusion_plan_order(slot, &c->plan, (uint64_t)c->o->epoch, &c->scratch);
    if (!c->is_stdout)
        QVL_TRY(qvl_file_out_open(&c->out, c->o->output, c->err));
    report(c);
    for (size_t i = 0; i < c->plan.n_slots; i++)
        QVL_TRY(put_slot(c, &slot[i]));
    if (c->is_stdout)
        return QVL_OK;
    qvl_file_out *out = c->out;
    c->out = NULL;
    QVL_TRY(qvl_file_out_commit(out, c->err));
    printf("%s: %zu records\n", c->o->output, c->plan.n_slots);
    return QVL_OK;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const fuse_options *o = options;
    if (n > 0)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl data fuse): found %s, "
                        "expected flags alone", word[0]);
    call c = { .o = o, .is_stdout = strcmp(o->output, "-") == 0, .err = err };
    int rc = qvl_guard(run_steps, &c, err);
    qvl_file_out_abort(c.out);
    qvl_str_release(&c.text);
    qvl_arena_release(&c.scratch);
    qvl_arena_release(&c.arena);
    return rc;
}

const cmd cmd_data_fuse = {
    .name = "data fuse",
    .summary = "records of several sets of data, as a run would take them",
    .usage = "--config FUSION.yaml --output OUT.jsonl [--seed N] [--epoch N]\n"
             "           [--no-shuffle]",
    .details =
        "FUSION.yaml lists targets and sources; their ratios say how many records of\n"
        "each an epoch has. Records are written as they are, but for polygons and\n"
        "objects that their entry limits, names of pictures, which are made relative\n"
        "to the folder of OUT.jsonl (absolute for standard output, with\n"
        "ROOT_IMAGE_DIR, or where no folder holds both), and what says which entry\n"
        "they are of: metadata._fusion_source, _template, _domain, _mode.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(fuse_options),
    .run = run,
};
