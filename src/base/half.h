/* half.h - bf16 and f16 to f32 and back, in software
 *
 * Rounding is to nearest, ties to even; what is too large becomes infinite;
 * a NaN stays a NaN, keeps its sign and the upper bits of its payload, and
 * becomes quiet. Results do not depend on denormals being flushed. The
 * rounding mode of the processor must be the default one.
 *
 *     bf16   sign 1, exponent 8, fraction 7     the upper half of an f32
 *     f16    sign 1, exponent 5, fraction 10    up to 65504, down to 2^-24
 */
#ifndef QVL_HALF_H
#define QVL_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t qvl_f32_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float qvl_f32_from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline float qvl_bf16_to_f32(uint16_t h)
{
    return qvl_f32_from_bits((uint32_t)h << 16);
}

static inline uint16_t qvl_f32_to_bf16(float x)
{
    uint32_t u = qvl_f32_bits(x);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x0040u);
    /* Half a unit, less one when the last kept bit is even. */
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

static inline float qvl_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = h >> 10 & 0x1fu;
    uint32_t fraction = h & 0x3ffu;
    if (exponent == 0x1fu)  // infinity, NaN
        return qvl_f32_from_bits(sign | 0x7f800000u | fraction << 13
                                 | (fraction != 0 ? 0x00400000u : 0u));
    if (exponent != 0)
        return qvl_f32_from_bits(sign | (exponent + 112u) << 23
                                 | fraction << 13);
    float tiny = (float)fraction * 0x1p-24f;  // exact
    return qvl_f32_from_bits(sign | qvl_f32_bits(tiny));
}

static inline uint16_t qvl_f32_to_f16(float x)
{
    uint32_t u = qvl_f32_bits(x);
    uint32_t sign = u >> 16 & 0x8000u;
    uint32_t a = u & 0x7fffffffu;
    if (a > 0x7f800000u)  // NaN
        return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu));
    if (a >= 0x477ff000u)  // 65520, halfway between 65504 and 2^16
        return (uint16_t)(sign | 0x7c00u);
    if (a < 0x38800000u) {  // below 2^-14, the smallest normal f16
        /* One unit of 0.5f is 2^-24, a unit of the result: the addition
         * rounds as wanted. */
        float shifted = qvl_f32_from_bits(a) + 0.5f;
        return (uint16_t)(sign | (qvl_f32_bits(shifted) - 0x3f000000u));
    }
    a += 0xfffu + (a >> 13 & 1u);
    return (uint16_t)(sign | (a - 0x38000000u) >> 13);
}

#endif
