/* test_progress.c - the bar, lines and JSON of a run's progress */
#include "train/progress.h"

#include "base/json.h"
#include "check.h"

static char said[4096];

static void hear(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    strncat(said, text, len);
}

static qvl_progress begin(qvl_progress_mode mode, int64_t total)
{
    said[0] = '\0';
    return (qvl_progress){ .what = "train", .sink = hear, .mode = mode,
                           .total = total, .width = 200 };
}

static void test_parse(void)
{
    static const struct {
        const char *name;
        bool is_terminal;
        qvl_progress_mode mode;
    } cases[] = {
        { "auto", true, QVL_PROGRESS_BAR },
        { "auto", false, QVL_PROGRESS_LINES },
        { "bar", false, QVL_PROGRESS_BAR },
        { "json", true, QVL_PROGRESS_JSON },
        { "off", true, QVL_PROGRESS_OFF },
    };
    qvl_err err;
    qvl_progress_mode mode;
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        CHECK_OK(qvl_progress_parse(&mode, cases[i].name,
                                    cases[i].is_terminal, &err), err);
        CHECK_INT(mode, cases[i].mode, "%s", cases[i].name);
    }
    CHECK_FAILS(qvl_progress_parse(&mode, "loud", true, &err), QVL_E_USAGE,
                err, "found loud");
    CHECK_FAILS(qvl_progress_parse(&mode, "", true, &err), QVL_E_USAGE, err,
                "expected auto, bar, json or off");
}

static void test_lines(void)
{
    qvl_progress p = begin(QVL_PROGRESS_LINES, 100);
    qvl_progress_start(&p, 0, 1000);
    qvl_progress_step(&p, 1, 1001, "loss 2", NULL);
    CHECK_STR(said, "train 1/100  loss 2  1.0/s  1m 39s left\n", "the first");
    for (int i = 2; i < 31; i++)
        qvl_progress_step(&p, i, 1000 + i, NULL, NULL);
    CHECK(strchr(said, '\n') == strrchr(said, '\n'), "quiet for 30 s: %s",
          said);
    said[0] = '\0';
    qvl_progress_step(&p, 31, 1031, NULL, NULL);
    CHECK_STR(said, "train 31/100  1.0/s  1m 9s left\n", "after 30 s");
    said[0] = '\0';
    qvl_progress_step(&p, 100, 1032, "loss 1", NULL);
    CHECK_HAS(said, "train 100/100  loss 1", "the last is always told");
    CHECK(strstr(said, "left") == NULL, "nothing is left: %s", said);
    qvl_progress_end(&p);
}

/* The rate is that of late, and counts from where a run was taken up. */
static void test_rate(void)
{
    qvl_progress p = begin(QVL_PROGRESS_LINES, 1000);
    qvl_progress_start(&p, 500, 0);
    qvl_progress_step(&p, 501, 4, NULL, NULL);
    CHECK_STR(said, "train 501/1000  4.0 s each  33m 16s left\n", "slow");
    for (int i = 0; i < 40; i++)
        qvl_progress_step(&p, 502 + i, 5 + i, NULL, NULL);
    said[0] = '\0';
    qvl_progress_step(&p, 567, 70, NULL, NULL);
    CHECK_HAS(said, "1.0/s", "the slow start is forgotten");
    qvl_progress_end(&p);
}

static void test_bar(void)
{
    qvl_progress p = begin(QVL_PROGRESS_BAR, 4);
    qvl_progress_start(&p, 0, 0);
    qvl_progress_step(&p, 1, 1, "loss 2", NULL);
    CHECK_STR(said, "\r\033[Ktrain [=====>              ]  25%  1/4  loss 2  "
              "1.0/s  3s left", "bar");
    said[0] = '\0';
    qvl_progress_step(&p, 2, 1.01, NULL, NULL);
    CHECK_STR(said, "", "not drawn more often than a person sees");
    qvl_progress_clear(&p);
    CHECK_STR(said, "\r\033[K", "cleared");
    qvl_progress_clear(&p);
    CHECK_STR(said, "\r\033[K", "once");
    said[0] = '\0';
    p.width = 20;
    qvl_progress_step(&p, 4, 1.02, NULL, NULL);
    CHECK_STR(said, "\r\033[Ktrain [============", "cut to the terminal");
    said[0] = '\0';
    qvl_progress_end(&p);
    CHECK_STR(said, "\n", "the line ends");
}

static void test_json(void)
{
    qvl_progress p = begin(QVL_PROGRESS_JSON, 10);
    qvl_progress_start(&p, 0, 0);
    qvl_progress_step(&p, 1, 0, NULL, NULL);
    CHECK_STR(said, "{\"what\": \"train\", \"done\": 1, \"total\": 10, "
              "\"rate\": 0, \"left_s\": null}\n", "nothing known");
    said[0] = '\0';
    qvl_progress_step(&p, 2, 0.5, NULL, NULL);
    CHECK_STR(said, "", "one a second");
    qvl_progress_step(&p, 5, 2, "x", "\"loss\": 0.5");
    CHECK_STR(said, "{\"what\": \"train\", \"done\": 5, \"total\": 10, "
              "\"rate\": 2.5, \"left_s\": 2, \"loss\": 0.5}\n", "more");
    qvl_progress_end(&p);
}

static void test_off(void)
{
    qvl_progress p = begin(QVL_PROGRESS_OFF, 1);
    qvl_progress_start(&p, 0, 0);
    qvl_progress_step(&p, 1, 100, "x", "y");
    qvl_progress_clear(&p);
    qvl_progress_end(&p);
    CHECK_STR(said, "", "off");
}

RUN_TESTS(TEST(test_parse), TEST(test_lines), TEST(test_rate), TEST(test_bar),
          TEST(test_json), TEST(test_off))
