/* names.h - the names of a model's parameters, and what files call them
 *
 * Checkpoints written by different programs put other prefixes before the same
 * names. A name of a file is matched by taking off what wrappers add, and then
 * trying the prefixes of the table in names.c in turn until one gives a name
 * that the model has. So an alias can never hide a name that fits as it is.
 */
#ifndef QVL_NAMES_H
#define QVL_NAMES_H

#include "base/arena.h"
#include "graph/arch.h"

/* Index over the names of a parameter list. The list is borrowed. */
typedef struct {
    const qvl_param_list *params;
    int *slot;     // [n_slots] open addressing, -1: free; owned by the arena
    size_t n_slots;
} qvl_names;

void qvl_names_init(qvl_names *names, const qvl_param_list *params,
                    qvl_arena *arena);

/* Parameter of exactly this name, -1: none. */
int qvl_names_find(const qvl_names *names, const char *name);

/* Parameter that a file means by this name, -1: none. The names that are tried stay
 * in the arena. */
int qvl_names_match(const qvl_names *names, const char *file_name,
                    qvl_arena *arena);

/* The name without what wrappers add, in the arena. */
const char *qvl_names_bare(const char *file_name, qvl_arena *arena);

#endif
