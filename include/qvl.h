/* qvl.h - use a vision-language model from C
 *
 * Open a model folder on a device and run batches through it: tensors in, named
 * tensors out, gradients included. The numbers are those of the program that
 * inference and training use.
 *
 * A function that can fail returns 0 or a negative code and fills the error it
 * was given (which may be NULL). What kind of error it is tells exit_code; the
 * code itself only says that there is one. Nothing here prints or ends the
 * process; out of host memory is an error like any other. Pointers are not NULL
 * unless it is said. A handle is for one thread at a time.
 */
#ifndef QVL_H
#define QVL_H

#include <stddef.h>
#include <stdint.h>

#define QVL_MAX_RANK 8

typedef struct {
    int code;            // 0, or the negative code that was returned
    int exit_code;       // status with which a program should end: 2 wrong use
                         // or configuration, 3 data, 4 model files, 5 device
                         // or memory, 130 interrupted, 1 a fault of ours
    char message[1024];  // one line: what, where, what was found, expected
    char hint[512];      // what to do about it, may be empty
} qvl_error;

/* "0.1.0". */
const char *qvl_version(void);

typedef struct qvl qvl;  // a model on a device

/* A zeroed struct is a choice as well: the best device, all cores, f32. */
typedef struct {
    const char *device;  // "cpu", "opencl", "vulkan:1"; NULL: "auto"
    int n_threads;       // 0: all cores; at most 1024
    const char *dtype;   // "f32", "bf16", "f16": weights and activations
} qvl_options;

/* Open a folder with config.json and safetensors files. *model is set on success
 * alone. */
int qvl_open(qvl **model, const char *folder, const qvl_options *options,
             qvl_error *error);
/* Accepts NULL. */
void qvl_close(qvl *model);

/* Pictures, or videos, of a batch in order of appearance. */
typedef struct {
    const float *pixels;  // [n_rows, n_cols] a patch a row
    size_t n_rows;
    size_t n_cols;
    const int64_t *grid;  // [n_grids, 3] frames, rows, columns in patches
    int n_grids;
} qvl_pictures;

/* A label that does not count. */
#define QVL_LABEL_NONE (-100)

/* A batch; rows may be padded on either side. */
typedef struct {
    int n_rows;
    int row_len;
    const int64_t *input_ids;       // [n_rows, row_len]
    const int64_t *attention_mask;  // [n_rows, row_len], NULL: all 1
    const int64_t *labels;          // [n_rows, row_len], QVL_LABEL_NONE: not
                                    // counted; NULL: no loss
    qvl_pictures images;
    qvl_pictures videos;
    const int64_t *sample_ids;      // [n_rows, row_len] packed rows: tokens of one
                                    // number are a sample of their own, to which
                                    // attention and positions keep; NULL: a row
                                    // is one sample
} qvl_batch_in;

/* What to compute, added up. */
enum {
    QVL_LOGITS = 1,     // logits f32 [n_rows, row_len, V], 0 at padding
    QVL_LOSS = 2,       // loss f32 [], mean over counted labels
    QVL_VISION = 4,     // vision.NAME, vision_video.NAME f32 [M, H]
    QVL_GRADIENTS = 8,  // grad.NAME f32 of the loss, as in the checkpoint
};

/* Run a batch; it is borrowed for the call. `want` is made of the words
 * above, at least one; others are refused, and so is QVL_VISION alone for a
 * batch without pictures. Beside what is wanted there are
 * position_ids i64 [3, n_rows, row_len] and rope_delta i64 [n_rows], that of the
 * last sample in a packed row. */
int qvl_forward(qvl *model, const qvl_batch_in *batch, unsigned want,
                qvl_error *error);

/* One result of the last batch. */
typedef struct {
    const char *name;  // until the next batch
    int is_f32;        // else i64
    int rank;
    size_t shape[QVL_MAX_RANK];
    size_t n_elems;
} qvl_tensor;

/* Results of the last batch, 0 when it failed. */
size_t qvl_n_results(const qvl *model);
/* Result k. Returns 0, or a negative code when there is no such result; then
 * *tensor is unchanged. */
int qvl_result_at(const qvl *model, size_t k, qvl_tensor *tensor);

/* Read result k: dst [n_elems] of its type. No such result is wrong use. */
int qvl_read(qvl *model, size_t k, void *dst, qvl_error *error);

#endif
