/* stage.c - conversion in pieces of a fixed size
 *
 * A 16-bit range may begin or end inside a word. Reading takes the whole word; writing
 * fetches it first, and so waits for the device. Where a range begins at an odd element
 * every piece does. What needs neither another type nor a part of a word goes to the
 * device as it is.
 */
#include "graph/stage.h"

#include <assert.h>
#include <string.h>

#include "base/half.h"
#include "tensor/dtype.h"

/* Elements that pass at a time; even, so that only the ends of a 16-bit range
 * can lie inside a word. */
#define STAGE_ELEMS ((size_t)65536)

void qvl_stage_init(qvl_stage *s, qvl_device *dev, qvl_arena *arena)
{
    *s = (qvl_stage){
        .dev = dev,
        .f32 = qvl_arena_array(arena, float, STAGE_ELEMS),
        .raw = qvl_arena_array(arena, uint32_t, STAGE_ELEMS + 2),
    };
}

/* ---- conversion ---- */

static void to_f32(float *dst, const void *src, int dtype, size_t n)
{
    const unsigned char *p = src;  // of any alignment
    uint16_t h;
    int32_t k;
    switch (dtype) {
    case QVL_BF16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&h, p + 2 * i, sizeof h);
            dst[i] = qvl_bf16_to_f32(h);
        }
        break;
    case QVL_F16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&h, p + 2 * i, sizeof h);
            dst[i] = qvl_f16_to_f32(h);
        }
        break;
    case QVL_I32:
        for (size_t i = 0; i < n; i++) {
            memcpy(&k, p + 4 * i, sizeof k);
            dst[i] = (float)k;
        }
        break;
    default:
        assert(dtype == QVL_F32);
        memcpy(dst, src, n * sizeof *dst);
    }
}

static void from_f32(void *dst, int dtype, const float *src, size_t n)
{
    uint16_t *half = dst;
    switch (dtype) {
    case QVL_BF16:
        for (size_t i = 0; i < n; i++)
            half[i] = qvl_f32_to_bf16(src[i]);
        break;
    case QVL_F16:
        for (size_t i = 0; i < n; i++)
            half[i] = qvl_f32_to_f16(src[i]);
        break;
    default:
        assert(dtype == QVL_F32);
        memcpy(dst, src, n * sizeof *src);
    }
}

/* ---- ranges in whole words ---- */

/* Elements [first, first + n), and those before and behind them (0 or 1) that
 * share a word with the ends. */
typedef struct {
    size_t lead, tail;
    size_t elem_bytes;
    qvl_slice slice;  // lead, n and tail
} range;

static range range_of(qvl_slice whole, int dtype, size_t first, size_t n)
{
    range r = {.elem_bytes = qvl_dtype_bytes(dtype)};
    assert(r.elem_bytes == 2 || r.elem_bytes == 4);
    if (r.elem_bytes == 2) {
        r.lead = first & 1;
        r.tail = (first + n) & 1;
    }
    r.slice = (qvl_slice){
        .buf = whole.buf,
        .at = whole.at + (first - r.lead) * r.elem_bytes,
        .bytes = (r.lead + n + r.tail) * r.elem_bytes,
    };
    assert(r.slice.at + r.slice.bytes <= whole.at + whole.bytes);
    return r;
}

/* Fetch the words at the ends of a range that are shared with neighbours. */
static int read_ends(qvl_stage *s, const range *r, qvl_err *err)
{
    const qvl_backend *be = s->dev->be;
    qvl_slice word = r->slice;
    word.bytes = 4;
    if (r->lead > 0)
        QVL_TRY(be->read(s->dev, word, s->raw, err));
    word.at = r->slice.at + r->slice.bytes - 4;
    unsigned char *last = (unsigned char *)s->raw + r->slice.bytes - 4;
    if (r->tail > 0)
        QVL_TRY(be->read(s->dev, word, last, err));
    return QVL_OK;
}

static int write_piece(qvl_stage *s, const range *r, int dtype,
                       const void *src, int src_dtype, size_t n, qvl_err *err)
{
    QVL_TRY(read_ends(s, r, err));
    unsigned char *at = (unsigned char *)s->raw + r->lead * r->elem_bytes;
    if (src_dtype == dtype) {
        memcpy(at, src, n * r->elem_bytes);
    } else {
        to_f32(s->f32, src, src_dtype, n);
        from_f32(at, dtype, s->f32, n);
    }
    return s->dev->be->write(s->dev, r->slice, s->raw, err);
}

int qvl_stage_write(qvl_stage *s, qvl_slice whole, int dtype, size_t first,
                    size_t n, const void *src, int src_dtype, qvl_err *err)
{
    range r = range_of(whole, dtype, first, n);
    if (n == 0)
        return QVL_OK;
    if (src_dtype == dtype && r.lead == 0 && r.tail == 0)
        return s->dev->be->write(s->dev, r.slice, src, err);

    const unsigned char *p = src;
    size_t src_bytes = qvl_dtype_bytes(src_dtype);
    for (size_t done = 0; done < n; done += STAGE_ELEMS) {
        size_t m = n - done < STAGE_ELEMS ? n - done : STAGE_ELEMS;
        r = range_of(whole, dtype, first + done, m);
        QVL_TRY(write_piece(s, &r, dtype, p + done * src_bytes, src_dtype, m,
                            err));
    }
    return QVL_OK;
}

int qvl_stage_read(qvl_stage *s, qvl_slice whole, int dtype, size_t first,
                   size_t n, float *dst, qvl_err *err)
{
    range r = range_of(whole, dtype, first, n);
    if (n == 0)
        return QVL_OK;
    if (dtype == QVL_F32)
        return s->dev->be->read(s->dev, r.slice, dst, err);

    for (size_t done = 0; done < n; done += STAGE_ELEMS) {
        size_t m = n - done < STAGE_ELEMS ? n - done : STAGE_ELEMS;
        r = range_of(whole, dtype, first + done, m);
        QVL_TRY(s->dev->be->read(s->dev, r.slice, s->raw, err));
        const unsigned char *at = s->raw;
        to_f32(dst + done, at + r.lead * r.elem_bytes, dtype, m);
    }
    return QVL_OK;
}
