/* test_epoch_plan.c - orders of an epoch are permutations, and the same for any ranks */
#include "check.h"
#include "data/epoch_plan.h"

#define N 37

static bool is_permutation(const qvl_epoch_slot *v, size_t n)
{
    bool seen[N] = { false };
    for (size_t i = 0; i < n; i++) {
        if (v[i].record >= n || seen[v[i].record] || v[i].occurrence != 0)
            return false;
        seen[v[i].record] = true;
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
    qvl_epoch_slot a[N], b[N];
    qvl_arena arena = { 0 };
    for (uint64_t epoch = 0; epoch < 50; epoch++) {
        qvl_epoch_plan_order(a, &p, epoch, &arena);
        CHECK(is_permutation(a, N), "epoch %d", (int)epoch);
    }
    qvl_epoch_plan_order(a, &p, 3, &arena);
    qvl_epoch_plan_order(b, &p, 3, &arena);
    CHECK(memcmp(a, b, sizeof a) == 0, "the same epoch again");
    qvl_epoch_plan_order(b, &p, 4, &arena);
    CHECK(memcmp(a, b, sizeof a) != 0, "another epoch");
    p.seed = 6;
    qvl_epoch_plan_order(b, &p, 3, &arena);
    CHECK(memcmp(a, b, sizeof a) != 0, "another seed");
    p.seed = 5;
    p.dataset = "other";
    qvl_epoch_plan_order(b, &p, 3, &arena);
    CHECK(memcmp(a, b, sizeof a) != 0, "another name");
    p.dataset = "data";
    qvl_epoch_plan_order(b, &p, 3, &arena);
    CHECK(memcmp(a, b, sizeof a) == 0, "the name that NULL stands for");
    p.is_shuffled = false;
    qvl_epoch_plan_order(b, &p, 3, &arena);
    for (size_t i = 0; i < N; i++)
        CHECK_INT(b[i].record, i, "as they are");
    qvl_arena_release(&arena);
}

/* Slots of a fusion: entries one behind the other among all records, those without slots
 * left out, each record with the times that it came. */
static void test_fusion(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    const qvl_fusion_entry entry[] = {
        { .name = "a", .ratio = 2, .sample_without_replacement = true, .seed = -1,
          .is_target = true },
        { .name = "b", .ratio = 0, .seed = -1, .is_target = true },
        { .name = "c", .ratio = 0.5, .seed = -1 },
    };
    const qvl_fusion fusion = { .entry = entry, .n = 3, .n_targets = 2 };
    const size_t n_records[] = { 7, 5, 4 }, first[] = { 0, 99, 7 };
    qvl_fusion_plan plan;
    CHECK_OK(qvl_fusion_plan_init(&plan, &fusion, n_records, 3, &arena, &err), err);
    CHECK_INT(plan.n_slots, 21, "slots");
    qvl_epoch_plan p = { .n_records = 21, .batch = 4, .accumulate = 1,
                         .fusion = &plan, .first = first };
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        qvl_epoch_slot slot[21];
        uint64_t seen[11] = { 0 };
        qvl_epoch_plan_order(slot, &p, epoch, &arena);
        for (size_t i = 0; i < 21; i++) {
            CHECK(slot[i].record < 11, "slot %zu: %zu", i, slot[i].record);
            CHECK_INT(slot[i].occurrence, seen[slot[i].record], "slot %zu", i);
            seen[slot[i].record]++;
        }
        for (size_t k = 0; k < 7; k++)
            CHECK_INT(seen[k], 2, "record %zu of a", k);
    }
    qvl_arena_release(&arena);
}

/* The sample at a slot, and the first that has a record. */
static void test_find(void)
{
    qvl_arena arena = { 0 };
    qvl_epoch_plan p = { .n_records = 10, .batch = 2, .accumulate = 2, .seed = 1,
                         .is_shuffled = true };
    qvl_epoch_slot slot[10];
    qvl_epoch_plan_order(slot, &p, 3, &arena);
    for (size_t i = 0; i < 10; i++) {
        qvl_sample_at at = qvl_epoch_plan_sample(&p, slot, 3, i), found;
        CHECK_INT(at.record, slot[i].record, "slot %zu", i);
        CHECK_INT(at.epoch, 3, "slot %zu", i);
        CHECK_INT(at.step, 9 + (int)i / 4, "slot %zu", i);
        CHECK(qvl_epoch_plan_find(&found, &p, slot, 3, at.record), "slot %zu", i);
        CHECK_INT(found.step, at.step, "slot %zu", i);
    }
    slot[7] = (qvl_epoch_slot){ .record = slot[2].record, .occurrence = 1 };
    qvl_sample_at at = { .step = 77 };
    CHECK(qvl_epoch_plan_find(&at, &p, slot, 3, slot[2].record), "twice");
    CHECK_INT(at.occurrence, 0, "the first time");
    CHECK_INT(at.step, 9, "the first time");
    at.step = 77;
    CHECK(!qvl_epoch_plan_find(&at, &p, slot, 3, 10), "none");
    CHECK_INT(at.step, 77, "unchanged");
    qvl_arena_release(&arena);
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

RUN_TESTS(TEST(test_sizes), TEST(test_order), TEST(test_fusion),
          TEST(test_find), TEST(test_place), TEST(test_ranks))
