/* test_cached.c - sequences continued from a cache, against the same read whole
 *
 * Logits of every token must be those of reading the whole sequence at once, in
 * pieces of any size, with blocks in any order, beside other rows and rows that
 * are not there.
 */
#include "check.h"

#include "backend/backend.h"
#include "model/model.h"
#include "tensor/dtype.h"

#define N 67          // tokens of a sequence
#define BLOCK 8
#define SEAT_BLOCKS 9
#define ROWS 3
#define TOLERANCE 2e-5

typedef struct {
    qvl_model *model;
    int vocab;
    int64_t id[ROWS][N];
    float *whole[ROWS];  // [N, vocab]
    float *found;        // [ROWS * N, vocab]
    int32_t block[ROWS * SEAT_BLOCKS];
} fixture;

static fixture f;

static void step(const qvl_batch_source *source, size_t n_logits)
{
    qvl_err err = { 0 };
    qvl_model_want want = { 0 };
    CHECK_OK(qvl_model_step(f.model, source, &want, &err), err);
    CHECK_OK(qvl_model_output(f.model, "logits", f.found,
                              n_logits * (size_t)f.vocab, &err), err);
}

/* Text ids: those below the control tokens of the small vocabulary. */
static void make_ids(void)
{
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < N; i++)
            f.id[r][i] = (i * 37 + r * 101 + i * i) % 200;
}

static bool open_model(const char *device, int dtype)
{
    qvl_err err = { 0 };
    qvl_model_options options = { .device = device, .dtype = dtype };
    int rc = qvl_model_open(&f.model, FIXTURE, &options, &err);
    if (rc == QVL_E_DEVICE) {
        print_message("SKIP %s: no device\n", device);
        return false;
    }
    CHECK_OK(rc, err);
    f.vocab = qvl_model_about(f.model)->config->vocab;
    size_t all = (size_t)ROWS * N * (size_t)f.vocab;
    f.found = malloc(all * sizeof *f.found);
    make_ids();
    for (int r = 0; r < ROWS; r++) {
        qvl_batch_source source = { .n_rows = 1, .row_len = N,
                                    .id = f.id[r],
                                    .logits = QVL_LOGITS_ALL };
        step(&source, N);
        f.whole[r] = malloc((size_t)N * (size_t)f.vocab * sizeof(float));
        memcpy(f.whole[r], f.found,
               (size_t)N * (size_t)f.vocab * sizeof(float));
    }
    /* Blocks of the rows, mixed: row r's block k is where nobody expects it. */
    for (int i = 0; i < ROWS * SEAT_BLOCKS; i++)
        f.block[i] = (i * 11 + 5) % (ROWS * SEAT_BLOCKS);
    return true;
}

static void close_model(void)
{
    qvl_model_close(f.model);
    free(f.found);
    for (int r = 0; r < ROWS; r++)
        free(f.whole[r]);
    memset(&f, 0, sizeof f);
}

/* Largest distance of n rows of logits from those of reading row r whole. */
static double distance(const float *found, int r, int first, int n)
{
    const float *want = f.whole[r] + (size_t)first * (size_t)f.vocab;
    double most = 0.0;
    for (size_t i = 0; i < (size_t)n * (size_t)f.vocab; i++) {
        double d = fabs((double)found[i] - (double)want[i]);
        most = d > most || isnan(d) ? d : most;
    }
    return most;
}

static qvl_batch_cache cache_of(const int32_t *table, const int32_t *past)
{
    return (qvl_batch_cache){
        .n_slots = ROWS * SEAT_BLOCKS * BLOCK, .block_len = BLOCK,
        .block = f.block, .n_blocks = ROWS * SEAT_BLOCKS, .table = table,
        .past = past, .next = past,
    };
}

/* Row 1 in pieces of `piece` tokens, the first one of `first`. */
static void read_pieces(const char *device, int first, int piece,
                        double tolerance)
{
    int32_t table = SEAT_BLOCKS, past = 0;
    qvl_batch_cache cache = cache_of(&table, &past);
    for (int at = 0; at < N;) {
        int n = at == 0 ? first : piece;
        n = n < N - at ? n : N - at;
        past = at;
        qvl_batch_source source = { .n_rows = 1, .row_len = n,
                                    .id = f.id[1] + at,
                                    .logits = QVL_LOGITS_ALL,
                                    .cache = &cache };
        step(&source, (size_t)n);
        CHECK(distance(f.found, 1, at, n) < tolerance,
              "%s, tokens %d to %d of pieces %d, %d: %g off", device, at,
              at + n, first, piece, distance(f.found, 1, at, n));
        at += n;
    }
    qvl_model_drop_cache(f.model);
}

/* All rows, from places of their own on, token by token beside a row that is
 * not there. */
static void read_together(const char *device)
{
    int32_t table[ROWS + 1] = { 2 * SEAT_BLOCKS, 0, SEAT_BLOCKS, 0 };
    int32_t past[ROWS + 1] = { 0, 0, 0, -1 };
    static const int start[ROWS] = { 7, 8, 33 };
    qvl_batch_cache cache = cache_of(table, past);
    int64_t id[ROWS * 33] = { 0 }, mask[ROWS * 33] = { 0 };
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < start[r]; i++) {
            id[r * 33 + i] = f.id[r][i];
            mask[r * 33 + i] = 1;
        }
    qvl_batch_source source = { .n_rows = ROWS, .row_len = 33, .id = id,
                                .mask = mask, .logits = QVL_LOGITS_LAST,
                                .cache = &cache };
    step(&source, ROWS);
    for (int r = 0; r < ROWS; r++)
        CHECK(distance(f.found + (size_t)r * (size_t)f.vocab, r, start[r] - 1,
                       1) < TOLERANCE, "%s, last of prompt %d", device, r);
    int64_t one[ROWS + 1] = { 0 };
    source = (qvl_batch_source){ .n_rows = ROWS + 1, .row_len = 1, .id = one,
                                 .logits = QVL_LOGITS_LAST, .cache = &cache };
    for (int k = 0; k < 20; k++) {
        for (int r = 0; r < ROWS; r++) {
            past[r] = start[r] + k;
            one[r] = f.id[r][past[r]];
        }
        step(&source, ROWS + 1);
        for (int r = 0; r < ROWS; r++)
            CHECK(distance(f.found + (size_t)r * (size_t)f.vocab, r, past[r],
                           1) < TOLERANCE, "%s, token %d of row %d", device,
                  past[r], r);
    }
    qvl_model_drop_cache(f.model);
}

static void run_device(const char *device)
{
    if (!open_model(device, QVL_F32))
        return;
    read_pieces(device, N, N, TOLERANCE);
    read_pieces(device, 1, 1, TOLERANCE);
    read_pieces(device, 7, 13, TOLERANCE);
    read_pieces(device, 9, 1, TOLERANCE);
    read_pieces(device, 64, 2, TOLERANCE);
    read_together(device);
    close_model();
}

static void test_cpu(void)
{
    run_device("cpu");
}

static void test_opencl(void)
{
    run_device("opencl");
}

static void test_vulkan(void)
{
    run_device("vulkan");
}

/* In 16 bits what is kept is rounded as what is read: nearly the same. */
static void test_rounded(void)
{
    if (!open_model("cpu", QVL_BF16))
        return;
    read_pieces("cpu, bf16", 8, 5, 0.1);
    close_model();
}

/* Tables that leave the cache are a mistake of the caller, and told. */
static void test_outside(void)
{
    qvl_err err = { 0 };
    qvl_model_want want = { 0 };
    if (!open_model("cpu", QVL_F32))
        return;
    int32_t table = ROWS * SEAT_BLOCKS - 1, past = 1;
    qvl_batch_cache cache = cache_of(&table, &past);
    qvl_batch_source source = { .n_rows = 1, .row_len = BLOCK,
                                .id = f.id[0], .logits = QVL_LOGITS_LAST,
                                .cache = &cache };
    CHECK_INT(qvl_model_step(f.model, &source, &want, &err), QVL_E_INTERNAL,
              "a table behind the end");
    CHECK_HAS(err.msg, "block table", "message");
    close_model();
}

RUN_TESTS(TEST(test_cpu), TEST(test_opencl), TEST(test_vulkan),
          TEST(test_rounded), TEST(test_outside))
