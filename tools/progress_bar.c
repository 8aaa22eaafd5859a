/* progress_bar.c - progress of a command, on standard error */
#include "progress_bar.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

static void put_progress(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    fwrite(text, 1, len, stderr);
    fflush(stderr);
}

static int n_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

int progress_bar_init(qvl_progress *p, const char *mode, qvl_err *err)
{
    p->sink = put_progress;
    p->width = n_columns();
    int rc = qvl_progress_parse(&p->mode, mode, isatty(STDERR_FILENO), err);
    return rc == QVL_OK ? rc : qvl_err_add(err, "flag --progress");
}

int progress_bar_begin(progress_bar *b, const char *what, const char *mode,
                       qvl_err *err)
{
    *b = (progress_bar){ .progress.what = what, .begin_s = qvl_clock_s() };
    return progress_bar_init(&b->progress, mode, err);
}

void progress_bar_step(void *ctx, size_t n_done, size_t n)
{
    progress_bar *b = ctx;
    if (!b->has_spoken) {
        b->progress.total = (int64_t)n;
        qvl_progress_start(&b->progress, 0, b->begin_s);
        b->has_spoken = true;
    }
    qvl_progress_step(&b->progress, (int64_t)n_done, qvl_clock_s(), NULL, NULL);
}

void progress_bar_end(progress_bar *b)
{
    qvl_progress_end(&b->progress);
}
