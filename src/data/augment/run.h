/* run.h - a record on its way through the ops; private to augment/
 *
 * The picture is known by its size alone; what is to be done with its pixels is
 * written down as steps.
 */
#ifndef QVL_DATA_AUGMENT_RUN_H
#define QVL_DATA_AUGMENT_RUN_H

#include "base/rng.h"
#include "data/augment/augment.h"
#include "data/transform.h"
#include "image/edit.h"

/* An object as it is by now; `geom` as of the last flush. */
typedef struct {
    qvl_geom geom;
    const char *desc;
    int source;       // number in the record
    double coverage;  // product of the shares that crops left
    bool is_copy;     // pasted: no object of the record
} qvl_aug_item;

typedef struct {
    // borrowed
    const qvl_augmenter *a;
    const qvl_record *record;
    const qvl_sample_at *at;
    qvl_mode mode;
    qvl_arena *arena;
    qvl_err *err;

    int w, h;               // canvas
    qvl_affine m;           // not applied to anything yet
    qvl_aug_item *item;     // [n_items]
    int n_items;
    qvl_rng geometry, colour;
    qvl_edit_list steps;    // of all but colours
    qvl_edit_list colours;
    int n_dropped;          // of the record, by clipping and by crops
    double padding_ratio;
} qvl_aug_run;

/* One op that was drawn. *outcome is QVL_AUG_FIRED before. */
typedef int qvl_aug_fn(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome);

/* Apply the map, if it is one, to picture and objects; the canvas becomes w x h.
 * Objects that are not seen any more are dropped. Fails with QVL_E_RANGE when the map
 * has no inverse or takes a point too far away. */
int qvl_aug_flush(qvl_aug_run *r, int w, int h);

/* What the configuration says of clipping. */
qvl_transform_options qvl_aug_transform_options(const qvl_aug_run *r);

/* Room for one more item, zeroed. */
qvl_aug_item *qvl_aug_add_item(qvl_aug_run *r);

qvl_aug_fn qvl_aug_hflip, qvl_aug_vflip, qvl_aug_rotate, qvl_aug_scale;
qvl_aug_fn qvl_aug_expand_to_fit_affine, qvl_aug_pad_to_multiple,
    qvl_aug_resize_by_scale;
qvl_aug_fn qvl_aug_random_crop, qvl_aug_center_crop, qvl_aug_roi_crop;
qvl_aug_fn qvl_aug_small_object_zoom_paste;
qvl_aug_fn qvl_aug_color_jitter, qvl_aug_gamma, qvl_aug_hsv, qvl_aug_clahe,
    qvl_aug_auto_contrast, qvl_aug_equalize, qvl_aug_solarize, qvl_aug_posterize,
    qvl_aug_sharpness, qvl_aug_albumentations_color;

/* Is the op drawn? Takes a number from the stream when the op has a prob. */
bool qvl_aug_is_drawn(const qvl_aug_op *op, qvl_rng *rng);

/* What an op does. */
qvl_aug_fn *qvl_aug_fn_of(qvl_aug_id op);

#endif
