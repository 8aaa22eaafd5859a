/* text.h - the small mistakes that can be made in a text
 *
 * A mutation replaces a few bytes of a kernel (shaders/NAME.k) or of C by what a
 * slip of the pen would have put there: another sign, another index, another
 * bound, the other of two minima, arguments in another order. Only bodies are
 * touched, from a line "{" to a line "}"; comments, texts, macros and sizes of
 * arrays are left alone.
 */
#ifndef MUTATE_TEXT_H
#define MUTATE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

typedef struct {
    const char *function;  // kernel or function that has it
    size_t at;             // offset in the file
    size_t len;            // bytes that go
    const char *to;        // what comes in their place
    int line, column;      // from 1
} mutation;

typedef struct {
    // borrowed
    const char *text;
    size_t len;
    bool is_kernel;        // else C
    // owned by the arena
    mutation *item;
    int n, cap;
} mutations;

/* All mutations of a text, in its order. m->text, len and is_kernel are set. */
void mutations_find(mutations *m, qvl_arena *arena);

/* The line of the text with offset `at`, without its indent, as it is and with
 * the mutation made, and the line above it, "" for the first; they belong to the
 * arena. */
const char *mutation_line(const mutations *m, size_t at, qvl_arena *arena);
const char *mutation_above(const mutations *m, size_t at, qvl_arena *arena);
const char *mutation_made(const mutations *m, const mutation *x,
                          qvl_arena *arena);

#endif
