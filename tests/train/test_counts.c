/* test_counts.c - what an optimizer step costs beside its arithmetic: submissions,
 * waits of the host, bytes that pass between host and device, on every back end,
 * without and with scores of rows
 */
#include <stdlib.h>

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

/* How Vulkan reads: in its memory, or through a few stages. */
typedef enum { READS_IN_PLACE, READS_STAGED, READS_AS_IT_LIKES } reads;

/* The host waits for loss and norm. Rows are read after that, for which it waits
 * again where reads are staged; and with more batches than stages it may wait for
 * two of these. */
static void check_waits(int waits, int n, bool has_rows, reads how,
                        const char *device)
{
    int least = 1 + (how == READS_STAGED && has_rows);
    int most = 1 + (how != READS_IN_PLACE && has_rows)
               + (how != READS_IN_PLACE && n > 1 ? 2 : 0);
    CHECK(waits >= least && waits <= most, "%s, %d batches: %d waits, expected "
          "%d to %d", device, n, waits, least, most);
}

/* A step of n batches, when all programs are there. Scores of rows take a copy
 * behind each batch, and 8 bytes a label. */
static void check_step(qvl_trainer *t, int n, bool has_rows, reads how,
                       const char *device)
{
    inputs in = count_inputs(small_batches(), n);
    int n_labels = 0;
    for (int k = 0; k < n; k++)
        n_labels += small_labels[k];
    double rows_down = has_rows ? 8.0 * n_labels : 0.0;
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
    CHECK_INT(submits, (has_rows ? 2 * n : n) + 1, "%s, %d batches: submissions",
              device, n);
    check_waits((int)waits, n, has_rows, how, device);
    CHECK(up >= in.pixel_bytes && up <= in.bytes,
          "%s, %d batches: %.0f bytes up, of pixels %.0f, at most %.0f", device,
          n, up, in.pixel_bytes, in.bytes);
    CHECK(down >= 12.0 + rows_down && down <= BYTES_DOWN + rows_down,
          "%s, %d batches: %.0f bytes down, of rows %.0f", device, n, down,
          rows_down);
    CHECK(after.bytes_held == before.bytes_held, "%s, %d batches: memory grew",
          device, n);
}

static void check_trainer(const char *device, bool has_rows, reads how)
{
    qvl_train_options o = small_options();
    o.device = device;
    o.scores_rows = has_rows;
    qvl_trainer *t = small_open(&o);
    small_train(t, 2, SMALL_BATCHES);  // programs are recorded, memory is there
    check_step(t, 1, has_rows, how, device);
    check_step(t, SMALL_BATCHES, has_rows, how, device);
    qvl_train_close(t);
}

static void check_device(const char *device, const void *rows)
{
    bool is_vulkan = strcmp(device, "vulkan") == 0;
    check_trainer(device, rows != NULL,
                  is_vulkan ? READS_AS_IT_LIKES : READS_IN_PLACE);
    if (!is_vulkan)
        return;
    setenv("QVL_VK_STAGING", "1", 1);
    check_trainer(device, rows != NULL, READS_STAGED);
    unsetenv("QVL_VK_STAGING");
}

static void test_counts(void)
{
    each_backend(check_device, NULL);
}

static void test_counts_of_rows(void)
{
    each_backend(check_device, "rows");
}

RUN_TESTS(TEST(test_counts), TEST(test_counts_of_rows))
