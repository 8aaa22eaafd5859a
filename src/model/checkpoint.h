/* checkpoint.h - tensor files of a model folder, to device memory and back
 *
 * A folder holds model.safetensors, or shards and an index that maps names to
 * files. Opening reads headers only: it pairs every tensor with a parameter
 * (names.h), checks shapes, and lists what is missing and what is too much.
 * Loading streams the data, in the order of the files, into a store: the model
 * is never in host memory as a second copy.
 *
 * Layout
 *   A parameter marked transposable may stand in a file with its last two axes
 *   exchanged: the shape tells. Where both axes are equal, the other
 *   transposable tensors of the folder tell; when none does it is refused.
 *   The experts of a layer may also stand one by one as
 *   experts.E.gate_proj.weight, up_proj, down_proj, [out, in] each.
 * Tied parameters
 *   A parameter that shares another's storage needs no tensor; one that is
 *   there all the same is left unread, with a warning when it differs.
 *
 * What was opened is also what is saved: the same names, layouts, types.
 *
 * All that fails may do so with QVL_E_MEMORY, beside what it names.
 */
#ifndef QVL_CHECKPOINT_H
#define QVL_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "graph/arch.h"
#include "graph/exec.h"
#include "tensor/safetensors.h"

typedef struct qvl_checkpoint qvl_checkpoint;

/* One tensor of the files that belongs to the model. */
typedef struct {
    const qvl_st_tensor *tensor;  // as in the file
    int param;                    // in the list
    bool is_plain;                // all of the parameter, in its own layout
} qvl_checkpoint_entry;

/* Elements of a parameter. */
size_t qvl_arch_param_elems(const qvl_arch_param *p);

/* What was found; texts live as long as the checkpoint. */
typedef struct {
    int n_files;
    size_t n_entries;
    size_t bytes;                // of all entries
    const char *const *missing;  // [n_missing] parameters without a tensor
    size_t n_missing;
    const char *const *extra;    // [n_extra] tensors without a parameter
    size_t n_extra;
    const char *const *tied;     // [n_tied] tensors that are left unread
    size_t n_tied;
} qvl_checkpoint_info;

/* Read the headers of a folder. The list is borrowed as long as the checkpoint
 * is open. Fails with QVL_E_MODEL: no files, a damaged or absent shard, an index
 * that contradicts its files, two tensors for one parameter, a wrong shape, an
 * undecidable layout, experts that are not complete; *ck is then unchanged. Missing
 * parameters are only reported. Out of memory for the handle unwinds. */
int qvl_checkpoint_open(qvl_checkpoint **ck, const char *folder,
                        const qvl_param_list *params, qvl_err *err);
void qvl_checkpoint_close(qvl_checkpoint *ck);

/* What was found, and entry k of n_entries, in the order of the files. */
const qvl_checkpoint_info *qvl_checkpoint_report(const qvl_checkpoint *ck);
const qvl_checkpoint_entry *qvl_checkpoint_at(const qvl_checkpoint *ck,
                                              size_t k);

/* Fill a store that was opened for the same list. Fails with QVL_E_MODEL when
 * a parameter is missing or a tensor is neither f32, bf16 nor f16, and with errors
 * of the device; some parameters may be there then. Extra tensors are reported to
 * the log. */
int qvl_checkpoint_load(const qvl_checkpoint *ck, qvl_store *store,
                        qvl_err *err);

/* What entry k holds of its parameter's values.
 *
 *   param  [elements of the parameter] in the model's layout
 *   dst    [elements of the tensor] in the file's layout */
void qvl_checkpoint_extract(const qvl_checkpoint *ck, size_t k,
                            const float *param, float *dst);

/* Write the store's parameters as a model folder: the entries of `ck` with
 * their names, layouts and types, in shards of at most max_shard_bytes (one
 * file when they fit or when it is 0; a larger tensor has a shard of its own), and
 * a copy of the .json, .txt and .jinja files beside the source's tensors. `folder`
 * appears complete or not at all; it must not exist, or be empty. Fails with
 * QVL_E_IO and errors of the device. */
int qvl_checkpoint_save(const qvl_checkpoint *ck, qvl_store *store,
                        const char *folder, size_t max_shard_bytes,
                        qvl_err *err);

#endif
