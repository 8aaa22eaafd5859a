/* dtype.c - the element types, a row each */
#include "tensor/dtype.h"

#include <assert.h>
#include <string.h>

typedef struct {
    size_t bytes;
    const char *st_name;
    const char *name;
    const char *torch_name;
} dtype_row;

#define DTYPE_ROW(constant, bytes, st_name, name, torch_name)                 \
    { bytes, st_name, name, torch_name },
static const dtype_row dtype_rows[] = { QVL_DTYPE_TABLE(DTYPE_ROW) };
#undef DTYPE_ROW

static const dtype_row *row_of(int dtype)
{
    assert(dtype >= 0 && dtype < QVL_N_DTYPES);
    return &dtype_rows[dtype];
}

size_t qvl_dtype_bytes(int dtype)
{
    return row_of(dtype)->bytes;
}

const char *qvl_dtype_name(int dtype)
{
    return row_of(dtype)->name;
}

const char *qvl_dtype_st_name(int dtype)
{
    return row_of(dtype)->st_name;
}

int qvl_dtype_parse(const char *text, int *out, qvl_err *err)
{
    assert(text != NULL && out != NULL);

    for (int i = 0; i < QVL_N_DTYPES; i++) {
        const dtype_row *row = &dtype_rows[i];
        if (strcmp(text, row->st_name) == 0 || strcmp(text, row->name) == 0
            || strcmp(text, row->torch_name) == 0) {
            *out = i;
            return QVL_OK;
        }
    }
    return qvl_fail(err, QVL_E_UNSUPPORTED, "element type: found \"%.200s\", "
                    "expected a known one such as bf16, BF16 or bfloat16", text);
}
