/* c.h - names of the kernel language in C
 *
 * A group has one lane: barriers vanish, loops over lanes are plain loops and
 * shared arrays are local ones. Compiled once per instruction set with
 * QVL_ISA_NAME v2, v3 or v4, which decides how many floats an `fv` has.
 *
 * What may be used in a body is listed in gen/kern/kern.h and math.h; the names
 * ld_*, st_*, add_* below serve the generated load_ and store_ macros.
 */
#ifndef DIALECT_C_H
#define DIALECT_C_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Generated code declares more than each body uses, and compares with a LANE
 * that is always 0. */
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wunused-function"

#define QVL_PASTE_(a, b) a##b
#define QVL_PASTE(a, b) QVL_PASTE_(a, b)
#define QVL_ISA_v2 0
#define QVL_ISA_v3 1
#define QVL_ISA_v4 2
#define QVL_ISA QVL_PASTE(QVL_ISA_, QVL_ISA_NAME)
#define QVL_FOR_ISA(name) QVL_PASTE(name, QVL_ISA_NAME)
/* One of three constants, by instruction set. */
#define QVL_BY_ISA(v2, v3, v4)                                                \
    (QVL_ISA == QVL_ISA_v2 ? (v2) : QVL_ISA == QVL_ISA_v3 ? (v3) : (v4))

typedef float f32;
typedef int32_t i32;
typedef uint32_t u32;
typedef uint16_t u16;

#if QVL_ISA == QVL_ISA_v4
#define VW 16u
#elif QVL_ISA == QVL_ISA_v3
#define VW 8u
#else
#define VW 4u
#endif
typedef f32 fv __attribute__((vector_size(VW * 4u)));
typedef i32 iv __attribute__((vector_size(VW * 4u)));
typedef u32 uv __attribute__((vector_size(VW * 4u)));

#define FN static inline
#define LANE 0u
#define LANES 1u
#define BARRIER ((void)0)
/* The compiler unrolls short loops of constant length by itself. */
#define UNROLL
#define LOOP_END(d) (d)
#define EACH_LANE(i, n) for (u32 i = 0u; i < (n); i++)
#define EACH_LANE_V(i, n) for (u32 i = 0u; i < (n) - (n) % VW; i += VW)
#define EACH_LANE_TAIL(i, n) for (u32 i = (n) - (n) % VW; i < (n); i++)
#define GROUP_SUM(part, v) ((void)(part))
#define GROUP_MAX(part, v) ((void)(part))

#define to_f32(x) ((f32)(x))
#define to_i32(x) ((i32)(x))
#define to_u32(x) ((u32)(x))

FN u32 f32_bits(f32 x)
{
    u32 u;
    memcpy(&u, &x, sizeof u);
    return u;
}

FN f32 bits_f32(u32 u)
{
    f32 x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Without the instruction the compiler, which may reorder sums, would join two
 * EXACT steps; the rounding between f32 and f64 keeps them apart. */
#ifdef __FMA__
#define fma_f32(a, b, c) __builtin_fmaf(a, b, c)
#define EXACT(name, a, b, c) const f32 name = __builtin_fmaf(a, b, c)
#else
#define fma_f32(a, b, c) ((a) * (b) + (c))
#define EXACT(name, a, b, c) const f32 name = (f32)((double)(a) * (b) + (c))
#endif

FN f32 sqrt_f32(f32 x)
{
    return __builtin_sqrtf(x);
}

FN f32 floor_f32(f32 x)
{
    return __builtin_floorf(x);
}

FN f32 abs_f32(f32 x)
{
    return __builtin_fabsf(x);
}

#include "math.h"

/* Vectors of VW neighbours. */

FN uv bits_of_fv(fv x)
{
    uv u;
    memcpy(&u, &x, sizeof u);
    return u;
}

FN fv fv_of_bits(uv u)
{
    fv x;
    memcpy(&x, &u, sizeof x);
    return x;
}

FN fv splat_fv(f32 x)
{
    return x - (fv){0.0f};
}

FN fv fma_fv(fv a, fv b, fv c)
{
    return a * b + c;
}

/* Lanes of a where the mask is set, else of b. */
FN fv pick_fv(iv mask, fv a, fv b)
{
    uv m = (uv)mask;
    return fv_of_bits((bits_of_fv(a) & m) | (bits_of_fv(b) & ~m));
}

FN fv max_fv(fv a, fv b)
{
    return pick_fv(a > b, a, b);
}

/* To an array of f32 and back. The loop is kept rolled until the compiler makes
 * vectors of loops, as unrolled it is not seen any more. */
#define SPLIT_FV(a, v) memcpy(a, &(v), sizeof(fv))
#define JOIN_FV(v, a) memcpy(&(v), a, sizeof(fv))
#define EACH_OF_FV(i) _Pragma("GCC unroll 1") for (u32 i = 0u; i < VW; i++)

FN fv exp_fv(fv x)
{
    f32 y[VW];
    SPLIT_FV(y, x);
    EACH_OF_FV(i)
        y[i] = exp_f32(y[i]);
    JOIN_FV(x, y);
    return x;
}

FN fv sqrt_fv(fv x)
{
    f32 y[VW];
    SPLIT_FV(y, x);
    EACH_OF_FV(i)
        y[i] = sqrt_f32(y[i]);
    JOIN_FV(x, y);
    return x;
}

/* Sum and maximum of the VW numbers, halving each time. */
FN f32 sum_fv(fv x)
{
    f32 y[VW];
    SPLIT_FV(y, x);
    for (u32 n = VW / 2u; n > 0u; n /= 2u)
        for (u32 i = 0u; i < n; i++)
            y[i] += y[i + n];
    return y[0];
}

FN f32 peak_fv(fv x)
{
    f32 y[VW];
    SPLIT_FV(y, x);
    for (u32 n = VW / 2u; n > 0u; n /= 2u)
        for (u32 i = 0u; i < n; i++)
            y[i] = max_f32(y[i], y[i + n]);
    return y[0];
}

/* Storage: an element REF(b, i), the first of VW neighbours REFV(b, i), its place
 * AT(off, ld, r, c) where rows have a stride. EXTENT says how far a buffer goes,
 * UNSET that nothing was written to an array. f32, i32 and u32 are kept as they
 * are, bf16 and f16 as u16; values are rounded to nearest, ties to even, and NaN
 * stays NaN. */

#ifdef QVL_CHECK_BOUNDS  // tests/mutate/run.sh

/* A group that leaves a buffer or an array ends the program, and what it reads of
 * an array before it is written is NaN. */
FN size_t within(size_t i, size_t n, size_t end)
{
    if (i + n > end)
        __builtin_trap();
    return i;
}

#define REF(b, i) ((b) + within(i, 1u, end_of_##b))
#define REFV(b, i) ((b) + within(i, VW, end_of_##b))
#define EXTENT(b, n) const size_t end_of_##b = n;
#define EXTENT_LD(b, off, ld, rows, cols)                                     \
    EXTENT(b, (rows) * (cols) > 0u ? AT(off, ld, (rows) - 1u, cols) : 0u)
#define UNSET(a) memset(a, 0xff, sizeof(a));
#define SPOT(a, i) ((a) + within(i, VW, sizeof(a) / sizeof(f32)))

#else

#define REF(b, i) ((b) + (i))
#define REFV(b, i) ((b) + (i))
#define EXTENT(b, n)
#define EXTENT_LD(b, off, ld, rows, cols)
#define UNSET(a)
#define SPOT(a, i) ((a) + (i))

#endif

#define AT(off, ld, r, c) ((size_t)(off) + (size_t)(r) * (ld) + (c))

FN f32 ld_f32(const f32 *p)
{
    return *p;
}

FN i32 ld_i32(const i32 *p)
{
    return *p;
}

FN u32 ld_u32(const u32 *p)
{
    return *p;
}

FN f32 ld_bf16(const u16 *p)
{
    return bits_f32((u32)*p << 16);
}

FN void st_f32(f32 *p, f32 v)
{
    *p = v;
}

FN void st_i32(i32 *p, i32 v)
{
    *p = v;
}

FN void st_u32(u32 *p, u32 v)
{
    *p = v;
}

FN void st_bf16(u16 *p, f32 v)
{
    u32 u = f32_bits(v);
    u32 near = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    *p = (u16)((u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : near);
}

FN fv ldv_f32(const f32 *p)
{
    fv v;
    memcpy(&v, p, sizeof v);
    return v;
}

FN void stv_f32(f32 *p, fv v)
{
    memcpy(p, &v, sizeof v);
}

/* VW halves as words, and the low halves of words back. */
FN uv load_halves(const u16 *p)
{
#if QVL_ISA == QVL_ISA_v4
    return (uv)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p));
#elif QVL_ISA == QVL_ISA_v3
    return (uv)_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)p));
#else
    return (uv)_mm_cvtepu16_epi32(_mm_loadl_epi64((const void *)p));
#endif
}

FN void store_halves(u16 *p, uv u)
{
#if QVL_ISA == QVL_ISA_v4
    _mm256_storeu_si256((void *)p, _mm512_cvtepi32_epi16((__m512i)u));
#elif QVL_ISA == QVL_ISA_v3
    __m256i h = _mm256_packus_epi32((__m256i)u, (__m256i)u);
    h = _mm256_permute4x64_epi64(h, 0x08);
    _mm_storeu_si128((void *)p, _mm256_castsi256_si128(h));
#else
    _mm_storel_epi64((void *)p, _mm_packus_epi32((__m128i)u, (__m128i)u));
#endif
}

FN fv ldv_bf16(const u16 *p)
{
    return fv_of_bits(load_halves(p) << 16);
}

FN void stv_bf16(u16 *p, fv v)
{
    uv u = bits_of_fv(v);
    uv near = u + 0x7fffu + (u >> 16 & 1u);
    uv nan = (uv)((u & 0x7fffffffu) > 0x7f800000u);
    store_halves(p, ((nan & (u | 0x400000u)) | (~nan & near)) >> 16);
}

/* VW neighbours of an f32 array of the body, local or shared, from element i on,
 * which is SPOT(a, i). */
#define read_fv(a, i) ldv_f32(SPOT(a, i))
#define write_fv(a, i, v) stv_f32(SPOT(a, i), v)

#ifdef __F16C__

FN f32 ld_f16(const u16 *p)
{
    return _cvtsh_ss(*p);
}

FN void st_f16(u16 *p, f32 v)
{
    *p = _cvtss_sh(v, _MM_FROUND_TO_NEAREST_INT);
}

FN fv ldv_f16(const u16 *p)
{
#if QVL_ISA == QVL_ISA_v4
    return (fv)_mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
#else
    return (fv)_mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
#endif
}

FN void stv_f16(u16 *p, fv v)
{
#if QVL_ISA == QVL_ISA_v4
    _mm256_storeu_si256((void *)p,
                        _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT));
#else
    _mm_storeu_si128((void *)p,
                     _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
#endif
}

#else

FN f32 ld_f16(const u16 *p)
{
    return f16_to_f32(*p);
}

FN void st_f16(u16 *p, f32 v)
{
    *p = (u16)f32_to_f16(v);
}

/* f16_to_f32 and f32_to_f16 of math.h for VW numbers. */

FN uv pick_uv(iv mask, uv a, uv b)
{
    return (a & (uv)mask) | (b & ~(uv)mask);
}

FN fv ldv_f16(const u16 *p)
{
    uv h = load_halves(p);
    uv a = h & 0x7fffu;
    uv normal = (a << 13) + 0x38000000u;
    fv tiny = __builtin_convertvector((iv)a, fv) * 5.96046448e-8f;
    uv u = pick_uv(a < 0x400u, bits_of_fv(tiny), normal);
    u = pick_uv(a >= 0x7c00u, normal + 0x38000000u, u);
    return fv_of_bits(u | (h & 0x8000u) << 16);
}

FN void stv_f16(u16 *p, fv v)
{
    uv u = bits_of_fv(v);
    uv a = u & 0x7fffffffu;
    uv normal = (a - 0x38000000u + 0xfffu + (a >> 13 & 1u)) >> 13;
    uv tiny = bits_of_fv(fv_of_bits(a) + 0.5f) - 0x3f000000u;
    uv h = pick_uv(a < 0x38800000u, tiny, normal);
    h = pick_uv(a >= 0x477ff000u, (uv){0u} + 0x7c00u, h);
    h = pick_uv(a > 0x7f800000u, (uv){0u} + 0x7e00u, h);
    store_halves(p, h | (u >> 16 & 0x8000u));
}

#endif

#endif
