/* import_file.c - one walk through the file, then ids to places
 *
 * The lists may come in any order (LVIS has annotations before images), so annotations
 * keep the id of their picture until all are known. A file may be one line of
 * gigabytes: nothing here is a tree but one picture or category at a time.
 */
#include "data/import_file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "data/text.h"
#include "image/decode.h"

/* Of an annotation: a tree of it takes some ten times that. */
#define MAX_ANNOTATION_BYTES (256 << 20)

/* ---- fields ------------------------------------------------------------- */

static const char *kind_of(const qvl_node *n)
{
    return n != NULL ? qvl_node_kind_name(n->kind) : "nothing";
}

/* Fail at a field of LIST[place], or at the item where the field is missing. */
static int fail_field(const qvl_node *item, const char *list, size_t place,
                      const char *key, const char *wanted, qvl_err *err)
{
    const qvl_node *n = qvl_node_find(item, key);
    bool is_number = n != NULL && (n->kind == QVL_NODE_INT
                                   || n->kind == QVL_NODE_FLOAT);
    return qvl_node_fail(n != NULL ? n : item, err, QVL_E_DATA,
                         "%s[%zu].%s: found %.60s, expected %s", list, place,
                         key, is_number ? n->s : kind_of(n), wanted);
}

static int read_id(const qvl_node *item, const char *list, size_t place,
                   int64_t *id, qvl_err *err)
{
    if (qvl_node_as_int(qvl_node_find(item, "id"), id))
        return QVL_OK;
    return fail_field(item, list, place, "id", "a whole number", err);
}

/* Room for one more in an array of the arena. */
static void *grow(qvl_arena *arena, const void *array, size_t n, size_t *cap,
                  size_t bytes)
{
    size_t more = *cap == 0 ? 256 : 2 * *cap;
    void *larger = qvl_arena_alloc_n(arena, more, bytes);
    if (n > 0)
        memcpy(larger, array, n * bytes);
    *cap = more;
    return larger;
}

/* ---- pictures ----------------------------------------------------------- */

static int read_side(const qvl_node *item, size_t place, const char *key,
                     int *side, qvl_err *err)
{
    int64_t v;
    if (!qvl_node_as_int(qvl_node_find(item, key), &v) || v < 1
        || v > QVL_IMAGE_MAX_SIDE)
        return fail_field(item, "images", place, key,
                          "a number of px from 1 to 16777216", err);
    *side = (int)v;
    return QVL_OK;
}

/* What stands behind the nth slash from the end; all of it when there are fewer. */
static const char *last_parts(const char *text, int n)
{
    const char *p = text + strlen(text);
    while (p > text && (p[-1] != '/' || --n > 0))
        p--;
    return p;
}

static int read_name(qvl_import_file *f, const qvl_node *item, size_t place,
                     qvl_import_picture *out, qvl_err *err)
{
    const char *text;
    if (qvl_node_as_string(qvl_node_find(item, "file_name"), &text)
        && text[0] != '\0') {
        out->name = qvl_arena_strdup(&f->arena, text);
        return QVL_OK;
    }
    bool has_url = f->has_urls && qvl_node_find(item, "file_name") == NULL
                   && qvl_node_as_string(qvl_node_find(item, "coco_url"),
                                         &text)
                   && last_parts(text, 1)[0] != '\0';
    if (!has_url)
        return fail_field(item, "images", place, "file_name",
                          f->has_urls ? "the name of a file, or a coco_url "
                                        "instead" : "the name of a file", err);
    out->name = qvl_arena_strdup(&f->arena, last_parts(text, 2));
    out->other = last_parts(out->name, 1);
    return QVL_OK;
}

static int read_picture(qvl_import_file *f, const qvl_node *item, qvl_err *err)
{
    size_t place = f->n_pictures;
    qvl_import_picture picture = { .line = item->line, .col = item->col };
    int64_t id;
    QVL_TRY(read_id(item, "images", place, &id, err));
    QVL_TRY(read_side(item, place, "width", &picture.w, err));
    QVL_TRY(read_side(item, place, "height", &picture.h, err));
    QVL_TRY(read_name(f, item, place, &picture, err));
    if (place == f->picture_cap) {
        size_t cap = place;
        f->picture_id = grow(&f->arena, f->picture_id, place, &cap,
                             sizeof *f->picture_id);
        f->picture = grow(&f->arena, f->picture, place, &f->picture_cap,
                          sizeof *f->picture);
    }
    f->picture[place] = picture;
    f->picture_id[place] = (qvl_import_id){ id, place };
    f->n_pictures++;
    return QVL_OK;
}

/* ---- categories --------------------------------------------------------- */

static int read_category(qvl_import_file *f, const qvl_node *item, qvl_err *err)
{
    size_t place = f->n_categories;
    const char *name;
    int64_t id;
    QVL_TRY(read_id(item, "categories", place, &id, err));
    if (!qvl_node_as_string(qvl_node_find(item, "name"), &name))
        return fail_field(item, "categories", place, "name", "a text", err);
    const char *desc = qvl_text_make_desc(&f->arena, name);
    const char *fault = qvl_text_desc_fault(desc);
    if (fault != NULL)
        return qvl_node_fail(qvl_node_find(item, "name"), err, QVL_E_DATA,
                             "categories[%zu].name: found %s in \"%s\", "
                             "expected none", place, fault,
                             qvl_text_short(&f->scratch, name));
    if (place == f->category_cap) {
        size_t cap = place;
        f->category_id = grow(&f->arena, f->category_id, place, &cap,
                              sizeof *f->category_id);
        f->desc = grow(&f->arena, f->desc, place, &f->category_cap,
                       sizeof *f->desc);
    }
    f->n_renamed += strcmp(name, desc) != 0;
    f->desc[place] = desc;
    f->category_id[place] = (qvl_import_id){ id, place };
    f->n_categories++;
    return QVL_OK;
}

/* ---- annotations -------------------------------------------------------- */

static int fail_image_id(const qvl_import_annotation *a, size_t place,
                         const qvl_import_file *f, const char *found,
                         const char *wanted, qvl_err *err)
{
    return qvl_fail(err, QVL_E_DATA, "%s:%d:%d: annotations[%zu].image_id: "
                    "found %s, expected %s", f->path, a->line, a->col, place,
                    found, wanted);
}

/* The beginning of a value as it is written, of which messages show less. */
static const char *short_value(const qvl_json_part *value, qvl_arena *arena)
{
    int n = value->len < 1000 ? (int)value->len : 1000;
    return qvl_text_short(arena, qvl_arena_printf(arena, "%.*s", n, value->p));
}

/* Step over an annotation; a->picture becomes the id of its picture. */
static int scan_annotation(qvl_import_file *f, qvl_json_scan *s,
                           qvl_import_annotation *a, qvl_err *err)
{
    bool has_more, has_id = false;
    QVL_TRY(qvl_json_scan_enter(s, '{'));
    for (bool is_first = true;; is_first = false) {
        qvl_json_part key, value;
        QVL_TRY(qvl_json_scan_next(s, '}', is_first, &has_more));
        if (!has_more)
            break;
        QVL_TRY(qvl_json_scan_key(s, &key));
        QVL_TRY(qvl_json_scan_part(s, &value));
        if (!qvl_json_part_is(&key, "image_id"))
            continue;
        if (has_id)
            return qvl_fail(err, QVL_E_FORMAT, "%s:%d:%d: key \"image_id\": "
                            "found a second time, expected once", f->path,
                            key.line, key.col);
        has_id = qvl_node_read_int(value.p, value.len, &a->picture);
        if (!has_id)
            return fail_image_id(a, f->n_annotations, f,
                                 short_value(&value, &f->scratch),
                                 "a whole number", err);
    }
    if (has_id)
        return QVL_OK;
    return fail_image_id(a, f->n_annotations, f, "nothing", "a whole number",
                         err);
}

static int index_annotation(qvl_import_file *f, qvl_json_scan *s, qvl_err *err)
{
    qvl_json_scan_space(s);
    qvl_import_annotation a = { .p = s->p, .line = s->line, .col = s->col };
    QVL_TRY(scan_annotation(f, s, &a, err));
    size_t len = (size_t)(s->p - a.p);
    if (len > MAX_ANNOTATION_BYTES)
        return qvl_fail(err, QVL_E_DATA, "%s:%d:%d: annotations[%zu]: found %zu"
                        " bytes, expected at most %d", f->path, a.line, a.col,
                        f->n_annotations, len, MAX_ANNOTATION_BYTES);
    a.len = (uint32_t)len;
    if (f->n_annotations == UINT32_MAX)
        return qvl_fail(err, QVL_E_DATA, "%s: annotations: found more than %u,"
                        " expected fewer", f->path, UINT32_MAX);
    if (f->n_annotations == f->annotation_cap) {
        size_t cap = f->annotation_cap == 0 ? 4096 : 2 * f->annotation_cap;
        f->annotation = qvl_memory_resize(f->annotation,
                                          cap * sizeof *f->annotation);
        f->annotation_cap = cap;
    }
    f->annotation[f->n_annotations++] = a;
    return QVL_OK;
}

/* ---- lists -------------------------------------------------------------- */

/* Read an item of a list as a tree. */
static int read_tree(qvl_import_file *f, qvl_json_scan *s,
                     int (*read)(qvl_import_file *, const qvl_node *,
                                 qvl_err *), const char *list, qvl_err *err)
{
    qvl_json_part part;
    qvl_node *item;
    qvl_arena_reset(&f->scratch);
    QVL_TRY(qvl_json_scan_part(s, &part));
    QVL_TRY(qvl_json_parse_part(&item, &part, &f->scratch, err));
    if (item->kind != QVL_NODE_MAP)
        return qvl_node_fail(item, err, QVL_E_DATA, "%s: found %s, expected "
                             "maps", list, kind_of(item));
    return read(f, item, err);
}

static int read_picture_item(qvl_import_file *f, qvl_json_scan *s, qvl_err *err)
{
    return read_tree(f, s, read_picture, "images", err);
}

static int read_category_item(qvl_import_file *f, qvl_json_scan *s,
                              qvl_err *err)
{
    return read_tree(f, s, read_category, "categories", err);
}

static const struct {
    const char *key;
    int (*read)(qvl_import_file *f, qvl_json_scan *s, qvl_err *err);
} lists[] = {
    { "images", read_picture_item },
    { "annotations", index_annotation },
    { "categories", read_category_item },
};

static int read_list(qvl_import_file *f, qvl_json_scan *s, size_t list,
                     qvl_err *err)
{
    bool has_more;
    qvl_json_scan_space(s);
    if (!qvl_json_scan_is_at(s, '['))
        return qvl_fail(err, QVL_E_DATA, "%s:%d:%d: %s: found no list, expected"
                        " one", f->path, s->line, s->col, lists[list].key);
    QVL_TRY(qvl_json_scan_enter(s, '['));
    for (bool is_first = true;; is_first = false) {
        QVL_TRY(qvl_json_scan_next(s, ']', is_first, &has_more));
        if (!has_more)
            return QVL_OK;
        QVL_TRY(lists[list].read(f, s, err));
    }
}

/* Place of the list with this key, or their number. */
static size_t list_of(const qvl_json_part *key)
{
    size_t i = 0;
    while (i < QVL_COUNT(lists) && !qvl_json_part_is(key, lists[i].key))
        i++;
    return i;
}

static int read_root(qvl_import_file *f, qvl_json_scan *s, qvl_err *err)
{
    bool has[QVL_COUNT(lists)] = { false };
    bool has_more;
    QVL_TRY(qvl_json_scan_enter(s, '{'));
    for (bool is_first = true;; is_first = false) {
        qvl_json_part key;
        QVL_TRY(qvl_json_scan_next(s, '}', is_first, &has_more));
        if (!has_more)
            break;
        QVL_TRY(qvl_json_scan_key(s, &key));
        size_t i = list_of(&key);
        if (i == QVL_COUNT(lists)) {
            QVL_TRY(qvl_json_scan_value(s));
            continue;
        }
        if (has[i])
            return qvl_fail(err, QVL_E_FORMAT, "%s:%d:%d: key \"%s\": found a "
                            "second time, expected once", f->path, key.line,
                            key.col, lists[i].key);
        has[i] = true;
        QVL_TRY(read_list(f, s, i, err));
    }
    for (size_t i = 0; i < QVL_COUNT(lists); i++)
        if (!has[i])
            return qvl_fail(err, QVL_E_DATA, "%s: found no list %s, expected "
                            "images, annotations and categories", f->path,
                            lists[i].key);
    return qvl_json_scan_end(s);
}

/* ---- ids ---------------------------------------------------------------- */

static int by_id(const void *pa, const void *pb)
{
    const qvl_import_id *a = pa;
    const qvl_import_id *b = pb;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static int sort_ids(qvl_import_id *id, size_t n, const qvl_import_file *f,
                    const char *list, qvl_err *err)
{
    if (n > 0)
        qsort(id, n, sizeof *id, by_id);
    for (size_t i = 1; i < n; i++)
        if (id[i].id == id[i - 1].id)
            return qvl_fail(err, QVL_E_DATA, "%s: %s[%zu].id: found %lld, "
                            "expected another id than %s[%zu] has", f->path,
                            list, id[i].place, (long long)id[i].id, list,
                            id[i - 1].place);
    return QVL_OK;
}

/* Place of an id, or n. */
static size_t find_id(const qvl_import_id *id, size_t n, int64_t wanted)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (id[mid].id < wanted)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && id[low].id == wanted ? id[low].place : n;
}

static int find_pictures(qvl_import_file *f, qvl_err *err)
{
    for (size_t i = 0; i < f->n_annotations; i++) {
        qvl_import_annotation *a = &f->annotation[i];
        size_t place = find_id(f->picture_id, f->n_pictures, a->picture);
        if (place == f->n_pictures)
            return fail_image_id(a, i, f,
                                 qvl_arena_printf(&f->scratch, "%lld",
                                                  (long long)a->picture),
                                 "the id of one of images", err);
        a->picture = (int64_t)place;
    }
    return QVL_OK;
}

/* Put the annotations in the order of their pictures: count, then fill. */
static void order_annotations(qvl_import_file *f)
{
    f->first = qvl_arena_array(&f->arena, size_t, f->n_pictures + 2);
    f->order = qvl_arena_array(&f->arena, uint32_t, f->n_annotations);
    size_t *next = f->first + 1;  // while filling: where the next one goes
    for (size_t i = 0; i < f->n_annotations; i++)
        f->first[f->annotation[i].picture + 2]++;
    for (size_t i = 0; i < f->n_pictures; i++)
        next[i + 1] += next[i];
    for (size_t i = 0; i < f->n_annotations; i++)
        f->order[next[f->annotation[i].picture]++] = (uint32_t)i;
}

/* ---- the file ----------------------------------------------------------- */

typedef struct {
    qvl_import_file *f;
    qvl_err *err;
} opening;

static int open_steps(void *arg)
{
    const opening *o = arg;
    qvl_import_file *f = o->f;
    qvl_json_scan s;
    qvl_json_part text = { .p = f->map.p, .len = f->map.len, .file = f->path,
                           .line = 1, .col = 1 };
    qvl_json_scan_begin(&s, &text, o->err);
    QVL_TRY(read_root(f, &s, o->err));
    QVL_TRY(sort_ids(f->picture_id, f->n_pictures, f, "images", o->err));
    QVL_TRY(sort_ids(f->category_id, f->n_categories, f, "categories",
                     o->err));
    QVL_TRY(find_pictures(f, o->err));
    order_annotations(f);
    return QVL_OK;
}

int qvl_import_file_open(qvl_import_file *f, qvl_err *err)
{
    opening o = { f, err };
    QVL_TRY(qvl_file_map_open(&f->map, f->path, err));
    return qvl_guard(open_steps, &o, err);
}

void qvl_import_file_close(qvl_import_file *f)
{
    qvl_file_map_close(&f->map);
    free(f->annotation);
    qvl_arena_release(&f->arena);
    qvl_arena_release(&f->scratch);
    *f = (qvl_import_file){ .path = f->path };
}

const char *qvl_import_desc(const qvl_import_file *f, int64_t id)
{
    size_t place = find_id(f->category_id, f->n_categories, id);
    return place < f->n_categories ? f->desc[place] : NULL;
}

/* Read the value of a key, into its field if it has one. */
static int read_field(qvl_json_scan *s, const qvl_json_part *key,
                      const char *const *names, const qvl_node **const *field,
                      qvl_arena *arena)
{
    qvl_json_part part;
    qvl_node *node;
    size_t i = 0;
    while (names[i] != NULL && !qvl_json_part_is(key, names[i]))
        i++;
    QVL_TRY(qvl_json_scan_part(s, &part));
    if (names[i] == NULL)
        return QVL_OK;
    if (*field[i] != NULL)
        return qvl_fail(s->err, QVL_E_FORMAT, "%s:%d:%d: key \"%s\": found a "
                        "second time, expected once", s->file, key->line,
                        key->col, names[i]);
    QVL_TRY(qvl_json_parse_part(&node, &part, arena, s->err));
    *field[i] = node;
    return QVL_OK;
}

int qvl_import_read(const qvl_import_file *f, size_t i, bool has_segmentation,
                    qvl_import_fields *out, qvl_arena *arena, qvl_err *err)
{
    const qvl_import_annotation *a = &f->annotation[i];
    const char *const names[] = {
        "category_id", "bbox", "iscrowd",
        has_segmentation ? "segmentation" : NULL, NULL,
    };
    qvl_import_fields found = { .at = { .kind = QVL_NODE_MAP, .file = f->path,
                                        .line = a->line, .col = a->col } };
    const qvl_node **const field[] = { &found.category_id, &found.bbox,
                                       &found.iscrowd, &found.segmentation };
    qvl_json_scan s;
    qvl_json_part key, part = { .p = a->p, .len = a->len, .file = f->path,
                                .line = a->line, .col = a->col };
    qvl_json_scan_begin(&s, &part, err);
    QVL_TRY(qvl_json_scan_enter(&s, '{'));
    for (bool is_first = true;; is_first = false) {
        bool has_more;
        QVL_TRY(qvl_json_scan_next(&s, '}', is_first, &has_more));
        if (!has_more)
            break;
        QVL_TRY(qvl_json_scan_key(&s, &key));
        QVL_TRY(read_field(&s, &key, names, field, arena));
    }
    *out = found;
    return QVL_OK;
}
