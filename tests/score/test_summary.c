/* test_summary.c - summaries as items, and what is found of them */
#include "check.h"

#include "base/json.h"
#include "base/rng.h"
#include "score/summary.h"

/* What was read of a text, as text. */
static void dump(qvl_str *out, const qvl_summary *s)
{
    qvl_str_puts(out, s->is_json ? "json " : "");
    qvl_str_puts(out, s->is_irrelevant ? "irrelevant " : "");
    qvl_str_puts(out, s->is_formed ? "right" : "wrong");
    for (size_t i = 0; i < s->n; i++)
        qvl_str_printf(out, " [%s %lld]", s->item[i].desc,
                       (long long)s->item[i].count);
    if (s->remark != NULL)
        qvl_str_printf(out, " (%s)", s->remark);
}

static void test_parse(void)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        { "b×1，a×20", "right [a 20] [b 1]" },
        { "BBU设备×1，光模块×3，线缆×2",
          "right [BBU设备 1] [光模块 3] [线缆 2]" },
        { "a×1", "right [a 1]" },
        { "a/b,c×1，标签、x×2", "right [a/b,c 1] [标签、x 2]" },
        { "a×b×3", "right [a×b 3]" },
        { "a×999999999", "right [a 999999999]" },
        { "a×1，备注: b×2，c", "right [a 1] (b×2，c)" },
        { "无关图片", "irrelevant right" },
        { " 无关图片\n", "irrelevant wrong" },
        { "无关图片。", "irrelevant wrong" },
        { "无关图片，a×1", "wrong [a 1] [无关图片 0]" },
        { "a×1 ", "wrong [a 1]" },
        { "a×1， b×2", "wrong [a 1] [b 2]" },
        { "a ×1", "wrong [a 1]" },
        { "a\xe3\x80\x80×1", "wrong [a 1]" },
        { "a×1。", "wrong [a 1]" },
        { "a×1，", "wrong [a 1]" },
        { "，a×1", "wrong [a 1]" },
        { "a×1，，b×1", "wrong [a 1] [b 1]" },
        { "a×1，a×2", "wrong [a 3]" },
        { "a×2，b×1，a", "wrong [a 2] [b 1]" },
        { "a", "wrong [a 0]" },
        { "a×", "wrong [a× 0]" },
        { "a×0", "wrong [a×0 0]" },
        { "a×-1", "wrong [a×-1 0]" },
        { "a×1b", "wrong [a×1b 0]" },
        { "a×02", "wrong [a 2]" },
        { "a×1000000000", "wrong [a×1000000000 0]" },
        { "a×99999999999999999999", "wrong [a×99999999999999999999 0]" },
        { "×2", "wrong [×2 0]" },
        { "ax2", "wrong [ax2 0]" },
        { "a×1\nb×2", "wrong [a×1\nb 2]" },
        { "a  b×1", "wrong [a  b 1]" },
        { "<|a×1", "wrong [<|a 1]" },
        { "备注: x", "wrong (x)" },
        { "a×1，备注:x", "wrong [a 1] (x)" },
        { "a×1，备注：x", "wrong [a 1] (x)" },
        { "a×1，备注: ", "wrong [a 1] ()" },
        { "", "wrong" },
        { " ", "wrong" },
        { "，", "wrong" },
        { "{\"统计\": []}", "json wrong" },
        { " {", "json wrong" },
        { "<DOMAIN=BBU>, <TASK=SUMMARY>\n{}", "json wrong" },
        { "<DOMAIN=BBU>, <TASK=SUMMARY>\na×1", "right [a 1]" },
        { "<TASK=SUMMARY>\na×1 ", "wrong [a 1]" },
        { "<BBU>\na×1", "wrong [<BBU>\na 1]" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_summary s;
        qvl_summary_parse(&s, cases[i].text, &a);
        dump(&out, &s);
        CHECK_STR(out.p, cases[i].wanted, "|%s|", cases[i].text);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

static void test_add(void)
{
    qvl_arena a = { 0 };
    qvl_summary_score s = { .beta = 2 };
    qvl_summary_add(&s, "a×1，b×2", "b×2，a×1", &a);          // other order
    qvl_summary_add(&s, "a×1，b×2，备注: x", "a×1，b×3，c×1，备注: x", &a);
    qvl_summary_add(&s, "无关图片", "无关图片", &a);
    qvl_summary_add(&s, "无关图片", "a×1", &a);
    qvl_summary_add(&s, "a×1，备注: y", "无关图片", &a);
    qvl_summary_add(&s, "a×1", " a×1 ", &a);                   // form alone
    qvl_summary_add(&s, "{\"x\": 1}", "{\"x\": 1}", &a);
    qvl_summary_add(&s, "{\"x\": 1}", "a×1", &a);
    qvl_summary_add(&s, "a×1", "{\"x\": 1}", &a);
    CHECK_INT(s.n_rows, 9, "rows");
    CHECK_INT(s.n_json, 2, "JSON");
    CHECK_INT(s.n_equal, 3, "equal");
    CHECK_INT(s.n_same, 3, "same items");
    CHECK_INT(s.n_formed, 5, "form");
    CHECK_INT(s.items.n_true, 7, "true");
    CHECK_INT(s.items.n_pred, 7, "predicted");
    CHECK_INT(s.items.matched, 4, "items");
    CHECK_INT(s.descs.n_true, 7, "true");
    CHECK_INT(s.descs.n_pred, 7, "predicted");
    CHECK_INT(s.descs.matched, 5, "descriptions");
    CHECK_INT(s.irrelevant.n_true, 2, "irrelevant");
    CHECK_INT(s.irrelevant.n_pred, 2, "irrelevant");
    CHECK_INT(s.irrelevant.matched, 1, "irrelevant");
    CHECK_INT(s.n_remarks, 2, "remarks");
    CHECK_INT(s.n_remarks_equal, 1, "remarks");
    qvl_arena_release(&a);
}

/* Random items of few kinds against sets that are compared pair by pair. */
static void test_random(void)
{
    enum { KINDS = 5 };
    qvl_rng r = { .key = 3 };
    qvl_summary_score s = { 0 };
    int64_t n_true = 0, n_pred = 0, n_items = 0, n_descs = 0, n_same = 0;
    for (int round = 0; round < 5000; round++) {
        qvl_arena a = { 0 };
        qvl_str text[2] = { 0 };
        int count[2][KINDS] = { 0 };
        for (int side = 0; side < 2; side++) {
            qvl_str_puts(&text[side], "");
            for (uint64_t n = 1 + qvl_rng_below(&r, 5); n > 0; n--) {
                int k = (int)qvl_rng_below(&r, KINDS);
                int c = 1 + (int)qvl_rng_below(&r, 3);
                qvl_str_printf(&text[side], "%sk%d×%d",
                               text[side].len > 0 ? "，" : "", k, c);
                count[side][k] += c;
            }
        }
        bool is_same = true;
        for (int k = 0; k < KINDS; k++) {
            n_true += count[0][k] > 0;
            n_pred += count[1][k] > 0;
            n_descs += count[0][k] > 0 && count[1][k] > 0;
            n_items += count[0][k] > 0 && count[0][k] == count[1][k];
            is_same = is_same && count[0][k] == count[1][k];
        }
        n_same += is_same;
        qvl_summary_add(&s, text[0].p, text[1].p, &a);
        qvl_str_release(&text[0]);
        qvl_str_release(&text[1]);
        qvl_arena_release(&a);
    }
    CHECK_INT(s.items.n_true, n_true, "true");
    CHECK_INT(s.items.n_pred, n_pred, "predicted");
    CHECK_INT(s.items.matched, n_items, "items");
    CHECK_INT(s.descs.matched, n_descs, "descriptions");
    CHECK_INT(s.n_same, n_same, "same");
    CHECK(n_items > 100 && n_same > 10 && n_descs > n_items, "%lld, %lld",
          (long long)n_items, (long long)n_same);
}

/* Keys of all maps are sorted, and numbers are those of the counts. */
static void check_sorted(const qvl_node *n)
{
    for (size_t i = 0; i < n->n; i++) {
        CHECK(i == 0 || strcmp(n->keys[i - 1].s, n->keys[i].s) < 0, "%s",
              n->keys[i].s);
        check_sorted(&n->items[i]);
    }
}

static double number(const qvl_node *root, const char *path)
{
    double v = -1;
    CHECK(qvl_node_as_float(qvl_node_path(root, path), &v), "%s", path);
    return v;
}

static void test_json(void)
{
    qvl_arena a = { 0 };
    qvl_str out = { 0 };
    qvl_node *root;
    qvl_err err;
    qvl_summary_score s = { .beta = 2, .n_skipped = 4 };
    qvl_summary_add(&s, "a×1，b×2，备注: x", "a×1，b×3，c×1，备注: x", &a);
    qvl_summary_add(&s, "无关图片", "无关图片", &a);
    qvl_summary_add(&s, "{}", "{}", &a);
    qvl_summary_put_json(&out, &s);
    CHECK_OK(qvl_json_parse(&root, out.p, out.len, "r", &a, &err), err);
    check_sorted(root);
    CHECK_NEAR(number(root, "items.precision"), 1.0 / 3, 1e-15, "precision");
    CHECK_NEAR(number(root, "items.recall"), 0.5, 0, "recall");
    CHECK_NEAR(number(root, "items.f1"), 0.4, 1e-15, "F1");
    CHECK_NEAR(number(root, "items.f_beta"), 5.0 / 11, 1e-15, "F2");
    CHECK_NEAR(number(root, "descriptions.f1"), 0.8, 1e-15, "F1");
    CHECK_INT(number(root, "descriptions.matched"), 2, "matched");
    CHECK_INT(number(root, "irrelevant.f1"), 1, "irrelevant");
    CHECK_INT(number(root, "exact.matched"), 2, "exact");
    CHECK_INT(number(root, "exact.total"), 3, "exact");
    CHECK_INT(number(root, "same_items.matched"), 1, "same");
    CHECK_INT(number(root, "same_items.total"), 2, "same");
    CHECK_INT(number(root, "format_ok.rate"), 1, "form");
    CHECK_INT(number(root, "remarks.rate"), 1, "remarks");
    CHECK_INT(number(root, "n_rows"), 3, "rows");
    CHECK_INT(number(root, "n_skipped"), 4, "skipped");
    CHECK_INT(number(root, "n_json"), 1, "JSON");
    CHECK_INT(number(root, "parameters.beta"), 2, "beta");
    qvl_str_reset(&out);
    s = (qvl_summary_score){ 0 };
    qvl_summary_put_json(&out, &s);
    CHECK_OK(qvl_json_parse(&root, out.p, out.len, "r", &a, &err), err);
    CHECK_INT(number(root, "items.f1"), 0, "nothing");
    CHECK(qvl_node_path(root, "items.f_beta") == NULL, "no beta");
    qvl_str_release(&out);
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_parse), TEST(test_add), TEST(test_random), TEST(test_json))
