/* test_loader.c - batches in their order for any number of threads; errors, early ends */
#include "train/loader.h"

#include <time.h>

#include "base/file.h"
#include "base/rng.h"
#include "../data/augment_rules.h"
#include "../data/made.h"
#include "check.h"

#define N_RECORDS 7

static const double box[] = { 8, 8, 16, 24 };
static qvl_object object[N_RECORDS];
static qvl_record record[N_RECORDS];
static const char *image[N_RECORDS][1];

/* Records that differ in the length of their answers; all but one have a
 * picture of 32 x 32 px. */
static void make_records(void)
{
    static const char words[] = "a red box with a very long name indeed";
    for (int k = 0; k < N_RECORDS; k++) {
        static char desc[N_RECORDS][64];
        snprintf(desc[k], sizeof desc[k], "%.*s%d", 5 + 4 * k, words, k);
        image[k][0] = made_png("p.png", 32, 32);
        object[k] = (qvl_object){ QVL_GEOM_BOX, 2, box, desc[k] };
        record[k] = (qvl_record){ .file = "r.jsonl", .line = k + 1,
                                  .index = (size_t)k, .image = image[k],
                                  .n_images = 1, .w = 32, .h = 32,
                                  .object = &object[k], .n_objects = 1 };
    }
}

static qvl_encoder *open_encoder(void)
{
    qvl_err err = { 0 };
    qvl_encoder *e;
    qvl_encoder_options o = { .model = made_model() };
    for (int m = 0; m < QVL_N_MODES; m++)
        o.prompt[m] = (qvl_prompt){ "", "Detect." };
    CHECK_OK(qvl_encoder_open(&e, &o, &err), err);
    return e;
}

/* One recipe for all records, until the next call. */
static qvl_loader_options options_of(const qvl_encoder *e)
{
    static qvl_recipe recipe;
    recipe = (qvl_recipe){ .encoder = e };
    return (qvl_loader_options){
        .recipes = { .v = &recipe, .n = 1 }, .record = record,
        .plan = { .n_records = N_RECORDS, .batch = 3, .accumulate = 2,
                  .seed = 5, .is_shuffled = true },
        .end = 9, .n_taken = 2, .n_ahead = 2,
    };
}

static uint64_t hash_of(const qvl_collated *b)
{
    size_t cells = (size_t)b->in.n_rows * (size_t)b->in.row_len;
    const qvl_pictures *p = &b->in.images;
    uint64_t h = qvl_rng_mix((uint64_t)b->in.n_rows, (uint64_t)b->in.row_len);
    h = qvl_rng_mix(h, qvl_rng_hash((const char *)b->in.input_ids, 8 * cells));
    h = qvl_rng_mix(h, qvl_rng_hash((const char *)b->in.labels, 8 * cells));
    h = qvl_rng_mix(h, qvl_rng_hash((const char *)b->in.attention_mask,
                                    8 * cells));
    if (b->in.sample_ids != NULL)
        h = qvl_rng_mix(h, qvl_rng_hash((const char *)b->in.sample_ids,
                                        8 * cells));
    h = qvl_rng_mix(h, qvl_rng_hash((const char *)p->pixels,
                                    4 * p->n_rows * p->n_cols));
    return qvl_rng_mix(h, qvl_rng_hash((const char *)p->grid,
                                       24 * (size_t)p->n_grids));
}

/* Hashes of all batches, taken two and one at a time. */
static void take_all(uint64_t *hash, const qvl_loader_options *o)
{
    qvl_err err = { 0 };
    qvl_loader *l;
    CHECK_OK(qvl_loader_open(&l, o, &err), err);
    for (uint64_t b = o->first; b < o->end;) {
        qvl_collated got[2];
        int n = b % 3 == 2 || b + 1 == o->end ? 1 : 2;
        CHECK_OK(qvl_loader_take(l, got, n, &err), err);
        for (int k = 0; k < n; k++)
            hash[b++] = hash_of(&got[k]);
    }
    qvl_loader_close(l);
}

/* All nine batches are the given ones for any number of threads, and from any batch
 * on. */
static void check_same(const uint64_t *expected, qvl_loader_options o)
{
    uint64_t hash[9];
    for (o.n_threads = 0; o.n_threads <= 4; o.n_threads++)
        for (o.first = 0; o.first < 9; o.first += 4) {
            take_all(hash, &o);
            for (uint64_t b = o.first; b < 9; b++)
                CHECK(hash[b] == expected[b], "%d threads from %d: batch %d",
                      o.n_threads, (int)o.first, (int)b);
        }
}

/* Three epochs of three batches: the same for any number of threads, and from
 * any batch on. */
static void test_order(void)
{
    make_records();
    qvl_encoder *e = open_encoder();
    uint64_t alone[9];
    qvl_loader_options o = options_of(e);
    take_all(alone, &o);
    /* the last of an epoch is one record, which may come last again */
    for (int k = 0; k < 9; k++)
        for (int i = 0; i < k && k % 3 != 2; i++)
            CHECK(alone[k] != alone[i], "batches %d and %d are one", i, k);
    check_same(alone, o);
    qvl_encoder_close(e);
}

/* ---- packed rows --------------------------------------------------------- */

/* Tokens of a record, in any epoch. */
static int length_of(void *ctx, const qvl_sample_at *at, int *n_tokens,
                     qvl_err *err)
{
    qvl_arena a = { 0 };
    qvl_encoded s;
    int rc = qvl_encode_text(ctx, &record[at->record], at->epoch, &a, &s, err);
    *n_tokens = s.n;
    qvl_arena_release(&a);
    return rc;
}

static qvl_pack_source pack_of(qvl_encoder *e, const qvl_loader_options *o)
{
    int longest = 0;
    for (size_t k = 0; k < N_RECORDS; k++) {
        int n;
        length_of(e, &(qvl_sample_at){ .record = k }, &n, NULL);
        longest = n > longest ? n : longest;
    }
    return (qvl_pack_source){ .plan = o->plan, .length = length_of, .ctx = e,
                              .rows_of_update = 4,
                              .rules = { 2 * longest, 4, QVL_PACK_BFD } };
}

/* A packed row has the samples of its records one behind the other, with their
 * numbers, and padding behind the shorter ones. */
static void check_packed(const qvl_collated *c)
{
    const qvl_encoded *s = c->sample;
    for (int row = 0; row < c->in.n_rows; row++) {
        size_t at = (size_t)row * (size_t)c->in.row_len;
        size_t end = at + (size_t)c->in.row_len;
        for (int64_t k = 0; at < end && c->in.attention_mask[at] == 1; k++, s++)
            for (int i = 0; i < s->n; i++, at++) {
                CHECK_INT(c->in.input_ids[at], s->id[i], "%zu", at);
                CHECK_INT(c->in.labels[at], s->label[i], "%zu", at);
                CHECK_INT(c->in.sample_ids[at], k, "%zu", at);
                CHECK_INT(c->in.attention_mask[at], 1, "%zu", at);
            }
        for (; at < end; at++)
            CHECK(c->in.attention_mask[at] == 0 && c->in.labels[at] == -100,
                  "padding %zu", at);
    }
    CHECK_INT(s - c->sample, c->n_samples, "samples");
}

/* Batches of two rows: the same for any number of threads, and from any batch on;
 * epochs flow on, each with all records. */
static void test_packed(void)
{
    make_records();
    qvl_encoder *e = open_encoder();
    qvl_loader_options o = options_of(e);
    o.plan.batch = 2;
    qvl_pack_source pack = pack_of(e, &o);
    o.pack = &pack;
    uint64_t alone[9];
    take_all(alone, &o);
    check_same(alone, o);
    qvl_loader *l;
    qvl_err err = { 0 };
    size_t n_seen[N_RECORDS] = { 0 }, n_samples = 0, n_ends = 0;
    CHECK_OK(qvl_loader_open(&l, &o, &err), err);
    for (uint64_t b = 0; b < o.end; b++) {
        qvl_collated c;
        CHECK_OK(qvl_loader_take(l, &c, 1, &err), err);
        CHECK_INT(c.in.n_rows, 2, "batch %d", (int)b);
        check_packed(&c);
        for (int i = 0; i < c.n_samples; i++)
            n_seen[c.sample[i].record->index]++;
        n_samples += (size_t)c.n_samples;
        CHECK_INT(c.at.epoch * N_RECORDS + c.at.n_given, n_samples, "progress");
        n_ends += c.at.ends_epoch;
    }
    CHECK(n_samples > 2 * 9, "rows have %zu samples in all", n_samples);
    CHECK_INT(n_ends, n_samples / N_RECORDS, "ends of epochs");
    for (int k = 0; k < N_RECORDS; k++)
        CHECK(n_seen[k] >= n_samples / N_RECORDS
              && n_seen[k] <= n_samples / N_RECORDS + 1, "record %d", k);
    qvl_loader_close(l);
    qvl_encoder_close(e);
}

/* ---- augmented ----------------------------------------------------------- */

static const char changes[] =
    "bypass_prob: 0.2\n"
    "ops:\n"
    "- {name: hflip}\n"
    "- {name: rotate, params: {max_deg: 5, prob: 1}}\n"
    "- {name: resize_by_scale, params: {lo: 0.5, hi: 3}}\n"
    "- {name: color_jitter}\n"
    "curriculum: {phases: [{until_percent: 50, ops: {rotate: {max_deg: 90}}}]}\n";

/* Lengths as the loader will find them. */
typedef struct {
    qvl_encoder *e;
    const qvl_augmenter *a;
} augmented;

static int augmented_length(void *ctx, const qvl_sample_at *at, int *n_tokens,
                            qvl_err *err)
{
    const augmented *c = ctx;
    const qvl_record *r = &record[at->record];
    qvl_arena arena = { 0 };
    qvl_encoded s = { 0 };
    int rc = qvl_augment(c->a, r, at, QVL_MODE_DENSE, &arena, &r, NULL, err);
    if (rc == QVL_OK)
        rc = qvl_encode_text(c->e, r, at->epoch, &arena, &s, err);
    *n_tokens = s.n;
    qvl_arena_release(&arena);
    return rc;
}

/* Rows are no longer than they may be: lengths are asked for with the step that the
 * sample is made with. */
static void check_rows(const qvl_loader_options *o, int most)
{
    qvl_err err = { 0 };
    qvl_loader *l;
    CHECK_OK(qvl_loader_open(&l, o, &err), err);
    for (uint64_t b = 0; b < o->end; b++) {
        qvl_collated c;
        CHECK_OK(qvl_loader_take(l, &c, 1, &err), err);
        CHECK(c.augment != NULL && c.record[0] != NULL, "batch %d", (int)b);
        CHECK(c.in.row_len <= most, "batch %d: %d of %d", (int)b, c.in.row_len, most);
        check_packed(&c);
    }
    qvl_loader_close(l);
}

/* The same for any number of threads, and from any batch on; others without. */
static void test_augmented(void)
{
    qvl_arena arena = { 0 };
    qvl_augmentation rules;
    make_records();
    augment_rules(&rules, changes, &arena);
    qvl_encoder *e = open_encoder();
    const qvl_augmenter a = { .rules = &rules, .seed = 5, .total_steps = 5 };
    qvl_loader_options o = options_of(e);
    uint64_t plain[9], changed[9];
    int n_same = 0;
    take_all(plain, &o);
    const qvl_recipe recipe = { .encoder = e, .augmenter = &a };
    o.recipes.v = &recipe;
    take_all(changed, &o);
    check_same(changed, o);
    for (int k = 0; k < 9; k++)
        n_same += plain[k] == changed[k];
    CHECK(n_same < 4, "%d batches as they were", n_same);

    augmented ctx = { e, &a };
    qvl_pack_source pack = { .plan = o.plan, .length = augmented_length, .ctx = &ctx,
                             .rows_of_update = 4,
                             .rules = { 400, 4, QVL_PACK_BFD } };
    pack.plan.batch = o.plan.batch = 2;
    o.pack = &pack;
    take_all(changed, &o);
    check_same(changed, o);
    check_rows(&o, 400);
    qvl_encoder_close(e);
    qvl_arena_release(&arena);
}

static void test_padding(void)
{
    make_records();
    qvl_err err = { 0 };
    qvl_encoder *e = open_encoder();
    qvl_arena a = { 0 };
    qvl_encoded s[3];
    for (int k = 0; k < 3; k++)
        CHECK_OK(qvl_encode(e, &record[2 * k], 0, &a, &s[k], &err), err);
    qvl_collated c = qvl_collate(s, 3, NULL, 3, &a);
    CHECK_INT(c.in.n_rows, 3, "rows");
    CHECK_INT(c.in.row_len, s[2].n, "the longest");
    CHECK_INT(c.n_tokens, s[0].n + s[1].n + s[2].n, "tokens");
    CHECK(s[0].n < s[2].n, "one is shorter");
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < c.in.row_len; i++) {
            int at = k * c.in.row_len + i;
            bool is_real = i < s[k].n;
            CHECK_INT(c.in.attention_mask[at], is_real, "row %d, %d", k, i);
            CHECK_INT(c.in.labels[at], is_real ? s[k].label[i] : -100,
                      "row %d, %d", k, i);
            if (is_real)
                CHECK_INT(c.in.input_ids[at], s[k].id[i], "row %d, %d", k, i);
        }
    CHECK_INT(c.in.images.n_grids, 3, "grids");
    CHECK_INT(c.in.images.n_rows, 12, "patches");
    CHECK(memcmp(c.in.images.pixels + 4 * c.in.images.n_cols, s[1].pixels,
                 4 * c.in.images.n_cols * sizeof(float)) == 0, "patches of 1");
    qvl_arena_release(&a);
    qvl_encoder_close(e);
}

/* Text alone has neither patches nor grids; it may stand beside pictures. */
static void test_text(void)
{
    qvl_arena a = { 0 };
    int64_t id[2] = { 4, 5 }, label[2] = { -100, 5 }, grid[3] = { 1, 2, 2 };
    float pixels[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    qvl_encoded s[2] = { { .n = 2, .id = id, .label = label,
                           .n_supervised = 1 } };
    qvl_collated c = qvl_collate(s, 1, NULL, 1, &a);
    CHECK(c.in.images.pixels == NULL && c.in.images.grid == NULL
          && c.in.images.n_rows == 0 && c.in.images.n_grids == 0, "no picture");
    s[1] = s[0];
    s[1].pixels = pixels;
    s[1].grid = grid;
    s[1].n_patches = 4;
    s[1].n_values = 2;
    s[1].n_grids = 1;
    c = qvl_collate(s, 2, NULL, 2, &a);
    CHECK(c.in.images.n_rows == 4 && c.in.images.n_cols == 2
          && c.in.images.n_grids == 1, "one picture");
    CHECK(memcmp(c.in.images.pixels, pixels, sizeof pixels) == 0, "its pixels");
    qvl_arena_release(&a);
}

/* A picture that is gone: the batches before it come, then the error. */
static void test_error(void)
{
    static const char *const none[] = { "none.png" };
    for (int n_threads = 0; n_threads <= 2; n_threads++) {
        make_records();
        record[4].image = none;
        qvl_err err = { 0 };
        qvl_encoder *e = open_encoder();
        qvl_loader *l;
        qvl_collated got[2];
        qvl_loader_options o = options_of(e);
        o.n_threads = n_threads;
        o.plan.is_shuffled = false;
        CHECK_OK(qvl_loader_open(&l, &o, &err), err);
        CHECK_OK(qvl_loader_take(l, got, 1, &err), err);
        got[0].n_tokens = got[1].n_tokens = -5;
        CHECK_FAILS(qvl_loader_take(l, got, 2, &err), QVL_E_IO, err,
                    "none.png");
        CHECK(got[0].n_tokens == -5 && got[1].n_tokens == -5, "unchanged");
        qvl_loader_close(l);
        qvl_encoder_close(e);
    }
}

/* Closing one that nobody took from, or half of it, ends its threads. */
static void test_close(void)
{
    make_records();
    qvl_err err = { 0 };
    qvl_encoder *e = open_encoder();
    qvl_loader_options o = options_of(e);
    o.n_threads = 3;
    for (int n = 0; n < 3; n++) {
        qvl_loader *l;
        qvl_collated got[2];
        CHECK_OK(qvl_loader_open(&l, &o, &err), err);
        for (int k = 0; k < n; k++)
            CHECK_OK(qvl_loader_take(l, got, 2, &err), err);
        qvl_loader_close(l);
    }
    o.end = 0;
    qvl_loader *l;
    CHECK_OK(qvl_loader_open(&l, &o, &err), err);
    qvl_loader_close(l);
    qvl_loader_close(NULL);
    qvl_encoder_close(e);
}

typedef struct {
    const qvl_loader_options *o;
    qvl_loader *l;
    qvl_err *err;
} loading;

static int load_two(void *arg)
{
    loading *w = arg;
    qvl_collated got[2];
    QVL_TRY(qvl_loader_open(&w->l, w->o, w->err));
    return qvl_loader_take(w->l, got, 2, w->err);
}

/* Out of host memory while it is opened and while batches are made, which the
 * taker does himself here: the limit is that of a thread. */
static void check_no_memory(const qvl_loader_options *o)
{
    qvl_err err = { 0 };
    int n_failed = 0;
    for (size_t limit = 8, done = 0; !done; limit += limit / 4 + 8) {
        loading w = { .o = o, .err = &err };
        qvl_memory_limit(limit);
        int rc = qvl_guard(load_two, &w, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "%zu bytes: %s", limit,
              err.msg);
        n_failed += rc != QVL_OK;
        done = rc == QVL_OK;
        qvl_loader_close(w.l);
    }
    CHECK(n_failed > 5, "found %d failures", n_failed);
}

static void test_no_memory(void)
{
    make_records();
    qvl_encoder *e = open_encoder();
    qvl_loader_options o = options_of(e);
    check_no_memory(&o);
    qvl_pack_source pack = pack_of(e, &o);
    o.pack = &pack;
    check_no_memory(&o);
    qvl_encoder_close(e);
}

/* The order of the records is held once, and packed rows have one of their own. */
static void test_memory_of_order(void)
{
    enum { N = 1000000 };
    for (int is_packed = 0; is_packed < 2; is_packed++) {
        qvl_err err = { 0 };
        qvl_loader_options o = options_of(NULL);
        o.plan.n_records = N;
        qvl_pack_source pack = { .plan = o.plan, .length = length_of,
                                 .rows_of_update = 4,
                                 .rules = { 100, 4, QVL_PACK_BFD } };
        o.pack = is_packed ? &pack : NULL;
        qvl_loader *l;
        qvl_memory_limit((is_packed ? 2 : 1) * sizeof(qvl_epoch_slot) * N + 100000);
        int rc = qvl_loader_open(&l, &o, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK_OK(rc, err);
        qvl_loader_close(l);
    }
}

/* ---- lengths that go wrong ----------------------------------------------- */

/* Lengths are asked for under the lock of a loader, by whichever thread. */
typedef struct {
    qvl_encoder *e;
    int n_asked;
    int fails_at;       // number of the question, from 1 on; 0: none
    int limits_at;      // behind this one the thread that asked has little memory
    size_t limit_bytes;
} trouble;

static int troubled_length(void *ctx, const qvl_sample_at *at, int *n_tokens,
                           qvl_err *err)
{
    trouble *t = ctx;
    t->n_asked++;
    if (t->n_asked == t->fails_at)
        return qvl_fail(err, QVL_E_DATA, "length of %zu", at->record);
    QVL_TRY(length_of(t->e, at, n_tokens, err));
    if (t->n_asked == t->limits_at)
        qvl_memory_limit(t->limit_bytes);
    return QVL_OK;
}

/* Take batches of two packed rows, one at a time, up to an error: the first ones
 * of `expected`. Returns their number. */
static int take_to_error(trouble *t, const uint64_t *expected, int n_threads,
                         qvl_err *err)
{
    qvl_loader_options o = options_of(t->e);
    qvl_loader *l;
    int n = 0;
    o.n_threads = n_threads;
    o.plan.batch = 2;
    qvl_pack_source pack = pack_of(t->e, &o);
    pack.length = troubled_length;
    pack.ctx = t;
    o.pack = &pack;
    CHECK_OK(qvl_loader_open(&l, &o, err), *err);
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    for (int rc = QVL_OK; rc == QVL_OK && n < 9;) {
        qvl_collated got;
        rc = qvl_loader_take(l, &got, 1, err);
        if (rc != QVL_OK)
            break;
        CHECK(hash_of(&got) == expected[n], "%d threads: batch %d", n_threads,
              n);
        n++;
    }
    qvl_loader_close(l);
    qvl_memory_limit(SIZE_MAX);
    return n;
}

/* Nothing is asked of the stream of rows behind its error, whoever has time for
 * the next batch. */
static void test_broken_stream(void)
{
    make_records();
    qvl_encoder *e = open_encoder();
    uint64_t expected[9];
    qvl_loader_options o = options_of(e);
    o.plan.batch = 2;
    qvl_pack_source pack = pack_of(e, &o);
    o.pack = &pack;
    take_all(expected, &o);
    for (int at = 1; at <= 25; at++) {
        int n_alone = 0;
        for (int n_threads = 0; n_threads <= 4; n_threads += 2) {
            trouble t = { .e = e, .fails_at = at };
            qvl_err err = { 0 };
            int n = take_to_error(&t, expected, n_threads, &err);
            n_alone = n_threads == 0 ? n : n_alone;
            CHECK_INT(n, n_alone, "question %d, %d threads", at, n_threads);
            CHECK_INT(err.code, QVL_E_DATA, "question %d", at);
            CHECK_INT(t.n_asked, at, "%d threads", n_threads);
        }
    }
    for (size_t limit = 0; limit < 300000; limit += limit / 2 + 100) {
        trouble t = { .e = e, .limits_at = 18, .limit_bytes = limit };
        qvl_err err = { 0 };
        int n = take_to_error(&t, expected, 3, &err);
        CHECK(n == 9 || err.code == QVL_E_MEMORY, "%zu bytes: %s", limit,
              err.msg);
        CHECK(n < 9 || limit > 0, "no failure without memory");
    }
    qvl_encoder_close(e);
}

RUN_TESTS(TEST(test_order), TEST(test_packed), TEST(test_augmented),
          TEST(test_padding), TEST(test_text), TEST(test_error), TEST(test_close),
          TEST(test_no_memory), TEST(test_memory_of_order), TEST(test_broken_stream))
