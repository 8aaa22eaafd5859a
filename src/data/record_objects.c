/* record_objects.c - objects of a record: description and geometry
 *
 * Description and geometry are checked whatever the other says, and every object is, so
 * that all faults of a record are told; within a geometry the first one ends it, as
 * each check takes those before it for granted. Points are kept as written: their
 * canonical form and the order of objects are made in message.c.
 */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "data/record_check.h"
#include "data/text.h"

/* An object being checked. */
typedef struct {
    qvl_record_check *c;
    const qvl_node *map;
    int place;  // in the list
    int w, h;
} object_check;

static const char *const other_keys[] = { "desc", "poly_points",
                                          "line_points" };

/* ---- descriptions ------------------------------------------------------- */

static void check_dialect(const object_check *o, const qvl_node *at, const char *text)
{
    qvl_lint lint = o->c->options->lint;
    const char *wrong = qvl_lint_desc(lint, text);
    if (wrong != NULL)
        qvl_record_fault(o->c, QVL_FAULT_DESC, QVL_E_DATA, at,
                         "objects[%d].desc: found %s in \"%s\", expected the dialect "
                         "%s", o->place, wrong, qvl_text_short(o->c->scratch, text),
                         qvl_lint_name(lint));
}

static void check_desc(const object_check *o, qvl_object *out)
{
    const qvl_node *n = qvl_record_find(o->map, "desc");
    const char *text;
    if (!qvl_node_as_string(n, &text)) {
        qvl_record_fault(o->c, QVL_FAULT_DESC, QVL_E_DATA,
                         n != NULL ? n : o->map,
                         "objects[%d].desc: found %s, expected a text without "
                         "NUL", o->place,
                         n != NULL ? qvl_node_kind_name(n->kind) : "nothing");
        return;
    }
    const char *wrong = qvl_text_desc_fault(text);
    out->desc = qvl_arena_strdup(o->c->arena, text);
    if (wrong != NULL)
        qvl_record_fault(o->c, QVL_FAULT_DESC, QVL_E_DATA, n,
                         "objects[%d].desc: found %s in \"%s\", expected none",
                         o->place, wrong, qvl_text_short(o->c->scratch, text));
    else
        check_dialect(o, n, text);
}

/* ---- points ------------------------------------------------------------- */

static bool read_number(const object_check *o, const char *key, size_t i,
                        const qvl_node *n, double *out)
{
    if (qvl_node_as_float(n, out))
        return true;
    qvl_record_fault(o->c, QVL_FAULT_COORDS, QVL_E_DATA, n,
                     "objects[%d].%s[%zu]: found %s, expected a finite number",
                     o->place, key, i,
                     n->kind == QVL_NODE_FLOAT ? n->s
                                               : qvl_node_kind_name(n->kind));
    return false;
}

static bool is_pair(const qvl_node *n)
{
    return n->kind == QVL_NODE_LIST && n->n == 2;
}

/* Pairs: the number of points, each of two numbers. */
static bool read_pairs(const object_check *o, const char *key,
                       const qvl_node *list, double *point)
{
    for (size_t i = 0; i < list->n; i++) {
        const qvl_node *pair = &list->items[i];
        if (!is_pair(pair)) {
            qvl_record_fault(o->c, QVL_FAULT_COORDS, QVL_E_DATA, pair,
                             "objects[%d].%s[%zu]: found %s, expected a pair "
                             "[x, y] like the first", o->place, key, i,
                             pair->kind == QVL_NODE_LIST
                                 ? "a list of another length"
                                 : qvl_node_kind_name(pair->kind));
            return false;
        }
        for (size_t k = 0; k < 2; k++)
            if (!read_number(o, key, i, &pair->items[k], &point[2 * i + k]))
                return false;
    }
    return true;
}

static bool read_flat(const object_check *o, const char *key,
                      const qvl_node *list, double *point)
{
    for (size_t i = 0; i < list->n; i++)
        if (!read_number(o, key, i, &list->items[i], &point[i]))
            return false;
    if (list->n % 2 == 0)
        return true;
    qvl_record_fault(o->c, QVL_FAULT_POINTS, QVL_E_DATA, list,
                     "objects[%d].%s: found %zu numbers, expected an even count:"
                     " x and y of each point", o->place, key, list->n);
    return false;
}

/* A flat list, or a list of pairs. */
static bool read_points(const object_check *o, const char *key,
                        const qvl_node *list, qvl_object *out)
{
    if (list->kind != QVL_NODE_LIST || list->n > INT_MAX / 2) {
        qvl_record_fault(o->c, QVL_FAULT_COORDS, QVL_E_DATA, list,
                         "objects[%d].%s: found %s, expected a list of numbers",
                         o->place, key,
                         list->kind == QVL_NODE_LIST
                             ? "too many of them"
                             : qvl_node_kind_name(list->kind));
        return false;
    }
    bool has_pairs = list->n > 0 && list->items[0].kind == QVL_NODE_LIST;
    size_t n = has_pairs ? list->n : list->n / 2;
    double *point = qvl_arena_array(o->c->arena, double, 2 * n + 1);
    if (has_pairs ? !read_pairs(o, key, list, point)
                  : !read_flat(o, key, list, point))
        return false;
    out->n = (int)n;
    out->point = point;
    return true;
}

/* ---- geometry ----------------------------------------------------------- */

/* Place of the one geometry in the table; -1 with a fault when it is not one. */
static int find_geometry(const object_check *o)
{
    int found = -1;
    for (int i = 0; i < QVL_N_GEOM_KEYS; i++) {
        const qvl_node *n = qvl_record_find(o->map, qvl_geom_keys[i].key);
        if (n != NULL && found >= 0) {
            qvl_record_fault(o->c, QVL_FAULT_GEOMETRY, QVL_E_DATA, n,
                             "objects[%d]: found both %s and %s, expected one "
                             "geometry", o->place, qvl_geom_keys[found].key,
                             qvl_geom_keys[i].key);
            return -1;
        }
        if (n != NULL)
            found = i;
    }
    if (found < 0)
        qvl_record_fault(o->c, QVL_FAULT_GEOMETRY, QVL_E_DATA, o->map,
                         "objects[%d]: found no geometry, expected one of "
                         "bbox_2d, poly, line", o->place);
    return found;
}

static bool check_count(const object_check *o, int k, const qvl_node *at,
                        const qvl_object *object)
{
    int exactly = qvl_geom_keys[k].n_points;
    int least = qvl_geom_min_points(qvl_geom_keys[k].kind);
    if (exactly != 0 ? object->n == exactly : object->n >= least)
        return true;
    qvl_record_fault(o->c, QVL_FAULT_POINTS, QVL_E_DATA, at,
                     "objects[%d].%s: found %d numbers, expected %d%s",
                     o->place, qvl_geom_keys[k].key, 2 * object->n,
                     2 * (exactly != 0 ? exactly : least),
                     exactly != 0 ? "" : " or more");
    return false;
}

/* A count that is written beside the points must be theirs. */
static bool check_written_count(const object_check *o,
                                const qvl_object *object)
{
    static const struct {
        const char *key;
        qvl_geom_kind kind;
    } counts[] = { { "poly_points", QVL_GEOM_POLY },
                   { "line_points", QVL_GEOM_LINE } };
    for (size_t i = 0; i < QVL_COUNT(counts); i++) {
        const qvl_node *n = qvl_record_find(o->map, counts[i].key);
        int64_t written;
        if (n == NULL
            || (object->kind == counts[i].kind && qvl_node_as_int(n, &written)
                && written == object->n))
            continue;
        qvl_record_fault(o->c, QVL_FAULT_POINTS, QVL_E_DATA, n,
                         "objects[%d].%s: found %s, expected %s", o->place,
                         counts[i].key,
                         n->s != NULL ? qvl_text_short(o->c->scratch, n->s)
                                      : qvl_node_kind_name(n->kind),
                         object->kind == counts[i].kind
                             ? qvl_arena_printf(o->c->scratch, "%d, the number "
                                                "of its points", object->n)
                             : "it beside a geometry of that kind");
        return false;
    }
    return true;
}

static bool check_extent(const object_check *o, const char *key,
                         const qvl_node *at, const qvl_object *object)
{
    static const char *const expected[QVL_N_GEOM] = {
        [QVL_GEOM_BOX] = "x1 < x2 and y1 < y2",
        [QVL_GEOM_POLY] = "points that enclose an area",
        [QVL_GEOM_LINE] = "two different points",
    };
    if (!qvl_geom_is_flat(object->kind, object->point, object->n))
        return true;
    qvl_bounds b = qvl_geom_bounds(object->point, object->n);
    if (object->kind == QVL_GEOM_BOX)
        b = (qvl_bounds){ object->point[0], object->point[1],
                          object->point[2], object->point[3] };
    qvl_record_fault(o->c, QVL_FAULT_FLAT, QVL_E_DATA, at,
                     "objects[%d].%s: found %g, %g to %g, %g, expected %s",
                     o->place, key, b.x0, b.y0, b.x1, b.y1,
                     expected[object->kind]);
    return false;
}

/* How far the bounds reach out of the picture, px. */
static double overshoot(qvl_bounds b, int w, int h)
{
    return fmax(fmax(-b.x0, b.x1 - w), fmax(-b.y0, b.y1 - h));
}

static bool check_inside(const object_check *o, const char *key,
                         const qvl_node *at, const qvl_object *object)
{
    if (o->w == 0)  // said elsewhere
        return true;
    qvl_bounds b = qvl_geom_bounds(object->point, object->n);
    double out = overshoot(b, o->w, o->h);
    if (out > QVL_RECORD_MARGIN_PX) {
        qvl_record_fault(o->c, QVL_FAULT_OUTSIDE, QVL_E_DATA, at,
                         "objects[%d].%s: found points from %g, %g to %g, %g, "
                         "expected them in the picture of %d x %d px",
                         o->place, key, b.x0, b.y0, b.x1, b.y1, o->w, o->h);
        return false;
    }
    if (out > 0.0)
        qvl_record_oddity(o->c, QVL_ODDITY_MARGIN, 1);
    return true;
}

static void check_geometry(const object_check *o, qvl_object *out)
{
    int k = find_geometry(o);
    if (k < 0)
        return;
    const char *key = qvl_geom_keys[k].key;
    const qvl_node *at = qvl_record_find(o->map, key);
    out->kind = qvl_geom_keys[k].kind;
    if (!read_points(o, key, at, out) || !check_count(o, k, at, out)
        || !check_written_count(o, out) || !check_extent(o, key, at, out)
        || !check_inside(o, key, at, out))
        return;
    if (k == QVL_GEOM_KEY_QUAD)
        qvl_record_oddity(o->c, QVL_ODDITY_QUAD, 1);
    if (out->kind == QVL_GEOM_POLY && qvl_geom_is_crossing(out->point, out->n))
        qvl_record_oddity(o->c, QVL_ODDITY_CROSSING, 1);
}

/* ---- objects ------------------------------------------------------------ */

static bool is_known_key(const char *key)
{
    if (qvl_geom_key_find(key) < QVL_N_GEOM_KEYS)
        return true;
    for (size_t i = 0; i < QVL_COUNT(other_keys); i++)
        if (strcmp(key, other_keys[i]) == 0)
            return true;
    return false;
}

static void check_object(const object_check *o, qvl_object *out)
{
    if (o->map->kind != QVL_NODE_MAP) {
        qvl_record_fault(o->c, QVL_FAULT_FIELD, QVL_E_DATA, o->map,
                         "objects[%d]: found %s, expected a map", o->place,
                         qvl_node_kind_name(o->map->kind));
        return;
    }
    for (size_t i = 0; i < o->map->n; i++) {
        const qvl_node *key = &o->map->keys[i];
        if (strcmp(key->s, "groups") == 0)
            qvl_record_fault(o->c, QVL_FAULT_OBSOLETE, QVL_E_DATA, key,
                             "objects[%d].groups: found an obsolete key, "
                             "expected what ties objects together in desc",
                             o->place);
        else if (!is_known_key(key->s))
            qvl_record_oddity(o->c, QVL_ODDITY_FIELD, 1);
    }
    check_desc(o, out);
    check_geometry(o, out);
}

void qvl_record_check_objects(qvl_record_check *c, const qvl_node *list, int w,
                              int h, qvl_record *out)
{
    if (list->kind != QVL_NODE_LIST || list->n > INT_MAX) {
        qvl_record_fault(c, QVL_FAULT_FIELD, QVL_E_DATA, list,
                         "objects: found %s, expected a list of maps",
                         qvl_node_kind_name(list->kind));
        return;
    }
    qvl_object *object = qvl_arena_array(c->arena, qvl_object, list->n);
    for (size_t i = 0; i < list->n; i++) {
        object_check o = { .c = c, .map = &list->items[i], .place = (int)i,
                           .w = w, .h = h };
        int n_faults = c->n_faults;
        check_object(&o, &object[i]);
        if (c->n_faults == n_faults)
            continue;
        if (c->is_bad_object == NULL)
            c->is_bad_object = qvl_arena_array(c->arena, bool, list->n);
        c->is_bad_object[i] = true;
    }
    out->object = object;
    out->n_objects = (int)list->n;
}
