/* err.h - error codes and the text that goes with one
 *
 * A function that can fail returns QVL_OK or a negative code and fills the
 * qvl_err it was given. The text reads "WHAT (WHERE): found X, expected Y".
 * Raise with qvl_fail, pass on with QVL_TRY, add what only the caller knows
 * with qvl_err_add. Nothing here prints or ends the process.
 *
 * Every function accepts err == NULL: the code is all such a caller wants. A
 * qvl_err need not be set before; it means something after a failure alone, and
 * qvl_err_add and qvl_err_hint want one that holds a failure.
 */
#ifndef QVL_ERR_H
#define QVL_ERR_H

#include "base/compiler.h"

/* name, exit code of the program, what it means. The number of a code is
 * minus its place in the list: add at the end. */
#define QVL_ERR_TABLE(X)                                                      \
    X(QVL_OK, 0, "ok")                                                        \
    X(QVL_E_USAGE, 2, "wrong use of a command or function")                   \
    X(QVL_E_CONFIG, 2, "wrong configuration")                                 \
    X(QVL_E_DATA, 3, "wrong record or sample")                                \
    X(QVL_E_FORMAT, 3, "damaged file")                                        \
    X(QVL_E_MODEL, 4, "wrong model, adapter or tokenizer files")              \
    X(QVL_E_DEVICE, 5, "missing or insufficient device")                      \
    X(QVL_E_DEVICE_LOST, 5, "device lost")                                    \
    X(QVL_E_DEVICE_MEMORY, 5, "out of device memory")                         \
    X(QVL_E_MEMORY, 5, "out of host memory")                                  \
    X(QVL_E_IO, 3, "file cannot be read or written")                          \
    X(QVL_E_RANGE, 3, "value outside its range")                              \
    X(QVL_E_UNSUPPORTED, 2, "not supported")                                  \
    X(QVL_E_INTERRUPTED, 130, "interrupted")                                  \
    X(QVL_E_INTERNAL, 1, "internal fault")

#define QVL_ERR_INDEX(name, exit_code, text) name##_INDEX,
enum qvl_err_index { QVL_ERR_TABLE(QVL_ERR_INDEX) QVL_N_ERR };
#undef QVL_ERR_INDEX

#define QVL_ERR_CODE(name, exit_code, text) name = -(int)name##_INDEX,
enum qvl_err_code { QVL_ERR_TABLE(QVL_ERR_CODE) };
#undef QVL_ERR_CODE

typedef struct {
    int code;        // QVL_OK or QVL_E_*
    char msg[1024];  // one line, UTF-8, of the generator's readers three: the line
                     // at fault and a caret; a longer text ends in "..."
    char hint[512];  // what to do about it, empty when nothing is obvious
} qvl_err;

/* Set code and message, clear the hint; returns code. The values may point
 * into err itself. */
int qvl_fail(qvl_err *err, int code, const char *fmt, ...) QVL_PRINTF(3, 4);

/* Put "TEXT: " before the message; returns err->code, or QVL_E_INTERNAL when
 * err is NULL, so keep the code of the call that failed where err may be. */
int qvl_err_add(qvl_err *err, const char *fmt, ...) QVL_PRINTF(2, 3);

/* Set the hint; a second call adds a line. */
void qvl_err_hint(qvl_err *err, const char *fmt, ...) QVL_PRINTF(2, 3);

/* "QVL_E_USAGE" and so on; "QVL_E_INTERNAL" for a number that is no code. */
const char *qvl_err_name(int code);

/* Exit status of the program for a code; that of QVL_E_INTERNAL for a number that
 * is no code. */
int qvl_err_exit_code(int code);

/* Leave the function with the error of `call`. Only where nothing is left to
 * clean up. */
#define QVL_TRY(call)                                                         \
    do {                                                                      \
        int rc_ = (call);                                                     \
        if (rc_ != QVL_OK)                                                    \
            return rc_;                                                       \
    } while (0)

#endif
