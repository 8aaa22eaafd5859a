/* tilings.c - random tilings that a device takes */
#include "program/tilings.h"

#include "backend/tiles.h"
#include "backend/tune.h"
#include "base/rng.h"
#include "check.h"
#include "find_kernel.h"

#define STEPS 200
#define MOST_UNROLLED 96  // multiplications
#define MOST_LOADS 32     // of the other side of attention

static const char *const ops[] = {
    "matmul_nt", "matmul_nn", "matmul_tn", "attention", "attention_dq",
    "attention_dkv", "attention_cached", "expert_nt", "expert_nn", "map",
    "col_sum_part", "rms_norm_dw_part", "layer_norm_dw_part", "lookup_dx",
    "cross_entropy",
};
static bool was_drawn[QVL_COUNT(ops)];

/* NULL: the kernel has none of this name, which may be NULL. */
static uint32_t *value_of(qvl_choice *c, const char *name)
{
    for (int i = 0; name != NULL && i < c->n; i++)
        if (strcmp(c->name[i], name) == 0)
            return &c->value[i];
    return NULL;
}

/* Make a side of the block of a lane at most 2, and the tile of a group smaller
 * with it, so that a lane has no more blocks than before. */
static void shrink(qvl_choice *c, const char *side, const char *tile)
{
    uint32_t *of_lane = value_of(c, side);
    uint32_t *of_group = value_of(c, tile);
    while (of_lane != NULL && *of_lane >= 4) {
        *of_lane /= 2;
        if (of_group != NULL)
            *of_group /= 2;
    }
}

/* The shipped tiles, where a driver compiles slowly in smaller blocks. */
static qvl_choice light(const qvl_device *dev, const qvl_kernel *k)
{
    qvl_choice c;
    qvl_choice_shipped(dev, k, &c);
    if (dev->info.device_class != QVL_CLASS_VULKAN_CPU)
        return c;
    shrink(&c, "RM", "BM");
    shrink(&c, "RN", "BN");
    shrink(&c, "RJ", "BQ");
    shrink(&c, "RD", NULL);
    return c;
}

/* Numbers of the other side that attention reads one behind the other, 0: it is
 * another kernel. */
static uint64_t count_loads(qvl_choice *c)
{
    const uint32_t *score = value_of(c, "RJ"), *out = value_of(c, "RD");
    const uint32_t *steps = value_of(c, "STEP");
    if (score == NULL || out == NULL || steps == NULL)
        return 0;
    return ((uint64_t)*score + *out) * *steps;
}

/* Is what a compiler unrolls short enough to compile in no time? */
static bool is_light(qvl_choice *c)
{
    static const char *const unrolled[] = { "RM", "RN", "RJ", "RD", "TM", "TN",
                                            "STEP" };
    uint64_t n = 1;
    for (size_t i = 0; i < QVL_COUNT(unrolled); i++) {
        const uint32_t *v = value_of(c, unrolled[i]);
        n *= v == NULL ? 1 : *v;
    }
    return n <= MOST_UNROLLED && count_loads(c) <= MOST_LOADS;
}

/* With the constants as large as heads are. */
static bool fits(const qvl_device *dev, const qvl_kernel *k,
                 const qvl_choice *c)
{
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
    qvl_tiling t = { .lanes = c->value[0] };
    for (int i = 1; i < c->n; i++)
        t.tile[i - 1] = c->value[i];
    for (int i = 0; i < QVL_KERNEL_MAX_ARGS; i++)
        arg[i] = 128;
    return qvl_choice_check(dev, k, c, NULL) == QVL_OK
           && qvl_tuned_fits(dev, k, &t, arg, NULL) == QVL_OK;
}

/* One or two values doubled, halved, or changed by one. */
static void step(qvl_choice *c, qvl_rng *r)
{
    int n = 1 + (int)qvl_rng_below(r, 2);
    for (int i = 0; i < n; i++) {
        uint32_t *v = &c->value[qvl_rng_below(r, (uint64_t)c->n)];
        switch (qvl_rng_below(r, 4)) {
        case 0:
            *v = *v < 256 ? 2 * *v : *v;
            break;
        case 1:
            *v = *v / 2;
            break;
        case 2:
            *v = *v < 12 ? *v + 1 : *v;
            break;
        default:
            *v = *v <= 12 && *v > 1 ? *v - 1 : *v;
            break;
        }
    }
}

void tilings_draw(qvl_device *dev, uint64_t seed)
{
    for (size_t i = 0; i < QVL_COUNT(ops); i++) {
        qvl_err err;
        qvl_choice c, shipped;
        const qvl_kernel *k = find_kernel(ops[i]);
        qvl_rng r = { .key = qvl_rng_mix(qvl_rng_mix(seed, i), 1) };
        qvl_choice_shipped(dev, k, &shipped);
        c = light(dev, k);
        for (int n = 0; n < STEPS
             || (n < 2 * STEPS && qvl_choice_is(&c, &shipped)); n++) {
            qvl_choice next = c;
            step(&next, &r);
            c = is_light(&next) && fits(dev, k, &next) ? next : c;
        }
        was_drawn[i] = was_drawn[i] || !qvl_choice_is(&c, &shipped);
        CHECK_OK(qvl_choice_use(dev, k, &c, &err), err);
        print_message("  %s:", ops[i]);
        for (int n = 0; n < c.n; n++)
            print_message(" %s=%u", c.name[n], (unsigned)c.value[n]);
        print_message("\n");
    }
}

void tilings_light(qvl_device *dev)
{
    for (size_t i = 0; i < QVL_COUNT(ops); i++) {
        qvl_err err;
        const qvl_kernel *k = find_kernel(ops[i]);
        qvl_choice c = light(dev, k);
        CHECK_OK(qvl_choice_use(dev, k, &c, &err), err);
    }
}

void tilings_reset(qvl_device *dev)
{
    for (size_t i = 0; i < QVL_COUNT(ops); i++) {
        qvl_err err;
        CHECK_OK(qvl_choice_use(dev, find_kernel(ops[i]), NULL, &err), err);
    }
}

void tilings_end(const char *device)
{
    for (size_t i = 0; i < QVL_COUNT(ops); i++) {
        CHECK(was_drawn[i], "%s: %s had no other tiles", device, ops[i]);
        was_drawn[i] = false;
    }
}
