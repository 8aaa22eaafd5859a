/* generate.h - answers as text
 *
 * On top of batch.h: ids become text as they come, stop strings and the end of
 * a JSON answer are seen, and text that may still turn out to be the beginning
 * of a stop string, or white space at the end, is held back from a reader who
 * follows.
 */
#ifndef QVL_INFER_GENERATE_H
#define QVL_INFER_GENERATE_H

#include "infer/batch.h"
#include "infer/guard.h"
#include "infer/logprob.h"
#include "text/tokenizer.h"

/* What is asked beside the tokens of the prompt. */
typedef struct {
    const char *const *stop;  // [n_stops] strings that end the answer, none
                              // empty; the earliest in the text counts, and
                              // is cut off; borrowed until the answer is done
    int n_stops;
    bool is_json;             // end with the first object of JSON (guard.h);
                              // under json_object: close it where it repeats
                              // itself or has too many entries
    int max_entries;          // of it; 0: any number
    bool json_object;         // every token is chosen so that the answer is an
                              // object of JSON (json_mask.h)
    bool logprobs;            // keep those of every token (logprob.h)
    int n_top;                // and of so many that were most probable
} qvl_reply_ends;

typedef struct {
    int ticket;
    qvl_str text;          // without special tokens; when it is done without a
                           // block <think>...</think> in front, and trimmed
    qvl_str raw;           // all of it
    int64_t *id;           // [n] the tokens
    int n;
    qvl_logprob *logprob;  // [n, 1 + ends.n_top] where they are kept; n_top is
                           // the vocabulary at most
    int n_prompt;          // tokens of the prompt
    bool is_done;
    qvl_finish finish;
    qvl_json_end guard;   // why the JSON guard ended it, else GO_ON
    size_t told;           // bytes of text that a reader was given
    // how it is made
    qvl_reply_ends ends;
    bool has_begun;        // what is in front of the clean text is known,
    size_t begin;          // and ends here
    qvl_decoder decoder, raw_decoder;
    qvl_json_guard json;
    qvl_json_rule rule;
} qvl_reply;

typedef struct qvl_generator qvl_generator;

/* New text of an answer, in order; all of it is the text in the end. n 0 when it
 * is done. */
typedef int qvl_text_sink(void *ctx, const qvl_reply *a, const char *text,
                          size_t n);

/* At most `seats` answers at a time. Model and tokenizer outlive it. Fails as
 * qvl_batcher_open does; unwinds when there is no host memory for the handle. */
int qvl_generator_open(qvl_generator **g, qvl_model *model,
                       const qvl_tokenizer *tokenizer, int seats,
                       qvl_err *err);
void qvl_generator_close(qvl_generator *g);

/* As qvl_batcher_set_piece. */
void qvl_generator_set_piece(qvl_generator *g, int n_tok);

/* Ask for n > 0 answers to one prompt, which is read once. The request as in
 * qvl_batcher_add, its end ids being copied and added to those of the model. The key of
 * answer i is that of the request with i mixed in, so it does not depend on n.
 *
 *   answer  [n] each stays until it is dropped or the generator is closed
 *
 * All are asked, or none. Fails as qvl_batcher_add does; with QVL_E_MODEL when
 * json_object is wanted and the vocabulary cannot spell it, QVL_E_USAGE for
 * n_top above QVL_MAX_TOP_LOGPROBS. */
int qvl_generator_ask_many(qvl_generator *g, const qvl_request *request,
                           const qvl_reply_ends *ends, int n,
                           qvl_reply **answer, qvl_err *err);

/* Give an answer back, done or not; the pointer is not valid any more. */
void qvl_generator_drop(qvl_generator *g, qvl_reply *answer);

/* Answers that are not done. */
int qvl_generator_n_open(const qvl_generator *g);

/* One step of all of them; sink may be NULL. Each answer gets its token and is told,
 * and the first value of the sink that is not 0 is returned. Errors: those of
 * qvl_batcher_step and QVL_E_MEMORY; answers that are lost are done then, as
 * QVL_FINISH_FAILED, without a word to the sink, and the next step goes on with the
 * others. */
int qvl_generator_step(qvl_generator *g, qvl_text_sink *sink, void *ctx,
                       qvl_err *err);

#endif
