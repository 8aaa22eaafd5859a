/* chat.c - turns to the text of the template
 *
 * The layout of Qwen3-VL stands here as code. A text is put out as it is: what
 * it may not hold has been refused before. A rendering knows the place where
 * the last answer starts.
 */
#include "text/chat.h"

#include <assert.h>
#include <string.h>

/* One rendering. */
typedef struct {
    const qvl_chat *chat;
    qvl_arena *arena;
    qvl_err *err;
    qvl_text_part *part;
    size_t n;
    size_t cap;
    int n_images;       // seen so far, for their numbers
    int n_videos;
    size_t last_query;  // Thinking: place of it
} rendering;

/* ---- parts -------------------------------------------------------------- */

static void put(rendering *r, const char *p, size_t len, bool is_literal)
{
    if (len == 0)
        return;
    if (r->n == r->cap) {
        size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
        qvl_text_part *more = qvl_arena_array(r->arena, qvl_text_part, cap);
        if (r->n > 0)
            memcpy(more, r->part, r->n * sizeof *more);
        r->part = more;
        r->cap = cap;
    }
    r->part[r->n++] = (qvl_text_part){ .p = p, .len = len,
                                       .is_literal = is_literal };
}

static void put_mark(rendering *r, const char *mark)
{
    put(r, mark, strlen(mark), false);
}

static void put_literal(rendering *r, const char *text)
{
    put(r, text, strlen(text), true);
}

/* ---- pictures ----------------------------------------------------------- */

static const char image_pad[] = "<|image_pad|>";
static const char video_pad[] = "<|video_pad|>";

/* <|vision_start|>, n pads, <|vision_end|>. */
static void put_pads(rendering *r, const char *pad, int n)
{
    size_t len = strlen(pad);
    size_t count = n > 0 ? (size_t)n : 1;
    char *pads = qvl_arena_alloc_n(r->arena, count, len);
    for (size_t i = 0; i < count; i++)
        memcpy(pads + i * len, pad, len);
    put_mark(r, "<|vision_start|>");
    put(r, pads, count * len, false);
    put_mark(r, "<|vision_end|>");
}

static void put_stamp(rendering *r, double seconds)
{
    assert(seconds >= 0.0 && seconds < 1e9);
    put_mark(r, qvl_arena_printf(r->arena, "<%.1f seconds>", seconds));
}

static void put_image(rendering *r, const qvl_chat_item *item)
{
    r->n_images++;
    if (r->chat->has_vision_id)
        put_mark(r, qvl_arena_printf(r->arena, "Picture %d: ", r->n_images));
    put_pads(r, image_pad, item->n_tok);
}

static void put_video(rendering *r, const qvl_chat_item *item)
{
    r->n_videos++;
    if (r->chat->has_vision_id)
        put_mark(r, qvl_arena_printf(r->arena, "Video %d: ", r->n_videos));
    if (item->n_stamps == 0)
        put_pads(r, video_pad, item->n_tok);
    for (int i = 0; i < item->n_stamps; i++) {
        put_stamp(r, item->stamp_s[i]);
        put_pads(r, video_pad, item->n_tok);
    }
}

/* ---- messages ----------------------------------------------------------- */

static void put_items(rendering *r, const qvl_chat_message *m)
{
    for (size_t i = 0; i < m->n_items; i++) {
        const qvl_chat_item *item = &m->item[i];
        if (item->kind == QVL_ITEM_IMAGE)
            put_image(r, item);
        else if (item->kind == QVL_ITEM_VIDEO)
            put_video(r, item);
        else
            put(r, item->text, item->len, true);
    }
}

static void put_turn(rendering *r, const char *opening,
                     const qvl_chat_message *m)
{
    put_mark(r, opening);
    put_items(r, m);
    put_mark(r, "<|im_end|>\n");
}

static void put_calls(rendering *r, const qvl_chat_message *m, bool has_text)
{
    for (size_t i = 0; i < m->n_calls; i++) {
        if (i > 0 || has_text)
            put_mark(r, "\n");
        put_mark(r, "<tool_call>\n{\"name\": \"");
        put_literal(r, m->call[i].name);
        put_mark(r, "\", \"arguments\": ");
        put_literal(r, m->call[i].arguments);
        put_mark(r, "}\n</tool_call>");
    }
}

static bool is_role(const rendering *r, size_t i, qvl_role role)
{
    return i < r->chat->n_messages && r->chat->message[i].role == role;
}

/* Results that follow each other share a turn of the user. */
static void put_result(rendering *r, size_t i)
{
    if (i == 0 || !is_role(r, i - 1, QVL_ROLE_TOOL))
        put_mark(r, "<|im_start|>user");
    put_mark(r, "\n<tool_response>\n");
    put_items(r, &r->chat->message[i]);
    put_mark(r, "\n</tool_response>");
    if (!is_role(r, i + 1, QVL_ROLE_TOOL))
        put_mark(r, "<|im_end|>\n");
}

/* ---- the system block --------------------------------------------------- */

static void put_tools(rendering *r)
{
    put_mark(r, "<|im_start|>system\n");
    if (is_role(r, 0, QVL_ROLE_SYSTEM)) {
        put_items(r, &r->chat->message[0]);
        put_mark(r, "\n\n");
    }
    put_mark(r, "# Tools\n\nYou may call one or more functions to assist with "
                "the user query.\n\nYou are provided with function signatures "
                "within <tools></tools> XML tags:\n<tools>");
    for (size_t i = 0; i < r->chat->n_tools; i++) {
        put_mark(r, "\n");
        put_literal(r, r->chat->tool[i]);
    }
    put_mark(r, "\n</tools>\n\nFor each function call, return a json object "
                "with function name and arguments within <tool_call>"
                "</tool_call> XML tags:\n<tool_call>\n{\"name\": "
                "<function-name>, \"arguments\": <args-json-object>}\n"
                "</tool_call><|im_end|>\n");
}

static void put_system(rendering *r)
{
    if (r->chat->n_tools > 0)
        put_tools(r);
    else if (is_role(r, 0, QVL_ROLE_SYSTEM))
        put_turn(r, "<|im_start|>system\n", &r->chat->message[0]);
}

/* ---- reasoning ---------------------------------------------------------- */

/* A stretch of text. */
typedef struct {
    const char *p;
    size_t len;
} slice;

static slice all_text(const rendering *r, const qvl_chat_message *m)
{
    size_t len = 0;
    for (size_t i = 0; i < m->n_items; i++)
        len += m->item[i].len;
    char *p = qvl_arena_alloc(r->arena, len);
    slice s = { p, 0 };
    for (size_t i = 0; i < m->n_items; i++) {
        if (m->item[i].len > 0)
            memcpy(p + s.len, m->item[i].text, m->item[i].len);
        s.len += m->item[i].len;
    }
    return s;
}

static slice without_newlines_before(slice s)
{
    while (s.len > 0 && s.p[0] == '\n') {
        s.p++;
        s.len--;
    }
    return s;
}

static slice without_newlines_behind(slice s)
{
    while (s.len > 0 && s.p[s.len - 1] == '\n')
        s.len--;
    return s;
}

/* First place of a mark; NULL when it is not there. */
static const char *find_first(slice s, const char *mark)
{
    if (s.p == NULL || s.len == 0)
        return NULL;
    return memmem(s.p, s.len, mark, strlen(mark));
}

static const char *find_last(slice s, const char *mark)
{
    const char *last = NULL;
    for (const char *p; (p = find_first(s, mark)) != NULL;) {
        last = p;
        s.len -= (size_t)(p + 1 - s.p);
        s.p = p + 1;
    }
    return last;
}

/* Take the reasoning out of an answer that holds it: what is before the first
 * end mark, the answer being behind the last. */
static slice take_reasoning(slice *content)
{
    static const char open[] = "<think>";
    static const char close[] = "</think>";
    slice s = *content;
    const char *first = find_first(s, close);
    if (first == NULL)
        return (slice){ s.p, 0 };
    const char *end = s.p + s.len;
    const char *behind = find_last(s, close) + strlen(close);
    *content = without_newlines_before(
        (slice){ behind, (size_t)(end - behind) });
    s.len = (size_t)(first - s.p);
    const char *start = find_last(s, open);
    if (start != NULL) {
        s.len -= (size_t)(start - s.p) + strlen(open);
        s.p = start + strlen(open);
    }
    return without_newlines_before(without_newlines_behind(s));
}

static bool is_wrapped(slice s, const char *open, const char *close)
{
    size_t n_open = strlen(open);
    size_t n_close = strlen(close);
    return s.len >= n_open && s.len >= n_close
           && memcmp(s.p, open, n_open) == 0
           && memcmp(s.p + s.len - n_close, close, n_close) == 0;
}

/* Is it a user's own query, not the result of a tool in its clothes? */
static bool is_query(const rendering *r, const qvl_chat_message *m)
{
    if (m->role != QVL_ROLE_USER)
        return false;
    return m->n_items == 0 || m->item[0].kind != QVL_ITEM_TEXT
           || m->item[m->n_items - 1].kind != QVL_ITEM_TEXT
           || !is_wrapped(all_text(r, m), "<tool_response>",
                          "</tool_response>");
}

/* Place of the last query; that of the last message when there is none. */
static size_t last_query(const rendering *r)
{
    for (size_t i = r->chat->n_messages; i-- > 0;)
        if (is_query(r, &r->chat->message[i]))
            return i;
    return r->chat->n_messages - 1;
}

/* Reasoning is shown in turns behind the last query alone. */
static void put_thinking_answer(rendering *r, size_t i)
{
    const qvl_chat_message *m = &r->chat->message[i];
    slice content = all_text(r, m);
    slice reasoning = { m->reasoning, 0 };
    if (m->reasoning != NULL)
        reasoning.len = strlen(m->reasoning);
    else
        reasoning = take_reasoning(&content);
    bool is_last = i + 1 == r->chat->n_messages;
    bool has_text = content.len > 0;

    put_mark(r, "<|im_start|>assistant\n");
    if (i > r->last_query && (is_last || reasoning.len > 0)) {
        put_mark(r, "<think>\n");
        reasoning = without_newlines_before(reasoning);
        reasoning = without_newlines_behind(reasoning);
        put(r, reasoning.p, reasoning.len, true);
        put_mark(r, "\n</think>\n\n");
        content = without_newlines_before(content);
    }
    put(r, content.p, content.len, true);
    put_calls(r, m, has_text);
    put_mark(r, "<|im_end|>\n");
}

/* ---- all ---------------------------------------------------------------- */

static void put_message(rendering *r, size_t i)
{
    const qvl_chat_message *m = &r->chat->message[i];
    bool thinks = r->chat->layout == QVL_CHAT_THINKING;
    switch (m->role) {
    case QVL_ROLE_USER:
        put_turn(r, "<|im_start|>user\n", m);
        break;
    case QVL_ROLE_TOOL:
        put_result(r, i);
        break;
    case QVL_ROLE_SYSTEM:
        if (i > 0 && thinks)
            put_turn(r, "<|im_start|>system\n", m);
        break;
    case QVL_ROLE_ASSISTANT:
        if (thinks) {
            put_thinking_answer(r, i);
            break;
        }
        put_mark(r, "<|im_start|>assistant\n");
        put_items(r, m);
        put_calls(r, m, m->n_items > 0);
        put_mark(r, "<|im_end|>\n");
        break;
    }
}

static int check(const qvl_chat *chat, qvl_err *err)
{
    if (chat->n_messages == 0)
        return qvl_fail(err, QVL_E_DATA,
                        "conversation: found no message, expected one");
    for (size_t i = 0; i < chat->n_messages; i++) {
        const qvl_chat_message *m = &chat->message[i];
        bool has_pictures = m->role == QVL_ROLE_USER
                            || m->role == QVL_ROLE_TOOL;
        for (size_t k = 0; k < m->n_items; k++)
            if (m->item[k].kind != QVL_ITEM_TEXT && !has_pictures)
                return qvl_fail(err, QVL_E_DATA,
                                "message %zu, item %zu: found a picture from "
                                "%s, expected text",
                                i, k,
                                m->role == QVL_ROLE_SYSTEM ? "the system"
                                                           : "the assistant");
    }
    return QVL_OK;
}

int qvl_chat_render(qvl_chat_text *out, const qvl_chat *chat,
                    qvl_arena *arena, qvl_err *err)
{
    QVL_TRY(check(chat, err));
    rendering r = { .chat = chat, .arena = arena, .err = err };
    if (chat->layout == QVL_CHAT_THINKING)
        r.last_query = last_query(&r);
    put_system(&r);
    for (size_t i = 0; i < chat->n_messages; i++)
        put_message(&r, i);
    if (chat->has_prompt)
        put_mark(&r, chat->layout == QVL_CHAT_THINKING
                         ? "<|im_start|>assistant\n<think>\n"
                         : "<|im_start|>assistant\n");
    *out = (qvl_chat_text){ .part = r.part, .n = r.n };
    return QVL_OK;
}

void qvl_chat_text_join(const qvl_chat_text *text, qvl_str *out)
{
    for (size_t i = 0; i < text->n; i++)
        qvl_str_putn(out, text->part[i].p, text->part[i].len);
}

/* ---- ids ---------------------------------------------------------------- */

typedef struct {
    const qvl_chat *chat;
    const qvl_tokenizer *t;
    qvl_ids *out;
    qvl_arena arena;
    qvl_err *err;
} encoding;

static int encode_steps(void *arg)
{
    encoding *e = arg;
    qvl_chat_text text;
    QVL_TRY(qvl_chat_render(&text, e->chat, &e->arena, e->err));
    return qvl_tokenizer_encode(e->t, text.part, text.n, e->out, e->err);
}

int qvl_chat_encode(const qvl_chat *chat, const qvl_tokenizer *t,
                    qvl_ids *out, qvl_err *err)
{
    encoding e = { .chat = chat, .t = t, .out = out, .err = err };
    int rc = qvl_guard(encode_steps, &e, err);
    qvl_arena_release(&e.arena);
    return rc;
}

void qvl_chat_stamps(double *stamp_s, const int *frame, int n_frames,
                     double fps)
{
    assert(n_frames % 2 == 0 && fps > 0.0);
    for (int i = 0; i < n_frames; i += 2)
        stamp_s[i / 2] = (frame[i] / fps + frame[i + 1] / fps) / 2.0;
}
