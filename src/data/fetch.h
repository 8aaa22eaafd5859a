/* fetch.h - a file from a URL into memory
 *
 * http and https alone, without names and passwords, through at most 3
 * redirections. Nothing is kept on disk. A server that cannot be reached, takes
 * too long or says that it is busy is asked again after 1 s, then 2 s; other
 * refusals are final. A build without libcurl has no downloads (QVL_CURL).
 */
#ifndef QVL_DATA_FETCH_H
#define QVL_DATA_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct {
    size_t max_bytes;  // of the body
    int timeout_s;     // of a try
    int tries;
} qvl_fetch_limits;

#define QVL_FETCH_MAX_BYTES 67108864  // 64 MiB

/* QVL_FETCH_MAX_BYTES, 20 s, 3 tries. */
qvl_fetch_limits qvl_fetch_defaults(void);

/* Does the name begin with http:// or https://? */
bool qvl_fetch_is_url(const char *name);

/* Download: *bytes [*n] on the heap, for free(), n > 0; the limits are above 0.
 * Fails with QVL_E_IO, QVL_E_RANGE for a body beyond the limit, QVL_E_MEMORY,
 * QVL_E_UNSUPPORTED without libcurl or with one before 7.85. */
int qvl_fetch(uint8_t **bytes, size_t *n, const char *url,
              const qvl_fetch_limits *limits, qvl_err *err);

/* Private: one try of a build with libcurl, or what one without says. `again` is
 * set when another try may go better. */
int qvl_fetch_try(uint8_t **bytes, size_t *n, const char *url,
                  const qvl_fetch_limits *limits, bool *again, qvl_err *err);

#endif
