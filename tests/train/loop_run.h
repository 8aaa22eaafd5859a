/* loop_run.h - whole runs over a few records, with the trainer of fake_trainer.h */
#ifndef TESTS_TRAIN_LOOP_RUN_H
#define TESTS_TRAIN_LOOP_RUN_H

#include "base/arena.h"
#include "fake_trainer.h"
#include "train/loop.h"

/* What a run did. */
typedef struct {
    int rc;
    qvl_err err;
    fake_run did;
    const char *config;  // file
} outcome;

/* 10 records in batches of 2, two to a step: 3 steps an epoch, the last of one
 * batch. `more` is the number of logging_steps and what else `training` has. */
outcome train(const char *name, const char *more, const fake_run *plan);

/* What else `custom` has in the runs to come: ", key: value"; first nothing. */
extern const char *loop_custom;

/* What the last run reported, a line each. */
extern char said[16384];

extern const fake_run nothing_special;

/* A path in the folder in which runs take place; theirs is "out/NAME". */
const char *run_path(const char *name);

/* The file logging.jsonl of a run. */
char *log_text(const char *name, qvl_arena *a);

#endif
