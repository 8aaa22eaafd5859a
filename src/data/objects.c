/* objects.c - objects in a line of results, out and back in
 *
 * The form is that of `infer`: what one command writes the other reads. Boxes
 * and lines have their numbers flat, and pairs are read as well.
 */
#include "data/objects.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/json.h"

void qvl_objects_put(qvl_str *out, const qvl_object *object, int n)
{
    qvl_str_putc(out, '[');
    for (int i = 0; i < n; i++) {
        const qvl_object *o = &object[i];
        qvl_str_printf(out, "%s{\"type\": \"%s\", \"points\": [",
                       i > 0 ? ", " : "", qvl_geom_name(o->kind));
        for (int k = 0; k < 2 * o->n; k++) {
            if (k > 0)
                qvl_str_puts(out, ", ");
            qvl_json_number(out, o->point[k]);
        }
        qvl_str_puts(out, "], \"desc\": ");
        qvl_json_quote(out, o->desc, strlen(o->desc));
        qvl_str_putc(out, '}');
    }
    qvl_str_putc(out, ']');
}

/* ---- reading ------------------------------------------------------------ */

static bool find_kind(const char *name, qvl_geom_kind *kind)
{
    int k = qvl_geom_key_find(name);
    if (k == QVL_N_GEOM_KEYS)
        return false;
    *kind = qvl_geom_keys[k].kind;
    return true;
}

static int fail_points(const qvl_node *at, qvl_err *err)
{
    return qvl_node_fail(at, err, QVL_E_DATA, "points: found %s, expected "
                         "numbers, or pairs of numbers",
                         qvl_node_kind_name(at->kind));
}

static int read_flat(double *to, const qvl_node *list, qvl_err *err)
{
    for (size_t i = 0; i < list->n; i++)
        if (!qvl_node_as_float(&list->items[i], &to[i]))
            return fail_points(&list->items[i], err);
    return QVL_OK;
}

static int read_pairs(double *to, const qvl_node *list, qvl_err *err)
{
    for (size_t i = 0; i < list->n; i++) {
        const qvl_node *v = &list->items[i];
        if (v->kind != QVL_NODE_LIST || v->n != 2
            || !qvl_node_as_float(&v->items[0], &to[2 * i])
            || !qvl_node_as_float(&v->items[1], &to[2 * i + 1]))
            return fail_points(v, err);
    }
    return QVL_OK;
}

static int read_points(qvl_object *o, const qvl_node *list, qvl_arena *arena,
                       qvl_err *err)
{
    if (list->kind != QVL_NODE_LIST)
        return fail_points(list, err);
    bool is_pairs = list->n > 0 && list->items[0].kind == QVL_NODE_LIST;
    size_t n = is_pairs ? 2 * list->n : list->n;
    size_t least = 2 * (size_t)qvl_geom_min_points(o->kind);
    bool is_exact = o->kind == QVL_GEOM_BOX;
    if (n % 2 != 0 || n < least || (is_exact && n > least) || n > INT_MAX / 2)
        return qvl_node_fail(list, err, QVL_E_DATA, "points of a %s: found %zu"
                             " numbers, expected %s%zu", qvl_geom_name(o->kind),
                             n, is_exact ? "" : "an even count from ", least);
    double *to = qvl_arena_array(arena, double, n);
    QVL_TRY(is_pairs ? read_pairs(to, list, err) : read_flat(to, list, err));
    o->point = to;
    o->n = (int)(n / 2);
    return QVL_OK;
}

static int read_object(qvl_object *o, const qvl_node *map, qvl_arena *arena,
                       qvl_err *err)
{
    const char *type;
    const qvl_node *points = qvl_node_find(map, "points");
    const qvl_node *desc = qvl_node_find(map, "desc");
    if (!qvl_node_as_string(qvl_node_find(map, "type"), &type)
        || points == NULL)
        return qvl_node_fail(map, err, QVL_E_DATA, "object: found no type or "
                             "no points, expected {type, points, desc}");
    if (!find_kind(type, &o->kind))
        return qvl_node_fail(map, err, QVL_E_DATA, "type of an object: found "
                             "\"%.100s\", expected bbox_2d, poly or line", type);
    o->desc = "";
    if (desc != NULL && !qvl_node_as_string(desc, &o->desc))
        return qvl_node_fail(desc, err, QVL_E_DATA, "desc: found %s, expected "
                             "a string", qvl_node_kind_name(desc->kind));
    return read_points(o, points, arena, err);
}

int qvl_objects_read(const qvl_object **out, int *n, const qvl_node *list,
                     qvl_arena *arena, qvl_err *err)
{
    if (list->kind != QVL_NODE_LIST)
        return qvl_node_fail(list, err, QVL_E_DATA, "objects: found %s, "
                             "expected a list",
                             qvl_node_kind_name(list->kind));
    if (list->n > INT_MAX)
        return qvl_node_fail(list, err, QVL_E_DATA, "objects: found a list of "
                             "%zu, expected at most %d", list->n, INT_MAX);
    qvl_object *object = qvl_arena_array(arena, qvl_object, list->n);
    for (size_t i = 0; i < list->n; i++)
        QVL_TRY(read_object(&object[i], &list->items[i], arena, err));
    *out = object;
    *n = (int)list->n;
    return QVL_OK;
}

/* ---- pixels and norm1000 ------------------------------------------------ */

/* Objects with points of their own, still to be filled. */
static qvl_object *copy_objects(const qvl_object *object, int n, double **point,
                                qvl_arena *arena)
{
    qvl_object *out = qvl_arena_array(arena, qvl_object, n);
    size_t n_points = 0;
    for (int i = 0; i < n; i++)
        n_points += (size_t)object[i].n;
    double *p = qvl_arena_array(arena, double, 2 * n_points);
    *point = p;
    for (int i = 0; i < n; i++) {
        out[i] = object[i];
        out[i].point = p;
        p += 2 * (size_t)object[i].n;
    }
    return out;
}

const qvl_object *qvl_objects_to_norm(const qvl_object *object, int n, int w,
                                      int h, qvl_arena *arena)
{
    assert(w > 0 && h > 0);

    double *to;
    const qvl_object *out = copy_objects(object, n, &to, arena);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2 * object[i].n; k++)
            *to++ = qvl_geom_norm(object[i].point[k], k % 2 == 0 ? w : h,
                                  QVL_NORM_MAX);
    return out;
}

const qvl_object *qvl_objects_to_px(const qvl_object *object, int n, int w,
                                    int h, qvl_arena *arena)
{
    assert(w > 0 && h > 0);

    double *to;
    const qvl_object *out = copy_objects(object, n, &to, arena);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2 * object[i].n; k++)
            *to++ = object[i].point[k] / QVL_NORM_MAX * (k % 2 == 0 ? w : h);
    return out;
}
