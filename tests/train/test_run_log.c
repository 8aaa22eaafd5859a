/* test_run_log.c - logging.jsonl appended to, cut, read back, on a full disk */
#include "train/run_log.h"

#include "base/arena.h"
#include "base/file.h"
#include "check.h"

static qvl_run_log *begin(const char *folder, const char *history)
{
    qvl_err err;
    qvl_run_log *log;
    qvl_run_log_options o = { .folder = folder, .history = history };
    CHECK_OK(qvl_file_make_dirs(folder, &err), err);
    CHECK_OK(qvl_run_log_open(&log, &o, &err), err);
    return log;
}

static void check_file(const char *folder, const char *wanted)
{
    qvl_err err;
    qvl_arena a = { 0 };
    char *text;
    char path[512];
    snprintf(path, sizeof path, "%s/logging.jsonl", folder);
    CHECK_OK(qvl_file_read(path, &text, NULL, &a, &err), err);
    CHECK_STR(text, wanted, "%s", path);
    qvl_arena_release(&a);
}

static void put(qvl_run_log *log, double loss, int64_t step)
{
    qvl_err err;
    qvl_metrics m = { 0 };
    qvl_metric_place place = { .epoch = 1, .step = step, .max_steps = 4 };
    qvl_metrics_mean(&m, "loss", loss);
    CHECK_OK(qvl_run_log_put(log, &m, "train", &place, &err), err);
}

static void test_append(void)
{
    qvl_err err;
    const char *folder = check_path("one");
    qvl_run_log *log = begin(folder, NULL);
    CHECK_STR(qvl_run_log_history(log), "[]", "nothing yet");
    CHECK_OK(qvl_run_log_put_line(log, "{\"a\": 1}", &err), err);
    qvl_run_log_close(log);
    check_file(folder, "{\"a\": 1}\n");
    log = begin(folder, NULL);
    CHECK_OK(qvl_run_log_put_line(log, "{\"b\": 2}", &err), err);
    qvl_run_log_close(log);
    check_file(folder, "{\"a\": 1}\n{\"b\": 2}\n");
    qvl_run_log_close(NULL);
}

static void test_cut_line(void)
{
    qvl_err err;
    const char *folder = check_path("cut");
    const char *path = check_path("cut/logging.jsonl");
    CHECK_OK(qvl_file_make_dirs(folder, &err), err);
    CHECK_OK(qvl_file_write_all(path, "{\"a\": 1}\n{\"tra", 14, &err), err);
    qvl_run_log *log = begin(folder, NULL);
    CHECK_OK(qvl_run_log_put_line(log, "{}", &err), err);
    qvl_run_log_close(log);
    check_file(folder, "{\"a\": 1}\n{}\n");
    CHECK_OK(qvl_file_write_all(path, "{\"tra", 5, &err), err);
    log = begin(folder, NULL);
    CHECK_OK(qvl_run_log_put_line(log, "{}", &err), err);
    qvl_run_log_close(log);
    check_file(folder, "{}\n");
}

static void test_history(void)
{
    qvl_run_log *log = begin(check_path("history"), NULL);
    put(log, 0.5, 1);
    put(log, 0.25, 2);
    const char *wanted = "[{\"loss\": 0.5, \"epoch\": 1, \"step\": 1}, "
                         "{\"loss\": 0.25, \"epoch\": 1, \"step\": 2}]";
    CHECK_STR(qvl_run_log_history(log), wanted, "two");
    char *kept = strdup(qvl_run_log_history(log));
    qvl_run_log_close(log);
    log = begin(check_path("history"), kept);
    CHECK_STR(qvl_run_log_history(log), wanted, "taken up");
    put(log, 0.125, 3);
    CHECK_HAS(qvl_run_log_history(log),
              "\"step\": 2}, {\"loss\": 0.125, \"epoch\": 1, \"step\": 3}]",
              "and on");
    qvl_run_log_close(log);
    free(kept);
    log = begin(check_path("history"), " [ ] ");
    put(log, 1, 1);
    CHECK_STR(qvl_run_log_history(log),
              "[{\"loss\": 1, \"epoch\": 1, \"step\": 1}]", "empty list");
    qvl_run_log_close(log);
}

typedef struct {
    qvl_run_log **log;
    const qvl_run_log_options *o;
    const qvl_metrics *m;
    const qvl_metric_place *place;
    qvl_err *err;
} logging;

static int log_all(void *arg)
{
    logging *l = arg;
    QVL_TRY(qvl_run_log_open(l->log, l->o, l->err));
    for (int i = 0; i < 3; i++)
        QVL_TRY(qvl_run_log_put(*l->log, l->m, "train", l->place, l->err));
    QVL_TRY(qvl_run_log_put_line(*l->log, "{\"a\": 1}", l->err));
    qvl_run_log_history(*l->log);
    return QVL_OK;
}

static void test_refused(void)
{
    qvl_err err;
    qvl_run_log *log = NULL;
    qvl_run_log_options o = { .folder = check_path("nowhere") };
    CHECK_FAILS(qvl_run_log_open(&log, &o, &err), QVL_E_IO, err,
                "logging.jsonl");
    o.history = "{}";
    CHECK_FAILS(qvl_run_log_open(&log, &o, &err), QVL_E_FORMAT, err,
                "found map");
    o.history = "[1";
    CHECK_FAILS(qvl_run_log_open(&log, &o, &err), QVL_E_FORMAT, err,
                "log_history");
    o.history = NULL;
    o.folder = check_path("blocked");
    CHECK_OK(qvl_file_make_dirs(check_path("blocked/logging.jsonl"), &err),
             err);
    CHECK_FAILS(qvl_run_log_open(&log, &o, &err), QVL_E_IO, err,
                "expected a file that can be written");
    CHECK(log == NULL, "unchanged");
}

/* Out of host memory anywhere: an error, nothing left behind, and what was
 * written is whole lines. */
static void test_no_memory(void)
{
    const char *folder = check_path("memory");
    qvl_metrics m = { 0 };
    qvl_metric_place place = { .epoch = 1, .step = 1, .max_steps = 4 };
    qvl_metrics_mean(&m, "loss", 1);
    qvl_err err;
    CHECK_OK(qvl_file_make_dirs(folder, &err), err);
    qvl_run_log_options o = { .folder = folder,
                              .board_folder = check_path("memory/board"),
                              .history = "[{\"loss\": 1}]" };
    int n_failed = 0;
    for (size_t limit = 8, done = 0; !done; limit += limit / 8 + 8) {
        qvl_run_log *log = NULL;
        logging l = { .log = &log, .o = &o, .m = &m, .place = &place,
                      .err = &err };
        qvl_memory_limit(limit);
        int rc = qvl_guard(log_all, &l, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "%zu bytes: %s", limit,
              err.msg);
        n_failed += rc != QVL_OK;
        done = rc == QVL_OK;
        qvl_run_log_close(log);
    }
    CHECK(n_failed > 10, "found %d failures", n_failed);
    qvl_run_log *log = begin(folder, NULL);
    qvl_run_log_close(log);
}

/* A device that is always full. */
static void test_full(void)
{
    qvl_err err;
    const char *folder = check_path("full");
    qvl_run_log *log;
    qvl_run_log_options o = { .folder = folder };
    CHECK_OK(qvl_file_make_dirs(folder, &err), err);
    if (symlink("/dev/full", check_path("full/logging.jsonl")) != 0)
        skip();
    CHECK_OK(qvl_run_log_open(&log, &o, &err), err);
    CHECK_FAILS(qvl_run_log_put_line(log, "{}", &err), QVL_E_IO, err,
                "No space left");
    qvl_run_log_close(log);
}

RUN_TESTS(TEST(test_append), TEST(test_cut_line), TEST(test_history),
          TEST(test_refused), TEST(test_no_memory), TEST(test_full))
