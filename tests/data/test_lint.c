/* test_lint.c - dialects of descriptions and summaries, line by line */
#include "data/lint.h"

#include "check.h"

static void test_names(void)
{
    for (int i = 0; i < QVL_N_LINTS; i++)
        CHECK_INT(qvl_lint_find(qvl_lint_name((qvl_lint)i)), i, "%d", i);
    CHECK_INT(qvl_lint_find("slashes"), QVL_N_LINTS, "longer");
    CHECK_INT(qvl_lint_find(""), QVL_N_LINTS, "empty");
}

typedef struct {
    const char *text, *fault;  // NULL: it is right
} line;

static void check_descs(qvl_lint lint, const line *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CHECK_STR(qvl_lint_desc(lint, v[i].text), v[i].fault, "%s", v[i].text);
        CHECK(qvl_lint_desc(QVL_LINT_NONE, v[i].text) == NULL, "%s", v[i].text);
    }
}

static void test_slash(void)
{
    static const line lines[] = {
        { "螺丝", NULL },
        { "螺丝/安装正确,显示完整", NULL },
        { "光模块/华为/已连接/备注:看不清", NULL },
        { "光模块/备注:a/b,c", NULL },
        { "BBU安装螺丝/[b]/备注: 空", "a blank at the beginning of the remark" },
        { "螺丝//a", "an empty part" },
        { "/a", "an empty part" },
        { "螺丝/", "an empty part" },
        { "螺丝/a,,b", "an empty part" },
        { "螺丝/a,", "an empty part" },
        { "螺丝/备注:", "an empty remark" },
        { "螺丝/备注:a/备注:b", "a second remark" },
        { "螺丝/a,备注:b", "a remark that is no part of its own" },
        { "螺丝/备注：a", "a full-width colon behind the name of the remark" },
        { "备注:a", "no type in front" },
        { "类别=螺丝,可见性=完整", "the dialect keyvalue" },
    };
    check_descs(QVL_LINT_SLASH, lines, QVL_COUNT(lines));
}

static void test_keyvalue(void)
{
    static const line lines[] = {
        { "类别=螺丝", NULL },
        { "类别=螺丝,可见性=完整,符合性=符合|不符合", NULL },
        { "类别=标签,文本=A1,B2|C=3,站点距离=45", NULL },
        { "类别=标签,品牌=a=b", "a second '=' in a part" },
        { "类别=标签,文本=a b,c d,可见性=部分,备注=x,y|z,组=7", NULL },
        { "类别=站点距离,站点距离=120", NULL },
        { "类别=标签,备注==", NULL },
        { "螺丝", "a part without KEY=VALUE" },
        { "螺丝/a", "a part without KEY=VALUE" },
        { "类别=螺丝,显示完整", "a part without KEY=VALUE" },
        { "类别=螺丝,", "a part without KEY=VALUE" },
        { "类别=螺丝,=a", "a part without KEY=VALUE" },
        { "可见性=完整,类别=螺丝",
          "another key than that of the category in front" },
        { "类别=螺丝,类别=螺丝", "a second category" },
        { "类别=", "a key without a value" },
        { "类别=螺丝,备注=", "a key without a value" },
        { "类别=螺丝,品牌=华为||中兴", "a key without a value" },
        { "类别=螺丝,品牌=|华为", "a key without a value" },
        { "类别=螺丝,可见性=全部", "a visibility that is none" },
        { "类别=螺丝,可见性=完整|部分", "a visibility that is none" },
        { "类别=螺丝,站点距离=4.5", "a distance that is no whole number" },
        { "类别=螺丝,站点距离=-", "a distance that is no whole number" },
        { "类别=螺丝,组=1|2", "several groups" },
        { "类别=螺 丝", "a blank" },
        { "类别=螺丝,a b=1", "a blank" },
    };
    check_descs(QVL_LINT_KEYVALUE, lines, QVL_COUNT(lines));
}

static void check_summaries(qvl_lint lint, const line *v, size_t n)
{
    qvl_arena a = { 0 };
    for (size_t i = 0; i < n; i++) {
        CHECK_STR(qvl_lint_summary(lint, v[i].text, &a), v[i].fault, "%s", v[i].text);
        CHECK(qvl_lint_summary(QVL_LINT_NONE, v[i].text, &a) == NULL, "%s", v[i].text);
    }
    qvl_arena_release(&a);
}

static void test_text_summaries(void)
{
    static const line lines[] = {
        { "无关图片", NULL },
        { "螺丝/安装正确×3", NULL },
        { "螺丝×3，光模块×12，备注: 看不清，别的", NULL },
        { "2×4板×1", NULL },
        { "a pipeline×1", NULL },
        { "备注:a", "an item without a number of times" },
        { "螺丝", "an item without a number of times" },
        { "螺丝×", "an item without a number of times" },
        { "螺丝×0", "an item without a number of times" },
        { "螺丝×-1", "an item without a number of times" },
        { "螺丝×3个", "an item without a number of times" },
        { "螺丝×3，", "an item without a number of times" },
        { "螺丝,大×3", NULL },
        { "×3", "an item without a description" },
        { "螺丝× 3", "a blank beside the sign of times" },
        { "螺丝 ×3", "a blank beside the sign of times" },
        { "螺丝×3。", "a full stop at the end" },
        { "螺丝[1, 2]×3", "a number in brackets" },
        { "螺丝[ 1]×3", "a number in brackets" },
        { "bbox_2d×3", "the name of a geometry" },
        { "a line×3", "the name of a geometry" },
        { "<b>×3", "an angle bracket" },
    };
    check_summaries(QVL_LINT_SLASH, lines, QVL_COUNT(lines));
}

static void test_json_summaries(void)
{
    static const line lines[] = {
        { "无关图片", NULL },
        { "{\"统计\": []}", NULL },
        { "{\"统计\": [{\"类别\": \"螺丝\", \"a\": {\"b\": 1}}], \"备注\": \"x\"}", NULL },
        { "{\"统计\": [], \"分组统计\": {\"1\": []}}", NULL },
        { "{\"统计\": {}}", "no list 统计" },
        { "{\"备注\": \"x\"}", "no list 统计" },
        { "{\"统计\": [], \"统计\": []}", "no JSON" },
        { "{\"统计\": [], \"更多\": 1}", "a key that is none of a summary" },
        { "[]", "no JSON map" },
        { "螺丝×3", "no JSON" },
        { "{\"统计\": [}", "no JSON" },
    };
    check_summaries(QVL_LINT_KEYVALUE, lines, QVL_COUNT(lines));
}

RUN_TESTS(TEST(test_names), TEST(test_slash), TEST(test_keyvalue),
          TEST(test_text_summaries), TEST(test_json_summaries))
