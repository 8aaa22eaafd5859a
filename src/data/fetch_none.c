/* fetch_none.c - where libcurl is missing */
#include "data/fetch.h"

int qvl_fetch_try(uint8_t **bytes, size_t *n, const char *url,
                  const qvl_fetch_limits *limits, bool *again, qvl_err *err)
{
    (void)bytes;
    (void)n;
    (void)limits;
    (void)again;
    return qvl_fail(err, QVL_E_UNSUPPORTED, "picture (%.200s): found a URL, "
                    "expected a file: this build has no libcurl (QVL_CURL)",
                    url);
}
