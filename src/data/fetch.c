/* fetch.c - which names are URLs, and trying again
 *
 * What one try does is in fetch_curl.c, or fetch_none.c in a build without libcurl.
 */
#include "data/fetch.h"

#include <assert.h>
#include <strings.h>
#include <time.h>

qvl_fetch_limits qvl_fetch_defaults(void)
{
    return (qvl_fetch_limits){ .max_bytes = QVL_FETCH_MAX_BYTES,
                               .timeout_s = 20, .tries = 3 };
}

bool qvl_fetch_is_url(const char *name)
{
    return strncasecmp(name, "http://", 7) == 0
           || strncasecmp(name, "https://", 8) == 0;
}

int qvl_fetch(uint8_t **bytes, size_t *n, const char *url,
              const qvl_fetch_limits *limits, qvl_err *err)
{
    assert(limits->max_bytes > 0 && limits->timeout_s > 0
           && limits->tries > 0);

    for (int k = 1;; k++) {
        bool again = false;
        int rc = qvl_fetch_try(bytes, n, url, limits, &again, err);
        if (rc == QVL_OK || !again)
            return rc;
        if (k == limits->tries) {
            qvl_err_add(err, "%d tries", k);
            return rc;
        }
        nanosleep(&(struct timespec){ .tv_sec = k }, NULL);
    }
}
