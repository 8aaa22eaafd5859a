/* loopback.c - the server of loopback.h, an answer a connection */
#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int loopback_open(loopback *l, const void *p, size_t n)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    *l = (loopback){ .p = p, .n = n };
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&at, size) != 0
        || listen(l->fd, 8) != 0
        || getsockname(l->fd, (struct sockaddr *)&at, &size) != 0)
        return -1;
    l->port = ntohs(at.sin_port);
    return 0;
}

void loopback_url_as(const loopback *l, const char *beginning,
                     const char *path, char url[LOOPBACK_URL_MAX])
{
    struct in_addr at = { htonl(INADDR_LOOPBACK) };
    char host[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &at, host, sizeof host);
    snprintf(url, LOOPBACK_URL_MAX, "%s%s:%d%s", beginning, host, l->port,
             path);
}

void loopback_url(const loopback *l, const char *path,
                  char url[LOOPBACK_URL_MAX])
{
    loopback_url_as(l, "http://", path, url);
}

/* false: the client is gone. */
static int send_all(int to, const void *p, size_t n)
{
    while (n > 0) {
        ssize_t done = send(to, p, n, MSG_NOSIGNAL);
        if (done <= 0)
            return 0;
        p = (const char *)p + done;
        n -= (size_t)done;
    }
    return 1;
}

static void send_head(int to, const char *status, const char *more)
{
    char head[512];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nConnection: close\r\n"
                     "%s\r\n", status, more);
    send_all(to, head, (size_t)n);
}

/* The file, or its first n bytes as if there were more. */
static void send_file(const loopback *l, int to, size_t n)
{
    char more[64];
    snprintf(more, sizeof more, "Content-Length: %zu\r\n", l->n);
    send_head(to, "200 OK", more);
    send_all(to, l->p, n);
}

static void redirect(int to, const char *where)
{
    char more[LOOPBACK_URL_MAX + 64];
    snprintf(more, sizeof more, "Location: %s\r\nContent-Length: 0\r\n", where);
    send_head(to, "302 Found", more);
}

static void send_zeros(int to, const char *status)
{
    static const char zeros[4096];
    send_head(to, status, "");
    while (send_all(to, zeros, sizeof zeros))
        continue;
}

static void answer(loopback *l, int to, const char *path)
{
    static const char none[] = "Content-Length: 0\r\n";
    char where[LOOPBACK_URL_MAX], rest[64];
    int number = 0;
    l->n_requests++;
    if (sscanf(path, "/hops/%d", &number) == 1 && number > 0) {
        snprintf(where, sizeof where, "/hops/%d", number - 1);
        redirect(to, where);
    } else if (sscanf(path, "/busy/%d", &number) == 1
               && l->n_requests <= number) {
        send_head(to, "503 Busy", none);
    } else if (strncmp(path, "/missing", 8) == 0) {
        send_head(to, "404 Not Found", none);
    } else if (strncmp(path, "/empty", 6) == 0) {
        send_head(to, "200 OK", none);
    } else if (strncmp(path, "/long", 5) == 0) {
        send_zeros(to, "200 OK");
    } else if (strncmp(path, "/lost", 5) == 0) {
        send_zeros(to, "404 Not Found");
    } else if (strncmp(path, "/part", 5) == 0) {
        send_zeros(to, "206 Partial Content");
    } else if (sscanf(path, "/ill/%d", &number) == 1
               && l->n_requests <= number) {
        send_zeros(to, "503 Ill");
    } else if (strncmp(path, "/cut", 4) == 0) {
        send_file(l, to, l->n / 2);
    } else if (strncmp(path, "/away", 5) == 0) {
        loopback_url_as(l, "ftp://", "/file", where);
        redirect(to, where);
    } else if (strncmp(path, "/slow", 5) == 0) {
        while (recv(to, rest, sizeof rest, 0) > 0)
            continue;
    } else {
        send_file(l, to, l->n);
    }
}

void loopback_run(loopback *l)
{
    int to;
    while ((to = accept(l->fd, NULL, NULL)) >= 0) {
        char request[4096] = "", path[256];
        size_t n = 0;
        ssize_t got = 1;
        while (got > 0 && n < sizeof request - 1
               && strstr(request, "\r\n\r\n") == NULL) {
            got = recv(to, request + n, sizeof request - 1 - n, 0);
            n += got > 0 ? (size_t)got : 0;
            request[n] = '\0';
        }
        if (sscanf(request, "GET %255s", path) == 1)
            answer(l, to, path);
        close(to);
    }
    close(l->fd);
}

void loopback_stop(loopback *l)
{
    shutdown(l->fd, SHUT_RDWR);
}
