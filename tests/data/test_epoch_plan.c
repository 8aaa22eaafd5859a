/* test_epoch_plan.c - orders of an epoch are permutations, and the same for any ranks */
#include "check.h"
#include "data/epoch_plan.h"

#define N 37

static bool is_permutation(const size_t *v, size_t n)
{
    bool seen[N] = { false };
    for (size_t i = 0; i < n; i++) {
        if (v[i] >= n || seen[v[i]])
            return false;
        seen[v[i]] = true;
    }
    return true;
}

static void test_sizes(void)
{
    static const struct {
        size_t n, batch, accumulate;
        bool drops;
        size_t batches, updates, last_batch, last_update;
    } cases[] = {
        { 1, 1, 1, false, 1, 1, 1, 1 },    { 10, 4, 1, false, 3, 3, 2, 1 },
        { 10, 4, 1, true, 2, 2, 4, 1 },    { 10, 4, 2, false, 3, 2, 2, 1 },
        { 8, 4, 2, false, 2, 1, 4, 2 },    { 3, 8, 16, false, 1, 1, 3, 1 },
        { 3, 8, 16, true, 0, 0, 0, 0 },    { 37, 5, 3, false, 8, 3, 2, 2 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_epoch_plan p = { .n_records = cases[i].n, .batch = cases[i].batch,
                       .accumulate = cases[i].accumulate,
                       .drops_last = cases[i].drops };
        size_t nb = qvl_epoch_plan_batches(&p);
        size_t nu = qvl_epoch_plan_updates(&p);
        CHECK_INT(nb, cases[i].batches, "case %zu", i);
        CHECK_INT(nu, cases[i].updates, "case %zu", i);
        if (nb == 0)
            continue;
        qvl_stretch b = qvl_epoch_plan_batch(&p, nb - 1);
        qvl_stretch u = qvl_epoch_plan_update(&p, nu - 1);
        CHECK_INT(b.n, cases[i].last_batch, "case %zu", i);
        CHECK_INT(u.n, cases[i].last_update, "case %zu", i);
        CHECK_INT(b.first, (nb - 1) * cases[i].batch, "case %zu", i);
        CHECK_INT(u.first + u.n, nb, "case %zu", i);
    }
}

/* Every record once, in an order that seed, epoch and name decide. */
static void test_order(void)
{
    qvl_epoch_plan p = { .n_records = N, .batch = 4, .accumulate = 1, .seed = 5,
                   .is_shuffled = true };
    size_t a[N], b[N];
    for (uint64_t epoch = 0; epoch < 50; epoch++) {
        qvl_epoch_plan_order(a, &p, epoch);
        CHECK(is_permutation(a, N), "epoch %d", (int)epoch);
    }
    qvl_epoch_plan_order(a, &p, 3);
    qvl_epoch_plan_order(b, &p, 3);
    CHECK(memcmp(a, b, sizeof a) == 0, "the same epoch again");
    qvl_epoch_plan_order(b, &p, 4);
    CHECK(memcmp(a, b, sizeof a) != 0, "another epoch");
    p.seed = 6;
    qvl_epoch_plan_order(b, &p, 3);
    CHECK(memcmp(a, b, sizeof a) != 0, "another seed");
    p.seed = 5;
    p.dataset = "other";
    qvl_epoch_plan_order(b, &p, 3);
    CHECK(memcmp(a, b, sizeof a) != 0, "another name");
    p.dataset = "data";
    qvl_epoch_plan_order(b, &p, 3);
    CHECK(memcmp(a, b, sizeof a) == 0, "the name that NULL stands for");
    p.is_shuffled = false;
    qvl_epoch_plan_order(b, &p, 3);
    for (size_t i = 0; i < N; i++)
        CHECK_INT(b[i], i, "as they are");
}

/* Steps of a run one after the other, and found by arithmetic. */
static void test_place(void)
{
    qvl_epoch_plan p = { .n_records = 10, .batch = 2, .accumulate = 2 };
    uint64_t step = 0;
    for (uint64_t epoch = 0; epoch < 4; epoch++)
        for (size_t u = 0; u < 3; u++, step++) {
            qvl_epoch_place at = qvl_epoch_plan_at(&p, step);
            CHECK_INT(at.epoch, epoch, "step %d", (int)step);
            CHECK_INT(at.update, u, "step %d", (int)step);
        }
}

/* Slots that ranks have, in the order of their places: "0 2 4 " for rank 0 of 2. */
static void test_ranks(void)
{
    static const struct {
        size_t n, batch, rank, world;
        bool drops;
        size_t batches;
        const char *slots;
    } cases[] = {
        { 5, 2, 0, 0, false, 3, "0 1 2 3 4 " },
        { 5, 2, 0, 1, false, 3, "0 1 2 3 4 " },
        { 6, 2, 1, 2, false, 2, "1 3 5 " },
        { 5, 1, 0, 2, false, 3, "0 2 4 " },
        { 5, 1, 1, 2, false, 3, "1 3 0 " },  // the tail begins anew
        { 5, 1, 1, 2, true, 2, "1 3 " },
        { 7, 2, 2, 3, true, 1, "2 5 " },
        { 2, 1, 4, 5, false, 1, "0 " },
        { 2, 1, 4, 5, true, 0, "" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_epoch_plan p = { .n_records = cases[i].n, .batch = cases[i].batch,
                             .accumulate = 1, .rank = cases[i].rank,
                             .world = cases[i].world,
                             .drops_last = cases[i].drops };
        char found[64] = "";
        for (size_t k = 0; k < qvl_epoch_plan_places(&p); k++)
            snprintf(found + strlen(found), sizeof found - strlen(found),
                     "%zu ", qvl_epoch_plan_slot(&p, k));
        CHECK_STR(found, cases[i].slots, "case %zu", i);
        CHECK_INT(qvl_epoch_plan_batches(&p), cases[i].batches, "case %zu", i);
    }
}

RUN_TESTS(TEST(test_sizes), TEST(test_order), TEST(test_place),
          TEST(test_ranks))
