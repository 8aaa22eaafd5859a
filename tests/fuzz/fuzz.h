/* fuzz.h - what the fuzz targets share
 *
 * A target is a file fuzz_NAME.c with the function below. libFuzzer calls it with bytes
 * that it makes up (run.sh); replay.c calls it with each file of corpus/NAME, as the
 * test fuzz_corpus_NAME. An input is wrong where the target ends by a signal, a
 * sanitizer speaks, or a FUZZ_CHECK does not hold; what the library refuses with an
 * error is right.
 */
#ifndef QVL_FUZZ_H
#define QVL_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Use p [len] as input. Leaves nothing behind, returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

/* cond holds, else print it and abort. */
#define FUZZ_CHECK(cond)                                                      \
    do {                                                                      \
        if (!(cond))                                                          \
            fuzz_fail(__FILE__, __LINE__, #cond);                             \
    } while (0)

QVL_NORETURN void fuzz_fail(const char *file, int line, const char *what);

/* What a function returned and what it left in err belong together: QVL_OK, or a code
 * with a message, which is never that of full memory: inputs are small. True when it
 * is QVL_OK. */
int fuzz_is_ok(int rc, const qvl_err *err);

/* Folder of this process; removed when it ends as it should. */
const char *fuzz_folder(void);

/* Path of a file in it; good until the process ends. */
const char *fuzz_path(const char *name);

/* Write p [len] to that file; returns its path. */
const char *fuzz_write(const char *name, const void *p, size_t len);

/* The first place of `mark` in p [len]; NULL when it is not there. */
const uint8_t *fuzz_find(const uint8_t *p, size_t len, const char *mark);

#endif
