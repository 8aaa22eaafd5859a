/* err.c - one line of text, cut visibly
 *
 * Texts are made in a buffer apart, because the values may point into the error
 * that is being written.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    int exit_code;
} err_row;

#define ERR_ROW(name, exit_code, text) { #name, exit_code },
static const err_row err_rows[] = { QVL_ERR_TABLE(ERR_ROW) };
#undef ERR_ROW

static const err_row *row_of(int code)
{
    if (code > 0 || code <= -(int)QVL_COUNT(err_rows))
        code = QVL_E_INTERNAL;
    return &err_rows[-code];
}

/* Mark a text that vsnprintf cut, without leaving half a UTF-8 character. */
static void end_cut_text(char *text, size_t cap)
{
    size_t end = cap - sizeof "...";
    while (end > 0 && ((unsigned char)text[end] & 0xc0u) == 0x80u)
        end--;
    memcpy(text + end, "...", sizeof "...");
}

/* vsnprintf whose result shows that it was cut. */
static void format(char *text, size_t cap, const char *fmt, va_list args)
    QVL_PRINTF(3, 0);

static void format(char *text, size_t cap, const char *fmt, va_list args)
{
    int n = vsnprintf(text, cap, fmt, args);
    if (n < 0)
        snprintf(text, cap, "message cannot be printed: %s", fmt);
    else if ((size_t)n >= cap)
        end_cut_text(text, cap);
}

/* text = text + separator + more, cut visibly. */
static void append(char *text, size_t cap, const char *separator,
                   const char *more)
{
    size_t used = strlen(text);
    int n = snprintf(text + used, cap - used, "%s%s", separator, more);
    if ((size_t)n >= cap - used)
        end_cut_text(text, cap);
}

int qvl_fail(qvl_err *err, int code, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    char text[sizeof err->msg];
    va_list args;
    va_start(args, fmt);
    format(text, sizeof text, fmt, args);
    va_end(args);
    err->code = code;
    memcpy(err->msg, text, sizeof text);
    err->hint[0] = '\0';
    return code;
}

int qvl_err_add(qvl_err *err, const char *fmt, ...)
{
    if (err == NULL)
        return QVL_E_INTERNAL;
    char text[sizeof err->msg];
    va_list args;
    va_start(args, fmt);
    format(text, sizeof text, fmt, args);
    va_end(args);
    append(text, sizeof text, ": ", err->msg);
    memcpy(err->msg, text, sizeof text);
    return err->code;
}

void qvl_err_hint(qvl_err *err, const char *fmt, ...)
{
    if (err == NULL)
        return;
    char text[sizeof err->hint];
    va_list args;
    va_start(args, fmt);
    format(text, sizeof text, fmt, args);
    va_end(args);
    append(err->hint, sizeof err->hint, err->hint[0] != '\0' ? "\n" : "", text);
}

const char *qvl_err_name(int code)
{
    return row_of(code)->name;
}

int qvl_err_exit_code(int code)
{
    return row_of(code)->exit_code;
}
