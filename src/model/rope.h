/* rope.h - rotary angles of text tokens and of image patches
 *
 * Frequencies and angles are float32, rounded as the reference rounds them: at
 * position 250,000 one unit in the last place of a frequency is an angle of
 * 0.015. Cosine and sine are then taken of the rounded angle in double, so
 * devices never see a large argument.
 *
 *     f_j   = 1 / float32(theta^(2j / dim))        both steps in float32
 *     angle = float32(position) * f_j              rounded to float32
 *
 * A text token has three positions (time, height, width); each frequency uses
 * one of them, interleaved: height takes 1, 4, 7, ... below 3 * section[1],
 * width takes 2, 5, 8, ... below 3 * section[2], time the rest. Without
 * sections every frequency uses time.
 *
 * Yarn stretches the frequencies that turn less than beta_slow times within the
 * original length and keeps those that turn more than beta_fast times:
 *
 *     at(r)  = dim ln(original / (2 pi r)) / (2 ln theta)
 *     low    = max(0, floor(at(beta_fast)))
 *     high   = min(dim - 1, ceil(at(beta_slow)))   + 0.001 if equal to low
 *     ramp_j = clamp((j - low) / (high - low), 0, 1)
 *     f_j'   = f_j (1 - ramp_j) + f_j / factor * ramp_j
 *     cosines and sines times 0.1 ln(factor) + 1, no less than 1, or the factor given
 */
#ifndef QVL_ROPE_H
#define QVL_ROPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef enum { QVL_ROPE_DEFAULT, QVL_ROPE_YARN } qvl_rope_type;

/* What config.json says of text positions. */
typedef struct {
    qvl_rope_type type;
    int dim;         // size of a head, even
    double theta;
    int section[3];  // frequencies of time, height, width; all 0: plain
    // yarn alone
    double factor;
    double original_positions;
    double beta_fast;
    double beta_slow;
    double attention_factor;  // of cosines and sines; 0: from `factor`
} qvl_rope_config;

/* Frequencies of a model, ready for use. */
typedef struct {
    int n;                // dim / 2
    const float *f;       // [n]
    const uint8_t *axis;  // [n] which position: 0 time, 1 height, 2 width
    double scale;         // of cosines and sines
} qvl_rope;

/* f [n] of dimension `dim` = 2n, without yarn. */
void qvl_rope_frequencies(float *f, int n, double theta, int dim);

/* Frequencies and axes of text; the arrays belong to the arena. */
void qvl_rope_init(qvl_rope *rope, const qvl_rope_config *config,
                   qvl_arena *arena);

/* Tables of n tokens.
 *
 *   out       [n, 2, rope->n] cosines, then sines of each token
 *   position  [n, 3] time, height, width */
void qvl_rope_angles(float *out, const qvl_rope *rope,
                     const int32_t *position, size_t n);

/* Tables of n patches: the first half of the angles follows the row, the other
 * half the column, each with the same frequencies of theta 10,000.
 *
 *   out       [n, 2, n_angles] cosines, then sines of each patch
 *   place     [n, 2] row and column of each patch
 *   n_angles  half a head, even
 *   arena     for the frequencies */
void qvl_rope_patch_angles(float *out, const int32_t *place, size_t n,
                           int n_angles, qvl_arena *arena);

#endif
