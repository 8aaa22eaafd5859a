/* What an optimizer step costs beside its arithmetic: submissions, waits of the
 * host, bytes that pass between host and device, on every back end. */
#include "each_backend.h"
#include "small.h"
#include "train/trainer.h"

#define BYTES_PER_TOKEN 1024  // ids, ranges, angles, tables of lookups
#define BYTES_BESIDE 16384    // rates, and rounding of small arrays
#define BYTES_DOWN 1024       // loss, hits, norm

typedef struct {
    double pixel_bytes;
    double bytes;  // all inputs, at most
} inputs;

static inputs count_inputs(const qvl_batch_in *batch, int n)
{
    inputs in = { 0.0, BYTES_BESIDE };
    for (int k = 0; k < n; k++) {
        const qvl_batch_in *b = &batch[k];
        size_t rows = b->images.n_rows + b->videos.n_rows;
        in.pixel_bytes += 4.0 * (double)(b->images.n_rows * b->images.n_cols)
                          + 4.0 * (double)(b->videos.n_rows * b->videos.n_cols);
        in.bytes += BYTES_PER_TOKEN
                    * ((double)(b->n_rows * b->row_len) + (double)rows);
    }
    in.bytes += in.pixel_bytes;
    return in;
}

static qvl_device_counts counts_of(const qvl_trainer *t)
{
    const qvl_device *dev =
        qvl_model_about(qvl_trainer_about(t)->model)->device;
    qvl_device_counts c;
    dev->be->counts(dev, &c);
    return c;
}

/* A step of n batches, when all programs are there. */
static void check_step(qvl_trainer *t, int n, const char *device)
{
    inputs in = count_inputs(small_batches(), n);
    qvl_train_report r;
    qvl_error error;
    qvl_device_counts before = counts_of(t);
    CHECK(qvl_train_step(t, small_batches(), n, &r, &error) == 0, "%s: %s",
          device, error.message);
    qvl_device_counts after = counts_of(t);
    uint64_t submits = after.n_submits - before.n_submits;
    uint64_t waits = after.n_waits - before.n_waits;
    double up = (double)(after.bytes_up - before.bytes_up);
    double down = (double)(after.bytes_down - before.bytes_down);
    CHECK(submits >= 1 && submits <= (uint64_t)(2 * n + 2),
          "%s, %d batches: %llu submissions", device, n,
          (unsigned long long)submits);
    CHECK(waits >= 1 && waits <= 2, "%s, %d batches: %llu waits", device, n,
          (unsigned long long)waits);
    CHECK(up >= in.pixel_bytes && up <= in.bytes,
          "%s, %d batches: %.0f bytes up, of pixels %.0f, at most %.0f", device,
          n, up, in.pixel_bytes, in.bytes);
    CHECK(down >= 12.0 && down <= BYTES_DOWN, "%s, %d batches: %.0f bytes down",
          device, n, down);
    CHECK(after.bytes_held == before.bytes_held, "%s, %d batches: memory grew",
          device, n);
}

static void check_device(const char *device, const void *arg)
{
    (void)arg;
    qvl_train_options o = small_options();
    o.device = device;
    qvl_trainer *t = small_open(&o);
    small_train(t, 2, SMALL_BATCHES);  // programs are recorded, memory is there
    check_step(t, 1, device);
    check_step(t, SMALL_BATCHES, device);
    qvl_train_close(t);
}

static void test_counts(void)
{
    each_backend(check_device, NULL);
}

RUN_TESTS(TEST(test_counts))
