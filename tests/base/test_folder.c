/* test_folder.c - names of folders: real ones, and one seen from another */
#include "base/folder.h"

#include "base/file.h"
#include "base/rng.h"
#include "check.h"

static void test_relative(void)
{
    static const struct {
        const char *folder, *path, *name;
    } cases[] = {
        { "/a", "/a", "" },
        { "/a", "/a/b", "b" },
        { "/a", "/a/b/c", "b/c" },
        { "/a/b", "/a", ".." },
        { "/a/b/c", "/a", "../.." },
        { "/a/b", "/a/c", "../c" },
        { "/a/b", "/a/bc", "../bc" },
        { "/a/bc", "/a/b", "../b" },
        { "/a/b/c", "/a/d/e/f", "../../d/e/f" },
        { "/a", "/b", "/b" },
        { "/ab", "/a", "/a" },
        { "/a", "/ab/c", "/ab/c" },
        { "/a/b", "/", "/" },
        { "/", "/a/b", "a/b" },
        { "/", "/", "" },
    };
    qvl_arena a = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_STR(qvl_folder_relative(cases[i].folder, cases[i].path, &a),
                  cases[i].name, "%s from %s", cases[i].path, cases[i].folder);
    qvl_arena_release(&a);
}

/* A name seen from a folder leads to the same folder. */
static void test_there(void)
{
    static const char *const parts[] = { "a", "b", "ab" };
    qvl_rng r = { .key = 2 };
    qvl_arena a = { 0 };
    qvl_err err;
    const char *top;
    CHECK_OK(qvl_folder_real(&top, check_dir(), &a, &err), err);
    for (int round = 0; round < 300; round++) {
        const char *path[2] = { top, top };
        for (int k = 0; k < 2; k++) {
            for (uint64_t n = qvl_rng_below(&r, 4); n > 0; n--)
                path[k] = qvl_arena_printf(&a, "%s/%s", path[k],
                                           parts[qvl_rng_below(&r, 3)]);
            CHECK_OK(qvl_file_make_dirs(path[k], &err), err);
        }
        const char *name = qvl_folder_relative(path[0], path[1], &a);
        const char *there = qvl_arena_printf(&a, "%s/%s", path[0], name);
        CHECK(name[0] != '/' && qvl_file_is_same(there, path[1]),
              "%s from %s is %s", path[1], path[0], name);
    }
    qvl_arena_release(&a);
}

static void test_real(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    const char *top, *real;
    const char *link = check_path("link");
    CHECK_OK(qvl_file_make_dirs(check_path("folder/in"), &err), err);
    CHECK(symlink("folder/in", link) == 0, "link");
    CHECK_OK(qvl_folder_real(&top, check_dir(), &a, &err), err);
    CHECK_OK(qvl_folder_real(&real, check_path("link/.././in/"), &a, &err), err);
    CHECK_STR(real, qvl_arena_printf(&a, "%s/folder/in", top), "dots and links");
    CHECK_OK(qvl_folder_real(&real, "/", &a, &err), err);
    CHECK_STR(real, "/", "the root");
    CHECK_FAILS(qvl_folder_real(&real, check_path("none/x"), &a, &err), QVL_E_IO,
                err, "none/x");
    CHECK_STR(real, "/", "unchanged");
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_relative), TEST(test_there), TEST(test_real))
