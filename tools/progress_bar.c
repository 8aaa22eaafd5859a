/* progress_bar.c - progress of a command, on standard error */
#include "progress_bar.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
