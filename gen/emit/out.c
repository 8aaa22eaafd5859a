/* out.c - lines of source, indented and counted
 *
 * The number of the next line is kept up to date by every function here, since
 * #line has to point back behind a body. Text goes to the qvl_str as it comes and
 * nothing is taken back.
 */
#include "emit/out.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void out_init(out *o, qvl_str *s)
{
    *o = (out){ .s = s, .line = 1 };
    for (size_t i = 0; i < s->len; i++)
        o->line += s->p[i] == '\n';
}

static void indent(out *o)
{
    for (int i = 0; i < o->depth; i++)
        qvl_str_puts(o->s, "    ");
}

void out_gap(out *o)
{
    qvl_str_putc(o->s, '\n');
    o->line++;
}

void out_line(out *o, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    indent(o);
    qvl_str_vprintf(o->s, fmt, args);
    va_end(args);
    out_gap(o);
}

void out_text(out *o, const char *text)
{
    size_t n = strlen(text);
    qvl_str_putn(o->s, text, n);
    for (size_t i = 0; i < n; i++)
        o->line += text[i] == '\n';
    if (n > 0 && text[n - 1] != '\n')
        out_gap(o);
}

void out_open(out *o)
{
    out_line(o, "{");
    o->depth++;
}

void out_close(out *o, const char *tail)
{
    assert(o->depth > 0);
    o->depth--;
    out_line(o, "}%s", tail);
}

void out_item(out *o, out_list *list, const char *fmt, ...)
{
    char item[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(item, sizeof item, fmt, args);
    va_end(args);
    assert(n >= 0 && n < (int)sizeof item);

    if (list->n > 0)
        qvl_str_putc(o->s, ',');
    if (list->n == 0 || list->col + 2 + n > 78) {
        if (list->n > 0)
            out_gap(o);
        indent(o);
        list->col = 4 * o->depth;
    } else {
        qvl_str_putc(o->s, ' ');
        list->col += 2;
    }
    qvl_str_puts(o->s, item);
    list->col += n;
    list->n++;
}

void out_list_end(out *o, const out_list *list, const char *tail)
{
    if (list->n == 0)
        indent(o);
    qvl_str_puts(o->s, tail);
    out_gap(o);
}
