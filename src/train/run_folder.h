/* run_folder.h - where a run puts its files, and where it goes on
 *
 *     OUTPUT_DIR/v0-20260102-030405/   one a start, with training.add_version
 *         args.json  logging.jsonl  images/  checkpoint-STEP/
 *
 * A run that is taken up goes on in the folder of its checkpoint when that lies
 * in OUTPUT_DIR, and begins a folder of its own otherwise.
 */
#ifndef QVL_TRAIN_RUN_FOLDER_H
#define QVL_TRAIN_RUN_FOLDER_H

#include <stdbool.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct {
    const char *path;    // of the run
    const char *resume;  // checkpoint or run folder to resume from; NULL: none
} qvl_run_folder;

/* Decide on the folder and make it.
 *
 *   output_dir  of the configuration, run_name included
 *   versions    training.add_version
 *   resume      training.resume_from_checkpoint: a folder, "true" or "last" for
 *               the newest checkpoint of the newest version; NULL, "false": none
 *   now         local time, for the name of a new version
 *
 * Texts belong to the arena, or are output_dir and resume themselves. Fails with
 * QVL_E_CONFIG when there is nothing to resume, QVL_E_IO; runs out of host memory as
 * an arena does, or with QVL_E_MEMORY. */
int qvl_run_folder_open(qvl_run_folder *folder, const char *output_dir,
                        bool versions, const char *resume, const struct tm *now,
                        qvl_arena *arena, qvl_err *err);

/* Is this the path of something in the folder of the run, whether it is there or
 * not? Arena: work space. */
bool qvl_run_folder_has(const qvl_run_folder *folder, const char *checkpoint,
                        qvl_arena *arena);

#endif
