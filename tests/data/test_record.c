/* test_record.c - lines of JSONL: good ones, wrong ones, cut files, pictures that are
 * missing
 */
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "check.h"
#include "data/record.h"
#include "made.h"

/* Read the first record of a text. */
static int read_one(const char *text, size_t len, unsigned needs,
                    qvl_record *out, bool *is_end, qvl_arena *arena,
                    qvl_err *err)
{
    qvl_records *r;
    qvl_record_options options = { .needs = needs };
    const char *path = made_file("one.jsonl", text, len);
    CHECK_OK(qvl_records_open(&r, path, &options, err), *err);
    int rc = qvl_records_next(r, out, is_end, arena, err);
    qvl_records_close(r);
    return rc;
}

static qvl_record read_good(const char *text, unsigned needs, qvl_arena *arena)
{
    qvl_record record = { 0 };
    qvl_err err = { 0 };
    bool is_end = true;
    int rc = read_one(text, strlen(text), needs, &record, &is_end, arena,
                      &err);
    CHECK(rc == QVL_OK && !is_end, "%s: %s", text, err.msg);
    return record;
}

#define HEAD "{\"images\": [\"a.png\"], \"width\": 100, \"height\": 80, "
#define ONE "{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"x\"}"

static void test_good(void)
{
    qvl_arena a = { 0 };
    qvl_record r = read_good(
        HEAD "\"objects\": [" ONE ", {\"poly\": [[0, 0], [100, 0], [0, 80.5]], "
        "\"poly_points\": 3, \"desc\": \"类别=甲\"}, {\"line\": [1, 2, 3, 4.5], "
        "\"desc\": \"l\", \"line_points\": 2, \"bbox_2d\": null}, {\"quad\": "
        "[1, 1, 9, 1, 9, 9, 1, 9], \"desc\": \"q\"}], \"summary\": \" a×1 \", "
        "\"metadata\": {\"k\": [1]}}",
        QVL_NEEDS_OBJECTS | QVL_NEEDS_SUMMARY, &a);
    CHECK_INT(r.line, 1, "line");
    CHECK_INT(r.index, 0, "index");
    CHECK_INT(r.w, 100, "width");
    CHECK_INT(r.h, 80, "height");
    CHECK_INT(r.n_images, 1, "images");
    CHECK_HAS(r.image[0], "/a.png", "beside the file");
    CHECK_INT(r.n_objects, 4, "objects");
    CHECK_INT(r.object[0].kind, QVL_GEOM_BOX, "box");
    CHECK_INT(r.object[0].n, 2, "box");
    CHECK_INT(r.object[1].kind, QVL_GEOM_POLY, "poly");
    CHECK_INT(r.object[1].n, 3, "poly");
    CHECK_NEAR(r.object[1].point[5], 80.5, 0, "kept as it is");
    CHECK_STR(r.object[1].desc, "类别=甲", "desc");
    CHECK_INT(r.object[2].kind, QVL_GEOM_LINE, "line");
    CHECK_INT(r.object[3].kind, QVL_GEOM_POLY, "quad");
    CHECK_STR(r.summary, "a×1", "summary");
    CHECK(qvl_node_find(r.metadata, "k") != NULL, "metadata");
    CHECK(r.messages == NULL, "messages");
    qvl_arena_release(&a);
}

/* What is wrong, and what is said of it. */
static const struct {
    const char *name;
    unsigned needs;
    const char *text;
    const char *part;
} bad[] = {
    { "no map", 0, "[1]", "found list, expected a map" },
    { "no images", 1, "{\"width\": 1, \"height\": 1, \"summary\": \"a\"}",
      "images: found nothing" },
    { "empty images", 1,
      "{\"images\": [], \"width\": 1, \"height\": 1, \"summary\": \"a\"}",
      "images: found an empty list" },
    { "image is a number", 1,
      "{\"images\": [1], \"width\": 1, \"height\": 1, \"summary\": \"a\"}",
      ":1:13: picture: found integer" },
    { "image is blank", 1,
      "{\"images\": [\" \"], \"width\": 1, \"height\": 1, \"summary\": \"a\"}",
      "picture: found an empty" },
    { "image of the net", 1,
      "{\"images\": [\"http://x/y.png\"], \"width\": 1, \"height\": 1, "
      "\"summary\": \"a\"}", "found http://x/y.png" },
    { "no width", 1, "{\"images\": [\"a\"], \"height\": 1, \"summary\": \"a\"}",
      "width: found nothing" },
    { "width as text", 1, "{\"images\": [\"a\"], \"width\": \"1\", \"height\": 1,"
      " \"summary\": \"a\"}", "width: found string" },
    { "width 0", 1, "{\"images\": [\"a\"], \"width\": 0, \"height\": 1, "
      "\"summary\": \"a\"}", "width: found 0" },
    { "height 1.5", 1, "{\"images\": [\"a\"], \"width\": 1, \"height\": 1.5, "
      "\"summary\": \"a\"}", "height: found 1.5" },
    { "no answer", QVL_NEEDS_ANSWER, HEAD "\"objects\": []}",
      "found neither objects nor a summary" },
    { "no objects", QVL_NEEDS_OBJECTS, HEAD "\"summary\": \"a\"}",
      "objects: found none" },
    { "empty objects", QVL_NEEDS_OBJECTS, HEAD "\"objects\": []}",
      "objects: found none" },
    { "no summary", QVL_NEEDS_SUMMARY, HEAD "\"objects\": [" ONE "]}",
      "summary: found nothing" },
    { "summary of two lines", 1, HEAD "\"summary\": \"a\\nb\"}",
      "summary: found a line break" },
    { "blank summary", 1, HEAD "\"summary\": \" \\u3000\"}",
      "summary: found nothing" },
    { "summary is a map", 1, HEAD "\"summary\": {}}", "summary: found map" },
    { "summary with a mark", 1, HEAD "\"summary\": \"a<|im_end|>\"}",
      "control tokens" },
    { "metadata is text", 1, HEAD "\"summary\": \"a\", \"metadata\": \"b\"}",
      "metadata: found string" },
    { "reserved metadata", 1,
      HEAD "\"summary\": \"a\", \"metadata\": {\"_fusion_x\": 1}}",
      "found _fusion_x" },
    { "number as metadata of a fusion", 1,
      HEAD "\"summary\": \"a\", \"metadata\": {\"_fusion_mode\": 1}}",
      "metadata._fusion_mode: found integer" },
    { "objects is a map", 1, HEAD "\"objects\": {\"a\": 1}}",
      "objects: found map" },
    { "object is a list", 1, HEAD "\"objects\": [" ONE ", []]}",
      "objects[1]: found list" },
    { "no desc", 1, HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4]}]}",
      "objects[0].desc: found nothing" },
    { "empty desc", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"  \"}]}",
      "objects[0].desc: found nothing in" },
    { "NUL in desc", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"a\\u0000\"}]}",
      "expected a text without NUL" },
    { "tab in desc", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"a\\tb\"}]}",
      "found a tab" },
    { "blank at the end of desc", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"a \"}]}",
      "found a blank at an end" },
    { "two blanks", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"a  b\"}]}",
      "found two blanks" },
    { "blank behind a comma", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"a, b\"}]}",
      "found a blank behind ','" },
    { "blank before a slash", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"a /b\"}]}",
      "found a blank before '/'" },
    { "no geometry", 1, HEAD "\"objects\": [{\"desc\": \"a\"}]}",
      "objects[0]: found no geometry" },
    { "two geometries", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"line\": [1, 2, 3, 4], "
      "\"desc\": \"a\"}]}", "found both bbox_2d and line" },
    { "groups", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"groups\": 1, \"desc\": "
      "\"a\"}]}", "objects[0].groups" },
    { "box of three", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3], \"desc\": \"a\"}]}",
      "objects[0].bbox_2d: found 3 numbers, expected an even" },
    { "box of six", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4, 5, 6], \"desc\": \"a\"}]}",
      "found 6 numbers, expected 4" },
    { "empty box", 1, HEAD "\"objects\": [{\"bbox_2d\": [], \"desc\": \"a\"}]}",
      "found 0 numbers, expected 4" },
    { "corners swapped", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [3, 2, 1, 4], \"desc\": \"a\"}]}",
      "found 3, 2 to 1, 4, expected x1 < x2" },
    { "odd polygon", 1,
      HEAD "\"objects\": [{\"poly\": [1, 2, 3, 4, 5, 6, 7], \"desc\": \"a\"}]}",
      "objects[0].poly: found 7 numbers, expected an even" },
    { "polygon of two", 1,
      HEAD "\"objects\": [{\"poly\": [1, 2, 3, 4], \"desc\": \"a\"}]}",
      "found 4 numbers, expected 6 or more" },
    { "quad of six", 1,
      HEAD "\"objects\": [{\"quad\": [1, 1, 9, 1, 9, 9], \"desc\": \"a\"}]}",
      "found 6 numbers, expected 8" },
    { "polygon on a line", 1,
      HEAD "\"objects\": [{\"poly\": [1, 1, 2, 2, 3, 3], \"desc\": \"a\"}]}",
      "expected points that enclose an area" },
    { "line of a point", 1,
      HEAD "\"objects\": [{\"line\": [1, 1, 1, 1], \"desc\": \"a\"}]}",
      "expected two different points" },
    { "boolean", 1,
      HEAD "\"objects\": [{\"line\": [1, true, 1, 2], \"desc\": \"a\"}]}",
      "objects[0].line[1]: found boolean" },
    { "number as text", 1,
      HEAD "\"objects\": [{\"line\": [\"1\", 1, 1, 2], \"desc\": \"a\"}]}",
      "objects[0].line[0]: found string" },
    { "too large a number", 1,
      HEAD "\"objects\": [{\"line\": [1e999, 1, 1, 2], \"desc\": \"a\"}]}",
      "found 1e999" },
    { "pairs of three", 1,
      HEAD "\"objects\": [{\"line\": [[1, 2], [3, 4, 5]], \"desc\": \"a\"}]}",
      "objects[0].line[1]: found a list of another length" },
    { "pairs and numbers", 1,
      HEAD "\"objects\": [{\"line\": [[1, 2], 3], \"desc\": \"a\"}]}",
      "objects[0].line[1]: found integer, expected a pair" },
    { "numbers and pairs", 1,
      HEAD "\"objects\": [{\"line\": [1, 2, [3, 4]], \"desc\": \"a\"}]}",
      "objects[0].line[2]: found list" },
    { "geometry is text", 1,
      HEAD "\"objects\": [{\"line\": \"1,2\", \"desc\": \"a\"}]}",
      "objects[0].line: found string" },
    { "wrong count beside", 1,
      HEAD "\"objects\": [{\"line\": [1, 2, 3, 4], \"line_points\": 3, "
      "\"desc\": \"a\"}]}", "line_points: found 3, expected 2" },
    { "count of another kind", 1,
      HEAD "\"objects\": [{\"line\": [1, 2, 3, 4], \"poly_points\": 2, "
      "\"desc\": \"a\"}]}", "poly_points: found 2, expected it beside" },
    { "outside", 1,
      HEAD "\"objects\": [{\"line\": [1, 2, 103, 4], \"desc\": \"a\"}]}",
      "expected them in the picture of 100 x 80 px" },
    { "outside, below", 1,
      HEAD "\"objects\": [{\"bbox_2d\": [1, -2.1, 3, 4], \"desc\": \"a\"}]}",
      "found points from 1, -2.1" },
    { "no JSON", 1, "{\"images\": [", "JSON: found" },
    { "key twice", 1, HEAD "\"summary\": \"a\", \"width\": 3}",
      "a second time" },
    { "key of an object twice", 1,
      HEAD "\"objects\": [{\"desc\": \"a\", \"desc\": \"b\", \"line\": [1, 2, 3,"
      " 4]}]}", "a second time" },
    { "something behind", 1, HEAD "\"summary\": \"a\"} {}", "JSON: found '{'" },
};

static void test_bad(void)
{
    for (size_t i = 0; i < QVL_COUNT(bad); i++) {
        qvl_arena a = { 0 };
        qvl_record record = { .n_objects = -7 };
        qvl_err err = { 0 };
        bool is_end;
        int rc = read_one(bad[i].text, strlen(bad[i].text), bad[i].needs,
                          &record, &is_end, &a, &err);
        CHECK(rc == QVL_E_DATA || rc == QVL_E_FORMAT, "%s: %s", bad[i].name,
              qvl_err_name(rc));
        CHECK_HAS(err.msg, bad[i].part, "%s", bad[i].name);
        CHECK_HAS(err.msg, "one.jsonl:1:", "%s", bad[i].name);
        CHECK_INT(record.n_objects, -7, "%s: out", bad[i].name);
        qvl_arena_release(&a);
    }
}

/* ---- files -------------------------------------------------------------- */

#define GOOD HEAD "\"summary\": \"a\"}"

/* Marks, line ends, blank lines; bad lines do not end the file. */
static void test_lines(void)
{
    static const char text[] = "\xef\xbb\xbf" GOOD "\r\n\r\n  \n" GOOD "\n"
        "{\n" HEAD "\"summary\": \"\xff\"}\n\n" GOOD;
    static const int wanted[] = { 1, 4, -5, -6, 8 };
    qvl_err err = { 0 };
    qvl_arena a = { 0 };
    qvl_records *r;
    bool is_end = false;
    CHECK_OK(qvl_records_open(&r, made_text("lines.jsonl", text), NULL, &err),
             err);
    for (size_t i = 0; i < QVL_COUNT(wanted); i++) {
        qvl_record record = { 0 };
        char place[32];
        int rc = qvl_records_next(r, &record, &is_end, &a, &err);
        CHECK(!is_end, "record %zu", i);
        if (wanted[i] > 0) {
            CHECK_INT(rc, QVL_OK, "record %zu: %s", i, err.msg);
            CHECK_INT(record.line, wanted[i], "record %zu", i);
            continue;
        }
        snprintf(place, sizeof place, "lines.jsonl:%d:", -wanted[i]);
        CHECK_INT(rc, QVL_E_FORMAT, "record %zu", i);
        CHECK_HAS(err.msg, place, "record %zu", i);
    }
    for (int i = 0; i < 2; i++) {
        qvl_record record;
        CHECK_OK(qvl_records_next(r, &record, &is_end, &a, &err), err);
        CHECK(is_end, "end");
    }
    CHECK_INT(qvl_records_seen(r)->n_records, 3, "good");
    CHECK_INT(qvl_records_seen(r)->n_bad, 2, "bad");
    CHECK_INT(qvl_records_seen(r)->fault[QVL_FAULT_JSON], 2, "kind");
    qvl_records_close(r);
    qvl_arena_release(&a);
}

static void test_cut(void)
{
    static const char text[] = HEAD "\"objects\": [" ONE "], \"summary\": \"中\"}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        qvl_arena a = { 0 };
        qvl_record record;
        qvl_err err = { 0 };
        bool is_end = false;
        int rc = read_one(text, len, 1, &record, &is_end, &a, &err);
        CHECK(len == 0 ? rc == QVL_OK && is_end : rc == QVL_E_FORMAT,
              "%zu bytes: %s", len, qvl_err_name(rc));
        qvl_arena_release(&a);
    }
}

static void test_no_file(void)
{
    qvl_err err = { 0 };
    qvl_records *r = NULL;
    CHECK_FAILS(qvl_records_open(&r, check_path("nothing"), NULL, &err),
                QVL_E_IO, err, "nothing");
    CHECK_FAILS(qvl_records_open(&r, check_dir(), NULL, &err), QVL_E_IO, err,
                check_dir());
    CHECK(r == NULL, "out");
    qvl_records_close(NULL);
}

/* A line of many megabytes, and one beyond what a line may have. */
static void test_long_lines(void)
{
    qvl_str text = { 0 };
    qvl_arena a = { 0 };
    qvl_record record;
    qvl_err err = { 0 };
    bool is_end;
    size_t n = (size_t)3 << 20;
    qvl_str_puts(&text, HEAD "\"summary\": \"");
    for (size_t i = 0; i < n; i++)
        qvl_str_putc(&text, 'a');
    qvl_str_puts(&text, "\"}\n");
    CHECK_OK(read_one(text.p, text.len, 1, &record, &is_end, &a, &err), err);
    CHECK_INT(strlen(record.summary), n, "all of it");
    qvl_str_release(&text);
    qvl_arena_release(&a);

    static const long beyond[] = { 1, 9000 };
    for (size_t k = 0; k < QVL_COUNT(beyond); k++) {
        FILE *f = fopen(check_path("long.jsonl"), "wb");
        CHECK(f != NULL, "open");
        /* a hole: zeros that take no room on the disk */
        CHECK_INT(fseek(f, (long)QVL_RECORD_MAX_BYTES + beyond[k], SEEK_SET),
                  0, "seek");
        fputs("\n" GOOD "\n", f);
        fclose(f);
        qvl_records *r;
        CHECK_OK(qvl_records_open(&r, check_path("long.jsonl"), NULL, &err),
                 err);
        CHECK_FAILS(qvl_records_next(r, &record, &is_end, &a, &err),
                    QVL_E_DATA, err, "found a line of more than");
        CHECK_OK(qvl_records_next(r, &record, &is_end, &a, &err), err);
        CHECK_INT(record.line, 2, "the next line");
        qvl_records_close(r);
    }
    qvl_arena_release(&a);
}

/* ---- pictures ----------------------------------------------------------- */

static int read_checked(const char *text, qvl_picture_check check,
                        qvl_record *out, qvl_arena *arena, qvl_err *err)
{
    qvl_records *r;
    bool is_end;
    qvl_record_options options = { .pictures = check };
    CHECK_OK(qvl_records_open(&r, made_text("p.jsonl", text), &options, err),
             *err);
    int rc = qvl_records_next(r, out, &is_end, arena, err);
    qvl_records_close(r);
    return rc;
}

static void test_pictures(void)
{
    static const char missing[] = "{\"images\": [\"no.png\"], \"width\": 3, "
                                  "\"height\": 2, \"summary\": \"a\"}";
    static const char right[] = "{\"images\": [\"is.png\"], \"width\": 3, "
                                "\"height\": 2, \"summary\": \"a\"}";
    static const char wrong[] = "{\"images\": [\"is.png\"], \"width\": 2, "
                                "\"height\": 3, \"summary\": \"a\"}";
    static const char none[] = "{\"images\": [\"text.png\"], \"width\": 2, "
                               "\"height\": 3, \"summary\": \"a\"}";
    static const char url[] =
        "{\"images\": [\"data:image/bmp;base64,AAAA\"], \"width\": 2, "
        "\"height\": 3, \"summary\": \"a\"}";
    qvl_arena a = { 0 };
    qvl_record r;
    qvl_err err = { 0 };
    made_png("is.png", 3, 2);
    made_text("text.png", "no picture at all, but a file");
    CHECK_OK(read_checked(missing, QVL_PICTURES_NAMED, &r, &a, &err), err);
    CHECK_FAILS(read_checked(missing, QVL_PICTURES_EXIST, &r, &a, &err),
                QVL_E_DATA, err, "found no file");
    CHECK_OK(read_checked(right, QVL_PICTURES_MEASURED, &r, &a, &err), err);
    CHECK_OK(read_checked(wrong, QVL_PICTURES_EXIST, &r, &a, &err), err);
    CHECK_FAILS(read_checked(wrong, QVL_PICTURES_MEASURED, &r, &a, &err),
                QVL_E_DATA, err, "found 3 x 2 px");
    CHECK_OK(read_checked(none, QVL_PICTURES_EXIST, &r, &a, &err), err);
    CHECK_FAILS(read_checked(none, QVL_PICTURES_MEASURED, &r, &a, &err),
                QVL_E_DATA, err, "text.png");
    CHECK_OK(read_checked(url, QVL_PICTURES_EXIST, &r, &a, &err), err);
    CHECK_FAILS(read_checked(url, QVL_PICTURES_MEASURED, &r, &a, &err),
                QVL_E_DATA, err, "data: URL");
    qvl_arena_release(&a);
}

static void test_root(void)
{
    qvl_arena a = { 0 };
    qvl_record r;
    qvl_err err = { 0 };
    setenv("ROOT_IMAGE_DIR", "some/where", 1);
    CHECK_OK(read_checked(GOOD, QVL_PICTURES_NAMED, &r, &a, &err), err);
    unsetenv("ROOT_IMAGE_DIR");
    CHECK_STR(r.image[0], "some/where/a.png", "environment");
    CHECK_OK(read_checked("{\"images\": [\"/b/a.png\"], \"width\": 1, "
                          "\"height\": 1}", QVL_PICTURES_NAMED, &r, &a, &err),
             err);
    CHECK_STR(r.image[0], "/b/a.png", "absolute");
    qvl_arena_release(&a);
}

/* ---- many --------------------------------------------------------------- */

typedef struct {
    int n;
    qvl_str text;
} told;

static void tell(void *ctx, qvl_fault fault, int line, const char *text)
{
    told *t = ctx;
    t->n++;
    qvl_str_printf(&t->text, "%d %s: %s\n", line, qvl_fault_text(fault), text);
}

/* All faults of a record are told; oddities are counted. */
static void test_faults(void)
{
    static const char text[] =
        HEAD "\"objects\": [{\"desc\": \"a\"}, {\"line\": [1, 2, 3], \"desc\": "
        "\"\"}, " ONE "], \"summary\": 5}\n"
        HEAD "\"objects\": [{\"quad\": [0, 0, 9, 9, 9, 0, 0, 9], \"desc\": "
        "\"a\", \"colour\": 1}, {\"line\": [-1, 2, 3, 4], \"desc\": \"b\"}], "
        "\"id\": 7, \"notes\": []}\n";
    told t = { 0 };
    qvl_record_options options = { .on_fault = tell, .ctx = &t };
    qvl_records *r;
    qvl_record record;
    qvl_err err = { 0 };
    qvl_arena a = { 0 };
    bool is_end;
    CHECK_OK(qvl_records_open(&r, made_text("f.jsonl", text), &options, &err),
             err);
    CHECK_FAILS(qvl_records_next(r, &record, &is_end, &a, &err), QVL_E_DATA,
                err, "objects[0]: found no geometry");
    CHECK_INT(t.n, 4, "faults: %s", t.text.p);
    CHECK_HAS(t.text.p, "1 not one geometry: ", "first");
    CHECK_HAS(t.text.p, "1 desc: ", "second");
    CHECK_HAS(t.text.p, "1 number of points: ", "third");
    CHECK_HAS(t.text.p, "1 summary: ", "fourth");
    CHECK_OK(qvl_records_next(r, &record, &is_end, &a, &err), err);
    const qvl_record_counts *seen = qvl_records_seen(r);
    CHECK_INT(seen->oddity[QVL_ODDITY_FIELD], 3, "unknown fields");
    CHECK_INT(seen->oddity[QVL_ODDITY_QUAD], 1, "quad");
    CHECK_INT(seen->oddity[QVL_ODDITY_MARGIN], 1, "margin");
    CHECK_INT(seen->oddity[QVL_ODDITY_CROSSING], 1, "crossing");
    CHECK_INT(seen->oddity_line[QVL_ODDITY_QUAD], 2, "line");
    CHECK_INT(seen->of_kind[QVL_GEOM_POLY], 1, "kind");
    CHECK_INT(record.index, 0, "the first good one");
    CHECK_INT(t.n, 4, "no more");
    qvl_records_close(r);
    qvl_str_release(&t.text);
    qvl_arena_release(&a);
}

static void count_lines(void *ctx, int level, const char *text)
{
    (void)text;
    if (level == QVL_LOG_ERROR)
        ++*(int *)ctx;
}

static void test_load(void)
{
    qvl_str text = { 0 };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_record_list list = { 0 };
    qvl_record_options limit = { .limit = 1500 };
    int n_logged = 0;
    for (int i = 0; i < 3000; i++)
        qvl_str_puts(&text, GOOD "\n");
    const char *path = made_text("l.jsonl", text.p);
    CHECK_OK(qvl_records_load(&list, path, NULL, 0, &a, &err), err);
    CHECK_INT(list.n, 3000, "all");
    CHECK_INT(list.record[2999].index, 2999, "index");
    CHECK_INT(list.record[2999].line, 3000, "line");
    CHECK_OK(qvl_records_load(&list, path, &limit, 0, &a, &err), err);
    CHECK_INT(list.n, 1500, "limit");
    for (int i = 0; i < 30; i++)
        qvl_str_puts(&text, "{}\n");
    qvl_record_options needs = { .needs = QVL_NEEDS_ANSWER };
    qvl_log_set_sink(count_lines, &n_logged, QVL_LOG_INFO);
    CHECK_FAILS(qvl_records_load(&list, made_text("l.jsonl", text.p), &needs, 0,
                                 &a, &err), QVL_E_DATA, err, "l.jsonl:3001");
    qvl_log_set_sink(NULL, NULL, 0);
    CHECK_INT(n_logged, QVL_RECORD_MAX_FAULTS - 1, "reported beside the first");
    CHECK_INT(list.n, 1500, "out");
    CHECK_FAILS(qvl_records_load(&list, made_text("e.jsonl", "\n\n"), NULL, 0,
                                 &a, &err), QVL_E_DATA, err, "found no record");
    qvl_str_release(&text);
    qvl_arena_release(&a);
}

/* ---- conversations ------------------------------------------------------ */

#define USER(content) "{\"role\": \"user\", \"content\": " content "}"
#define SAID "{\"role\": \"assistant\", \"content\": \"yes\"}"
#define PICTURE "{\"type\": \"image\", \"image\": \"a.png\"}"

static void test_conversations(void)
{
    qvl_arena a = { 0 };
    qvl_record r = read_good("{\"messages\": [" USER("\"is it?\"") ", " SAID
                             "]}", QVL_NEEDS_OBJECTS, &a);
    CHECK(r.messages != NULL && r.n_images == 0 && r.w == 0, "text alone");
    r = read_good("{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, "
                  USER("[" PICTURE ", {\"type\": \"image_url\", \"image_url\": "
                       "{\"url\": \"b.png\"}}, {\"type\": \"text\", \"text\": "
                       "\"?\"}]") ", " SAID "]}", QVL_NEEDS_ANSWER, &a);
    CHECK_INT(r.n_images, 2, "in turns");
    CHECK_HAS(r.image[1], "/b.png", "url");
    CHECK(!r.has_image_list, "in turns");
    r = read_good("{\"images\": [\"a.png\", \"b.png\"], \"messages\": ["
                  USER("\"<image>1<image>\"") "]}", 0, &a);
    CHECK(r.n_images == 2 && r.has_image_list, "in the list");
    qvl_arena_release(&a);
}

static void test_bad_conversations(void)
{
    static const struct {
        const char *name, *text, *part;
    } cases[] = {
        { "no turn", "{\"messages\": []}", "found no turn of the user" },
        { "no list", "{\"messages\": {}}", "expected a list" },
        { "system alone",
          "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}]}",
          "found no turn of the user" },
        { "system later", "{\"messages\": [" USER("\"a\"") ", {\"role\": "
          "\"system\", \"content\": \"s\"}, " SAID "]}", "messages[1]" },
        { "assistant first", "{\"messages\": [" SAID "]}",
          "expected the user to begin" },
        { "user last", "{\"messages\": [" USER("\"a\"") "]}",
          "found a last turn of the user" },
        { "tool", "{\"messages\": [" USER("\"a\"") ", {\"role\": \"tool\", "
          "\"content\": \"s\"}, " SAID "]}", "found a tool" },
        { "unknown role", "{\"messages\": [{\"role\": \"bot\", \"content\": "
          "\"s\"}]}", "role: found bot" },
        { "misnamed picture", "{\"messages\": ["
          USER("[{\"type\": \"image\", \"url\": \"a.png\"}]") ", " SAID "]}",
          "image: found nothing" },
        { "video", "{\"messages\": ["
          USER("[{\"type\": \"video\", \"video\": \"a\"}]") ", " SAID "]}",
          "found a video" },
        { "picture of the assistant", "{\"messages\": [" USER("\"a\"")
          ", {\"role\": \"assistant\", \"content\": [" PICTURE "]}]}",
          "not the user's" },
        { "two places", "{\"images\": [\"a\"], \"messages\": ["
          USER("[" PICTURE "]") ", " SAID "]}", "in one place" },
        { "marks", "{\"images\": [\"a\"], \"messages\": ["
          USER("\"<image><image>\"") ", " SAID "]}", "found 2 marks" },
        { "picture is no text", "{\"messages\": ["
          USER("[{\"type\": \"image\", \"image\": 5}]") ", " SAID "]}",
          "picture: found integer" },
        { "objects without a size", "{\"messages\": [" USER("\"a\"") ", " SAID
          "], \"objects\": [" ONE "]}", "width: found nothing" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_record record;
        qvl_err err = { 0 };
        bool is_end;
        CHECK_FAILS(read_one(cases[i].text, strlen(cases[i].text),
                             QVL_NEEDS_ANSWER, &record, &is_end, &a, &err),
                    QVL_E_DATA, err, cases[i].part);
        CHECK_HAS(err.msg, "one.jsonl:1:", "%s", cases[i].name);
        qvl_arena_release(&a);
    }
}

/* Which URLs a reader takes, and what it says of others. */
static void test_urls(void)
{
    static const struct {
        const char *url;
        bool has_urls;
        const char *part;  // NULL: taken
    } cases[] = {
        { "https://x/y.png", true, NULL },
        { "HTTP://x/y.png", true, NULL },
        { "ftp://x/y.png", true, "found ftp://x/y.png, expected a path, or a "
                                 "data:, http: or https: URL" },
        { "ftp://x/y.png", false, "expected a path or a data: URL: nothing is "
                                  "downloaded" },
        { "http://x/y.png", false, "nothing is downloaded" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        char text[128];
        qvl_arena a = { 0 };
        qvl_records *r;
        qvl_record record;
        qvl_err err = { 0 };
        bool is_end;
        qvl_record_options options = { .has_urls = cases[i].has_urls };
        int n = snprintf(text, sizeof text, "{\"images\": [\"%s\"], \"width\": "
                         "1, \"height\": 1}\n", cases[i].url);
        CHECK_OK(qvl_records_open(&r, made_file("url.jsonl", text, (size_t)n),
                                  &options, &err), err);
        int rc = qvl_records_next(r, &record, &is_end, &a, &err);
        if (cases[i].part == NULL) {
            CHECK_OK(rc, err);
            CHECK_STR(record.image[0], cases[i].url, "as it is");
        } else {
            CHECK_FAILS(rc, QVL_E_DATA, err, cases[i].part);
            CHECK(cases[i].has_urls == (strstr(err.msg, "nothing is") == NULL),
                  "%s", err.msg);
        }
        qvl_records_close(r);
        qvl_arena_release(&a);
    }
}

/* ---- many at once --------------------------------------------------------- */

#define N_MANY 700

/* Good lines, lines with one fault or two, oddities, no JSON, blank ones. */
static const char *many_lines(size_t *len)
{
    static qvl_str s;
    qvl_str_reset(&s);
    for (int i = 0; i < N_MANY; i++)
        if (i % 97 == 5)
            qvl_str_puts(&s, "{\n");
        else if (i % 89 == 3)
            qvl_str_puts(&s, HEAD "\"objects\": [{\"bbox_2d\": [1, 2, 3], "
                         "\"desc\": \"x\"}, {\"desc\": \"y\"}]}\n");
        else if (i % 13 == 1)
            qvl_str_printf(&s, " \r\n" HEAD "\"objects\": [" ONE "], \"odd\": %d,"
                           " \"metadata\": {\"i\": %d}}\r\n", i, i);
        else
            qvl_str_printf(&s, HEAD "\"summary\": \"s %d\"}\n", i);
    *len = s.len;
    return s.p;
}

static void note_fault(void *ctx, qvl_fault fault, int line, const char *text)
{
    qvl_str_printf(ctx, "%d %d %s\n", (int)fault, line, text);
}

/* All that a reader says of a file, as text. */
static void put_record(qvl_str *out, const qvl_record *r)
{
    qvl_str_printf(out, "%d %zu %d %s %s %d\n", r->line, r->index,
                   r->n_objects, r->summary != NULL ? r->summary : "-",
                   r->image[0], r->metadata != NULL);
}

static void put_counts(qvl_str *out, const qvl_record_counts *c)
{
    qvl_str_printf(out, "%zu %zu %zu", c->n_records, c->n_bad, c->n_objects);
    for (int i = 0; i < QVL_N_FAULTS; i++)
        qvl_str_printf(out, " %zu", c->fault[i]);
    for (int i = 0; i < QVL_N_ODDITIES; i++)
        qvl_str_printf(out, " %zu:%d", c->oddity[i], c->oddity_line[i]);
}

static void read_by_one(qvl_str *out, qvl_records *r)
{
    qvl_arena a = { 0 };
    for (;;) {
        qvl_record record;
        bool is_end;
        qvl_err err = { 0 };
        int rc = qvl_records_next(r, &record, &is_end, &a, &err);
        if (rc == QVL_OK && is_end)
            break;
        if (rc == QVL_OK)
            put_record(out, &record);
        else
            qvl_str_printf(out, "%s\n", err.msg);
    }
    put_counts(out, qvl_records_seen(r));
    qvl_arena_release(&a);
}

static void read_many(qvl_str *out, qvl_records *r, size_t most, int n_threads)
{
    for (;;) {
        const qvl_record_result *result;
        size_t n;
        qvl_err err = { 0 };
        CHECK_OK(qvl_records_many(r, most, n_threads, &result, &n, &err), err);
        CHECK(n <= most, "%zu lines", n);
        for (size_t i = 0; i < n; i++) {
            CHECK((result[i].record == NULL) == (result[i].err != NULL),
                  "result %zu", i);
            if (result[i].record != NULL)
                put_record(out, result[i].record);
            else
                qvl_str_printf(out, "%s\n", result[i].err->msg);
            CHECK(result[i].len > 0 && result[i].text[0] == '{', "text %zu", i);
        }
        if (n == 0)
            break;
    }
    put_counts(out, qvl_records_seen(r));
}

/* Whatever the threads and the number of lines: the same as one by one. */
static void test_many(void)
{
    static const size_t most[] = { 1, 2, 31, 699, 5000 };
    size_t len;
    const char *text = many_lines(&len);
    for (int limit = 0; limit <= 100; limit += 100) {
        qvl_str wanted = { 0 }, faults = { 0 };
        qvl_records *r;
        qvl_err err = { 0 };
        const char *path = made_file("many.jsonl", text, len);
        qvl_record_options options = { .on_fault = note_fault, .ctx = &faults,
                                       .limit = (size_t)limit };
        CHECK_OK(qvl_records_open(&r, path, &options, &err), err);
        read_by_one(&wanted, r);
        qvl_records_close(r);
        for (size_t m = 0; m < QVL_COUNT(most); m++)
            for (int t = 1; t <= 5; t += 2) {
                qvl_str found = { 0 }, notes = { 0 };
                options.ctx = &notes;
                CHECK_OK(qvl_records_open(&r, path, &options, &err), err);
                read_many(&found, r, most[m], t);
                qvl_records_close(r);
                CHECK_STR(found.p, wanted.p, "%zu by %d", most[m], t);
                CHECK_STR(notes.p, faults.p, "%zu by %d", most[m], t);
                qvl_str_release(&found);
                qvl_str_release(&notes);
            }
        qvl_str_release(&wanted);
        qvl_str_release(&faults);
    }
}

RUN_TESTS(TEST(test_good), TEST(test_many), TEST(test_bad), TEST(test_lines), TEST(test_cut),
          TEST(test_urls), TEST(test_no_file), TEST(test_long_lines), TEST(test_pictures),
          TEST(test_root), TEST(test_faults), TEST(test_load),
          TEST(test_conversations), TEST(test_bad_conversations))
