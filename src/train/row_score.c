/* row_score.c - labels copied behind each batch, rows added up at the end
 *
 * Batch k has its labels in buf from first[k] on. keep makes list[k], a copy that
 * is submitted once; it is released at the next begin or reset, or at the close:
 * never while its step is under way. Rows are shown between a read that went
 * well and the next begin or reset; a step that fails on the way, or runs out of
 * memory, has not come to its read, and so shows none.
 */
#include "train/row_score.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/sequence.h"

#define STAT_BYTES sizeof(qvl_train_label)  // of a label: two f32
#define LEAST_BYTES (1 << 12)  // of memory

struct qvl_row_scores {
    // borrowed
    qvl_device *dev;
    // owned
    qvl_arena arena;      // of one step
    qvl_buf buf;          // [labels of the step, 2] f32
    qvl_list **list;      // [n_batches] that copy; NULL: no labels
    int64_t *first;       // [n_batches + 1] first label of each batch
    int n_batches;
    qvl_train_score *row;   // [n_rows]
    const qvl_train_label **label;  // [n_rows] the first of each
    size_t n_rows;
    bool is_read;         // the rows have their scores
};

qvl_row_scores *qvl_row_scores_open(qvl_device *dev)
{
    qvl_row_scores *s = qvl_memory_zeroed(1, sizeof *s);
    s->dev = dev;
    return s;
}

void qvl_row_scores_reset(qvl_row_scores *scores)
{
    qvl_row_scores *s = scores;
    if (s == NULL)
        return;
    for (int k = 0; k < s->n_batches; k++)
        s->dev->be->list_release(s->dev, s->list[k]);
    s->n_batches = 0;
    s->n_rows = 0;
    s->is_read = false;
}

void qvl_row_scores_close(qvl_row_scores *scores)
{
    if (scores == NULL)
        return;
    qvl_row_scores_reset(scores);
    scores->dev->be->release(scores->dev, &scores->buf);
    qvl_arena_release(&scores->arena);
    free(scores);
}

/* ---- a step --------------------------------------------------------------- */

static int reserve(qvl_row_scores *s, size_t bytes, qvl_err *err)
{
    const qvl_backend *be = s->dev->be;
    qvl_buf fresh;
    size_t room = s->buf.bytes > LEAST_BYTES ? s->buf.bytes : LEAST_BYTES;
    if (bytes <= s->buf.bytes)
        return QVL_OK;
    while (room < bytes)
        room *= 2;
    QVL_TRY(be->alloc(s->dev, room, &fresh, err));
    be->release(s->dev, &s->buf);
    s->buf = fresh;
    return QVL_OK;
}

int qvl_row_scores_begin(qvl_row_scores *scores,
                         const qvl_batch_source *source, int n, qvl_err *err)
{
    qvl_row_scores *s = scores;
    qvl_row_scores_reset(s);
    qvl_arena_reset(&s->arena);
    qvl_sequences *of = qvl_arena_array(&s->arena, qvl_sequences, n);
    size_t n_rows = 0;
    for (int k = 0; k < n; k++) {
        QVL_TRY(qvl_sequences_make(&of[k], &source[k], &s->arena, err));
        n_rows += (size_t)of[k].n;
    }
    s->row = qvl_arena_array(&s->arena, qvl_train_score, n_rows);
    s->label = qvl_arena_array(&s->arena, const qvl_train_label *, n_rows);
    s->list = qvl_arena_array(&s->arena, qvl_list *, n);
    s->first = qvl_arena_array(&s->arena, int64_t, n + 1);
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < of[k].n; i++) {
            const qvl_sequence *q = &of[k].v[i];
            s->row[s->n_rows++] = (qvl_train_score){
                .n_labels = q->n_labels, .n_tokens = q->hi - q->lo,
            };
        }
        s->first[k + 1] = s->first[k] + of[k].n_labels;
    }
    s->n_batches = n;
    return reserve(s, STAT_BYTES * (size_t)s->first[n], err);
}

int qvl_row_scores_keep(qvl_row_scores *scores, qvl_model *model, int k,
                        qvl_err *err)
{
    assert(k >= 0 && k < scores->n_batches && scores->list[k] == NULL);
    const int64_t *first = &scores->first[k];
    return qvl_model_copy(model, "stat",
                          (qvl_slice){ &scores->buf,
                                       STAT_BYTES * (size_t)first[0],
                                       STAT_BYTES
                                           * (size_t)(first[1] - first[0]) },
                          &scores->list[k], err);
}

int qvl_row_scores_read(qvl_row_scores *scores, qvl_err *err)
{
    qvl_row_scores *s = scores;
    size_t n = (size_t)s->first[s->n_batches];
    qvl_train_label *stat = qvl_arena_array(&s->arena, qvl_train_label, n);
    if (n > 0)
        QVL_TRY(s->dev->be->read(s->dev,
                                 (qvl_slice){ &s->buf, 0, STAT_BYTES * n },
                                 stat, err));
    for (size_t r = 0; r < s->n_rows; r++) {
        qvl_train_score *row = &s->row[r];
        double hits = 0.0;
        s->label[r] = stat;
        for (int64_t i = 0; i < row->n_labels; i++, stat++) {
            row->loss_sum += (double)stat->loss;
            hits += (double)stat->hit;
        }
        row->n_correct = (int64_t)llround(hits);
    }
    s->is_read = true;
    return QVL_OK;
}

const qvl_train_score *qvl_row_scores_all(const qvl_row_scores *scores,
                                        size_t *n)
{
    *n = scores->is_read ? scores->n_rows : 0;
    return scores->row;
}

const qvl_train_label *qvl_row_scores_labels(const qvl_row_scores *scores, size_t k)
{
    assert(scores->is_read && k < scores->n_rows);

    return scores->label[k];
}
