/* cmd_audit.c - qvl data audit: what augmentation does to the records of a run
 *
 * Every sample of some epochs is augmented as training would, in its order and at its
 * step, without pixels and without a model.
 */
#include <stdio.h>
#include <string.h>

#include "base/each.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "config/run_config.h"
#include "data/augment/tally.h"
#include "train/samples.h"

typedef struct {
    const char *base;
    int epochs;
    int threads;
    bool json;
} audit_options;

#define AT(field) .at = offsetof(audit_options, field)

static const cmd_flag flags[] = {
    { .name = "base-config", .type = CMD_TEXT, AT(base), .value = "FILE",
      .help = "YAML that lies under everything" },
    { .name = "epochs", .type = CMD_COUNT, AT(epochs), .value = "N",
      .preset = "1", .help = "look at so many epochs" },
    { .name = "threads", .type = CMD_COUNT, AT(threads), .value = "N",
      .help = "threads (default: all cores)" },
    { .name = "json", .type = CMD_SWITCH, AT(json),
      .help = "one JSON value instead of text" },
};

/* What became of one sample; texts and points are not kept. */
typedef struct {
    qvl_augment_report report;
    qvl_record out;  // its size alone
} outcome;

typedef struct {
    const audit_options *o;
    const char *path;
    qvl_run_config config;
    qvl_samples samples;  // records alone
    qvl_epoch_plan plan;
    qvl_epoch_slot *order;  // [n_records] of the epoch
    qvl_arena work;       // while it is found
    uint64_t epoch;
    outcome *sample;      // [n_records] by their places
    qvl_augment_tally tally;
    qvl_arena arena;
    qvl_str out;
    qvl_err *err;
} call;

/* ---- samples -------------------------------------------------------------- */

static const qvl_record *record_at(const call *c, size_t place)
{
    return &c->samples.train.record[c->order[place].record];
}

static const qvl_recipe *recipe_at(const call *c, size_t place)
{
    return qvl_recipe_of(&c->samples.train.recipes, c->order[place].record);
}

/* The sample at a place of the epoch. */
static int audit_one(void *ctx, size_t place, int thread, qvl_arena *arena,
                     qvl_err *err)
{
    const call *c = ctx;
    const qvl_record *record = record_at(c, place);
    const qvl_record *out;
    qvl_sample_at at = qvl_epoch_plan_sample(&c->plan, c->order, c->epoch, place);
    outcome *result = &c->sample[place];
    qvl_aug_outcome *kept = (qvl_aug_outcome *)result->report.outcome;
    qvl_augment_report report;
    (void)thread;
    qvl_arena_reset(arena);
    QVL_TRY(qvl_recipe_see(recipe_at(c, place), record, &at, arena, &out, &report,
                           err));
    if (!report.is_bypassed)
        memcpy(kept, report.outcome, (size_t)c->tally.n_ops * sizeof *kept);
    report.outcome = kept;
    result->report = report;
    result->out = (qvl_record){ .w = out->w, .h = out->h };
    return QVL_OK;
}

/* All places of an epoch, added up in their order; of a fusion those of entries that
 * are augmented. */
static int audit_epoch(call *c, size_t n, int n_threads)
{
    qvl_arena_reset(&c->work);
    qvl_epoch_plan_order(c->order, &c->plan, c->epoch, &c->work);
    QVL_TRY(qvl_each(n, n_threads, audit_one, c, NULL, c->err));
    for (size_t place = 0; place < n; place++)
        if (recipe_at(c, place)->augmenter != NULL)
            qvl_augment_tally_add(&c->tally, record_at(c, place),
                                  &c->sample[place].out, &c->sample[place].report);
    return QVL_OK;
}

/* Places that a run takes: without the end that is dropped. */
static size_t count_places(const call *c)
{
    size_t n = qvl_epoch_plan_batches(&c->plan);
    if (n == 0)
        return 0;
    qvl_stretch last = qvl_epoch_plan_batch(&c->plan, n - 1);
    return last.first + last.n;
}

static void prepare(call *c)
{
    const qvl_run_config *config = &c->config;
    c->plan = qvl_samples_plan(&c->samples, config);
    size_t n = c->plan.n_records;
    qvl_samples_augment(&c->samples, config, qvl_samples_steps(&c->samples, config),
                        &c->arena);
    qvl_augment_tally_init(&c->tally, config->augmentation->n_ops, &c->arena);
    c->order = qvl_arena_array(&c->arena, qvl_epoch_slot, n);
    c->sample = qvl_arena_array(&c->arena, outcome, n);
    for (size_t k = 0; k < n; k++)
        c->sample[k].report.outcome =
            qvl_arena_array(&c->arena, qvl_aug_outcome, c->tally.n_ops);
}

static int audit(call *c)
{
    QVL_TRY(qvl_run_config_load(&c->config, c->path, c->o->base, NULL, 0, &c->arena,
                                c->err));
    if (!c->config.augmentation->is_on)
        return qvl_fail(c->err, QVL_E_CONFIG, "custom.augmentation (%s): found nothing "
                        "that is on, expected ops", c->path);
    QVL_TRY(qvl_samples_read(&c->samples, &c->config, &c->arena, c->err));
    prepare(c);
    size_t n = count_places(c);
    int n_threads = qvl_each_threads(c->o->threads, n / 16);
    for (int e = 0; e < c->o->epochs; e++) {
        c->epoch = (uint64_t)e;
        QVL_TRY(audit_epoch(c, n, n_threads));
    }
    return QVL_OK;
}

/* ---- reports -------------------------------------------------------------- */

static double mean(const call *c, double sum)
{
    return c->tally.n > 0 ? sum / (double)c->tally.n : 0.0;
}

/* The outcomes of an op that occurred, with their shares. */
static void put_outcomes(call *c, int op, const char *format, const char *gap)
{
    double n = (double)(c->tally.n - c->tally.n_bypassed);
    bool is_first = true;
    for (int k = 0; k < QVL_N_AUG_OUTCOMES; k++) {
        int64_t count = c->tally.outcome[op][k];
        if (count == 0)
            continue;
        qvl_str_puts(&c->out, is_first ? "" : gap);
        qvl_str_printf(&c->out, format, qvl_aug_outcome_name((qvl_aug_outcome)k),
                       (double)count / n);
        is_first = false;
    }
}

static void put_text(call *c)
{
    const qvl_augment_tally *t = &c->tally;
    const qvl_augmentation *rules = c->config.augmentation;
    qvl_str_printf(&c->out, "%lld samples, %lld bypassed, %lld as they were since no "
                   "object would have stayed\n", (long long)t->n,
                   (long long)t->n_bypassed, (long long)t->n_discarded);
    qvl_str_printf(&c->out, "objects: %lld, %.1f %% kept, %lld dropped, %lld added\n",
                   (long long)t->n_objects, 100 * qvl_augment_tally_kept(t),
                   (long long)t->n_dropped, (long long)t->n_added);
    qvl_str_printf(&c->out, "pictures: %.0f px, %.1f %% of the canvas padding\n",
                   mean(c, t->pixels), 100 * mean(c, t->padding_ratio));
    for (int i = 0; i < t->n_ops; i++) {
        qvl_str_printf(&c->out, "%-3d%-26s", i, qvl_aug_name(rules->op[i].id));
        put_outcomes(c, i, "%s %.3f", "  ");
        qvl_str_putc(&c->out, '\n');
    }
}

static void put_json(call *c)
{
    const qvl_augment_tally *t = &c->tally;
    const qvl_augmentation *rules = c->config.augmentation;
    qvl_str_printf(&c->out, "{\"samples\": %lld, \"bypassed\": %lld, \"discarded\": "
                   "%lld, \"objects\": %lld, \"dropped\": %lld, \"added\": %lld, ",
                   (long long)t->n, (long long)t->n_bypassed,
                   (long long)t->n_discarded, (long long)t->n_objects,
                   (long long)t->n_dropped, (long long)t->n_added);
    qvl_str_puts(&c->out, "\"pixels\": ");
    qvl_json_number(&c->out, mean(c, t->pixels));
    qvl_str_puts(&c->out, ", \"padding_ratio\": ");
    qvl_json_number(&c->out, mean(c, t->padding_ratio));
    qvl_str_puts(&c->out, ", \"ops\": [");
    for (int i = 0; i < t->n_ops; i++) {
        qvl_str_printf(&c->out, "%s{\"name\": \"%s\", \"outcomes\": {", i > 0 ? ", " : "",
                       qvl_aug_name(rules->op[i].id));
        put_outcomes(c, i, "\"%s\": %.17g", ", ");
        qvl_str_puts(&c->out, "}}");
    }
    qvl_str_puts(&c->out, "]}\n");
}

static int run_steps(void *arg)
{
    call *c = arg;
    QVL_TRY(audit(c));
    if (c->o->json)
        put_json(c);
    else
        put_text(c);
    fwrite(c->out.p, 1, c->out.len, stdout);
    return QVL_OK;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    if (n != 1)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl data audit): found %d files, "
                        "expected one configuration", n);
    call c = { .o = options, .path = word[0], .err = err };
    int rc = qvl_guard(run_steps, &c, err);
    qvl_samples_close(&c.samples);
    qvl_str_release(&c.out);
    qvl_arena_release(&c.work);
    qvl_arena_release(&c.arena);
    return rc;
}

const cmd cmd_data_audit = {
    .name = "data audit",
    .summary = "what augmentation does to the records of a run",
    .usage = "RUN.yaml [--base-config FILE] [--epochs N] [--json]",
    .details =
        "Every sample of some epochs is augmented as in training, at its step, but "
        "for its\npixels: how often each op fired, was not drawn, or was skipped and "
        "why, as shares\nof the samples that were not bypassed; what became of the "
        "objects. No model is read. Of a fusion the samples of entries without "
        "augmentation\nare left out.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(audit_options),
    .run = run,
};
