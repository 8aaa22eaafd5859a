/* pack.c - rows of a window
 *
 * A window has few hundred samples, so the fullest row with room is looked for
 * among all of them.
 */
#include "data/pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A row this full does not wait. */
#define FULL_NUMERATOR 9
#define FULL_DENOMINATOR 10

typedef struct {
    size_t place;
    int n_tokens;
} item;

typedef struct {
    const qvl_pack_rules *rules;
    qvl_arena *arena;
    qvl_pack_row *row;  // [n_rows] of [most]
    int n_rows;
    int most;           // samples that a row may have
} packing;

/* The longest first; of equal ones the earlier. */
static int compare_items(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->n_tokens != y->n_tokens)
        return x->n_tokens > y->n_tokens ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static void put(qvl_pack_row *row, const item *it)
{
    row->place[row->n++] = it->place;
    row->n_tokens += it->n_tokens;
}

static qvl_pack_row *begin_row(packing *p)
{
    qvl_pack_row *row = &p->row[p->n_rows++];
    *row = (qvl_pack_row){
        .place = qvl_arena_array(p->arena, size_t, p->most) };
    return row;
}

static bool has_room(const packing *p, const qvl_pack_row *row, const item *it)
{
    return row->n_tokens <= p->rules->capacity - it->n_tokens;
}

/* The fullest row with room, of equal ones the first; NULL: none. */
static qvl_pack_row *best_fit(packing *p, const item *it)
{
    qvl_pack_row *best = NULL;
    for (int k = 0; k < p->n_rows; k++)
        if (has_room(p, &p->row[k], it)
            && (best == NULL || p->row[k].n_tokens > best->n_tokens))
            best = &p->row[k];
    return best;
}

/* The row that is being filled, if there is room; NULL: there is not. */
static qvl_pack_row *next_fit(packing *p, const item *it)
{
    qvl_pack_row *last = p->n_rows > 0 ? &p->row[p->n_rows - 1] : NULL;
    return last != NULL && has_room(p, last, it) ? last : NULL;
}

static void put_all(packing *p, item *it, int n)
{
    bool is_bfd = p->rules->strategy == QVL_PACK_BFD;
    if (is_bfd)
        qsort(it, (size_t)n, sizeof *it, compare_items);
    for (int i = 0; i < n; i++) {
        assert(it[i].n_tokens <= p->rules->capacity);
        qvl_pack_row *row = is_bfd ? best_fit(p, &it[i]) : next_fit(p, &it[i]);
        put(row != NULL ? row : begin_row(p), &it[i]);
    }
}

/* ---- order of the rows --------------------------------------------------- */

static size_t earliest(const qvl_pack_row *row)
{
    size_t first = row->place[0];
    for (int i = 1; i < row->n; i++)
        first = row->place[i] < first ? row->place[i] : first;
    return first;
}

static int compare_rows(const void *a, const void *b)
{
    size_t x = earliest(a), y = earliest(b);
    return x < y ? -1 : x > y;
}

static bool is_full(const packing *p, const qvl_pack_row *row)
{
    return (long long)row->n_tokens * FULL_DENOMINATOR
           >= (long long)p->rules->capacity * FULL_NUMERATOR;
}

/* Of a window that others follow: one that may still be filled. */
static bool waits(const packing *p, int k)
{
    const qvl_pack_row *row = &p->row[k];
    if (p->rules->strategy == QVL_PACK_SEQUENTIAL)
        return k + 1 == p->n_rows;
    return !row->has_waited && !is_full(p, row);
}

static void take_waiting(packing *p, const qvl_pack_waiting *waiting)
{
    for (int k = 0; k < waiting->n_rows; k++) {
        const qvl_pack_row *from = &waiting->row[k];
        qvl_pack_row *row = begin_row(p);
        memcpy(row->place, from->place, (size_t)from->n * sizeof *row->place);
        row->n = from->n;
        row->n_tokens = from->n_tokens;
        row->has_waited = true;
    }
}

void qvl_pack_window(qvl_pack_row **out, int *n_out, qvl_pack_waiting *waiting,
                     const qvl_pack_rules *rules, const int *length,
                     size_t first, int n, bool is_last, qvl_arena *arena)
{
    packing p = { .rules = rules, .arena = arena, .most = n };
    for (int k = 0; k < waiting->n_rows; k++)
        p.most += waiting->row[k].n;
    p.row = qvl_arena_array(arena, qvl_pack_row, p.most);
    take_waiting(&p, waiting);
    item *it = qvl_arena_array(arena, item, n);
    for (int i = 0; i < n; i++)
        it[i] = (item){ first + (size_t)i, length[i] };
    put_all(&p, it, n);

    qvl_pack_row *done = qvl_arena_array(arena, qvl_pack_row, p.n_rows);
    qvl_pack_row *rest = qvl_arena_array(arena, qvl_pack_row, p.n_rows);
    *waiting = (qvl_pack_waiting){ .row = rest };  // no memory is asked for below
    *n_out = 0;
    for (int k = 0; k < p.n_rows; k++)
        if (!is_last && waits(&p, k))
            waiting->row[waiting->n_rows++] = p.row[k];
        else
            done[(*n_out)++] = p.row[k];
    qsort(done, (size_t)*n_out, sizeof *done, compare_rows);
    *out = done;
}
