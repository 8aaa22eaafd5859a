/* resize.c - weights of an axis, and the pass along it
 *
 * Both passes add runs of bytes, each run times one weight (sum_rows), in a loop that a
 * compiler turns into vectors: for the height rows as they lie, for the width columns
 * of 16 rows, which are turned for it. Which pass comes first changes the result, since
 * pixels are rounded to bytes between them.
 */
#include "image/resize.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"

/* Where the pixels of one axis come from: pixel o is the sum of count[o]
 * pixels from first[o] on, each times its weight, shifted right by `shift`. */
typedef struct {
    int n_in, n_out;
    int n_taps;       // largest count
    int shift;        // bits of the weights behind the point
    int *first;       // [n_out]
    int *count;       // [n_out]
    int32_t *weight;  // [n_out, n_taps]
} axis;

typedef struct {
    // borrowed
    const qvl_image *in;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_image mid;  // one axis resized
    qvl_image out;
    // what is wanted
    int h, w;
    qvl_resize_rule rule;
} job;

/* ---- weights ------------------------------------------------------------ */

static double keys(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0)
        return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

/* Taps of pixel o, and their weights as fractions [n_taps]. */
static void fill_taps(axis *a, double *w, int o)
{
    double scale = (double)a->n_in / a->n_out;
    double stretch = scale < 1.0 ? 1.0 : scale;
    double support = 2.0 * stretch;
    double center = (o + 0.5) * scale;
    double inverse = 1.0 / stretch;
    int first = (int)(center - support + 0.5);
    int end = (int)(center + support + 0.5);
    first = first < 0 ? 0 : first;
    end = end > a->n_in ? a->n_in : end;
    double sum = 0.0;
    for (int j = first; j < end; j++) {
        w[j - first] = keys((j - center + 0.5) * inverse);
        sum += w[j - first];
    }
    for (int j = first; j < end; j++)
        w[j - first] /= sum;
    a->first[o] = first;
    a->count[o] = end - first;
}

/* Bits behind the point: 22, or as many as let the largest weight stay below
 * 2^15. */
static int choose_shift(const double *w, size_t n, qvl_resize_rule rule)
{
    const int most = 22;
    if (rule != QVL_RESIZE_TORCHVISION)
        return most;
    double largest = 0.0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, w[i]);
    int shift = 0;
    while (shift < most
           && (int)(0.5 + largest * (double)(1 << (shift + 1))) < 1 << 15)
        shift++;
    return shift;
}

static void make_axis(axis *a, int n_in, int n_out, qvl_resize_rule rule,
                      qvl_arena *arena)
{
    double scale = (double)n_in / n_out;
    double support = 2.0 * (scale < 1.0 ? 1.0 : scale);
    *a = (axis){ .n_in = n_in, .n_out = n_out,
                 .n_taps = 2 * (int)ceil(support) + 1 };
    size_t n = (size_t)n_out * (size_t)a->n_taps;
    a->first = qvl_arena_array(arena, int, n_out);
    a->count = qvl_arena_array(arena, int, n_out);
    a->weight = qvl_arena_array(arena, int32_t, n);
    double *w = qvl_arena_array(arena, double, n);
    for (int o = 0; o < n_out; o++)
        fill_taps(a, w + (size_t)o * (size_t)a->n_taps, o);
    a->shift = choose_shift(w, n, rule);
    double one = (double)(1 << a->shift);
    for (size_t i = 0; i < n; i++)
        a->weight[i] = (int32_t)(w[i] * one + (w[i] < 0.0 ? -0.5 : 0.5));
}

/* ---- passes ------------------------------------------------------------- */

/* The pixel of a sum that began with half a unit. Right shifts of negative
 * numbers keep the sign with every compiler we know. */
static uint8_t pixel_of(int32_t sum, int shift)
{
    int32_t v = sum >> shift;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Bytes summed at a time: the sums stay in the first cache. */
#define CHUNK 1024

/* sum[i] = half + sum_t weight[t] in[t * stride + i] */
static void sum_rows(int32_t *sum, int n, const uint8_t *in, size_t stride,
                     const int32_t *weight, int count, int shift)
{
    for (int i = 0; i < n; i++)
        sum[i] = 1 << (shift - 1);
    for (int t = 0; t < count; t++) {
        const uint8_t *p = in + (size_t)t * stride;
        int32_t w = weight[t];
        for (int i = 0; i < n; i++)
            sum[i] += w * p[i];
    }
}

/* Each row of `out` from some rows of `in`. */
static void resize_columns(qvl_image *out, const qvl_image *in, const axis *a)
{
    int32_t sum[CHUNK];
    size_t stride = (size_t)in->w * QVL_IMAGE_CHANNELS;
    for (int y = 0; y < out->h; y++) {
        const uint8_t *from = qvl_image_row(in, a->first[y]);
        uint8_t *to = qvl_image_row(out, y);
        const int32_t *weight = a->weight + (size_t)y * (size_t)a->n_taps;
        for (size_t x = 0; x < stride; x += CHUNK) {
            int n = stride - x < CHUNK ? (int)(stride - x) : CHUNK;
            sum_rows(sum, n, from + x, stride, weight, a->count[y], a->shift);
            for (int i = 0; i < n; i++)
                to[x + (size_t)i] = pixel_of(sum[i], a->shift);
        }
    }
}

/* Rows that are resized together, so that the loop over them is a vector. */
#define ROWS 16
#define COLUMN (QVL_IMAGE_CHANNELS * ROWS)

/* Pixels of n rows from y on, a column after the other: [w, 3, ROWS]. */
static void turn_rows(uint8_t *column, const qvl_image *in, int y, int n)
{
    size_t stride = (size_t)in->w * QVL_IMAGE_CHANNELS;
    const uint8_t *from = qvl_image_row(in, y);
    for (size_t i = 0; i < stride; i++, column += ROWS)
        for (int r = 0; r < n; r++)
            column[r] = from[(size_t)r * stride + i];
}

/* Pixel x of n rows from their sums. */
static void put_column(qvl_image *out, const int32_t *sum, int shift, int y,
                       int x, int n)
{
    uint8_t v[COLUMN];
    for (int i = 0; i < COLUMN; i++)
        v[i] = pixel_of(sum[i], shift);
    for (int r = 0; r < n; r++) {
        uint8_t *to = qvl_image_row(out, y + r)
                      + (size_t)x * QVL_IMAGE_CHANNELS;
        for (int c = 0; c < QVL_IMAGE_CHANNELS; c++)
            to[c] = v[c * ROWS + r];
    }
}

/* Each column of `out` from some columns of `in`. */
static void resize_rows(qvl_image *out, const qvl_image *in, const axis *a,
                        qvl_arena *arena)
{
    int32_t sum[COLUMN];
    uint8_t *column = qvl_arena_array(arena, uint8_t,
                                      (size_t)in->w * COLUMN);
    for (int y = 0; y < in->h; y += ROWS) {
        int n = in->h - y < ROWS ? in->h - y : ROWS;
        turn_rows(column, in, y, n);
        for (int x = 0; x < out->w; x++) {
            sum_rows(sum, COLUMN, column + (size_t)a->first[x] * COLUMN,
                     COLUMN, a->weight + (size_t)x * (size_t)a->n_taps,
                     a->count[x], a->shift);
            put_column(out, sum, a->shift, y, x, n);
        }
    }
}

/* ---- the picture -------------------------------------------------------- */

/* Resize one axis of `in`; the other one keeps its size. */
static int resize_axis(job *j, qvl_image *out, const qvl_image *in, bool rows)
{
    axis a;
    QVL_TRY(qvl_image_init(out, rows ? in->h : j->h, rows ? j->w : in->w,
                           j->err));
    make_axis(&a, rows ? in->w : in->h, rows ? j->w : j->h, j->rule,
              &j->arena);
    if (rows)
        resize_rows(out, in, &a, &j->arena);
    else
        resize_columns(out, in, &a);
    return QVL_OK;
}

/* Pillow 13 shrinks columns first when that removes more pixels. */
static bool starts_with_rows(const job *j)
{
    int64_t less_h = (int64_t)j->in->h - j->h;
    int64_t less_w = (int64_t)j->in->w - j->w;
    return j->rule != QVL_RESIZE_PILLOW13
           || !(less_h > 0 && less_h > 2 * less_w);
}

static int run(void *arg)
{
    job *j = arg;
    bool has_rows = j->in->w != j->w;
    bool has_columns = j->in->h != j->h;
    if (has_rows && has_columns) {
        bool rows_first = starts_with_rows(j);
        QVL_TRY(resize_axis(j, &j->mid, j->in, rows_first));
        return resize_axis(j, &j->out, &j->mid, !rows_first);
    }
    if (has_rows || has_columns)
        return resize_axis(j, &j->out, j->in, has_rows);
    QVL_TRY(qvl_image_init(&j->out, j->h, j->w, j->err));
    memcpy(j->out.pixel, j->in->pixel, qvl_image_bytes(j->in));
    return QVL_OK;
}

int qvl_image_resize(qvl_image *out, const qvl_image *in, int h, int w,
                     qvl_resize_rule rule, qvl_err *err)
{
    assert(in->pixel != NULL && h > 0 && w > 0);

    job j = { .in = in, .err = err, .h = h, .w = w, .rule = rule };
    int rc = qvl_guard(run, &j, err);
    qvl_arena_release(&j.arena);
    qvl_image_release(&j.mid);
    if (rc == QVL_OK)
        *out = j.out;
    else
        qvl_image_release(&j.out);
    return rc;
}
