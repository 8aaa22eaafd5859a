/* dtype.h - element types and their names
 *
 * One table. The place in it is the number of a type; numbers go into nothing
 * that is stored, files hold names.
 */
#ifndef QVL_DTYPE_H
#define QVL_DTYPE_H

#include <stddef.h>

#include "base/err.h"

/* constant, bytes, name in safetensors, our name, name in torch */
#define QVL_DTYPE_TABLE(X)                                                    \
    X(QVL_F32, 4, "F32", "f32", "float32")                                    \
    X(QVL_BF16, 2, "BF16", "bf16", "bfloat16")                                \
    X(QVL_F16, 2, "F16", "f16", "float16")                                    \
    X(QVL_I32, 4, "I32", "i32", "int32")                                      \
    X(QVL_I64, 8, "I64", "i64", "int64")                                      \
    X(QVL_U8, 1, "U8", "u8", "uint8")                                         \
    X(QVL_I8, 1, "I8", "i8", "int8")                                          \
    X(QVL_F64, 8, "F64", "f64", "float64")                                    \
    X(QVL_BOOL, 1, "BOOL", "bool", "bool")                                    \
    X(QVL_U32, 4, "U32", "u32", "uint32")                                     \
    X(QVL_I16, 2, "I16", "i16", "int16")                                      \
    X(QVL_U16, 2, "U16", "u16", "uint16")                                     \
    X(QVL_U64, 8, "U64", "u64", "uint64")                                     \
    X(QVL_F8_E4M3, 1, "F8_E4M3", "f8_e4m3", "float8_e4m3fn")                  \
    X(QVL_F8_E5M2, 1, "F8_E5M2", "f8_e5m2", "float8_e5m2")

#define QVL_DTYPE_ENUM(constant, bytes, st_name, name, torch_name) constant,
enum qvl_dtype { QVL_DTYPE_TABLE(QVL_DTYPE_ENUM) QVL_N_DTYPES };
#undef QVL_DTYPE_ENUM

/* Bytes of one element. */
size_t qvl_dtype_bytes(int dtype);

/* "f32" and "F32". */
const char *qvl_dtype_name(int dtype);
const char *qvl_dtype_st_name(int dtype);

/* Find a type by any of its three names ("F32", "f32", "float32"), exactly
 * spelled. Fails with QVL_E_UNSUPPORTED and leaves *out alone. */
int qvl_dtype_parse(const char *text, int *out, qvl_err *err);

#endif
