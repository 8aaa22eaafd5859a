/* loopback.h - a server of one file for tests, on the loopback address
 *
 * What it answers is in the path:
 *
 *     /ok...     the file                    /hops/N   N redirections, then it
 *     /missing   404                         /busy/N   503 to N requests, then it
 *     /empty     a file of no bytes          /long     zeros without an end
 *     /cut       half of the file            /slow     nothing, for ever
 *     /away      a redirection to ftp:       /lost     404 and zeros without an end
 *     /ill/N     503 and zeros without an end to N requests, then the file
 *     /part      206 and zeros without an end
 */
#ifndef TESTS_DATA_LOOPBACK_H
#define TESTS_DATA_LOOPBACK_H

#include <stddef.h>

typedef struct {
    int fd;          // that listens
    int port;
    const void *p;   // [n] the file, borrowed
    size_t n;
    int n_requests;  // so far
} loopback;

#define LOOPBACK_URL_MAX 300  // with the 0 at its end

/* Listen on a free port; 0, or -1 with errno. */
int loopback_open(loopback *l, const void *p, size_t n);

/* The URL of a path there, by HTTP or with a given beginning ("http://name@"). */
void loopback_url(const loopback *l, const char *path,
                  char url[LOOPBACK_URL_MAX]);
void loopback_url_as(const loopback *l, const char *beginning,
                     const char *path, char url[LOOPBACK_URL_MAX]);

/* Answer one request after the other until the socket is shut down. */
void loopback_run(loopback *l);

/* End loopback_run, from another thread. */
void loopback_stop(loopback *l);

#endif
