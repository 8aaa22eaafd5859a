/* log.h - reports of the library, through a sink that the program sets
 *
 * Without a sink nothing happens: the library itself never prints. One line a
 * call, no newline at its end, cut behind 4095 bytes. Calls from several threads
 * reach the sink one after the other. A sink must not log.
 */
#ifndef QVL_LOG_H
#define QVL_LOG_H

#include <stdbool.h>

#include "base/compiler.h"

typedef enum {
    QVL_LOG_ERROR,
    QVL_LOG_WARN,
    QVL_LOG_INFO,
    QVL_LOG_DEBUG
} qvl_log_level;

/* Takes one line; `text` is borrowed for the call. */
typedef void qvl_log_sink(void *ctx, int level, const char *text);

/* Send lines up to max_level to `sink`, with `ctx` (borrowed until the next
 * call). A NULL sink ends all reports, which is also the start. */
void qvl_log_set_sink(qvl_log_sink *sink, void *ctx, int max_level);

/* Does anyone read lines of this level? For text that is costly to make. */
bool qvl_log_is_on(int level);

/* Report one line. */
void qvl_log(int level, const char *fmt, ...) QVL_PRINTF(2, 3);

/* A sink for programs: "qvl: LEVEL: text" on stderr; info without the level.
 * ctx is not used. */
void qvl_log_stderr(void *ctx, int level, const char *text);

#endif
