/* cut.c - may an operand that is too large be bound in parts along a dim?
 *
 * A part of the first dim is a run of memory; a part of the second one is reached
 * by an offset, which only operands with ld have. A dim that is compiled in cannot
 * differ from part to part. An output without the dim is either a sum over it, so
 * `acc`, or told to be kept `apart`.
 */
#include "kern/cut.h"

#include <string.h>

/* role: what a const dim cannot be here */
static int read_sym(const kern *k, lexer *lex, qvl_arena *arena, qvl_err *err,
                    const char *role, int *sym)
{
    const char *at = lex->token.at;
    const char *name = NULL;
    QVL_TRY(lex_take_word(lex, "a dim", &name, arena, err));
    *sym = kern_sym_find(k, name);
    if (*sym < 0)
        return lex_fail(lex, at, err, "no operand has a dim %s", name);
    for (int i = 0; i < k->n_constants; i++)
        if (k->constant[i].sym == *sym)
            return lex_fail(lex, at, err, "%s is const and cannot be %s",
                            name, role);
    return QVL_OK;
}

static int check_edge(const kern *k, lexer *lex, const char *at,
                      const kern_cut *c, qvl_err *err)
{
    const char *name = k->sym[c->edge];
    if (c->edge == c->sym)
        return lex_fail(lex, at, err, "%s is the dim that is cut", name);
    /* In qvl_cut the number 0 means that there is none. */
    if (c->edge == 0)
        return lex_fail(lex, at, err, "%s is the first dim of the kernel and "
                        "cannot be an edge", name);
    for (int i = 0; i < k->n_operands; i++) {
        const kern_operand *o = &k->operand[i];
        for (int d = 0; d < o->rank; d++)
            if (o->dim[d] == c->edge && (d > 0 || o->access != KERN_IN))
                return lex_fail(lex, at, err, "%s of %s: an edge is the first "
                                "dim of an `in`", name, o->name);
    }
    return QVL_OK;
}

static int read_first(const kern *k, lexer *lex, qvl_arena *arena,
                      qvl_err *err, int *first)
{
    const char *at = lex->token.at;
    const char *name = NULL;
    QVL_TRY(lex_take_word(lex, "an arg", &name, arena, err));
    *first = -1;
    for (int i = 0; i < k->n_scalars; i++)
        if (strcmp(k->scalar[i].name, name) == 0 && !k->scalar[i].is_f32)
            *first = i;
    if (*first < 0)
        return lex_fail(lex, at, err, "%s is no u32 arg", name);
    if (kern_is_first(k, *first))
        return lex_fail(lex, at, err, "%s is the first of another cut", name);
    return QVL_OK;
}

/* Can the operand be bound for a part? *place is where it has the dim, or -1.
 * Columns of a part lie in one run only where the dim is the second. */
static int check_place(const kern *k, const kern_operand *o, lexer *lex,
                       const char *at, int sym, int *place, qvl_err *err)
{
    int n = 0;
    *place = -1;
    for (int i = o->rank - 1; i >= 0; i--)
        if (o->dim[i] == sym) {
            *place = i;
            n++;
        }
    if (n > 1 || *place > 1 || (*place == 1 && !o->ld))
        return lex_fail(lex, at, err, "%s of %s: expected the first dim, or "
                        "the second one of an operand with ld", k->sym[sym],
                        o->name);
    return QVL_OK;
}

static int check_operands(const kern *k, lexer *lex, const char *at,
                          const kern_cut *c, qvl_err *err)
{
    bool all_have_it = true;
    for (int i = 0; i < k->n_operands; i++) {
        const kern_operand *o = &k->operand[i];
        int place;
        QVL_TRY(check_place(k, o, lex, at, c->sym, &place, err));
        if (place >= 0 || o->access == KERN_IN)
            continue;
        all_have_it = false;
        if (!c->apart && o->access != KERN_ACC)
            return lex_fail(lex, at, err, "%s has no %s: expected acc, or "
                            "apart behind the cut", o->name, k->sym[c->sym]);
    }
    if (c->apart && all_have_it)
        return lex_fail(lex, at, err, "every output has %s: nothing to keep "
                        "apart", k->sym[c->sym]);
    return QVL_OK;
}

int kern_read_cut(kern *k, lexer *lex, qvl_arena *arena, qvl_err *err)
{
    kern_cut c = { .edge = -1, .first = -1 };
    const char *at = lex->token.at;
    QVL_TRY(read_sym(k, lex, arena, err, "cut", &c.sym));
    for (int i = 0; i < k->n_cuts; i++)
        if (k->cut[i].sym == c.sym)
            return lex_fail(lex, at, err, "%s is cut already", k->sym[c.sym]);
    if (k->n_cuts == KERN_MAX_CUTS)
        return lex_fail(lex, at, err, "more than %d cuts", KERN_MAX_CUTS);
    if (lex_is(lex, "edge")) {
        lex_next(lex);
        const char *at_edge = lex->token.at;
        QVL_TRY(read_sym(k, lex, arena, err, "an edge", &c.edge));
        QVL_TRY(check_edge(k, lex, at_edge, &c, err));
    }
    if (lex_is(lex, "first")) {
        lex_next(lex);
        QVL_TRY(read_first(k, lex, arena, err, &c.first));
    }
    c.apart = lex_is(lex, "apart");
    if (c.apart)
        lex_next(lex);
    QVL_TRY(check_operands(k, lex, at, &c, err));
    k->cut[k->n_cuts++] = c;
    return QVL_OK;
}
