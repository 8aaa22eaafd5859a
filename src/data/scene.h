/* scene.h - drawn scenes: coloured shapes on a dark ground
 *
 * One to three shapes of equal width and height, on multiples of 8 px, none
 * nearer than 2 px to another. Every number of a scene comes from its stream of
 * random numbers: the same stream gives the same scene on every machine.
 *
 *     box    circle, square, triangle   known by their bounds
 *     poly   diamond, house, corner     known by their outline
 *     line   slash, bend, zigzag        known by their points, drawn with a
 *                                       width of 1/32 of the picture
 *
 * A pixel belongs to a shape when its centre does.
 */
#ifndef QVL_DATA_SCENE_H
#define QVL_DATA_SCENE_H

#include "base/rng.h"
#include "data/record.h"
#include "image/image.h"

#define QVL_SCENE_MAX_OBJECTS 3
#define QVL_SCENE_MAX_POINTS 6

/* Smallest and largest side of a picture, px. */
#define QVL_SCENE_MIN_SIDE 32
#define QVL_SCENE_MAX_SIDE 4096

typedef struct {
    qvl_geom_kind kind[QVL_N_GEOM];  // [n_kinds], each once
    int n_kinds;                     // > 0
    int side_px;                     // width and height of a picture, within
                                     // the two above
} qvl_scene_rules;

typedef struct {
    int x, y, side;       // px: the square it fills
    int shape, colour;    // places in tables
    qvl_geom_kind kind;
    int n;
    double point[2 * QVL_SCENE_MAX_POINTS];
    char desc[32];        // "COLOUR SHAPE"
} qvl_scene_object;

typedef struct {
    int side_px;
    int ground;           // grey of the background
    qvl_scene_object object[QVL_SCENE_MAX_OBJECTS];  // top to bottom, then left
    int n;                                           // to right
} qvl_scene;

/* Draw lots for a scene. */
void qvl_scene_draw(qvl_scene *scene, const qvl_scene_rules *rules,
                    qvl_rng *rng);

/* Paint it: im is a picture of side_px x side_px. */
void qvl_scene_paint(const qvl_scene *scene, qvl_image *im);

#endif
