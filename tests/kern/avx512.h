/* avx512.h - the AVX-512 instructions of shaders/dialect/c.h by those of AVX2
 *
 * Included before the kernels of x86-64-v4 where QVL_EMULATE_AVX512 compiles
 * them for x86-64-v3, so that their tiles and vectors of 16 run on processors
 * without AVX-512. Slow: for tests alone.
 */
#ifndef TESTS_KERN_AVX512_H
#define TESTS_KERN_AVX512_H

#include <immintrin.h>
#include <string.h>

/* Halves of a vector of 16 words; the attribute of __m512i does not matter. */
typedef struct {
    __m256i half[2];
} two_halves;

static inline two_halves halves_of(__m512i v)
{
    two_halves h;
    memcpy(&h, &v, sizeof h);
    return h;
}

static inline __m512i join_halves(__m256i lo, __m256i hi)
{
    two_halves h = { { lo, hi } };
    __m512i v;
    memcpy(&v, &h, sizeof v);
    return v;
}

static inline __m512i widen_u16(__m256i v)
{
    return join_halves(
        _mm256_cvtepu16_epi32(_mm256_castsi256_si128(v)),
        _mm256_cvtepu16_epi32(_mm256_extracti128_si256(v, 1)));
}

static inline __m256i narrow_u32(__m512i v)
{
    two_halves h = halves_of(v);
    __m256i low = _mm256_set1_epi32(0xffff);
    __m256i packed = _mm256_packus_epi32(_mm256_and_si256(h.half[0], low),
                                         _mm256_and_si256(h.half[1], low));
    return _mm256_permute4x64_epi64(packed, 0xd8);
}

static inline __m512 widen_f16(__m256i v)
{
    __m256 lo = _mm256_cvtph_ps(_mm256_castsi256_si128(v));
    __m256 hi = _mm256_cvtph_ps(_mm256_extracti128_si256(v, 1));
    return (__m512)join_halves((__m256i)lo, (__m256i)hi);
}

static inline __m256i narrow_f32(__m512 v)
{
    two_halves h = halves_of((__m512i)v);
    return _mm256_set_m128i(
        _mm256_cvtps_ph((__m256)h.half[1], _MM_FROUND_TO_NEAREST_INT),
        _mm256_cvtps_ph((__m256)h.half[0], _MM_FROUND_TO_NEAREST_INT));
}

#undef _mm512_cvtps_ph
#define _mm512_cvtepu16_epi32(v) widen_u16(v)
#define _mm512_cvtepi32_epi16(v) narrow_u32(v)
#define _mm512_cvtph_ps(v) widen_f16(v)
#define _mm512_cvtps_ph(v, rounding) narrow_f32(v)

#endif
