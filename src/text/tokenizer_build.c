/* tokenizer_build.c - the tables of a tokenizer from what its files say
 *
 * Spellings of the files are turned into bytes here, once: nothing later knows
 * of the byte alphabet.
 */
#include "text/tokenizer_build.h"

#include <limits.h>
#include <string.h>

#include "base/rng.h"
#include "text/unicode.h"

typedef struct {
    qvl_tokenizer *t;
    const qvl_tokenizer_source *source;
    qvl_arena *scratch;
    qvl_err *err;
    char *bytes;    // of all tokens, one behind the other
    size_t n_bytes;
} building;

/* ---- tokens by their bytes ---------------------------------------------- */

/* Place in the index of some bytes, or the empty one where they belong. */
static uint32_t *place_of(const qvl_tokenizer *t, const char *p, size_t len)
{
    size_t i = (size_t)qvl_rng_mix(0, qvl_rng_hash(p, len)) & t->index_mask;
    while (t->index[i] != 0) {
        const qvl_token *token = &t->token[t->index[i] - 1];
        if (token->len == len && memcmp(token->p, p, len) == 0)
            break;
        i = (i + 1) & t->index_mask;
    }
    return &t->index[i];
}

int qvl_tokenizer_find(const qvl_tokenizer *t, const char *p, size_t len)
{
    return (int)*place_of(t, p, len) - 1;
}

/* Write the bytes of a spelling; false when it holds a character that stands
 * for none. */
static bool unspell(char *out, size_t *n, const char *text, size_t len)
{
    *n = 0;
    for (size_t at = 0; at < len;) {
        size_t bytes;
        if (qvl_utf8_bytes(text + at, len - at) == 0)
            return false;
        int byte = qvl_byte_of_char(qvl_utf8_code(text + at, &bytes));
        if (byte < 0)
            return false;
        out[(*n)++] = (char)byte;
        at += bytes;
    }
    return true;
}

/* ---- the vocabulary ----------------------------------------------------- */

static int wrong_token(building *b, const qvl_node *at, const char *found,
                       const char *expected)
{
    return qvl_node_fail(at, b->err, QVL_E_MODEL,
                         "token %.60s: found %s, expected %s",
                         at->s != NULL ? at->s : "", found, expected);
}

/* The id of a token whose number was checked: 3, or 3.0. */
static int id_of(const qvl_node *number)
{
    int64_t id = 0;
    qvl_node_as_int(number, &id);
    return (int)id;
}

/* Check the ids; find how many there are and how long all texts. */
static int measure(building *b, int *n_ids, size_t *n_tokens, size_t *n_bytes)
{
    const qvl_tokenizer_source *s = b->source;
    int64_t largest = -1;
    *n_bytes = 0;
    for (size_t i = 0; i < s->vocab->n; i++) {
        int64_t id;
        const qvl_node *key = &s->vocab->keys[i];
        if (!qvl_node_as_int(&s->vocab->items[i], &id) || id < 0
            || id >= QVL_MAX_TOKENS)
            return wrong_token(b, key, "a wrong id",
                               "one from 0 to 16777215");
        largest = id > largest ? id : largest;
        *n_bytes += key->s_len;
    }
    for (size_t i = 0; i < s->n_added; i++) {
        largest = s->added[i].id > largest ? s->added[i].id : largest;
        *n_bytes += s->added[i].len;
    }
    *n_tokens = s->vocab->n + s->n_added;
    *n_ids = (int)(largest + 1);
    if (*n_bytes < INT_MAX)
        return QVL_OK;
    return qvl_node_fail(s->vocab, b->err, QVL_E_MODEL,
                         "vocabulary: found %zu bytes of text, expected fewer "
                         "than 2^31",
                         *n_bytes);
}

static int make_tables(building *b)
{
    qvl_tokenizer *t = b->t;
    int n_ids;
    size_t n_tokens, n_bytes;
    QVL_TRY(measure(b, &n_ids, &n_tokens, &n_bytes));
    size_t n_slots = 16;
    while (n_slots < 2 * n_tokens)
        n_slots *= 2;
    t->token = qvl_arena_array(&t->arena, qvl_token, n_ids);
    t->n_ids = n_ids;
    t->index = qvl_arena_array(&t->arena, uint32_t, n_slots);
    t->index_mask = n_slots - 1;
    b->bytes = qvl_arena_alloc(&t->arena, n_bytes);
    return QVL_OK;
}

static int add_vocab(building *b)
{
    qvl_tokenizer *t = b->t;
    const qvl_node *vocab = b->source->vocab;
    for (size_t i = 0; i < vocab->n; i++) {
        const qvl_node *key = &vocab->keys[i];
        int id = id_of(&vocab->items[i]);
        qvl_token token = { .p = b->bytes + b->n_bytes };
        if (!unspell(b->bytes + b->n_bytes, &token.len, key->s, key->s_len))
            return wrong_token(b, key, "a character that stands for no byte",
                               "the byte alphabet");
        if (token.len == 0)
            return wrong_token(b, key, "no text", "some");
        if (t->token[id].p != NULL)
            return wrong_token(b, key, "an id that another token has",
                               "its own");
        b->n_bytes += token.len;
        t->token[id] = token;
        *place_of(t, token.p, token.len) = (uint32_t)id + 1;
    }
    return QVL_OK;
}

/* ---- merges ------------------------------------------------------------- */

static int find_bytes(building *b)
{
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        int id = qvl_tokenizer_find(b->t, &byte, 1);
        if (id < 0)
            return qvl_node_fail(b->source->vocab, b->err, QVL_E_MODEL,
                                 "vocabulary: found no token for byte 0x%02x, "
                                 "expected one for each",
                                 (unsigned)i);
        b->t->bpe.byte_id[i] = id;
    }
    return QVL_OK;
}

static int wrong_merge(building *b, const qvl_merge_source *m,
                       const char *found, const char *expected)
{
    return qvl_fail(b->err, QVL_E_MODEL,
                    "merge %.*s %.*s (%s:%d): found %s, expected %s",
                    (int)(m->left_len < 40 ? m->left_len : 40), m->left,
                    (int)(m->right_len < 40 ? m->right_len : 40), m->right,
                    b->source->merge_file, m->line, found, expected);
}

/* `text` has room for both halves. */
static int add_merge(building *b, const qvl_merge_source *m, char *text)
{
    size_t n_left, n_right;
    if (!unspell(text, &n_left, m->left, m->left_len)
        || !unspell(text + n_left, &n_right, m->right, m->right_len))
        return wrong_merge(b, m, "a character that stands for no byte",
                           "the byte alphabet");
    int left = qvl_tokenizer_find(b->t, text, n_left);
    int right = qvl_tokenizer_find(b->t, text + n_left, n_right);
    int result = qvl_tokenizer_find(b->t, text, n_left + n_right);
    if (left < 0 || right < 0 || result < 0)
        return wrong_merge(b, m,
                           left < 0    ? "a left part that is no token"
                           : right < 0 ? "a right part that is no token"
                                       : "a result that is no token",
                           "tokens of the vocabulary");
    if (!qvl_bpe_add(&b->t->bpe, left, right, result))
        return wrong_merge(b, m, "the pair a second time", "it once");
    return QVL_OK;
}

static int add_merges(building *b)
{
    const qvl_tokenizer_source *s = b->source;
    size_t longest = 0;
    for (size_t i = 0; i < s->n_merges; i++) {
        size_t len = s->merge[i].left_len + s->merge[i].right_len;
        longest = len > longest ? len : longest;
    }
    if (s->n_merges >= QVL_MAX_TOKENS)
        return qvl_fail(b->err, QVL_E_MODEL,
                        "merges (%s): found %zu, expected fewer than 16777216",
                        s->merge_file, s->n_merges);
    qvl_bpe_init(&b->t->bpe, s->n_merges, &b->t->arena);
    QVL_TRY(find_bytes(b));
    char *text = qvl_arena_alloc(b->scratch, longest);
    for (size_t i = 0; i < s->n_merges; i++)
        QVL_TRY(add_merge(b, &s->merge[i], text));
    return QVL_OK;
}

/* ---- added tokens ------------------------------------------------------- */

static int wrong_added(building *b, const qvl_added_source *a,
                       const char *found)
{
    return qvl_node_fail(a->at, b->err, QVL_E_MODEL,
                         "added token %.60s, id %d: found %s, expected a text "
                         "and an id of its own",
                         a->text, a->id, found);
}

/* The text of an added token stands for itself. It may be spelled so in the
 * vocabulary as well, under the same id. Where its bytes are also those of a
 * merged token, the added one is found. */
static int add_added(building *b, const qvl_added_source *a)
{
    qvl_tokenizer *t = b->t;
    qvl_token *token = &t->token[a->id];
    const qvl_node *there = qvl_node_find(b->source->vocab, a->text);
    int found = qvl_tokenizer_find(t, a->text, a->len);
    if ((there != NULL && id_of(there) != a->id)
        || (found >= 0 && t->token[found].is_added))
        return wrong_added(b, a, "the text under another id");
    if (token->is_added || (token->p != NULL && there == NULL))
        return wrong_added(b, a, "the id taken");
    char *p = b->bytes + b->n_bytes;
    memcpy(p, a->text, a->len);
    b->n_bytes += a->len;
    *token = (qvl_token){ .p = p, .len = a->len, .is_added = true,
                          .is_special = a->is_special };
    *place_of(t, p, a->len) = (uint32_t)a->id + 1;
    qvl_added_put(a->is_normalized ? &t->normal : &t->raw, p, a->len, a->id);
    t->has_normal = t->has_normal || a->is_normalized;
    return QVL_OK;
}

/* What is looked for behind the normal form has to be in it. */
static int normalize(building *b, const qvl_added_source *a,
                     qvl_added_source *out)
{
    *out = *a;
    if (!a->is_normalized || !b->t->is_nfc)
        return QVL_OK;
    out->text = qvl_unicode_nfc(a->text, a->len, &out->len, b->scratch);
    if (out->len == a->len && memcmp(out->text, a->text, a->len) == 0)
        return QVL_OK;
    return wrong_added(b, a, "a normalized token that is not in normal form");
}

static int add_all_added(building *b)
{
    const qvl_tokenizer_source *s = b->source;
    size_t n_bytes = 0;
    for (size_t i = 0; i < s->n_added; i++)
        n_bytes += s->added[i].len;
    qvl_added_init(&b->t->raw, n_bytes, &b->t->arena);
    qvl_added_init(&b->t->normal, n_bytes, &b->t->arena);
    for (size_t i = 0; i < s->n_added; i++) {
        qvl_added_source a;
        QVL_TRY(normalize(b, &s->added[i], &a));
        QVL_TRY(add_added(b, &a));
    }
    return QVL_OK;
}

/* ---- all ---------------------------------------------------------------- */

static int find_named(building *b, const qvl_node *name, int *out)
{
    *out = -1;
    if (name == NULL)
        return QVL_OK;
    *out = qvl_tokenizer_find(b->t, name->s, name->s_len);
    return *out >= 0 ? QVL_OK
                     : wrong_token(b, name, "no token with this text",
                                   "one of the tokenizer");
}

int qvl_tokenizer_build(qvl_tokenizer *t, const qvl_tokenizer_source *source,
                        qvl_arena *scratch, qvl_err *err)
{
    building b = { .t = t, .source = source, .scratch = scratch, .err = err };
    t->is_nfc = source->is_nfc;
    QVL_TRY(make_tables(&b));
    QVL_TRY(add_vocab(&b));
    QVL_TRY(add_merges(&b));
    QVL_TRY(add_all_added(&b));
    QVL_TRY(find_named(&b, source->eos, &t->eos));
    int pad;  // not kept: only checked to be a token
    QVL_TRY(find_named(&b, source->pad, &pad));
    return qvl_split_open(&t->split, source->pattern, err);
}
