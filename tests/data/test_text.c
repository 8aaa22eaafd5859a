/* test_text.c - names of other formats as descriptions */
#include "check.h"

#include "base/rng.h"
#include "base/str.h"
#include "data/text.h"

static void test_make_desc(void)
{
    static const struct {
        const char *name, *desc;
    } cases[] = {
        { "person", "person" },
        { "aerosol_can", "aerosol_can" },
        { "bow_(decorative_ribbons)", "bow_(decorative_ribbons)" },
        { " traffic \t light\n", "traffic light" },
        { "Wild  Bird", "Wild Bird" },
        { "a , b", "a,b" },
        { "a / b /c/ d", "a/b/c/d" },
        { "a ,/ b", "a,/b" },
        { "\xe3\x80\x80信号\xe3\x80\x80灯 ", "信号 灯" },
        { "a\rb", "a b" },
        { "", "" },
        { " \t\xe3\x80\x80\n", "" },
        { " / ", "/" },
        { "<|x", "<|x" },
    };
    qvl_arena a = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_STR(qvl_text_make_desc(&a, cases[i].name), cases[i].desc, "%s",
                  cases[i].name);
    qvl_arena_release(&a);
}

/* Whatever a name is made of, only what has no blanks to do with it stays wrong,
 * nothing but blanks goes, and a description stays as it is. */
static void test_any_name(void)
{
    static const char *const pieces[] = { " ", "\t", "\n", "\xe3\x80\x80", ",",
                                          "/", "a", "_", "灯", "<", "|", "\r" };
    qvl_rng r = { .key = 4 };
    for (int round = 0; round < 20000; round++) {
        qvl_arena a = { 0 };
        qvl_str name = { 0 }, bare = { 0 }, rest = { 0 };
        for (uint64_t n = qvl_rng_below(&r, 10); n > 0; n--) {
            size_t i = qvl_rng_below(&r, QVL_COUNT(pieces));
            qvl_str_puts(&name, pieces[i]);
            qvl_str_puts(&bare, i < 4 || i == 11 ? "" : pieces[i]);
        }
        qvl_str_puts(&name, "");
        qvl_str_puts(&bare, "");
        const char *desc = qvl_text_make_desc(&a, name.p != NULL ? name.p : "");
        const char *fault = qvl_text_desc_fault(desc);
        bool is_bad = desc[0] == '\0' || strstr(desc, "<|") != NULL;
        CHECK((fault != NULL) == is_bad, "|%s| to |%s|: %s", name.p, desc,
              fault);
        CHECK_STR(qvl_text_make_desc(&a, desc), desc, "again");
        for (const char *p = desc; *p != '\0'; p++)
            if (*p != ' ')
                qvl_str_putc(&rest, *p);
        CHECK_STR(rest.p != NULL ? rest.p : "", bare.p != NULL ? bare.p : "",
                  "|%s|", name.p);
        qvl_str_release(&name);
        qvl_str_release(&bare);
        qvl_str_release(&rest);
        qvl_arena_release(&a);
    }
}

/* What stands in front of an answer, and what does not. */
static void test_head(void)
{
    static const struct {
        const char *head, *rest;
    } cases[] = {
        { "", "" }, { "", "x" }, { "", " x" }, { "", "<" }, { "", "<>" },
        { "", "<a>" }, { "", "<a=b" }, { "", "<a\n=b>" }, { "", "<|a=b>" },
        { "", "<a<b=c>" }, { "", "x<a=b>" },
        { "<a=b>", "" }, { "<=>", "x" }, { " \t<a=b> \r\n", "x" },
        { "<a=b>, <c=d>\n", "{}" }, { "<a=b>,<c=d>,", "{}" },
        { "<a=b>\n<c=d>\n", "<e>" }, { "<a=b>", "<|c=d>" },
        { "<DOMAIN=BBU>, <TASK=SUMMARY>\n", "线×1" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        char text[64];
        snprintf(text, sizeof text, "%s%s", cases[i].head, cases[i].rest);
        CHECK_INT(qvl_text_head(text, strlen(text)), strlen(cases[i].head),
                  "case %zu", i);
    }
    for (size_t len = 0; len < 5; len++)  // no byte behind the end is read
        CHECK_INT(qvl_text_head("<a=b>", len), 0, "%zu bytes", len);
}

RUN_TESTS(TEST(test_make_desc), TEST(test_any_name), TEST(test_head))
