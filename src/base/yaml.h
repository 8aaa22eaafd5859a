/* yaml.h - YAML text to a tree
 *
 * The part of YAML 1.2 that people write in configurations: block and flow
 * collections, plain, quoted and block scalars, comments, anchors, aliases and
 * merge keys. Refused: tabs as indentation, a key twice, a key that is missing,
 * is no scalar or has an anchor, tags, more than one document, a root that is no map.
 * An empty text is an empty map.
 *
 * Plain scalars become, in this order: null (empty, ~, null), boolean
 * (true/false, yes/no, on/off), integer (decimal, 0x, 0o), number (1e-8
 * included, .inf, .nan), else string. Quoted and block scalars are strings.
 * `s` of every scalar is its text, so a key that wants a string can take `no`
 * as "no". Keys are always strings.
 *
 * A node's place is its first character: the quote of a quoted scalar, the
 * `|` or `>` of a block scalar, behind an anchor's name. An alias gives the
 * node of its anchor, with that place, and shares its items. Merged keys stand
 * behind the map's own ones; own keys win, then the earlier map of a list.
 */
#ifndef QVL_YAML_H
#define QVL_YAML_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"

#define QVL_YAML_MAX_DEPTH 100
/* Nodes of a tree with its aliases written out. */
#define QVL_YAML_MAX_NODES 1000000

/* Parse a text; arguments and memory as in base/json.h. Fails with
 * QVL_E_CONFIG and file:line:column, or QVL_E_MEMORY. */
int qvl_yaml_parse(qvl_node **out, const char *text, size_t len,
                   const char *file, qvl_arena *arena, qvl_err *err);

#endif
