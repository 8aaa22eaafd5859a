/* tiny.h - three small kernels, written by hand as the generator would
 *
 *     add     y = a + b                          in a, in b, out y; n
 *     scale   y[i] = s y[i] + c + i mod period   io y; n, period, s, c
 *     widen   y = x as f32 for i < m, else 7     in bf16 x, out y; n, m
 *
 * `period` is compiled in; scale has a tile SPAN, the elements of a lane.
 */
#ifndef QVL_TEST_TINY_H
#define QVL_TEST_TINY_H

#include "backend/kernel.h"

extern const qvl_kernel tiny_add;
extern const qvl_kernel tiny_scale;
extern const qvl_kernel tiny_widen;

#endif
