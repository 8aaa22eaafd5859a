/* parse_report.c - what is done with an answer that has been read */
#include "infer/parse.h"

#include <string.h>

#include "base/json.h"

void qvl_answer_sort(qvl_answer *answer, qvl_arena *arena)
{
    int n = answer->n_objects;
    qvl_geom *geom = qvl_arena_array(arena, qvl_geom, n);
    int *place = qvl_arena_array(arena, int, n);
    qvl_object *sorted = qvl_arena_array(arena, qvl_object, n);
    for (int i = 0; i < n; i++) {
        const qvl_object *o = &answer->object[i];
        double *point = qvl_arena_array(arena, double, 2 * (size_t)o->n);
        memcpy(point, o->point, 2 * (size_t)o->n * sizeof *point);
        qvl_geom_canonical(o->kind, point, o->n, QVL_WINDING_PRESERVE);
        geom[i] = (qvl_geom){ o->kind, o->n, point };
    }
    qvl_geom_sort(place, geom, n, QVL_ORDER_CENTER, arena);
    for (int i = 0; i < n; i++)
        sorted[i] = answer->object[place[i]];
    answer->object = sorted;
}

/* ---- reports ------------------------------------------------------------ */

#define QVL_ANSWER_WORD(name, word) word,
static const char *const fault_word[] = {
    QVL_ANSWER_FAULT_TABLE(QVL_ANSWER_WORD)
};
static const char *const step_word[] = {
    QVL_ANSWER_STEP_TABLE(QVL_ANSWER_WORD)
};
#undef QVL_ANSWER_WORD

static const char *const level_word[] = {
    [QVL_ANSWER_STRICT] = "strict",
    [QVL_ANSWER_REPAIRED] = "repaired",
    [QVL_ANSWER_SALVAGED] = "salvaged",
    [QVL_ANSWER_FAILED] = "failed",
};

const char *qvl_answer_level_name(qvl_answer_level level)
{
    return level_word[level];
}

qvl_answer_level qvl_answer_level_find(const char *name)
{
    int i = 0;
    while (i < QVL_N_ANSWER_LEVELS && strcmp(name, level_word[i]) != 0)
        i++;
    return (qvl_answer_level)i;
}

static void put_notes(qvl_str *out, const char *name,
                      const qvl_answer_note *note, int n)
{
    qvl_str_printf(out, ", \"%s\": [", name);
    for (int i = 0; i < n; i++) {
        qvl_str_printf(out, "%s{\"object\": ", i > 0 ? ", " : "");
        if (note[i].object == NULL)
            qvl_str_puts(out, "null");
        else
            qvl_json_quote(out, note[i].object, strlen(note[i].object));
        qvl_str_printf(out, ", \"code\": \"%s\"}",
                       fault_word[note[i].fault]);
    }
    qvl_str_putc(out, ']');
}

void qvl_answer_put_report(qvl_str *out, const qvl_answer *a)
{
    static const char *const boolean[] = { "false", "true" };
    qvl_str_printf(out, "{\"ok\": %s, \"format_ok\": %s, \"json\": %s, "
                   "\"level\": \"%s\", \"n_objects\": %d, \"n_dropped\": %d, "
                   "\"steps\": [", boolean[a->ok], boolean[a->format_ok],
                   boolean[a->is_json], level_word[a->level], a->n_objects,
                   a->n_dropped);
    const char *comma = "";
    for (int i = 0; i < QVL_N_ANSWER_STEPS; i++) {
        if ((a->steps >> i & 1) == 0)
            continue;
        qvl_str_printf(out, "%s\"%s\"", comma, step_word[i]);
        comma = ", ";
    }
    qvl_str_putc(out, ']');
    put_notes(out, "errors", a->error, a->n_errors);
    put_notes(out, "warnings", a->warning, a->n_warnings);
    qvl_str_putc(out, '}');
}
