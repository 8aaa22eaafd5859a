/* source_label.c - which set of data a record is of */
#include "data/source_label.h"

#include <string.h>

static bool read_text(const char **text, const qvl_record *record, const char *key)
{
    return qvl_node_as_string(qvl_node_find(record->metadata, key), text)
           && (*text)[0] != '\0';
}

/* As the record has it, in any case. */
static const char *label_of(const qvl_record *record)
{
    const char *text;
    if (read_text(&text, record, qvl_fused_keys[QVL_FUSED_SOURCE])
        || read_text(&text, record, "dataset"))
        return text;
    return "default";
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

const char *qvl_source_label(const qvl_record *record, qvl_arena *arena)
{
    const char *label = label_of(record);
    if (label[strcspn(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0')
        return label;
    char *own = qvl_arena_strdup(arena, label);
    for (char *p = own; *p != '\0'; p++)
        *p = lower(*p);
    return own;
}

bool qvl_source_label_is(const qvl_record *record, const char *label)
{
    const char *own = label_of(record);
    while (*own != '\0' && lower(*own) == *label) {
        own++;
        label++;
    }
    return lower(*own) == *label;
}
