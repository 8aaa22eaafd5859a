/* batch.h - answers token by token, many at a time
 *
 * Prompts wait in a queue. A step reads as many of them as there are free seats
 * (their keys and values are kept), or makes one more token for every answer in
 * work; a finished answer's seat goes to the next prompt. What is kept lies in
 * blocks of QVL_CACHE_BLOCK tokens: a prompt is taken in when there are blocks
 * for it and for its longest answer, so an answer once begun is never put off.
 *
 * Several answers to one prompt cost one reading, and share what is kept of it.
 * A prompt longer than QVL_PREFILL_PIECE tokens is read in pieces, which take
 * turns with the answers in work. A piece ends in no picture: it has the fewest
 * tokens from that many on with which no picture is cut.
 *
 * An answer does not depend on its neighbours but for rounding, and where
 * tokens are drawn not on their order (sample.h).
 *
 * Prompts that cannot be read together are read again in smaller groups, down
 * to one, so that a wrong prompt, or a device too small for many, costs nobody
 * else his answer. Where memory was short fewer seats are used from then on.
 */
#ifndef QVL_INFER_BATCH_H
#define QVL_INFER_BATCH_H

#include "infer/json_mask.h"
#include "infer/sample.h"
#include "model/model.h"

#define QVL_CACHE_BLOCK 32
#define QVL_PREFILL_PIECE 2048

typedef struct qvl_batcher qvl_batcher;

/* A prompt. Arrays are borrowed until its answer has its first token, stop ids
 * and the rule of JSON until the answer ends. */
typedef struct {
    const int64_t *id;    // [n]
    int n;
    qvl_batch_pictures images;
    qvl_batch_pictures videos;
    qvl_sampling sampling;
    int max_new;          // tokens of the answer, at least 1
    const int64_t *stop;  // [n_stops] ids that end it, and belong to it
    int n_stops;
    qvl_json_rule *json;  // the answer is an object of JSON and ends with it;
                          // at its start, advanced here; NULL: any text
} qvl_request;

typedef enum {
    QVL_FINISH_NOT,
    QVL_FINISH_STOP,    // one of the stop ids, or the object of JSON is closed
    QVL_FINISH_LENGTH,  // max_new tokens
    QVL_FINISH_FAILED,  // the step failed with it
} qvl_finish;

/* A new token of an answer. */
typedef struct {
    int ticket;
    int64_t id;          // -1: FAILED
    qvl_finish finish;
    const float *logit;  // [vocab] it was chosen from, before penalties; until
                         // the next step; NULL: FAILED
} qvl_new_token;

/* A batcher of at most max_seats answers at a time; the model outlives it. Fails with
 * QVL_E_USAGE unless max_seats is 1 to 1024, QVL_E_MEMORY. */
int qvl_batcher_open(qvl_batcher **b, qvl_model *model, int max_seats,
                     qvl_err *err);
void qvl_batcher_close(qvl_batcher *b);

/* Read longer prompts in pieces of n_tok tokens, at least 1. */
void qvl_batcher_set_piece(qvl_batcher *b, int n_tok);

/* Put a prompt into the queue; *ticket names it in what comes. Fails with
 * QVL_E_DATA for a prompt without tokens, QVL_E_USAGE for max_new below 1 or
 * sampling out of range, QVL_E_RANGE when prompt and answer are longer than
 * the model's positions, QVL_E_MEMORY. */
int qvl_batcher_add(qvl_batcher *b, const qvl_request *prompt, int *ticket,
                    qvl_err *err);

/* The same for n > 0 answers to one prompt, which is read once: ids, pictures and
 * max_new of prompt [n] are the same arrays and numbers. ticket [n]. All go into
 * the queue, or none. */
int qvl_batcher_add_many(qvl_batcher *b, const qvl_request *prompt, int n,
                         int *ticket, qvl_err *err);

/* Give up an answer, or a prompt in the queue. No effect on one that has ended. */
void qvl_batcher_drop(qvl_batcher *b, int ticket);

/* Prompts in the queue and answers in work. */
int qvl_batcher_n_open(const qvl_batcher *b);

/* One step. *token [*n] holds at most a token for each seat, until the next
 * step; none when nothing is open, or a piece of a prompt was read.
 * Errors: those of qvl_model_step and QVL_E_MEMORY; *token then lists the answers that
 * are lost with the step, and the next step goes on with the others. */
int qvl_batcher_step(qvl_batcher *b, const qvl_new_token **token, int *n,
                     qvl_err *err);

#endif
