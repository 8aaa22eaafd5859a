/* answer_check.c - the tree of an answer, object by object
 *
 * Coordinates are compared as numbers: those of the writer come back as they were.
 */
#include "data/answer_check.h"

#include <string.h>

#include "base/json.h"

typedef struct {
    const qvl_record *record;
    const qvl_answer_rules *rules;
    qvl_err *err;
} checking;

static int fail(const checking *c, const qvl_node *at, int number, const char *what)
{
    return qvl_node_fail(at, c->err, QVL_E_INTERNAL, "object_%d of an answer that is "
                         "read back: found another %s than the record's, expected the "
                         "same", number, what);
}

/* ---- points ---------------------------------------------------------------- */

/* Coordinate i of an object, as the answer is to have it. */
static double wanted(const checking *c, const qvl_object *o, int i)
{
    int side_px = i % 2 == 0 ? c->record->w : c->record->h;
    int most = qvl_coord_max(c->rules->coord);
    return most > 0 ? qvl_geom_norm(o->point[i], side_px, most) : o->point[i];
}

static bool has_points(const checking *c, const qvl_node *list, const qvl_object *o)
{
    bool has_pairs = c->rules->shape == QVL_SHAPE_STANDARD && o->kind != QVL_GEOM_BOX;
    size_t n = (size_t)o->n;
    if (list->kind != QVL_NODE_LIST || list->n != (has_pairs ? n : 2 * n))
        return false;
    for (int i = 0; i < 2 * o->n; i++) {
        const qvl_node *at = &list->items[has_pairs ? i / 2 : i];
        double v;
        if (has_pairs && (at->kind != QVL_NODE_LIST || at->n != 2))
            return false;
        if (!qvl_node_as_float(has_pairs ? &at->items[i % 2] : at, &v)
            || v != wanted(c, o, i))
            return false;
    }
    return true;
}

/* ---- objects --------------------------------------------------------------- */

static int check_object(const checking *c, const qvl_node *map, const qvl_object *o,
                        int number)
{
    bool is_line = o->kind == QVL_GEOM_LINE;
    const qvl_node *points = qvl_node_find(map, qvl_geom_name(o->kind));
    const char *desc;
    int64_t n_points = 0;
    if (map->kind != QVL_NODE_MAP || map->n != (is_line ? 3 : 2) || points == NULL)
        return fail(c, map, number, "set of keys");
    if (!qvl_node_as_string(qvl_node_find(map, "desc"), &desc)
        || strcmp(desc, o->desc) != 0)
        return fail(c, map, number, "desc");
    if (is_line
        && (!qvl_node_as_int(qvl_node_find(map, "line_points"), &n_points)
            || n_points != o->n))
        return fail(c, map, number, "line_points");
    return has_points(c, points, o) ? QVL_OK
                                    : fail(c, points, number, "list of points");
}

/* Is the key that of the object with this number? */
static bool is_key(const qvl_node *key, int number, qvl_arena *arena)
{
    return strcmp(key->s, qvl_arena_printf(arena, "object_%d", number)) == 0;
}

int qvl_answer_check(const char *text, const qvl_record *record,
                     const qvl_answer_rules *rules, qvl_arena *arena, qvl_err *err)
{
    checking c = { record, rules, err };
    const char *line = strrchr(text, '\n');
    const char *own = line != NULL ? line + 1 : text;
    qvl_node *root;
    int rc = qvl_json_parse(&root, own, strlen(own), "answer", arena, err);
    if (rc != QVL_OK)
        return rc == QVL_E_FORMAT
                   ? qvl_fail(err, QVL_E_INTERNAL, "%s",
                              qvl_arena_strdup(arena, err->msg))
                   : rc;
    const qvl_object *object = qvl_answer_objects(record, rules, arena);
    if (root->kind != QVL_NODE_MAP || root->n != (size_t)record->n_objects)
        return fail(&c, root, record->n_objects, "number of objects");
    for (int i = 0; i < record->n_objects; i++) {
        if (!is_key(&root->keys[i], i + 1, arena))
            return fail(&c, &root->keys[i], i + 1, "name");
        QVL_TRY(check_object(&c, &root->items[i], &object[i], i + 1));
    }
    return QVL_OK;
}
