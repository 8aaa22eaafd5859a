/* tiny.c - three small kernels in three languages */
#include "tiny.h"

#include "base/half.h"
#include "tensor/dtype.h"
#include "tiny_spirv.h"  // made by the build from *.comp; TINY_SPIRV

/* Every instruction set runs the same function: no test needs more speed. */
#define ALL_ISA(fn) { fn, fn, fn }

#define HOST_SPAN 4u

static uint32_t ceil_div(uint32_t n, uint32_t d)
{
    return n / d + (n % d != 0);
}

static uint32_t groups_of_lanes(const uint32_t *arg, const uint32_t *tile,
                                uint32_t lanes)
{
    (void)tile;
    return ceil_div(arg[0], lanes);
}

static uint32_t groups_of_spans(const uint32_t *arg, const uint32_t *tile,
                                uint32_t lanes)
{
    return ceil_div(arg[0], lanes * tile[0]);
}

static void add_c(void *const *buf, const uint32_t *arg, uint32_t g0,
                  uint32_t g1)
{
    const float *a = buf[0];
    const float *b = buf[1];
    float *y = buf[2];
    (void)arg;
    for (uint32_t i = g0; i < g1; i++)
        y[i] = a[i] + b[i];
}

static void scale_c(void *const *buf, const uint32_t *arg, uint32_t g0,
                    uint32_t g1)
{
    float *y = buf[0];
    float s = qvl_f32_from_bits(arg[2]);
    float c = qvl_f32_from_bits(arg[3]);
    for (uint32_t i = g0 * HOST_SPAN; i < g1 * HOST_SPAN && i < arg[0]; i++)
        y[i] = s * y[i] + c + (float)(i % arg[1]);
}

static void widen_c(void *const *buf, const uint32_t *arg, uint32_t g0,
                    uint32_t g1)
{
    const uint16_t *x = buf[0];
    float *y = buf[1];
    for (uint32_t i = g0; i < g1; i++)
        y[i] = i < arg[1] ? qvl_bf16_to_f32(x[i]) : 7.0f;
}

const qvl_kernel tiny_add = {
    .name = "add.f.f.f",
    .op = "add",
    .n_bufs = 3,
    .dtype = { QVL_F32, QVL_F32, QVL_F32 },
    .access = { QVL_ACCESS_IN, QVL_ACCESS_IN, QVL_ACCESS_OUT },
    .n_args = 1,
    .tiling = {
        [QVL_CLASS_HOST] = { .lanes = 1 },
        [QVL_CLASS_OPENCL_CPU] = { .lanes = 16 },
        [QVL_CLASS_VULKAN_CPU] = { .lanes = 8 },
        [QVL_CLASS_GPU] = { .lanes = 64 },
    },
    .groups = groups_of_lanes,
    .c = ALL_ISA(add_c),
    .cl = "__attribute__((reqd_work_group_size(LANES, 1, 1)))\n"
          "__kernel void k(__global float *a_base, ulong a_at,\n"
          "    __global float *b_base, ulong b_at,\n"
          "    __global float *y_base, ulong y_at, uint n)\n"
          "{\n"
          "    __global float *a = a_base + a_at / 4;\n"
          "    __global float *b = b_base + b_at / 4;\n"
          "    __global float *y = y_base + y_at / 4;\n"
          "    uint i = get_group_id(0) * LANES + get_local_id(0);\n"
          "    if (i < n)\n"
          "        y[i] = a[i] + b[i];\n"
          "}\n",
    TINY_SPIRV(add)
};

const qvl_kernel tiny_scale = {
    .name = "scale.f",
    .op = "scale",
    .n_bufs = 1,
    .dtype = { QVL_F32 },
    .access = { QVL_ACCESS_IO },
    .n_args = 4,
    .n_consts = 1,
    .const_arg = { 1 },
    .const_name = { "PERIOD_MAX" },
    .const_max = { 1000 },
    .n_tiles = 1,
    .tile_name = { "SPAN" },
    .tiling = {
        [QVL_CLASS_HOST] = { .lanes = 1, .tile = { HOST_SPAN } },
        [QVL_CLASS_OPENCL_CPU] = { .lanes = 16, .tile = { 2 } },
        [QVL_CLASS_VULKAN_CPU] = { .lanes = 8, .tile = { 3 } },
        [QVL_CLASS_GPU] = { .lanes = 64, .tile = { 2 } },
    },
    .groups = groups_of_spans,
    .c = ALL_ISA(scale_c),
    .cl = "__kernel void k(__global float *y_base, ulong y_at, uint n,\n"
          "    uint period, uint s_bits, uint c_bits)\n"
          "{\n"
          "    __global float *y = y_base + y_at / 4;\n"
          "    float s = as_float(s_bits);\n"
          "    float c = as_float(c_bits);\n"
          "    uint lane = get_group_id(0) * LANES + get_local_id(0);\n"
          "    for (uint j = 0; j < SPAN; j++) {\n"
          "        uint i = lane * SPAN + j;\n"
          "        if (i < n)\n"
          "            y[i] = s * y[i] + c + (float)(i % C0);\n"
          "    }\n"
          "}\n",
    TINY_SPIRV(scale)
};

const qvl_kernel tiny_widen = {
    .name = "widen.b.f",
    .op = "widen",
    .n_bufs = 2,
    .dtype = { QVL_BF16, QVL_F32 },
    .access = { QVL_ACCESS_IN, QVL_ACCESS_OUT },
    .n_args = 2,
    .tiling = {
        [QVL_CLASS_HOST] = { .lanes = 1 },
        [QVL_CLASS_OPENCL_CPU] = { .lanes = 16 },
        [QVL_CLASS_VULKAN_CPU] = { .lanes = 8 },
        [QVL_CLASS_GPU] = { .lanes = 64 },
    },
    .groups = groups_of_lanes,
    .c = ALL_ISA(widen_c),
    .cl = "__kernel void k(__global ushort *x_base, ulong x_at,\n"
          "    __global float *y_base, ulong y_at, uint n, uint m)\n"
          "{\n"
          "    __global ushort *x = x_base + x_at / 2;\n"
          "    __global float *y = y_base + y_at / 4;\n"
          "    uint i = get_group_id(0) * LANES + get_local_id(0);\n"
          "    if (i < n)\n"
          "        y[i] = i < m ? as_float((uint)x[i] << 16) : 7.0f;\n"
          "}\n",
    TINY_SPIRV(widen)
};
