/* test_half.c - 16-bit floats both ways, every one of them and every border between
 * two
 */
#include "base/half.h"

#include "check.h"

/* The second method: a 16-bit format as numbers, by its definition.
 *
 *     value(h) = (-1)^s * 2^(max(e, 1) - bias - f_bits) * (f + (e > 0) 2^f_bits)
 */
typedef struct {
    const char *name;
    int e_bits;
    int f_bits;
    float (*to_f32)(uint16_t);
    uint16_t (*from_f32)(float);
} half_format;

static const half_format formats[] = {
    { "bf16", 8, 7, qvl_bf16_to_f32, qvl_f32_to_bf16 },
    { "f16", 5, 10, qvl_f16_to_f32, qvl_f32_to_f16 },
};

static double value_of(const half_format *t, unsigned h)
{
    int e = (int)(h >> t->f_bits) & ((1 << t->e_bits) - 1);
    int f = (int)h & ((1 << t->f_bits) - 1);
    double sign = h & 0x8000u ? -1.0 : 1.0;
    if (e == (1 << t->e_bits) - 1)
        return f != 0 ? (double)NAN : sign * (double)INFINITY;
    int bias = (1 << (t->e_bits - 1)) - 1;
    int whole = f + (e > 0 ? 1 << t->f_bits : 0);
    return sign * ldexp(whole, (e > 0 ? e : 1) - bias - t->f_bits);
}

static unsigned infinity_of(const half_format *t)
{
    return ((1u << t->e_bits) - 1u) << t->f_bits;
}

/* Nearest 16-bit number to |x|, ties to the even one. Codes are in the order
 * of their values; behind the largest the next power of two stands in for
 * infinity. */
static unsigned round_slowly(const half_format *t, double x)
{
    unsigned inf = infinity_of(t);
    unsigned low = 0;
    unsigned high = inf;
    while (high - low > 1) {
        unsigned mid = (low + high) / 2;
        if (value_of(t, mid) <= x)
            low = mid;
        else
            high = mid;
    }
    double a = value_of(t, low);
    double b = high == inf ? a + (a - value_of(t, low - 1)) : value_of(t, high);
    if (x - a != b - x)
        return x - a < b - x ? low : high;
    return low % 2 == 0 ? low : high;
}

static void check_float(const half_format *t, uint32_t bits)
{
    float x = qvl_f32_from_bits(bits);
    unsigned h = t->from_f32(x);
    CHECK_INT(h >> 15, bits >> 31, "%s %a: sign", t->name, (double)x);
    unsigned magnitude = h & 0x7fffu;
    if (isnan(x))
        CHECK(magnitude > infinity_of(t), "%s %08x: NaN", t->name, bits);
    else
        CHECK_INT(magnitude, round_slowly(t, fabs((double)x)), "%s %a", t->name,
                  (double)x);
}

/* All 65536 numbers of each format, and back. */
static void test_all_halves(void)
{
    for (size_t k = 0; k < QVL_COUNT(formats); k++) {
        const half_format *t = &formats[k];
        for (unsigned h = 0; h < 0x10000u; h++) {
            double wanted = value_of(t, h);
            float x = t->to_f32((uint16_t)h);
            if (isnan(wanted)) {
                CHECK(isnan(x), "%s %04x", t->name, h);
                unsigned back = t->from_f32(x);
                CHECK((back & 0x7fffu) > infinity_of(t), "%s %04x", t->name, h);
                CHECK_INT(back >> 15, h >> 15, "%s %04x: sign", t->name, h);
                continue;
            }
            CHECK((double)x == wanted && (signbit(x) != 0) == (h >> 15 != 0),
                  "%s %04x: %a", t->name, h, (double)x);
            CHECK_INT(t->from_f32(x), h, "%s back", t->name);
        }
    }
}

/* Rounding changes its result only halfway between neighbours, so the floats
 * at, just below and just above every number and every halfway point show all
 * of it. */
static void test_all_borders(void)
{
    for (size_t k = 0; k < QVL_COUNT(formats); k++) {
        const half_format *t = &formats[k];
        unsigned inf = infinity_of(t);
        for (unsigned h = 0; h < inf; h++) {
            double a = value_of(t, h);
            double b = h + 1 < inf ? value_of(t, h + 1)
                                   : a + (a - value_of(t, h - 1));
            uint32_t at = qvl_f32_bits((float)a);
            uint32_t half = qvl_f32_bits((float)((a + b) / 2));
            for (uint32_t d = 0; d < 3; d++) {
                check_float(t, half + d - 1);
                check_float(t, (half + d - 1) | 0x80000000u);
                if (at + d > 0)
                    check_float(t, at + d - 1);
            }
        }
    }
}

/* Floats from all over the range, infinities and NaNs included. */
static void test_sample(void)
{
    for (size_t k = 0; k < QVL_COUNT(formats); k++)
        for (uint64_t bits = 0; bits < (uint64_t)1 << 32; bits += 15013)
            check_float(&formats[k], (uint32_t)bits);
}

static void test_known(void)
{
    static const struct {
        float x;
        unsigned bf16, f16;
    } cases[] = {
        { 0.0f, 0x0000, 0x0000 },        { -0.0f, 0x8000, 0x8000 },
        { 1.0f, 0x3f80, 0x3c00 },        { -2.0f, 0xc000, 0xc000 },
        { 65504.0f, 0x4780, 0x7bff },    { 65519.0f, 0x4780, 0x7bff },
        { 65520.0f, 0x4780, 0x7c00 },    { 0x1p-24f, 0x3380, 0x0001 },
        { 0x1p-25f, 0x3300, 0x0000 },    { 0x1.8p-25f, 0x3340, 0x0001 },
        { 0x1p-14f, 0x3880, 0x0400 },    { 3.0e38f, 0x7f62, 0x7c00 },
        { 0x1.fffffep127f, 0x7f80, 0x7c00 }, { 0x1p-149f, 0x0000, 0x0000 },
        { INFINITY, 0x7f80, 0x7c00 },    { 0.1f, 0x3dcd, 0x2e66 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double x = (double)cases[i].x;
        CHECK_INT(qvl_f32_to_bf16(cases[i].x), cases[i].bf16, "%a", x);
        CHECK_INT(qvl_f32_to_f16(cases[i].x), cases[i].f16, "%a", x);
    }
    /* A NaN whose payload lies in the bits that are cut is still a NaN. */
    float nan = qvl_f32_from_bits(0x7f800001u);
    CHECK_INT(qvl_f32_to_bf16(nan), 0x7fc0, "quiet");
    CHECK_INT(qvl_f32_to_f16(nan), 0x7e00, "quiet");
}

RUN_TESTS(TEST(test_all_halves), TEST(test_all_borders), TEST(test_sample),
          TEST(test_known))
