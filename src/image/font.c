/* font.c - glyphs as polylines on a grid of digits
 *
 * ASCII has glyphs; every other character is a box with its hexadecimal digits,
 * so that no text loses one in silence.
 */
#include "image/font.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"

/* Each glyph: its last column, then polylines parted by blanks. A point is a
 * column and a row, one digit each; 'a' is row 10. */
static const char *const glyphs[95] = {
    /*   */ "2",
    /* ! */ "0 0005 08",
    /* " */ "2 0002 2022",
    /* # */ "5 2117 4137 0353 0555",
    /* $ */ "4 423111020314344546371706 2028",
    /* % */ "5 5008 1021120110 4657483746",
    /* & */ "5 5813112031320507183855",
    /* ' */ "0 0002",
    /* ( */ "2 2003072a",
    /* ) */ "2 0023270a",
    /* * */ "4 2127 0246 4206",
    /* + */ "4 2226 0444",
    /* , */ "1 180a",
    /* - */ "4 0444",
    /* . */ "0 08",
    /* / */ "4 4008",
    /* 0 */ "4 103041473818070110",
    /* 1 */ "4 022028 0848",
    /* 2 */ "4 01103041430848",
    /* 3 */ "4 01103041433414 344547381807",
    /* 4 */ "4 38300646",
    /* 5 */ "4 400003334447381807",
    /* 6 */ "4 413010010718384745341405",
    /* 7 */ "4 004018",
    /* 8 */ "4 14030110304143341405071838474534",
    /* 9 */ "4 071838474130100103143443",
    /* : */ "0 04 08",
    /* ; */ "1 14 180a",
    /* < */ "4 420446",
    /* = */ "4 0343 0545",
    /* > */ "4 024406",
    /* ? */ "4 01103041422426 28",
    /* @ */ "6 58180701105061655645433223253645",
    /* A */ "5 08203058 1545",
    /* B */ "4 0434434130000838474534",
    /* C */ "5 5140100107184857",
    /* D */ "5 00305256380800",
    /* E */ "4 40000848 0434",
    /* F */ "4 400008 0434",
    /* G */ "5 51401001071848575434",
    /* H */ "5 0008 5058 0454",
    /* I */ "2 0020 1018 0828",
    /* J */ "4 4047381807",
    /* K */ "4 0008 4004 1348",
    /* L */ "4 000848",
    /* M */ "6 0800346068",
    /* N */ "5 08005850",
    /* O */ "5 104051574818070110",
    /* P */ "4 08003041433404",
    /* Q */ "5 104051574818070110 3659",
    /* R */ "4 08003041433404 2448",
    /* S */ "4 413010010314344547381807",
    /* T */ "4 0040 2028",
    /* U */ "5 000718485750",
    /* V */ "4 002840",
    /* W */ "6 0018335860",
    /* X */ "4 0048 4008",
    /* Y */ "4 002440 2428",
    /* Z */ "4 00400848",
    /* [ */ "2 20000a2a",
    /* \ */ "4 0048",
    /* ] */ "2 00202a0a",
    /* ^ */ "4 022042",
    /* _ */ "4 0949",
    /* ` */ "1 0011",
    /* a */ "4 0413334448 45150607183847",
    /* b */ "4 0008 0413334447381807",
    /* c */ "4 4433130407183847",
    /* d */ "4 4048 4433130407183847",
    /* e */ "4 05454433130407183847",
    /* f */ "3 30201118 0333",
    /* g */ "4 43493a1a09 4433130407183847",
    /* h */ "4 0008 0413334448",
    /* i */ "0 0308 01",
    /* j */ "2 23291a0a 21",
    /* k */ "3 0008 3306 1538",
    /* l */ "1 000718",
    /* m */ "6 0308 0413233438 3443536468",
    /* n */ "4 0308 0413334448",
    /* o */ "4 133344473818070413",
    /* p */ "4 030a 0413334447381807",
    /* q */ "4 434a 4433130407183847",
    /* r */ "3 0308 052333",
    /* s */ "4 4313041536473808",
    /* t */ "3 11172838 0333",
    /* u */ "4 0307183847 4348",
    /* v */ "4 032843",
    /* w */ "6 0318345863",
    /* x */ "4 0348 4308",
    /* y */ "4 0328 43281a0a",
    /* z */ "4 03430848",
    /* { */ "3 302011140516192a3a",
    /* | */ "0 000a",
    /* } */ "3 001021243526291a0a",
    /* ~ */ "4 05143645",
};

/* The box of a character that has no glyph: hex digits in two rows. */
#define DIGIT_SIZE 0.45  // of theirs to that of others
#define DIGIT_STEP 3.2   // columns
#define DIGIT_ROW 4.8    // rows
#define DIGIT_MARGIN 1.0
#define BOX_ROWS 10

static int n_digit_columns(uint32_t code)
{
    return code > 0xffff ? 3 : 2;
}

/* ---- text --------------------------------------------------------------- */

uint32_t qvl_font_next(const char **text)
{
    size_t n = qvl_utf8_bytes(*text, strnlen(*text, 4));
    uint32_t c = **text == '\0' ? 0 : 0xfffd;
    if (c != 0 && n > 0)
        c = qvl_utf8_code(*text, &n);
    *text += c == 0 ? 0 : n > 0 ? n : 1;
    return c;
}

static const char *glyph_of(uint32_t code)
{
    return code >= ' ' && code <= '~' ? glyphs[code - ' '] : NULL;
}

int qvl_font_width(uint32_t code)
{
    const char *g = glyph_of(code);
    return g != NULL ? g[0] - '0' : n_digit_columns(code) == 3 ? 10 : 7;
}

bool qvl_font_has(uint32_t code)
{
    return glyph_of(code) != NULL;
}

/* ---- strokes ------------------------------------------------------------ */

static int value_of(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static int glyph_stroke(const char *g, int k, double *x, double *y)
{
    g++;
    for (; *g != '\0' && k > 0; k--)
        g += 1 + strcspn(g + 1, " ");
    int n = 0;
    for (; g[0] == ' ' && n < QVL_FONT_MAX_POINTS && g[1 + 2 * n] != '\0'
           && g[1 + 2 * n] != ' '; n++) {
        x[n] = value_of(g[1 + 2 * n]);
        y[n] = value_of(g[2 + 2 * n]);
    }
    return n;
}

/* Polyline k of the digits in a box. */
static int digits_stroke(uint32_t code, int k, double *x, double *y)
{
    int columns = n_digit_columns(code);
    for (int i = 0; i < 2 * columns; i++) {
        uint32_t digit = code >> 4 * (2 * columns - 1 - i) & 15u;
        const char *g = glyph_of("0123456789ABCDEF"[digit]);
        double at_x = DIGIT_MARGIN + i % columns * DIGIT_STEP;
        double at_y = DIGIT_MARGIN + (double)(i / columns) * DIGIT_ROW;
        for (int s = 0;; s++) {
            int n = glyph_stroke(g, s, x, y);
            if (n == 0)
                break;
            if (k-- > 0)
                continue;
            for (int p = 0; p < n; p++) {
                x[p] = at_x + DIGIT_SIZE * x[p];
                y[p] = at_y + DIGIT_SIZE * y[p];
            }
            return n;
        }
    }
    return 0;
}

int qvl_font_stroke(uint32_t code, int k, double *x, double *y)
{
    assert(k >= 0);

    const char *g = glyph_of(code);
    if (g != NULL)
        return glyph_stroke(g, k, x, y);
    if (k > 0)
        return digits_stroke(code, k - 1, x, y);
    int w = qvl_font_width(code);
    double corner[][2] = { { 0, 0 }, { w, 0 }, { w, BOX_ROWS },
                           { 0, BOX_ROWS }, { 0, 0 } };
    for (int p = 0; p < 5; p++) {
        x[p] = corner[p][0];
        y[p] = corner[p][1];
    }
    return 5;
}
