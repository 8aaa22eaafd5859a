/* test_encode_prompts.c - texts that ask, of which each sample draws one */
#include "check.h"
#include "data/encode.h"
#include "made.h"

static const double box[] = { 8, 8, 16, 24 };
static const qvl_object object = { QVL_GEOM_BOX, 2, box, "a red box" };

static qvl_record record_of(const char *const *image, const char *file)
{
    return (qvl_record){ .file = file, .line = 3, .index = 2, .image = image,
                         .n_images = 1, .w = 32, .h = 32, .object = &object,
                         .n_objects = 1 };
}

static qvl_encoder *open_encoder(const qvl_encoder_options *o)
{
    qvl_encoder *e = NULL;
    qvl_err err = { 0 };
    CHECK_OK(qvl_encoder_open(&e, o, &err), err);
    return e;
}

/* Which of the texts asks, by epoch, seed and the name of the picture alone. */
static int asked_in(const qvl_encoder *e, const qvl_record *r, uint64_t epoch)
{
    static const char *const texts[] = { "one", "two two", "three three three" };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    qvl_ids ids = { 0 };
    qvl_str text = { 0 };
    int found = -1;
    CHECK_OK(qvl_encode_text(e, r, epoch, &a, &s, &err), err);
    for (int i = 0; i < s.n; i++)
        qvl_ids_put(&ids, (int)s.id[i]);
    CHECK_OK(qvl_tokenizer_decode(qvl_encoder_tokenizer(e), ids.p, ids.n,
                                  QVL_SPECIAL_KEEP, &text, &err), err);
    for (size_t k = 0; k < QVL_COUNT(texts); k++) {
        char turn[64];
        snprintf(turn, sizeof turn, "%s<|im_end|>\n<|im_start|>assistant", texts[k]);
        const char *at = strstr(text.p, turn);
        if (at != NULL && at[-1] == '>')  // behind the picture
            found = (int)k;
    }
    qvl_str_release(&text);
    qvl_ids_release(&ids);
    qvl_arena_release(&a);
    return found;
}

static void test_drawn(void)
{
    static const char *const user[] = { "one", "two two", "three three three" };
    const char *const near[] = { "here/a.png" };
    const char *const moved[] = { "/x/there/a.png" };
    const char *const other[] = { "here/b.png" };
    qvl_encoder_options o = { .model = made_model(), .user = user, .n_user = 3,
                              .seed = 7 };
    qvl_encoder *e = open_encoder(&o);
    CHECK(qvl_encoder_draws_prompts(e), "drawn");
    int n_of[3] = { 0 }, n_other = 0, n_seed = 0;
    o.seed = 8;
    qvl_encoder *f = open_encoder(&o);
    for (uint64_t epoch = 0; epoch < 60; epoch++) {
        qvl_record r = record_of(near, "here/r.jsonl");
        int k = asked_in(e, &r, epoch);
        CHECK(k >= 0, "epoch %d: none of the texts", (int)epoch);
        n_of[k]++;
        n_seed += asked_in(f, &r, epoch) != k;
        r.index = 99;
        r.line = 4;
        CHECK_INT(asked_in(e, &r, epoch), k, "another line");
        r.image = moved;
        r.file = "/x/there/r.jsonl";
        CHECK_INT(asked_in(e, &r, epoch), k, "another folder");
        r.image = other;
        r.file = "here/r.jsonl";
        n_other += asked_in(e, &r, epoch) != k;
    }
    for (int k = 0; k < 3; k++)
        CHECK(n_of[k] > 8 && n_of[k] < 35, "text %d: %d times", k, n_of[k]);
    CHECK(n_other > 20, "another picture: %d others", n_other);
    CHECK(n_seed > 20, "another seed: %d others", n_seed);
    qvl_encoder_close(f);
    o.n_user = 1;
    f = open_encoder(&o);
    CHECK(!qvl_encoder_draws_prompts(f), "one alone");
    qvl_record r = record_of(near, "here/r.jsonl");
    CHECK_INT(asked_in(f, &r, 5), 0, "one alone");
    qvl_encoder_close(e);
    qvl_encoder_close(f);
    static const char *const bad[] = { "fine", "{coord_rule} {nothing}" };
    qvl_err err = { 0 };
    o.user = bad;
    o.n_user = 2;
    CHECK_FAILS(qvl_encoder_open(&e, &o, &err), QVL_E_CONFIG, err, "{nothing}");
}

/* Names seen from the folder of the file, however that is told. */
static void test_names(void)
{
    static const struct {
        const char *file, *image;
        bool is_same;  // as a.png
    } cases[] = {
        { "t.jsonl", "./a.png", true },     { "./t.jsonl", "./a.png", true },
        { "/t.jsonl", "/a.png", true },     { "x/y/t.jsonl", "x/y/a.png", true },
        { "x/t.jsonl", "/x/a.png", false }, { "x/t.jsonl", "x/b/a.png", false },
        { NULL, "a.png", true },            { "xy/t.jsonl", "x/a.png", false },
    };
    char name[64][16];
    const char *user[64];
    for (int k = 0; k < 64; k++) {
        snprintf(name[k], sizeof name[k], "text %d", k);
        user[k] = name[k];
    }
    qvl_encoder_options o = { .model = made_model(), .user = user, .n_user = 64 };
    qvl_encoder *e = open_encoder(&o);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const char *const plain[] = { "x/a.png" }, *const image[] = { cases[i].image };
        int n_other = 0;
        for (uint64_t epoch = 0; epoch < 4; epoch++) {
            qvl_arena a = { 0 };
            qvl_err err = { 0 };
            qvl_encoded s, t;
            qvl_record r = record_of(plain, "x/t.jsonl");
            CHECK_OK(qvl_encode_text(e, &r, epoch, &a, &s, &err), err);
            r = record_of(image, cases[i].file);
            CHECK_OK(qvl_encode_text(e, &r, epoch, &a, &t, &err), err);
            n_other += s.n != t.n
                       || memcmp(s.id, t.id, (size_t)s.n * sizeof *s.id) != 0;
            qvl_arena_release(&a);
        }
        CHECK((n_other == 0) == cases[i].is_same, "case %zu: %d others", i, n_other);
    }
    qvl_encoder_close(e);
}

/* None of the samples is longer than that with the longest text. */
static void test_longest(void)
{
    static const char *const user[] = { "a", "one two three four five six seven",
                                        "1234567890" };
    const char *const image[] = { "x/a.png" };
    qvl_encoder_options o = { .model = made_model(), .user = user, .n_user = 3 };
    qvl_encoder *e = open_encoder(&o);
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s, longest;
    int most = 0;
    qvl_record r = record_of(image, "x/t.jsonl");
    CHECK_OK(qvl_encode_text_longest(e, &r, 0, &a, &longest, &err), err);
    for (uint64_t epoch = 0; epoch < 30; epoch++) {
        CHECK_OK(qvl_encode_text(e, &r, epoch, &a, &s, &err), err);
        most = s.n > most ? s.n : most;
    }
    CHECK_INT(longest.n, most, "tokens");
    qvl_encoder_close(e);
    o.max_length = most - 1;
    e = open_encoder(&o);
    CHECK_FAILS(qvl_encode_text_longest(e, &r, 0, &a, &s, &err), QVL_E_RANGE, err,
                "found ");
    qvl_encoder_close(e);
    o.max_length = 0;
    o.n_user = 0;
    e = open_encoder(&o);
    CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
    CHECK_OK(qvl_encode_text_longest(e, &r, 0, &a, &longest, &err), err);
    CHECK_INT(longest.n, s.n, "nothing is drawn");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_drawn), TEST(test_names), TEST(test_longest))
