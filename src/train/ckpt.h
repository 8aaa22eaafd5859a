/* ckpt.h - save a run as a folder, and continue from one
 *
 * RUN/checkpoint-STEP holds
 *   config.json, tokenizer files, *.safetensors  a model folder of its own
 *   optimizer.safetensors  NAME.exp_avg, NAME.exp_avg_sq of every trained
 *                          parameter, f32, in the model's layout, and
 *                          NAME.master where the weight's file is narrower
 *   scheduler.json         counters and what the schedule remembers
 *   scaler.json            scale of the loss, of an f16 run
 *   trainer_state.json     the run, in the words of other tools
 *   dataloader_state.json, args.json  texts of the caller
 *   checkpoint.json        the marker (ckpt_folder.h)
 * Without moments (save_only_model) the three that continue a run are left out.
 *
 * The run and what to save of it are told in the words of qvl_train.h; texts are
 * borrowed for the call. Numbers are written so that they read back as they
 * were; on one device a run that continues gives the bits of one that never
 * stopped.
 */
#ifndef QVL_TRAIN_CKPT_H
#define QVL_TRAIN_CKPT_H

#include "qvl_train.h"
#include "train/trainer.h"

/* Write the checkpoint of the trainer's step; `path` of the arena. Fails with
 * QVL_E_IO, QVL_E_MEMORY, errors of the device; QVL_E_USAGE for a text of the state
 * that is no JSON or a number that is not finite; as qvl_ckpt_put. The run folder is
 * then as it was, but for what earlier broken saves had left; when only the steps
 * behind the renaming fail, it has the checkpoint. Old ones that cannot be deleted
 * are a warning. Call under a guard. */
int qvl_ckpt_save(qvl_trainer *trainer, const char *run,
                  const qvl_train_save_options *options,
                  const qvl_train_state *state, const char **path,
                  qvl_arena *arena, qvl_err *err);

/* Bring a trainer to the state of a checkpoint folder, or of the newest one of a
 * run folder, which is cleaned as well. Texts of the state belong to the arena.
 *
 * Fails with QVL_E_IO when there is none, QVL_E_FORMAT for damaged or missing files,
 * QVL_E_MODEL for tensors that do not fit the model, QVL_E_CONFIG for one
 * without moments, of another storage type or set of trained parameters,
 * errors of the device, QVL_E_MEMORY. These two and QVL_E_MODEL may leave a part of
 * it: the trainer is then good for closing or another resume alone. Call under a
 * guard. */
int qvl_ckpt_resume(qvl_trainer *trainer, const char *folder,
                    qvl_train_state *state, qvl_arena *arena, qvl_err *err);

/* Names of the files. */
#define QVL_CKPT_OPTIMIZER "optimizer.safetensors"
#define QVL_CKPT_SCHEDULER "scheduler.json"
#define QVL_CKPT_SCALER "scaler.json"
#define QVL_CKPT_STATE "trainer_state.json"
#define QVL_CKPT_LOADER "dataloader_state.json"
#define QVL_CKPT_ARGS "args.json"

#endif
