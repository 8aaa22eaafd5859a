/* test_batcher.c - many answers at a time
 *
 * The truth is the answer of each prompt alone: in whatever company, in however
 * few seats, the same tokens must come.
 */
#include <limits.h>

#include "check.h"

#include "infer/batch.h"

#define MAX_NEW 40
#define MAX_LEN 300
#define N_PROMPTS 7

/* An answer as it came. */
typedef struct {
    int64_t id[MAX_NEW];
    int n;
    qvl_finish finish;
} reply;

typedef struct {
    int64_t id[MAX_LEN];
    qvl_request request;
    reply alone;
} prompt;

/* Prompts of very different length, on both sides of a block. */
static const int prompt_len[N_PROMPTS] = { 1, 33, 200, 5, 32, 63, 90 };
static const int answer_len[N_PROMPTS] = { 9, 1, 20, 31, 40, 2, 12 };

static qvl_model *model;
static int vocab;
static prompt greedy[N_PROMPTS], drawn[N_PROMPTS];

/* ---- running ------------------------------------------------------------ */

static qvl_batcher *open_batcher(int seats)
{
    qvl_batcher *b = NULL;
    qvl_err err = { 0 };
    CHECK_OK(qvl_batcher_open(&b, model, seats, &err), err);
    return b;
}

static int add(qvl_batcher *b, const qvl_request *r)
{
    int ticket = -1;
    qvl_err err = { 0 };
    CHECK_OK(qvl_batcher_add(b, r, &ticket, &err), err);
    return ticket;
}

/* What a step says of answers; ticket is the place in `out` [n_out]. */
static void take(reply *out, int n_out, const qvl_new_token *token, int n)
{
    for (int i = 0; i < n; i++) {
        CHECK(token[i].ticket >= 0 && token[i].ticket < n_out, "ticket %d",
              token[i].ticket);
        reply *r = &out[token[i].ticket];
        CHECK_INT(r->finish, QVL_FINISH_NOT, "ticket %d: more after its end",
                  token[i].ticket);
        r->finish = token[i].finish;
        if (token[i].finish == QVL_FINISH_FAILED) {
            CHECK(token[i].id == -1 && token[i].logit == NULL, "lost");
            continue;
        }
        CHECK(token[i].logit != NULL && r->n < MAX_NEW, "ticket %d",
              token[i].ticket);
        r->id[r->n++] = token[i].id;
    }
}

/* Steps until nothing is open; the first error's code. */
static int run(qvl_batcher *b, reply *out, int n_out)
{
    qvl_err err = { 0 };
    int first = QVL_OK;
    while (qvl_batcher_n_open(b) > 0) {
        const qvl_new_token *token = NULL;
        int n = 0;
        int rc = qvl_batcher_step(b, &token, &n, &err);
        CHECK(rc != QVL_OK || n > 0, "a step without a token");
        take(out, n_out, token, n);
        first = first == QVL_OK ? rc : first;
        if (rc != QVL_OK && n == 0)
            break;
    }
    return first;
}

static void check_reply(const reply *found, const reply *wanted,
                        const char *what, int i)
{
    CHECK_INT(found->finish, wanted->finish, "%s, prompt %d", what, i);
    CHECK_INT(found->n, wanted->n, "%s, prompt %d: tokens", what, i);
    for (int k = 0; k < wanted->n; k++)
        CHECK_INT(found->id[k], wanted->id[k], "%s, prompt %d, token %d", what,
                  i, k);
}

/* ---- prompts ------------------------------------------------------------ */

static void make_prompt(prompt *p, int i, bool is_drawn)
{
    for (int k = 0; k < prompt_len[i]; k++)
        p->id[k] = (k * 37 + i * 101 + k * k) % 200;
    p->request = (qvl_request){ .id = p->id, .n = prompt_len[i],
                                .sampling = qvl_sampling_greedy(),
                                .max_new = answer_len[i] };
    if (is_drawn) {
        p->request.sampling.temperature = 1.0;
        p->request.sampling.key = 1000 + (uint64_t)i;
    }
    qvl_batcher *b = open_batcher(1);
    add(b, &p->request);
    CHECK_INT(run(b, &p->alone, 1), QVL_OK, "prompt %d alone", i);
    CHECK_INT(p->alone.n, answer_len[i], "prompt %d alone", i);
    CHECK_INT(p->alone.finish, QVL_FINISH_LENGTH, "prompt %d alone", i);
    qvl_batcher_close(b);
}

static int open_all(void **state)
{
    qvl_err err = { 0 };
    qvl_model_options options = { .device = "cpu" };
    (void)state;
    if (qvl_model_open(&model, FIXTURE, &options, &err) != QVL_OK) {
        print_message("%s\n", err.msg);
        return 1;
    }
    vocab = qvl_model_about(model)->config->vocab;
    for (int i = 0; i < N_PROMPTS; i++) {
        make_prompt(&greedy[i], i, false);
        make_prompt(&drawn[i], i, true);
    }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    qvl_model_close(model);
    return 0;
}

/* ---- company ------------------------------------------------------------ */

static void check_company(const prompt *p, int seats, const char *what)
{
    reply out[N_PROMPTS] = { 0 };
    qvl_batcher *b = open_batcher(seats);
    for (int i = 0; i < N_PROMPTS; i++)
        CHECK_INT(add(b, &p[i].request), i, "tickets count up");
    CHECK_INT(qvl_batcher_n_open(b), N_PROMPTS, "open");
    CHECK_INT(run(b, out, N_PROMPTS), QVL_OK, "%s", what);
    for (int i = 0; i < N_PROMPTS; i++)
        check_reply(&out[i], &p[i].alone, what, i);
    qvl_batcher_close(b);
}

static void test_company(void)
{
    check_company(greedy, 1, "greedy, 1 seat");
    check_company(greedy, 3, "greedy, 3 seats");
    check_company(greedy, 16, "greedy, 16 seats");
    check_company(drawn, 2, "drawn, 2 seats");
    check_company(drawn, 5, "drawn, 5 seats");
}

/* Two keys draw differently, or the test above shows nothing. */
static void test_keys(void)
{
    reply out[2] = { 0 };
    qvl_batcher *b = open_batcher(2);
    qvl_request other = drawn[4].request;
    other.sampling.key++;
    add(b, &drawn[4].request);
    add(b, &other);
    CHECK_INT(run(b, out, 2), QVL_OK, "two keys");
    check_reply(&out[0], &drawn[4].alone, "its key", 4);
    CHECK(memcmp(out[0].id, out[1].id, sizeof out[0].id) != 0,
          "another key draws the same");
    qvl_batcher_close(b);
}

/* Prompts that come while others are in work. */
static void test_late(void)
{
    reply out[N_PROMPTS] = { 0 };
    qvl_err err = { 0 };
    qvl_batcher *b = open_batcher(2);
    for (int i = 0; i < N_PROMPTS; i++) {
        const qvl_new_token *token;
        int n;
        add(b, &greedy[i].request);
        for (int k = 0; k < 3; k++) {
            CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
            take(out, N_PROMPTS, token, n);
        }
    }
    CHECK_INT(run(b, out, N_PROMPTS), QVL_OK, "late prompts");
    for (int i = 0; i < N_PROMPTS; i++)
        check_reply(&out[i], &greedy[i].alone, "late", i);
    qvl_batcher_close(b);
}

/* The logits of a greedy token are largest at it. */
static void test_logits(void)
{
    qvl_err err = { 0 };
    qvl_batcher *b = open_batcher(2);
    add(b, &greedy[0].request);
    add(b, &greedy[3].request);
    while (qvl_batcher_n_open(b) > 0) {
        const qvl_new_token *token;
        int n;
        CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
        for (int i = 0; i < n; i++)
            for (int v = 0; v < vocab; v++)
                CHECK(token[i].logit[v] <= token[i].logit[token[i].id],
                      "ticket %d, id %d", token[i].ticket, v);
    }
    qvl_batcher_close(b);
}

/* ---- ends --------------------------------------------------------------- */

static void test_stop_ids(void)
{
    reply out[2] = { 0 };
    const reply *whole = &drawn[4].alone;
    int64_t stop[2] = { -5, whole->id[whole->n - 1] };
    int at = 0;
    while (whole->id[at] != stop[1])
        at++;
    qvl_batcher *b = open_batcher(1);
    qvl_request r = drawn[4].request;
    r.stop = stop;
    r.n_stops = 2;
    add(b, &r);
    add(b, &drawn[5].request);
    CHECK_INT(run(b, out, 2), QVL_OK, "stop ids");
    CHECK_INT(out[0].finish, QVL_FINISH_STOP, "a stop id ends");
    CHECK_INT(out[0].n, at + 1, "and belongs to the answer");
    check_reply(&out[1], &drawn[5].alone, "behind a stop", 5);
    qvl_batcher_close(b);
}

static void test_drop(void)
{
    reply out[4] = { 0 };
    qvl_err err = { 0 };
    const qvl_new_token *token;
    int n;
    qvl_batcher *b = open_batcher(1);
    add(b, &greedy[4].request);
    add(b, &greedy[1].request);
    add(b, &greedy[2].request);
    add(b, &greedy[3].request);
    CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
    CHECK_INT(n, 1, "one seat, one token");
    qvl_batcher_drop(b, 3);  // the last of the queue
    qvl_batcher_drop(b, 1);  // the first
    qvl_batcher_drop(b, 0);  // in work
    qvl_batcher_drop(b, 0);  // not there any more
    qvl_batcher_drop(b, 99);
    CHECK_INT(qvl_batcher_n_open(b), 1, "one is left");
    CHECK_INT(run(b, out, 3), QVL_OK, "after drops");
    check_reply(&out[2], &greedy[2].alone, "after drops", 2);
    CHECK_INT(out[0].n + out[1].n, 0, "dropped ones say nothing");
    CHECK_INT(add(b, &greedy[3].request), 4, "a ticket is not used again");
    qvl_batcher_drop(b, 4);
    CHECK_INT(qvl_batcher_n_open(b), 0, "nothing is open");
    CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
    CHECK_INT(n, 0, "a step with nothing to do");
    qvl_batcher_close(b);
}

/* Close with prompts waiting and in work: nothing leaks. */
static void test_close_early(void)
{
    qvl_err err = { 0 };
    const qvl_new_token *token;
    int n;
    qvl_batcher *b = open_batcher(2);
    for (int i = 0; i < 4; i++)
        add(b, &greedy[i].request);
    CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
    qvl_batcher_close(b);
    qvl_batcher_close(NULL);
}

/* ---- the cache grows ---------------------------------------------------- */

static void test_growth(void)
{
    static const int order[] = { 0, 3, 2, 0, 6, 4 };
    reply out[QVL_COUNT(order)] = { 0 };
    qvl_batcher *b = open_batcher(2);
    for (int i = 0; i < (int)QVL_COUNT(order); i++) {
        add(b, &greedy[order[i]].request);
        if (i % 2 == 1)
            CHECK_INT(run(b, out, (int)QVL_COUNT(order)), QVL_OK, "growth");
    }
    for (int i = 0; i < (int)QVL_COUNT(order); i++)
        check_reply(&out[i], &greedy[order[i]].alone, "growth", order[i]);
    qvl_batcher_close(b);
}

/* One that needs more blocks than there are waits for those in work. */
static void test_growth_waits(void)
{
    reply out[3] = { 0 };
    qvl_err err = { 0 };
    const qvl_new_token *token;
    int n;
    qvl_batcher *b = open_batcher(3);
    add(b, &greedy[3].request);
    CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
    take(out, 3, token, n);
    add(b, &greedy[2].request);
    add(b, &greedy[0].request);
    CHECK_INT(run(b, out, 3), QVL_OK, "waiting for room");
    check_reply(&out[0], &greedy[3].alone, "in work", 3);
    check_reply(&out[1], &greedy[2].alone, "larger", 2);
    check_reply(&out[2], &greedy[0].alone, "behind it", 0);
    qvl_batcher_close(b);
}

/* ---- pictures ----------------------------------------------------------- */

/* A prompt with pictures of `side` patches each way. */
static void make_picture(prompt *p, int side, float *pixels, int64_t *grid)
{
    const qvl_vision_config *v = &qvl_model_about(model)->config->vision;
    int n_tok = side * side / (v->merge * v->merge), n = 0;
    p->id[n++] = 7;
    p->id[n++] = v->start_token;
    for (int i = 0; i < n_tok; i++)
        p->id[n++] = v->image_token;
    p->id[n++] = v->end_token;
    p->id[n++] = 11;
    size_t values = (size_t)(side * side * v->patch_values);
    for (size_t i = 0; i < values; i++)
        pixels[i] = (float)((i * 7919 + (size_t)side) % 255) / 127.5f - 1.0f;
    memcpy(grid, (int64_t[]){ 1, side, side }, 3 * sizeof *grid);
    p->request = (qvl_request){
        .id = p->id, .n = n, .sampling = qvl_sampling_greedy(), .max_new = 8,
        .images = { .grid = grid, .n = 1, .pixels = pixels,
                    .n_patches = (size_t)(side * side) },
    };
}

static void test_pictures(void)
{
    static prompt p[2];
    static float pixels[2][64 * 1536];
    int64_t grid[2][3];
    reply out[4] = { 0 };
    for (int i = 0; i < 2; i++) {
        make_picture(&p[i], i == 0 ? 4 : 8, pixels[i], grid[i]);
        qvl_batcher *b = open_batcher(1);
        add(b, &p[i].request);
        CHECK_INT(run(b, &p[i].alone, 1), QVL_OK, "a picture alone");
        qvl_batcher_close(b);
    }
    qvl_batcher *b = open_batcher(4);
    add(b, &p[1].request);
    add(b, &greedy[0].request);
    add(b, &p[0].request);
    add(b, &greedy[3].request);
    CHECK_INT(run(b, out, 4), QVL_OK, "pictures in company");
    check_reply(&out[0], &p[1].alone, "picture", 1);
    check_reply(&out[1], &greedy[0].alone, "text", 0);
    check_reply(&out[2], &p[0].alone, "picture", 0);
    check_reply(&out[3], &greedy[3].alone, "text", 3);
    qvl_batcher_close(b);
}

/* A prompt whose picture does not fit its placeholders fails alone. */
static void test_bad_among_good(void)
{
    static prompt bad;
    static float pixels[64 * 1536];
    int64_t grid[3];
    make_picture(&bad, 4, pixels, grid);
    bad.request.n -= 3;
    for (int at = 0; at < 4; at++) {
        reply out[4] = { 0 };
        qvl_batcher *b = open_batcher(4);
        for (int i = 0; i < 4; i++)
            add(b, i == at ? &bad.request : &greedy[3 + i].request);
        CHECK_INT(run(b, out, 4), QVL_E_DATA, "a wrong prompt");
        for (int i = 0; i < 4; i++)
            if (i == at)
                CHECK_INT(out[i].finish, QVL_FINISH_FAILED, "wrong prompt");
            else
                check_reply(&out[i], &greedy[3 + i].alone, "beside it", i);
        qvl_batcher_close(b);
    }
}

/* ---- errors ------------------------------------------------------------- */

static void test_errors(void)
{
    static const struct {
        const char *name;
        int n, max_new;
        double temperature, top_p;
        int code;
        const char *says;
    } wrong[] = {
        { "no token", 0, 5, 0, 1, QVL_E_DATA, "no token" },
        { "no answer", 3, 0, 0, 1, QVL_E_USAGE, "max_new_tokens" },
        { "less than none", 3, -7, 0, 1, QVL_E_USAGE, "max_new_tokens" },
        { "too long", 3, 262142, 0, 1, QVL_E_RANGE, "262144" },
        { "far too long", 3, INT_MAX, 0, 1, QVL_E_RANGE, "262144" },
        { "temperature", 3, 5, -1, 1, QVL_E_USAGE, "temperature" },
        { "not a number", 3, 5, NAN, 1, QVL_E_USAGE, "temperature" },
        { "top_p", 3, 5, 0, 0, QVL_E_USAGE, "top_p" },
    };
    qvl_batcher *b = open_batcher(1);
    for (size_t i = 0; i < QVL_COUNT(wrong); i++) {
        qvl_err err = { 0 };
        int ticket = -3;
        qvl_request r = greedy[0].request;
        r.n = wrong[i].n;
        r.max_new = wrong[i].max_new;
        r.sampling.temperature = wrong[i].temperature;
        r.sampling.top_p = wrong[i].top_p;
        CHECK_INT(qvl_batcher_add(b, &r, &ticket, &err), wrong[i].code, "%s",
                  wrong[i].name);
        CHECK_HAS(err.msg, wrong[i].says, "message");
        CHECK_INT(ticket, -3, "%s: a ticket", wrong[i].name);
    }
    CHECK_INT(qvl_batcher_n_open(b), 0, "nothing went in");
    qvl_batcher_close(b);

    qvl_batcher *none = NULL;
    qvl_err err = { 0 };
    CHECK_INT(qvl_batcher_open(&none, model, 0, &err), QVL_E_USAGE, "0 seats");
    CHECK_INT(qvl_batcher_open(&none, model, 1025, &err), QVL_E_USAGE, "many");
    CHECK(none == NULL, "a batcher came out");
}

/* ---- memory that ends --------------------------------------------------- */

typedef struct {
    int code;
    reply out[3];
} starved;

static int try_starved(void *arg)
{
    starved *s = arg;
    qvl_err err = { 0 };
    qvl_batcher *b = NULL;
    s->code = qvl_batcher_open(&b, model, 3, &err);
    if (s->code != QVL_OK)
        return QVL_OK;
    for (int i = 0; i < 3; i++)
        add(b, &greedy[3 + i].request);
    s->code = run(b, s->out, 3);
    qvl_batcher_close(b);
    return QVL_OK;
}

/* Whatever comes out is right, and nobody is asked twice for what is lost. */
static void test_memory(void)
{
    int n_failed = 0, n_part = 0, code = QVL_E_MEMORY;
    for (size_t limit = 100; code != QVL_OK; limit += limit / 3) {
        starved s = { 0 };
        qvl_err err = { 0 };
        qvl_model_drop_cache(model);
        qvl_memory_limit(limit);
        int rc = qvl_guard(try_starved, &s, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK_OK(rc, err);
        code = s.code;
        CHECK(code == QVL_OK || code == QVL_E_MEMORY, "%zu bytes: %d", limit,
              code);
        int n_right = 0;
        for (int i = 0; i < 3; i++) {
            const reply *want = &greedy[3 + i].alone;
            if (s.out[i].finish == want->finish) {
                check_reply(&s.out[i], want, "short of memory", i);
                n_right++;
            }
        }
        n_failed += n_right == 0;
        n_part += n_right > 0 && code != QVL_OK;
        CHECK(code != QVL_OK || n_right == 3, "%zu bytes: %d right", limit,
              n_right);
    }
    CHECK(n_failed > 0, "no limit was too low");
    print_message("%d limits too low, %d for some of the prompts\n", n_failed,
                  n_part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_company),      TEST(test_keys),
        TEST(test_late),         TEST(test_logits),
        TEST(test_stop_ids),     TEST(test_drop),
        TEST(test_close_early),  TEST(test_growth),
        TEST(test_growth_waits), TEST(test_pictures),
        TEST(test_bad_among_good), TEST(test_errors),
        TEST(test_memory),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
