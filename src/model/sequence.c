/* sequence.c - a walk over the sequences of a batch */
#include "model/sequence.h"

#include <limits.h>
#include <stdbool.h>

/* Where the walk is. */
typedef struct {
    const qvl_batch_source *s;
    int row;       // of the next sequence
    int at;        // its first column; -1: the row is not begun
    int lo, hi;    // kept columns of the row
    bool rises;    // each number of a sample in the row is above those before
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
    w->rises = true;
    return QVL_OK;
}

/* The number of a sample that begins does not stand before it in the row. Numbers
 * that rise are the rule, and need no look back. */
static int check_number(walk *w, qvl_err *err)
{
    const int64_t *sample = w->s->sample + (size_t)w->row * (size_t)w->s->row_len;
    int64_t number = sample[w->at];
    w->rises = w->rises && number > sample[w->at - 1];
    if (w->rises)
        return QVL_OK;
    for (int c = w->at - 1; c >= w->lo; c--)
        if (sample[c] == number)
            return qvl_fail(err, QVL_E_DATA,
                            "sample_ids (row %d, column %d): found sample %lld "
                            "again, expected its tokens one behind the other",
                            w->row, w->at, (long long)number);
    return QVL_OK;
}

/* The column behind the sequence that begins at `at`. */
static int end_of(const walk *w)
{
    const qvl_batch_source *s = w->s;
    int c = w->at;
    if (s->sample == NULL)
        return w->hi;
    const int64_t *sample = s->sample + (size_t)w->row * (size_t)s->row_len;
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
    if (w->s->sample != NULL && w->at > w->lo)
        QVL_TRY(check_number(w, err));
    *q = (qvl_sequence){ .row = w->row, .lo = w->at, .hi = end_of(w) };
    q->n_labels = count_labels(w->s, q);
    w->at = q->hi;
    if (w->at == w->hi) {
        w->row++;
        w->at = -1;
    }
    return QVL_OK;
}

/* Add up all sequences, and put them into out->v unless that is NULL. */
static int walk_all(qvl_sequences *out, const qvl_batch_source *source,
                    qvl_err *err)
{
    walk w = { .s = source, .at = -1 };
    qvl_sequence q;
    bool has_more;
    QVL_TRY(check_rows(source, err));
    for (;;) {
        QVL_TRY(next_sequence(&w, &q, &has_more, err));
        if (!has_more)
            return QVL_OK;
        if (out->v != NULL)
            out->v[out->n] = q;
        out->n++;
        out->n_tokens += q.hi - q.lo;
        out->n_labels += q.n_labels;
    }
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
