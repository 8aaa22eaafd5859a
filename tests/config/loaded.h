/* loaded.h - a configuration from a text, with all that is said about it */
#ifndef QVL_TEST_CONFIG_LOADED_H
#define QVL_TEST_CONFIG_LOADED_H

#include "base/arena.h"
#include "base/err.h"
#include "config/run_config.h"

typedef struct {
    qvl_arena arena;
    qvl_err err;
    qvl_run_config c;
    int rc;
    char log[65536];  // a line for each message, its level in front
} loaded;

/* Write a file beside run.yaml. */
void put_beside(const char *name, const char *text);

/* Write the text to run.yaml, load that, with flags that beat it. */
void load_flags(loaded *l, const char *text, const qvl_config_flag *flag,
                int n_flags);
void load(loaded *l, const char *text);

/* The same on top of base.yaml, put beside it before: only `key` is given, "a.b" as a
 * map in a map, with a value that is YAML on one line. Its line is 2. */
void load_key(loaded *l, const char *key, const char *value);

/* All faults, and notices before them. */
const char *said(loaded *l);

void release(loaded *l);

#endif
