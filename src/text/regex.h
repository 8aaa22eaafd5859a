/* regex.h - does a name match an expression
 *
 * For patterns that a user writes in a configuration, in the Perl dialect. A
 * search: the expression may match anywhere, ^ and $ anchor it.
 */
#ifndef QVL_REGEX_H
#define QVL_REGEX_H

#include <stdbool.h>

#include "base/err.h"

typedef struct qvl_regex qvl_regex;

/* Compile. Fails with QVL_E_CONFIG, naming the place in the pattern. Unwinds when
 * there is no memory for the handle, QVL_E_MEMORY for what it holds. */
int qvl_regex_open(qvl_regex **re, const char *pattern, qvl_err *err);
void qvl_regex_close(qvl_regex *re);

/* Search a text, by one thread at a time. Fails with QVL_E_CONFIG when the
 * expression needs more steps than are allowed, or the text is not UTF-8. */
int qvl_regex_find(const qvl_regex *re, const char *text, bool *found,
                   qvl_err *err);

#endif
