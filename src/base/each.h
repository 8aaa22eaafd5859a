/* each.h - the same work for many things, by several threads
 *
 * Things are taken in stretches from a counter. What comes out does not depend on
 * the threads: work for thing i sees i and an arena alone, and of several errors the
 * one of the first thing is returned.
 */
#ifndef QVL_EACH_H
#define QVL_EACH_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* Work for thing i, called under a guard.
 *
 *   thread  below the number of threads; two calls at a time have different ones
 *   arena   of the thread; nothing is taken back between its calls but by itself */
typedef int qvl_each_fn(void *ctx, size_t i, int thread, qvl_arena *arena,
                        qvl_err *err);

/* Threads to use where the user names none, 0: as many as there are processors;
 * never more than n things need or QVL_EACH_MOST, never less than 1. */
#define QVL_EACH_MOST 64
int qvl_each_threads(int wanted, size_t n);

/* Call work(ctx, i, ...) for each i < n, in any order, several at a time; things behind
 * one that failed may be left out. n_threads > 0; where threads cannot be had, fewer do
 * it. Fails as the first thing that did.
 *
 *   arena  [n_threads] for what is kept; NULL: arenas that end with the call */
int qvl_each(size_t n, int n_threads, qvl_each_fn *work, void *ctx,
             qvl_arena *arena, qvl_err *err);

#endif
