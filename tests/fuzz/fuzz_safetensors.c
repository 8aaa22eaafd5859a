/* fuzz_safetensors.c - files of tensors: the header, then every byte of the data
 *
 * The map of a file ends at a page, where nobody sees a step too far; so the header is
 * also parsed out of memory of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fuzz.h"
#include "tensor/safetensors.h"

static void parse_header(const uint8_t *p, size_t len)
{
    qvl_arena arena = { 0 };
    qvl_node *root;
    qvl_err err;
    if (len > 8)
        fuzz_is_ok(qvl_json_parse(&root, (const char *)p + 8, len - 8, "header",
                                  &arena, &err), &err);
    qvl_arena_release(&arena);
}

/* Conversions to what the program asks for. */
static void convert(const qvl_st_tensor *t)
{
    qvl_err err;
    float *f = malloc((t->n_elems + 1) * sizeof *f);
    int64_t *i = malloc((t->n_elems + 1) * sizeof *i);
    if (f != NULL)
        fuzz_is_ok(qvl_st_to_f32(t, f, &err), &err);
    if (i != NULL)
        fuzz_is_ok(qvl_st_to_i64(t, i, &err), &err);
    free(f);
    free(i);
}

/* Read a tensor; returns its bytes. */
static size_t read_tensor(const qvl_st *st, size_t i)
{
    const qvl_st_tensor *t = qvl_st_at(st, i);
    FUZZ_CHECK(t->rank >= 0 && t->rank <= QVL_ST_MAX_RANK);
    FUZZ_CHECK(qvl_st_find(st, t->name) == t && t->data != NULL);
    size_t n = 1;
    for (int k = 0; k < t->rank; k++)
        n *= t->shape[k];
    FUZZ_CHECK(n == t->n_elems && t->bytes == n * qvl_dtype_bytes(t->dtype));
    void *copy = malloc(t->bytes + 1);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, t->data, t->bytes);
    free(copy);
    convert(t);
    return t->bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
    qvl_st *st;
    qvl_err err;
    parse_header(p, len);
    const char *path = fuzz_write("a.safetensors", p, len);
    if (!fuzz_is_ok(qvl_st_open(&st, path, &err), &err))
        return 0;
    size_t bytes = 0;
    for (size_t i = 0; i < qvl_st_count(st); i++)
        bytes += read_tensor(st, i);
    FUZZ_CHECK(bytes <= len - 8);
    FUZZ_CHECK(qvl_st_find(st, "no tensor of this name") == NULL);
    qvl_st_meta(st, "format");
    qvl_st_close(st);
    return 0;
}
