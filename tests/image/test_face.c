/* test_face.c - font files: characters, widths, letters at their places, and damage of
 * every kind
 */
#include "check.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "image/face.h"
#include "make_font.h"

static const char *const kind_name[N_FONTS] = { "glyf", "long glyf", "cff",
                                                "collection" };

#define SIDE 64

/* What a letter covers of a picture. */
typedef struct {
    int w, h;  // at most SIDE
    int n_runs;
    int cover[SIDE][SIDE];  // [y, x] 0 to 255
} sheet;

static void put_run(void *to, int x, int y, int n, int cover)
{
    sheet *s = to;
    CHECK(x >= 0 && n > 0 && x + n <= s->w && y >= 0 && y < s->h,
          "%d pixels from %d, %d on", n, x, y);
    CHECK(cover > 0 && cover <= 255, "cover %d", cover);
    for (int i = x; i < x + n; i++) {
        CHECK_INT(s->cover[y][i], 0, "%d, %d is covered twice", i, y);
        s->cover[y][i] = cover;
    }
    s->n_runs++;
}

/* Draw on a sheet of w x h px. */
static bool draw(const qvl_face *face, uint32_t code, qvl_face_place at,
                 sheet *s)
{
    memset(s, 0, sizeof *s);
    s->w = at.w;
    s->h = at.h;
    return qvl_face_draw(face, code, &at, put_run, s);
}

static qvl_face_place place(double x, double y, double dx, double dy)
{
    return (qvl_face_place){ x, y, dx, dy, SIDE, SIDE };
}

/* Pixels that are covered, parts of them counted as such. */
static double area_of(const sheet *s)
{
    double sum = 0;
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++)
            sum += s->cover[y][x];
    return sum / 255;
}

/* Pixels from (x0, y0) up to (x1, y1) are all covered, and none beside them. */
static void check_box(const sheet *s, int x0, int y0, int x1, int y1,
                      const char *name)
{
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++)
            CHECK_INT(s->cover[y][x],
                      x >= x0 && x < x1 && y >= y0 && y < y1 ? 255 : 0,
                      "%s: %d, %d", name, x, y);
}

/* A new file: one that is mapped stays as it is, and there is nothing to wait for. */
static const char *file_of(const qvl_str *font)
{
    const char *path = check_path("font");
    remove(path);
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL, "%s", path);
    if (font->len > 0)
        CHECK(fwrite(font->p, 1, font->len, f) == font->len, "%s", path);
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

/* ---- letters ------------------------------------------------------------ */

/* An em of 40 px: 25 units are a pixel. */
static void test_letters(void)
{
    for (int k = 0; k < N_FONTS; k++) {
        bool is_cff = k == FONT_CFF || k == FONT_COLLECTION;
        qvl_face *face = open_font((font_kind)k);
        const char *name = kind_name[k];
        qvl_face_place at = place(10, 40, 40, 0);
        sheet s;
        CHECK(draw(face, 'A', at, &s), "%s: A", name);
        CHECK_NEAR(area_of(&s), 32 * 32 - 16 * 16, 0.01, "%s: a hole", name);
        CHECK_INT(s.cover[4][14], 255, "%s: its corner", name);
        CHECK_INT(s.cover[35][45], 255, "%s: the other one", name);
        CHECK_INT(s.cover[12][22] + s.cover[27][37], 0, "%s: the hole", name);
        CHECK(draw(face, 0x4e00, at, &s), "%s: bar", name);
        check_box(&s, 10, 20, 50, 28, name);
        CHECK(draw(face, ' ', at, &s), "%s: blank", name);
        CHECK_INT(s.n_runs, 0, "%s: blank", name);
        /* Quadratic curves leave a sixth of the square out; the cubic ones are a
         * circle but for 3e-4 of its radius. FreeType leaves a curve by a
         * sixteenth of a pixel at most, here 6 px of the area. */
        double want = 1600 * (is_cff ? M_PI * 0.16 : 0.64 * 5 / 6);
        CHECK(draw(face, 'O', at, &s), "%s: O", name);
        CHECK_NEAR(area_of(&s), want, 6, "%s: curves", name);
        CHECK(!draw(face, 'Q', at, &s), "%s: none", name);
        CHECK_INT(s.n_runs, 0, "%s: none", name);
        qvl_face_close(face);
    }
}

static void test_composites(void)
{
    qvl_face *face = open_font(FONT_GLYF_LONG);
    qvl_face_place at = place(10, 40, 40, 0);
    sheet s;
    CHECK(draw(face, 'B', at, &s), "half an A");
    CHECK_NEAR(area_of(&s), 16 * 16 - 8 * 8, 0.01, "half an A");
    CHECK_INT(s.cover[14][16], 255, "its corner");
    CHECK_INT(s.cover[29][31], 255, "the other one");
    CHECK(draw(face, 0x20000, at, &s), "short steps");
    check_box(&s, 10, 30, 20, 40, "short steps");
    CHECK(!draw(face, 'L', at, &s), "a circle");
    CHECK(!draw(face, 'P', at, &s), "a pair of points that are not there");
    qvl_face_close(face);
}

/* The bar at a place between pixels, upwards, and downwards. */
static void test_places(void)
{
    qvl_face *face = open_font(FONT_GLYF);
    sheet s;
    CHECK(draw(face, 0x4e00, place(10.5, 40, 40, 0), &s), "half a column");
    CHECK_NEAR(area_of(&s), 40 * 8, 1, "half a column");
    CHECK_NEAR(s.cover[20][10], 128, 1, "left half");
    CHECK_NEAR(s.cover[20][50], 128, 1, "right half");
    CHECK(draw(face, 0x4e00, place(10, 40.25, 40, 0), &s), "a part of a row");
    CHECK_NEAR(s.cover[20][30], 191, 1, "its first row");
    CHECK_NEAR(s.cover[28][30], 64, 1, "its last row");
    CHECK(draw(face, 0x4e00, place(30, 60, 0, -40), &s), "upwards");
    check_box(&s, 10, 20, 18, 60, "upwards");
    CHECK(draw(face, 0x4e00, place(30, 10, 0, 40), &s), "downwards");
    check_box(&s, 42, 10, 50, 50, "downwards");
    CHECK(draw(face, 0x4e00, place(-7e3, 6e3, 15e3, 0), &s), "huge");
    check_box(&s, 0, 0, SIDE, SIDE, "huge");
    qvl_face_close(face);
}

static double random_of(uint64_t *state, double from, double to)
{
    *state = qvl_rng_mix(*state, 3);
    return from + (to - from) * (double)(*state >> 11) / (double)(1ull << 53);
}

/* Letters of any size and turn have their area, and what is seen of one in a small
 * picture is that part of it in a large one. */
static void test_random_places(void)
{
    qvl_face *face = open_font(FONT_CFF);
    sheet whole;
    sheet part;
    for (uint64_t k = 0; k < 500; k++) {
        uint64_t r = k;
        double em = random_of(&r, 0.5, 23);
        double angle = random_of(&r, 0, 2 * M_PI);
        qvl_face_place at = place(random_of(&r, 30, 34), random_of(&r, 30, 34),
                                  em * cos(angle), em * sin(angle));
        CHECK(draw(face, 'A', at, &whole), "letter %d", (int)k);
        CHECK_NEAR(area_of(&whole), 0.48 * em * em, 0.05 * em + 0.02,
                   "letter %d of %g px", (int)k, em);
        int x = (int)random_of(&r, 0, SIDE - 1);
        int y = (int)random_of(&r, 0, SIDE - 1);
        at.x -= x;
        at.y -= y;
        at.w = 1 + (int)random_of(&r, 0, SIDE - x - 1);
        at.h = 1 + (int)random_of(&r, 0, SIDE - y - 1);
        CHECK(draw(face, 'A', at, &part), "part %d", (int)k);
        for (int py = 0; py < at.h; py++)
            for (int px = 0; px < at.w; px++)
                CHECK_INT(part.cover[py][px], whole.cover[y + py][x + px],
                          "part %d at %d, %d", (int)k, px, py);
    }
    qvl_face_close(face);
}

static void test_hostile_places(void)
{
    static const double v[] = { NAN, INFINITY, -INFINITY, 1e300, 1e9, -1e9,
                                1e8, -1e8, 999999999, QVL_FACE_MAX_PX };
    qvl_face *face = open_font(FONT_GLYF);
    sheet s;
    for (size_t i = 0; i < QVL_COUNT(v); i++)
        for (int field = 0; field < 4; field++) {
            double p[] = { 10, 40, 40, 0 };
            p[field] = v[i];
            CHECK(draw(face, 'A', place(p[0], p[1], p[2], p[3]), &s),
                  "field %d is %g", field, v[i]);
            CHECK_INT(s.n_runs, 0, "field %d is %g", field, v[i]);
        }
    CHECK(draw(face, 0x4e00, place(-100, 6400, QVL_FACE_MAX_PX - 1, 0), &s),
          "as large as can be");
    check_box(&s, 0, 0, SIDE, SIDE, "as large as can be");
    CHECK(draw(face, 'A', place(10, 40, 0, 0), &s), "no size");
    CHECK_NEAR(area_of(&s), 0, 0, "no size");
    qvl_face_close(face);
}

/* FreeType would make letters bolder where the environment says so. */
static void test_environment(void)
{
    sheet s;
    sheet t;
    qvl_face_place at = place(10, 40, 20, 0);
    qvl_face *face = open_font(FONT_CFF);
    CHECK(draw(face, 'A', at, &s), "A");
    qvl_face_close(face);
    setenv("FREETYPE_PROPERTIES", "cff:no-stem-darkening=0", 1);
    face = open_font(FONT_CFF);
    unsetenv("FREETYPE_PROPERTIES");
    CHECK(draw(face, 'A', at, &t), "A");
    qvl_face_close(face);
    CHECK(memcmp(&s, &t, sizeof s) == 0, "equal pixels");
}

typedef struct {
    const qvl_face *face;
    sheet s;
} drawer;

static void *draw_often(void *arg)
{
    drawer *d = arg;
    for (int i = 0; i < 500; i++)
        draw(d->face, i < 499 ? 'A' : 'O', place(10, 40, 40, 0), &d->s);
    return NULL;
}

static void test_threads(void)
{
    static drawer d[4];
    pthread_t thread[QVL_COUNT(d)];
    qvl_face *face[QVL_COUNT(d)];
    qvl_str font = { 0 };
    qvl_err err;
    font_write(&font, FONT_CFF);
    const char *path = file_of(&font);
    qvl_str_release(&font);
    for (size_t i = 0; i < QVL_COUNT(d); i++) {
        CHECK_OK(qvl_face_open(&face[i], path, &err), err);
        d[i].face = face[i];
        CHECK_INT(pthread_create(&thread[i], NULL, draw_often, &d[i]), 0,
                  "thread");
    }
    for (size_t i = 0; i < QVL_COUNT(d); i++) {
        CHECK_INT(pthread_join(thread[i], NULL), 0, "thread");
        CHECK(memcmp(&d[i].s, &d[0].s, sizeof d[i].s) == 0, "thread %d",
              (int)i);
        qvl_face_close(face[i]);
    }
}

/* ---- files -------------------------------------------------------------- */

/* Font 0 and 1 of a collection differ in their outlines. */
static void test_collection(void)
{
    qvl_str font = { 0 };
    char path[512];
    qvl_face *face = NULL;
    qvl_err err;
    font_write(&font, FONT_COLLECTION);
    for (int i = 0; i < 2; i++) {
        sheet s;
        snprintf(path, sizeof path, "%s#%d", file_of(&font), i);
        CHECK_OK(qvl_face_open(&face, path, &err), err);
        CHECK(draw(face, 'O', place(10, 40, 40, 0), &s), "font %d", i);
        CHECK_NEAR(area_of(&s) / 1600, i == 0 ? M_PI * 0.16 : 0.64 * 5 / 6,
                   6 / 1600.0, "font %d", i);
        qvl_face_close(face);
    }
    snprintf(path, sizeof path, "%s#2", file_of(&font));
    CHECK_FAILS(qvl_face_open(&face, path, &err), QVL_E_RANGE, err,
                "found 2 fonts, expected number 2");
    snprintf(path, sizeof path, "%s#99999", file_of(&font));
    CHECK_FAILS(qvl_face_open(&face, path, &err), QVL_E_RANGE, err,
                "found 2 fonts, expected number 99999");
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

/* All that a caller can do with a font that is opened; false when it is refused. What
 * is drawn need not be looked at: put_run sees that it is inside. */
static bool use_font(const char *path)
{
    qvl_face *face = NULL;
    qvl_err err;
    int rc = qvl_face_open(&face, path, &err);
    if (rc != QVL_OK) {
        CHECK(rc == QVL_E_FORMAT || rc == QVL_E_RANGE, "%s", err.msg);
        CHECK_HAS(err.msg, path, "the file is named");
        return false;
    }
    static const uint32_t code[] = { ' ', 'A', 'B', 'L', 'O', 'P', 'Q', 0x4e00,
                                     0x20000, 0, 0xffff, 0x10ffff };
    for (size_t i = 0; i < QVL_COUNT(code); i++) {
        sheet s;
        double step = qvl_face_advance(face, code[i]);
        CHECK(step >= 0 && step < 70000, "advance %g", step);
        if (draw(face, code[i], place(10, 40, 40, 0), &s))
            CHECK(qvl_face_has(face, code[i]), "U+%x", (unsigned)code[i]);
        else
            CHECK_INT(s.n_runs, 0, "U+%x", (unsigned)code[i]);
    }
    qvl_face_close(face);
    return true;
}

/* A file that lacks its list of tables is none; what lacks more may be one with
 * fewer letters. */
static void test_cut_files(void)
{
    qvl_str font = { 0 };
    for (int k = 0; k < N_FONTS; k++) {
        qvl_str_reset(&font);
        font_write(&font, (font_kind)k);
        size_t len = font.len;
        for (size_t n = 0; n < len; n++) {
            font.len = n;
            bool is_font = use_font(file_of(&font));
            CHECK(!is_font || n >= 100, "%s of %d bytes", kind_name[k], (int)n);
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
    CHECK_FAILS(qvl_face_open(&face, file_of(&text), &err), QVL_E_FORMAT, err,
                "expected a TrueType or OpenType font");
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

static void test_refused(void)
{
    qvl_face *face = NULL;
    qvl_err err;
    print_message("SKIP font files: this build has no FreeType\n");
    CHECK_FAILS(qvl_face_open(&face, "some.ttf", &err), QVL_E_UNSUPPORTED, err,
                "font file some.ttf: found a build without FreeType");
    CHECK(face == NULL, "out is unchanged");
    qvl_face_close(face);
}

int main(void)
{
    const struct CMUnitTest with[] = {
        TEST(test_characters), TEST(test_letters), TEST(test_composites),
        TEST(test_places), TEST(test_random_places), TEST(test_hostile_places),
        TEST(test_environment), TEST(test_threads), TEST(test_collection),
        TEST(test_cut_files), TEST(test_damage), TEST(test_no_fonts),
    };
    const struct CMUnitTest without[] = { TEST(test_refused) };
    return qvl_face_can_open()
               ? cmocka_run_group_tests(with, NULL, NULL)
               : cmocka_run_group_tests(without, NULL, NULL);
}
