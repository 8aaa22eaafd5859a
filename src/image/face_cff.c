/* face_cff.c - cubic outlines: the Compact Font Format, and its programs
 *
 * A glyph is a program of numbers, which go on a stack, and of operators, which take all
 * of it: moves, lines, curves, hints (passed over but for their count, which
 * says how long a mask is), and calls of pieces that glyphs share. The names of
 * operators are those of the format's description.
 */
#include <math.h>
#include <string.h>

#include "image/face_parts.h"

/* Bounds of the format. */
#define MAX_STACK 48
#define MAX_DEPTH 10
/* Operators of one glyph, so that calls of calls end. */
#define MAX_STEPS 100000

/* Operators of dicts; those with two bytes begin with 12. */
enum {
    CHAR_STRINGS = 17, PRIVATE = 18, SUBRS = 19, PROGRAM_TYPE = 0x0c06,
    FD_ARRAY = 0x0c24, FD_SELECT = 0x0c25
};

/* ---- lists and dicts ---------------------------------------------------- */

static bool read_index(const qvl_face_cff *f, size_t at, qvl_face_index *out)
{
    qvl_face_part from = qvl_face_rest(&f->all, at);
    qvl_face_index x = { .n = qvl_face_take(&from, 2), .end = at + 2 };
    if (x.n > 0) {
        x.offset_bytes = (int)qvl_face_take(&from, 1);
        if (from.is_out || x.offset_bytes < 1 || x.offset_bytes > 4)
            return false;
        x.offsets = at + 3;
        x.data = x.offsets + ((size_t)x.n + 1) * (size_t)x.offset_bytes - 1;
        qvl_face_skip(&from, (size_t)x.n * (size_t)x.offset_bytes);
        x.end = x.data + qvl_face_take(&from, x.offset_bytes);
    }
    *out = x;
    return !from.is_out && x.end <= f->all.len;
}

/* Entry i; is_out when there is none. */
static qvl_face_part entry_of(const qvl_face_cff *f, const qvl_face_index *x,
                              size_t i)
{
    qvl_face_part none = { .p = f->all.p, .is_out = true };
    if (i >= x->n)
        return none;
    size_t at = x->offsets + i * (size_t)x->offset_bytes;
    qvl_face_part list = qvl_face_rest(&f->all, at);
    size_t from = qvl_face_take(&list, x->offset_bytes);
    size_t to = qvl_face_take(&list, x->offset_bytes);
    if (list.is_out || to < from)
        return none;
    return qvl_face_cut(&f->all, x->data + from, to - from);
}

/* A whole number that begins with byte b, by the rules that dicts and programs
 * share; false for other bytes. */
static bool take_number(qvl_face_part *from, int b, int *out)
{
    if (b == 28)
        *out = qvl_face_take_signed(from);
    else if (b >= 32 && b <= 246)
        *out = b - 139;
    else if (b >= 247 && b <= 250)
        *out = (b - 247) * 256 + (int)qvl_face_take(from, 1) + 108;
    else if (b >= 251 && b <= 254)
        *out = -(b - 251) * 256 - (int)qvl_face_take(from, 1) - 108;
    else
        return false;
    return true;
}

/* A number of a dict. One with a fraction, half a byte a digit, is passed over and
 * gives 0: none that is asked for has one. */
static bool take_dict_number(qvl_face_part *from, int b, int *out)
{
    if (b == 29) {
        *out = (int)(int32_t)qvl_face_take(from, 4);
        return true;
    }
    if (b != 30)
        return take_number(from, b, out);
    uint32_t digits = 0;
    while ((digits & 15) != 15 && digits >> 4 != 15 && !from->is_out)
        digits = qvl_face_take(from, 1);
    *out = 0;
    return true;
}

/* The last `n` numbers before an operator of a dict: out [n], unchanged where it is
 * not there. */
static bool find_entry(qvl_face_part dict, int wanted, int *out, int n)
{
    int v[MAX_STACK];
    int n_values = 0;
    while (dict.at < dict.len && !dict.is_out) {
        int b = (int)qvl_face_take(&dict, 1);
        int value = 0;
        if (take_dict_number(&dict, b, &value)) {
            if (n_values == MAX_STACK)
                return false;
            v[n_values++] = value;
            continue;
        }
        int op = b == 12 ? 0x0c00 | (int)qvl_face_take(&dict, 1) : b;
        if (op == wanted && n_values >= n) {
            memcpy(out, v + n_values - n, (size_t)n * sizeof *v);
            return true;
        }
        n_values = 0;
    }
    return false;
}

bool qvl_face_cff_init(qvl_face_cff *f, const qvl_face_part *table)
{
    qvl_face_cff c = { .all = *table };
    qvl_face_part head = *table;
    qvl_face_index x = { 0 };
    int at = 0;
    int type = 2;
    bool is_first = qvl_face_take(&head, 1) == 1;  // version
    qvl_face_skip(&head, 1);
    size_t behind_head = qvl_face_take(&head, 1);
    if (!is_first || head.is_out || !read_index(&c, behind_head, &x)  // names
        || !read_index(&c, x.end, &x))  // dicts of fonts: of one font
        return false;
    c.top = entry_of(&c, &x, 0);
    if (c.top.is_out || !read_index(&c, x.end, &x)  // texts
        || !read_index(&c, x.end, &c.subrs))
        return false;
    find_entry(c.top, PROGRAM_TYPE, &type, 1);
    if (type != 2 || !find_entry(c.top, CHAR_STRINGS, &at, 1) || at < 0
        || !read_index(&c, (size_t)at, &c.glyphs))
        return false;
    int select = 0;
    if (find_entry(c.top, FD_ARRAY, &at, 1)
        && (at < 0 || !read_index(&c, (size_t)at, &c.fonts)
            || !find_entry(c.top, FD_SELECT, &select, 1) || select < 0))
        return false;
    c.select = (size_t)select;
    *f = c;
    return true;
}

/* ---- fonts in a font ---------------------------------------------------- */

/* Which font a glyph belongs to; format 3 lists ranges by their first glyph. */
static size_t font_of(const qvl_face_cff *f, uint32_t glyph)
{
    qvl_face_part list = qvl_face_rest(&f->all, f->select);
    size_t font = SIZE_MAX;
    if (qvl_face_take(&list, 1) == 0) {
        qvl_face_skip(&list, glyph);
        font = qvl_face_take(&list, 1);
    } else {
        uint32_t n = qvl_face_take(&list, 2);
        for (uint32_t i = 0; i < n && !list.is_out; i++) {
            if (qvl_face_take(&list, 2) > glyph)
                break;
            font = qvl_face_take(&list, 1);
        }
    }
    return list.is_out ? SIZE_MAX : font;
}

/* The pieces that glyphs of one font share; none is fine. */
static bool find_local_subrs(const qvl_face_cff *f, uint32_t glyph,
                             qvl_face_index *out)
{
    qvl_face_part dict = f->top;
    int place[2];  // bytes of the private dict, and where it is
    int at;
    if (f->fonts.n > 0)
        dict = entry_of(f, &f->fonts, font_of(f, glyph));
    *out = (qvl_face_index){ 0 };
    if (dict.is_out)
        return false;
    if (!find_entry(dict, PRIVATE, place, 2))
        return true;
    if (place[0] < 0 || place[1] < 0)
        return false;
    qvl_face_part own =
        qvl_face_cut(&f->all, (size_t)place[1], (size_t)place[0]);
    if (own.is_out)
        return false;
    if (!find_entry(own, SUBRS, &at, 1))
        return true;
    return at >= 0 && read_index(f, (size_t)place[1] + (size_t)at, out);
}

/* ---- programs ----------------------------------------------------------- */

typedef struct {
    const qvl_face_cff *f;
    qvl_face_index local;
    qvl_face_pen *pen;
    qvl_face_part code;  // that is being run
    double v[MAX_STACK];
    int n;
    int n_hints;
    int n_steps;
    int depth;
    bool is_done;
} program;

static bool run(program *p, qvl_face_part code);

/* Every operator: false when it is wrong. The stack is emptied behind those that
 * draw. */
typedef bool operator_fn(program *p);

static void line_by(program *p, double dx, double dy)
{
    qvl_face_line(p->pen, p->pen->x + dx, p->pen->y + dy);
}

/* A curve by the steps between its points. */
static void curve_by(program *p, double ax, double ay, double bx, double by,
                     double cx, double cy)
{
    double x = p->pen->x + ax;
    double y = p->pen->y + ay;
    double control[] = { x, y, x + bx, y + by };
    qvl_face_curve(p->pen, control, 2, control[2] + cx, control[3] + cy);
}

/* Only the first operator may have one number more, the width: moves take the last. */
static bool move_by(program *p, int n_numbers, bool has_x, bool has_y)
{
    if (p->n < n_numbers || p->n > n_numbers + 1)
        return false;
    double dx = has_x ? p->v[p->n - n_numbers] : 0;
    double dy = has_y ? p->v[p->n - 1] : 0;
    qvl_face_move(p->pen, p->pen->x + dx, p->pen->y + dy);
    return true;
}

static bool rmoveto(program *p)
{
    return move_by(p, 2, true, true);
}

static bool hmoveto(program *p)
{
    return move_by(p, 1, true, false);
}

static bool vmoveto(program *p)
{
    return move_by(p, 1, false, true);
}

static bool rlineto(program *p)
{
    for (int i = 0; i + 2 <= p->n; i += 2)
        line_by(p, p->v[i], p->v[i + 1]);
    return p->n % 2 == 0;
}

static bool lines_in_turn(program *p, bool is_across)
{
    for (int i = 0; i < p->n; i++, is_across = !is_across)
        line_by(p, is_across ? p->v[i] : 0, is_across ? 0 : p->v[i]);
    return true;
}

static bool hlineto(program *p)
{
    return lines_in_turn(p, true);
}

static bool vlineto(program *p)
{
    return lines_in_turn(p, false);
}

/* Curves from number `from` up to `to`, six each. */
static void curves(program *p, int from, int to)
{
    for (const double *v = p->v + from; v + 6 <= p->v + to; v += 6)
        curve_by(p, v[0], v[1], v[2], v[3], v[4], v[5]);
}

static bool rrcurveto(program *p)
{
    curves(p, 0, p->n);
    return p->n % 6 == 0;
}

static bool rcurveline(program *p)
{
    if (p->n % 6 != 2)
        return false;
    curves(p, 0, p->n - 2);
    line_by(p, p->v[p->n - 2], p->v[p->n - 1]);
    return true;
}

static bool rlinecurve(program *p)
{
    if (p->n < 6 || p->n % 2 != 0)
        return false;
    for (int i = 0; i + 2 <= p->n - 6; i += 2)
        line_by(p, p->v[i], p->v[i + 1]);
    curves(p, p->n - 6, p->n);
    return true;
}

/* Curves that begin and end along one axis; the first may begin off it. */
static bool curves_along(program *p, bool is_across)
{
    int i = p->n % 4 == 1;
    double off = i == 1 ? p->v[0] : 0;
    if (p->n % 4 > 1)
        return false;
    for (; i + 4 <= p->n; i += 4, off = 0) {
        const double *v = p->v + i;
        if (is_across)
            curve_by(p, v[0], off, v[1], v[2], v[3], 0);
        else
            curve_by(p, off, v[0], v[1], v[2], 0, v[3]);
    }
    return true;
}

static bool hhcurveto(program *p)
{
    return curves_along(p, true);
}

static bool vvcurveto(program *p)
{
    return curves_along(p, false);
}

/* Curves that begin along one axis and end along the other, in turn; the last may
 * end off it. */
static bool curves_in_turn(program *p, bool is_across)
{
    if (p->n % 4 > 1)
        return false;
    for (int i = 0; i + 4 <= p->n; i += 4, is_across = !is_across) {
        const double *v = p->v + i;
        double off = i + 5 == p->n ? v[4] : 0;
        if (is_across)
            curve_by(p, v[0], 0, v[1], v[2], off, v[3]);
        else
            curve_by(p, 0, v[0], v[1], v[2], v[3], off);
    }
    return true;
}

static bool hvcurveto(program *p)
{
    return curves_in_turn(p, true);
}

static bool vhcurveto(program *p)
{
    return curves_in_turn(p, false);
}

/* A width in front makes their number odd. */
static bool count_hints(program *p)
{
    p->n_hints += p->n / 2;
    return true;
}

/* A mask has a bit a hint; numbers before the first are hints too. */
static bool pass_mask(program *p)
{
    p->n_hints += p->n / 2;
    qvl_face_skip(&p->code, ((size_t)p->n_hints + 7) / 8);
    return true;
}

/* Four numbers more would put an accent on a letter, which only old fonts do. */
static bool endchar(program *p)
{
    p->is_done = true;
    return p->n < 4;
}

/* ---- flat curves -------------------------------------------------------- */

static bool flex(program *p)
{
    if (p->n != 13)
        return false;
    curves(p, 0, 12);
    return true;
}

static bool hflex(program *p)
{
    const double *v = p->v;
    if (p->n != 7)
        return false;
    curve_by(p, v[0], 0, v[1], v[2], v[3], 0);
    curve_by(p, v[4], 0, v[5], -v[2], v[6], 0);
    return true;
}

static bool hflex1(program *p)
{
    const double *v = p->v;
    if (p->n != 9)
        return false;
    curve_by(p, v[0], v[1], v[2], v[3], v[4], 0);
    curve_by(p, v[5], 0, v[6], v[7], v[8], -(v[1] + v[3] + v[7]));
    return true;
}

/* The last point goes along the axis on which the others went further, and on the
 * other back to where it began. */
static bool flex1(program *p)
{
    const double *v = p->v;
    double dx = 0;
    double dy = 0;
    if (p->n != 11)
        return false;
    for (int i = 0; i < 10; i += 2) {
        dx += v[i];
        dy += v[i + 1];
    }
    bool is_across = fabs(dx) > fabs(dy);
    curves(p, 0, 6);
    curve_by(p, v[6], v[7], v[8], v[9], is_across ? v[10] : -dx,
             is_across ? -dy : v[10]);
    return true;
}

/* ---- calls -------------------------------------------------------------- */

/* Numbers of pieces count from the middle of the list, so that they stay short. */
static bool call(program *p, const qvl_face_index *pieces)
{
    int middle = pieces->n < 1240 ? 107 : pieces->n < 33900 ? 1131 : 32768;
    if (p->n < 1 || p->depth == MAX_DEPTH)
        return false;
    double i = p->v[--p->n] + middle;
    if (!(i >= 0) || i >= pieces->n)
        return false;
    p->depth++;
    bool is_right = run(p, entry_of(p->f, pieces, (size_t)i));
    p->depth--;
    return is_right;
}

/* NULL: there is none, or none that is known here. */
static operator_fn *const operators[32] = {
    [1] = count_hints,  [3] = count_hints,  [4] = vmoveto,
    [5] = rlineto,      [6] = hlineto,      [7] = vlineto,
    [8] = rrcurveto,    [14] = endchar,     [18] = count_hints,
    [19] = pass_mask,   [20] = pass_mask,   [21] = rmoveto,
    [22] = hmoveto,     [23] = count_hints, [24] = rcurveline,
    [25] = rlinecurve,  [26] = vvcurveto,   [27] = hhcurveto,
    [30] = vhcurveto,   [31] = hvcurveto,
};

/* Those behind a byte 12. */
static operator_fn *const flexes[] = { hflex, flex, hflex1, flex1 };
#define FIRST_FLEX 34

static bool draw(program *p, int b)
{
    operator_fn *fn = operators[b];
    if (b == 12) {
        unsigned k = qvl_face_take(&p->code, 1) - FIRST_FLEX;
        fn = k < QVL_COUNT(flexes) ? flexes[k] : NULL;
    }
    bool is_right = fn != NULL && fn(p);
    p->n = 0;
    return is_right;
}

static bool push(program *p, int b)
{
    int v = 0;
    double value;
    if (b == 255) {
        value = (int32_t)qvl_face_take(&p->code, 4) / 65536.0;
    } else {
        take_number(&p->code, b, &v);
        value = v;
    }
    if (p->n == MAX_STACK)
        return false;
    p->v[p->n++] = value;
    return true;
}

static bool run(program *p, qvl_face_part code)
{
    bool is_right = !code.is_out;
    qvl_face_part back = p->code;
    p->code = code;
    while (is_right && !p->is_done && p->code.at < p->code.len) {
        int b = (int)qvl_face_take(&p->code, 1);
        if (b >= 32 || b == 28)
            is_right = push(p, b);
        else if (b == 11)  // return
            break;
        else if (b == 10 || b == 29)
            is_right = call(p, b == 10 ? &p->local : &p->f->subrs);
        else
            is_right = draw(p, b);
        is_right = is_right && !p->code.is_out && ++p->n_steps <= MAX_STEPS
                   && !p->pen->is_full;
    }
    p->code = back;
    return is_right;
}

bool qvl_face_cff_draw(const qvl_face_cff *f, uint32_t glyph,
                       qvl_face_pen *pen)
{
    program p = { .f = f, .pen = pen };
    return find_local_subrs(f, glyph, &p.local)
           && run(&p, entry_of(f, &f->glyphs, glyph));
}
