/* batch_seats.h - inside of the batcher: the queue, seats, and the cache's blocks
 *
 * A block belongs to everybody who counts on it: seats, and a prompt that was
 * read for answers which still wait for a seat. It is free when nobody does.
 * Several answers to one prompt share its whole blocks; the last one, which is
 * written on, each has for itself.
 *
 * Answers that wait for one seat's reading, or for seats behind it, stand first
 * in the queue; so one prompt at most is kept for such.
 *
 * take, join, share and size_cache run out of host memory as an arena does.
 */
#ifndef QVL_INFER_BATCH_SEATS_H
#define QVL_INFER_BATCH_SEATS_H

#include "infer/batch.h"

/* A prompt of several answers. */
typedef struct {
    int n_users;      // those that wait, and the seat that reads it
    bool is_reading;  // one of its answers has a seat and reads it
    bool is_read;     // what follows is known
    int32_t *block;   // owned; [n_blocks] those of the prompt
    int n_blocks;
    int32_t next;     // position behind the prompt
    float *logit;     // owned; [vocab] of its last token
} shared_prompt;

typedef struct queued {
    struct queued *next;
    int ticket;
    qvl_request prompt;
    shared_prompt *shared;  // counted; NULL: of this answer alone
} queued;

/* What a seat brings to a step. */
typedef struct {
    int n_tok;
    int n_images;  // the next ones of its prompt
    int n_videos;
} piece;

/* An answer in work. A free seat has ticket -1. */
typedef struct {
    int ticket;
    queued *from;    // owned; until something of the prompt is read
    shared_prompt *shared;  // counted; from then until all of it is
    qvl_request prompt;  // with the pictures that are not read yet
    int64_t *token;  // owned; [prompt.n + max_new] prompt and answer
    int n;           // of token, those that are known
    int kept;        // of token, those whose keys and values are kept
    int32_t next;    // position of token `kept`
    int n_blocks;    // its entries of the block table
    piece piece;     // of the step
} seat;

struct qvl_batcher {
    // owned
    qvl_arena arena;     // of the step
    seat *seat;          // [max_seats]
    queued *first, *last;
    int32_t *block;      // [max_seats, seat_blocks] tables
    int32_t *free_block; // [n_blocks] the first n_free are nobody's
    int32_t *n_users;    // [n_blocks] who counts on each
    float *logit;        // [max_seats, vocab] of the last step
    qvl_new_token *token;  // [max_seats]
    // values
    int max_seats;
    int usable_seats;    // those that memory was found to allow
    int most_reads;      // prompts of a step
    int piece_tok;       // a longer prompt is read in pieces
    bool owes_token;     // a piece was read: answers in work are next
    int seat_blocks;     // most blocks of a seat
    int n_blocks;        // of the cache
    int n_free;
    int n_tickets;
    int n_working;
    // borrowed
    qvl_model *model;
    const qvl_model_config *config;
};

/* Is a seat's prompt not read to its end? */
static inline bool qvl_seat_reads(const seat *s)
{
    return s->ticket >= 0 && s->kept < s->prompt.n;
}

/* The entries of a seat in the block table. */
int32_t *qvl_seat_table(const qvl_batcher *b, const seat *s);

/* Give the first prompt of the queue a seat, to read it beside n_tokens others;
 * false when it has to wait. */
bool qvl_seat_take(qvl_batcher *b, int n_tokens, seat **taken);

/* The same for one whose prompt is read already; its seat lacks the last block's
 * keys and values: *copy_from is the block that has them, -1: nothing lacks. *logit
 * is what qvl_seat_share kept, until the seat settles. */
bool qvl_seat_join(qvl_batcher *b, seat **taken, int32_t *copy_from,
                   const float **logit);

/* Put a prompt that was not read back in front of the queue. */
void qvl_seat_give_back(qvl_batcher *b, seat *s);

/* The prompt of a seat is read, and logit [vocab] what follows: keep it for the
 * answers that wait for it. */
void qvl_seat_share(qvl_batcher *b, seat *s, const float *logit);

/* Something of the prompt is read, and the seat does not go back to the queue;
 * where all of it is, the seat leaves what it shared. */
void qvl_seat_settle(qvl_batcher *b, seat *s);

/* The answer is over, or given up: its seat is free, and its blocks that nobody else
 * counts on. */
void qvl_seat_leave(qvl_batcher *b, seat *s);

/* Nobody is in work: make room for what waits, as far as there are seats. */
void qvl_seats_size_cache(qvl_batcher *b);

/* Nobody is in work: let the cache go, with what is kept of prompts in the queue. */
void qvl_seats_forget_cache(qvl_batcher *b);

#endif
