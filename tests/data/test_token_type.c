/* test_token_type.c - what the bytes and the tokens of an answer are */
#include "base/rng.h"
#include "check.h"
#include "data/encode.h"
#include "data/message.h"
#include "data/token_type.h"
#include "made.h"

static const double box[] = { 100, 200, 300, 400 };
static const double line[] = { 180, 220, 50, 60 };
static const double ring[] = { 10.5, 590, 10.5, 500, 60, 500 };

/* ---- bytes ---------------------------------------------------------------- */

/* Each byte of an answer as one letter: d description, c coordinate, . form. */
static void check_bytes(const qvl_object *object, qvl_answer_rules rules,
                        const char *in_front, const char *want, const char *mask)
{
    qvl_arena a = { 0 };
    qvl_str out = { 0 };
    qvl_record r = { .w = 1000, .h = 1000, .object = object, .n_objects = 1 };
    qvl_str_puts(&out, in_front);
    qvl_spans s = qvl_answer_put_spans(&out, &r, &rules, &a);
    CHECK_STR(out.p, want, "answer");
    CHECK_INT(strlen(mask), out.len, "the mask of %s", want);
    char *found = qvl_arena_strdup(&a, mask);
    memset(found, '.', out.len);
    size_t at = 0;
    for (size_t k = 0; k < s.n; k++) {
        CHECK(s.v[k].from >= at && s.v[k].end > s.v[k].from
                  && s.v[k].end <= out.len, "span %zu of %s", k, want);
        memset(found + s.v[k].from, s.v[k].type == QVL_TYPE_DESC ? 'd' : 'c',
               s.v[k].end - s.v[k].from);
        at = s.v[k].end;
    }
    CHECK_STR(found, mask, "%s", want);
    qvl_str_release(&out);
    qvl_arena_release(&a);
}

static void test_bytes(void)
{
    check_bytes(&(qvl_object){ QVL_GEOM_BOX, 2, box, "a \"b" },
                (qvl_answer_rules){ 0 }, "",
                "{\"object_1\": {\"bbox_2d\": [100, 200, 300, 400], "
                "\"desc\": \"a \\\"b\"}}",
                "............." "............." "ccc..ccc..ccc..ccc..."
                "........." "ddddd" "...");
    check_bytes(&(qvl_object){ QVL_GEOM_LINE, 2, line, "c" },
                (qvl_answer_rules){ .shape = QVL_SHAPE_STANDARD }, "",
                "{\"object_1\": {\"desc\": \"c\", \"line_points\": 2, "
                "\"line\": [[50, 60], [180, 220]]}}",
                "............." ".........." "d" "..." ".................."
                ".........." "cc..cc" "...." "ccc..ccc" "....");
    /* Decimals are one number with their point; what stands in front is form. */
    check_bytes(&(qvl_object){ QVL_GEOM_POLY, 3, ring, "c" },
                (qvl_answer_rules){ .coord = QVL_COORD_PIXELS },
                "<DOMAIN=1, TASK=\"desc\">\n",
                "<DOMAIN=1, TASK=\"desc\">\n"
                "{\"object_1\": {\"poly\": [10.5, 500, 60, 500, 10.5, 590], "
                "\"desc\": \"c\"}}",
                "........................" "............." ".........."
                "cccc..ccc..cc..ccc..cccc..ccc" "..." "........." "d" "...");
}

static void test_no_objects(void)
{
    qvl_arena a = { 0 };
    qvl_str out = { 0 };
    qvl_record r = { 0 };
    qvl_spans s =
        qvl_answer_put_spans(&out, &r, &(qvl_answer_rules){ 0 }, &a);
    CHECK_STR(out.p, "{}", "answer");
    CHECK_INT(s.n, 0, "spans");
    qvl_str_release(&out);
    qvl_arena_release(&a);
}

/* ---- normal form ---------------------------------------------------------- */

static void test_normal(void)
{
    qvl_arena a = { 0 };
    static const char text[] = "xe\xcc\x81y12e\xcc\x81";  // 4 + 1 + 2 + 3 bytes
    qvl_span v[] = { { 1, 4, QVL_TYPE_DESC }, { 5, 7, QVL_TYPE_COORD } };
    size_t len;
    qvl_spans s = qvl_spans_normal((qvl_spans){ v, 2 }, text, 10, &len, &a);
    CHECK_INT(len, 8, "length");
    CHECK_INT(s.n, 2, "spans");
    CHECK(s.v[0].from == 1 && s.v[0].end == 3 && s.v[0].type == QVL_TYPE_DESC,
          "first: %zu to %zu", s.v[0].from, s.v[0].end);
    CHECK(s.v[1].from == 4 && s.v[1].end == 6 && s.v[1].type == QVL_TYPE_COORD,
          "second: %zu to %zu", s.v[1].from, s.v[1].end);
    s = qvl_spans_normal((qvl_spans){ NULL, 0 }, "", 0, &len, &a);
    CHECK(s.n == 0 && len == 0, "nothing");
    qvl_arena_release(&a);
}

/* ---- tokens --------------------------------------------------------------- */

static void check_tokens(const qvl_span *v, size_t n_spans, const size_t *end,
                         size_t n, const int *want, const char *name)
{
    int8_t type[8];
    qvl_type_tokens(type, end, n, (qvl_spans){ (qvl_span *)v, n_spans });
    for (size_t i = 0; i < n; i++)
        CHECK_INT(type[i], want[i], "%s: token %zu", name, i);
}

static void test_tokens(void)
{
    enum { D = QVL_TYPE_DESC, C = QVL_TYPE_COORD, F = QVL_TYPE_FORMAT };
    const qvl_span v[] = { { 2, 6, D }, { 6, 8, C }, { 9, 11, C } };
    const int same[] = { F, D, C, F, C, F };
    check_tokens(v, 3, (size_t[]){ 2, 6, 8, 9, 11, 20 }, 6, same, "as spans");
    /* Tokens of 4: 2 form 2 words; 2 words 2 digits; 1 form 2 digits 1 form. */
    const int ties[] = { F, D, C };
    check_tokens(v, 3, (size_t[]){ 4, 8, 12 }, 3, ties, "ties");
    /* Digits on both sides of a comma are two spans, and 2 is less than 4. */
    const int most[] = { D };
    check_tokens(v, 3, (size_t[]){ 11 }, 1, most, "all in one");
    const int none[] = { F, F };
    check_tokens(v, 0, (size_t[]){ 1, 5 }, 2, none, "no spans");
    check_tokens(v, 3, NULL, 0, NULL, "no tokens");
    const qvl_span whole[] = { { 0, 3, D } };
    const int cut[] = { D, D, D };
    check_tokens(whole, 1, (size_t[]){ 1, 2, 3 }, 3, cut, "a token a byte");
}

/* The definition: of the stretch of each byte, the one with most bytes, the first
 * of those that have as many. */
static int plain_type(const int *stretch, const int *type, size_t from, size_t end)
{
    int best = QVL_TYPE_FORMAT, most = 0;
    for (size_t i = from; i < end; i++) {
        int n = 0;
        for (size_t k = from; k < end; k++)
            n += stretch[k] == stretch[i];
        if (n > most) {
            most = n;
            best = type[i];
        }
    }
    return best;
}

enum { MOST_BYTES = 64 };

static void check_random(qvl_rng *rng, int round)
{
    qvl_span v[MOST_BYTES];
    int stretch[MOST_BYTES], type[MOST_BYTES];
    size_t end[MOST_BYTES], n_spans = 0, n = 0;
    size_t len = 1 + (size_t)qvl_rng_below(rng, MOST_BYTES);
    for (size_t at = 0, k = 0; at < len; k++) {
        size_t more = 1 + (size_t)qvl_rng_below(rng, 6);
        size_t to = at + more < len ? at + more : len;
        int kind = 1 + (int)qvl_rng_below(rng, 3);
        bool is_gap = kind == QVL_TYPE_FORMAT && (k == 0 || n_spans == 0
                                                  || v[n_spans - 1].end == at);
        if (kind == QVL_TYPE_FORMAT && !is_gap)
            kind = QVL_TYPE_DESC;
        if (!is_gap)
            v[n_spans++] = (qvl_span){ at, to, kind };
        for (; at < to; at++) {
            stretch[at] = (int)k;
            type[at] = kind;
        }
    }
    /* Gaps that touch are one stretch. */
    for (size_t i = 1; i < len; i++)
        if (type[i] == QVL_TYPE_FORMAT && type[i - 1] == QVL_TYPE_FORMAT)
            stretch[i] = stretch[i - 1];
    for (size_t at = 0; at < len; n++) {
        at += 1 + (size_t)qvl_rng_below(rng, 7);
        end[n] = at = at < len ? at : len;
    }
    int8_t found[MOST_BYTES];
    qvl_type_tokens(found, end, n, (qvl_spans){ v, n_spans });
    for (size_t i = 0; i < n; i++)
        CHECK_INT(found[i], plain_type(stretch, type, i > 0 ? end[i - 1] : 0, end[i]),
                  "round %d, token %zu", round, i);
}

static void test_random(void)
{
    qvl_rng rng;
    qvl_rng_init(&rng, &(qvl_rng_id){ .seed = 5 }, QVL_RNG_MODE);
    for (int i = 0; i < 5000; i++)
        check_random(&rng, i);
}

/* ---- samples -------------------------------------------------------------- */

static qvl_encoder *open_encoder(bool wants_types, qvl_answer_rules rules,
                                 double summary_ratio)
{
    qvl_encoder_options o = { .model = made_model(), .answer = rules,
                              .wants_types = wants_types,
                              .response_prefix = "1 ",
                              .summary_ratio = summary_ratio };
    for (int m = 0; m < QVL_N_MODES; m++)
        o.prompt[m] = (qvl_prompt){ "", "Detect 12 things." };
    qvl_encoder *e = NULL;
    qvl_err err = { 0 };
    CHECK_OK(qvl_encoder_open(&e, &o, &err), err);
    return e;
}

/* The bytes of all tokens of a type. */
static void check_type(const qvl_encoder *e, const qvl_encoded *s, int type,
                       const char *want, const char *name)
{
    qvl_str out = { 0 };
    qvl_str_puts(&out, "");
    for (int i = 0; i < s->n; i++) {
        qvl_token t = qvl_tokenizer_token(qvl_encoder_tokenizer(e), (int)s->id[i]);
        if (s->type[i] == type)
            qvl_str_putn(&out, t.p, t.len);
    }
    CHECK_STR(out.p, want, "%s: %s", name, qvl_type_name(type));
    qvl_str_release(&out);
}

static qvl_record record_of(const qvl_object *object, const char *const *image)
{
    return (qvl_record){ .file = "r.jsonl", .line = 1, .image = image,
                         .n_images = 1, .w = 32, .h = 32, .object = object,
                         .n_objects = 1, .summary = "a red box×1" };
}

static void test_samples(void)
{
    static const double small[] = { 8, 8, 16, 24 };
    const char *const image[] = { made_png("t.png", 32, 32) };
    /* e and U+0301 are one character in normal form; 1 in a text is a text. */
    const qvl_object object = { QVL_GEOM_BOX, 2, small, "cafe\xcc\x81 1" };
    qvl_record r = record_of(&object, image);
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    for (int shape = 0; shape < 2; shape++) {
        const char *name = shape == QVL_SHAPE_FLAT ? "flat" : "standard";
        qvl_encoded s;
        qvl_encoder *e = open_encoder(
            true, (qvl_answer_rules){ .shape = (qvl_shape)shape }, 0);
        CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
        CHECK(s.type != NULL, "%s: types", name);
        check_type(e, &s, QVL_TYPE_DESC, "caf\xc3\xa9 1", name);
        check_type(e, &s, QVL_TYPE_COORD, "250250500750", name);
        check_type(e, &s, QVL_TYPE_FORMAT,
                   shape == QVL_SHAPE_FLAT
                       ? "{\"object_1\": {\"bbox_2d\": [, , , ], \"desc\": "
                         "\"\"}}<|im_end|>"
                       : "{\"object_1\": {\"desc\": \"\", \"bbox_2d\": [, , , "
                         "]}}<|im_end|>", name);
        for (int i = 0; i < s.n; i++)
            CHECK((s.type[i] == QVL_TYPE_NONE) == (s.label[i] == QVL_IGNORE_INDEX),
                  "%s: token %d has type %d, label %lld", name, i, s.type[i],
                  (long long)s.label[i]);
        qvl_encoder_close(e);
    }
    qvl_arena_release(&a);
}

/* A sample is the same but for its types; no other answer has any. */
static void test_others(void)
{
    static const double small[] = { 8, 8, 16, 24 };
    const char *const image[] = { made_png("t.png", 32, 32) };
    const qvl_object object = { QVL_GEOM_BOX, 2, small, "a red box" };
    qvl_record r = record_of(&object, image);
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded with, without;
    qvl_encoder *e = open_encoder(true, (qvl_answer_rules){ 0 }, 0);
    qvl_encoder *plain = open_encoder(false, (qvl_answer_rules){ 0 }, 0);
    CHECK_OK(qvl_encode(e, &r, 0, &a, &with, &err), err);
    CHECK_OK(qvl_encode(plain, &r, 0, &a, &without, &err), err);
    CHECK(with.type != NULL && without.type == NULL, "types where wanted");
    CHECK_INT(with.n, without.n, "tokens");
    for (int i = 0; i < with.n; i++)
        CHECK(with.id[i] == without.id[i] && with.label[i] == without.label[i],
              "token %d", i);
    CHECK_OK(qvl_encode_text_as(e, &r, QVL_MODE_SUMMARY, &a, &with, &err), err);
    CHECK(with.type == NULL, "a summary");
    CHECK_OK(qvl_encode_prompt(e, &r, 0, &a, &with, &err), err);
    CHECK(with.type == NULL, "a prompt");
    qvl_encoder_close(e);
    qvl_encoder_close(plain);
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_bytes), TEST(test_no_objects), TEST(test_normal),
          TEST(test_tokens), TEST(test_random), TEST(test_samples),
          TEST(test_others))
