/* test_encode.c - a record to ids, labels and patches: layout, objects, pictures,
 * chats
 */
#include "base/json.h"
#include "check.h"
#include "data/encode.h"
#include "made.h"

/* What most samples here are: one picture of 32 x 32 px, 4 patches, 1 token. */
static const double box[] = { 8, 8, 16, 24 };
static const qvl_object object = { QVL_GEOM_BOX, 2, box, "a red box" };
static const char answer[] =
    "{\"object_1\": {\"bbox_2d\": [250, 250, 500, 750], \"desc\": \"a red "
    "box\"}}";

static qvl_record record_of(const char *const *image, int n, int w, int h)
{
    return (qvl_record){ .file = "r.jsonl", .line = 3, .index = 2,
                         .image = image, .n_images = n, .w = w, .h = h,
                         .object = &object, .n_objects = 1,
                         .summary = "a red box×1" };
}

/* Options without a system turn. */
static qvl_encoder_options options_of(void)
{
    qvl_encoder_options o = { .model = made_model() };
    for (int m = 0; m < QVL_N_MODES; m++)
        o.prompt[m] = (qvl_prompt){ "", "Detect." };
    return o;
}

static qvl_encoder *open_encoder(const qvl_encoder_options *o)
{
    qvl_encoder *e = NULL;
    qvl_err err = { 0 };
    CHECK_OK(qvl_encoder_open(&e, o, &err), err);
    return e;
}

static int count_ids(const qvl_encoder *e, const char *text, bool is_literal)
{
    qvl_ids ids = { 0 };
    qvl_err err = { 0 };
    qvl_text_part part = { text, strlen(text), is_literal };
    CHECK_OK(qvl_tokenizer_encode(qvl_encoder_tokenizer(e), &part, 1, &ids,
                                  &err), err);
    int n = (int)ids.n;
    qvl_ids_release(&ids);
    return n;
}

/* The sample is: the prompt as one text with its marks, then answers and what is
 * between them, in turns. Labels are those of answers and the mark behind. */
static void check_sample(const qvl_encoder *e, const qvl_encoded *s,
                         const char *const *run, int n_runs,
                         unsigned supervised, const char *name)
{
    qvl_ids ids = { 0 };
    qvl_err err = { 0 };
    int at = 0;
    for (int k = 0; k < n_runs; k++) {
        bool is_answer = k % 2 != 0;
        qvl_text_part part = { run[k], strlen(run[k]), is_answer };
        size_t from = ids.n;
        CHECK_OK(qvl_tokenizer_encode(qvl_encoder_tokenizer(e), &part, 1,
                                      &ids, &err), err);
        if (is_answer)
            qvl_ids_put(&ids, qvl_tokenizer_find(qvl_encoder_tokenizer(e),
                                                 "<|im_end|>", 10));
        bool counts = is_answer && (supervised >> k & 1) != 0;
        for (size_t i = from; i < ids.n; i++, at++) {
            CHECK(at < s->n, "%s: %d tokens", name, s->n);
            CHECK_INT(s->id[at], ids.p[i], "%s: token %d of run %d", name, at,
                      k);
            CHECK_INT(s->label[at], counts ? ids.p[i] : QVL_IGNORE_INDEX,
                      "%s: label %d of run %d", name, at, k);
        }
    }
    CHECK_INT(s->n, at, "%s", name);
    qvl_ids_release(&ids);
}

#define IM(n) "<|vision_start|>" n "<|vision_end|>"
#define PAD "<|image_pad|>"
#define ASSISTANT "<|im_end|>\n<|im_start|>assistant\n"

static void test_layout(void)
{
    const char *const image[] = { made_png("a.png", 32, 32),
                                  made_png("b.png", 32, 32) };
    const char *const one[] = { "<|im_start|>user\n" IM(PAD) "Detect."
                                ASSISTANT, answer };
    const char *const two[] = { "<|im_start|>user\n" IM(PAD) IM(PAD) "Detect."
                                ASSISTANT, answer };
    const char *const system[] = { "<|im_start|>system\nBe <brief>.<|im_end|>\n"
                                   "<|im_start|>user\n" IM(PAD) "List"
                                   ASSISTANT ">", "a red box×1" };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    qvl_encoder_options o = options_of();
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 32, 32);
    CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
    check_sample(e, &s, one, 2, 2, "one picture");
    CHECK_INT(s.n_grids, 1, "grids");
    CHECK_INT(s.n_patches, 4, "patches");
    CHECK_INT(s.n_values, 1536, "values");
    CHECK_INT(s.n_image_tok, 1, "placeholders");
    CHECK(s.grid[0] == 1 && s.grid[1] == 2 && s.grid[2] == 2, "grid");
    CHECK_STR(s.answer, answer, "answer");
    CHECK(s.system == NULL, "no system");
    CHECK_OK(qvl_encoded_check(e, &s, &err), err);
    r.n_images = 2;
    CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
    check_sample(e, &s, two, 2, 2, "two pictures");
    CHECK_INT(s.n_patches, 8, "patches");
    qvl_encoder_close(e);

    o.prompt[QVL_MODE_SUMMARY] = (qvl_prompt){ "Be <brief>.", "List" };
    o.summary_ratio = 1.0;
    o.response_prefix = ">";
    e = open_encoder(&o);
    r.n_images = 1;
    CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
    check_sample(e, &s, system, 2, 2, "summary");
    CHECK_INT(s.mode, QVL_MODE_SUMMARY, "mode");
    CHECK_STR(s.system, "Be <brief>.", "system");
    CHECK_OK(qvl_encoded_check(e, &s, &err), err);
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

/* The objects that a dense answer has: in its order, canonical, in px. */
static void test_objects(void)
{
    static const double low[] = { 1, 20, 9, 30 };
    static const double poly[] = { 30, 2, 10, 2, 20, 12 };
    static const qvl_object two[] = { { QVL_GEOM_BOX, 2, low, "low" },
                                      { QVL_GEOM_POLY, 3, poly, "high" } };
    const char *const image[] = { "is never opened" };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    int n = -1;
    qvl_encoder_options o = options_of();
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 32, 32);
    r.object = two;
    r.n_objects = 2;
    CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
    const qvl_object *found = qvl_encoded_objects(e, &s, &n, &a);
    CHECK_INT(n, 2, "objects");
    CHECK_STR(found[0].desc, "high", "the upper one is the first");
    CHECK(found[0].point[0] == 10 && found[0].point[1] == 2,
          "begins at its top left, found %g, %g", found[0].point[0],
          found[0].point[1]);
    CHECK_STR(found[1].desc, "low", "the lower one");
    CHECK(strstr(s.answer, "high") < strstr(s.answer, "low"), "%s", s.answer);
    qvl_encoder_close(e);

    o.summary_ratio = 1.0;
    e = open_encoder(&o);
    CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
    CHECK(qvl_encoded_objects(e, &s, &n, &a) == NULL && n == 0, "a summary");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

/* 3 + 1 + 300 + 1 + |P| + 2 + 3 + |A| + 1 tokens, |A| + 1 of them supervised. */
static void test_count(void)
{
    const char *const image[] = { "is never opened" };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    qvl_encoder_options o = options_of();
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 640, 480);
    CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
    int n_answer = count_ids(e, s.answer, true);
    CHECK_INT(s.n, 3 + 1 + 300 + 1 + count_ids(e, "Detect.", true) + 2 + 3
                       + n_answer + 1, "tokens");
    CHECK_INT(s.n_supervised, n_answer + 1, "supervised");
    CHECK_INT(s.n_image_tok, 300, "placeholders");
    CHECK(s.pixels == NULL, "no pixels");
    CHECK_INT(s.n_patches, 1200, "patches");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

/* Rows of a picture of made_png, 32 px high: row n holds channel, frame, row, column
 * of its patch, and patches stand in blocks of 2 x 2. */
static void check_patches(const float *rows, int w, const char *name)
{
    for (int p = 0; p < w / 16 * 2; p++)
        for (int i = 0; i < 1536; i++) {
            int x = p / 4 * 32 + p % 2 * 16 + i % 16;
            int y = p % 4 / 2 * 16 + i / 16 % 16;
            int c = i / 512;
            double byte = c == 0 ? x : c == 1 ? y : 7;
            CHECK_NEAR(rows[p * 1536 + i], (byte / 255 - 0.5) / 0.5, 1e-6,
                       "%s: patch %d, value %d", name, p, i);
        }
}

/* The rows of each picture stand behind those of the one before. */
static void test_pixels(void)
{
    const char *const image[] = { made_png("wide.png", 64, 32),
                                  made_png("small.png", 32, 32),
                                  made_png("long.png", 96, 32) };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    qvl_encoder_options o = options_of();
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 64, 32);
    CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
    CHECK_INT(s.n_patches, 8, "patches");
    check_patches(s.pixels, 64, "one");
    r = record_of(image, 3, 0, 0);
    CHECK_OK(qvl_encode_prompt(e, &r, 0, &a, &s, &err), err);
    CHECK_INT(s.n_patches, 8 + 4 + 12, "patches");
    check_patches(s.pixels, 64, "first");
    check_patches(s.pixels + 8 * 1536, 32, "second");
    check_patches(s.pixels + 12 * 1536, 96, "third");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

/* Prompts have the tokens that training has before the answer. */
static void test_prompt(void)
{
    const char *const image[] = { made_png("p.png", 32, 32) };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded whole, prompt;
    qvl_encoder_options o = options_of();
    o.response_prefix = "Here: ";
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 32, 32);
    CHECK_OK(qvl_encode(e, &r, 0, &a, &whole, &err), err);
    r.n_objects = 0;
    r.summary = NULL;
    r.w = r.h = 0;
    CHECK_OK(qvl_encode_prompt(e, &r, 0, &a, &prompt, &err), err);
    CHECK_INT(prompt.n, whole.n - whole.n_supervised, "tokens");
    CHECK(memcmp(prompt.id, whole.id, (size_t)prompt.n * sizeof *prompt.id)
              == 0, "the same");
    CHECK_INT(prompt.n_supervised, 0, "no labels");
    CHECK_INT(prompt.n_patches, 4, "pictures");
    CHECK(prompt.answer == NULL, "no answer");
    CHECK(memcmp(prompt.pixels, whole.pixels,
                 4 * 1536 * sizeof *prompt.pixels) == 0, "pixels");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

static void test_modes(void)
{
    const char *const image[] = { "x" };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoder_options o = options_of();
    o.summary_ratio = 0.3;
    o.seed = 11;
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 32, 32);
    int n[2] = { 0 };
    bool differs = false;
    for (r.index = 0; r.index < 1000; r.index++) {
        qvl_encoded s, t;
        qvl_arena_reset(&a);
        CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
        CHECK_OK(qvl_encode_text(e, &r, 0, &a, &t, &err), err);
        CHECK_INT(s.mode, t.mode, "the same again");
        n[s.mode]++;
        CHECK_OK(qvl_encode_text(e, &r, 1, &a, &t, &err), err);
        differs |= s.mode != t.mode;
    }
    /* 1000 draws: a deviation is 14.5 */
    CHECK(n[QVL_MODE_SUMMARY] > 230 && n[QVL_MODE_SUMMARY] < 370, "%d",
          n[QVL_MODE_SUMMARY]);
    CHECK(differs, "another epoch");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

static void check_same(const qvl_encoded *a, const qvl_encoded *b, const char *name)
{
    CHECK_INT(a->mode, b->mode, "%s: mode", name);
    CHECK_INT(a->n, b->n, "%s: tokens", name);
    CHECK(memcmp(a->id, b->id, (size_t)a->n * sizeof *a->id) == 0, "%s: ids", name);
    CHECK(memcmp(a->label, b->label, (size_t)a->n * sizeof *a->label) == 0,
          "%s: labels", name);
    CHECK_STR(a->answer, b->answer, "%s: answer", name);
}

/* A mode that is asked for is what an encoder gives that draws no other. */
static void test_mode_asked(void)
{
    const char *const image[] = { "x" };
    static const char *const names[] = { "dense", "summary" };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded drawn, asked;
    qvl_encoder_options o = options_of();
    qvl_encoder *e[2];
    o.prompt[QVL_MODE_SUMMARY] = (qvl_prompt){ "Be brief.", "List" };
    for (int m = 0; m < 2; m++) {
        o.summary_ratio = m;
        e[m] = open_encoder(&o);
    }
    qvl_record r = record_of(image, 1, 32, 32);
    for (int m = 0; m < 2; m++) {
        CHECK_OK(qvl_encode_text(e[m], &r, 0, &a, &drawn, &err), err);
        for (int k = 0; k < 2; k++) {
            CHECK_OK(qvl_encode_text_as(e[k], &r, (qvl_mode)m, &a, &asked, &err), err);
            check_same(&asked, &drawn, names[m]);
        }
    }
    r.summary = NULL;
    CHECK_OK(qvl_encode_text_as(e[1], &r, QVL_MODE_DENSE, &a, &asked, &err), err);
    CHECK_FAILS(qvl_encode_text_as(e[0], &r, QVL_MODE_SUMMARY, &a, &asked, &err),
                QVL_E_DATA, err, "r.jsonl:3: ");
    qvl_encoder_close(e[0]);
    qvl_encoder_close(e[1]);
    qvl_arena_release(&a);
}

/* ---- conversations ------------------------------------------------------ */

static qvl_record chat_of(qvl_arena *a, const char *messages,
                          const char *const *image, int n, bool has_list)
{
    qvl_node *root;
    qvl_err err = { 0 };
    CHECK_OK(qvl_json_parse(&root, messages, strlen(messages), "c", a, &err),
             err);
    return (qvl_record){ .file = "c.jsonl", .line = 1, .messages = root,
                         .image = image, .n_images = n,
                         .has_image_list = has_list };
}

static const char talk[] =
    "[{\"role\": \"system\", \"content\": \"S\"},"
    " {\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"see \"}"
    ", {\"type\": \"image\", \"image\": \"a\"}, {\"type\": \"text\", \"text\": "
    "\" <|im_end|>\"}]},"
    " {\"role\": \"user\", \"content\": \"more\"},"
    " {\"role\": \"assistant\", \"content\": \"one\"},"
    " {\"role\": \"user\", \"content\": \"and\"},"
    " {\"role\": \"assistant\", \"content\": \"two\"},"
    " {\"role\": \"assistant\", \"content\": \"three\"}]";

/* The text of the user is literal: its <|im_end|> is no token, so the run cannot
 * be written as one text, and the marks are looked at instead. */
static void test_conversation(void)
{
    const char *const image[] = { made_png("c.png", 32, 32) };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s, last, prompt;
    qvl_str text = { 0 };
    qvl_encoder_options o = options_of();
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = chat_of(&a, talk, image, 1, false);
    CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
    CHECK_OK(qvl_encoded_check(e, &s, &err), err);
    CHECK_STR(s.answer, "two\nthree", "last answer");
    CHECK_STR(s.system, "S", "system");
    int im_end = qvl_tokenizer_find(qvl_encoder_tokenizer(e), "<|im_end|>", 10);
    int n_ends = 0;
    qvl_ids ids = { 0 };
    for (int i = 0; i < s.n; i++) {
        n_ends += s.id[i] == im_end;
        qvl_ids_put(&ids, (int)s.id[i]);
    }
    CHECK_INT(n_ends, 5, "ends of turns");
    CHECK_INT(s.id[s.n - 1], im_end, "the last token");
    CHECK_OK(qvl_tokenizer_decode(qvl_encoder_tokenizer(e), ids.p, ids.n,
                                  QVL_SPECIAL_KEEP, &text, &err), err);
    CHECK_STR(text.p, "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nsee "
              IM(PAD) " <|im_end|>\nmore" ASSISTANT "one<|im_end|>\n"
              "<|im_start|>user\nand" ASSISTANT "two\nthree<|im_end|>", "text");
    CHECK_INT(s.n_supervised, count_ids(e, "one", true) + 1
                                  + count_ids(e, "two\nthree", true) + 1,
              "supervised");
    CHECK_OK(qvl_encode_prompt(e, &r, 0, &a, &prompt, &err), err);
    CHECK_INT(prompt.n, s.n - count_ids(e, "two\nthree", true) - 1, "prompt");
    CHECK_INT(prompt.n_supervised, 0, "prompt");
    qvl_encoder_close(e);
    o.loss = QVL_LOSS_LAST_TURN;
    e = open_encoder(&o);
    CHECK_OK(qvl_encode(e, &r, 0, &a, &last, &err), err);
    CHECK_INT(last.n, s.n, "the same ids");
    CHECK_INT(last.n_supervised, count_ids(e, "two\nthree", true) + 1, "last");
    qvl_encoder_close(e);
    qvl_ids_release(&ids);
    qvl_str_release(&text);
    qvl_arena_release(&a);
}

/* Pictures of the list: at the marks, or in front. */
static void test_places(void)
{
    static const char marks[] =
        "[{\"role\": \"user\", \"content\": \"a<image>b\"}, {\"role\": "
        "\"assistant\", \"content\": \"x\"}, {\"role\": \"user\", \"content\": "
        "\"<image>\"}, {\"role\": \"assistant\", \"content\": \"<image>\"}]";
    static const char none[] =
        "[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", "
        "\"content\": \"\"}]";
    static const char inline_mark[] =
        "[{\"role\": \"user\", \"content\": \"a<image>\"}, {\"role\": "
        "\"assistant\", \"content\": \"x\"}]";
    const char *const image[] = { made_png("m.png", 64, 32),
                                  made_png("n.png", 32, 32) };
    const char *const at_marks[] = {
        "<|im_start|>user\na" IM(PAD PAD) "b" ASSISTANT, "x",
        "\n<|im_start|>user\n" IM(PAD) ASSISTANT, "<image>",
    };
    const char *const in_front[] = {
        "<|im_start|>user\n" IM(PAD PAD) IM(PAD) "a" ASSISTANT, "",
    };
    const char *const as_text[] = { "<|im_start|>user\na<image>" ASSISTANT,
                                    "x" };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    qvl_encoder_options o = options_of();
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = chat_of(&a, marks, image, 2, true);
    CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
    check_sample(e, &s, at_marks, 4, 2 | 8, "marks");
    r = chat_of(&a, none, image, 2, true);
    CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
    check_sample(e, &s, in_front, 2, 2, "in front, empty answer");
    r = chat_of(&a, inline_mark, NULL, 0, false);
    CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
    check_sample(e, &s, as_text, 2, 2, "a mark as text");
    CHECK(s.pixels == NULL && s.n_grids == 0, "no picture");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

/* ---- several encoders, lines in front of answers ------------------------- */

/* An encoder beside another one makes what one of its own would make. */
static void test_beside(void)
{
    const char *const image[] = { made_png("a.png", 32, 32) };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s, t;
    qvl_encoder_options o = options_of(), other = options_of();
    qvl_encoder *base = open_encoder(&o), *beside, *own;
    qvl_record r = record_of(image, 1, 32, 32);
    other.prompt[QVL_MODE_SUMMARY] = (qvl_prompt){ "Be brief.", "List." };
    other.summary_ratio = 1;
    own = open_encoder(&other);
    other.model = "no/such/folder";
    CHECK_OK(qvl_encoder_open_beside(&beside, base, &other, &err), err);
    CHECK(qvl_encoder_tokenizer(beside) == qvl_encoder_tokenizer(base), "one tokenizer");
    CHECK_OK(qvl_encode(beside, &r, 0, &a, &s, &err), err);
    CHECK_OK(qvl_encode(own, &r, 0, &a, &t, &err), err);
    CHECK_INT(s.n, t.n, "tokens");
    CHECK(memcmp(s.id, t.id, (size_t)s.n * sizeof *s.id) == 0, "ids");
    CHECK(memcmp(s.pixels, t.pixels, s.n_patches * s.n_values * sizeof *s.pixels) == 0,
          "pixels");
    CHECK_OK(qvl_encoded_check(beside, &s, &err), err);
    qvl_encoder_close(beside);
    CHECK_OK(qvl_encode(base, &r, 0, &a, &t, &err), err);
    CHECK(t.n != s.n, "the first one is as it was");
    other.prompt[QVL_MODE_DENSE].user = "{what}";
    beside = NULL;
    CHECK_FAILS(qvl_encoder_open_beside(&beside, base, &other, &err), QVL_E_CONFIG,
                err, "{what}");
    CHECK(beside == NULL, "unchanged");
    CHECK_OK(qvl_encode(base, &r, 0, &a, &t, &err), err);
    qvl_encoder_close(base);
    qvl_encoder_close(own);
    qvl_arena_release(&a);
}

/* The line stands in front of answers, supervised, but not of all. */
static void test_answer_line(void)
{
    static const char head[] = "<DOMAIN=BBU>, <TASK=SUMMARY>";
    const char *const image[] = { made_png("c.png", 32, 32) };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s, prompt;
    qvl_encoder_options o = options_of();
    o.answer_line = head;
    for (int mode = 0; mode < QVL_N_MODES; mode++) {
        o.summary_ratio = mode;
        qvl_encoder *e = open_encoder(&o);
        qvl_record r = record_of(image, 1, 32, 32);
        const char *text = mode == QVL_MODE_SUMMARY ? r.summary : answer;
        const char *wanted = qvl_arena_printf(&a, "%s\n%s", head, text);
        const char *const run[] = { "<|im_start|>user\n" IM(PAD) "Detect."
                                    ASSISTANT, wanted };
        CHECK_OK(qvl_encode(e, &r, 0, &a, &s, &err), err);
        check_sample(e, &s, run, 2, 2, "line");
        CHECK_STR(s.answer, wanted, "answer");
        CHECK_OK(qvl_encoded_check(e, &s, &err), err);
        CHECK_OK(qvl_encode_prompt(e, &r, 0, &a, &prompt, &err), err);
        CHECK_INT(prompt.n, s.n - s.n_supervised, "not asked for");
        r.summary = qvl_irrelevant_answer;
        CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
        CHECK_STR(s.answer, mode == QVL_MODE_SUMMARY ? "无关图片" : wanted,
                  "an irrelevant picture");
        r = chat_of(&a, talk, image, 1, false);
        CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
        CHECK_STR(s.answer, "two\nthree", "a conversation");
        qvl_encoder_close(e);
    }
    qvl_arena_release(&a);
}

/* ---- data: URLs --------------------------------------------------------- */

/* A 1 x 1 red BMP, 58 bytes. */
static const char red[] =
    "data:image/bmp;base64,Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAAAT"
    "CwAAEwsAAAAAAAAAAAAAAAD/AA==";

static void test_url(void)
{
    const char *image[] = { red };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    qvl_encoder_options o = options_of();
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 0, 0);
    CHECK_OK(qvl_encode_prompt(e, &r, 0, &a, &s, &err), err);
    CHECK_INT(s.n_patches, 4, "grown");
    CHECK_NEAR(s.pixels[0], 1, 1e-6, "red");
    CHECK_NEAR(s.pixels[2 * 256], -1, 1e-6, "no green");
    static const char *const bad[] = { "data:,abc", "data:image/bmp;base64,",
                                       "data:image/bmp;base64,Qk06AAA",
                                       "data:image/bmp;base64,Qk0!",
                                       "data:image/bmp;base64,Q===",
                                       "data:image/bmp;base64,Qk06" };
    for (size_t i = 0; i < QVL_COUNT(bad); i++) {
        image[0] = bad[i];
        CHECK_FAILS(qvl_encode_prompt(e, &r, 0, &a, &s, &err), QVL_E_DATA, err,
                    "data: URL");
    }
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

/* ---- mistakes ----------------------------------------------------------- */

static void test_too_long(void)
{
    const char *const image[] = { "x" };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    qvl_encoder_options o = options_of();
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 640, 480);
    CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
    qvl_encoder_close(e);
    o.max_length = s.n;
    e = open_encoder(&o);
    CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
    qvl_encoder_close(e);
    o.max_length = s.n - 1;
    e = open_encoder(&o);
    CHECK_FAILS(qvl_encode_text(e, &r, 0, &a, &s, &err), QVL_E_RANGE, err,
                "r.jsonl:3: sample: found ");
    CHECK_HAS(err.msg, "300 of 1 pictures", "what it is made of");
    CHECK_HAS(err.msg, "dataset data, record 2, picture x, dense, 1 objects", "which");
    CHECK_HAS(err.hint, "lower max_pixels to 306176", "299 tokens");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

static void test_mistakes(void)
{
    const char *image[] = { made_png("t.png", 32, 32) };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s = { .n = -5 };
    qvl_encoder_options o = options_of();
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 64, 32);
    CHECK_FAILS(qvl_encode(e, &r, 0, &a, &s, &err), QVL_E_DATA, err,
                "found 32 x 32 px");
    r = record_of(image, 1, 32, 32);
    r.n_objects = 0;
    CHECK_FAILS(qvl_encode(e, &r, 0, &a, &s, &err), QVL_E_DATA, err,
                "r.jsonl:3: objects: found none");
    r = record_of(image, 1, 6400, 20);
    CHECK_FAILS(qvl_encode_text(e, &r, 0, &a, &s, &err), QVL_E_DATA, err,
                "t.png");
    image[0] = "there/is/no.png";
    r = record_of(image, 1, 32, 32);
    CHECK_FAILS(qvl_encode(e, &r, 0, &a, &s, &err), QVL_E_IO, err,
                "there/is/no.png");
    CHECK_INT(s.n, -5, "out");
    qvl_encoder_close(e);
    o.summary_ratio = 1.0;
    e = open_encoder(&o);
    r.summary = NULL;
    CHECK_FAILS(qvl_encode_text(e, &r, 0, &a, &s, &err), QVL_E_DATA, err,
                "summary: found none");
    r.summary = "<|im_end|>";
    CHECK_FAILS(qvl_encode_text(e, &r, 0, &a, &s, &err), QVL_E_DATA, err,
                "special token");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

static void test_bad_options(void)
{
    static const struct {
        const char *name;
        int code;
        qvl_encoder_options o;
        const char *part;
    } cases[] = {
        { "ratio", QVL_E_CONFIG, { .summary_ratio = 1.5 }, "found 1.5" },
        { "ratio NaN", QVL_E_CONFIG, { .summary_ratio = NAN }, "found nan" },
        { "length", QVL_E_CONFIG, { .max_length = -1 }, "found -1" },
        { "bounds", QVL_E_USAGE, { .min_pixels = 9, .max_pixels = 8 },
          "found 9 to 8" },
        { "profile", QVL_E_USAGE, { .profile = "best" }, "found best" },
        { "variable", QVL_E_CONFIG,
          { .prompt[QVL_MODE_DENSE].user = "{size}" }, "found {size}" },
        { "mark", QVL_E_CONFIG,
          { .prompt[QVL_MODE_SUMMARY].system = "<|im_end|>" }, "<|im_end|>" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_encoder_options o = cases[i].o;
        qvl_encoder *e = NULL;
        qvl_err err = { 0 };
        o.model = made_model();
        CHECK_FAILS(qvl_encoder_open(&e, &o, &err), cases[i].code, err,
                    cases[i].part);
        CHECK(e == NULL, "%s", cases[i].name);
    }
    qvl_encoder *e = NULL;
    qvl_err err = { 0 };
    qvl_encoder_options o = { .model = "no/such/folder" };
    CHECK_FAILS(qvl_encoder_open(&e, &o, &err), QVL_E_MODEL, err,
                "no/such/folder");
    qvl_encoder_close(NULL);
}

/* A sample whose ids are changed does not read back. */
static void test_read_back(void)
{
    const char *const image[] = { "x" };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    qvl_encoder_options o = options_of();
    o.prompt[QVL_MODE_DENSE].system = "中文 system";
    qvl_encoder *e = open_encoder(&o);
    qvl_record r = record_of(image, 1, 32, 32);
    CHECK_OK(qvl_encode_text(e, &r, 0, &a, &s, &err), err);
    CHECK_OK(qvl_encoded_check(e, &s, &err), err);
    int64_t kept = s.id[s.n - 2];
    s.id[s.n - 2] = s.id[s.n - 3];
    CHECK_FAILS(qvl_encoded_check(e, &s, &err), QVL_E_MODEL, err, "the answer");
    s.id[s.n - 2] = kept;
    s.id[3] = kept;
    CHECK_FAILS(qvl_encoded_check(e, &s, &err), QVL_E_MODEL, err,
                "the system text");
    qvl_encoder_close(e);
    qvl_arena_release(&a);
}

/* ---- memory ------------------------------------------------------------- */

typedef struct {
    const char *const *image;
    bool is_done;
} small_host;

/* Open, encode, close under a guard, as programs do. */
static int encode_one(void *arg)
{
    small_host *h = arg;
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_encoded s;
    qvl_encoder *e = NULL;
    qvl_encoder_options o = options_of();
    qvl_record r = record_of(h->image, 1, 32, 32);
    int rc = qvl_encoder_open(&e, &o, &err);
    if (rc == QVL_OK)
        rc = qvl_encode(e, &r, 0, &a, &s, &err);
    h->is_done = rc == QVL_OK;
    qvl_encoder_close(e);
    qvl_arena_release(&a);
    return rc;
}

/* Wherever memory ends, all of it is given back (a sanitizer looks). */
static void test_out_of_memory(void)
{
    const char *const image[] = { made_png("o.png", 32, 32) };
    small_host h = { .image = image };
    size_t limit = 0;
    made_model();
    for (; !h.is_done && limit < (size_t)64 << 20;
         limit += limit < 400000 ? 9973 : 99971) {
        qvl_err err = { 0 };
        qvl_memory_limit(limit);
        int rc = qvl_guard(encode_one, &h, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "%zu bytes: %s", limit,
              qvl_err_name(rc));
    }
    CHECK(h.is_done && limit > 9973, "%zu bytes", limit);
}

RUN_TESTS(TEST(test_out_of_memory), TEST(test_layout), TEST(test_objects),
          TEST(test_count), TEST(test_pixels), TEST(test_prompt),
          TEST(test_modes), TEST(test_mode_asked), TEST(test_conversation),
          TEST(test_places), TEST(test_url), TEST(test_too_long),
          TEST(test_mistakes), TEST(test_bad_options), TEST(test_read_back),
          TEST(test_beside), TEST(test_answer_line))
