/* inspect_sample.c - samples of a training run, taken from its loader
 *
 * The records, their order, the encoder and, with training.packing, the rows are
 * those of training. What is printed is read out of its batches.
 *
 *     record  its number among the records of all files, as they stand; --index counts
 *             those of all entries of a fusion that are taken, what is printed is the
 *             number in the entry
 *     slot    place in the order of an epoch, in which records are shuffled
 *     place   place among the slots of one rank: place p of rank r is slot
 *             p * world + r, behind the last slot again one from the front
 *     row     packed samples, counted in an epoch: rank r has the rows r, r + world
 *             and so on, and where there are no more of them nothing
 *
 * --from names a slot; the first place whose slot is not before it is the first
 * that is printed, so slots of the front that fill up a rank still follow. Of packed
 * samples it names a row.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "config/run_config.h"
#include "data/objects.h"
#include "data/source_label.h"
#include "inspect.h"
#include "train/loader.h"
#include "train/loop.h"
#include "train/samples.h"

typedef struct {
    const inspect_sample_options *o;
    qvl_err *err;
    qvl_arena arena;  // records, configuration
    qvl_arena work;   // of one sample
    qvl_run_config config;
    qvl_samples samples;
    qvl_pack_source pack;  // with training.packing
    qvl_loader *loader;
    qvl_str out;
} call;

/* Where a sample stands in its epoch, if that is known. */
typedef struct {
    enum { ALONE, IN_SLOT, IN_ROW } kind;
    size_t number;  // of the slot or row
    int sample;     // in the row
} spot;

/* ---- one sample ----------------------------------------------------------- */

static void put_numbers(qvl_str *out, const char *key, const int64_t *v, int n)
{
    qvl_str_printf(out, "\"%s\": [", key);
    for (int i = 0; i < n; i++)
        qvl_str_printf(out, "%s%lld", i > 0 ? ", " : "", (long long)v[i]);
    qvl_str_puts(out, "], ");
}

/* The text of all ids, as the tokenizer gives it. */
static int put_text(call *c, const qvl_encoded *s)
{
    qvl_str text = { 0 };
    int *id = qvl_arena_array(&c->work, int, s->n);
    for (int i = 0; i < s->n; i++)
        id[i] = (int)s->id[i];
    int rc = qvl_tokenizer_decode(
        qvl_encoder_tokenizer(c->samples.encoder), id, (size_t)s->n,
        QVL_SPECIAL_KEEP, &text, c->err);
    if (rc == QVL_OK) {
        qvl_str_puts(&c->out, "\"text\": ");
        qvl_json_quote(&c->out, text.p, text.len);
    }
    qvl_str_release(&text);
    return rc;
}

/* Those of a dense answer, between 0 and 1000. */
static void put_objects(call *c, const qvl_encoded *s)
{
    int n;
    const qvl_record *r = s->record;
    const qvl_object *object =
        qvl_encoded_objects(c->samples.encoder, s, &n, &c->work);
    if (n > 0)  // or a size is not known
        object = qvl_objects_to_norm(object, n, r->w, r->h, &c->work);
    qvl_objects_put(&c->out, object, n);
}

static int put_json(call *c, const qvl_encoded *s, const spot *at)
{
    qvl_str *out = &c->out;
    qvl_str_printf(out, "{\"index\": %zu, ", s->record->index);
    if (c->samples.fusion != NULL) {
        const char *label = qvl_source_label(s->record, &c->work);
        qvl_str_puts(out, "\"dataset\": ");
        qvl_json_quote(out, label, strlen(label));
        qvl_str_printf(out, ", \"mode\": \"%s\", ", qvl_mode_name(s->mode));
    }
    if (at->kind == IN_ROW)
        qvl_str_printf(out, "\"row\": %zu, \"sample\": %d, ", at->number,
                       at->sample);
    put_numbers(out, "ids", s->id, s->n);
    put_numbers(out, "labels", s->label, s->n);
    qvl_str_puts(out, "\"grids\": [");
    for (int k = 0; k < s->n_grids; k++)
        qvl_str_printf(out, "%s[%lld, %lld, %lld]", k > 0 ? ", " : "",
                       (long long)s->grid[3 * k],
                       (long long)s->grid[3 * k + 1],
                       (long long)s->grid[3 * k + 2]);
    qvl_str_puts(out, "], ");
    QVL_TRY(put_text(c, s));
    qvl_str_puts(out, ", \"objects\": ");
    put_objects(c, s);
    qvl_str_puts(out, "}\n");
    return QVL_OK;
}

static int put_words(call *c, const qvl_encoded *s, const spot *at)
{
    qvl_str *out = &c->out;
    const qvl_record *r = s->record;
    if (at->kind == IN_SLOT)
        qvl_str_printf(out, "slot %zu of epoch %d, ", at->number, c->o->epoch);
    else if (at->kind == IN_ROW)
        qvl_str_printf(out, "row %zu of epoch %d, sample %d, ", at->number,
                       c->o->epoch, at->sample);
    const char *label = c->samples.fusion != NULL
                            ? qvl_arena_printf(&c->work, " of %s",
                                               qvl_source_label(r, &c->work))
                            : "";
    qvl_str_printf(out, "record %zu%s (%s:%d): %s, %d tokens, %d of them "
                   "supervised and %d of pictures\n", r->index, label, r->file,
                   r->line,
                   r->messages != NULL             ? "a conversation"
                   : s->mode == QVL_MODE_SUMMARY ? "a summary" : "objects",
                   s->n, s->n_supervised, s->n_image_tok);
    for (int k = 0; k < s->n_grids; k++)
        qvl_str_printf(out, "picture %d: %lld x %lld x %lld patches\n", k,
                       (long long)s->grid[3 * k],
                       (long long)s->grid[3 * k + 1],
                       (long long)s->grid[3 * k + 2]);
    if (r->messages == NULL && s->mode == QVL_MODE_DENSE) {
        qvl_str_puts(out, "objects: ");
        put_objects(c, s);
        qvl_str_putc(out, '\n');
    }
    QVL_TRY(qvl_samples_put(c->samples.encoder, s, out, c->err));
    qvl_str_putc(out, '\n');
    return QVL_OK;
}

static int print_sample(call *c, const qvl_encoded *s, spot at)
{
    qvl_arena_reset(&c->work);
    qvl_str_reset(&c->out);
    QVL_TRY(c->o->json ? put_json(c, s, &at) : put_words(c, s, &at));
    fwrite(c->out.p, 1, c->out.len, stdout);
    return QVL_OK;
}

/* ---- which ones ----------------------------------------------------------- */

/* Batches `first` to end - 1 of all epochs. */
static int open_loader(call *c, const qvl_loader_options *batches)
{
    qvl_loader_options options = *batches;
    options.recipes = c->samples.train.recipes;
    options.n_taken = 1;
    options.n_threads = c->config.data.dataloader_num_workers;
    options.n_ahead = c->config.data.dataloader_prefetch_factor;
    return qvl_loader_open(&c->loader, &options, c->err);
}

/* The sample of record k in a packed epoch, whose rows are found without pixels. */
static int find_in_rows(call *c, size_t k, uint64_t epoch, qvl_sample_at *at,
                        bool *is_found)
{
    qvl_pack_source source = qvl_samples_pack(&c->samples, &c->config);
    qvl_pack_stream *s = qvl_pack_stream_open(&source);
    int rc = QVL_OK;
    for (bool is_over = false; rc == QVL_OK && !is_over && !*is_found;) {
        qvl_packed_row row;
        rc = qvl_pack_stream_next(s, &row, c->err);
        for (int i = 0; rc == QVL_OK && i < row.n && !*is_found; i++) {
            *at = row.sample[i];
            *is_found = at->epoch == epoch && at->record == k;
        }
        is_over = rc == QVL_OK && row.at.epoch == epoch && row.at.ends_epoch;
    }
    qvl_pack_stream_close(s);
    return rc;
}

/* The first sample of record k in an epoch. */
static int find_sample(call *c, size_t k, uint64_t epoch, qvl_sample_at *at)
{
    qvl_epoch_plan plan = qvl_samples_plan(&c->samples, &c->config);
    bool is_found = false;
    if (c->config.training.packing) {
        QVL_TRY(find_in_rows(c, k, epoch, at, &is_found));
    } else {
        qvl_epoch_slot *order = qvl_arena_array(&c->arena, qvl_epoch_slot,
                                                plan.n_records);
        qvl_epoch_plan_order(order, &plan, epoch, &c->work);
        is_found = qvl_epoch_plan_find(at, &plan, order, epoch, k);
    }
    if (is_found)
        return QVL_OK;
    return qvl_fail(c->err, QVL_E_USAGE, "flag --index: found %zu, expected a record "
                    "that epoch %llu takes", k, (unsigned long long)epoch);
}

/* A record of its own, made as the loader makes it. */
static int print_record(call *c)
{
    const qvl_sample_set *set = &c->samples.train;
    size_t k = (size_t)c->o->index;
    qvl_encoded sample;
    qvl_sample_at at = { .record = k, .epoch = (uint64_t)c->o->epoch };
    if (k >= set->n)
        return qvl_fail(c->err, QVL_E_USAGE, "flag --index: found %zu, "
                        "expected a record from 0 to %zu", k, set->n - 1);
    const qvl_record *record = &set->record[k];
    const qvl_recipe *recipe = qvl_recipe_of(&set->recipes, k);
    if (recipe->augmenter != NULL || c->samples.fusion != NULL)
        QVL_TRY(find_sample(c, k, at.epoch, &at));
    QVL_TRY(qvl_recipe_see(recipe, record, &at, &c->arena, &record, NULL, c->err));
    QVL_TRY(qvl_encode(recipe->encoder, record, at.epoch, &c->arena, &sample, c->err));
    return print_sample(c, &sample, (spot){ .kind = ALONE });
}

/* The places of a batch from --from on; without --all the first of them. */
static int print_batch(call *c, const qvl_epoch_plan *plan, uint64_t b,
                       const qvl_collated *batch, bool *is_done)
{
    size_t first = qvl_epoch_plan_batch(plan, b).first;
    for (int i = 0; i < batch->n_samples && !*is_done; i++) {
        size_t place = first + (size_t)i;
        if (place * plan->world + plan->rank < (size_t)c->o->from)
            continue;
        spot at = { .kind = IN_SLOT,
                    .number = qvl_epoch_plan_slot(plan, place) };
        QVL_TRY(print_sample(c, &batch->sample[i], at));
        *is_done = !c->o->all;
    }
    return QVL_OK;
}

static int check_slots(call *c, const qvl_epoch_plan *plan)
{
    const inspect_sample_options *o = c->o;
    size_t n_batches = qvl_epoch_plan_batches(plan);
    if (n_batches == 0)
        return qvl_fail(c->err, QVL_E_DATA, "%s: found %zu "
                        "records, expected at least the %zu of a batch of each "
                        "of %zu ranks with data.dataloader_drop_last",
                        qvl_samples_key(&c->samples), plan->n_records, plan->batch, plan->world);
    qvl_stretch end = qvl_epoch_plan_batch(plan, n_batches - 1);
    size_t last = (end.first + end.n - 1) * plan->world + plan->rank;
    if (last >= plan->n_records)  // one from the front, which fills up
        last = last >= plan->world ? last - plan->world : 0;
    if ((size_t)o->from > last)
        return qvl_fail(c->err, QVL_E_USAGE, "flag --from: found slot %d, "
                        "expected one from 0 to %zu, the last of this rank",
                        o->from, last);
    return QVL_OK;
}

static int print_slots(call *c)
{
    const inspect_sample_options *o = c->o;
    qvl_epoch_plan plan = qvl_samples_plan(&c->samples, &c->config);
    plan.rank = (size_t)o->rank;
    plan.world = (size_t)o->world;
    QVL_TRY(check_slots(c, &plan));
    size_t n = qvl_epoch_plan_batches(&plan);
    /* The first place of the rank whose slot is not before --from. */
    size_t place = (size_t)o->from <= plan.rank
                       ? 0
                       : ((size_t)o->from - plan.rank + plan.world - 1)
                             / plan.world;
    uint64_t begin = (uint64_t)o->epoch * n;
    uint64_t first = place / plan.batch;
    bool is_done = false;
    const qvl_loader_options batches = {
        .record = c->samples.train.record, .plan = plan,
        .first = begin + first, .end = begin + n,
    };
    QVL_TRY(open_loader(c, &batches));
    for (uint64_t b = first; b < n && !is_done; b++) {
        qvl_collated batch;
        QVL_TRY(qvl_loader_take(c->loader, &batch, 1, c->err));
        QVL_TRY(print_batch(c, &plan, b, &batch, &is_done));
    }
    return QVL_OK;
}

/* ---- packed rows ---------------------------------------------------------- */

static int check_rows(call *c, size_t n_rows)
{
    const inspect_sample_options *o = c->o;
    size_t rank = (size_t)o->rank, world = (size_t)o->world;
    if (rank >= n_rows)
        return qvl_fail(c->err, QVL_E_USAGE, "flag --rank: found %zu, expected "
                        "one below the %zu packed rows of epoch %d, which are "
                        "dealt in turns", rank, n_rows, o->epoch);
    size_t last = (n_rows - 1 - rank) / world * world + rank;
    if ((size_t)o->from > last)
        return qvl_fail(c->err, QVL_E_USAGE, "flag --from: found row %d, "
                        "expected one from 0 to %zu, the last of this rank in "
                        "epoch %d", o->from, last, o->epoch);
    return QVL_OK;
}

static int print_row(call *c, const qvl_collated *row, size_t number)
{
    for (int i = 0; i < row->n_samples; i++) {
        spot at = { .kind = IN_ROW, .number = number, .sample = i };
        QVL_TRY(print_sample(c, &row->sample[i], at));
    }
    return QVL_OK;
}

/* The rows of a rank from --from on, without --all the first of them. Of the loader
 * each is a batch: training's do not stop at the end of an epoch. */
static int print_rows(call *c)
{
    const inspect_sample_options *o = c->o;
    size_t rank = (size_t)o->rank, world = (size_t)o->world;
    size_t first = (size_t)o->from;
    qvl_stretch rows;
    c->pack = qvl_samples_pack(&c->samples, &c->config);
    c->pack.plan.batch = 1;
    QVL_TRY(qvl_pack_stream_count(&c->pack, (uint64_t)o->epoch, &rows, c->err));
    QVL_TRY(check_rows(c, rows.n));
    while (first % world != rank)
        first++;
    size_t end = o->all ? rows.n : first + 1;
    const qvl_loader_options batches = {
        .record = c->samples.train.record, .plan = c->pack.plan,
        .pack = &c->pack,
        .first = rows.first + first, .end = rows.first + end,
    };
    QVL_TRY(open_loader(c, &batches));
    for (size_t r = first; r < end; r++) {
        qvl_collated row;
        QVL_TRY(qvl_loader_take(c->loader, &row, 1, c->err));
        if (r % world == rank)
            QVL_TRY(print_row(c, &row, r));
    }
    return QVL_OK;
}

/* ---- the topic ------------------------------------------------------------ */

static int run_steps(void *arg)
{
    call *c = arg;
    const inspect_sample_options *o = c->o;
    qvl_epoch_plan plan;
    int64_t max_steps;
    QVL_TRY(qvl_run_config_load(&c->config, o->config, o->base, NULL, 0,
                                &c->arena, c->err));
    QVL_TRY(qvl_samples_open(&c->samples, &c->config, QVL_SAMPLES_FIRST,
                             &c->arena, c->err));
    QVL_TRY(qvl_loop_plan(&plan, &max_steps, &c->config, &c->samples, &c->arena,
                          c->err));
    qvl_samples_augment(&c->samples, &c->config, max_steps, &c->arena);
    if (o->index >= 0)
        return print_record(c);
    return c->config.training.packing ? print_rows(c) : print_slots(c);
}

int inspect_sample(const inspect_sample_options *options, qvl_err *err)
{
    call c = { .o = options, .err = err };
    if (options->world < 1 || options->rank >= options->world)
        return qvl_fail(err, QVL_E_USAGE, "flags --rank, --world: found %d of "
                        "%d, expected a rank from 0 to below the number of "
                        "ranks", options->rank, options->world);
    int rc = qvl_guard(run_steps, &c, err);
    qvl_loader_close(c.loader);
    qvl_samples_close(&c.samples);
    qvl_str_release(&c.out);
    qvl_arena_release(&c.work);
    qvl_arena_release(&c.arena);
    return rc;
}
