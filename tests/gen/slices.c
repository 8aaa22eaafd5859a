/* slices.c - the writer of slices.h: a pool of values in sight, and a lot that says
 * what is done with some of them
 */
#include "gen/slices.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"

enum { MAX_PIECES = 96, MAX_UNITS = 16 };

/* Columns of a piece: so many a, b and single ones. */
typedef struct {
    int n[3];
} width;

typedef enum {
    FLAT,   // [T, width]
    HEADS,  // [T, width, D]
    TALL,   // [2 * T, width]
    N_FORMS
} form;

typedef struct {
    char name[16];
    form form;
    width width;
} piece;

typedef struct {
    qvl_rng rng;
    qvl_str params, program;
    piece pool[MAX_PIECES];  // in sight
    int n;
    int n_names, n_losses;
    int depth;               // of the statement that comes next
    bool in_chunk;
} writer;

static int below(writer *w, int n)
{
    return (int)qvl_rng_below(&w->rng, (uint64_t)n);
}

static void say(writer *w, const char *fmt, ...) QVL_PRINTF(2, 3);

/* One statement of the program. */
static void say(writer *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    qvl_str_printf(&w->program, "%*s- ", 2 + 2 * w->depth, "");
    qvl_str_vprintf(&w->program, fmt, args);
    qvl_str_putc(&w->program, '\n');
    va_end(args);
}

typedef struct {
    char text[64];
} text;

/* A width as a spec has it: "2 * a + 1 * b". */
static text width_of(const width *x)
{
    static const char *const unit[3] = { "a", "b", "1" };
    text r = { "" };
    size_t at = 0;
    for (int i = 0; i < 3; i++)
        if (x->n[i] > 0)
            at += (size_t)snprintf(r.text + at, sizeof r.text - at, "%s%d * %s",
                                   at ? " + " : "", x->n[i], unit[i]);
    assert(at > 0 && at < sizeof r.text);
    return r;
}

/* A new piece in sight. */
static piece *add(writer *w, form f, width x)
{
    assert(w->n < MAX_PIECES);
    piece *p = &w->pool[w->n++];
    *p = (piece){ .form = f, .width = x };
    snprintf(p->name, sizeof p->name, "v%d", w->n_names++);
    return p;
}

static bool is_equal(const piece *p, const piece *q)
{
    return p->form == q->form && memcmp(&p->width, &q->width, sizeof p->width) == 0;
}

static const piece *any(writer *w)
{
    return &w->pool[below(w, w->n)];
}

/* What new values are made of. */
static const char *source(writer *w)
{
    return w->in_chunk || below(w, 2) ? "x" : "y";
}

/* A new value that is whole; a tall one is seen flat as well. */
static void make_like(writer *w, form f, width x)
{
    text cols = width_of(&x);
    const char *from = source(w);
    if (f == TALL) {
        width twice = { { 2 * x.n[0], 2 * x.n[1], 2 * x.n[2] } };
        make_like(w, FLAT, twice);
        from = w->pool[w->n - 1].name;
    }
    const char *n = add(w, f, x)->name;
    if (f == TALL) {
        say(w, "%s = reshape(%s, 2 * T, %s)", n, from, cols.text);
        return;
    }
    qvl_str_printf(&w->params, "    %s.weight: [%s(%s), H]\n", n,
                   f == HEADS ? "D * " : "", cols.text);
    if (f == FLAT)
        say(w, "%s = linear(%s, %s)", n, from, n);
    else
        say(w, "%s = reshape(linear(%s, %s), T, %s, D)", n, from, n, cols.text);
}

static void make(writer *w)
{
    width x = { { 1 + below(w, 3), 1 + below(w, 2), below(w, 3) } };
    make_like(w, (form)below(w, w->in_chunk ? HEADS : N_FORMS), x);
}

/* The units of a width in an order drawn by lot; how many. */
static int shuffled(writer *w, const width *x, int *unit)
{
    int n = 0;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < x->n[i]; k++)
            unit[n++] = i;
    for (int i = n - 1; i > 0; i--) {
        int k = below(w, i + 1), kept = unit[i];
        unit[i] = unit[k];
        unit[k] = kept;
    }
    return n;
}

/* Two parts of a piece or more, at most one a unit. */
static void split(writer *w)
{
    piece from = *any(w);
    int unit[MAX_UNITS];
    int n = shuffled(w, &from.width, unit), n_parts = 0;
    if (n < 2 || w->n + n > MAX_PIECES)
        return;
    qvl_str names = { 0 }, sizes = { 0 };
    for (int i = 0; i < n; n_parts++) {
        width x = { { 0 } };
        int left = n - i, most = n_parts == 0 ? left - 1 : left;
        for (int take = 1 + below(w, most); take > 0; take--)
            x.n[unit[i++]]++;
        qvl_str_printf(&names, "%s%s", n_parts ? ", " : "", add(w, from.form, x)->name);
        qvl_str_printf(&sizes, ", %s", width_of(&x).text);
    }
    if (n_parts <= 8)
        say(w, "%s = split(%s%s)", names.p, from.name, sizes.p);
    else
        w->n -= n_parts;
    qvl_str_release(&names);
    qvl_str_release(&sizes);
}

/* p, or an expression of it and another of its shape. */
static void put_operand(writer *w, qvl_str *out, const piece *p)
{
    const piece *q = any(w);
    int way = below(w, 5);
    if (way == 0)
        qvl_str_printf(out, "silu(%s)", p->name);
    else if (way == 1 && is_equal(p, q))
        qvl_str_printf(out, "tanh(%s * %s)", p->name, q->name);
    else if (way == 2 && is_equal(p, q))
        qvl_str_printf(out, "(%s - %s)", p->name, q->name);
    else
        qvl_str_puts(out, p->name);
}

/* Columns [T, H] of p. */
static void put_use(writer *w, qvl_str *out, const piece *p)
{
    text cols = width_of(&p->width);
    int k = w->n_names++;
    if (p->form == TALL) {
        qvl_str_printf(&w->params, "    t%d.weight: [a, %s]\n"
                       "    w%d.weight: [H, 2 * a]\n", k, cols.text, k);
        qvl_str_printf(out, "linear(reshape(linear(");
        put_operand(w, out, p);
        qvl_str_printf(out, ", t%d), T, 2 * a), w%d)", k, k);
        return;
    }
    qvl_str_printf(&w->params, "    w%d.weight: [H, %s(%s)]\n", k,
                   p->form == HEADS ? "D * " : "", cols.text);
    bool is_normed = below(w, 3) == 0;
    if (is_normed)
        qvl_str_printf(&w->params, "    n%d.weight: [%s]\n", k,
                       p->form == HEADS ? "D" : cols.text);
    qvl_str_printf(out, "linear(%s%s", p->form == HEADS ? "join(" : "",
                   is_normed ? "rms_norm(" : "");
    put_operand(w, out, p);
    if (is_normed)
        qvl_str_printf(out, ", n%d, eps)", k);
    qvl_str_printf(out, "%s, w%d)", p->form == HEADS ? ")" : "", k);
}

/* A piece goes into the loss. */
static void use(writer *w)
{
    qvl_str s = { 0 };
    const piece *p = any(w);
    if (w->in_chunk && p->form == TALL)
        return;
    if (!w->in_chunk && is_equal(p, &w->pool[0])) {
        say(w, "y = y + %s", p->name);
        return;
    }
    put_use(w, &s, p);
    if (w->in_chunk)
        say(w, "c%d = cross_entropy(f32(%s), label, loss_scale)", w->n_losses++, s.p);
    else
        say(w, "y = y + %s", s.p);
    qvl_str_release(&s);
}

/* A new value of a piece and another, which share their gradient. */
static void derive(writer *w)
{
    piece p = *any(w), q = *any(w);
    if (w->in_chunk && p.form != FLAT)
        return;
    if (below(w, 2)) {
        make_like(w, p.form, p.width);
        q = w->pool[w->n - 1];
    }
    if (!is_equal(&p, &q))
        q = p;
    switch (below(w, 3)) {
    case 0:
        say(w, "%s = %s + %s", add(w, p.form, p.width)->name, p.name, q.name);
        break;
    case 1:
        say(w, "%s = %s - %s", add(w, p.form, p.width)->name, p.name, q.name);
        break;
    default:
        say(w, "%s = tanh(%s * %s)", add(w, p.form, p.width)->name, p.name, q.name);
        break;
    }
}

/* A piece as elements of an array, read in a loop behind. */
static void put_array(writer *w)
{
    piece p = *any(w);
    int k = w->n_names++;
    say(w, "for l in L:");
    w->depth++;
    say(w, "e%d[l] = %s", k, p.name);
    use(w);
    w->depth--;
    say(w, "for l in L:");
    w->depth++;
    piece *q = add(w, p.form, p.width);
    say(w, "%s = e%d[l] + %s", q->name, k, p.name);
    int n = w->n - 1;
    use(w);
    use(w);
    w->n = n;
    w->depth--;
}

static void block(writer *w, int n_statements);

/* A block in which some of these happen; its values have no names behind it. */
static void region(writer *w)
{
    static const char *const heads[] = { "if flag:", "if not flag:",
                                         "chunk T by C:" };
    enum { CHUNK = 2, LOOP = 3 };
    int kind = below(w, 4), n = w->n;
    if (w->in_chunk || w->depth > 2)
        return;
    if (kind == LOOP)
        say(w, "for l%d in L:", w->depth);
    else
        say(w, "%s", heads[kind]);
    w->in_chunk = kind == CHUNK;
    w->depth++;
    use(w);
    block(w, 1 + below(w, 4));
    if (w->in_chunk) {
        qvl_str_printf(&w->params, "    h%d.weight: [H, H]\n", w->n_losses);
        say(w, "d%d = cross_entropy(f32(linear(x, h%d)), label, loss_scale)",
            w->n_losses, w->n_losses);
        w->n_losses++;
    } else {
        say(w, "y = y * 0.5");
    }
    w->depth--;
    w->in_chunk = false;
    w->n = n;
}

static void block(writer *w, int n_statements)
{
    for (int i = 0; i < n_statements && w->n < MAX_PIECES - 6; i++) {
        int way = below(w, 16);
        if (way < 5)
            split(w);
        else if (way < 10)
            use(w);
        else if (way < 12)
            derive(w);
        else if (way < 13)
            make(w);
        else if (way < 14 && w->depth == 0)
            put_array(w);
        else
            region(w);
    }
}

const char slices_dims[] =
    "slices:\n  - {a: 2, b: 1, D: 2, L: 2, eps: 0.5, flag: true, T: 3, C: 2}\n";

void slices_write(qvl_str *out, int k)
{
    writer w = { .n = 0 };
    qvl_rng_id id = { .seed = 1, .record = (uint64_t)k };
    qvl_rng_init(&w.rng, &id, QVL_RNG_SYNTH);
    say(&w, "y = linear(x, enter)");
    w.pool[w.n++] = (piece){ .name = "y", .form = FLAT, .width = { { 2, 1, 0 } } };
    make(&w);
    for (int i = 0; i < 2 || w.n < 6; i++)
        split(&w);
    block(&w, 8 + below(&w, 8));
    use(&w);
    qvl_str_printf(out, "arch: slices\nmodel_type: [slices]\nconfig:\n  a: int a\n"
                   "  b: int b\n  D: int D\n  L: int L\n  eps: float eps\n"
                   "  flag: bool flag\nderived:\n  H: 2 * a + b\nbatch: [T, C]\n"
                   "inputs:\n  x: f32 [T, H]\n  label: i32 [T, 1]\n"
                   "  loss_scale: f32 [1]\nparams:\n  p:\n    enter.weight: [H, H]\n%sprogram:\n%s"
                   "  - stat = cross_entropy(f32(y), label, loss_scale)\noutputs:\n"
                   "  y: y\n", w.params.p, w.program.p);
    qvl_str_release(&w.params);
    qvl_str_release(&w.program);
}
