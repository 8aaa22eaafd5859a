/* infer_line.c - a record and what was said to it, as a line of JSON
 *
 * `qvl eval` reads response, finish_reason, images, pred and gt_norm1000 of these
 * lines, and --resume knows a record that failed by the null response behind its index:
 * the names, and that order, are a contract.
 */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "data/message.h"
#include "data/objects.h"
#include "infer.h"

static void put_text(qvl_str *s, const char *key, const char *text)
{
    qvl_str_printf(s, ", \"%s\": ", key);
    if (text != NULL)
        qvl_json_quote(s, text, strlen(text));
    else
        qvl_str_puts(s, "null");
}

static void put_turn(qvl_str *s, const char *role, const char *text,
                     const qvl_record *pictures)
{
    qvl_str_printf(s, "{\"role\": \"%s\", \"content\": ", role);
    if (pictures == NULL) {
        qvl_json_quote(s, text, strlen(text));
    } else {
        qvl_str_putc(s, '[');
        for (int i = 0; i < pictures->n_images; i++) {
            qvl_str_puts(s, "{\"type\": \"image\", \"image\": ");
            qvl_json_quote(s, pictures->image[i], strlen(pictures->image[i]));
            qvl_str_puts(s, "}, ");
        }
        qvl_str_puts(s, "{\"type\": \"text\", \"text\": ");
        qvl_json_quote(s, text, strlen(text));
        qvl_str_puts(s, "}]");
    }
    qvl_str_putc(s, '}');
}

/* What was asked, as messages. */
static void put_messages(qvl_str *s, const infer_line *l)
{
    qvl_str_puts(s, ", \"messages\": ");
    if (l->record->messages != NULL) {
        qvl_json_put(s, l->record->messages, -1);
        return;
    }
    const qvl_prompt *prompt = qvl_encoder_prompt(l->encoder,
                                                  l->asked->encoded.mode);
    qvl_str_putc(s, '[');
    if (prompt->system[0] != '\0') {
        put_turn(s, "system", prompt->system, NULL);
        qvl_str_puts(s, ", ");
    }
    put_turn(s, "user", prompt->user, l->record);
    qvl_str_putc(s, ']');
}

static void put_images(qvl_str *s, const qvl_record *r)
{
    qvl_str_puts(s, ", \"images\": [");
    for (int i = 0; i < r->n_images; i++) {
        qvl_str_puts(s, i > 0 ? ", " : "");
        qvl_json_quote(s, r->image[i], strlen(r->image[i]));
    }
    qvl_str_putc(s, ']');
}

/* Text of a turn: a string, or the texts of a list one behind the other. */
static const char *text_of(const qvl_node *content, qvl_arena *arena)
{
    const char *text = NULL;
    if (qvl_node_as_string(content, &text))
        return text;
    const char *all = "";
    for (size_t i = 0; content != NULL && i < content->n; i++)
        if (qvl_node_as_string(qvl_node_find(&content->items[i], "text"), &text))
            all = qvl_arena_printf(arena, "%s%s", all, text);
    return all;
}

/* Text of the last turn when it is the assistant's, else NULL. */
static const char *last_answer(const qvl_node *messages, qvl_arena *arena)
{
    const char *role;
    if (messages == NULL || messages->n == 0)
        return NULL;
    const qvl_node *turn = &messages->items[messages->n - 1];
    if (!qvl_node_as_string(qvl_node_find(turn, "role"), &role)
        || strcmp(role, "assistant") != 0)
        return NULL;
    return text_of(qvl_node_find(turn, "content"), arena);
}

/* What the record says should have been the reply. */
static void put_labels(qvl_str *s, const infer_line *l)
{
    const qvl_record *r = l->record;
    qvl_str text = { 0 };
    if (r->messages != NULL) {
        put_text(s, "labels", last_answer(r->messages, l->arena));
    } else if (l->asked->encoded.mode == QVL_MODE_SUMMARY) {
        put_text(s, "labels", r->summary);
    } else if (r->n_objects > 0 && r->w > 0 && r->h > 0) {
        qvl_answer_put(&text, r, &(qvl_answer_rules){ 0 }, l->arena);
        put_text(s, "labels", text.p);
    } else {
        put_text(s, "labels", NULL);
    }
    qvl_str_release(&text);
}

/* ---- replies ------------------------------------------------------------ */

static void put_logprob(qvl_str *s, const qvl_tokenizer *t,
                        const qvl_logprob *p)
{
    qvl_err err = { 0 };
    qvl_str text = { 0 };
    qvl_token token = { 0 };
    int id = (int)p->id;
    if (id < qvl_tokenizer_n_ids(t))
        token = qvl_tokenizer_token(t, id);
    if (token.p != NULL
        && qvl_tokenizer_decode(t, &id, 1, QVL_SPECIAL_KEEP, &text, &err)
               != QVL_OK)
        qvl_str_reset(&text);
    qvl_str_printf(s, "{\"id\": %d, \"token\": ", id);
    qvl_json_quote(s, text.p != NULL ? text.p : "", text.len);
    qvl_str_puts(s, ", \"bytes\": [");
    for (size_t i = 0; i < token.len; i++)
        qvl_str_printf(s, i > 0 ? ", %d" : "%d", (unsigned char)token.p[i]);
    qvl_str_puts(s, "], \"logprob\": ");
    if (isfinite(p->value))
        qvl_json_number(s, p->value);
    else
        qvl_str_puts(s, "null");
    qvl_str_release(&text);
}

static void put_logprobs(qvl_str *s, const qvl_tokenizer *t,
                         const qvl_reply *r)
{
    int width = 1 + r->ends.n_top;
    qvl_str_puts(s, ", \"logprobs\": {\"content\": [");
    for (int i = 0; i < r->n; i++) {
        const qvl_logprob *p = r->logprob + (size_t)i * (size_t)width;
        qvl_str_puts(s, i > 0 ? ", " : "");
        put_logprob(s, t, &p[0]);
        qvl_str_puts(s, ", \"top_logprobs\": [");
        for (int k = 1; k < width; k++) {
            qvl_str_puts(s, k > 1 ? ", " : "");
            put_logprob(s, t, &p[k]);
            qvl_str_putc(s, '}');
        }
        qvl_str_puts(s, "]}");
    }
    qvl_str_puts(s, "]}");
}

/* How a reply ended. */
static void put_end(qvl_str *s, const qvl_reply *r)
{
    qvl_str_printf(s, ", \"finish_reason\": \"%s\"",
                   r->finish == QVL_FINISH_LENGTH ? "length" : "stop");
    if (r->guard == QVL_JSON_MANY || r->guard == QVL_JSON_REPEATED)
        qvl_str_printf(s, ", \"stopped_by\": \"%s\"",
                       r->guard == QVL_JSON_MANY ? "max_objects"
                                                  : "repeated_object");
}

void infer_read_reply(qvl_answer *answer, const qvl_record *record,
                      const qvl_reply *reply, qvl_arena *arena)
{
    bool is_cut = reply->finish == QVL_FINISH_LENGTH
                  || reply->guard == QVL_JSON_MANY;
    qvl_parse_options how = { .n_images = record->n_images, .is_cut = is_cut };
    qvl_answer_parse(answer, reply->text.p, reply->text.len, &how, arena);
}

static void put_reply_text(qvl_str *s, const char *key, const qvl_str *text)
{
    qvl_str_printf(s, "\"%s\": ", key);
    qvl_json_quote(s, text->p != NULL ? text->p : "", text->len);
}

/* A reply as it came, what was read from it, and how probable its tokens were. */
static void put_reading(qvl_str *s, const infer_line *l, const qvl_reply *r)
{
    qvl_answer parsed;
    infer_read_reply(&parsed, l->record, r, l->arena);
    qvl_str_puts(s, ", ");
    put_reply_text(s, "raw_text", &r->raw);
    qvl_str_puts(s, ", \"pred\": ");
    qvl_objects_put(s, parsed.object, parsed.n_objects);
    qvl_str_puts(s, ", \"parse_report\": ");
    qvl_answer_put_report(s, &parsed);
    if (r->ends.logprobs)
        put_logprobs(s, qvl_encoder_tokenizer(l->encoder), r);
}

/* Several replies, in order of their random numbers. */
static void put_candidates(qvl_str *s, const infer_line *l)
{
    qvl_str_puts(s, ", \"candidates\": [");
    for (int i = 0; i < l->asked->n; i++) {
        const qvl_reply *r = l->asked->all[i];
        qvl_str_puts(s, i > 0 ? ", {" : "{");
        put_reply_text(s, "response", &r->text);
        put_end(s, r);
        qvl_str_printf(s, ", \"completion_tokens\": %d", r->n);
        put_reading(s, l, r);
        qvl_str_putc(s, '}');
    }
    qvl_str_putc(s, ']');
}

static void put_usage(qvl_str *s, const qvl_asked *asked)
{
    int n_prompt = asked->reply->n_prompt, n = 0;
    for (int i = 0; i < asked->n; i++)
        n += asked->all[i]->n;
    qvl_str_printf(s, ", \"usage\": {\"prompt_tokens\": %d, "
                      "\"completion_tokens\": %d, \"total_tokens\": %d}",
                   n_prompt, n, n_prompt + n);
}

static void put_truth(qvl_str *s, const infer_line *l)
{
    const qvl_record *r = l->record;
    if (r->w > 0)
        qvl_str_printf(s, ", \"width\": %d, \"height\": %d", r->w, r->h);
    if (r->w == 0 || r->messages != NULL)
        return;
    qvl_str_puts(s, ", \"gt_norm1000\": ");
    qvl_objects_put(s, qvl_objects_to_norm(r->object, r->n_objects, r->w, r->h,
                                           l->arena), r->n_objects);
}

void infer_line_put(qvl_str *s, const infer_line *l)
{
    const qvl_reply *r = l->asked->reply;
    qvl_str_printf(s, "{\"index\": %zu, ", l->index);
    put_reply_text(s, "response", &r->text);
    put_labels(s, l);
    put_messages(s, l);
    put_images(s, l->record);
    put_end(s, r);
    put_usage(s, l->asked);
    put_reading(s, l, r);
    if (l->asked->n > 1)
        put_candidates(s, l);
    put_truth(s, l);
    qvl_str_puts(s, "}\n");
}

void infer_line_put_failure(qvl_str *s, const infer_line *l, const char *why)
{
    qvl_str_printf(s, "{\"index\": %zu, \"response\": null", l->index);
    put_text(s, "error", why);
    put_images(s, l->record);
    qvl_str_puts(s, "}\n");
}
