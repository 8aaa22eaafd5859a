/* recipe.h - what a set of data makes of its records: samples
 *
 *     record --augmented--> --objects limited--> --asked, encoded--> sample
 *
 * A run has one recipe, or those of a fusion's entries. What comes out depends on the
 * recipe, the record and its turn alone, never on threads or order.
 */
#ifndef QVL_DATA_RECIPE_H
#define QVL_DATA_RECIPE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "data/augment/augment.h"
#include "data/encode.h"
#include "data/epoch_plan.h"
#include "data/message.h"
#include "data/record.h"

/* Borrows what it points to. */
typedef struct {
    const qvl_encoder *encoder;      // NULL: records are looked at and not encoded
    const qvl_augmenter *augmenter;  // NULL: nothing is augmented
    qvl_mode_draw draw;              // of modes, as the encoder has it; its seed and
                                     // data set are those of all draws
    int max_objects;                 // that stay, drawn at each turn; 0: all
} qvl_recipe;

/* Those of records that stand one behind the other. Borrows. */
typedef struct {
    const qvl_recipe *v;  // [n]
    const size_t *end;    // [n] number of the record behind the last of each; not
                          // read with one recipe
    int n;                // > 0
} qvl_recipes;

/* The recipe of a record, by its number among all. */
const qvl_recipe *qvl_recipe_of(const qvl_recipes *recipes, size_t record);

/* What a record is asked for, as qvl_mode_of. */
qvl_mode qvl_recipe_mode(const qvl_recipe *r, const qvl_record *record,
                         uint64_t epoch);

/* Do the objects and the text of a record stay what they are, but for its mode? */
bool qvl_recipe_is_steady(const qvl_recipe *r, const qvl_record *record);

/* A record as it is seen at its turn; no pixels are touched.
 *
 *   out     the record itself, or one of the arena that shares its texts
 *   report  of qvl_augment, without an augmenter as of a record that was bypassed;
 *           its arrays have the objects that stay, its counts are from before; may be
 *           NULL
 *
 * Fails as qvl_augment does. Runs out of host memory as an arena does. */
int qvl_recipe_see(const qvl_recipe *r, const qvl_record *record,
                   const qvl_sample_at *at, qvl_arena *arena, const qvl_record **out,
                   qvl_augment_report *report, qvl_err *err);

#endif
