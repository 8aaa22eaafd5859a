/* make_font.c - a small writer of fonts in the forms that readers must know */
#include "make_font.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

#define N_GLYPHS 9

static void put(qvl_str *out, int n_bytes, uint32_t v)
{
    for (int shift = 8 * (n_bytes - 1); shift >= 0; shift -= 8)
        qvl_str_putc(out, (char)(v >> shift & 255));
}

static void put_list(qvl_str *out, const int *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(out, 2, (uint32_t)v[i]);
}

#define PUT_WORDS(out, ...)                                                   \
    put_list((out), (const int[]){ __VA_ARGS__ },                             \
             sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

/* ---- tables that all fonts have ----------------------------------------- */

static void put_head(qvl_str *out, bool is_long)
{
    PUT_WORDS(out, 1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 0, 1000);
    PUT_WORDS(out, 0, 0, 0, 0, 0, 0, 0, 0);  // times
    PUT_WORDS(out, 0, 0, 1000, 1000, 0, 8, 2, is_long, 0);
}

static void put_hhea(qvl_str *out)
{
    PUT_WORDS(out, 1, 0, 800, -200, 0, 1000, 0, 0, 1000, 1, 0, 0, 0, 0, 0, 0);
    PUT_WORDS(out, 0, 5);  // widths; glyphs behind have the last
}

static void put_hmtx(qvl_str *out)
{
    PUT_WORDS(out, 1000, 0, 1000, 0, 1000, 0, 500, 0, 1000, 0);
    PUT_WORDS(out, 0, 0, 0, 0);
}

/* Glyphs: 1 A, 2 O, 3 blank, 4 U+4E00, 5 B, 6 L, 7 P, 8 U+20000. */
static void put_cmap(qvl_str *out, bool has_groups)
{
    static const uint32_t group[][3] = {
        { ' ', ' ', 3 },       { 'A', 'B', 0 },         { 'L', 'L', 6 },
        { 'O', 'P', 0 },       { 0x4e00, 0x4e00, 4 },   { 0x20000, 0x20000, 8 },
    };
    PUT_WORDS(out, 0, 1, 3, has_groups ? 10 : 1, 0, 12);
    if (has_groups) {
        /* A and B, O and P have no glyphs in a row, so they are groups of one. */
        static const uint32_t single[][3] = {
            { ' ', ' ', 3 },   { 'A', 'A', 1 },       { 'B', 'B', 5 },
            { 'L', 'L', 6 },   { 'O', 'O', 2 },       { 'P', 'P', 7 },
            { 0x4e00, 0x4e00, 4 },                    { 0x20000, 0x20000, 8 },
        };
        PUT_WORDS(out, 12, 0);
        put(out, 4, 16 + 12 * QVL_COUNT(single));
        put(out, 4, 0);
        put(out, 4, QVL_COUNT(single));
        for (size_t i = 0; i < QVL_COUNT(single); i++)
            for (int k = 0; k < 3; k++)
                put(out, 4, single[i][k]);
        return;
    }
    /* Five segments and the last one; those of two list their glyphs. */
    PUT_WORDS(out, 4, 16 + 8 * 6 + 2 * 4, 0, 12, 8, 2, 4);
    for (int i = 0; i < 5; i++)
        put(out, 2, group[i][1]);
    PUT_WORDS(out, 0xffff, 0);
    for (int i = 0; i < 5; i++)
        put(out, 2, group[i][0]);
    PUT_WORDS(out, 0xffff);
    for (int i = 0; i < 5; i++)
        put(out, 2, group[i][2] != 0 ? group[i][2] - group[i][0] : 0);
    PUT_WORDS(out, 1);
    PUT_WORDS(out, 0, 2 * 5, 0, 2 * 5, 0, 0);
    PUT_WORDS(out, 1, 5, 2, 7);
}

/* ---- quadratic outlines ------------------------------------------------- */

typedef struct {
    int x, y;
    bool is_on;
} dot;

static int flags_of(const dot *p, int i, bool is_short)
{
    int dx = p[i].x - (i > 0 ? p[i - 1].x : 0);
    int dy = p[i].y - (i > 0 ? p[i - 1].y : 0);
    if (is_short)
        return p[i].is_on | 2 | 4 | (dx >= 0 ? 16 : 0) | (dy >= 0 ? 32 : 0);
    return p[i].is_on | (dx == 0 ? 16 : 0) | (dy == 0 ? 32 : 0);
}

/* Steps have one byte where `is_short`, and equal flags are told once, else two. */
static void put_rings(qvl_str *out, const dot *p, const int *end, int n_rings,
                      bool is_short)
{
    int n = end[n_rings - 1];
    PUT_WORDS(out, n_rings, 0, 0, 1000, 1000);
    for (int i = 0; i < n_rings; i++)
        put(out, 2, (uint32_t)end[i] - 1);
    PUT_WORDS(out, 1);  // a byte of instructions
    put(out, 1, 0x4f);
    for (int i = 0; i < n;) {
        int flags = flags_of(p, i, is_short);
        int more = 0;
        while (is_short && i + more + 1 < n
               && flags_of(p, i + more + 1, is_short) == flags)
            more++;
        put(out, 1, (uint32_t)(flags | (more > 0 ? 8 : 0)));
        if (more > 0)
            put(out, 1, (uint32_t)more);
        i += 1 + more;
    }
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i < n; i++) {
            int v = axis == 0 ? p[i].x : p[i].y;
            int step = v - (i == 0 ? 0 : axis == 0 ? p[i - 1].x : p[i - 1].y);
            if (is_short)
                put(out, 1, (uint32_t)(step < 0 ? -step : step));
            else if (step != 0)
                put(out, 2, (uint32_t)step);
        }
    if (out->len % 2 != 0)
        put(out, 1, 0);
}

static void put_glyph(qvl_str *out, int glyph)
{
    static const dot a[] = {
        { 100, 100, true }, { 100, 900, true }, { 900, 900, true },
        { 900, 100, true }, { 300, 300, true }, { 700, 300, true },
        { 700, 700, true }, { 300, 700, true },
    };
    static const dot o[] = { { 0, 0, false }, { 0, 800, false },
                             { 800, 800, false }, { 800, 0, false } };
    static const dot bar[] = {
        { 0, 300, true }, { 0, 500, true }, { 1000, 500, true },
        { 1000, 300, true },
    };
    static const dot small[] = { { 0, 0, true }, { 0, 250, true },
                                 { 250, 250, true }, { 250, 0, true } };
    switch (glyph) {
    case 1:
        put_rings(out, a, (const int[]){ 4, 8 }, 2, false);
        break;
    case 2:
        put_rings(out, o, (const int[]){ 4 }, 1, false);
        break;
    case 4:
        put_rings(out, bar, (const int[]){ 4 }, 1, false);
        break;
    case 5:  // words, offsets, one scale
        PUT_WORDS(out, -1, 0, 0, 0, 0, 1 | 2 | 8, 1, 100, 200, 0x2000);
        break;
    case 6:  // bytes, offsets
        PUT_WORDS(out, -1, 0, 0, 0, 0, 2, 6, 0x0102);
        break;
    case 7:  // bytes, points
        PUT_WORDS(out, -1, 0, 0, 0, 0, 0, 4, 0x0001);
        break;
    case 8:
        put_rings(out, small, (const int[]){ 4 }, 1, true);
        break;
    default:
        break;  // blanks
    }
}

static void put_glyf(qvl_str *glyf, qvl_str *loca, bool is_long)
{
    for (int i = 0; i <= N_GLYPHS; i++) {
        put(loca, is_long ? 4 : 2, (uint32_t)(is_long ? glyf->len
                                                      : glyf->len / 2));
        if (i < N_GLYPHS)
            put_glyph(glyf, i);
    }
}

/* ---- cubic outlines ----------------------------------------------------- */

/* A number of a program or a dict, in its long form where it must have one. */
static void put_number(qvl_str *out, int v)
{
    if (v >= -107 && v <= 107) {
        put(out, 1, (uint32_t)(v + 139));
    } else {
        put(out, 1, 28);
        put(out, 2, (uint32_t)v);
    }
}

/* Numbers, and behind them an operator. */
static void put_step(qvl_str *out, int op, const int *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_number(out, v[i]);
    put(out, 1, (uint32_t)op);
}

#define PUT_STEP(out, op, ...)                                                \
    put_step((out), (op), (const int[]){ __VA_ARGS__ },                       \
             sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static void put_index(qvl_str *out, const qvl_str *item, int n)
{
    size_t at = 1;
    put(out, 2, (uint32_t)n);
    if (n == 0)
        return;
    put(out, 1, 2);  // bytes of a place
    for (int i = 0; i <= n; i++) {
        put(out, 2, (uint32_t)at);
        at += i < n ? item[i].len : 0;
    }
    for (int i = 0; i < n; i++)
        if (item[i].len > 0)
            qvl_str_putn(out, item[i].p, item[i].len);
}

static void put_program(qvl_str *out, int glyph)
{
    enum { MOVE = 21, HLINE = 6, HVCURVE = 31, END = 14 };
    if (glyph == 1) {
        PUT_STEP(out, MOVE, 100, 100);
        PUT_STEP(out, HLINE, 800, 800, -800);
        PUT_STEP(out, MOVE, 200, -600);
        PUT_STEP(out, 7, 400, 400, -400);  // vlineto
    } else if (glyph == 2) {
        PUT_STEP(out, MOVE, 400, 0);
        PUT_STEP(out, HVCURVE, 221, 179, 179, 221, 221, -179, 179, -221, -221,
                 -179, -179, -221, -221, 179, -179, 221);
    } else if (glyph == 4) {
        PUT_STEP(out, MOVE, 0, 300);
        PUT_STEP(out, HLINE, 1000, 200, -1000);
    }
    put(out, 1, END);
}

static void put_far(qvl_str *out, uint32_t v)
{
    put(out, 1, 29);
    put(out, 4, v);
}

/* What a reader needs to make letters bolder: how wide thin parts are, 5 units. */
static void put_private(qvl_str *out)
{
    PUT_STEP(out, 10, 5);  // those that lie
    PUT_STEP(out, 11, 5);  // those that stand
}

/* All but the programs and the numbers, which begin so many bytes from the front of
 * the table. */
static void put_cff_front(qvl_str *out, uint32_t programs,
                          uint32_t numbers)
{
    qvl_str name = { 0 };
    qvl_str top = { 0 };
    put(out, 4, 0x01000401);
    qvl_str_putc(&name, 'T');
    put_index(out, &name, 1);
    put_far(&top, programs);
    put(&top, 1, 17);
    put_far(&top, 4);
    put_far(&top, numbers);
    put(&top, 1, 18);
    put_index(out, &top, 1);
    put_index(out, NULL, 0);  // texts
    put_index(out, NULL, 0);  // pieces of programs
    qvl_str_release(&name);
    qvl_str_release(&top);
}

static void put_cff(qvl_str *out)
{
    qvl_str code[N_GLYPHS] = { { 0 } };
    qvl_str front = { 0 };
    qvl_str programs = { 0 };
    for (int i = 0; i < N_GLYPHS; i++)
        put_program(&code[i], i);
    put_index(&programs, code, N_GLYPHS);
    put_cff_front(&front, 0, 0);
    put_cff_front(out, (uint32_t)front.len,
                  (uint32_t)(front.len + programs.len));
    qvl_str_putn(out, programs.p, programs.len);
    put_private(out);
    for (int i = 0; i < N_GLYPHS; i++)
        qvl_str_release(&code[i]);
    qvl_str_release(&front);
    qvl_str_release(&programs);
}

/* ---- files -------------------------------------------------------------- */

typedef struct {
    const char *name;
    qvl_str data;
} table;

#define MAX_TABLES 8

/* A font whose places count from `begin` bytes before its own first one. */
static void put_font(qvl_str *out, uint32_t version, table *t, int n,
                     size_t begin)
{
    size_t at = begin + 12 + 16 * (size_t)n;
    put(out, 4, version);
    PUT_WORDS(out, n, 0, 0, 0);
    for (int i = 0; i < n; i++) {
        qvl_str_puts(out, t[i].name);
        put(out, 4, 0);
        put(out, 4, (uint32_t)at);
        put(out, 4, (uint32_t)t[i].data.len);
        at += t[i].data.len;
    }
    for (int i = 0; i < n; i++) {
        qvl_str_putn(out, t[i].data.p, t[i].data.len);
        qvl_str_release(&t[i].data);
    }
}

static void write_one(qvl_str *out, font_kind kind, size_t begin)
{
    bool is_long = kind == FONT_GLYF_LONG;
    table t[MAX_TABLES] = { { .name = "head" }, { .name = "hhea" },
                            { .name = "maxp" }, { .name = "hmtx" },
                            { .name = "cmap" } };
    put_head(&t[0].data, is_long);
    put_hhea(&t[1].data);
    PUT_WORDS(&t[2].data, 0, 0x5000, N_GLYPHS);
    put_hmtx(&t[3].data);
    put_cmap(&t[4].data, is_long);
    if (kind == FONT_CFF) {
        t[5].name = "CFF ";
        put_cff(&t[5].data);
        put_font(out, 0x4f54544f, t, 6, begin);
        return;
    }
    t[5].name = "glyf";
    t[6].name = "loca";
    put_glyf(&t[5].data, &t[6].data, is_long);
    put_font(out, 0x10000, t, 7, begin);
}

void font_write(qvl_str *out, font_kind kind)
{
    if (kind != FONT_COLLECTION) {
        write_one(out, kind, 0);
        return;
    }
    qvl_str part[2] = { { 0 } };
    write_one(&part[0], FONT_CFF, 20);
    write_one(&part[1], FONT_GLYF, 20 + part[0].len);
    qvl_str_puts(out, "ttcf");
    put(out, 4, 0x10000);
    put(out, 4, 2);
    put(out, 4, 20);
    put(out, 4, (uint32_t)(20 + part[0].len));
    for (int i = 0; i < 2; i++) {
        qvl_str_putn(out, part[i].p, part[i].len);
        qvl_str_release(&part[i]);
    }
}
