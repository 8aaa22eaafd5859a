/* lanes.h - sixteen bytes that are worked on at once
 *
 * What compilers do not make of a loop by themselves: sums of products of pairs, and
 * words packed to bytes. The instructions are those that every x86-64 has (SSE2);
 * elsewhere, or where QVL_PLAIN_LANES is defined, the same is written as loops. All
 * are whole numbers, so the results are the same, and nothing here rounds.
 *
 * The sixteen bytes are taken as 16 bytes, 8 words of 16 bits or 4 numbers of 32
 * bits, the lowest first in memory; the names say which. Sums wrap around.
 */
#ifndef QVL_LANES_H
#define QVL_LANES_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(QVL_PLAIN_LANES)
#include <emmintrin.h>

typedef __m128i qvl_lanes;

static inline qvl_lanes qvl_lanes_zero(void)
{
    return _mm_setzero_si128();
}

/* 16 bytes from anywhere. */
static inline qvl_lanes qvl_lanes_load(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline void qvl_lanes_store(void *p, qvl_lanes v)
{
    _mm_storeu_si128((__m128i *)p, v);
}

/* 8 bytes from anywhere, and zeroes behind them. */
static inline qvl_lanes qvl_lanes_load_half(const void *p)
{
    return _mm_loadl_epi64((const __m128i *)p);
}

/* One number in all four places. */
static inline qvl_lanes qvl_lanes_fill_i32(int32_t v)
{
    return _mm_set1_epi32(v);
}

/* The first, the second number of v in all four places. */
static inline qvl_lanes qvl_lanes_first_i32(qvl_lanes v)
{
    return _mm_shuffle_epi32(v, 0x00);
}

static inline qvl_lanes qvl_lanes_second_i32(qvl_lanes v)
{
    return _mm_shuffle_epi32(v, 0x55);
}

/* The first number. */
static inline int32_t qvl_lanes_take_i32(qvl_lanes v)
{
    return _mm_cvtsi128_si32(v);
}

/* a0 b0 a1 b1 ...: the lower eight bytes of both in turns, the upper eight. */
static inline qvl_lanes qvl_lanes_lower_u8(qvl_lanes a, qvl_lanes b)
{
    return _mm_unpacklo_epi8(a, b);
}

static inline qvl_lanes qvl_lanes_upper_u8(qvl_lanes a, qvl_lanes b)
{
    return _mm_unpackhi_epi8(a, b);
}

/* a[2i] b[2i] + a[2i + 1] b[2i + 1] of words, as number i. */
static inline qvl_lanes qvl_lanes_pairs_i16(qvl_lanes a, qvl_lanes b)
{
    return _mm_madd_epi16(a, b);
}

static inline qvl_lanes qvl_lanes_add_i32(qvl_lanes a, qvl_lanes b)
{
    return _mm_add_epi32(a, b);
}

/* Shifted by n < 32 bits, to the right with the sign. */
static inline qvl_lanes qvl_lanes_left_i32(qvl_lanes v, int n)
{
    return _mm_sll_epi32(v, _mm_cvtsi32_si128(n));
}

static inline qvl_lanes qvl_lanes_right_i32(qvl_lanes v, int n)
{
    return _mm_sra_epi32(v, _mm_cvtsi32_si128(n));
}

/* v / 2^bits, rounded, halves to even, in the lower word of each number; the upper one
 * has no meaning. |v| < 2^22 and the results are words. (The last bit of a float from
 * 2^(23 + bits) on is 2^bits.) */
static inline qvl_lanes qvl_lanes_round_i32(qvl_lanes v, int bits)
{
    __m128 from = _mm_set1_ps(1.5f * (float)(1 << 23) * (float)(1 << bits));
    return _mm_castps_si128(_mm_add_ps(_mm_cvtepi32_ps(v), from));
}

/* The lower words of the numbers of both, in turns. */
static inline qvl_lanes qvl_lanes_turns_i16(qvl_lanes a, qvl_lanes b)
{
    return _mm_or_si128(_mm_and_si128(a, _mm_set1_epi32(0xffff)),
                        _mm_slli_epi32(b, 16));
}

/* a, then b: numbers as words, words as bytes, those out of range cut off. */
static inline qvl_lanes qvl_lanes_pack_i32(qvl_lanes a, qvl_lanes b)
{
    return _mm_packs_epi32(a, b);
}

static inline qvl_lanes qvl_lanes_pack_u8(qvl_lanes a, qvl_lanes b)
{
    return _mm_packus_epi16(a, b);
}

#else

typedef union {
    uint8_t u8[16];
    int16_t i16[8];
    int32_t i32[4];
    uint32_t u32[4];
} qvl_lanes;

static inline qvl_lanes qvl_lanes_zero(void)
{
    return (qvl_lanes){ { 0 } };
}

static inline qvl_lanes qvl_lanes_load(const void *p)
{
    qvl_lanes v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void qvl_lanes_store(void *p, qvl_lanes v)
{
    memcpy(p, &v, sizeof v);
}

static inline qvl_lanes qvl_lanes_load_half(const void *p)
{
    qvl_lanes v = qvl_lanes_zero();
    memcpy(&v, p, sizeof v / 2);
    return v;
}

static inline qvl_lanes qvl_lanes_fill_i32(int32_t v)
{
    return (qvl_lanes){ .i32 = { v, v, v, v } };
}

static inline qvl_lanes qvl_lanes_first_i32(qvl_lanes v)
{
    return qvl_lanes_fill_i32(v.i32[0]);
}

static inline qvl_lanes qvl_lanes_second_i32(qvl_lanes v)
{
    return qvl_lanes_fill_i32(v.i32[1]);
}

static inline int32_t qvl_lanes_take_i32(qvl_lanes v)
{
    return v.i32[0];
}

static inline qvl_lanes qvl_lanes_lower_u8(qvl_lanes a, qvl_lanes b)
{
    qvl_lanes v;
    for (int i = 0; i < 8; i++) {
        v.u8[2 * i] = a.u8[i];
        v.u8[2 * i + 1] = b.u8[i];
    }
    return v;
}

static inline qvl_lanes qvl_lanes_upper_u8(qvl_lanes a, qvl_lanes b)
{
    qvl_lanes v;
    for (int i = 0; i < 8; i++) {
        v.u8[2 * i] = a.u8[8 + i];
        v.u8[2 * i + 1] = b.u8[8 + i];
    }
    return v;
}

static inline qvl_lanes qvl_lanes_pairs_i16(qvl_lanes a, qvl_lanes b)
{
    qvl_lanes v;
    for (int i = 0; i < 4; i++)
        v.u32[i] = (uint32_t)(a.i16[2 * i] * b.i16[2 * i])
                   + (uint32_t)(a.i16[2 * i + 1] * b.i16[2 * i + 1]);
    return v;
}

static inline qvl_lanes qvl_lanes_add_i32(qvl_lanes a, qvl_lanes b)
{
    for (int i = 0; i < 4; i++)
        a.u32[i] += b.u32[i];
    return a;
}

static inline qvl_lanes qvl_lanes_left_i32(qvl_lanes v, int n)
{
    for (int i = 0; i < 4; i++)
        v.u32[i] <<= n;
    return v;
}

static inline qvl_lanes qvl_lanes_right_i32(qvl_lanes v, int n)
{
    for (int i = 0; i < 4; i++)
        v.i32[i] >>= n;
    return v;
}

static inline qvl_lanes qvl_lanes_round_i32(qvl_lanes v, int bits)
{
    for (int i = 0; i < 4; i++) {
        int32_t is_odd = v.i32[i] >> bits & 1;
        v.i32[i] = (v.i32[i] + (1 << (bits - 1)) - 1 + is_odd) >> bits;
    }
    return v;
}

static inline qvl_lanes qvl_lanes_turns_i16(qvl_lanes a, qvl_lanes b)
{
    qvl_lanes v;
    for (int i = 0; i < 4; i++) {
        v.i16[2 * i] = a.i16[2 * i];
        v.i16[2 * i + 1] = b.i16[2 * i];
    }
    return v;
}

static inline int32_t qvl_lanes_clamp(int32_t v, int32_t lo, int32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static inline qvl_lanes qvl_lanes_pack_i32(qvl_lanes a, qvl_lanes b)
{
    qvl_lanes v;
    for (int i = 0; i < 4; i++) {
        v.i16[i] = (int16_t)qvl_lanes_clamp(a.i32[i], INT16_MIN, INT16_MAX);
        v.i16[4 + i] = (int16_t)qvl_lanes_clamp(b.i32[i], INT16_MIN, INT16_MAX);
    }
    return v;
}

static inline qvl_lanes qvl_lanes_pack_u8(qvl_lanes a, qvl_lanes b)
{
    qvl_lanes v;
    for (int i = 0; i < 8; i++) {
        v.u8[i] = (uint8_t)qvl_lanes_clamp(a.i16[i], 0, 255);
        v.u8[8 + i] = (uint8_t)qvl_lanes_clamp(b.i16[i], 0, 255);
    }
    return v;
}

#endif

/* n <= 16 bytes, and zeroes behind them. */
static inline qvl_lanes qvl_lanes_load_few(const void *p, size_t n)
{
    uint8_t b[16] = { 0 };
    memcpy(b, p, n);
    return qvl_lanes_load(b);
}

static inline void qvl_lanes_store_few(void *p, size_t n, qvl_lanes v)
{
    uint8_t b[16];
    qvl_lanes_store(b, v);
    memcpy(p, b, n);
}

#endif
