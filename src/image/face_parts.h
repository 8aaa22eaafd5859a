/* face_parts.h - what the readers of a font file share; private to them
 *
 * Bytes are taken through a part, which gives zeroes behind its end and remembers that
 * it did: a reader looks once when it is done. Outlines are drawn with a pen that
 * makes curves to straight pieces.
 */
#ifndef QVL_IMAGE_FACE_PARTS_H
#define QVL_IMAGE_FACE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "image/face.h"

/* A stretch of the file, and how far it is read. */
typedef struct {
    const uint8_t *p;
    size_t len;
    size_t at;
    bool is_out;  // something behind the end was asked for
} qvl_face_part;

/* The next n_bytes, 1 to 4, as a number, the highest byte first. */
uint32_t qvl_face_take(qvl_face_part *part, int n_bytes);

/* The same for two bytes with a sign. */
int qvl_face_take_signed(qvl_face_part *part);

/* Pass over n bytes. */
void qvl_face_skip(qvl_face_part *part, size_t n);

/* len bytes from `at` on as a part of its own; is_out when `of` ends before. */
qvl_face_part qvl_face_cut(const qvl_face_part *of, size_t at, size_t len);

/* All from `at` on. */
qvl_face_part qvl_face_rest(const qvl_face_part *of, size_t at);

/* Draws rings; zeroed but for scale and arena. Coordinates are units of the font,
 * y up. */
typedef struct {
    double scale;      // ems a unit
    qvl_arena *arena;
    double x, y;       // where it is
    double *point;     // [cap, 2]
    int n, cap;
    int *end;          // [end_cap]
    int n_rings, end_cap;
    bool is_full;      // more points than a letter may have
} qvl_face_pen;

/* Close the ring that is being drawn, if there is one, and begin another. */
void qvl_face_move(qvl_face_pen *pen, double x, double y);
void qvl_face_line(qvl_face_pen *pen, double x, double y);
/* control [2 n]: one point for a quadratic curve, two for a cubic one. */
void qvl_face_curve(qvl_face_pen *pen, const double *control, int n, double x,
                    double y);
void qvl_face_end(qvl_face_pen *pen);

/* Tables of quadratic outlines. */
typedef struct {
    qvl_face_part glyf, loca;
    bool is_long;  // entries of loca have 4 bytes
} qvl_face_glyf;

/* Draw a glyph; false when it is damaged. */
bool qvl_face_glyf_draw(const qvl_face_glyf *f, uint32_t glyph,
                        qvl_face_pen *pen);

/* A list of byte strings in a CFF table. */
typedef struct {
    uint32_t n;
    int offset_bytes;
    size_t offsets;  // where they begin
    size_t data;     // what they count from
    size_t end;      // behind all
} qvl_face_index;

/* The table of cubic outlines. */
typedef struct {
    qvl_face_part all;
    qvl_face_index glyphs, subrs;  // programs; pieces that all may call
    qvl_face_index fonts;          // dicts of a font with several; else n is 0
    size_t select;                 // where it is said which glyph has which
    qvl_face_part top;             // the dict of a font with one
} qvl_face_cff;

/* Find the lists; false when the table is none of version 1. */
bool qvl_face_cff_init(qvl_face_cff *f, const qvl_face_part *table);

/* Draw a glyph; false when it is damaged, or asks for arithmetic, which fonts of
 * today do not. */
bool qvl_face_cff_draw(const qvl_face_cff *f, uint32_t glyph,
                       qvl_face_pen *pen);

#endif
