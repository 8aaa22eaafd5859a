/* families.h - the compiled forms that programs need, each listed once
 *
 * Every op of every program asks for a family: a kernel with a storage class
 * for each buffer and perhaps an expression. A family has one form for each
 * type that a run may store activations as; forms that come out equal are
 * shared between families.
 */
#ifndef GEN_EMIT_FAMILIES_H
#define GEN_EMIT_FAMILIES_H

#include "emit/kernel.h"
#include "ir/ir.h"

#define FAMILY_N_TYPES 3  // f32, bf16, f16: the order of qvl_kernel_family.form

typedef struct {
    const kern *k;
    ir_class cls[KERN_MAX_OPERANDS];  // per operand; -1: absent
    const char *expr;                 // text, NULL: none
    int n_extra;
    kern_extra_kind kind[KERN_MAX_EXTRA];
    ir_class extra_cls[KERN_MAX_EXTRA];
    const char *id;                   // C symbol of the family
    bool by_hand;                     // no op of a spec made it
    int form[FAMILY_N_TYPES];         // place in families.form
} kernel_family;

typedef struct {
    qvl_arena *arena;
    bool is_f32;  // forms of f32 in place of those of 16 bits: less to compile
    kernel_family *family;
    int n_families, cap_families;
    kern_form **form;
    int n_forms, cap_forms;
    kern_epilogue *epilogue;  // different expressions, numbered
    int n_epilogues, cap_epilogues;
} families;

/* No family yet; the arena owns those that are added. is_f32 is false here, and set
 * by the caller before the first. */
void families_init(families *f, qvl_arena *arena);
/* The family of an op, made at first use; its index. Fails as emit_kernel_check does
 * for a form that it refuses; *index is unchanged then. */
int families_of_op(families *f, const ir_op *op, int *index, qvl_err *err);
/* A family named qvl_family_KERNEL with all operands f32 or i32 as declared, and
 * capital types of the class given: for kernels that no op of a spec reaches. Each
 * call makes one, so there is one call a kernel; fails as families_of_op. */
int families_of_kernel(families *f, const kern *k, ir_class cls, int *index,
                    qvl_err *err);

/* Families as C: `const qvl_kernel_family ID` each, and their header, which the first
 * includes as `header`. */
void families_emit(qvl_str *s, const families *f, const char *header);
void families_emit_header(qvl_str *s, const families *f);

#endif
