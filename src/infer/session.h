/* session.h - records in, replies out: encoder, model and generator together
 *
 * What `infer` does for a record, whoever brought it: a line of a file, the
 * command line, a conversation at the prompt. Replies belong to the generator
 * of the session until they are released or it is closed. A session is for one
 * thread. Records hold pictures; videos there are none.
 */
#ifndef QVL_INFER_SESSION_H
#define QVL_INFER_SESSION_H

#include "data/encode.h"
#include "infer/generate.h"

typedef struct {
    const char *model;          // folder
    qvl_model_options device;
    qvl_encoder_options encoder;  // its model is set to the folder
    qvl_sampling sampling;      // key: the run's seed
    qvl_reply_ends ends;        // but is_json, which depends on the record:
    bool json_stop;             // dense prompts end with their object of JSON
    bool json_always;           // so does every other prompt
    int max_new;                // less where positions end before, with a
                                // warning for each record
    int max_len;                // tokens of prompt and reply; 0: the model's
    int seats;                  // replies made at a time, 1 to 1024
    int n_replies;              // to a record; 0: one
    int piece_tok;              // of longer prompts; 0: QVL_PREFILL_PIECE
} qvl_session_options;

typedef struct qvl_session qvl_session;

/* Open. The options' texts and arrays are borrowed until it is closed. Errors:
 * those of qvl_model_open, qvl_encoder_open, qvl_sampling_check,
 * qvl_generation_load, qvl_generator_open. Unwinds when there is no host memory
 * for the handle, QVL_E_MEMORY for what it holds. */
int qvl_session_open(qvl_session **s, const qvl_session_options *options,
                     qvl_err *err);
void qvl_session_close(qvl_session *s);

/* Borrowed until the session is closed. */
const qvl_encoder *qvl_session_encoder(const qvl_session *s);
qvl_generator *qvl_session_generator(const qvl_session *s);
int qvl_session_seats(const qvl_session *s);

/* A record that was asked. */
typedef struct {
    const qvl_record *record;  // borrowed
    qvl_encoded encoded;
    qvl_reply *reply;   // owned by the session's generator; the first of
    qvl_reply **all;    // [n] all of them; NULL before they are asked
    int n;
} qvl_asked;

/* Encode a record and put it into the queue. Arrays belong to the arena, which
 * lives until the reply is done; key names the record among random numbers.
 * On error nothing was asked and *asked is unchanged. Fails as qvl_encode_prompt
 * and qvl_generator_ask_many do; QVL_E_RANGE when the prompt leaves no room for
 * a reply. Runs out of host memory as an arena does, or with QVL_E_MEMORY. */
int qvl_session_ask(qvl_session *s, const qvl_record *record, uint64_t key,
                    qvl_asked *asked, qvl_arena *arena, qvl_err *err);

/* Are all replies of it done, well or FAILED? Also when none was asked. */
bool qvl_asked_is_done(const qvl_asked *asked);

/* Give its replies back, done or not. Nothing to do when none was asked. */
void qvl_asked_release(qvl_asked *asked, qvl_session *s);

#endif
