/* progress_bar.h - progress of a command, on standard error */
#ifndef TOOLS_PROGRESS_BAR_H
#define TOOLS_PROGRESS_BAR_H

#include "base/err.h"
#include "train/progress.h"

/* Values of the flag --progress, for its help. */
#define PROGRESS_BAR_HELP                                                     \
    "auto, bar, json or off: a bar on a terminal, else a line every 30 s"

/* Let progress go to standard error, in a mode that the flag --progress names. Fails
 * with QVL_E_USAGE. */
int progress_bar_init(qvl_progress *p, const char *mode, qvl_err *err);

#endif
