/* test_generate.c - tokens to text, and what ends an answer
 *
 * A model that repeats no token always gives the same ids; a tokenizer made for
 * a case gives them the texts of the case. So a case is a list of tokens as a
 * model might have chosen them, and what must come of it.
 */
#include "check.h"

#include "base/file.h"
#include "base/json.h"
#include "infer/generate.h"

#define MAX_TOKENS 12
#define SPECIAL "\1"  // in front of a token: a special one
#define NOTHING "\2"  // an id without a token
#define END "\3"      // the id that ends the answer
#define NUL "\4"      // in a text: the byte 0

static qvl_model *model;
static int64_t script[MAX_TOKENS];  // ids in the order they come

/* ---- a tokenizer for a case --------------------------------------------- */

/* A byte as vocabularies spell it. */
static void put_byte(qvl_str *s, unsigned char b)
{
    unsigned code = b, n = 0;
    for (unsigned i = 0; i < 256; i++) {
        bool is_plain = (i >= 33 && i <= 126) || (i >= 161 && i != 173);
        if (i == b && !is_plain)
            code = 256 + n;
        n += !is_plain;
    }
    if (code == '"' || code == '\\')
        qvl_str_putc(s, '\\');
    if (code < 0x80) {
        qvl_str_putc(s, (char)code);
    } else {
        qvl_str_putc(s, (char)(0xc0 | code >> 6));
        qvl_str_putc(s, (char)(0x80 | (code & 0x3f)));
    }
}

static void put_token(qvl_str *s, const char *text, size_t n, int64_t id)
{
    qvl_str_puts(s, s->len == 0 ? "{\"" : ", \"");
    for (size_t i = 0; i < n; i++)
        put_byte(s, (unsigned char)text[i]);
    qvl_str_printf(s, "\": %lld", (long long)id);
}

/* A token of a case, in which NUL stands for that byte. */
static void put_script(qvl_str *s, const char *token, int64_t id)
{
    char text[64];
    size_t n = strlen(token);
    CHECK(n < sizeof text, "%s is long", token);
    for (size_t i = 0; i < n; i++)
        text[i] = token[i] == NUL[0] ? '\0' : token[i];
    put_token(s, text, n, id);
}

static bool is_single(const char *const *token, int byte)
{
    for (int i = 0; i < MAX_TOKENS && token[i] != NULL; i++)
        if (byte > NUL[0] && (unsigned char)token[i][0] == byte
            && token[i][1] == '\0')
            return true;
    return false;
}

static void write_file(const char *name, const qvl_str *s)
{
    qvl_err err = { 0 };
    char path[512];
    snprintf(path, sizeof path, "%s/%s", check_path("tokenizer"), name);
    CHECK_OK(qvl_file_write_all(path, s->p, s->len, &err), err);
}

static bool is_scripted(int64_t id)
{
    for (int i = 0; i < MAX_TOKENS; i++)
        if (script[i] == id)
            return true;
    return false;
}

/* Texts for the ids of the script; every byte has an id between them. */
static qvl_tokenizer *make_tokenizer(const char *const *token, int64_t *end)
{
    qvl_tokenizer *t = NULL;
    qvl_err err = { 0 };
    qvl_str vocab = { 0 }, config = { 0 }, merges = { 0 };
    mkdir(check_path("tokenizer"), 0700);
    qvl_str_puts(&config, "{\"added_tokens_decoder\": {");
    for (int i = 0; i < MAX_TOKENS && token[i] != NULL; i++) {
        if (strcmp(token[i], END) == 0)
            *end = script[i];
        else if (token[i][0] == SPECIAL[0])
            qvl_str_printf(&config, "\"%lld\": {\"content\": \"%s\", "
                           "\"lstrip\": false, \"rstrip\": false, "
                           "\"single_word\": false, \"normalized\": false, "
                           "\"special\": true}", (long long)script[i],
                           token[i] + 1);
        else if (token[i][0] != NOTHING[0])
            put_script(&vocab, token[i], script[i]);
    }
    int64_t id = 0;  // those of readable bytes are below the model's vocabulary
    for (int i = 0; i < 256; i++) {
        int b = (i + ' ') % 256;
        char byte = (char)b;
        while (is_scripted(id))
            id++;
        if (!is_single(token, b))
            put_token(&vocab, &byte, 1, id++);
    }
    qvl_str_puts(&vocab, "}");
    qvl_str_puts(&config, "}}");
    qvl_str_puts(&merges, "#version: 0.2\n");
    write_file("vocab.json", &vocab);
    write_file("merges.txt", &merges);
    write_file("tokenizer_config.json", &config);
    CHECK_OK(qvl_tokenizer_open(&t, check_path("tokenizer"), &err), err);
    qvl_str_release(&vocab);
    qvl_str_release(&config);
    qvl_str_release(&merges);
    return t;
}

/* ---- the script --------------------------------------------------------- */

static const int64_t asked[] = { 5, 6, 7 };

static qvl_request request_of(int n_tokens)
{
    qvl_request r = { .id = asked, .n = 3, .max_new = n_tokens,
                      .sampling = qvl_sampling_greedy() };
    r.sampling.no_repeat_ngram = 1;
    return r;
}

static int open_all(void **state)
{
    qvl_err err = { 0 };
    qvl_model_options options = { .device = "cpu" };
    qvl_batcher *b;
    int ticket, at = 0;
    (void)state;
    CHECK_OK(qvl_model_open(&model, FIXTURE, &options, &err), err);
    const qvl_model_config *config = qvl_model_about(model)->config;
    CHECK_OK(qvl_batcher_open(&b, model, 1, &err), err);
    qvl_request r = request_of(MAX_TOKENS);
    CHECK_OK(qvl_batcher_add(b, &r, &ticket, &err), err);
    while (qvl_batcher_n_open(b) > 0) {
        const qvl_new_token *token;
        int n;
        CHECK_OK(qvl_batcher_step(b, &token, &n, &err), err);
        script[at++] = token[0].id;
        for (int i = 0; i < config->n_eos; i++)
            CHECK(token[0].id != config->eos[i], "the script ends early");
        for (int i = 0; i < at - 1; i++)
            CHECK(token[0].id != script[i], "an id comes twice");
    }
    qvl_batcher_close(b);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    qvl_model_close(model);
    return 0;
}

/* ---- a reader ----------------------------------------------------------- */

typedef struct {
    qvl_str text;
    int n_ends;
    const char *what;
} reader;

static bool is_whole_utf8(const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)p[i];
        size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        if ((c & 0xc0) == 0x80 || i + len > n)
            return false;
        for (size_t k = 1; k < len; k++)
            if (((unsigned char)p[i + k] & 0xc0) != 0x80)
                return false;
        i += len;
    }
    return true;
}

static int hear(void *ctx, const qvl_reply *a, const char *text, size_t n)
{
    reader *r = ctx;
    CHECK_INT(r->n_ends, 0, "%s: words behind the end", r->what);
    CHECK(is_whole_utf8(text, n), "%s: a part of a character", r->what);
    r->n_ends += n == 0;
    CHECK(n > 0 || a->is_done, "%s: an early end", r->what);
    qvl_str_putn(&r->text, text, n);
    return QVL_OK;
}

/* ---- cases -------------------------------------------------------------- */

typedef struct {
    const char *name;
    const char *token[MAX_TOKENS + 1];
    const char *stop[4];
    bool is_json;
    int max_entries;
    const char *text;      // of the answer
    const char *raw;       // NULL: not looked at
    qvl_finish finish;
    qvl_json_end guard;
    int n;                 // tokens; 0: not looked at
} text_case;

#define LENGTH QVL_FINISH_LENGTH
#define STOP QVL_FINISH_STOP

static const text_case cases[] = {
    { "plain", { "Hel", "lo", " wor", "ld" }, .text = "Hello world",
      .raw = "Hello world", .finish = LENGTH, .n = 4 },
    { "a stop string over a border", { "Hel", "lo", " wor", "ld" },
      .stop = { "o w" }, .text = "Hell", .raw = "Hello wor", .finish = STOP,
      .n = 3 },
    { "the earliest, not the first asked for", { "Hel", "lo", " wor", "ld" },
      .stop = { "rld", "l" }, .text = "He", .finish = STOP, .n = 1 },
    { "the earliest inside of a token", { "ab", "cdefgh", "i" },
      .stop = { "gh", "ef", "defg" }, .text = "abc", .finish = STOP, .n = 2 },
    { "a beginning that leads nowhere", { "ab", "c", "a", "bd" },
      .stop = { "abx", "bcab!" }, .text = "abcabd", .finish = LENGTH },
    { "a beginning at the end", { "x", "ab" }, .stop = { "abc" },
      .text = "xab", .finish = LENGTH, .n = 2 },
    { "a stop string with the last token", { "x", "ab", "c" },
      .stop = { "abc" }, .text = "x", .finish = STOP, .n = 3 },
    { "nothing but a stop string", { "ab", "c", "d" }, .stop = { "abc" },
      .text = "", .finish = STOP, .n = 2 },
    { "a long stop string over many tokens",
      { "1", "a", "b", "c", "d", "e", "f", "g" }, .stop = { "abcdef" },
      .text = "1", .finish = STOP, .n = 7 },
    { "white space in front of a stop string", { " \n", "\nfo", "o", "x" },
      .stop = { "\n\nfoo" }, .text = "", .finish = STOP, .n = 3 },
    { "a NUL in front of a stop string", { "a" NUL, "b", "c" },
      .stop = { "b" }, .text = "a" NUL, .finish = STOP, .n = 2 },
    { "bytes that are no text", { "a\300\200", "b", "c" },
      .stop = { "b" }, .text = "a\357\277\275\357\277\275", .finish = STOP,
      .n = 2 },
    { "characters in pieces", { "\347", "\224", "\265x\346", "\272", "\220" },
      .text = "\347\224\265x\346\272\220", .finish = LENGTH },
    { "a character that is never whole", { "a", "\347\224" },
      .text = "a\357\277\275", .finish = LENGTH },
    { "a stop string of characters in pieces",
      { "a\347", "\224", "\265", "b", "\346" }, .stop = { "\347\224\265b" },
      .text = "a", .finish = STOP, .n = 4 },
    { "special tokens", { "a", SPECIAL "<|box|>", "b" }, .text = "ab",
      .raw = "a<|box|>b", .finish = LENGTH },
    { "special tokens are no stop string", { "a", SPECIAL "<|box|>", "b" },
      .stop = { "box" }, .text = "ab", .finish = LENGTH },
    { "a stop string around a special token", { "a", SPECIAL "<|x|>", "b" },
      .stop = { "ab" }, .text = "", .finish = STOP, .n = 3 },
    { "an end id", { "a", "b", END, "c" }, .text = "ab", .raw = "ab",
      .finish = STOP, .n = 3 },
    { "an end id at once", { END, "a" }, .text = "", .raw = "",
      .finish = STOP, .n = 1 },
    { "ids without a token", { "a", NOTHING, NOTHING, "b" }, .text = "ab",
      .raw = "ab", .finish = LENGTH, .n = 4 },
    { "white space around", { "\n ", " a", "  ", "b \t", "\r\n" },
      .text = "a  b", .raw = "\n  a  b \t\r\n", .finish = LENGTH },
    { "white space alone", { " ", "\n" }, .text = "", .finish = LENGTH },
    { "white space in front of an end id", { "a", " \n", END }, .text = "a",
      .finish = STOP },

    { "JSON", { "{\"a\"", ": {\"b\"", ": 1", "}", "}\n", "more" },
      .is_json = true, .text = "{\"a\": {\"b\": 1}}", .finish = STOP,
      .guard = QVL_JSON_CLOSED, .n = 5 },
    { "JSON that ends inside of a token", { "so {", "\"a\": 1} a", "nd" },
      .is_json = true, .text = "so {\"a\": 1}", .raw = "so {\"a\": 1} a",
      .finish = STOP, .guard = QVL_JSON_CLOSED, .n = 2 },
    { "JSON without an end", { "{\"a\"", ": {" }, .is_json = true,
      .text = "{\"a\": {", .finish = LENGTH },
    { "no JSON", { "none", "}}" }, .is_json = true, .text = "none}}",
      .finish = LENGTH },
    { "JSON that is not asked for", { "{", "}", "x" }, .text = "{}x",
      .finish = LENGTH },
    { "too many entries", { "{", "\"a\": {}", ", \"b\": {\"y\": 1}",
      ", \"c\": {", "1" }, .is_json = true, .max_entries = 2,
      .text = "{\"a\": {}, \"b\": {\"y\": 1}, \"c\": {", .finish = STOP,
      .guard = QVL_JSON_MANY, .n = 4 },
    { "an entry again", { "{\"a\": ", "{\"x\": 1}", ", \"b\": {\"x\": ", "1}",
      ", " }, .is_json = true, .text = "{\"a\": {\"x\": 1}, \"b\": {\"x\": 1}",
      .finish = STOP, .guard = QVL_JSON_REPEATED, .n = 4 },
    { "a stop string in front of the end of JSON", { "{\"a", "\": 1", "}!" },
      .is_json = true, .stop = { "1}" }, .text = "{\"a\":", .finish = STOP },

    { "thinking", { "\n<th", "ink>a ", "{b}", "</thi", "nk>\n\n", "so", "." },
      .text = "so.", .raw = "\n<think>a {b}</think>\n\nso.",
      .finish = LENGTH },
    { "thinking in front of JSON", { "<think>", "{}", "</think>", "{\"a\"",
      ": 2}", "x" }, .is_json = true, .text = "{\"a\": 2}", .finish = STOP,
      .guard = QVL_JSON_CLOSED, .n = 5 },
    { "thinking without an end", { "<think>", "a", " b" },
      .text = "<think>a b", .finish = LENGTH },
    { "nothing behind thinking", { "<think>a", "</think>", "\n" },
      .text = "", .finish = LENGTH },
    { "nearly thinking", { "<thi", "s", "</think>" },
      .text = "<this</think>", .finish = LENGTH },
    { "the beginning of thinking alone", { " <th" }, .text = "<th",
      .finish = LENGTH },
    { "thinking later", { "a", "<think>", "b", "</think>", "c" },
      .text = "a<think>b</think>c", .finish = LENGTH },
};

static qvl_generator *open_generator(const qvl_tokenizer *t)
{
    qvl_generator *g = NULL;
    qvl_err err = { 0 };
    CHECK_OK(qvl_generator_open(&g, model, t, 2, &err), err);
    return g;
}

static void check_text(const qvl_str *found, const text_case *c,
                       const char *what)
{
    char text[256] = "";
    if (found->p != NULL)
        memcpy(text, found->p, found->len);
    for (size_t i = 0; i < found->len; i++)
        text[i] = text[i] == '\0' ? NUL[0] : text[i];
    CHECK_STR(text, c->text, "%s: %s", c->name, what);
}

static void check_reply(const text_case *c, const qvl_reply *a)
{
    check_text(&a->text, c, "text");
    if (c->raw != NULL)
        CHECK_STR(a->raw.p != NULL ? a->raw.p : "", c->raw, "%s", c->name);
    CHECK_INT(a->finish, c->finish, "%s: finish", c->name);
    CHECK_INT(a->guard, c->guard, "%s: guard", c->name);
    CHECK_INT(a->n_prompt, 3, "%s", c->name);
    if (c->n > 0)
        CHECK_INT(a->n, c->n, "%s: tokens", c->name);
    for (int i = 0; i < a->n; i++)
        CHECK_INT(a->id[i], script[i], "%s: token %d", c->name, i);
}

static int ask(qvl_generator *g, const qvl_request *request,
               const qvl_reply_ends *ends, qvl_reply **answer, qvl_err *err)
{
    return qvl_generator_ask_many(g, request, ends, 1, answer, err);
}

static void run_case(const text_case *c, bool is_heard)
{
    qvl_err err = { 0 };
    qvl_reply *a = NULL;
    reader r = { .what = c->name };
    int n = 0, n_stops = 0;
    int64_t end = -1;
    while (n < MAX_TOKENS && c->token[n] != NULL)
        n++;
    while (c->stop[n_stops] != NULL)
        n_stops++;
    qvl_tokenizer *t = make_tokenizer(c->token, &end);
    qvl_generator *g = open_generator(t);
    qvl_request request = request_of(n);
    request.stop = &end;
    request.n_stops = end >= 0 ? 1 : 0;
    qvl_reply_ends ends = { .stop = c->stop, .n_stops = n_stops,
                            .is_json = c->is_json,
                            .max_entries = c->max_entries };
    CHECK_OK(ask(g, &request, &ends, &a, &err), err);
    while (!a->is_done)
        CHECK_OK(qvl_generator_step(g, is_heard ? hear : NULL, &r, &err),
                 err);
    CHECK_INT(qvl_generator_n_open(g), 0, "%s: still open", c->name);
    check_reply(c, a);
    if (is_heard) {
        CHECK_INT(r.n_ends, 1, "%s: ends told", c->name);
        check_text(&r.text, c, "what was told");
    }
    qvl_str_release(&r.text);
    qvl_generator_close(g);
    qvl_tokenizer_close(t);
}

static void test_silent(void)
{
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        run_case(&cases[i], false);
}

static void test_told(void)
{
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        run_case(&cases[i], true);
}

/* ---- several answers ---------------------------------------------------- */

static const char *const words[MAX_TOKENS + 1] = {
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"
};

/* What is certain is told at once, not at the end. */
static void test_told_soon(void)
{
    qvl_err err = { 0 };
    int64_t end = -1;
    qvl_tokenizer *t = make_tokenizer(words, &end);
    qvl_generator *g = open_generator(t);
    qvl_request request = request_of(5);
    qvl_reply_ends ends = { .stop = (const char *const[]){ "bcx" },
                            .n_stops = 1 };
    static const char *const so_far[] = { "a", "a", "a", "abcd", "abcde" };
    qvl_reply *a;
    reader r = { .what = "told soon" };
    CHECK_OK(ask(g, &request, &ends, &a, &err), err);
    for (size_t i = 0; i < QVL_COUNT(so_far); i++) {
        CHECK_OK(qvl_generator_step(g, hear, &r, &err), err);
        CHECK_STR(r.text.p, so_far[i], "after %zu tokens", i + 1);
    }
    CHECK(a->is_done, "five tokens");
    qvl_str_release(&r.text);
    qvl_generator_close(g);
    qvl_tokenizer_close(t);
}

static int refuse(void *ctx, const qvl_reply *a, const char *text, size_t n)
{
    (void)a;
    (void)text;
    (void)n;
    ++*(int *)ctx;
    return QVL_E_INTERRUPTED;
}

static void test_refused(void)
{
    qvl_err err = { 0 };
    int64_t end = -1;
    int n_calls = 0;
    qvl_tokenizer *t = make_tokenizer(words, &end);
    qvl_generator *g = open_generator(t);
    qvl_request request = request_of(5);
    qvl_reply *a, *b;
    CHECK_OK(ask(g, &request, &(qvl_reply_ends){ 0 }, &a, &err), err);
    CHECK_OK(ask(g, &request, &(qvl_reply_ends){ 0 }, &b, &err), err);
    CHECK_INT(qvl_generator_step(g, refuse, &n_calls, &err),
              QVL_E_INTERRUPTED, "a sink that refuses");
    CHECK_INT(n_calls, 2, "is asked once for each answer");
    CHECK(!a->is_done && qvl_generator_n_open(g) == 2, "they go on");
    while (qvl_generator_n_open(g) > 0)
        CHECK_INT(qvl_generator_step(g, refuse, &n_calls, &err),
                  QVL_E_INTERRUPTED, "a step of two");
    CHECK_STR(a->text.p, "abcde", "no token is lost by a refusal");
    CHECK_STR(b->text.p, "abcde", "nor by that of another answer");
    CHECK_OK(ask(g, &request, &(qvl_reply_ends){ 0 }, &a, &err), err);
    CHECK_INT(qvl_generator_step(g, refuse, &n_calls, &err),
              QVL_E_INTERRUPTED, "refused once more");
    qvl_generator_drop(g, a);
    CHECK_INT(qvl_generator_n_open(g), 0, "until it is released");
    qvl_generator_close(g);
    qvl_tokenizer_close(t);
}

/* A request that cannot be read is done as failed; the other gets its answer.
 * A picture without a place among the tokens is such a one. */
static void test_failed(void)
{
    qvl_err err = { 0 };
    int64_t end = -1;
    static float pixels[16 * 1536];
    static const int64_t grid[] = { 1, 4, 4 };
    qvl_tokenizer *t = make_tokenizer(words, &end);
    qvl_generator *g = open_generator(t);
    qvl_request request = request_of(4);
    qvl_request wrong = request;
    wrong.images = (qvl_batch_pictures){ .grid = grid, .n = 1,
                                         .pixels = pixels, .n_patches = 16 };
    qvl_reply_ends ends = { 0 };
    qvl_reply *bad, *good;
    reader r = { .what = "beside a failure" };
    CHECK_OK(ask(g, &wrong, &ends, &bad, &err), err);
    CHECK_OK(ask(g, &request, &ends, &good, &err), err);
    int n_errors = 0;
    while (qvl_generator_n_open(g) > 0)
        n_errors += qvl_generator_step(g, hear, &r, &err) != QVL_OK;
    CHECK_INT(n_errors, 1, "steps that fail");
    CHECK_INT(err.code, QVL_E_DATA, "its error");
    CHECK(bad->is_done && bad->finish == QVL_FINISH_FAILED, "the wrong one");
    CHECK_INT(bad->n, 0, "has no token");
    CHECK_STR(good->text.p, "abcd", "the other");
    CHECK_STR(r.text.p, "abcd", "what was told");
    qvl_str_release(&r.text);
    qvl_generator_close(g);
    qvl_tokenizer_close(t);
}

static void test_refused_request(void)
{
    qvl_err err = { 0 };
    int64_t end = -1;
    qvl_tokenizer *t = make_tokenizer(words, &end);
    qvl_generator *g = open_generator(t);
    qvl_request request = request_of(4);
    qvl_reply *a = NULL;
    request.n = 0;
    CHECK_FAILS(ask(g, &request, &(qvl_reply_ends){ 0 }, &a,
                                  &err), QVL_E_DATA, err, "no token");
    CHECK(a == NULL && qvl_generator_n_open(g) == 0, "nothing was asked");
    qvl_generator_close(g);
    qvl_generator_close(NULL);
    qvl_tokenizer_close(t);
}

/* ---- answers that are JSON ---------------------------------------------- */

static bool is_object(const qvl_str *text)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_node *root;
    int rc = qvl_json_parse(&root, text->p, text->len, "text", &arena, &err);
    bool is_twice = rc != QVL_OK && strstr(err.msg, "a second time") != NULL;
    bool is_map = rc == QVL_OK && root->kind == QVL_NODE_MAP;
    qvl_arena_release(&arena);
    return is_map || is_twice;
}

/* Words that a model which knows no JSON strings together to loops. */
static const char *const json_words[MAX_TOKENS + 1] = {
    "{\"a\":{\"b\":", "1},", "\"a\":{", "}", "\"b\":1}", SPECIAL "<s>", "{",
    "\xe5\xaf", "\xb9\"", "],", NOTHING
};

static void check_object(const qvl_reply *a, int room, const char *what)
{
    CHECK(is_object(&a->text), "%s, %d tokens: %s", what, room, a->text.p);
    CHECK_INT(a->finish, QVL_FINISH_STOP, "%s, %d tokens", what, room);
    CHECK(a->n <= room, "%s: %d tokens of %d", what, a->n, room);
}

/* However few tokens it has, however it is drawn, together with others. */
static void test_json_object(void)
{
    static const double temperature[] = { 0.0, 1.0, 50.0 };
    qvl_err err = { 0 };
    int64_t end = -1;
    qvl_tokenizer *t = make_tokenizer(json_words, &end);
    qvl_generator *g = open_generator(t);
    qvl_reply_ends ends = { .json_object = true };
    qvl_request plain = request_of(5);
    for (int i = 0; i < 90; i++) {
        qvl_reply *a, *other;
        qvl_request request = request_of(i / 3 + 2);
        request.sampling.temperature = temperature[i % 3];
        request.sampling.no_repeat_ngram = i % 2;
        request.sampling.key = (uint64_t)i;
        CHECK_OK(ask(g, &request, &ends, &a, &err), err);
        CHECK_OK(ask(g, &plain, &(qvl_reply_ends){ 0 }, &other,
                                   &err), err);
        while (qvl_generator_n_open(g) > 0)
            CHECK_OK(qvl_generator_step(g, NULL, NULL, &err), err);
        check_object(a, request.max_new, "an object");
        CHECK(other->n == 5 && memcmp(other->id, script, 5 * sizeof *script) == 0,
              "beside it any text");
        qvl_generator_drop(g, a);
        qvl_generator_drop(g, other);
    }
    qvl_generator_close(g);
    qvl_tokenizer_close(t);
}

/* Objects without end, or the same again: the guard does not cut, it closes. */
static void test_json_object_guard(void)
{
    qvl_err err = { 0 };
    int64_t end = -1;
    int n_closed = 0;
    qvl_tokenizer *t = make_tokenizer(json_words, &end);
    qvl_generator *g = open_generator(t);
    qvl_reply_ends ends = { .json_object = true, .is_json = true,
                            .max_entries = 2 };
    for (uint64_t key = 0; key < 60; key++) {
        qvl_reply *a;
        qvl_request request = request_of(300);
        request.sampling.temperature = 1.0;
        request.sampling.no_repeat_ngram = 0;
        request.sampling.key = key;
        CHECK_OK(ask(g, &request, &ends, &a, &err), err);
        while (!a->is_done)
            CHECK_OK(qvl_generator_step(g, NULL, NULL, &err), err);
        check_object(a, 300, "guarded");
        n_closed += a->guard == QVL_JSON_MANY
                    || a->guard == QVL_JSON_REPEATED;
        qvl_generator_drop(g, a);
    }
    CHECK(n_closed > 0, "the guard never saw anything");
    qvl_generator_close(g);
    qvl_tokenizer_close(t);
}

/* One token holds no object: the answer is cut, as always. */
static void test_json_object_cut(void)
{
    qvl_err err = { 0 };
    int64_t end = -1;
    qvl_tokenizer *t = make_tokenizer(words, &end);
    qvl_generator *g = open_generator(t);
    qvl_request request = request_of(1);
    qvl_reply *a;
    CHECK_OK(ask(g, &request,
                               &(qvl_reply_ends){ .json_object = true }, &a,
                               &err), err);
    CHECK_OK(qvl_generator_step(g, NULL, NULL, &err), err);
    CHECK(a->is_done && a->finish == QVL_FINISH_LENGTH, "cut");
    CHECK(a->text.len == 0 || a->text.p[0] == '{', "begins: %s", a->text.p);
    qvl_generator_close(g);
    qvl_tokenizer_close(t);
}

/* ---- several answers to one request ------------------------------------- */

/* Each is the same as with fewer beside it, with its own log probabilities. */
static void test_many(void)
{
    enum { N = 4 };
    qvl_err err = { 0 };
    int64_t end = -1;
    qvl_tokenizer *t = make_tokenizer(words, &end);
    qvl_generator *g = open_generator(t);
    qvl_reply *all[N], *fewer[2];
    qvl_request request = request_of(8);
    qvl_reply_ends ends = { .logprobs = true, .n_top = 2 };
    request.sampling.temperature = 2.0;
    request.sampling.key = 3;
    CHECK_OK(qvl_generator_ask_many(g, &request, &ends, N, all, &err), err);
    CHECK_OK(qvl_generator_ask_many(g, &request, &ends, 2, fewer, &err), err);
    while (qvl_generator_n_open(g) > 0)
        CHECK_OK(qvl_generator_step(g, NULL, NULL, &err), err);
    int n_other = 0;
    for (int i = 0; i < N; i++) {
        const qvl_reply *a = all[i];
        n_other += a->n != all[0]->n
                   || memcmp(a->id, all[0]->id, (size_t)a->n * sizeof *a->id)
                          != 0;
        for (int k = 0; k < a->n; k++) {
            const qvl_logprob *p = a->logprob + 3 * k;
            CHECK_INT(p[0].id, a->id[k], "answer %d, token %d", i, k);
            CHECK(p[1].value >= p[2].value && p[1].value >= p[0].value
                      && p[1].value <= 0.0, "answer %d, token %d", i, k);
        }
    }
    CHECK(n_other > 0, "all draw the same");
    for (int i = 0; i < 2; i++) {
        CHECK_INT(fewer[i]->n, all[i]->n, "answer %d of two", i);
        CHECK(memcmp(fewer[i]->id, all[i]->id, (size_t)all[i]->n
                                                   * sizeof *all[i]->id) == 0,
              "answer %d of two", i);
    }
    qvl_generator_close(g);
    qvl_tokenizer_close(t);
}

static void test_many_refused(void)
{
    qvl_err err = { 0 };
    int64_t end = -1;
    qvl_tokenizer *t = make_tokenizer(words, &end);
    qvl_generator *g = open_generator(t);
    qvl_reply *all[3] = { NULL };
    qvl_request request = request_of(0);
    qvl_reply_ends ends = { .logprobs = true, .n_top = 21 };
    CHECK_FAILS(qvl_generator_ask_many(g, &request, &ends, 3, all, &err),
                QVL_E_USAGE, err, "top_logprobs");
    ends.n_top = 20;
    CHECK_FAILS(qvl_generator_ask_many(g, &request, &ends, 3, all, &err),
                QVL_E_USAGE, err, "max_new_tokens");
    CHECK(all[0] == NULL && qvl_generator_n_open(g) == 0, "nothing was asked");
    qvl_generator_close(g);
    qvl_tokenizer_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_silent),  TEST(test_told),   TEST(test_told_soon),
        TEST(test_refused), TEST(test_failed), TEST(test_refused_request),
        TEST(test_json_object), TEST(test_json_object_guard),
        TEST(test_json_object_cut), TEST(test_many), TEST(test_many_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
