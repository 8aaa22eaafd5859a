/* node.c - maps looked up, scalars read
 *
 * Maps of nine keys and more have an index by hash, so a look-up costs the same
 * however many keys a file has; smaller ones are walked. Keys that come twice
 * are found when the index is made.
 */
#include "base/node.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/rng.h"

/* Maps of fewer keys are searched one by one. */
#define INDEX_MIN_KEYS 9

const char *qvl_node_kind_name(int kind)
{
    static const char *const names[] = {
        [QVL_NODE_NULL] = "null",     [QVL_NODE_BOOL] = "boolean",
        [QVL_NODE_INT] = "integer",   [QVL_NODE_FLOAT] = "number",
        [QVL_NODE_STRING] = "string", [QVL_NODE_LIST] = "list",
        [QVL_NODE_MAP] = "map",
    };
    assert(kind >= 0 && (size_t)kind < QVL_COUNT(names));
    return names[kind];
}

static bool is_key(const qvl_node *node, const char *key, size_t len)
{
    return node->s_len == len && memcmp(node->s, key, len) == 0;
}

/* Slots of the index of n keys: a power of two, at most half full. */
static size_t index_slots(size_t n)
{
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    return slots;
}

/* Slot that holds the key, or the empty one where it belongs. A slot holds
 * the place of a key plus one. */
static size_t slot_of(const qvl_node *map, const uint32_t *index,
                      const char *key, size_t len)
{
    size_t mask = index_slots(map->n) - 1;
    size_t slot = (size_t)qvl_rng_mix(0, qvl_rng_hash(key, len)) & mask;
    while (index[slot] != 0 && !is_key(&map->keys[index[slot] - 1], key, len))
        slot = (slot + 1) & mask;
    return slot;
}

/* Place of a key among the first n, or n. */
static size_t place_of(const qvl_node *map, size_t n, const char *key,
                       size_t len)
{
    size_t i = 0;
    while (i < n && !is_key(&map->keys[i], key, len))
        i++;
    return i;
}

static const qvl_node *find(const qvl_node *map, const char *key, size_t len)
{
    if (map == NULL || map->kind != QVL_NODE_MAP)
        return NULL;
    if (map->index == NULL) {
        size_t i = place_of(map, map->n, key, len);
        return i < map->n ? &map->items[i] : NULL;
    }
    uint32_t entry = map->index[slot_of(map, map->index, key, len)];
    return entry != 0 ? &map->items[entry - 1] : NULL;
}

const qvl_node *qvl_node_find(const qvl_node *map, const char *key)
{
    return find(map, key, strlen(key));
}

const qvl_node *qvl_node_path(const qvl_node *root, const char *dotted)
{
    const qvl_node *node = root;
    for (;;) {
        size_t len = strcspn(dotted, ".");
        node = find(node, dotted, len);
        if (node == NULL || dotted[len] == '\0')
            return node;
        dotted += len + 1;
    }
}

const qvl_node *qvl_node_given(const qvl_node *root, const char *dotted)
{
    const qvl_node *n = qvl_node_path(root, dotted);
    return n != NULL && n->kind != QVL_NODE_NULL ? n : NULL;
}

static int fail_twice(const qvl_node *map, size_t first, size_t second,
                      int code, qvl_err *err)
{
    const qvl_node *key = &map->keys[second];
    return qvl_node_fail(key, err, code, "key \"%.200s\": found a second time,"
                         " expected once (the first is in line %d)",
                         key->s, map->keys[first].line);
}

int qvl_node_index(qvl_node *map, qvl_arena *arena, int code, qvl_err *err)
{
    assert(map->kind == QVL_NODE_MAP);

    if (map->n > UINT32_MAX / 4)
        return qvl_node_fail(map, err, code, "found a map of %zu keys, "
                             "expected fewer", map->n);
    if (map->n < INDEX_MIN_KEYS) {
        for (size_t i = 0; i < map->n; i++) {
            const qvl_node *key = &map->keys[i];
            size_t first = place_of(map, i, key->s, key->s_len);
            if (first < i)
                return fail_twice(map, first, i, code, err);
        }
        return QVL_OK;
    }
    uint32_t *index = qvl_arena_array(arena, uint32_t, index_slots(map->n));
    for (size_t i = 0; i < map->n; i++) {
        const qvl_node *key = &map->keys[i];
        size_t slot = slot_of(map, index, key->s, key->s_len);
        if (index[slot] != 0)
            return fail_twice(map, index[slot] - 1, i, code, err);
        index[slot] = (uint32_t)(i + 1);
    }
    map->index = index;
    return QVL_OK;
}

bool qvl_node_as_int(const qvl_node *n, int64_t *out)
{
    if (n == NULL)
        return false;
    if (n->kind == QVL_NODE_INT) {
        *out = n->i;
        return true;
    }
    /* Beyond 2^53 the text may have meant a neighbour. */
    if (n->kind != QVL_NODE_FLOAT || !(fabs(n->f) <= 0x1p53)
        || n->f != floor(n->f))
        return false;
    *out = (int64_t)n->f;
    return true;
}

bool qvl_node_as_float(const qvl_node *n, double *out)
{
    if (n == NULL || (n->kind != QVL_NODE_INT && n->kind != QVL_NODE_FLOAT)
        || !isfinite(n->f))
        return false;
    *out = n->f;
    return true;
}

bool qvl_node_as_bool(const qvl_node *n, bool *out)
{
    if (n == NULL || n->kind != QVL_NODE_BOOL)
        return false;
    *out = n->b;
    return true;
}

bool qvl_node_as_string(const qvl_node *n, const char **out)
{
    if (n == NULL || n->kind != QVL_NODE_STRING || strlen(n->s) != n->s_len)
        return false;
    *out = n->s;
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

bool qvl_node_read_int(const char *text, size_t len, int64_t *out)
{
    const char *p = text;
    const char *end = text + len;
    int base = 10;
    bool negative = false;
    if (len > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'o')) {
        base = p[1] == 'x' ? 16 : 8;
        p += 2;
    } else if (len > 1 && (p[0] == '-' || p[0] == '+')) {
        negative = p[0] == '-';
        p++;
    }
    uint64_t most = (uint64_t)INT64_MAX + (negative ? 1u : 0u);
    uint64_t value = 0;
    if (p == end)
        return false;
    for (; p < end; p++) {
        int digit = digit_of(*p);
        if (digit >= base || value > (most - (uint64_t)digit) / (uint64_t)base)
            return false;
        value = value * (uint64_t)base + (uint64_t)digit;
    }
    /* -value, without the overflow of INT64_MIN */
    *out = negative && value > 0 ? -(int64_t)(value - 1) - 1 : (int64_t)value;
    return true;
}

/* Number of decimal digits at p. */
static size_t digits_at(const char *p)
{
    return strspn(p, "0123456789");
}

/* [-+]? (digits [. digits?] | . digits) ([eE] [-+]? digits)? and nothing
 * behind; strtod alone would take "nan", hex floats and leading spaces. */
static bool is_decimal(const char *p)
{
    p += *p == '-' || *p == '+';
    size_t whole = digits_at(p);
    p += whole;
    size_t fraction = 0;
    if (*p == '.') {
        fraction = digits_at(p + 1);
        p += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        size_t exponent = digits_at(p);
        if (exponent == 0)
            return false;
        p += exponent;
    }
    return *p == '\0';
}

/* One of three spellings: "true", "True", "TRUE". */
static bool is_word(const char *text, size_t len, const char *lower,
                    const char *title, const char *upper)
{
    return len == strlen(lower)
           && (memcmp(text, lower, len) == 0 || memcmp(text, title, len) == 0
               || memcmp(text, upper, len) == 0);
}

bool qvl_node_read_float(const char *text, size_t len, double *out)
{
    char copy[128];
    if (len == 0 || len >= sizeof copy || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (is_decimal(copy)) {
        double value = strtod(copy, NULL);
        if (!isfinite(value))
            return false;
        *out = value;
        return true;
    }
    if (is_word(text, len, ".nan", ".NaN", ".NAN")) {
        *out = (double)NAN;
        return true;
    }
    size_t sign = text[0] == '-' || text[0] == '+';
    if (!is_word(text + sign, len - sign, ".inf", ".Inf", ".INF"))
        return false;
    *out = text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    return true;
}

bool qvl_node_read_bool(const char *text, size_t len, bool *out)
{
    static const struct {
        const char *lower, *title, *upper;
        bool value;
    } words[] = {
        { "true", "True", "TRUE", true },    { "false", "False", "FALSE", false },
        { "yes", "Yes", "YES", true },       { "no", "No", "NO", false },
        { "on", "On", "ON", true },          { "off", "Off", "OFF", false },
    };
    for (size_t i = 0; i < QVL_COUNT(words); i++) {
        if (is_word(text, len, words[i].lower, words[i].title, words[i].upper)) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

int qvl_node_fail(const qvl_node *n, qvl_err *err, int code,
                  const char *fmt, ...)
{
    char text[sizeof err->msg];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return qvl_fail(err, code, "%s:%d:%d: %s", n->file, n->line, n->col, text);
}
