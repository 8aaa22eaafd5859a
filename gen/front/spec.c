/* spec.c - a layer spec from YAML to tables and statements
 *
 * Sections are read in the order in which they know each other, whatever theirs
 * in the file: dims, inputs, parameters, statements, outputs. Each table is as
 * long as its section, those of fixed length say when they are full.
 *
 * A quotient becomes a symbol and what it divides a product (poly.h), and a
 * condition `a == b` replaces a by b: so sizes that are equal in every model that
 * passes the checks are one polynomial. Every error shows its line with a caret.
 */
#include "front/spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "ir/word.h"

/* Of a name in `params`: with a number in it, it fits what the emitted code has
 * for it. */
#define MAX_PARAM_NAME 200

typedef struct {
    ir_module *m;
    const char *source;
    qvl_arena *arena;
    qvl_err *err;
} reader;

/* ---- small helpers ---- */

static expr_text *text_of(reader *r, const qvl_node *n)
{
    expr_text *t = qvl_arena_array(r->arena, expr_text, 1);
    *t = (expr_text){.file = r->m->file, .source = r->source,
                     .text = n->s ? n->s : "", .line = n->line,
                     .col = n->col};
    return t;
}

/* Part of a text, from p on for n characters. */
static expr_text *part_of(reader *r, const expr_text *t, const char *p,
                          size_t n)
{
    expr_text *part = qvl_arena_array(r->arena, expr_text, 1);
    *part = *t;
    part->col += (int)(p - t->text);
    part->text = qvl_arena_strndup(r->arena, p, n);
    return part;
}

static int fail_node(reader *r, const qvl_node *n, const char *what)
{
    return expr_fail(text_of(r, n), n->col, r->err, "%s", what);
}

/* A dim or a loop variable stands in the emitted C as it is called. */
static int check_word(reader *r, const qvl_node *at, const char *p, size_t n)
{
    return ir_word_is_emitted(p, n)
               ? fail_node(r, at, "a word of the emitted C cannot be a name here")
               : QVL_OK;
}

/* Names and texts go into strings of the emitted code as they are. */
static int check_texts(reader *r, const qvl_node *n)
{
    for (size_t i = 0; n->s && i < n->s_len; i++)
        if (n->s[i] < ' ' || n->s[i] > '~' || strchr("\"\\", n->s[i]))
            return fail_node(r, n, "expected a text without quotes, \\ and "
                                   "what is no ASCII");
    for (size_t i = 0; i < n->n; i++) {
        if (n->kind == QVL_NODE_MAP)
            QVL_TRY(check_texts(r, &n->keys[i]));
        QVL_TRY(check_texts(r, &n->items[i]));
    }
    return QVL_OK;
}

static int section(reader *r, const qvl_node *root, const char *name, int kind,
                   bool required, const qvl_node **out)
{
    const qvl_node *n = qvl_node_find(root, name);
    *out = NULL;
    if (!n && required)
        return qvl_fail(r->err, QVL_E_CONFIG, "%s: no section '%s'",
                        r->m->file, name);
    if (n && n->kind != kind)
        return fail_node(r, n, kind == QVL_NODE_MAP ? "expected a map here"
                                                    : "expected a list here");
    if (n && required && n->n == 0)
        return fail_node(r, n, "expected at least one entry");
    *out = n;
    return QVL_OK;
}

int spec_dim_find(const ir_module *m, const char *name)
{
    for (int i = 0; i < m->n_dims; i++)
        if (strcmp(m->dim_name[i], name) == 0)
            return i;
    return -1;
}

poly spec_dim_size(const ir_module *m, int dim)
{
    return m->dim[dim].replaced ? m->dim[dim].is : poly_symbol(dim);
}

static int dim_add(reader *r, const qvl_node *at, const char *name, ir_dim dim,
                   int *index)
{
    ir_module *m = r->m;
    if (!ir_word_is_name(name, strlen(name)))
        return fail_node(r, at, "expected a name of letters, digits and _");
    QVL_TRY(check_word(r, at, name, strlen(name)));
    if (spec_dim_find(m, name) >= 0)
        return fail_node(r, at, "this name is taken already");
    if (m->n_dims == IR_MAX_DIMS)
        return fail_node(r, at, "more dims than an architecture may have");
    dim.name = name;
    m->dim[m->n_dims] = dim;
    m->dim_name[m->n_dims] = name;
    if (index)
        *index = m->n_dims;
    m->n_dims++;
    return QVL_OK;
}

/* ---- dims ---- */

static int list_add(reader *r, const qvl_node *key, ir_dim *dim)
{
    if (r->m->n_lists == IR_MAX_LISTS)
        return fail_node(r, key, "more lists than an architecture may have");
    dim->type = IR_DIM_LIST;
    dim->list = r->m->n_lists++;
    return QVL_OK;
}

static int read_config_dim(reader *r, const qvl_node *key,
                           const qvl_node *value)
{
    static const char *const types[] = {"int", "float", "bool", "list"};
    const char *s = value->s ? value->s : "";
    size_t n = strcspn(s, " ");
    ir_dim dim = {.source = IR_DIM_CONFIG};
    int type = -1;
    for (int i = 0; i < 4; i++)
        if (strlen(types[i]) == n && strncmp(types[i], s, n) == 0)
            type = i;
    if (type < 0 || s[n] != ' ')
        return fail_node(r, value,
                         "expected TYPE KEY; types are int, float, bool, list");
    dim.type = (ir_dim_type)type;
    dim.key = qvl_arena_strdup(r->arena, s + n + strspn(s + n, " "));
    if (dim.type == IR_DIM_LIST)
        QVL_TRY(list_add(r, key, &dim));
    return dim_add(r, key, key->s, dim, NULL);
}

/* Put `by` for symbol s into what stands for other dims. */
static int replace_dim(reader *r, const expr *e, int s, const poly *by)
{
    ir_module *m = r->m;
    m->dim[s].replaced = true;
    m->dim[s].is = *by;
    for (int i = 0; i < m->n_dims; i++)
        if (m->dim[i].replaced &&
            !poly_replace(&m->dim[i].is, &m->dim[i].is, s, by))
            return expr_fail(e->at, e->col, r->err, "this size is too long");
    return QVL_OK;
}

/* `q: a / b` makes q a symbol and a the product b * q. */
static int derive_quotient(reader *r, const expr *e, int dim)
{
    ir_module *m = r->m;
    poly a, b, q = poly_symbol(dim), by;
    QVL_TRY(spec_size(&a, m, e->arg[0], r->err));
    QVL_TRY(spec_size(&b, m, e->arg[1], r->err));
    if (poly_div(&by, &a, &b)) {
        m->dim[dim].replaced = true;
        m->dim[dim].is = by;
        return QVL_OK;
    }
    if (a.n != 1 || a.term[0].n != 1 || a.term[0].coef != 1 ||
        !poly_mul(&by, &b, &q))
        return expr_fail(e->at, e->col, r->err,
                         "only a single dim can be divided");
    return replace_dim(r, e, a.term[0].sym[0], &by);
}

/* An expression of n characters from p on, in which `vars` are known. */
static int read_int(reader *r, const expr_text *t, const char *p, size_t n,
                    const char *const *vars, const ir_int **out)
{
    expr *e;
    QVL_TRY(expr_parse(&e, part_of(r, t, p, n), r->arena, r->err));
    return spec_int(out, r->m, e, vars, r->err);
}

/* "VAR < COUNT where COND", `where` being what stands from there on. */
static int read_derived_list(reader *r, const qvl_node *key,
                             const qvl_node *value, const char *where)
{
    const expr_text *t = text_of(r, value);
    const char *less = strchr(t->text, '<');
    size_t n = strcspn(t->text, " <");
    where = t->text + (where - value->s);
    if (!less || less > where || !ir_word_is_name(t->text, n) ||
        t->text + n + strspn(t->text + n, " ") != less)
        return fail_node(r, value, "expected VAR < COUNT where CONDITION");
    QVL_TRY(check_word(r, value, t->text, n));
    ir_dim d = {.source = IR_DIM_DERIVED,
                .var = qvl_arena_strndup(r->arena, t->text, n)};
    const char *const vars[] = {d.var, NULL};
    if (spec_dim_find(r->m, d.var) >= 0)
        return fail_node(r, value, "this variable has the name of a dim");
    const char *cond = where + strlen(" where ");
    QVL_TRY(read_int(r, t, less + 1, (size_t)(where - less - 1), NULL,
                     &d.count));
    QVL_TRY(read_int(r, t, cond, strlen(cond), vars, &d.value));
    QVL_TRY(list_add(r, key, &d));
    return dim_add(r, key, key->s, d, NULL);
}

static int read_derived(reader *r, const qvl_node *key, const qvl_node *value)
{
    expr *e;
    int dim;
    const char *where = value->s ? strstr(value->s, " where ") : NULL;
    if (where)
        return read_derived_list(r, key, value, where);
    QVL_TRY(expr_parse(&e, text_of(r, value), r->arena, r->err));
    ir_dim d = {.source = IR_DIM_DERIVED, .type = IR_DIM_INT};
    QVL_TRY(spec_int(&d.value, r->m, e, NULL, r->err));
    QVL_TRY(dim_add(r, key, key->s, d, &dim));
    if (e->kind == EXPR_BINARY && e->op == '/')
        return derive_quotient(r, e, dim);
    poly p;
    QVL_TRY(spec_size(&p, r->m, e, r->err));
    r->m->dim[dim].replaced = true;
    r->m->dim[dim].is = p;
    return QVL_OK;
}

static int read_batch(reader *r, const qvl_node *list)
{
    for (size_t i = 0; list && i < list->n; i++) {
        const qvl_node *n = &list->items[i];
        ir_dim d = {.source = IR_DIM_BATCH, .type = IR_DIM_INT};
        if (!n->s)
            return fail_node(r, n, "expected the name of a size");
        QVL_TRY(dim_add(r, n, n->s, d, NULL));
    }
    return QVL_OK;
}

/* A condition `a == b` makes a and b one size: shapes need not guess. */
static int use_equality(reader *r, const expr *e)
{
    poly by;
    if (e->kind != EXPR_BINARY || e->op != '=' ||
        e->arg[0]->kind != EXPR_NAME || e->arg[1]->kind == EXPR_CALL)
        return QVL_OK;
    int d = spec_dim_find(r->m, e->arg[0]->name);
    if (d < 0 || r->m->dim[d].type != IR_DIM_INT || r->m->dim[d].replaced)
        return QVL_OK;
    QVL_TRY(spec_size(&by, r->m, e->arg[1], r->err));
    for (int i = 0; i < by.n; i++)
        for (int k = 0; k < by.term[i].n; k++)
            if (by.term[i].sym[k] == d)
                return QVL_OK;
    return replace_dim(r, e, d, &by);
}

static int read_dims(reader *r, const qvl_node *root)
{
    const qvl_node *s;
    QVL_TRY(section(r, root, "config", QVL_NODE_MAP, true, &s));
    for (size_t i = 0; i < s->n; i++)
        QVL_TRY(read_config_dim(r, &s->keys[i], &s->items[i]));
    QVL_TRY(section(r, root, "batch", QVL_NODE_LIST, true, &s));
    QVL_TRY(read_batch(r, s));
    QVL_TRY(section(r, root, "derived", QVL_NODE_MAP, false, &s));
    for (size_t i = 0; s && i < s->n; i++)
        QVL_TRY(read_derived(r, &s->keys[i], &s->items[i]));
    QVL_TRY(section(r, root, "check", QVL_NODE_LIST, false, &s));
    if (!s)
        return QVL_OK;
    r->m->condition = qvl_arena_array(r->arena, ir_condition, s->n);
    for (size_t i = 0; i < s->n; i++) {
        expr *e;
        ir_condition *c = &r->m->condition[r->m->n_conditions++];
        QVL_TRY(expr_parse(&e, text_of(r, &s->items[i]), r->arena, r->err));
        QVL_TRY(spec_int(&c->cond, r->m, e, NULL, r->err));
        c->text = s->items[i].s;
        c->line = s->items[i].line;
        QVL_TRY(use_equality(r, e));
    }
    return QVL_OK;
}

/* ---- inputs ---- */

/* "[a, b]" at p: its sizes; *end is what follows. */
static int read_shape(reader *r, const expr_text *t, const char *p,
                      ir_shape *shape, const char **end)
{
    if (*p != '[')
        return expr_fail(t, t->col + (int)(p - t->text), r->err, "expected [");
    ir_shape s = {0};
    do {
        p++;
        p += strspn(p, " ");
        size_t n = strcspn(p, ",]");
        expr *e;
        if (s.rank == IR_MAX_RANK)
            return expr_fail(t, t->col, r->err, "more than %d dims",
                             IR_MAX_RANK);
        QVL_TRY(expr_parse(&e, part_of(r, t, p, n), r->arena, r->err));
        QVL_TRY(spec_size(&s.d[s.rank++], r->m, e, r->err));
        p += n;
    } while (*p == ',');
    if (*p != ']')
        return expr_fail(t, t->col + (int)(p - t->text), r->err, "expected ]");
    if (ir_shape_check(r->m, &s, r->err) != QVL_OK)
        return expr_place(t, t->col, r->err);
    *end = p + 1;
    *shape = s;
    return QVL_OK;
}

static ir_input *input_add(ir_module *m, const char *name, int kind,
                           const ir_shape *shape)
{
    ir_input *in = &m->input[m->n_inputs++];
    *in = (ir_input){.name = name, .kind = kind, .of = -1,
                     .cls = ir_kinds[kind].cls, .shape = *shape, .value = -1};
    return in;
}

/* The index itself, its weights, and the lists its gradient needs. */
static int add_index(reader *r, const expr_text *t, const char *name,
                     const ir_shape *shape, const char *rest)
{
    ir_module *m = r->m;
    expr *e;
    ir_shape start = {.rank = 1};
    poly one = poly_number(1);
    rest += strspn(rest, " ");
    if (shape->rank != 2 || strncmp(rest, "into ", 5) != 0)
        return expr_fail(t, t->col, r->err,
                         "expected index [rows, n] into SIZE");
    rest += 5;
    QVL_TRY(expr_parse(&e, part_of(r, t, rest, strlen(rest)), r->arena,
                       r->err));
    ir_input *in = input_add(m, name, QVL_INPUT_INDEX, shape);
    QVL_TRY(spec_size(&in->table, m, e, r->err));
    if (!poly_add(&start.d[0], &in->table, &one))
        return expr_fail(t, t->col, r->err, "this size is too long");
    static const struct {
        const char *suffix;
        int kind;
    } more[] = {{"weight", QVL_INPUT_WEIGHT},
                {"start", QVL_INPUT_START},
                {"entry", QVL_INPUT_ENTRY}};
    int of = m->n_inputs - 1;
    for (int i = 0; i < 3; i++) {
        const ir_shape *s = more[i].kind == QVL_INPUT_START ? &start : shape;
        const char *full =
            qvl_arena_printf(r->arena, "%s.%s", name, more[i].suffix);
        ir_input *x = input_add(m, full, more[i].kind, s);
        x->of = of;
        x->table = m->input[of].table;
    }
    return QVL_OK;
}

/* The place of each row in a cache, and the tables that tell where the blocks
 * of a sequence lie. */
static int add_cache(reader *r, const expr_text *t, const char *name,
                     const ir_shape *shape)
{
    if (shape->rank != 3)
        return expr_fail(t, t->col, r->err,
                         "expected cache [rows, slots, blocks]");
    ir_shape rows = {.rank = 1, .d = {shape->d[0]}};
    ir_shape blocks = {.rank = 1, .d = {shape->d[2]}};
    ir_input *in = input_add(r->m, name, QVL_INPUT_SLOT, &rows);
    in->table = shape->d[1];
    int of = r->m->n_inputs - 1;
    in = input_add(r->m, qvl_arena_printf(r->arena, "%s.block", name),
                   QVL_INPUT_BLOCK, &blocks);
    in->of = of;
    in->table = shape->d[1];
    return QVL_OK;
}

static int unknown_kind(reader *r, const qvl_node *value)
{
    const char *list = "kinds are";
    for (int i = 0, n = 0; i < QVL_N_INPUT; i++)
        if (ir_kinds[i].dims)
            list = qvl_arena_printf(r->arena, "%s%s %s%s", list, n++ ? "," : "",
                                    ir_kinds[i].text, ir_kinds[i].dims);
    return fail_node(r, value, list);
}

static int read_input(reader *r, const qvl_node *key, const qvl_node *value)
{
    const expr_text *t = text_of(r, value);
    const char *p = t->text;
    const char *end;
    size_t n = strcspn(p, " ");
    ir_shape s;
    if (p[n] == '\0')
        return fail_node(r, value, "expected KIND [DIMS]");
    QVL_TRY(read_shape(r, t, p + n + strspn(p + n, " "), &s, &end));
    int kind = ir_kind_find(p, n);
    if (kind == QVL_INPUT_INDEX)
        return add_index(r, t, key->s, &s, end);
    if (kind == QVL_INPUT_SLOT)
        return add_cache(r, t, key->s, &s);
    if (kind == QVL_INPUT_RANGE && s.rank == 1)
        s.d[s.rank++] = poly_number(4);
    else if (kind == QVL_INPUT_ANGLES && s.rank == 2)
        s = (ir_shape){.rank = 3, .d = {s.d[0], poly_number(2), s.d[1]}};
    else if (kind != QVL_INPUT_F32 && kind != QVL_INPUT_I32)
        return unknown_kind(r, value);
    input_add(r->m, key->s, kind, &s);
    return QVL_OK;
}

static int read_inputs(reader *r, const qvl_node *root)
{
    const qvl_node *s;
    QVL_TRY(section(r, root, "inputs", QVL_NODE_MAP, true, &s));
    r->m->input = qvl_arena_array(r->arena, ir_input, 4 * s->n);
    for (size_t i = 0; i < s->n; i++)
        QVL_TRY(read_input(r, &s->keys[i], &s->items[i]));
    return QVL_OK;
}

/* ---- parameters ---- */

/* What stands behind `in`: one parameter for each value in a list. */
static int read_param_list(reader *r, const qvl_node *key, const char *name,
                           size_t n, ir_param *p)
{
    p->list = spec_dim_find(r->m, qvl_arena_strndup(r->arena, name, n));
    if (p->list < 0 || r->m->dim[p->list].type != IR_DIM_LIST)
        return expr_fail(text_of(r, key), key->col + (int)(name - key->s),
                         r->err, "expected the name of a list");
    ir_int *count = qvl_arena_array(r->arena, ir_int, 1);
    *count = (ir_int){.kind = IR_INT_COUNT, .dim = p->list};
    p->count = count;
    return QVL_OK;
}

/* "a.{l<L}.b" -> name "a.{l}.b", var "l", count L; "a.{l in M}.b" the same with
 * the values of list M. */
static int read_param_name(reader *r, const qvl_node *key, ir_param *p)
{
    const char *open = strchr(key->s, '{');
    p->name = key->s;
    p->list = -1;
    if (!open)
        return QVL_OK;
    const char *close = strchr(open, '}');
    size_t n = strcspn(open + 1, " <}");
    const char *rest = open + 1 + n;
    bool is_list = strncmp(rest, " in ", 4) == 0;
    if (!close || strchr(close, '{') || !ir_word_is_name(open + 1, n) ||
        (!is_list && *rest != '<'))
        return fail_node(r, key, "expected one {VAR<COUNT} or {VAR in LIST} in "
                                 "the name");
    QVL_TRY(check_word(r, key, open + 1, n));
    const char *value = rest + (is_list ? 4 : 1);
    size_t len = (size_t)(close - value);
    if (is_list)
        QVL_TRY(read_param_list(r, key, value, len, p));
    else
        QVL_TRY(read_int(r, text_of(r, key), value, len, NULL, &p->count));
    p->var = qvl_arena_strndup(r->arena, open + 1, n);
    p->name = qvl_arena_printf(r->arena, "%.*s{%s%s", (int)(open - key->s),
                               key->s, p->var, close);
    return QVL_OK;
}

static int read_param_shape(reader *r, const qvl_node *list, ir_param *p)
{
    if (!list || list->kind != QVL_NODE_LIST || list->n == 0 ||
        list->n > IR_MAX_RANK)
        return fail_node(r, list, "expected a list of 1 to 5 sizes");
    for (size_t i = 0; i < list->n; i++) {
        expr *e;
        QVL_TRY(expr_parse(&e, text_of(r, &list->items[i]), r->arena, r->err));
        QVL_TRY(spec_size(&p->shape.d[p->shape.rank++], r->m, e, r->err));
    }
    if (ir_shape_check(r->m, &p->shape, r->err) != QVL_OK)
        return expr_place(text_of(r, list), list->col, r->err);
    return QVL_OK;
}

static int read_param_options(reader *r, const qvl_node *map, ir_param *p)
{
    for (size_t i = 0; i < map->n; i++) {
        const char *k = map->keys[i].s;
        const qvl_node *v = &map->items[i];
        if (strcmp(k, "shape") == 0) {
            QVL_TRY(read_param_shape(r, v, p));
        } else if (strcmp(k, "same_as") == 0) {
            p->same_as = v->s ? ir_param_find(r->m, v->s) : -1;
            if (p->same_as < 0)
                return fail_node(r, v, "no parameter of this name above");
        } else if (strcmp(k, "if") == 0) {
            expr *e;
            QVL_TRY(expr_parse(&e, text_of(r, v), r->arena, r->err));
            QVL_TRY(spec_int(&p->tied_if, r->m, e, NULL, r->err));
        } else if (strcmp(k, "transposable") == 0) {
            if (!qvl_node_as_bool(v, &p->transposable))
                return fail_node(r, v, "expected true or false");
        } else {
            return fail_node(r, &map->keys[i],
                             "keys are shape, same_as, if, transposable");
        }
    }
    return QVL_OK;
}

static int read_param(reader *r, const char *group, const qvl_node *key,
                      const qvl_node *value)
{
    ir_param p = {.group = group, .same_as = -1};
    if (strlen(key->s) > MAX_PARAM_NAME || strchr(key->s, '%'))
        return expr_fail(text_of(r, key), key->col, r->err,
                         "the name of a parameter has at most %d letters, and "
                         "no %%", MAX_PARAM_NAME);
    QVL_TRY(read_param_name(r, key, &p));
    if (ir_param_find(r->m, p.name) >= 0)
        return fail_node(r, key, "this parameter is there already");
    if (value->kind == QVL_NODE_MAP)
        QVL_TRY(read_param_options(r, value, &p));
    else
        QVL_TRY(read_param_shape(r, value, &p));
    if (p.same_as >= 0 &&
        (!p.tied_if ||
         !ir_shape_equal(&p.shape, &r->m->param[p.same_as].shape)))
        return fail_node(r, value, "same_as needs `if` and an equal shape");
    r->m->param[r->m->n_params++] = p;
    return QVL_OK;
}

static int read_params(reader *r, const qvl_node *root)
{
    const qvl_node *s;
    size_t n = 0;
    QVL_TRY(section(r, root, "params", QVL_NODE_MAP, true, &s));
    for (size_t i = 0; i < s->n; i++) {
        if (s->items[i].kind != QVL_NODE_MAP)
            return fail_node(r, &s->items[i], "expected a map here");
        n += s->items[i].n;
    }
    r->m->param = qvl_arena_array(r->arena, ir_param, n);
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->items[i].n; k++)
            QVL_TRY(read_param(r, s->keys[i].s, &s->items[i].keys[k],
                               &s->items[i].items[k]));
    return QVL_OK;
}

/* ---- statements ---- */

static int read_body(reader *r, const qvl_node *list, spec_stmt **out, int *n);

static int read_targets(reader *r, spec_stmt *s, const char *end)
{
    const char *p = s->text->text;
    const char *open = memchr(p, '[', (size_t)(end - p));
    if (open) {
        const char *close = memchr(open, ']', (size_t)(end - open));
        if (!ir_word_is_name(p, (size_t)(open - p)) || !close)
            return expr_fail(s->text, s->text->col, r->err,
                             "expected ARRAY[PLACE] = VALUE");
        s->target[s->n_targets++] =
            qvl_arena_strndup(r->arena, p, (size_t)(open - p));
        return expr_parse(&s->element,
                          part_of(r, s->text, open + 1,
                                  (size_t)(close - open - 1)),
                          r->arena, r->err);
    }
    while (p < end) {
        p += strspn(p, " ");
        size_t n = strcspn(p, " ,=");
        int col = s->text->col + (int)(p - s->text->text);
        if (!ir_word_is_name(p, n))
            return expr_fail(s->text, col, r->err, "expected a name before =");
        if (s->n_targets == SPEC_MAX_TARGETS)
            return expr_fail(s->text, col, r->err, "more than %d names before =",
                             SPEC_MAX_TARGETS);
        s->target[s->n_targets++] = qvl_arena_strndup(r->arena, p, n);
        p += n;
        p += strspn(p, " ");
        p += *p == ',';
    }
    return QVL_OK;
}

/* The `=` of an assignment: the first that is none of == <= >= !=. */
static const char *find_equals(const char *p)
{
    for (const char *c = p; *c; c++) {
        if (*c == '(')
            return NULL;
        if (*c == '=' && c[1] != '=' && (c == p || !strchr("<>!=", c[-1])))
            return c;
    }
    return NULL;
}

static int read_assign(reader *r, const qvl_node *n, spec_stmt *s)
{
    s->kind = SPEC_ASSIGN;
    const char *eq = find_equals(s->text->text);
    if (!eq)
        return fail_node(r, n, "expected NAME = EXPRESSION");
    QVL_TRY(read_targets(r, s, eq));
    const char *value = eq + 1 + strspn(eq + 1, " ");
    return expr_parse(&s->value, part_of(r, s->text, value, strlen(value)),
                      r->arena, r->err);
}

/* Cut " WORD rest" off the end of p[0..*n); NULL when it is not there. */
static const char *cut_word(reader *r, const char *p, size_t *n,
                            const char *word)
{
    size_t w = strlen(word);
    for (size_t i = *n; i-- > 0;) {
        if (i + w < *n && strncmp(p + i, word, w) == 0) {
            const char *rest =
                qvl_arena_strndup(r->arena, p + i + w, *n - i - w);
            *n = i;
            return rest;
        }
    }
    return NULL;
}

static int read_for(reader *r, const qvl_node *key, spec_stmt *s, const char *p,
                    size_t n)
{
    const char *in = strstr(p, " in ");
    if (!in || !ir_word_is_name(p, (size_t)(in - p)))
        return expr_fail(s->text, s->text->col, r->err,
                         "expected for VAR in COUNT [at PREFIX]");
    QVL_TRY(check_word(r, key, p, (size_t)(in - p)));
    s->kind = SPEC_FOR;
    s->var = qvl_arena_strndup(r->arena, p, (size_t)(in - p));
    return expr_parse(&s->value,
                      part_of(r, s->text, in + 4, n - (size_t)(in + 4 - p)),
                      r->arena, r->err);
}

static int read_chunk(reader *r, spec_stmt *s, const char *p)
{
    const char *by = strstr(p, " by ");
    s->kind = SPEC_CHUNK;
    s->dim = s->by = -1;
    if (by) {
        s->dim = spec_dim_find(
            r->m, qvl_arena_strndup(r->arena, p, (size_t)(by - p)));
        s->by = spec_dim_find(r->m, by + 4);
    }
    if (s->dim < 0 || s->by < 0)
        return expr_fail(s->text, s->text->col, r->err,
                         "expected chunk SIZE by SIZE");
    return QVL_OK;
}

static int read_block(reader *r, const qvl_node *key, const qvl_node *value,
                      spec_stmt *s)
{
    const char *p = s->text->text;
    size_t n = strlen(p);
    s->prefix = "";
    if (value->kind != QVL_NODE_LIST)
        return fail_node(r, value, "expected a list of statements");
    if (strncmp(p, "at ", 3) == 0) {
        s->kind = SPEC_AT;
        s->prefix = p + 3;
    } else if (strncmp(p, "chunk ", 6) == 0) {
        QVL_TRY(read_chunk(r, s, p + 6));
    } else if (strncmp(p, "for ", 4) == 0 || strncmp(p, "if ", 3) == 0) {
        const char *prefix = cut_word(r, p, &n, " at ");
        s->prefix = prefix ? prefix : "";
        if (*p == 'f') {
            QVL_TRY(read_for(r, key, s, p + 4, n - 4));
        } else {
            s->kind = SPEC_IF;
            s->var = cut_word(r, p, &n, " as ");
            if (s->var)
                QVL_TRY(check_word(r, key, s->var, strlen(s->var)));
            QVL_TRY(expr_parse(&s->value, part_of(r, s->text, p + 3, n - 3),
                               r->arena, r->err));
        }
    } else {
        return fail_node(r, key, "blocks are at, for, if, chunk");
    }
    return read_body(r, value, &s->body, &s->n_body);
}

static int read_body(reader *r, const qvl_node *list, spec_stmt **out, int *n)
{
    spec_stmt *s = qvl_arena_array(r->arena, spec_stmt, list->n);
    for (size_t i = 0; i < list->n; i++) {
        const qvl_node *item = &list->items[i];
        if (item->kind == QVL_NODE_MAP && item->n == 1) {
            s[i].text = text_of(r, &item->keys[0]);
            QVL_TRY(read_block(r, &item->keys[0], &item->items[0], &s[i]));
        } else if (item->kind == QVL_NODE_STRING) {
            s[i].text = text_of(r, item);
            QVL_TRY(read_assign(r, item, &s[i]));
        } else {
            return fail_node(r, item, "expected a statement");
        }
    }
    *out = s;
    *n = (int)list->n;
    return QVL_OK;
}

/* ---- the whole ---- */

static int read_heading(reader *r, const qvl_node *root)
{
    static const char *const known[] = {"arch", "model_type", "config",
                                        "derived", "batch", "check", "inputs",
                                        "params", "program", "outputs"};
    for (size_t i = 0; i < root->n; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            found = found || strcmp(root->keys[i].s, known[k]) == 0;
        if (!found)
            return fail_node(r, &root->keys[i], "unknown section");
    }
    const qvl_node *name = qvl_node_find(root, "arch");
    const qvl_node *types;
    if (!name || !name->s || !ir_word_is_name(name->s, strlen(name->s)))
        return qvl_fail(r->err, QVL_E_CONFIG, "%s: no name under 'arch'",
                        r->m->file);
    r->m->name = name->s;
    QVL_TRY(section(r, root, "model_type", QVL_NODE_LIST, true, &types));
    if (types->n > 4)
        return fail_node(r, types, "more than 4 model types");
    for (size_t i = 0; i < types->n; i++) {
        if (!types->items[i].s)
            return fail_node(r, &types->items[i], "expected a model type");
        r->m->model_type[r->m->n_model_types++] = types->items[i].s;
    }
    return QVL_OK;
}

static int read_outputs(reader *r, const qvl_node *root, spec *out)
{
    const qvl_node *s;
    QVL_TRY(section(r, root, "outputs", QVL_NODE_MAP, true, &s));
    out->output = qvl_arena_array(r->arena, spec_output, s->n);
    for (size_t i = 0; i < s->n; i++) {
        if (!s->items[i].s)
            return fail_node(r, &s->items[i], "expected the name of a value");
        out->output[out->n_outputs++] =
            (spec_output){.name = s->keys[i].s, .target = s->items[i].s,
                          .text = text_of(r, &s->items[i])};
    }
    return QVL_OK;
}

int spec_read(spec *out, ir_module *m, const char *file, const char *text,
              qvl_err *err)
{
    qvl_node *root;
    const qvl_node *program;
    m->file = file;
    reader r = {.m = m, .source = text, .arena = m->arena, .err = err};
    QVL_TRY(qvl_yaml_parse(&root, text, strlen(text), file, m->arena, err));
    if (root->kind != QVL_NODE_MAP)
        return fail_node(&r, root, "a spec is a map of sections");
    QVL_TRY(check_texts(&r, root));
    QVL_TRY(read_heading(&r, root));
    QVL_TRY(read_dims(&r, root));
    QVL_TRY(read_inputs(&r, root));
    QVL_TRY(read_params(&r, root));
    QVL_TRY(section(&r, root, "program", QVL_NODE_LIST, true, &program));
    QVL_TRY(read_body(&r, program, &out->stmt, &out->n_stmts));
    return read_outputs(&r, root, out);
}
