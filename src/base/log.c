/* log.c - the sink, and lines cut to a fixed length
 *
 * Sink and level stand behind a lock, so lines of several threads reach the
 * sink one after the other. A line is cut at 4096 bytes.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static struct {
    pthread_mutex_t lock;
    qvl_log_sink *sink;
    void *ctx;
    int max_level;
} log_state = { .lock = PTHREAD_MUTEX_INITIALIZER };

void qvl_log_set_sink(qvl_log_sink *sink, void *ctx, int max_level)
{
    pthread_mutex_lock(&log_state.lock);
    log_state.sink = sink;
    log_state.ctx = ctx;
    log_state.max_level = max_level;
    pthread_mutex_unlock(&log_state.lock);
}

bool qvl_log_is_on(int level)
{
    pthread_mutex_lock(&log_state.lock);
    bool on = log_state.sink != NULL && level <= log_state.max_level;
    pthread_mutex_unlock(&log_state.lock);
    return on;
}

void qvl_log(int level, const char *fmt, ...)
{
    if (!qvl_log_is_on(level))
        return;
    char text[4096];  // longer lines are cut: a log is for reading
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0)
        return;

    pthread_mutex_lock(&log_state.lock);
    if (log_state.sink != NULL)
        log_state.sink(log_state.ctx, level, text);
    pthread_mutex_unlock(&log_state.lock);
}

void qvl_log_stderr(void *ctx, int level, const char *text)
{
    (void)ctx;
    static const char *const prefix[] = { "error: ", "warning: ", "",
                                          "debug: " };
    fprintf(stderr, "qvl: %s%s\n", prefix[level], text);
}
