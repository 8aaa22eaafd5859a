/* test_pieces.c - pieces that were merged before, found again by any thread */
#include <stdio.h>
#include <stdlib.h>

#include "base/each.h"
#include "check.h"
#include "text/pieces.h"

/* ---- one thread ---------------------------------------------------------- */

static void test_find(void)
{
    static const int id[] = { 7, 8, 9 };
    char longest[QVL_PIECE_MAX_BYTES + 1];
    qvl_pieces *t = calloc(1, sizeof *t);
    memset(longest, 'x', sizeof longest);
    CHECK(qvl_pieces_find(t, "ab", 2) == NULL, "an empty table");
    qvl_pieces_put(t, "ab", 2, id, 3);
    const qvl_known_piece *found = qvl_pieces_find(t, "ab", 2);
    CHECK(found != NULL && found->n_ids == 3 && found->id[2] == 9, "what was put");
    CHECK(qvl_pieces_find(t, "a", 1) == NULL, "its beginning");
    CHECK(qvl_pieces_find(t, "abc", 3) == NULL, "a longer one");
    qvl_pieces_put(t, "ab", 2, id + 1, 1);
    CHECK(qvl_pieces_find(t, "ab", 2) == found, "it stays");
    qvl_pieces_put(t, "\0", 1, id, 1);
    CHECK(qvl_pieces_find(t, "\0", 1) != NULL, "a NUL");
    qvl_pieces_put(t, longest, QVL_PIECE_MAX_BYTES, id, 1);
    CHECK(qvl_pieces_find(t, longest, QVL_PIECE_MAX_BYTES) != NULL, "the longest");
    qvl_pieces_put(t, longest, QVL_PIECE_MAX_BYTES + 1, id, 1);
    CHECK(qvl_pieces_find(t, longest, QVL_PIECE_MAX_BYTES + 1) == NULL,
          "a byte more");
    qvl_pieces_release(t);
    free(t);
}

/* ---- many ---------------------------------------------------------------- */

#define N_WORDS 5000

/* Word i has the ids i and i / 7; what is found must be its own. */
static int look_up(void *ctx, size_t i, int thread, qvl_arena *arena, qvl_err *err)
{
    qvl_pieces *t = ctx;
    char word[16];
    int own = (int)(i % N_WORDS);
    int id[2] = { own, own / 7 };
    (void)thread;
    (void)arena;
    (void)err;
    size_t n = (size_t)snprintf(word, sizeof word, "w%d", own);
    const qvl_known_piece *found = qvl_pieces_find(t, word, n);
    if (found == NULL)
        qvl_pieces_put(t, word, n, id, 2);
    else
        CHECK(found->n_ids == 2 && found->id[0] == id[0]
              && found->id[1] == id[1], "word %d", own);
    return QVL_OK;
}

static void test_threads(void)
{
    qvl_pieces *t = calloc(1, sizeof *t);
    qvl_err err = { 0 };
    int n_found = 0;
    CHECK_OK(qvl_each(8 * N_WORDS, 4, look_up, t, NULL, &err), err);
    for (int i = 0; i < N_WORDS; i++) {
        char word[16];
        size_t n = (size_t)snprintf(word, sizeof word, "w%d", i);
        n_found += qvl_pieces_find(t, word, n) != NULL;
    }
    CHECK(n_found > N_WORDS * 9 / 10, "%d of the words are there", n_found);
    qvl_pieces_release(t);
    free(t);
}

RUN_TESTS(TEST(test_find), TEST(test_threads))
