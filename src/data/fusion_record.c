/* fusion_record.c - what an entry of a fusion asks of its records, and makes of them */
#include "data/fusion_record.h"

#include <string.h>

#include "data/reduce.h"

unsigned qvl_fusion_needs(const qvl_fusion_entry *entry)
{
    return QVL_NEEDS_ANSWER | (entry->mode == QVL_FUSION_SUMMARY
                                   ? QVL_NEEDS_SUMMARY : QVL_NEEDS_OBJECTS);
}

/* The answer is the summary that assert_answer asks for. */
static int check_answer(const qvl_fusion_entry *entry, const qvl_record *record,
                        qvl_err *err)
{
    const char *wanted = entry->assert_answer;
    const char *summary = record->messages == NULL ? record->summary : NULL;
    if (wanted == NULL || (summary != NULL && strcmp(summary, wanted) == 0))
        return QVL_OK;
    const char *found = record->messages != NULL ? "a conversation"
                        : summary != NULL        ? summary
                                                 : "nothing";
    return qvl_fail(err, QVL_E_DATA, "%s:%d: summary: found %.200s, expected %.200s, "
                    "which assert_answer of %s asks for", record->file, record->line,
                    found, wanted, entry->name);
}

int qvl_fusion_check(const qvl_fusion_entry *entry, const qvl_record *record,
                     qvl_err *err)
{
    if (entry->pack == QVL_FUSION_PACK_NONE && record->messages == NULL)
        return qvl_fail(err, QVL_E_DATA, "%s:%d: messages: found nothing, expected"
                        " a conversation, which template %s of %s is for",
                        record->file, record->line, entry->template,
                        entry->name);
    QVL_TRY(check_answer(entry, record, err));
    for (int i = 0; i < QVL_N_FUSED; i++)
        if (qvl_node_find(record->metadata, qvl_fused_keys[i]) != NULL)
            return qvl_fail(err, QVL_E_DATA, "%s:%d: metadata: found %s, expected"
                            " a record that is not of a fusion already",
                            record->file, record->line, qvl_fused_keys[i]);
    return QVL_OK;
}

qvl_record qvl_fusion_simplify(const qvl_fusion_entry *entry,
                               const qvl_record *record, qvl_arena *arena)
{
    return entry->poly_fallback == QVL_FUSION_POLY_OFF
                   || record->messages != NULL
               ? *record
               : qvl_reduce_polygons(record, entry->poly_max_points, arena);
}

int qvl_fusion_cap(const qvl_fusion_entry *entry, const qvl_record *record)
{
    return record->messages != NULL ? 0 : entry->max_objects_per_image;
}

qvl_fusion_note qvl_fusion_note_of(const qvl_fusion_entry *entry)
{
    return (qvl_fusion_note){ {
        [QVL_FUSED_SOURCE] = entry->name,
        [QVL_FUSED_TEMPLATE] = entry->template,
        [QVL_FUSED_DOMAIN] = qvl_fusion_role_name(entry),
        [QVL_FUSED_MODE] = qvl_fusion_mode_name(entry->mode),
    } };
}

static qvl_node text_node(const char *text)
{
    return (qvl_node){ .kind = QVL_NODE_STRING, .s = text, .s_len = strlen(text) };
}

const qvl_node *qvl_fusion_metadata(const qvl_fusion_entry *entry,
                                    const qvl_node *metadata, qvl_arena *arena)
{
    qvl_fusion_note note = qvl_fusion_note_of(entry);
    size_t n = metadata != NULL && metadata->kind == QVL_NODE_MAP ? metadata->n : 0;
    qvl_node *map = qvl_arena_array(arena, qvl_node, 1);
    qvl_node *keys = qvl_arena_array(arena, qvl_node, n + QVL_N_FUSED);
    qvl_node *items = qvl_arena_array(arena, qvl_node, n + QVL_N_FUSED);
    if (n > 0) {
        memcpy(keys, metadata->keys, n * sizeof *keys);
        memcpy(items, metadata->items, n * sizeof *items);
    }
    for (size_t i = 0; i < QVL_N_FUSED; i++) {
        keys[n + i] = text_node(qvl_fused_keys[i]);
        items[n + i] = text_node(note.text[i]);
    }
    *map = (qvl_node){ .kind = QVL_NODE_MAP, .keys = keys, .items = items,
                       .n = n + QVL_N_FUSED };
    return map;
}
