/* test_sources.c - losses told apart by source, and their names */
#include "train/sources.h"

#include "base/json.h"
#include "check.h"
#include "train/loop.h"

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

/* Which label a record has. */
static void test_labels(void)
{
    static const struct {
        const char *metadata, *label;
    } cases[] = {
        { NULL, "default" },
        { "{}", "default" },
        { "{\"dataset\": \"BBU\"}", "bbu" },
        { "{\"dataset\": \"a b/\\u00c9\"}", "a b/\xc3\x89" },
        { "{\"dataset\": 3}", "default" },
        { "{\"dataset\": \"\"}", "default" },
        { "{\"dataset\": null}", "default" },
        { "{\"dataset\": \"Default\"}", "default" },
        { "{\"dataset\": \"evaluation\"}", "evaluation" },
        { "{\"dataset\": \"source_a\"}", "source_a" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_sources s = { .n = 0 };
        qvl_record r = record_of(cases[i].metadata);
        char name[64];
        qvl_sources_add(&s, &r, 1, &arena);
        CHECK_INT(s.n, 1, "case %zu", i);
        CHECK_STR(s.item[0].label, cases[i].label, "case %zu", i);
        snprintf(name, sizeof name, "%s_loss", cases[i].label);
        CHECK_STR(s.item[0].loss, name, "case %zu", i);
        snprintf(name, sizeof name, "%s_token_acc", cases[i].label);
        CHECK_STR(s.item[0].token_acc, name, "case %zu", i);
    }
    qvl_arena_release(&arena);
}

/* No number of a source bears the name of an evaluation's, nor do two sources
 * share one. */
static void test_evaluation_names(void)
{
    static const struct {
        const char *label, *loss, *token_acc;
    } cases[] = {
        { "eval", "source_eval_loss", "source_eval_token_acc" },
        { "EVAL_bbu", "source_eval_bbu_loss", "source_eval_bbu_token_acc" },
        { "eval/x", "source_eval/x_loss", "source_eval/x_token_acc" },
        { "source_eval", "source_source_eval_loss",
          "source_source_eval_token_acc" },
        { "bbu", "bbu_loss", "bbu_token_acc" },
    };
    qvl_sources s = { .n = 0 };
    qvl_metrics m = { .n = 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"dataset\": \"%s\"}", cases[i].label);
        qvl_record r = record_of(text);
        qvl_sources_add(&s, &r, 1, &arena);
        CHECK_STR(s.item[i].loss, cases[i].loss, "%s", cases[i].label);
        CHECK_STR(s.item[i].token_acc, cases[i].token_acc, "%s",
                  cases[i].label);
        qvl_sources_count(&s, &r, &(qvl_train_score){ .loss_sum = (double)i,
                                                      .n_labels = 1 }, &m);
    }
    CHECK_INT(s.n, QVL_COUNT(cases), "labels");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double v = -1;
        char name[64];
        snprintf(name, sizeof name, "eval_%s", cases[i].loss);
        CHECK(qvl_metrics_find(&m, name, &v) && v == (double)i,
              "%s is %g as metric_for_best_model", name, v);
    }
    qvl_arena_release(&arena);
}

/* Means over samples, whatever their length; one without labels is none. */
static void test_numbers(void)
{
    qvl_record r[] = { record_of("{\"dataset\": \"a\"}"), record_of(NULL),
                       record_of("{\"dataset\": \"A\"}") };
    static const qvl_train_score score[] = {
        { .loss_sum = 8, .n_labels = 2, .n_correct = 1 },
        { .loss_sum = 9, .n_labels = 3, .n_correct = 3 },
        { .loss_sum = 10, .n_labels = 10, .n_correct = 0 },
    };
    static const struct {
        const char *name;
        double value;
    } wanted[] = { { "a_loss", 2.5 }, { "a_token_acc", 0.25 },
                   { "default_loss", 3 }, { "default_token_acc", 1 } };
    qvl_sources s = { .n = 0 };
    qvl_metrics m = { .n = 0 };
    qvl_sources_add(&s, r, QVL_COUNT(r), &arena);
    CHECK_INT(s.n, 2, "sources");
    for (size_t i = 0; i < QVL_COUNT(r); i++)
        qvl_sources_count(&s, &r[i], &score[i], &m);
    qvl_sources_count(&s, &r[0], &(qvl_train_score){ .n_tokens = 4 }, &m);
    for (size_t i = 0; i < QVL_COUNT(wanted); i++) {
        double v;
        CHECK(qvl_metrics_find(&m, wanted[i].name, &v), "%s", wanted[i].name);
        CHECK_NEAR(v, wanted[i].value, 1e-15, "%s", wanted[i].name);
    }
    qvl_sources_count(&s, &r[1], &(qvl_train_score){ .loss_sum = NAN,
                                                     .n_labels = 1 }, &m);
    CHECK_INT(m.n_left_out, 1, "not finite");
    qvl_arena_release(&arena);
}

/* As many as there is room for, and one more. */
static void test_many(void)
{
    qvl_record r[QVL_MAX_SOURCES + 1];
    qvl_sources s = { .n = 0 };
    qvl_metrics m = { .n = 0 };
    for (int i = 0; i <= QVL_MAX_SOURCES; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"dataset\": \"s%d\"}", i);
        r[i] = record_of(text);
    }
    qvl_sources_add(&s, r, QVL_MAX_SOURCES, &arena);
    qvl_sources_add(&s, r, QVL_MAX_SOURCES, &arena);
    CHECK_INT(s.n, QVL_MAX_SOURCES, "all");
    qvl_sources_add(&s, &r[QVL_MAX_SOURCES], 1, &arena);
    CHECK_INT(s.n, 0, "one more");
    qvl_sources_add(&s, r, 1, &arena);
    CHECK_INT(s.n, 0, "for good");
    qvl_sources_count(&s, &r[0], &(qvl_train_score){ .n_labels = 1 }, &m);
    CHECK_INT(m.n, 0, "numbers");
    qvl_arena_release(&arena);
}

/* A number for the best model is one that evaluations have: not that of a source
 * of training alone, nor of any when there are too many. */
static void test_metric_for_best(void)
{
    static const struct {
        const char *name;
        int when, n_train;
        bool is_there;
    } cases[] = {
        { "val_loss", QVL_WHEN_STEPS, 2, true },
        { "eval_val_token_acc", QVL_WHEN_EPOCH, 2, true },
        { "eval/loss", QVL_WHEN_STEPS, 2, true },
        { "s0_loss", QVL_WHEN_STEPS, 2, false },
        { "s0_loss", QVL_WHEN_NO, 2, true },
        { "val_loss", QVL_WHEN_STEPS, QVL_MAX_SOURCES, false },
        { "steps_per_second", QVL_WHEN_STEPS, QVL_MAX_SOURCES, true },
    };
    qvl_record val = record_of("{\"dataset\": \"val\"}");
    qvl_record r[QVL_MAX_SOURCES];
    for (int i = 0; i < QVL_MAX_SOURCES; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"dataset\": \"s%d\"}", i);
        r[i] = record_of(text);
    }
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_samples samples = { .train = { .record = r,
                                           .n = (size_t)cases[i].n_train },
                                .val = { .record = &val, .n = 1 } };
        qvl_run_config c = { .files = { 0 } };
        qvl_sources s = { .n_found = -1 };
        qvl_err err = { 0 };
        c.training.eval_strategy = cases[i].when;
        c.training.metric_for_best_model = cases[i].name;
        int rc = qvl_loop_sources(&s, &c, &samples, &arena, &err);
        CHECK_INT(rc, cases[i].is_there ? QVL_OK : QVL_E_CONFIG, "case %zu: %s",
                  i, err.msg);
        CHECK_INT(s.n_found, cases[i].is_there ? cases[i].n_train + 1 : -1,
                  "case %zu", i);
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_labels), TEST(test_evaluation_names), TEST(test_numbers),
          TEST(test_many), TEST(test_metric_for_best))
