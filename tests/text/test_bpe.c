/* test_bpe.c - merges against the definition, on random rules and texts */
#include "base/rng.h"
#include "check.h"
#include "text/bpe.h"

/* Merges of three letters and of what they make, in random order. Token k < 256
 * is the byte k; later ones are made by merges. */
typedef struct {
    qvl_arena arena;
    qvl_bpe bpe;
    int left[200];
    int right[200];
    int n;
} rules;

static void make_rules(rules *r, qvl_rng *rng, int n)
{
    *r = (rules){ 0 };
    qvl_bpe_init(&r->bpe, (size_t)n, &r->arena);
    for (int i = 0; i < 256; i++)
        r->bpe.byte_id[i] = i;
    while (r->n < n) {
        int choices = 3 + r->n;
        int a = (int)(qvl_rng_next(rng) % (uint64_t)choices);
        int b = (int)(qvl_rng_next(rng) % (uint64_t)choices);
        a = a < 3 ? 'a' + a : 253 + a;  // 256 is the result of merge 0
        b = b < 3 ? 'a' + b : 253 + b;
        if (!qvl_bpe_add(&r->bpe, a, b, 256 + r->n))
            continue;
        r->left[r->n] = a;
        r->right[r->n] = b;
        r->n++;
    }
}

/* The definition: look for the lowest rank, leftmost, until there is none. */
static size_t merge_slowly(const rules *r, int *id, size_t n)
{
    for (;;) {
        int best = r->n;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++)
            for (int k = 0; k < best; k++)
                if (r->left[k] == id[i] && r->right[k] == id[i + 1]) {
                    best = k;
                    at = i;
                }
        if (best == r->n)
            return n;
        id[at] = 256 + best;
        memmove(id + at + 1, id + at + 2, (n - at - 2) * sizeof *id);
        n--;
    }
}

static void test_definition(void)
{
    qvl_rng rng = { .key = 3 };
    for (int round = 0; round < 300; round++) {
        rules r;
        make_rules(&r, &rng, 1 + round % 60);
        qvl_bpe_work work = { 0 };
        for (int text = 0; text < 20; text++) {
            char p[64];
            int want[64];
            int found[64];
            size_t n = (size_t)(qvl_rng_next(&rng) % sizeof p);
            for (size_t i = 0; i < n; i++) {
                p[i] = (char)('a' + qvl_rng_next(&rng) % 3);
                want[i] = p[i];
            }
            size_t n_want = merge_slowly(&r, want, n);
            size_t n_found = qvl_bpe_encode(&r.bpe, found, p, n, &work,
                                            &r.arena);
            CHECK_INT(n_found, n_want, "round %d, text %d", round, text);
            CHECK(memcmp(found, want, n_want * sizeof *want) == 0,
                  "round %d, text %d", round, text);
        }
        qvl_arena_release(&r.arena);
    }
}

static void test_small(void)
{
    qvl_arena a = { 0 };
    qvl_bpe b;
    qvl_bpe_work work = { 0 };
    int out[8];
    qvl_bpe_init(&b, 2, &a);
    for (int i = 0; i < 256; i++)
        b.byte_id[i] = i;
    CHECK(qvl_bpe_add(&b, 'a', 'a', 300), "a pair");
    CHECK(!qvl_bpe_add(&b, 'a', 'a', 301), "the pair again");
    CHECK_INT(qvl_bpe_encode(&b, out, "", 0, &work, &a), 0, "nothing");
    CHECK_INT(qvl_bpe_encode(&b, out, "x", 1, &work, &a), 1, "one byte");
    CHECK_INT(out[0], 'x', "one byte");
    /* equal ranks: from the left */
    CHECK_INT(qvl_bpe_encode(&b, out, "aaa", 3, &work, &a), 2, "aaa");
    CHECK_INT(out[0], 300, "aaa");
    CHECK_INT(out[1], 'a', "aaa");
    qvl_arena_release(&a);
}

/* A million bytes without a border: 2^20 letters become 2^20 / 2^19 tokens. */
static void test_long(void)
{
    enum { N = 1 << 20, LEVELS = 19 };
    qvl_arena a = { 0 };
    qvl_bpe b;
    qvl_bpe_work work = { 0 };
    qvl_bpe_init(&b, LEVELS, &a);
    for (int i = 0; i < 256; i++)
        b.byte_id[i] = i;
    for (int k = 0; k < LEVELS; k++) {
        int half = k == 0 ? 'a' : 255 + k;
        CHECK(qvl_bpe_add(&b, half, half, 256 + k), "level %d", k);
    }
    char *p = qvl_arena_alloc(&a, N);
    int *out = qvl_arena_array(&a, int, N);
    memset(p, 'a', N);
    CHECK_INT(qvl_bpe_encode(&b, out, p, N, &work, &a), 2, "tokens");
    CHECK_INT(out[0], 255 + LEVELS, "the largest");
    CHECK_INT(out[1], 255 + LEVELS, "the largest");
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_definition), TEST(test_small), TEST(test_long))
