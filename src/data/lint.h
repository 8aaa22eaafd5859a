/* lint.h - whether descriptions and summaries keep to a dialect
 *
 * What every text must keep to stands in data/text.h. Beyond that a set of data may
 * have a dialect, which a profile names:
 *
 *     slash     TYPE/attr[,attr]/.../REMARK:free text; the type stands first, the
 *               remark last and once, no blank behind its colon. A summary is items
 *               TEXT x N between full-width commas, and perhaps a remark at the end
 *     keyvalue  KEY=VALUE,KEY=VALUE without blanks, the category first; values of one
 *               key are joined by '|'. The two free texts (the reading, the remark) may
 *               hold ',', '|' and '=': what follows one and is no KEY=VALUE belongs to
 *               it. A summary is a JSON map with a list of counts
 *
 * The names of keys are those of data/desc.h. A summary may also be the text that
 * marks an irrelevant picture.
 */
#ifndef QVL_DATA_LINT_H
#define QVL_DATA_LINT_H

#include "base/arena.h"

/* In the order of custom.desc_profile. */
typedef enum { QVL_LINT_NONE, QVL_LINT_SLASH, QVL_LINT_KEYVALUE, QVL_N_LINTS } qvl_lint;

/* "none", "slash", "keyvalue". */
const char *qvl_lint_name(qvl_lint lint);

/* Profile of that name; QVL_N_LINTS when there is none. */
qvl_lint qvl_lint_find(const char *name);

/* What is wrong with a text, as words for "found ..."; NULL: it is right. Arena: work
 * space, out of which the call runs as an arena does. */
const char *qvl_lint_desc(qvl_lint lint, const char *text);
const char *qvl_lint_summary(qvl_lint lint, const char *text, qvl_arena *arena);

#endif
