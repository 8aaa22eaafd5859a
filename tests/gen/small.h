/* small.h - a small spec in which everything stands, and edits of it */
#ifndef GEN_SMALL_H
#define GEN_SMALL_H

#include "base/arena.h"

extern const char small_spec[];

typedef struct {
    const char *find, *replace;
    const char *message;  // what is said then, for the test that makes the edit
} small_edit;

/* A text with the first `find` replaced; from the arena. */
const char *small_with(const char *text, const small_edit *x, qvl_arena *arena);

#endif
