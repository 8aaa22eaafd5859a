/* test_type_metric.c - numbers of sources by type: their names, what they are means of */
#include "train/type_metric.h"

#include "base/json.h"
#include "check.h"
#include "train/loop.h"

static qvl_arena arena;

static qvl_node *node_of(const char *text)
{
    qvl_err err = { 0 };
    qvl_node *node = NULL;
    CHECK_OK(qvl_json_parse(&node, text, strlen(text), "c.yaml", &arena, &err), err);
    return node;
}

/* A record of a source; NULL: of none. */
static qvl_record record_of(const char *label)
{
    const char *text = label == NULL
                           ? "{}"
                           : qvl_arena_printf(&arena, "{\"dataset\": \"%s\"}", label);
    return (qvl_record){ .metadata = node_of(text) };
}

static qvl_texts texts_of(const qvl_node *list)
{
    const char **v = qvl_arena_array(&arena, const char *, list != NULL ? list->n : 0);
    for (size_t i = 0; list != NULL && i < list->n; i++)
        v[i] = list->items[i].s;
    return (qvl_texts){ v, list != NULL ? (int)list->n : 0 };
}

/* A configuration with these lists, which stand in its file. */
static qvl_run_config config_of(bool enabled, const char *lists)
{
    qvl_run_config c = { .files = { 0 } };
    c.tree = node_of(qvl_arena_printf(&arena, "{\"custom\": {\"token_type_metrics\": "
                                              "%s}}", lists));
    c.token_types.enabled = enabled;
    c.token_types.include =
        texts_of(qvl_node_path(c.tree, "custom.token_type_metrics.include"));
    c.token_types.exclude =
        texts_of(qvl_node_path(c.tree, "custom.token_type_metrics.exclude"));
    return c;
}

static qvl_sources sources_of(const char *const *label, int n)
{
    qvl_sources s = { .n = 0 };
    for (int i = 0; i < n; i++) {
        qvl_record r = record_of(label[i]);
        qvl_sources_add(&s, &r, 1, &arena);
    }
    return s;
}

/* ---- names ---------------------------------------------------------------- */

static const char *const labels[] = { "BBU", "lvis", "eval", NULL };

static void test_names(void)
{
    static const struct {
        const char *lists;
        bool enabled;
        const char *has;  // a letter for each of the labels
    } cases[] = {
        { "{}", false, "----" },
        { "{\"include\": [\"nobody\"]}", false, "----" },
        { "{}", true, "bled" },
        { "{\"include\": [\"bbu\"]}", true, "b---" },
        { "{\"include\": [\"LVIS\", \"Eval\"]}", true, "-le-" },
        { "{\"exclude\": [\"default\", \"Bbu\"]}", true, "-le-" },
        { "{\"include\": [\"lvis\", \"default\"], \"exclude\": [\"lvis\"]}", true,
          "---d" },
    };
    static const char *const wanted[] = { "bbu_desc_loss", "lvis_desc_loss",
                                          "source_eval_desc_loss",
                                          "default_desc_loss" };
    qvl_sources s = sources_of(labels, 4);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_type_metrics t;
        qvl_err err = { 0 };
        qvl_run_config c = config_of(cases[i].enabled, cases[i].lists);
        CHECK_OK(qvl_type_metrics_make(&t, &c, &s, &arena, &err), err);
        int n = 0;
        for (int k = 0; k < 4; k++) {
            bool has = cases[i].has[k] != '-';
            CHECK_STR(t.item[k].loss[0], has ? wanted[k] : NULL, "case %zu, %d", i, k);
            n += has;
        }
        CHECK_INT(t.n_names, 6 * n, "case %zu", i);
    }
    qvl_type_metrics t;
    qvl_err err = { 0 };
    qvl_run_config c = config_of(true, "{}");
    CHECK_OK(qvl_type_metrics_make(&t, &c, &s, &arena, &err), err);
    CHECK_STR(t.item[2].loss[1], "source_eval_coord_loss", "eval");
    CHECK_STR(t.item[1].token_acc[1], "lvis_coord_token_acc", "coordinates");
    CHECK_STR(t.item[1].token_acc[2], "lvis_format_token_acc", "form");
    qvl_arena_release(&arena);
}

static void test_mistakes(void)
{
    static const struct {
        const char *lists, *words;
    } cases[] = {
        { "{\"include\": [\"bbu\", \"lvs\"]}",
          "c.yaml:1: custom.token_type_metrics.include: found lvs, expected sources of "
          "the records: bbu, lvis, eval, default" },
        { "{\"exclude\": [\"bb\"]}", "exclude: found bb, expected" },
        { "{\"exclude\": [\"bbus\"]}", "exclude: found bbus, expected" },
        { "{\"include\": [\"bbu\"], \"exclude\": [\"BBU\"]}", "found no source" },
    };
    qvl_sources s = sources_of(labels, 4);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_type_metrics t = { .n_names = 77 };
        qvl_err err = { 0 };
        qvl_run_config c = config_of(true, cases[i].lists);
        int rc = qvl_type_metrics_make(&t, &c, &s, &arena, &err);
        CHECK_INT(rc, QVL_E_CONFIG, "case %zu", i);
        CHECK_HAS(err.msg, cases[i].words, "case %zu", i);
        CHECK_INT(t.n_names, 77, "case %zu: unchanged", i);
    }
    qvl_arena_release(&arena);
}

/* bbu_desc has numbers that bbu would have, unless one of them has none. */
static void test_same_names(void)
{
    static const char *const two[] = { "bbu_desc", "bbu" };
    qvl_sources s = sources_of(two, 2);
    qvl_type_metrics t;
    qvl_err err = { 0 };
    qvl_run_config c = config_of(true, "{}");
    CHECK_INT(qvl_type_metrics_make(&t, &c, &s, &arena, &err), QVL_E_CONFIG, "both");
    CHECK_HAS(err.msg, "bbu_desc_loss", "which");
    c = config_of(true, "{\"exclude\": [\"bbu\"]}");
    CHECK_OK(qvl_type_metrics_make(&t, &c, &s, &arena, &err), err);
    CHECK_STR(t.item[0].loss[0], "bbu_desc_desc_loss", "the other one");
    qvl_arena_release(&arena);
}

/* Too many sources have no numbers at all, whatever the lists say. */
static void test_many(void)
{
    const char *label[QVL_MAX_SOURCES + 1];
    for (int i = 0; i <= QVL_MAX_SOURCES; i++)
        label[i] = qvl_arena_printf(&arena, "s%d", i);
    qvl_sources s = sources_of(label, QVL_MAX_SOURCES);
    qvl_type_metrics t;
    qvl_metrics m = { .n = 0 };
    qvl_err err = { 0 };
    qvl_run_config c = config_of(true, "{\"include\": [\"s1\"]}");
    CHECK_OK(qvl_type_metrics_make(&t, &c, &s, &arena, &err), err);
    CHECK_INT(t.n_names, 6, "all of them");
    c = config_of(true, "{}");
    CHECK_OK(qvl_type_metrics_make(&t, &c, &s, &arena, &err), err);
    CHECK(qvl_metrics_has_room(&m, 2 * (32 + 2 * s.n + t.n_names)),
          "room for a run and one before it: %d", t.n_names);
    s = sources_of(label, QVL_MAX_SOURCES + 1);
    CHECK_OK(qvl_type_metrics_make(&t, &c, &s, &arena, &err), err);
    CHECK_INT(t.n_names, 0, "one more");
    qvl_arena_release(&arena);
}

/* ---- numbers -------------------------------------------------------------- */

enum { D = QVL_TYPE_DESC, C = QVL_TYPE_COORD, F = QVL_TYPE_FORMAT, N = QVL_TYPE_NONE };

/* A sample with a prompt of two tokens, then n labels of these types. */
static qvl_encoded sample_of(const qvl_record *r, const int *type, int n)
{
    qvl_encoded s = { .record = r, .n = n + 2, .n_supervised = n };
    s.label = qvl_arena_array(&arena, int64_t, n + 2);
    s.type = qvl_arena_array(&arena, int8_t, n + 2);
    for (int i = 0; i < n + 2; i++) {
        s.type[i] = (int8_t)(i < 2 ? N : type[i - 2]);
        s.label[i] = i < 2 ? QVL_IGNORE_INDEX : i;
    }
    return s;
}

static void check_value(const qvl_metrics *m, const char *name, double want)
{
    double v = NAN;
    CHECK_INT(qvl_metrics_find(m, name, &v), !isnan(want), "%s", name);
    if (!isnan(want))
        CHECK_NEAR(v, want, 1e-6, "%s", name);
}

static void test_numbers(void)
{
    qvl_sources s = sources_of(labels, 4);
    qvl_type_metrics t;
    qvl_metrics m = { .n = 0 };
    qvl_err err = { 0 };
    qvl_run_config c = config_of(true, "{\"exclude\": [\"lvis\"]}");
    CHECK_OK(qvl_type_metrics_make(&t, &c, &s, &arena, &err), err);
    qvl_record bbu = record_of("bbU"), lvis = record_of("lvis"), none = record_of(NULL);
    qvl_encoded one = sample_of(&bbu, (int[]){ F, D, D, C, F }, 5);
    qvl_encoded two = sample_of(&bbu, (int[]){ D, F }, 2);
    qvl_encoded out = sample_of(&lvis, (int[]){ D, C, F }, 3);
    qvl_encoded last = sample_of(&none, (int[]){ F }, 1);
    qvl_encoded plain = last;
    plain.type = NULL;
    const qvl_train_label a[] = { { 1, 1 }, { 2, 0 }, { 4, 1 }, { 8, 0 }, { 3, 1 } };
    const qvl_train_label b[] = { { 5, 1 }, { NAN, 0 } };
    qvl_type_metrics_count(&t, &one, a, &m);
    qvl_type_metrics_count(&t, &two, b, &m);
    qvl_type_metrics_count(&t, &out, a, &m);
    qvl_type_metrics_count(&t, &last, a, &m);
    qvl_type_metrics_count(&t, &plain, b, &m);
    check_value(&m, "bbu_desc_loss", 4);         // means 3 and 5
    check_value(&m, "bbu_desc_token_acc", 0.75); // a half and all
    check_value(&m, "bbu_coord_loss", 8);        // of one sample
    check_value(&m, "bbu_coord_token_acc", 0);
    check_value(&m, "bbu_format_loss", 2);       // the other is no number
    check_value(&m, "bbu_format_token_acc", 0.5);
    check_value(&m, "lvis_desc_loss", NAN);
    check_value(&m, "default_format_loss", 1);
    check_value(&m, "default_coord_loss", NAN);
    CHECK_INT(m.n_left_out, 1, "not finite");
    qvl_type_metrics off = { .sources = &s };
    int n = m.n;
    qvl_type_metrics_count(&off, &one, a, &m);
    CHECK_INT(m.n, n, "off");
    check_value(&m, "bbu_coord_loss", 8);
    qvl_arena_release(&arena);
}

/* What a run may take for its best checkpoint. */
static void test_metric_for_best(void)
{
    static const struct {
        const char *name, *lists;
        bool is_there;
    } cases[] = {
        { "val_coord_loss", "{}", true },
        { "eval_val_format_token_acc", "{}", true },
        { "train_coord_loss", "{}", false },
        { "val_coord_loss", "{\"exclude\": [\"val\"]}", false },
        { "val_loss", "{\"exclude\": [\"val\"]}", true },
        { "val_coord_loss", "{\"include\": [\"train\", \"val\"]}", true },
    };
    qvl_record val = record_of("val"), train = record_of("train");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_samples samples = { .train = { .record = &train, .n = 1 },
                                .val = { .record = &val, .n = 1 } };
        qvl_run_config c = config_of(true, cases[i].lists);
        qvl_sources s;
        qvl_err err = { 0 };
        c.training.eval_strategy = QVL_WHEN_STEPS;
        c.training.metric_for_best_model = cases[i].name;
        int rc = qvl_loop_sources(&s, &c, &samples, &arena, &err);
        CHECK_INT(rc, cases[i].is_there ? QVL_OK : QVL_E_CONFIG, "case %zu: %s", i,
                  err.msg);
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_names), TEST(test_mistakes), TEST(test_same_names), TEST(test_many),
          TEST(test_numbers), TEST(test_metric_for_best))
