/* loader.h - batches in the order of the plan, made ahead of time
 *
 * Threads read, augment, encode and collate batches; whoever takes them gets them in
 * order. What a batch holds depends on its number alone, never on the threads.
 * Memory: the batches of one update and those that are ahead.
 */
#ifndef QVL_TRAIN_LOADER_H
#define QVL_TRAIN_LOADER_H

#include <stdint.h>

#include "base/err.h"
#include "data/epoch_plan.h"
#include "data/recipe.h"
#include "train/collate.h"

/* Copied; what it points to is borrowed until the loader is closed. */
typedef struct {
    qvl_recipes recipes;       // of the records
    const qvl_record *record;  // those of the plan
    qvl_epoch_plan plan;       // has batches
    const qvl_pack_source *pack;  // batches of plan.batch packed rows, which do not
                                  // stop at the end of an epoch; NULL: of samples
    uint64_t first;  // batch to begin with, counted over all epochs
    uint64_t end;    // batch to end before, >= first
    int n_taken;     // batches taken at once, at most; > 0
    int n_threads;   // 0: the taker makes them
    int n_ahead;     // batches a thread may be ahead; > 0
} qvl_loader_options;

typedef struct qvl_loader qvl_loader;

/* Start. Fails with QVL_E_MEMORY when there is no memory for slots, or no thread
 * can be made; unwinds when there is none for the handle. A batch that runs out of
 * memory says so as QVL_E_MEMORY when it is taken. */
int qvl_loader_open(qvl_loader **loader, const qvl_loader_options *options,
                    qvl_err *err);

/* Stops the threads. */
void qvl_loader_close(qvl_loader *loader);

/* Take the next n batches, 0 < n <= n_taken and not behind the end: wait for them,
 * or without threads make them. One thread takes.
 *
 *   out  [n], good until the next call; unchanged on error
 *
 * Fails as qvl_recipe_see, qvl_encode and the lengths of packed samples do; the loader
 * is then good for closing only. */
int qvl_loader_take(qvl_loader *loader, qvl_collated *out, int n,
                    qvl_err *err);

#endif
