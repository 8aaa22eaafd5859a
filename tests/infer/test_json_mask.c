/* test_json_mask.c - bytes and tokens of JSON: what may come, and how it ends */
#include "check.h"

#include "base/json.h"
#include "base/rng.h"
#include "infer/json_mask.h"

/* ---- bytes -------------------------------------------------------------- */

/* Bytes of a text that are taken. */
static size_t walk(qvl_json_state *s, const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && qvl_json_take(s, (unsigned char)text[i]))
        i++;
    return i;
}

static bool is_json(const char *text, size_t n)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_node *root;
    int rc = qvl_json_parse(&root, text, n, "text", &arena, &err);
    bool is_twice = rc != QVL_OK && strstr(err.msg, "a second time") != NULL;
    bool is_object = rc == QVL_OK && root->kind == QVL_NODE_MAP;
    qvl_arena_release(&arena);
    return is_object || is_twice;
}

/* Append the shortest end, a byte at a time, each of which must bring it one
 * nearer. */
static void close_text(qvl_json_state *s, qvl_str *text)
{
    while (qvl_json_rest(s) > 0) {
        const char *c = qvl_json_closing;
        qvl_json_state next = *s;
        while (*c != '\0'
               && !(qvl_json_take(&next, (unsigned char)*c)
                    && qvl_json_rest(&next) == qvl_json_rest(s) - 1)) {
            next = *s;
            c++;
        }
        CHECK(*c != '\0', "no byte brings the end nearer: |%s|, wait %d",
              text->p != NULL ? text->p : "", s->wait);
        qvl_str_putc(text, *c);
        *s = next;
    }
    CHECK_INT(s->wait, QVL_JSON_END, "closed: %s", text->p);
}

static const char *const good[] = {
    "{}", " {\n}\r\t ", "{\"\":0}", "{\"a\":{}}", "{\"a\":[]}",
    "{ \"a\" : [ 1 , 2 ] , \"b\" : null }", "{\"a\":true,\"b\":false}",
    "{\"a\":-0}", "{\"a\":-0.0e-00}", "{\"a\":12.50E+7}", "{\"a\":1e9}",
    "{\"a\":[[[{\"b\":[{}]}]],[]]}", "{\"a\":0,\"a\":0}", "{\"a\":0.5 }",
    "{\"\\\"\\\\\\/\\b\\f\\n\\r\\t\":\"\\u0041\\uABCD\\ud7ff\\uE000\"}",
    "{\"a\":\"\\ud83d\\uDE00\\uDBFF\\udfff\\u0000\"}",
    "{\"\xe5\xaf\xb9\xe8\xb1\xa1\":\"\xf0\x9f\x98\x80\xc2\x80\xdf\xbf\"}",
    "{\"a\":\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\x7f\"}",
    "{\"object_1\": {\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"red, {a}[b]\"}}",
};

/* Every prefix of what is right is alive, and can be closed to something right
 * in as many bytes as it says. */
static void test_good(void)
{
    for (size_t i = 0; i < QVL_COUNT(good); i++) {
        size_t n = strlen(good[i]);
        CHECK(is_json(good[i], n), "%s is no JSON", good[i]);
        for (size_t k = 0; k <= n; k++) {
            qvl_json_state s = { 0 };
            qvl_str text = { 0 };
            CHECK_INT(walk(&s, good[i], k), k, "%s", good[i]);
            qvl_str_putn(&text, good[i], k);
            size_t rest = (size_t)qvl_json_rest(&s);
            close_text(&s, &text);
            CHECK_INT(text.len, k + rest, "%s: rest", good[i]);
            CHECK(is_json(text.p, text.len), "%s is no JSON", text.p);
            qvl_str_release(&text);
        }
    }
}

/* The last byte is the one that is refused. */
static const char *const bad[] = {
    "x", "[", "\"", "1", "t", "\xef", "{}{", "{}x", "{,", "{1", "{a", "{]",
    "{\"a\"}", "{\"a\",", "{\"a\":}", "{\"a\":,", "{\"a\":0,}", "{\"a\":0]",
    "{\"a\":[}", "{\"a\":[,", "{\"a\":[1,]", "{\"a\":[1}", "{\"a\":01",
    "{\"a\":-a", "{\"a\":-}", "{\"a\":+", "{\"a\":.", "{\"a\":1.}",
    "{\"a\":1.e", "{\"a\":1..", "{\"a\":1.5.", "{\"a\":1e}", "{\"a\":1e+}",
    "{\"a\":1e+-", "{\"a\":1ee", "{\"a\":1e2.", "{\"a\":1e100", "{\"a\":00",
    "{\"a\":-01", "{\"a\":1x", "{\"a\":1 2", "{\"a\":1 .", "{\"a\":tx",
    "{\"a\":truE", "{\"a\":truee", "{\"a\":nul}", "{\"a\":N", "{\"a\":fals\"",
    "{\"a\":\"\n", "{\"a\":\"\x1f", "{\"a\":\"\\x", "{\"a\":\"\\u12g",
    "{\"a\":\"\\\n", "{\"a\":\"\\u\"", "{\"a\":\"\\udc", "{\"a\":\"\\uDF",
    "{\"a\":\"\\ud800\"", "{\"a\":\"\\ud800x", "{\"a\":\"\\ud800\\n",
    "{\"a\":\"\\ud800\\u0", "{\"a\":\"\\ud800\\ud8", "{\"a\":\"\x80",
    "{\"a\":\"\xc0", "{\"a\":\"\xc1", "{\"a\":\"\xc2\"", "{\"a\":\"\xe0\x9f",
    "{\"a\":\"\xed\xa0", "{\"a\":\"\xf0\x8f", "{\"a\":\"\xf4\x90",
    "{\"a\":\"\xf5", "{\"a\":\"\xff", "{\"a\":\"\xe5\xaf\"",
    "{\"a\":\"\xf0\x9f\x98x", "{\"a\" \"", "{\"a\":0 \"", "{\"a\":{}0",
    "{\v", "{\f", "{\"a\":'",
};

static void test_bad(void)
{
    for (size_t i = 0; i < QVL_COUNT(bad); i++) {
        qvl_json_state s = { 0 };
        size_t n = strlen(bad[i]);
        CHECK_INT(walk(&s, bad[i], n), n - 1, "%s", bad[i]);
        qvl_json_state before = s;
        CHECK(!qvl_json_take(&s, '\0'), "%s: NUL", bad[i]);
        CHECK(memcmp(&before, &s, sizeof s) == 0, "%s: changed", bad[i]);
    }
}

/* Any byte anywhere: it is taken exactly where what results can be closed. */
static void test_every_byte(void)
{
    for (size_t i = 0; i < QVL_COUNT(good); i++)
        for (size_t k = 0; k <= strlen(good[i]); k++)
            for (int c = 0; c < 256; c++) {
                qvl_json_state s = { 0 };
                qvl_str text = { 0 };
                walk(&s, good[i], k);
                if (!qvl_json_take(&s, (unsigned char)c))
                    continue;
                qvl_str_putn(&text, good[i], k);
                qvl_str_putc(&text, (char)c);
                close_text(&s, &text);
                CHECK(is_json(text.p, text.len), "%s, byte %d: %s", good[i],
                      c, text.p);
                qvl_str_release(&text);
            }
}

static void test_limits(void)
{
    static const struct {
        const char *before, *again;
        size_t most;
        const char *behind;
    } cases[] = {
        { "", " ", QVL_JSON_MAX_SPACE, "{" },
        { "{", "\n", QVL_JSON_MAX_SPACE, "\"" },
        { "{\"a\":0", " ", QVL_JSON_MAX_SPACE, "," },
        { "{\"a\"", "\t", QVL_JSON_MAX_SPACE, ": " },
        { "{}", " ", QVL_JSON_MAX_SPACE, "" },
        { "{\"a\":", "1", QVL_JSON_MAX_DIGITS, ".5" },
        { "{\"a\":-1.", "0", QVL_JSON_MAX_DIGITS - 1, "e5" },
        { "{\"a\":0.", "0", QVL_JSON_MAX_DIGITS, "}" },
        { "{\"a\":1e", "1", 2, " " },
        { "{\"a\":", "[", QVL_JSON_MAX_OPEN - 1, "1" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_json_state s = { 0 };
        size_t n = 0;
        walk(&s, cases[i].before, strlen(cases[i].before));
        while (n < 1000 && qvl_json_take(&s, (unsigned char)*cases[i].again))
            n++;
        CHECK_INT(n, cases[i].most, "%s", cases[i].before);
        CHECK_INT(walk(&s, cases[i].behind, strlen(cases[i].behind)),
                  strlen(cases[i].behind), "%s: behind", cases[i].before);
    }
}

/* ---- tokens ------------------------------------------------------------- */

static qvl_tokenizer *tokenizer;
static qvl_json_tokens *tokens;
static int vocab;  // more ids than the tokenizer has

static int open_all(void **state)
{
    qvl_err err = { 0 };
    (void)state;
    CHECK_OK(qvl_tokenizer_open(&tokenizer, TOKENIZER, &err), err);
    vocab = qvl_tokenizer_n_ids(tokenizer) + 37;
    CHECK_OK(qvl_json_tokens_open(&tokens, tokenizer, vocab, &err), err);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    qvl_json_tokens_close(tokens);
    qvl_json_tokens_close(NULL);
    qvl_tokenizer_close(tokenizer);
    return 0;
}

static bool is_set(const uint64_t *bits, int i)
{
    return (bits[i / 64] >> i % 64 & 1) != 0;
}

/* The answer told from the bytes alone. */
static bool may_come(const qvl_json_state *state, int id, int most)
{
    if (id >= qvl_tokenizer_n_ids(tokenizer))
        return false;
    qvl_json_state s = *state;
    qvl_token t = qvl_tokenizer_token(tokenizer, id);
    return t.p != NULL && t.len > 0 && !t.is_special
           && walk(&s, t.p, t.len) == t.len && qvl_json_rest(&s) <= most;
}

static void check_mask(const qvl_json_rule *r, int room, const char *where)
{
    const uint64_t *bits = qvl_json_rule_allowed(r, room);
    int rest = qvl_json_rest(&r->state);
    int most = r->ends_now ? rest - 1 : rest <= room ? room - 1 : 1 << 20;
    for (int i = 0; i < vocab; i++)
        CHECK_INT(is_set(bits, i), may_come(&r->state, i, most),
                  "%s, wait %d, room %d, token %d", where, r->state.wait, room,
                  i);
}

/* At every prefix, with any room, the mask is what the bytes say. */
static void test_masks(void)
{
    for (size_t i = 0; i < QVL_COUNT(good); i++) {
        for (size_t k = 0; k <= strlen(good[i]); k++) {
            qvl_json_rule r = { .tokens = tokens };
            walk(&r.state, good[i], k);
            int rest = qvl_json_rest(&r.state);
            check_mask(&r, 10000, good[i]);
            for (int room = rest - 1; room < rest + 6; room++)
                check_mask(&r, room, good[i]);
            r.ends_now = true;
            check_mask(&r, 10000, good[i]);
        }
    }
}

/* Runs and brackets at their limits, where a token of several goes too far. */
static void test_masks_at_limits(void)
{
    static const char *const before[] = { "", "{", "{\"a\": ", "{\"a\":1",
                                          "{\"a\":0.", "{\"a\":" };
    static const char again[] = "  \n10[";
    for (size_t i = 0; i < QVL_COUNT(before); i++) {
        qvl_json_rule r = { .tokens = tokens };
        walk(&r.state, before[i], strlen(before[i]));
        do {
            check_mask(&r, 10000, before[i]);
        } while (qvl_json_take(&r.state, (unsigned char)again[i]));
    }
}

/* Draw tokens blindly among those allowed; the text is whole in time. */
static void draw_text(uint64_t key, int room, bool ends_early)
{
    qvl_rng rng = { .key = key };
    qvl_json_rule r = { .tokens = tokens };
    qvl_str text = { 0 };
    bool is_closed = false;
    int left = room;
    for (; left > 0 && !is_closed; left--) {
        r.ends_now = ends_early && left < room / 2;
        const uint64_t *bits = qvl_json_rule_allowed(&r, left);
        int n = 0, chosen = -1;
        for (int i = 0; i < vocab; i++)
            if (is_set(bits, i) && qvl_rng_below(&rng, (uint64_t)++n) == 0)
                chosen = i;
        CHECK(chosen >= 0, "nothing is allowed behind %s", text.p);
        qvl_token t = qvl_tokenizer_token(tokenizer, chosen);
        qvl_str_putn(&text, t.p, t.len);
        is_closed = qvl_json_rule_take(&r, chosen);
    }
    CHECK(is_closed, "key %llu: cut at %d tokens: %s",
          (unsigned long long)key, room, text.p);
    CHECK(is_json(text.p, text.len), "key %llu: %s", (unsigned long long)key,
          text.p);
    qvl_str_release(&text);
}

static void test_soup(void)
{
    for (uint64_t key = 0; key < 600; key++)
        draw_text(key, (int)(key % 90) + 2, key % 3 == 0);
}

/* A special token is never allowed, were it to spell what is. */
static void test_special(void)
{
    int n = 0;
    qvl_json_rule r = { .tokens = tokens };
    walk(&r.state, "{\"", 2);
    const uint64_t *bits = qvl_json_rule_allowed(&r, 1000);
    for (int i = 0; i < qvl_tokenizer_n_ids(tokenizer); i++)
        if (qvl_tokenizer_token(tokenizer, i).is_special) {
            CHECK(!is_set(bits, i), "special token %d", i);
            n++;
        }
    CHECK(n > 0, "no special token");
}

static int open_starved(void *arg)
{
    qvl_err err = { 0 };
    *(int *)arg = qvl_json_tokens_open(&(qvl_json_tokens *){ NULL }, tokenizer,
                                       vocab, &err);
    return QVL_OK;
}

static void test_errors(void)
{
    qvl_err err = { 0 };
    qvl_json_tokens *t = NULL;
    CHECK_FAILS(qvl_json_tokens_open(&t, tokenizer, 3, &err), QVL_E_MODEL,
                err, "alone");
    CHECK(t == NULL, "something came out");
    int rc = QVL_OK;
    qvl_memory_limit(1000);
    CHECK_OK(qvl_guard(open_starved, &rc, &err), err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "no memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good),       TEST(test_bad),
        TEST(test_every_byte), TEST(test_limits),
        TEST(test_masks),      TEST(test_masks_at_limits),
        TEST(test_soup),       TEST(test_special),
        TEST(test_errors),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
