/* pack_stream.c - windows of an epoch, and the rows of the last one
 *
 * Two arenas take turns: a window copies the rows that waited out of the one
 * before, which is given up when the window is there. So a call that fails has
 * changed nothing that the next one reads.
 */
#include "data/pack_stream.h"

#include <assert.h>
#include <stdlib.h>

struct qvl_pack_stream {
    qvl_pack_source o;
    qvl_epoch_slot *order;  // [n_records] of the epoch
    qvl_arena work;       // while the order is found
    int *length;          // [window]
    uint64_t epoch;
    bool is_begun;        // its order is there
    size_t next;          // place that no window had
    size_t first;         // of the last window
    int64_t step[2];      // of places before it, which wait; of its own
    size_t n_given;       // samples of the epoch
    uint64_t n_rows_given;  // of all epochs
    qvl_arena arena[2];
    int turn;             // arena of the last window
    qvl_pack_row *row;    // [n_rows] of the last window
    int n_rows;
    int at;               // next row to give
    qvl_pack_waiting waiting;
};

static int open_all(void *arg)
{
    qvl_pack_stream *s = arg;
    size_t n = s->o.plan.n_records;
    s->order = qvl_memory_zeroed(n, sizeof *s->order);
    s->length = qvl_memory_zeroed((size_t)s->o.rules.window, sizeof *s->length);
    return QVL_OK;
}

qvl_pack_stream *qvl_pack_stream_open(const qvl_pack_source *source)
{
    assert(source->plan.n_records > 0 && source->rules.window > 0
           && source->rows_of_update > 0);
    qvl_pack_stream *s = qvl_memory_zeroed(1, sizeof *s);
    s->o = *source;
    if (qvl_guard(open_all, s, NULL) != QVL_OK) {
        qvl_pack_stream_close(s);
        qvl_memory_fail(source->plan.n_records * sizeof *s->order);
    }
    return s;
}

void qvl_pack_stream_close(qvl_pack_stream *s)
{
    if (s == NULL)
        return;
    qvl_arena_release(&s->arena[0]);
    qvl_arena_release(&s->arena[1]);
    qvl_arena_release(&s->work);
    free(s->order);
    free(s->length);
    free(s);
}

static void begin_epoch(qvl_pack_stream *s)
{
    qvl_arena_reset(&s->work);
    qvl_epoch_plan_order(s->order, &s->o.plan, s->epoch, &s->work);
    qvl_arena_release(&s->work);
    s->next = 0;
    s->n_given = 0;
    s->waiting = (qvl_pack_waiting){ 0 };
    s->is_begun = true;
}

/* The sample at a place of the epoch, at a step. */
static qvl_sample_at sample_at(const qvl_pack_stream *s, size_t place, int64_t step)
{
    return (qvl_sample_at){ .record = s->order[place].record, .epoch = s->epoch,
                            .occurrence = s->order[place].occurrence,
                            .step = step };
}

/* The update that takes the next row. */
static int64_t next_step(const qvl_pack_stream *s)
{
    return (int64_t)(s->n_rows_given / s->o.rows_of_update);
}

static int find_lengths(qvl_pack_stream *s, int n, qvl_err *err)
{
    for (int i = 0; i < n; i++) {
        const qvl_sample_at at = sample_at(s, s->next + (size_t)i, next_step(s));
        QVL_TRY(s->o.length(s->o.ctx, &at, &s->length[i], err));
    }
    return QVL_OK;
}

static int pack_window(qvl_pack_stream *s, qvl_err *err)
{
    size_t left = s->o.plan.n_records - s->next;
    size_t window = (size_t)s->o.rules.window;
    int n = (int)(left < window ? left : window);
    QVL_TRY(find_lengths(s, n, err));
    qvl_arena *arena = &s->arena[!s->turn];
    qvl_arena_reset(arena);
    qvl_pack_window(&s->row, &s->n_rows, &s->waiting, &s->o.rules, s->length,
                    s->next, n, (size_t)n == left, arena);
    s->turn = !s->turn;
    s->first = s->next;
    s->next += (size_t)n;
    s->step[0] = s->step[1];
    s->step[1] = next_step(s);
    s->at = 0;
    return QVL_OK;
}

static bool is_epoch_over(const qvl_pack_stream *s)
{
    return s->n_given == s->o.plan.n_records;
}

int qvl_pack_stream_next(qvl_pack_stream *s, qvl_packed_row *row, qvl_err *err)
{
    if (s->is_begun && is_epoch_over(s)) {
        s->epoch++;
        s->is_begun = false;
    }
    if (!s->is_begun)
        begin_epoch(s);
    while (s->at == s->n_rows)
        QVL_TRY(pack_window(s, err));
    const qvl_pack_row *from = &s->row[s->at];
    qvl_sample_at *sample =
        qvl_arena_array(&s->arena[s->turn], qvl_sample_at, from->n);
    for (int i = 0; i < from->n; i++)
        sample[i] = sample_at(s, from->place[i],
                              s->step[from->place[i] >= s->first]);
    s->at++;
    s->n_given += (size_t)from->n;
    s->n_rows_given++;
    *row = (qvl_packed_row){
        .sample = sample, .n = from->n, .n_tokens = from->n_tokens,
        .at = { s->epoch, s->n_given, is_epoch_over(s) },
    };
    return QVL_OK;
}

typedef struct {
    qvl_pack_stream *s;
    uint64_t epoch;
    qvl_stretch rows;
    qvl_err *err;
} counting;

static int count_rows(void *arg)
{
    counting *c = arg;
    for (;;) {
        qvl_packed_row row;
        QVL_TRY(qvl_pack_stream_next(c->s, &row, c->err));
        if (row.at.epoch < c->epoch)
            c->rows.first++;
        else
            c->rows.n++;
        if (row.at.epoch == c->epoch && row.at.ends_epoch)
            return QVL_OK;
    }
}

int qvl_pack_stream_count(const qvl_pack_source *source, uint64_t epoch,
                          qvl_stretch *rows, qvl_err *err)
{
    counting c = { .s = qvl_pack_stream_open(source), .epoch = epoch,
                   .err = err };
    int rc = qvl_guard(count_rows, &c, err);
    qvl_pack_stream_close(c.s);
    if (rc == QVL_OK)
        *rows = c.rows;
    return rc;
}

typedef struct {
    qvl_pack_stream *s;
    uint64_t n_rows;
    qvl_pack_progress at;
    qvl_err *err;
} passing;

static int pass_rows(void *arg)
{
    passing *p = arg;
    for (uint64_t k = 0; k < p->n_rows; k++) {
        qvl_packed_row row;
        QVL_TRY(qvl_pack_stream_next(p->s, &row, p->err));
        p->at = row.at;
    }
    return QVL_OK;
}

int qvl_pack_stream_at(const qvl_pack_source *source, uint64_t n_rows,
                       qvl_pack_progress *at, qvl_err *err)
{
    assert(n_rows > 0);
    passing p = { .s = qvl_pack_stream_open(source), .n_rows = n_rows,
                  .err = err };
    int rc = qvl_guard(pass_rows, &p, err);
    qvl_pack_stream_close(p.s);
    if (rc == QVL_OK)
        *at = p.at;
    return rc;
}
