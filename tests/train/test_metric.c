/* test_metric.c - windows and lines of numbers as logs have them */
#include "train/metric.h"

#include "base/json.h"
#include "check.h"

static const qvl_metric_place place = {
    .epoch = 0.125, .step = 12, .max_steps = 345, .elapsed_s = 93784,
    .memory_gib = 1.23456, .speed = 2, .time = 1700000000.25
};

static void test_window(void)
{
    qvl_metrics m = { 0 };
    double v;
    qvl_metrics_mean(&m, "loss", 1);
    qvl_metrics_mean(&m, "loss", NAN);
    qvl_metrics_mean(&m, "loss", 3);
    qvl_metrics_mean(&m, "grad_norm", INFINITY);
    qvl_metrics_share(&m, "token_acc", 1, 4);
    qvl_metrics_share(&m, "token_acc", 5, 8);
    qvl_metrics_set(&m, "learning_rate", 1);
    qvl_metrics_set(&m, "learning_rate", 0.5);
    CHECK(qvl_metrics_find(&m, "loss", &v), "loss");
    CHECK_NEAR(v, 2, 0, "mean of what is finite");
    CHECK(qvl_metrics_find(&m, "token_acc", &v), "token_acc");
    CHECK_NEAR(v, 0.5, 0, "sums are divided, not shares averaged");
    CHECK(qvl_metrics_find(&m, "learning_rate", &v), "learning_rate");
    CHECK_NEAR(v, 0.5, 0, "the last one");
    CHECK(!qvl_metrics_find(&m, "grad_norm", &v), "nothing finite");
    CHECK(!qvl_metrics_find(&m, "none", &v), "unknown");
    CHECK_INT(m.n_left_out, 2, "left out");
    CHECK_NEAR(v, 0.5, 0, "unchanged");
    static const char *const names[] = { "eval_loss", "eval/loss", "loss" };
    for (size_t i = 0; i < QVL_COUNT(names); i++)
        CHECK(qvl_metrics_find(&m, names[i], &v) && v == 2, "%s", names[i]);
    CHECK(qvl_metrics_find(&m, "eval_token_accuracy", &v) && v == 0.5,
          "old name");
    qvl_arena a = { 0 };
    CHECK_STR(qvl_metrics_names(&m, &a), "loss, token_acc, learning_rate",
              "names");
    qvl_metrics_reset(&m);
    CHECK_STR(qvl_metrics_names(&m, &a), "", "names of what has no value");
    CHECK(!qvl_metrics_find(&m, "loss", &v), "empty after reset");
    CHECK_INT(m.n_left_out, 0, "after reset");
    CHECK_INT(m.n, 4, "names stay");
    qvl_metrics_share(&m, "token_acc", 0, 0);
    CHECK(!qvl_metrics_find(&m, "token_acc", &v), "share of nothing");
    qvl_arena_release(&a);
}

static void test_numbers(void)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { 1, "1" },
        { 0.123456789, "0.12345679" },
        { -2.000000004, "-2" },
        { 1e-6, "1e-06" },
        { 1.23456789e-7, "1.23456789e-07" },
        { -9.5e-12, "-9.5e-12" },
        { 1e-300, "1e-300" },
        { 89999999.5, "89999999.5" },
        { 1e300, "1e+300" },
        { 1.0 / 3, "0.33333333" },
        { NAN, "null" },
        { INFINITY, "null" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str s = { 0 };
        qvl_arena a = { 0 };
        qvl_err err;
        qvl_node *n;
        qvl_metrics_number(&s, cases[i].v);
        CHECK_OK(qvl_json_parse(&n, s.p, s.len, "n", &a, &err), err);
        double wanted = strtod(cases[i].text, NULL);
        CHECK(n->kind == QVL_NODE_NULL ? strcmp(cases[i].text, "null") == 0
                                       : n->f == wanted,
              "%g is %s, wanted %s", cases[i].v, s.p, cases[i].text);
        qvl_arena_release(&a);
        qvl_str_release(&s);
    }
}

static void test_durations(void)
{
    static const struct {
        double s;
        const char *text;
    } cases[] = {
        { 0, "0s" },          { 0.9, "0s" },
        { 59, "59s" },        { 60, "1m 0s" },
        { 3600, "1h 0m 0s" }, { 93784, "1d 2h 3m 4s" },
        { -5, "0s" },         { NAN, "0s" },
        { 864000, "10d 0h 0m 0s" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str s = { 0 };
        qvl_metrics_duration(&s, cases[i].s);
        CHECK_STR(s.p, cases[i].text, "%g s", cases[i].s);
        qvl_str_release(&s);
    }
}

static void test_lines(void)
{
    qvl_metrics m = { 0 };
    qvl_str s = { 0 };
    qvl_metrics_mean(&m, "loss", 0.5);
    qvl_metrics_set(&m, "learning_rate", 1e-7);
    qvl_metrics_line(&s, &m, "train", QVL_STYLE_PREFIXED, &place);
    CHECK_STR(s.p,
              "{\"train/loss\": 0.5, \"train/learning_rate\": 1e-07, "
              "\"epoch\": 0.125, \"global_step/max_steps\": \"12/345\", "
              "\"percentage\": \"3.48%\", \"elapsed_time\": \"1d 2h 3m 4s\", "
              "\"remaining_time\": \"2m 46s\", \"memory(GiB)\": 1.2346, "
              "\"train_speed(iter/s)\": 2, \"step\": 12, "
              "\"time\": 1700000000.250}\n", "prefixed");
    qvl_str_reset(&s);
    qvl_metrics_mean(&m, "bad", NAN);
    qvl_metrics_line(&s, &m, "eval", QVL_STYLE_HF, &place);
    CHECK_HAS(s.p, "{\"eval_loss\": 0.5, \"eval_learning_rate\": 1e-07, "
              "\"eval_bad\": null, \"not_finite\": 1, \"epoch\"", "hf");
    qvl_str_reset(&s);
    qvl_metrics_history(&s, &m, "train", &place);
    CHECK_STR(s.p, "{\"loss\": 0.5, \"learning_rate\": 1e-07, \"bad\": null, "
              "\"epoch\": 0.125, \"step\": 12}", "history");
    qvl_str_release(&s);
}

static int read_text(qvl_metrics *m, const char *json, qvl_arena *a,
                     qvl_err *err)
{
    qvl_node *map;
    CHECK_OK(qvl_json_parse(&map, json, strlen(json), "w", a, err), *err);
    return qvl_metrics_read(m, map, a, err);
}

static void test_kept(void)
{
    qvl_err err;
    qvl_arena a = { 0 };
    qvl_metrics m = { 0 }, back = { 0 };
    qvl_str s = { 0 };
    qvl_metrics_mean(&m, "loss", 0.1);
    qvl_metrics_mean(&m, "loss", 1.0 / 3);
    qvl_metrics_share(&m, "token_acc", 0, 0);
    qvl_metrics_put(&s, &m);
    CHECK_OK(read_text(&back, s.p, &a, &err), err);
    CHECK_INT(back.n, 2, "%s", s.p);
    for (int k = 0; k < 2; k++)
        CHECK(strcmp(back.v[k].name, m.v[k].name) == 0
              && back.v[k].sum == m.v[k].sum
              && back.v[k].weight == m.v[k].weight, "%s", s.p);
    static const char *const bad[] = { "[]", "{\"a\": 1}", "{\"a\": [1]}",
                                       "{\"a\": [1, null]}" };
    for (size_t i = 0; i < QVL_COUNT(bad); i++)
        CHECK_FAILS(read_text(&back, bad[i], &a, &err), QVL_E_FORMAT, err,
                    "window");
    CHECK_INT(back.n, 2, "unchanged");
    qvl_str_release(&s);
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_kept), TEST(test_window), TEST(test_numbers), TEST(test_durations),
          TEST(test_lines))
