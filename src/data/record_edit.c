/* record_edit.c - steps through a line and copies it, but for what is replaced
 *
 * The reader has checked the record, so what looks otherwise than expected here (a
 * null, a key of another meaning) is stepped over and copied.
 */
#include "data/record_edit.h"

#include <assert.h>
#include <string.h>

#include "base/json_scan.h"

typedef struct {
    qvl_json_scan s;
    const char *done;      // the text before it is in `out`
    qvl_str *out;
    const qvl_record *record;
    const qvl_record_changes *changes;
    int n_images;          // names that were passed
    qvl_arena *arena;
    qvl_err *err;
} edit;

/* What is done with the value of a key. */
typedef int value_fn(edit *e);

typedef struct {
    const char *key;
    value_fn *read;
} key_rule;

/* ---- parts -------------------------------------------------------------- */

/* A string as it is decoded. */
static int read_text(edit *e, const qvl_json_part *quoted, const char **text)
{
    qvl_node *node;
    QVL_TRY(qvl_json_parse_part(&node, quoted, e->arena, e->err));
    *text = node->kind == QVL_NODE_STRING ? node->s : "";
    return QVL_OK;
}

/* Step over a key; *text is decoded. */
static int read_key(edit *e, const char **text)
{
    qvl_json_part key;
    QVL_TRY(qvl_json_scan_key(&e->s, &key));
    *text = qvl_arena_strndup(e->arena, key.p, key.len);
    if (memchr(key.p, '\\', key.len) == NULL)
        return QVL_OK;
    key.p--;
    key.len += 2;
    return read_text(e, &key, text);
}

static void copy_to(edit *e, const char *p)
{
    qvl_str_putn(e->out, e->done, (size_t)(p - e->done));
    e->done = p;
}

/* Copy up to a part, and go on behind it. */
static void skip_part(edit *e, const qvl_json_part *part)
{
    copy_to(e, part->p);
    e->done = part->p + part->len;
}

static bool is_at(edit *e, char c)
{
    qvl_json_scan_space(&e->s);
    return qvl_json_scan_is_at(&e->s, c);
}

/* Step through a map: the value of a key of the table is read, others are passed. */
static int read_map(edit *e, const key_rule *rule, size_t n)
{
    if (!is_at(e, '{'))
        return qvl_json_scan_value(&e->s);
    QVL_TRY(qvl_json_scan_enter(&e->s, '{'));
    for (bool is_first = true;; is_first = false) {
        const char *key;
        bool has_more;
        size_t i = 0;
        QVL_TRY(qvl_json_scan_next(&e->s, '}', is_first, &has_more));
        if (!has_more)
            return QVL_OK;
        QVL_TRY(read_key(e, &key));
        while (i < n && strcmp(rule[i].key, key) != 0)
            i++;
        QVL_TRY(i < n ? rule[i].read(e) : qvl_json_scan_value(&e->s));
    }
}

/* Step through a list, every item by `read`. */
static int read_list(edit *e, value_fn *read)
{
    if (!is_at(e, '['))
        return qvl_json_scan_value(&e->s);
    QVL_TRY(qvl_json_scan_enter(&e->s, '['));
    for (bool is_first = true;; is_first = false) {
        bool has_more;
        QVL_TRY(qvl_json_scan_next(&e->s, ']', is_first, &has_more));
        if (!has_more)
            return QVL_OK;
        QVL_TRY(read(e));
    }
}

/* ---- pictures ----------------------------------------------------------- */

static int edit_name(edit *e)
{
    qvl_json_part part;
    QVL_TRY(qvl_json_scan_part(&e->s, &part));
    int i = e->n_images++;
    const char *name = i < e->record->n_images ? e->changes->image[i] : NULL;
    if (name == NULL)
        return QVL_OK;
    skip_part(e, &part);
    qvl_json_quote(e->out, name, strlen(name));
    return QVL_OK;
}

static int edit_images(edit *e)
{
    if (e->record->messages != NULL && !e->record->has_image_list)
        return qvl_json_scan_value(&e->s);
    return read_list(e, edit_name);
}

/* What names a picture: a text, or a map with one as its url. */
static int edit_source(edit *e)
{
    static const key_rule rules[] = { { "url", edit_name } };
    return is_at(e, '{') ? read_map(e, rules, QVL_COUNT(rules)) : edit_name(e);
}

/* The type of a piece of a turn: the key of what it holds, and perhaps behind that, so
 * it is looked for first. */
static int find_type(edit *e, const char **type)
{
    qvl_json_scan here = e->s;
    *type = "";
    QVL_TRY(qvl_json_scan_enter(&e->s, '{'));
    for (bool is_first = true;; is_first = false) {
        const char *key;
        bool has_more;
        qvl_json_part value;
        QVL_TRY(qvl_json_scan_next(&e->s, '}', is_first, &has_more));
        if (!has_more)
            break;
        QVL_TRY(read_key(e, &key));
        QVL_TRY(qvl_json_scan_part(&e->s, &value));
        if (strcmp(key, "type") == 0)
            QVL_TRY(read_text(e, &value, type));
    }
    e->s = here;
    return QVL_OK;
}

static int edit_piece(edit *e)
{
    const char *type;
    if (!is_at(e, '{'))
        return qvl_json_scan_value(&e->s);
    QVL_TRY(find_type(e, &type));
    bool is_picture = strcmp(type, "image") == 0
                      || strcmp(type, "image_url") == 0;
    key_rule rule = { type, edit_source };
    return read_map(e, &rule, is_picture ? 1 : 0);
}

static int edit_content(edit *e)
{
    return read_list(e, edit_piece);
}

static int edit_turn(edit *e)
{
    static const key_rule rules[] = { { "content", edit_content } };
    return read_map(e, rules, QVL_COUNT(rules));
}

static int edit_messages(edit *e)
{
    if (e->record->messages == NULL || e->record->has_image_list)
        return qvl_json_scan_value(&e->s);
    return read_list(e, edit_turn);
}

/* ---- sizes -------------------------------------------------------------- */

static int edit_side(edit *e, int before, int after)
{
    qvl_json_part part;
    QVL_TRY(qvl_json_scan_part(&e->s, &part));
    if (after == 0 || before == after)
        return QVL_OK;
    skip_part(e, &part);
    qvl_str_printf(e->out, "%d", after);
    return QVL_OK;
}

static int edit_width(edit *e)
{
    return edit_side(e, e->record->w, e->changes->w);
}

static int edit_height(edit *e)
{
    return edit_side(e, e->record->h, e->changes->h);
}

/* ---- objects ------------------------------------------------------------ */

static int fail_outside(const edit *e, const qvl_json_part *at, double v,
                        int side)
{
    return qvl_fail(e->err, QVL_E_DATA, "%s:%d:%d: objects: found a coordinate "
                    "that becomes %g, expected it at most %g px outside of 0 "
                    "to %d", at->file, at->line, at->col, v,
                    QVL_RECORD_MARGIN_PX, side);
}

/* A coordinate of an axis: 0 is x. */
static int edit_coordinate(edit *e, int axis)
{
    int before = axis == 0 ? e->record->w : e->record->h;
    int after = axis == 0 ? e->changes->w : e->changes->h;
    qvl_json_part part;
    double v;
    QVL_TRY(qvl_json_scan_part(&e->s, &part));
    if (after == 0 || before == after
        || !qvl_node_read_float(part.p, part.len, &v))
        return QVL_OK;
    v = v * after / before;
    if (v < -QVL_RECORD_MARGIN_PX || v > after + QVL_RECORD_MARGIN_PX)
        return fail_outside(e, &part, v, after);
    skip_part(e, &part);
    qvl_json_number(e->out, v);
    return QVL_OK;
}

/* Points: x and y in turn, or lists of these. */
static int edit_points(edit *e)
{
    if (!is_at(e, '['))
        return qvl_json_scan_value(&e->s);
    QVL_TRY(qvl_json_scan_enter(&e->s, '['));
    for (int i = 0;; i = i == 2 ? 1 : i + 1) {  // 0: none was taken yet
        bool has_more;
        QVL_TRY(qvl_json_scan_next(&e->s, ']', i == 0, &has_more));
        if (!has_more)
            return QVL_OK;
        QVL_TRY(is_at(e, '[') ? edit_points(e) : edit_coordinate(e, i % 2));
    }
}

static int edit_object(edit *e)
{
    key_rule rules[QVL_N_GEOM_KEYS];
    for (int i = 0; i < QVL_N_GEOM_KEYS; i++)
        rules[i] = (key_rule){ qvl_geom_keys[i].key, edit_points };
    return read_map(e, rules, QVL_COUNT(rules));
}

static int edit_objects(edit *e)
{
    return read_list(e, edit_object);
}

/* ---- the line ----------------------------------------------------------- */

int qvl_record_edit(qvl_str *out, const qvl_json_part *line,
                    const qvl_record *record,
                    const qvl_record_changes *changes, qvl_arena *arena,
                    qvl_err *err)
{
    static const key_rule rules[] = {
        { "images", edit_images },   { "width", edit_width },
        { "height", edit_height },   { "objects", edit_objects },
        { "messages", edit_messages },
    };
    assert((changes->w == 0) == (changes->h == 0));
    assert(changes->w == 0 || (record->w > 0 && record->h > 0));

    edit e = { .done = line->p, .out = out, .record = record,
               .changes = changes, .arena = arena, .err = err };
    qvl_json_scan_begin(&e.s, line, err);
    QVL_TRY(read_map(&e, rules, QVL_COUNT(rules)));
    copy_to(&e, line->p + line->len);
    if (e.n_images == record->n_images)
        return QVL_OK;
    return qvl_fail(err, QVL_E_INTERNAL, "%s:%d: found %d names of pictures, "
                    "expected %d", line->file, line->line, e.n_images,
                    record->n_images);
}
