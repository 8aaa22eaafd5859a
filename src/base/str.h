/* str.h - a text that grows, and how near two words are
 *
 * A zeroed qvl_str is an empty text. After the first put, p ends in NUL; len
 * does not count it, and the text may hold NULs of its own. What is put must not
 * lie in the text itself. Out of memory unwinds as in base/arena.h.
 */
#ifndef QVL_STR_H
#define QVL_STR_H

#include <stdarg.h>
#include <stddef.h>

#include "base/compiler.h"

typedef struct {
    char *p;     // owned; NULL before the first put
    size_t len;  // bytes of text
    size_t cap;  // bytes of memory
} qvl_str;

void qvl_str_release(qvl_str *s);

/* Empty the text and keep the memory. */
void qvl_str_reset(qvl_str *s);

void qvl_str_putc(qvl_str *s, char c);
void qvl_str_puts(qvl_str *s, const char *text);
void qvl_str_putn(qvl_str *s, const char *p, size_t n);
void qvl_str_put_int(qvl_str *s, long long v);  // as "%lld"
void qvl_str_printf(qvl_str *s, const char *fmt, ...) QVL_PRINTF(2, 3);
void qvl_str_vprintf(qvl_str *s, const char *fmt, va_list args)
    QVL_PRINTF(2, 0);

/* Levenshtein distance in bytes: inserts, removals, replacements. Costs
 * O(strlen(a) * strlen(b)). */
int qvl_str_distance(const char *a, const char *b);

/* The word of the list that was probably meant, one of its pointers: the first of
 * the nearest, whose distance is at most a third of the bytes of the longer of
 * the two; NULL when nothing is near. */
const char *qvl_str_nearest(const char *word, const char *const *words,
                            size_t n);

#endif
