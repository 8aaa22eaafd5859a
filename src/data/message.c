/* message.c - objects as the JSON that a model is to answer
 *
 * The text is the same for the same record and rules, byte for byte, since it is what
 * is learned.
 */
#include "data/message.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"

const char qvl_irrelevant_answer[] = "无关图片";

const char *qvl_mode_name(qvl_mode mode)
{
    static const char *const names[] = { [QVL_MODE_DENSE] = "dense",
                                         [QVL_MODE_SUMMARY] = "summary" };
    return names[mode];
}

/* One answer being written. */
typedef struct {
    qvl_str *out;
    const qvl_answer_rules *rules;
    int w, h;
    qvl_spans *spans;  // what was written, with room for all; NULL: not wanted
} writing;

/* What was written since `from` is of this type. */
static void note(const writing *w, size_t from, size_t end, int type)
{
    if (w->spans != NULL)
        w->spans->v[w->spans->n++] = (qvl_span){ from, end, type };
}

/* ---- numbers ------------------------------------------------------------ */

int qvl_coord_max(qvl_coord coord)
{
    static const int most[] = { [QVL_COORD_NORM1000] = 1000,
                                [QVL_COORD_NORM100] = 100,
                                [QVL_COORD_PIXELS] = 0 };
    return most[coord];
}

static void put_coord(const writing *w, double v, int side_px)
{
    int scale = qvl_coord_max(w->rules->coord);
    size_t from = w->out->len;
    if (scale == 0)
        qvl_json_number(w->out, v);
    else
        qvl_str_put_int(w->out, qvl_geom_norm(v, side_px, scale));
    note(w, from, w->out->len, QVL_TYPE_COORD);
}

static void put_points(const writing *w, const qvl_object *o)
{
    bool has_pairs = w->rules->shape == QVL_SHAPE_STANDARD
                     && o->kind != QVL_GEOM_BOX;
    qvl_str_putc(w->out, '[');
    for (int i = 0; i < o->n; i++) {
        qvl_str_puts(w->out, i > 0 ? ", " : "");
        qvl_str_puts(w->out, has_pairs ? "[" : "");
        put_coord(w, o->point[2 * i], w->w);
        qvl_str_puts(w->out, ", ");
        put_coord(w, o->point[2 * i + 1], w->h);
        qvl_str_puts(w->out, has_pairs ? "]" : "");
    }
    qvl_str_putc(w->out, ']');
}

/* ---- fields ------------------------------------------------------------- */

static void put_geometry(const writing *w, const qvl_object *o)
{
    if (o->kind == QVL_GEOM_LINE)
        qvl_str_printf(w->out, "\"line_points\": %d, ", o->n);
    qvl_str_putc(w->out, '"');
    qvl_str_puts(w->out, qvl_geom_name(o->kind));
    qvl_str_puts(w->out, "\": ");
    put_points(w, o);
}

static void put_desc(const writing *w, const char *desc)
{
    qvl_str_puts(w->out, "\"desc\": ");
    size_t from = w->out->len + 1;  // behind the quote
    qvl_json_quote(w->out, desc, strlen(desc));
    note(w, from, w->out->len - 1, QVL_TYPE_DESC);
}

static bool has_desc_first(const qvl_answer_rules *rules)
{
    return rules->fields == QVL_FIELDS_DESC_FIRST
           || (rules->fields == QVL_FIELDS_AUTO
               && rules->shape == QVL_SHAPE_STANDARD);
}

static void put_object(const writing *w, const qvl_object *o, int number)
{
    qvl_str_puts(w->out, "\"object_");
    qvl_str_put_int(w->out, number);
    qvl_str_puts(w->out, "\": {");
    if (has_desc_first(w->rules)) {
        put_desc(w, o->desc);
        qvl_str_puts(w->out, ", ");
        put_geometry(w, o);
    } else {
        put_geometry(w, o);
        qvl_str_puts(w->out, ", ");
        put_desc(w, o->desc);
    }
    qvl_str_putc(w->out, '}');
}

/* ---- objects ------------------------------------------------------------ */

/* The geometries of a record in canonical form. */
static qvl_geom *canonical_all(const qvl_record *record, qvl_winding winding,
                               qvl_arena *arena)
{
    qvl_geom *geom = qvl_arena_array(arena, qvl_geom, record->n_objects);
    for (int i = 0; i < record->n_objects; i++) {
        const qvl_object *o = &record->object[i];
        double *point = qvl_arena_array(arena, double, 2 * (size_t)o->n);
        memcpy(point, o->point, 2 * (size_t)o->n * sizeof *point);
        qvl_geom_canonical(o->kind, point, o->n, winding);
        geom[i] = (qvl_geom){ o->kind, o->n, point };
    }
    return geom;
}

const qvl_object *qvl_answer_objects_placed(int *place,
                                            const qvl_record *record,
                                            const qvl_answer_rules *rules,
                                            qvl_arena *arena)
{
    int n = record->n_objects;
    qvl_geom *geom = canonical_all(record, rules->winding, arena);
    qvl_object *object = qvl_arena_array(arena, qvl_object, n);
    qvl_geom_sort(place, geom, n, rules->order, arena);
    for (int i = 0; i < n; i++) {
        const qvl_geom *g = &geom[place[i]];
        object[i] = (qvl_object){ g->kind, g->n, g->point,
                                  record->object[place[i]].desc };
    }
    return object;
}

const qvl_object *qvl_answer_objects(const qvl_record *record,
                                     const qvl_answer_rules *rules,
                                     qvl_arena *arena)
{
    int *place = qvl_arena_array(arena, int, record->n_objects);
    return qvl_answer_objects_placed(place, record, rules, arena);
}

static void put_objects(const writing *w, const qvl_object *object, int n)
{
    qvl_str_putc(w->out, '{');
    for (int i = 0; i < n; i++) {
        qvl_str_puts(w->out, i > 0 ? ", " : "");
        put_object(w, &object[i], i + 1);
    }
    qvl_str_putc(w->out, '}');
}

static void put_answer(qvl_str *out, const qvl_record *record,
                       const qvl_answer_rules *rules, qvl_spans *spans,
                       qvl_arena *arena)
{
    int n = record->n_objects;
    assert(n == 0 || (record->w > 0 && record->h > 0));

    writing w = { .out = out, .rules = rules, .w = record->w,
                  .h = record->h, .spans = spans };
    put_objects(&w, qvl_answer_objects(record, rules, arena), n);
}

void qvl_answer_put(qvl_str *out, const qvl_record *record,
                    const qvl_answer_rules *rules, qvl_arena *arena)
{
    put_answer(out, record, rules, NULL, arena);
}

qvl_spans qvl_answer_put_spans(qvl_str *out, const qvl_record *record,
                               const qvl_answer_rules *rules, qvl_arena *arena)
{
    size_t n = 0;
    for (int i = 0; i < record->n_objects; i++)
        n += 1 + 2 * (size_t)record->object[i].n;
    qvl_spans spans = { .v = qvl_arena_array(arena, qvl_span, n) };
    put_answer(out, record, rules, &spans, arena);
    return spans;
}

/* ---- modes --------------------------------------------------------------- */

qvl_mode qvl_mode_of(const qvl_mode_draw *draw, const qvl_record *record,
                     uint64_t epoch)
{
    qvl_rng_id id = { .seed = draw->seed, .epoch = epoch,
                      .dataset = draw->dataset, .record = record->index };
    qvl_rng rng;
    if (record->messages != NULL)
        return QVL_MODE_DENSE;
    qvl_rng_init(&rng, &id, QVL_RNG_MODE);
    return qvl_rng_uniform(&rng) < draw->summary_ratio ? QVL_MODE_SUMMARY
                                                       : QVL_MODE_DENSE;
}
