/* glsl.h - names of the kernel language in GLSL 4.50 for Vulkan 1.2
 *
 * LANES and the tiles are specialisation constants, which the generated head
 * declares. An `fv` is one float: neighbouring lanes take neighbouring columns.
 * bf16 and f16 are kept as uint16_t, which needs 16-bit storage and no 16-bit
 * arithmetic; rounding is done on bits, as the language leaves it open.
 */

#define f32 float
#define i32 int
#define u32 uint
#define fv float
#define VW 1u

#define FN
#define LANE gl_LocalInvocationID.x
#define BARRIER barrier()
#extension GL_EXT_control_flow_attributes : require
#define UNROLL [[unroll]]
/* Drivers on a processor, for which STEP is, unroll what is not longer than 32 turns,
 * and take ten times as long to compile. So they are not told the constant. */
#define LOOP_END(d) (STEP == 1u ? (d) : arg_##d)
#define EXACT(name, a, b, c) precise f32 name = (a) * (b) + (c)

#define EACH_LANE(i, n) for (u32 i = LANE; i < (n); i += LANES)
#define EACH_LANE_V(i, n) for (u32 i = LANE; i < (n); i += LANES)
#define EACH_LANE_TAIL(i, n) for (u32 i = (n); i < (n); i++)

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

#define to_f32(x) float(x)
#define to_i32(x) int(x)
#define to_u32(x) uint(x)
#define f32_bits(x) floatBitsToUint(x)
#define bits_f32(u) uintBitsToFloat(u)
#define sqrt_f32(x) sqrt(x)
#define floor_f32(x) floor(x)
#define abs_f32(x) abs(x)
#define fma_f32(a, b, c) fma(a, b, c)

f32 add_f32(f32 a, f32 b)
{
    return a + b;
}

#include "math.h"

#define splat_fv(x) (x)
#define fma_fv(a, b, c) fma(a, b, c)
#define max_fv(a, b) max_f32(a, b)
#define exp_fv(x) exp_f32(x)
#define sqrt_fv(x) sqrt(x)
#define sum_fv(x) (x)
#define peak_fv(x) (x)

/* VW neighbours of an f32 array of the body, local or shared, from element i. */
#define read_fv(a, i) (a)[i]
#define write_fv(a, i, v) (a)[i] = (v)

/* One float is the vector, and an array of one its parts. */
#define SPLIT_FV(a, v) a[0] = v
#define JOIN_FV(v, a) v = a[0]
#define EACH_OF_FV(i) for (u32 i = 0u; i < VW; i++)

/* Storage: an element REF(b, i), the first of VW neighbours REFV(b, i), its place
 * AT(off, ld, r, c) where rows have a stride. Values are rounded to nearest, ties
 * to even, and NaN stays NaN. */

#define REF(b, i) b[i]
#define REFV REF
#define AT(off, ld, r, c) ((off) + (r) * (ld) + (c))

#define ld_f32(e) (e)
#define ld_i32(e) (e)
#define ld_u32(e) (e)
#define ld_bf16(e) bits_f32(uint(e) << 16)
#define ld_f16(e) f16_to_f32(uint(e))
#define st_f32(e, v) e = v
#define st_i32(e, v) e = v
#define st_u32(e, v) e = v
#define st_bf16(e, v) e = uint16_t(f32_to_bf16(v))
#define st_f16(e, v) e = uint16_t(f32_to_f16(v))

#define ldv_f32(e) ld_f32(e)
#define ldv_bf16(e) ld_bf16(e)
#define ldv_f16(e) ld_f16(e)
#define stv_f32(e, v) st_f32(e, v)
#define stv_bf16(e, v) st_bf16(e, v)
#define stv_f16(e, v) st_f16(e, v)

u32 f32_to_bf16(f32 v)
{
    u32 u = f32_bits(v);
    u32 near = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return (u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : near;
}
