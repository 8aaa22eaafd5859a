/* yaml.c - a tree from the events of libyaml
 *
 * Its own tree is not used: that one forgets which scalars were plain, and resolves
 * neither types nor merges.
 */
#include "base/yaml.h"

#include <assert.h>
#include <string.h>
#include <yaml.h>

/* A named node; aliases share its items. */
typedef struct {
    const char *name;
    qvl_node node;
    size_t n_nodes;  // with aliases written out
} anchor;

/* Nodes that are being gathered; the arena keeps them. */
typedef struct {
    qvl_node *v;
    size_t n;
    size_t cap;
} node_list;

/* A place in the text. */
typedef struct {
    size_t at;  // byte
    int line;   // 1-based
    int col;    // 1-based
} place;

/* One parse. */
typedef struct {
    // owned
    yaml_parser_t parser;
    yaml_event_t event;  // the one that is being looked at
    // borrowed
    const char *text;
    size_t len;
    const char *file;  // as given, later the arena's copy
    qvl_arena *arena;
    qvl_err *err;
    anchor *anchors;   // [n_anchors] of cap_anchors, in the arena
    size_t n_anchors;
    size_t cap_anchors;

    place seen;      // of the mark that was looked for last; zero: none
    size_t n_nodes;  // so far, with aliases written out
    int depth;
    qvl_node *root;  // result
} parse;

/* Bytes of the line break at p, 0 when there is none: the breaks that libyaml
 * counts, NEL, LS and PS included. */
static size_t break_bytes(const char *p, size_t n)
{
    if (n >= 2 && p[0] == '\r' && p[1] == '\n')
        return 2;
    if (n >= 1 && (p[0] == '\r' || p[0] == '\n'))
        return 1;
    if (n >= 2 && memcmp(p, "\xc2\x85", 2) == 0)
        return 2;
    if (n >= 3 && (memcmp(p, "\xe2\x80\xa8", 3) == 0
                   || memcmp(p, "\xe2\x80\xa9", 3) == 0))
        return 3;
    return 0;
}

/* Step over one character. */
static void step(const parse *s, place *p)
{
    size_t n = break_bytes(s->text + p->at, s->len - p->at);
    if (n > 0) {
        p->at += n;
        p->line++;
        p->col = 1;
        return;
    }
    do
        p->at++;
    while (p->at < s->len && ((unsigned char)s->text[p->at] & 0xc0u) == 0x80u);
    p->col++;
}

static bool is_before(const place *p, int line, int col)
{
    return p->line < line || (p->line == line && p->col < col);
}

/* Marks are asked for in their order, so the text is walked through once. */
static place place_of_mark(parse *s, const yaml_mark_t *mark)
{
    int line = (int)mark->line + 1;
    int col = (int)mark->column + 1;
    place p = { 0, 1, 1 };
    if (s->seen.line > 0 && !is_before(&(place){ 0, line, col }, s->seen.line,
                                       s->seen.col))
        p = s->seen;
    while (p.at < s->len && is_before(&p, line, col))
        step(s, &p);
    s->seen = p;
    return p;
}

static place place_of_byte(const parse *s, size_t at)
{
    place p = { 0, 1, 1 };
    while (p.at < s->len && p.at < at)
        step(s, &p);
    return p;
}

static bool is_one_of(const parse *s, const place *p, const char *set)
{
    return p->at < s->len && s->text[p->at] != '\0'
           && strchr(set, s->text[p->at]) != NULL;
}

static bool is_break(const parse *s, const place *p)
{
    return break_bytes(s->text + p->at, s->len - p->at) > 0;
}

/* First character of the node behind "&name" at p: over the name, blanks,
 * comments and line breaks. */
static place behind_anchor(const parse *s, place p)
{
    while (p.at < s->len && !is_one_of(s, &p, " \t") && !is_break(s, &p))
        step(s, &p);
    for (;;) {
        if (is_one_of(s, &p, "#"))
            while (p.at < s->len && !is_break(s, &p))
                step(s, &p);
        if (!is_one_of(s, &p, " \t") && !is_break(s, &p))
            return p;
        step(s, &p);
    }
}

/* An empty node with the place of the event. */
static qvl_node node_at_event(parse *s, const char *name)
{
    const yaml_event_t *e = &s->event;
    const yaml_mark_t *mark = &e->start_mark;
    qvl_node node = { .file = s->file };
    bool is_empty = e->type == YAML_SCALAR_EVENT
                    && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
                    && e->data.scalar.length == 0;
    if (name != NULL && is_empty)
        mark = &e->end_mark;
    node.line = (int)mark->line + 1;
    node.col = (int)mark->column + 1;
    if (name != NULL && !is_empty) {
        place p = behind_anchor(s, place_of_mark(s, mark));
        node.line = p.line;
        node.col = p.col;
    }
    return node;
}

/* The words libyaml has for the fault, at its place. */
static int fail_parser(parse *s)
{
    const yaml_parser_t *y = &s->parser;
    if (y->error == YAML_MEMORY_ERROR)
        return qvl_fail(s->err, QVL_E_MEMORY, "host memory: none is left to "
                        "parse %s of %zu bytes", s->file, s->len);
    place p = y->error == YAML_READER_ERROR
                  ? place_of_byte(s, y->problem_offset)
                  : place_of_mark(s, &y->problem_mark);
    if (is_one_of(s, &p, "\t"))
        return qvl_fail(s->err, QVL_E_CONFIG, "%s:%d:%d: YAML: found a tab, "
                        "expected spaces as indentation", s->file, p.line, p.col);
    return qvl_fail(s->err, QVL_E_CONFIG, "%s:%d:%d: YAML: %s%s%s", s->file,
                    p.line, p.col, y->context != NULL ? y->context : "",
                    y->context != NULL ? ", " : "",
                    y->problem != NULL ? y->problem : "cannot be read");
}

static int next_event(parse *s)
{
    yaml_event_delete(&s->event);
    if (!yaml_parser_parse(&s->parser, &s->event))
        return fail_parser(s);
    return QVL_OK;
}

/* Fail at the event that is being looked at. */
static int fail_event(parse *s, const char *found, const char *wanted)
{
    qvl_node here = node_at_event(s, NULL);
    return qvl_node_fail(&here, s->err, QVL_E_CONFIG,
                         "YAML: found %s, expected %s", found, wanted);
}

/* Room for one more of n elements: the array, moved when it was full. */
static void *grown(parse *s, void *v, size_t n, size_t *cap, size_t bytes)
{
    if (n < *cap)
        return v;
    size_t larger = *cap > 0 ? 2 * *cap : 8;
    void *w = qvl_arena_alloc_n(s->arena, larger, bytes);
    if (n > 0)
        memcpy(w, v, n * bytes);
    *cap = larger;
    return w;
}

static void push_node(parse *s, node_list *list, const qvl_node *node)
{
    list->v = grown(s, list->v, list->n, &list->cap, sizeof *list->v);
    list->v[list->n++] = *node;
}

static void push_anchor(parse *s, const char *name, const qvl_node *node,
                        size_t n_nodes)
{
    s->anchors = grown(s, s->anchors, s->n_anchors, &s->cap_anchors,
                       sizeof *s->anchors);
    s->anchors[s->n_anchors++] = (anchor){ name, *node, n_nodes };
}

/* Count nodes; a few aliases of aliases can stand for more than fits. */
static int count_nodes(parse *s, size_t n)
{
    s->n_nodes += n;
    if (s->n_nodes > QVL_YAML_MAX_NODES)
        return fail_event(s, "more than a million nodes with aliases written out",
                          "fewer");
    return QVL_OK;
}

static bool is_null_word(const char *text)
{
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0
           || strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

/* Kind and value of a plain scalar. */
static void resolve(qvl_node *node)
{
    if (strlen(node->s) != node->s_len)
        node->kind = QVL_NODE_STRING;
    else if (is_null_word(node->s))
        node->kind = QVL_NODE_NULL;
    else if (qvl_node_read_bool(node->s, node->s_len, &node->b))
        node->kind = QVL_NODE_BOOL;
    else if (qvl_node_read_int(node->s, node->s_len, &node->i))
        node->kind = QVL_NODE_INT;
    else if (qvl_node_read_float(node->s, node->s_len, &node->f))
        node->kind = QVL_NODE_FLOAT;
    else
        node->kind = QVL_NODE_STRING;
    if (node->kind == QVL_NODE_INT)
        node->f = (double)node->i;
}

/* Text of the scalar that is being looked at. "! text" shows as a plain
 * scalar that must not be resolved. */
static int take_text(parse *s, qvl_node *out)
{
    bool is_plain = s->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (s->event.data.scalar.tag != NULL
        || (is_plain && !s->event.data.scalar.plain_implicit))
        return fail_event(s, "a tag", "none: tags are not supported");
    out->kind = QVL_NODE_STRING;
    out->s_len = s->event.data.scalar.length;
    out->s = qvl_arena_strndup(s->arena, (const char *)s->event.data.scalar.value,
                               out->s_len);
    return QVL_OK;
}

static int build_scalar(parse *s, qvl_node *out)
{
    bool is_plain = s->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    QVL_TRY(take_text(s, out));
    if (is_plain)
        resolve(out);
    return QVL_OK;
}

/* Only finished nodes have a name, so no node can hold itself. */
static int build_alias(parse *s, qvl_node *out)
{
    const char *name = (const char *)s->event.data.alias.anchor;
    size_t i = s->n_anchors;
    while (i > 0 && strcmp(s->anchors[i - 1].name, name) != 0)
        i--;
    if (i == 0)
        return fail_event(s, qvl_arena_printf(s->arena, "alias *%.200s", name),
                          "an anchor of that name before it");
    *out = s->anchors[i - 1].node;
    return count_nodes(s, s->anchors[i - 1].n_nodes);
}

static int build_node(parse *s, qvl_node *out);

static int build_list(parse *s, qvl_node *out)
{
    if (s->event.data.sequence_start.tag != NULL)
        return fail_event(s, "a tag", "none: tags are not supported");
    node_list items = { 0 };
    for (;;) {
        QVL_TRY(next_event(s));
        if (s->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        qvl_node item;
        QVL_TRY(build_node(s, &item));
        push_node(s, &items, &item);
    }
    out->kind = QVL_NODE_LIST;
    out->items = items.v;
    out->n = items.n;
    return QVL_OK;
}

/* A map that is being gathered. */
typedef struct {
    node_list keys;
    node_list items;
    qvl_node merge_key;  // the `<<`, line 0 when there is none
    qvl_node merge;      // its value
} map_parts;

static void put_parts(qvl_node *out, const map_parts *m)
{
    out->keys = m->keys.v;
    out->items = m->items.v;
    out->n = m->items.n;
    out->index = NULL;
}

/* Add what the map does not have yet. */
static int merge_map(parse *s, qvl_node *out, map_parts *m, const qvl_node *from)
{
    if (from->kind != QVL_NODE_MAP)
        return qvl_node_fail(&m->merge_key, s->err, QVL_E_CONFIG, "YAML: found "
                             "\"<<\" with a value of kind %s (line %d), expected"
                             " a map or a list of maps", qvl_node_kind_name(from->kind),
                             from->line);
    for (size_t i = 0; i < from->n; i++) {
        if (qvl_node_find(out, from->keys[i].s) != NULL)
            continue;
        push_node(s, &m->keys, &from->keys[i]);
        push_node(s, &m->items, &from->items[i]);
    }
    put_parts(out, m);
    return qvl_node_index(out, s->arena, QVL_E_CONFIG, s->err);
}

static int merge_all(parse *s, qvl_node *out, map_parts *m)
{
    if (m->merge_key.line == 0)
        return QVL_OK;
    if (m->merge.kind != QVL_NODE_LIST)
        return merge_map(s, out, m, &m->merge);
    for (size_t i = 0; i < m->merge.n; i++)
        QVL_TRY(merge_map(s, out, m, &m->merge.items[i]));
    return QVL_OK;
}

/* A key into a STRING node; `<<` is a merge only when it is plain. */
static int build_key(parse *s, qvl_node *key, bool *is_merge)
{
    if (s->event.type != YAML_SCALAR_EVENT)
        return fail_event(s, "a key that is no scalar", "text");
    const char *name = (const char *)s->event.data.scalar.anchor;
    if (name != NULL)
        return fail_event(s, "an anchor at a key", "it at the value");
    *key = node_at_event(s, NULL);
    bool is_plain = s->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    QVL_TRY(take_text(s, key));
    if (is_plain && key->s_len == 0)
        return fail_event(s, "no key", "text before the ':'");
    if (strlen(key->s) != key->s_len)
        return fail_event(s, "a NUL in a key", "text");
    *is_merge = is_plain && strcmp(key->s, "<<") == 0;
    return count_nodes(s, 1);
}

static int build_entry(parse *s, map_parts *m)
{
    qvl_node key;
    qvl_node item;
    bool is_merge = false;
    QVL_TRY(build_key(s, &key, &is_merge));
    if (is_merge && m->merge_key.line > 0)
        return fail_event(s, "a second merge key", "one with a list of maps");
    QVL_TRY(next_event(s));
    QVL_TRY(build_node(s, &item));
    if (is_merge) {
        m->merge_key = key;
        m->merge = item;
        return QVL_OK;
    }
    push_node(s, &m->keys, &key);
    push_node(s, &m->items, &item);
    return QVL_OK;
}

static int build_map(parse *s, qvl_node *out)
{
    if (s->event.data.mapping_start.tag != NULL)
        return fail_event(s, "a tag", "none: tags are not supported");
    map_parts m = { 0 };
    for (;;) {
        QVL_TRY(next_event(s));
        if (s->event.type == YAML_MAPPING_END_EVENT)
            break;
        QVL_TRY(build_entry(s, &m));
    }
    out->kind = QVL_NODE_MAP;
    put_parts(out, &m);
    QVL_TRY(qvl_node_index(out, s->arena, QVL_E_CONFIG, s->err));
    return merge_all(s, out, &m);
}

/* Name given to the node that begins with the event, NULL when it has none. */
static const char *anchor_of_event(const parse *s)
{
    const yaml_char_t *name = NULL;
    if (s->event.type == YAML_SCALAR_EVENT)
        name = s->event.data.scalar.anchor;
    else if (s->event.type == YAML_SEQUENCE_START_EVENT)
        name = s->event.data.sequence_start.anchor;
    else if (s->event.type == YAML_MAPPING_START_EVENT)
        name = s->event.data.mapping_start.anchor;
    return name != NULL ? qvl_arena_strdup(s->arena, (const char *)name) : NULL;
}

/* The node that begins with the event; the event is its last one afterwards. */
static int build_node(parse *s, qvl_node *out)
{
    if (s->event.type == YAML_ALIAS_EVENT)
        return build_alias(s, out);
    if (++s->depth > QVL_YAML_MAX_DEPTH)
        return fail_event(s, "nesting without end", "a flatter text");
    size_t n_before = s->n_nodes;
    QVL_TRY(count_nodes(s, 1));
    const char *name = anchor_of_event(s);
    *out = node_at_event(s, name);
    if (s->event.type == YAML_SCALAR_EVENT)
        QVL_TRY(build_scalar(s, out));
    else if (s->event.type == YAML_SEQUENCE_START_EVENT)
        QVL_TRY(build_list(s, out));
    else
        QVL_TRY(build_map(s, out));
    if (name != NULL)
        push_anchor(s, name, out, s->n_nodes - n_before);
    s->depth--;
    return QVL_OK;
}

/* The root; a document without content is an empty map. */
static int build_root(parse *s)
{
    if (s->event.type == YAML_SCALAR_EVENT && s->event.data.scalar.length == 0
        && s->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        s->root->kind = QVL_NODE_MAP;
        return QVL_OK;
    }
    QVL_TRY(build_node(s, s->root));
    if (s->root->kind != QVL_NODE_MAP)
        return qvl_node_fail(s->root, s->err, QVL_E_CONFIG, "YAML: found %s, "
                             "expected a map as the root",
                             qvl_node_kind_name(s->root->kind));
    return QVL_OK;
}

/* The only document of the stream, under a guard. */
static int build_stream(void *arg)
{
    parse *s = arg;
    s->file = qvl_arena_strdup(s->arena, s->file);
    s->root = qvl_arena_array(s->arena, qvl_node, 1);
    *s->root = (qvl_node){ .kind = QVL_NODE_MAP, .line = 1, .col = 1,
                           .file = s->file };
    QVL_TRY(next_event(s));  // start of the stream
    QVL_TRY(next_event(s));
    if (s->event.type == YAML_STREAM_END_EVENT)
        return QVL_OK;
    if (s->event.data.document_start.tag_directives.start
        != s->event.data.document_start.tag_directives.end)
        return fail_event(s, "a %TAG directive", "none: tags are not supported");
    QVL_TRY(next_event(s));
    QVL_TRY(build_root(s));
    QVL_TRY(next_event(s));  // end of the document
    QVL_TRY(next_event(s));
    if (s->event.type != YAML_STREAM_END_EVENT)
        return fail_event(s, "a second document", "one");
    return QVL_OK;
}

int qvl_yaml_parse(qvl_node **out, const char *text, size_t len,
                   const char *file, qvl_arena *arena, qvl_err *err)
{
    assert(out != NULL && (text != NULL || len == 0) && file != NULL);

    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;  // a byte order mark is no character of the text
        len -= 3;
    }
    if (len == 0)
        text = "";
    parse s = { .text = text, .len = len, .file = file, .arena = arena,
                .err = err };
    if (!yaml_parser_initialize(&s.parser))
        return qvl_fail(err, QVL_E_MEMORY, "host memory: none is left to parse"
                        " %s of %zu bytes", file, len);
    yaml_parser_set_encoding(&s.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&s.parser, (const unsigned char *)text, len);
    int rc = qvl_guard(build_stream, &s, err);
    yaml_event_delete(&s.event);
    yaml_parser_delete(&s.parser);
    if (rc == QVL_OK)
        *out = s.root;
    return rc;
}
