/* number.h - a number of a run that is outside its range */
#ifndef QVL_TRAIN_NUMBER_H
#define QVL_TRAIN_NUMBER_H

#include <stdbool.h>

#include "base/err.h"

/* QVL_OK where `holds`; else QVL_E_CONFIG, "WHAT: found X, expected WANTED". */
int qvl_number_check(bool holds, const char *what, double found,
                     const char *wanted, qvl_err *err);

#endif
