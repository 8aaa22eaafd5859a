/* test_arena.c - memory given, used again after a reset, and what unwinds when there
 * is none
 */
#include "base/arena.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

static bool is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static void test_alloc(void)
{
    static const size_t sizes[] = { 0, 1, 15, 16, 17, 63, 64, 65, 1000, 65535,
                                    65536, 65537, 200000, 5000000 };
    qvl_arena a;
    qvl_arena_init(&a);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 8 * QVL_COUNT(sizes); i++) {
            size_t n = sizes[i * 5 % QVL_COUNT(sizes)];
            char *p = qvl_arena_alloc(&a, n);
            size_t align = n >= 64 ? 64 : 16;
            CHECK(p != NULL && (uintptr_t)p % align == 0, "%zu bytes", n);
            CHECK(is_zero(p, n), "round %d: %zu bytes are zero", round, n);
            memset(p, 0xa5, n);
        }
        qvl_arena_reset(&a);
        CHECK_INT(qvl_arena_used_bytes(&a), 0, "round %d", round);
    }
    qvl_arena_release(&a);
    CHECK(a.first == NULL, "released");
    qvl_arena_release(&a);
    qvl_arena_release(NULL);
    CHECK(qvl_arena_array(&a, int, 3) != NULL, "usable after release");
    qvl_arena_release(&a);
}

/* Blocks that a reset left are used again: no block is added. */
static void test_reset_keeps_memory(void)
{
    qvl_arena a = { 0 };
    char *first = qvl_arena_alloc(&a, 100);
    char *large = qvl_arena_alloc(&a, 1000000);
    qvl_arena_reset(&a);
    CHECK(qvl_arena_alloc(&a, 100) == first, "first block");
    CHECK(qvl_arena_alloc(&a, 1000000) == large, "second block");
    qvl_arena_release(&a);
}

static void test_text(void)
{
    qvl_arena a = { 0 };
    CHECK_STR(qvl_arena_strdup(&a, ""), "", "empty");
    CHECK_STR(qvl_arena_strdup(&a, "abc"), "abc", "copy");
    CHECK_STR(qvl_arena_strndup(&a, "abc", 2), "ab", "part");
    CHECK_STR(qvl_arena_strndup(&a, NULL, 0), "", "nothing");
    CHECK(memcmp(qvl_arena_strndup(&a, "a\0b", 3), "a\0b", 4) == 0, "NUL");
    CHECK_STR(qvl_arena_printf(&a, "%s-%d", "x", 5), "x-5", "printf");
    CHECK_INT(strlen(qvl_arena_printf(&a, "%070000d", 1)), 70000, "long");
    qvl_arena_release(&a);
}

typedef struct {
    qvl_arena arena;
    size_t n;
    size_t size;
    int steps;
} job;

static int fill(void *arg)
{
    job *j = arg;
    j->steps = 1;
    qvl_arena_alloc_n(&j->arena, j->n, j->size);
    j->steps = 2;
    return QVL_E_DATA;
}

static void test_guard(void)
{
    static const struct {
        const char *name;
        size_t n, size, limit;
        int rc;
    } cases[] = {
        { "fits", 10, 10, 100, QVL_E_DATA },
        { "one too many", 10, 10, 99, QVL_E_MEMORY },
        { "product overflows", SIZE_MAX / 2, 3, SIZE_MAX, QVL_E_MEMORY },
        { "negative count", (size_t)-1, 8, SIZE_MAX, QVL_E_MEMORY },
        { "negative bytes", (size_t)-1, 1, SIZE_MAX, QVL_E_MEMORY },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        job j = { .n = cases[i].n, .size = cases[i].size };
        qvl_err err = { 0 };
        qvl_memory_limit(cases[i].limit);
        int rc = qvl_guard(fill, &j, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK_INT(rc, cases[i].rc, "%s", cases[i].name);
        CHECK_INT(j.steps, rc == QVL_E_MEMORY ? 1 : 2, "%s", cases[i].name);
        CHECK_INT(err.code, rc == QVL_E_MEMORY ? rc : 0, "%s", cases[i].name);
        qvl_arena_release(&j.arena);
    }
}

/* An inner guard that fails leaves the outer one in force. */
static int nest(void *arg)
{
    job *j = arg;
    job inner = { .n = 1, .size = 1 << 20 };
    qvl_memory_limit(100);
    if (qvl_guard(fill, &inner, NULL) != QVL_E_MEMORY)
        return QVL_E_INTERNAL;
    j->steps = 10;
    qvl_memory_resize(NULL, 101);
    return QVL_E_INTERNAL;
}

static void test_nested_guards(void)
{
    job j = { 0 };
    qvl_err err = { 0 };
    int rc = qvl_guard(nest, &j, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "outer");
    CHECK_INT(j.steps, 10, "between the two");
    CHECK_HAS(err.msg, "101 bytes", "message");
}

static void test_abort_without_guard(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        fclose(stderr);
        qvl_memory_limit(0);
        qvl_memory_resize(NULL, 1);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child, "wait");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %d",
          status);
}

/* What was handed out stays, and both arenas go on. */
static void test_join(void)
{
    for (int n_own = 0; n_own < 2; n_own++)
        for (int n_other = 0; n_other < 3; n_other++) {
            qvl_arena a = { 0 }, b = { 0 };
            char *own = n_own > 0 ? qvl_arena_strdup(&a, "own") : NULL;
            char *first = n_other > 0 ? qvl_arena_strdup(&b, "first") : NULL;
            char *large = n_other > 1 ? qvl_arena_alloc(&b, 300000) : NULL;
            if (large != NULL)
                memset(large, 'x', 300000);
            qvl_arena_join(&a, &b);
            CHECK(b.first == NULL && b.current == NULL, "the other is empty");
            char *more = qvl_arena_strdup(&a, "more");
            CHECK_STR(qvl_arena_strdup(&b, "again"), "again", "goes on");
            for (int i = 0; i < 200; i++)
                qvl_arena_alloc(&a, 5000);
            CHECK_STR(more, "more", "behind the join");
            CHECK(own == NULL || strcmp(own, "own") == 0, "own");
            CHECK(first == NULL || strcmp(first, "first") == 0, "first");
            CHECK(large == NULL || (large[0] == 'x' && large[299999] == 'x'),
                  "large");
            qvl_arena_reset(&a);
            const char *zeros = qvl_arena_alloc(&a, 100000);
            for (int i = 0; i < 100000; i++)
                CHECK(zeros[i] == 0, "byte %d after a reset", i);
            qvl_arena_release(&a);
            qvl_arena_release(&b);
        }
}

RUN_TESTS(TEST(test_alloc), TEST(test_join), TEST(test_reset_keeps_memory), TEST(test_text),
          TEST(test_guard), TEST(test_nested_guards),
          TEST(test_abort_without_guard))
