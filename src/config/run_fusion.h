/* run_fusion.h - the fusion of a run; private to run_config.c */
#ifndef QVL_CONFIG_RUN_FUSION_H
#define QVL_CONFIG_RUN_FUSION_H

#include "base/arena.h"
#include "base/err.h"
#include "config/run_config.h"

/* Load the file of custom.fusion_config, where there is one, and settle what its entries
 * have of the run: their mode where custom.use_summary is given, no augmentation and no
 * curriculum where the run has none. The keys of the run are sound.
 *
 * Fails as qvl_fusion_load does, and with QVL_E_CONFIG when evaluations are asked for
 * and no entry has records for them, or a target has no word for {domain}. */
int qvl_run_fusion(qvl_run_config *c, qvl_arena *arena, qvl_err *err);

#endif
