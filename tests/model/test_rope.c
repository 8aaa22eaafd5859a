/* test_rope.c - frequencies to the bit, axes, angles at far positions, yarn */
#include "check.h"

#include "base/half.h"
#include "model/rope.h"

static const qvl_rope_config plain = {
    .dim = 128, .theta = 5e6, .section = { 24, 20, 20 }
};

static void test_frequency_bits(void)
{
    static const struct {
        int j;
        uint32_t bits;
    } known[] = {
        { 0, 0x3f800000 },  { 1, 0x3f492c28 },  { 2, 0x3f1e165d },
        { 3, 0x3ef875a7 },  { 31, 0x3a152f76 }, { 58, 0x3563fb18 },
        { 59, 0x35332777 }, { 60, 0x350cc8e3 }, { 63, 0x3488a34f },
    };
    float f[64];
    qvl_rope_frequencies(f, 64, 5e6, 128);
    for (size_t i = 0; i < QVL_COUNT(known); i++)
        CHECK_INT(qvl_f32_bits(f[known[i].j]), known[i].bits, "f_%d",
                  known[i].j);
}

static void test_vision_frequencies(void)
{
    static const double of64[] = { 1, 0.562341332, 0.316227764, 0.177827939 };
    static const double of72[] = { 1, 0.599484205, 0.359381378, 0.215443447 };
    float f[18];
    qvl_rope_frequencies(f, 16, 1e4, 32);
    for (int j = 0; j < 4; j++)
        CHECK_NEAR(f[j], of64[j], 5e-10, "head of 64, f_%d", j);
    qvl_rope_frequencies(f, 18, 1e4, 36);
    for (int j = 0; j < 4; j++)
        CHECK_NEAR(f[j], of72[j], 5e-10, "head of 72, f_%d", j);
}

static void test_axes(void)
{
    static const char wanted[] =
        "THWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTHWTTTT";
    qvl_arena arena = { 0 };
    qvl_rope rope;
    qvl_rope_init(&rope, &plain, &arena);
    char found[65] = "";
    for (int j = 0; j < 64; j++)
        found[j] = "THW"[rope.axis[j]];
    CHECK_STR(found, wanted, "sections 24, 20, 20");

    qvl_rope_config text = plain;
    memset(text.section, 0, sizeof text.section);
    qvl_rope_init(&rope, &text, &arena);
    for (int j = 0; j < 64; j++)
        CHECK_INT(rope.axis[j], 0, "no sections, %d", j);
    qvl_arena_release(&arena);
}

/* The angle is rounded to float32 before its cosine is taken. */
static void test_far_positions(void)
{
    static const int32_t far[] = { 0, 1, 99999, 100000, 250000 };
    qvl_arena arena = { 0 };
    qvl_rope rope;
    qvl_rope_init(&rope, &plain, &arena);
    for (size_t i = 0; i < QVL_COUNT(far); i++) {
        int32_t position[3] = { far[i], far[i] + 3, far[i] + 7 };
        float out[128];
        qvl_rope_angles(out, &rope, position, 1);
        for (int j = 0; j < 64; j++) {
            volatile float angle =
                (float)position[rope.axis[j]] * rope.f[j];
            CHECK(out[j] == (float)cos((double)angle), "cos, %d at %d", j,
                  far[i]);
            CHECK(out[64 + j] == (float)sin((double)angle), "sin, %d at %d",
                  j, far[i]);
        }
    }
    qvl_arena_release(&arena);
}

static void test_patch_angles(void)
{
    qvl_arena arena = { 0 };
    static const int32_t place[4] = { 3, 5, 0, 47 };
    float out[2 * 2 * 36];
    qvl_rope_patch_angles(out, place, 2, 36, &arena);
    for (int t = 0; t < 2; t++)
        for (int j = 0; j < 36; j++) {
            double f = pow(10000.0, -2.0 * (j % 18) / 36.0);
            double angle = place[2 * t + j / 18] * f;
            /* One unit in the last place of an angle of 47. */
            CHECK_NEAR(out[t * 72 + j], cos(angle), 5e-6, "cos %d %d", t, j);
            CHECK_NEAR(out[t * 72 + 36 + j], sin(angle), 5e-6, "sin %d %d",
                       t, j);
        }
    qvl_arena_release(&arena);
}

static void test_yarn(void)
{
    qvl_arena arena = { 0 };
    qvl_rope_config c = plain;
    c.type = QVL_ROPE_YARN;
    c.factor = 3.0;
    c.original_positions = 262144.0;
    c.beta_fast = 32.0;
    c.beta_slow = 1.0;
    qvl_rope rope, base;
    qvl_rope_init(&rope, &c, &arena);
    qvl_rope_init(&base, &plain, &arena);
    /* at(32) = 29.8.., at(1) = 44.1..: kept below 29, stretched from 45 on. */
    CHECK_NEAR(rope.scale, 0.1 * log(3.0) + 1.0, 1e-12, "scale");
    for (int j = 0; j < 64; j++) {
        double ramp = j < 29 ? 0.0 : j > 45 ? 1.0 : (j - 29.0) / 16.0;
        double want = base.f[j] * (1.0 - ramp) + base.f[j] / 3.0 * ramp;
        CHECK_NEAR(rope.f[j] / want, 1.0, 1e-7, "f_%d", j);
    }
    c.attention_factor = 1.5;
    qvl_rope_init(&rope, &c, &arena);
    float out[128];
    qvl_rope_angles(out, &rope, (int32_t[]){ 0, 0, 0 }, 1);
    CHECK(out[0] == 1.5f && out[64] == 0.0f, "factor given");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_frequency_bits), TEST(test_vision_frequencies),
          TEST(test_axes), TEST(test_far_positions), TEST(test_patch_angles),
          TEST(test_yarn))
