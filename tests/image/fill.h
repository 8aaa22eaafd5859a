/* fill.h - pictures with a known content, made from numbers; for tests */
#ifndef IMAGE_FILL_H
#define IMAGE_FILL_H

#include "image/image.h"

/* Byte k is the top byte of number k of a stream that starts at the hash of
 * "image". */
void fill_noise(qvl_image *im);

/* Red grows to the right, green down, blue both ways: each from 0 to 255. Sides
 * are 2 or more. */
void fill_ramp(qvl_image *im);

#endif
