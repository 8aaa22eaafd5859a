/* sample_parts.h - the sets of data of a run: records one behind the other, and the
 * recipe of each; private to samples.c
 *
 * Without a fusion training and validation have one recipe each.
 */
#ifndef QVL_TRAIN_SAMPLE_PARTS_H
#define QVL_TRAIN_SAMPLE_PARTS_H

#include "train/samples.h"

/* Fill the sets with their records, and with recipes that have no encoders: of training,
 * and of validation if asked to. Fails as qvl_records_load and qvl_fusion_plan_init do,
 * and with QVL_E_DATA for a record that its entry refuses. Runs out of host memory as
 * an arena does. */
int qvl_sample_parts_load(qvl_samples *s, const qvl_run_config *config, bool has_val,
                          qvl_arena *arena, qvl_err *err);

/* Open the encoders of all recipes. What has been opened stays with s, also on an error:
 * as qvl_encoder_open. Runs out of host memory as an arena does.
 *
 *   has_limit  samples longer than template.max_length are errors */
int qvl_sample_parts_open(qvl_samples *s, const qvl_run_config *config,
                          bool has_limit, qvl_arena *arena, qvl_err *err);

#endif
