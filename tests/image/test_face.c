/* test_face.c - font files: characters, widths, outlines, and damage of every kind */
#include "check.h"

#include "base/rng.h"
#include "base/str.h"
#include "image/face.h"
#include "make_font.h"

static const char *const kind_name[N_FONTS] = { "glyf", "long glyf", "cff",
                                                "cff of fonts", "collection" };

static const char *file_of(const qvl_str *font)
{
    const char *path = check_path("font");
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL && fwrite(font->p, 1, font->len, f) == font->len, "%s",
          path);
    fclose(f);
    return path;
}

static qvl_face *open_font(font_kind kind)
{
    qvl_str font = { 0 };
    qvl_face *face = NULL;
    qvl_err err;
    font_write(&font, kind);
    CHECK_OK(qvl_face_open(&face, file_of(&font), &err), err);
    qvl_str_release(&font);
    return face;
}

/* Area of all rings, in ems^2; y points down, so a ring that turns clockwise on the
 * screen counts positive. */
static double area_of(const qvl_outline *o)
{
    double sum = 0;
    int first = 0;
    for (int r = 0; r < o->n_rings; first = o->end[r++])
        for (int i = first; i < o->end[r]; i++) {
            const double *a = &o->point[2 * i];
            const double *b = &o->point[2 * (i + 1 < o->end[r] ? i + 1 : first)];
            sum += a[0] * b[1] - b[0] * a[1];
        }
    return sum / 2;
}

static void bounds_of(const qvl_outline *o, double *b)
{
    b[0] = b[1] = INFINITY;
    b[2] = b[3] = -INFINITY;
    for (int i = 0; i < o->end[o->n_rings - 1]; i++)
        for (int a = 0; a < 2; a++) {
            b[a] = fmin(b[a], o->point[2 * i + a]);
            b[2 + a] = fmax(b[2 + a], o->point[2 * i + a]);
        }
}

static void check_bounds(const qvl_outline *o, double x0, double y0, double x1,
                         double y1, const char *name)
{
    double b[4];
    double want[] = { x0, y0, x1, y1 };
    bounds_of(o, b);
    for (int i = 0; i < 4; i++)
        CHECK_NEAR(b[i], want[i], 1e-9, "%s bound %d", name, i);
}

static void test_characters(void)
{
    for (int k = 0; k < N_FONTS; k++) {
        qvl_face *face = open_font((font_kind)k);
        bool has_far = k == FONT_GLYF_LONG;
        static const uint32_t no[] = { 0, 31, 33, '@', 'C', 'K', 'M', 'N', 'Q',
                                       0x4dff, 0x4e01, 0xfffe, 0xffff, 0x10041,
                                       0x1ffff, 0x20001, 0x10ffff };
        static const uint32_t yes[] = { ' ', 'A', 'B', 'L', 'O', 'P', 0x4e00 };
        for (size_t i = 0; i < QVL_COUNT(no); i++)
            CHECK(!qvl_face_has(face, no[i]), "%s: U+%x", kind_name[k],
                  (unsigned)no[i]);
        for (size_t i = 0; i < QVL_COUNT(yes); i++) {
            CHECK(qvl_face_has(face, yes[i]), "%s: U+%x", kind_name[k],
                  (unsigned)yes[i]);
            CHECK_NEAR(qvl_face_advance(face, yes[i]), yes[i] == ' ' ? 0.5 : 1,
                       0, "%s: U+%x", kind_name[k], (unsigned)yes[i]);
        }
        CHECK_INT(qvl_face_has(face, 0x20000), has_far, "%s", kind_name[k]);
        qvl_face_close(face);
    }
}

static void test_outlines(void)
{
    for (int k = 0; k < N_FONTS; k++) {
        bool is_cff = k == FONT_CFF || k == FONT_CFF_FONTS
                      || k == FONT_COLLECTION;
        qvl_face *face = open_font((font_kind)k);
        const char *name = kind_name[k];
        qvl_arena arena = { 0 };
        qvl_outline o = { 0 };
        CHECK(qvl_face_outline(face, 'A', &o, &arena), "%s: A", name);
        CHECK_INT(o.n_rings, 2, "%s: rings", name);
        CHECK_INT(o.end[0], 4, "%s: a square", name);
        check_bounds(&o, 0.1, -0.9, 0.9, -0.1, name);
        CHECK_NEAR(fabs(area_of(&o)), 0.64 - 0.16, 1e-9, "%s: a hole", name);
        CHECK(qvl_face_outline(face, 0x4e00, &o, &arena), "%s: bar", name);
        check_bounds(&o, 0, -0.5, 1, -0.3, name);
        CHECK(qvl_face_outline(face, ' ', &o, &arena), "%s: blank", name);
        CHECK_INT(o.n_rings, 0, "%s: blank", name);
        /* Quadratic curves leave a sixth of the square out; the cubic ones are a
         * circle but for 3e-4 of its radius. */
        double want = is_cff ? M_PI * 0.16 : 0.64 * 5 / 6;
        CHECK(qvl_face_outline(face, 'O', &o, &arena), "%s: O", name);
        CHECK_INT(o.n_rings, 1, "%s: O", name);
        CHECK_NEAR(fabs(area_of(&o)), want, 0.006 * want, "%s: curves", name);
        CHECK(o.end[0] > 12 && o.end[0] < 60, "%s: %d points", name, o.end[0]);
        CHECK(!qvl_face_outline(face, 'Q', &o, &arena), "%s: none", name);
        CHECK_INT(o.n_rings, 1, "%s: out is unchanged", name);
        qvl_arena_release(&arena);
        qvl_face_close(face);
    }
}

static void test_composites(void)
{
    qvl_face *face = open_font(FONT_GLYF_LONG);
    qvl_arena arena = { 0 };
    qvl_outline o = { 0 };
    CHECK(qvl_face_outline(face, 'B', &o, &arena), "half an A");
    CHECK_INT(o.n_rings, 2, "rings");
    check_bounds(&o, 0.1 + 0.05, -0.2 - 0.45, 0.1 + 0.45, -0.2 - 0.05, "B");
    CHECK(qvl_face_outline(face, 0x20000, &o, &arena), "short steps");
    check_bounds(&o, 0, -0.25, 0.25, 0, "short steps");
    CHECK(!qvl_face_outline(face, 'L', &o, &arena), "a circle");
    CHECK(!qvl_face_outline(face, 'P', &o, &arena), "pairs of points");
    qvl_arena_release(&arena);
    qvl_face_close(face);
}

/* Font 0 and 1 of a collection differ in their outlines. */
static void test_collection(void)
{
    qvl_str font = { 0 };
    char path[512];
    qvl_face *face = NULL;
    qvl_err err;
    font_write(&font, FONT_COLLECTION);
    for (int i = 0; i < 2; i++) {
        qvl_arena arena = { 0 };
        qvl_outline o;
        snprintf(path, sizeof path, "%s#%d", file_of(&font), i);
        CHECK_OK(qvl_face_open(&face, path, &err), err);
        CHECK(qvl_face_outline(face, 'O', &o, &arena), "font %d", i);
        CHECK_NEAR(fabs(area_of(&o)), i == 0 ? M_PI * 0.16 : 0.64 * 5 / 6,
                   0.006, "font %d", i);
        qvl_arena_release(&arena);
        qvl_face_close(face);
    }
    snprintf(path, sizeof path, "%s#2", file_of(&font));
    CHECK_FAILS(qvl_face_open(&face, path, &err), QVL_E_RANGE, err,
                "found 2 fonts, expected number 2");
    qvl_str_reset(&font);
    font_write(&font, FONT_CFF);
    snprintf(path, sizeof path, "%s#1", file_of(&font));
    CHECK_FAILS(qvl_face_open(&face, path, &err), QVL_E_RANGE, err,
                "found 1 fonts, expected number 1");
    /* What is no number belongs to the name. */
    snprintf(path, sizeof path, "%s#x", file_of(&font));
    CHECK_FAILS(qvl_face_open(&face, path, &err), QVL_E_IO, err, "font#x");
    qvl_str_release(&font);
}

/* ---- programs ----------------------------------------------------------- */

/* Numbers v are one byte each. */
#define N(v) ((v) + 139)
enum {
    HSTEM = 1, VMOVE = 4, RLINE = 5, HLINE = 6, VLINE = 7, RRCURVE = 8, CALL = 10,
    RETURN = 11, ESCAPE = 12, END = 14, HSTEMHM = 18, MASK = 19, CNTR = 20,
    RMOVE = 21, HMOVE = 22, VSTEMHM = 23, CURVELINE = 24, LINECURVE = 25,
    VVCURVE = 26, HHCURVE = 27, SHORT = 28, CALLG = 29, VHCURVE = 30, HVCURVE = 31,
    HFLEX = 34, FLEX = 35, HFLEX1 = 36, FLEX1 = 37, FIXED = 255
};

/* A program and the last points of its curves and lines: [n, 2] units. Curves are
 * straight, of three equal steps, unless they cannot be. */
static const struct {
    const char *name;
    uint8_t code[40];
    int n_bytes;
    int point[24];
    int n;
} programs[] = {
    { "lines", { N(10), N(20), RMOVE, N(1), N(2), N(3), N(4), RLINE, END }, 9,
      { 10, 20, 11, 22, 14, 26 }, 3 },
    { "in turn", { N(5), HMOVE, N(1), N(2), N(3), HLINE, N(4), N(5), VLINE,
                   END }, 10,
      { 5, 0, 6, 0, 6, 2, 9, 2, 9, 6, 14, 6 }, 6 },
    { "two rings", { N(5), HMOVE, N(9), HLINE, N(3), VMOVE, N(9), VLINE, END }, 9,
      { 5, 0, 14, 0, 14, 3, 14, 12 }, 4 },
    { "long numbers", { SHORT, 1, 0, 247, 0, RMOVE, FIXED, 0, 2, 0x80, 0, 251, 0,
                        RLINE, END }, 15,
      { 256, 108, 0, 0 }, 1 },
    { "a width", { N(50), N(5), VMOVE, N(1), VLINE, END }, 6,
      { 0, 5, 0, 6 }, 2 },
    { "hints", { N(50), N(1), N(2), HSTEM, N(5), VMOVE, N(1), VLINE, END }, 9,
      { 0, 5, 0, 6 }, 2 },
    { "a mask", { N(1), N(2), N(3), N(4), HSTEMHM, N(1), N(2), VSTEMHM, MASK, 0xe0,
                  N(5), VMOVE, N(1), VLINE, END }, 15,
      { 0, 5, 0, 6 }, 2 },
    { "a mask of nine", { N(1), N(2), N(1), N(2), N(1), N(2), N(1), N(2), N(1),
                          N(2), N(1), N(2), HSTEMHM, N(1), N(2), N(1), N(2), N(1),
                          N(2), CNTR, RMOVE, RMOVE, N(5), VMOVE, N(1), VLINE,
                          END }, 27,
      { 0, 5, 0, 6 }, 2 },
    { "curves", { N(0), HMOVE, N(1), N(2), N(1), N(2), N(1), N(2), RRCURVE, END },
      10, { 0, 0, 3, 6 }, 2 },
    { "curves, a line", { N(0), HMOVE, N(1), N(2), N(1), N(2), N(1), N(2), N(7),
                          N(8), CURVELINE, END }, 12,
      { 0, 0, 3, 6, 10, 14 }, 3 },
    { "lines, a curve", { N(0), HMOVE, N(7), N(8), N(1), N(2), N(1), N(2), N(1),
                          N(2), LINECURVE, END }, 12,
      { 0, 0, 7, 8, 10, 14 }, 3 },
    { "along x", { N(0), HMOVE, N(2), N(2), N(0), N(2), N(2), N(2), N(0), N(2),
                   HHCURVE, END }, 12,
      { 0, 0, 6, 0, 12, 0 }, 3 },
    { "along y", { N(0), HMOVE, N(2), N(0), N(2), N(2), VVCURVE, END }, 8,
      { 0, 0, 0, 6 }, 2 },
    { "pieces", { N(3), HMOVE, N(-107), CALL, N(-107), CALLG, END }, 7,
      { 3, 0, -47, 0, 3, 0 }, 3 },
    { "a flat curve", { N(0), HMOVE, N(1), N(0), N(1), N(0), N(1), N(0), N(1), N(0),
                        N(1), N(0), N(1), N(0), N(50), ESCAPE, FLEX, END }, 18,
      { 0, 0, 3, 0, 6, 0 }, 3 },
    { "no end", { N(5), VMOVE, N(1), VLINE }, 4, { 0, 5, 0, 6 }, 2 },
};

static qvl_face *open_program(const void *code, size_t n)
{
    qvl_str font = { 0 };
    qvl_face *face = NULL;
    qvl_err err;
    font_write_program(&font, code, n);
    CHECK_OK(qvl_face_open(&face, file_of(&font), &err), err);
    qvl_str_release(&font);
    return face;
}

static void test_programs(void)
{
    for (size_t i = 0; i < QVL_COUNT(programs); i++) {
        const char *name = programs[i].name;
        qvl_face *face = open_program(programs[i].code,
                                      (size_t)programs[i].n_bytes);
        qvl_arena arena = { 0 };
        qvl_outline o;
        CHECK(qvl_face_outline(face, 'A', &o, &arena), "%s", name);
        CHECK(o.n_rings > 0 && o.end[o.n_rings - 1] >= programs[i].n, "%s: %d",
              name, o.n_rings);
        for (int k = 0; k < programs[i].n; k++) {
            CHECK_NEAR(o.point[2 * k], programs[i].point[2 * k] / 1000.0, 1e-12,
                       "%s: x of point %d", name, k);
            CHECK_NEAR(o.point[2 * k + 1], -programs[i].point[2 * k + 1] / 1000.0,
                       1e-12, "%s: y of point %d", name, k);
        }
        qvl_arena_release(&arena);
        qvl_face_close(face);
    }
}

/* The last point of all: [2] units. */
static void last_point(const void *code, size_t n, const char *name, double *x,
                       double *y)
{
    qvl_face *face = open_program(code, n);
    qvl_arena arena = { 0 };
    qvl_outline o;
    CHECK(qvl_face_outline(face, 'A', &o, &arena), "%s", name);
    *x = 1000 * o.point[2 * o.end[o.n_rings - 1] - 2];
    *y = -1000 * o.point[2 * o.end[o.n_rings - 1] - 1];
    qvl_arena_release(&arena);
    qvl_face_close(face);
}

/* Where the pen is behind each operator with curves that turn. */
static void test_curve_ends(void)
{
    static const struct {
        const char *name;
        uint8_t code[24];
        int n_bytes;
        int x, y;
    } cases[] = {
        { "hhcurveto, off the axis", { N(0), HMOVE, N(9), N(1), N(2), N(3), N(4),
                                       HHCURVE, END }, 9, 7, 12 },
        { "vvcurveto, off the axis", { N(0), HMOVE, N(9), N(1), N(2), N(3), N(4),
                                       VVCURVE, END }, 9, 11, 8 },
        { "hvcurveto", { N(0), HMOVE, N(1), N(2), N(3), N(4), HVCURVE, END }, 8,
          3, 7 },
        { "hvcurveto, off the axis", { N(0), HMOVE, N(1), N(2), N(3), N(4), N(5),
                                       HVCURVE, END }, 9, 8, 7 },
        { "vhcurveto", { N(0), HMOVE, N(1), N(2), N(3), N(4), VHCURVE, END }, 8,
          6, 4 },
        { "vhcurveto twice", { N(0), HMOVE, N(1), N(2), N(3), N(4), N(1), N(2),
                               N(3), N(4), N(5), VHCURVE, END }, 13, 14, 11 },
        { "hflex", { N(0), HMOVE, N(1), N(2), N(3), N(4), N(5), N(6), N(7), ESCAPE,
                     HFLEX, END }, 12, 25, 0 },
        { "hflex1", { N(0), HMOVE, N(1), N(2), N(3), N(4), N(5), N(6), N(7), N(8),
                      N(9), ESCAPE, HFLEX1, END }, 14, 31, 0 },
        { "flex1, across", { N(0), HMOVE, N(9), N(1), N(9), N(1), N(9), N(1), N(9),
                             N(1), N(9), N(1), N(9), ESCAPE, FLEX1, END }, 16,
          54, 0 },
        { "flex1, up", { N(0), HMOVE, N(1), N(9), N(1), N(9), N(1), N(9), N(1),
                         N(9), N(1), N(9), N(9), ESCAPE, FLEX1, END }, 16, 0,
          54 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double x;
        double y;
        last_point(cases[i].code, (size_t)cases[i].n_bytes, cases[i].name, &x,
                   &y);
        CHECK_NEAR(x, cases[i].x, 1e-9, "%s: x", cases[i].name);
        CHECK_NEAR(y, cases[i].y, 1e-9, "%s: y", cases[i].name);
    }
}

static void test_wrong_programs(void)
{
    static const struct {
        const char *name;
        uint8_t code[16];
        int n_bytes;
    } cases[] = {
        { "no such operator", { N(0), 2, END }, 3 },
        { "arithmetic", { N(1), N(2), ESCAPE, 10, END }, 5 },
        { "a move without numbers", { HMOVE, END }, 2 },
        { "an odd line", { N(0), HMOVE, N(1), RLINE, END }, 5 },
        { "no such piece", { N(-106), CALL, END }, 3 },
        { "a piece before the first", { SHORT, 0xff, 0, CALL, END }, 5 },
        { "no number of a piece", { CALL, END }, 2 },
        { "an accent", { N(1), N(2), N(3), N(4), END }, 5 },
        { "a cut number", { N(1), SHORT, 0 }, 3 },
        { "a cut mask", { N(1), N(2), HSTEMHM, MASK }, 4 },
        { "half a curve", { N(0), HMOVE, N(1), N(2), N(3), HVCURVE, END }, 7 },
        { "flex without all", { N(0), HMOVE, N(1), ESCAPE, FLEX, END }, 6 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_face *face = open_program(cases[i].code, (size_t)cases[i].n_bytes);
        qvl_arena arena = { 0 };
        qvl_outline o;
        CHECK(!qvl_face_outline(face, 'A', &o, &arena), "%s", cases[i].name);
        CHECK(qvl_face_outline(face, 'O', &o, &arena), "%s: others",
              cases[i].name);
        qvl_arena_release(&arena);
        qvl_face_close(face);
    }
}

/* More numbers than the stack has. */
static void test_full_stack(void)
{
    uint8_t code[60];
    memset(code, N(1), sizeof code);
    qvl_arena arena = { 0 };
    qvl_outline o;
    for (int n = 48; n <= 49; n++) {
        code[n] = HLINE;
        qvl_face *face = open_program(code, (size_t)n + 1);
        CHECK_INT(qvl_face_outline(face, 'A', &o, &arena), n == 48, "%d", n);
        qvl_face_close(face);
        code[n] = N(1);
    }
    qvl_arena_release(&arena);
}

/* ---- damage ------------------------------------------------------------- */

/* All that a caller can do with a font; what comes out is not looked at. */
static void use_font(const char *path)
{
    qvl_face *face = NULL;
    qvl_arena arena = { 0 };
    if (qvl_face_open(&face, path, NULL) != QVL_OK)
        return;
    static const uint32_t code[] = { ' ', 'A', 'B', 'L', 'O', 'P', 'Q', 0x4e00,
                                     0x20000, 0, 0xffff, 0x10ffff };
    for (size_t i = 0; i < QVL_COUNT(code); i++) {
        qvl_outline o = { 0 };
        double step = qvl_face_advance(face, code[i]);
        CHECK(step >= 0 && step < 5000, "advance %g", step);
        if (!qvl_face_outline(face, code[i], &o, &arena))
            continue;
        CHECK(qvl_face_has(face, code[i]), "U+%x", (unsigned)code[i]);
        for (int k = 0; o.n_rings > 0 && k < 2 * o.end[o.n_rings - 1]; k++)
            CHECK(isfinite(o.point[k]), "U+%x", (unsigned)code[i]);
    }
    qvl_arena_release(&arena);
    qvl_face_close(face);
}

static void test_cut_files(void)
{
    qvl_str font = { 0 };
    for (int k = 0; k < N_FONTS; k++) {
        qvl_str_reset(&font);
        font_write(&font, (font_kind)k);
        size_t len = font.len;
        for (size_t n = 0; n < len; n++) {
            qvl_face *face = NULL;
            qvl_err err;
            font.len = n;
            use_font(file_of(&font));
            if (k == FONT_COLLECTION)  // whose first font may be whole
                continue;
            CHECK_FAILS(qvl_face_open(&face, file_of(&font), &err),
                        QVL_E_FORMAT, err, "font");
        }
    }
    qvl_str_release(&font);
}

static void test_damage(void)
{
    qvl_str font = { 0 };
    for (int k = 0; k < N_FONTS; k++) {
        qvl_str_reset(&font);
        font_write(&font, (font_kind)k);
        char *whole = malloc(font.len);
        CHECK(whole != NULL, "memory");
        memcpy(whole, font.p, font.len);
        for (uint64_t i = 0; i < 1000; i++) {
            uint64_t r = qvl_rng_mix(k + 1, i);
            int n = 1 + (int)(r % 4);
            for (int b = 0; b < n; b++) {
                r = qvl_rng_mix(r, 7);
                font.p[r % font.len] = (char)(r >> 32);
            }
            use_font(file_of(&font));
            memcpy(font.p, whole, font.len);
        }
        free(whole);
    }
    qvl_str_release(&font);
}

static void test_no_fonts(void)
{
    qvl_face *face = NULL;
    qvl_err err;
    qvl_str text = { 0 };
    CHECK_FAILS(qvl_face_open(&face, check_path("none.ttf"), &err), QVL_E_IO,
                err, "none.ttf");
    CHECK_FAILS(qvl_face_open(&face, check_dir(), &err), QVL_E_IO, err,
                check_dir());
    qvl_str_puts(&text, "wOFF and other words, long enough for a header");
    CHECK_FAILS(qvl_face_open(&face, file_of(&text), &err), QVL_E_FORMAT, err,
                "expected a TrueType or OpenType font");
    qvl_str_release(&text);
    qvl_str font = { 0 };
    font_write(&font, FONT_GLYF);
    const char *path = file_of(&font);
    qvl_memory_limit(10);
    int rc = qvl_face_open(&face, path, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "no memory");
    CHECK(face == NULL, "out is unchanged");
    qvl_face_close(face);
    qvl_str_release(&font);
}

RUN_TESTS(TEST(test_characters), TEST(test_outlines), TEST(test_composites),
          TEST(test_collection), TEST(test_programs), TEST(test_curve_ends),
          TEST(test_wrong_programs), TEST(test_full_stack),
          TEST(test_cut_files), TEST(test_damage), TEST(test_no_fonts))
