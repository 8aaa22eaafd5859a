#include "train/number.h"

int qvl_number_check(bool holds, const char *what, double found,
                     const char *wanted, qvl_err *err)
{
    if (holds)
        return QVL_OK;
    return qvl_fail(err, QVL_E_CONFIG, "%s: found %g, expected %s", what,
                    found, wanted);
}
