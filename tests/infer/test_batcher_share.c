/* test_batcher_share.c - several answers to one prompt, and prompts in pieces
 *
 * The truth is again each answer alone, its prompt read at once: how often and
 * in how many pieces a prompt is read must not be seen in what comes.
 */
#include "check.h"

#include "infer/batch.h"

#define MAX_NEW 12
#define MAX_LEN 200
#define MOST 6  // answers to a prompt

typedef struct {
    int64_t id[MAX_NEW];
    int n;
    qvl_finish finish;
} reply;

static qvl_model *model;
static int64_t ids[MAX_LEN];
static float pixels[80 * 1536];                       // 4 x 4, then 8 x 8
static const int64_t grid[] = { 1, 4, 4, 1, 8, 8 };

/* ---- running ------------------------------------------------------------ */

static qvl_batcher *open_batcher(int seats, int piece)
{
    qvl_batcher *b = NULL;
    qvl_err err = { 0 };
    CHECK_OK(qvl_batcher_open(&b, model, seats, &err), err);
    qvl_batcher_set_piece(b, piece);
    return b;
}

static void take(reply *out, int n_out, const qvl_new_token *token, int n)
{
    for (int i = 0; i < n; i++) {
        CHECK(token[i].ticket >= 0 && token[i].ticket < n_out, "ticket %d",
              token[i].ticket);
        reply *r = &out[token[i].ticket];
        CHECK_INT(r->finish, QVL_FINISH_NOT, "ticket %d: more after its end",
                  token[i].ticket);
        r->finish = token[i].finish;
        if (token[i].finish != QVL_FINISH_FAILED)
            r->id[r->n++] = token[i].id;
    }
}

/* Steps until nothing is open: how many, and the first error's code. */
static int run(qvl_batcher *b, reply *out, int n_out, int *code)
{
    qvl_err err = { 0 };
    int n_steps = 0;
    *code = QVL_OK;
    for (; qvl_batcher_n_open(b) > 0; n_steps++) {
        const qvl_new_token *token = NULL;
        int n = 0;
        int rc = qvl_batcher_step(b, &token, &n, &err);
        CHECK(n_steps < 2000, "it goes round");
        take(out, n_out, token, n);
        *code = *code == QVL_OK ? rc : *code;
        if (rc != QVL_OK && n == 0)
            break;
    }
    return n_steps;
}

static int run_right(qvl_batcher *b, reply *out, int n_out)
{
    int code;
    int n = run(b, out, n_out, &code);
    CHECK_INT(code, QVL_OK, "a step failed");
    return n;
}

static void check_reply(const reply *found, const reply *wanted,
                        const char *what, int len, int i)
{
    CHECK_INT(found->finish, wanted->finish, "%s, prompt of %d, answer %d",
              what, len, i);
    CHECK_INT(found->n, wanted->n, "%s, prompt of %d, answer %d", what, len,
              i);
    for (int k = 0; k < wanted->n; k++)
        CHECK_INT(found->id[k], wanted->id[k],
                  "%s, prompt of %d, answer %d, token %d", what, len, i, k);
}

static reply alone(const qvl_request *r)
{
    reply out = { 0 };
    int ticket;
    qvl_err err = { 0 };
    qvl_batcher *b = open_batcher(1, 100000);
    CHECK_OK(qvl_batcher_add(b, r, &ticket, &err), err);
    run_right(b, &out, 1);
    CHECK(out.n > 0, "no answer alone");
    qvl_batcher_close(b);
    return out;
}

/* ---- prompts ------------------------------------------------------------ */

static qvl_request text_of(int len, double temperature, uint64_t key)
{
    qvl_request r = { .id = ids, .n = len, .max_new = MAX_NEW,
                      .sampling = qvl_sampling_greedy() };
    r.sampling.temperature = temperature;
    r.sampling.key = key;
    return r;
}

static int put_picture(int64_t *id, int n, int n_tok)
{
    const qvl_vision_config *v = &qvl_model_about(model)->config->vision;
    id[n++] = v->start_token;
    for (int i = 0; i < n_tok; i++)
        id[n++] = v->image_token;
    id[n++] = v->end_token;
    return n;
}

/* Text, a picture of 4 tokens, text, one of 16, text. */
static qvl_request pictures_of(int64_t *id)
{
    int n = 0;
    for (int i = 0; i < 5; i++)
        id[n++] = 20 + i;
    n = put_picture(id, n, 4);
    for (int i = 0; i < 9; i++)
        id[n++] = 30 + i;
    n = put_picture(id, n, 16);
    for (int i = 0; i < 6; i++)
        id[n++] = 50 + i;
    qvl_request r = text_of(n, 0.0, 0);
    r.id = id;
    r.images = (qvl_batch_pictures){ .grid = grid, .n = 2, .pixels = pixels,
                                     .n_patches = 80 };
    return r;
}

static bool open_model(const char *device)
{
    qvl_err err = { 0 };
    qvl_model_options options = { .device = device };
    int rc = qvl_model_open(&model, FIXTURE, &options, &err);
    if (rc == QVL_E_DEVICE) {
        print_message("SKIP %s: no device\n", device);
        return false;
    }
    CHECK_OK(rc, err);
    for (int i = 0; i < MAX_LEN; i++)
        ids[i] = (i * 37 + i * i + 11) % 200;
    for (size_t i = 0; i < QVL_COUNT(pixels); i++)
        pixels[i] = (float)((i * 7919 + i / 24576) % 255) / 127.5f - 1.0f;
    return true;
}

/* ---- several answers ---------------------------------------------------- */

static void add_many(qvl_batcher *b, const qvl_request *like, int n, int *first)
{
    qvl_request r[MOST] = { 0 };
    int ticket[MOST] = { 0 };
    qvl_err err = { 0 };
    for (int i = 0; i < n; i++) {
        r[i] = *like;
        r[i].sampling.key += (uint64_t)i;
    }
    CHECK_OK(qvl_batcher_add_many(b, r, n, ticket, &err), err);
    *first = ticket[0];
    for (int i = 0; i < n; i++)
        CHECK_INT(ticket[i], *first + i, "tickets count up");
}

/* n answers in so many seats; with others of the queue around them. */
static void check_many(const qvl_request *like, int n, int seats, int piece,
                       const char *what)
{
    reply out[MOST + 2] = { 0 };
    qvl_request other = text_of(40, 0.0, 0);
    reply other_alone = alone(&other);
    int first, ticket;
    qvl_err err = { 0 };
    qvl_batcher *b = open_batcher(seats, piece);
    CHECK_OK(qvl_batcher_add(b, &other, &ticket, &err), err);
    add_many(b, like, n, &first);
    CHECK_OK(qvl_batcher_add(b, &other, &ticket, &err), err);
    CHECK_INT(qvl_batcher_n_open(b), n + 2, "open");
    run_right(b, out, n + 2);
    for (int i = 0; i < n; i++) {
        qvl_request own = *like;
        own.sampling.key += (uint64_t)i;
        reply want = alone(&own);
        check_reply(&out[first + i], &want, what, like->n, i);
    }
    check_reply(&out[0], &other_alone, "in front", 40, 0);
    check_reply(&out[n + 1], &other_alone, "behind", 40, 0);
    qvl_batcher_close(b);
}

static void test_many(void)
{
    static const int len[] = { 1, 31, 32, 33, 64, 90 };
    if (!open_model("cpu"))
        return;
    for (size_t i = 0; i < QVL_COUNT(len); i++) {
        qvl_request drawn = text_of(len[i], 1.0, 500);
        check_many(&drawn, 2, 1, 1000, "drawn, 1 seat");
        check_many(&drawn, MOST, 3, 1000, "drawn, 3 seats");
        check_many(&drawn, MOST, 16, 1000, "drawn, 16 seats");
        check_many(&drawn, 3, 2, 7, "drawn, in pieces");
    }
    qvl_request greedy = text_of(45, 0.0, 0);
    check_many(&greedy, 4, 4, 1000, "greedy");
    int64_t id[MAX_LEN];
    qvl_request seen = pictures_of(id);
    seen.sampling.temperature = 1.0;
    check_many(&seen, 4, 3, 1000, "pictures");
    check_many(&seen, 4, 3, 5, "pictures, in pieces");
    qvl_model_close(model);
}

/* Answers drawn from one prompt differ, or the test above shows nothing; greedy
 * ones are equal; the prompt is read once. */
static void test_many_read_once(void)
{
    reply out[MOST] = { 0 };
    int first;
    if (!open_model("cpu"))
        return;
    qvl_request r = text_of(70, 1.0, 500);
    qvl_batcher *b = open_batcher(MOST, 1000);
    add_many(b, &r, MOST, &first);
    CHECK_INT(run_right(b, out, MOST), 1 + 1 + MAX_NEW - 1,
              "steps: one reads, one takes the others in, the rest speaks");
    int n_other = 0;
    for (int i = 1; i < MOST; i++)
        n_other += memcmp(out[0].id, out[i].id, sizeof out[0].id) != 0;
    CHECK(n_other > 0, "all draw the same");
    r = text_of(70, 0.0, 500);
    add_many(b, &r, 3, &first);
    CHECK_INT(first, MOST, "tickets go on");
    reply all[MOST + 3] = { 0 };
    run_right(b, all, MOST + 3);
    check_reply(&all[first + 1], &all[first], "greedy", 70, 1);
    check_reply(&all[first + 2], &all[first], "greedy", 70, 2);
    qvl_batcher_close(b);
    qvl_model_close(model);
}

/* Given up in the queue, while reading, and behind it; all at once. */
static void test_many_dropped(void)
{
    if (!open_model("cpu"))
        return;
    qvl_request r = text_of(50, 1.0, 9);
    for (int after = 0; after < 4; after++)
        for (int drop = 0; drop < 8; drop++) {
            reply out[3] = { 0 };
            int first, n;
            const qvl_new_token *token;
            qvl_err err = { 0 };
            qvl_batcher *b = open_batcher(2, 20);
            add_many(b, &r, 3, &first);
            for (int k = 0; k < after; k++) {
                CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
                take(out, 3, token, n);
            }
            for (int i = 0; i < 3; i++)
                if (drop >> i & 1)
                    qvl_batcher_drop(b, i);
            run_right(b, out, 3);
            for (int i = 0; i < 3; i++) {
                qvl_request own = r;
                own.sampling.key += (uint64_t)i;
                reply want = alone(&own);
                if (!(drop >> i & 1))
                    check_reply(&out[i], &want, "beside dropped", 50, i);
            }
            qvl_batcher_close(b);
        }
    qvl_batcher *b = open_batcher(2, 20);
    int first;
    add_many(b, &r, 3, &first);
    qvl_batcher_close(b);  // with all of them in the queue
    qvl_model_close(model);
}

/* A wrong prompt is lost for each of its answers, and for nobody else. */
static void test_many_wrong(void)
{
    int64_t id[MAX_LEN];
    if (!open_model("cpu"))
        return;
    qvl_request good = text_of(40, 0.0, 0);
    reply good_alone = alone(&good);
    qvl_request wrong = pictures_of(id);
    wrong.n = 30;
    for (int seats = 1; seats <= 5; seats += 2) {
        reply out[5] = { 0 };
        int first, ticket, code;
        qvl_err err = { 0 };
        qvl_batcher *b = open_batcher(seats, 1000);
        CHECK_OK(qvl_batcher_add(b, &good, &ticket, &err), err);
        add_many(b, &wrong, 3, &first);
        CHECK_OK(qvl_batcher_add(b, &good, &ticket, &err), err);
        run(b, out, 5, &code);
        CHECK_INT(code, QVL_E_DATA, "%d seats", seats);
        for (int i = 0; i < 3; i++)
            CHECK_INT(out[first + i].finish, QVL_FINISH_FAILED, "%d seats",
                      seats);
        check_reply(&out[0], &good_alone, "in front", 40, seats);
        check_reply(&out[4], &good_alone, "behind", 40, seats);
        qvl_batcher_close(b);
    }
    qvl_model_close(model);
}

/* ---- pieces ------------------------------------------------------------- */

static void check_pieces(const qvl_request *r, const reply *want, int piece,
                         int n_pieces)
{
    reply out = { 0 };
    int ticket;
    qvl_err err = { 0 };
    qvl_batcher *b = open_batcher(2, piece);
    CHECK_OK(qvl_batcher_add(b, r, &ticket, &err), err);
    CHECK_INT(run_right(b, &out, 1), n_pieces + want->n - 1,
              "steps, pieces of %d", piece);
    check_reply(&out, want, "in pieces", r->n, piece);
    qvl_batcher_close(b);
}

static void test_pieces(void)
{
    if (!open_model("cpu"))
        return;
    qvl_request r = text_of(100, 0.0, 0);
    reply want = alone(&r);
    static const int piece[] = { 1, 7, 32, 33, 50, 99, 100, 101 };
    for (size_t i = 0; i < QVL_COUNT(piece); i++)
        check_pieces(&r, &want, piece[i], (100 + piece[i] - 1) / piece[i]);
    qvl_model_close(model);
}

/* Tokens 0-4 text, 5-10 a picture between its marks, 11-19 text, 20-37 a picture,
 * 38-43 text. A piece goes on until it cuts no picture: 5 tokens at a time that
 * is up to 5, 10, 15, 20, 37, 42, 44. */
static void test_pieces_of_pictures(void)
{
    static const struct {
        int piece, n;
    } cases[] = {
        { 1, 5 + 1 + 1 + 9 + 1 + 1 + 6 }, { 5, 7 }, { 8, 4 },
        { 11, 3 }, { 20, 3 }, { 21, 2 },
        { 40, 2 }, { 43, 2 }, { 44, 1 },
    };
    int64_t id[MAX_LEN];
    if (!open_model("cpu"))
        return;
    qvl_request r = pictures_of(id);
    CHECK_INT(r.n, 44, "tokens");
    reply want = alone(&r);
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        check_pieces(&r, &want, cases[i].piece, cases[i].n);
    qvl_model_close(model);
}

/* Who speaks goes on between the pieces of a long prompt. */
static void test_pieces_take_turns(void)
{
    reply out[2] = { 0 };
    int ticket, n;
    qvl_err err = { 0 };
    const qvl_new_token *token;
    if (!open_model("cpu"))
        return;
    qvl_request quick = text_of(3, 0.0, 0), slow = text_of(150, 0.0, 0);
    reply quick_alone = alone(&quick), slow_alone = alone(&slow);
    qvl_batcher *b = open_batcher(2, 10);
    CHECK_OK(qvl_batcher_add(b, &slow, &ticket, &err), err);
    CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
    CHECK_INT(n, 0, "a piece says nothing");
    CHECK_OK(qvl_batcher_add(b, &quick, &ticket, &err), err);
    run_right(b, out, 2);
    check_reply(&out[0], &slow_alone, "in pieces", 150, 0);
    check_reply(&out[1], &quick_alone, "beside it", 3, 0);

    memset(out, 0, sizeof out);
    qvl_batcher_close(b);
    b = open_batcher(2, 10);
    CHECK_OK(qvl_batcher_add(b, &quick, &ticket, &err), err);
    CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
    take(out, 2, token, n);
    CHECK_OK(qvl_batcher_add(b, &slow, &ticket, &err), err);
    while (out[0].finish == QVL_FINISH_NOT) {
        CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
        take(out, 2, token, n);
    }
    CHECK_INT(out[1].n, 0, "the long prompt held the short answer up");
    run_right(b, out, 2);
    check_reply(&out[0], &quick_alone, "going on", 3, 0);
    check_reply(&out[1], &slow_alone, "taking turns", 150, 0);
    qvl_batcher_close(b);
    qvl_model_close(model);
}

/* A picture without its placeholders, or more of those: one clear failure. */
static void test_pieces_wrong(void)
{
    int64_t id[MAX_LEN];
    if (!open_model("cpu"))
        return;
    qvl_request good = text_of(60, 0.0, 0);
    reply good_alone = alone(&good);
    for (int wrong = 0; wrong < 4; wrong++)
        for (int piece = 3; piece < 60; piece += 9) {
            static const int64_t large[] = { 1, 4, 4, 1, INT32_MAX, 8 };
            reply out[2] = { 0 };
            int ticket, code;
            qvl_err err = { 0 };
            qvl_request r = pictures_of(id);
            if (wrong == 0)
                r.n = 30;
            else if (wrong == 1)
                r.images.n = 1;
            else if (wrong == 2)
                r.images.n_patches = 40;
            else
                r.images.grid = large;
            qvl_batcher *b = open_batcher(2, piece);
            CHECK_OK(qvl_batcher_add(b, &r, &ticket, &err), err);
            CHECK_OK(qvl_batcher_add(b, &good, &ticket, &err), err);
            run(b, out, 2, &code);
            CHECK(code == QVL_E_DATA || code == QVL_E_RANGE,
                  "mistake %d, pieces of %d: %d", wrong, piece, code);
            CHECK_INT(out[0].finish, QVL_FINISH_FAILED, "mistake %d", wrong);
            check_reply(&out[1], &good_alone, "beside a mistake", 60, wrong);
            qvl_batcher_close(b);
        }
    qvl_model_close(model);
}

/* ---- memory that ends --------------------------------------------------- */

typedef struct {
    int code;
    qvl_request like;
    reply out[3];
} starved;

static int try_starved(void *arg)
{
    starved *s = arg;
    qvl_err err = { 0 };
    qvl_batcher *b = NULL;
    int first;
    s->code = qvl_batcher_open(&b, model, 3, &err);
    if (s->code != QVL_OK)
        return QVL_OK;
    qvl_batcher_set_piece(b, 20);
    add_many(b, &s->like, 3, &first);
    run(b, s->out, 3, &s->code);
    qvl_batcher_close(b);
    return QVL_OK;
}

/* Whatever comes out is right, and what is lost is told. */
static void test_memory(void)
{
    int n_failed = 0, code = QVL_E_MEMORY;
    reply want[3];
    if (!open_model("cpu"))
        return;
    qvl_request like = text_of(50, 1.0, 3);
    for (int i = 0; i < 3; i++) {
        qvl_request own = like;
        own.sampling.key += (uint64_t)i;
        want[i] = alone(&own);
    }
    for (size_t limit = 100; code != QVL_OK; limit += limit / 9) {
        starved s = { .like = like };
        qvl_err err = { 0 };
        qvl_model_drop_cache(model);
        qvl_memory_limit(limit);
        int rc = qvl_guard(try_starved, &s, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK_OK(rc, err);
        code = s.code;
        CHECK(code == QVL_OK || code == QVL_E_MEMORY, "%zu bytes: %d", limit,
              code);
        n_failed += code != QVL_OK;
        for (int i = 0; i < 3; i++)
            if (code == QVL_OK || s.out[i].finish == want[i].finish)
                check_reply(&s.out[i], &want[i], "short of memory", 50, i);
    }
    CHECK(n_failed > 5, "no limit was too low");
    qvl_model_close(model);
}

/* ---- devices ------------------------------------------------------------ */

static void run_device(const char *device)
{
    int64_t id[MAX_LEN];
    if (!open_model(device))
        return;
    qvl_request drawn = text_of(45, 1.0, 77);
    check_many(&drawn, 3, 3, 1000, device);
    qvl_request r = pictures_of(id);
    r.max_new = 4;
    reply want = alone(&r);
    check_pieces(&r, &want, 8, 4);
    qvl_model_close(model);
}

static void test_opencl(void)
{
    run_device("opencl");
}

static void test_vulkan(void)
{
    run_device("vulkan");
}

RUN_TESTS(TEST(test_many), TEST(test_many_read_once),
          TEST(test_many_dropped), TEST(test_many_wrong), TEST(test_pieces),
          TEST(test_pieces_of_pictures), TEST(test_pieces_take_turns),
          TEST(test_pieces_wrong), TEST(test_memory), TEST(test_opencl),
          TEST(test_vulkan))
