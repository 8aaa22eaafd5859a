/* test_record_line.c - lines that are changed and written again */
#include "data/record_line.h"

#include "base/json.h"
#include "base/str.h"
#include "check.h"

typedef struct {
    qvl_arena arena;
    qvl_err err;
    qvl_record_line l;
    int rc;
} read_line;

static void take(read_line *r, const char *text, const char *root)
{
    *r = (read_line){ 0 };
    qvl_record_source source = { text, strlen(text), "f.jsonl", 12 };
    r->rc = qvl_record_line_read(&r->l, &source, root, &r->arena, &r->err);
}

/* What is written in the end; the line has ended then. */
static void check_text(read_line *r, const char *wanted, const char *what)
{
    qvl_str text = { 0 };
    qvl_json_put(&text, r->l.root, -1);
    CHECK_STR(text.p, wanted, "%s", what);
    qvl_str_release(&text);
    qvl_arena_release(&r->arena);
}

#define HEAD "{\"images\": [\"a.png\"], \"width\": 64, \"height\": 64"

/* Nothing is lost: keys, order, spelling, all kinds of values. */
static void test_as_it_was(void)
{
    static const char *const lines[] = {
        HEAD "}",
        HEAD ", \"odd\\\\\": \"一\\\"\\n\\u0000x\"}",
        "{\"z\": null, \"y\": [true, false, {}], \"images\": [\"a\"], "
        "\"height\": 9, \"width\": 9, \"x\": 1.50, \"w\": -0.0, \"v\": 1e-05, "
        "\"u\": 12345678901234567890, \"t\": {\"\": []}}",
        ("{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, "
         "{\"role\": \"assistant\", \"content\": \"ho\"}]}"),
    };
    for (size_t i = 0; i < QVL_COUNT(lines); i++) {
        read_line r;
        take(&r, lines[i], "root");
        CHECK_OK(r.rc, r.err);
        CHECK_INT(r.l.record.line, 12, "line");
        CHECK_STR(r.l.record.file, "f.jsonl", "file");
        check_text(&r, lines[i], "unchanged");
    }
    read_line r;
    take(&r, "{\"images\": }", "root");
    CHECK_FAILS(r.rc, QVL_E_FORMAT, r.err, "f.jsonl:12:12");
    qvl_arena_release(&r.arena);
    take(&r, "{\"images\": [], \"width\": 0, \"height\": 1}", "root");
    CHECK_FAILS(r.rc, QVL_E_DATA, r.err, "f.jsonl:12:");
    qvl_arena_release(&r.arena);
}

static void test_pictures(void)
{
    read_line r;
    take(&r, "{\"images\": [\"a.png\", \"/b.png\", \"../c/d.png\", "
             "\"data:image/png;base64,AA==\", \"http://x/y.png\"], "
             "\"width\": 1, \"height\": 1}", "../r");
    CHECK_OK(r.rc, r.err);
    qvl_record_line_rename(&r.l, &r.arena);
    check_text(&r, "{\"images\": [\"../r/a.png\", \"/b.png\", "
                   "\"../r/../c/d.png\", \"data:image/png;base64,AA==\", "
                   "\"http://x/y.png\"], \"width\": 1, \"height\": 1}", "list");
}

/* A picture without a word around it stays the text that it was. */
static void test_bare_picture(void)
{
    read_line r;
    char text[600], digits[301];
    memset(digits, 'A', 300);
    digits[300] = '\0';
    snprintf(text, sizeof text, "{\"images\": [\"%s\"], \"width\": 1, "
             "\"height\": 1}", digits);
    take(&r, text, "../r");
    CHECK_OK(r.rc, r.err);
    qvl_record_line_rename(&r.l, &r.arena);
    check_text(&r, text, "base64");
}

#define TURNS(a, b)                                                           \
    "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\", " \
    "\"image\": \"" a "\"}, {\"type\": \"text\", \"text\": \"a.png\"}, "      \
    "{\"type\": \"image_url\", \"image_url\": {\"url\": \"" b "\"}}]}, "      \
    "{\"role\": \"assistant\", \"content\": \"x\"}]}"

static void test_turns(void)
{
    read_line r;
    take(&r, TURNS("a.png", "b.png"), "q");
    CHECK_OK(r.rc, r.err);
    qvl_record_line_rename(&r.l, &r.arena);
    check_text(&r, TURNS("q/a.png", "q/b.png"), "in turns");
    take(&r, "{\"images\": [\"p.png\"], \"messages\": [{\"role\": \"user\", "
             "\"content\": \"<image>p.png\"}, {\"role\": \"assistant\", "
             "\"content\": \"x\"}]}", "q");
    CHECK_OK(r.rc, r.err);
    qvl_record_line_rename(&r.l, &r.arena);
    check_text(&r, "{\"images\": [\"q/p.png\"], \"messages\": [{\"role\": "
                   "\"user\", \"content\": \"<image>p.png\"}, {\"role\": "
                   "\"assistant\", \"content\": \"x\"}]}", "list of a talk");
}

#define OBJECTS                                                               \
    ", \"objects\": [{\"n\": 1, \"poly\": [[1, 1], [30, 2], [31, 40.5]], "    \
    "\"poly_points\": 3, \"line\": null, \"desc\": \"p\"}, "                  \
    "{\"desc\": \"q\", \"bbox_2d\": null, \"quad\": [5, 6, 9, 6, 9, 9, 5, 9]}, " \
    "{\"bbox_2d\": [1, 2, 3.0, 4], \"desc\": \"b\"}, "                        \
    "{\"line\": [1, 2, 3, 4], \"line_points\": 2, \"desc\": \"l\"}]"

static void test_objects(void)
{
    static const double points[] = { 1, 1, 31, 40.5 };
    static const double quad[] = { 5, 6, 9, 9 };
    static const int kept[] = { 0, 1, 3 };
    read_line r;
    take(&r, HEAD OBJECTS ", \"end\": 1}", "root");
    CHECK_OK(r.rc, r.err);
    qvl_object object[4];
    for (int i = 0; i < 4; i++)
        object[i] = r.l.record.object[i];
    object[0].kind = object[1].kind = QVL_GEOM_BOX;
    object[0].n = object[1].n = 2;
    object[0].point = points;
    object[1].point = quad;
    qvl_record_line_reduce(&r.l, object, kept, 3, &r.arena);
    check_text(&r, HEAD ", \"objects\": [{\"n\": 1, \"bbox_2d\": [1, 1, 31, 40.5]"
                   ", \"desc\": \"p\"}, {\"desc\": \"q\", \"bbox_2d\": [5, 6, 9, 9]"
                   "}, {\"line\": [1, 2, 3, 4], \"line_points\": 2, "
                   "\"desc\": \"l\"}], \"end\": 1}", "boxes, one less");
    take(&r, HEAD OBJECTS "}", "root");
    CHECK_OK(r.rc, r.err);
    static const int all[] = { 0, 1, 2, 3 };
    qvl_record_line_reduce(&r.l, r.l.record.object, all, 4, &r.arena);
    check_text(&r, HEAD OBJECTS "}", "all stay");
}

static void test_notes(void)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        { HEAD "}", HEAD ", \"metadata\": {\"k\": \"一\", \"l\": \"2\"}}" },
        { HEAD ", \"metadata\": null, \"x\": 1}",
          HEAD ", \"metadata\": {\"k\": \"一\", \"l\": \"2\"}, \"x\": 1}" },
        { HEAD ", \"metadata\": {}, \"x\": 1}",
          HEAD ", \"metadata\": {\"k\": \"一\", \"l\": \"2\"}, \"x\": 1}" },
        { HEAD ", \"metadata\": {\"a\": {\"b\": [1.0]}}}",
          HEAD ", \"metadata\": {\"a\": {\"b\": [1.0]}, \"k\": \"一\", "
               "\"l\": \"2\"}}" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        read_line r;
        take(&r, cases[i].text, "root");
        CHECK_OK(r.rc, r.err);
        qvl_record_line_note(&r.l, "k", "一", &r.arena);
        qvl_record_line_note(&r.l, "l", "2", &r.arena);
        check_text(&r, cases[i].wanted, "notes");
    }
}

/* Maps of many keys have an index, which changes make wrong. */
static void test_many_keys(void)
{
    read_line r;
    take(&r, "{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4, \"e\": 5, \"f\": 6, "
             "\"g\": 7, \"images\": [\"p\"], \"width\": 8, \"height\": 8}", "r");
    CHECK_OK(r.rc, r.err);
    qvl_record_line_note(&r.l, "k", "v", &r.arena);
    CHECK(qvl_node_path(r.l.root, "metadata.k") != NULL, "a new key");
    qvl_record_line_rename(&r.l, &r.arena);
    check_text(&r, "{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4, \"e\": 5, \"f\": 6, "
                   "\"g\": 7, \"images\": [\"r/p\"], \"width\": 8, \"height\": 8, "
                   "\"metadata\": {\"k\": \"v\"}}", "ten keys");
}

RUN_TESTS(TEST(test_as_it_was), TEST(test_pictures), TEST(test_bare_picture),
          TEST(test_turns), TEST(test_objects), TEST(test_notes),
          TEST(test_many_keys))
