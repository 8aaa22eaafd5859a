/* curve.h - the losses of a run as a picture */
#ifndef QVL_TRAIN_CURVE_H
#define QVL_TRAIN_CURVE_H

#include "base/err.h"

/* Draw what a history (JSON list of a checkpoint or a log) holds: training loss
 * with its running mean, and the losses of evaluations, over steps. The y axis is
 * logarithmic when the losses span more than a factor of 20. The PNG appears
 * whole or not at all. Fails with QVL_E_FORMAT, QVL_E_IO, QVL_E_MEMORY. */
int qvl_curve_save(const char *path, const char *history, qvl_err *err);

#endif
