/* kern.c - signatures of kernels: read, checked, and what a form of one is called
 * with
 *
 * A name is one thing in a kernel: operand, dim, arg, tile or shared array. What
 * the head promises is held here against what every back end can do (buffers,
 * arguments, tiles); what a form adds, such as an expression, emit_kernel_check
 * looks at. The file is read to its end or not at all: on an error the set is
 * unchanged.
 */
#include "kern/kern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/tiles.h"
#include "base/file.h"
#include "kern/cut.h"
#include "kern/lex.h"
#include "kern/names.h"

/* Longest name; the emitters put prefixes before it. */
#define MAX_NAME 40

/* What one kernel is read with. */
typedef struct {
    lexer lex;
    kern *k;
    qvl_arena *arena;
    qvl_err *err;
    const char *at_name;  // of the kernel in the text
} reader;

/* Names the dialects define; an operand or dim of that name would break them. */
static const char *const reserved[] = {
    "f32", "u32", "i32", "bool", "fv", "VW", "LANE", "LANES", "GROUP",
    "PARTS", "WALK",
    "BARRIER", "if", "else", "for", "while", "do", "in", "out", "io", "acc",
    "arg", "tile", "shared", "library", "const", "kernel", "cut", "needs",
    "turns", "names",
};

static int fail_here(reader *r, const char *what)
{
    return lex_fail(&r->lex, r->lex.token.at, r->err, "expected %s", what);
}

static int take(reader *r, const char *mark)
{
    if (!lex_is(&r->lex, mark))
        return lex_fail(&r->lex, r->lex.token.at, r->err, "expected %s", mark);
    lex_next(&r->lex);
    return QVL_OK;
}

static bool is_operand(const kern *k, const char *name)
{
    for (int i = 0; i < k->n_operands; i++)
        if (strcmp(k->operand[i].name, name) == 0)
            return true;
    return false;
}

static bool is_tile(const kern *k, const char *name)
{
    for (int i = 0; i < k->n_tiles; i++)
        if (strcmp(k->tile[i], name) == 0)
            return true;
    return false;
}

static const kern_scalar *scalar_of(const kern *k, const char *name)
{
    for (int i = 0; i < k->n_scalars; i++)
        if (strcmp(k->scalar[i].name, name) == 0)
            return &k->scalar[i];
    return NULL;
}

static bool is_name_taken(const kern *k, const char *name)
{
    for (int i = 0; i < k->n_shared; i++)
        if (strcmp(k->shared[i].name, name) == 0)
            return true;
    return is_operand(k, name) || is_tile(k, name)
           || kern_names_has(k->names, name)
           || scalar_of(k, name) != NULL || kern_sym_find(k, name) >= 0;
}

/* Read a word. */
static int read_word(reader *r, const char *what, const char **name)
{
    return lex_take_word(&r->lex, what, name, r->arena, r->err);
}

static int check_reserved(reader *r, const char *at, const char *name)
{
    for (size_t i = 0; i < QVL_COUNT(reserved); i++)
        if (strcmp(reserved[i], name) == 0)
            return lex_fail(&r->lex, at, r->err,
                            "%s is a word of the language", name);
    return QVL_OK;
}

/* Read a name that nothing else in the kernel has. */
static int read_new_name(reader *r, const char *what, const char **name)
{
    const char *at = r->lex.token.at;
    QVL_TRY(read_word(r, what, name));
    QVL_TRY(check_reserved(r, at, *name));
    if (is_name_taken(r->k, *name))
        return lex_fail(&r->lex, at, r->err, "%s is there already", *name);
    if (strlen(*name) > MAX_NAME)
        return lex_fail(&r->lex, at, r->err, "a name has at most %d letters",
                        MAX_NAME);
    return QVL_OK;
}

static int read_number(reader *r, int max, int *number)
{
    const char *text = lex_text(&r->lex, r->arena);
    char *end;
    long v = strtol(text, &end, 10);
    if (r->lex.token.kind != LEX_NUMBER || *end != '\0' || v < 1 || v > max)
        return lex_fail(&r->lex, r->lex.token.at, r->err,
                        "expected a number from 1 to %d", max);
    *number = (int)v;
    lex_next(&r->lex);
    return QVL_OK;
}

/* A storage type that is chosen later: capitals and digits. */
static bool is_type_word(const char *s)
{
    if (*s < 'A' || *s > 'Z')
        return false;
    while ((*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9'))
        s++;
    return *s == '\0';
}

static bool is_plain_type(const char *s)
{
    return strcmp(s, "f32") == 0 || strcmp(s, "i32") == 0
           || strcmp(s, "u32") == 0;
}

static int read_type(reader *r, const char **type)
{
    const char *at = r->lex.token.at;
    QVL_TRY(read_word(r, "a type", type));
    if (!is_plain_type(*type) && !is_type_word(*type))
        return lex_fail(&r->lex, at, r->err,
                        "%s is no type: f32, i32, u32 or a capital word",
                        *type);
    return QVL_OK;
}

static int read_dim(reader *r, kern_operand *o)
{
    if (o->rank == KERN_MAX_DIMS)
        return lex_fail(&r->lex, r->lex.token.at, r->err,
                        "more than %d dims", KERN_MAX_DIMS);
    if (lex_is(&r->lex, "PARTS")) {
        o->dim[o->rank++] = -1 - KERN_PARTS;
        lex_next(&r->lex);
        return QVL_OK;
    }
    if (r->lex.token.kind == LEX_NUMBER) {
        int n = 0;
        QVL_TRY(read_number(r, 1 << 20, &n));
        o->dim[o->rank++] = -1 - n;
        return QVL_OK;
    }
    kern *k = r->k;
    const char *at = r->lex.token.at;
    const char *name = NULL;
    QVL_TRY(read_word(r, "a dim", &name));
    const kern_names *columns = kern_names_find(k->names, name);
    if (columns != NULL) {
        o->dim[o->rank++] = -1 - columns->n;
        return QVL_OK;
    }
    int i = kern_sym_find(k, name);
    if (i < 0) {
        QVL_TRY(check_reserved(r, at, name));
        if (is_name_taken(k, name) || strcmp(name, o->name) == 0)
            return lex_fail(&r->lex, at, r->err,
                            "%s is there already and is no dim", name);
        if (k->n_syms == KERN_MAX_SYMS)
            return lex_fail(&r->lex, at, r->err, "more than %d different dims",
                            KERN_MAX_SYMS);
        if (strlen(name) > MAX_NAME)
            return lex_fail(&r->lex, at, r->err,
                            "a name has at most %d letters", MAX_NAME);
        i = k->n_syms++;
        k->sym[i] = name;
    }
    o->dim[o->rank++] = i;
    return QVL_OK;
}

static int read_operand(reader *r, kern_access access)
{
    kern *k = r->k;
    if (k->n_scalars > 0)
        return lex_fail(&r->lex, r->lex.token.at, r->err,
                        "operands stand before the args");
    if (k->n_operands == KERN_MAX_OPERANDS)
        return lex_fail(&r->lex, r->lex.token.at, r->err,
                        "more than %d operands", KERN_MAX_OPERANDS);
    kern_operand o = { .access = access };
    lex_next(&r->lex);
    QVL_TRY(read_type(r, &o.type));
    QVL_TRY(read_new_name(r, "the operand's name", &o.name));
    QVL_TRY(take(r, "["));
    do {
        QVL_TRY(read_dim(r, &o));
        if (lex_is(&r->lex, "]"))
            break;
        QVL_TRY(take(r, ","));
    } while (true);
    lex_next(&r->lex);
    const char *at = r->lex.token.at;
    for (;; lex_next(&r->lex)) {
        if (lex_is(&r->lex, "ld") && !o.ld)
            o.ld = true;
        else if (lex_is(&r->lex, "?") && !o.optional)
            o.optional = true;
        else
            break;
    }
    if (o.ld && o.rank == 1)
        return lex_fail(&r->lex, at, r->err,
                        "%s has one dim: ld needs rows and columns", o.name);
    if (o.optional && access != KERN_IN)
        return lex_fail(&r->lex, at, r->err,
                        "%s is written: only an `in` can be absent", o.name);
    k->operand[k->n_operands++] = o;
    return QVL_OK;
}

static int read_scalar(reader *r)
{
    kern *k = r->k;
    if (k->n_scalars == KERN_MAX_SCALARS)
        return lex_fail(&r->lex, r->lex.token.at, r->err,
                        "more than %d args", KERN_MAX_SCALARS);
    kern_scalar s = { 0 };
    lex_next(&r->lex);
    if (!lex_is(&r->lex, "f32") && !lex_is(&r->lex, "u32"))
        return fail_here(r, "f32 or u32");
    s.is_f32 = lex_is(&r->lex, "f32");
    lex_next(&r->lex);
    QVL_TRY(read_new_name(r, "the arg's name", &s.name));
    k->scalar[k->n_scalars++] = s;
    return QVL_OK;
}

static int read_parameter(reader *r)
{
    static const char *const word[] = { "in", "out", "io", "acc" };
    for (int a = 0; a < (int)QVL_COUNT(word); a++)
        if (lex_is(&r->lex, word[a]))
            return read_operand(r, (kern_access)a);
    if (lex_is(&r->lex, "arg"))
        return read_scalar(r);
    return fail_here(r, "in, out, io, acc or arg");
}

static int read_signature(reader *r)
{
    QVL_TRY(take(r, "("));
    for (;;) {
        QVL_TRY(read_parameter(r));
        if (lex_is(&r->lex, ")"))
            break;
        QVL_TRY(take(r, ","));
    }
    lex_next(&r->lex);
    return QVL_OK;
}

static bool is_clause(const lexer *lex)
{
    return lex_is(lex, "tile") || lex_is(lex, "const") || lex_is(lex, "shared")
           || lex_is(lex, "library") || lex_is(lex, "groups")
           || lex_is(lex, "cut") || lex_is(lex, "needs")
           || lex_is(lex, "turns");
}

static bool is_size_call(const char *name)
{
    return strcmp(name, "ceil_div") == 0 || strcmp(name, "min_u32") == 0
           || strcmp(name, "max_u32") == 0;
}

/* What an expression of sizes is for. */
typedef enum {
    SIZE_ARRAY,   // tiles, VW, D_MAX: constants of the compiled text
    SIZE_RULE,    // tiles, VW, calls
    SIZE_GROUPS,  // tiles, dims, args, calls; not VW, which differs by
                  // instruction set where the caller's count does not
    SIZE_TURNS,   // tiles, VW, dims, args, calls, WALK
} size_use;

static bool is_size_word(const kern *k, const char *name, size_use use)
{
    if (use == SIZE_GROUPS && strcmp(name, "VW") == 0)
        return false;
    bool is_of_call = use == SIZE_GROUPS || use == SIZE_TURNS;
    if (strcmp(name, "LANES") == 0 || is_tile(k, name)
        || (is_of_call && strcmp(name, "PARTS") == 0)
        || (use == SIZE_TURNS && (strcmp(name, "VW") == 0
                                  || strcmp(name, "WALK") == 0)))
        return true;
    if (use == SIZE_RULE)
        return strcmp(name, "VW") == 0 || is_size_call(name);
    if (use == SIZE_ARRAY) {
        size_t n = strlen(name);
        for (int i = 0; i < k->n_constants; i++) {
            const char *d = k->sym[k->constant[i].sym];
            if (strlen(d) + 4 == n && strncmp(d, name, n - 4) == 0
                && strcmp(name + n - 4, "_MAX") == 0)
                return true;
        }
        return strcmp(name, "VW") == 0;
    }
    const kern_scalar *s = scalar_of(k, name);
    return kern_sym_find(k, name) >= 0 || (s != NULL && !s->is_f32)
           || is_size_call(name);
}

/* Text up to the next clause, the body, or an unpaired `]`; one line. */
static int read_expr(reader *r, size_use use, const char **text)
{
    qvl_str s = { 0 };
    int depth = 0;
    const char *at = r->lex.token.at;
    for (; r->lex.token.kind != LEX_END; lex_next(&r->lex)) {
        const lex_token *t = &r->lex.token;
        const char *word = lex_text(&r->lex, r->arena);
        bool is_dim = (use == SIZE_GROUPS || use == SIZE_TURNS)
                      && kern_sym_find(r->k, word) >= 0;
        if (lex_is(&r->lex, "{") || (is_clause(&r->lex) && !is_dim)
            || (depth == 0 && lex_is(&r->lex, "]")))
            break;
        if (t->kind == LEX_WORD && !is_size_word(r->k, word, use)) {
            qvl_str_release(&s);
            return lex_fail(&r->lex, t->at, r->err,
                            "%s is not known here", word);
        }
        depth += lex_is(&r->lex, "(") || lex_is(&r->lex, "[");
        depth -= lex_is(&r->lex, ")") || lex_is(&r->lex, "]");
        if (t->spaced && s.len > 0)
            qvl_str_putc(&s, ' ');
        qvl_str_putn(&s, t->at, t->len);
    }
    bool empty = s.len == 0;
    *text = qvl_arena_strndup(r->arena, empty ? "" : s.p, s.len);
    qvl_str_release(&s);
    if (empty || depth != 0)
        return lex_fail(&r->lex, at, r->err, "expected an expression");
    return QVL_OK;
}

static int read_tiles(reader *r)
{
    kern *k = r->k;
    do {
        lex_next(&r->lex);
        const char *at = r->lex.token.at;
        const char *name = NULL;
        if (lex_is(&r->lex, "VW"))
            QVL_TRY(read_word(r, "a tile", &name));
        else
            QVL_TRY(read_new_name(r, "a tile", &name));
        if (k->n_tiles == KERN_MAX_TILES || is_tile(k, name))
            return lex_fail(&r->lex, at, r->err,
                            is_tile(k, name) ? "%s is there already"
                                             : "%s is one tile too many",
                            name);
        k->tile[k->n_tiles++] = name;
    } while (lex_is(&r->lex, ","));
    return QVL_OK;
}

static int read_const(reader *r)
{
    kern *k = r->k;
    lex_next(&r->lex);
    const char *at = r->lex.token.at;
    const char *name = NULL;
    QVL_TRY(read_word(r, "a dim", &name));
    kern_const c = { .sym = kern_sym_find(k, name) };
    if (c.sym < 0)
        return lex_fail(&r->lex, at, r->err, "no operand has a dim %s", name);
    for (int i = 0; i < k->n_constants; i++)
        if (k->constant[i].sym == c.sym)
            return lex_fail(&r->lex, at, r->err, "%s is const already", name);
    for (int i = 0; i < k->n_cuts; i++)
        if (k->cut[i].sym == c.sym || k->cut[i].edge == c.sym)
            return lex_fail(&r->lex, at, r->err,
                            "%s is cut and cannot be const", name);
    if (k->n_constants == (int)QVL_COUNT(k->constant))
        return lex_fail(&r->lex, at, r->err, "more than %d const dims",
                        (int)QVL_COUNT(k->constant));
    QVL_TRY(read_number(r, 1 << 16, &c.max));
    if (lex_is(&r->lex, "=")) {
        lex_next(&r->lex);
        while (r->lex.token.kind == LEX_NUMBER) {
            if (c.n_favour == (int)QVL_COUNT(c.favour))
                return lex_fail(&r->lex, r->lex.token.at, r->err,
                                "more than %d values",
                                (int)QVL_COUNT(c.favour));
            QVL_TRY(read_number(r, c.max, &c.favour[c.n_favour++]));
        }
        if (c.n_favour == 0)
            return fail_here(r, "values of the dim");
    }
    k->constant[k->n_constants++] = c;
    return QVL_OK;
}

static int read_cut(reader *r)
{
    lex_next(&r->lex);
    return kern_read_cut(r->k, &r->lex, r->arena, r->err);
}

/* A text that runs can compute as well: tried with all names 2. */
static int check_formula(reader *r, const char *at, const char *text)
{
    static const char *const always[] = { "LANES", "VW" };
    const kern *k = r->k;
    qvl_words w = { 0 };
    int64_t value;
    for (size_t i = 0; i < QVL_COUNT(always); i++)
        w.name[w.n++] = always[i];
    for (int i = 0; i < k->n_tiles; i++)
        if (strcmp(k->tile[i], "VW") != 0)
            w.name[w.n++] = k->tile[i];
    for (int i = 0; i < k->n_constants; i++)
        w.name[w.n++] = qvl_arena_printf(r->arena, "%s_MAX",
                                         k->sym[k->constant[i].sym]);
    for (int i = 0; i < w.n; i++)
        w.value[i] = 2;
    if (!qvl_formula(text, &w, &value))
        return lex_fail(&r->lex, at, r->err, "%s is no formula of sizes",
                        text);
    return QVL_OK;
}

static int read_need(reader *r)
{
    kern *k = r->k;
    const char *text = NULL;
    if (k->n_needs == KERN_MAX_NEEDS)
        return lex_fail(&r->lex, r->lex.token.at, r->err,
                        "more than %d needs", KERN_MAX_NEEDS);
    lex_next(&r->lex);
    const char *at = r->lex.token.at;
    QVL_TRY(read_expr(r, SIZE_RULE, &text));
    QVL_TRY(check_formula(r, at, text));
    k->need[k->n_needs++] = text;
    return QVL_OK;
}

static int read_turns(reader *r)
{
    lex_next(&r->lex);
    return read_expr(r, SIZE_TURNS, &r->k->turns);
}

static int read_shared(reader *r)
{
    kern *k = r->k;
    lex_next(&r->lex);
    if (k->n_shared == KERN_MAX_SHARED)
        return lex_fail(&r->lex, r->lex.token.at, r->err,
                        "more than %d shared arrays", KERN_MAX_SHARED);
    kern_shared s = { 0 };
    if (!lex_is(&r->lex, "f32") && !lex_is(&r->lex, "u32")
        && !lex_is(&r->lex, "i32") && !lex_is(&r->lex, "fv"))
        return fail_here(r, "f32, u32, i32 or fv");
    QVL_TRY(read_word(r, "a type", &s.type));
    QVL_TRY(read_new_name(r, "the array's name", &s.name));
    QVL_TRY(take(r, "["));
    const char *at = r->lex.token.at;
    QVL_TRY(read_expr(r, SIZE_ARRAY, &s.size));
    s.words = strcmp(s.type, "fv") == 0
                  ? qvl_arena_printf(r->arena, "(%s) * VW", s.size) : s.size;
    QVL_TRY(check_formula(r, at, s.words));
    QVL_TRY(take(r, "]"));
    k->shared[k->n_shared++] = s;
    return QVL_OK;
}

static int fail_twice(reader *r)
{
    return lex_fail(&r->lex, r->lex.token.at, r->err, "this line stands twice");
}

static int read_clause(reader *r)
{
    kern *k = r->k;
    if (lex_is(&r->lex, "tile"))
        return k->n_tiles > 0 ? fail_twice(r) : read_tiles(r);
    if (lex_is(&r->lex, "const"))
        return read_const(r);
    if (lex_is(&r->lex, "shared"))
        return read_shared(r);
    if (lex_is(&r->lex, "cut"))
        return read_cut(r);
    if (lex_is(&r->lex, "needs"))
        return read_need(r);
    if (lex_is(&r->lex, "turns"))
        return k->turns != NULL ? fail_twice(r) : read_turns(r);
    if (lex_is(&r->lex, "library")) {
        if (k->library)
            return fail_twice(r);
        k->library = true;
        lex_next(&r->lex);
        return QVL_OK;
    }
    if (k->groups != NULL)
        return fail_twice(r);
    lex_next(&r->lex);
    return read_expr(r, SIZE_GROUPS, &k->groups);
}

/* What can only be said when the whole head is known. */
static int check_head(reader *r)
{
    kern *k = r->k;
    int n_args = k->n_syms + k->n_scalars;
    const kern_operand *first_out = NULL;
    for (int i = 0; i < k->n_operands; i++) {
        const kern_operand *o = &k->operand[i];
        n_args += (o->ld ? 2 : 0) + (o->access == KERN_ACC ? 1 : 0);
        if (first_out == NULL && o->access != KERN_IN)
            first_out = o;
    }
    if (n_args > QVL_KERNEL_MAX_ARGS)
        return lex_fail(&r->lex, r->at_name, r->err,
                        "%s has %d arguments, %d fit", k->name, n_args,
                        QVL_KERNEL_MAX_ARGS);
    if (first_out == NULL)
        return lex_fail(&r->lex, r->at_name, r->err, "%s writes nothing",
                        k->name);
    if (k->library && first_out->rank < 2)
        return lex_fail(&r->lex, r->at_name, r->err,
                        "a library needs an output with rows and columns");
    if (k->groups == NULL)
        return lex_fail(&r->lex, r->at_name, r->err,
                        "%s does not say its groups", k->name);
    return QVL_OK;
}

/* Back ends pass VW like any tile, so each kernel has it. */
static int add_vector_width(reader *r)
{
    kern *k = r->k;
    if (is_tile(k, "VW"))
        return QVL_OK;
    if (k->n_tiles == KERN_MAX_TILES)
        return lex_fail(&r->lex, r->at_name, r->err,
                        "%s has %d tiles and needs room for VW", k->name,
                        k->n_tiles);
    k->tile[k->n_tiles++] = "VW";
    return QVL_OK;
}

/* A body with loops says how often they turn: devices may end long ones. */
static int check_loops(reader *r, const char *body)
{
    static const char *const loops[] = { "for", "EACH_LANE", "EACH_LANE_V",
                                         "EACH_LANE_TAIL" };
    lexer lex;
    lex_init(&lex, r->lex.file, body, strlen(body));
    for (; lex.token.kind != LEX_END; lex_next(&lex))
        for (size_t i = 0; i < QVL_COUNT(loops); i++)
            if (r->k->turns == NULL && lex_is(&lex, loops[i]))
                return lex_fail(&r->lex, r->at_name, r->err,
                                "%s has loops and does not say its turns",
                                r->k->name);
    return QVL_OK;
}

static int read_kernel(reader *r, const kern_set *set)
{
    kern *k = r->k;
    k->file = r->lex.file;
    k->line = lex_line(&r->lex, r->lex.token.at);
    QVL_TRY(take(r, "kernel"));
    r->at_name = r->lex.token.at;
    QVL_TRY(read_word(r, "the kernel's name", &k->name));
    if (kern_find(set, k->name) != NULL)
        return lex_fail(&r->lex, r->at_name, r->err,
                        "there is a kernel %s already", k->name);
    QVL_TRY(read_signature(r));
    while (is_clause(&r->lex))
        QVL_TRY(read_clause(r));
    if (!lex_is(&r->lex, "{"))
        return fail_here(r, "tile, const, shared, needs, turns, library, cut, "
                            "groups or {");
    QVL_TRY(check_head(r));
    QVL_TRY(add_vector_width(r));
    QVL_TRY(lex_block(&r->lex, &k->body, &k->body_line, r->arena, r->err));
    return check_loops(r, k->body);
}

/* The host has the lists of all files side by side. */
static int read_names(reader *r, const kern_names **names, const kern_set *others)
{
    const char *at = r->lex.token.at;
    QVL_TRY(kern_read_names(names, &r->lex, r->arena, r->err));
    QVL_TRY(check_reserved(r, at, (*names)->name));
    for (int i = 0; i < (*names)->n; i++)
        if (strlen((*names)->item[i]) > MAX_NAME)
            return lex_fail(&r->lex, at, r->err, "%s: a name has at most %d letters",
                            (*names)->item[i], MAX_NAME);
    for (int i = 0; i < others->n; i++)
        if (kern_names_find(others->item[i].names, (*names)->name) != NULL)
            return lex_fail(&r->lex, at, r->err, "names %s stands in %s already",
                            (*names)->name, others->item[i].file);
    return QVL_OK;
}

/* Arrays in an arena do not grow: the set is copied when it doubles. */
static void append(kern_set *set, const kern *k, qvl_arena *arena)
{
    bool is_full = (set->n & (set->n - 1)) == 0;
    if (is_full) {
        kern *more = qvl_arena_array(arena, kern, set->n > 0 ? 2 * set->n : 1);
        if (set->n > 0)
            memcpy(more, set->item, (size_t)set->n * sizeof *more);
        set->item = more;
    }
    set->item[set->n++] = *k;
}

int kern_read(kern_set *set, const char *path, qvl_arena *arena,
              qvl_err *err)
{
    char *text;
    size_t len;
    QVL_TRY(qvl_file_read(path, &text, &len, arena, err));
    reader r = { .arena = arena, .err = err };
    lex_init(&r.lex, qvl_arena_strdup(arena, path), text, len);
    kern_set found = *set;
    const kern_names *names = NULL;
    while (r.lex.token.kind != LEX_END) {
        while (lex_is(&r.lex, "names"))
            QVL_TRY(read_names(&r, &names, set));
        kern k = { .names = names };
        r.k = &k;
        QVL_TRY(read_kernel(&r, &found));
        append(&found, &k, arena);
    }
    *set = found;
    return QVL_OK;
}

const kern *kern_find(const kern_set *set, const char *name)
{
    for (int i = 0; i < set->n; i++)
        if (strcmp(set->item[i].name, name) == 0)
            return &set->item[i];
    return NULL;
}

int kern_sym_find(const kern *k, const char *name)
{
    for (int i = 0; i < k->n_syms; i++)
        if (strcmp(k->sym[i], name) == 0)
            return i;
    return -1;
}

bool kern_is_storage(const kern_operand *o)
{
    return o->type[0] >= 'A' && o->type[0] <= 'Z';
}

bool kern_is_first(const kern *k, int scalar)
{
    for (int i = 0; i < k->n_cuts; i++)
        if (k->cut[i].first == scalar)
            return true;
    return false;
}

static bool is_present(const kern_form *form, int operand)
{
    return form->dtype[operand] >= 0;
}

int kern_buffers(const kern_form *form, int map[])
{
    int n = 0;
    for (int i = 0; i < form->k->n_operands; i++)
        if (is_present(form, i))
            map[n++] = i;
    if (form->epilogue_on >= 0)
        for (int i = 0; i < form->epilogue.n_extra; i++)
            map[n++] = -1 - i;
    return n;
}

/* Whether a buffer is addressed by row and column of a wider tensor. */
static bool has_ld(const kern_form *form, int buffer)
{
    return buffer >= 0 ? form->k->operand[buffer].ld
                       : form->epilogue.kind[-1 - buffer] == KERN_EXTRA_SAME;
}

int kern_args(const kern_form *form, kern_arg args[])
{
    const kern *k = form->k;
    int n = 0;
    for (int i = 0; i < k->n_syms; i++)
        args[n++] = (kern_arg){ KERN_ARG_DIM, i };
    int map[KERN_MAX_OPERANDS + KERN_MAX_EXTRA];
    int n_bufs = kern_buffers(form, map);
    for (int b = 0; b < n_bufs; b++) {
        if (!has_ld(form, map[b]))
            continue;
        args[n++] = (kern_arg){ KERN_ARG_OFF, b };
        args[n++] = (kern_arg){ KERN_ARG_LD, b };
    }
    for (int i = 0; i < k->n_scalars; i++)
        args[n++] = (kern_arg){ KERN_ARG_SCALAR, i };
    for (int i = 0; i < k->n_operands; i++)
        if (k->operand[i].access == KERN_ACC)
            args[n++] = (kern_arg){ KERN_ARG_ACC, i };
    return n;
}
