/* token_type.c - stretches of bytes to kinds of tokens
 *
 * Tokens and stretches are both in order: one walk serves all.
 */
#include "data/token_type.h"

#include <assert.h>

#include "text/unicode.h"

const char *qvl_type_name(int type)
{
    static const char *const names[] = { [QVL_TYPE_DESC] = "desc",
                                         [QVL_TYPE_COORD] = "coord",
                                         [QVL_TYPE_FORMAT] = "format" };
    assert(type >= 1 && type <= QVL_N_TYPES);
    return names[type];
}

/* ---- normal form --------------------------------------------------------- */

static size_t normal_length(const char *p, size_t len, qvl_arena *arena)
{
    size_t n;
    qvl_unicode_nfc(p, len, &n, arena);
    return n;
}

qvl_spans qvl_spans_normal(qvl_spans spans, const char *text, size_t len,
                           size_t *normal_len, qvl_arena *arena)
{
    qvl_spans out = { qvl_arena_array(arena, qvl_span, spans.n), spans.n };
    size_t at = 0;  // in the text
    size_t n = 0;   // in its normal form
    for (size_t k = 0; k < spans.n; k++) {
        const qvl_span *s = &spans.v[k];
        assert(s->from >= at && s->end >= s->from && s->end <= len);
        out.v[k].type = s->type;
        out.v[k].from = n += normal_length(text + at, s->from - at, arena);
        out.v[k].end = n += normal_length(text + s->from, s->end - s->from, arena);
        at = s->end;
    }
    *normal_len = n + normal_length(text + at, len - at, arena);
    return out;
}

/* ---- tokens -------------------------------------------------------------- */

/* A place in the row of spans and gaps: stretch 2k is the gap before span k, 2k + 1
 * is span k. */
static size_t stretch_end(qvl_spans spans, size_t stretch)
{
    size_t k = stretch / 2;
    if (k == spans.n)
        return SIZE_MAX;
    return stretch % 2 == 0 ? spans.v[k].from : spans.v[k].end;
}

static int stretch_type(qvl_spans spans, size_t stretch)
{
    return stretch % 2 == 0 ? QVL_TYPE_FORMAT : spans.v[stretch / 2].type;
}

void qvl_type_tokens(int8_t *type, const size_t *end, size_t n, qvl_spans spans)
{
    size_t at = 0;       // byte
    size_t stretch = 0;  // that has it, or ends before it
    for (size_t i = 0; i < n; i++) {
        size_t most = 0;
        assert(end[i] >= at);
        type[i] = QVL_TYPE_FORMAT;
        while (at < end[i]) {
            size_t stop = stretch_end(spans, stretch);
            size_t part = (stop < end[i] ? stop : end[i]) - at;
            if (part > most) {
                most = part;
                type[i] = (int8_t)stretch_type(spans, stretch);
            }
            at += part;
            stretch += at == stop;
        }
    }
}
