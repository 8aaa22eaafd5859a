/* pairs.h - pixels of a row, each beside the one behind it
 *
 * Sums along a row take two neighbours at a time (qvl_lanes_pairs_i16), so their words
 * lie in turns: r r' g g' b b', and two of no use, for a pixel and the next one.
 */
#ifndef QVL_IMAGE_PAIRS_H
#define QVL_IMAGE_PAIRS_H

#include "base/lanes.h"
#include "image/image.h"

/* Words of a pair. */
#define QVL_PAIR 8

/* Bytes behind a row that are read, whatever they are. */
#define QVL_PAIRS_SLACK 8

/* The pairs of n pixels: pair is [n, QVL_PAIR], row [n, 3] and QVL_PAIRS_SLACK bytes
 * behind it. The last pair has a pixel of these as its second one. */
static inline void qvl_pairs_make(int16_t *pair, const uint8_t *row, int n)
{
    for (int i = 0; i < n; i++, pair += QVL_PAIR, row += QVL_IMAGE_CHANNELS) {
        qvl_lanes two = qvl_lanes_lower_u8(
            qvl_lanes_load_half(row),
            qvl_lanes_load_half(row + QVL_IMAGE_CHANNELS));
        qvl_lanes_store(pair, qvl_lanes_lower_u8(two, qvl_lanes_zero()));
    }
}

#endif
