/* face.h - letters out of a font file
 *
 * TrueType and OpenType: .ttf, .otf, and one font of a collection (.ttc, .otc); what
 * else FreeType takes as outlines with Unicode characters is welcome too. Letters are
 * not hinted, so that their shape does not depend on their size and place. Marks are
 * not combined and nothing is kerned, which is enough for labels in Chinese and Latin
 * letters.
 *
 * The file may hold anything. A letter whose outline is damaged counts as one that is
 * not there. Equal files and places give equal pixels, whatever the environment says
 * to FreeType. A face serves one thread at a time, one that is const too; faces of
 * their own do not meet.
 */
#ifndef QVL_IMAGE_FACE_H
#define QVL_IMAGE_FACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

typedef struct qvl_face qvl_face;

/* An em that is drawn is smaller, px. */
#define QVL_FACE_MAX_PX 16000

/* Is there FreeType in this build? Else every opening fails. */
bool qvl_face_can_open(void);

/* Open "FILE", or "FILE#N" for font N, from 0, of a collection; the file stays
 * mapped until close. Fails with QVL_E_IO, with QVL_E_FORMAT for what is no such
 * font, QVL_E_RANGE for a number that the collection has not, QVL_E_MEMORY,
 * QVL_E_UNSUPPORTED in a build without FreeType. */
int qvl_face_open(qvl_face **face, const char *path, qvl_err *err);
void qvl_face_close(qvl_face *face);

/* Is there a letter for this character? */
bool qvl_face_has(const qvl_face *face, uint32_t code);

/* From its origin to that of the next letter, in ems, at least 0. */
double qvl_face_advance(const qvl_face *face, uint32_t code);

/* Where a letter stands in a picture: (x, y) is its origin, on the baseline, in px
 * as image/draw.h counts them; (dx, dy) is an em along the baseline: (20, 0) writes
 * with 20 px to the right, (0, -20) upwards. */
typedef struct {
    double x, y;
    double dx, dy;
    int w, h;       // px, of the picture
} qvl_face_place;

/* n > 0 pixels of a row, from (x, y) on, inside of the picture; `cover` is how much of
 * each of them the letter covers, 1 to 255: all. */
typedef void qvl_face_run(void *to, int x, int y, int n, int cover);

/* Draw the letter of a character: run(to, ...) is called for all that it covers, each
 * pixel at most once. False, without a call, when there is no such letter. Nothing
 * is covered where a number of the place is not finite, nor with an em of
 * QVL_FACE_MAX_PX and more. Unwinds out of memory. */
bool qvl_face_draw(const qvl_face *face, uint32_t code,
                   const qvl_face_place *at, qvl_face_run *run, void *to);

#endif
