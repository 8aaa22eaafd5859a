/* test_file.c - files read and replaced: pipes, stale parts, full disks, refused
 * targets
 */
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

/* Files in a folder, without . and .. */
static int count_files(const char *dir)
{
    DIR *d = opendir(dir);
    CHECK(d != NULL, "open %s", dir);
    int n = -2;
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

/* A fresh empty folder. */
static const char *new_dir(const char *name)
{
    const char *dir = check_path(name);
    CHECK(mkdir(dir, 0777) == 0, "mkdir %s", dir);
    return dir;
}

static void check_content(const char *path, const char *p, size_t n)
{
    qvl_arena a = { 0 };
    qvl_err err;
    char *text;
    size_t len;
    CHECK_OK(qvl_file_read(path, &text, &len, &a, &err), err);
    CHECK(len == n && memcmp(text, p, n) == 0, "%s: %zu bytes", path, len);
    CHECK_INT(text[len], 0, "%s: NUL behind", path);
    qvl_arena_release(&a);
}

static void test_read_sizes(void)
{
    static const size_t sizes[] = { 0, 1, 4095, 4096, 262143, 262144, 262145,
                                    1000003 };
    char *data = malloc(2000000);
    for (size_t i = 0; i < 2000000; i++)
        data[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < QVL_COUNT(sizes); i++) {
        qvl_err err;
        qvl_file_map map = { 0 };
        const char *path = check_path("sized");
        CHECK_OK(qvl_file_write_all(path, data, sizes[i], &err), err);
        check_content(path, data, sizes[i]);
        CHECK_OK(qvl_file_map_open(&map, path, &err), err);
        CHECK(map.p != NULL && map.len == sizes[i]
                  && memcmp(map.p, data, map.len) == 0, "map %zu", sizes[i]);
        qvl_file_map_close(&map);
        qvl_file_map_close(&map);
    }
    qvl_file_map_close(NULL);
    free(data);
}

/* Files whose length is only known at their end. */
static void test_read_without_length(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    char *text;
    size_t len;
    CHECK_OK(qvl_file_read("/proc/self/status", &text, NULL, &a, &err), err);
    CHECK_HAS(text, "Name:", "proc");

    const char *fifo = check_path("fifo");
    CHECK(mkfifo(fifo, 0666) == 0, "mkfifo");
    pid_t child = fork();
    if (child == 0) {
        FILE *f = fopen(fifo, "w");
        for (int i = 0; i < 20000; i++)
            fputs("0123456789", f);
        fclose(f);
        _exit(0);
    }
    CHECK_OK(qvl_file_read(fifo, &text, &len, &a, &err), err);
    CHECK_INT(len, 200000, "pipe");
    waitpid(child, NULL, 0);
    qvl_arena_release(&a);
}

static void test_read_failures(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    char *text = "kept";
    size_t len = 5;
    qvl_file_map map = { 0 };
    const char *missing = check_path("missing");
    CHECK_FAILS(qvl_file_read(missing, &text, &len, &a, &err), QVL_E_IO, err,
                "No such file");
    CHECK_HAS(err.msg, missing, "the path is named");
    CHECK_FAILS(qvl_file_map_open(&map, missing, &err), QVL_E_IO, err,
                "No such file");
    CHECK_FAILS(qvl_file_read(check_dir(), &text, &len, &a, &err), QVL_E_IO,
                err, "Is a directory");
    CHECK_FAILS(qvl_file_map_open(&map, check_dir(), &err), QVL_E_IO, err,
                "Is a directory");
    CHECK_FAILS(qvl_file_map_open(&map, "/dev/null", &err), QVL_E_IO, err,
                "regular file");
    CHECK_STR(text, "kept", "unchanged");
    CHECK(len == 5 && map.p == NULL, "unchanged");

    const char *path = check_path("large");
    CHECK_OK(qvl_file_write_all(path, check_dir(), 10, &err), err);
    qvl_memory_limit(5);
    int rc = qvl_file_read(path, &text, &len, &a, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "host is full");
    CHECK_HAS(err.msg, path, "the path is named");
    qvl_arena_release(&a);
}

/* The target changes at commit, not before, and nothing else is left. */
static void test_replace(void)
{
    char dir[512];
    char path[600];
    snprintf(dir, sizeof dir, "%s", new_dir("replace"));
    snprintf(path, sizeof path, "%s/file", dir);
    qvl_err err;
    qvl_file_out *out;
    CHECK_OK(qvl_file_write_all(path, "old", 3, &err), err);

    CHECK_OK(qvl_file_out_open(&out, path, &err), err);
    CHECK_OK(qvl_file_out_write(out, "new", 3, &err), err);
    check_content(path, "old", 3);
    CHECK_INT(count_files(dir), 2, "target and its successor");
    qvl_file_out_abort(out);
    check_content(path, "old", 3);
    CHECK_INT(count_files(dir), 1, "after abort");

    CHECK_OK(qvl_file_out_open(&out, path, &err), err);
    CHECK_OK(qvl_file_out_write(out, "ne", 2, &err), err);
    CHECK_OK(qvl_file_out_write(out, NULL, 0, &err), err);
    CHECK_OK(qvl_file_out_write(out, "w", 1, &err), err);
    CHECK_OK(qvl_file_out_commit(out, &err), err);
    check_content(path, "new", 3);
    CHECK_INT(count_files(dir), 1, "after commit");
    qvl_file_out_abort(NULL);
}

/* Pieces of many sizes arrive in order. */
static void test_pieces(void)
{
    size_t total = 3000000;
    char *data = malloc(total);
    for (size_t i = 0; i < total; i++)
        data[i] = (char)(i % 253);
    qvl_err err;
    qvl_file_out *out;
    const char *path = check_path("pieces");
    CHECK_OK(qvl_file_out_open(&out, path, &err), err);
    size_t done = 0;
    for (size_t n = 1; done < total; n = n * 5 / 2 + 1) {
        size_t k = n % 400000 < total - done ? n % 400000 : total - done;
        CHECK_OK(qvl_file_out_write(out, data + done, k, &err), err);
        done += k;
    }
    CHECK_OK(qvl_file_out_commit(out, &err), err);
    check_content(path, data, total);
    free(data);
}

/* A file left by a process that died with our number, longer than ours. */
static void test_stale_tmp(void)
{
    char path[512];
    char tmp[600];
    snprintf(path, sizeof path, "%s", check_path("stale"));
    snprintf(tmp, sizeof tmp, "%s.tmp.%ld", path, (long)getpid());
    qvl_err err;
    CHECK_OK(qvl_file_write_all(tmp, "long old text", 13, &err), err);
    CHECK_OK(qvl_file_write_all(path, "new", 3, &err), err);
    check_content(path, "new", 3);
    CHECK(!qvl_file_exists(tmp), "gone");
}

static void test_refused_targets(void)
{
    qvl_err err;
    qvl_file_out *out = NULL;
    CHECK_FAILS(qvl_file_out_open(&out, "/dev/full", &err), QVL_E_IO, err,
                "found a device");
    CHECK_FAILS(qvl_file_out_open(&out, check_dir(), &err), QVL_E_IO, err,
                "found a folder");
    CHECK_FAILS(qvl_file_write_all(check_path("no/such/dir"), "x", 1, &err),
                QVL_E_IO, err, "No such file");
    CHECK(out == NULL, "unchanged");

    qvl_file_out *first;
    const char *path = check_path("twice");
    CHECK_OK(qvl_file_out_open(&first, path, &err), err);
    CHECK_FAILS(qvl_file_out_open(&out, path, &err), QVL_E_IO, err,
                "another writer");
    CHECK_OK(qvl_file_out_commit(first, &err), err);
    CHECK(qvl_file_exists(path), "the first writer is not disturbed");
}

/* The target becomes a folder while its successor is written. */
static void test_rename_fails(void)
{
    char dir[512];
    char path[600];
    snprintf(dir, sizeof dir, "%s", new_dir("rename"));
    snprintf(path, sizeof path, "%s/file", dir);
    qvl_err err;
    qvl_file_out *out;
    CHECK_OK(qvl_file_out_open(&out, path, &err), err);
    CHECK_OK(qvl_file_make_dirs(path, &err), err);
    CHECK_FAILS(qvl_file_out_commit(out, &err), QVL_E_IO, err, "rename");
    CHECK_INT(count_files(dir), 1, "the folder alone");
}

/* No more than 100 kB can be written: at the first flush, or at commit. */
static void test_full_disk(void)
{
    static const size_t sizes[] = { 100001, 200000, 262145, 5000000 };
    struct rlimit kept;
    getrlimit(RLIMIT_FSIZE, &kept);
    signal(SIGXFSZ, SIG_IGN);
    char *data = calloc(1, 5000000);
    char dir[512];
    char path[600];
    snprintf(dir, sizeof dir, "%s", new_dir("full"));
    snprintf(path, sizeof path, "%s/file", dir);
    qvl_err err;
    CHECK_OK(qvl_file_write_all(path, "old", 3, &err), err);
    for (size_t i = 0; i < QVL_COUNT(sizes); i++) {
        struct rlimit full = { 100000, kept.rlim_max };
        setrlimit(RLIMIT_FSIZE, &full);
        int rc = qvl_file_write_all(path, data, sizes[i], &err);
        setrlimit(RLIMIT_FSIZE, &kept);
        CHECK_INT(rc, QVL_E_IO, "%zu bytes", sizes[i]);
        CHECK_HAS(err.msg, "File too large", "%zu bytes", sizes[i]);
        check_content(path, "old", 3);
        CHECK_INT(count_files(dir), 1, "%zu bytes", sizes[i]);
    }
    free(data);
}

/* After a failure a writer takes no more, even when there is room again. */
static void test_failed_writer(void)
{
    struct rlimit kept;
    getrlimit(RLIMIT_FSIZE, &kept);
    struct rlimit full = { 1000, kept.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    char *data = calloc(1, 1000000);
    qvl_err err;
    qvl_file_out *out;
    const char *path = check_path("failed");
    CHECK_OK(qvl_file_out_open(&out, path, &err), err);
    setrlimit(RLIMIT_FSIZE, &full);
    int rc = qvl_file_out_write(out, data, 1000000, &err);
    setrlimit(RLIMIT_FSIZE, &kept);
    CHECK_INT(rc, QVL_E_IO, "full");
    CHECK_FAILS(qvl_file_out_write(out, data, 1, &err), QVL_E_IO, err,
                "earlier failure");
    CHECK_FAILS(qvl_file_out_commit(out, &err), QVL_E_IO, err,
                "earlier failure");
    CHECK(!qvl_file_exists(path), "nothing appears");
    free(data);
}

static void test_relative_path(void)
{
    char here[1024];
    CHECK(getcwd(here, sizeof here) != NULL && chdir(check_dir()) == 0, "cd");
    qvl_err err;
    int rc = qvl_file_write_all("relative", "x", 1, &err);
    CHECK(chdir(here) == 0, "cd back");
    CHECK_OK(rc, err);
    check_content(check_path("relative"), "x", 1);
}

static void test_dirs(void)
{
    qvl_err err;
    CHECK_OK(qvl_file_make_dirs(check_path("a//b/c/"), &err), err);
    CHECK(qvl_file_is_dir(check_path("a/b/c")), "made");
    CHECK_OK(qvl_file_make_dirs(check_path("a/b/c/d"), &err), err);
    CHECK_OK(qvl_file_make_dirs(check_path("a/b/c/d"), &err), err);
    CHECK_OK(qvl_file_make_dirs("/", &err), err);
    CHECK_OK(qvl_file_make_dirs(".", &err), err);
    CHECK_OK(qvl_file_write_all(check_path("a/file"), "", 0, &err), err);
    CHECK(qvl_file_exists(check_path("a/file")), "file");
    CHECK(!qvl_file_is_dir(check_path("a/file")), "no folder");
    CHECK(!qvl_file_exists(check_path("a/none")), "nothing");
    CHECK(qvl_file_is_same(check_path("a/b/../file"), check_path("a/file")),
          "two paths");
    CHECK(!qvl_file_is_same(check_path("a/b"), check_path("a/file")), "two");
    qvl_file_id id[2] = { { 1, 2 }, { 1, 2 } };
    CHECK(qvl_file_identify(check_path("a/b/../file"), &id[0])
              && qvl_file_identify(check_path("a/file"), &id[1])
              && id[0].device == id[1].device && id[0].number == id[1].number,
          "ids of one");
    CHECK(qvl_file_identify(check_path("a/b"), &id[1])
              && id[0].number != id[1].number, "ids of two");
    CHECK(!qvl_file_identify(check_path("a/none"), &id[0])
              && id[0].device == id[1].device, "no id");
    CHECK(!qvl_file_is_same(check_path("a/none"), check_path("a/none")),
          "nothing twice");
    CHECK_FAILS(qvl_file_make_dirs(check_path("a/file"), &err), QVL_E_IO, err,
                "File exists");
    CHECK_FAILS(qvl_file_make_dirs(check_path("a/file/x"), &err), QVL_E_IO,
                err, "a/file");
    CHECK_FAILS(qvl_file_make_dirs("", &err), QVL_E_IO, err, "empty path");
}

RUN_TESTS(TEST(test_read_sizes), TEST(test_read_without_length),
          TEST(test_read_failures), TEST(test_replace), TEST(test_pieces),
          TEST(test_stale_tmp), TEST(test_refused_targets),
          TEST(test_rename_fails), TEST(test_full_disk),
          TEST(test_failed_writer), TEST(test_relative_path), TEST(test_dirs))
