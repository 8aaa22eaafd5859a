/* fusion_plan.c - quotas, and the slots of an epoch
 *
 * Slots are filled entry by entry, shuffled as a whole, and then counted from the first
 * to the last, which gives occurrences. Nothing is kept from one epoch to the next.
 */
#include "data/fusion_plan.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- quotas -------------------------------------------------------------- */

static int check_pool(const qvl_fusion_entry *e, size_t n_records, qvl_err *err)
{
    if (n_records > 0 || e->ratio == 0.0)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DATA, "%s (%s): found no record, expected one or "
                    "more with ratio %g", e->name, e->train_jsonl, e->ratio);
}

/* Slots of an entry, added to the sum; `of` is what its ratio is of. */
static int add_quota(size_t *quota, size_t *sum, const qvl_fusion_entry *e,
                     size_t of, qvl_err *err)
{
    double n = rint((double)of * e->ratio);
    if (!(n <= (double)(QVL_FUSION_MAX_SLOTS - *sum)))
        return qvl_fail(err, QVL_E_CONFIG, "%s: found ratio %g of %zu records, "
                        "expected an epoch of at most %zu", e->name, e->ratio,
                        of, QVL_FUSION_MAX_SLOTS);
    *quota = (size_t)n;
    *sum += *quota;
    return QVL_OK;
}

int qvl_fusion_plan_init(qvl_fusion_plan *p, const qvl_fusion *fusion,
                         const size_t *n_records, uint64_t seed,
                         qvl_arena *arena, qvl_err *err)
{
    size_t *pool = qvl_arena_array(arena, size_t, fusion->n);
    size_t *quota = qvl_arena_array(arena, size_t, fusion->n);
    size_t n_slots = 0, n_targets = 0;
    for (int i = 0; i < fusion->n; i++) {
        const qvl_fusion_entry *e = &fusion->entry[i];
        pool[i] = n_records[i];
        QVL_TRY(check_pool(e, pool[i], err));
        QVL_TRY(add_quota(&quota[i], &n_slots, e,
                          i < fusion->n_targets ? pool[i] : n_targets, err));
        if (i < fusion->n_targets)
            n_targets = n_slots;
    }
    if (n_slots == 0)
        return qvl_fail(err, QVL_E_CONFIG, "fusion: found ratios by which an "
                        "epoch has no records, expected one or more");
    *p = (qvl_fusion_plan){ .fusion = fusion, .seed = seed, .is_shuffled = true,
                            .pool = pool, .quota = quota, .n_slots = n_slots };
    return QVL_OK;
}

/* ---- draws --------------------------------------------------------------- */

static qvl_rng_id entry_id(const qvl_fusion_plan *p, int entry, uint64_t epoch)
{
    const qvl_fusion_entry *e = &p->fusion->entry[entry];
    uint64_t seed = e->seed >= 0 ? qvl_rng_mix(p->seed, (uint64_t)e->seed)
                                 : p->seed;
    return (qvl_rng_id){ .seed = seed, .epoch = epoch,
                         .dataset = qvl_rng_hash(e->name, strlen(e->name)) };
}

qvl_rng_id qvl_fusion_plan_id(const qvl_fusion_plan *p, uint64_t epoch,
                              const qvl_fusion_slot *slot)
{
    qvl_rng_id id = entry_id(p, slot->entry, epoch);
    id.record = slot->record;
    id.occurrence = (uint64_t)slot->occurrence;
    return id;
}

/* A permutation of n numbers that begins with `id`. */
static size_t *permutation(size_t n, const qvl_rng_id *id, qvl_arena *arena)
{
    size_t *v = qvl_arena_array(arena, size_t, n);
    qvl_rng rng;
    for (size_t i = 0; i < n; i++)
        v[i] = i;
    qvl_rng_init(&rng, id, QVL_RNG_SCHEDULE);
    qvl_rng_shuffle(&rng, v, n);
    return v;
}

/* ---- slots of an entry --------------------------------------------------- */

/* Where slots are filled. */
typedef struct {
    const qvl_fusion_plan *p;
    uint64_t epoch;
    qvl_fusion_slot *next;
    qvl_arena *arena;
} filling;

static void put_slot(filling *f, int entry, size_t record)
{
    *f->next++ = (qvl_fusion_slot){ .record = record, .entry = entry };
}

/* Each slot is a draw of its own. */
static void put_draws(filling *f, int entry)
{
    qvl_rng_id id = entry_id(f->p, entry, f->epoch);
    qvl_rng rng;
    qvl_rng_init(&rng, &id, QVL_RNG_SCHEDULE);
    for (size_t i = 0; i < f->p->quota[entry]; i++)
        put_slot(f, entry, (size_t)qvl_rng_below(&rng, f->p->pool[entry]));
}

/* n_part of the n records, less than all. After `turns` epochs all have come; they
 * share the shuffle of their first. */
static void put_part(filling *f, int entry, size_t n_part)
{
    size_t n = f->p->pool[entry];
    uint64_t turns = n / n_part + (n % n_part != 0);
    uint64_t turn = f->epoch % turns;
    qvl_rng_id id = entry_id(f->p, entry, f->epoch - turn);
    const size_t *v = permutation(n, &id, f->arena);
    for (size_t i = 0; i < n_part; i++)
        put_slot(f, entry, v[((size_t)turn * n_part + i) % n]);
}

static void put_entry(filling *f, int entry)
{
    size_t quota = f->p->quota[entry], n = f->p->pool[entry];
    if (quota == 0)
        return;
    if (!f->p->fusion->entry[entry].sample_without_replacement) {
        put_draws(f, entry);
        return;
    }
    for (size_t pass = 0; pass < quota / n; pass++)
        for (size_t record = 0; record < n; record++)
            put_slot(f, entry, record);
    if (quota % n > 0)
        put_part(f, entry, quota % n);
}

/* ---- an epoch ------------------------------------------------------------ */

static void shuffle(const filling *f, qvl_fusion_slot *slot)
{
    size_t n = f->p->n_slots;
    qvl_rng_id id = { .seed = f->p->seed, .epoch = f->epoch };
    const size_t *place = permutation(n, &id, f->arena);
    qvl_fusion_slot *old = qvl_arena_array(f->arena, qvl_fusion_slot, n);
    memcpy(old, slot, n * sizeof *old);
    for (size_t i = 0; i < n; i++)
        slot[i] = old[place[i]];
}

static void count_occurrences(const filling *f, qvl_fusion_slot *slot)
{
    const qvl_fusion_plan *p = f->p;
    int **seen = qvl_arena_array(f->arena, int *, p->fusion->n);
    for (int i = 0; i < p->fusion->n; i++)
        seen[i] = qvl_arena_array(f->arena, int, p->quota[i] > 0 ? p->pool[i]
                                                                 : 0);
    for (size_t i = 0; i < p->n_slots; i++)
        slot[i].occurrence = seen[slot[i].entry][slot[i].record]++;
}

void qvl_fusion_plan_order(qvl_fusion_slot *slot, const qvl_fusion_plan *p,
                           uint64_t epoch, qvl_arena *arena)
{
    filling f = { .p = p, .epoch = epoch, .next = slot, .arena = arena };
    for (int i = 0; i < p->fusion->n; i++)
        put_entry(&f, i);
    assert(f.next == slot + p->n_slots);
    if (p->is_shuffled)
        shuffle(&f, slot);
    count_occurrences(&f, slot);
}

/* ---- for people ---------------------------------------------------------- */

static void put_passes(qvl_str *out, const qvl_fusion_plan *p, int i)
{
    char text[32] = "drawn";
    if (p->quota[i] == 0)
        snprintf(text, sizeof text, "0");
    else if (p->fusion->entry[i].sample_without_replacement)
        snprintf(text, sizeof text, "%.4g",
                 (double)p->quota[i] / (double)p->pool[i]);
    qvl_str_printf(out, "  %-8s", text);
}

static void put_objects(qvl_str *out, const qvl_fusion_entry *e)
{
    char text[32] = "all";
    if (e->max_objects_per_image > 0)
        snprintf(text, sizeof text, "%d", e->max_objects_per_image);
    qvl_str_printf(out, "  %-7s", text);
    snprintf(text, sizeof text, "kept");
    if (e->poly_fallback != QVL_FUSION_POLY_OFF && e->poly_max_points > 0)
        snprintf(text, sizeof text, "to %d", e->poly_max_points);
    else if (e->poly_fallback != QVL_FUSION_POLY_OFF)
        snprintf(text, sizeof text, "boxes");
    qvl_str_printf(out, "  %-8s", text);
}

static const char *text_from(const char *own, const char *run, const char *template)
{
    return own != NULL ? own : run != NULL ? run : template;
}

/* Where the texts that ask come from, the user's first. */
static void put_prompts(qvl_str *out, const qvl_fusion_plan *p,
                        const qvl_fusion_entry *e)
{
    const qvl_prompt *from = &p->from[e->mode];
    if (e->pack == QVL_FUSION_PACK_NONE) {
        qvl_str_puts(out, "  record");
        return;
    }
    if (e->prompt_choices.n > 0)
        qvl_str_printf(out, "  1 of %d prompt_choices", e->prompt_choices.n);
    else
        qvl_str_printf(out, "  %s",
                       text_from(e->user_prompt != NULL ? "user_prompt" : NULL,
                                 from->user, e->template));
    qvl_str_printf(out, ", %s",
                   text_from(e->system_prompt != NULL ? "system_prompt" : NULL,
                             from->system, e->template));
}

void qvl_fusion_plan_put(qvl_str *out, const qvl_fusion_plan *p)
{
    size_t width = sizeof "entry" - 1;
    for (int i = 0; i < p->fusion->n; i++) {
        size_t len = strlen(p->fusion->entry[i].name);
        width = len > width ? len : width;
    }
    qvl_str_printf(out, "%-*s  role    pool      quota     passes    mode     "
                   "augmentation  objects  polygons  prompts: user, system\n",
                   (int)width, "entry");
    for (int i = 0; i < p->fusion->n; i++) {
        const qvl_fusion_entry *e = &p->fusion->entry[i];
        qvl_str_printf(out, "%-*s  %-6s  %-8zu  %-8zu", (int)width, e->name,
                       qvl_fusion_role_name(e), p->pool[i], p->quota[i]);
        put_passes(out, p, i);
        qvl_str_printf(out, "  %-7s  %-12s", qvl_fusion_mode_name(e->mode),
                       !e->augmentation_enabled ? "off"
                       : e->curriculum_enabled  ? "curriculum"
                                                : "on");
        put_objects(out, e);
        put_prompts(out, p, e);
        qvl_str_putc(out, '\n');
    }
}
