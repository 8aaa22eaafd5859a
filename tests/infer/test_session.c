/* test_session.c - records that are asked, and what is left when that fails */
#include "infer/session.h"

#include "base/log.h"
#include "check.h"
#include "image/image.h"
#include "image/png_write.h"
#include "model/init.h"

static qvl_session_options options;

/* A folder with random weights, and a picture. */
static qvl_record make(void)
{
    static const char *image[1];
    qvl_err err = { 0 };
    qvl_image im;
    qvl_init_options o = { .size = "demo", .tokenizer = TOKENIZER,
                           .output = check_path("model"), .seed = 3,
                           .dtype = -1 };
    if (image[0] == NULL) {
        CHECK_OK(qvl_init_model(&o, &err), err);
        CHECK_OK(qvl_image_init(&im, 64, 64, &err), err);
        memset(im.pixel, 90, 3 * 64 * 64);
        CHECK_OK(qvl_png_write(check_path("p.png"), im.pixel, 64, 64, &err),
                 err);
        qvl_image_release(&im);
    }
    image[0] = check_path("p.png");
    options = (qvl_session_options){
        .model = o.output, .device = { .device = "cpu" },
        .sampling = qvl_sampling_greedy(), .max_new = 4, .seats = 2,
    };
    options.encoder.prompt[QVL_MODE_DENSE].user = "What is this?";
    return (qvl_record){ .file = "r.jsonl", .line = 7, .image = image,
                         .n_images = 1, .w = 64, .h = 64 };
}

static char said[4096];

static void hear(void *ctx, int level, const char *text)
{
    (void)ctx;
    (void)level;
    strncat(said, text, sizeof said - strlen(said) - 1);
    strncat(said, "\n", sizeof said - strlen(said) - 1);
}

static qvl_session *open_session(void)
{
    qvl_err err = { 0 };
    qvl_session *s;
    CHECK_OK(qvl_session_open(&s, &options, &err), err);
    return s;
}

static void finish(qvl_session *s, const qvl_asked *asked)
{
    qvl_err err = { 0 };
    while (!qvl_asked_is_done(asked))
        CHECK_OK(qvl_generator_step(qvl_session_generator(s), NULL, NULL,
                                    &err), err);
}

/* A reply that does not fit is shorter, and each record is named. */
static void test_cut(void)
{
    qvl_record record = make();
    qvl_err err = { 0 };
    qvl_arena a = { 0 };
    qvl_asked first, asked[2] = { 0 };
    qvl_session *s = open_session();
    CHECK_OK(qvl_session_ask(s, &record, 0, &first, &a, &err), err);
    int n_prompt = first.encoded.n;
    qvl_asked_release(&first, s);
    qvl_session_close(s);

    options.max_len = n_prompt + 3;
    s = open_session();
    said[0] = '\0';
    qvl_log_set_sink(hear, NULL, QVL_LOG_WARN);
    for (int i = 0; i < 2; i++) {
        record.line = 7 + i;
        CHECK_OK(qvl_session_ask(s, &record, 0, &asked[i], &a, &err), err);
    }
    qvl_log_set_sink(NULL, NULL, 0);
    CHECK_HAS(said, "r.jsonl:7: the reply is cut at 3 tokens instead of 4",
              "the first");
    CHECK_HAS(said, "r.jsonl:8: the reply is cut at 3 tokens", "the second");
    for (int i = 0; i < 2; i++) {
        finish(s, &asked[i]);
        CHECK(asked[i].reply->n <= 3, "found %d tokens", asked[i].reply->n);
        qvl_asked_release(&asked[i], s);
        qvl_asked_release(&asked[i], s);
    }
    qvl_session_close(s);
    qvl_arena_release(&a);
}

/* What cannot be asked leaves no half-made answer. */
static void test_refused(void)
{
    static const char *const none[] = { "none.png" };
    qvl_record record = make();
    qvl_err err = { 0 };
    qvl_arena a = { 0 };
    qvl_asked asked = { .n = -77 };
    options.max_len = 5;
    qvl_session *s = open_session();
    CHECK_FAILS(qvl_session_ask(s, &record, 0, &asked, &a, &err), QVL_E_RANGE,
                err, "expected fewer than 5");
    record.image = none;
    CHECK_FAILS(qvl_session_ask(s, &record, 0, &asked, &a, &err), QVL_E_IO,
                err, "none.png");
    CHECK(asked.n == -77 && asked.record == NULL && asked.all == NULL,
          "unchanged");
    CHECK_INT(qvl_generator_n_open(qvl_session_generator(s)), 0, "open");
    qvl_session_close(s);
    qvl_arena_release(&a);

    s = NULL;
    options.model = check_path("nowhere");
    CHECK_FAILS(qvl_session_open(&s, &options, &err), QVL_E_MODEL, err,
                "model folder (");
    CHECK_HAS(err.msg, "nowhere): found \"No such file or directory\", "
              "expected a folder", "the folder is what is missing");
    CHECK(s == NULL, "unchanged");
}

typedef struct {
    qvl_session *s;
    const qvl_record *record;
    qvl_asked asked;
    qvl_arena arena;
    qvl_err *err;
} asking;

static int open_one(void *arg)
{
    asking *w = arg;
    return qvl_session_open(&w->s, &options, w->err);
}

static int ask_one(void *arg)
{
    asking *w = arg;
    QVL_TRY(qvl_session_ask(w->s, w->record, 0, &w->asked, &w->arena, w->err));
    while (!qvl_asked_is_done(&w->asked))
        QVL_TRY(qvl_generator_step(qvl_session_generator(w->s), NULL, NULL,
                                   w->err));
    return QVL_OK;
}

/* Run fn with less host memory than it needs, then with ever more. */
static void squeeze(int (*fn)(void *), asking *w, void (*undo)(asking *))
{
    int n_failed = 0, rc = -1;
    for (size_t limit = 64; rc != QVL_OK; limit += limit / 3 + 64) {
        qvl_memory_limit(limit);
        rc = qvl_guard(fn, w, w->err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "%zu bytes: %s", limit,
              w->err->msg);
        n_failed += rc != QVL_OK;
        if (rc != QVL_OK)
            undo(w);
    }
    CHECK(n_failed > 5, "found %d failures", n_failed);
}

static void close_one(asking *w)
{
    CHECK(w->s == NULL, "unchanged");
}

static void drop_one(asking *w)
{
    qvl_asked_release(&w->asked, w->s);
    CHECK_INT(qvl_generator_n_open(qvl_session_generator(w->s)), 0, "open");
    qvl_arena_reset(&w->arena);
}

static void test_no_memory(void)
{
    qvl_record record = make();
    qvl_err err = { 0 };
    asking w = { .record = &record, .err = &err };
    squeeze(open_one, &w, close_one);
    squeeze(ask_one, &w, drop_one);
    CHECK(w.asked.reply->is_done && w.asked.reply->n > 0, "a reply at last");
    drop_one(&w);
    qvl_session_close(w.s);
    qvl_arena_release(&w.arena);
}

RUN_TESTS(TEST(test_cut), TEST(test_refused), TEST(test_no_memory))
