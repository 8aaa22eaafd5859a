/* json.c - cJSON gives the tree and the decoded values; it keeps no places, is lax in
 * some points and cuts strings at \u0000
 *
 * So the text is walked once more, in step with the tree: that walk supplies line,
 * column, exact integers and lengths, and refuses what strict JSON does not allow.
 * scan_ steps over the text, walk_ fills a node while it does so.
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

#include "base/utf8.h"

/* One parse. */
typedef struct {
    // borrowed
    const char *p;    // next byte of the walk
    const char *end;
    const cJSON *tree;
    qvl_arena *arena;
    qvl_err *err;
    const char *file;  // as given, later the arena's copy

    int line;  // of p, 1-based
    int col;   // of p, 1-based, in characters
    qvl_node *root;  // result
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

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0u) == 0x80u;
}

/* Move to `to`, counting lines and characters. */
static void step_to(parse *s, const char *to)
{
    for (; s->p < to; s->p++) {
        if (*s->p == '\n') {
            s->line++;
            s->col = 1;
        } else if (!is_continuation(*s->p)) {
            s->col++;
        }
    }
}

/* Fail at p: "FILE:LINE:COL: JSON: found X, expected WANTED". */
static int fail_here(parse *s, const char *wanted)
{
    char found[32] = "the end of the text";
    if (s->p < s->end) {
        unsigned char c = (unsigned char)*s->p;
        snprintf(found, sizeof found, c > ' ' && c < 0x7f ? "'%c'" : "byte 0x%02x",
                 c);
    }
    return qvl_fail(s->err, QVL_E_FORMAT, "%s:%d:%d: JSON: found %s, expected %s",
                    s->file, s->line, s->col, found, wanted);
}

static void skip_space(parse *s)
{
    const char *to = s->p;
    while (to < s->end && (*to == ' ' || *to == '\t' || *to == '\n' || *to == '\r'))
        to++;
    step_to(s, to);
}

static bool is_at(const parse *s, char c)
{
    return s->p < s->end && *s->p == c;
}

static int expect(parse *s, char c, const char *wanted)
{
    skip_space(s);
    if (!is_at(s, c))
        return fail_here(s, wanted);
    step_to(s, s->p + 1);
    return QVL_OK;
}

/* Step over \uXXXX, both of them for a pair of surrogates. */
static int scan_unicode(parse *s, size_t *len)
{
    int code = qvl_json_hex4(s->p + 2, s->end);
    if (code < 0)
        return fail_here(s, "four hex digits behind \\u");
    bool is_pair = code >= 0xd800 && code < 0xdc00;
    if (is_pair) {
        const char *second = s->p + 6;
        bool is_escape = s->end - second >= 6 && memcmp(second, "\\u", 2) == 0;
        int low = is_escape ? qvl_json_hex4(second + 2, s->end) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return fail_here(s, "a pair of surrogates");
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return fail_here(s, "a pair of surrogates");
    }
    *len += code < 0x80 ? 1 : code < 0x800 ? 2 : is_pair ? 4 : 3;
    step_to(s, s->p + (is_pair ? 12 : 6));
    return QVL_OK;
}

/* Step over an escape and add the bytes that it stands for. */
static int scan_escape(parse *s, size_t *len)
{
    const char *p = s->p + 1;
    if (p < s->end && *p == 'u')
        return scan_unicode(s, len);
    if (p == s->end || *p == '\0' || strchr("\"\\/bfnrt", *p) == NULL)
        return fail_here(s, "a known escape");
    *len += 1;
    step_to(s, p + 1);
    return QVL_OK;
}

/* Step over a string; *len is what it has decoded. */
static int scan_string(parse *s, size_t *len)
{
    QVL_TRY(expect(s, '"', "a string"));
    *len = 0;
    while (!is_at(s, '"')) {
        if (s->p == s->end)
            return fail_here(s, "the end of a string");
        if (*s->p == '\\') {
            QVL_TRY(scan_escape(s, len));
            continue;
        }
        if ((unsigned char)*s->p < 0x20)
            return fail_here(s, "an escape for a control character");
        size_t n = qvl_utf8_bytes(s->p, (size_t)(s->end - s->p));
        if (n == 0)
            return fail_here(s, "UTF-8");
        *len += n;
        step_to(s, s->p + n);
    }
    step_to(s, s->p + 1);
    return QVL_OK;
}

/* One or more digits. */
static int scan_digits(parse *s)
{
    const char *to = s->p;
    while (to < s->end && *to >= '0' && *to <= '9')
        to++;
    if (to == s->p)
        return fail_here(s, "a digit");
    step_to(s, to);
    return QVL_OK;
}

/* Step over a number; *is_whole: it has neither point nor exponent. */
static int scan_number(parse *s, bool *is_whole)
{
    *is_whole = true;
    if (is_at(s, '-'))
        step_to(s, s->p + 1);
    if (is_at(s, '0'))
        step_to(s, s->p + 1);  // no digit may follow a leading zero
    else
        QVL_TRY(scan_digits(s));
    if (is_at(s, '.')) {
        *is_whole = false;
        step_to(s, s->p + 1);
        QVL_TRY(scan_digits(s));
    }
    if (is_at(s, 'e') || is_at(s, 'E')) {
        *is_whole = false;
        step_to(s, s->p + 1);
        if (is_at(s, '+') || is_at(s, '-'))
            step_to(s, s->p + 1);
        QVL_TRY(scan_digits(s));
    }
    return QVL_OK;
}

static int scan_word(parse *s, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
        return fail_here(s, "a JSON value");
    step_to(s, s->p + len);
    return QVL_OK;
}

static int scan_value(parse *s);

/* Step over a list or a map, up to `close`. */
static int scan_items(parse *s, char close)
{
    step_to(s, s->p + 1);
    skip_space(s);
    while (!is_at(s, close)) {
        if (close == '}') {
            size_t len;
            skip_space(s);
            QVL_TRY(scan_string(s, &len));
            QVL_TRY(expect(s, ':', "':'"));
        }
        QVL_TRY(scan_value(s));
        skip_space(s);
        if (is_at(s, close))
            break;
        QVL_TRY(expect(s, ',', close == '}' ? "',' or '}'" : "',' or ']'"));
        skip_space(s);
        if (is_at(s, close))
            return fail_here(s, "more behind the ','");
    }
    step_to(s, s->p + 1);
    return QVL_OK;
}

/* Step over a value without a tree: where the text is wrong, and why. */
static int scan_value(parse *s)
{
    bool is_whole;
    size_t len;
    skip_space(s);
    char c = s->p < s->end ? *s->p : '\0';
    switch (c) {
    case '{': return scan_items(s, '}');
    case '[': return scan_items(s, ']');
    case '"': return scan_string(s, &len);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    default: break;
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s, &is_whole);
    return fail_here(s, "a JSON value");
}

/* A string, whose decoded bytes are `value`, into a node that has its mark. */
static int walk_string(parse *s, const char *value, qvl_node *out)
{
    size_t len = 0;
    QVL_TRY(scan_string(s, &len));
    out->kind = QVL_NODE_STRING;
    out->s = qvl_arena_strndup(s->arena, value, len);
    out->s_len = len;
    return QVL_OK;
}

static int walk_number(parse *s, double value, qvl_node *out)
{
    const char *start = s->p;
    bool is_whole = false;
    QVL_TRY(scan_number(s, &is_whole));
    size_t len = (size_t)(s->p - start);
    out->s = qvl_arena_strndup(s->arena, start, len);
    out->s_len = len;
    out->f = value;
    out->kind = QVL_NODE_FLOAT;
    if (is_whole && qvl_node_read_int(start, len, &out->i)) {
        out->kind = QVL_NODE_INT;
        out->f = (double)out->i;
    }
    if (!isfinite(value))
        return qvl_node_fail(out, s->err, QVL_E_FORMAT, "JSON: found %s, "
                             "expected a number that fits a double", out->s);
    return QVL_OK;
}

static int walk_word(parse *s, const char *word, int kind, qvl_node *out)
{
    QVL_TRY(scan_word(s, word));
    out->kind = kind;
    out->b = word[0] == 't';
    out->s = word;
    out->s_len = strlen(word);
    return QVL_OK;
}

static void mark(parse *s, qvl_node *out)
{
    skip_space(s);
    *out = (qvl_node){ .line = s->line, .col = s->col, .file = s->file };
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
            QVL_TRY(expect(s, ',', "','"));
        if (is_map) {
            mark(s, &keys[i]);
            QVL_TRY(walk_string(s, c->string, &keys[i]));
            QVL_TRY(expect(s, ':', "':'"));
        }
        QVL_TRY(walk_value(s, c, &out->items[i]));
    }
    QVL_TRY(expect(s, is_map ? '}' : ']', is_map ? "',' or '}'" : "',' or ']'"));
    return is_map ? qvl_node_index(out, s->arena, QVL_E_FORMAT, s->err) : QVL_OK;
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
    QVL_TRY(expect(s, is_map ? '{' : '[', "a JSON value"));
    return walk_items(s, item, out);
}

/* The walk, under a guard. */
static int walk_text(void *arg)
{
    parse *s = arg;
    s->file = qvl_arena_strdup(s->arena, s->file);
    qvl_node *root = qvl_arena_array(s->arena, qvl_node, 1);
    QVL_TRY(walk_value(s, s->tree, root));
    skip_space(s);
    if (s->p != s->end)
        return fail_here(s, "the end of the text");
    s->root = root;
    return QVL_OK;
}

/* Refuse deep nesting before anything recurses over it. */
static int check_depth(parse s)
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
                step_to(&s, p);
                return qvl_fail(s.err, QVL_E_FORMAT,
                                "%s:%d:%d: JSON: found nesting deeper than %d, "
                                "expected at most that", s.file, s.line, s.col,
                                QVL_JSON_MAX_DEPTH);
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
    assert(out != NULL && (text != NULL || len == 0) && file != NULL);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_hooks);

    parse s = { .p = text, .end = text + len, .arena = arena, .err = err,
                .file = file, .line = line, .col = 1 };
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        s.p += 3;  // a byte order mark is no character of the text
    skip_space(&s);
    if (s.p == s.end)
        return fail_here(&s, "a JSON value");
    QVL_TRY(check_depth(s));

    cjson_is_out_of_memory = false;
    const char *stop = s.p;
    cJSON *tree = cJSON_ParseWithLengthOpts(s.p, (size_t)(s.end - s.p), &stop,
                                            false);
    if (tree == NULL && cjson_is_out_of_memory)
        return qvl_fail(err, QVL_E_MEMORY, "host memory: none is left to parse"
                        " %s of %zu bytes", file, len);
    if (tree == NULL) {
        /* cJSON's own idea of the place is off by a few characters. */
        parse again = s;
        QVL_TRY(scan_value(&again));
        step_to(&s, stop);
        return fail_here(&s, "another JSON value");
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
        const char *code = c != 0 ? strchr(codes, c) : NULL;
        if (code == NULL && c >= 0x20)
            continue;
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
