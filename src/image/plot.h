/* plot.h - curves with axes, as a picture
 *
 * Axes fit the points and carry round numbers. Points that are not finite are
 * gaps, and so are values of 0 and below on a logarithmic axis. Numbers beyond
 * 1e300 are taken as gaps too, on a logarithmic axis those that are not within 1e-250
 * to 1e250. Without a point the axes stay empty.
 */
#ifndef QVL_IMAGE_PLOT_H
#define QVL_IMAGE_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "image/image.h"

/* Borrowed for the call. */
typedef struct {
    const char *name;  // for the legend; NULL: not in it
    const double *x;   // [n], drawn in this order
    const double *y;   // [n]
    size_t n;
    int colour;        // number of qvl_draw_colour
    bool is_faint;     // thin and pale, as raw values behind a mean
} qvl_plot_series;

typedef struct {
    const char *title;    // NULL: none; the labels as well
    const char *x_label;
    const char *y_label;
    bool is_log_y;
    int w, h;             // px, at least 200 x 150
    const qvl_plot_series *series;  // [n_series] the last one on top
    int n_series;
} qvl_plot;

/* Draw. out is a new picture. Fails with QVL_E_MEMORY. */
int qvl_plot_draw(qvl_image *out, const qvl_plot *plot, qvl_err *err);

/* Draw to a PNG file. Fails with QVL_E_IO as well. */
int qvl_plot_save(const char *path, const qvl_plot *plot, qvl_err *err);

/* Round numbers for an axis.
 *
 *   tick       out [most]
 *   lo, hi     within 1e300, lo < hi by 1e-12 of the larger of them at least
 *   most       at least 2
 *
 * Returns how many there are, two at least. They lie within lo..hi, up to 1e-9 of
 * their step, and rise by it; it is 1, 2 or 5 times a power of ten. */
int qvl_plot_ticks(double *tick, double lo, double hi, int most);

/* The same for a logarithmic axis, 0 < lo < hi: powers of ten, each n-th where they
 * are many, and 2 and 5 times those where there are few; the ticks above where fewer
 * than two of them lie within. */
int qvl_plot_log_ticks(double *tick, double lo, double hi, int most);

#endif
