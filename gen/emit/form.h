/* form.h - a compiled form as the three emitters see it
 *
 * Buffers and arguments are numbered once, and have names that a body cannot
 * use: operand x is b_x with off_x, ld_x, acc_x; operand j of the fused
 * expression is b_ej. Above the body of every language stand the same macros:
 *
 *     HAS_x                          0 or 1
 *     load_x(r, c)  loadv_x(r, c)    (i) for an operand without ld
 *     store_y(r, c, v)  storev_y
 *     EXPR_(v, e0, ...)  EXPRV_      the fused expression, as functions
 *
 * They are made of what each dialect defines for a storage type T: ld_T, st_T of
 * an element REF(b_x, index), ldv_T, stv_T of VW elements from REFV(b_x, index)
 * on, and AT(off, ld, r, c).
 */
#ifndef GEN_EMIT_FORM_H
#define GEN_EMIT_FORM_H

#include "emit/out.h"
#include "kern/kern.h"

/* What a form may have before emit_kernel_check has seen it. */
#define FORM_MAX_BUFS (KERN_MAX_OPERANDS + KERN_MAX_EXTRA)
#define FORM_MAX_ARGS                                                         \
    (KERN_MAX_SYMS + 2 * FORM_MAX_BUFS + KERN_MAX_SCALARS + KERN_MAX_OPERANDS)

typedef struct {
    // borrowed
    const kern_form *form;
    const kern *k;
    // owned
    int n_bufs;
    int map[FORM_MAX_BUFS];  // operand, or -1 - extra
    int n_args;
    kern_arg arg[FORM_MAX_ARGS];
} form_view;

typedef struct {
    char text[64];
} form_name;

/* Set form->name and form->id from the kernel, the storage types and the
 * number of the expression (-1: none): "matmul_nt.fbf.e3", one letter an
 * operand (f f32, b bf16, h f16, i i32, u u32, x absent), kept by the arena. Equal
 * forms get equal names if equal expressions have equal numbers. */
void emit_kernel_name(kern_form *form, int expr, qvl_arena *arena);

/* Whether two expressions are the same compiled form. */
bool emit_epilogue_same(const kern_epilogue *a, const kern_epilogue *b);

/* What only the form can break: storage types that fit the operands, absent
 * operands that are optional, an expression on an `out` or `acc` operand with ld that
 * stores floats, in a kernel without operands e0, e1, ..., at most KERN_MAX_EXTRA
 * operands of it, QVL_KERNEL_MAX_BUFS buffers and QVL_KERNEL_MAX_ARGS arguments.
 * Fails with QVL_E_CONFIG and the place of the kernel. */
int emit_kernel_check(const kern_form *form, qvl_err *err);

/* Number buffers and arguments; the form is borrowed as long as v. */
void form_view_init(form_view *v, const kern_form *form);

/* "x" or "e0"; buf is one of v->n_bufs, below as well. */
form_name form_buf_name(const form_view *v, int buf);
/* Storage type, enum qvl_dtype. */
int form_buf_dtype(const form_view *v, int buf);
/* Whether the form writes the buffer. */
bool form_buf_is_written(const form_view *v, int buf);

/* "rows", "off_x", "ld_x", "eps", "acc_y"; arg is one of v->n_args, below as well. */
form_name form_arg_name(const form_view *v, int arg);
/* Scalar that is a float: its bits are the argument. */
bool form_arg_is_f32(const form_view *v, int arg);
/* Place in kern.constant of the dim that this argument is, or -1. */
int form_arg_const(const form_view *v, int arg);

/* The dialect's short name of a storage type: "f32", "bf16", "f16", "i32",
 * "u32"; no other is asked for (asserted). */
const char *form_dtype_word(int dtype);
/* Its letter in names: 'f', 'b', 'h', 'i', 'u'; asserted likewise. */
char form_dtype_letter(int dtype);

/* The macros above, with PARTS and the names of the kernel (EXPR_ and EXPRV_ are
 * form_expr's); #undef of all of them. */
void form_macros(out *o, const form_view *v);
void form_undef(out *o, const form_view *v);

/* The functions of the expression; `head` ("FN ", "") stands before their type.
 * Nothing without one. */
void form_expr(out *o, const form_view *v, const char *head);

/* Append OpenCL C of a form, the function `k`, without the dialect that goes before
 * it. Who compiles it defines LANES, the tiles, and C0, C1, ... for const dims. */
void form_cl(qvl_str *s, const kern_form *form);

/* Whether `text` has the word, not as a part of another. */
bool form_mentions(const char *text, const char *word);

#endif
