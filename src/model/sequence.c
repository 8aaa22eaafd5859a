/* sequence.c - a walk over the sequences of a batch
 *
 * That no number of a sample comes again in a row is seen when the row is begun.
 * Numbers that rise are the rule and are seen at a glance; others are sorted.
 */
#include "model/sequence.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

/* Where the walk is. */
typedef struct {
    const qvl_batch_source *s;
    int row;       // of the next sequence
    int at;        // its first column; -1: the row is not begun
    int lo, hi;    // kept columns of the row
    qvl_arena scratch;  // of a row whose numbers do not rise; owned
} walk;

static int check_rows(const qvl_batch_source *s, qvl_err *err)
{
    if (s->n_rows >= 1 && s->row_len >= 1 && s->n_rows <= INT_MAX / s->row_len)
        return QVL_OK;
    return qvl_fail(err, QVL_E_RANGE,
                    "input_ids: found %d rows of %d, expected at least one "
                    "token and fewer than 2^31",
                    s->n_rows, s->row_len);
}

/* ---- numbers of samples -------------------------------------------------- */

static const int64_t *numbers_of(const walk *w)
{
    return w->s->sample + (size_t)w->row * (size_t)w->s->row_len;
}

/* Where a run of one number begins. */
typedef struct {
    int64_t number;
    int column;
} start;

/* By number, of equal ones by column. */
static int compare_starts(const void *a, const void *b)
{
    const start *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

/* Runs of the row; *rises when the number of each is above that before it. */
static int count_runs(const walk *w, bool *rises)
{
    const int64_t *sample = numbers_of(w);
    int n = w->lo < w->hi;
    *rises = true;
    for (int c = w->lo + 1; c < w->hi; c++) {
        n += sample[c] != sample[c - 1];
        *rises = *rises && sample[c] >= sample[c - 1];
    }
    return n;
}

/* The first column whose run has a number that was there before; -1: none. */
static int find_again(walk *w, int n_runs)
{
    const int64_t *sample = numbers_of(w);
    qvl_arena_reset(&w->scratch);
    start *of = qvl_arena_array(&w->scratch, start, n_runs);
    int n = 0, first = -1;
    for (int c = w->lo; c < w->hi; c++)
        if (c == w->lo || sample[c] != sample[c - 1])
            of[n++] = (start){ sample[c], c };
    qsort(of, (size_t)n, sizeof *of, compare_starts);
    for (int k = 1; k < n; k++)
        if (of[k].number == of[k - 1].number
            && (first < 0 || of[k].column < first))
            first = of[k].column;
    return first;
}

/* Each number of a sample stands in one run of the row. */
static int check_numbers(walk *w, qvl_err *err)
{
    bool rises;
    int n_runs = count_runs(w, &rises);
    int column = rises ? -1 : find_again(w, n_runs);
    if (column < 0)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DATA,
                    "sample_ids (row %d, column %d): found sample %lld again, "
                    "expected its tokens one behind the other",
                    w->row, column, (long long)numbers_of(w)[column]);
}

/* ---- the walk ------------------------------------------------------------ */

/* Find the first column of the row that is kept, and the one behind the last. */
static int begin_row(walk *w, qvl_err *err)
{
    const qvl_batch_source *s = w->s;
    w->lo = 0;
    w->hi = s->row_len;
    if (s->mask != NULL) {
        const int64_t *m = s->mask + (size_t)w->row * (size_t)s->row_len;
        while (w->lo < w->hi && m[w->lo] == 0)
            w->lo++;
        while (w->hi > w->lo && m[w->hi - 1] == 0)
            w->hi--;
        for (int c = w->lo; c < w->hi; c++)
            if (m[c] != 1)
                return qvl_fail(err, QVL_E_DATA,
                                "attention_mask (row %d, column %d): found "
                                "%lld, expected 1 everywhere between the "
                                "padding",
                                w->row, c, (long long)m[c]);
    }
    w->at = w->lo;
    return s->sample != NULL ? check_numbers(w, err) : QVL_OK;
}

/* The column behind the sequence that begins at `at`. */
static int end_of(const walk *w)
{
    const qvl_batch_source *s = w->s;
    int c = w->at;
    if (s->sample == NULL)
        return w->hi;
    const int64_t *sample = numbers_of(w);
    while (c < w->hi && sample[c] == sample[w->at])
        c++;
    return c;
}

static int count_labels(const qvl_batch_source *s, const qvl_sequence *q)
{
    int n = 0;
    if (s->label == NULL)
        return 0;
    const int64_t *label = s->label + (size_t)q->row * (size_t)s->row_len;
    for (int c = q->lo + 1; c < q->hi; c++)
        n += label[c] != QVL_IGNORE_INDEX;
    return n;
}

/* The next sequence; *has_more is false behind the last. */
static int next_sequence(walk *w, qvl_sequence *q, bool *has_more, qvl_err *err)
{
    *has_more = w->row < w->s->n_rows;
    if (!*has_more)
        return QVL_OK;
    if (w->at < 0)
        QVL_TRY(begin_row(w, err));
    *q = (qvl_sequence){ .row = w->row, .lo = w->at, .hi = end_of(w) };
    q->n_labels = count_labels(w->s, q);
    w->at = q->hi;
    if (w->at == w->hi) {
        w->row++;
        w->at = -1;
    }
    return QVL_OK;
}

typedef struct {
    walk w;
    qvl_sequences *out;
    qvl_err *err;
} walking;

static int walk_steps(void *arg)
{
    walking *call = arg;
    qvl_sequences *out = call->out;
    qvl_sequence q;
    bool has_more;
    QVL_TRY(check_rows(call->w.s, call->err));
    for (;;) {
        QVL_TRY(next_sequence(&call->w, &q, &has_more, call->err));
        if (!has_more)
            return QVL_OK;
        if (out->v != NULL)
            out->v[out->n] = q;
        out->n++;
        out->n_tokens += q.hi - q.lo;
        out->n_labels += q.n_labels;
    }
}

/* Add up all sequences, and put them into out->v unless that is NULL. */
static int walk_all(qvl_sequences *out, const qvl_batch_source *source,
                    qvl_err *err)
{
    walking call = { .w = { .s = source, .at = -1 }, .out = out, .err = err };
    int rc = qvl_guard(walk_steps, &call, err);
    qvl_arena_release(&call.w.scratch);
    return rc;
}

int qvl_sequences_make(qvl_sequences *out, const qvl_batch_source *source,
                       qvl_arena *arena, qvl_err *err)
{
    qvl_sequences count = { 0 };
    qvl_sequences made = { 0 };
    QVL_TRY(walk_all(&count, source, err));
    made.v = qvl_arena_array(arena, qvl_sequence, count.n);
    QVL_TRY(walk_all(&made, source, err));
    *out = made;
    return QVL_OK;
}

int qvl_sequences_count_labels(const qvl_batch_source *source, int64_t *n,
                               qvl_err *err)
{
    qvl_sequences count = { 0 };
    QVL_TRY(walk_all(&count, source, err));
    *n = count.n_labels;
    return QVL_OK;
}
