/* chat_read.c - messages and tools from JSON
 *
 * The layout writes JSON of tools and calls as Python does: ", " and ": "
 * between, other text than ASCII as it is, keys in their order, numbers as
 * Python prints them.
 */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "text/chat.h"

typedef struct {
    const qvl_node *list;
    qvl_arena *arena;
    qvl_err *err;
    qvl_str text;               // work space
    qvl_chat_message *message;  // results
    const char **tool;
} reading;

/* ---- JSON as text ------------------------------------------------------- */

/* repr of a Python float: the shortest digits that read back; an exponent
 * below 1e-4 and from 1e16 on. */
static void put_float(qvl_str *out, double v)
{
    char text[40];
    for (int digits = 0; digits < DBL_DECIMAL_DIG; digits++) {
        snprintf(text, sizeof text, "%.*e", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    const char *e = strchr(text, 'e');
    int exponent = atoi(e + 1);
    int n_behind = (int)(e - text) - (text[0] == '-' ? 3 : 2);  // the point
    n_behind = n_behind > 0 ? n_behind : 0;
    if (exponent < -4 || exponent >= 16)
        qvl_str_puts(out, text);
    else
        qvl_str_printf(out, "%.*f",
                       n_behind > exponent ? n_behind - exponent : 1, v);
}

static void put_json(qvl_str *out, const qvl_node *n);

static void put_items(qvl_str *out, const qvl_node *n)
{
    bool is_map = n->kind == QVL_NODE_MAP;
    qvl_str_putc(out, is_map ? '{' : '[');
    for (size_t i = 0; i < n->n; i++) {
        qvl_str_puts(out, i > 0 ? ", " : "");
        if (is_map) {
            qvl_json_quote(out, n->keys[i].s, n->keys[i].s_len);
            qvl_str_puts(out, ": ");
        }
        put_json(out, &n->items[i]);
    }
    qvl_str_putc(out, is_map ? '}' : ']');
}

/* A whole number of any size is written as it was. */
static bool is_whole(const qvl_node *n)
{
    return strspn(n->s, "-0123456789") == n->s_len;
}

static void put_json(qvl_str *out, const qvl_node *n)
{
    switch (n->kind) {
    case QVL_NODE_LIST:
    case QVL_NODE_MAP:
        put_items(out, n);
        break;
    case QVL_NODE_STRING:
        qvl_json_quote(out, n->s, n->s_len);
        break;
    case QVL_NODE_INT:
        qvl_str_printf(out, "%lld", (long long)n->i);
        break;
    case QVL_NODE_FLOAT:
        if (is_whole(n))
            qvl_str_putn(out, n->s, n->s_len);
        else
            put_float(out, n->f);
        break;
    default:
        qvl_str_puts(out, n->s);  // true, false, null
    }
}

/* ---- values ------------------------------------------------------------- */

static int wrong(reading *r, const qvl_node *map, const qvl_node *at,
                 const char *key, const char *expected)
{
    const char *found = at != NULL ? qvl_node_kind_name(at->kind) : "nothing";
    return qvl_node_fail(at != NULL ? at : map, r->err, QVL_E_DATA,
                         "%s: found %s, expected %s", key, found, expected);
}

static int need_text(reading *r, const qvl_node *map, const char *key,
                     const char **out)
{
    const qvl_node *n = qvl_node_given(map, key);
    return qvl_node_as_string(n, out)
               ? QVL_OK
               : wrong(r, map, n, key, "a string without NUL");
}

static int refuse_unknown(reading *r, const qvl_node *map,
                          const char *const *known, size_t n)
{
    for (size_t i = 0; i < map->n; i++) {
        const qvl_node *key = &map->keys[i];
        size_t k = 0;
        while (k < n && strcmp(known[k], key->s) != 0)
            k++;
        if (k == n)
            return qvl_node_fail(key, r->err, QVL_E_DATA,
                                 "key: found %.100s, expected a known one",
                                 key->s);
    }
    return QVL_OK;
}

/* ---- items -------------------------------------------------------------- */

static const struct {
    const char *type;  // and the key beside it
    qvl_item_kind kind;
} item_types[] = {
    { "text", QVL_ITEM_TEXT },
    { "image", QVL_ITEM_IMAGE },
    { "image_url", QVL_ITEM_IMAGE },
    { "video", QVL_ITEM_VIDEO },
    { "video_url", QVL_ITEM_VIDEO },
};

static int read_item(reading *r, const qvl_node *map, qvl_chat_item *out)
{
    const char *type;
    if (map->kind != QVL_NODE_MAP)
        return wrong(r, map, map, "item", "a map");
    QVL_TRY(need_text(r, map, "type", &type));
    size_t k = 0;
    while (k < QVL_COUNT(item_types) && strcmp(item_types[k].type, type) != 0)
        k++;
    if (k == QVL_COUNT(item_types))
        return qvl_node_fail(qvl_node_given(map, "type"), r->err, QVL_E_DATA,
                             "type: found %.100s, expected text, image, "
                             "image_url, video or video_url",
                             type);
    /* A picture under another key than its type would get lost. */
    const qvl_node *value = qvl_node_given(map, type);
    if (value == NULL)
        return wrong(r, map, NULL, type, "it beside a type of that name");
    *out = (qvl_chat_item){ .kind = item_types[k].kind, .source = value };
    if (out->kind != QVL_ITEM_TEXT)
        return QVL_OK;
    if (value->kind != QVL_NODE_STRING)
        return wrong(r, map, value, "text", "a string");
    out->text = value->s;
    out->len = value->s_len;
    return QVL_OK;
}

/* Content: nothing, one text, or a list of items. */
static int read_content(reading *r, const qvl_node *message,
                        qvl_chat_message *out)
{
    const qvl_node *content = qvl_node_given(message, "content");
    if (content == NULL && out->n_calls > 0)
        return QVL_OK;
    if (content == NULL || (content->kind != QVL_NODE_STRING
                            && content->kind != QVL_NODE_LIST))
        return wrong(r, message, content, "content", "a string or a list");
    bool is_list = content->kind == QVL_NODE_LIST;
    size_t n = is_list ? content->n : content->s_len > 0;
    qvl_chat_item *item = qvl_arena_array(r->arena, qvl_chat_item, n);
    for (size_t i = 0; is_list && i < n; i++)
        QVL_TRY(read_item(r, &content->items[i], &item[i]));
    if (!is_list && n > 0)
        item[0] = (qvl_chat_item){ .kind = QVL_ITEM_TEXT, .text = content->s,
                                   .len = content->s_len, .source = content };
    out->item = item;
    out->n_items = n;
    return QVL_OK;
}

/* ---- calls -------------------------------------------------------------- */

static const char *json_text(reading *r, const qvl_node *n)
{
    qvl_str_reset(&r->text);
    put_json(&r->text, n);
    return qvl_arena_strndup(r->arena, r->text.p, r->text.len);
}

/* {"name", "arguments"}, or that under "function". */
static int read_call(reading *r, const qvl_node *map, qvl_chat_call *out)
{
    if (map->kind != QVL_NODE_MAP)
        return wrong(r, map, map, "tool call", "a map");
    const qvl_node *function = qvl_node_given(map, "function");
    if (function == NULL)
        function = map;
    QVL_TRY(need_text(r, function, "name", &out->name));
    const qvl_node *arguments = qvl_node_find(function, "arguments");
    if (arguments == NULL)
        return wrong(r, function, NULL, "arguments", "a map or a string");
    if (arguments->kind == QVL_NODE_STRING)
        return need_text(r, function, "arguments", &out->arguments);
    out->arguments = json_text(r, arguments);
    return QVL_OK;
}

static int read_calls(reading *r, const qvl_node *message,
                      qvl_chat_message *out)
{
    const qvl_node *list = qvl_node_given(message, "tool_calls");
    if (list == NULL)
        return QVL_OK;
    if (list->kind != QVL_NODE_LIST)
        return wrong(r, message, list, "tool_calls", "a list");
    qvl_chat_call *call = qvl_arena_array(r->arena, qvl_chat_call, list->n);
    for (size_t i = 0; i < list->n; i++)
        QVL_TRY(read_call(r, &list->items[i], &call[i]));
    out->call = call;
    out->n_calls = list->n;
    if (list->n > 0 && out->role != QVL_ROLE_ASSISTANT)
        return wrong(r, message, list, "tool_calls",
                     "them from the assistant alone");
    return QVL_OK;
}

/* ---- messages ----------------------------------------------------------- */

static int read_role(reading *r, const qvl_node *message, qvl_role *out)
{
    static const char *const name[] = {
        [QVL_ROLE_SYSTEM] = "system",
        [QVL_ROLE_USER] = "user",
        [QVL_ROLE_ASSISTANT] = "assistant",
        [QVL_ROLE_TOOL] = "tool",
    };
    const char *role;
    QVL_TRY(need_text(r, message, "role", &role));
    for (int i = 0; i < (int)QVL_COUNT(name); i++)
        if (strcmp(name[i], role) == 0) {
            *out = (qvl_role)i;
            return QVL_OK;
        }
    return qvl_node_fail(qvl_node_given(message, "role"), r->err, QVL_E_DATA,
                         "role: found %.100s, expected system, user, "
                         "assistant or tool",
                         role);
}

static int read_message(reading *r, const qvl_node *map,
                        qvl_chat_message *out)
{
    /* The last two name a call for its sender; the layout has no place. */
    static const char *const known[] = { "role", "content", "tool_calls",
                                         "reasoning_content", "name",
                                         "tool_call_id" };
    if (map->kind != QVL_NODE_MAP)
        return wrong(r, map, map, "message", "a map");
    QVL_TRY(refuse_unknown(r, map, known, QVL_COUNT(known)));
    QVL_TRY(read_role(r, map, &out->role));
    QVL_TRY(read_calls(r, map, out));
    if (qvl_node_given(map, "reasoning_content") != NULL)
        QVL_TRY(need_text(r, map, "reasoning_content", &out->reasoning));
    return read_content(r, map, out);
}

static int read_messages(void *arg)
{
    reading *r = arg;
    if (r->list->kind != QVL_NODE_LIST)
        return wrong(r, r->list, r->list, "messages", "a list");
    r->message = qvl_arena_array(r->arena, qvl_chat_message, r->list->n);
    for (size_t i = 0; i < r->list->n; i++)
        QVL_TRY(read_message(r, &r->list->items[i], &r->message[i]));
    return QVL_OK;
}

int qvl_chat_read_messages(qvl_chat_message **out, size_t *n,
                           const qvl_node *list, qvl_arena *arena,
                           qvl_err *err)
{
    reading r = { .list = list, .arena = arena, .err = err };
    int rc = qvl_guard(read_messages, &r, err);
    qvl_str_release(&r.text);
    if (rc != QVL_OK)
        return rc;
    *out = r.message;
    *n = list->n;
    return QVL_OK;
}

static int read_tools(void *arg)
{
    reading *r = arg;
    if (r->list->kind != QVL_NODE_LIST)
        return wrong(r, r->list, r->list, "tools", "a list");
    r->tool = qvl_arena_array(r->arena, const char *, r->list->n);
    for (size_t i = 0; i < r->list->n; i++)
        r->tool[i] = json_text(r, &r->list->items[i]);
    return QVL_OK;
}

int qvl_chat_read_tools(const char *const **out, size_t *n,
                        const qvl_node *list, qvl_arena *arena, qvl_err *err)
{
    reading r = { .list = list, .arena = arena, .err = err };
    bool has_tools = list != NULL && list->kind != QVL_NODE_NULL;
    int rc = has_tools ? qvl_guard(read_tools, &r, err) : QVL_OK;
    qvl_str_release(&r.text);
    if (rc != QVL_OK)
        return rc;
    *out = r.tool;
    *n = has_tools ? list->n : 0;
    return QVL_OK;
}
