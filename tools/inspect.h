/* inspect.h - topics of `qvl inspect`, and how they write JSON */
#ifndef TOOLS_INSPECT_H
#define TOOLS_INSPECT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Append every device there is, as text or as a JSON list. Each is opened, to find
 * its table; one that cannot be opened has none. */
int inspect_devices(bool json, qvl_str *out, qvl_err *err);

/* Append what a folder holds. Arena: work space. Fails as the readers of
 * config.json and of checkpoints do. */
int inspect_model(const char *folder, bool json, qvl_str *out,
                  qvl_arena *arena, qvl_err *err);

typedef struct {
    const char *config;  // of a run
    const char *base;    // NULL: none
    int epoch;
    int index;           // record; -1: by slots
    bool all;            // every slot from `from` on, or packed row
    int from;            // slot or row; with ranks the next one of the rank
    int rank, world;     // world > 0
    bool json;
} inspect_sample_options;

/* Print samples of a training run as its loader makes them. Fails as training
 * does before it opens the model, with QVL_E_USAGE for a record, slot, row or rank
 * that is not there, QVL_E_DATA for records that make no batch. */
int inspect_sample(const inspect_sample_options *options, qvl_err *err);

/* Append "key": "text". */
void inspect_put_text(qvl_str *out, const char *key, const char *text);

const char *inspect_bool(bool b);

#endif
