/* test_source_label.c - which set of data a record is of */
#include "data/source_label.h"

#include <string.h>

#include "base/json.h"
#include "check.h"

static qvl_arena arena;

static qvl_record record_of(const char *metadata)
{
    qvl_err err = { 0 };
    qvl_node *node = NULL;
    if (metadata != NULL)
        CHECK_OK(qvl_json_parse(&node, metadata, strlen(metadata), "m", &arena,
                                &err), err);
    return (qvl_record){ .metadata = node };
}

static const struct {
    const char *metadata, *label;
} cases[] = {
    { NULL, "default" },
    { "{}", "default" },
    { "3", "default" },
    { "{\"dataset\": \"BBU\"}", "bbu" },
    { "{\"dataset\": \"a b/\\u00c9\"}", "a b/\xc3\x89" },
    { "{\"dataset\": 3}", "default" },
    { "{\"dataset\": \"\"}", "default" },
    { "{\"dataset\": null}", "default" },
    { "{\"dataset\": \"a\", \"_fusion_source\": \"LVis\"}", "lvis" },
    { "{\"_fusion_source\": \"x\"}", "x" },
    { "{\"dataset\": \"a\", \"_fusion_source\": \"\"}", "a" },
    { "{\"dataset\": \"a\", \"_fusion_source\": 1}", "a" },
    { "{\"dataset\": \"@[`{\"}", "@[`{" },
};

static void test_labels(void)
{
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_record r = record_of(cases[i].metadata);
        const char *label = qvl_source_label(&r, &arena);
        CHECK_STR(label, cases[i].label, "case %zu", i);
        for (size_t k = 0; k < QVL_COUNT(cases); k++)
            CHECK(qvl_source_label_is(&r, cases[k].label)
                      == (strcmp(cases[k].label, label) == 0),
                  "case %zu against %zu", i, k);
        CHECK(!qvl_source_label_is(&r, ""), "case %zu: nothing", i);
    }
    qvl_record r = record_of("{\"dataset\": \"ab\"}");
    CHECK(!qvl_source_label_is(&r, "a") && !qvl_source_label_is(&r, "abc"),
          "a part is not the whole");
    qvl_arena_release(&arena);
}

/* What the record says is not changed, and not copied without need. */
static void test_texts(void)
{
    qvl_record r = record_of("{\"dataset\": \"Up\", \"x\": \"low\"}");
    const char *text;
    qvl_source_label(&r, &arena);
    CHECK(qvl_node_as_string(qvl_node_find(r.metadata, "dataset"), &text), "text");
    CHECK_STR(text, "Up", "as it was");
    r = record_of("{\"dataset\": \"low\"}");
    CHECK(qvl_node_as_string(qvl_node_find(r.metadata, "dataset"), &text), "text");
    CHECK(qvl_source_label(&r, &arena) == text, "the same text");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_labels), TEST(test_texts))
