/* fusion_line.c - the line in front of the answers of an entry */
#include <assert.h>
#include <string.h>

#include "config/fusion.h"

bool qvl_fusion_has_line(const qvl_fusion_entry *entry)
{
    return entry->is_target && entry->assert_answer == NULL
           && entry->dataset != QVL_FUSION_CHAT
           && entry->pack != QVL_FUSION_PACK_NONE;
}

const char *qvl_fusion_domain(const qvl_fusion_entry *entry)
{
    static const char *const names[] = {
        [QVL_FUSION_BBU] = "bbu",   [QVL_FUSION_RRU] = "rru",
        [QVL_FUSION_COCO] = "coco", [QVL_FUSION_OBJECTS365] = "objects365",
        [QVL_FUSION_LVIS] = "lvis", [QVL_FUSION_FLICKR3K] = "flickr3k",
        [QVL_FUSION_CHAT] = NULL,   [QVL_FUSION_JSONL] = NULL,
    };
    return entry->domain != NULL ? entry->domain : names[entry->dataset];
}

static const char *const words[] = { "{task}", "{domain}", "{dataset}" };
enum { TASK, DOMAIN, DATASET, N_WORDS };

/* The word at the beginning of a text; N_WORDS: none. */
static int word_at(const char *p)
{
    int k = 0;
    while (k < N_WORDS && strncmp(p, words[k], strlen(words[k])) != 0)
        k++;
    return k;
}

/* Bytes up to the next brace. */
static size_t plain_at(const char *p)
{
    size_t n = strcspn(p, "{}");
    return n > 0 ? n : 1;
}

bool qvl_fusion_format_is_known(const char *format)
{
    for (const char *p = format; *p != '\0';) {
        int k = word_at(p);
        if (k == N_WORDS && (*p == '{' || *p == '}'))
            return false;
        p += k < N_WORDS ? strlen(words[k]) : plain_at(p);
    }
    return true;
}

static const char *capitals(const char *text, qvl_arena *arena)
{
    char *copy = qvl_arena_strdup(arena, text);
    for (char *p = copy; *p != '\0'; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    return copy;
}

const char *qvl_fusion_line(const qvl_fusion_entry *entry, const char *format,
                            qvl_arena *arena)
{
    const char *const value[N_WORDS] = {
        [TASK] = entry->mode == QVL_FUSION_SUMMARY ? "SUMMARY" : "DETECTION",
        [DOMAIN] = qvl_fusion_domain(entry),
        [DATASET] = entry->name,
    };
    const char *line = "";
    for (const char *p = format; *p != '\0';) {
        int k = word_at(p);
        size_t n = k < N_WORDS ? strlen(words[k]) : plain_at(p);
        assert(k == N_WORDS || value[k] != NULL);
        line = k < N_WORDS
                   ? qvl_arena_printf(arena, "%s%s", line, capitals(value[k], arena))
                   : qvl_arena_printf(arena, "%s%.*s", line, (int)n, p);
        p += n;
    }
    return line;
}
