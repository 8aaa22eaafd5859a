/* tilings.h - tiles drawn at random among those that are allowed
 *
 * Programs must be right with every tiling that the rules allow, not only with
 * those that ship: a user's table may have any of them.
 */
#ifndef PROGRAM_TILINGS_H
#define PROGRAM_TILINGS_H

#include "backend/backend.h"

/* Choose tiles for all products and attention on the device, equal ones for
 * equal seeds: far from those that ship, allowed, and with no more shared memory
 * than the device has for heads of 128. */
void tilings_draw(qvl_device *dev, uint64_t seed);

/* Choose tiles that compile quickly on software Vulkan: blocks of at most 3 x 3 a
 * lane, which a compiler has to unroll. Elsewhere those that ship. */
void tilings_light(qvl_device *dev);

/* Back to those that ship. */
void tilings_reset(qvl_device *dev);

/* The rules allow a kernel to be drawn that was not: fails unless every one of
 * them had other tiles than those that ship at least once since the last call. */
void tilings_end(const char *device);

#endif
