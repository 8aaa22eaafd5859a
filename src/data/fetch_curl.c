/* fetch_curl.c - a try by libcurl */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "data/fetch.h"

typedef struct {
    uint8_t *p;  // owned
    size_t n, cap;
    size_t max_bytes;
    bool is_long;     // the body is beyond the limit
    bool is_starved;  // no memory
} body;

/* Take a piece of the body; anything else than its length ends the transfer. */
static size_t take(char *piece, size_t size, size_t count, void *ctx)
{
    body *b = ctx;
    size_t n = size * count;
    if (n > b->max_bytes - b->n) {
        b->is_long = true;
        return 0;
    }
    if (b->n + n > b->cap) {
        size_t cap = 2 * b->cap > b->n + n ? 2 * b->cap : b->n + n;
        uint8_t *more = realloc(b->p, cap);
        b->is_starved = more == NULL;
        if (more == NULL)
            return 0;
        b->p = more;
        b->cap = cap;
    }
    memcpy(b->p + b->n, piece, n);
    b->n += n;
    return n;
}

/* false: an option that this libcurl does not know. */
static bool set_up(CURL *curl, const char *url, body *b,
                   const qvl_fetch_limits *limits, char *why)
{
    bool ok = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https")
              == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
          == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L)
          == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 3L) == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    /* the page of a refusal is not read */
    ok &= curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)limits->timeout_s)
          == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_USERAGENT, "qvl") == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why) == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK;
    ok &= curl_easy_setopt(curl, CURLOPT_WRITEDATA, b) == CURLE_OK;
    return ok && curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK;
}

/* Errors that may pass by. */
static bool may_pass(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT
           || code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING
           || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR
           || code == CURLE_PARTIAL_FILE;
}

/* A server that is busy or unwell may be better soon. */
static bool is_unwell(long status)
{
    return status == 408 || status == 429 || status >= 500;
}

/* Did the server answer, whatever was then made of what it sent? */
static bool is_answered(CURLcode code, const body *b)
{
    return code == CURLE_OK || code == CURLE_HTTP_RETURNED_ERROR || b->is_long
           || b->is_starved;
}

/* What came of a transfer. What a server says beside another status than 200 is
 * no picture, so its length is not looked at. */
static int judge(CURLcode code, long status, const body *b, const char *url,
                 const char *why, bool *again, qvl_err *err)
{
    if (is_answered(code, b) && status != 200) {
        *again = is_unwell(status);
        return qvl_fail(err, QVL_E_IO, "picture (%.200s): found status %ld, "
                        "expected 200", url, status);
    }
    if (b->is_starved)
        return qvl_fail(err, QVL_E_MEMORY, "picture (%.200s): no memory for "
                        "more than %zu bytes", url, b->n);
    if (b->is_long)
        return qvl_fail(err, QVL_E_RANGE, "picture (%.200s): found more than "
                        "%zu bytes, expected no more", url, b->max_bytes);
    *again = may_pass(code);
    if (code != CURLE_OK)
        return qvl_fail(err, QVL_E_IO, "picture (%.200s): found \"%s\", "
                        "expected a file", url,
                        why[0] != '\0' ? why : curl_easy_strerror(code));
    if (b->n == 0)
        return qvl_fail(err, QVL_E_IO, "picture (%.200s): found an empty file, "
                        "expected a picture", url);
    return QVL_OK;
}

int qvl_fetch_try(uint8_t **bytes, size_t *n, const char *url,
                  const qvl_fetch_limits *limits, bool *again, qvl_err *err)
{
    char why[CURL_ERROR_SIZE] = "";
    body b = { .max_bytes = limits->max_bytes };
    long status = 0;
    CURL *curl = curl_easy_init();
    if (curl == NULL || !set_up(curl, url, &b, limits, why)) {
        curl_easy_cleanup(curl);
        return qvl_fail(err, QVL_E_UNSUPPORTED, "picture (%.200s): found a "
                        "libcurl that lacks options, expected 7.85 or later",
                        url);
    }
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    int rc = judge(code, status, &b, url, why, again, err);
    if (rc != QVL_OK) {
        free(b.p);
        return rc;
    }
    *bytes = b.p;
    *n = b.n;
    return QVL_OK;
}
