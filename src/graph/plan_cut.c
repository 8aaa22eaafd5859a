/* plan_cut.c - bind operands whole, or in parts a device can bind and add up
 *
 * See plan.h for what a part is. Cutting is recursive: the first operand that
 * is too large, or else loops that turn too often, name the dim; the parts are
 * looked at again. Nearly every step passes through untouched.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "graph/plan_draft.h"

/* A part of a step; the arrays are its own. */
typedef struct {
    const qvl_draft_step *step;  // of which this is a part
    size_t at[QVL_KERNEL_MAX_BUFS];
    size_t bytes[QVL_KERNEL_MAX_BUFS];
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
    uint32_t arg_more[QVL_KERNEL_MAX_ARGS];
} part;

static const qvl_value *value_of(const qvl_draft *d, const part *p, int b)
{
    return &d->value[p->step->value[b]];
}

static size_t limit_of(const qvl_draft *d)
{
    size_t limit = d->options->max_binding_bytes;
    return limit == 0 ? SIZE_MAX : limit;
}

/* Values of no elements are bound too, and devices want some bytes for it. */
static size_t bindable(size_t bytes)
{
    return bytes < 16 ? 16 : (bytes + 3) / 4 * 4;
}

/* Is dim i of operand b the one in argument `dim`? */
static bool has_dim(const qvl_kernel_family *f, int b, int i, int dim)
{
    return i < f->operand[b].rank && f->operand[b].dim[i] == dim;
}

/* Bind of an operand that is too large only what the kernel touches. */
static void narrow(const qvl_draft *d, part *p, int b)
{
    const qvl_operand *o = &p->step->family->operand[b];
    if (p->bytes[b] <= limit_of(d) || o->rank == 0)
        return;
    size_t elem = qvl_draft_elem_bytes(d, value_of(d, p, b));
    size_t skip = 0;
    size_t end = qvl_operand_end(o, p->arg) * elem;
    if (o->off_arg != 0) {
        skip = p->arg[o->off_arg] * elem / d->align * d->align;
        p->arg[o->off_arg] -= (uint32_t)(skip / elem);
        p->arg_more[o->off_arg] = p->arg[o->off_arg];
    }
    p->at[b] += skip;
    p->bytes[b] = bindable(end > skip ? end - skip : 0);
}

static int too_large(const qvl_draft *d, const part *p)
{
    for (int b = 0; b < p->step->family->n_bufs; b++)
        if (p->bytes[b] > limit_of(d))
            return b;
    return -1;
}

static void add_part(qvl_draft *d, const part *p)
{
    qvl_draft_step s = *p->step;
    const qvl_kernel_family *f = s.family;
    size_t n_bufs = (size_t)f->n_bufs;
    size_t *at = qvl_arena_array(d->arena, size_t, n_bufs);
    size_t *bytes = qvl_arena_array(d->arena, size_t, n_bufs);
    memcpy(at, p->at, n_bufs * sizeof *at);
    memcpy(bytes, p->bytes, n_bufs * sizeof *bytes);
    s.at = at;
    s.bytes = bytes;
    s.arg = qvl_draft_copy_args(d, f, p->arg);
    s.arg_more = s.arg;
    if (memcmp(p->arg, p->arg_more, (size_t)f->n_args * sizeof *p->arg) != 0)
        s.arg_more = qvl_draft_copy_args(d, f, p->arg_more);
    qvl_draft_add_step(d, &s);
}

/* ---- which dim, and how many indices a part has ---- */

/* The cut along the first dim of operand b, NULL when there is none. */
static const qvl_cut *cut_for(const qvl_kernel_family *f, int b)
{
    for (int i = 0; i < f->n_cuts; i++) {
        const qvl_cut *c = &f->cut[i];
        if (has_dim(f, b, 0, c->dim_arg)
            || (c->edge_arg != 0 && has_dim(f, b, 0, c->edge_arg)))
            return c;
    }
    return NULL;
}

/* Bytes from one index of the first dim to the next. */
static size_t row_bytes(const qvl_draft *d, const part *p, int b)
{
    const qvl_operand *o = &p->step->family->operand[b];
    size_t elems = o->off_arg != 0 ? p->arg[o->off_arg + 1]
                                   : qvl_operand_row(o, p->arg);
    return elems * qvl_draft_elem_bytes(d, value_of(d, p, b));
}

/* Smallest number of indices that ends on a byte where every operand with the
 * cut dim in front and no offset may be bound. */
static size_t granule(const qvl_draft *d, const part *p, const qvl_cut *c)
{
    const qvl_kernel_family *f = p->step->family;
    size_t step = 1;
    for (int b = 0; b < f->n_bufs; b++) {
        bool in_front = has_dim(f, b, 0, c->dim_arg)
                        || (c->edge_arg != 0 && has_dim(f, b, 0, c->edge_arg));
        if (!in_front || f->operand[b].off_arg != 0)
            continue;
        size_t row = row_bytes(d, p, b);
        while (row * step % d->align != 0)
            step *= 2;  // ends: align is a power of two
    }
    return step;
}

/* The most indices of which operand b, `row` bytes each, can be bound. */
static size_t most_rows(const qvl_draft *d, const part *p, int b,
                        const qvl_cut *c, size_t row)
{
    const qvl_kernel_family *f = p->step->family;
    size_t limit = limit_of(d);
    size_t n = 0;
    if (f->operand[b].off_arg == 0)
        n = limit / row;
    else if (limit > d->align)  // the offset may stand behind the bound byte
        n = (limit - d->align) / row;
    bool is_edge = !has_dim(f, b, 0, c->dim_arg);
    return is_edge && n > 0 ? n - 1 : n;
}

/* Indices of a part that may have `most`: as few parts as that needs, and about
 * equal. 0 when not one granule fits. */
static size_t part_rows(const qvl_draft *d, const part *p, const qvl_cut *c,
                        size_t most)
{
    size_t unit = granule(d, p, c);
    most = most / unit * unit;
    if (most == 0)
        return 0;
    size_t n = p->arg[c->dim_arg];
    size_t n_parts = (n + most - 1) / most;
    size_t even = (n + n_parts - 1) / n_parts;
    return (even + unit - 1) / unit * unit;
}

/* ---- loops ---- */

/* Do the loops of a step with these arguments turn more often than the device
 * lets them? A form that is missing is somebody else's error. */
static int count_turns(const qvl_draft *d, const part *p, const uint32_t *arg,
                       uint64_t *turns, bool *too_many, qvl_err *err)
{
    const qvl_device *dev = d->options->device;
    const qvl_kernel *k = qvl_family_form(p->step->family,
                                          d->options->types.act);
    *turns = 0;
    if (dev != NULL && k != NULL)
        QVL_TRY(qvl_device_turns(dev, k, arg, turns, err));
    *too_many = dev != NULL && *turns > dev->info.max_turns;
    return QVL_OK;
}

/* The most indices of a part whose loops are short enough, in whole granules; 0
 * when even one granule is too long. More indices never make fewer turns. */
static int most_short(const qvl_draft *d, const part *p, const qvl_cut *c,
                      size_t *most, qvl_err *err)
{
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
    size_t unit = granule(d, p, c);
    size_t few = 0;
    size_t many = (p->arg[c->dim_arg] + unit - 1) / unit;
    memcpy(arg, p->arg, sizeof arg);
    while (few + 1 < many) {
        size_t middle = few + (many - few) / 2;
        uint64_t turns;
        bool too_many;
        arg[c->dim_arg] = (uint32_t)(middle * unit);
        if (c->edge_arg != 0)
            arg[c->edge_arg] = (uint32_t)(middle * unit) + 1;
        QVL_TRY(count_turns(d, p, arg, &turns, &too_many, err));
        if (too_many)
            many = middle;
        else
            few = middle;
    }
    *most = few * unit;
    return QVL_OK;
}

/* The cut that makes loops short enough in the fewest parts, and the indices that
 * one may have; NULL when none does. */
static int find_short(const qvl_draft *d, const part *p, const qvl_cut **cut,
                      size_t *most, qvl_err *err)
{
    const qvl_kernel_family *f = p->step->family;
    size_t fewest = SIZE_MAX;
    *cut = NULL;
    for (int i = 0; i < f->n_cuts; i++) {
        const qvl_cut *c = &f->cut[i];
        size_t n;
        QVL_TRY(most_short(d, p, c, &n, err));
        size_t n_parts = n > 0 ? (p->arg[c->dim_arg] + n - 1) / n : SIZE_MAX;
        if (n_parts >= fewest)
            continue;
        fewest = n_parts;
        *cut = c;
        *most = n;
    }
    return QVL_OK;
}

/* ---- parts ---- */

static void set_arg(part *p, int i, uint32_t v)
{
    p->arg[i] = v;
    p->arg_more[i] = v;
}

/* Of a sum over the cut dim the first part starts as the whole step does, the
 * others add; only the last one may finish it with the fused expression. */
static void take_sum(part *p, const part *whole, int b, const qvl_cut *c,
                     size_t lo, size_t n)
{
    const qvl_kernel_family *f = p->step->family;
    int acc = f->acc_arg[b];
    assert(f->adds >> b & 1);
    if (lo > 0) {
        p->arg[acc] |= 1;
        p->arg_more[acc] |= 1;
    }
    if ((f->waits >> b & 1) && lo + n < whole->arg[c->dim_arg]) {
        p->arg[acc] |= 2;
        p->arg_more[acc] |= 2;
    }
}

/* Operand b of the part over indices lo .. lo + n. `whole` has the arguments
 * before the cut. */
static void take_operand(const qvl_draft *d, part *p, const part *whole,
                         int b, const qvl_cut *c, size_t lo, size_t n)
{
    const qvl_kernel_family *f = p->step->family;
    const qvl_operand *o = &f->operand[b];
    size_t inner = 1;
    for (int i = o->rank - 1; i > 0; i--) {
        if (o->dim[i] == c->dim_arg) {
            assert(o->off_arg != 0);
            set_arg(p, o->off_arg, p->arg[o->off_arg] + (uint32_t)(lo * inner));
            return;
        }
        inner *= qvl_operand_dim(o, i, whole->arg);
    }
    bool is_edge = c->edge_arg != 0 && has_dim(f, b, 0, c->edge_arg);
    if (has_dim(f, b, 0, c->dim_arg) && o->off_arg != 0) {
        uint32_t stride = p->arg[o->off_arg + 1];
        set_arg(p, o->off_arg, p->arg[o->off_arg] + (uint32_t)lo * stride);
    } else if (has_dim(f, b, 0, c->dim_arg) || is_edge) {
        size_t row = row_bytes(d, whole, b);
        p->at[b] += lo * row;
        p->bytes[b] = bindable((n + is_edge) * row);
    } else if ((f->writes >> b & 1) && !c->apart) {
        take_sum(p, whole, b, c, lo, n);
    }
}

static part take_part(const qvl_draft *d, const part *whole, const qvl_cut *c,
                      size_t lo, size_t n)
{
    part p = *whole;
    set_arg(&p, c->dim_arg, (uint32_t)n);
    if (c->edge_arg != 0)
        set_arg(&p, c->edge_arg, (uint32_t)n + 1);
    if (c->first_arg != 0)
        set_arg(&p, c->first_arg, p.arg[c->first_arg] + (uint32_t)lo);
    for (int b = 0; b < p.step->family->n_bufs; b++)
        take_operand(d, &p, whole, b, c, lo, n);
    return p;
}

typedef struct {
    char text[64];
} spec_place;

/* " (line 12 of the layer spec)" of a step that has one. */
static spec_place place_of(const qvl_draft *d, const part *p)
{
    spec_place place = { "" };
    if (p->step->step >= 0)
        snprintf(place.text, sizeof place.text, " (line %d of the layer spec)",
                 d->program->step[p->step->step].line);
    return place;
}

static int fail_too_large(const qvl_draft *d, const part *p, int b,
                          const char *why, qvl_err *err)
{
    const qvl_value *v = value_of(d, p, b);
    return qvl_fail(err, QVL_E_DEVICE,
                    "kernel %s%s binds %zu bytes of %s, the device binds at "
                    "most %zu, and %s", p->step->family->op,
                    place_of(d, p).text, p->bytes[b],
                    v->name == NULL ? "a value" : v->name, limit_of(d), why);
}

/* The shapes of the operands say which size is too long. */
static int fail_too_long(const qvl_draft *d, const part *p, uint64_t turns,
                         qvl_err *err)
{
    const qvl_device_info *info = &d->options->device->info;
    const qvl_kernel_family *f = p->step->family;
    qvl_str s = { 0 };
    for (int b = 0; b < f->n_bufs; b++)
        for (int i = 0; i < f->operand[b].rank; i++)
            qvl_str_printf(&s, "%s%zu%s", i == 0 ? " [" : ", ",
                           qvl_operand_dim(&f->operand[b], i, p->arg),
                           i + 1 == f->operand[b].rank ? "]" : "");
    qvl_str_putc(&s, '\0');
    int rc = qvl_fail(err, QVL_E_UNSUPPORTED,
                      "kernel %s%s with operands%s: its loops turn up to "
                      "%" PRIu64 " times, expected at most %" PRIu32 ", after "
                      "which %s:%d (%s) ends them, and no part of the step is "
                      "short enough", f->op, place_of(d, p).text, s.p, turns,
                      info->max_turns, info->backend, info->index, info->name);
    qvl_str_release(&s);
    qvl_err_hint(err, "fewer tokens, smaller pictures, or another device");
    return rc;
}

static int add_parts(qvl_draft *d, const part *p, const qvl_cut *c, size_t rows,
                     qvl_err *err);

/* A step or part whose operands can all be bound, in parts while it is too long. */
static int add_short(qvl_draft *d, const part *p, qvl_err *err)
{
    uint64_t turns;
    bool too_many;
    const qvl_cut *c;
    size_t most = 0;
    QVL_TRY(count_turns(d, p, p->arg, &turns, &too_many, err));
    if (!too_many) {
        add_part(d, p);
        return QVL_OK;
    }
    QVL_TRY(find_short(d, p, &c, &most, err));
    if (c == NULL)
        return fail_too_long(d, p, turns, err);
    return add_parts(d, p, c, part_rows(d, p, c, most), err);
}

static int add_cut(qvl_draft *d, part *p, qvl_err *err)
{
    for (int b = 0; b < p->step->family->n_bufs; b++)
        narrow(d, p, b);
    int b = too_large(d, p);
    if (b == -1)
        return add_short(d, p, err);
    const qvl_cut *c = cut_for(p->step->family, b);
    if (c == NULL)
        return fail_too_large(d, p, b, "the step cannot be cut", err);
    size_t rows = part_rows(d, p, c, most_rows(d, p, b, c, row_bytes(d, p, b)));
    if (rows == 0 || rows >= p->arg[c->dim_arg])
        return fail_too_large(d, p, b, "a part of it is not smaller", err);
    return add_parts(d, p, c, rows, err);
}

static int add_parts(qvl_draft *d, const part *p, const qvl_cut *c, size_t rows,
                     qvl_err *err)
{
    size_t n = p->arg[c->dim_arg];
    for (size_t lo = 0; lo < n; lo += rows) {
        part q = take_part(d, p, c, lo, n - lo < rows ? n - lo : rows);
        QVL_TRY(add_cut(d, &q, err));
    }
    return QVL_OK;
}

/* The whole step, every operand bound from its first byte. */
static part whole_step(const qvl_draft *d, const qvl_draft_step *s)
{
    part p = {.step = s};
    size_t n_args = (size_t)s->family->n_args;
    for (int b = 0; b < s->family->n_bufs; b++)
        p.bytes[b] = bindable(qvl_draft_value_bytes(d, value_of(d, &p, b)));
    if (n_args > 0) {
        memcpy(p.arg, s->arg, n_args * sizeof *p.arg);
        memcpy(p.arg_more, s->arg_more, n_args * sizeof *p.arg_more);
    }
    return p;
}

/* What whole_step says, without a copy of the arguments. */
static void add_whole(qvl_draft *d, qvl_draft_step *s, const part *p)
{
    size_t n_bufs = (size_t)s->family->n_bufs;
    size_t *bytes = qvl_arena_array(d->arena, size_t, n_bufs);
    memcpy(bytes, p->bytes, n_bufs * sizeof *bytes);
    s->at = qvl_arena_array(d->arena, size_t, n_bufs);
    s->bytes = bytes;
    qvl_draft_add_step(d, s);
}

int qvl_draft_cut(qvl_draft *d, qvl_err *err)
{
    qvl_draft_step *step = d->step;
    int n = d->n_steps;
    qvl_draft_replace_steps(d, n);
    for (int i = 0; i < n; i++) {
        part p = whole_step(d, &step[i]);
        uint64_t turns;
        bool too_many;
        QVL_TRY(count_turns(d, &p, p.arg, &turns, &too_many, err));
        if (too_large(d, &p) == -1 && !too_many)
            add_whole(d, &step[i], &p);
        else
            QVL_TRY(add_cut(d, &p, err));
    }
    return QVL_OK;
}
