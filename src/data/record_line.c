/* record_line.c - changes in the tree of a line
 *
 * The tree was made for the line and is its own, so nodes are changed in place; those
 * that are found through functions that give const pointers, too. A map whose keys
 * change loses its index and is walked from then on.
 */
#include "data/record_line.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "data/chat.h"
#include "data/picture.h"
#include "data/record_check.h"

int qvl_record_line_read(qvl_record_line *l, const qvl_record_source *source,
                         const char *image_root, qvl_arena *arena, qvl_err *err)
{
    static const qvl_record_options options = { .has_urls = true };
    qvl_record_counts counts = { 0 };
    qvl_record_line line = { .record = { .line = source->number } };
    QVL_TRY(qvl_json_parse_at(&line.root, source->text, source->len,
                              source->file, source->number, arena, err));
    line.record.file = line.root->file;
    qvl_err first = { 0 };
    qvl_record_check c = {
        .options = &options, .file = line.record.file, .image_root = image_root,
        .line = source->number, .arena = arena, .scratch = arena,
        .counts = &counts, .err = &first,
    };
    qvl_record_check_line(&c, line.root, &line.record);
    if (c.n_faults > 0) {
        if (err != NULL)
            *err = first;
        return first.code;
    }
    *l = line;
    return QVL_OK;
}

/* ---- nodes --------------------------------------------------------------- */

static qvl_node text_node(const char *text)
{
    return (qvl_node){ .kind = QVL_NODE_STRING, .s = text,
                       .s_len = strlen(text) };
}

/* The value of a key, absent or null: NULL. */
static qvl_node *find(const qvl_node *map, const char *key)
{
    return (qvl_node *)qvl_record_find(map, key);
}

/* Give a map the keys and values [n], without those whose key is NULL. */
static void set_items(qvl_node *map, qvl_node *keys, qvl_node *items, size_t n)
{
    map->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (keys[i].s == NULL)
            continue;
        keys[map->n] = keys[i];
        items[map->n++] = items[i];
    }
    map->keys = keys;
    map->items = items;
    map->index = NULL;
}

/* Copies of keys and values, with room for one more. */
static void copy_items(const qvl_node *map, qvl_node **keys, qvl_node **items,
                       qvl_arena *arena)
{
    *keys = qvl_arena_array(arena, qvl_node, map->n + 1);
    *items = qvl_arena_array(arena, qvl_node, map->n + 1);
    for (size_t i = 0; i < map->n; i++) {
        (*keys)[i] = map->keys[i];
        (*items)[i] = map->items[i];
    }
}

/* Set a key; behind the others when it is new. Returns its value's node. */
static qvl_node *set(qvl_node *map, const char *key, qvl_node value,
                     qvl_arena *arena)
{
    qvl_node *keys, *items;
    size_t i = 0;
    copy_items(map, &keys, &items, arena);
    while (i < map->n && strcmp(keys[i].s, key) != 0)
        i++;
    keys[i] = text_node(key);
    items[i] = value;
    set_items(map, keys, items, map->n + (i == map->n));
    return &map->items[i];
}

/* ---- pictures ------------------------------------------------------------ */

/* The node with the text that names a picture: in the list, or in a turn. */
static qvl_node *name_node(const qvl_record_line *l, const qvl_data_chat *chat,
                           int i)
{
    const qvl_node *list = qvl_record_find(l->root, "images");
    if (list != NULL)
        return &list->items[i];
    qvl_node *url = find(chat->picture[i]->source, "url");
    return url != NULL ? url : (qvl_node *)chat->picture[i]->source;
}

void qvl_record_line_rename(qvl_record_line *l, qvl_arena *arena)
{
    qvl_data_chat chat = { 0 };
    const qvl_record *r = &l->record;
    if (r->messages != NULL && !r->has_image_list) {
        int rc = qvl_data_chat_read(&chat, r->messages, -1, arena, NULL);
        assert(rc == QVL_OK);  // it was read before
        (void)rc;
    }
    for (int i = 0; i < r->n_images; i++) {
        qvl_node *name = name_node(l, &chat, i);
        if (!qvl_picture_is_data(r->image[i]))
            *name = text_node(r->image[i]);
    }
}

/* ---- objects ------------------------------------------------------------- */

static qvl_node number_list(const double *v, size_t n, qvl_arena *arena)
{
    qvl_node list = { .kind = QVL_NODE_LIST, .n = n,
                      .items = qvl_arena_array(arena, qvl_node, n) };
    for (size_t i = 0; i < n; i++)
        list.items[i] = (qvl_node){ .kind = QVL_NODE_FLOAT, .f = v[i] };
    return list;
}

/* The box takes the place of the one geometry; what is null beside it, and the
 * number of its points, go. */
static void put_box(qvl_node *map, const qvl_object *box, qvl_arena *arena)
{
    qvl_node *keys, *items;
    copy_items(map, &keys, &items, arena);
    for (size_t i = 0; i < map->n; i++) {
        bool is_place = qvl_geom_key_find(keys[i].s) < QVL_N_GEOM_KEYS;
        if (strcmp(keys[i].s, "poly_points") == 0
            || (is_place && items[i].kind == QVL_NODE_NULL)) {
            keys[i].s = NULL;
        } else if (is_place) {
            keys[i] = text_node(qvl_geom_name(QVL_GEOM_BOX));
            items[i] = number_list(box->point, 4, arena);
        }
    }
    set_items(map, keys, items, map->n);
}

void qvl_record_line_reduce(qvl_record_line *l, const qvl_object *object,
                            const int *kept, int n_kept, qvl_arena *arena)
{
    qvl_node *list = find(l->root, "objects");
    assert(list != NULL && list->n == (size_t)l->record.n_objects);
    assert(n_kept <= l->record.n_objects);

    for (int i = 0; i < n_kept; i++) {
        int k = kept[i];
        list->items[i] = list->items[k];
        if (object[k].kind == QVL_GEOM_BOX
            && l->record.object[k].kind != QVL_GEOM_BOX)
            put_box(&list->items[i], &object[k], arena);
    }
    list->n = (size_t)n_kept;
}

/* ---- metadata ------------------------------------------------------------ */

void qvl_record_line_note(qvl_record_line *l, const char *key, const char *text,
                          qvl_arena *arena)
{
    qvl_node *metadata = find(l->root, "metadata");
    if (metadata == NULL)
        metadata = set(l->root, "metadata", (qvl_node){ .kind = QVL_NODE_MAP },
                       arena);
    set(metadata, key, text_node(text), arena);
}
