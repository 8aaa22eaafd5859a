/* cmd_vis_augment.c - qvl vis augment: records beside what training makes of them
 *
 * The pipeline is that of training (data/augment), with the draws of the epochs and
 * the curriculum of the steps that are asked for. No model is read.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "cmd.h"
#include "config/run_config.h"
#include "data/augment/augment.h"
#include "data/augment/curriculum.h"
#include "data/picture.h"
#include "image/edit.h"
#include "train/samples.h"
#include "vis.h"

#define MOST_VARIANTS 8

typedef struct {
    const char *base, *output, *font, *steps;
    int n, variants, seed, epoch;
} augment_options;

#define AT(field) .at = offsetof(augment_options, field)

static const cmd_flag flags[] = {
    { .name = "output", .type = CMD_TEXT, AT(output), .value = "DIR",
      .is_needed = true, .help = "folder of the pictures" },
    { .name = "base-config", .type = CMD_TEXT, AT(base), .value = "FILE",
      .help = "YAML that lies under everything" },
    { .name = "n", .type = CMD_COUNT, AT(n), .value = "N", .preset = "12",
      .help = "show so many records" },
    { .name = "variants", .type = CMD_COUNT, AT(variants), .value = "N",
      .preset = "3", .help = "of each so many epochs, one beside the other" },
    { .name = "steps", .type = CMD_TEXT, AT(steps), .value = "K,K,...",
      .help = "instead: the first epoch as it would be at these steps" },
    { .name = "epoch", .type = CMD_COUNT, AT(epoch), .value = "E", .preset = "0",
      .help = "the first epoch" },
    { .name = "seed", .type = CMD_COUNT, AT(seed), .value = "N", .preset = "0",
      .help = "chooses the records" },
    { .name = "font", .type = CMD_TEXT, AT(font), .value = "FILE",
      .help = "font of labels that are not ASCII" },
};

/* One variant of a record. */
typedef struct {
    qvl_sample_at at;
    const qvl_record *record;
    qvl_augment_report report;
    qvl_image picture;
    const char *heading;
} variant;

typedef struct {
    const augment_options *o;
    const char *path;
    qvl_run_config config;
    qvl_samples samples;  // records alone
    qvl_epoch_plan plan;
    int64_t total_steps;
    int64_t step[MOST_VARIANTS];  // of --steps
    int n_variants;
    qvl_epoch_slot *order;  // of an epoch
    qvl_arena work;       // while it is found
    qvl_arena arena;
    vis v;
    qvl_str text;
    variant variant[MOST_VARIANTS];
    qvl_image picture;
    qvl_err *err;
} call;

/* ---- which samples -------------------------------------------------------- */

/* Steps between commas. */
static int read_steps(call *c)
{
    const char *p = c->o->steps;
    while (*p != '\0') {
        char *end;
        long long step = strtoll(p, &end, 10);
        if (end == p || step < 0 || (*end != ',' && *end != '\0')
            || c->n_variants == MOST_VARIANTS)
            return qvl_fail(c->err, QVL_E_USAGE, "flag --steps: found %s, expected "
                            "up to %d steps from 0 on, with commas", c->o->steps,
                            MOST_VARIANTS);
        c->step[c->n_variants++] = step;
        p = *end == ',' ? end + 1 : end;
    }
    return c->n_variants > 0 ? QVL_OK
                             : qvl_fail(c->err, QVL_E_USAGE, "flag --steps: found "
                                        "nothing, expected steps");
}

/* The first time that record k comes in an epoch; where a fusion does not take it, as if
 * it came at its beginning. */
static qvl_sample_at sample_of(call *c, size_t k, int i)
{
    uint64_t first = (uint64_t)c->o->epoch;
    if (c->o->steps != NULL)
        return (qvl_sample_at){ .record = k, .epoch = first, .step = c->step[i] };
    uint64_t epoch = first + (uint64_t)i;
    uint64_t batch = epoch * qvl_epoch_plan_batches(&c->plan);
    qvl_sample_at at = { .record = k, .epoch = epoch,
                         .step = qvl_epoch_plan_step(&c->plan, batch) };
    qvl_arena_reset(&c->work);
    qvl_epoch_plan_order(c->order, &c->plan, epoch, &c->work);
    qvl_epoch_plan_find(&at, &c->plan, c->order, epoch, k);
    return at;
}

/* ---- one variant ---------------------------------------------------------- */

static int copy_picture(qvl_image *out, const qvl_image *in, qvl_err *err)
{
    QVL_TRY(qvl_image_init(out, in->h, in->w, err));
    memcpy(out->pixel, in->pixel, qvl_image_bytes(in));
    return QVL_OK;
}

/* Augment the objects, then the first picture. */
static int make_variant(call *c, const qvl_record *record, variant *v)
{
    QVL_TRY(qvl_recipe_see(qvl_recipe_of(&c->samples.train.recipes, v->at.record),
                           record, &v->at, &c->v.arena, &v->record, &v->report,
                           c->err));
    QVL_TRY(copy_picture(&v->picture, &c->picture, c->err));
    if (v->record->edit != NULL)
        QVL_TRY(qvl_edit_run(&v->picture, v->record->edit, c->err));
    v->heading = qvl_arena_printf(&c->v.arena, "epoch %d, step %lld",
                                  (int)v->at.epoch, (long long)v->at.step);
    return QVL_OK;
}

/* "hflip fired, rotate not_drawn, ..." */
static const char *outcomes_of(call *c, const variant *v)
{
    const qvl_augmentation *rules = c->config.augmentation;
    if (v->report.is_bypassed)
        return "bypassed";
    qvl_str_reset(&c->text);
    if (v->report.is_discarded)
        qvl_str_puts(&c->text, "discarded: no object would have stayed; ");
    for (int i = 0; i < rules->n_ops; i++)
        qvl_str_printf(&c->text, "%s%s %s", i > 0 ? ", " : "",
                       qvl_aug_name(rules->op[i].id),
                       qvl_aug_outcome_name(v->report.outcome[i]));
    return qvl_arena_strdup(&c->v.arena, c->text.p);
}

static const char *counts_of(call *c, const qvl_record *record, const variant *v)
{
    return qvl_arena_printf(&c->v.arena, "%d x %d px, %d of %d objects kept, %d added, "
                            "%.0f %% padding", v->record->w, v->record->h,
                            record->n_objects - v->report.n_dropped,
                            record->n_objects, v->report.n_added,
                            100.0 * v->report.padding_ratio);
}

/* ---- a page --------------------------------------------------------------- */

static qvl_view view_of(const char *heading, const qvl_record *r,
                        const qvl_image *picture)
{
    return (qvl_view){ .heading = heading, .picture = picture,
                       .marks = { .object = r->object, .n = r->n_objects,
                                  .w = r->w, .h = r->h } };
}

static int draw_page(call *c, const qvl_record *record, const char *path)
{
    qvl_view view[MOST_VARIANTS + 1] = { view_of("original", record, &c->picture) };
    qvl_note note[3 * MOST_VARIANTS];
    int n = 0;
    view[0].column = "original";
    for (int i = 0; i < c->n_variants; i++) {
        const variant *v = &c->variant[i];
        view[i + 1] = view_of(v->heading, v->record, &v->picture);
        note[n++] = (qvl_note){ QVL_NOTE_TITLE, v->heading };
        note[n++] = (qvl_note){ QVL_NOTE_TEXT, outcomes_of(c, v) };
        note[n++] = (qvl_note){ QVL_NOTE_TEXT, counts_of(c, record, v) };
    }
    const qvl_page page = { .view = view, .n_views = c->n_variants + 1, .note = note,
                            .n_notes = n, .categories = &c->v.categories };
    return qvl_page_save(path, &page, c->err);
}

/* ---- the index ------------------------------------------------------------ */

static void put_variant(call *c, const variant *v)
{
    qvl_str *out = &c->v.line;
    const qvl_augmentation *rules = c->config.augmentation;
    qvl_str_printf(out, "{\"epoch\": %llu, \"step\": %lld, \"bypassed\": %s, "
                   "\"discarded\": %s, \"width\": %d, \"height\": %d, \"ops\": [",
                   (unsigned long long)v->at.epoch, (long long)v->at.step,
                   v->report.is_bypassed ? "true" : "false",
                   v->report.is_discarded ? "true" : "false", v->record->w,
                   v->record->h);
    for (int i = 0; i < rules->n_ops && !v->report.is_bypassed; i++)
        qvl_str_printf(out, "%s{\"name\": \"%s\", \"outcome\": \"%s\"}",
                       i > 0 ? ", " : "", qvl_aug_name(rules->op[i].id),
                       qvl_aug_outcome_name(v->report.outcome[i]));
    qvl_str_puts(out, "], \"objects\": [");
    for (int i = 0; i < v->record->n_objects; i++) {
        qvl_str_printf(out, "%s{\"source\": %d, \"coverage\": ", i > 0 ? ", " : "",
                       v->report.source[i]);
        qvl_json_number(out, v->report.coverage[i]);
        qvl_str_putc(out, '}');
    }
    qvl_str_puts(out, "]}");
}

static int put_index(call *c, const qvl_record *record, const char *name)
{
    vis *v = &c->v;
    qvl_str_puts(&v->line, "{\"file\": ");
    qvl_json_quote(&v->line, record->file, strlen(record->file));
    qvl_str_printf(&v->line, ", \"line\": %d", record->line);
    vis_put_text(v, "png", name);
    qvl_str_puts(&v->line, ", \"variants\": [");
    for (int i = 0; i < c->n_variants; i++) {
        qvl_str_puts(&v->line, i > 0 ? ", " : "");
        put_variant(c, &c->variant[i]);
    }
    qvl_str_puts(&v->line, "]}");
    return vis_write_line(v, v->index, c->err);
}

static void print_variants(call *c, const qvl_record *record)
{
    printf("%s:%d\n", record->file, record->line);
    for (int i = 0; i < c->n_variants; i++)
        printf("  %s: %s; %s\n", c->variant[i].heading,
               outcomes_of(c, &c->variant[i]),
               counts_of(c, record, &c->variant[i]));
}

/* ---- a record ------------------------------------------------------------- */

static int load_picture(call *c, const qvl_record *r)
{
    const qvl_decode_options options = { 0 };
    if (r->n_images == 0 || r->w == 0)
        return qvl_fail(c->err, QVL_E_DATA, "record (%s:%d): found no picture with a "
                        "size, expected one", r->file, r->line);
    QVL_TRY(qvl_picture_load(&c->picture, r->image[0], &options, c->err));
    if (c->picture.w == r->w && c->picture.h == r->h)
        return QVL_OK;
    return qvl_fail(c->err, QVL_E_DATA, "picture (%s): found %d x %d px, expected width "
                    "and height of the record (%s:%d), %d x %d",
                    qvl_picture_name(r->image[0]), c->picture.w, c->picture.h, r->file,
                    r->line, r->w, r->h);
}

static void release_pictures(call *c)
{
    qvl_image_release(&c->picture);
    for (int i = 0; i < MOST_VARIANTS; i++)
        qvl_image_release(&c->variant[i].picture);
}

static int show_record(call *c, size_t k)
{
    const qvl_record *record = &c->samples.train.record[k];
    release_pictures(c);
    qvl_arena_reset(&c->v.arena);
    QVL_TRY(load_picture(c, record));
    for (int i = 0; i < c->n_variants; i++) {
        c->variant[i].at = sample_of(c, k, i);
        QVL_TRY(make_variant(c, record, &c->variant[i]));
    }
    const char *name = vis_name(&c->v, k);
    QVL_TRY(draw_page(c, record, vis_path(&c->v, name)));
    QVL_TRY(put_index(c, record, name));
    print_variants(c, record);
    vis_warn(&c->v);
    c->v.n_drawn++;
    return QVL_OK;
}

/* ---- the curriculum ------------------------------------------------------- */

static void put_value(qvl_str *out, const qvl_aug_op *op, const qvl_aug_param *p)
{
    const char *field = (const char *)op + p->at;
    qvl_aug_range range;
    if (p->type == QVL_AUG_TYPE_RANGE) {
        memcpy(&range, field, sizeof range);
        qvl_str_putc(out, '[');
        qvl_json_number(out, range.lo);
        qvl_str_puts(out, ", ");
        qvl_json_number(out, range.hi);
        qvl_str_putc(out, ']');
        return;
    }
    double number;
    int count;
    if (p->type == QVL_AUG_TYPE_NUMBER) {
        memcpy(&number, field, sizeof number);
    } else {
        memcpy(&count, field, sizeof count);
        number = count;
    }
    qvl_json_number(out, number);
}

/* What a curriculum may change, as it is at a step. */
static void put_state(call *c, int64_t step)
{
    const qvl_augmentation *rules = c->config.augmentation;
    qvl_aug_state s = qvl_aug_state_at(rules, step, c->total_steps, &c->v.arena);
    qvl_str_printf(&c->text, "{\"step\": %lld, \"bypass_prob\": ", (long long)step);
    qvl_json_number(&c->text, s.bypass_prob);
    qvl_str_puts(&c->text, ", \"ops\": [");
    for (int i = 0; i < rules->n_ops; i++) {
        qvl_str_printf(&c->text, "%s{\"name\": \"%s\"", i > 0 ? ", " : "",
                       qvl_aug_name(rules->op[i].id));
        for (size_t k = 0; k < qvl_n_aug_params; k++) {
            const qvl_aug_param *p = &qvl_aug_params[k];
            if (p->op != rules->op[i].id || !p->changes)
                continue;
            qvl_str_printf(&c->text, ", \"%s\": ", p->name);
            put_value(&c->text, &s.op[i], p);
        }
        qvl_str_putc(&c->text, '}');
    }
    qvl_str_puts(&c->text, "]}");
}

/* The steps asked for; without, the first, the ends of phases, the last. */
static int write_states(call *c)
{
    const qvl_augmentation *rules = c->config.augmentation;
    int n = c->o->steps != NULL ? c->n_variants : rules->n_phases + 2;
    qvl_str_reset(&c->text);
    qvl_str_printf(&c->text, "{\"total_steps\": %lld, \"states\": [",
                   (long long)c->total_steps);
    for (int i = 0; i < n; i++) {
        int64_t step = c->o->steps != NULL ? c->step[i]
                       : i == 0            ? 0
                       : i == n - 1        ? c->total_steps - 1
                       : qvl_aug_phase_end(rules, i - 1, c->total_steps);
        qvl_str_puts(&c->text, i > 0 ? ",\n " : "\n ");
        put_state(c, step);
    }
    qvl_str_puts(&c->text, "\n]}\n");
    const char *path = vis_path(&c->v, "curriculum_states.json");
    return qvl_file_write_all(path, c->text.p, c->text.len, c->err);
}

/* ---- the command ---------------------------------------------------------- */

static int prepare(call *c)
{
    const qvl_run_config *config = &c->config;
    c->plan = qvl_samples_plan(&c->samples, config);
    if (qvl_epoch_plan_batches(&c->plan) == 0)
        return qvl_fail(c->err, QVL_E_DATA, "%s: found %zu records, expected at least "
                        "a batch", qvl_samples_key(&c->samples), c->plan.n_records);
    c->total_steps = qvl_samples_steps(&c->samples, config);
    qvl_samples_augment(&c->samples, config, c->total_steps, &c->arena);
    c->order = qvl_arena_array(&c->arena, qvl_epoch_slot, c->plan.n_records);
    return QVL_OK;
}

/* Records with a picture of a known size. Where none has one it is the first that is
 * refused. */
static const size_t *list_shown(call *c, size_t *n)
{
    const qvl_sample_set *set = &c->samples.train;
    size_t *shown = qvl_arena_array(&c->arena, size_t, set->n);
    *n = 0;
    for (size_t k = 0; k < set->n; k++)
        if (set->record[k].n_images > 0 && set->record[k].w > 0)
            shown[(*n)++] = k;
    *n = *n > 0 ? *n : 1;
    return shown;
}

static int run_steps(void *arg)
{
    call *c = arg;
    if (c->o->steps != NULL)
        QVL_TRY(read_steps(c));
    else
        c->n_variants = c->o->variants;
    if (c->n_variants < 1 || c->n_variants > MOST_VARIANTS)
        return qvl_fail(c->err, QVL_E_USAGE, "flag --variants: found %d, expected 1 to "
                        "%d", c->n_variants, MOST_VARIANTS);
    QVL_TRY(qvl_run_config_load(&c->config, c->path, c->o->base, NULL, 0, &c->arena,
                                c->err));
    if (!c->config.augmentation->is_on)
        return qvl_fail(c->err, QVL_E_CONFIG, "custom.augmentation (%s): found nothing "
                        "that is on, expected ops", c->path);
    QVL_TRY(qvl_samples_read(&c->samples, &c->config, &c->arena, c->err));
    QVL_TRY(prepare(c));
    QVL_TRY(vis_open(&c->v, c->o->output, c->o->font, c->err));
    size_t n;
    const size_t *shown = list_shown(c, &n);
    const bool *is_chosen = vis_choose(n, c->o->n, c->o->seed, &c->arena);
    for (size_t k = 0; k < n; k++)
        if (is_chosen[k])
            QVL_TRY(show_record(c, shown[k]));
    QVL_TRY(write_states(c));
    return vis_commit(&c->v, c->err);
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const augment_options *o = options;
    if (n != 1)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl vis augment): found %d files, "
                        "expected one configuration", n);
    if (o->n < 1)
        return qvl_fail(err, QVL_E_USAGE, "flag --n: found 0, expected 1 or more");
    call *c = qvl_memory_zeroed(1, sizeof *c);
    c->o = o;
    c->path = word[0];
    c->err = err;
    int rc = qvl_guard(run_steps, c, err);
    release_pictures(c);
    vis_close(&c->v);
    qvl_samples_close(&c->samples);
    qvl_str_release(&c->text);
    qvl_arena_release(&c->work);
    qvl_arena_release(&c->arena);
    free(c);
    return rc;
}

const cmd cmd_vis_augment = {
    .name = "vis augment",
    .summary = "records beside what augmentation makes of them",
    .usage = "RUN.yaml --output DIR [--n N] [--variants N|--steps K,K,...]\n"
             "           [--epoch E] [--seed N] [--font FILE]",
    .details =
        "Each picture shows a record as it is, and as training takes it in some\n"
        "epochs, or at some steps of the curriculum; which ops fired, and why others "
        "did\nnot, stands beside it and goes to standard output. DIR gets pictures by "
        "the\nnumber of the record, index.jsonl, and curriculum_states.json. No model "
        "is read.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(augment_options),
    .run = run,
};
