/* lower.c - the statements of a spec as ops, region by region
 *
 * value.c makes the ops of one expression; here names get values, and blocks
 * become regions. A name set in a block hides the one outside until its end; what
 * it stands for behind the block is what differs:
 *
 *   for    A name known outside that the body reads before it sets it is carried
 *          from turn to turn: whole, of the class IR_RES (the residual stream),
 *          and of one shape. One that it sets first is another thing under the
 *          same name, and has no value behind the loop, so that nobody reads the
 *          old one by mistake.
 *   if     A name known outside is carried when it keeps its shape: behind the
 *          block it is the new value or the old one. One that is read first must
 *          keep it; of the others that do not, or are one too many, none has a
 *          value behind the block.
 *   chunk  In it a value over all rows is seen as the rows of the turn, a
 *          parameter as all of it. What an op makes there of the turn's rows is
 *          behind it a value over all rows; other names set there have none.
 *   at     Nothing: it only stands before the names of parameters.
 *
 * An array is filled in one place, at the variable of the only loop around, so
 * that its gradient is whole when the backward pass comes there.
 *
 * Refused: a chunk in a chunk, a carried name of two shapes, more than
 * IR_MAX_CARRY carried names or MAX_NAMES set ones in a block, more than
 * LOWER_MAX_PREFIXES prefixes, a variable in a block of that variable, an output that
 * is a parameter.
 */
#include "pass/lower.h"

#include <string.h>

#include "ir/word.h"

static int lower_body(lower *s, const spec_stmt *stmt, int n);

/* ---- names ---- */

lower_name *lower_find(const lower *s, const char *name)
{
    for (lower_name *n = s->names; n; n = n->next)
        if (strcmp(n->name, name) == 0)
            return n;
    return NULL;
}

static lower_name *set_name(lower *s, const char *name, ir_value *v)
{
    lower_name *n = qvl_arena_array(s->m->arena, lower_name, 1);
    *n = (lower_name){.name = name, .value = v, .next = s->names};
    s->names = n;
    return n;
}

const char *const *lower_vars(lower *s)
{
    int n = 0;
    for (lower_var *v = s->vars; v; v = v->next)
        n++;
    const char **list = qvl_arena_array(s->m->arena, const char *, n + 1);
    n = 0;
    for (lower_var *v = s->vars; v; v = v->next)
        list[n++] = v->name;
    return list;
}

/* The variable of a block: what is kept of a turn is known by the variables around
 * it, so no two of them have one name. */
static int push_var(lower *s, const spec_stmt *stmt, const ir_int *count)
{
    for (const lower_var *v = s->vars; v; v = v->next)
        if (strcmp(v->name, stmt->var) == 0)
            return expr_fail(stmt->text, stmt->text->col, s->err,
                             "the variable '%s' is that of a block around as well",
                             stmt->var);
    lower_var *v = qvl_arena_array(s->m->arena, lower_var, 1);
    *v = (lower_var){.name = stmt->var, .count = count, .next = s->vars};
    s->vars = v;
    return QVL_OK;
}

const char *lower_prefix(const lower *s, int n)
{
    const char *full = "";
    for (int i = 0; i < n; i++)
        full = qvl_arena_printf(s->m->arena, "%s%s", full, s->prefix[i]);
    return full;
}

static int push_prefix(lower *s, const spec_stmt *stmt)
{
    if (stmt->prefix[0] == '\0')
        return QVL_OK;
    if (s->n_prefixes == LOWER_MAX_PREFIXES)
        return expr_fail(stmt->text, stmt->text->col, s->err,
                         "nested too deeply");
    s->prefix[s->n_prefixes++] = stmt->prefix;
    return QVL_OK;
}

/* ---- assignment ---- */

/* Repeats around the place where nodes are appended. */
static int n_repeats(const lower *s)
{
    int n = 0;
    for (const ir_region *r = s->b.block->owner; r; r = r->outer)
        n += r->kind == IR_REPEAT;
    return n;
}

/* array[k] = value. Each element is set once, so that its gradient is known to
 * be whole when the backward pass comes to the place where it was set. */
static int assign_element(lower *s, const spec_stmt *stmt)
{
    ir_module *m = s->m;
    const char *name = stmt->target[0];
    ir_value *v;
    const ir_int *at;
    QVL_TRY(lower_value(s, stmt->value, name, &v));
    QVL_TRY(spec_int(&at, m, stmt->element, lower_vars(s), s->err));
    int array = ir_array_find(m, name);
    if (ir_word_is_emitted(name, strlen(name)))
        return expr_fail(stmt->text, stmt->text->col, s->err,
                         "a word of the emitted C cannot be the name of an array");
    if (array < 0) {
        lower_var *var = s->vars;
        while (var && (at->kind != IR_INT_VAR ||
                       strcmp(var->name, at->name) != 0))
            var = var->next;
        if (!var || n_repeats(s) > 1)
            return expr_fail(stmt->text, stmt->text->col, s->err,
                             "the place in an array is the variable of the "
                             "only loop around");
        array = ir_array_add(m, (ir_array){.name = name, .count = var->count,
                                           .cls = v->cls, .shape = v->shape,
                                           .grad = -1});
    } else {
        return expr_fail(stmt->text, stmt->text->col, s->err,
                         "'%s' is filled in another place already", name);
    }
    ir_node *n = ir_node_new(m, IR_N_STORE, s->b.line);
    n->array = array;
    n->at = at;
    QVL_TRY(lower_as_whole(s, v, m->array[array].cls, &n->value));
    ir_append(s->b.block, n);
    return QVL_OK;
}

static int assign(lower *s, const spec_stmt *stmt)
{
    ir_value *v[SPEC_MAX_TARGETS];
    if (stmt->element)
        return assign_element(s, stmt);
    if (stmt->n_targets == 1)
        QVL_TRY(lower_value(s, stmt->value, stmt->target[0], &v[0]));
    else
        QVL_TRY(lower_split(s, stmt->value, stmt->target, stmt->n_targets, v));
    for (int i = 0; i < stmt->n_targets; i++) {
        lower_name *old = lower_find(s, stmt->target[i]);
        bool carried = old && old->carried;
        if (carried)
            QVL_TRY(lower_as_class(s, v[i], IR_RES, &v[i]));
        set_name(s, stmt->target[i], v[i])->carried = carried;
    }
    return QVL_OK;
}

/* ---- regions ---- */

static ir_region *region_new(lower *s, int kind, int line)
{
    ir_node *n = ir_node_new(s->m, IR_N_REGION, line);
    n->region = qvl_arena_array(s->m->arena, ir_region, 1);
    n->region->kind = kind;
    n->region->outer = s->b.block->owner;
    n->region->body.owner = n->region;
    ir_append(s->b.block, n);
    return n->region;
}

/* Names known outside that the body of a region sets. */
#define MAX_NAMES 64
typedef struct {
    const char *name[MAX_NAMES];
    int n_carried;  // these, which are read first, come first
    int n;
} block_names;

static int collect_names(lower *s, const spec_stmt *stmt, int n,
                         block_names *out)
{
    for (int i = 0; i < n; i++) {
        if (stmt[i].kind != SPEC_ASSIGN) {
            QVL_TRY(collect_names(s, stmt[i].body, stmt[i].n_body, out));
            continue;
        }
        for (int t = 0; t < stmt[i].n_targets && !stmt[i].element; t++) {
            lower_name *known = lower_find(s, stmt[i].target[t]);
            bool listed = false;
            for (int k = 0; k < out->n; k++)
                listed = listed ||
                         strcmp(out->name[k], stmt[i].target[t]) == 0;
            if (!known || !known->value || listed)
                continue;
            if (out->n == MAX_NAMES)
                return expr_fail(stmt[i].text, stmt[i].text->col, s->err,
                                 "a block sets more than %d outer names",
                                 MAX_NAMES);
            out->name[out->n++] = stmt[i].target[t];
        }
    }
    return QVL_OK;
}

static bool reads(const expr *e, const char *name)
{
    if (!e)
        return false;
    if (e->name && strcmp(e->name, name) == 0)
        return true;
    for (int i = 0; i < e->n; i++)
        if (reads(e->arg[i], name))
            return true;
    return false;
}

typedef enum { USE_NONE, USE_READ, USE_SET } name_use;

/* What statements do first with a name. A block that may be left out or turn no
 * time sets nothing for sure. */
static name_use first_use(const spec_stmt *stmt, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (reads(stmt[i].value, name))
            return USE_READ;
        if (stmt[i].kind != SPEC_ASSIGN) {
            name_use inner = first_use(stmt[i].body, stmt[i].n_body, name);
            if (inner == USE_READ ||
                (inner == USE_SET && stmt[i].kind == SPEC_AT))
                return inner;
            continue;
        }
        for (int t = 0; t < stmt[i].n_targets && !stmt[i].element; t++)
            if (strcmp(stmt[i].target[t], name) == 0)
                return USE_SET;
    }
    return USE_NONE;
}

/* The names of a region, those that are carried first. */
static int plan_names(lower *s, const spec_stmt *stmt, block_names *out)
{
    block_names all = {.n = 0};
    QVL_TRY(collect_names(s, stmt->body, stmt->n_body, &all));
    *out = (block_names){.n = 0};
    for (int read = 1; read >= 0; read--) {
        for (int i = 0; i < all.n; i++) {
            name_use use = first_use(stmt->body, stmt->n_body, all.name[i]);
            if ((use == USE_READ) == read)
                out->name[out->n++] = all.name[i];
        }
        if (read)
            out->n_carried = out->n;
    }
    if (out->n_carried > IR_MAX_CARRY)
        return expr_fail(stmt->text, stmt->text->col, s->err,
                         "a block carries more than %d names", IR_MAX_CARRY);
    return QVL_OK;
}

/* From here on the name has no value. */
static void forget_name(lower *s, const char *name)
{
    if (lower_find(s, name))
        set_name(s, name, NULL);
}

/* The rows that a loop carries stand as those that enter it: a turn reads them so. */
static int check_rows(lower *s, const spec_stmt *stmt, const ir_carry *c,
                      ir_value *next)
{
    lower_rows first = lower_rows_of(s->m, c->entry);
    lower_rows last = lower_rows_of(s->m, next);
    if (first.is_mixed || (last.sort == first.sort && !last.is_mixed))
        return QVL_OK;
    return expr_fail(stmt->text, stmt->text->col, s->err,
                     "the rows of '%s' enter the loop in one order and leave it "
                     "in another: those that experts returns are sorted",
                     c->entry->name);
}

/* What a carried name stands for when its region ends. */
static int carried_value(lower *s, const spec_stmt *stmt, const char *name,
                         ir_value **out)
{
    ir_value *v = lower_find(s, name)->value;
    if (!v)
        return expr_fail(stmt->text, stmt->text->col, s->err,
                         "'%s' has no value at the end of this", name);
    *out = v;
    return QVL_OK;
}

static int open_repeat(lower *s, const spec_stmt *stmt, const block_names *names,
                       ir_region **out)
{
    ir_module *m = s->m;
    const ir_int *count;
    ir_value *init[IR_MAX_CARRY];
    QVL_TRY(spec_int(&count, m, stmt->value, NULL, s->err));
    for (int i = 0; i < names->n_carried; i++) {
        ir_value *v = lower_find(s, names->name[i])->value;
        QVL_TRY(lower_in_chunk(s, v, &v));
        QVL_TRY(lower_as_whole(s, v, IR_RES, &init[i]));
    }
    ir_region *r = region_new(s, IR_REPEAT, stmt->text->line);
    r->id = m->n_repeats++;
    r->label = lower_prefix(s, s->n_prefixes);
    r->var = stmt->var;
    r->count = count;
    QVL_TRY(push_var(s, stmt, count));
    s->b.block = &r->body;
    for (int i = 0; i < names->n_carried; i++) {
        ir_carry *c = &r->carry[r->n_carry++];
        c->init = init[i];
        c->entry = ir_value_new(m, IR_V_ENTRY, names->name[i], IR_RES,
                                &init[i]->shape, r);
        set_name(s, names->name[i], c->entry)->carried = true;
    }
    *out = r;
    return QVL_OK;
}

static int lower_for(lower *s, const spec_stmt *stmt)
{
    block_names names;
    ir_region *r;
    QVL_TRY(plan_names(s, stmt, &names));
    lower saved = *s;
    QVL_TRY(open_repeat(s, stmt, &names, &r));
    QVL_TRY(lower_body(s, stmt->body, stmt->n_body));
    for (int i = 0; i < r->n_carry; i++) {
        ir_carry *c = &r->carry[i];
        ir_value *v;
        QVL_TRY(carried_value(s, stmt, names.name[i], &v));
        if (!ir_shape_equal(&v->shape, &c->entry->shape))
            return expr_fail(stmt->text, stmt->text->col, s->err,
                             "'%s' changes its shape in the loop",
                             names.name[i]);
        QVL_TRY(check_rows(s, stmt, c, v));
        QVL_TRY(lower_as_whole(s, v, IR_RES, &c->next));
    }
    s->names = saved.names;
    s->vars = saved.vars;
    s->b.block = saved.b.block;
    for (int i = 0; i < r->n_carry; i++) {
        ir_carry *c = &r->carry[i];
        bool carried = lower_find(s, names.name[i])->carried;
        c->result = ir_value_new(s->m, IR_V_RESULT, names.name[i], IR_RES,
                                 &c->entry->shape, s->b.block->owner);
        set_name(s, names.name[i], c->result)->carried = carried;
    }
    for (int i = names.n_carried; i < names.n; i++)
        forget_name(s, names.name[i]);
    return QVL_OK;
}

/* What an `if` may carry is whole, in the body as behind it. */
static int open_if(lower *s, const spec_stmt *stmt, const block_names *names,
                   ir_region **out)
{
    const ir_int *cond;
    QVL_TRY(spec_int(&cond, s->m, stmt->value, lower_vars(s), s->err));
    if (stmt->var && cond->kind != IR_INT_IN)
        return expr_fail(stmt->text, stmt->text->col, s->err,
                         "`as` goes with `VAR in LIST`");
    for (int i = 0; i < names->n; i++) {
        lower_name *old = lower_find(s, names->name[i]);
        ir_value *v;
        QVL_TRY(lower_in_chunk(s, old->value, &v));
        QVL_TRY(lower_as_whole(s, v, v->cls, &v));
        if (v != old->value)
            set_name(s, names->name[i], v)->carried = old->carried;
    }
    ir_region *r = region_new(s, IR_IF, stmt->text->line);
    r->cond = cond;
    r->var = stmt->var;
    *out = r;
    return QVL_OK;
}

/* Carry the name out of the region: it has one value more, if the condition
 * holds. */
static int close_carry(lower *s, const spec_stmt *stmt, ir_region *r,
                       const char *name, ir_value *init, bool required)
{
    ir_value *v;
    QVL_TRY(carried_value(s, stmt, name, &v));
    bool same = ir_shape_equal(&v->shape, &init->shape);
    if (!same && required)
        return expr_fail(stmt->text, stmt->text->col, s->err,
                         "'%s' has another shape behind this", name);
    if (!same || r->n_carry == IR_MAX_CARRY)
        return QVL_OK;
    ir_carry *c = &r->carry[r->n_carry++];
    c->init = c->entry = init;
    QVL_TRY(lower_as_whole(s, v, init->cls, &c->next));
    c->result = ir_value_new(s->m, IR_V_RESULT, name, init->cls, &init->shape,
                             r->outer);
    return QVL_OK;
}

static int lower_if(lower *s, const spec_stmt *stmt)
{
    block_names names;
    ir_region *r;
    ir_value *init[MAX_NAMES];
    QVL_TRY(plan_names(s, stmt, &names));
    QVL_TRY(open_if(s, stmt, &names, &r));
    lower saved = *s;
    for (int i = 0; i < names.n; i++)
        init[i] = lower_find(s, names.name[i])->value;
    s->b.block = &r->body;
    if (stmt->var) {
        ir_int *count = qvl_arena_array(s->m->arena, ir_int, 1);
        *count = (ir_int){.kind = IR_INT_COUNT, .dim = r->cond->dim};
        QVL_TRY(push_var(s, stmt, count));
    }
    QVL_TRY(lower_body(s, stmt->body, stmt->n_body));
    int carry[MAX_NAMES];
    for (int i = 0; i < names.n; i++) {
        int before = r->n_carry;
        QVL_TRY(close_carry(s, stmt, r, names.name[i], init[i],
                            i < names.n_carried));
        carry[i] = r->n_carry > before ? before : -1;
    }
    s->names = saved.names;
    s->vars = saved.vars;
    s->b.block = saved.b.block;
    for (int i = 0; i < names.n; i++) {
        bool carried = lower_find(s, names.name[i])->carried;
        if (carry[i] < 0)
            forget_name(s, names.name[i]);
        else
            set_name(s, names.name[i], r->carry[carry[i]].result)->carried =
                carried;
    }
    return QVL_OK;
}

int lower_in_chunk(lower *s, ir_value *v, ir_value **out)
{
    ir_region *r = s->chunk;
    *out = v;
    if (!r || v->kind == IR_V_PARAM)
        return QVL_OK;
    for (ir_region *h = v->home; h; h = h->outer)
        if (h == r)
            return QVL_OK;
    poly all = spec_dim_size(s->m, r->dim);
    if (!poly_equal(&v->shape.d[0], &all))
        return QVL_OK;
    for (int i = 0; i < s->m->n_values; i++) {
        *out = s->m->value[i];
        if ((*out)->rows_of == v && (*out)->home == r)
            return QVL_OK;
    }
    poly first = poly_symbol(r->first);
    poly rows = poly_symbol(r->rows);
    ir_value *part = ir_rows(s->m, v, &first, &rows, v->name, s->err);
    if (!part)
        return QVL_E_CONFIG;
    part->home = r;
    part->rows_of = v;
    *out = part;
    return QVL_OK;
}

static int local_dim(ir_module *m, const char *name)
{
    m->dim[m->n_dims] = (ir_dim){.name = name, .source = IR_DIM_LOCAL};
    m->dim_name[m->n_dims] = name;
    return m->n_dims++;
}

/* v, made in a chunk, becomes rows of a value outside of it: v itself, or a copy
 * where its kernel stores no part of something larger, or views of v are in use. */
static int collect_rows(lower *s, ir_region *r, ir_value *v, const char *name,
                        ir_value **out)
{
    ir_shape shape = v->shape;
    shape.d[0] = spec_dim_size(s->m, r->dim);
    QVL_TRY(ir_shape_check(s->m, &shape, s->err));
    if (!ir_operand_of(&v->def->op, v)->ld || ir_has_views(s->m, v)) {
        ir_block *outside = s->b.block;
        s->b.block = &r->body;
        v = ir_map_add(&s->b, ir_ex_arg(s->m, 0), &v, 1, v->cls, NULL, name,
                       s->err);
        s->b.block = outside;
        if (!v)
            return QVL_E_CONFIG;
    }
    ir_value *all =
        ir_value_new(s->m, IR_V_SPACE, name, v->cls, &shape, r->outer);
    poly first = poly_symbol(r->first);
    v->kind = IR_V_VIEW;
    v->base = all;
    v->ld = ir_row_elems(&shape);
    if (!poly_mul(&v->off, &first, &v->ld))
        return qvl_fail(s->err, QVL_E_CONFIG, "the size of '%s' is too long",
                        name);
    v->slice = true;
    *out = all;
    return QVL_OK;
}

static int lower_chunk(lower *s, const spec_stmt *stmt)
{
    if (s->chunk)
        return expr_fail(stmt->text, stmt->text->col, s->err,
                         "a chunk inside a chunk");
    if (s->m->n_dims + 2 > IR_MAX_DIMS)
        return expr_fail(stmt->text, stmt->text->col, s->err,
                         "more dims than an architecture may have");
    ir_region *r = region_new(s, IR_CHUNK, stmt->text->line);
    r->dim = stmt->dim;
    r->by = stmt->by;
    const char *dim = s->m->dim_name[r->dim];
    const char *rows_name = qvl_arena_printf(s->m->arena, "%s_rows", dim);
    const char *first_name = qvl_arena_printf(s->m->arena, "%s_first", dim);
    for (int i = 0; i < s->n_spec_dims; i++)
        if (strcmp(s->m->dim_name[i], rows_name) == 0
            || strcmp(s->m->dim_name[i], first_name) == 0)
            return expr_fail(stmt->text, stmt->text->col, s->err,
                             "a chunk of %s has %s and %s: the spec has a dim of "
                             "that name", dim, rows_name, first_name);
    r->rows = local_dim(s->m, rows_name);
    r->first = local_dim(s->m, first_name);
    lower saved = *s;
    s->b.block = &r->body;
    s->chunk = r;
    QVL_TRY(lower_body(s, stmt->body, stmt->n_body));
    lower_name *made = s->names;
    s->names = saved.names;
    s->b.block = saved.b.block;
    s->chunk = NULL;
    poly rows = poly_symbol(r->rows);
    for (lower_name *n = made; n != saved.names; n = n->next) {
        bool newest = true;
        for (lower_name *k = made; k != n; k = k->next)
            newest = newest && strcmp(k->name, n->name) != 0;
        if (!newest)
            continue;
        ir_value *all = NULL;
        if (n->value && n->value->kind == IR_V_OP &&
            poly_equal(&n->value->shape.d[0], &rows) &&
            collect_rows(s, r, n->value, n->name, &all) != QVL_OK)
            return expr_place(stmt->text, stmt->text->col, s->err);
        if (all)
            set_name(s, n->name, all)->carried = n->carried;
        else
            forget_name(s, n->name);
    }
    return QVL_OK;
}

static int lower_at(lower *s, const spec_stmt *stmt)
{
    return lower_body(s, stmt->body, stmt->n_body);
}

static int lower_stmt(lower *s, const spec_stmt *stmt)
{
    s->b.line = stmt->text->line;
    if (stmt->kind == SPEC_ASSIGN)
        return assign(s, stmt);
    int n_prefixes = s->n_prefixes;
    QVL_TRY(push_prefix(s, stmt));
    switch (stmt->kind) {
    case SPEC_FOR:
        QVL_TRY(lower_for(s, stmt));
        break;
    case SPEC_IF:
        QVL_TRY(lower_if(s, stmt));
        break;
    case SPEC_CHUNK:
        QVL_TRY(lower_chunk(s, stmt));
        break;
    default:
        QVL_TRY(lower_at(s, stmt));
        break;
    }
    s->n_prefixes = n_prefixes;
    return QVL_OK;
}

static int lower_body(lower *s, const spec_stmt *stmt, int n)
{
    for (int i = 0; i < n; i++)
        QVL_TRY(lower_stmt(s, &stmt[i]));
    return QVL_OK;
}

/* ---- outputs ---- */

/* Text between braces of "name.{k}"; NULL when there are none. */
static const char *brace_var(lower *s, const char *name)
{
    const char *open = strchr(name, '{');
    const char *close = open ? strchr(open, '}') : NULL;
    if (!close)
        return NULL;
    return qvl_arena_strndup(s->m->arena, open + 1,
                             (size_t)(close - open - 1));
}

/* What a run hands out was computed by it, and has the dims a result may have. */
static int check_output(lower *s, const spec_output *o, const ir_value *v,
                        const ir_shape *shape)
{
    const int max_rank = (int)QVL_COUNT(((qvl_output *)NULL)->shape);
    if (v && ir_root((ir_value *)v)->kind == IR_V_PARAM)
        return expr_fail(o->text, o->text->col, s->err,
                         "'%s' is a parameter: an output is a value of the "
                         "program", o->target);
    if (shape->rank > max_rank)
        return expr_fail(o->text, o->text->col, s->err,
                         "'%s' has %d dims, an output has at most %d",
                         o->target, shape->rank, max_rank);
    return QVL_OK;
}

static int lower_output(lower *s, const spec_output *o)
{
    ir_module *m = s->m;
    ir_output out = {.name = o->name, .array = -1,
                     .var = brace_var(s, o->name)};
    if (strchr(o->name, '{') && !out.var)
        return expr_fail(o->text, o->text->col, s->err,
                         "expected } behind the { of output '%s'", o->name);
    if (out.var && (!ir_word_is_name(out.var, strlen(out.var)) ||
                    ir_word_is_emitted(out.var, strlen(out.var))))
        return expr_fail(o->text, o->text->col, s->err,
                         "expected a name of letters between the braces of an "
                         "output, found '%s'", out.var);
    lower_name *n = lower_find(s, o->target);
    int array = ir_array_find(m, o->target);
    if (out.var && array >= 0) {
        out.array = array;
        QVL_TRY(check_output(s, o, NULL, &m->array[array].shape));
    } else if (!out.var && n && n->value) {
        QVL_TRY(check_output(s, o, n->value, &n->value->shape));
        QVL_TRY(lower_as_whole(s, n->value, n->value->cls, &out.value));
    } else {
        return expr_fail(o->text, o->text->col, s->err,
                         "no %s '%s' in the program",
                         out.var ? "array" : "value", o->target);
    }
    m->output[m->n_outputs++] = out;
    return QVL_OK;
}

int pass_lower(ir_module *m, const spec *sp, qvl_err *err)
{
    lower s = {.m = m, .err = err};
    s.b = (ir_builder){.m = m, .block = &m->body};
    s.n_spec_dims = m->n_dims;
    if (!kern_find(m->kernels, "map"))  // which every pass may add
        return qvl_fail(err, QVL_E_INTERNAL, "no kernel map in shaders/");
    QVL_TRY(lower_body(&s, sp->stmt, sp->n_stmts));
    m->output = qvl_arena_array(m->arena, ir_output, sp->n_outputs);
    for (int i = 0; i < sp->n_outputs; i++)
        QVL_TRY(lower_output(&s, &sp->output[i]));
    return QVL_OK;
}
