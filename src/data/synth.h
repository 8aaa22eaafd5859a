/* synth.h - a folder of drawn scenes to train on
 *
 *     DIR/train.jsonl, DIR/val.jsonl      records, pictures beside them:
 *     DIR/images/train-00000.png ...
 *
 * The held-out records are drawn first. A training picture whose answer text is
 * that of a held-out one is drawn again, so no layout is known from training.
 * The same options give the same bytes (with the same zlib); the first pictures
 * do not depend on how many follow.
 */
#ifndef QVL_DATA_SYNTH_H
#define QVL_DATA_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/scene.h"

typedef struct {
    const char *output;   // folder, must not exist
    size_t n;             // training records, > 0
    size_t n_held_out;    // 0: no val.jsonl
    const char *exclude;  // a JSONL file whose answers are held out as well;
                          // NULL: none
    uint64_t seed;
    bool has_summary;     // records have a summary too: DESC×N，DESC×N
    qvl_scene_rules scene;
} qvl_synth_options;

/* The folder appears whole or not at all. Fails with QVL_E_USAGE when it is
 * there already, or its name is empty or too long; QVL_E_IO; QVL_E_DATA or
 * QVL_E_FORMAT when `exclude` has bad records; QVL_E_DATA when no scene can be found
 * that is not held out; QVL_E_MEMORY. */
int qvl_synth(const qvl_synth_options *options, qvl_err *err);

/* Read "box,poly,line" into kinds. Fails with QVL_E_USAGE for an empty list,
 * another word, or one twice. */
int qvl_synth_kinds(qvl_scene_rules *rules, const char *list, qvl_err *err);

#endif
