/* opencl.h - names of the kernel language in OpenCL C 1.2
 *
 * LANES and the tiles, VW among them, are given with -D when the text is built
 * on the machine that runs it. With one lane (drivers for processors) barriers
 * vanish and shared arrays are private ones, which the driver may keep in
 * registers.
 *
 * The generator strips the comments and puts this text and math.h before each
 * kernel. Names ld_*, st_* serve the generated load_ and store_ macros.
 */

/* A driver for a processor warns of vectors wider than its registers as
 * arguments of functions; all functions here are inlined. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpsabi"
#endif

typedef float f32;
typedef int i32;
typedef uint u32;

#define QVL_PASTE_(a, b) a##b
#define QVL_PASTE(a, b) QVL_PASTE_(a, b)

#if VW == 1
typedef float fv;
typedef uint uv;
typedef ushort hv;
#else
typedef QVL_PASTE(float, VW) fv;
typedef QVL_PASTE(uint, VW) uv;
typedef QVL_PASTE(ushort, VW) hv;
#endif

#define FN static inline
#define EXACT(name, a, b, c) const f32 name = fma_f32(a, b, c)
#define GROUP ((u32)get_group_id(0))
#define UNROLL _Pragma("unroll")
#define LOOP_END(d) (d)

#if LANES == 1
#define SHARED
#define LANE 0u
#define BARRIER
#define GROUP_SUM(part, v) ((void)(part))
#define GROUP_MAX(part, v) ((void)(part))
#else
#define SHARED __local
#define LANE ((u32)get_local_id(0))
#define BARRIER barrier(CLK_LOCAL_MEM_FENCE)

/* A tree over the lanes: the order depends on LANES alone. The last barrier
 * lets `part` be used again at once. */
#define GROUP_TREE(part, v, join)                                             \
    {                                                                         \
        part[LANE] = v;                                                       \
        BARRIER;                                                              \
        for (u32 n_ = LANES / 2u; n_ > 0u; n_ /= 2u) {                        \
            if (LANE < n_)                                                    \
                part[LANE] = join(part[LANE], part[LANE + n_]);               \
            BARRIER;                                                          \
        }                                                                     \
        v = part[0];                                                          \
        BARRIER;                                                              \
    }
#define GROUP_SUM(part, v) GROUP_TREE(part, v, add_f32)
#define GROUP_MAX(part, v) GROUP_TREE(part, v, max_f32)
#endif

#define EACH_LANE(i, n) for (u32 i = LANE; i < (n); i += LANES)
#define EACH_LANE_V(i, n)                                                     \
    for (u32 i = LANE * VW; i < (n) - (n) % VW; i += LANES * VW)
#define EACH_LANE_TAIL(i, n)                                                  \
    for (u32 i = (n) - (n) % VW + LANE; i < (n); i += LANES)

#define to_f32(x) convert_float(x)
#define to_i32(x) ((i32)(x))
#define to_u32(x) ((u32)(x))
#define f32_bits(x) as_uint(x)
#define bits_f32(u) as_float(u)
#define sqrt_f32(x) sqrt(x)
#define floor_f32(x) floor(x)
#define abs_f32(x) fabs(x)
#ifdef FP_FAST_FMAF
#define fma_f32(a, b, c) fma(a, b, c)
#define fma_fv(a, b, c) fma(a, b, c)
#else
#define fma_f32(a, b, c) ((a) * (b) + (c))
#define fma_fv(a, b, c) ((a) * (b) + (c))
#endif

FN f32 add_f32(f32 a, f32 b)
{
    return a + b;
}

#include "math.h"

/* Vectors of VW neighbours. SPLIT_FV and JOIN_FV move one to an array of f32
 * and back. */

#define splat_fv(x) ((fv)(x))
#define max_fv(a, b) max(a, b)
#define sqrt_fv(x) sqrt(x)
#define EACH_OF_FV(i) for (u32 i = 0u; i < VW; i++)

#if VW == 1
#define VLOAD(p) (*(p))
#define VSTORE(v, p) (*(p) = (v))
#define TO_UV(x) ((u32)(x))
#define TO_HV(x) ((ushort)(x))
#define AS_UV(x) as_uint(x)
#define AS_FV(x) as_float(x)
#else
#define VLOAD(p) QVL_PASTE(vload, VW)(0, p)
#define VSTORE(v, p) QVL_PASTE(vstore, VW)(v, 0, p)
#define TO_UV(x) QVL_PASTE(convert_uint, VW)(x)
#define TO_HV(x) QVL_PASTE(convert_ushort, VW)(x)
#define AS_UV(x) QVL_PASTE(as_uint, VW)(x)
#define AS_FV(x) QVL_PASTE(as_float, VW)(x)
#endif
#define SPLIT_FV(a, v) VSTORE(v, a)
#define JOIN_FV(v, a) ((v) = VLOAD(a))

FN fv exp_fv(fv x)
{
    f32 y[VW];
    SPLIT_FV(y, x);
    EACH_OF_FV(i)
        y[i] = exp_f32(y[i]);
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

/* VW neighbours of an f32 array of the body, local or shared, from element i. */
#define read_fv(a, i) VLOAD((a) + (i))
#define write_fv(a, i, v) VSTORE(v, (a) + (i))

/* Storage: an element REF(b, i), the first of VW neighbours REFV(b, i), its place
 * AT(off, ld, r, c) where rows have a stride. f32, i32 and u32 are kept as they
 * are, bf16 as ushort, f16 as half; values are rounded to nearest, ties to even,
 * and NaN stays NaN. */

#define REF(b, i) ((b) + (i))
#define REFV REF
#define AT(off, ld, r, c) ((size_t)(off) + (size_t)(r) * (ld) + (c))

#define ld_f32(p) (*(p))
#define ld_i32(p) (*(p))
#define ld_u32(p) (*(p))
#define ld_bf16(p) as_float((u32)*(p) << 16)
#define ld_f16(p) vload_half(0, p)
#define st_f32(p, v) (*(p) = (v))
#define st_i32(p, v) (*(p) = (v))
#define st_u32(p, v) (*(p) = (v))
#define st_bf16(p, v) (*(p) = bf16_of_f32(v))
#define st_f16(p, v) vstore_half_rte(v, 0, p)

FN ushort bf16_of_f32(f32 v)
{
    u32 u = as_uint(v);
    u32 near = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return (ushort)((u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : near);
}

FN hv bf16_of_fv(fv v)
{
    uv u = AS_UV(v);
    uv near = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return TO_HV((u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : near);
}

#define ldv_f32(p) VLOAD(p)
#define stv_f32(p, v) VSTORE(v, p)
#define ldv_bf16(p) AS_FV(TO_UV(VLOAD(p)) << 16)
#define stv_bf16(p, v) VSTORE(bf16_of_fv(v), p)
#if VW == 1
#define ldv_f16(p) vload_half(0, p)
#define stv_f16(p, v) vstore_half_rte(v, 0, p)
#else
#define ldv_f16(p) QVL_PASTE(vload_half, VW)(0, p)
#define stv_f16(p, v) QVL_PASTE(QVL_PASTE(vstore_half, VW), _rte)(v, 0, p)
#endif
