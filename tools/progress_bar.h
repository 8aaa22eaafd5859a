/* progress_bar.h - progress of a command, on standard error */
#ifndef TOOLS_PROGRESS_BAR_H
#define TOOLS_PROGRESS_BAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "train/progress.h"

/* Values of the flag --progress, for its help. */
#define PROGRESS_BAR_HELP                                                     \
    "auto, bar, json or off: a bar on a terminal, else a line every 30 s"

/* Progress of work whose amount is known when some of it is done. */
typedef struct {
    qvl_progress progress;
    double begin_s;
    bool has_spoken;
} progress_bar;

/* Let progress go to standard error, in a mode that the flag --progress names. Fails
 * with QVL_E_USAGE. */
int progress_bar_init(qvl_progress *p, const char *mode, qvl_err *err);

/* Begin, as above; `what` is borrowed until the end. */
int progress_bar_begin(progress_bar *b, const char *what, const char *mode,
                       qvl_err *err);

/* n_done of n are ready; ctx is the progress_bar. Unwinds without host memory. */
void progress_bar_step(void *ctx, size_t n_done, size_t n);

void progress_bar_end(progress_bar *b);

#endif
