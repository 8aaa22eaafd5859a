/* test_fetch.c - downloads, from a server in a thread of the test */
#include "data/fetch.h"

#include <pthread.h>
#include <time.h>

#include "check.h"
#include "data/picture.h"
#include "loopback.h"
#include "made.h"

static char file[10000];
static loopback server;
static pthread_t thread;

static void *serve(void *arg)
{
    loopback_run(arg);
    return NULL;
}

static void start(const void *p, size_t n)
{
    CHECK(loopback_open(&server, p, n) == 0, "a socket");
    CHECK(pthread_create(&thread, NULL, serve, &server) == 0, "a thread");
}

static void stop(void)
{
    loopback_stop(&server);
    pthread_join(thread, NULL);
}

static const char *url_of(const char *path)
{
    static char url[LOOPBACK_URL_MAX];
    loopback_url(&server, path, url);
    return url;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- cases ---------------------------------------------------------------- */

static const struct {
    const char *path;
    size_t max_bytes;  // 0: those of the file
    int tries;
    int rc;
    const char *part;
    int n_requests;
} cases[] = {
    { "/ok", 0, 1, QVL_OK, NULL, 1 },
    { "/ok?a=/b#c", 0, 1, QVL_OK, NULL, 1 },
    { "/hops/3", 0, 1, QVL_OK, NULL, 4 },
    { "/hops/4", 0, 3, QVL_E_IO, "redirects", 4 },
    { "/away", 0, 3, QVL_E_IO, "/away): found \"", 1 },
    { "/missing", 0, 3, QVL_E_IO, "found status 404, expected 200", 1 },
    { "/empty", 0, 3, QVL_E_IO, "found an empty file", 1 },
    { "/ok", sizeof file - 1, 3, QVL_E_RANGE,
      "found more than 9999 bytes", 1 },
    { "/long", 5000, 3, QVL_E_RANGE, "found more than 5000 bytes", 1 },
    { "/lost", 5000, 3, QVL_E_IO, "found status 404, expected 200", 1 },
    { "/part", 5000, 3, QVL_E_IO, "found status 206, expected 200", 1 },
    { "/ill/1", 0, 2, QVL_OK, NULL, 2 },
    { "/ill/9", 0, 2, QVL_E_IO, "2 tries: picture", 2 },
    { "/busy/1", 0, 2, QVL_OK, NULL, 2 },
    { "/busy/9", 0, 2, QVL_E_IO, "found status 503", 2 },
    { "/cut", 0, 1, QVL_E_IO, "/cut): found \"", 1 },
    { "/slow", 0, 1, QVL_E_IO, "/slow): found \"", 1 },
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (char)(i * 7 + i / 256);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        uint8_t *bytes = NULL;
        size_t n = 7;
        qvl_err err = { 0 };
        qvl_fetch_limits limits = {
            .max_bytes = cases[i].max_bytes > 0 ? cases[i].max_bytes
                                                : sizeof file,
            .timeout_s = 2, .tries = cases[i].tries,
        };
        start(file, sizeof file);
        int rc = qvl_fetch(&bytes, &n, url_of(cases[i].path), &limits, &err);
        stop();
        CHECK_INT(rc, cases[i].rc, "%s: %s", cases[i].path, err.msg);
        CHECK_INT(server.n_requests, cases[i].n_requests, "%s", cases[i].path);
        if (rc == QVL_OK) {
            CHECK(n == sizeof file && memcmp(bytes, file, n) == 0, "%s",
                  cases[i].path);
            free(bytes);
        } else {
            CHECK_HAS(err.msg, cases[i].part, "%s", cases[i].path);
            CHECK(bytes == NULL && n == 7, "%s", cases[i].path);
        }
    }
}

/* Nobody listens, a name and a password, no URL at all. */
static void test_refused(void)
{
    uint8_t *bytes;
    size_t n;
    qvl_err err = { 0 };
    qvl_fetch_limits limits = { .max_bytes = 10, .timeout_s = 2, .tries = 2 };
    double began = seconds();
    char named[LOOPBACK_URL_MAX];
    start(file, sizeof file);
    stop();
    CHECK_FAILS(qvl_fetch(&bytes, &n, url_of("/ok"), &limits, &err), QVL_E_IO,
                err, "2 tries");
    CHECK(seconds() - began >= 1.0, "it waits before the second try");
    loopback_url_as(&server, "http://a:b@", "/ok", named);
    CHECK_FAILS(qvl_fetch(&bytes, &n, named, &limits, &err), QVL_E_IO, err,
                "found \"");
    CHECK_FAILS(qvl_fetch(&bytes, &n, "http://", &limits, &err), QVL_E_IO, err,
                "found \"");
    CHECK_FAILS(qvl_fetch(&bytes, &n, "http://a:99999/x", &limits, &err),
                QVL_E_IO, err, "found \"");
}

static void test_names(void)
{
    static const struct {
        const char *name;
        bool is_url;
    } names[] = { { "http://a/b.png", true }, { "HTTPS://a", true },
                  { "http:/a", false }, { "file:///a.png", false },
                  { "a/http://b", false }, { "data:;base64,AA==", false } };
    for (size_t i = 0; i < QVL_COUNT(names); i++)
        CHECK(qvl_fetch_is_url(names[i].name) == names[i].is_url, "%s",
              names[i].name);
}

/* A picture as a data: URL is the picture of the file, whatever its length is. */
static void test_picture(void)
{
    qvl_arena arena = { 0 };
    qvl_fetch_limits limits = qvl_fetch_defaults();
    for (int w = 1; w < 8; w++) {
        char text[1 << 14];
        const char *path = made_png("p.png", w, 3), *name = "unset";
        qvl_image a, b;
        qvl_err err = { 0 };
        FILE *f = fopen(path, "rb");
        size_t n = fread(text, 1, sizeof text, f);
        fclose(f);
        start(text, n);
        CHECK_OK(qvl_picture_fetch(&name, url_of("/ok.png"), &limits, &arena,
                                   &err), err);
        stop();
        CHECK(qvl_picture_is_data(name), "%.40s", name);
        CHECK_OK(qvl_picture_load(&a, path, NULL, &err), err);
        CHECK_OK(qvl_picture_load(&b, name, NULL, &err), err);
        CHECK(a.w == w && b.w == w && b.h == 3
              && memcmp(a.pixel, b.pixel, qvl_image_bytes(&a)) == 0,
              "width %d", w);
        qvl_image_release(&a);
        qvl_image_release(&b);
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_names), TEST(test_cases), TEST(test_refused),
          TEST(test_picture))
