/* progress.h - how far a long piece of work is, told now and then
 *
 * A bar that is drawn again in place, a line every 30 seconds, or a JSON map a
 * second; the first and the last word are always said. The caller says what time
 * it is and takes the text, so nothing here looks at a clock or prints.
 */
#ifndef QVL_TRAIN_PROGRESS_H
#define QVL_TRAIN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

typedef enum {
    QVL_PROGRESS_OFF,
    QVL_PROGRESS_BAR,
    QVL_PROGRESS_LINES,
    QVL_PROGRESS_JSON
} qvl_progress_mode;

/* Takes a piece of text, borrowed for the call. */
typedef void qvl_progress_sink(void *ctx, const char *text, size_t len);

/* Samples of (time, done) that the rate is taken from. */
#define QVL_PROGRESS_SAMPLES 16

typedef struct {
    // borrowed
    const char *what;  // "train"
    qvl_progress_sink *sink;
    void *ctx;
    qvl_progress_mode mode;
    int64_t total;  // > 0
    int width;      // columns of the terminal, for the bar
    // private
    double at[QVL_PROGRESS_SAMPLES];       // seconds
    int64_t done_at[QVL_PROGRESS_SAMPLES];
    int n_samples;
    double last_s;  // when something was said
    int64_t done;
    bool has_spoken;
    bool is_drawn;  // a bar stands in the current line
    qvl_str line;
} qvl_progress;

/* "auto", "bar", "json", "off"; auto is a bar on a terminal, lines elsewhere.
 * Fails with QVL_E_USAGE. */
int qvl_progress_parse(qvl_progress_mode *mode, const char *name,
                       bool is_terminal, qvl_err *err);

/* Start at `done` of p->total; fields above "private" are set, the rest zero. */
void qvl_progress_start(qvl_progress *p, int64_t done, double now_s);

/* `done` does not fall and is at most p->total. `note` stands behind the numbers
 * in a bar or line ("loss 0.123"); `json` is more of the map ("\"loss\": 0.123").
 * Either may be NULL; both are borrowed for the call. Out of memory unwinds as in
 * base/arena.h. */
void qvl_progress_step(qvl_progress *p, int64_t done, double now_s,
                       const char *note, const char *json);

/* Take the bar away, for other text; the next step draws it again. */
void qvl_progress_clear(qvl_progress *p);

/* End the line of a bar and give back what is held. */
void qvl_progress_end(qvl_progress *p);

#endif
