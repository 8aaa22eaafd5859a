/* poly.c - sums of products of symbols, in one normal form
 *
 * Terms stand in order, none twice, none with the factor 0; factors stand in
 * order. So equality is a comparison, and a sum or product is made by inserting
 * terms. What does not fit POLY_MAX_TERMS, POLY_MAX_FACTORS or POLY_MAX_COEF is no
 * polynomial: the function says false and leaves *out alone, which may be one of
 * its inputs.
 */
#include "ir/poly.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static bool fits(int64_t coef)
{
    return coef >= -(int64_t)POLY_MAX_COEF && coef <= POLY_MAX_COEF;
}

poly poly_number(int64_t v)
{
    assert(fits(v));
    poly p = {0};
    if (v != 0) {
        p.n = 1;
        p.term[0].coef = v;
    }
    return p;
}

poly poly_symbol(int sym)
{
    assert(sym >= 0 && sym < INT16_MAX);
    poly p = {.n = 1};
    p.term[0] = (poly_term){.coef = 1, .n = 1, .sym = {(int16_t)sym}};
    return p;
}

/* Order of factors: fewer first, then by symbol. */
static int compare(const poly_term *a, const poly_term *b)
{
    if (a->n != b->n)
        return a->n - b->n;
    for (int i = 0; i < a->n; i++)
        if (a->sym[i] != b->sym[i])
            return a->sym[i] - b->sym[i];
    return 0;
}

/* Add one term to a sum kept in order. */
static bool insert(poly *p, const poly_term *t)
{
    int at = 0;
    while (at < p->n && compare(&p->term[at], t) < 0)
        at++;
    if (at < p->n && compare(&p->term[at], t) == 0) {
        p->term[at].coef += t->coef;
        if (p->term[at].coef != 0)
            return fits(p->term[at].coef);
        memmove(&p->term[at], &p->term[at + 1],
                (size_t)(p->n - at - 1) * sizeof p->term[0]);
        p->n--;
        return true;
    }
    if (t->coef == 0)
        return true;
    if (p->n == POLY_MAX_TERMS)
        return false;
    memmove(&p->term[at + 1], &p->term[at],
            (size_t)(p->n - at) * sizeof p->term[0]);
    p->term[at] = *t;
    p->n++;
    return true;
}

static bool combine(poly *out, const poly *a, const poly *b, int64_t sign)
{
    poly r = *a;
    for (int i = 0; i < b->n; i++) {
        poly_term t = b->term[i];
        t.coef *= sign;
        if (!insert(&r, &t))
            return false;
    }
    *out = r;
    return true;
}

bool poly_add(poly *out, const poly *a, const poly *b)
{
    return combine(out, a, b, 1);
}

bool poly_sub(poly *out, const poly *a, const poly *b)
{
    return combine(out, a, b, -1);
}

static bool term_mul(poly_term *out, const poly_term *a, const poly_term *b)
{
    poly_term t = {.coef = a->coef * b->coef};
    if (a->n + b->n > POLY_MAX_FACTORS || !fits(t.coef))
        return false;
    int i = 0;
    int j = 0;
    while (i < a->n || j < b->n) {
        bool left = j == b->n || (i < a->n && a->sym[i] <= b->sym[j]);
        t.sym[t.n++] = left ? a->sym[i++] : b->sym[j++];
    }
    *out = t;
    return true;
}

bool poly_mul(poly *out, const poly *a, const poly *b)
{
    poly r = {0};
    for (int i = 0; i < a->n; i++)
        for (int j = 0; j < b->n; j++) {
            poly_term t;
            if (!term_mul(&t, &a->term[i], &b->term[j]) || !insert(&r, &t))
                return false;
        }
    *out = r;
    return true;
}

/* t / d, when every factor of d is in t. */
static bool term_div(poly_term *out, const poly_term *t, const poly_term *d)
{
    if (d->coef == 0 || t->coef % d->coef != 0)
        return false;
    poly_term r = {.coef = t->coef / d->coef};
    int j = 0;
    for (int i = 0; i < t->n; i++) {
        if (j < d->n && t->sym[i] == d->sym[j])
            j++;
        else
            r.sym[r.n++] = t->sym[i];
    }
    *out = r;
    return j == d->n;
}

bool poly_div(poly *out, const poly *a, const poly *b)
{
    if (b->n != 1)
        return false;
    poly r = {0};
    for (int i = 0; i < a->n; i++) {
        poly_term t;
        if (!term_div(&t, &a->term[i], &b->term[0]) || !insert(&r, &t))
            return false;
    }
    *out = r;
    return true;
}

bool poly_equal(const poly *a, const poly *b)
{
    if (a->n != b->n)
        return false;
    for (int i = 0; i < a->n; i++)
        if (a->term[i].coef != b->term[i].coef ||
            compare(&a->term[i], &b->term[i]) != 0)
            return false;
    return true;
}

bool poly_is_number(const poly *a, int64_t *v)
{
    if (a->n > 1 || (a->n == 1 && a->term[0].n != 0))
        return false;
    *v = a->n == 0 ? 0 : a->term[0].coef;
    return true;
}

bool poly_replace(poly *out, const poly *a, int sym, const poly *by)
{
    poly r = {0};
    for (int i = 0; i < a->n; i++) {
        poly t = poly_number(a->term[i].coef);
        for (int k = 0; k < a->term[i].n; k++) {
            int s = a->term[i].sym[k];
            poly f = s == sym ? *by : poly_symbol(s);
            if (!poly_mul(&t, &t, &f))
                return false;
        }
        if (!poly_add(&r, &r, &t))
            return false;
    }
    *out = r;
    return true;
}

static void print_term(qvl_str *out, const poly_term *t,
                       const char *const *name)
{
    bool first = true;
    if (t->coef != 1 || t->n == 0) {
        qvl_str_printf(out, "%" PRId64, t->coef);
        first = false;
    }
    for (int k = 0; k < t->n; k++) {
        qvl_str_printf(out, "%s%s", first ? "" : " * ", name[t->sym[k]]);
        first = false;
    }
}

void poly_print(qvl_str *out, const poly *a, const char *const *name,
                bool inner)
{
    if (a->n == 0)
        qvl_str_puts(out, "0");
    if (inner && a->n > 1)
        qvl_str_putc(out, '(');
    for (int i = 0; i < a->n; i++) {
        if (i > 0)
            qvl_str_puts(out, " + ");
        print_term(out, &a->term[i], name);
    }
    if (inner && a->n > 1)
        qvl_str_putc(out, ')');
}
