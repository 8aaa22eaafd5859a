/* slices.h - specs by lot that take slices of values in every way
 *
 * A value of two or three dims is split, split again in another way, its slices are
 * split, reshaped, read once, several times or never, in any order, added and
 * multiplied with each other and with what is whole, read in loops, conditions and
 * chunks, and put into arrays. Parts of two splits may be equal, overlap, hold each
 * other or lie apart, by sizes that can be compared (a + b and a) or not (a and b).
 */
#ifndef GEN_SLICES_H
#define GEN_SLICES_H

#include "base/str.h"

/* Append spec number k: its architecture is called `slices`. */
void slices_write(qvl_str *out, int k);

/* Dims for every such spec, as tests/specs/dims.yaml has them. */
extern const char slices_dims[];

#endif
