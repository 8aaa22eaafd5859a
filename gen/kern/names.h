/* names.h - lists `names` of a kernel file: columns of tables, counted from 0
 *
 *     names RANGE { KV_LO, KV_HI }
 *
 * A list stands between kernels and holds for those below it in the file. As a dim
 * of an operand its name is how many it has; bodies know each entry under both
 * names, RANGE_KV_LO, and so does the host (signatures.h), so that a column has
 * its place in one line alone.
 */
#ifndef GEN_KERN_NAMES_H
#define GEN_KERN_NAMES_H

#include "kern/kern.h"
#include "kern/lex.h"

/* Read a list, whose first token is `names`, and put it before `head`; the arena
 * owns it. Fails with QVL_E_CONFIG under the mistake for an empty list, one of
 * more than KERN_MAX_NAMES, a name that is no capital word, and one that is there
 * already. */
int kern_read_names(const kern_names **head, lexer *lex, qvl_arena *arena,
                    qvl_err *err);

/* The list of this name, or NULL. */
const kern_names *kern_names_find(const kern_names *head, const char *name);

/* Does a list, or an entry with its list before it, have this name? */
bool kern_names_has(const kern_names *head, const char *name);

#endif
