/* json.c - cJSON gives the tree and the decoded values; it keeps no places, is lax in
 * some points and cuts strings at \u0000
 *
 * So the text is walked once more, in step with the tree: that walk supplies line,
 * column, exact integers and lengths, and refuses what strict JSON does not allow.
 * json_scan.h steps over the text, walk_ fills a node while it does so.
 */
#include "base/json.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"

/* One parse. */
typedef struct {
    qvl_json_scan at;  // of the walk; its file: as given, later the arena's copy
    // borrowed
    const cJSON *tree;
    qvl_arena *arena;
    qvl_node *root;    // result
} parse;

/* cJSON does not tell a full host from a wrong text; its allocator does. */
static _Thread_local bool cjson_is_out_of_memory;

static void *cjson_malloc(size_t bytes)
{
    void *p = malloc(bytes);
    if (p == NULL)
        cjson_is_out_of_memory = true;
    return p;
}

static void set_hooks(void)
{
    cJSON_Hooks hooks = { .malloc_fn = cjson_malloc, .free_fn = free };
    cJSON_InitHooks(&hooks);
}

int qvl_json_hex4(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* A string, whose decoded bytes are `value`, into a node that has its mark. */
static int walk_string(parse *s, const char *value, qvl_node *out)
{
    size_t len = 0;
    QVL_TRY(qvl_json_scan_string(&s->at, &len));
    out->kind = QVL_NODE_STRING;
    out->s = qvl_arena_strndup(s->arena, value, len);
    out->s_len = len;
    return QVL_OK;
}

static int walk_number(parse *s, double value, qvl_node *out)
{
    const char *start = s->at.p;
    bool is_whole = false;
    QVL_TRY(qvl_json_scan_number(&s->at, &is_whole));
    size_t len = (size_t)(s->at.p - start);
    out->s = qvl_arena_strndup(s->arena, start, len);
    out->s_len = len;
    out->f = value;
    out->kind = QVL_NODE_FLOAT;
    if (is_whole && qvl_node_read_int(start, len, &out->i)) {
        out->kind = QVL_NODE_INT;
        out->f = (double)out->i;
    }
    if (!isfinite(value))
        return qvl_node_fail(out, s->at.err, QVL_E_FORMAT, "JSON: found %s, "
                             "expected a number that fits a double", out->s);
    return QVL_OK;
}

static int walk_word(parse *s, const char *word, int kind, qvl_node *out)
{
    QVL_TRY(qvl_json_scan_word(&s->at, word));
    out->kind = kind;
    out->b = word[0] == 't';
    out->s = word;
    out->s_len = strlen(word);
    return QVL_OK;
}

static void mark(parse *s, qvl_node *out)
{
    qvl_json_scan_space(&s->at);
    *out = (qvl_node){ .line = s->at.line, .col = s->at.col,
                       .file = s->at.file };
}

static int walk_value(parse *s, const cJSON *item, qvl_node *out);

/* A list or a map, without its opening bracket. */
static int walk_items(parse *s, const cJSON *parent, qvl_node *out)
{
    bool is_map = out->kind == QVL_NODE_MAP;
    size_t n = 0;
    for (const cJSON *c = parent->child; c != NULL; c = c->next)
        n++;
    qvl_node *keys = is_map ? qvl_arena_array(s->arena, qvl_node, n) : NULL;
    out->items = qvl_arena_array(s->arena, qvl_node, n);
    out->keys = keys;
    out->n = n;

    size_t i = 0;
    for (const cJSON *c = parent->child; c != NULL; c = c->next, i++) {
        if (i > 0)
            QVL_TRY(qvl_json_scan_expect(&s->at, ',', "','"));
        if (is_map) {
            mark(s, &keys[i]);
            QVL_TRY(walk_string(s, c->string, &keys[i]));
            QVL_TRY(qvl_json_scan_expect(&s->at, ':', "':'"));
        }
        QVL_TRY(walk_value(s, c, &out->items[i]));
    }
    QVL_TRY(qvl_json_scan_expect(&s->at, is_map ? '}' : ']',
                                 is_map ? "',' or '}'" : "',' or ']'"));
    return is_map ? qvl_node_index(out, s->arena, QVL_E_FORMAT, s->at.err) : QVL_OK;
}

static int walk_value(parse *s, const cJSON *item, qvl_node *out)
{
    mark(s, out);
    if (cJSON_IsString(item))
        return walk_string(s, item->valuestring, out);
    if (cJSON_IsNumber(item))
        return walk_number(s, item->valuedouble, out);
    if (cJSON_IsBool(item))
        return walk_word(s, cJSON_IsTrue(item) ? "true" : "false",
                         QVL_NODE_BOOL, out);
    if (cJSON_IsNull(item))
        return walk_word(s, "null", QVL_NODE_NULL, out);
    bool is_map = cJSON_IsObject(item);
    out->kind = is_map ? QVL_NODE_MAP : QVL_NODE_LIST;
    QVL_TRY(qvl_json_scan_expect(&s->at, is_map ? '{' : '[', "a JSON value"));
    return walk_items(s, item, out);
}

/* The walk, under a guard. */
static int walk_text(void *arg)
{
    parse *s = arg;
    s->at.file = qvl_arena_strdup(s->arena, s->at.file);
    qvl_node *root = qvl_arena_array(s->arena, qvl_node, 1);
    QVL_TRY(walk_value(s, s->tree, root));
    QVL_TRY(qvl_json_scan_end(&s->at));
    s->root = root;
    return QVL_OK;
}

/* Refuse deep nesting before anything recurses over it. */
static int check_depth(qvl_json_scan s)
{
    int depth = 0;
    bool in_string = false;
    for (const char *p = s.p; p < s.end; p++) {
        if (in_string) {
            if (*p == '\\')
                p++;
            else if (*p == '"')
                in_string = false;
        } else if (*p == '"') {
            in_string = true;
        } else if (*p == '[' || *p == '{') {
            if (++depth > QVL_JSON_MAX_DEPTH) {
                qvl_json_scan_to(&s, p);
                return qvl_json_scan_fail_depth(&s);
            }
        } else if (*p == ']' || *p == '}') {
            depth--;
        }
    }
    return QVL_OK;
}

int qvl_json_parse(qvl_node **out, const char *text, size_t len,
                   const char *file, qvl_arena *arena, qvl_err *err)
{
    return qvl_json_parse_at(out, text, len, file, 1, arena, err);
}

int qvl_json_parse_at(qvl_node **out, const char *text, size_t len,
                      const char *file, int line, qvl_arena *arena,
                      qvl_err *err)
{
    qvl_json_part part = { .p = text, .len = len, .file = file, .line = line,
                           .col = 1 };
    return qvl_json_parse_part(out, &part, arena, err);
}

int qvl_json_parse_part(qvl_node **out, const qvl_json_part *part,
                        qvl_arena *arena, qvl_err *err)
{
    assert(out != NULL);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_hooks);

    parse s = { .arena = arena };
    qvl_json_scan_begin(&s.at, part, err);
    if (s.at.p == s.at.end)
        return qvl_json_scan_fail(&s.at, "a JSON value");
    QVL_TRY(check_depth(s.at));

    cjson_is_out_of_memory = false;
    const char *stop = s.at.p;
    cJSON *tree = cJSON_ParseWithLengthOpts(
        s.at.p, (size_t)(s.at.end - s.at.p), &stop, false);
    if (tree == NULL && cjson_is_out_of_memory)
        return qvl_fail(err, QVL_E_MEMORY, "host memory: none is left to parse"
                        " %s of %zu bytes", part->file, part->len);
    if (tree == NULL) {
        /* cJSON's own idea of the place is off by a few characters. */
        qvl_json_scan again = s.at;
        QVL_TRY(qvl_json_scan_value(&again));
        qvl_json_scan_to(&s.at, stop);
        return qvl_json_scan_fail(&s.at, "another JSON value");
    }
    s.tree = tree;
    int rc = qvl_guard(walk_text, &s, err);
    cJSON_Delete(tree);
    if (rc == QVL_OK)
        *out = s.root;
    return rc;
}

void qvl_json_escape(qvl_str *out, const char *s, size_t len)
{
    static const char codes[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    size_t done = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        const char *code = c != 0 ? strchr(codes, c) : NULL;
        qvl_str_putn(out, s + done, i - done);
        if (code != NULL)
            qvl_str_printf(out, "\\%c", letters[code - codes]);
        else
            qvl_str_printf(out, "\\u%04x", c);
        done = i + 1;
    }
    qvl_str_putn(out, s + done, len - done);
}

void qvl_json_quote(qvl_str *out, const char *s, size_t len)
{
    qvl_str_putc(out, '"');
    qvl_json_escape(out, s, len);
    qvl_str_putc(out, '"');
}

void qvl_json_number(qvl_str *out, double v)
{
    assert(isfinite(v));

    if (v == floor(v) && fabs(v) < 0x1p53) {
        qvl_str_printf(out, "%.0f", v);
        return;
    }
    /* 15 digits always survive; denormals have fewer that mean anything. */
    char text[40];
    for (int digits = fabs(v) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    qvl_str_puts(out, text);
}

/* ---- a tree as text ------------------------------------------------------ */

/* Between items: a line of its own for the next one, or a blank. */
static void put_gap(qvl_str *out, int depth, bool is_between)
{
    if (depth >= 0)
        qvl_str_printf(out, "\n%*s", 2 * depth, "");
    else if (is_between)
        qvl_str_putc(out, ' ');
}

static void put_items(qvl_str *out, const qvl_node *node, int depth)
{
    bool is_map = node->kind == QVL_NODE_MAP;
    int inner = depth >= 0 ? depth + 1 : depth;
    qvl_str_putc(out, is_map ? '{' : '[');
    for (size_t i = 0; i < node->n; i++) {
        qvl_str_puts(out, i > 0 ? "," : "");
        put_gap(out, inner, i > 0);
        if (is_map) {
            qvl_json_quote(out, node->keys[i].s, node->keys[i].s_len);
            qvl_str_puts(out, ": ");
        }
        qvl_json_put(out, &node->items[i], inner);
    }
    if (node->n > 0)
        put_gap(out, depth, false);
    qvl_str_putc(out, is_map ? '}' : ']');
}

/* Is it spelled as JSON spells numbers? Other languages have more ways. */
static bool is_json_number(const char *p)
{
    static const char digits[] = "0123456789";
    p += *p == '-';
    size_t n = strspn(p, digits);
    if (n == 0 || (n > 1 && *p == '0'))
        return false;
    p += n;
    if (*p == '.') {
        n = strspn(++p, digits);
        p += n;
    }
    if (n > 0 && (*p == 'e' || *p == 'E')) {
        p += 1 + (p[1] == '+' || p[1] == '-');
        n = strspn(p, digits);
        p += n;
    }
    return n > 0 && *p == '\0';
}

void qvl_json_put(qvl_str *out, const qvl_node *node, int depth)
{
    switch (node->kind) {
    case QVL_NODE_LIST:
    case QVL_NODE_MAP: put_items(out, node, depth); return;
    case QVL_NODE_STRING: qvl_json_quote(out, node->s, node->s_len); return;
    case QVL_NODE_NULL: qvl_str_puts(out, "null"); return;
    case QVL_NODE_BOOL: qvl_str_puts(out, node->b ? "true" : "false"); return;
    default: break;
    }
    if (node->s != NULL && is_json_number(node->s))
        qvl_str_putn(out, node->s, node->s_len);
    else if (node->kind == QVL_NODE_INT)
        qvl_str_printf(out, "%lld", (long long)node->i);
    else
        qvl_json_number(out, node->f);
}
