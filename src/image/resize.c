/* resize.c - weights of an axis, and the pass along it
 *
 * Both passes take two neighbours at a time, whose bytes lie in turns, times their two
 * weights (base/lanes.h): for the height 16 bytes of two rows, for the width the three
 * channels of two pixels. A weight has too many bits for that, so its upper and its
 * lower bits are summed apart. Which pass comes first changes the result, since pixels
 * are rounded to bytes between them.
 */
#include "image/resize.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/lanes.h"
#include "image/pairs.h"

/* Weights of two neighbours: each is upper * 2^LOWER_BITS + lower. They are at most
 * little more than 2^22, since those of a pixel sum up to that or less. */
#define LOWER_BITS 12
typedef struct {
    int16_t lower[2];
    int16_t upper[2];
} weights;

/* Where the pixels of one axis come from: pixel o is the sum of count[o]
 * pixels from first[o] on, each times its weight, shifted right by `shift`. */
typedef struct {
    int n_in, n_out;
    int n_taps;       // largest count
    int n_pairs;      // of taps; the last one of a pixel may have one alone
    int shift;        // bits of the weights behind the point
    int *first;       // [n_out]
    int *count;       // [n_out]
    weights *weight;  // [n_out, n_pairs]
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

/* Round the weights of pixel o. */
static void put_weights(axis *a, const double *w, int o)
{
    const int32_t half = 1 << (LOWER_BITS - 1);
    double one = (double)(1 << a->shift);
    weights *to = a->weight + (size_t)o * (size_t)a->n_pairs;
    for (int t = 0; t < a->count[o]; t++) {
        int32_t v = (int32_t)(w[t] * one + (w[t] < 0.0 ? -0.5 : 0.5));
        int32_t upper = (v + half) >> LOWER_BITS;
        to[t / 2].upper[t % 2] = (int16_t)upper;
        to[t / 2].lower[t % 2] = (int16_t)(v - upper * (1 << LOWER_BITS));
    }
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
    a->n_pairs = (a->n_taps + 1) / 2;
    a->weight = qvl_arena_array(arena, weights,
                                (size_t)n_out * (size_t)a->n_pairs);
    double *w = qvl_arena_array(arena, double, n);
    for (int o = 0; o < n_out; o++)
        fill_taps(a, w + (size_t)o * (size_t)a->n_taps, o);
    a->shift = choose_shift(w, n, rule);
    for (int o = 0; o < n_out; o++)
        put_weights(a, w + (size_t)o * (size_t)a->n_taps, o);
}

/* ---- sums --------------------------------------------------------------- */

/* Four sums of products with weights, of their upper and of their lower bits. */
typedef struct {
    qvl_lanes upper, lower;
} sums;

static inline void add_pairs(sums *s, qvl_lanes pairs, qvl_lanes lower,
                             qvl_lanes upper)
{
    s->lower = qvl_lanes_add_i32(s->lower, qvl_lanes_pairs_i16(pairs, lower));
    s->upper = qvl_lanes_add_i32(s->upper, qvl_lanes_pairs_i16(pairs, upper));
}

/* rnd(sum / 2^shift), not yet cut off at 0 and 255. Right shifts of negative numbers
 * keep the sign with every compiler we know. */
static inline qvl_lanes round_sums(const sums *s, int shift)
{
    qvl_lanes v = qvl_lanes_left_i32(s->upper, LOWER_BITS);
    v = qvl_lanes_add_i32(v, s->lower);
    v = qvl_lanes_add_i32(v, qvl_lanes_fill_i32(1 << (shift - 1)));
    return qvl_lanes_right_i32(v, shift);
}

/* ---- columns ------------------------------------------------------------- */

/* Bytes that are summed together. */
#define BLOCK 16

/* n <= BLOCK bytes from as many of `count` rows, `stride` bytes apart. */
static inline void sum_rows(uint8_t *to, const uint8_t *from, size_t n, size_t stride,
                            const weights *w, int count, int shift)
{
    const qvl_lanes zero = qvl_lanes_zero();
    sums s[4] = { { zero, zero }, { zero, zero }, { zero, zero }, { zero, zero } };
    for (int t = 0; t < count; t += 2, from += 2 * stride, w++) {
        bool is_alone = t + 1 == count;
        qvl_lanes a = n == BLOCK ? qvl_lanes_load(from) : qvl_lanes_load_few(from, n);
        qvl_lanes b = is_alone     ? zero
                      : n == BLOCK ? qvl_lanes_load(from + stride)
                                   : qvl_lanes_load_few(from + stride, n);
        qvl_lanes weight = qvl_lanes_load_half(w);
        qvl_lanes lower = qvl_lanes_first_i32(weight);
        qvl_lanes upper = qvl_lanes_second_i32(weight);
        qvl_lanes ab = qvl_lanes_lower_u8(a, b);
        add_pairs(&s[0], qvl_lanes_lower_u8(ab, zero), lower, upper);
        add_pairs(&s[1], qvl_lanes_upper_u8(ab, zero), lower, upper);
        ab = qvl_lanes_upper_u8(a, b);
        add_pairs(&s[2], qvl_lanes_lower_u8(ab, zero), lower, upper);
        add_pairs(&s[3], qvl_lanes_upper_u8(ab, zero), lower, upper);
    }
    qvl_lanes v = qvl_lanes_pack_u8(
        qvl_lanes_pack_i32(round_sums(&s[0], shift), round_sums(&s[1], shift)),
        qvl_lanes_pack_i32(round_sums(&s[2], shift), round_sums(&s[3], shift)));
    if (n == BLOCK)
        qvl_lanes_store(to, v);
    else
        qvl_lanes_store_few(to, n, v);
}

/* Each row of `out` from some rows of `in`. */
static void resize_columns(qvl_image *out, const qvl_image *in, const axis *a)
{
    size_t stride = (size_t)in->w * QVL_IMAGE_CHANNELS;
    for (int y = 0; y < out->h; y++) {
        const uint8_t *from = qvl_image_row(in, a->first[y]);
        uint8_t *to = qvl_image_row(out, y);
        const weights *w = a->weight + (size_t)y * (size_t)a->n_pairs;
        size_t x = 0;
        for (; x + BLOCK <= stride; x += BLOCK)
            sum_rows(to + x, from + x, BLOCK, stride, w, a->count[y], a->shift);
        if (x < stride)
            sum_rows(to + x, from + x, stride - x, stride, w, a->count[y],
                     a->shift);
    }
}

/* ---- rows ----------------------------------------------------------------- */

/* Pixels at the end of a row whose pairs reach behind it. */
#define LAST 3

/* All pairs of a row. */
static void pair_row(int16_t *pair, const uint8_t *row, int w)
{
    uint8_t end[LAST * QVL_IMAGE_CHANNELS + QVL_PAIRS_SLACK] = { 0 };
    int n = w > LAST ? w - LAST : 0;
    qvl_pairs_make(pair, row, n);
    memcpy(end, row + (size_t)n * QVL_IMAGE_CHANNELS,
           (size_t)(w - n) * QVL_IMAGE_CHANNELS);
    qvl_pairs_make(pair + (size_t)n * QVL_PAIR, end, w - n);
}

/* The bytes of a pixel from `count` of them, lowest first; the fourth is of no use. */
static inline int32_t sum_pixels(const int16_t *pair, const weights *w, int count,
                                 int shift)
{
    sums s = { qvl_lanes_zero(), qvl_lanes_zero() };
    for (int t = 0; t < count; t += 2, pair += 2 * QVL_PAIR, w++) {
        qvl_lanes weight = qvl_lanes_load_half(w);
        add_pairs(&s, qvl_lanes_load(pair), qvl_lanes_first_i32(weight),
                  qvl_lanes_second_i32(weight));
    }
    qvl_lanes v = round_sums(&s, shift);
    v = qvl_lanes_pack_i32(v, v);
    return qvl_lanes_take_i32(qvl_lanes_pack_u8(v, v));
}

/* Each column of `out` from some columns of `in`. */
static void resize_rows(qvl_image *out, const qvl_image *in, const axis *a,
                        qvl_arena *arena)
{
    int16_t *pair = qvl_arena_array(arena, int16_t, (size_t)in->w * QVL_PAIR);
    for (int y = 0; y < in->h; y++) {
        uint8_t *to = qvl_image_row(out, y);
        const weights *w = a->weight;
        pair_row(pair, qvl_image_row(in, y), in->w);
        for (int x = 0; x < out->w; x++, w += a->n_pairs, to += QVL_IMAGE_CHANNELS) {
            int32_t v = sum_pixels(pair + (size_t)a->first[x] * QVL_PAIR, w,
                                   a->count[x], a->shift);
            if (x + 1 < out->w)  // the fourth byte is that of the pixel to come
                memcpy(to, &v, QVL_IMAGE_CHANNELS + 1);
            else
                memcpy(to, &v, QVL_IMAGE_CHANNELS);
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
