/* walk.c - how many keys a group of rows walks
 *
 * Devices that end long kernels set a limit on it; what a batch asks for is
 * known from its ranges before anything is sent.
 */
#include "model/walk.h"

#include <string.h>

/* Rows of one group, which it walks for all together: the most that devices
 * with a limit take (BQ in configs/tune/). */
#define GROUP_ROWS 16
#define HEAD 128  // numbers of a head for which max_walk is said

/* Both sides of a range [lo, hi) of row t, and of the last row of a group that
 * begins there: ranges rise from row to row. */
static int64_t distance(const int32_t *range, size_t t, size_t last, int at)
{
    int64_t d = (int64_t)range[4 * last + (size_t)at + 1]
                - range[4 * t + (size_t)at];
    return d > 0 ? d : 0;
}

/* Longest walk of keys (at 0) or queries (at 2) of groups of so many rows. */
static int64_t longest(const qvl_batch_array *array, int at, size_t n_group)
{
    const int32_t *range = array->data;
    size_t n = array->n / 4;
    int64_t most = 0;
    for (size_t t = 0; t < n; t++) {
        size_t last = t + n_group <= n ? t + n_group - 1 : n - 1;
        int64_t d = distance(range, t, last, at);
        if (d > most)
            most = d;
    }
    return most;
}

int qvl_batch_walk(qvl_batch *batch, bool grads, int64_t *rows, qvl_err *err)
{
    const qvl_model_config *c = batch->config;
    int64_t most = 0;
    for (int i = 0; i < c->arch->n_inputs; i++) {
        const qvl_arch_input *in = &c->arch->input[i];
        qvl_batch_array a;
        if (in->kind != QVL_INPUT_RANGE)
            continue;
        QVL_TRY(qvl_batch_input(batch, i, &a, err));
        bool of_patches = strcmp(in->name, "patch_range") == 0;
        int head = of_patches ? 2 * c->vision.n_angles : c->rope.dim;
        bool is_kept = !of_patches && batch->is_continued;
        int64_t n = longest(&a, 0, is_kept ? 1 : GROUP_ROWS);
        if (grads) {
            int64_t back = longest(&a, 2, GROUP_ROWS)
                           * (of_patches ? 1 : c->n_sharing);
            n = back > n ? back : n;
        }
        n *= (head + HEAD - 1) / HEAD;
        most = n > most ? n : most;
    }
    *rows = most;
    return QVL_OK;
}

int qvl_batch_check_walk(qvl_batch *batch, bool grads, uint32_t max_walk,
                         const char *device, qvl_err *err)
{
    int64_t rows;
    if (max_walk == 0)
        return QVL_OK;
    QVL_TRY(qvl_batch_walk(batch, grads, &rows, err));
    if (rows <= max_walk)
        return QVL_OK;
    qvl_fail(err, QVL_E_UNSUPPORTED,
             "attention (device %s): found %lld rows in one walk, expected at "
             "most %u: this device ends longer loops", device, (long long)rows,
             max_walk);
    qvl_err_hint(err, grads ? "shorter sequences, smaller pictures, or another "
                              "device; training counts a token once for each "
                              "head that shares its key"
                            : "shorter sequences, smaller pictures, or another "
                              "device");
    return QVL_E_UNSUPPORTED;
}
