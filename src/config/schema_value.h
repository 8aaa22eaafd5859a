/* schema_value.h - how a scalar of a configuration becomes a value
 *
 * The rules are one for every key: a boolean is true/yes/y/on/1 or
 * false/no/n/off/0; an integer is one, an integral float, or the text of one,
 * never a boolean; a number is finite, or the text of one, never a boolean.
 */
#ifndef QVL_CONFIG_SCHEMA_VALUE_H
#define QVL_CONFIG_SCHEMA_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/node.h"

/* False, and *out unchanged, when the node is no such value. */
bool qvl_value_bool(const qvl_node *node, bool *out);
bool qvl_value_int(const qvl_node *node, int64_t *out);
bool qvl_value_float(const qvl_node *node, double *out);

/* Bytes: a whole number from 0 on, or a number with B, KB, MB, GB, TB behind it
 * (thousands) or KiB and so on (of 1024); below 2^62. */
bool qvl_value_bytes(const qvl_node *node, int64_t *out);

/* Does v obey ">A", ">=A", "A..B" (both included), "A..<B", ">A..<B" or ""? */
bool qvl_value_obeys(double v, const char *rule);

/* Place of the alternative of a WORD rule that has this spelling, case not
 * regarded; -1: none, *is_absent says nothing then. *is_absent: it stands behind a
 * `!`. */
int qvl_value_word(const char *text, const char *rule, bool *is_absent);

/* Is it one of the words "a,b", case not regarded? false, 0 and 0.0 are known in all
 * spellings. */
bool qvl_value_is_word(const char *text, const char *words);

/* Do two nodes say the same: scalars of equal text or number, lists of such. A
 * list of one equals its item, a map nothing. */
bool qvl_value_same(const qvl_node *a, const qvl_node *b);

#endif
