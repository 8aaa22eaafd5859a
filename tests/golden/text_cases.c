/* text_cases.c - ids and texts of a case, both ways, and its chats */
#include "text_cases.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/node.h"
#include "base/str.h"
#include "text/chat.h"
#include "text/tokenizer.h"

typedef struct {
    const char *folder;
    golden_text *out;
    qvl_err *err;
    qvl_arena arena;  // of the case
    qvl_arena line;   // of one line
    qvl_tokenizer *tokenizer;
    qvl_ids ids;
    qvl_str text;
    const qvl_node *map;  // the line
} run;

/* ---- reading ------------------------------------------------------------ */

static int read_json(run *r, const char *path, const qvl_node **out)
{
    char *text;
    size_t len;
    qvl_node *root;
    QVL_TRY(qvl_file_read(path, &text, &len, &r->arena, r->err));
    QVL_TRY(qvl_json_parse(&root, text, len, path, &r->arena, r->err));
    *out = root;
    return QVL_OK;
}

static int need_text(run *r, const qvl_node *map, const char *key,
                     const char **out)
{
    if (qvl_node_as_string(qvl_node_find(map, key), out))
        return QVL_OK;
    return qvl_node_fail(map, r->err, QVL_E_FORMAT,
                         "%s: found nothing, expected a text", key);
}

static bool is_set(const run *r, const char *key)
{
    bool b = false;
    return qvl_node_as_bool(qvl_node_find(r->map, key), &b) && b;
}

/* Folder of the tokenizer: its path is relative to some folder above. */
static int find_tokenizer(run *r, const qvl_node *json, const char **out)
{
    const char *name;
    const char *path = qvl_arena_printf(&r->arena, "%s/../tokenizer/case.json",
                                        r->folder);
    if (qvl_node_find(json, "tokenizer") == NULL)
        QVL_TRY(read_json(r, path, &json));
    QVL_TRY(need_text(r, json, "tokenizer", &name));
    const char *up = r->folder;
    for (int depth = 0; depth < 6; depth++) {
        char *file = qvl_arena_printf(&r->arena, "%s/%s", up, name);
        if (qvl_file_exists(file)) {
            *strrchr(file, '/') = '\0';
            *out = file;
            return QVL_OK;
        }
        up = qvl_arena_printf(&r->arena, "%s/..", up);
    }
    return qvl_fail(r->err, QVL_E_IO,
                    "tokenizer (%s): found no %s above, expected it",
                    r->folder, name);
}

/* ---- comparing ---------------------------------------------------------- */

static void judge(run *r, bool holds, const char *what)
{
    r->out->n_compared++;
    if (!holds && r->out->n_wrong++ == 0)
        snprintf(r->out->what, sizeof r->out->what, "%.160s:%d: %s",
                 r->map->file, r->map->line, what);
}

static bool is_text(const run *r, const qvl_node *n)
{
    return n != NULL && n->kind == QVL_NODE_STRING && n->s_len == r->text.len
           && memcmp(n->s, r->text.p, n->s_len) == 0;
}

static bool is_ids(const run *r, const qvl_node *n)
{
    if (n == NULL || n->kind != QVL_NODE_LIST || n->n != r->ids.n)
        return false;
    for (size_t i = 0; i < n->n; i++)
        if (n->items[i].i != r->ids.p[i])
            return false;
    return true;
}

static int decode(run *r, qvl_special special)
{
    qvl_str_reset(&r->text);
    qvl_str_puts(&r->text, "");
    return qvl_tokenizer_decode(r->tokenizer, r->ids.p, r->ids.n, special,
                                &r->text, r->err);
}

static int try_encode(run *r)
{
    const qvl_node *text = qvl_node_find(r->map, "text");
    const qvl_node *back = qvl_node_find(r->map, "decoded");
    qvl_text_part part = { .p = text->s, .len = text->s_len,
                           .is_literal = !is_set(r, "add_special") };
    r->ids.n = 0;
    QVL_TRY(qvl_tokenizer_encode(r->tokenizer, &part, 1, &r->ids, r->err));
    judge(r, is_ids(r, qvl_node_find(r->map, "ids")), "other ids");
    QVL_TRY(decode(r, QVL_SPECIAL_KEEP));
    judge(r, is_text(r, back != NULL ? back : text), "not the text back");
    return QVL_OK;
}

static int try_decode(run *r)
{
    const qvl_node *ids = qvl_node_find(r->map, "ids");
    r->ids.n = 0;
    for (size_t i = 0; ids != NULL && i < ids->n; i++)
        qvl_ids_put(&r->ids, (int)ids->items[i].i);
    QVL_TRY(decode(r, is_set(r, "skip_special") ? QVL_SPECIAL_SKIP
                                                : QVL_SPECIAL_KEEP));
    judge(r, is_text(r, qvl_node_find(r->map, "text")), "other text");
    return QVL_OK;
}

static int try_chat(run *r)
{
    qvl_chat chat = { .has_prompt = is_set(r, "add_generation_prompt"),
                      .has_vision_id = is_set(r, "add_vision_id") };
    qvl_chat_message *message;
    qvl_chat_text text;
    QVL_TRY(qvl_chat_read_messages(&message, &chat.n_messages,
                                   qvl_node_find(r->map, "messages"),
                                   &r->line, r->err));
    QVL_TRY(qvl_chat_read_tools(&chat.tool, &chat.n_tools,
                                qvl_node_find(r->map, "tools"), &r->line,
                                r->err));
    chat.message = message;
    QVL_TRY(qvl_chat_render(&text, &chat, &r->line, r->err));
    qvl_str_reset(&r->text);
    qvl_chat_text_join(&text, &r->text);
    judge(r, is_text(r, qvl_node_find(r->map, "text")), "other text");
    r->ids.n = 0;
    QVL_TRY(qvl_chat_encode(&chat, r->tokenizer, &r->ids, r->err));
    judge(r, is_ids(r, qvl_node_find(r->map, "ids")), "other ids");
    return QVL_OK;
}

/* ---- files of lines ----------------------------------------------------- */

static int run_lines(run *r, const char *name, int (*try)(run *r))
{
    char *text;
    const char *path = qvl_arena_printf(&r->arena, "%s/%s", r->folder, name);
    QVL_TRY(qvl_file_read(path, &text, NULL, &r->arena, r->err));
    int n = 1;
    for (char *end; (end = strchr(text, '\n')) != NULL; text = end + 1, n++) {
        qvl_node *map;
        qvl_arena_reset(&r->line);
        QVL_TRY(qvl_json_parse(&map, text, (size_t)(end - text), path,
                               &r->line, r->err));
        map->line = n;
        r->map = map;
        QVL_TRY(try(r));
    }
    return QVL_OK;
}

static int run_steps(void *arg)
{
    run *r = arg;
    const qvl_node *json;
    const char *kind, *folder;
    QVL_TRY(read_json(r, qvl_arena_printf(&r->arena, "%s/case.json",
                                          r->folder), &json));
    QVL_TRY(need_text(r, json, "kind", &kind));
    QVL_TRY(find_tokenizer(r, json, &folder));
    QVL_TRY(qvl_tokenizer_open(&r->tokenizer, folder, r->err));
    if (strcmp(kind, "chat") == 0)
        return run_lines(r, "cases.jsonl", try_chat);
    QVL_TRY(run_lines(r, "cases.jsonl", try_encode));
    return run_lines(r, "decode.jsonl", try_decode);
}

int golden_text_case(const char *folder, golden_text *out, qvl_err *err)
{
    golden_text result = { 0 };
    run r = { .folder = folder, .out = &result, .err = err };
    int rc = qvl_guard(run_steps, &r, err);
    qvl_tokenizer_close(r.tokenizer);
    qvl_ids_release(&r.ids);
    qvl_str_release(&r.text);
    qvl_arena_release(&r.line);
    qvl_arena_release(&r.arena);
    if (rc == QVL_OK)
        *out = result;
    return rc;
}
