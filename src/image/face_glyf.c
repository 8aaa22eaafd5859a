/* face_glyf.c - quadratic outlines
 *
 * A glyph is a list of rings whose points lie on the outline or control it, with a
 * point on the outline half way between two that control it; or it is put together
 * of others, each shifted and perhaps scaled.
 */
#include <math.h>

#include "image/face_parts.h"

/* Glyphs within glyphs, and all of one letter: a file can make them refer to
 * each other in circles. */
#define MAX_DEPTH 6
#define MAX_COMPONENTS 256

/* x' = m[0] x + m[2] y + m[4], y' = m[1] x + m[3] y + m[5]. */
typedef struct {
    double m[6];
} matrix;

typedef struct {
    const qvl_face_glyf *f;
    qvl_face_pen *pen;
    int n_components;
} drawing;

typedef struct {
    double x, y;
    bool is_on;  // the outline goes through it
} vertex;

/* ---- rings -------------------------------------------------------------- */

static vertex between(const vertex *a, const vertex *b)
{
    return (vertex){ (a->x + b->x) / 2, (a->y + b->y) / 2, true };
}

/* A ring of n > 0 vertices. */
static void draw_ring(qvl_face_pen *pen, const vertex *v, int n)
{
    int first = 0;
    while (first < n && !v[first].is_on)
        first++;
    vertex start = first < n ? v[first] : between(&v[0], &v[n - 1]);
    first = first < n ? first + 1 : 0;
    int left = first > 0 ? n - 1 : n;
    qvl_face_move(pen, start.x, start.y);
    const vertex *control = NULL;
    for (int i = 0; i < left; i++) {
        const vertex *p = &v[(first + i) % n];
        if (control != NULL) {
            vertex to = p->is_on ? *p : between(control, p);
            qvl_face_curve(pen, (double[]){ control->x, control->y }, 1, to.x,
                           to.y);
        } else if (p->is_on) {
            qvl_face_line(pen, p->x, p->y);
        }
        control = p->is_on ? NULL : p;
    }
    if (control != NULL)
        qvl_face_curve(pen, (double[]){ control->x, control->y }, 1, start.x,
                       start.y);
}

/* Bits of a point's flags. */
enum { ON = 1, SHORT_X = 2, SHORT_Y = 4, REPEATED = 8, SAME_X = 16, SAME_Y = 32 };

static void read_flags(qvl_face_part *from, uint8_t *flag, int n)
{
    for (int i = 0; i < n && !from->is_out;) {
        uint8_t bits = (uint8_t)qvl_face_take(from, 1);
        int times = 1 + ((bits & REPEATED) != 0 ? (int)qvl_face_take(from, 1) : 0);
        for (; times > 0 && i < n; times--)
            flag[i++] = bits;
    }
}

/* How far one coordinate moves: `same` set tells of a short one that it is
 * positive, of another that it does not move. */
static int take_step(qvl_face_part *from, bool is_short, bool same)
{
    if (is_short) {
        int v = (int)qvl_face_take(from, 1);
        return same ? v : -v;
    }
    return same ? 0 : qvl_face_take_signed(from);
}

static void read_vertices(qvl_face_part *from, vertex *v, const uint8_t *flag,
                          int n)
{
    int x = 0;
    int y = 0;
    for (int i = 0; i < n; i++) {
        x += take_step(from, (flag[i] & SHORT_X) != 0, (flag[i] & SAME_X) != 0);
        v[i].x = x;
    }
    for (int i = 0; i < n; i++) {
        y += take_step(from, (flag[i] & SHORT_Y) != 0, (flag[i] & SAME_Y) != 0);
        v[i].y = y;
        v[i].is_on = (flag[i] & ON) != 0;
    }
}

static bool draw_rings(drawing *d, qvl_face_part *from, int n_rings,
                       const matrix *by)
{
    qvl_arena *arena = d->pen->arena;
    int *end = qvl_arena_array(arena, int, n_rings);
    int n = 0;
    for (int i = 0; i < n_rings; i++) {
        end[i] = (int)qvl_face_take(from, 2) + 1;
        if (end[i] < n)
            return false;
        n = end[i];
    }
    qvl_face_skip(from, qvl_face_take(from, 2));  // instructions
    if (from->is_out)
        return false;
    uint8_t *flag = qvl_arena_array(arena, uint8_t, n);
    vertex *v = qvl_arena_array(arena, vertex, n);
    read_flags(from, flag, n);
    read_vertices(from, v, flag, n);
    if (from->is_out)
        return false;
    for (int i = 0; i < n; i++) {
        vertex old = v[i];
        v[i].x = by->m[0] * old.x + by->m[2] * old.y + by->m[4];
        v[i].y = by->m[1] * old.x + by->m[3] * old.y + by->m[5];
    }
    for (int i = 0; i < n_rings; i++) {
        int first = i > 0 ? end[i - 1] : 0;
        if (end[i] > first)
            draw_ring(d->pen, v + first, end[i] - first);
    }
    return true;
}

/* ---- glyphs of glyphs --------------------------------------------------- */

/* Bits of a component's flags. */
enum {
    WORDS = 1, OFFSETS = 2, SCALE = 8, MORE = 32, TWO_SCALES = 64, FOUR_SCALES = 128,
    SCALED_OFFSETS = 2048
};

/* A number of 2 bits before and 14 behind the point. */
static double take_scale(qvl_face_part *from)
{
    return qvl_face_take_signed(from) / 16384.0;
}

static int take_offset(qvl_face_part *from, bool is_word)
{
    return is_word ? qvl_face_take_signed(from)
                   : (int8_t)qvl_face_take(from, 1);
}

/* Where a component goes; false for one that is placed by pairs of points. */
static bool read_place(qvl_face_part *from, uint32_t flags, matrix *out)
{
    matrix p = { { 1, 0, 0, 1, 0, 0 } };
    double dx = take_offset(from, (flags & WORDS) != 0);
    double dy = take_offset(from, (flags & WORDS) != 0);
    if ((flags & SCALE) != 0) {
        p.m[0] = p.m[3] = take_scale(from);
    } else if ((flags & TWO_SCALES) != 0) {
        p.m[0] = take_scale(from);
        p.m[3] = take_scale(from);
    } else if ((flags & FOUR_SCALES) != 0) {
        for (int i = 0; i < 4; i++)
            p.m[i] = take_scale(from);
    }
    bool is_scaled = (flags & SCALED_OFFSETS) != 0;
    p.m[4] = dx * (is_scaled ? hypot(p.m[0], p.m[1]) : 1);
    p.m[5] = dy * (is_scaled ? hypot(p.m[2], p.m[3]) : 1);
    *out = p;
    return (flags & OFFSETS) != 0;
}

/* First `a`, then `b`. */
static matrix joined(const matrix *a, const matrix *b)
{
    const double *m = b->m;
    matrix out;
    for (int i = 0; i < 6; i += 2) {
        double shift_x = i == 4 ? m[4] : 0;
        double shift_y = i == 4 ? m[5] : 0;
        out.m[i] = m[0] * a->m[i] + m[2] * a->m[i + 1] + shift_x;
        out.m[i + 1] = m[1] * a->m[i] + m[3] * a->m[i + 1] + shift_y;
    }
    return out;
}

static bool draw_glyph(drawing *d, uint32_t glyph, const matrix *by, int depth);

static bool draw_components(drawing *d, qvl_face_part *from, const matrix *by,
                            int depth)
{
    uint32_t flags = MORE;
    while ((flags & MORE) != 0) {
        matrix place;
        flags = qvl_face_take(from, 2);
        uint32_t glyph = qvl_face_take(from, 2);
        if (!read_place(from, flags, &place) || from->is_out
            || ++d->n_components > MAX_COMPONENTS)
            return false;
        matrix all = joined(&place, by);
        if (!draw_glyph(d, glyph, &all, depth + 1))
            return false;
    }
    return true;
}

/* ---- glyphs ------------------------------------------------------------- */

static qvl_face_part glyph_part(const qvl_face_glyf *f, uint32_t glyph)
{
    int bytes = f->is_long ? 4 : 2;
    size_t unit = f->is_long ? 1 : 2;
    qvl_face_part list = qvl_face_rest(&f->loca, (size_t)glyph * (size_t)bytes);
    size_t from = unit * qvl_face_take(&list, bytes);
    size_t to = unit * qvl_face_take(&list, bytes);
    if (list.is_out || to < from)
        return qvl_face_cut(&f->glyf, f->glyf.len + 1, 0);
    return qvl_face_cut(&f->glyf, from, to - from);
}

static bool draw_glyph(drawing *d, uint32_t glyph, const matrix *by, int depth)
{
    qvl_face_part part = glyph_part(d->f, glyph);
    if (part.is_out || depth > MAX_DEPTH)
        return false;
    if (part.len == 0)
        return true;  // a blank
    int n_rings = qvl_face_take_signed(&part);
    qvl_face_skip(&part, 8);  // bounds
    return n_rings >= 0 ? draw_rings(d, &part, n_rings, by)
                        : draw_components(d, &part, by, depth);
}

bool qvl_face_glyf_draw(const qvl_face_glyf *f, uint32_t glyph,
                        qvl_face_pen *pen)
{
    drawing d = { .f = f, .pen = pen };
    return draw_glyph(&d, glyph, &(matrix){ { 1, 0, 0, 1, 0, 0 } }, 0);
}
