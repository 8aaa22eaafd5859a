/* arena.h - memory that ends together, and what happens when there is none
 *
 * An arena hands out zeroed memory that is freed as a whole. It never returns
 * NULL. When the host has no memory left, the thread unwinds (longjmp) to the
 * nearest qvl_guard, which returns QVL_E_MEMORY; without one the process
 * aborts with a message. The public functions of the library are guards.
 *
 * Unwinding skips the code in between. So a function that holds something the
 * arena does not own (a file, a lock, a heap block) while it allocates puts
 * the allocating part under a guard of its own and cleans up after it.
 *
 * Sizes read from a file are checked before they come here: an arena cannot
 * tell a damaged size from a full machine.
 */
#ifndef QVL_ARENA_H
#define QVL_ARENA_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/err.h"

typedef struct qvl_arena_block qvl_arena_block;

/* A zeroed struct is an empty arena. Not for two threads at a time. */
typedef struct qvl_arena {
    // owned
    qvl_arena_block *first;    // all blocks; empty ones behind the current one
    // borrowed
    qvl_arena_block *current;  // the one that is being filled
} qvl_arena;

void qvl_arena_init(qvl_arena *a);

/* Free everything; the arena is empty and usable afterwards. */
void qvl_arena_release(qvl_arena *a);

/* Empty the arena and keep its memory for the next round. Costs zeroing what was
 * handed out. */
void qvl_arena_reset(qvl_arena *a);

/* All that `from` has handed out belongs to `a` from now on; `from` is empty. Its
 * memory stays with `a` until the release, also through a reset: an arena that is
 * joined to and reset in turns only grows. */
void qvl_arena_join(qvl_arena *a, qvl_arena *from);

/* Zeroed memory, aligned to 16 bytes, to 64 when bytes >= 64. Zero bytes give
 * a valid pointer. */
void *qvl_arena_alloc(qvl_arena *a, size_t bytes);

/* n elements of `bytes` each; a product that overflows is out of memory. */
void *qvl_arena_alloc_n(qvl_arena *a, size_t n, size_t bytes);

/* Zeroed array of n elements of a type. */
#define qvl_arena_array(a, type, n)                                           \
    ((type *)qvl_arena_alloc_n((a), (size_t)(n), sizeof(type)))

/* Copies with a NUL behind. strndup copies exactly n bytes, NULs included. */
char *qvl_arena_strdup(qvl_arena *a, const char *s);
char *qvl_arena_strndup(qvl_arena *a, const char *s, size_t n);
char *qvl_arena_printf(qvl_arena *a, const char *fmt, ...) QVL_PRINTF(2, 3);

/* Bytes handed out since init or the last reset, with alignment. */
size_t qvl_arena_used_bytes(const qvl_arena *a);

/* Call fn(arg) and return what it returns; QVL_E_MEMORY, with a message in
 * err, when memory ran out inside. Guards nest. What fn had taken from arenas
 * stays theirs. Locals of fn are lost: results travel through arg. */
int qvl_guard(int (*fn)(void *), void *arg, qvl_err *err);

/* realloc that unwinds instead of returning NULL, and then leaves p as it is; p may
 * be NULL, the result is freed with free. New bytes are not zeroed. */
void *qvl_memory_resize(void *p, size_t bytes);

/* n zeroed elements of `bytes` each, for a handle or what it owns; unwinds
 * instead of returning NULL, so nothing may be held that only the caller can
 * give back. Freed with free. */
void *qvl_memory_zeroed(size_t n, size_t bytes);

/* Unwind as if a request for `bytes` had failed. */
QVL_NORETURN void qvl_memory_fail(size_t bytes);

/* For tests: let this thread take at most `bytes` more through this module,
 * then behave as if the host were full. SIZE_MAX lifts the limit. */
void qvl_memory_limit(size_t bytes);

#endif
