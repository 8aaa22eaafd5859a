/* make_png.h - PNG files of every kind, written for tests
 *
 * Nothing is compressed: the data is made of stored blocks.
 */
#ifndef IMAGE_MAKE_PNG_H
#define IMAGE_MAKE_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct {
    int h, w;
    int depth;              // bits of a sample
    int kind;               // colour type: 0, 2, 3, 4, 6
    bool is_interlaced;
    int filter;             // of all rows, 5: each row another one
    size_t piece_bytes;     // pixels in chunks of this size, 0: in one
    const uint16_t *sample; // [h, w, channels]
    const uint8_t *palette; // [n_colours, 3]
    int n_colours;
} png_source;

/* Samples of a pixel. */
int png_channels(int kind);

void png_begin(qvl_str *out);
void png_chunk(qvl_str *out, const char *name, const void *p, size_t n);
void png_header(qvl_str *out, const png_source *s);
void png_pixels(qvl_str *out, const png_source *s);

/* All of the above, and the end. */
void png_write(qvl_str *out, const png_source *s);

#endif
