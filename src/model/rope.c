/* rope.c - rotary angles */
#include "model/rope.h"

#include <assert.h>
#include <math.h>

#define VISION_THETA 10000.0  // fixed in the architecture, not in a config

static const double pi = 3.14159265358979323846;

void qvl_rope_frequencies(float *f, int n, double theta, int dim)
{
    for (int j = 0; j < n; j++) {
        double exponent = (double)((float)(2 * j) / (float)dim);
        f[j] = 1.0f / (float)pow(theta, exponent);
    }
}

/* Number, not whole, of the frequency that turns `turns` times within the
 * original length. */
static double frequency_of_turns(const qvl_rope_config *c, double turns)
{
    return c->dim * log(c->original_positions / (2.0 * pi * turns))
           / (2.0 * log(c->theta));
}

static void stretch(float *f, int n, const qvl_rope_config *c)
{
    double low = fmax(0.0, floor(frequency_of_turns(c, c->beta_fast)));
    double high =
        fmin(c->dim - 1.0, ceil(frequency_of_turns(c, c->beta_slow)));
    if (high == low)
        high += 0.001;
    for (int j = 0; j < n; j++) {
        double ramp = fmin(fmax((j - low) / (high - low), 0.0), 1.0);
        f[j] = (float)(f[j] * (1.0 - ramp) + f[j] / c->factor * ramp);
    }
}

static double yarn_scale(const qvl_rope_config *c)
{
    if (c->attention_factor > 0.0)
        return c->attention_factor;
    return c->factor > 1.0 ? 0.1 * log(c->factor) + 1.0 : 1.0;
}

static int axis_of(int j, const int section[3])
{
    if (j % 3 == 1 && j < 3 * section[1])
        return 1;
    if (j % 3 == 2 && j < 3 * section[2])
        return 2;
    return 0;
}

void qvl_rope_init(qvl_rope *rope, const qvl_rope_config *config,
                   qvl_arena *arena)
{
    assert(config->dim > 0 && config->dim % 2 == 0);

    int n = config->dim / 2;
    float *f = qvl_arena_array(arena, float, n);
    uint8_t *axis = qvl_arena_array(arena, uint8_t, n);
    qvl_rope_frequencies(f, n, config->theta, config->dim);
    for (int j = 0; j < n; j++)
        axis[j] = (uint8_t)axis_of(j, config->section);

    *rope = (qvl_rope){ .n = n, .f = f, .axis = axis, .scale = 1.0 };
    if (config->type == QVL_ROPE_YARN) {
        stretch(f, n, config);
        rope->scale = yarn_scale(config);
    }
}

static void put(float *cosine, float *sine, float angle, double scale)
{
    *cosine = (float)(cos((double)angle) * scale);
    *sine = (float)(sin((double)angle) * scale);
}

void qvl_rope_angles(float *out, const qvl_rope *rope,
                     const int32_t *position, size_t n)
{
    for (size_t t = 0; t < n; t++) {
        float *cosine = out + t * 2 * (size_t)rope->n;
        const int32_t *p = position + t * 3;
        for (int j = 0; j < rope->n; j++) {
            float angle = (float)p[rope->axis[j]] * rope->f[j];
            put(cosine + j, cosine + rope->n + j, angle, rope->scale);
        }
    }
}

void qvl_rope_patch_angles(float *out, const int32_t *place, size_t n,
                           int n_angles, qvl_arena *arena)
{
    assert(n_angles > 0 && n_angles % 2 == 0);

    int half = n_angles / 2;
    float *f = qvl_arena_array(arena, float, half);
    qvl_rope_frequencies(f, half, VISION_THETA, n_angles);
    for (size_t t = 0; t < n; t++) {
        float *cosine = out + t * 2 * (size_t)n_angles;
        for (int j = 0; j < n_angles; j++) {
            float angle = (float)place[t * 2 + (size_t)(j / half)]
                          * f[j % half];
            put(cosine + j, cosine + n_angles + j, angle, 1.0);
        }
    }
}
