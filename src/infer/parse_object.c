/* parse_object.c - one object of an answer: fields, geometry, order
 *
 * A geometry that its kind does not allow drops the object with a reason; a box
 * with its corners the wrong way round is put right and noted.
 */
#include "infer/parse_object.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/objects.h"

/* Polygons of more points are not looked at for crossings: it costs n^2. */
#define CROSSING_MAX_POINTS 256

#define BIT(fault) (1u << QVL_ANSWER_##fault)

/* ---- what has been read so far ------------------------------------------ */

/* A longer array with the same content. */
static void *grow(qvl_arena *arena, const void *p, int n, int *cap,
                  size_t bytes)
{
    *cap = *cap == 0 ? 8 : 2 * *cap;
    void *larger = qvl_arena_alloc_n(arena, (size_t)*cap, bytes);
    if (n > 0)
        memcpy(larger, p, (size_t)n * bytes);
    return larger;
}

static void put_note(qvl_answer_builder *b, qvl_answer_notes *notes,
                     const char *object, qvl_answer_fault fault)
{
    if (notes->n == notes->cap)
        notes->p = grow(b->arena, notes->p, notes->n, &notes->cap,
                        sizeof *notes->p);
    notes->p[notes->n++] = (qvl_answer_note){ object, fault };
}

void qvl_answer_builder_note(qvl_answer_builder *b, const char *object,
                             qvl_answer_fault fault)
{
    put_note(b, &b->errors, object, fault);
}

void qvl_answer_builder_drop(qvl_answer_builder *b, const char *object,
                             qvl_answer_fault fault)
{
    put_note(b, &b->errors, object, fault);
    b->n_dropped++;
}

int qvl_answer_key_number(const char *key, size_t len, bool *is_exact)
{
    static const char word[] = "object";
    size_t n = sizeof word - 1;
    *is_exact = true;
    if (len <= n)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (key[i] != word[i] && key[i] != word[i] - 'a' + 'A')
            return 0;
        *is_exact = *is_exact && key[i] == word[i];
    }
    *is_exact = *is_exact && key[n] == '_';
    size_t i = n + (key[n] == '_' || key[n] == '-' || key[n] == ' ');
    if (i == len)
        return 0;
    *is_exact = *is_exact && key[i] != '0';
    int64_t number = 0;
    for (; i < len; i++) {
        if (key[i] < '0' || key[i] > '9')
            return 0;
        number = number * 10 + (key[i] - '0');
        number = number > INT_MAX ? INT_MAX : number;
    }
    return (int)number;
}

/* ---- fields ------------------------------------------------------------- */

/* What an object's map holds; NULL: not there. */
typedef struct {
    const qvl_loose_value *geometry;
    const qvl_loose_value *desc;
    const qvl_loose_value *line_points;
    const qvl_loose_value *poly_points;
    qvl_geom_kind kind;
    bool is_quad;
} fields;

static bool is_key(const qvl_loose_item *item, const char *name)
{
    return item->key_len == strlen(name)
           && memcmp(item->key, name, item->key_len) == 0;
}

static void set_once(const qvl_loose_value **field,
                     const qvl_loose_value *value, unsigned *faults)
{
    if (*field != NULL)
        *faults |= BIT(DUPLICATE_KEY);
    *field = value;
}

/* Is it a geometry's key? */
static bool find_geometry(const qvl_loose_item *item, qvl_geom_kind *kind,
                          bool *is_quad)
{
    for (int k = 0; k < QVL_N_GEOM_KEYS; k++)
        if (is_key(item, qvl_geom_keys[k].key)) {
            *kind = qvl_geom_keys[k].kind;
            *is_quad = k == QVL_GEOM_KEY_QUAD;
            return true;
        }
    return false;
}

/* Sort the entries of a map into fields; false when it cannot be told which
 * geometry or desc is meant. */
static bool read_fields(fields *f, const qvl_loose_value *map,
                        unsigned *faults)
{
    unsigned twice = 0;
    for (size_t i = 0; i < map->n; i++) {
        const qvl_loose_item *item = &map->item[i];
        qvl_geom_kind kind;
        bool is_quad;
        bool is_exact;
        if (find_geometry(item, &kind, &is_quad)) {
            if (f->geometry != NULL)
                twice |= f->kind == kind && f->is_quad == is_quad
                             ? BIT(DUPLICATE_KEY)
                             : BIT(GEOMETRY_COUNT);
            f->geometry = &item->value;
            f->kind = kind;
            f->is_quad = is_quad;
        } else if (is_key(item, "desc")) {
            set_once(&f->desc, &item->value, &twice);
        } else if (is_key(item, "line_points")) {
            set_once(&f->line_points, &item->value, faults);
        } else if (is_key(item, "poly_points")) {
            set_once(&f->poly_points, &item->value, faults);
        } else if (qvl_answer_key_number(item->key, item->key_len, &is_exact)
                       == 0
                   || item->value.kind != QVL_LOOSE_MAP) {
            *faults |= BIT(BAD_KEY);
        }
    }
    if (f->geometry == NULL)
        twice |= BIT(GEOMETRY_COUNT);
    *faults |= twice;
    return twice == 0;
}

/* A desc without blanks around it and without control characters. */
static bool read_desc(qvl_object *o, const qvl_loose_value *v,
                      qvl_arena *arena, unsigned *faults)
{
    bool is_text = v != NULL && v->kind == QVL_LOOSE_STRING;
    size_t len = is_text ? v->len : 0;
    char *text = qvl_arena_strndup(arena, is_text ? v->text : "", len);
    bool is_changed = false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) {
            text[i] = ' ';
            is_changed = true;
        }
    }
    while (len > 0 && text[len - 1] == ' ')
        text[--len] = '\0';
    while (*text == ' ')
        text++;
    o->desc = text;
    if (*text == '\0')
        *faults |= BIT(EMPTY_DESC);
    else if (is_changed)
        *faults |= BIT(BAD_DESC);
    return *text != '\0';
}

/* ---- points ------------------------------------------------------------- */

static bool read_number(double *to, const qvl_loose_value *v,
                        unsigned *faults)
{
    if (v->kind != QVL_LOOSE_NUMBER) {
        *faults |= BIT(BAD_NUMBER);
        return false;
    }
    double x = v->number;
    if (x != floor(x))
        *faults |= BIT(BAD_NUMBER);
    if (x < 0 || x > QVL_NORM_MAX)
        *faults |= BIT(OUT_OF_RANGE);
    *to = x < 0 ? 0 : x > QVL_NORM_MAX ? QVL_NORM_MAX : x;
    return true;
}

/* Numbers of a flat list or of pairs into [*n]; false when there are others. */
static bool read_numbers(double **out, size_t *n, const qvl_loose_value *list,
                         qvl_arena *arena, unsigned *faults)
{
    bool is_pairs = list->n > 0
                    && list->item[0].value.kind == QVL_LOOSE_LIST;
    size_t each = is_pairs ? 2 : 1;
    double *to = qvl_arena_array(arena, double, each * list->n);
    for (size_t i = 0; i < list->n; i++) {
        const qvl_loose_value *v = &list->item[i].value;
        if (is_pairs && (v->kind != QVL_LOOSE_LIST || v->n != 2)) {
            *faults |= BIT(ODD_COORDS);
            return false;
        }
        for (size_t k = 0; k < each; k++)
            if (!read_number(&to[each * i + k],
                             is_pairs ? &v->item[k].value : v, faults))
                return false;
    }
    *out = to;
    *n = each * list->n;
    return true;
}

/* Has the geometry as many numbers as its kind needs? */
static bool check_count(const fields *f, size_t n, unsigned *faults)
{
    size_t least = f->is_quad ? 4 : (size_t)qvl_geom_min_points(f->kind);
    bool is_box = f->kind == QVL_GEOM_BOX;
    if (n % 2 != 0 || n > INT_MAX || (is_box && n > 4)) {
        *faults |= BIT(ODD_COORDS);
        return false;
    }
    if (n < 2 * least) {
        *faults |= BIT(TOO_FEW_POINTS);
        return false;
    }
    if (f->is_quad && n > 8)
        *faults |= BIT(BAD_KEY);  // it is a poly
    return true;
}

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

/* Put the corners of a box in order; false when it has no area. */
static bool check_box(double *p, unsigned *faults)
{
    if (p[0] == p[2] || p[1] == p[3]) {
        *faults |= BIT(DEGENERATE_BOX);
        return false;
    }
    if (p[0] > p[2] || p[1] > p[3])
        *faults |= BIT(SWAPPED_BOX);
    if (p[0] > p[2])
        swap(&p[0], &p[2]);
    if (p[1] > p[3])
        swap(&p[1], &p[3]);
    return true;
}

/* The number of points that is told beside them. */
static void check_points_field(const fields *f, int n, unsigned *faults)
{
    bool is_line = f->kind == QVL_GEOM_LINE;
    bool is_poly = f->kind == QVL_GEOM_POLY;
    const qvl_loose_value *told = is_line ? f->line_points
                                  : is_poly ? f->poly_points
                                            : NULL;
    if ((!is_line && f->line_points != NULL)
        || (!is_poly && f->poly_points != NULL))
        *faults |= BIT(BAD_KEY);
    if (told == NULL ? is_line
                     : told->kind != QVL_LOOSE_NUMBER || told->number != n)
        *faults |= BIT(LINE_POINTS);
}

static bool read_points(qvl_object *o, const fields *f, qvl_arena *arena,
                        unsigned *faults)
{
    double *to;
    size_t n;
    if (f->geometry->kind != QVL_LOOSE_LIST) {
        *faults |= BIT(ODD_COORDS);
        return false;
    }
    if (!read_numbers(&to, &n, f->geometry, arena, faults)
        || !check_count(f, n, faults))
        return false;
    o->kind = f->kind;
    o->n = (int)(n / 2);
    o->point = to;
    check_points_field(f, o->n, faults);
    return f->kind != QVL_GEOM_BOX || check_box(to, faults);
}

static void warn(qvl_answer_builder *b, const char *key, const qvl_object *o)
{
    bool is_poly = o->kind == QVL_GEOM_POLY;
    if (is_poly && o->n <= CROSSING_MAX_POINTS
        && qvl_geom_is_crossing(o->point, o->n))
        put_note(b, &b->warnings, key, QVL_ANSWER_CROSSING_POLY);
    else if (is_poly && qvl_geom_area(o->point, o->n) == 0)
        put_note(b, &b->warnings, key, QVL_ANSWER_FLAT_POLY);
    if (o->kind == QVL_GEOM_LINE
        && qvl_geom_is_flat(o->kind, o->point, o->n))
        put_note(b, &b->warnings, key, QVL_ANSWER_FLAT_LINE);
}

/* ---- objects ------------------------------------------------------------ */

void qvl_answer_builder_add(qvl_answer_builder *b, const char *key,
                            const qvl_loose_value *map, unsigned faults)
{
    assert(map->kind == QVL_LOOSE_MAP);

    fields f = { 0 };
    qvl_object o = { 0 };
    bool is_good = read_fields(&f, map, &faults)
                   && read_desc(&o, f.desc, b->arena, &faults)
                   && read_points(&o, &f, b->arena, &faults);
    is_good = is_good && (b->mode != QVL_PARSE_STRICT || faults == 0);
    for (int i = 0; i < QVL_N_ANSWER_FAULTS; i++)
        if (faults >> i & 1)
            put_note(b, &b->errors, key, (qvl_answer_fault)i);
    if (!is_good) {
        b->n_dropped++;
        return;
    }
    warn(b, key, &o);
    if (b->n == b->cap)
        b->object = grow(b->arena, b->object, b->n, &b->cap,
                         sizeof *b->object);
    if (b->n == b->key_cap)
        b->key = grow(b->arena, b->key, b->n, &b->key_cap, sizeof *b->key);
    b->key[b->n] = key;
    b->object[b->n++] = o;
}

/* An object and its place, for sorting. */
typedef struct {
    const qvl_object *o;
    int place;
} placed;

static int compare_objects(const qvl_object *a, const qvl_object *b)
{
    int by_desc = strcmp(a->desc, b->desc);
    if (by_desc != 0)
        return by_desc;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (int i = 0; i < 2 * a->n; i++)
        if (a->point[i] != b->point[i])
            return a->point[i] < b->point[i] ? -1 : 1;
    return 0;
}

static int compare_placed(const void *pa, const void *pb)
{
    const placed *a = pa;
    const placed *b = pb;
    int c = compare_objects(a->o, b->o);
    return c != 0 ? c : a->place < b->place ? -1 : a->place > b->place;
}

void qvl_answer_builder_unify(qvl_answer_builder *b)
{
    if (b->n < 2)
        return;
    placed *p = qvl_arena_array(b->arena, placed, b->n);
    bool *is_twice = qvl_arena_array(b->arena, bool, b->n);
    for (int i = 0; i < b->n; i++)
        p[i] = (placed){ &b->object[i], i };
    qsort(p, (size_t)b->n, sizeof *p, compare_placed);
    for (int i = 1; i < b->n; i++)
        is_twice[p[i].place] = compare_objects(p[i - 1].o, p[i].o) == 0;
    int kept = 0;
    for (int i = 0; i < b->n; i++) {
        if (is_twice[i])
            qvl_answer_builder_drop(b, b->key[i],
                                    QVL_ANSWER_DUPLICATE_OBJECT);
        else
            b->object[kept++] = b->object[i];
    }
    b->n = kept;
}
