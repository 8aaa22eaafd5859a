/* check.h - what every test file needs, a thin layer over cmocka
 *
 *     static void test_empty(void)
 *     {
 *         for (size_t i = 0; i < QVL_COUNT(cases); i++)
 *             CHECK(f(cases[i].x) == cases[i].y, "case %s", cases[i].name);
 *     }
 *
 *     RUN_TESTS(TEST(test_empty), TEST(test_full))
 *
 * A failure prints file, line, the condition and the case, and ends that test.
 * The checks work at any depth of plain functions. The printf part after the
 * condition is required: it says which case failed.
 */
#ifndef QVL_CHECK_H
#define QVL_CHECK_H

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/err.h"

/* cond holds, else print the printf arguments and fail. */
#define CHECK(cond, ...)                                                      \
    do {                                                                      \
        if (!(cond))                                                          \
            check_fail(__FILE__, __LINE__, #cond, __VA_ARGS__);               \
    } while (0)

/* Two texts are equal; either may be NULL. */
#define CHECK_STR(found, wanted, ...)                                         \
    do {                                                                      \
        const char *f_ = (found);                                             \
        const char *w_ = (wanted);                                            \
        if ((f_ == NULL) != (w_ == NULL)                                      \
            || (f_ != NULL && strcmp(f_, w_) != 0)) {                         \
            print_error("  found  |%s|\n  wanted |%s|\n",                     \
                        f_ ? f_ : "(null)", w_ ? w_ : "(null)");              \
            check_fail(__FILE__, __LINE__, #found " == " #wanted,             \
                       __VA_ARGS__);                                          \
        }                                                                     \
    } while (0)

/* `text` holds `part`. */
#define CHECK_HAS(text, part, ...)                                            \
    do {                                                                      \
        const char *t_ = (text);                                              \
        const char *p_ = (part);                                              \
        if (t_ == NULL || strstr(t_, p_) == NULL) {                           \
            print_error("  found  |%s|\n  wanted |...%s...|\n",               \
                        t_ ? t_ : "(null)", p_);                              \
            check_fail(__FILE__, __LINE__, #text " has " #part, __VA_ARGS__); \
        }                                                                     \
    } while (0)

/* Two integers are equal. */
#define CHECK_INT(found, wanted, ...)                                         \
    do {                                                                      \
        long long f_ = (long long)(found);                                    \
        long long w_ = (long long)(wanted);                                   \
        if (f_ != w_) {                                                       \
            print_error("  found  %lld\n  wanted %lld\n", f_, w_);            \
            check_fail(__FILE__, __LINE__, #found " == " #wanted,             \
                       __VA_ARGS__);                                          \
        }                                                                     \
    } while (0)

/* |found - wanted| <= tol; NaN is near nothing, an infinity only itself. */
#define CHECK_NEAR(found, wanted, tol, ...)                                   \
    do {                                                                      \
        double f_ = (double)(found);                                          \
        double w_ = (double)(wanted);                                         \
        double t_ = (double)(tol);                                            \
        if (!(f_ == w_ || fabs(f_ - w_) <= t_)) {                             \
            print_error("  found  %.17g\n  wanted %.17g\n  within %g\n",      \
                        f_, w_, t_);                                          \
            check_fail(__FILE__, __LINE__, #found " near " #wanted,           \
                       __VA_ARGS__);                                          \
        }                                                                     \
    } while (0)

/* A call gives QVL_OK, else print the message of `err` (a qvl_err). */
#define CHECK_OK(call, err)                                                   \
    do {                                                                      \
        int rc_ = (call);                                                     \
        if (rc_ != QVL_OK)                                                    \
            check_fail(__FILE__, __LINE__, #call, "%s: %s",                   \
                       qvl_err_name(rc_), (err).msg);                         \
    } while (0)

/* A call fails with `want`, and the message of `err` holds `part`. */
#define CHECK_FAILS(call, want, err, part)                                    \
    do {                                                                      \
        int rc_ = (call);                                                     \
        if (rc_ != (want) || (err).code != (want)                             \
            || strstr((err).msg, (part)) == NULL)                             \
            check_fail(__FILE__, __LINE__, #call,                             \
                       "found %s |%s|, wanted %s |...%s...|",                 \
                       qvl_err_name(rc_), rc_ != QVL_OK ? (err).msg : "",     \
                       qvl_err_name(want), (part));                           \
    } while (0)

typedef struct {
    void (*fn)(void);
} check_case;

static inline void check_run(void **state)
{
    ((const check_case *)*state)->fn();
}

/* One entry for RUN_TESTS. */
#define TEST(name) { #name, check_run, NULL, NULL, &(check_case){ name } }

/* The main function of a test file. Tiles are those that ship, whatever this
 * user has tuned. */
#define RUN_TESTS(...)                                                        \
    int main(void)                                                            \
    {                                                                         \
        const struct CMUnitTest tests[] = { __VA_ARGS__ };                    \
        setenv("QVL_TUNE", "off", 1);                                         \
        return cmocka_run_group_tests(tests, NULL, NULL);                     \
    }

static inline void check_fail(const char *file, int line, const char *cond,
                              const char *fmt, ...) QVL_PRINTF(4, 5);

static inline void check_fail(const char *file, int line, const char *cond,
                              const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    print_error("%s:%d: %s\n  case: %s\n", file, line, cond, text);
    _fail(file, line);
}

static inline int check_remove_one(const char *path, const struct stat *info,
                                   int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

/* Folder of this test process, made at the first call, removed at exit. */
static inline const char *check_dir(void);

static inline void check_remove_dir(void)
{
    nftw(check_dir(), check_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *check_dir(void)
{
    static char dir[256];
    if (dir[0] == '\0') {
        const char *tmp = getenv("TMPDIR");
        snprintf(dir, sizeof dir, "%s/qvl-test-XXXXXX", tmp ? tmp : "/tmp");
        if (mkdtemp(dir) == NULL) {
            perror(dir);
            exit(1);
        }
        atexit(check_remove_dir);
    }
    return dir;
}

/* Path of a file in that folder; good until the process ends. */
static inline const char *check_path(const char *name)
{
    static char *paths[1024];
    static size_t n;
    const char *dir = check_dir();
    size_t bytes = strlen(dir) + 1 + strlen(name) + 1;
    char *path = malloc(bytes);
    if (path == NULL)
        exit(1);
    snprintf(path, bytes, "%s/%s", dir, name);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(paths[i], path) == 0) {
            free(path);
            return paths[i];
        }
    }
    if (n == QVL_COUNT(paths)) {
        print_error("check_path: more than %zu names\n", n);
        exit(1);
    }
    paths[n++] = path;
    return path;
}

#endif
