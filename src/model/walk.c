/* walk.c - how many keys a group of rows walks
 *
 * Devices that end long kernels set a limit on it; what a batch asks for is
 * known from its ranges before anything is sent.
 */
#include "model/walk.h"

#include <string.h>

#include "signatures.h"

/* Rows of one group, which it walks for all together: more than the BQ of any
 * table for a device with a limit, configs/tune/ or a user's, is likely to be. A
 * group that has more meets that many keys more than are counted here. */
#define GROUP_ROWS 64
#define HEAD 128  // numbers of a head for which max_walk is said

/* Longest walk of groups of so many rows, from column `lo` of a group's first row to
 * column `hi` of its last: ranges rise from row to row. */
static int64_t longest(const qvl_batch_array *array, int lo, int hi, size_t n_group)
{
    const int32_t *range = array->data;
    size_t n = array->n / QVL_N_RANGE;
    int64_t most = 0;
    for (size_t t = 0; t < n; t++) {
        size_t last = t + n_group <= n ? t + n_group - 1 : n - 1;
        int64_t d = (int64_t)range[QVL_N_RANGE * last + (size_t)hi]
                    - range[QVL_N_RANGE * t + (size_t)lo];
        most = d > most ? d : most;
    }
    return most;
}

static int64_t longest_of_keys(const qvl_batch_array *array, bool is_kept)
{
    _Static_assert((int)QVL_KEPT_KV_LO == (int)QVL_RANGE_KV_LO
                   && (int)QVL_KEPT_KV_HI == (int)QVL_RANGE_KV_HI
                   && (int)QVL_N_KEPT == (int)QVL_N_RANGE,
                   "keys stand alike in both kinds of ranges");
    return longest(array, QVL_RANGE_KV_LO, QVL_RANGE_KV_HI,
                   is_kept ? 1 : GROUP_ROWS);
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
        int64_t n = longest_of_keys(&a, is_kept);
        if (grads) {
            int64_t back = longest(&a, QVL_RANGE_Q_LO, QVL_RANGE_Q_HI, GROUP_ROWS)
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
