/* split.c - the expression of a tokenizer, as this engine has to read it
 *
 * Escapes that engines read in different ways are refused instead of guessed.
 * Steps of a match are bounded, so that a text cannot make a walk endless;
 * going past the bound is an error. Most expressions are of the form that a matcher
 * reads: then the engine is asked once what its sets hold, and later only for the
 * matches that the matcher cannot tell.
 */
#include "text/split.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <ctype.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "text/matcher.h"

struct qvl_split {
    // owned
    qvl_arena arena;
    pcre2_code *code;
    bool has_matcher;
    qvl_matcher matcher;
};

/* What a walk needs of the library; all memory is the arena's. */
typedef struct {
    pcre2_general_context *general;
    pcre2_match_context *context;
    pcre2_match_data *data;
} work;

/* Steps of one match: enough to go back over the whole text many times, few
 * enough to end. */
#define BASE_STEPS 10000000u
#define STEPS_PER_BYTE 64u

/* ---- the expression ----------------------------------------------------- */

/* Names of classes, as the inside of a class. The library's own tables may be
 * of any version of Unicode: letters and numbers that came with 15 and 16 are
 * added by hand, so that a text has the same pieces everywhere. */
static const struct {
    const char *name;
    const char *inside;
} classes[] = {
    { "\\s", "\\p{Z}\\t-\\r\\x{85}" },
    { "\\p{L}",
      "\\p{L}\\x{1c89}\\x{1c8a}\\x{a7cb}-\\x{a7cd}\\x{a7da}-\\x{a7dc}"
      "\\x{105c0}-\\x{105f3}\\x{10d4a}-\\x{10d65}\\x{10d6f}-\\x{10d85}"
      "\\x{10ec2}-\\x{10ec4}\\x{1123f}\\x{11240}\\x{11380}-\\x{11389}"
      "\\x{1138b}\\x{1138e}\\x{11390}-\\x{113b5}\\x{113b7}\\x{113d1}"
      "\\x{113d3}\\x{11bc0}-\\x{11be0}\\x{11f02}\\x{11f04}-\\x{11f10}"
      "\\x{11f12}-\\x{11f33}\\x{1342f}\\x{13441}-\\x{13446}"
      "\\x{13460}-\\x{143fa}\\x{16100}-\\x{1611d}\\x{16d40}-\\x{16d6c}"
      "\\x{18cff}\\x{1b132}\\x{1b155}\\x{1df25}-\\x{1df2a}"
      "\\x{1e030}-\\x{1e06d}\\x{1e4d0}-\\x{1e4eb}\\x{1e5d0}-\\x{1e5ed}"
      "\\x{1e5f0}\\x{2b739}\\x{2ebf0}-\\x{2ee5d}\\x{31350}-\\x{323af}" },
    { "\\p{N}",
      "\\p{N}\\x{10d40}-\\x{10d49}\\x{116d0}-\\x{116e3}\\x{11bf0}-\\x{11bf9}"
      "\\x{11f50}-\\x{11f59}\\x{16130}-\\x{16139}\\x{16d70}-\\x{16d79}"
      "\\x{1ccf0}-\\x{1ccf9}\\x{1d2c0}-\\x{1d2d3}\\x{1e4f0}-\\x{1e4f9}"
      "\\x{1e5f1}-\\x{1e5fa}" },
};

static int refuse(qvl_err *err, const char *pattern, size_t at, size_t len)
{
    return qvl_fail(err, QVL_E_MODEL,
                    "split expression: found %.*s at byte %zu of %s, expected "
                    "what this program reads",
                    (int)len, pattern + at, at, pattern);
}

/* Copy the escape at *at and step over it; the engines agree on the ones
 * listed, and on a backslash before a sign. */
static int copy_escape(qvl_str *out, const char *pattern, size_t *at,
                       bool in_class, qvl_err *err)
{
    const char *p = pattern + *at;
    for (size_t i = 0; i < QVL_COUNT(classes); i++) {
        size_t len = strlen(classes[i].name);
        if (strncmp(p, classes[i].name, len) == 0) {
            qvl_str_printf(out, in_class ? "%s" : "[%s]", classes[i].inside);
            *at += len;
            return QVL_OK;
        }
    }
    char c = p[1];
    if (c == '\0' || !(strchr("Srnt", c) || ispunct((uint8_t)c))
        || (c == 'S' && in_class))
        return refuse(err, pattern, *at, c != '\0' ? 2 : 1);
    if (c == 'S')
        qvl_str_printf(out, "[^%s]", classes[0].inside);
    else
        qvl_str_putn(out, p, 2);
    *at += 2;
    return QVL_OK;
}

/* Do the engines read the sign at p in different ways? */
static bool is_disputed(const char *p, bool in_class)
{
    if (in_class)
        return *p == '[' || strncmp(p, "&&", 2) == 0;
    if (*p == '[')
        return p[1] == ']' || strncmp(p, "[^]", 3) == 0;
    return strchr(".^$", *p) != NULL || strncmp(p, "(*", 2) == 0;
}

/* The expression as this engine has to read it. */
static int translate(qvl_str *out, const char *pattern, qvl_err *err)
{
    bool in_class = false;
    for (size_t i = 0; pattern[i] != '\0';) {
        char c = pattern[i];
        if (c == '\\') {
            QVL_TRY(copy_escape(out, pattern, &i, in_class, err));
            continue;
        }
        if (is_disputed(pattern + i, in_class))
            return refuse(err, pattern, i, 1);
        if (c == '[' || c == ']')
            in_class = c == '[';
        size_t len = strncmp(pattern + i, "[^", 2) == 0 ? 2 : 1;
        qvl_str_putn(out, pattern + i, len);
        i += len;
    }
    return QVL_OK;
}

#define OPTIONS (PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C)

static int compile(pcre2_code **out, const char *pattern, const char *source,
                   qvl_err *err)
{
    int number;
    PCRE2_SIZE place;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     OPTIONS, &number, &place, NULL);
    if (code == NULL && number == PCRE2_ERROR_HEAP_FAILED)
        return qvl_fail(err, QVL_E_MEMORY, "no memory for an expression");
    if (code == NULL) {
        PCRE2_UCHAR text[128];
        pcre2_get_error_message(number, text, sizeof text);
        return qvl_fail(err, QVL_E_MODEL,
                        "split expression: found %s, expected a regular "
                        "expression (%s)",
                        source, (const char *)text);
    }
    uint32_t may_be_empty = 0;
    pcre2_pattern_info(code, PCRE2_INFO_MATCHEMPTY, &may_be_empty);
    if (may_be_empty != 0) {
        pcre2_code_free(code);
        return qvl_fail(err, QVL_E_MODEL,
                        "split expression: found %s, expected one that never "
                        "matches nothing",
                        source);
    }
    /* Where the machine allows no code of our own, matching is slower. */
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    *out = code;
    return QVL_OK;
}

/* ---- memory of the engine ------------------------------------------------- */

static void *take_memory(PCRE2_SIZE bytes, void *arena)
{
    return qvl_arena_alloc(arena, bytes);
}

/* The arena frees it. */
static void leave_memory(void *p, void *arena)
{
    (void)p;
    (void)arena;
}

/* ---- what sets hold ------------------------------------------------------- */

/* All characters that a matcher has in its table, one behind the other, as UTF-8. */
static char *all_characters(size_t *len, qvl_arena *arena)
{
    char *text = qvl_arena_alloc_n(arena, QVL_MATCHER_CHARS, 3);
    *len = 0;
    for (uint32_t code = 0; code < QVL_MATCHER_CHARS; code++)
        if (code < 0xd800 || code > 0xdfff)
            *len += qvl_utf8_put(text + *len, code);
    return text;
}

/* Sets of a matcher being asked for. */
typedef struct {
    qvl_matcher *m;
    const char *text;    // all characters, [len]
    size_t len;
    qvl_arena *arena;    // of the matches
    pcre2_code *code;    // owned; of one set
} asking;

/* Put a set into the table for the characters of text[from, end). */
static void mark(const asking *a, int set, size_t from, size_t end)
{
    size_t bytes;
    for (; from < end; from += bytes)
        a->m->sets[qvl_utf8_code(a->text + from, &bytes)] |= (uint32_t)1 << set;
}

/* Ask the engine for runs of characters of set number i; false when it fails. */
static bool ask(asking *a, int i)
{
    const qvl_matcher_set *set = &a->m->set[i];
    const char *run = qvl_arena_printf(a->arena, "%.*s+", (int)set->len, set->p);
    int number;
    PCRE2_SIZE place;
    a->code = pcre2_compile((PCRE2_SPTR)run, PCRE2_ZERO_TERMINATED,
                            OPTIONS | (set->ignores_case ? PCRE2_CASELESS : 0),
                            &number, &place, NULL);
    if (a->code == NULL)
        return false;
    pcre2_jit_compile(a->code, PCRE2_JIT_COMPLETE);
    pcre2_general_context *general =
        pcre2_general_context_create(take_memory, leave_memory, a->arena);
    pcre2_match_data *data = pcre2_match_data_create(1, general);
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(data);
    int rc = 1;
    for (size_t at = 0; at < a->len && rc > 0; at = found[1]) {
        rc = pcre2_match(a->code, (PCRE2_SPTR)a->text, a->len, at,
                         PCRE2_NO_UTF_CHECK, data, NULL);
        if (rc > 0)
            mark(a, i, found[0], found[1]);
    }
    pcre2_code_free(a->code);
    a->code = NULL;
    return rc > 0 || rc == PCRE2_ERROR_NOMATCH;
}

static int ask_steps(void *arg)
{
    asking *a = arg;
    a->text = all_characters(&a->len, a->arena);
    for (int i = 0; i < a->m->n_sets; i++)
        if (!ask(a, i))
            return QVL_E_MODEL;
    return QVL_OK;
}

/* Fill the table of a matcher. *is_known is false when the engine does not say what a
 * set holds. */
static int fill_matcher(qvl_matcher *m, bool *is_known, qvl_err *err)
{
    qvl_arena scratch = { 0 };
    asking a = { .m = m, .arena = &scratch };
    int rc = qvl_guard(ask_steps, &a, err);
    pcre2_code_free(a.code);
    qvl_arena_release(&scratch);
    *is_known = rc == QVL_OK;
    return rc == QVL_E_MEMORY ? rc : QVL_OK;
}

/* ---- opening -------------------------------------------------------------- */

typedef struct {
    qvl_split *split;
    const char *pattern;
    qvl_str translated;
    qvl_err *err;
} opening;

static int open_steps(void *arg)
{
    opening *o = arg;
    qvl_split *s = o->split;
    QVL_TRY(translate(&o->translated, o->pattern, o->err));
    const char *p = o->translated.p != NULL ? o->translated.p : "";
    QVL_TRY(compile(&s->code, p, o->pattern, o->err));
    if (!qvl_matcher_parse(&s->matcher, qvl_arena_strdup(&s->arena, p), &s->arena))
        return QVL_OK;
    return fill_matcher(&s->matcher, &s->has_matcher, o->err);
}

int qvl_split_open(qvl_split **split, const char *pattern, qvl_err *err)
{
    assert(pattern != NULL);
    qvl_split *s = qvl_memory_zeroed(1, sizeof *s);
    opening o = { .split = s, .pattern = pattern, .err = err };
    int rc = qvl_guard(open_steps, &o, err);
    qvl_str_release(&o.translated);
    if (rc != QVL_OK) {
        qvl_split_close(s);
        return rc;
    }
    *split = s;
    return QVL_OK;
}

void qvl_split_close(qvl_split *split)
{
    if (split == NULL)
        return;
    pcre2_code_free(split->code);
    qvl_arena_release(&split->arena);
    free(split);
}

/* ---- a walk ------------------------------------------------------------- */

void qvl_split_start(qvl_split_walk *walk, const qvl_split *split,
                     const char *text, size_t len, qvl_arena *arena)
{
    *walk = (qvl_split_walk){ .split = split, .text = text, .len = len,
                              .arena = arena };
}

/* What the engine needs; made when it is asked for the first time. */
static work *work_of(qvl_split_walk *walk)
{
    if (walk->work != NULL)
        return walk->work;
    work *w = qvl_arena_array(walk->arena, work, 1);
    w->general = pcre2_general_context_create(take_memory, leave_memory,
                                              walk->arena);
    w->context = pcre2_match_context_create(w->general);
    w->data = pcre2_match_data_create(1, w->general);
    size_t steps = BASE_STEPS + walk->len * STEPS_PER_BYTE;
    pcre2_set_match_limit(w->context,
                          steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
    walk->work = w;
    return w;
}

/* Put the next match at or behind `at` into the walk; len, len when there is
 * none. */
static int find_match(qvl_split_walk *walk, qvl_err *err)
{
    work *w = work_of(walk);
    PCRE2_SPTR text = (PCRE2_SPTR)walk->text;
    int rc = pcre2_match(walk->split->code, text, walk->len, walk->at,
                         PCRE2_NO_UTF_CHECK, w->data, w->context);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(walk->split->code, text, walk->len, walk->at,
                         PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, w->data,
                         w->context);
    walk->match = walk->match_end = walk->len;
    if (rc == PCRE2_ERROR_NOMATCH)
        return QVL_OK;
    if (rc < 0) {
        PCRE2_UCHAR message[128];
        pcre2_get_error_message(rc, message, sizeof message);
        return qvl_fail(err, QVL_E_DATA,
                        "text: its split at byte %zu of %zu ended with \"%s\"",
                        walk->at, walk->len, (const char *)message);
    }
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(w->data);
    walk->match = place[0];
    walk->match_end = place[1];
    return QVL_OK;
}

int qvl_split_next(qvl_split_walk *walk, const char **piece, size_t *len,
                   qvl_err *err)
{
    if (walk->at == walk->match_end && walk->at < walk->len) {
        const qvl_split *s = walk->split;
        size_t n = !s->has_matcher ? 0 : qvl_matcher_match(&s->matcher, walk->text,
                                                           walk->len, walk->at);
        walk->match = walk->at;
        walk->match_end = walk->at + n;
        if (n == 0)
            QVL_TRY(find_match(walk, err));
    }
    size_t end = walk->at < walk->match ? walk->match : walk->match_end;
    *piece = walk->text + walk->at;
    *len = end - walk->at;
    walk->at = end;
    return QVL_OK;
}
