/* test_guard.c - the end of a JSON answer, however its text comes */
#include "check.h"

#include "infer/guard.h"

typedef struct {
    const char *name;
    const char *text;
    int max_entries;
    qvl_json_end end;
    const char *kept;  // the text up to where it ended, NULL: not at all
} guard_case;

static const guard_case cases[] = {
    { "empty", "", 0, QVL_JSON_GO_ON, NULL },
    { "whole", "{\"a\": {\"b\": 1}} and more", 0, QVL_JSON_CLOSED,
      "{\"a\": {\"b\": 1}}" },
    { "text before", "Here: {} {}", 0, QVL_JSON_CLOSED, "Here: {}" },
    { "open", "{\"a\": {\"b\": 1}", 0, QVL_JSON_GO_ON, NULL },
    { "braces in strings", "{\"a}\": \"}}{\"}", 0, QVL_JSON_CLOSED,
      "{\"a}\": \"}}{\"}" },
    { "escaped quote", "{\"a\": \"\\\"}\"}x", 0, QVL_JSON_CLOSED,
      "{\"a\": \"\\\"}\"}" },
    { "escaped backslash", "{\"a\": \"\\\\\"}x", 0, QVL_JSON_CLOSED,
      "{\"a\": \"\\\\\"}" },
    { "quote outside", "it's \"so\" } {}", 0, QVL_JSON_CLOSED,
      "it's \"so\" } {}" },
    { "too many", "{\"a\": {}, \"b\": {\"c\": 1}}", 1, QVL_JSON_MANY,
      "{\"a\": {}, \"b\": {" },
    { "as many as allowed", "{\"a\": {}, \"b\": {\"c\": 1}}", 2,
      QVL_JSON_CLOSED, "{\"a\": {}, \"b\": {\"c\": 1}}" },
    { "repeated", "{\"a\": {\"x\": 1}, \"b\": {\"x\": 1}, \"c\": 2}", 0,
      QVL_JSON_REPEATED, "{\"a\": {\"x\": 1}, \"b\": {\"x\": 1}" },
    { "alike, not equal", "{\"a\": {\"x\": 1}, \"b\": {\"x\": 10}}", 0,
      QVL_JSON_CLOSED, "{\"a\": {\"x\": 1}, \"b\": {\"x\": 10}}" },
    { "lists", "{\"a\": [[1], {\"x\": 1}, {\"x\": 1}], \"b\": {\"x\": 1}, "
      "\"c\": {\"x\": 1}}", 2, QVL_JSON_REPEATED,
      "{\"a\": [[1], {\"x\": 1}, {\"x\": 1}], \"b\": {\"x\": 1}, "
      "\"c\": {\"x\": 1}" },
};

/* The text `step` bytes at a time. */
static void run_case(const guard_case *c, size_t step)
{
    qvl_arena arena = { 0 };
    qvl_json_guard g = { .arena = &arena, .max_entries = c->max_entries };
    qvl_json_end end = QVL_JSON_GO_ON;
    size_t len = strlen(c->text), at = 0;
    for (size_t n = step; end == QVL_JSON_GO_ON; n += step) {
        end = qvl_json_guard_see(&g, c->text, n < len ? n : len, &at);
        if (n >= len)
            break;
    }
    CHECK_INT(end, c->end, "%s, %zu at a time", c->name, step);
    if (c->kept != NULL)
        CHECK(at == strlen(c->kept) && memcmp(c->text, c->kept, at) == 0,
              "%s: ended behind %zu bytes", c->name, at);
    qvl_arena_release(&arena);
}

static void test_cases(void)
{
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        for (size_t step = 1; step < 40; step += 3)
            run_case(&cases[i], step);
}

RUN_TESTS(TEST(test_cases))
