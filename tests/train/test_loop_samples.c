/* test_loop_samples.c - the samples that a run takes: those that can be looked at
 * beforehand, each counted for the source it is from
 */
#include <stdbool.h>

#include "../data/made.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "check.h"
#include "inspect.h"
#include "loop_run.h"
#include "text/tokenizer.h"

/* Append what `qvl inspect sample` prints. */
static void print(qvl_str *out, const inspect_sample_options *o)
{
    const char *path = check_path("inspected");
    qvl_err err = { 0 };
    qvl_arena a = { 0 };
    char *text;
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    FILE *to = freopen(path, "w", stdout);
    int rc = inspect_sample(o, &err);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    CHECK(to != NULL, "%s", path);
    CHECK_OK(rc, err);
    CHECK_OK(qvl_file_read(path, &text, NULL, &a, &err), err);
    qvl_str_puts(out, text);
    qvl_arena_release(&a);
}

/* Append ids and labels of it, a line each. */
static void inspect(qvl_str *out, const inspect_sample_options *o)
{
    qvl_str text = { 0 };
    print(&text, o);
    for (char *at = text.p; (at = strstr(at, "\"ids\": [")) != NULL;) {
        char *end = strstr(at, "\"grids\"");
        qvl_str_putn(out, at, (size_t)(end - at));
        qvl_str_putc(out, '\n');
        at = end;
    }
    qvl_str_release(&text);
}

/* What is printed of epoch and slot is what the trainer was given there: 10
 * records, 3 epochs. */
static void test_inspected(void)
{
    qvl_str fed = { 0 }, found = { 0 }, rest = { 0 };
    fake_run plan = { .fed = &fed };
    outcome out = train("fed", "1, save_strategy: 'no'", &plan);
    CHECK_OK(out.rc, out.err);
    inspect_sample_options o = { .config = out.config, .index = -1,
                                 .all = true, .world = 1, .json = true };
    for (o.epoch = 0; o.epoch < 3; o.epoch++)
        inspect(&found, &o);
    CHECK_STR(found.p, fed.p, "three epochs");
    o.epoch = 2;
    o.from = 7;
    inspect(&rest, &o);
    CHECK_STR(rest.p, fed.p + fed.len - rest.len, "from slot 7 on");
    o.all = false;
    o.from = 9;
    qvl_str_reset(&rest);
    inspect(&rest, &o);
    CHECK(strchr(rest.p, '\n') == rest.p + rest.len - 1, "one line");
    CHECK_STR(rest.p, fed.p + fed.len - rest.len, "slot 9");
    qvl_str_release(&fed);
    qvl_str_release(&found);
    qvl_str_release(&rest);
}

/* Append the numbers of a list to a text of them. */
static void put_list(qvl_str *out, const qvl_node *list)
{
    for (size_t i = 0; i < list->n; i++)
        qvl_str_printf(out, "%s%lld", out->len > 0 ? ", " : "",
                       (long long)list->items[i].i);
}

/* Packed rows out of what is printed: ids and labels of their samples one behind
 * the other, in the form of what the trainer was given. Rows and samples of each
 * are told in their order, beginning with row `first`. */
static void join_rows(qvl_str *out, const char *text, int64_t first)
{
    qvl_str part[2] = { { 0 }, { 0 } };
    qvl_arena a = { 0 };
    int64_t at = first, n_in_row = 0;
    for (bool has_more = *text != '\0'; has_more;) {
        qvl_err err = { 0 };
        qvl_node *n;
        int64_t row, sample;
        size_t len = strcspn(text, "\n");
        CHECK_OK(qvl_json_parse(&n, text, len, "printed", &a, &err), err);
        CHECK(qvl_node_as_int(qvl_node_find(n, "row"), &row)
              && qvl_node_as_int(qvl_node_find(n, "sample"), &sample)
              && row == at && sample == n_in_row, "%.60s", text);
        put_list(&part[0], qvl_node_find(n, "ids"));
        put_list(&part[1], qvl_node_find(n, "labels"));
        text += len + 1;
        n_in_row++;
        has_more = *text != '\0';
        char next[48];
        snprintf(next, sizeof next, "\"row\": %lld, ", (long long)at);
        const char *found = strstr(text, "\"row\": ");
        if (has_more && strncmp(found, next, strlen(next)) == 0)
            continue;
        qvl_str_printf(out, "\"ids\": [%s], \"labels\": [%s], \n", part[0].p,
                       part[1].p);
        qvl_str_reset(&part[0]);
        qvl_str_reset(&part[1]);
        at++;
        n_in_row = 0;
    }
    qvl_str_release(&part[0]);
    qvl_str_release(&part[1]);
    qvl_arena_release(&a);
}

/* What is printed of packed rows is what the trainer was given: batches of two rows
 * go beyond the end of an epoch, so the last step may have had rows of a fourth. */
static void test_inspected_rows(void)
{
    qvl_str fed = { 0 }, found = { 0 }, last = { 0 }, rest = { 0 };
    fake_run plan = { .fed = &fed };
    outcome out = train("packed", "1, packing: true, save_strategy: 'no'",
                        &plan);
    CHECK_OK(out.rc, out.err);
    inspect_sample_options o = { .config = out.config, .index = -1,
                                 .all = true, .world = 1, .json = true };
    for (o.epoch = 0; o.epoch < 4; o.epoch++) {
        qvl_str text = { 0 };
        print(&text, &o);
        qvl_str_reset(&last);
        join_rows(&last, text.p, 0);
        qvl_str_puts(&found, last.p);
        qvl_str_release(&text);
    }
    CHECK(fed.len > 1000 && strncmp(found.p, fed.p, fed.len) == 0,
          "found\n%s\nexpected\n%s", found.p, fed.p);
    qvl_str text = { 0 };
    o.epoch = 3;
    o.from = 1;
    print(&text, &o);
    join_rows(&rest, text.p, 1);
    CHECK_STR(rest.p, strchr(last.p, '\n') + 1, "from row 1 on");
    qvl_str_release(&text);
    qvl_str_release(&fed);
    qvl_str_release(&found);
    qvl_str_release(&last);
    qvl_str_release(&rest);
}

/* Mean label of a row that the trainer was given, and whether it is long; *at
 * moves behind it. */
static double mean_label(const char **at, bool *is_long)
{
    const char *p = strstr(*at, "\"labels\": [") + 10;
    double sum = 0;
    int n = 0;
    while (*p != ']') {
        char *end;
        double v = strtod(p + 1, &end);
        sum += v >= 0 ? v : 0;
        n += v >= 0;
        p = end;
    }
    *at = strchr(p, '\n') + 1;
    *is_long = n > 60;
    return sum / n;
}

/* Numbers of each source, step by step, are means over its samples; shares of hits
 * of the fake trainer are a half, or just below. */
static void test_sources(void)
{
    qvl_str fed = { 0 };
    fake_run plan = { .fed = &fed };
    outcome out = train("sources", "1, save_strategy: 'no', eval_strategy: "
                        "epoch", &plan);
    CHECK_OK(out.rc, out.err);
    qvl_arena a = { 0 };
    const char *line = log_text("sources", &a), *row = fed.p;
    for (int step = 0; step < 9; line = strchr(line, '\n') + 1) {
        qvl_err err = { 0 };
        qvl_node *n;
        double sum[2] = { 0, 0 }, found, acc;
        int count[2] = { 0, 0 };
        CHECK_OK(qvl_json_parse(&n, line, strcspn(line, "\n"), "log", &a,
                                &err), err);
        if (qvl_node_find(n, "train/loss") == NULL) {
            CHECK(qvl_node_find(n, "eval/long_loss") != NULL
                  && qvl_node_find(n, "eval/default_token_acc") != NULL,
                  "an evaluation has them too");
            continue;
        }
        for (int k = step % 3 == 2 ? 2 : 0; k < 4; k++) {
            bool is_long;
            double v = mean_label(&row, &is_long);
            sum[is_long] += v;
            count[is_long]++;
        }
        static const char *const keys[][2] = {
            { "train/default_loss", "train/default_token_acc" },
            { "train/long_loss", "train/long_token_acc" },
        };
        for (int k = 0; k < 2; k++) {
            bool has = qvl_node_as_float(qvl_node_find(n, keys[k][0]), &found);
            CHECK_INT(has, count[k] > 0, "step %d, %s", step, keys[k][0]);
            if (!has)
                continue;
            CHECK_NEAR(found, sum[k] / count[k], 1e-6, "step %d, %s", step,
                       keys[k][0]);
            CHECK(qvl_node_as_float(qvl_node_find(n, keys[k][1]), &acc)
                  && acc > 0.48 && acc <= 0.5, "step %d: %g", step, acc);
        }
        step++;
    }
    CHECK_STR(row, "", "all rows");
    qvl_str_release(&fed);
    qvl_arena_release(&a);
}

/* ---- types ---------------------------------------------------------------- */

/* Labels of a row by what they say: words, digits, form. The fake loss of a label is its
 * id, and even ids are hit. */
typedef struct {
    double loss[3], hits[3];
    int n[3];
    bool is_long;
} by_type;

/* What the byte at `at` is: behind "desc": " and before the next quote, or a digit in
 * the brackets of the box, or neither. */
static int type_at(const char *text, size_t at)
{
    const char *desc = strstr(text, "\"desc\": \"") + 9;
    const char *p = text + at;
    if (p >= desc && p < strchr(desc, '"'))
        return 0;
    return p > strchr(text, '[') && p < strchr(text, ']') && *p >= '0' && *p <= '9'
               ? 1 : 2;
}

/* The text of the labels of a row. */
static void put_label_text(qvl_str *out, const qvl_tokenizer *t, const char *labels)
{
    for (char *p = (char *)labels; *p != ']';) {
        long id = strtol(p + 1, &p, 10);
        qvl_token token = { .p = "" };
        if (id >= 0)
            token = qvl_tokenizer_token(t, (int)id);
        qvl_str_putn(out, token.p, token.len);
    }
}

/* *at moves behind the row. */
static by_type read_row(const qvl_tokenizer *t, const char **at)
{
    by_type row = { .is_long = false };
    qvl_str text = { 0 };
    size_t place = 0;
    const char *labels = strstr(*at, "\"labels\": [") + 10;
    put_label_text(&text, t, labels);
    for (char *p = (char *)labels; *p != ']';) {
        long id = strtol(p + 1, &p, 10);
        if (id < 0)
            continue;
        int type = type_at(text.p, place);
        place += qvl_tokenizer_token(t, (int)id).len;
        row.loss[type] += (double)id;
        row.hits[type] += id % 2 == 0;
        row.n[type]++;
    }
    row.is_long = strstr(text.p, "many words") != NULL;
    *at = strchr(labels, '\n') + 1;
    qvl_str_release(&text);
    return row;
}

/* A number of the line is the mean of sum over n samples, and is there if they are. */
static void check_number(const qvl_node *line, const char *source, int type,
                         const char *number, double sum, int n, int step)
{
    static const char *const types[] = { "desc", "coord", "format" };
    char key[64];
    double v;
    snprintf(key, sizeof key, "train/%s_%s_%s", source, types[type], number);
    bool has = qvl_node_as_float(qvl_node_find(line, key), &v);
    CHECK_INT(has, n > 0, "step %d: %s", step, key);
    if (has)
        CHECK_NEAR(v, sum / n, 1e-5 * (1 + v), "step %d: %s", step, key);
}

static void check_step(const qvl_node *line, const qvl_tokenizer *t, const char **row,
                       int step)
{
    double loss[2][3] = { { 0 } }, hits[2][3] = { { 0 } };
    int n[2] = { 0, 0 };
    for (int k = step % 3 == 2 ? 2 : 0; k < 4; k++) {
        by_type r = read_row(t, row);
        n[r.is_long]++;
        for (int type = 0; type < 3; type++) {
            CHECK(r.n[type] > 0, "step %d, type %d", step, type);
            loss[r.is_long][type] += r.loss[type] / r.n[type];
            hits[r.is_long][type] += r.hits[type] / r.n[type];
        }
    }
    for (int k = 0; k < 2; k++)
        for (int type = 0; type < 3; type++) {
            const char *source = k == 1 ? "long" : "default";
            check_number(line, source, type, "loss", loss[k][type], n[k], step);
            check_number(line, source, type, "token_acc", hits[k][type], n[k], step);
        }
}

static qvl_tokenizer *open_tokenizer(void)
{
    qvl_tokenizer *t = NULL;
    qvl_err err = { 0 };
    CHECK_OK(qvl_tokenizer_open(&t, made_model(), &err), err);
    return t;
}

static void test_types(void)
{
    qvl_str fed = { 0 };
    qvl_arena a = { 0 };
    qvl_tokenizer *t = open_tokenizer();
    fake_run plan = { .fed = &fed };
    loop_custom = ", token_type_metrics: {enabled: true}";
    outcome out = train("types", "1, save_strategy: 'no', eval_strategy: epoch, "
                        "metric_for_best_model: long_coord_loss", &plan);
    loop_custom = "";
    CHECK_OK(out.rc, out.err);
    const char *line = log_text("types", &a), *row = fed.p;
    for (int step = 0; step < 9; line = strchr(line, '\n') + 1) {
        qvl_err err = { 0 };
        qvl_node *n;
        CHECK_OK(qvl_json_parse(&n, line, strcspn(line, "\n"), "log", &a, &err), err);
        if (qvl_node_find(n, "train/loss") != NULL)
            check_step(n, t, &row, step++);
        else
            CHECK(qvl_node_find(n, "eval/long_coord_loss") != NULL
                  && qvl_node_find(n, "eval/default_format_token_acc") != NULL,
                  "an evaluation has them too");
    }
    CHECK_STR(row, "", "all rows");
    qvl_tokenizer_close(t);
    qvl_str_release(&fed);
    qvl_arena_release(&a);
}

/* Only who is included has them, and a name of nobody is no source. */
static void test_types_asked(void)
{
    qvl_arena a = { 0 };
    loop_custom = ", token_type_metrics: {enabled: true, include: [long]}";
    outcome out = train("types2", "1, max_steps: 2", &nothing_special);
    CHECK_OK(out.rc, out.err);
    CHECK_HAS(log_text("types2", &a), "train/long_desc_loss", "included");
    CHECK(strstr(log_text("types2", &a), "default_desc_loss") == NULL, "not included");
    loop_custom = ", token_type_metrics: {enabled: true, exclude: [log]}";
    out = train("types3", "1", &nothing_special);
    CHECK_INT(out.rc, QVL_E_CONFIG, "%s", out.err.msg);
    CHECK_HAS(out.err.msg, "exclude: found log, expected sources of the records: long, "
              "default", "a name of nobody");
    CHECK(!qvl_file_exists(run_path("out/types3")), "before there is a folder");
    loop_custom = "";
    qvl_arena_release(&a);
}

/* ---- for people ------------------------------------------------------------ */

static int count_of(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        n++;
    return n;
}

static const char *run_text(const char *path, qvl_arena *a)
{
    char *text = NULL;
    qvl_err err = { 0 };
    CHECK_OK(qvl_file_read(run_path(path), &text, NULL, a, &err), err);
    return text;
}

/* The first sample of each source and mode, in the order in which they came. */
static void test_conversations(void)
{
    qvl_arena a = { 0 };
    loop_custom = ", dump_conversation_text: true, dump_conversation_path: said.txt";
    outcome out = train("talk", "1, save_strategy: 'no'", &nothing_special);
    loop_custom = "";
    CHECK_OK(out.rc, out.err);
    const char *text = run_text("out/talk/said.txt", &a);
    CHECK_INT(strncmp(text, "=== ", 4), 0, "%s", text);
    CHECK_INT(count_of(text, "=== long, dense ("), 1, "capitals: %s", text);
    CHECK_INT(count_of(text, "=== default, dense ("), 1, "none: %s", text);
    CHECK_INT(count_of(text, "Go."), 2, "what is asked: %s", text);
    CHECK_INT(count_of(text, "\n--- Assistant GT ---\n{\"object_1\": "), 2,
              "what is said: %s", text);
    out = train("silent", "1, max_steps: 1, save_strategy: 'no'", &nothing_special);
    CHECK_OK(out.rc, out.err);
    CHECK(!qvl_file_exists(run_path("out/silent/conversation_text.txt")), "unasked");
    qvl_arena_release(&a);
}

/* A run that fails says which sample was the last; one that ends or is stopped does
 * not. */
static void test_last_sample(void)
{
    fake_run plan = { .fail_step_at = 5 };
    outcome out = train("lost", "2", &plan);
    CHECK_INT(out.rc, QVL_E_DEVICE_LOST, "%s", out.err.msg);
    CHECK_INT(count_of(said, "last sample: "), 1, "%s", said);
    CHECK_HAS(said, ": dense, 1 objects, polygons of at most 0 points, 32 x 32 px; ",
              "record");
    CHECK_HAS(said, " of them of 1 pictures; sample 1 of batch 1 of step 5", "place");
    plan = (fake_run){ .stop_at = 3 };
    out = train("stopped", "2", &plan);
    CHECK_INT(out.rc, QVL_E_INTERRUPTED, "%s", out.err.msg);
    CHECK(strstr(said, "last sample") == NULL, "%s", said);
    out = train("ended", "2", &nothing_special);
    CHECK_OK(out.rc, out.err);
    CHECK(strstr(said, "last sample") == NULL, "%s", said);
    out = train("unbegun", "2, metric_for_best_model: a_loss, eval_strategy: epoch",
                &nothing_special);
    CHECK(out.rc != QVL_OK && strstr(said, "last sample") == NULL, "%s", said);
}

/* What was done to it is told too. */
static void test_last_augmented(void)
{
    fake_run plan = { .fail_step_at = 2 };
    loop_custom = ", augmentation: {ops: [{name: hflip, params: {prob: 1}}, {name: "
                  "vflip, params: {prob: 0}}, {name: gamma, params: {prob: 1}}]}";
    outcome out = train("turned", "2", &plan);
    loop_custom = "";
    CHECK_INT(out.rc, QVL_E_DEVICE_LOST, "%s", out.err.msg);
    CHECK_HAS(said, "of step 2; ops: hflip gamma\n", "ops that fired");
}

RUN_TESTS(TEST(test_inspected), TEST(test_inspected_rows),
          TEST(test_sources), TEST(test_types), TEST(test_types_asked),
          TEST(test_conversations), TEST(test_last_sample), TEST(test_last_augmented))
