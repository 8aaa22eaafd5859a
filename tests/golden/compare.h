/* compare.h - actual numbers against expected ones, in units of a tolerance */
#ifndef GOLDEN_COMPARE_H
#define GOLDEN_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

/* The worst of several comparisons. */
typedef struct {
    double ratio;      // error over tolerance; infinite for what is no number
    double error;
    double tolerance;
    char what[256];
} worst;

/* Keep the comparison when it is worse than what was kept. A tolerance of 0
 * allows no error at all. */
void worst_add(worst *w, const char *what, double error, double tolerance);

/* |a - b| / |b| as vectors [n]; |a| when b is zero. */
double relative_l2(const float *a, const float *b, size_t n);

/* Largest |a - b|; infinite when a holds a NaN. */
double largest_difference(const float *a, const float *b, size_t n);

/* Digest of a tensor of n values in d0 rows: norms of its rows [d0], norms of
 * its columns [n / d0], or the values 0, s, 2s, ... with s = (n / 128) | 1. */
typedef enum { DIGEST_ROWS, DIGEST_COLS, DIGEST_SAMPLE } digest_kind;
size_t digest_size(digest_kind kind, size_t n, size_t d0);
void digest(digest_kind kind, const float *x, size_t n, size_t d0,
            float *out);

#endif
