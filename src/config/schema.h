/* schema.h - the table of keys, and a tree read by it
 *
 * The rows are those of keys.def. Reading collects every fault; it never stops
 * at the first. All of it runs out of host memory as an arena does.
 */
#ifndef QVL_CONFIG_SCHEMA_H
#define QVL_CONFIG_SCHEMA_H

#include <stddef.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/node.h"
#include "config/run_config.h"

typedef enum {
    QVL_KEY_BOOL,
    QVL_KEY_INT,
    QVL_KEY_FLOAT,
    QVL_KEY_TEXT,
    QVL_KEY_PROMPT,
    QVL_KEY_LIST,
    QVL_KEY_PROMPTS,
    QVL_KEY_WORD,
    QVL_KEY_BYTES,
    QVL_KEY_MAP,
    /* keys without a field */
    QVL_KEY_ALIAS,
    QVL_KEY_FILES,
    QVL_KEY_IGNORED,
    QVL_KEY_ONLY,
    QVL_KEY_OFF,
    QVL_KEY_ABSENT,
    QVL_KEY_GONE
} qvl_key_type;

typedef struct {
    const char *section;  // "training"; "" at the top; NULL: path is whole
    const char *name;     // "seed", or a whole path; may end in '*'
    qvl_key_type type;
    size_t at;            // of the field in qvl_run_config
    const char *preset;   // NULL: unset
    const char *rule;     // of keys.def; why, what, instead of the others
    const char *words;    // ONLY, IGNORED: values, of the latter NULL for any; OFF:
                          // keys of the map beside `enabled`
    const char *about;    // for people; NULL where `rule` is that
} qvl_key;

extern const qvl_key qvl_keys[];
extern const size_t qvl_n_keys;

/* Preset of a key that must be given; compared by address. */
extern const char qvl_key_needed[];

/* Faults that are kept and told; a text of a few lines can have a million, where it
 * names one list again and again. */
#define QVL_MOST_FAULTS 100

/* Faults, as they are found; none with zeroes and an arena. */
typedef struct {
    qvl_arena *arena;
    qvl_err *fault;       // the first [n] of QVL_MOST_FAULTS
    const qvl_node **at;  // likewise, where; NULL: nowhere
    int n;                // that were found
    int n_absent;         // of them, QVL_E_UNSUPPORTED
} qvl_faults;

/* Add a fault; `at` gives the place in front, NULL: none. Control characters of a
 * value become blanks, so that a fault is one line. */
void qvl_faults_add(qvl_faults *f, const qvl_node *at, int code,
                    const char *fmt, ...) QVL_PRINTF(4, 5);

/* Has a fault that was kept been found at this node? NULL has none. */
bool qvl_faults_has(const qvl_faults *f, const qvl_node *at);

/* Are there as many as are told? What a message costs need not be spent then. */
bool qvl_faults_is_full(const qvl_faults *f);

/* Hint of the last fault, which there is. */
void qvl_faults_hint(qvl_faults *f, const char *fmt, ...) QVL_PRINTF(2, 3);

/* Log all but the last fault and raise the last, with QVL_E_UNSUPPORTED when all of
 * them have that code, else QVL_E_CONFIG; QVL_OK without any. */
int qvl_faults_raise(const qvl_faults *f, qvl_err *err);

/* Whole path of a key: of the table, or in the arena. */
const char *qvl_key_path(const qvl_key *key, qvl_arena *arena);

/* The key of a path: the first row that it fits, NULL when there is none. */
const qvl_key *qvl_key_find(const char *path);

/* Is the key there and not null? The node, or NULL. */
const qvl_node *qvl_key_given(const qvl_node *tree, const char *path);

/* The node that ends a path before a value comes: a null, of the key or of a map
 * around it, or something else where a map should be. NULL: there is a value, or the
 * key is just not there. */
const qvl_node *qvl_key_hole(const qvl_node *tree, const char *path);

/* Add the fault that a key has no value: with the place of the null that took it
 * away, or behind the name of the file. None where a map around it is no map: that
 * is a fault of its own. */
void qvl_key_missing(const qvl_run_config *c, const char *path,
                     const char *wanted, qvl_faults *faults);

/* Fill every field of a configuration, zeroed but for tree and files, from the tree.
 * What is missing, unknown, wrong or not supported goes to `faults`; notices go to the
 * log. Texts are those of the tree, of the table, or of the arena of the faults. */
void qvl_schema_read(qvl_run_config *c, const qvl_node *tree,
                     qvl_faults *faults);

/* Fill the field of one key, at `base` + key->at, from a node; NULL: with its preset,
 * if it has one. The rest as above: a fault leaves the field as it was. */
void qvl_key_read(void *base, const qvl_key *key, const qvl_node *node,
                  qvl_faults *faults);

/* Name of alternative k of a WORD rule, in the arena; NULL beyond the last. */
const char *qvl_key_word(const qvl_key *key, int k, qvl_arena *arena);

#endif
