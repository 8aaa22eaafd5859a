/* tokenizer.c - open, encode, decode
 *
 * The order is that of the tokenizers library: added tokens that stand in the
 * raw text, normal form C, added tokens of normal text, pieces, merges.
 * Pieces that were merged before and texts that were remembered are looked up.
 */
#include "text/tokenizer.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "text/tokenizer_build.h"
#include "text/unicode.h"

#define MAX_TEXT_BYTES ((size_t)1 << 30)
/* Shorter stretches of a text are not worth to be remembered. */
#define MIN_KNOWN_BYTES 32

/* ---- ids ---------------------------------------------------------------- */

void qvl_ids_release(qvl_ids *ids)
{
    if (ids == NULL)
        return;
    free(ids->p);
    *ids = (qvl_ids){ 0 };
}

/* Room for n more ids. */
static void reserve(qvl_ids *ids, size_t n)
{
    if (n <= ids->cap - ids->n)
        return;
    size_t cap = ids->n + n < 32 ? 32 : (ids->n + n) / 2 * 3;
    if (cap > SIZE_MAX / sizeof(int))
        qvl_memory_fail(SIZE_MAX);
    ids->p = qvl_memory_resize(ids->p, cap * sizeof(int));
    ids->cap = cap;
}

void qvl_ids_put(qvl_ids *ids, int id)
{
    reserve(ids, 1);
    ids->p[ids->n++] = id;
}

void qvl_ids_put_all(qvl_ids *ids, const int *id, size_t n)
{
    reserve(ids, n);
    if (n > 0)
        memcpy(ids->p + ids->n, id, n * sizeof *id);
    ids->n += n;
}

void qvl_ids_repeat(qvl_ids *ids, int id, size_t n)
{
    reserve(ids, n);
    for (size_t i = 0; i < n; i++)
        ids->p[ids->n + i] = id;
    ids->n += n;
}

/* ---- open --------------------------------------------------------------- */

typedef struct {
    qvl_tokenizer *t;
    const char *folder;
    qvl_arena scratch;
    qvl_err *err;
} opening;

static int open_steps(void *arg)
{
    opening *o = arg;
    qvl_tokenizer_source source;
    o->t = qvl_memory_zeroed(1, sizeof *o->t);
    o->t->pieces = qvl_memory_zeroed(1, sizeof *o->t->pieces);
    QVL_TRY(qvl_folder_check(o->folder, "model folder", QVL_E_MODEL, o->err));
    QVL_TRY(qvl_tokenizer_files_read(&source, o->folder, &o->scratch, o->err));
    return qvl_tokenizer_build(o->t, &source, &o->scratch, o->err);
}

int qvl_tokenizer_open(qvl_tokenizer **t, const char *folder, qvl_err *err)
{
    assert(t != NULL && folder != NULL);
    opening o = { .folder = folder, .err = err };
    int rc = qvl_guard(open_steps, &o, err);
    qvl_arena_release(&o.scratch);
    if (rc != QVL_OK) {
        qvl_tokenizer_close(o.t);
        return rc;
    }
    *t = o.t;
    return QVL_OK;
}

void qvl_tokenizer_close(qvl_tokenizer *t)
{
    if (t == NULL)
        return;
    qvl_split_close(t->split);
    if (t->pieces != NULL)
        qvl_pieces_release(t->pieces);
    free(t->pieces);
    qvl_arena_release(&t->arena);
    free(t);
}

/* ---- facts -------------------------------------------------------------- */

int qvl_tokenizer_n_ids(const qvl_tokenizer *t)
{
    return t->n_ids;
}

qvl_token qvl_tokenizer_token(const qvl_tokenizer *t, int id)
{
    assert(id >= 0 && id < t->n_ids);
    return t->token[id];
}

bool qvl_tokenizer_is_nfc(const qvl_tokenizer *t)
{
    return t->is_nfc;
}

int qvl_tokenizer_eos(const qvl_tokenizer *t)
{
    return t->eos;
}

/* ---- encode ------------------------------------------------------------- */

/* One call of encode. */
typedef struct {
    const qvl_tokenizer *t;
    const qvl_text_part *part;
    size_t n_parts;
    qvl_ids *out;
    qvl_tokenizer *learner;  // `t`, when stretches are to be kept
    qvl_err *err;
    qvl_arena arena;    // lives as long as the call
    qvl_bpe_work work;
} encoding;

/* The ids of a piece to `out`, which has room for as many as it has bytes; returns how
 * many. */
static size_t encode_piece(encoding *e, int *out, const char *piece, size_t n)
{
    if (n == 1) {
        out[0] = e->t->bpe.byte_id[(uint8_t)piece[0]];
        return 1;
    }
    const qvl_known_piece *known = qvl_pieces_find(e->t->pieces, piece, n);
    if (known != NULL) {
        memcpy(out, known->id, known->n_ids * sizeof *out);
        return known->n_ids;
    }
    size_t n_ids = qvl_bpe_encode(&e->t->bpe, out, piece, n, &e->work, &e->arena);
    qvl_pieces_put(e->t->pieces, piece, n, out, n_ids);
    return n_ids;
}

/* Text without added tokens, in normal form. */
static int encode_plain(encoding *e, const char *p, size_t len)
{
    qvl_split_walk walk;
    qvl_split_start(&walk, e->t->split, p, len, &e->arena);
    for (;;) {
        const char *piece;
        size_t n;
        QVL_TRY(qvl_split_next(&walk, &piece, &n, e->err));
        if (n == 0)
            return QVL_OK;
        reserve(e->out, n);
        e->out->n += encode_piece(e, e->out->p + e->out->n, piece, n);
    }
}

static int encode_normal(encoding *e, const char *p, size_t len,
                         bool has_literal)
{
    if (e->t->is_nfc)
        p = qvl_unicode_nfc(p, len, &len, &e->arena);
    size_t done = 0;
    for (size_t at = 0; e->t->has_normal && !has_literal && at < len;) {
        size_t n;
        int id = qvl_added_match(&e->t->normal, p + at, len - at, &n);
        if (id < 0) {
            at++;
            continue;
        }
        if (at > done)
            QVL_TRY(encode_plain(e, p + done, at - done));
        qvl_ids_put(e->out, id);
        done = at += n;
    }
    return done < len ? encode_plain(e, p + done, len - done) : QVL_OK;
}

/* ---- stretches that were remembered ------------------------------------- */

static const qvl_known_text *find_known(const qvl_tokenizer *t, const char *p,
                                        size_t len, bool has_literal)
{
    for (int i = 0; i < t->n_known; i++) {
        const qvl_known_text *k = &t->known[i];
        if (k->len == len && k->has_literal == has_literal
            && memcmp(k->p, p, len) == 0)
            return k;
    }
    return NULL;
}

static void keep_known(qvl_tokenizer *t, const char *p, size_t len,
                       bool has_literal, const int *id, size_t n_ids)
{
    if (len < MIN_KNOWN_BYTES || t->n_known == QVL_MAX_KNOWN)
        return;
    int *ids = qvl_arena_array(&t->arena, int, n_ids);
    memcpy(ids, id, n_ids * sizeof *ids);
    t->known[t->n_known++] = (qvl_known_text){
        qvl_arena_strndup(&t->arena, p, len), len, has_literal, ids, n_ids
    };
}

/* A stretch between two tokens that were found in the raw text. */
static int encode_stretch(encoding *e, const char *p, size_t len,
                          bool has_literal)
{
    if (len == 0)
        return QVL_OK;
    const qvl_known_text *known = find_known(e->t, p, len, has_literal);
    if (known != NULL) {
        qvl_ids_put_all(e->out, known->id, known->n_ids);
        return QVL_OK;
    }
    size_t from = e->out->n;
    QVL_TRY(encode_normal(e, p, len, has_literal));
    if (e->learner != NULL)
        keep_known(e->learner, p, len, has_literal, e->out->p + from,
                   e->out->n - from);
    return QVL_OK;
}

/* ---- a text ------------------------------------------------------------- */

/* All parts as one text. */
static const char *join(encoding *e, size_t *len)
{
    if (e->n_parts == 1) {
        *len = e->part[0].len;
        return e->part[0].p;
    }
    size_t total = 0;
    for (size_t i = 0; i < e->n_parts; i++)
        total += e->part[i].len;
    char *text = qvl_arena_alloc(&e->arena, total);
    *len = total;
    total = 0;
    for (size_t i = 0; i < e->n_parts; i++) {
        if (e->part[i].len > 0)
            memcpy(text + total, e->part[i].p, e->part[i].len);
        total += e->part[i].len;
    }
    return text;
}

/* Times that the `n` bytes before `at` stand there again, up to `end`. */
static size_t repeats(const char *text, size_t at, size_t end, size_t n)
{
    size_t times = 0;
    for (; end - at >= n && memcmp(text + at, text + at - n, n) == 0; at += n)
        times++;
    return times;
}

/* An added token that was found before `at`, and the same again as often as it
 * follows, as the places of pictures do; returns the place behind. */
static size_t put_added(encoding *e, const char *text, size_t at, size_t end,
                        int id, size_t n)
{
    size_t times = 1;
    if (qvl_added_is_longest(&e->t->raw, text + at - n, n))
        times += repeats(text, at, end, n);
    qvl_ids_repeat(e->out, id, times);
    return at + (times - 1) * n;
}

/* Cut the text at the added tokens that stand in it. */
static int encode_text(encoding *e, const char *text, size_t len)
{
    size_t done = 0;
    size_t at = 0;
    bool has_literal = false;
    for (size_t i = 0; i < e->n_parts; i++) {
        size_t end = at + e->part[i].len;
        if (e->part[i].is_literal) {
            has_literal = has_literal || end > at;
            at = end;
        }
        while (at < end) {
            size_t n;
            int id = qvl_added_match(&e->t->raw, text + at, end - at, &n);
            if (id < 0) {
                at++;
                continue;
            }
            QVL_TRY(encode_stretch(e, text + done, at - done, has_literal));
            done = at = put_added(e, text, at + n, end, id, n);
            has_literal = false;
        }
    }
    return encode_stretch(e, text + done, len - done, has_literal);
}

static int check_parts(const encoding *e)
{
    size_t total = 0;
    for (size_t i = 0; i < e->n_parts; i++) {
        const qvl_text_part *part = &e->part[i];
        if (part->len > MAX_TEXT_BYTES - total)
            return qvl_fail(e->err, QVL_E_RANGE,
                            "text: found more than %zu bytes, expected at "
                            "most that",
                            MAX_TEXT_BYTES);
        size_t valid = qvl_utf8_valid_bytes(part->p, part->len);
        if (valid < part->len)
            return qvl_fail(e->err, QVL_E_DATA,
                            "text: found byte 0x%02x at place %zu, expected "
                            "UTF-8",
                            (unsigned)(unsigned char)part->p[valid],
                            total + valid);
        total += part->len;
    }
    return QVL_OK;
}

static int encode_steps(void *arg)
{
    encoding *e = arg;
    QVL_TRY(check_parts(e));
    size_t len;
    const char *text = join(e, &len);
    return encode_text(e, text, len);
}

int qvl_tokenizer_encode(const qvl_tokenizer *t, const qvl_text_part *part,
                         size_t n_parts, qvl_ids *out, qvl_err *err)
{
    assert(t != NULL && out != NULL && (part != NULL || n_parts == 0));
    encoding e = { .t = t, .part = part, .n_parts = n_parts, .out = out,
                   .err = err };
    size_t n_before = out->n;
    int rc = qvl_guard(encode_steps, &e, err);
    qvl_arena_release(&e.arena);
    if (rc != QVL_OK)
        out->n = n_before;
    return rc;
}

int qvl_tokenizer_remember(qvl_tokenizer *t, const qvl_text_part *part,
                           size_t n_parts, qvl_err *err)
{
    qvl_ids ids = { 0 };
    encoding e = { .t = t, .learner = t, .part = part, .n_parts = n_parts,
                   .out = &ids, .err = err };
    int rc = qvl_guard(encode_steps, &e, err);
    qvl_arena_release(&e.arena);
    qvl_ids_release(&ids);
    return rc;
}

/* ---- decode ------------------------------------------------------------- */

void qvl_decoder_init(qvl_decoder *d, const qvl_tokenizer *t,
                      qvl_special special)
{
    *d = (qvl_decoder){ .t = t, .special = special };
}

/* Append bytes, and hold back a character that is not complete. */
static void put_bytes(qvl_decoder *d, const char *p, size_t len, qvl_str *out)
{
    while (d->n_held > 0 && len > 0) {
        d->held[d->n_held++] = *p++;
        len--;
        if (qvl_utf8_unfinished_bytes(d->held, d->n_held) == d->n_held)
            continue;
        /* Complete, or broken by the last byte, which may begin another. */
        size_t left = qvl_utf8_unfinished_bytes(d->held, d->n_held);
        qvl_utf8_repair(out, d->held, d->n_held - left);
        memmove(d->held, d->held + d->n_held - left, left);
        d->n_held = left;
    }
    size_t left = qvl_utf8_unfinished_bytes(p, len);
    qvl_utf8_repair(out, p, len - left);
    memcpy(d->held + d->n_held, p + len - left, left);
    d->n_held += left;
}

int qvl_decoder_push(qvl_decoder *d, int id, qvl_str *out, qvl_err *err)
{
    const qvl_tokenizer *t = d->t;
    if (id < 0 || id >= t->n_ids || t->token[id].p == NULL)
        return qvl_fail(err, QVL_E_RANGE,
                        "token id: found %d, expected one that has a token, "
                        "below %d",
                        id, t->n_ids);
    const qvl_token *token = &t->token[id];
    if (d->special == QVL_SPECIAL_KEEP || !token->is_special)
        put_bytes(d, token->p, token->len, out);
    return QVL_OK;
}

void qvl_decoder_finish(qvl_decoder *d, qvl_str *out)
{
    qvl_utf8_repair(out, d->held, d->n_held);
    d->n_held = 0;
}

int qvl_tokenizer_decode(const qvl_tokenizer *t, const int *id, size_t n,
                         qvl_special special, qvl_str *out, qvl_err *err)
{
    qvl_decoder d;
    qvl_decoder_init(&d, t, special);
    size_t len = out->len;
    for (size_t i = 0; i < n; i++) {
        int rc = qvl_decoder_push(&d, id[i], out, err);
        if (rc != QVL_OK) {
            out->len = len;
            if (out->p != NULL)
                out->p[len] = '\0';
            qvl_err_add(err, "token %zu of %zu", i, n);
            return rc;
        }
    }
    qvl_decoder_finish(&d, out);
    return QVL_OK;
}
