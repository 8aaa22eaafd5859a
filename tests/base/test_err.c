/* test_err.c - codes and texts, texts that are cut, functions left early */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/utf8.h"
#include "check.h"

static void test_codes(void)
{
    static const struct {
        int code;
        const char *name;
        int exit_code;
    } cases[] = {
        { QVL_OK, "QVL_OK", 0 },
        { QVL_E_USAGE, "QVL_E_USAGE", 2 },
        { QVL_E_CONFIG, "QVL_E_CONFIG", 2 },
        { QVL_E_DATA, "QVL_E_DATA", 3 },
        { QVL_E_FORMAT, "QVL_E_FORMAT", 3 },
        { QVL_E_MODEL, "QVL_E_MODEL", 4 },
        { QVL_E_DEVICE, "QVL_E_DEVICE", 5 },
        { QVL_E_DEVICE_LOST, "QVL_E_DEVICE_LOST", 5 },
        { QVL_E_DEVICE_MEMORY, "QVL_E_DEVICE_MEMORY", 5 },
        { QVL_E_MEMORY, "QVL_E_MEMORY", 5 },
        { QVL_E_IO, "QVL_E_IO", 3 },
        { QVL_E_RANGE, "QVL_E_RANGE", 3 },
        { QVL_E_UNSUPPORTED, "QVL_E_UNSUPPORTED", 2 },
        { QVL_E_INTERRUPTED, "QVL_E_INTERRUPTED", 130 },
        { QVL_E_INTERNAL, "QVL_E_INTERNAL", 1 },
        { 7, "QVL_E_INTERNAL", 1 },      // no code
        { -1000, "QVL_E_INTERNAL", 1 },  // no code
    };
    CHECK_INT(QVL_COUNT(cases), QVL_N_ERR + 2, "every code has a case");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        CHECK_STR(qvl_err_name(cases[i].code), cases[i].name, "case %zu", i);
        CHECK_INT(qvl_err_exit_code(cases[i].code), cases[i].exit_code,
                  "case %zu", i);
        CHECK(i == 0 || i >= QVL_N_ERR || cases[i].code < 0, "case %zu", i);
    }
}

static void test_fail_and_add(void)
{
    qvl_err err;
    CHECK_INT(qvl_fail(&err, QVL_E_DATA, "found %d", 7), QVL_E_DATA, "code");
    CHECK_STR(err.msg, "found 7", "message");
    CHECK_STR(err.hint, "", "hint");
    CHECK_INT(qvl_err_add(&err, "record %d", 3), QVL_E_DATA, "add");
    CHECK_STR(err.msg, "record 3: found 7", "prefix");
    qvl_err_hint(&err, "try %s", "this");
    qvl_err_hint(&err, "or that");
    CHECK_STR(err.hint, "try this\nor that", "two hints");
    qvl_fail(&err, QVL_E_IO, "again: %s", err.msg);
    CHECK_STR(err.msg, "again: record 3: found 7", "its own text as value");
    CHECK_STR(err.hint, "", "a new error has no old hint");
}

static void test_null(void)
{
    CHECK_INT(qvl_fail(NULL, QVL_E_RANGE, "x"), QVL_E_RANGE, "fail");
    CHECK_INT(qvl_err_add(NULL, "x"), QVL_E_INTERNAL, "add");
    qvl_err_hint(NULL, "x");
}

/* Is the text cut at the border of a character, and marked? */
static void check_cut(const char *text, size_t cap, int shift)
{
    size_t len = strlen(text);
    CHECK(len < cap && len >= cap - 8, "shift %d: length %zu", shift, len);
    CHECK_STR(text + len - 3, "...", "shift %d", shift);
    CHECK_INT((len - 3 - (size_t)shift) % 3, 0, "shift %d: whole characters",
              shift);
}

static void test_cut(void)
{
    char text[3001] = "";
    for (int i = 0; i < 1000; i++)
        memcpy(text + 3 * i, "\xe7\xba\xbf", 4);  // one character, three bytes
    for (int shift = 0; shift < 3; shift++) {
        qvl_err err;
        qvl_fail(&err, QVL_E_DATA, "%.*s%s", shift, "ab", text);
        check_cut(err.msg, sizeof err.msg, shift);
        qvl_err_hint(&err, "%.*s%s", shift, "ab", text);
        check_cut(err.hint, sizeof err.hint, shift);
        qvl_fail(&err, QVL_E_DATA, "%s", text);
        qvl_err_add(&err, "%.*s", shift, "ab");
        CHECK_INT(strlen(err.msg) < sizeof err.msg, 1, "shift %d", shift);
        CHECK_STR(err.msg + strlen(err.msg) - 3, "...", "shift %d", shift);
    }
}

static int tries(int code, int *passed)
{
    QVL_TRY(code);
    *passed = 1;
    return QVL_OK;
}

static void test_try(void)
{
    int passed = 0;
    CHECK_INT(tries(QVL_E_IO, &passed), QVL_E_IO, "passes on");
    CHECK_INT(passed, 0, "leaves");
    CHECK_INT(tries(QVL_OK, &passed), QVL_OK, "goes on");
    CHECK_INT(passed, 1, "goes on");
}

/* A broken promise inside the library ends the program in every build. */
static void test_asserts(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        char out[4];
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        fclose(stderr);
        qvl_utf8_put(out, 0x110000);
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child, "child");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
          "found status %d", status);
}

RUN_TESTS(TEST(test_codes), TEST(test_fail_and_add), TEST(test_null),
          TEST(test_cut), TEST(test_try), TEST(test_asserts))
