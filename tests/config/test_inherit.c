/* test_inherit.c - files that extend others: order, folders, what is refused */
#include "config/inherit.h"

#include "base/file.h"
#include "base/str.h"
#include "check.h"

static const char *put(const char *name, const char *text)
{
    qvl_err err;
    const char *path = check_path(name);
    CHECK_OK(qvl_file_write_all(path, text, strlen(text), &err), err);
    return path;
}

/* The folder's name stands in places; what follows it is compared. */
static void dump(qvl_str *out, const qvl_node *n)
{
    const char *slash = n->file != NULL ? strrchr(n->file, '/') : NULL;
    if (n->kind < QVL_NODE_LIST) {
        qvl_str_printf(out, "%s@%s:%d", n->kind == QVL_NODE_NULL ? "~" : n->s,
                       slash != NULL ? slash + 1 : n->file, n->line);
        return;
    }
    qvl_str_putc(out, n->kind == QVL_NODE_LIST ? '[' : '{');
    for (size_t i = 0; i < n->n; i++) {
        qvl_str_puts(out, i > 0 ? " " : "");
        if (n->kind == QVL_NODE_MAP)
            qvl_str_printf(out, "%s=", n->keys[i].s);
        dump(out, &n->items[i]);
    }
    qvl_str_putc(out, n->kind == QVL_NODE_LIST ? ']' : '}');
}

static void check_tree(const char *path, const char *base, const char *wanted)
{
    qvl_err err;
    qvl_arena a = { 0 };
    qvl_str text = { 0 };
    qvl_config_files files = { 0 };
    const qvl_node *tree, *under = NULL;
    if (base != NULL)
        CHECK_OK(qvl_config_inherit(&under, base, NULL, &files, &a, &err),
                 err);
    CHECK_OK(qvl_config_inherit(&tree, path, under, &files, &a, &err), err);
    dump(&text, tree);
    CHECK_STR(text.p, wanted, "tree of %s", path);
    qvl_str_release(&text);
    qvl_arena_release(&a);
}

static void test_merge(void)
{
    put("a.yaml", "x: {p: 1, q: [1, 2], r: 3}\ny: 5\n");
    put("b.yaml", "extends: a.yaml\nx:\n  q: [9]\n  r: ~\nz: 6\n");
    const char *c = put("c.yaml", "extends: [a.yaml, b.yaml]\ny: {k: 1}\n");
    check_tree(put("a.yaml", "x: {p: 1, q: [1, 2], r: 3}\ny: 5\n"), NULL,
               "{x={p=1@a.yaml:1 q=[1@a.yaml:1 2@a.yaml:1] r=3@a.yaml:1} "
               "y=5@a.yaml:2}");
    check_tree(check_path("b.yaml"), NULL,
               "{x={p=1@a.yaml:1 q=[9@b.yaml:3] r=~@b.yaml:4} y=5@a.yaml:2 "
               "z=6@b.yaml:5}");
    /* a diamond: a under b under c */
    check_tree(c, NULL,
               "{x={p=1@a.yaml:1 q=[9@b.yaml:3] r=~@b.yaml:4} "
               "y={k=1@c.yaml:2} z=6@b.yaml:5}");
}

static void test_order_of_parents(void)
{
    put("one.yaml", "k: 1\n");
    put("two.yaml", "k: 2\n");
    check_tree(put("left.yaml", "extends: [one.yaml, two.yaml]\n"), NULL,
               "{k=2@two.yaml:1}");
    check_tree(put("right.yaml", "extends: [two.yaml, one.yaml]\n"), NULL,
               "{k=1@one.yaml:1}");
    /* what lies under everything is weaker than what a file extends */
    check_tree(check_path("left.yaml"), put("base.yaml", "k: 0\nm: 7\n"),
               "{k=2@two.yaml:1 m=7@base.yaml:2}");
    check_tree(put("none.yaml", ""), check_path("base.yaml"),
               "{k=0@base.yaml:1 m=7@base.yaml:2}");
    check_tree(put("null.yaml", "extends:\nq: 1\n"), NULL, "{q=1@null.yaml:2}");
}

/* However a file is named, it is one file in the list. */
static void test_files(void)
{
    qvl_err err;
    qvl_arena a = { 0 };
    qvl_config_files files = { 0 };
    const qvl_node *tree = NULL;
    put("b.yaml", "k: 1\n");
    CHECK_OK(qvl_file_make_dirs(check_path("here"), &err), err);
    const char *path = put("names.yaml", "extends: [./b.yaml, b.yaml, "
                           "here/../b.yaml]\n");
    CHECK_OK(qvl_config_inherit(&tree, path, NULL, &files, &a, &err), err);
    CHECK_INT(files.n, 2, "files");
    CHECK_HAS(files.v[0], "./b.yaml", "as it was named first");
    CHECK_STR(files.v[1], path, "the file itself");
    /* a second chain goes on with the list */
    CHECK_OK(qvl_config_inherit(&tree, check_path("b.yaml"), tree, &files, &a,
                                &err), err);
    CHECK_INT(files.n, 2, "files after another chain");
    qvl_arena_release(&a);
}

static void test_quotes(void)
{
    static const struct {
        const char *value;
        int kind;
        const char *text;
    } cases[] = {
        { "12", QVL_NODE_INT, "12" },       { "\"12\"", QVL_NODE_STRING, "12" },
        { "'a # b'", QVL_NODE_STRING, "a # b" },
        { "a # b", QVL_NODE_STRING, "a # b" },
        { "\"a", QVL_NODE_STRING, "\"a" }, { "a: b", QVL_NODE_STRING, "a: b" },
        { "''", QVL_NODE_STRING, "" },      { "true", QVL_NODE_BOOL, "true" },
        { "1e-3", QVL_NODE_FLOAT, "1e-3" }, { "[1, 2]", QVL_NODE_STRING, "[1, 2]" },
    };
    qvl_arena a = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const qvl_node *map = qvl_config_leaf("a.b", cases[i].value, "--b", &a);
        const qvl_node *b = qvl_node_find(qvl_node_find(map, "a"), "b");
        CHECK_INT(b->kind, cases[i].kind, "%s", cases[i].value);
        CHECK_STR(b->s, cases[i].text, "%s", cases[i].value);
        CHECK_STR(b->file, "--b", "place");
    }
    qvl_arena_release(&a);
}

static void test_folders(void)
{
    qvl_err err;
    CHECK_OK(qvl_file_make_dirs(check_path("sub/deep"), &err), err);
    put("sub/parent.yaml", "extends: deep/grand.yaml\nb: 2\n");
    put("sub/deep/grand.yaml", "a: 1\n");
    check_tree(put("child.yaml", "extends: sub/parent.yaml\n"), NULL,
               "{a=1@grand.yaml:1 b=2@parent.yaml:2}");
    char text[1024];
    snprintf(text, sizeof text, "extends: %s\n",
             check_path("sub/parent.yaml"));
    check_tree(put("absolute.yaml", text), NULL,
               "{a=1@grand.yaml:1 b=2@parent.yaml:2}");
}

static void test_refused(void)
{
    static const struct {
        const char *name, *text;
        int code;
        const char *part;
    } cases[] = {
        { "self.yaml", "extends: self.yaml\n", QVL_E_CONFIG, "cycle" },
        { "self2.yaml", "extends: ./self2.yaml\n", QVL_E_CONFIG, "cycle" },
        { "r1.yaml", "extends: r2.yaml\n", QVL_E_CONFIG,
          "r1.yaml <- " },
        { "gone.yaml", "a: 1\nextends: nowhere.yaml\n", QVL_E_IO,
          "gone.yaml:2: extends: " },
        { "number.yaml", "extends: 5\n", QVL_E_CONFIG,
          "found integer" },
        { "map.yaml", "extends: {a: 1}\n", QVL_E_CONFIG, "found map" },
        { "item.yaml", "extends: [[a]]\n", QVL_E_CONFIG, "found list" },
        { "empty.yaml", "extends: ''\n", QVL_E_CONFIG, "extends" },
        { "bad.yaml", "a: [1\n", QVL_E_CONFIG, "bad.yaml:2:1" },
        { "twice.yaml", "a: 1\na: 2\n", QVL_E_CONFIG, "twice.yaml:2:1" },
    };
    put("r2.yaml", "extends: r3.yaml\n");
    put("r3.yaml", "extends: r1.yaml\n");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err;
        qvl_arena a = { 0 };
        qvl_config_files files = { 0 };
        const qvl_node *tree = NULL;
        const char *path = put(cases[i].name, cases[i].text);
        CHECK_FAILS(qvl_config_inherit(&tree, path, NULL, &files, &a, &err),
                    cases[i].code, err, cases[i].part);
        CHECK(tree == NULL, "case %s", cases[i].name);
        qvl_arena_release(&a);
    }
}

static void test_leaf(void)
{
    qvl_arena a = { 0 };
    const qvl_node *n = qvl_config_leaf("a.b", "7", "--b", &a);
    const qvl_node *b = qvl_node_path(n, "a.b");
    CHECK(b != NULL && b->kind == QVL_NODE_INT && b->i == 7, "a.b");
    CHECK_STR(b->file, "--b", "place");
    CHECK_INT(b->line, 0, "a flag has no line");
    /* what YAML would take for a map or a comment is text here */
    b = qvl_node_path(qvl_config_leaf("a", "x: #y", "--a", &a), "a");
    CHECK_STR(b->s, "x: #y", "text");
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_merge), TEST(test_order_of_parents), TEST(test_files), TEST(test_quotes),
          TEST(test_folders),
          TEST(test_refused), TEST(test_leaf))
