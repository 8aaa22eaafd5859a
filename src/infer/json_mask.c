/* json_mask.c - tokens tried once for each kind of place, some at each question
 *
 * A kind is a wait of json_state.h, inside a name or not. For each there is, when
 * an answer first comes there, a set of bits for the tokens that are allowed
 * whatever is open, and a list of those that depend on it; the rest is never
 * allowed. Memory: a bit a token and kind. Sets are shared by all answers and never
 * change once they are made; an answer itself holds no more than its state.
 */
#include "infer/json_mask.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* What the tokens do at one kind of place: a wait, inside a name or not. */
typedef struct {
    bool is_made;
    uint64_t *always;  // [n_words] allowed whatever is open
    int longest_rest;  // of those: the largest local rest behind one
    int *other;        // [n_other] to be tried
    int n_other;
} place;

struct qvl_json_tokens {
    qvl_arena arena;    // of all below
    qvl_token *token;   // [vocab] len 0: never allowed
    uint64_t *allowed;  // [n_words] the last reply
    place place[QVL_N_JSON_WAITS][2];
    int vocab;
    int n_words;
};

/* ---- open and close ----------------------------------------------------- */

typedef struct {
    qvl_json_tokens *t;
    const qvl_tokenizer *tokenizer;
    int vocab;
    qvl_err *err;
} opening;

static bool is_single(const qvl_json_tokens *t, char byte)
{
    for (int i = 0; i < t->vocab; i++)
        if (t->token[i].len == 1 && t->token[i].p[0] == byte)
            return true;
    return false;
}

static int read_tokens(void *arg)
{
    opening *o = arg;
    qvl_json_tokens *t = o->t = qvl_memory_zeroed(1, sizeof *t);
    t->vocab = o->vocab;
    t->n_words = (t->vocab + 63) / 64;
    int n = qvl_tokenizer_n_ids(o->tokenizer);
    t->token = qvl_arena_array(&t->arena, qvl_token, t->vocab);
    t->allowed = qvl_arena_array(&t->arena, uint64_t, t->n_words);
    for (int i = 0; i < t->vocab && i < n; i++) {
        t->token[i] = qvl_tokenizer_token(o->tokenizer, i);
        if (t->token[i].p == NULL || t->token[i].is_special)
            t->token[i].len = 0;
    }
    for (const char *c = qvl_json_closing; *c != '\0'; c++)
        if (!is_single(t, *c))
            return qvl_fail(o->err, QVL_E_MODEL,
                            "vocabulary: found no token for byte 0x%02x "
                            "alone, expected one: an answer of JSON may need "
                            "it to end", (unsigned char)*c);
    return QVL_OK;
}

int qvl_json_tokens_open(qvl_json_tokens **tokens,
                         const qvl_tokenizer *tokenizer, int vocab,
                         qvl_err *err)
{
    assert(vocab > 0);
    opening o = { NULL, tokenizer, vocab, err };
    int rc = qvl_guard(read_tokens, &o, err);
    if (rc != QVL_OK) {
        qvl_json_tokens_close(o.t);
        return rc;
    }
    *tokens = o.t;
    return QVL_OK;
}

void qvl_json_tokens_close(qvl_json_tokens *t)
{
    if (t == NULL)
        return;
    qvl_arena_release(&t->arena);
    free(t);
}

/* ---- a kind of place ---------------------------------------------------- */

typedef enum { NEVER, ALWAYS, SOMETIMES } fate;

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_structure(char c)
{
    return c == ',' || c == '{' || c == '}' || c == '[' || c == ']';
}

/* What a token does at a place of which only the wait is known. Structure needs
 * the brackets that are open, what goes on with a run needs its length; behind
 * an empty run more may come than behind any other. */
static fate fate_of(const qvl_token *token, qvl_json_state s, int *rest)
{
    if (token->len == 0)
        return NEVER;
    bool goes_on = qvl_json_is_number(&s) || is_space(token->p[0]);
    goes_on = goes_on && !qvl_json_is_text(&s);
    for (size_t i = 0; i < token->len; i++) {
        char c = token->p[i];
        if (is_structure(c) && !qvl_json_is_text(&s))
            return SOMETIMES;
        if (!qvl_json_take(&s, (unsigned char)c))
            return NEVER;
    }
    *rest = qvl_json_local_rest(&s);
    return goes_on ? SOMETIMES : ALWAYS;
}

static void set_bit(uint64_t *bits, int i)
{
    bits[i / 64] |= (uint64_t)1 << i % 64;
}

static bool has_bit(const uint64_t *bits, int i)
{
    return (bits[i / 64] >> i % 64 & 1) != 0;
}

/* Try all tokens at a place. */
static void make_place(qvl_json_tokens *t, qvl_json_state start, place *p)
{
    int rest = 0;
    p->always = qvl_arena_array(&t->arena, uint64_t, t->n_words);
    for (int i = 0; i < t->vocab; i++) {
        fate f = fate_of(&t->token[i], start, &rest);
        if (f == ALWAYS)
            set_bit(p->always, i);
        if (f == ALWAYS && rest > p->longest_rest)
            p->longest_rest = rest;
        p->n_other += f == SOMETIMES;
    }
    p->other = qvl_arena_array(&t->arena, int, p->n_other);
    for (int i = 0, n = 0; i < t->vocab; i++)
        if (fate_of(&t->token[i], start, &rest) == SOMETIMES)
            p->other[n++] = i;
}

/* The place of a state, made when it is asked for the first time. */
static const place *place_of(qvl_json_tokens *t, const qvl_json_state *s)
{
    place *p = &t->place[s->wait][s->is_name];
    if (!p->is_made) {
        place made = { .is_made = true };
        make_place(t, (qvl_json_state){ .wait = s->wait,
                                        .is_name = s->is_name }, &made);
        *p = made;
    }
    return p;
}

/* ---- questions ---------------------------------------------------------- */

/* Is a token allowed here, with at most `most` bytes to close behind it? */
static bool fits(const qvl_token *token, qvl_json_state s, int most)
{
    for (size_t i = 0; i < token->len; i++)
        if (!qvl_json_take(&s, (unsigned char)token->p[i]))
            return false;
    return token->len > 0 && qvl_json_rest(&s) <= most;
}

/* Bytes that closing may take behind the next token, a token each: see
 * qvl_json_rule_allowed. */
static int most_rest(const qvl_json_rule *r, int room)
{
    int rest = qvl_json_rest(&r->state);
    if (r->ends_now)
        return rest - 1;
    return rest <= room ? room - 1 : INT_MAX;
}

const uint64_t *qvl_json_rule_allowed(const qvl_json_rule *r, int room)
{
    qvl_json_tokens *t = r->tokens;
    const place *p = place_of(t, &r->state);
    int most = most_rest(r, room);
    memcpy(t->allowed, p->always, (size_t)t->n_words * sizeof *t->allowed);
    if (p->longest_rest + r->state.depth > most) {
        memset(t->allowed, 0, (size_t)t->n_words * sizeof *t->allowed);
        for (int i = 0; i < t->vocab; i++)
            if (has_bit(p->always, i) && fits(&t->token[i], r->state, most))
                set_bit(t->allowed, i);
    }
    for (int i = 0; i < p->n_other; i++)
        if (fits(&t->token[p->other[i]], r->state, most))
            set_bit(t->allowed, p->other[i]);
    return t->allowed;
}

bool qvl_json_rule_take(qvl_json_rule *r, int64_t id)
{
    const qvl_json_tokens *t = r->tokens;
    assert(id >= 0 && id < t->vocab && t->token[id].len > 0);
    for (size_t i = 0; i < t->token[id].len; i++) {
        bool is_taken = qvl_json_take(&r->state,
                                      (unsigned char)t->token[id].p[i]);
        assert(is_taken);
        (void)is_taken;
    }
    return r->state.wait == QVL_JSON_END;
}
