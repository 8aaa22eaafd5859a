/* sample_ids.c - turns to ids and labels
 *
 * The rendered conversation is cut at the marks of the layout into runs: what
 * leads to an answer, the answer, and so on. Each run becomes tokens apart from
 * the others.
 */
#include <assert.h>
#include <limits.h>
#include <string.h>

#include "data/picture.h"
#include "data/sample.h"

static const char opening[] = "<|im_start|>assistant\n";
static const char closing[] = "<|im_end|>\n";

static bool is_mark(const qvl_text_part *part, const char *mark)
{
    return !part->is_literal && part->len == strlen(mark)
           && memcmp(part->p, mark, part->len) == 0;
}

/* Append a run, with its ids as labels or without any. */
static int put_run(qvl_sample *s, const qvl_text_part *part, size_t n,
                   bool is_supervised)
{
    size_t from = s->ids.n;
    QVL_TRY(qvl_tokenizer_encode(s->e->tokenizer, part, n, &s->ids, s->err));
    if (is_supervised)
        qvl_ids_put_all(&s->labels, s->ids.p + from, s->ids.n - from);
    else
        qvl_ids_repeat(&s->labels, QVL_IGNORE_INDEX, s->ids.n - from);
    return QVL_OK;
}

static void put_end(qvl_sample *s, bool is_supervised)
{
    qvl_ids_put(&s->ids, s->e->im_end);
    qvl_ids_put(&s->labels, is_supervised ? s->e->im_end : QVL_IGNORE_INDEX);
}

/* The next mark from `from` on; n when there is none. */
static size_t find_mark(const qvl_chat_text *text, size_t from,
                        const char *mark)
{
    while (from < text->n && !is_mark(&text->part[from], mark))
        from++;
    return from;
}

static size_t count_answers(const qvl_chat_text *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++)
        n += is_mark(&text->part[i], opening);
    return n;
}

/* All runs of a rendered conversation. `run` has room for its parts and two. */
static int put_runs(qvl_sample *s, const qvl_chat_text *text,
                    qvl_text_part *run)
{
    const char *prefix = s->e->o.response_prefix;
    size_t n_answers = count_answers(text);
    size_t at = 0;
    for (size_t k = 0; k < n_answers; k++) {
        size_t open = find_mark(text, at, opening);
        size_t n = 0;
        if (k > 0)  // the rest of the mark that ended the last answer
            run[n++] = (qvl_text_part){ .p = "\n", .len = 1 };
        while (at <= open)
            run[n++] = text->part[at++];
        if (prefix != NULL && prefix[0] != '\0')
            run[n++] = (qvl_text_part){ prefix, strlen(prefix), true };
        QVL_TRY(put_run(s, run, n, false));
        size_t close = find_mark(text, at, closing);
        if (close == text->n)  // the opening of an answer to come
            return QVL_OK;
        bool is_supervised = s->purpose != QVL_SAMPLE_PROMPT
                             && (s->e->o.loss == QVL_LOSS_ALL_TURNS
                                 || k + 1 == n_answers);
        s->answer_from = s->ids.n;
        QVL_TRY(put_run(s, text->part + at, close - at, is_supervised));
        s->answer_end = s->ids.n;
        put_end(s, is_supervised);
        at = close + 1;
    }
    return QVL_OK;
}

/* ---- what must hold ----------------------------------------------------- */

/* Place behind picture k, whose vision_start is at or behind `at`. */
static int check_picture(const qvl_sample *s, int k, size_t *at)
{
    const qvl_ids *ids = &s->ids;
    size_t i = *at;
    while (i < ids->n && ids->p[i] != s->e->vision_start)
        i++;
    size_t first = ++i;
    while (i < ids->n && ids->p[i] == s->e->image_pad)
        i++;
    if (i >= ids->n || ids->p[i] != s->e->vision_end
        || i - first != s->plan[k].n_tok)
        return qvl_fail(s->err, QVL_E_MODEL, "picture %d: found %zu "
                        "placeholders in the tokens, expected %zu as its grid "
                        "has", k, i < first ? 0 : i - first,
                        s->plan[k].n_tok);
    *at = i + 1;
    return QVL_OK;
}

static int check_pictures(qvl_sample *s)
{
    size_t at = 0;
    size_t n_pads = 0;
    for (int k = 0; k < s->record->n_images; k++)
        QVL_TRY(check_picture(s, k, &at));
    for (size_t i = 0; i < s->ids.n; i++)
        n_pads += s->ids.p[i] == s->e->image_pad;
    if (n_pads != (size_t)s->out.n_image_tok)
        return qvl_fail(s->err, QVL_E_MODEL, "sample: found %zu placeholders "
                        "in the tokens, expected %d as the grids have", n_pads,
                        s->out.n_image_tok);
    return QVL_OK;
}

/* Pixels of a picture that would let the sample fit; 0: none would. */
static long long fitting_pixels(const qvl_sample *s)
{
    const qvl_processor *p = &s->e->processor;
    long long side = (long long)p->patch * p->merge;
    long long room = s->e->o.max_length
                     - ((long long)s->ids.n - s->out.n_image_tok);
    return s->record->n_images > 0 && room >= s->record->n_images
               ? room / s->record->n_images * side * side : 0;
}

static int check_length(qvl_sample *s)
{
    const qvl_record *r = s->record;
    int limit = s->e->o.max_length;
    if (limit == 0 || s->ids.n <= (size_t)limit)
        return QVL_OK;
    qvl_fail(s->err, QVL_E_RANGE, "sample: found %zu tokens (%zu of text, %d of"
             " %d pictures; dataset %s, record %zu, picture %.200s, %s, %d objects), "
             "expected at most %d", s->ids.n, s->ids.n - (size_t)s->out.n_image_tok,
             s->out.n_image_tok, r->n_images, s->e->o.dataset, r->index,
             r->n_images > 0 ? qvl_picture_name(r->image[0]) : "none",
             r->messages != NULL ? "conversation" : qvl_mode_name(s->out.mode),
             r->n_objects, limit);
    if (fitting_pixels(s) > 0)
        qvl_err_hint(s->err, "raise the limit to %zu, or lower max_pixels to "
                     "%lld", s->ids.n, fitting_pixels(s));
    else
        qvl_err_hint(s->err, "raise the limit to %zu, or give the record fewer "
                     "objects", s->ids.n);
    return QVL_E_RANGE;
}

/* ---- types ---------------------------------------------------------------- */

/* Where each of the n tokens of the answer ends in it, and the whole length. */
static size_t *answer_ends(qvl_sample *s, size_t n, size_t *len)
{
    size_t *end = qvl_arena_array(&s->scratch, size_t, n);
    *len = 0;
    for (size_t k = 0; k < n; k++) {
        int id = s->ids.p[s->answer_from + k];
        end[k] = *len += qvl_tokenizer_token(s->e->tokenizer, id).len;
    }
    return end;
}

/* Tokens of a dense answer; the mark behind it is form. */
static int take_types(qvl_sample *s)
{
    size_t found, len = strlen(s->out.answer);
    size_t n = s->answer_end - s->answer_from;
    qvl_spans spans = s->spans;
    const size_t *end = answer_ends(s, n, &found);
    if (qvl_tokenizer_is_nfc(s->e->tokenizer))
        spans = qvl_spans_normal(spans, s->out.answer, len, &len, &s->scratch);
    if (found != len)
        return qvl_fail(s->err, QVL_E_MODEL, "tokenizer (%s): found %zu bytes in the "
                        "tokens of an answer, expected its %zu", s->e->o.model,
                        found, len);
    int8_t *type = qvl_arena_array(s->arena, int8_t, s->ids.n);
    memset(type, QVL_TYPE_NONE, s->ids.n);
    qvl_type_tokens(type + s->answer_from, end, n, spans);
    type[s->answer_end] = QVL_TYPE_FORMAT;
    s->out.type = type;
    return QVL_OK;
}

/* ---- results ------------------------------------------------------------ */

/* [ids->n] of an arena */
static int64_t *widen(const qvl_ids *ids, qvl_arena *arena)
{
    int64_t *wide = qvl_arena_array(arena, int64_t, ids->n);
    for (size_t i = 0; i < ids->n; i++)
        wide[i] = ids->p[i];
    return wide;
}

static int check_labels(const qvl_sample *s)
{
    for (size_t i = 0; i < s->labels.n; i++)
        if (s->labels.p[i] == s->e->image_pad)
            return qvl_fail(s->err, QVL_E_MODEL, "token %zu: found a label "
                            "that is a placeholder, expected answers without",
                            i);
    return QVL_OK;
}

static int take_ids(qvl_sample *s)
{
    qvl_encoded *out = &s->out;
    assert(s->labels.n == s->ids.n);
    QVL_TRY(check_labels(s));
    out->n = (int)s->ids.n;
    out->id = widen(&s->ids, s->arena);
    out->label = widen(&s->labels, s->arena);
    for (size_t i = 0; i < s->labels.n; i++)
        out->n_supervised += s->labels.p[i] != QVL_IGNORE_INDEX;
    if (out->n_supervised == 0 && s->purpose != QVL_SAMPLE_PROMPT)
        return qvl_fail(s->err, QVL_E_DATA, "sample: found no supervised "
                        "token, expected an answer");
    return QVL_OK;
}

int qvl_sample_ids(qvl_sample *s)
{
    qvl_chat_text text;
    QVL_TRY(qvl_chat_render(&text, &s->chat, &s->scratch, s->err));
    qvl_text_part *run = qvl_arena_array(&s->scratch, qvl_text_part,
                                         text.n + 2);
    QVL_TRY(put_runs(s, &text, run));
    QVL_TRY(check_pictures(s));
    QVL_TRY(check_length(s));
    if (s->spans.n > 0)
        QVL_TRY(take_types(s));
    return take_ids(s);
}
