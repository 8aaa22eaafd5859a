/* test_loop_samples.c - the samples that a run takes: those that can be looked at
 * beforehand, each counted for the source it is from
 */
#include <stdbool.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "check.h"
#include "inspect.h"
#include "loop_run.h"

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

RUN_TESTS(TEST(test_inspected), TEST(test_inspected_rows),
          TEST(test_sources))
