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
    const char *path;    // of the run; NULL: a new version, not made yet
    const char *resume;  // checkpoint or run folder to resume from; NULL: none
} qvl_run_folder;

/* Decide on the folder; nothing is made or written.
 *
 *   output_dir  of the configuration, run_name included
 *   versions    training.add_version
 *   resume      training.resume_from_checkpoint: a folder, "true" or "last" (in any
 *               case) for the newest checkpoint of the newest version; NULL,
 *               "false": none
 *
 * Texts belong to the arena, or are output_dir and resume themselves. Fails with
 * QVL_E_CONFIG when there is nothing to resume, QVL_E_IO for a folder that cannot be
 * read, QVL_E_MEMORY; *folder is unchanged then. Runs out of host memory as an arena
 * does, too. */
int qvl_run_folder_find(qvl_run_folder *folder, const char *output_dir,
                        bool versions, const char *resume, qvl_arena *arena,
                        qvl_err *err);

/* Make the folder that was decided on, with those above it; a new version gets its
 * number and path here, under a lock of output_dir.
 *
 *   now  local time, for the name of a new version
 *
 * Fails with QVL_E_IO, QVL_E_MEMORY. */
int qvl_run_folder_make(qvl_run_folder *folder, const char *output_dir,
                        const struct tm *now, qvl_arena *arena, qvl_err *err);

/* Is this the path of something in the folder of the run, whether it is there or
 * not? Arena: work space. */
bool qvl_run_folder_has(const qvl_run_folder *folder, const char *checkpoint,
                        qvl_arena *arena);

#endif
