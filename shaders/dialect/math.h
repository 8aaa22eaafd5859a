/* math.h - functions of one number, the same text in C, OpenCL C and GLSL
 *
 * The languages promise little about exp, log and their kin (GLSL allows errors
 * in the fifth digit), so they are made here of additions, products, divisions
 * and bits. Included by the header of each language, which defines FN (head of
 * a function), EXACT(name, a, b, c) (a f32, a b + c with an exact product, not
 * merged with what follows) and fma_f32, sqrt_f32, floor_f32, abs_f32, f32_bits, bits_f32, to_*.
 *
 * No branches: a compiler turns every loop over these into vectors. NaN gives
 * NaN and infinity gives the limit, where the language keeps them (OpenCL C and
 * C do, GLSL need not). A result below 2^-126 may be flushed to 0.
 *
 * Errors below were measured on C against double, over at least 10^6 arguments
 * in each range; "abs" is the difference, "rel" is relative to the result.
 */

#define INFINITY_F32 bits_f32(0x7f800000u)
#define NAN_F32 bits_f32(0x7fc00000u)

FN f32 max_f32(f32 a, f32 b)
{
    return a > b ? a : b;
}

FN f32 min_f32(f32 a, f32 b)
{
    return a < b ? a : b;
}

/* x kept between lo and hi; NaN stays NaN. */
FN f32 clamp_f32(f32 x, f32 lo, f32 hi)
{
    f32 y = x < lo ? lo : x;
    return y > hi ? hi : y;
}

FN u32 max_u32(u32 a, u32 b)
{
    return a > b ? a : b;
}

FN u32 min_u32(u32 a, u32 b)
{
    return a < b ? a : b;
}

FN i32 max_i32(i32 a, i32 b)
{
    return a > b ? a : b;
}

FN i32 min_i32(i32 a, i32 b)
{
    return a < b ? a : b;
}

/* a / b rounded up, b > 0. */
FN u32 ceil_div(u32 a, u32 b)
{
    return a / b + (a % b != 0u ? 1u : 0u);
}

FN f32 rsqrt_f32(f32 x)
{
    return 1.0f / sqrt_f32(x);
}

/* 2^n for -126 <= n <= 127. */
FN f32 exp2_i32(i32 n)
{
    return bits_f32(to_u32(n + 127) << 23);
}

/* e^x; rel 1e-7.
 *
 *     n = round(x / ln 2), r = x - n ln 2 in two exact steps
 *     e^x = 2^n (1 + r + r^2 Q(r)), Q of degree 4, good to 3e-9
 *
 * 2^n is applied in halves, as n reaches from -150 to 128; the first is added
 * to the exponent, so that no compiler multiplies the two halves. */
FN f32 exp_f32(f32 x)
{
    f32 y = clamp_f32(x, -104.0f, 89.0f);
    f32 n = floor_f32(fma_f32(y, 1.44269504f, 0.5f));
    EXACT(r1, n, -0.693359375f, y);
    EXACT(r, n, 2.12194440e-4f, r1);
    f32 q = fma_f32(r, 1.38150691e-3f, 8.36873427e-3f);
    q = fma_f32(r, q, 4.16683815e-2f);
    q = fma_f32(r, q, 0.166665211f);
    q = fma_f32(r, q, 0.49999994f);
    f32 p = fma_f32(r, fma_f32(r, q, 1.0f), 1.0f);
    i32 k = to_i32(n);
    f32 half_way = bits_f32(f32_bits(p) + (to_u32(k >> 1) << 23));
    return half_way * exp2_i32(k - (k >> 1));
}

/* ln x; rel 2.3e-7. -infinity for 0, NaN below.
 *
 *     x = 2^k m, sqrt(1/2) <= m < sqrt(2); s = (m - 1) / (m + 1)
 *     ln m = 2 s + 2 s^3 R(s^2), R of degree 2, good to 8e-10 */
FN f32 log_f32(f32 x)
{
    bool tiny = x < 1.17549435e-38f;
    u32 u = f32_bits(tiny ? x * 8388608.0f : x) - 0x3f3504f3u;
    f32 k = to_f32(to_i32(u) >> 23) - (tiny ? 23.0f : 0.0f);
    f32 m = bits_f32((u & 0x007fffffu) + 0x3f3504f3u);
    f32 s = (m - 1.0f) / (m + 1.0f);
    f32 z = s * s;
    f32 w = fma_f32(z, fma_f32(z, 0.149376124f, 0.199887127f), 0.33333388f);
    f32 y = fma_f32(2.0f * s, z * w, 2.0f * s);
    y = fma_f32(k, 0.693359375f, fma_f32(k, -2.12194440e-4f, y));
    y = x < INFINITY_F32 ? y : x;
    y = x == 0.0f ? -INFINITY_F32 : y;
    return x < 0.0f ? NAN_F32 : y;
}

/* tanh x; rel 1.7e-7.
 *
 *     |x| < 0.55   x + x^3 P(x^2), P of degree 4, good to 1e-9
 *     else         sign(x) (1 - t) / (1 + t), t = e^(-2|x|) */
FN f32 tanh_f32(f32 x)
{
    f32 z = x * x;
    f32 p = fma_f32(z, -6.28255168e-3f, 2.10777856e-2f);
    p = fma_f32(z, p, -5.38538545e-2f);
    p = fma_f32(z, p, 0.133326009f);
    p = fma_f32(z, p, -0.333333194f);
    f32 near = fma_f32(x * z, p, x);
    f32 t = exp_f32(-2.0f * abs_f32(x));
    f32 far = (1.0f - t) / (1.0f + t);
    return abs_f32(x) < 0.55f ? near : (x < 0.0f ? -far : far);
}

/* erf x for |x| <= 1: x P(x^2), P of degree 6, good to 1.2e-9. */
FN f32 erf_near_f32(f32 x)
{
    f32 z = x * x;
    f32 p = fma_f32(z, 7.88910693e-5f, -8.02083756e-4f);
    p = fma_f32(z, p, 5.18953474e-3f);
    p = fma_f32(z, p, -2.68544443e-2f);
    p = fma_f32(z, p, 0.112836003f);
    p = fma_f32(z, p, -0.37612626f);
    return x * fma_f32(z, p, 1.12837911f);
}

/* 1 - erf a for a >= 1: e^-Q(a), Q of degree 8; 0 from a = 5 on, where the
 * true value is below 1.6e-12. */
FN f32 erfc_far_f32(f32 a)
{
    f32 q = fma_f32(a, -1.19291076e-6f, 3.69009576e-5f);
    q = fma_f32(a, q, -5.16739674e-4f);
    q = fma_f32(a, q, 4.37294319e-3f);
    q = fma_f32(a, q, -2.52965987e-2f);
    q = fma_f32(a, q, 0.108068503f);
    q = fma_f32(a, q, 0.633983195f);
    q = fma_f32(a, q, 1.12896657f);
    q = fma_f32(a, q, -7.97267421e-6f);
    f32 e = exp_f32(-q);
    return a >= 5.0f ? 0.0f : e;
}

/* erf x; rel 1.8e-7, abs 1.4e-7. */
FN f32 erf_f32(f32 x)
{
    f32 a = abs_f32(x);
    f32 far = 1.0f - erfc_far_f32(a);
    return a < 1.0f ? erf_near_f32(x) : (x < 0.0f ? -far : far);
}

/* Normal distribution: (1 + erf(x / sqrt 2)) / 2, without cancellation in the
 * left tail; abs 1.1e-7. */
FN f32 normal_cdf_f32(f32 x)
{
    f32 z = 0.707106781f * x;
    f32 near = fma_f32(0.5f, erf_near_f32(z), 0.5f);
    f32 tail = 0.5f * erfc_far_f32(abs_f32(z));
    return abs_f32(z) < 1.0f ? near : (z < 0.0f ? tail : 1.0f - tail);
}

/* 1 / (1 + e^-x); rel 1.6e-7 for x > -88. */
FN f32 sigmoid_f32(f32 x)
{
    return 1.0f / (1.0f + exp_f32(-x));
}

/* s (1 - s) of s = sigmoid(x), the derivative; rel 3e-7. */
FN f32 dsigmoid_f32(f32 x)
{
    f32 t = exp_f32(-abs_f32(x));
    f32 r = 1.0f / (1.0f + t);
    return t * r * r;
}

/* x sigmoid(x); rel 1.8e-7 for x > -88. */
FN f32 silu_f32(f32 x)
{
    f32 y = x < -104.0f ? -104.0f : x;
    return y / (1.0f + exp_f32(-y));
}

/* s + x s (1 - s); abs 2e-7. */
FN f32 dsilu_f32(f32 x)
{
    f32 y = clamp_f32(x, -104.0f, 104.0f);
    return fma_f32(y, dsigmoid_f32(y), sigmoid_f32(y));
}

/* x (1 + tanh u) / 2 = x sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3);
 * abs 1.3e-7 max(1, |x|). */
FN f32 gelu_tanh_f32(f32 x)
{
    f32 y = x < -16.0f ? -16.0f : x;
    return y * sigmoid_f32(1.59576912f * fma_f32(0.044715f * y, y * y, y));
}

/* Derivative of gelu_tanh: s + x s (1 - s) 2 u', s = sigmoid(2 u); abs
 * 2.1e-7. */
FN f32 dgelu_tanh_f32(f32 x)
{
    f32 y = clamp_f32(x, -16.0f, 16.0f);
    f32 z = 1.59576912f * fma_f32(0.044715f * y, y * y, y);
    f32 dz = 1.59576912f * fma_f32(0.134145f * y, y, 1.0f);
    return fma_f32(y * dz, dsigmoid_f32(z), sigmoid_f32(z));
}

/* x N(x), N the normal distribution; abs 1.1e-7 max(1, |x|). */
FN f32 gelu_erf_f32(f32 x)
{
    f32 y = x < -16.0f ? -16.0f : x;
    return y * normal_cdf_f32(y);
}

/* Derivative of gelu_erf: N(x) + x e^(-x^2/2) / sqrt(2 pi); abs 1.6e-7. */
FN f32 dgelu_erf_f32(f32 x)
{
    f32 y = clamp_f32(x, -16.0f, 16.0f);
    return fma_f32(0.398942280f * y, exp_f32(-0.5f * y * y),
                   normal_cdf_f32(y));
}

/* f16 in the low half of a word, to and from f32: nearest, ties to even; too
 * large is infinite, NaN stays NaN, denormals count. */
FN u32 f32_to_f16(f32 x)
{
    u32 u = f32_bits(x);
    u32 a = u & 0x7fffffffu;
    u32 odd = a >> 13 & 1u;
    u32 normal = (a - 0x38000000u + 0xfffu + odd) >> 13;
    u32 small = f32_bits(bits_f32(a) + 0.5f) - 0x3f000000u;
    u32 h = a < 0x38800000u ? small : normal;
    h = a >= 0x477ff000u ? 0x7c00u : h;
    h = a > 0x7f800000u ? 0x7e00u : h;
    return h | (u >> 16 & 0x8000u);
}

FN f32 f16_to_f32(u32 h)
{
    u32 a = h & 0x7fffu;
    u32 normal = (a << 13) + 0x38000000u;
    u32 small = f32_bits(to_f32(a) * 5.96046448e-8f);
    u32 u = a < 0x400u ? small : normal;
    u = a >= 0x7c00u ? normal + 0x38000000u : u;
    return bits_f32(u | (h & 0x8000u) << 16);
}
