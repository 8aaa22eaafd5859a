/* test_align.c - pictures and records at aligned sizes, twice */
#include "check.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/rng.h"
#include "data/align.h"
#include "data/align_picture.h"
#include "data/picture.h"
#include "data/record.h"
#include "image/jpeg_write.h"
#include "image/resize.h"
#include "made.h"

static const qvl_size_limits limits = { .factor = 32, .min_pixels = 4096,
                                        .max_pixels = 786432 };

/* ---- files -------------------------------------------------------------- */

static void make_folder(const char *name)
{
    qvl_err err;
    CHECK_OK(qvl_file_make_dirs(made_path(name), &err), err);
}

static const char *make_jpeg(const char *name, int w, int h)
{
    uint8_t *rgb = calloc((size_t)w * (size_t)h, 3);
    qvl_str text = { 0 };
    qvl_err err;
    for (int i = 0; i < 3 * w * h; i++)
        rgb[i] = (uint8_t)(i / 3 % w + i / 3 / w);
    CHECK_OK(qvl_jpeg_encode(&text, rgb, w, h, 90, &err), err);
    const char *path = made_file(name, text.p, text.len);
    qvl_str_release(&text);
    free(rgb);
    return path;
}

/* A BMP of w x h px, w a multiple of 4. */
static const char *make_bmp(const char *name, int w, int h)
{
    size_t n = 54 + (size_t)(3 * w * h);
    uint8_t *p = calloc(n, 1);
    uint8_t head[] = { 'B', 'M', 0, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0,
                       (uint8_t)w, 0, 0, 0, (uint8_t)h, 0, 0, 0, 1, 0, 24, 0 };
    memcpy(p, head, sizeof head);
    const char *path = made_file(name, p, n);
    free(p);
    return path;
}

static const char *text_of(const char *name, size_t *n, qvl_arena *a)
{
    char *text;
    qvl_err err;
    CHECK_OK(qvl_file_read(made_path(name), &text, n, a, &err), err);
    return text;
}

static void check_equal(const char *a_name, const char *b_name)
{
    qvl_arena a = { 0 };
    size_t n, m;
    const char *p = text_of(a_name, &n, &a);
    const char *q = text_of(b_name, &m, &a);
    CHECK(n == m && memcmp(p, q, n) == 0, "%s and %s", a_name, b_name);
    qvl_arena_release(&a);
}

static int align(const char *from, const char *to, int n_threads,
                 qvl_align_counts *counts, qvl_err *err)
{
    qvl_align_options o = { .input = made_path(from), .output = made_path(to),
                            .limits = limits, .quality = 95,
                            .n_threads = n_threads };
    return qvl_align(&o, counts, err);
}

/* ---- sizes -------------------------------------------------------------- */

/* What is planned is what image/size.h says, and stays; else it is an error. */
static void test_sizes(void)
{
    static const qvl_size_limits some[] = {
        { .factor = 32, .min_pixels = 4096, .max_pixels = 786432 },
        { .factor = 32, .min_pixels = 1024, .max_pixels = 2048 },
        { .factor = 28, .min_pixels = 50000, .max_pixels = 50100 },
        { .factor = 1, .min_pixels = 1, .max_pixels = 300 },
    };
    qvl_rng r = { .key = 12 };
    int n_errors[QVL_COUNT(some)] = { 0 };
    for (int round = 0; round < 40000; round++) {
        size_t k = (size_t)round % QVL_COUNT(some);
        int in_h = 1 + (int)qvl_rng_below(&r, 2000);
        int in_w = 1 + (int)qvl_rng_below(&r, round % 3 == 0 ? 90 : 2000);
        int h, w, plain_h, plain_w, again_h, again_w;
        qvl_err err;
        int plain = qvl_size_plan(&plain_h, &plain_w, in_h, in_w, &some[k], NULL);
        int rc = qvl_align_plan_size(&h, &w, in_h, in_w, "x", &some[k], &err);
        if (rc != QVL_OK) {
            CHECK_HAS(err.msg, "x", "name");
            CHECK_INT(rc, QVL_E_DATA, "code");
            n_errors[k] += plain == QVL_OK;
            continue;
        }
        CHECK(plain == QVL_OK && h == plain_h && w == plain_w, "%d x %d", in_h,
              in_w);
        CHECK_OK(qvl_align_plan_size(&again_h, &again_w, h, w, "x", &some[k],
                                     &err), err);
        CHECK(again_h == h && again_w == w, "%d x %d is not kept", h, w);
    }
    CHECK(n_errors[0] < 100 && n_errors[2] > 100, "%d, %d errors", n_errors[0],
          n_errors[2]);
}

static void test_acceptance(void)
{
    static const struct {
        int in_h, in_w, h, w;
    } cases[] = {
        { 600, 1000, 608, 992 },   { 480, 640, 480, 640 },
        { 1080, 1920, 640, 1152 }, { 48, 48, 64, 64 },
        { 80, 80, 64, 64 },        { 112, 112, 128, 128 },
        { 16, 200, 32, 256 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        int h, w;
        qvl_err err;
        CHECK_OK(qvl_align_plan_size(&h, &w, cases[i].in_h, cases[i].in_w, "x",
                                     &limits, &err), err);
        CHECK(h == cases[i].h && w == cases[i].w, "case %zu: %d x %d", i, h, w);
    }
    qvl_err err;
    int h, w;
    CHECK_FAILS(qvl_align_plan_size(&h, &w, 1, 201, "f.jsonl:3", &limits, &err),
                QVL_E_DATA, err, "f.jsonl:3: picture: found 1 x 201 pixels");
}

/* ---- names -------------------------------------------------------------- */

static void test_names(void)
{
    static const struct {
        const char *path, *name;  // path: behind the folder of the test
    } cases[] = {
        { "n/in/a.png", "a.png" },
        { "n/in/./x//b.png", "x/b.png" },
        { "n/in/x/../c.png", "c.png" },
        { "n/in/../up.png", "up.png" },
        { "n/in/../../n/in/x/d.jpg", "n/in/x/d.jpg" },
        { "n/in/bmp.bmp", "bmp.png" },
        { "n/in/.bmp", ".bmp.png" },
        { "n/in/x.y/bmp", "x.y/bmp.png" },
        { "n/in/whole.bmp", "whole.bmp" },
    };
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_align_options o = { .input = made_text("n/none", ""), .limits = limits };
    qvl_align_set set = { .o = &o, .arena = &a };
    set.root = qvl_arena_printf(&a, "%s/n/in", made_dir());
    o.input = made_path("n/in/none.jsonl");
    o.output = made_path("n/out/o.jsonl");
    made_png("n/in/a.png", 9, 9);
    made_png("n/in/x/b.png", 9, 9);
    made_png("n/in/c.png", 9, 9);
    made_png("n/up.png", 9, 9);
    made_png("n/in/x/d.jpg", 9, 9);
    make_bmp("n/in/bmp.bmp", 8, 8);
    make_bmp("n/in/.bmp", 8, 8);
    make_bmp("n/in/x.y/bmp", 8, 8);
    make_bmp("n/in/whole.bmp", 64, 64);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const char *path = qvl_arena_printf(&a, "%s/%s", made_dir(),
                                            cases[i].path);
        qvl_align_set_add(&set, path);
        qvl_align_set_add(&set, path);
    }
    CHECK_OK(qvl_align_set_plan(&set, 3, &err), err);
    CHECK_INT(set.n, QVL_COUNT(cases), "entries");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const char *path = qvl_arena_printf(&a, "%s/%s", made_dir(),
                                            cases[i].path);
        const qvl_align_entry *e = qvl_align_set_find(&set, path);
        CHECK(e != NULL, "%s", cases[i].path);
        CHECK_STR(e->name, cases[i].name, "%s", cases[i].path);
        CHECK_STR(e->target, qvl_arena_printf(&a, "%s/n/out/%s", made_dir(),
                                              e->name), "target");
    }
    CHECK(qvl_align_set_find(&set, "a.png") == NULL, "not added");
    qvl_arena_release(&a);
}

static void test_elsewhere(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    const char *path = made_png("n/up.png", 9, 9);
    qvl_align_options o = { .input = "none", .limits = limits,
                            .output = made_path("n/out/o.jsonl") };
    qvl_align_set set = { .o = &o, .arena = &a, .root = "elsewhere" };
    qvl_align_set_add(&set, path);
    CHECK_OK(qvl_align_set_plan(&set, 1, &err), err);
    CHECK_STR(set.entry[0].name, path + 1, "the whole path");
    qvl_arena_release(&a);
}

/* ---- all of it ---------------------------------------------------------- */

static const char *record(qvl_arena *a, const char *name, int w, int h)
{
    return qvl_arena_printf(a, "{\"images\": [\"%s\"], \"width\": %d, \"height\": "
                            "%d, \"objects\": [{\"bbox_2d\": [0, 0, %d, %d], "
                            "\"desc\": \"a\"}]}\n", name, w, h, w, h);
}

static void check_picture(const char *name, int w, int h, qvl_image_format format)
{
    qvl_picture_file f;
    qvl_image_head head;
    qvl_err err;
    CHECK_OK(qvl_picture_open(&f, made_path(name), &err), err);
    CHECK_OK(qvl_image_read_head(&head, &f.file, &err), err);
    CHECK(head.w == w && head.h == h, "%s: %d x %d", name, head.w, head.h);
    CHECK_INT(head.format, format, "%s", name);
    CHECK_INT(head.orientation, 1, "%s", name);
    qvl_picture_close(&f);
}

static void test_whole(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_align_counts n;
    qvl_str text = { 0 };
    bool has_jpeg = qvl_jpeg_can_encode();
    made_png("w/in/wide.png", 100, 50);
    made_png("w/in/sub/fits.png", 96, 64);
    make_bmp("w/in/old.bmp", 40, 80);
    qvl_str_puts(&text, record(&a, "wide.png", 100, 50));
    qvl_str_puts(&text, record(&a, "sub/fits.png", 96, 64));
    qvl_str_puts(&text, "\n");
    qvl_str_puts(&text, record(&a, "./wide.png", 100, 50));
    qvl_str_puts(&text, record(&a, "old.bmp", 40, 80));
    if (has_jpeg) {
        make_jpeg("w/in/p.jpg", 70, 70);
        qvl_str_puts(&text, record(&a, "p.jpg", 70, 70));
    }
    made_text("w/in/r.jsonl", text.p);
    for (int threads = 1; threads < 8; threads += 3) {
        make_folder("w/out");
        CHECK_OK(align("w/in/r.jsonl", "w/out/r.jsonl", threads, &n, &err), err);
        CHECK_INT(n.n_records, 4 + has_jpeg, "records");
        CHECK_INT(n.n_pictures, 3 + has_jpeg, "pictures");
        CHECK_INT(n.n_copied, 1, "copied");
        CHECK_INT(n.n_renamed, 1, "renamed");
        qvl_str_reset(&text);
        qvl_str_puts(&text, record(&a, "wide.png", 96, 64));
        qvl_str_puts(&text, record(&a, "sub/fits.png", 96, 64));
        qvl_str_puts(&text, record(&a, "wide.png", 96, 64));
        qvl_str_puts(&text, record(&a, "old.png", 64, 96));
        if (has_jpeg)
            qvl_str_puts(&text, record(&a, "p.jpg", 64, 64));
        CHECK_STR(text_of("w/out/r.jsonl", NULL, &a), text.p, "records");
        check_picture("w/out/wide.png", 96, 64, QVL_IMAGE_PNG);
        check_picture("w/out/old.png", 64, 96, QVL_IMAGE_PNG);
        check_equal("w/out/sub/fits.png", "w/in/sub/fits.png");
        if (has_jpeg)
            check_picture("w/out/p.jpg", 64, 64, QVL_IMAGE_JPEG);
    }
    make_folder("w/again");
    CHECK_OK(align("w/out/r.jsonl", "w/again/r.jsonl", 2, &n, &err), err);
    CHECK_INT(n.n_copied, n.n_pictures, "copied");
    check_equal("w/out/r.jsonl", "w/again/r.jsonl");
    check_equal("w/out/wide.png", "w/again/wide.png");
    check_equal("w/out/old.png", "w/again/old.png");
    qvl_str_release(&text);
    qvl_arena_release(&a);
}

/* Pixels are those of the resize of the default profile. */
static void test_pixels(void)
{
    qvl_err err;
    qvl_align_counts n;
    qvl_image in, wanted, found;
    qvl_arena a = { 0 };
    made_png("p/in/a.png", 100, 50);
    made_text("p/in/r.jsonl", record(&a, "a.png", 100, 50));
    make_folder("p/out");
    CHECK_OK(align("p/in/r.jsonl", "p/out/r.jsonl", 1, &n, &err), err);
    CHECK_OK(qvl_image_load(&in, made_path("p/in/a.png"), NULL, &err), err);
    CHECK_OK(qvl_image_resize(&wanted, &in, 64, 96, QVL_RESIZE_PILLOW, &err), err);
    CHECK_OK(qvl_image_load(&found, made_path("p/out/a.png"), NULL, &err), err);
    CHECK(found.h == 64 && found.w == 96
              && memcmp(found.pixel, wanted.pixel, qvl_image_bytes(&found)) == 0,
          "other pixels");
    qvl_image_release(&in);
    qvl_image_release(&wanted);
    qvl_image_release(&found);
    qvl_arena_release(&a);
}

/* A data: URL stays one; one that fits stays as it is. */
static void test_data_urls(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_align_counts n;
    size_t bytes;
    make_folder("d/out");
    make_folder("d/again");
    for (int i = 0; i < 2; i++) {
        int w = i == 0 ? 50 : 64;
        made_png("d/x.png", w, 64);
        const char *p = text_of("d/x.png", &bytes, &a);
        const char *url = qvl_picture_data((const uint8_t *)p, bytes, &a);
        made_text("d/r.jsonl", record(&a, url, w, 64));
        CHECK_OK(align("d/r.jsonl", "d/out/r.jsonl", 1, &n, &err), err);
        CHECK_INT(n.n_inline, 1, "URLs");
        CHECK_INT(n.n_pictures, 0, "files");
        if (i == 1)
            check_equal("d/r.jsonl", "d/out/r.jsonl");
        CHECK_HAS(text_of("d/out/r.jsonl", NULL, &a),
                  "\"width\": 64, \"height\": 64", "%d px", w);
        qvl_record_list list;
        qvl_record_options options = { .pictures = QVL_PICTURES_MEASURED };
        CHECK_OK(qvl_records_load(&list, made_path("d/out/r.jsonl"), &options, 1,
                                  &a, &err), err);
        CHECK_OK(align("d/out/r.jsonl", "d/again/r.jsonl", 1, &n, &err), err);
        check_equal("d/out/r.jsonl", "d/again/r.jsonl");
    }
    qvl_arena_release(&a);
}

/* ---- faults ------------------------------------------------------------- */

static void test_collisions(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_align_counts n;
    made_png("c/in/x.png", 9, 9);
    made_png("c/x.png", 9, 9);
    make_bmp("c/in/x.bmp", 8, 8);
    make_folder("c/out");
    made_text("c/in/r.jsonl", qvl_arena_printf(&a, "%s%s", record(&a, "x.png", 9, 9),
                                               record(&a, "../x.png", 9, 9)));
    CHECK_FAILS(align("c/in/r.jsonl", "c/out/r.jsonl", 1, &n, &err), QVL_E_DATA,
                err, "out/x.png): found two pictures for it, ");
    made_text("c/in/r.jsonl", qvl_arena_printf(&a, "%s%s", record(&a, "x.png", 9, 9),
                                               record(&a, "x.bmp", 8, 8)));
    CHECK_FAILS(align("c/in/r.jsonl", "c/out/r.jsonl", 1, &n, &err), QVL_E_DATA,
                err, "in/x.bmp and ");
    CHECK(!qvl_file_exists(made_path("c/out/x.png")), "a picture was written");
    CHECK(!qvl_file_exists(made_path("c/out/r.jsonl")), "records were written");
    qvl_arena_release(&a);
}

/* Nothing that is read is written over, by whatever name. */
static void test_own_files(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_align_counts n;
    made_png("o/in/x.png", 9, 9);
    make_bmp("o/in/y.bmp", 8, 8);
    made_png("o/in/y.png", 9, 9);
    make_folder("o/links");
    made_text("o/in/r.jsonl", record(&a, "x.png", 9, 9));
    CHECK_FAILS(align("o/in/r.jsonl", "o/in/r.jsonl", 1, &n, &err), QVL_E_USAGE,
                err, "found the file that is read");
    CHECK_FAILS(align("o/in/r.jsonl", "o/in/q.jsonl", 1, &n, &err), QVL_E_USAGE,
                err, "in/x.png): found a file that is read");
    CHECK_FAILS(align("o/in/r.jsonl", "o/in/x.png", 1, &n, &err), QVL_E_USAGE,
                err, "in/x.png): found a file that is read");
    CHECK(symlink("../in", made_path("o/links/in")) == 0, "link");
    made_text("o/in/s.jsonl", record(&a, "../in/x.png", 9, 9));
    CHECK_FAILS(align("o/in/s.jsonl", "o/links/s.jsonl", 1, &n, &err), QVL_E_USAGE,
                err, "links/in/x.png): found a file that is read");
    /* a new name that another picture has: y.bmp becomes y.png */
    CHECK(link(made_path("o/in/x.png"), made_path("o/links/y.png")) == 0, "link");
    made_text("o/in/t.jsonl", qvl_arena_printf(&a, "%s%s", record(&a, "y.bmp", 8, 8),
                                               record(&a, "x.png", 9, 9)));
    CHECK_FAILS(align("o/in/t.jsonl", "o/links/t.jsonl", 1, &n, &err), QVL_E_USAGE,
                err, "links/y.png): found a file that is read");
    make_folder("o/out");
    CHECK_FAILS(align("o/in/r.jsonl", "o/out/x.png", 1, &n, &err), QVL_E_USAGE, err,
                "out/x.png): found a picture of that name");
    qvl_arena_release(&a);
}

static void test_wrong(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_align_counts n = { .n_records = 77 };
    make_folder("f/out");
    made_png("f/in/x.png", 9, 9);
    made_png("f/in/long.png", 403, 2);
    static const struct {
        const char *text;
        int code;
        const char *part;
    } cases[] = {
        { "", QVL_E_DATA, "found no record" },
        { "{", QVL_E_FORMAT, "r.jsonl:1:2: JSON" },
        { "{\"images\": [\"none.png\"], \"summary\": \"a\"}", QVL_E_DATA,
          "found no file" },
        { "{\"images\": [\"http://x.org/a.png\"], \"summary\": \"a\"}", QVL_E_DATA,
          "nothing is downloaded" },
        { "{\"images\": [\"x.png\"], \"width\": 8, \"height\": 9, \"summary\": "
          "\"a\"}", QVL_E_DATA, "r.jsonl:1:13: picture" },
        { "{\"images\": [\"r.jsonl\"], \"summary\": \"a\"}", QVL_E_DATA,
          "expected a JPEG, PNG or BMP file" },
        { "{\"images\": [\"long.png\"], \"summary\": \"a\"}", QVL_E_DATA,
          "long.png: picture: found 2 x 403 pixels, expected no side more than "
          "200 times the other" },
        { "{\"images\": [\"x.png\"], \"width\": 9, \"height\": 9, \"objects\": [{"
          "\"bbox_2d\": [-1, 0, 5, 5], \"desc\": \"a\"}]}", QVL_E_DATA,
          "r.jsonl:1:73: objects: found a coordinate that becomes -7.1" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        made_text("f/in/r.jsonl", cases[i].text);
        CHECK_FAILS(align("f/in/r.jsonl", "f/out/r.jsonl", 2, &n, &err),
                    cases[i].code, err, cases[i].part);
        CHECK(!qvl_file_exists(made_path("f/out/r.jsonl")), "case %zu", i);
        CHECK_INT(n.n_records, 77, "counts");
    }
    made_text("f/in/r.jsonl", record(&a, "x.png", 9, 9));
    CHECK_FAILS(align("f/in/r.jsonl", "f/none/r.jsonl", 2, &n, &err), QVL_E_IO, err,
                "f/none/r.jsonl");
    CHECK_FAILS(align("f/in/none.jsonl", "f/out/r.jsonl", 2, &n, &err), QVL_E_IO,
                err, "none.jsonl");
    qvl_arena_release(&a);
}

static void test_out_of_memory(void)
{
    qvl_arena a = { 0 };
    qvl_align_counts n;
    int n_failed = 0, n_done = 0;
    made_png("m/in/x.png", 9, 9);
    made_text("m/in/r.jsonl", record(&a, "x.png", 9, 9));
    make_folder("m/out");
    for (size_t limit = 1000; limit < 20000000; limit += limit / 3) {
        qvl_err err = { 0 };
        qvl_memory_limit(limit);
        int rc = align("m/in/r.jsonl", "m/out/r.jsonl", 1, &n, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "limit %zu: %s", limit,
              err.msg);
        n_failed += rc == QVL_E_MEMORY;
        n_done += rc == QVL_OK;
    }
    CHECK(n_failed > 5 && n_done > 2, "%d failed, %d not", n_failed, n_done);
    qvl_arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sizes), TEST(test_acceptance), TEST(test_names),
        TEST(test_elsewhere), TEST(test_whole), TEST(test_pixels),
        TEST(test_data_urls), TEST(test_collisions), TEST(test_own_files),
        TEST(test_wrong), TEST(test_out_of_memory),
    };
    static const char *const folders[] = { "n/in/x", "n/in/x.y", "n/out",
                                           "w/in/sub", "p/in", "d", "c/in",
                                           "o/in", "f/in", "m/in" };
    for (size_t i = 0; i < QVL_COUNT(folders); i++)
        make_folder(folders[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
