/* tiles.c - the rules of tiles, and the little language they are written in
 *
 * `needs` and sizes of shared arrays are texts over names of tiles and
 * constants: whole numbers, the operators of C below, ceil_div, min_u32,
 * max_u32. Reading one is a descent by levels of operators. A division by 0 or
 * a value out of range makes the formula unreadable instead of wrong.
 */
#include "backend/tiles.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_TILE 65536
#define MAX_LANES 1024
#define MAX_VALUE ((int64_t)1 << 62)

/* Turns of loops that no dim makes too many: 64 times as often is too often. */
#define FEW_TURNS 1024

/* Every Vulkan device has half of it; every GPU we know has all of it. */
#define SHARED_BYTES ((size_t)32 << 10)
/* With one lane shared arrays lie on the stack of a driver's thread. */
#define STACK_BYTES ((size_t)1 << 20)

/* ---- formulas ------------------------------------------------------------ */

typedef struct {
    const char *p;
    const qvl_words *words;
    bool is_bad;
} formula;

/* Operators, weakest first; a longer one stands before one it begins with. */
static const struct {
    const char *mark;
    int level;
} operators[] = {
    { "||", 0 }, { "&&", 1 }, { "==", 2 }, { "!=", 2 }, { "<=", 3 },
    { ">=", 3 }, { "<", 3 }, { ">", 3 }, { "+", 4 }, { "-", 4 }, { "*", 5 },
    { "/", 5 }, { "%", 5 },
};
#define N_LEVELS 6

static int64_t read_level(formula *f, int level);

static void skip_blanks(formula *f)
{
    f->p += strspn(f->p, " \t\n");
}

static bool take(formula *f, const char *mark)
{
    skip_blanks(f);
    size_t n = strlen(mark);
    if (strncmp(f->p, mark, n) != 0)
        return false;
    f->p += n;
    return true;
}

static int64_t bad(formula *f)
{
    f->is_bad = true;
    return 1;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_';
}

static int64_t read_number(formula *f)
{
    int64_t v = 0;
    while (*f->p >= '0' && *f->p <= '9' && v <= UINT32_MAX)
        v = 10 * v + (*f->p++ - '0');
    f->p += *f->p == 'u';
    return is_word(*f->p) ? bad(f) : v;
}

static int64_t join(formula *f, const char *op, int64_t a, int64_t b)
{
    bool is_division = op[0] == '/' || op[0] == '%';
    bool is_large = op[0] == '*' && a != 0
                    && (b > MAX_VALUE / (a < 0 ? -a : a)
                        || b < -MAX_VALUE / (a < 0 ? -a : a));
    if (is_large || (is_division && b == 0))
        return bad(f);
    switch (op[0]) {
    case '|':
        return a != 0 || b != 0;
    case '&':
        return a != 0 && b != 0;
    case '=':
        return a == b;
    case '!':
        return a != b;
    case '<':
        return op[1] == '=' ? a <= b : a < b;
    case '>':
        return op[1] == '=' ? a >= b : a > b;
    case '*':
        return a * b;
    case '/':
        return a / b;
    case '%':
        return a % b;
    default:
        break;
    }
    int64_t sum = op[0] == '+' ? a + b : a - b;
    return sum > MAX_VALUE || sum < -MAX_VALUE ? bad(f) : sum;
}

/* ceil_div(a, b) and its like, behind the name. */
static int64_t read_call(formula *f, const char *name, size_t len)
{
    int64_t a = read_level(f, 0);
    if (!take(f, ","))
        return bad(f);
    int64_t b = read_level(f, 0);
    if (!take(f, ")") || a < 0 || b < 0)
        return bad(f);
    if (len == 8 && memcmp(name, "ceil_div", len) == 0)
        return b == 0 ? bad(f) : a / b + (a % b != 0);
    if (len == 7 && memcmp(name, "min_u32", len) == 0)
        return a < b ? a : b;
    if (len == 7 && memcmp(name, "max_u32", len) == 0)
        return a > b ? a : b;
    return bad(f);
}

static int64_t read_name(formula *f)
{
    const char *name = f->p;
    while (is_word(*f->p))
        f->p++;
    size_t len = (size_t)(f->p - name);
    if (len == 0)
        return bad(f);
    if (take(f, "("))
        return read_call(f, name, len);
    for (int i = 0; i < f->words->n; i++)
        if (strlen(f->words->name[i]) == len
            && memcmp(f->words->name[i], name, len) == 0)
            return f->words->value[i];
    return bad(f);
}

static int64_t read_operand(formula *f)
{
    if (take(f, "(")) {
        int64_t v = read_level(f, 0);
        return take(f, ")") ? v : bad(f);
    }
    return *f->p >= '0' && *f->p <= '9' ? read_number(f) : read_name(f);
}

/* The operator of this level that comes next, NULL for another or none. */
static const char *take_operator(formula *f, int level)
{
    skip_blanks(f);
    for (size_t i = 0; i < QVL_COUNT(operators); i++) {
        const char *mark = operators[i].mark;
        if (strncmp(f->p, mark, strlen(mark)) != 0)
            continue;
        if (operators[i].level != level)
            return NULL;
        f->p += strlen(mark);
        return mark;
    }
    return NULL;
}

static int64_t read_level(formula *f, int level)
{
    if (level == N_LEVELS)
        return read_operand(f);
    int64_t v = read_level(f, level + 1);
    for (const char *op = take_operator(f, level); op != NULL && !f->is_bad;
         op = take_operator(f, level))
        v = join(f, op, v, read_level(f, level + 1));
    return v;
}

bool qvl_formula(const char *text, const qvl_words *words, int64_t *value)
{
    formula f = { .p = text, .words = words };
    int64_t v = read_level(&f, 0);
    skip_blanks(&f);
    if (f.is_bad || *f.p != '\0')
        return false;
    *value = v;
    return true;
}

/* ---- rules --------------------------------------------------------------- */

static void put_word(qvl_words *w, const char *name, uint32_t value)
{
    w->name[w->n] = name;
    w->value[w->n++] = value;
}

static qvl_words words_of(const qvl_kernel *k, const qvl_tiling *t,
                          const uint32_t *constant)
{
    qvl_words w = { 0 };
    put_word(&w, "LANES", t->lanes);
    for (int i = 0; i < k->n_tiles; i++)
        put_word(&w, k->tile_name[i], t->tile[i]);
    for (int i = 0; constant != NULL && i < k->n_consts; i++)
        put_word(&w, k->const_name[i], constant[i]);
    return w;
}

/* " BM = 7, RM = 2," of the names that the text has. */
static void put_found(char *out, size_t bytes, const char *text,
                      const qvl_words *w)
{
    size_t len = 0;
    for (const char *p = text; *p != '\0';) {
        size_t n = 0;
        while (is_word(p[n]))
            n++;
        bool is_first = true;
        for (const char *q = text; q < p && n > 0; q++)
            is_first = is_first && !(strncmp(q, p, n) == 0 && !is_word(q[n])
                                     && (q == text || !is_word(q[-1])));
        for (int i = 0; i < w->n && is_first; i++) {
            if (strlen(w->name[i]) != n || memcmp(w->name[i], p, n) != 0)
                continue;
            int put = snprintf(out + len, bytes - len, "%s = %" PRIu32 ", ",
                               w->name[i], w->value[i]);
            len += put > 0 && (size_t)put < bytes - len ? (size_t)put : 0;
        }
        p += n > 0 ? n : 1;
    }
    out[len] = '\0';
}

static int fail_value(const qvl_kernel *k, const char *name, uint32_t found,
                      qvl_err *err, const char *expected)
{
    return qvl_fail(err, QVL_E_CONFIG,
                    "kernel %s: found %s = %" PRIu32 ", expected %s", k->op,
                    name, found, expected);
}

static int check_lanes(const qvl_kernel *k, const qvl_tiling *t,
                       const qvl_tile_limits *limits, qvl_err *err)
{
    char most[80];
    uint32_t n = t->lanes;
    if (limits->max_lanes == 1 && n != 1)
        return fail_value(k, "LANES", n, err, "1, the lanes of a group there");
    snprintf(most, sizeof most, "a power of two, at most %" PRIu32,
             limits->max_lanes);
    if (n == 0 || (n & (n - 1)) != 0 || n > limits->max_lanes)
        return fail_value(k, "LANES", n, err, most);
    return QVL_OK;
}

static int check_tile(const qvl_kernel *k, const char *name, uint32_t v,
                      const qvl_tile_limits *limits, qvl_err *err)
{
    if (v < 1 || v > MAX_TILE)
        return fail_value(k, name, v, err, "1 to 65536");
    if (strcmp(name, "VW") != 0)
        return QVL_OK;
    if (v != 1 && v != 4 && v != 8 && v != 16)
        return fail_value(k, name, v, err, "1, 4, 8 or 16");
    if (v > limits->max_vector)
        return fail_value(k, name, v, err,
                          "1, as the back end has no vectors");
    return QVL_OK;
}

/* Turns of a kernel whose sums have 4096 terms, and heads 128 numbers. */
static uint64_t turns_of(const qvl_kernel *k, const qvl_tiling *t)
{
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
    for (int i = 0; i < k->n_args; i++)
        arg[i] = 4096;
    for (int i = 0; i < k->n_consts; i++)
        arg[k->const_arg[i]] = 128;
    return k->turns(arg, t->tile, t->lanes, 4096);
}

static int check_turns(const qvl_kernel *k, const qvl_tiling *t,
                       const qvl_tiling *known, qvl_err *err)
{
    qvl_words own = words_of(k, t, NULL);
    uint64_t found = turns_of(k, t);
    uint64_t most = turns_of(k, known);
    most = most < FEW_TURNS ? FEW_TURNS : most;
    if (found <= most)
        return QVL_OK;
    char tiles[240];
    size_t len = 0;
    for (int i = 0; i < own.n; i++) {
        int n = snprintf(tiles + len, sizeof tiles - len, "%s = %" PRIu32 ", ",
                         own.name[i], own.value[i]);
        len += n > 0 && (size_t)n < sizeof tiles - len ? (size_t)n : 0;
    }
    tiles[len] = '\0';
    return qvl_fail(err, QVL_E_CONFIG,
                    "kernel %s: found %sloops that turn %" PRIu64 " times for "
                    "4096 terms, expected at most %" PRIu64 ", as this device "
                    "ends long ones", k->op, tiles, found, most);
}

int qvl_tiles_check(const qvl_kernel *k, const qvl_tiling *t,
                    const qvl_tile_limits *limits, qvl_err *err)
{
    QVL_TRY(check_lanes(k, t, limits, err));
    for (int i = 0; i < k->n_tiles; i++)
        QVL_TRY(check_tile(k, k->tile_name[i], t->tile[i], limits, err));
    qvl_words w = words_of(k, t, NULL);
    for (int i = 0; i < QVL_KERNEL_MAX_NEEDS && k->need[i] != NULL; i++) {
        int64_t holds = 0;
        if (qvl_formula(k->need[i], &w, &holds) && holds != 0)
            continue;
        char found[240];
        put_found(found, sizeof found, k->need[i], &w);
        return qvl_fail(err, QVL_E_CONFIG, "kernel %s: found %sexpected %s",
                        k->op, found, k->need[i]);
    }
    if (k->turns != NULL && limits->turns != NULL)
        return check_turns(k, t, limits->turns, err);
    return QVL_OK;
}

size_t qvl_tiles_shared_bytes(const qvl_kernel *k, const qvl_tiling *t,
                              const uint32_t *constant)
{
    qvl_words w = words_of(k, t, constant);
    size_t bytes = 0;
    for (int i = 0; i < QVL_KERNEL_MAX_SHARED && k->shared[i] != NULL; i++) {
        int64_t n = 0;
        bool is_good = qvl_formula(k->shared[i], &w, &n);
        assert((is_good || k->n_consts > 0) && "the generator tried them");
        if (!is_good || n < 0 || n > INT32_MAX)
            return SIZE_MAX;
        bytes += 4 * (size_t)n;
    }
    return bytes;
}

qvl_tile_limits qvl_tile_limits_of(qvl_class device_class)
{
    return (qvl_tile_limits){
        .max_lanes = device_class == QVL_CLASS_HOST ? 1 : MAX_LANES,
        .max_vector = device_class == QVL_CLASS_VULKAN_CPU ? 1 : 16,
    };
}

size_t qvl_tiles_most_shared(qvl_class device_class, uint32_t lanes)
{
    bool is_stack = device_class == QVL_CLASS_HOST
                    || (device_class == QVL_CLASS_OPENCL_CPU && lanes == 1);
    return is_stack ? STACK_BYTES : SHARED_BYTES;
}
