/* test_fusion_plan.c - quotas and slots of epochs, against the plain definition */
#include "data/fusion_plan.h"

#include "check.h"
#include "data/epoch_plan.h"

#define MOST_ENTRIES 6
#define MOST_SLOTS 20000

/* Entries that a test sets up. */
typedef struct {
    qvl_fusion_entry entry[MOST_ENTRIES];
    size_t n_records[MOST_ENTRIES];
    qvl_fusion f;
    qvl_fusion_plan plan;
    qvl_arena arena;
    qvl_err err;
    int rc;
} made;

static const char *const names[MOST_ENTRIES] = { "a", "b", "c", "d", "e", "f" };

static void add(made *m, bool is_target, size_t n_records, double ratio)
{
    int i = m->f.n++;
    m->entry[i] = (qvl_fusion_entry){
        .name = names[i], .train_jsonl = "t.jsonl", .template = "target_dense",
        .ratio = ratio, .sample_without_replacement = true, .seed = -1,
        .is_target = is_target,
    };
    m->n_records[i] = n_records;
    m->f.n_targets += is_target;
    m->f.entry = m->entry;
}

static void plan(made *m, uint64_t seed)
{
    m->rc = qvl_fusion_plan_init(&m->plan, &m->f, m->n_records, seed, &m->arena,
                                 &m->err);
}

static qvl_fusion_slot *order(made *m, uint64_t epoch)
{
    qvl_fusion_slot *slot = qvl_arena_array(&m->arena, qvl_fusion_slot,
                                            m->plan.n_slots);
    qvl_fusion_plan_order(slot, &m->plan, epoch, &m->arena);
    return slot;
}

static bool is_same(const qvl_fusion_slot *a, const qvl_fusion_slot *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i].record != b[i].record || a[i].entry != b[i].entry
            || a[i].occurrence != b[i].occurrence)
            return false;
    return true;
}

/* How often each record of an entry is there: count[pool]. */
static int *count(made *m, const qvl_fusion_slot *slot, int entry)
{
    int *n = qvl_arena_array(&m->arena, int, m->plan.pool[entry]);
    for (size_t i = 0; i < m->plan.n_slots; i++)
        if (slot[i].entry == entry) {
            CHECK(slot[i].record < m->plan.pool[entry], "slot %zu", i);
            n[slot[i].record]++;
        }
    return n;
}

/* ---- quotas -------------------------------------------------------------- */

static void test_vector(void)
{
    made m = { 0 };
    add(&m, true, 1000, 1);
    add(&m, true, 200, 2);
    add(&m, false, 5000, 0.1);
    plan(&m, 42);
    CHECK_OK(m.rc, m.err);
    CHECK_INT(m.plan.quota[0], 1000, "target 1");
    CHECK_INT(m.plan.quota[1], 400, "target 2");
    CHECK_INT(m.plan.quota[2], 140, "source");
    CHECK_INT(m.plan.n_slots, 1540, "slots");
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        const qvl_fusion_slot *slot = order(&m, epoch);
        const int *n[3];
        for (int i = 0; i < 3; i++)
            n[i] = count(&m, slot, i);
        for (int i = 0; i < 1000; i++)
            CHECK_INT(n[0][i], 1, "record %d of target 1", i);
        for (int i = 0; i < 200; i++)
            CHECK_INT(n[1][i], 2, "record %d of target 2", i);
        for (int i = 0; i < 5000; i++)
            CHECK(n[2][i] <= 1, "record %d of the source", i);
    }
    qvl_arena_release(&m.arena);
}

static void test_quotas(void)
{
    static const struct {
        size_t n;
        double ratio;
        size_t quota;
    } cases[] = {
        { 5, 0.5, 2 },   { 7, 0.5, 4 },    { 3, 0.5, 2 },    { 1, 0.5, 0 },
        { 1, 1, 1 },     { 1, 2.5, 2 },    { 1, 3.5, 4 },    { 1, 3.51, 4 },
        { 10, 0.05, 0 }, { 10, 0.051, 1 }, { 997, 0.1, 100 }, { 0, 0, 0 },
        { 4, 0, 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        made m = { 0 };
        add(&m, true, cases[i].n, cases[i].ratio);
        add(&m, true, 10, 1);
        add(&m, false, 3, 0.5);
        plan(&m, 0);
        CHECK_OK(m.rc, m.err);
        size_t sum = cases[i].quota + 10;
        size_t half = sum / 2 + (sum % 4 == 3);  // half to even
        CHECK_INT(m.plan.quota[0], cases[i].quota, "case %zu", i);
        CHECK_INT(m.plan.quota[2], half, "source of case %zu", i);
        CHECK_INT(m.plan.n_slots, sum + half, "sum of case %zu", i);
        CHECK_INT(m.plan.pool[0], cases[i].n, "pool of case %zu", i);
        qvl_arena_release(&m.arena);
    }
}

static void check_fails(const made *from, int code, const char *part)
{
    made m = *from;
    m.f.entry = m.entry;
    m.plan.n_slots = 77;
    plan(&m, 0);
    CHECK_FAILS(m.rc, code, m.err, part);
    CHECK_INT(m.plan.n_slots, 77, "changed");
    qvl_arena_release(&m.arena);
}

static void test_errors(void)
{
    made m = { 0 };
    add(&m, true, 0, 1);
    check_fails(&m, QVL_E_DATA, "a (t.jsonl): found no record");
    m = (made){ 0 };
    add(&m, true, 5, 1);
    add(&m, false, 0, 0.3);
    check_fails(&m, QVL_E_DATA, "b (t.jsonl): found no record");
    m.entry[1].ratio = 0;
    m.f.entry = m.entry;
    plan(&m, 0);
    CHECK_OK(m.rc, m.err);
    CHECK_INT(m.plan.n_slots, 5, "ratio 0 of an empty pool");
    qvl_arena_release(&m.arena);

    m = (made){ 0 };
    add(&m, true, 1, 0.5);
    add(&m, false, 9, 3);
    check_fails(&m, QVL_E_CONFIG, "found ratios by which an epoch has no records");
    m = (made){ 0 };
    add(&m, true, 1, (double)INT32_MAX + 1);
    check_fails(&m, QVL_E_CONFIG, "found ratio 2.14748e+09 of 1 records");
    m.entry[0].ratio = 1e300;
    check_fails(&m, QVL_E_CONFIG, "found ratio 1e+300");
    m = (made){ 0 };
    add(&m, true, 3, 1);
    add(&m, false, 3, INT32_MAX / 3);
    check_fails(&m, QVL_E_CONFIG, "b: found ratio");
    m.entry[1].ratio = INT32_MAX / 3 - 1;
    m.f.entry = m.entry;
    plan(&m, 0);
    CHECK_OK(m.rc, m.err);
    CHECK_INT(m.plan.n_slots, (size_t)(INT32_MAX / 3) * 3, "the most");
    qvl_arena_release(&m.arena);
}

/* ---- slots --------------------------------------------------------------- */

/* The slots of an entry by the text of fusion_plan.h, one after the other. */
static size_t plain_entry(const made *m, int i, uint64_t seed, uint64_t epoch,
                          qvl_fusion_slot *out)
{
    const qvl_fusion_entry *e = &m->entry[i];
    static size_t v[MOST_SLOTS];
    size_t n = m->n_records[i], quota = m->plan.quota[i], done = 0;
    qvl_rng_id id = { .seed = seed, .epoch = epoch,
                      .dataset = qvl_rng_hash(e->name, strlen(e->name)) };
    qvl_rng rng;
    if (e->seed >= 0)
        id.seed = qvl_rng_mix(seed, (uint64_t)e->seed);
    qvl_rng_init(&rng, &id, QVL_RNG_SCHEDULE);
    while (!e->sample_without_replacement && done < quota)
        out[done++] = (qvl_fusion_slot){ qvl_rng_below(&rng, n), i, 0 };
    for (; quota - done >= n && done < quota; done += n)
        for (size_t k = 0; k < n; k++)
            out[done + k] = (qvl_fusion_slot){ k, i, 0 };
    /* epochs are walked from the first: a new shuffle when all were taken */
    size_t part = quota - done, taken = n;
    for (uint64_t at = 0; part > 0 && at <= epoch; at++) {
        if (taken >= n) {
            id.epoch = at;
            taken = 0;
            for (size_t k = 0; k < n; k++)
                v[k] = k;
            qvl_rng_init(&rng, &id, QVL_RNG_SCHEDULE);
            qvl_rng_shuffle(&rng, v, n);
        }
        for (size_t k = 0; k < part && at == epoch; k++)
            out[done + k] = (qvl_fusion_slot){ v[(taken + k) % n], i, 0 };
        taken += part;
    }
    return quota;
}

static void plain_order(const made *m, uint64_t seed, uint64_t epoch,
                        qvl_fusion_slot *out)
{
    static qvl_fusion_slot slot[MOST_SLOTS];
    static size_t place[MOST_SLOTS];
    size_t n = 0;
    for (int i = 0; i < m->f.n; i++)
        n += plain_entry(m, i, seed, epoch, slot + n);
    CHECK_INT(n, m->plan.n_slots, "slots");
    for (size_t i = 0; i < n; i++)
        place[i] = i;
    qvl_rng rng;
    qvl_rng_init(&rng, &(qvl_rng_id){ .seed = seed, .epoch = epoch },
                 QVL_RNG_SCHEDULE);
    if (m->plan.is_shuffled)
        qvl_rng_shuffle(&rng, place, n);
    for (size_t i = 0; i < n; i++) {
        out[i] = slot[place[i]];
        for (size_t k = 0; k < i; k++)
            out[i].occurrence += out[k].entry == out[i].entry
                                 && out[k].record == out[i].record;
    }
}

/* Fusions drawn at random, epochs asked for in any order. */
static void test_plain(void)
{
    static const double ratios[] = { 0, 0.01, 0.1, 0.3, 0.5, 0.75, 1, 1.2, 2, 3.7 };
    static qvl_fusion_slot plain[MOST_SLOTS];
    qvl_rng r = { .key = 5 };
    for (int round = 0; round < 60; round++) {
        made m = { 0 };
        uint64_t seed = qvl_rng_next(&r);
        int n_targets = 1 + (int)qvl_rng_below(&r, 3);
        int n_sources = (int)qvl_rng_below(&r, 4);
        for (int i = 0; i < n_targets + n_sources; i++) {
            add(&m, i < n_targets, 1 + qvl_rng_below(&r, 90),
                ratios[qvl_rng_below(&r, QVL_COUNT(ratios))]);
            m.entry[i].sample_without_replacement = qvl_rng_below(&r, 4) > 0;
            m.entry[i].seed = (int)qvl_rng_below(&r, 3) - 1;
        }
        plan(&m, seed);
        if (m.rc == QVL_E_CONFIG) {
            qvl_arena_release(&m.arena);
            continue;
        }
        CHECK_OK(m.rc, m.err);
        m.plan.is_shuffled = round % 5 > 0;
        for (int k = 0; k < 6; k++) {
            uint64_t epoch = qvl_rng_below(&r, 40);
            plain_order(&m, seed, epoch, plain);
            CHECK(is_same(order(&m, epoch), plain, m.plan.n_slots),
                  "round %d, epoch %d", round, (int)epoch);
        }
        qvl_arena_release(&m.arena);
    }
}

/* Numbers that no other version may change: they are what runs were trained on. They
 * were computed by a program of its own. */
static void test_pinned(void)
{
    static const struct {
        uint64_t epoch;
        int entry[13], occurrence[13];
        size_t record[13];
    } cases[] = {
        { 0, { 0, 0, 1, 2, 1, 0, 1, 1, 1, 2, 2, 0, 1 },
          { 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1 },
          { 0, 1, 0, 43, 0, 3, 1, 1, 2, 6, 16, 2, 2 } },
        { 1, { 1, 1, 0, 2, 0, 2, 1, 1, 1, 0, 1, 0, 2 },
          { 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0 },
          { 2, 2, 2, 21, 1, 39, 0, 0, 1, 3, 1, 0, 13 } },
        { 7, { 1, 1, 1, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1 },
          { 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1 },
          { 2, 2, 0, 3, 2, 1, 0, 11, 1, 32, 0, 22, 1 } },
        { 123456789, { 1, 1, 0, 0, 0, 1, 2, 0, 1, 2, 1, 2, 1 },
          { 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1 },
          { 1, 0, 1, 3, 2, 1, 35, 0, 0, 44, 2, 25, 2 } },
    };
    made m = { 0 };
    add(&m, true, 4, 1);
    add(&m, true, 3, 2);
    add(&m, false, 50, 0.3);
    m.entry[2].seed = 9;
    plan(&m, 42);
    CHECK_OK(m.rc, m.err);
    for (size_t c = 0; c < QVL_COUNT(cases); c++) {
        const qvl_fusion_slot *slot = order(&m, cases[c].epoch);
        CHECK_INT(m.plan.n_slots, 13, "slots");
        for (int i = 0; i < 13; i++) {
            CHECK_INT(slot[i].entry, cases[c].entry[i], "case %zu, %d", c, i);
            CHECK_INT(slot[i].record, cases[c].record[i], "case %zu, %d", c, i);
            CHECK_INT(slot[i].occurrence, cases[c].occurrence[i],
                      "case %zu, %d", c, i);
        }
    }
    qvl_arena_release(&m.arena);
}

/* ---- what must hold ------------------------------------------------------ */

/* Parts of a pool: after ceil(n / part) epochs from the start of any such stretch all
 * records have come, and the epochs of one have no more in common than they must. */
static void test_coverage(void)
{
    static const struct {
        size_t n;
        double ratio;
    } cases[] = { { 100, 0.1 }, { 97, 0.1 }, { 97, 0.3 }, { 10, 0.5 }, { 11, 0.6 },
                  { 7, 0.9 },   { 2, 0.5 },  { 50, 0.02 }, { 9, 1.4 } };
    for (size_t c = 0; c < QVL_COUNT(cases); c++) {
        made m = { 0 };
        add(&m, true, cases[c].n, cases[c].ratio);
        plan(&m, 3);
        CHECK_OK(m.rc, m.err);
        size_t n = cases[c].n, part = m.plan.quota[0] % n;
        size_t turns = (n + part - 1) / part;
        int least = (int)(m.plan.quota[0] / n);
        for (size_t first = 0; first < 4 * turns; first += turns) {
            int *sum = qvl_arena_array(&m.arena, int, n);
            for (size_t e = first; e < first + turns; e++) {
                const int *seen = count(&m, order(&m, e), 0);
                for (size_t i = 0; i < n; i++) {
                    CHECK(seen[i] == least || seen[i] == least + 1,
                          "case %zu, epoch %zu, record %zu", c, e, i);
                    sum[i] += seen[i] - least;
                }
            }
            size_t n_twice = 0;
            for (size_t i = 0; i < n; i++) {
                CHECK(sum[i] == 1 || sum[i] == 2, "case %zu: record %zu came %d "
                      "times from epoch %zu on", c, i, sum[i], first);
                n_twice += sum[i] == 2;
            }
            CHECK_INT(n_twice, turns * part - n, "case %zu", c);
        }
        qvl_arena_release(&m.arena);
    }
}

/* Draws with replacement leave some out, take some often, and are no permutation. */
static void test_replacement(void)
{
    made m = { 0 };
    add(&m, true, 1000, 1);
    m.entry[0].sample_without_replacement = false;
    plan(&m, 1);
    CHECK_OK(m.rc, m.err);
    const int *n = count(&m, order(&m, 0), 0);
    int n_absent = 0, n_many = 0;
    for (int i = 0; i < 1000; i++) {
        n_absent += n[i] == 0;
        n_many += n[i] > 1;
    }
    CHECK(n_absent > 300 && n_absent < 440, "1/e of 1000: %d", n_absent);
    CHECK(n_many > 200 && n_many < 330, "1 - 2/e of 1000: %d", n_many);
    qvl_arena_release(&m.arena);
}

/* Occurrences of a record count up from 0 over the slots. */
static void test_occurrences(void)
{
    made m = { 0 };
    add(&m, true, 20, 3.5);
    add(&m, false, 7, 2);
    m.entry[1].sample_without_replacement = false;
    plan(&m, 8);
    CHECK_OK(m.rc, m.err);
    const qvl_fusion_slot *slot = order(&m, 2);
    int next[2][20] = { { 0 } };
    for (size_t i = 0; i < m.plan.n_slots; i++)
        CHECK_INT(slot[i].occurrence, next[slot[i].entry][slot[i].record]++,
                  "slot %zu", i);
    qvl_arena_release(&m.arena);
}

/* Seed, epoch and shuffling change the order; nothing else does. */
static void test_order(void)
{
    made m = { 0 };
    add(&m, true, 100, 1);
    add(&m, false, 300, 0.5);
    plan(&m, 1);
    size_t n = m.plan.n_slots;
    const qvl_fusion_slot *zero = order(&m, 0);
    const qvl_fusion_slot *late = order(&m, 1000000007);
    CHECK(!is_same(zero, order(&m, 1), n), "epochs are the same");
    CHECK(is_same(late, order(&m, 1000000007), n), "an epoch changed");
    CHECK(is_same(zero, order(&m, 0), n), "epoch 0 changed");
    size_t n_switches = 0;
    for (size_t i = 1; i < n; i++)
        n_switches += zero[i].entry != zero[i - 1].entry;
    CHECK(n_switches > 40 && n_switches < 95, "entries change %zu times in %zu "
          "slots", n_switches, n);
    plan(&m, 2);
    CHECK(!is_same(zero, order(&m, 0), n), "seeds are the same");
    plan(&m, 1);
    CHECK(is_same(zero, order(&m, 0), n), "another plan of the same");
    m.plan.is_shuffled = false;
    const qvl_fusion_slot *plain = order(&m, 0);
    for (size_t i = 0; i < n; i++) {
        CHECK_INT(plain[i].entry, i < 100 ? 0 : 1, "slot %zu", i);
        if (i < 100)
            CHECK_INT(plain[i].record, i, "slot %zu", i);
    }
    /* the same records, whether shuffled or not */
    const int *a = count(&m, plain, 1);
    const int *b = count(&m, zero, 1);
    CHECK(memcmp(a, b, 300 * sizeof *a) == 0, "other records");
    qvl_arena_release(&m.arena);
}

/* What an entry takes hangs on its own name and seed, not on its neighbours. */
static void test_independence(void)
{
    made m = { 0 }, other = { 0 };
    add(&m, true, 100, 1);
    add(&m, false, 300, 0.5);
    plan(&m, 1);
    const int *a = count(&m, order(&m, 3), 1);
    add(&other, true, 50, 2);
    add(&other, false, 300, 0.5);
    add(&other, false, 20, 0.1);
    plan(&other, 1);
    CHECK(memcmp(a, count(&other, order(&other, 3), 1), 300 * sizeof *a) == 0,
          "neighbours change the records");
    for (int seed = 0; seed < 3; seed++) {
        other.entry[1].seed = seed;
        CHECK(memcmp(a, count(&other, order(&other, 3), 1), 300 * sizeof *a) != 0,
              "seed %d changes nothing", seed);
    }
    other.entry[1].seed = -1;
    other.entry[1].name = "another";
    CHECK(memcmp(a, count(&other, order(&other, 3), 1), 300 * sizeof *a) != 0,
          "a name changes nothing");
    qvl_arena_release(&m.arena);
    qvl_arena_release(&other.arena);
}

static void test_ids(void)
{
    made m = { 0 };
    add(&m, true, 10, 1);
    add(&m, false, 10, 1);
    m.entry[1].seed = 5;
    plan(&m, 77);
    qvl_fusion_slot slot = { .record = 3, .entry = 1, .occurrence = 2 };
    qvl_rng_id id = qvl_fusion_plan_id(&m.plan, 4, &slot);
    CHECK(id.seed == qvl_rng_mix(77, 5), "seed");
    CHECK(id.dataset == qvl_rng_hash("b", 1), "dataset");
    CHECK(id.epoch == 4 && id.record == 3 && id.occurrence == 2, "the rest");
    slot.entry = 0;
    CHECK(qvl_fusion_plan_id(&m.plan, 4, &slot).seed == 77, "without a seed");
    qvl_arena_release(&m.arena);
}

/* Ranks take slots in turns: together they have each slot of the epoch once. */
static void test_ranks(void)
{
    made m = { 0 };
    add(&m, true, 31, 1);
    add(&m, false, 9, 0.3);
    plan(&m, 1);
    const qvl_fusion_slot *slot = order(&m, 0);
    int n[31] = { 0 };
    for (size_t rank = 0; rank < 4; rank++) {
        qvl_epoch_plan p = { .n_records = m.plan.n_slots, .batch = 1,
                             .accumulate = 1, .rank = rank, .world = 4 };
        for (size_t i = 0; i < qvl_epoch_plan_places(&p); i++) {
            const qvl_fusion_slot *s = &slot[qvl_epoch_plan_slot(&p, i)];
            if (s->entry == 0)
                n[s->record]++;
        }
    }
    for (int i = 0; i < 31; i++)
        CHECK_INT(n[i], 1, "record %d", i);
    qvl_arena_release(&m.arena);
}

static void test_text(void)
{
    made m = { 0 };
    qvl_str text = { 0 };
    static const char *const prompts[] = { "x", "y", "z" };
    add(&m, true, 10, 1.5);
    add(&m, false, 20, 0.1);
    add(&m, false, 5, 0);
    add(&m, false, 5, 1);
    m.entry[0].name = "a longer name";
    m.entry[0].augmentation_enabled = m.entry[0].curriculum_enabled = true;
    m.entry[0].user_prompt = "u";
    m.entry[1].max_objects_per_image = 64;
    m.entry[1].mode = QVL_FUSION_SUMMARY;
    m.entry[1].augmentation_enabled = true;
    m.entry[1].prompt_choices = (qvl_texts){ prompts, 3 };
    m.entry[1].system_prompt = "s";
    m.entry[1].poly_fallback = QVL_FUSION_POLY_BOX;
    m.entry[1].poly_max_points = 12;
    m.entry[2].poly_fallback = QVL_FUSION_POLY_BOX;
    m.entry[3].sample_without_replacement = false;
    m.entry[3].pack = QVL_FUSION_PACK_NONE;
    plan(&m, 1);
    qvl_fusion_plan_put(&text, &m.plan);
    CHECK_STR(text.p,
        "entry          role    pool      quota     passes    mode     "
        "augmentation  objects  polygons  prompts: user, system\n"
        "a longer name  target  10        15        1.5       dense    "
        "curriculum    all      kept      user_prompt, target_dense\n"
        "b              source  20        2         0.1       summary  "
        "on            64       to 12     1 of 3 prompt_choices, system_prompt\n"
        "c              source  5         0         0         dense    "
        "off           all      boxes     target_dense, target_dense\n"
        "d              source  5         15        drawn     dense    "
        "off           all      kept      record\n", "table");
    qvl_str_release(&text);
    qvl_arena_release(&m.arena);
}

RUN_TESTS(TEST(test_vector), TEST(test_quotas), TEST(test_errors),
          TEST(test_plain), TEST(test_pinned), TEST(test_coverage),
          TEST(test_replacement), TEST(test_occurrences), TEST(test_order),
          TEST(test_independence), TEST(test_ids), TEST(test_ranks),
          TEST(test_text))
