/* colour_clahe.c - lightness of tiles, equalised with limited contrast
 *
 * X, Y, Z of a pixel are whole numbers, each divided by that of white:
 *
 *     f(t) = t^(1/3) for t > (6/29)^3, else t / (3 (6/29)^2) + 4/29
 *     L* = 116 f(Y) - 16;  a* = 500 (f(X) - f(Y));  b* = 200 (f(Y) - f(Z))
 *
 * so to move L* alone, the same amount is added to f(X), f(Y) and f(Z). Powers are
 * taken for tables only, and rounded there: the last bits of a library's pow do not
 * matter.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "image/colour.h"

#define LEVELS 256
#define XYZ 3

/* X, Y, Z and light: ONE is that of white. */
#define ONE_BITS 24
#define ONE (1 << ONE_BITS)

/* Pieces of the table of f, straight lines between them. */
#define PIECE_BITS 12
#define N_PIECES (1 << PIECE_BITS)
#define IN_PIECE_BITS (ONE_BITS - PIECE_BITS)

/* f: ROOT is 1. */
#define ROOT_BITS 20
#define ROOT (1 << ROOT_BITS)

/* Steps of light that a byte is looked up by. */
#define LIGHT_BITS 15
#define N_LIGHTS (1 << LIGHT_BITS)

/* Parts of a level that a pixel is moved by. */
#define PART 256

/* Places between the centres of two tiles. */
#define PLACE 1024

/* Light of red, green, blue to X, Y, Z over white, in 2^-20: from the primaries of
 * IEC 61966-2-1 and white D65 (x 0.3127, y 0.3290). A row has the sum 1, so grey
 * stays grey. */
#define MATRIX_BITS 20
static const int32_t to_xyz[XYZ][QVL_IMAGE_CHANNELS] = {
    { 454964, 394499, 199113 },
    { 222968, 749909, 75699 },
    { 18612, 114764, 915200 },
};

/* Back. */
static const int32_t to_light[QVL_IMAGE_CHANNELS][XYZ] = {
    { 3230033, -1612063, -569394 },
    { -965973, 1967095, 47454 },
    { 55442, -213885, 1207019 },
};

typedef struct {
    int32_t xyz[QVL_IMAGE_CHANNELS][LEVELS][XYZ];  // share of a byte
    int32_t root[N_PIECES + 2];                    // f at the ends of pieces
    uint8_t byte[N_LIGHTS + 1];                    // of light
} colours;

/* The two tiles beside a pixel along one axis: `low`, low + 1 where part > 0. */
typedef struct {
    int low;
    int part;  // of the second, 0 to PLACE
} place;

typedef struct {
    // borrowed
    qvl_image *im;
    // owned
    qvl_arena arena;
    colours *colour;
    uint8_t (*map)[LEVELS];  // [rows, cols] new level of a level
    place *across;           // [w]
    // what is wanted
    double clip_limit;
    int rows, cols;
} job;

/* ---- colours ------------------------------------------------------------ */

/* Light of a value of sRGB, both 0 to 1. */
static double light_of(double v)
{
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double root_of(double t)
{
    const double edge = 6.0 / 29.0;
    return t > edge * edge * edge ? cbrt(t)
                                  : t / (3.0 * edge * edge) + 4.0 / 29.0;
}

/* The byte of a light is the one whose light is nearest by value: a byte ends half
 * a step above it. */
static void fill_bytes(uint8_t *byte)
{
    int i = 0;
    for (int v = 0; v < LEVELS; v++) {
        double end = v < 255 ? light_of((v + 0.5) / 255.0) : 2.0;
        for (; i <= N_LIGHTS && i < end * N_LIGHTS; i++)
            byte[i] = (uint8_t)v;
    }
}

static void fill_colours(colours *t)
{
    for (int v = 0; v < LEVELS; v++) {
        double light = light_of(v / 255.0) * ONE;
        for (int k = 0; k < XYZ; k++) {
            int32_t rest = (int32_t)rint(light);
            for (int c = 0; c < 2; c++) {
                t->xyz[c][v][k] =
                    (int32_t)rint(ldexp(light * to_xyz[k][c], -MATRIX_BITS));
                rest -= t->xyz[c][v][k];
            }
            t->xyz[2][v][k] = rest;
        }
    }
    for (int i = 0; i < N_PIECES + 2; i++)
        t->root[i] = (int32_t)rint(root_of((double)i / N_PIECES) * ROOT);
    fill_bytes(t->byte);
}

/* f of a number from 0 to about ONE. */
static int32_t root(const colours *t, int32_t v)
{
    int32_t i = v >> IN_PIECE_BITS;
    int32_t rest = v & ((1 << IN_PIECE_BITS) - 1);
    return t->root[i]
           + ((t->root[i + 1] - t->root[i]) * rest >> IN_PIECE_BITS);
}

/* The number whose f is r. */
static int64_t cube(int64_t r)
{
    const int64_t edge = 6 * ROOT / 29;
    if (r <= edge)
        return (r * 29 - 4 * ROOT) * 3 * 36 * (ONE / ROOT) / (29 * 29 * 29);
    return r * r * r >> (3 * ROOT_BITS - ONE_BITS);
}

static int32_t share(const colours *t, const uint8_t *p, int k)
{
    return t->xyz[0][p[0]][k] + t->xyz[1][p[1]][k] + t->xyz[2][p[2]][k];
}

/* rnd(255 L* / 100) of f(Y). */
static int level_of(int32_t fy)
{
    int64_t l = 116 * (int64_t)fy - 16 * ROOT;
    return (int)((255 * l + 50 * ROOT) / (100 * ROOT));
}

static uint8_t byte_of(const colours *t, const int64_t *xyz, const int32_t *row)
{
    int64_t light = xyz[0] * row[0] + xyz[1] * row[1] + xyz[2] * row[2];
    light = (light >> MATRIX_BITS) + (1 << (ONE_BITS - LIGHT_BITS - 1));
    light >>= ONE_BITS - LIGHT_BITS;
    return t->byte[light < 0 ? 0 : light > N_LIGHTS ? N_LIGHTS : light];
}

/* A pixel whose f are given becomes lighter by so many parts of a level. */
static void move_pixel(const colours *t, uint8_t *p, const int32_t *f,
                       int32_t parts)
{
    /* a level is 100 / 255 of L*, which is 116 f - 16 */
    int32_t more =
        (int32_t)((int64_t)parts * (25 * (ROOT / PART)) / (29 * 255));
    int64_t xyz[XYZ];
    for (int k = 0; k < XYZ; k++)
        xyz[k] = cube(f[k] + more);
    for (int c = 0; c < QVL_IMAGE_CHANNELS; c++)
        p[c] = byte_of(t, xyz, to_light[c]);
}

/* ---- maps of tiles ------------------------------------------------------ */

/* First pixel of tile k of n on a side. */
static int tile_start(int k, int n, int side)
{
    return (int)((int64_t)k * side / n);
}

/* Cut off what is above the limit, and spread it: level i gets the part that the
 * whole numbers of i / LEVELS give it. */
static void limit_counts(int64_t *count, int64_t area, double clip_limit)
{
    double most = clip_limit * (double)area / LEVELS;
    int64_t limit = most >= (double)area ? area : most < 1.0 ? 1 : (int64_t)most;
    int64_t over = 0;
    for (int i = 0; i < LEVELS; i++) {
        int64_t cut = count[i] > limit ? count[i] - limit : 0;
        over += cut;
        count[i] -= cut;
    }
    for (int i = 0; i < LEVELS; i++)
        count[i] += (i + 1) * over / LEVELS - i * over / LEVELS;
}

static void map_tile(job *j, int row, int col)
{
    int y0 = tile_start(row, j->rows, j->im->h);
    int y1 = tile_start(row + 1, j->rows, j->im->h);
    int x0 = tile_start(col, j->cols, j->im->w);
    int x1 = tile_start(col + 1, j->cols, j->im->w);
    int64_t count[LEVELS] = { 0 };
    for (int y = y0; y < y1; y++) {
        const uint8_t *p = qvl_image_row(j->im, y)
                           + (size_t)x0 * QVL_IMAGE_CHANNELS;
        for (int x = x0; x < x1; x++, p += QVL_IMAGE_CHANNELS)
            count[level_of(root(j->colour, share(j->colour, p, 1)))]++;
    }
    int64_t area = (int64_t)(y1 - y0) * (x1 - x0);
    limit_counts(count, area, j->clip_limit);
    uint8_t *map = j->map[(size_t)row * (size_t)j->cols + (size_t)col];
    int64_t sum = 0;
    for (int i = 0; i < LEVELS; i++) {
        sum += count[i];
        map[i] = (uint8_t)((255 * sum + area / 2) / area);
    }
}

/* Twice the centre of tile k. */
static int64_t centre2(int k, int n, int side)
{
    return (int64_t)tile_start(k, n, side) + tile_start(k + 1, n, side);
}

/* Place of pixel i between n tiles, from the tile that was last on. */
static place place_of(int i, int n, int side, int from)
{
    int64_t at = 2 * (int64_t)i + 1;
    int k = from;
    while (k + 1 < n && centre2(k + 1, n, side) <= at)
        k++;
    int64_t low = centre2(k, n, side);
    if (at <= low || k + 1 == n)
        return (place){ .low = k };
    int64_t high = centre2(k + 1, n, side);
    int64_t apart = high - low;
    return (place){ .low = k,
                    .part = (int)(((at - low) * PLACE + apart / 2) / apart) };
}

/* ---- the picture -------------------------------------------------------- */

/* Level a pixel gets, in parts. */
static int32_t mapped(const job *j, place down, place across, int level)
{
    uint8_t (*a)[LEVELS] = j->map + (size_t)down.low * (size_t)j->cols
                           + across.low;
    uint8_t (*b)[LEVELS] = down.part > 0 ? a + j->cols : a;
    int right = across.part > 0;
    int32_t up = a[0][level] * (PLACE - across.part)
                 + a[right][level] * across.part;
    int32_t low = b[0][level] * (PLACE - across.part)
                  + b[right][level] * across.part;
    int32_t sum = up * (PLACE - down.part) + low * down.part;
    return sum / (PLACE * PLACE / PART);
}

static void change_row(job *j, int y, place down)
{
    uint8_t *p = qvl_image_row(j->im, y);
    for (int x = 0; x < j->im->w; x++, p += QVL_IMAGE_CHANNELS) {
        int32_t f[XYZ];
        for (int k = 0; k < XYZ; k++)
            f[k] = root(j->colour, share(j->colour, p, k));
        int level = level_of(f[1]);
        int32_t parts = mapped(j, down, j->across[x], level) - level * PART;
        if (parts != 0)
            move_pixel(j->colour, p, f, parts);
    }
}

static int run(void *arg)
{
    job *j = arg;
    j->colour = qvl_arena_array(&j->arena, colours, 1);
    j->across = qvl_arena_array(&j->arena, place, j->im->w);
    j->map = qvl_arena_alloc_n(&j->arena, (size_t)j->rows * (size_t)j->cols,
                               sizeof *j->map);
    fill_colours(j->colour);
    for (int x = 0; x < j->im->w; x++)
        j->across[x] = place_of(x, j->cols, j->im->w,
                                x > 0 ? j->across[x - 1].low : 0);
    for (int row = 0; row < j->rows; row++)
        for (int col = 0; col < j->cols; col++)
            map_tile(j, row, col);
    place down = { 0 };
    for (int y = 0; y < j->im->h; y++) {
        down = place_of(y, j->rows, j->im->h, down.low);
        change_row(j, y, down);
    }
    return QVL_OK;
}

int qvl_image_clahe(qvl_image *im, const qvl_clahe *how, qvl_err *err)
{
    assert(im->pixel != NULL && how->clip_limit > 0.0 && how->rows > 0
           && how->cols > 0);

    job j = { .im = im, .clip_limit = how->clip_limit,
              .rows = how->rows < im->h ? how->rows : im->h,
              .cols = how->cols < im->w ? how->cols : im->w };
    int rc = qvl_guard(run, &j, err);
    qvl_arena_release(&j.arena);
    return rc;
}
