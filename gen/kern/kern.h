/* kern.h - kernels of shaders/, their language, and their compiled forms
 *
 * A kernel is a declared signature and a body. The signature is read here; the
 * body goes through unchanged, behind `#line`, into C, OpenCL C and GLSL. What
 * differs between the languages is spelled by shaders/dialect/.
 *
 *     (comment: the equation)
 *     kernel rms_norm(in X x[rows, cols] ld, in f32 w[cols],
 *                     out Y y[rows, cols] ld, out f32 rstd[rows], arg f32 eps)
 *     shared f32 part[LANES]
 *     groups rows
 *     turns 2 * ceil_div(cols, LANES) + 15
 *     { body }
 *
 * Operands   ACCESS TYPE NAME[DIMS] [ld]
 *   access   in, out, io, or acc: an output that is overwritten or added to, as
 *            the caller says at each dispatch (gradients of parameters, sums
 *            over a dim that is cut)
 *   type     f32 i32 u32, or a capital word: a storage type (f32, bf16, f16)
 *            chosen where the kernel is used; the same word twice is one choice
 *   dims     names, whole numbers, or PARTS (KERN_PARTS). A name is a u32 argument of the kernel,
 *            known to the body. A rank-2 operand takes a value of any rank: the
 *            first dim stands for all leading ones. `const` dims are compiled in.
 *   ld       the operand may be a column slice of a wider tensor. The body
 *            addresses it as (row, col), row = the first dim, col = the rest
 *            flattened; without ld it is addressed by one flat index.
 *   optional `in f32 b[N]?` may be absent: HAS_b is 0 or 1, compiled in.
 * Between kernels
 *   names ROW { LO, HI }   columns of a table, for the kernels below: as a dim ROW
 *            is 2; in bodies ROW_LO is 0u, ROW_HI 1u and N_ROW 2u, on the host
 *            QVL_ROW_LO and so on (signatures.h)
 * Lines after the signature, each at most once unless said
 *   arg f32|u32 NAME   in the parentheses, behind the operands
 *   tile NAME, NAME    constants that configs/tune/ sets for a device class
 *   const D 256 = 64 72 128   may be repeated: dim D is compiled in, at most 256; C
 *                      has variants for the values listed and one for any. D_MAX is D where
 *                      it is known, 256 in that last one: size arrays by it
 *   shared TYPE NAME[EXPR]    may be repeated
 *   needs CONDITION    may be repeated: what must hold of tiles, LANES and VW
 *                      (src/backend/tiles.h); others are refused
 *   turns EXPR         how often the loops of a lane turn at most, all of them
 *                      together, of dims, args, tiles, LANES, VW, PARTS and WALK,
 *                      the rows that a group of attention passes; every kernel
 *                      with loops has it. Some drivers end loops after 65,535
 *                      turns and say nothing: there a run cuts or refuses what
 *                      has more (max_turns in src/backend/backend.h). A loop of n
 *                      turns counts n + 1, one with a loop inside n + 2 and those
 *                      of the inner one n times; so do loops that a condition
 *                      passes over, with n 0. GROUP_SUM and GROUP_MAX count 11
 *                      (1,024 lanes), loops with UNROLL not at all
 *   library            a library may compute the output and call the store alone
 *   cut DIM [edge DIM] [first ARG] [apart]
 *                      may be repeated: an operand that is too large for a device
 *                      may be bound in parts over lo .. lo + n of the dim, which
 *                      is then n (src/graph/plan.h). The dim is the first one of
 *                      an operand, or the second of one with ld. `edge` is a dim
 *                      of n + 1 starts of runs; `first`, a u32 arg that a caller
 *                      gives as 0, becomes lo. An output without the dim is a
 *                      sum over it and is `acc`, or with `apart` each part
 *                      stores elements of its own, those of all parts together
 *                      being all of them
 *   groups EXPR        number of groups, of dims, args, tiles, LANES, PARTS; ceil_div
 * The body
 *   load_x(i) / store_y(i, v), for ld operands load_x(r, c) / store_y(r, c, v);
 *   values are f32 whatever the storage (i32/u32 for those types). loadv_x and
 *   storev_y move VW neighbours as an `fv`. An `out` or `acc` operand with ld may
 *   carry a fused expression: store_y(r, c, v) then stores EXPR(v, ...), so the
 *   body stores each element exactly once and never reads it back. storev_y too.
 *   acc_y is 0 to overwrite or 1 to add, plus 2 while more is to be added: the
 *   expression waits for the last part of a sum. Bodies that look ask for bit 0.
 *   Types f32 u32 i32 bool fv; arrays of constant size; for, if, ?:. No
 *   pointers, structs, recursion, return, goto, switch, float atomics. Every
 *   function call is one of the dialect. Literals carry their suffix: 1.0f, 2u.
 *   LANE, LANES, GROUP, PARTS (u32), VW; BARRIER; EACH_LANE(i, n), EACH_LANE_V(i, n)
 *   (whole vectors only), EACH_LANE_TAIL(i, n) (what is left of them);
 *   GROUP_SUM(part, v), GROUP_MAX(part, v): v becomes the group's sum, the same
 *   in all lanes, part is shared f32 [LANES]. Every lane reaches every barrier.
 *   UNROLL before a loop asks for its copies in a row: compilers keep an array
 *   in registers only where every index is known. LOOP_END(D) is the constant D as
 *   the end of a loop in steps of the tile STEP, which is not to be unrolled.
 *   Functions: of numbers those of shaders/dialect/math.h with sqrt_f32,
 *   floor_f32, abs_f32, fma_f32, to_f32, to_i32, to_u32, f32_bits, bits_f32;
 *   of vectors splat_fv(x), fma_fv, max_fv, exp_fv, sqrt_fv, sum_fv(v) and
 *   peak_fv(v), the sum and the maximum of its numbers; read_fv(a, i) and write_fv(a, i, v),
 *   VW neighbours of a local or shared f32 array. `groups` knows ceil_div, min_u32,
 *   max_u32 and not VW, which differs where the number of groups may not.
 */
#ifndef GEN_KERN_H
#define GEN_KERN_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/kernel.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Runs of rows that a sum over many rows is made of, each by a group of its own,
 * before they are added up: enough to fill a device, few enough to keep. The word
 * PARTS of kernels. */
#define KERN_PARTS 32

#define KERN_MAX_OPERANDS 12
#define KERN_MAX_DIMS 4     // rank of an operand
#define KERN_MAX_SYMS 12    // different dims of a kernel
#define KERN_MAX_SCALARS 8
#define KERN_MAX_TILES 12
#define KERN_MAX_SHARED 6
#define KERN_MAX_NEEDS 8
#define KERN_MAX_EXTRA 6    // operands of a fused expression
#define KERN_MAX_CUTS 3
#define KERN_MAX_CONSTS 4   // dims that are compiled in
#define KERN_MAX_NAMES 16   // of a list

/* A kernel that is read here fits the record that runs know it by. */
_Static_assert(KERN_MAX_OPERANDS <= QVL_KERNEL_MAX_BUFS, "buffers");
_Static_assert(KERN_MAX_TILES <= QVL_KERNEL_MAX_TILES, "tiles");
_Static_assert(KERN_MAX_CONSTS <= QVL_KERNEL_MAX_CONSTS, "consts");
_Static_assert(KERN_MAX_NEEDS <= QVL_KERNEL_MAX_NEEDS, "needs");
_Static_assert(KERN_MAX_SHARED <= QVL_KERNEL_MAX_SHARED, "shared arrays");

typedef enum { KERN_IN, KERN_OUT, KERN_IO, KERN_ACC } kern_access;

typedef struct {
    const char *name;
    kern_access access;
    const char *type;   // "f32", "i32", "u32" or a capital word
    int rank;
    int dim[KERN_MAX_DIMS];  // index into kern.sym, or -1 - number
    bool ld;
    bool optional;
} kern_operand;

typedef struct {
    const char *name;
    bool is_f32;  // else u32
} kern_scalar;

typedef struct {
    int sym;          // dim that is compiled in
    int max;
    int favour[8];
    int n_favour;
} kern_const;

typedef struct {
    const char *type;
    const char *name;
    const char *size;  // expression text
    const char *words;  // the same in words of 4 bytes
} kern_shared;

typedef struct {
    int sym;    // dim along which a call may be done in parts
    int edge;   // dim larger by one, -1: none
    int first;  // scalar that becomes the part's first index, -1: none
    bool apart; // outputs without the dim: parts store different elements
} kern_cut;

/* A list `names`, and those above it in the file. */
typedef struct kern_names {
    const struct kern_names *next;
    const char *name;                  // "ROW"
    const char *item[KERN_MAX_NAMES];  // "ROW_LO", counted from 0
    int n;
} kern_names;

typedef struct {
    const char *name;
    const char *file;
    const kern_names *names;  // that hold here; NULL: none
    int line;       // of `kernel`
    int body_line;  // of the first line of the body
    const char *body;
    kern_operand operand[KERN_MAX_OPERANDS];
    int n_operands;
    const char *sym[KERN_MAX_SYMS];  // dims, in order of first appearance
    int n_syms;
    kern_scalar scalar[KERN_MAX_SCALARS];
    int n_scalars;
    const char *tile[KERN_MAX_TILES];
    int n_tiles;
    kern_const constant[KERN_MAX_CONSTS];
    int n_constants;
    kern_shared shared[KERN_MAX_SHARED];
    int n_shared;
    const char *groups;  // expression text
    const char *need[KERN_MAX_NEEDS];
    int n_needs;
    const char *turns;   // expression text; NULL: no loops
    bool library;
    kern_cut cut[KERN_MAX_CUTS];
    int n_cuts;
} kern;

typedef struct {
    kern *item;
    int n;
} kern_set;

/* Read every kernel of a file and append to the set, which on an error stays as it
 * was. Fails with QVL_E_CONFIG for mistakes, file:line:col with the source line and a
 * caret, and as qvl_file_read does. What is read belongs to the arena. */
int kern_read(kern_set *set, const char *path, qvl_arena *arena,
              qvl_err *err);
/* The kernel of this name, NULL: there is none. */
const kern *kern_find(const kern_set *set, const char *name);
/* Position of a dim in k->sym, -1: the kernel has none of the name. */
int kern_sym_find(const kern *k, const char *name);

/* Is the operand's type a capital word: a storage type that is chosen where the
 * kernel is used, in place of one that the signature fixes? */
bool kern_is_storage(const kern_operand *o);

/* Is this arg of the kernel the first index of a part, 0 in any whole call? */
bool kern_is_first(const kern *k, int scalar);

/* How an operand of a fused expression follows the output's (row, col). */
typedef enum {
    KERN_EXTRA_SAME,  // [rows, cols], ld; element (r, c)
    KERN_EXTRA_COL,   // [cols]; element c: a bias
    KERN_EXTRA_ROW,   // [rows]; element r
} kern_extra_kind;

/* A fused expression on one output. `text` is C of the dialect over v (the
 * value the body stored) and e0, e1, ... (the operands, as f32). Two equal
 * structs are one compiled form. */
typedef struct {
    const char *text;
    int n_extra;
    kern_extra_kind kind[KERN_MAX_EXTRA];
    int dtype[KERN_MAX_EXTRA];  // enum qvl_dtype
} kern_epilogue;

/* One compiled form of a kernel. */
typedef struct {
    const kern *k;
    int dtype[KERN_MAX_OPERANDS];  // enum qvl_dtype, or -1: optional and absent
    int epilogue_on;               // operand with the expression, -1 for none
    kern_epilogue epilogue;
    const char *name;  // "rms_norm.ffbf", with ".eN" for an expression
    const char *id;    // the same as a C identifier
} kern_form;

/* What each 32-bit argument of a form is, in order (see backend/kernel.h). */
typedef enum {
    KERN_ARG_DIM,     // index: sym
    KERN_ARG_OFF,     // index: buffer (operands, then extras)
    KERN_ARG_LD,      // index: buffer
    KERN_ARG_SCALAR,  // index: scalar
    KERN_ARG_ACC,     // index: operand
} kern_arg_kind;

typedef struct {
    kern_arg_kind kind;
    int index;
} kern_arg;

/* Arguments of a form; returns their number, at most QVL_KERNEL_MAX_ARGS for those
 * that emit_kernel_check accepts (with room for FORM_MAX_ARGS before, emit/form.h). */
int kern_args(const kern_form *form, kern_arg args[]);

/* Buffers of a form: present operands in order, then extras; index -> operand
 * (>= 0) or -1 - extra. Returns their number. */
int kern_buffers(const kern_form *form, int map[]);

#endif
