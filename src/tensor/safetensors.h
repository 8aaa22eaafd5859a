/* safetensors.h - tensor files: read by map, write by stream
 *
 * A file is: u64 little endian, bytes of the header; the header, a JSON map
 * from name to {dtype, shape, data_offsets} and "__metadata__" of strings; the
 * data, C order, little endian, without gaps.
 *
 * The reader checks the whole header before it hands out a tensor: offsets
 * inside the file, touching and covering it, equal to shape times element
 * size. Any contradiction is QVL_E_FORMAT naming file and tensor. Data is not
 * looked at, not copied, and not aligned: it starts where the file puts it, so
 * read it by memcpy or the functions below, never through a typed pointer.
 *
 * Hosts are little endian.
 */
#ifndef QVL_SAFETENSORS_H
#define QVL_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tensor/dtype.h"

#define QVL_ST_MAX_RANK 8
#define QVL_ST_MAX_HEADER_BYTES 100000000  // as the reference reader

typedef struct qvl_st qvl_st;

/* One tensor; it and what it points to live until the file is closed. */
typedef struct {
    const char *name;
    int dtype;                      // enum qvl_dtype
    int rank;                       // 0: a single number
    size_t shape[QVL_ST_MAX_RANK];  // [rank] slowest first
    size_t n_elems;                 // product of the shape, may be 0
    const void *data;               // any alignment; never NULL
    size_t bytes;
} qvl_st_tensor;

/* Map a file and check its header. Fails with QVL_E_IO, QVL_E_FORMAT,
 * QVL_E_UNSUPPORTED (more than QVL_ST_MAX_RANK axes) or QVL_E_MEMORY; unwinds when
 * there is no memory for the handle itself, as qvl_st_writer_open does. */
int qvl_st_open(qvl_st **st, const char *path, qvl_err *err);
void qvl_st_close(qvl_st *st);

/* Tensors in the order of the header; i is below the count. */
size_t qvl_st_count(const qvl_st *st);
const qvl_st_tensor *qvl_st_at(const qvl_st *st, size_t i);

/* By name; NULL when there is none. Costs O(1). */
const qvl_st_tensor *qvl_st_find(const qvl_st *st, const char *name);

/* Value of a metadata key, until the file is closed; NULL when there is none. */
const char *qvl_st_meta(const qvl_st *st, const char *key);

/* Convert all elements.
 *
 *   dst   [n_elems]
 *
 * f32: from f32, bf16, f16, f64 (rounded to nearest), i32 and i64 (likewise).
 * i64: from every integer type and bool; a u64 beyond int64 is QVL_E_RANGE.
 * Other types are QVL_E_UNSUPPORTED naming the tensor; dst is then unchanged,
 * while after QVL_E_RANGE its content is undefined. */
int qvl_st_to_f32(const qvl_st_tensor *t, float *dst, qvl_err *err);
int qvl_st_to_i64(const qvl_st_tensor *t, int64_t *dst, qvl_err *err);

/* Writes a file: open, then meta and declare in any order, then the data of
 * all tensors in the order they were declared, then commit. The file appears
 * at commit, complete, or never (base/file.h). Each step fails with QVL_E_IO or
 * QVL_E_MEMORY beside what it names; after a failed meta or declare the writer is
 * as before, after QVL_E_IO or QVL_E_MEMORY of a write only abort is left. */
typedef struct qvl_st_writer qvl_st_writer;

int qvl_st_writer_open(qvl_st_writer **w, const char *path, qvl_err *err);

/* Add a metadata entry; texts are copied, UTF-8. QVL_E_USAGE for a key that is
 * taken, or behind the first write. */
int qvl_st_writer_meta(qvl_st_writer *w, const char *key, const char *value,
                       qvl_err *err);

/* Add a tensor; name and shape are copied. Fails with QVL_E_USAGE for a name that
 * is taken, a reserved or an empty one, or behind the first write, QVL_E_RANGE
 * for a rank or a size that does not fit. */
int qvl_st_writer_declare(qvl_st_writer *w, const char *name, int dtype,
                          const size_t *shape, int rank, qvl_err *err);

/* Append bytes to the first tensor that is not complete, in any number of
 * pieces. A piece that does not fit into what that tensor lacks is
 * QVL_E_USAGE, and nothing of it is written. Tensors without elements need no call. */
int qvl_st_writer_write(qvl_st_writer *w, const void *p, size_t bytes,
                        qvl_err *err);

/* Finish the file; QVL_E_USAGE when data is missing. The handle has ended when
 * this returns, with or without an error. */
int qvl_st_writer_commit(qvl_st_writer *w, qvl_err *err);

/* Give up and leave nothing behind. Accepts NULL. */
void qvl_st_writer_abort(qvl_st_writer *w);

#endif
