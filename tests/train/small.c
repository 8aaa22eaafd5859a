/* small.c - the small trainings of small.h */
#include "small.h"

#include <math.h>

#include "batch_file.h"
#include "check.h"

const int small_labels[SMALL_BATCHES] = { 11, 12, 14, 9 };

const char *small_model = SMALL_MODEL;

static qvl_arena arena;
static const qvl_batch_in *others;

void small_use(const qvl_batch_in *batches)
{
    others = batches;
}

static void release(void)
{
    qvl_arena_release(&arena);
}

const qvl_batch_in *small_batches(void)
{
    static qvl_batch_in batch[SMALL_BATCHES];
    qvl_err err = { 0 };
    if (others != NULL)
        return others;
    if (batch[0].n_rows > 0)
        return batch;
    atexit(release);
    for (int k = 0; k < SMALL_BATCHES; k++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "batch.%d.", k);
        CHECK_OK(batch_file_load_prefix(
                     &batch[k], TRAIN_FIXTURES "/train_full/input.safetensors",
                     prefix, &arena, &err), err);
    }
    return batch;
}

qvl_train_options small_options(void)
{
    qvl_train_options o;
    qvl_train_defaults(&o);
    o.device = "cpu";
    o.n_threads = 1;  // the model is too small for more
    o.learning_rate = 1e-3;
    o.max_grad_norm = 0.0;
    o.max_steps = 20;
    return o;
}

qvl_trainer *small_open(const qvl_train_options *o)
{
    qvl_trainer *t = NULL;
    qvl_error error;
    CHECK(qvl_train_open(&t, small_model, o, &error) == 0, "%s",
          error.message);
    return t;
}

qvl_train_report small_train(qvl_trainer *t, int n, int accumulate)
{
    const qvl_batch_in *batch = small_batches();
    qvl_train_report r = { 0 };
    for (int k = 0; k < n; k++) {
        qvl_batch_in turn[SMALL_BATCHES];
        qvl_error error;
        int64_t first = qvl_train_steps_done(t) * accumulate;
        for (int i = 0; i < accumulate; i++)
            turn[i] = batch[(first + i) % SMALL_BATCHES];
        CHECK(qvl_train_step(t, turn, accumulate, &r, &error) == 0, "%s",
              error.message);
    }
    return r;
}

float *small_weights(qvl_trainer *t, size_t *n)
{
    size_t all = 0, at = 0;
    qvl_tensor info;
    qvl_error error;
    for (size_t k = 0; k < qvl_train_n_tensors(t); k++) {
        qvl_train_tensor_at(t, k, &info);
        all += info.n_elems;
    }
    float *w = malloc(all * sizeof *w);
    for (size_t k = 0; k < qvl_train_n_tensors(t); k++) {
        qvl_train_tensor_at(t, k, &info);
        CHECK(qvl_train_read(t, k, w + at, &error) == 0, "%s", error.message);
        at += info.n_elems;
    }
    *n = all;
    return w;
}

double small_difference(const float *a, const float *b, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}
