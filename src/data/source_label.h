/* source_label.h - which set of data a record is of
 *
 *     metadata._fusion_source     of a fusion: the name of its entry
 *     metadata.dataset            else, where that is a text
 *     default                     else
 *
 * Labels are compared as if all of A to Z were small, and told so.
 */
#ifndef QVL_DATA_SOURCE_LABEL_H
#define QVL_DATA_SOURCE_LABEL_H

#include <stdbool.h>

#include "base/arena.h"
#include "data/record.h"

/* The label of a record, with A to Z made small. Of the arena, or where nothing has to
 * be made small the record's own text. Runs out of host memory as an arena does. */
const char *qvl_source_label(const qvl_record *record, qvl_arena *arena);

/* Is this, as qvl_source_label gives it, the label of the record? */
bool qvl_source_label_is(const qvl_record *record, const char *label);

#endif
