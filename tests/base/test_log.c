/* test_log.c - who hears what, from which level on */
#include "base/log.h"

#include "check.h"

typedef struct {
    int n;
    int level;
    char text[5000];
} seen;

static void note(void *ctx, int level, const char *text)
{
    seen *s = ctx;
    s->n++;
    s->level = level;
    snprintf(s->text, sizeof s->text, "%s", text);
}

static void test_silent_at_start(void)
{
    CHECK(!qvl_log_is_on(QVL_LOG_ERROR), "no sink");
    qvl_log(QVL_LOG_ERROR, "nobody %s", "hears");
}

static void test_levels(void)
{
    for (int max = QVL_LOG_ERROR; max <= QVL_LOG_DEBUG; max++) {
        seen s = { 0 };
        qvl_log_set_sink(note, &s, max);
        for (int level = QVL_LOG_ERROR; level <= QVL_LOG_DEBUG; level++) {
            CHECK_INT(qvl_log_is_on(level), level <= max, "max %d level %d",
                      max, level);
            qvl_log(level, "line %d", level);
        }
        CHECK_INT(s.n, max + 1, "max %d", max);
        CHECK_INT(s.level, max, "max %d", max);
    }
    qvl_log_set_sink(NULL, NULL, QVL_LOG_DEBUG);
    CHECK(!qvl_log_is_on(QVL_LOG_ERROR), "off again");
}

static void test_long_line(void)
{
    seen s = { 0 };
    qvl_log_set_sink(note, &s, QVL_LOG_INFO);
    qvl_log(QVL_LOG_INFO, "%09000d", 1);
    qvl_log_set_sink(NULL, NULL, 0);
    CHECK_INT(s.n, 1, "one line");
    CHECK(strlen(s.text) >= 4000 && s.text[0] == '0', "length %zu",
          strlen(s.text));
}

static void test_stderr(void)
{
    const char *path = check_path("stderr");
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    CHECK(freopen(path, "w", stderr) != NULL, "redirect");
    qvl_log_stderr(NULL, QVL_LOG_WARN, "careful");
    qvl_log_stderr(NULL, QVL_LOG_INFO, "fine");
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);

    char text[100] = "";
    FILE *f = fopen(path, "r");
    CHECK(f != NULL && fread(text, 1, sizeof text - 1, f) > 0, "read back");
    fclose(f);
    CHECK_STR(text, "qvl: warning: careful\nqvl: fine\n", "two lines");
}

RUN_TESTS(TEST(test_silent_at_start), TEST(test_levels), TEST(test_long_line),
          TEST(test_stderr))
