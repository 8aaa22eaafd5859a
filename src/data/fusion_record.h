/* fusion_record.h - what an entry of a fusion asks of its records, and makes of them */
#ifndef QVL_DATA_FUSION_RECORD_H
#define QVL_DATA_FUSION_RECORD_H

#include "base/arena.h"
#include "base/err.h"
#include "config/fusion.h"
#include "data/record.h"

/* What a reader of the entry's files asks of each record: enum qvl_record_needs. */
unsigned qvl_fusion_needs(const qvl_fusion_entry *entry);

/* Is it a conversation where it has to be one, does it have the answer that the entry
 * asserts, and is it not of a fusion already? Fails with QVL_E_DATA, file and line. */
int qvl_fusion_check(const qvl_fusion_entry *entry, const qvl_record *record,
                     qvl_err *err);

/* A record as the entry has it loaded: with simple polygons (reduce.h). Conversations
 * are left alone by this and by the cap: their objects are not asked for. */
qvl_record qvl_fusion_simplify(const qvl_fusion_entry *entry,
                               const qvl_record *record, qvl_arena *arena);

/* Objects of the record that may stay when it is used; 0: all. For reduce.h, with the
 * draws of qvl_fusion_plan_id. */
int qvl_fusion_cap(const qvl_fusion_entry *entry, const qvl_record *record);

/* What the metadata of a record of a fusion say, in the order of qvl_fused. */
typedef struct {
    const char *text[QVL_N_FUSED];
} qvl_fusion_note;
qvl_fusion_note qvl_fusion_note_of(const qvl_fusion_entry *entry);

/* The metadata of a record of the entry: its own (NULL: none), and behind them the notes.
 * Shares the texts of both. */
const qvl_node *qvl_fusion_metadata(const qvl_fusion_entry *entry,
                                    const qvl_node *metadata, qvl_arena *arena);

#endif
