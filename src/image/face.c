/* face.c - the tables of a font file: where they are, characters to glyphs, widths
 *
 * A file begins with a list of tables; a collection with a list of such lists. What
 * all letters need is checked when the file is opened; their outlines when
 * they are drawn (face_glyf.c, face_cff.c).
 */
#include "image/face.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "image/face_parts.h"

/* A curve leaves its pieces by this much at most, in ems: a twentieth of a pixel
 * for letters of 25 px. */
#define FLATNESS 0.002
#define MAX_PIECES 32

/* Points of a letter; the largest ideographs have some 500 before curves are cut. */
#define MAX_POINTS (1 << 16)

struct qvl_face {
    // owned
    qvl_file_map map;

    double units_per_em;
    uint32_t n_glyphs;
    uint32_t n_widths;     // entries of hmtx with a width
    qvl_face_part hmtx;
    qvl_face_part cmap;    // the table of characters that is used
    bool has_groups;       // its format is 12, else 4
    bool is_cff;
    qvl_face_glyf glyf;
    qvl_face_cff cff;
};

/* ---- bytes -------------------------------------------------------------- */

uint32_t qvl_face_take(qvl_face_part *part, int n_bytes)
{
    uint32_t v = 0;
    if (part->len - part->at < (size_t)n_bytes) {
        part->at = part->len;
        part->is_out = true;
        return 0;
    }
    for (int i = 0; i < n_bytes; i++)
        v = v << 8 | part->p[part->at++];
    return v;
}

int qvl_face_take_signed(qvl_face_part *part)
{
    return (int16_t)qvl_face_take(part, 2);
}

void qvl_face_skip(qvl_face_part *part, size_t n)
{
    part->is_out = part->is_out || part->len - part->at < n;
    part->at = part->is_out ? part->len : part->at + n;
}

qvl_face_part qvl_face_cut(const qvl_face_part *of, size_t at, size_t len)
{
    qvl_face_part part = { .p = of->p, .is_out = true };
    if (at > of->len || len > of->len - at)
        return part;
    return (qvl_face_part){ .p = of->p + at, .len = len };
}

qvl_face_part qvl_face_rest(const qvl_face_part *of, size_t at)
{
    return qvl_face_cut(of, at, at <= of->len ? of->len - at : 1);
}

/* A number somewhere in a part. */
static uint32_t number_at(const qvl_face_part *part, size_t at, int n_bytes)
{
    qvl_face_part from = qvl_face_rest(part, at);
    return qvl_face_take(&from, n_bytes);
}

/* ---- the pen ------------------------------------------------------------ */

static void put_point(qvl_face_pen *pen, double x, double y)
{
    if (pen->n == pen->cap) {
        int cap = pen->cap == 0 ? 256 : 2 * pen->cap;
        double *more = qvl_arena_array(pen->arena, double, 2 * (size_t)cap);
        if (pen->n > 0)
            memcpy(more, pen->point, 2 * (size_t)pen->n * sizeof *more);
        pen->point = more;
        pen->cap = cap;
    }
    pen->is_full = pen->is_full || pen->n == MAX_POINTS;
    if (pen->is_full)
        return;
    pen->point[2 * pen->n] = x * pen->scale;
    pen->point[2 * pen->n + 1] = -y * pen->scale;
    pen->n++;
    pen->x = x;
    pen->y = y;
}

void qvl_face_end(qvl_face_pen *pen)
{
    int from = pen->n_rings > 0 ? pen->end[pen->n_rings - 1] : 0;
    if (pen->n == from)
        return;
    if (pen->n_rings == pen->end_cap) {
        int cap = pen->end_cap == 0 ? 32 : 2 * pen->end_cap;
        int *more = qvl_arena_array(pen->arena, int, cap);
        if (pen->n_rings > 0)
            memcpy(more, pen->end, (size_t)pen->n_rings * sizeof *more);
        pen->end = more;
        pen->end_cap = cap;
    }
    pen->end[pen->n_rings++] = pen->n;
}

void qvl_face_move(qvl_face_pen *pen, double x, double y)
{
    qvl_face_end(pen);
    put_point(pen, x, y);
}

void qvl_face_line(qvl_face_pen *pen, double x, double y)
{
    put_point(pen, x, y);
}

/* A point of the curve through p[0] and p[n], n 2 or 3 (de Casteljau). */
static void curve_point(const double p[][2], int n, double t, double *out)
{
    double q[4][2];
    memcpy(q, p, ((size_t)n + 1) * sizeof *q);
    for (int k = n; k > 0; k--)
        for (int i = 0; i < k; i++)
            for (int a = 0; a < 2; a++)
                q[i][a] += t * (q[i + 1][a] - q[i][a]);
    out[0] = q[0][0];
    out[1] = q[0][1];
}

/* Pieces that a curve needs: cut into n, it leaves its chords by at most
 * k (k - 1) / 8 times its largest second difference over n^2, k its degree. */
static int n_pieces(const double p[][2], int n, double scale)
{
    double most = 0;
    for (int i = 0; i + 2 <= n; i++)
        most = fmax(most, hypot(p[i][0] - 2 * p[i + 1][0] + p[i + 2][0],
                                p[i][1] - 2 * p[i + 1][1] + p[i + 2][1]));
    double pieces = ceil(sqrt(n * (n - 1) / 8.0 * most * scale / FLATNESS));
    return (int)fmin(fmax(pieces, 1), MAX_PIECES);
}

void qvl_face_curve(qvl_face_pen *pen, const double *control, int n, double x,
                    double y)
{
    double p[4][2] = { { pen->x, pen->y } };
    memcpy(p[1], control, 2 * (size_t)n * sizeof *control);
    p[n + 1][0] = x;
    p[n + 1][1] = y;
    int pieces = n_pieces((const double (*)[2])p, n + 1, pen->scale);
    for (int i = 1; i < pieces; i++) {
        double q[2];
        curve_point((const double (*)[2])p, n + 1, (double)i / pieces, q);
        put_point(pen, q[0], q[1]);
    }
    put_point(pen, x, y);
}

/* ---- opening ------------------------------------------------------------ */

typedef struct {
    qvl_face *face;
    const char *path;      // as given
    qvl_face_part file;
    size_t tables;         // where the list of tables begins
    qvl_err *err;
} opening;

static int fail_font(const opening *o, const char *found)
{
    return qvl_fail(o->err, QVL_E_FORMAT, "font file %s: found %s, expected a "
                    "TrueType or OpenType font (.ttf, .otf, .ttc)", o->path,
                    found);
}

static uint32_t tag_of(const char *word)
{
    return (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16
           | (uint32_t)word[2] << 8 | (uint32_t)word[3];
}

/* The list of tables of font `number`; in a file with one font, 0. */
static int find_tables(opening *o, uint32_t number)
{
    uint32_t first = number_at(&o->file, 0, 4);
    uint32_t n = 1;
    if (first == tag_of("ttcf")) {
        n = number_at(&o->file, 8, 4);
        if (number < n)
            o->tables = number_at(&o->file, 12 + 4 * (size_t)number, 4);
    }
    if (number >= n)
        return qvl_fail(o->err, QVL_E_RANGE, "font file %s: found %u fonts, "
                        "expected number %u, counted from 0", o->path,
                        (unsigned)n, (unsigned)number);
    first = number_at(&o->file, o->tables, 4);
    if (first != 0x10000 && first != tag_of("true") && first != tag_of("OTTO"))
        return fail_font(o, "something else");
    return QVL_OK;
}

/* A table by its name; is_out when it is not there, or not all of it. */
static qvl_face_part find_table(const opening *o, const char *name)
{
    qvl_face_part list = qvl_face_rest(&o->file, o->tables + 4);
    qvl_face_part none = { .p = o->file.p, .is_out = true };
    uint32_t n = qvl_face_take(&list, 2);
    qvl_face_skip(&list, 6);  // three numbers for searching
    for (uint32_t i = 0; i < n && !list.is_out; i++) {
        uint32_t tag = qvl_face_take(&list, 4);
        qvl_face_skip(&list, 4);  // checksum
        uint32_t at = qvl_face_take(&list, 4);
        uint32_t len = qvl_face_take(&list, 4);
        if (tag == tag_of(name) && !list.is_out)
            return qvl_face_cut(&o->file, at, len);
    }
    return none;
}

/* Unicode tables of `cmap`: with all characters, or with the first 65536. */
static int choose_cmap(opening *o, const qvl_face_part *cmap)
{
    qvl_face_part list = qvl_face_rest(cmap, 2);
    uint32_t n = qvl_face_take(&list, 2);
    bool is_found = false;
    for (uint32_t i = 0; i < n && !list.is_out; i++) {
        uint32_t platform = qvl_face_take(&list, 2);
        uint32_t encoding = qvl_face_take(&list, 2);
        uint32_t at = qvl_face_take(&list, 4);
        uint32_t format = number_at(cmap, at, 2);
        bool is_unicode = platform == 0
                          || (platform == 3
                              && (encoding == 1 || encoding == 10));
        bool is_better = format == 12 || (format == 4 && !is_found);
        if (!is_unicode || !is_better)
            continue;
        o->face->cmap = qvl_face_rest(cmap, at);
        o->face->has_groups = format == 12;
        is_found = true;
    }
    return is_found ? QVL_OK : fail_font(o, "no table of Unicode characters");
}

static int read_sizes(opening *o)
{
    qvl_face *f = o->face;
    qvl_face_part head = find_table(o, "head");
    qvl_face_part maxp = find_table(o, "maxp");
    qvl_face_part hhea = find_table(o, "hhea");
    f->hmtx = find_table(o, "hmtx");
    if (head.len < 54 || maxp.len < 6 || hhea.len < 36 || f->hmtx.is_out)
        return fail_font(o, "tables that are missing or cut");
    f->units_per_em = number_at(&head, 18, 2);
    f->glyf.is_long = number_at(&head, 50, 2) != 0;
    f->n_glyphs = number_at(&maxp, 4, 2);
    f->n_widths = number_at(&hhea, 34, 2);
    /* The bounds of the format. */
    if (f->units_per_em < 16 || f->units_per_em > 16384 || f->n_widths == 0
        || f->hmtx.len / 4 < f->n_widths)
        return fail_font(o, "sizes that cannot be");
    return QVL_OK;
}

static int read_outlines(opening *o)
{
    qvl_face *f = o->face;
    qvl_face_part cff = find_table(o, "CFF ");
    f->is_cff = !cff.is_out;
    if (f->is_cff)
        return qvl_face_cff_init(&f->cff, &cff)
                   ? QVL_OK : fail_font(o, "a damaged table CFF");
    f->glyf.glyf = find_table(o, "glyf");
    f->glyf.loca = find_table(o, "loca");
    size_t entry = f->glyf.is_long ? 4 : 2;
    if (f->glyf.glyf.is_out || f->glyf.loca.len / entry <= f->n_glyphs)
        return fail_font(o, "no whole outlines in glyf or CFF");
    return QVL_OK;
}

/* The number behind the last '#' of a path, and where that stands; 0 and the
 * end when there is none. */
static uint32_t number_of(const char *path, size_t *len)
{
    const char *mark = strrchr(path, '#');
    *len = strlen(path);
    if (mark == NULL || mark[1] == '\0' || strlen(mark) > 6)
        return 0;
    for (const char *p = mark + 1; *p != '\0'; p++)
        if (!isdigit((unsigned char)*p))
            return 0;
    *len = (size_t)(mark - path);
    return (uint32_t)strtoul(mark + 1, NULL, 10);
}

static int read_tables(opening *o, uint32_t number)
{
    QVL_TRY(find_tables(o, number));
    QVL_TRY(read_sizes(o));
    QVL_TRY(read_outlines(o));
    qvl_face_part cmap = find_table(o, "cmap");
    return choose_cmap(o, &cmap);
}

typedef struct {
    const char *path;
    qvl_face *face;
    qvl_err *err;
} open_call;

static int open_steps(void *arg)
{
    open_call *c = arg;
    size_t len;
    qvl_arena names = { 0 };
    uint32_t number = number_of(c->path, &len);
    c->face = qvl_memory_zeroed(1, sizeof *c->face);
    const char *file = qvl_arena_strndup(&names, c->path, len);
    int rc = qvl_file_map_open(&c->face->map, file, c->err);
    qvl_arena_release(&names);
    if (rc != QVL_OK)
        return rc;
    opening o = { .face = c->face, .path = c->path, .err = c->err };
    o.file = (qvl_face_part){ .p = c->face->map.p, .len = c->face->map.len };
    return read_tables(&o, number);
}

int qvl_face_open(qvl_face **face, const char *path, qvl_err *err)
{
    open_call c = { .path = path, .err = err };
    int rc = qvl_guard(open_steps, &c, err);
    if (rc == QVL_OK)
        *face = c.face;
    else
        qvl_face_close(c.face);
    return rc;
}

void qvl_face_close(qvl_face *face)
{
    if (face == NULL)
        return;
    qvl_file_map_close(&face->map);
    free(face);
}

/* ---- characters --------------------------------------------------------- */

/* Format 12: groups of characters, each {first, last, glyph of the first}. */
static uint32_t glyph_of_groups(const qvl_face_part *t, uint32_t code)
{
    uint32_t lo = 0;
    uint32_t hi = number_at(t, 12, 4);
    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;
        size_t at = 16 + 12 * (size_t)middle;
        if (code > number_at(t, at + 4, 4)) {
            lo = middle + 1;
        } else if (code < number_at(t, at, 4)) {
            hi = middle;
        } else {
            return number_at(t, at + 8, 4) + (code - number_at(t, at, 4));
        }
    }
    return 0;
}

/* Format 4: four lists of n numbers, the last characters of segments, their first
 * ones, what to add, and how far behind itself a glyph is listed. */
static uint32_t glyph_of_segments(const qvl_face_part *t, uint32_t code)
{
    size_t n = number_at(t, 6, 2) / 2;
    size_t lo = 0;
    size_t hi = n;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (code > number_at(t, 14 + 2 * middle, 2))
            lo = middle + 1;
        else
            hi = middle;
    }
    size_t first_at = 16 + 2 * n + 2 * lo;
    size_t offset_at = first_at + 4 * n;
    uint32_t first = number_at(t, first_at, 2);
    uint32_t add = number_at(t, first_at + 2 * n, 2);
    uint32_t offset = number_at(t, offset_at, 2);
    if (lo == n || code < first)
        return 0;
    if (offset == 0)
        return (code + add) & 0xffff;
    uint32_t glyph =
        number_at(t, offset_at + offset + 2 * (size_t)(code - first), 2);
    return glyph == 0 ? 0 : (glyph + add) & 0xffff;
}

/* 0 when there is none. */
static uint32_t glyph_of(const qvl_face *face, uint32_t code)
{
    uint32_t glyph = 0;
    if (face->has_groups)
        glyph = glyph_of_groups(&face->cmap, code);
    else if (code <= 0xffff)
        glyph = glyph_of_segments(&face->cmap, code);
    return glyph < face->n_glyphs ? glyph : 0;
}

bool qvl_face_has(const qvl_face *face, uint32_t code)
{
    return glyph_of(face, code) != 0;
}

double qvl_face_advance(const qvl_face *face, uint32_t code)
{
    uint32_t glyph = glyph_of(face, code);
    uint32_t entry = glyph < face->n_widths ? glyph : face->n_widths - 1;
    return number_at(&face->hmtx, 4 * (size_t)entry, 2) / face->units_per_em;
}

bool qvl_face_outline(const qvl_face *face, uint32_t code, qvl_outline *out,
                      qvl_arena *arena)
{
    uint32_t glyph = glyph_of(face, code);
    qvl_face_pen pen = { .scale = 1 / face->units_per_em, .arena = arena };
    if (glyph == 0)
        return false;
    bool is_whole = face->is_cff ? qvl_face_cff_draw(&face->cff, glyph, &pen)
                                 : qvl_face_glyf_draw(&face->glyf, glyph, &pen);
    qvl_face_end(&pen);
    if (!is_whole || pen.is_full)
        return false;
    *out = (qvl_outline){ pen.point, pen.end, pen.n_rings };
    return true;
}
