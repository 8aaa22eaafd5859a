/* augment.h - what a configuration says of augmentation: ops, limits, curriculum
 *
 *     custom.augmentation:
 *       bypass_prob: 0.1
 *       ops:
 *         - {name: hflip, params: {prob: 0.5}}
 *         - {name: random_crop, params: {scale: [0.5, 1]}}
 *       curriculum:
 *         phases:
 *           - {until_percent: 30, bypass_prob: 0.5, ops: {rotate: {max_deg: 2}}}
 *
 * Ops and parameters are the rows of augment.def. What an op does is not known here
 * (src/data/augment).
 */
#ifndef QVL_CONFIG_AUGMENT_H
#define QVL_CONFIG_AUGMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/node.h"
#include "base/str.h"
#include "config/schema.h"

/* ---- ops ----------------------------------------------------------------- */

typedef enum {
    QVL_AUG_AFFINE,   // moves the picture, together with its neighbours
    QVL_AUG_BARRIER,  // makes the canvas another one
    QVL_AUG_PATCH,    // takes objects away, or adds some
    QVL_AUG_COLOUR    // leaves everything at its place
} qvl_aug_kind;

#define OP(field, kind) QVL_AUG_OP_##field,
typedef enum {
#include "config/augment.def"
    QVL_N_AUG_OPS
} qvl_aug_id;

typedef struct {
    double lo, hi;
} qvl_aug_range;

typedef struct {
    int v[2];
} qvl_aug_pair;

typedef struct {
    const double *v;  // [n]
    int n;
} qvl_aug_numbers;

#define QVL_AUG_NUMBER double
#define QVL_AUG_COUNT int
#define QVL_AUG_SIZE int
#define QVL_AUG_FLAG bool
#define QVL_AUG_WORD int
#define QVL_AUG_RANGE qvl_aug_range
#define QVL_AUG_PAIR qvl_aug_pair
#define QVL_AUG_NUMBERS qvl_aug_numbers
#define QVL_AUG_TEXTS qvl_texts

/* Words of small_object_zoom_paste.overlap_mode and albumentations_color.preset. */
enum { QVL_AUG_OVERLAP_BOUNDS, QVL_AUG_OVERLAP_MASK };
enum { QVL_AUG_COLOUR_STRONG, QVL_AUG_COLOUR_EXTREME };

/* An op with its parameters: `u.NAME` of the op with that name. */
typedef struct {
    qvl_aug_id id;
    union {
#define OP(field, kind) struct {
#define PARAM(field, name, type, preset, rule, changes) QVL_AUG_##type name;
#define OP_END(field) } field;
#include "config/augment.def"
    } u;
} qvl_aug_op;

typedef enum {
    QVL_AUG_TYPE_NUMBER,
    QVL_AUG_TYPE_COUNT,
    QVL_AUG_TYPE_SIZE,
    QVL_AUG_TYPE_FLAG,
    QVL_AUG_TYPE_WORD,
    QVL_AUG_TYPE_RANGE,
    QVL_AUG_TYPE_PAIR,
    QVL_AUG_TYPE_NUMBERS,
    QVL_AUG_TYPE_TEXTS
} qvl_aug_type;

typedef struct {
    const char *name;
    qvl_aug_id op;
    qvl_aug_type type;
    size_t at;           // of the field in qvl_aug_op
    const char *preset;  // NULL: must be given
    const char *rule;
    bool changes;        // by a curriculum
} qvl_aug_param;

extern const qvl_aug_param qvl_aug_params[];
extern const size_t qvl_n_aug_params;

const char *qvl_aug_name(qvl_aug_id op);
qvl_aug_kind qvl_aug_kind_of(qvl_aug_id op);

/* The parameter of an op; NULL: it has none of this name. */
const qvl_aug_param *qvl_aug_param_find(qvl_aug_id op, const char *name);

/* ---- a configuration ----------------------------------------------------- */

enum { QVL_AUG_CLIP_OUTLINE, QVL_AUG_CLIP_MIN_AREA_RECT };
enum { QVL_AUG_DEGENERATE_DROP, QVL_AUG_DEGENERATE_CLAMP };

/* A word of a description that a cropped object has no more, and the one it gets. */
typedef struct {
    const char *from, *to;
} qvl_aug_word;

/* Where a parameter goes in a phase. */
typedef struct {
    const qvl_aug_param *param;  // of all ops with this name
    double lo, hi;               // equal where it is no range
} qvl_aug_target;

typedef struct {
    double until;        // step, or percent of all steps
    double bypass_prob;  // -1: not named
    const qvl_aug_target *target;  // [n]
    int n;
} qvl_aug_phase;

typedef struct qvl_augmentation {
    bool is_on;          // else the rest says nothing
    double bypass_prob;
    const qvl_aug_op *op;  // [n_ops]
    int n_ops;
    int clip_poly;       // QVL_AUG_CLIP_...
    int degenerate;      // QVL_AUG_DEGENERATE_...
    int min_poly_points; // 3 or 4
    const qvl_aug_word *word;  // [n_words]
    int n_words;
    bool is_percent;     // the phases end at
    const qvl_aug_phase *phase;  // [n_phases]
    int n_phases;
} qvl_augmentation;

/* Read `custom.augmentation`, with `custom.augmentation_curriculum` (the older place
 * of the curriculum) and `custom.bypass_prob` (of bypass_prob). Each may be NULL. What
 * is wrong goes to `faults`, with its place and path; so does what has no effect.
 * Texts are those of the trees, the rest belongs to the arena of the faults. Nothing
 * is on without ops. Runs out of host memory as an arena does. */
void qvl_augmentation_read(qvl_augmentation *out, const qvl_node *tree,
                           const qvl_node *curriculum, const qvl_node *bypass,
                           qvl_faults *faults);

/* What is between two numbers: `share` 0 is the first, 1 and more the second. */
double qvl_aug_toward(double from, double to, double share);

/* Move a parameter of an op toward a target; whole numbers are rounded. */
void qvl_aug_op_move(qvl_aug_op *op, const qvl_aug_target *target, double share);

/* Append an op with all of its parameters, and a phase, as words: two are the same if
 * and only if their texts are. */
void qvl_aug_op_put(qvl_str *out, const qvl_aug_op *op);
void qvl_aug_phase_put(qvl_str *out, const qvl_aug_phase *phase);

#endif
