/* parse.c - the objects of an answer, whole or in parts
 *
 * Layers around the JSON are taken off first; then the widest map with objects
 * counts, and where none can be read every object that can on its own. What was
 * dropped or bent is told with its reason.
 */
#include "infer/parse.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "data/text.h"
#include "infer/loose.h"
#include "infer/parse_object.h"

/* How often the bytes of a text may be looked at. A sound answer takes one
 * reading, a damaged one about one for each level of nesting. */
#define READINGS 16
/* Keys are told up to this length. */
#define KEY_MAX_BYTES 64
/* Numbers of objects that are told apart when one comes twice. */
#define SEEN_MAX 65536

#define STEP(name) (1u << QVL_STEP_##name)
/* Steps that any text may need, and those that the form itself has. */
#define STEPS_OF_FORM (STEP(THINK) | STEP(HEADER))
#define STEPS_OF_FINDING (STEPS_OF_FORM | STEP(FENCE) | STEP(AROUND))

typedef struct {
    // borrowed
    const char *p;    // the text without what is stripped
    const char *end;
    qvl_arena *arena;
    const qvl_parse_options *options;

    qvl_answer_builder objects;
    qvl_loose_budget budget;
    unsigned steps;
    bool is_json;
    bool is_found;     // a map, or objects
    int expected;      // number of the next object
    uint8_t *seen;     // [SEEN_MAX / 8] numbers that came
} parse;

/* ---- around the map ----------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void trim(parse *s)
{
    while (s->p < s->end && is_blank(*s->p))
        s->p++;
    while (s->end > s->p && is_blank(s->end[-1]))
        s->end--;
}

static bool begins(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

/* First place of a text, NULL when it is not there. */
static const char *find_text(const char *p, const char *end, const char *word)
{
    return p < end ? memmem(p, (size_t)(end - p), word, strlen(word)) : NULL;
}

/* Control tokens like <|im_end|> at the end of raw text. */
static void strip_tokens(parse *s)
{
    enum { LONGEST = 32 };
    while (s->end - s->p > 4 && memcmp(s->end - 2, "|>", 2) == 0) {
        const char *q = s->end - 3;
        while (q > s->p && s->end - q < LONGEST && *q != '<')
            q--;
        if (q[0] != '<' || q[1] != '|')
            return;
        s->end = q;
        trim(s);
    }
}

/* A block of thoughts in front; one that never ends leaves nothing. */
static void strip_think(parse *s)
{
    static const char close[] = "</think>";
    if (!begins(s->p, s->end, "<think>"))
        return;
    const char *q = find_text(s->p, s->end, close);
    s->p = q != NULL ? q + sizeof close - 1 : s->end;
    s->steps |= STEP(THINK);
    trim(s);
}

/* Header lines: <NAME=VALUE>, joined by commas or line ends. */
static void strip_headers(parse *s)
{
    size_t n = qvl_text_head(s->p, (size_t)(s->end - s->p));
    if (n == 0)
        return;
    s->p += n;
    s->steps |= STEP(HEADER);
    trim(s);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A fence of back quotes, with or without the name of a language. */
static void strip_fence(parse *s)
{
    static const char fence[] = "```";
    if (!begins(s->p, s->end, fence))
        return;
    s->p += sizeof fence - 1;
    while (s->p < s->end && is_letter(*s->p))
        s->p++;
    if (s->end - s->p >= 3 && memcmp(s->end - 3, fence, 3) == 0)
        s->end -= 3;
    s->steps |= STEP(FENCE);
    trim(s);
}

/* ---- keys --------------------------------------------------------------- */

/* A key for messages: not too long, cut between characters. */
static const char *told_key(parse *s, const char *key, size_t len)
{
    if (len > KEY_MAX_BYTES) {
        len = KEY_MAX_BYTES;
        while (len > 0 && ((unsigned char)key[len] & 0xc0u) == 0x80u)
            len--;
    }
    char *text = qvl_arena_strndup(s->arena, key, len);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20)
            text[i] = ' ';
    return text;
}

/* An outer layer for one picture: "image_1" or, in Chinese, its like. */
static bool is_wrapper(const qvl_loose_item *item)
{
    static const char *const prefix[] = {
        "image_", "\xe5\x9b\xbe\xe7\x89\x87_"
    };
    if (item->value.kind != QVL_LOOSE_MAP)
        return false;
    for (size_t i = 0; i < QVL_COUNT(prefix); i++) {
        size_t n = strlen(prefix[i]);
        if (item->key_len <= n || memcmp(item->key, prefix[i], n) != 0)
            continue;
        size_t k = n;
        while (k < item->key_len && item->key[k] >= '0' && item->key[k] <= '9')
            k++;
        if (k == item->key_len)
            return true;
    }
    return false;
}

static bool is_object(const qvl_loose_item *item)
{
    bool is_exact;
    return item->value.kind == QVL_LOOSE_MAP
           && qvl_answer_key_number(item->key, item->key_len, &is_exact) > 0;
}

/* Does a map hold objects, or a layer that may? */
static bool has_objects(const qvl_loose_value *map)
{
    for (size_t i = 0; i < map->n; i++)
        if (is_object(&map->item[i]) || is_wrapper(&map->item[i]))
            return true;
    return false;
}

/* What is wrong with the number of a key, given those before it. */
static unsigned check_number(parse *s, int number, bool is_exact)
{
    unsigned faults = is_exact ? 0 : 1u << QVL_ANSWER_BAD_KEY;
    bool is_seen = false;
    if (number < SEEN_MAX) {
        uint8_t bit = (uint8_t)(1u << number % 8);
        is_seen = (s->seen[number / 8] & bit) != 0;
        s->seen[number / 8] |= bit;
    }
    if (is_seen)
        return faults | 1u << QVL_ANSWER_DUPLICATE_KEY;
    bool is_next = number == s->expected
                   || (s->steps & STEP(SALVAGE) && number > s->expected);
    s->expected = number < SEEN_MAX ? number + 1 : number;
    return is_next ? faults : faults | 1u << QVL_ANSWER_BAD_KEY;
}

/* ---- objects out of a map ----------------------------------------------- */

static void collect(parse *s, const qvl_loose_value *map, int depth);

static void add_object(parse *s, const qvl_loose_item *item, int depth)
{
    bool is_exact;
    int number = qvl_answer_key_number(item->key, item->key_len, &is_exact);
    unsigned faults = check_number(s, number, is_exact);
    const char *key = told_key(s, item->key, item->key_len);
    /* A missing bracket lets the next object begin inside this one. */
    bool is_nested = depth < QVL_JSON_MAX_DEPTH && has_objects(&item->value);
    if (item->value.is_whole || is_nested)
        qvl_answer_builder_add(&s->objects, key, &item->value, faults);
    else
        qvl_answer_builder_drop(&s->objects, key, QVL_ANSWER_TRUNCATED);
    if (!is_nested)
        return;
    s->steps |= STEP(CLOSE);
    for (size_t i = 0; i < item->value.n; i++)
        if (is_object(&item->value.item[i]))
            add_object(s, &item->value.item[i], depth + 1);
}

/* Take the objects of a layer, or of all of them for several pictures: whose
 * they are could not be told, so they are dropped. */
static void add_wrapper(parse *s, const qvl_loose_value *map, size_t i,
                        int depth)
{
    const qvl_loose_item *item = &map->item[i];
    if (map->n == 1 && depth == 0 && s->options->n_images <= 1) {
        s->steps |= STEP(UNWRAP);
        collect(s, &item->value, depth + 1);
        return;
    }
    const char *key = told_key(s, item->key, item->key_len);
    for (size_t k = 0; k < item->value.n; k++)
        qvl_answer_builder_drop(&s->objects, key, QVL_ANSWER_BAD_KEY);
}

static void collect(parse *s, const qvl_loose_value *map, int depth)
{
    for (size_t i = 0; i < map->n; i++) {
        const qvl_loose_item *item = &map->item[i];
        if (is_object(item))
            add_object(s, item, depth);
        else if (is_wrapper(item))
            add_wrapper(s, map, i, depth);
        else
            qvl_answer_builder_drop(
                &s->objects, told_key(s, item->key, item->key_len),
                item->value.is_whole ? QVL_ANSWER_BAD_KEY
                                     : QVL_ANSWER_TRUNCATED);
    }
}

/* ---- finding the map ---------------------------------------------------- */

typedef struct {
    qvl_loose map;
    const char *start;  // NULL: none
} candidate;

static void keep_widest(candidate *best, const qvl_loose *map,
                        const char *start)
{
    if (best->start == NULL
        || map->end - start > best->map.end - best->start)
        *best = (candidate){ *map, start };
}

/* The widest map with objects, and the widest of the others that is no part of
 * something unreadable. */
static void find_maps(parse *s, candidate *answer, candidate *other)
{
    bool is_clean = true;
    const char *p = s->p;
    while (p < s->end
           && (p = memchr(p, '{', (size_t)(s->end - p))) != NULL) {
        qvl_loose map;
        if (!qvl_loose_read(&map, p, s->end, &s->budget, s->arena)) {
            is_clean = false;
            p++;
            continue;
        }
        if (has_objects(&map.value))
            keep_widest(answer, &map, p);
        else if (is_clean)
            keep_widest(other, &map, p);
        p = map.end;
    }
}

/* Does a text go on with more objects behind a map that closed too early? */
static bool is_continued(const parse *s, const candidate *c)
{
    const char *p = qvl_loose_skip_space(c->map.end, s->end);
    if (p == s->end || *p != ',')
        return false;
    p = qvl_loose_skip_space(p + 1, s->end);
    return p < s->end && *p == '"' && begins(p + 1, s->end, "object");
}

static void use_map(parse *s, const candidate *c)
{
    static const struct {
        unsigned fix, step;
    } steps[] = {
        { QVL_LOOSE_FIX_COMMA, STEP(COMMA) },
        { QVL_LOOSE_FIX_WIDE, STEP(WIDE) },
        { QVL_LOOSE_FIX_QUOTE, STEP(QUOTE) },
        { QVL_LOOSE_FIX_STRING, STEP(STRING) },
        { QVL_LOOSE_FIX_WORD, STEP(WORD) },
        { QVL_LOOSE_FIX_CLOSE, STEP(CLOSE) },
    };
    bool is_alone = c->start == s->p && c->map.end == s->end;
    bool is_short = (c->map.fixes & QVL_LOOSE_FIX_CLOSE) != 0;
    for (size_t i = 0; i < QVL_COUNT(steps); i++)
        if (c->map.fixes & steps[i].fix)
            s->steps |= steps[i].step;
    if (!is_alone)
        s->steps |= STEP(AROUND);
    s->is_found = true;
    s->is_json = c->map.fixes == 0 && is_alone && !(s->steps & STEP(FENCE));
    if (s->options->mode == QVL_PARSE_STRICT && c->map.fixes != 0) {
        s->is_found = false;
        qvl_answer_builder_note(&s->objects, NULL,
                                is_short ? QVL_ANSWER_TRUNCATED
                                         : QVL_ANSWER_NO_JSON);
        return;
    }
    if (c->map.is_cut || (is_short && s->options->is_cut))
        qvl_answer_builder_note(&s->objects, NULL, QVL_ANSWER_TRUNCATED);
    collect(s, &c->map.value, 0);
}

/* ---- picking objects ---------------------------------------------------- */

/* A place where `"object_12": {` stands. */
typedef struct {
    const char *key;
    size_t key_len;
    const char *map;  // the bracket
} beginning;

/* Does one begin at p, where a word "object" stands? */
static bool is_beginning(beginning *b, const char *p, const char *end)
{
    static const char quotes[] = "\"'";
    const char *q = p + strlen("object");
    if (q < end && (*q == '_' || *q == '-' || *q == ' '))
        q++;
    const char *digits = q;
    while (q < end && *q >= '0' && *q <= '9')
        q++;
    if (q == digits)
        return false;
    b->key = p;
    b->key_len = (size_t)(q - p);
    if (q < end && *q != '\0' && strchr(quotes, *q) != NULL)
        q++;
    q = qvl_loose_skip_space(q, end);
    if (begins(q, end, ":"))
        q++;
    else if (begins(q, end, "\xef\xbc\x9a"))  // U+FF1A
        q += 3;
    else
        return false;
    b->map = qvl_loose_skip_space(q, end);
    return b->map < end && *b->map == '{';
}

/* Take every object that can be read on its own. */
static void salvage(parse *s)
{
    s->steps |= STEP(SALVAGE);
    const char *p = s->p;
    while ((p = find_text(p, s->end, "object")) != NULL) {
        beginning b;
        qvl_loose map;
        if (!is_beginning(&b, p, s->end)) {
            p++;
            continue;
        }
        s->is_found = true;
        if (!qvl_loose_read(&map, b.map, s->end, &s->budget, s->arena)) {
            bool is_exact;
            int number = qvl_answer_key_number(b.key, b.key_len, &is_exact);
            check_number(s, number, is_exact);
            qvl_answer_builder_drop(&s->objects,
                                    told_key(s, b.key, b.key_len),
                                    QVL_ANSWER_UNREADABLE);
            p = b.map + 1;
            continue;
        }
        qvl_loose_item item = { b.key, b.key_len, map.value };
        add_object(s, &item, 0);
        p = map.end;
    }
}

static void read_map(parse *s)
{
    candidate answer = { 0 };
    candidate other = { 0 };
    bool is_strict = s->options->mode == QVL_PARSE_STRICT;
    find_maps(s, &answer, &other);
    if (answer.start != NULL && (is_strict || !is_continued(s, &answer))) {
        use_map(s, &answer);
        return;
    }
    if (!is_strict)
        salvage(s);
    if (s->is_found)
        return;
    s->steps &= ~STEP(SALVAGE);
    if (other.start != NULL)
        use_map(s, &other);
    else
        qvl_answer_builder_note(&s->objects, NULL, QVL_ANSWER_NO_JSON);
}

/* ---- result ------------------------------------------------------------- */

static bool has_error(const qvl_answer *a, qvl_answer_fault fault)
{
    for (int i = 0; i < a->n_errors; i++)
        if (a->error[i].fault == fault)
            return true;
    return false;
}

static qvl_answer_level level_of(const parse *s, const qvl_answer *a)
{
    if (!s->is_found || (a->n_objects == 0 && a->n_dropped > 0))
        return QVL_ANSWER_FAILED;
    if (s->steps & STEP(SALVAGE) || has_error(a, QVL_ANSWER_TRUNCATED))
        return QVL_ANSWER_SALVAGED;
    if (a->n_errors > 0 || (s->steps & ~STEPS_OF_FINDING) != 0)
        return QVL_ANSWER_REPAIRED;
    return QVL_ANSWER_STRICT;
}

void qvl_answer_parse(qvl_answer *out, const char *text, size_t len,
                      const qvl_parse_options *options, qvl_arena *arena)
{
    assert(out != NULL && arena != NULL && (text != NULL || len == 0));

    static const qvl_parse_options defaults = { 0 };
    text = text != NULL ? text : "";
    parse s = { .p = text, .end = text + len, .arena = arena,
                .options = options != NULL ? options : &defaults,
                .budget = { READINGS * len + 1 }, .expected = 1,
                .seen = qvl_arena_array(arena, uint8_t, SEEN_MAX / 8) };
    s.objects = (qvl_answer_builder){ .arena = arena,
                                      .mode = s.options->mode };
    if (begins(s.p, s.end, "\xef\xbb\xbf"))
        s.p += 3;  // a byte order mark is no character of the text
    trim(&s);
    strip_tokens(&s);
    strip_think(&s);
    strip_headers(&s);
    strip_fence(&s);
    read_map(&s);
    qvl_answer_builder_unify(&s.objects);

    const qvl_answer_builder *b = &s.objects;
    qvl_answer a = {
        .object = b->object, .n_objects = b->n, .n_dropped = b->n_dropped,
        .error = b->errors.p, .n_errors = b->errors.n,
        .warning = b->warnings.p, .n_warnings = b->warnings.n,
        .steps = s.steps, .is_json = s.is_json, .ok = b->errors.n == 0,
    };
    a.level = level_of(&s, &a);
    a.format_ok = a.level == QVL_ANSWER_STRICT
                  && (a.steps & ~STEPS_OF_FORM) == 0;
    *out = a;
}
