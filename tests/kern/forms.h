/* forms.h - the compiled forms that the tests of the kernel language run
 *
 * One table: the program that prints the forms and the tests that run them both
 * read it.
 */
#ifndef TESTS_KERN_FORMS_H
#define TESTS_KERN_FORMS_H

#include "kern/kern.h"

/* Functions of one number; the form is "map.f.eN", N the place in the list. */
#define FORMS_FUNCTIONS(X)                                                    \
    X(exp_f32)                                                                \
    X(log_f32)                                                                \
    X(sqrt_f32)                                                               \
    X(rsqrt_f32)                                                              \
    X(tanh_f32)                                                               \
    X(erf_f32)                                                                \
    X(normal_cdf_f32)                                                         \
    X(sigmoid_f32)                                                            \
    X(dsigmoid_f32)                                                           \
    X(silu_f32)                                                               \
    X(dsilu_f32)                                                              \
    X(gelu_tanh_f32)                                                          \
    X(dgelu_tanh_f32)                                                         \
    X(gelu_erf_f32)                                                           \
    X(dgelu_erf_f32)                                                          \
    X(floor_f32)                                                              \
    X(abs_f32)

/* Numbers of the expressions behind those of the functions. */
enum {
    FORMS_GLU = 100,   // e0 * silu_f32(e1)          both [rows, cols]
    FORMS_MIX,         // e0 * e2 + e1               e1 [cols], e2 [rows]
    FORMS_CONST,       // 2.5e-1f
    FORMS_ADD,         // v + e0                     e0 [rows, cols]
    FORMS_BIAS_GELU,   // gelu_tanh_f32(v + e0)      e0 [cols]
    FORMS_COPY,        // e0
    FORMS_SUM = 110,   // gelu_tanh_f32(v) * e0 + e1   e0 [rows, cols], e1 [cols]
};

/* Every form, checked and named, in a fixed order; they belong to the arena.
 * `root` is the project's folder, as the kernels' files are to be called. */
int forms_make(const kern_form *const **forms, int *n, kern_set *set,
               const char *root, qvl_arena *arena, qvl_err *err);

#endif
