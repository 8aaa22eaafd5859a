/* search.c - descent over single values, then over pairs
 *
 * What was measured is kept in a list, so nothing is timed twice; looking
 * through it costs less than one measurement. The search ends when no move
 * helps, or when its caller says so, and leaves the best candidate in either
 * case.
 */
#include "backend/search.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/tune.h"
#include "base/arena.h"

/* Values up to here are also moved by one. */
#define FINE_UP_TO 16

typedef enum { MOVE_DOUBLE, MOVE_HALVE, MOVE_UP, MOVE_DOWN, N_MOVES } move;
#define N_COARSE 2  // of them are tried in pairs

typedef struct {
    const qvl_search *s;
    qvl_choice *c;
    qvl_err *err;
    qvl_choice *tried;  // owned; all of them, accepted or not
    int n_tried, cap;
} search;

/* The value after a move; the same when the move is none for it. */
static uint32_t moved(uint32_t v, move m)
{
    switch (m) {
    case MOVE_DOUBLE:
        return v < UINT32_MAX / 2 ? 2 * v : v;
    case MOVE_HALVE:
        return v / 2;
    case MOVE_UP:
        return v < FINE_UP_TO ? v + 1 : v;
    default:
        return v > 0 && v <= FINE_UP_TO ? v - 1 : v;
    }
}

static bool was_tried(const search *x, const qvl_choice *c)
{
    for (int i = 0; i < x->n_tried; i++)
        if (qvl_choice_is(&x->tried[i], c))
            return true;
    return false;
}

static void note(search *x, const qvl_choice *c)
{
    if (x->n_tried == x->cap) {
        x->cap = x->cap > 0 ? 2 * x->cap : 64;
        x->tried = qvl_memory_resize(x->tried,
                                     (size_t)x->cap * sizeof *x->tried);
    }
    x->tried[x->n_tried++] = *c;
}

/* Is it new and possible? */
static bool is_worth(const search *x, const qvl_choice *c)
{
    return !was_tried(x, c) && x->s->is_legal(x->s->ctx, c);
}

/* Measure a candidate; *better: it is the incumbent now. */
static int measure(search *x, const qvl_choice *candidate, bool *better)
{
    double gain = 0.0;
    *better = false;
    note(x, candidate);
    QVL_TRY(x->s->compare(x->s->ctx, x->c, candidate, &gain, x->err));
    if (gain < QVL_SEARCH_GAIN)
        return QVL_OK;
    *x->c = *candidate;
    QVL_TRY(x->s->accept(x->s->ctx, candidate, x->err));
    *better = true;
    return QVL_OK;
}

/* One value by one move, again while it helps. Where a move leads to what is not
 * possible (VW = 2) it is made twice. */
static int try_value(search *x, int i, move m, bool *improved)
{
    bool better = true;
    while (better && !x->s->is_over(x->s->ctx)) {
        qvl_choice c = *x->c;
        c.value[i] = moved(c.value[i], m);
        if (!is_worth(x, &c))
            c.value[i] = moved(c.value[i], m);
        if (!is_worth(x, &c))
            return QVL_OK;
        QVL_TRY(measure(x, &c, &better));
        *improved = *improved || better;
    }
    return QVL_OK;
}

static int try_values(search *x, bool *improved)
{
    for (int i = 0; i < x->c->n; i++)
        for (int m = 0; m < N_MOVES; m++)
            QVL_TRY(try_value(x, i, (move)m, improved));
    return QVL_OK;
}

static int try_pair(search *x, int i, int j, bool *improved)
{
    for (int m = 0; m < N_COARSE * N_COARSE; m++) {
        bool better;
        qvl_choice c = *x->c;
        c.value[i] = moved(c.value[i], (move)(m / N_COARSE));
        c.value[j] = moved(c.value[j], (move)(m % N_COARSE));
        if (x->s->is_over(x->s->ctx) || !is_worth(x, &c))
            continue;
        QVL_TRY(measure(x, &c, &better));
        *improved = *improved || better;
    }
    return QVL_OK;
}

static int try_pairs(search *x, bool *improved)
{
    for (int i = 0; i < x->c->n && !*improved; i++)
        for (int j = i + 1; j < x->c->n && !*improved; j++)
            QVL_TRY(try_pair(x, i, j, improved));
    return QVL_OK;
}

static int descend(void *arg)
{
    search *x = arg;
    bool improved = true;
    note(x, x->c);
    while (improved && !x->s->is_over(x->s->ctx)) {
        improved = false;
        QVL_TRY(try_values(x, &improved));
        if (!improved)
            QVL_TRY(try_pairs(x, &improved));
    }
    return QVL_OK;
}

int qvl_search_run(const qvl_search *s, qvl_choice *c, qvl_err *err)
{
    assert(s->is_legal(s->ctx, c));
    search x = { .s = s, .c = c, .err = err };
    int rc = qvl_guard(descend, &x, err);
    free(x.tried);
    return rc;
}
