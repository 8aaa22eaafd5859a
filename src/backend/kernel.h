/* kernel.h - what a generated kernel says of itself
 *
 * The generator turns every kernel of shaders/ that a program uses into C,
 * OpenCL C and SPIR-V, once for each combination of storage types and each
 * fused expression, and writes one `qvl_kernel` for it. Back ends run kernels
 * by this record alone: they know no operation by name, except that a back end
 * may ask `op` to replace a product by a library's (see `c_store`).
 *
 * How a kernel is called
 *   groups   A dispatch is a number of groups, 0 to 2^31-1, counted in one
 *            dimension. Where a device limits an axis the back end folds the
 *            number and the kernel's own guard drops the surplus.
 *   lanes    The lanes of a group share memory and meet at barriers. A kernel
 *            is right for any power of two, 1 included.
 *   buffers  In the order of the kernel's signature, then those of the fused
 *            expression. A buffer is bound at the first byte of its tensor.
 *   args     32-bit words: the dims in order of first appearance, then for each
 *            operand declared `ld` its offset and row stride in elements, then
 *            the declared `arg`s (f32 by bit pattern), then for each `acc`
 *            operand 0 to overwrite or 1 to add, and 2 more to store the sum so
 *            far without the fused expression. 128 bytes at most.
 *   tiles    Sizes fixed when the kernel is compiled for a device, chosen by
 *            the class of the device from configs/tune/, or by the user's table
 *            (tune.h). Which of them are possible the kernel says (tiles.h).
 *   consts   Dims (positions in args) whose value is compiled in as well.
 */
#ifndef QVL_BACKEND_KERNEL_H
#define QVL_BACKEND_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define QVL_KERNEL_MAX_BUFS 12
#define QVL_KERNEL_MAX_ARGS 31  // words; with the number of groups 128 bytes
#define QVL_KERNEL_MAX_TILES 12
#define QVL_KERNEL_MAX_CONSTS 4
#define QVL_KERNEL_MAX_NEEDS 8
#define QVL_KERNEL_MAX_SHARED 6

/* What a device is like, for the choice of tiles: one file of configs/tune/ each,
 * NAME.yaml; the generated C is compiled with that of HOST.
 *
 *     HOST        the C back end: a group has one lane
 *     OPENCL_CPU  an OpenCL driver that runs on a processor
 *     VULKAN_CPU  a Vulkan driver that runs on a processor
 *     GPU         integrated or discrete
 */
#define QVL_CLASS_TABLE(X)                                                    \
    X(HOST, "host")                                                           \
    X(OPENCL_CPU, "opencl-cpu")                                               \
    X(VULKAN_CPU, "vulkan-cpu")                                               \
    X(GPU, "gpu")

#define QVL_CLASS_ENUM(constant, name) QVL_CLASS_##constant,
typedef enum { QVL_CLASS_TABLE(QVL_CLASS_ENUM) QVL_N_CLASS } qvl_class;
#undef QVL_CLASS_ENUM

/* Instruction sets for which the generated C is compiled, worst first, and their
 * names: levels of x86-64. */
#define QVL_ISA_TABLE(X) X(V2, "v2") X(V3, "v3") X(V4, "v4")

#define QVL_ISA_ENUM(name, text) QVL_ISA_##name,
typedef enum { QVL_ISA_TABLE(QVL_ISA_ENUM) QVL_N_ISA } qvl_isa;
#undef QVL_ISA_ENUM

#define QVL_ISA_TEXT(name, text) [QVL_ISA_##name] = text,

typedef enum { QVL_ACCESS_IN, QVL_ACCESS_OUT, QVL_ACCESS_IO } qvl_access;

/* Run groups g0 up to but not including g1. */
typedef void qvl_kernel_fn(void *const *buf, const uint32_t *arg,
                           uint32_t g0, uint32_t g1);

/* Store rows r0..r1 and columns c0..c1 of the kernel's first output from
 * src [r1-r0, c1-c0], row stride ld_src, with its fused expression, storage
 * type and accumulation: what is left to do when a library computed the product.
 */
typedef void qvl_store_fn(void *const *buf, const uint32_t *arg,
                          const float *src, size_t ld_src, uint32_t r0,
                          uint32_t r1, uint32_t c0, uint32_t c1);

typedef struct {
    uint32_t lanes;
    uint32_t tile[QVL_KERNEL_MAX_TILES];  // in the order of tile_name
} qvl_tiling;

typedef struct qvl_kernel {
    const char *name;  // unique: op, storage types, number of the expression
    const char *op;    // name of the kernel in shaders/
    int n_bufs;
    uint8_t dtype[QVL_KERNEL_MAX_BUFS];   // enum qvl_dtype
    uint8_t access[QVL_KERNEL_MAX_BUFS];  // enum qvl_access; acc is IO
    int n_args;
    int n_consts;
    uint8_t const_arg[QVL_KERNEL_MAX_CONSTS];  // index into args
    const char *const_name[QVL_KERNEL_MAX_CONSTS];  // "D_MAX"
    uint32_t const_max[QVL_KERNEL_MAX_CONSTS];      // largest of that argument
    int n_tiles;
    const char *tile_name[QVL_KERNEL_MAX_TILES];
    qvl_tiling tiling[QVL_N_CLASS];
    /* Formulas of the tiles (tiles.h), NULL behind the last. */
    const char *need[QVL_KERNEL_MAX_NEEDS];    // conditions of the tiles
    const char *shared[QVL_KERNEL_MAX_SHARED]; // words of each shared array,
                                               // of the constants as well
    /* Number of groups for these args, tiles and lanes. */
    uint32_t (*groups)(const uint32_t *arg, const uint32_t *tile,
                       uint32_t lanes);
    /* How often the loops of a lane turn at most, all of them together, where no
     * group of attention passes more than `walk` rows. NULL: no loops. */
    uint64_t (*turns)(const uint32_t *arg, const uint32_t *tile,
                      uint64_t lanes, uint64_t walk);
    qvl_kernel_fn *c[QVL_N_ISA];       // NULL where not compiled in
    qvl_store_fn *c_store[QVL_N_ISA];  // NULL: no library may replace it
    const char *cl;                    // OpenCL C, whole; NULL when left out
    const uint32_t *spirv;             // SPIR-V; NULL when left out
    size_t spirv_bytes;
} qvl_kernel;

#endif
