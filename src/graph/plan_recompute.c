/* plan_recompute.c - compute a layer's values again instead of keeping them
 *
 * A value is private to a layer (an instance of a repeat) when only forward
 * steps of that layer write it and only steps of that layer, forward and
 * backward, read it. Private values that a backward step reads are lost after
 * the forward pass and made again: the forward steps behind them are repeated,
 * private operands in fresh values, all others as they were kept.
 *
 * A repeated step writes all its outputs anew, the kept ones into values that
 * nobody reads, so it is the same call with the same bits.
 */
#include <assert.h>

#include "graph/plan_draft.h"

enum { UNWRITTEN = -1, NOT_PRIVATE = -2 };

typedef struct {
    qvl_draft *d;
    int n_steps, n_values;  // before anything is repeated
    const qvl_draft_step *step;
    int n_layers;
    int *layer;      // [n_steps] dense number of the step's layer, -1: none
    int *owner;      // [n_values] layer that the value is private to, or above
    bool *lost;      // [n_values] made again in the backward pass
    int *fresh;      // [n_values] what it is then, -1: not made yet
    int *next;       // [n_steps] next repeated step of the layer, -1: last
    int *first;      // [n_layers] first repeated step, -1: none or done
} recompute;

/* Number the layers: repeat by repeat, `base` being the first of each. */
static void number_layers(recompute *r)
{
    int n_repeats = 0;
    for (int i = 0; i < r->n_steps; i++)
        if (r->step[i].mark.repeat >= n_repeats)
            n_repeats = r->step[i].mark.repeat + 1;
    int *count = qvl_arena_array(r->d->arena, int, n_repeats);
    int *base = qvl_arena_array(r->d->arena, int, n_repeats);
    for (int i = 0; i < r->n_steps; i++) {
        const qvl_mark *m = &r->step[i].mark;
        if (m->repeat >= 0 && m->layer >= count[m->repeat])
            count[m->repeat] = m->layer + 1;
    }
    for (int k = 0; k < n_repeats; k++) {
        base[k] = r->n_layers;
        r->n_layers += count[k];
    }
    for (int i = 0; i < r->n_steps; i++) {
        const qvl_mark *m = &r->step[i].mark;
        assert(m->repeat < 0 || m->layer >= 0);
        r->layer[i] = m->repeat < 0 ? -1 : base[m->repeat] + m->layer;
    }
}

/* Does the step touch nothing but temporaries, without updating any in place?
 * Only then may it run twice. */
static bool is_pure(const recompute *r, const qvl_draft_step *s)
{
    for (int b = 0; b < s->family->n_bufs; b++) {
        bool is_written = qvl_draft_writes(s, b);
        bool is_temp = r->d->value[s->value[b]].kind == QVL_VALUE_TEMP;
        if (is_written && (!is_temp || qvl_draft_reads(s, b)))
            return false;
    }
    return true;
}

/* Find the layer each value is private to, from those who write it ... */
static void find_owners(recompute *r)
{
    for (int v = 0; v < r->n_values; v++)
        r->owner[v] = r->d->is_output[v] ? NOT_PRIVATE : UNWRITTEN;
    for (int i = 0; i < r->n_steps; i++) {
        const qvl_draft_step *s = &r->step[i];
        int home = NOT_PRIVATE;
        if (r->layer[i] >= 0 && !s->mark.backward && is_pure(r, s))
            home = r->layer[i];
        for (int b = 0; b < s->family->n_bufs; b++) {
            int *owner = &r->owner[s->value[b]];
            if (qvl_draft_writes(s, b))
                *owner = *owner == UNWRITTEN || *owner == home ? home
                                                               : NOT_PRIVATE;
        }
    }
}

/* ... and from those who read it. */
static void drop_what_leaves(recompute *r)
{
    for (int i = 0; i < r->n_steps; i++) {
        const qvl_draft_step *s = &r->step[i];
        for (int b = 0; b < s->family->n_bufs; b++) {
            int v = s->value[b];
            if (qvl_draft_reads(s, b) && r->owner[v] != r->layer[i])
                r->owner[v] = NOT_PRIVATE;
        }
    }
}

static bool is_private(const recompute *r, int v)
{
    return r->owner[v] >= 0;
}

static bool writes_lost(const recompute *r, const qvl_draft_step *s)
{
    for (int b = 0; b < s->family->n_bufs; b++)
        if (qvl_draft_writes(s, b) && r->lost[s->value[b]])
            return true;
    return false;
}

/* Walk back: what backward steps read is lost, what makes it is repeated, and
 * what that reads is lost with it. Chains the repeated steps of each layer. */
static void find_repeated(recompute *r)
{
    for (int l = 0; l < r->n_layers; l++)
        r->first[l] = -1;
    for (int i = r->n_steps - 1; i >= 0; i--) {
        const qvl_draft_step *s = &r->step[i];
        if (!s->mark.backward) {
            if (!writes_lost(r, s))
                continue;
            r->next[i] = r->first[r->layer[i]];
            r->first[r->layer[i]] = i;
        }
        for (int b = 0; b < s->family->n_bufs; b++)
            if (qvl_draft_reads(s, b) && is_private(r, s->value[b]))
                r->lost[s->value[b]] = true;
    }
}

/* What stands for v in the backward pass: v itself when it is kept. */
static int fresh_read(const recompute *r, int v)
{
    if (v >= r->n_values || !r->lost[v])
        return v;
    assert(r->fresh[v] != -1);
    return r->fresh[v];
}

static int fresh_write(recompute *r, int v)
{
    if (r->fresh[v] == -1) {
        qvl_value copy = r->d->value[v];
        r->fresh[v] = qvl_draft_add_value(r->d, &copy);
    }
    return r->fresh[v];
}

/* Append step i again, on fresh values. */
static void repeat_step(recompute *r, int i)
{
    qvl_draft_step s = r->step[i];
    int *value = qvl_draft_copy_values(r->d, s.family, s.value);
    for (int b = 0; b < s.family->n_bufs; b++)
        value[b] = qvl_draft_writes(&s, b) ? fresh_write(r, value[b])
                                           : fresh_read(r, value[b]);
    s.value = value;
    s.mark.backward = true;
    qvl_draft_add_step(r->d, &s);
}

static bool reads_lost(const recompute *r, const qvl_draft_step *s)
{
    for (int b = 0; b < s->family->n_bufs; b++)
        if (qvl_draft_reads(s, b) && r->lost[s->value[b]])
            return true;
    return false;
}

/* Append backward step i on fresh values, and before the first one of a layer
 * the layer's repeated steps. */
static void backward_step(recompute *r, int i)
{
    qvl_draft_step s = r->step[i];
    int *first = &r->first[r->layer[i]];
    for (int k = *first; k != -1; k = r->next[k])
        repeat_step(r, k);
    *first = -1;
    int *value = qvl_draft_copy_values(r->d, s.family, s.value);
    for (int b = 0; b < s.family->n_bufs; b++)
        value[b] = fresh_read(r, value[b]);
    s.value = value;
    qvl_draft_add_step(r->d, &s);
}

static void rewrite_steps(recompute *r)
{
    qvl_draft_replace_steps(r->d, 2 * r->n_steps);
    for (int i = 0; i < r->n_steps; i++) {
        const qvl_draft_step *s = &r->step[i];
        if (s->mark.backward && reads_lost(r, s))
            backward_step(r, i);
        else
            qvl_draft_add_step(r->d, s);
    }
}

void qvl_draft_recompute(qvl_draft *d)
{
    qvl_arena *a = d->arena;
    recompute r = {
        .d = d,
        .n_steps = d->n_steps,
        .n_values = d->n_values,
        .step = d->step,
        .layer = qvl_arena_array(a, int, d->n_steps),
        .owner = qvl_arena_array(a, int, d->n_values),
        .lost = qvl_arena_array(a, bool, d->n_values),
        .fresh = qvl_arena_array(a, int, d->n_values),
        .next = qvl_arena_array(a, int, d->n_steps),
    };
    for (int v = 0; v < r.n_values; v++)
        r.fresh[v] = -1;
    number_layers(&r);
    r.first = qvl_arena_array(a, int, r.n_layers);
    find_owners(&r);
    drop_what_leaves(&r);
    find_repeated(&r);
    rewrite_steps(&r);
}
