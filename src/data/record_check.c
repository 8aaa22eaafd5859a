/* record_check.c - a parsed line to a record: fields, pictures, texts
 *
 * All fields are looked at, whatever is wrong with others: each fault is counted and
 * told, the first becomes the error. The size comes before the objects, which are
 * checked against it (record_objects.c; turns: record_messages.c). check_pictures comes
 * last, and only when nothing else was wrong.
 */
#include "data/record_check.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "data/picture.h"
#include "data/text.h"

static const char *const known_keys[] = {
    "images", "objects", "width", "height", "summary", "metadata", "messages",
};

const char *const qvl_fused_keys[QVL_N_FUSED] = {
    [QVL_FUSED_SOURCE] = "_fusion_source",
    [QVL_FUSED_TEMPLATE] = "_fusion_template",
    [QVL_FUSED_DOMAIN] = "_fusion_domain",
    [QVL_FUSED_MODE] = "_fusion_mode",
};

/* ---- faults ------------------------------------------------------------- */

void qvl_record_fault_err(qvl_record_check *c, qvl_fault fault,
                          const qvl_err *err)
{
    if (c->n_faults++ == 0 && c->err != NULL)
        *c->err = *err;
    c->counts->fault[fault]++;
    if (c->options->on_fault != NULL)
        c->options->on_fault(c->options->ctx, fault, c->line, err->msg);
}

void qvl_record_fault(qvl_record_check *c, qvl_fault fault, int code,
                      const qvl_node *at, const char *fmt, ...)
{
    qvl_err err = { 0 };
    char text[sizeof err.msg];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (at != NULL)
        qvl_node_fail(at, &err, code, "%s", text);
    else
        qvl_fail(&err, code, "%s:%d: %s", c->file, c->line, text);
    qvl_record_fault_err(c, fault, &err);
}

void qvl_record_oddity(qvl_record_check *c, qvl_oddity oddity, int n)
{
    if (c->counts->oddity[oddity] == 0)
        c->counts->oddity_line[oddity] = c->line;
    c->counts->oddity[oddity] += (size_t)n;
}

const qvl_node *qvl_record_find(const qvl_node *map, const char *key)
{
    const qvl_node *n = qvl_node_find(map, key);
    return n != NULL && n->kind != QVL_NODE_NULL ? n : NULL;
}

static const char *kind_of(const qvl_node *n)
{
    return n != NULL ? qvl_node_kind_name(n->kind) : "nothing";
}

/* ---- pictures ----------------------------------------------------------- */

/* A picture itself, as base64 without a word around it: too long for a name, and
 * no file. */
static bool is_base64(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strspn(text, digits);
    return n > 200 && strspn(text + n, "=") == strlen(text + n)
           && !qvl_file_exists(text);
}

const char *qvl_record_picture(qvl_record_check *c, const qvl_node *name)
{
    const char *text;
    if (!qvl_node_as_string(name, &text) || qvl_text_is_blank(text)) {
        qvl_record_fault(c, QVL_FAULT_IMAGES, QVL_E_DATA, name,
                         "picture: found %s, expected a path or a data: URL",
                         name->kind == QVL_NODE_STRING ? "an empty or broken "
                                                         "text"
                                                       : kind_of(name));
        return NULL;
    }
    if (qvl_picture_is_data(text))
        return qvl_arena_strdup(c->arena, text);
    if (is_base64(text))
        return qvl_arena_printf(c->arena, "data:;base64,%s", text);
    if (c->options->has_urls && qvl_fetch_is_url(text))
        return qvl_arena_strdup(c->arena, text);
    if (strstr(text, "://") != NULL) {
        qvl_record_fault(c, QVL_FAULT_IMAGES, QVL_E_DATA, name,
                         "picture: found %s, expected %s",
                         qvl_text_short(c->scratch, text),
                         c->options->has_urls
                             ? "a path, or a data:, http: or https: URL"
                             : "a path or a data: URL: nothing is downloaded");
        return NULL;
    }
    if (text[0] == '/')
        return qvl_arena_strdup(c->arena, text);
    c->counts->n_relative++;
    return qvl_arena_printf(c->arena, "%s/%s", c->image_root, text);
}

static void measure_picture(qvl_record_check *c, const qvl_node *at,
                            const char *name, const qvl_record *record)
{
    int h, w;
    qvl_err err = { 0 };
    if (qvl_picture_measure(&h, &w, name, NULL, &err) != QVL_OK) {
        qvl_record_fault(c, QVL_FAULT_PICTURE, QVL_E_DATA, at, "%s", err.msg);
        return;
    }
    if (record->w != 0 && (w != record->w || h != record->h))
        qvl_record_fault(c, QVL_FAULT_SIZE, QVL_E_DATA, at,
                         "picture (%s): found %d x %d px, expected width and "
                         "height of the record, %d x %d",
                         qvl_picture_name(name), w, h, record->w, record->h);
}

static void check_pictures(qvl_record_check *c, const qvl_node *root,
                           const qvl_record *record)
{
    const qvl_node *list = qvl_record_find(root, "images");
    for (int i = 0; i < record->n_images; i++) {
        const char *name = record->image[i];
        const qvl_node *at = list != NULL && (size_t)i < list->n
                                 ? &list->items[i] : root;
        bool is_there = qvl_picture_is_data(name) || qvl_fetch_is_url(name)
                        || (qvl_file_exists(name) && !qvl_file_is_dir(name));
        if (!is_there)
            qvl_record_fault(c, QVL_FAULT_PICTURE, QVL_E_DATA, at,
                             "picture: found no file %s, expected one", name);
        else if (c->options->pictures == QVL_PICTURES_MEASURED
                 && !qvl_fetch_is_url(name))
            measure_picture(c, at, name, record);
    }
}

/* ---- fields ------------------------------------------------------------- */

static void check_images(qvl_record_check *c, const qvl_node *root,
                         const qvl_node *list, qvl_record *out)
{
    if (list == NULL || list->kind != QVL_NODE_LIST || list->n == 0
        || list->n > INT_MAX) {
        qvl_record_fault(c, QVL_FAULT_IMAGES, QVL_E_DATA,
                         list != NULL ? list : root,
                         "images: found %s, expected a list of one picture or "
                         "more",
                         list != NULL && list->kind == QVL_NODE_LIST
                             ? "an empty list" : kind_of(list));
        return;
    }
    const char **image = qvl_arena_array(c->arena, const char *, list->n);
    for (size_t i = 0; i < list->n; i++)
        image[i] = qvl_record_picture(c, &list->items[i]);
    out->image = image;
    out->n_images = (int)list->n;
}

/* A side in px; 0 with a fault when it is none. */
static int check_side(qvl_record_check *c, const qvl_node *root,
                      const char *key)
{
    const qvl_node *n = qvl_record_find(root, key);
    int64_t v;
    if (qvl_node_as_int(n, &v) && v > 0 && v <= QVL_IMAGE_MAX_SIDE)
        return (int)v;
    qvl_record_fault(c, QVL_FAULT_SIZE, QVL_E_DATA, n != NULL ? n : root,
                     "%s: found %s, expected a whole number of px from 1 to %d",
                     key,
                     n != NULL && n->s != NULL && n->kind != QVL_NODE_STRING
                         ? n->s : kind_of(n),
                     QVL_IMAGE_MAX_SIDE);
    return 0;
}

static void check_size(qvl_record_check *c, const qvl_node *root,
                       bool is_needed, qvl_record *out)
{
    if (!is_needed && qvl_record_find(root, "width") == NULL
        && qvl_record_find(root, "height") == NULL)
        return;
    int w = check_side(c, root, "width");
    int h = check_side(c, root, "height");
    if (w == 0 || h == 0)
        return;
    out->w = w;
    out->h = h;
}

static void check_summary(qvl_record_check *c, const qvl_node *n,
                          qvl_record *out)
{
    const char *text;
    if (n == NULL)
        return;
    const char *wrong = !qvl_node_as_string(n, &text)
                            ? kind_of(n) : qvl_text_summary_fault(text);
    if (wrong != NULL) {
        qvl_record_fault(c, QVL_FAULT_SUMMARY, QVL_E_DATA, n,
                         "summary: found %s, expected one line of text", wrong);
        return;
    }
    out->summary = qvl_text_trim(c->arena, text);
    wrong = qvl_lint_summary(c->options->lint, out->summary, c->scratch);
    if (wrong != NULL)
        qvl_record_fault(c, QVL_FAULT_SUMMARY, QVL_E_DATA, n,
                         "summary: found %s in \"%s\", expected the dialect %s", wrong,
                         qvl_text_short(c->scratch, text),
                         qvl_lint_name(c->options->lint));
}

/* A key that begins with _fusion_ is one of a fused record. */
static void check_fused(qvl_record_check *c, const qvl_node *key,
                        const qvl_node *value)
{
    static const char reserved[] = "_fusion_";
    const char *text;
    int i = 0;
    if (strncmp(key->s, reserved, sizeof reserved - 1) != 0)
        return;
    while (i < QVL_N_FUSED && strcmp(key->s, qvl_fused_keys[i]) != 0)
        i++;
    if (i == QVL_N_FUSED)
        qvl_record_fault(c, QVL_FAULT_FIELD, QVL_E_DATA, key,
                         "metadata: found %s, expected no key that begins "
                         "with %s", qvl_text_short(c->scratch, key->s),
                         reserved);
    else if (!qvl_node_as_string(value, &text))
        qvl_record_fault(c, QVL_FAULT_FIELD, QVL_E_DATA, value,
                         "metadata.%s: found %s, expected a text", key->s,
                         kind_of(value));
}

static void check_metadata(qvl_record_check *c, const qvl_node *n,
                           qvl_record *out)
{
    if (n == NULL)
        return;
    if (n->kind != QVL_NODE_MAP) {
        qvl_record_fault(c, QVL_FAULT_FIELD, QVL_E_DATA, n,
                         "metadata: found %s, expected a map", kind_of(n));
        return;
    }
    for (size_t i = 0; i < n->n; i++)
        check_fused(c, &n->keys[i], &n->items[i]);
    out->metadata = n;
}

static void count_unknown(qvl_record_check *c, const qvl_node *root)
{
    for (size_t i = 0; i < root->n; i++) {
        size_t k = 0;
        while (k < QVL_COUNT(known_keys)
               && strcmp(known_keys[k], root->keys[i].s) != 0)
            k++;
        if (k == QVL_COUNT(known_keys))
            qvl_record_oddity(c, QVL_ODDITY_FIELD, 1);
    }
}

/* ---- the line ----------------------------------------------------------- */

/* What the reader needs to be there beside a right form. */
static void check_needs(qvl_record_check *c, const qvl_node *root,
                        const qvl_record *record)
{
    unsigned needs = c->options->needs;
    const qvl_node *objects = qvl_record_find(root, "objects");
    bool has_objects = objects != NULL && objects->n > 0;
    bool has_summary = qvl_record_find(root, "summary") != NULL;
    if (record->messages != NULL)
        return;
    if ((needs & QVL_NEEDS_OBJECTS) != 0 && !has_objects)
        qvl_record_fault(c, QVL_FAULT_OBJECTS, QVL_E_DATA,
                         objects != NULL ? objects : root,
                         "objects: found none, expected one or more");
    if ((needs & QVL_NEEDS_SUMMARY) != 0 && !has_summary)
        qvl_record_fault(c, QVL_FAULT_SUMMARY, QVL_E_DATA, root,
                         "summary: found nothing, expected one line of text");
    if (needs == QVL_NEEDS_ANSWER && !has_objects && !has_summary)
        qvl_record_fault(c, QVL_FAULT_OBJECTS, QVL_E_DATA, root,
                         "record: found neither objects nor a summary, "
                         "expected one of them");
}

void qvl_record_check_line(qvl_record_check *c, const qvl_node *root,
                           qvl_record *out)
{
    if (root->kind != QVL_NODE_MAP) {
        qvl_record_fault(c, QVL_FAULT_FIELD, QVL_E_DATA, root,
                         "record: found %s, expected a map", kind_of(root));
        return;
    }
    const qvl_node *images = qvl_record_find(root, "images");
    const qvl_node *objects = qvl_record_find(root, "objects");
    const qvl_node *messages = qvl_record_find(root, "messages");
    bool has_objects = objects != NULL && objects->n > 0;
    out->messages = messages;
    count_unknown(c, root);
    check_size(c, root,
               has_objects || (messages == NULL && c->options->needs != 0),
               out);
    if (messages == NULL || images != NULL)
        check_images(c, root, images, out);
    if (messages != NULL)
        qvl_record_check_messages(c, messages, images, out);
    if (objects != NULL)
        qvl_record_check_objects(c, objects, out->w, out->h, out);
    check_summary(c, qvl_record_find(root, "summary"), out);
    check_metadata(c, qvl_record_find(root, "metadata"), out);
    check_needs(c, root, out);
    if (c->n_faults == 0 && c->options->pictures != QVL_PICTURES_NAMED)
        check_pictures(c, root, out);
}
