/* cmd_tokens.c - qvl inspect tokens: lines of JSON to ids and back
 *
 * A text gives its ids, a list of ids its text, a line for a line, flushed at
 * once for whoever talks to it.
 */
#include "cmd_tokens.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "text/tokenizer.h"

typedef struct {
    const cmd_tokens_options *options;
    qvl_tokenizer *tokenizer;
    qvl_arena arena;  // of one line
    qvl_ids ids;
    qvl_str text;
    qvl_str out;
    char *line;       // of getline
    size_t cap;
    qvl_err *err;
} call;

static int encode(call *c, const qvl_node *text)
{
    if (text->kind != QVL_NODE_STRING)
        return qvl_fail(c->err, QVL_E_DATA,
                        "value: found %s, expected a string",
                        qvl_node_kind_name(text->kind));
    qvl_text_part part = { .p = text->s, .len = text->s_len,
                           .is_literal = c->options->no_special };
    c->ids.n = 0;
    QVL_TRY(qvl_tokenizer_encode(c->tokenizer, &part, 1, &c->ids, c->err));
    qvl_str_putc(&c->out, '[');
    for (size_t i = 0; i < c->ids.n; i++)
        qvl_str_printf(&c->out, "%s%d", i > 0 ? ", " : "", c->ids.p[i]);
    qvl_str_puts(&c->out, "]\n");
    return QVL_OK;
}

static int decode(call *c, const qvl_node *list)
{
    if (list->kind != QVL_NODE_LIST)
        return qvl_fail(c->err, QVL_E_DATA,
                        "value: found %s, expected an array of ids",
                        qvl_node_kind_name(list->kind));
    c->ids.n = 0;
    for (size_t i = 0; i < list->n; i++) {
        int64_t id;
        if (!qvl_node_as_int(&list->items[i], &id) || id < 0 || id > INT_MAX)
            return qvl_fail(c->err, QVL_E_DATA,
                            "element %zu: found %s, expected an id", i,
                            qvl_node_kind_name(list->items[i].kind));
        qvl_ids_put(&c->ids, (int)id);
    }
    qvl_special special = c->options->no_special ? QVL_SPECIAL_SKIP
                                                 : QVL_SPECIAL_KEEP;
    qvl_str_reset(&c->text);
    QVL_TRY(qvl_tokenizer_decode(c->tokenizer, c->ids.p, c->ids.n, special,
                                 &c->text, c->err));
    qvl_json_quote(&c->out, c->text.p, c->text.len);
    qvl_str_putc(&c->out, '\n');
    return QVL_OK;
}

static int convert(call *c, size_t len)
{
    qvl_node *value;
    qvl_arena_reset(&c->arena);
    qvl_str_reset(&c->out);
    QVL_TRY(qvl_json_parse(&value, c->line, len, "standard input", &c->arena,
                           c->err));
    return c->options->decode ? decode(c, value) : encode(c, value);
}

static int run_lines(void *arg)
{
    call *c = arg;
    QVL_TRY(qvl_tokenizer_open(&c->tokenizer, c->options->folder, c->err));
    ssize_t len;
    for (int n = 1; (len = getline(&c->line, &c->cap, stdin)) >= 0; n++) {
        int rc = convert(c, (size_t)len);
        if (rc != QVL_OK) {
            qvl_err_add(c->err, "line %d", n);
            return rc;
        }
        /* Whoever talks to us line by line waits for the answer. */
        if (fwrite(c->out.p, 1, c->out.len, stdout) != c->out.len
            || fflush(stdout) != 0)
            return cmd_fail_output(c->err);
    }
    return ferror(stdin) ? qvl_file_fail("cannot read file", "standard input",
                                         errno, "its content", c->err)
                         : QVL_OK;
}

int cmd_tokens(const cmd_tokens_options *options, qvl_err *err)
{
    call c = { .options = options, .err = err };
    int rc = qvl_guard(run_lines, &c, err);
    qvl_tokenizer_close(c.tokenizer);
    qvl_ids_release(&c.ids);
    qvl_str_release(&c.text);
    qvl_str_release(&c.out);
    qvl_arena_release(&c.arena);
    free(c.line);
    return rc;
}
