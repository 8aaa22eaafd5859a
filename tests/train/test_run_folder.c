/* test_run_folder.c - output folders: new, used, and which checkpoint is taken */
#include "train/run_folder.h"

#include <pthread.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "check.h"

static const struct tm noon = { .tm_year = 126, .tm_mon = 0, .tm_mday = 2,
                                .tm_hour = 12 };

static const char *make(const char *name)
{
    qvl_err err;
    const char *path = check_path(name);
    CHECK_OK(qvl_file_make_dirs(path, &err), err);
    return path;
}

/* Open; the path of the run is compared behind the test's own folder. */
static void check_open(const char *out, bool versions, const char *resume,
                       const char *path, const char *from)
{
    qvl_err err;
    qvl_arena a = { 0 };
    qvl_run_folder f;
    CHECK_OK(qvl_run_folder_find(&f, check_path(out), versions, resume, &a, &err), err);
    CHECK_OK(qvl_run_folder_make(&f, check_path(out), &noon, &a, &err), err);
    CHECK_STR(f.path + strlen(check_dir()) + 1, path, "run of %s", out);
    CHECK(qvl_file_is_dir(f.path), "%s is there", f.path);
    if (from == NULL)
        CHECK(f.resume == NULL, "nothing to resume");
    else
        CHECK_STR(f.resume, from, "to resume");
    qvl_arena_release(&a);
}

static void test_new(void)
{
    check_open("a/run", false, NULL, "a/run", NULL);
    check_open("a/run", false, "false", "a/run", NULL);
    check_open("b/run", true, NULL, "b/run/v0-20260102-120000", NULL);
    check_open("b/run", true, NULL, "b/run/v1-20260102-120000", NULL);
    make("b/run/v7-x");
    make("b/run/v9");
    make("b/run/vx-12");
    CHECK_OK(qvl_file_write_all(check_path("b/run/v30-file"), "", 0,
                                &(qvl_err){ 0 }), ((qvl_err){ 0 }));
    check_open("b/run", true, NULL, "b/run/v8-20260102-120000", NULL);
}

/* Runs that start at once get numbers of their own, whatever their time. */
static void *start_run(void *arg)
{
    struct tm now = noon;
    qvl_err err;
    qvl_arena a = { 0 };
    qvl_run_folder f;
    now.tm_sec = *(int *)arg;
    CHECK_OK(qvl_run_folder_find(&f, check_path("i/run"), true, NULL, &a, &err), err);
    CHECK(f.path == NULL, "a version that is not there yet");
    CHECK_OK(qvl_run_folder_make(&f, check_path("i/run"), &now, &a, &err), err);
    qvl_arena_release(&a);
    return NULL;
}

static void test_at_once(void)
{
    enum { RUNS = 8 };
    pthread_t thread[RUNS];
    int second[RUNS];
    qvl_err err;
    qvl_arena a = { 0 };
    char **name;
    size_t n;
    for (int i = 0; i < RUNS; i++) {
        second[i] = RUNS - i;
        CHECK_INT(pthread_create(&thread[i], NULL, start_run, &second[i]), 0, "thread");
    }
    for (int i = 0; i < RUNS; i++)
        pthread_join(thread[i], NULL);
    CHECK_OK(qvl_folder_names(check_path("i/run"), &name, &n, &a, &err), err);
    CHECK_INT(n, RUNS, "folders");
    for (size_t i = 0; i < n; i++) {
        char want[32];
        snprintf(want, sizeof want, "v%zu-", i);
        CHECK(strncmp(name[i], want, strlen(want)) == 0, "%s", name[i]);
    }
    qvl_arena_release(&a);
}

/* Of two versions with one number the later one is the newest. */
static void test_last(void)
{
    make("j/run/v3-20260102-120000/checkpoint-5");
    make("j/run/v3-20260102-120001/checkpoint-4");
    check_open("j/run", true, "last", "j/run/v3-20260102-120001",
               check_path("j/run/v3-20260102-120001"));
    make("c/run/v0-a/checkpoint-5");
    make("c/run/v2-b/checkpoint-3");
    make("c/run/v10-c/checkpoint-9.tmp");
    make("c/run/v11-d");
    check_open("c/run", true, "true", "c/run/v2-b", check_path("c/run/v2-b"));
    check_open("c/run", true, "last", "c/run/v2-b", check_path("c/run/v2-b"));
    make("d/run/checkpoint-1");
    check_open("d/run", false, "last", "d/run", check_path("d/run"));
}

static void test_named(void)
{
    const char *own = make("e/run/v0-a/checkpoint-5");
    const char *flat = make("e/run/checkpoint-2");
    const char *other = make("f/checkpoint-5");
    check_open("e/run", true, own, "e/run/v0-a", own);
    check_open("e/run", true, flat, "e/run", flat);
    check_open("e/run", false, other, "e/run", other);
    char slashed[512];
    snprintf(slashed, sizeof slashed, "%s//", own);
    check_open("e/run", true, slashed, "e/run/v0-a", slashed);
    const char *run = check_path("e/run/v0-a");
    check_open("e/run", true, run, "e/run/v0-a", run);
    check_open("e/other", false, run, "e/other", run);
}

/* Which paths lie in the folder of a run. */
static void test_has(void)
{
    static const struct {
        const char *path;
        bool is_own;
    } cases[] = {
        { "h/run/checkpoint-5", true },
        { "h/run/checkpoint-6", true },  // that there is not
        { "h//link/checkpoint-5/", true },
        { "h/run", false },
        { "h/other/checkpoint-5", false },
        { "h/none/checkpoint-5", false },
        { "h/run/checkpoint-5/x", false },
    };
    qvl_arena a = { 0 };
    qvl_run_folder f = { .path = check_path("h/run") };
    make("h/run/checkpoint-5");
    make("h/other/checkpoint-5");
    CHECK(symlink("run", check_path("h/link")) == 0, "link");
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK(qvl_run_folder_has(&f, check_path(cases[i].path), &a)
                  == cases[i].is_own, "%s", cases[i].path);
    CHECK(!qvl_run_folder_has(&f, "checkpoint-5", &a), "a name alone");
    qvl_arena_release(&a);
}

static void test_refused(void)
{
    qvl_err err;
    qvl_arena a = { 0 };
    qvl_run_folder f = { 0 };
    make("g/run/v0-a");
    CHECK_FAILS(qvl_run_folder_find(&f, check_path("g/run"), true, "true", &a, &err),
                QVL_E_CONFIG, err, "found no checkpoint in");
    CHECK_FAILS(qvl_run_folder_find(&f, check_path("g/none"), true, "last", &a, &err),
                QVL_E_CONFIG, err, "found no checkpoint in");
    CHECK_FAILS(qvl_run_folder_find(&f, check_path("g/run"), true, "nowhere", &a, &err),
                QVL_E_CONFIG, err, "found nowhere");
    CHECK_OK(qvl_file_write_all(check_path("g/file"), "", 0, &err), err);
    CHECK_FAILS(qvl_run_folder_find(&f, check_path("g/file"), true, "last", &a, &err),
                QVL_E_IO, err, "file");
    CHECK(f.path == NULL && f.resume == NULL, "unchanged");
    for (int versions = 0; versions < 2; versions++) {
        f.path = versions ? NULL : check_path("g/file");
        CHECK_FAILS(qvl_run_folder_make(&f, check_path("g/file"), &noon, &a, &err),
                    QVL_E_IO, err, "file");
    }
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_new), TEST(test_at_once), TEST(test_last), TEST(test_named), TEST(test_has),
          TEST(test_refused))
