/* face.h - letters as outlines, out of a font file
 *
 * TrueType and OpenType: .ttf, .otf, and one font of a collection (.ttc, .otc).
 * Outlines are quadratic (glyf) or cubic (CFF) and come as rings of straight
 * pieces, unhinted. Characters are Unicode; marks are not combined and nothing is
 * kerned, which is enough for labels in Chinese and Latin letters.
 *
 * The file may hold anything: nothing outside of it is read, and work has bounds. A
 * letter whose outline is damaged counts as one that is not there.
 */
#ifndef QVL_IMAGE_FACE_H
#define QVL_IMAGE_FACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct qvl_face qvl_face;

/* Open "FILE", or "FILE#N" for font N, from 0, of a collection; the file stays
 * mapped until close. Fails with QVL_E_IO, with QVL_E_FORMAT for what is no such
 * font, QVL_E_RANGE for a number that the collection has not, QVL_E_MEMORY. */
int qvl_face_open(qvl_face **face, const char *path, qvl_err *err);
void qvl_face_close(qvl_face *face);

/* Is there a letter for this character? */
bool qvl_face_has(const qvl_face *face, uint32_t code);

/* From its origin to that of the next letter, in ems, at least 0. */
double qvl_face_advance(const qvl_face *face, uint32_t code);

/* The rings of a letter: y points down, the origin lies on the baseline. What
 * a ring turns round is inside, unless another turns back round it. */
typedef struct {
    const double *point;  // [end[n_rings - 1], 2] ems
    const int *end;       // [n_rings] behind the last point of a ring
    int n_rings;          // 0: nothing to be seen, as a blank
} qvl_outline;

/* The outline of a character, in the arena; false when there is none, out is then
 * unchanged. Unwinds out of memory. */
bool qvl_face_outline(const qvl_face *face, uint32_t code, qvl_outline *out,
                      qvl_arena *arena);

#endif
