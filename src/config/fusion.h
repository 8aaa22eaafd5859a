/* fusion.h - several sets of data in one run
 *
 *     targets:                       what the run is about; at least one
 *       - {dataset: bbu, train_jsonl: bbu.jsonl, template: target_dense_bbu}
 *     sources:                       what is mixed in, may be missing
 *       - {dataset: lvis, train_jsonl: lvis.jsonl, template: source_dense,
 *          ratio: 0.1}
 *
 * A file of YAML, or of JSON when its name ends in .json. fusion_keys.def lists the
 * keys of an entry. `extends` is that of inherit.h, but lists of entries merge: an
 * entry goes onto the one that has its name (or its dataset, without a name), maps
 * deep; others are added behind, in their order; `[]` clears a list.
 *
 * Names are unique in both lists, also when case is not regarded. All faults are found
 * in one go, as in run_config.h. Relative paths are relative to the working folder, but
 * for `extends`. No file of records is opened; prompts are read.
 *
 * All of it runs out of host memory as an arena does.
 */
#ifndef QVL_CONFIG_FUSION_H
#define QVL_CONFIG_FUSION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "config/run_config.h"

/* Places of words in the rules of fusion_keys.def. */
enum {
    QVL_FUSION_BBU, QVL_FUSION_RRU, QVL_FUSION_COCO, QVL_FUSION_OBJECTS365,
    QVL_FUSION_LVIS, QVL_FUSION_FLICKR3K, QVL_FUSION_CHAT, QVL_FUSION_JSONL
};
enum { QVL_FUSION_DENSE, QVL_FUSION_SUMMARY };  // in the order of qvl_mode
enum { QVL_FUSION_POLY_OFF, QVL_FUSION_POLY_BOX };

/* The prompts that a template stands for. */
typedef enum {
    QVL_FUSION_PACK_DENSE,
    QVL_FUSION_PACK_SUMMARY,
    QVL_FUSION_PACK_AUXILIARY,  // dense, of sources
    QVL_FUSION_PACK_NONE        // conversations bring their own
} qvl_fusion_pack;

/* One set of data. Fields are keys with their final values. */
typedef struct {
#define KEY(name, type, target, source, rule) QVL_FIELD_##type name;
#include "config/fusion_keys.def"
#undef KEY
    bool is_target;
    qvl_fusion_pack pack;  // of the template
    const char *domain;    // what stands behind the template's name; NULL: nothing
    const qvl_node *node;  // the entry in its file, for messages
} qvl_fusion_entry;

/* Belongs to the arena of the call that loaded it. */
typedef struct qvl_fusion {
    const qvl_fusion_entry *entry;  // [n] targets, then sources, in their order
    int n;
    int n_targets;
    qvl_texts files;                // that were read, weakest first
} qvl_fusion;

/* Load a fusion.
 *
 *   f     filled; unchanged on error
 *   mode  of entries that name none: that of the run; -1: that of their template
 *
 * Fails with QVL_E_CONFIG, QVL_E_IO or QVL_E_MEMORY. */
int qvl_fusion_load(qvl_fusion *f, const char *path, int mode,
                    qvl_arena *arena, qvl_err *err);

/* "dense" and "summary"; "target" and "source", the words of records. */
const char *qvl_fusion_mode_name(int mode);
const char *qvl_fusion_role_name(const qvl_fusion_entry *entry);

/* Are there evaluations with its records? */
bool qvl_fusion_is_evaluated(const qvl_fusion_entry *entry);

/* What an entry is about: what stands behind the name of its template, else its dataset;
 * NULL where that says nothing, jsonl and chat. */
const char *qvl_fusion_domain(const qvl_fusion_entry *entry);

/* Do its answers have the line of custom.assistant_prefix_format? Targets' have, but for
 * conversations and those that assert_answer names. */
bool qvl_fusion_has_line(const qvl_fusion_entry *entry);

/* That line: {task} is DETECTION or SUMMARY, {domain} and {dataset} the entry's domain
 * and name, in capitals. The entry has a domain if the format asks for it. */
const char *qvl_fusion_line(const qvl_fusion_entry *entry, const char *format,
                            qvl_arena *arena);

/* Has the format no other words in braces? */
bool qvl_fusion_format_is_known(const char *format);

/* Append the fusion as JSON, with the final value of every key that has one: a file that
 * loads as the same fusion. */
void qvl_fusion_json(qvl_str *out, const qvl_fusion *f, qvl_arena *arena);

#endif
