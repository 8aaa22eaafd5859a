/* test_draw.c - drawing: what is touched, what is not, and hostile numbers */
#include "check.h"

#include <stdbool.h>

#include "base/arena.h"
#include "image/draw.h"
#include "image/font.h"
#include "make_font.h"

static const qvl_colour black = { 0, 0, 0 };

typedef struct {
    qvl_image im;
    qvl_canvas canvas;
} sheet;

static sheet white_sheet(int w, int h)
{
    sheet s = { 0 };
    qvl_err err;
    CHECK_OK(qvl_image_init(&s.im, h, w, &err), err);
    memset(s.im.pixel, 255, qvl_image_bytes(&s.im));
    return s;
}

/* The canvas points to the picture, so it begins where the sheet will stay. */
static void begin(sheet *s)
{
    qvl_err err;
    CHECK_OK(qvl_canvas_init(&s->canvas, &s->im, &err), err);
}

static void end(sheet *s)
{
    qvl_canvas_release(&s->canvas);
    qvl_canvas_release(&s->canvas);
    qvl_image_release(&s->im);
}

static int at(const sheet *s, int x, int y)
{
    return qvl_image_row(&s->im, y)[3 * x];
}

/* Sum of darkness: 255 a black pixel. */
static double darkness(const sheet *s)
{
    double sum = 0;
    for (int y = 0; y < s->im.h; y++)
        for (int x = 0; x < s->im.w; x++)
            sum += 255 - at(s, x, y);
    return sum / 255;
}

static void test_line(void)
{
    sheet s = white_sheet(20, 10);
    begin(&s);
    qvl_pen pen = { .colour = black, .alpha = 1, .width_px = 1 };
    qvl_draw_path(&s.canvas, (double[]){ 3.5, 0.5, 3.5, 8.5 }, 2, &pen);
    for (int y = 1; y < 8; y++) {
        CHECK_INT(at(&s, 3, y), 0, "row %d of the line", y);
        CHECK_INT(at(&s, 2, y), 255, "row %d left", y);
        CHECK_INT(at(&s, 4, y), 255, "row %d right", y);
    }
    /* Between two columns each gets half. */
    qvl_draw_path(&s.canvas, (double[]){ 10, -5, 10, 20 }, 2, &pen);
    CHECK_NEAR(at(&s, 9, 5), 128, 2, "half");
    CHECK_NEAR(at(&s, 10, 5), 128, 2, "half");
    end(&s);
}

/* A path covers itself once, so a seam over it is not darker. */
static void test_alpha(void)
{
    sheet s = white_sheet(30, 30);
    begin(&s);
    qvl_pen pen = { .colour = black, .alpha = 0.5, .width_px = 3 };
    double p[] = { 5, 15, 25, 15, 5, 15, 25, 15 };
    qvl_draw_path(&s.canvas, p, 4, &pen);
    CHECK_NEAR(at(&s, 15, 15), 128, 2, "once");
    qvl_draw_path(&s.canvas, p, 2, &pen);
    CHECK_NEAR(at(&s, 15, 15), 64, 2, "twice");
    end(&s);
}

static void test_dash_and_closed(void)
{
    sheet s = white_sheet(100, 20);
    begin(&s);
    qvl_pen pen = { .colour = black, .alpha = 1, .width_px = 2,
                    .dash_px = 5 };
    qvl_draw_path(&s.canvas, (double[]){ 0, 10, 100, 10 }, 2, &pen);
    CHECK_NEAR(darkness(&s), 100 + 10 * 3.6, 12, "half is drawn, ends round");
    CHECK_INT(at(&s, 2, 9), 0, "dash");
    CHECK_INT(at(&s, 7, 9), 255, "gap");
    end(&s);
    s = white_sheet(40, 40);
    begin(&s);
    pen = (qvl_pen){ .colour = black, .alpha = 1, .width_px = 2 };
    double ring[] = { 10, 10, 30, 10, 30, 30, 10, 30 };
    qvl_draw_path(&s.canvas, ring, 4, &pen);
    CHECK_INT(at(&s, 10, 20), 255, "open");
    pen.is_closed = true;
    qvl_draw_path(&s.canvas, ring, 4, &pen);
    CHECK_INT(at(&s, 10, 20), 0, "closed");
    CHECK_NEAR(darkness(&s), 160, 3, "four sides of 20 by 2");
    end(&s);
}

/* Whatever the numbers, nothing outside is touched and time is short. */
static void test_hostile(void)
{
    static const double v[] = { 0, -1, 5, 1e8, -1e8, 1e18, -1e300, 1e308,
                                INFINITY, -INFINITY, NAN };
    sheet s = white_sheet(16, 16);
    begin(&s);
    for (size_t i = 0; i < QVL_COUNT(v); i++) {
        for (size_t k = 0; k < QVL_COUNT(v); k++) {
            qvl_pen pen = { .colour = black, .alpha = 0.1, .width_px = 2,
                            .dash_px = k % 2 == 0 ? 3 : 0,
                            .is_closed = i % 2 == 0 };
            double p[] = { v[i], v[k], v[k], v[(i + k) % QVL_COUNT(v)], 3, 4 };
            qvl_draw_path(&s.canvas, p, 3, &pen);
            qvl_draw_path(&s.canvas, p, 1, &pen);
            qvl_draw_path(&s.canvas, p, 0, &pen);
        }
    }
    qvl_draw_fill(&s.canvas, -5, -5, 100, 2, black, 2);
    qvl_draw_fill(&s.canvas, 9, 9, 3, 3, black, 1);
    qvl_draw_text(&s.canvas, -1e9, 5, "abc", 2, black);
    qvl_draw_text(&s.canvas, 12, 12, "abc\xff\xe7\xb1", 3, black);
    CHECK_INT(at(&s, 0, 0), 0, "filled");
    end(&s);
}

static void test_outside_draws_nothing(void)
{
    sheet s = white_sheet(16, 16);
    begin(&s);
    qvl_pen pen = { .colour = black, .alpha = 1, .width_px = 3 };
    double nan_point[] = { 3, 3, (double)NAN, 8 };
    qvl_draw_path(&s.canvas, (double[]){ -9, -9, 40, -9 }, 2, &pen);
    qvl_draw_path(&s.canvas, (double[]){ 30, 0, 0, 50 }, 2, &pen);
    qvl_draw_path(&s.canvas, nan_point, 2, &pen);
    qvl_draw_fill(&s.canvas, 20, 0, 30, 10, black, 1);
    CHECK_NEAR(darkness(&s), 0, 0, "nothing");
    end(&s);
}

static void test_image(void)
{
    sheet s = white_sheet(10, 10);
    sheet t = white_sheet(4, 4);
    memset(t.im.pixel, 0, qvl_image_bytes(&t.im));
    begin(&s);
    qvl_draw_image(&s.canvas, -2, 7, &t.im);
    CHECK_NEAR(darkness(&s), 6, 0, "the part that fits");
    CHECK_INT(at(&s, 1, 9), 0, "corner");
    qvl_draw_image(&s.canvas, 100, 0, &t.im);
    CHECK_NEAR(darkness(&s), 6, 0, "outside");
    end(&s);
    qvl_image_release(&t.im);
}

static void test_text(void)
{
    sheet s = white_sheet(200, 30);
    begin(&s);
    qvl_draw_text(&s.canvas, 2, 2, "I", 1, black);
    CHECK_INT(at(&s, 3, 5), 0, "the stem of an I");
    CHECK_INT(at(&s, 2, 5), 255, "beside it");
    CHECK_NEAR(qvl_draw_text_width("I", 1), 3, 0, "three columns");
    CHECK_NEAR(qvl_draw_text_width("", 1), 0, 0, "nothing");
    CHECK_NEAR(qvl_draw_text_width("II", 2), 14, 0, "two and a gap");
    double before = darkness(&s);
    qvl_draw_text(&s.canvas, 20, 2, " ", 1, black);
    CHECK_NEAR(darkness(&s), before, 0, "a blank");
    qvl_draw_text_up(&s.canvas, 100, 28, "I", 1, black);
    CHECK_INT(at(&s, 103, 26), 0, "the stem of a lying I");
    end(&s);
}

/* Every glyph has strokes within its grid, and no two look the same. */
static void test_font(void)
{
    char seen[96][200];
    for (uint32_t c = ' '; c <= '~'; c++) {
        char *text = seen[c - ' '];
        text[0] = '\0';
        int k = 0;
        for (;; k++) {
            double x[QVL_FONT_MAX_POINTS];
            double y[QVL_FONT_MAX_POINTS];
            int n = qvl_font_stroke(c, k, x, y);
            if (n == 0)
                break;
            for (int i = 0; i < n; i++) {
                CHECK(x[i] >= 0 && x[i] <= qvl_font_width(c) && y[i] >= 0
                          && y[i] <= QVL_FONT_BASELINE + QVL_FONT_TAIL,
                      "'%c' point %g %g", (char)c, x[i], y[i]);
                snprintf(text + strlen(text), 200 - strlen(text), "%g,%g ",
                         x[i], y[i]);
            }
            strcat(text, "/");
        }
        CHECK(c == ' ' || k > 0, "'%c' is empty", (char)c);
        CHECK(qvl_font_has(c), "'%c'", (char)c);
        for (uint32_t b = ' '; b < c; b++)
            CHECK(strcmp(seen[b - ' '], text) != 0, "'%c' and '%c'", (char)b,
                  (char)c);
    }
    CHECK(!qvl_font_has(0x7c7b) && !qvl_font_has('\n'), "no glyphs");
}

static void test_next(void)
{
    static const struct {
        const char *text;
        uint32_t code[4];
    } cases[] = {
        { "", { 0 } },
        { "a", { 'a' } },
        { "\xe7\xb1\xbb" "b", { 0x7c7b, 'b' } },
        { "\xf0\x9f\x98\x80", { 0x1f600 } },
        { "\xc3\xa9", { 0xe9 } },
        { "\xff" "a", { 0xfffd, 'a' } },
        { "\xe7\xb1", { 0xfffd, 0xfffd } },
        { "\xc0\x80", { 0xfffd, 0xfffd } },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const char *p = cases[i].text;
        for (int k = 0; k < 4; k++) {
            uint32_t code = qvl_font_next(&p);
            CHECK_INT(code, cases[i].code[k], "case %zu character %d", i, k);
            if (code == 0)
                break;
        }
    }
}

static void test_boxes_of_codes(void)
{
    double x[QVL_FONT_MAX_POINTS];
    double y[QVL_FONT_MAX_POINTS];
    CHECK_INT(qvl_font_stroke(0x7c7b, 0, x, y), 5, "a box");
    int n = 0;
    while (qvl_font_stroke(0x7c7b, n, x, y) > 0)
        n++;
    /* 7 C 7 b: one polyline each but the last, B, of one as well. */
    CHECK_INT(n, 5, "a box and four digits");
    CHECK(qvl_font_width(0x1f600) > qvl_font_width(0x7c7b), "six digits");
}

static void test_colours(void)
{
    for (int i = 0; i < QVL_N_COLOURS; i++)
        for (int k = 0; k < i; k++) {
            qvl_colour a = qvl_draw_colour(i), b = qvl_draw_colour(k);
            CHECK(abs(a.r - b.r) + abs(a.g - b.g) + abs(a.b - b.b) > 60,
                  "%d and %d", i, k);
        }
    CHECK_INT(qvl_draw_colour(QVL_N_COLOURS).r, qvl_draw_colour(0).r, "again");
    CHECK_INT(qvl_draw_ink((qvl_colour){ 255, 255, 0 }).r, 0, "on yellow");
    CHECK_INT(qvl_draw_ink((qvl_colour){ 0, 0, 160 }).r, 255, "on blue");
}

/* ---- letters of a file -------------------------------------------------- */

/* NULL in a build without FreeType. */
static qvl_face *open_face(void)
{
    if (!qvl_face_can_open()) {
        print_message("SKIP font files: this build has no FreeType\n");
        return NULL;
    }
    qvl_str font = { 0 };
    qvl_face *face = NULL;
    qvl_err err;
    font_write(&font, FONT_GLYF);
    FILE *f = fopen(check_path("draw.ttf"), "wb");
    CHECK(f != NULL && fwrite(font.p, 1, font.len, f) == font.len, "file");
    fclose(f);
    CHECK_OK(qvl_face_open(&face, check_path("draw.ttf"), &err), err);
    qvl_str_release(&font);
    return face;
}

/* U+4E00 of the font is a bar as wide as its em of 11 units, 3.3 to 5.5 units over
 * the baseline at 8.5. */
static void test_letters(void)
{
    qvl_face *face = open_face();
    if (face == NULL)
        return;
    sheet s = white_sheet(80, 60);
    begin(&s);
    s.canvas.face = face;
    qvl_draw_text(&s.canvas, 10, 10, "\xe4\xb8\x80", 2, black);
    CHECK_NEAR(darkness(&s), 22 * 4.4, 0.5, "area of the bar");
    CHECK_INT(at(&s, 10, 18), 0, "its left end");
    CHECK_INT(at(&s, 31, 18), 0, "its right end");
    CHECK_INT(at(&s, 9, 18), 255, "left of it");
    CHECK_INT(at(&s, 32, 18), 255, "right of it");
    CHECK_INT(at(&s, 20, 15), 255, "over it");
    CHECK_INT(at(&s, 20, 21), 255, "below it");
    end(&s);
    s = white_sheet(60, 80);
    begin(&s);
    s.canvas.face = face;
    qvl_draw_text_up(&s.canvas, 10, 70, "\xe4\xb8\x80", 2, black);
    CHECK_NEAR(darkness(&s), 22 * 4.4, 0.5, "upwards");
    CHECK_INT(at(&s, 18, 69), 0, "its lower end");
    CHECK_INT(at(&s, 18, 48), 0, "its upper end");
    CHECK_INT(at(&s, 18, 47), 255, "above it");
    end(&s);
    qvl_face_close(face);
}

/* A letter that the font lacks, or cannot draw, comes from where all others do. */
static void test_letters_that_lack(void)
{
    qvl_face *face = open_face();
    static const char *const text[] = { "x", "L", "\xe7\xb1\xbb" };
    for (size_t i = 0; i < QVL_COUNT(text); i++) {
        sheet s = white_sheet(60, 40);
        sheet t = white_sheet(60, 40);
        begin(&s);
        begin(&t);
        t.canvas.face = face;
        qvl_draw_text(&s.canvas, 10, 10, text[i], 1.5, black);
        qvl_draw_text(&t.canvas, 10, 10, text[i], 1.5, black);
        CHECK(darkness(&s) > 5, "%s is drawn", text[i]);
        CHECK(memcmp(s.im.pixel, t.im.pixel, qvl_image_bytes(&s.im)) == 0, "%s",
              text[i]);
        end(&s);
        end(&t);
    }
    CHECK_INT(qvl_draw_has_letters(face, "xAO \xe4\xb8\x80"), face != NULL,
              "all");
    CHECK(!qvl_draw_has_letters(NULL, "\xe4\xb8\x80"), "no font");
    CHECK(!qvl_draw_has_letters(face, "x\xe7\xb1\xbb"), "one is missing");
    CHECK(qvl_draw_has_letters(NULL, ""), "nothing");
    qvl_face_close(face);
}

static void test_widths(void)
{
    qvl_face *face = open_face();
    CHECK_NEAR(qvl_draw_text_width_in(NULL, "xx", 1), 11, 1e-9, "none");
    if (face == NULL)
        return;
    CHECK_NEAR(qvl_draw_text_width_in(face, "\xe4\xb8\x80", 2), 22, 1e-9, "em");
    CHECK_NEAR(qvl_draw_text_width_in(face, "A A", 1), 27.5, 1e-9, "a blank");
    /* 'x' is 4 columns and a gap of 2. */
    CHECK_NEAR(qvl_draw_text_width_in(face, "xA", 1), 6 + 11, 1e-9, "both");
    CHECK_NEAR(qvl_draw_text_width_in(face, "Ax", 1), 11 + 5, 1e-9, "both");
    qvl_face_close(face);
}

/* What fits is never wider than asked, and one character more would be. */
static void test_fit(void)
{
    static const char text[] = "xxiW \xe4\xb8\x80 A\xe7\xb1\xbb end";
    qvl_face *face = open_face();
    qvl_arena arena = { 0 };
    double whole = qvl_draw_text_width_in(face, text, 1.5);
    for (double w = 0; w < whole + 5; w += 0.7) {
        size_t n = qvl_draw_text_bytes(face, text, 1.5, w);
        const char *part = qvl_arena_strndup(&arena, text, n);
        CHECK(qvl_draw_text_width_in(face, part, 1.5) <= w, "%g: %s", w, part);
        if (n < strlen(text)) {
            const char *next = text + n;
            qvl_font_next(&next);
            part = qvl_arena_strndup(&arena, text, (size_t)(next - text));
            CHECK(qvl_draw_text_width_in(face, part, 1.5) > w, "%g: %s", w, part);
        }
        const char *fit = qvl_draw_text_fit(face, text, 1.5, w, &arena);
        size_t len = strlen(fit);
        CHECK(qvl_draw_text_width_in(face, fit, 1.5) <= w, "%g: %s", w, fit);
        CHECK_INT(strcmp(fit, text) == 0, whole <= w, "%g: %s", w, fit);
        if (whole > w && len > 0) {
            CHECK(len >= 3 && strcmp(fit + len - 3, "...") == 0, "%g: %s", w, fit);
            CHECK(memcmp(fit, text, len - 3) == 0, "%g: %s", w, fit);
        }
    }
    CHECK_STR(qvl_draw_text_fit(NULL, "", 1, 0, &arena), "", "nothing");
    CHECK_STR(qvl_draw_text_fit(NULL, "abc", 1, 1, &arena), "", "no room");
    qvl_arena_release(&arena);
    qvl_face_close(face);
}

static void test_memory(void)
{
    sheet s = white_sheet(500, 500);
    qvl_err err;
    qvl_memory_limit(1000);
    int rc = qvl_canvas_init(&s.canvas, &s.im, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "no memory");
    end(&s);
}

RUN_TESTS(TEST(test_line), TEST(test_alpha), TEST(test_dash_and_closed),
          TEST(test_hostile), TEST(test_outside_draws_nothing),
          TEST(test_image), TEST(test_text), TEST(test_font),
          TEST(test_next), TEST(test_boxes_of_codes), TEST(test_colours),
          TEST(test_letters), TEST(test_letters_that_lack), TEST(test_widths),
          TEST(test_fit), TEST(test_memory))
