/* node.h - a parsed tree, the same for JSON and YAML
 *
 * Every node knows where it was written, so whoever finds fault with a value
 * can say file:line:column. The tree and its texts belong to the arena given
 * to the parser; nothing here changes them afterwards. Maps keep the order of the
 * text and have no key twice.
 *
 * Conversions here do not bend a type: the rules of the configuration (words
 * as booleans, text as numbers) are built from the qvl_node_read functions.
 */
#ifndef QVL_NODE_H
#define QVL_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/err.h"

typedef enum {
    QVL_NODE_NULL,
    QVL_NODE_BOOL,
    QVL_NODE_INT,
    QVL_NODE_FLOAT,
    QVL_NODE_STRING,
    QVL_NODE_LIST,
    QVL_NODE_MAP
} qvl_node_kind;

typedef struct qvl_node {
    int kind;          // qvl_node_kind
    int line;          // 1-based
    int col;           // 1-based, in characters, of the first character
    bool b;            // BOOL
    const char *file;  // as given to the parser
    int64_t i;         // INT
    double f;          // FLOAT, and INT as the nearest double
    const char *s;     // scalars: STRING decoded, others as spelled; NULL: no
                       // scalar, or a number that was not parsed but set
    size_t s_len;      // bytes of s, which has a NUL behind and may have inside
    struct qvl_node *items;       // [n] LIST and MAP: the values
    const struct qvl_node *keys;  // [n] MAP: STRING nodes with their own marks
    size_t n;                     // LIST and MAP
    const uint32_t *index;        // MAP, private: places of the keys by hash
} qvl_node;

/* "null", "boolean", "integer", "number", "string", "list", "map". */
const char *qvl_node_kind_name(int kind);

/* Value of a key; NULL when the map lacks it, or is NULL or no map. */
const qvl_node *qvl_node_find(const qvl_node *map, const char *key);

/* Same through nested maps: "text_config.hidden_size". */
const qvl_node *qvl_node_path(const qvl_node *root, const char *dotted);

/* The same, but NULL also for a value that is null: a key that was not given. */
const qvl_node *qvl_node_given(const qvl_node *root, const char *dotted);

/* Values as C types; false, and *out unchanged, when the node has another
 * kind. All accept NULL. as_int takes an INT, or a FLOAT with an integral
 * value of at most 2^53; as_float an INT or a finite FLOAT; as_bool a BOOL;
 * as_string a STRING without NULs inside. */
bool qvl_node_as_int(const qvl_node *n, int64_t *out);
bool qvl_node_as_float(const qvl_node *n, double *out);
bool qvl_node_as_bool(const qvl_node *n, bool *out);
bool qvl_node_as_string(const qvl_node *n, const char **out);

/* Read a whole text as a value; false, and *out unchanged, when it is none.
 * int: [-+]digits, 0x hex, 0o octal, within int64. float: decimal with or
 * without exponent, up to 127 characters, not infinite after rounding; also
 * .nan, and .inf with or without sign. bool: true/false, yes/no, on/off in
 * lower, upper or title case. */
bool qvl_node_read_int(const char *text, size_t len, int64_t *out);
bool qvl_node_read_float(const char *text, size_t len, double *out);
bool qvl_node_read_bool(const char *text, size_t len, bool *out);

/* Fail with "FILE:LINE:COL: " of n, which is not NULL, before the message;
 * returns code. */
int qvl_node_fail(const qvl_node *n, qvl_err *err, int code,
                  const char *fmt, ...) QVL_PRINTF(4, 5);

/* For parsers: index the keys of a map and refuse a key that is there twice
 * (fails with `code` at the second one), and a map of 2^30 keys and more. The index
 * belongs to the arena; out of memory unwinds. */
int qvl_node_index(qvl_node *map, qvl_arena *arena, int code, qvl_err *err);

#endif
