/* poly.h - sizes as polynomials over named dims
 *
 * Shapes are compared by their normal form: a sum of terms, each a whole number
 * times a sorted product of symbols. Two sizes are equal exactly when their
 * normal forms are. A symbol is a position in the table of dims of a module.
 *
 * A quotient is never a term: the spec names it (`hv: h / nv`), hv becomes the
 * symbol and h is replaced by hv * nv, so that both spellings meet. ir_print_poly
 * turns hv * nv back into h.
 */
#ifndef GEN_IR_POLY_H
#define GEN_IR_POLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define POLY_MAX_TERMS 6
#define POLY_MAX_FACTORS 12
#define POLY_MAX_COEF 2147483647

/* What a sum or product is that does not fit, for messages. */
#define POLY_TOO_LONG_(terms, factors, coef)                                  \
    "a sum of more than " #terms " terms, of products of more than " #factors \
    " dims, or of numbers above " #coef
#define POLY_TOO_LONG_OF(terms, factors, coef)                                \
    POLY_TOO_LONG_(terms, factors, coef)
#define POLY_TOO_LONG                                                         \
    POLY_TOO_LONG_OF(POLY_MAX_TERMS, POLY_MAX_FACTORS, POLY_MAX_COEF)

typedef struct {
    int64_t coef;
    int n;                             // factors
    int16_t sym[POLY_MAX_FACTORS];     // ascending
} poly_term;

typedef struct {
    int n;  // 0: the number 0
    poly_term term[POLY_MAX_TERMS];    // ascending by factors
} poly;

/* A number of at most POLY_MAX_COEF, with either sign; a symbol from 0 to
 * INT16_MAX - 1. Both are asserted. */
poly poly_number(int64_t v);
poly poly_symbol(int sym);
/* Sum, difference and product; out may be a or b. False (out unchanged) past the
 * fixed limits. */
bool poly_add(poly *out, const poly *a, const poly *b);
bool poly_sub(poly *out, const poly *a, const poly *b);
bool poly_mul(poly *out, const poly *a, const poly *b);
/* out = a / b where b is one term that divides every term of a; else false (out
 * unchanged). */
bool poly_div(poly *out, const poly *a, const poly *b);
bool poly_equal(const poly *a, const poly *b);
/* True, with the value, when it is a plain number; else *v is unchanged. */
bool poly_is_number(const poly *a, int64_t *v);
/* a with every `sym` replaced by `by`; false (out unchanged) past the limits. */
bool poly_replace(poly *out, const poly *a, int sym, const poly *by);
/* Append it with name[sym]: "2 * A * nh", "T", "0". A sum of several terms inside
 * parentheses when `inner`. */
void poly_print(qvl_str *out, const poly *a, const char *const *name,
                bool inner);

#endif
