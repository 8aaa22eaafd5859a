/* search.h - better values for the choices of one kernel, by trying neighbours
 *
 * Coordinate descent: one value at a time is doubled, halved, or made one more
 * or one less; when no such step helps any more, two values at a time are
 * doubled or halved, as some only fit together. A step that is accepted is
 * repeated while it helps. No choice is measured twice. The search knows nothing
 * of kernels: what is legal and what is faster its caller says.
 */
#ifndef QVL_BACKEND_SEARCH_H
#define QVL_BACKEND_SEARCH_H

#include <stdbool.h>

#include "backend/backend.h"

/* A candidate has to be this much faster to be accepted. */
#define QVL_SEARCH_GAIN 1.05

typedef struct {
    void *ctx;
    /* May the kernel have these values? Asked often, measures nothing. */
    bool (*is_legal)(void *ctx, const qvl_choice *c);
    /* Time of the incumbent over that of the candidate, 0 for one that is
     * refused. An error ends the search. */
    int (*compare)(void *ctx, const qvl_choice *incumbent,
                   const qvl_choice *candidate, double *gain, qvl_err *err);
    /* The candidate is the incumbent from now on. An error ends the search. */
    int (*accept)(void *ctx, const qvl_choice *candidate, qvl_err *err);
    bool (*is_over)(void *ctx);  // no more time
} qvl_search;

/* Improve *c, a legal choice. On an error *c is the best so far. Fails as `compare`
 * and `accept` do, or with QVL_E_MEMORY, also where they unwind. */
int qvl_search_run(const qvl_search *s, qvl_choice *c, qvl_err *err);

#endif
