/* test_tokenizer.c - ids both ways, special tokens in texts, streams, damaged files */
#include "base/arena.h"
#include "base/json.h"
#include "base/rng.h"
#include "check.h"
#include "text/tokenizer_build.h"
#include "text/unicode.h"
#include "tokens.h"

/* ---- encode ------------------------------------------------------------- */

static qvl_ids encode(const qvl_tokenizer *t, const qvl_text_part *part,
                      size_t n)
{
    qvl_ids ids = { 0 };
    qvl_err err = { 0 };
    CHECK_OK(qvl_tokenizer_encode(t, part, n, &ids, &err), err);
    return ids;
}

/* Texts with the ids that the whole tokenizer gives; and back. */
static void test_vectors(void)
{
    char *file = tokens_fixture("vectors.jsonl");
    qvl_tokenizer *t = tokens_cut();
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    int line = 1;
    for (char *p = file, *end; (end = strchr(p, '\n')) != NULL; p = end + 1) {
        qvl_node *map;
        CHECK_OK(qvl_json_parse(&map, p, (size_t)(end - p), "vectors", &a,
                                &err), err);
        const qvl_node *text = qvl_node_find(map, "text");
        const qvl_node *want = qvl_node_find(map, "ids");
        const qvl_node *added = qvl_node_find(map, "add_special");
        qvl_text_part part = { .p = text->s, .len = text->s_len,
                               .is_literal = added != NULL && !added->b };
        qvl_ids ids = encode(t, &part, 1);
        CHECK_INT(ids.n, want->n, "line %d: %s", line, tokens_print(&ids));
        for (size_t i = 0; i < want->n; i++)
            CHECK_INT(ids.p[i], want->items[i].i, "line %d", line);
        qvl_ids_release(&ids);
        line++;
    }
    CHECK_INT(line, 21, "vectors");
    qvl_arena_release(&a);
    free(file);
}

static void test_literal(void)
{
    qvl_tokenizer *t = tokens_cut();
    CHECK_STR(tokens_of(t, "<|im_end|>", false), "151645", "matched");
    CHECK_STR(tokens_of(t, "<|im_end|>", true), "27 91 318 6213 91 29",
              "as text");
    CHECK_STR(tokens_of(t, "", false), "", "nothing");
    CHECK_STR(tokens_of(t, "<|im_start|><|im_end|>", false), "151644 151645",
              "two");
    CHECK_STR(tokens_of(t, "<<|im_end|>>", false), "27 151645 29", "between");
}

/* Parts are one text, but an added token stands in one part alone. */
static void test_parts(void)
{
    static const struct {
        qvl_text_part part[3];
        const char *ids;
    } cases[] = {
        { { { "\n", 1, false }, { "\n", 1, true } }, "271" },
        { { { "us", 2, true }, { "er", 2, true } }, "872" },
        { { { "Cafe", 4, false }, { "\xcc\x81", 2, true } }, "34 2577 963" },
        { { { "<|im_", 5, false }, { "end|>", 5, false } },
          "27 91 318 6213 91 29" },
        { { { "<|im_", 5, true }, { "end|>", 5, true } },
          "27 91 318 6213 91 29" },
        { { { "<|im_end|>", 10, false }, { "<|im_end|>", 10, true },
            { "<|im_end|>", 10, false } },
          "151645 27 91 318 6213 91 29 151645" },
        /* the same again and again, up to the end of its part */
        { { { "<|im_end|><|im_end|><|im_end|><|im_", 35, false },
            { "end|>", 5, false } },
          "151645 151645 151645 27 91 318 6213 91 29" },
        { { { "<|im_end|><|im_end|>", 20, false }, { "<|im_end|>", 10, true } },
          "151645 151645 27 91 318 6213 91 29" },
        { { { NULL, 0, false }, { "user", 4, false }, { NULL, 0, true } },
          "872" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_ids ids = encode(tokens_cut(), cases[i].part, 3);
        CHECK_STR(tokens_print(&ids), cases[i].ids, "case %zu", i);
        qvl_ids_release(&ids);
    }
}

static void test_wrong_text(void)
{
    static const struct {
        qvl_text_part part[2];
        const char *found;
    } cases[] = {
        { { { "ab\xff", 3, false } }, "found byte 0xff at place 2" },
        { { { "ab", 2, false }, { "\xe7\xba", 2, true } },
          "found byte 0xe7 at place 2" },
        { { { "\xe7", 1, false }, { "\xba\xbf", 2, false } },
          "found byte 0xe7 at place 0" },
        { { { "\xed\xa0\x80", 3, false } }, "found byte 0xed" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_ids ids = { 0 };
        qvl_err err = { 0 };
        qvl_ids_put(&ids, 7);
        CHECK_FAILS(qvl_tokenizer_encode(tokens_cut(), cases[i].part, 2, &ids,
                                         &err),
                    QVL_E_DATA, err, cases[i].found);
        CHECK_STR(tokens_print(&ids), "7", "case %zu: unchanged", i);
        qvl_ids_release(&ids);
    }
    qvl_err err = { 0 };
    qvl_ids ids = { 0 };
    qvl_text_part long_part = { .p = "a", .len = ((size_t)1 << 30) + 1 };
    CHECK_FAILS(qvl_tokenizer_encode(tokens_cut(), &long_part, 1, &ids, &err),
                QVL_E_RANGE, err, "more than 1073741824 bytes");
}

static bool is_same(const qvl_ids *a, const qvl_ids *b)
{
    return a->n == b->n && a->n > 0 && memcmp(a->p, b->p, a->n * sizeof *a->p) == 0;
}

/* Texts that were encoded or remembered before have the same ids again, whole, inside
 * another text, and where an added token does not count. */
static void test_known(void)
{
    static const char *const text[] = {
        "system\nList all objects that can be seen, in order, as JSON only.",
        "system\nList all objects that can be seen, in order, as <|im_end|> JSON",
        ("\xe5\x8f\xaf\xe8\xa7\x81\xe6\x80\xa7=\xe5\xae\x8c\xe6\x95\xb4, "
         "Cafe\xcc\x81 and something longer behind it"),
        "short",
    };
    qvl_tokenizer *t;
    qvl_err err = { 0 };
    CHECK_OK(qvl_tokenizer_open(&t, TEXT_FIXTURES "/cut", &err), err);
    for (size_t i = 0; i < 8 * QVL_COUNT(text); i++) {
        const char *p = text[i / 2 % QVL_COUNT(text)];
        bool is_literal = i % 2 == 1;
        qvl_text_part part[] = { { "<|im_start|>", 12, false },
                                 { p, strlen(p), is_literal },
                                 { "<|im_end|>", 10, false } };
        qvl_ids want = encode(tokens_cut(), part, 3);
        qvl_ids ids = encode(t, part, 3);
        CHECK(is_same(&ids, &want), "text %zu: %s", i, tokens_print(&ids));
        qvl_ids_release(&ids);
        CHECK_OK(qvl_tokenizer_remember(t, part, 3, &err), err);
        ids = encode(t, part, 3);
        CHECK(is_same(&ids, &want), "text %zu again: %s", i, tokens_print(&ids));
        qvl_ids_release(&ids);
        qvl_ids_release(&want);
    }
    qvl_text_part wrong = { "\xff", 1, true };
    CHECK_FAILS(qvl_tokenizer_remember(t, &wrong, 1, &err), QVL_E_DATA, err, "0xff");
    qvl_tokenizer_close(t);
}

/* More texts than are kept: the first stay, all have their ids. */
static void test_many_known(void)
{
    enum { N = 2 * QVL_MAX_KNOWN + 1 };
    char text[N][64];
    qvl_tokenizer *t;
    qvl_err err = { 0 };
    CHECK_OK(qvl_tokenizer_open(&t, TEXT_FIXTURES "/cut", &err), err);
    for (int i = 0; i < N; i++) {
        snprintf(text[i], sizeof text[i], "%d objects can be seen, in order of size", i);
        qvl_text_part part = { text[i], strlen(text[i]), true };
        CHECK_OK(qvl_tokenizer_remember(t, &part, 1, &err), err);
        CHECK_INT(t->n_known, i < QVL_MAX_KNOWN ? i + 1 : QVL_MAX_KNOWN, "text %d", i);
    }
    for (int i = 0; i < N; i++) {
        qvl_text_part part = { text[i], strlen(text[i]), true };
        qvl_ids want = encode(tokens_cut(), &part, 1);
        qvl_ids ids = encode(t, &part, 1);
        CHECK(is_same(&ids, &want), "text %d: %s", i, tokens_print(&ids));
        qvl_ids_release(&ids);
        qvl_ids_release(&want);
    }
    qvl_tokenizer_close(t);
}

/* ---- facts -------------------------------------------------------------- */

static void test_facts(void)
{
    qvl_tokenizer *t = tokens_cut();
    CHECK_INT(qvl_tokenizer_n_ids(t), 151669, "ids");
    CHECK_INT(qvl_tokenizer_eos(t), 151645, "end");
    CHECK_INT(qvl_tokenizer_find(t, "<|image_pad|>", 13), 151655, "added");
    CHECK_INT(qvl_tokenizer_find(t, "user", 4), 872, "merged");
    CHECK_INT(qvl_tokenizer_find(t, " ", 1), 220, "byte");
    CHECK_INT(qvl_tokenizer_find(t, "no such token", 13), -1, "none");
    qvl_token token = qvl_tokenizer_token(t, 1879);
    CHECK(token.len == 6 && memcmp(token.p, " world", 6) == 0, "bytes");
    CHECK(!token.is_added && !token.is_special, "merged");
    token = qvl_tokenizer_token(t, 151657);
    CHECK(token.is_added && !token.is_special, "<tool_call>");
    token = qvl_tokenizer_token(t, 151645);
    CHECK(token.is_added && token.is_special, "<|im_end|>");
    CHECK(qvl_tokenizer_token(t, 5000).p == NULL, "an id without token");
}

/* ---- decode ------------------------------------------------------------- */

static void test_decode(void)
{
    static const struct {
        int id[6];
        size_t n;
        qvl_special special;
        const char *text;
    } cases[] = {
        { { 9707, 11, 1879, 0 }, 4, QVL_SPECIAL_KEEP, "Hello, world!" },
        { { 151645, 151667, 198 }, 3, QVL_SPECIAL_KEEP,
          "<|im_end|><think>\n" },
        { { 151645, 151667, 198 }, 3, QVL_SPECIAL_SKIP, "<think>\n" },
        /* a character over two tokens, and around one that is left out */
        { { 30484, 97 }, 2, QVL_SPECIAL_KEEP, "\xe0\xa5\x8d\xe0\xa4\xa4" },
        { { 30484, 151645, 97 }, 3, QVL_SPECIAL_SKIP, "\xe0\xa5\x8d\xe0\xa4\xa4" },
        { { 30484, 151645, 97 }, 3, QVL_SPECIAL_KEEP,
          "\xe0\xa5\x8d\xef\xbf\xbd<|im_end|>\xef\xbf\xbd" },
        { { 30484 }, 1, QVL_SPECIAL_KEEP, "\xe0\xa5\x8d\xef\xbf\xbd" },
        { { 97, 97 }, 2, QVL_SPECIAL_KEEP, "\xef\xbf\xbd\xef\xbf\xbd" },
        { { 0 }, 0, QVL_SPECIAL_KEEP, "" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str out = { 0 };
        qvl_err err = { 0 };
        qvl_str_puts(&out, ">");
        CHECK_OK(qvl_tokenizer_decode(tokens_cut(), cases[i].id, cases[i].n,
                                      cases[i].special, &out, &err), err);
        CHECK_STR(out.p + 1, cases[i].text, "case %zu", i);
        qvl_str_release(&out);
    }
}

static void test_decode_wrong(void)
{
    static const int wrong[] = { -1, 5000, 151669, 1 << 30 };
    for (size_t i = 0; i < QVL_COUNT(wrong); i++) {
        qvl_str out = { 0 };
        qvl_err err = { 0 };
        qvl_str_puts(&out, "before");
        int ids[] = { 872, wrong[i] };
        CHECK_FAILS(qvl_tokenizer_decode(tokens_cut(), ids, 2,
                                         QVL_SPECIAL_KEEP, &out, &err),
                    QVL_E_RANGE, err, "token 1 of 2: token id: found ");
        CHECK_STR(out.p, "before", "unchanged");
        qvl_str_release(&out);
    }
}

/* Bytes of random tokens: at every step what is out is valid and final, and at
 * the end it is what the whole gives. */
static void test_stream(void)
{
    qvl_tokenizer *t = tokens_cut();
    qvl_rng r = { .key = 4 };
    for (int round = 0; round < 3000; round++) {
        int id[12];
        size_t n = (size_t)(qvl_rng_next(&r) % QVL_COUNT(id));
        qvl_str all = { 0 };
        qvl_str bytes = { 0 };
        qvl_str steps = { 0 };
        qvl_str want = { 0 };
        qvl_err err = { 0 };
        qvl_decoder d;
        qvl_decoder_init(&d, t, QVL_SPECIAL_KEEP);
        for (size_t i = 0; i < n; i++) {
            do
                id[i] = (int)(qvl_rng_next(&r) % 256);
            while (qvl_tokenizer_token(t, id[i]).p == NULL);
            qvl_token token = qvl_tokenizer_token(t, id[i]);
            qvl_str_putn(&bytes, token.p, token.len);
            CHECK_OK(qvl_decoder_push(&d, id[i], &steps, &err), err);
            CHECK_INT(qvl_utf8_valid_bytes(steps.p, steps.len), steps.len,
                      "round %d, step %zu", round, i);
        }
        qvl_decoder_finish(&d, &steps);
        CHECK_OK(qvl_tokenizer_decode(t, id, n, QVL_SPECIAL_KEEP, &all, &err),
                 err);
        qvl_utf8_repair(&want, bytes.p, bytes.len);
        CHECK_STR(all.p, want.p, "round %d", round);
        CHECK_STR(steps.p, want.p, "round %d", round);
        qvl_str_release(&all);
        qvl_str_release(&bytes);
        qvl_str_release(&steps);
        qvl_str_release(&want);
    }
}

/* ---- files -------------------------------------------------------------- */

static const char *const files[] = { "tokenizer.json",
                                     "tokenizer_config.json", "vocab.json",
                                     "merges.txt" };

static void clear(void)
{
    for (size_t i = 0; i < QVL_COUNT(files); i++)
        tokens_write(files[i], NULL);
}

/* The cut with one place of one file changed cannot be opened. */
static void test_damaged(void)
{
    static const struct {
        int file;
        const char *from;
        const char *to;
        const char *part;
    } cases[] = {
        { 0, "{", "[", "tokenizer.json:1:" },
        { 0, "\"BPE\"", "\"WordPiece\"", "found string WordPiece, expected BPE" },
        { 0, "\"model\":", "\"modell\":", "found string modell" },
        { 0, "\"byte_fallback\":false", "\"byte_fallback\":true",
          "byte_fallback (" },
        { 0, "\"ignore_merges\":false", "\"ignore_merges\":true",
          "ignore_merges (" },
        { 0, "\"dropout\":null", "\"dropout\":0.1", "dropout (" },
        { 0, "\"unk_token\":null", "\"unk_token\":\"?\"", "unk_token (" },
        { 0, "\"end_of_word_suffix\":\"\"", "\"end_of_word_suffix\":\"</w>\"",
          "expected an empty string" },
        { 0, "\"fuse_unk\":", "\"fuse\":", "found string fuse" },
        { 0, "\"NFC\"", "\"NFKC\"", "found string NFKC, expected NFC" },
        { 0, "\"Sequence\"", "\"Metaspace\"", "expected Sequence" },
        { 0, "\"Split\"", "\"Digits\"", "expected Split" },
        { 0, "\"Isolated\"", "\"Removed\"", "expected Isolated" },
        { 0, "\"Regex\"", "\"String\"", "pattern.Regex (" },
        { 0, "|\\\\s+(?!", "|\\\\w+(?!", "found \\w" },
        { 0, "\"use_regex\":false", "\"use_regex\":true", "use_regex (" },
        { 0, "\"add_prefix_space\":false", "\"add_prefix_space\":true",
          "add_prefix_space (" },
        { 0, "\"decoder\":{\"type\":\"ByteLevel\"",
          "\"decoder\":{\"type\":\"WordPiece\"", "decoder.type" },
        { 0, "\"post_processor\":{\"type\":\"ByteLevel\"",
          "\"post_processor\":{\"type\":\"TemplateProcessing\"",
          "post_processor.type" },
        { 0, "\"#\":2", "\"#\":1", "found an id that another token has" },
        { 0, "\"#\":2", "\"#\":-2", "found a wrong id" },
        { 0, "\"#\":2", "\"#\":99999999", "found a wrong id" },
        { 0, "\"#\":2", "\"#\":\"2\"", "found a wrong id" },
        { 0, "\"#\":2", "\"##\":2", "found no token for byte 0x23" },
        { 0, "\"#\":2", "\"\xe7\xba\xbf\":2",
          "found a character that stands for no byte" },
        { 0, "\"#\":2", "\"\":2", "found no text" },
        { 0, "\"merges\":[[\"", "\"merges\":[[\"us",
          "found a left part that is no token" },
        { 0, "\"merges\":[[", "\"merges\":[[\"u\",\"#\"],[",
          "found a result that is no token" },
        { 0, "\"merges\":[[", "\"merges\":[[\"u\",\"zz\"],[",
          "found a right part that is no token" },
        { 0, "\"merges\":[", "\"merges\":[[\"u\"],", "merge (" },
        { 0, "\"merges\":[", "\"merges\":[\"ue\",", "merge (" },
        { 0, "\"merges\":[", "\"merges\":[7,", "merge (" },
        { 0, "\"merges\":[[",
          "\"merges\":[[\"\xc4\xa0\",\"\xc4\xa0\"],[\"\xc4\xa0\",\"\xc4\xa0\"],[",
          "result that is no token" },
        { 0, "\"id\":151643", "\"id\":0", "found the id taken" },
        { 0, "\"id\":151643", "\"id\":-1", "an id from 0 to 16777215" },
        { 0, "\"id\":151643", "\"id\":151644", "found the id taken" },
        { 0, "<|endoftext|>", "<|im_start|>", "text under another id" },
        { 0, "<|endoftext|>", "#", "text under another id" },
        { 0, "<|endoftext|>", "", "expected some text" },
        { 0, "\"lstrip\":false", "\"lstrip\":true", "lstrip (" },
        { 0, "\"single_word\":false", "\"single_word\":true",
          "single_word (" },
        { 0, "\"special\":true", "\"special\":1", "special (" },
        { 1, "\"eos_token\":\"<|im_end|>\"", "\"eos_token\":\"<|eot|>\"",
          "token <|eot|>: found no token" },
        { 1, "\"pad_token\":\"<|endoftext|>\"", "\"pad_token\":7",
          "pad_token (" },
        { 1, "\"151644\"", "\"151700\"", "the same token as" },
        { 1, "\"151644\"", "\"x\"", "ids as keys" },
        { 1, "\"<|endoftext|>\"", "\"<|end|>\"", "the same token as" },
        { 1, "\"special\":true", "\"special\":false", "the same token as" },
        { 1, "\"add_bos_token\":false", "\"add_bos_token\":true",
          "add_bos_token (" },
        { 1, "\"errors\":\"replace\"", "\"errors\":\"ignore\"", "errors (" },
        { 1, "\"split_special_tokens\":false", "\"split_special_tokens\":true",
          "split_special_tokens (" },
        { 1, "{", "[", "tokenizer_config.json:1:" },
    };
    char *text[2] = { tokens_fixture("cut/tokenizer.json"),
                      tokens_fixture("cut/tokenizer_config.json") };
    clear();
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        int k = cases[i].file;
        char *changed = tokens_replace(text[k], cases[i].from, cases[i].to);
        tokens_write(files[k], changed);
        tokens_write(files[1 - k], k == 1 ? text[0] : NULL);
        qvl_tokenizer *t = NULL;
        qvl_err err = { 0 };
        int rc = qvl_tokenizer_open(&t, tokens_dir(), &err);
        CHECK_INT(rc, QVL_E_MODEL, "%s to %s", cases[i].from, cases[i].to);
        CHECK_INT(err.code, QVL_E_MODEL, "%s", cases[i].to);
        CHECK_HAS(err.msg, cases[i].part, "%s to %s", cases[i].from,
                  cases[i].to);
        CHECK(t == NULL, "%s: unchanged", cases[i].to);
        free(changed);
    }
    free(text[0]);
    free(text[1]);
}

/* A file cut anywhere is an error, not a crash. */
static void test_cut_short(void)
{
    char *text = tokens_fixture("cut/tokenizer.json");
    size_t len = strlen(text);
    clear();
    for (size_t n = 0; n + 2 < len; n += 97) {
        char kept = text[n];
        text[n] = '\0';
        tokens_write("tokenizer.json", text);
        text[n] = kept;
        qvl_tokenizer *t = NULL;
        qvl_err err = { 0 };
        CHECK_FAILS(qvl_tokenizer_open(&t, tokens_dir(), &err), QVL_E_MODEL,
                    err, "tokenizer.json:");
    }
    free(text);
}

/* Random changes give an error or another tokenizer, never a crash. */
static void test_changed_anywhere(void)
{
    static const char signs[] = "{}[]\",:0129a \\\xc4";
    char *text = tokens_fixture("cut/tokenizer.json");
    size_t len = strlen(text);
    qvl_rng r = { .key = 7 };
    int n_opened = 0;
    clear();
    for (int round = 0; round < 500; round++) {
        size_t at = (size_t)(qvl_rng_next(&r) % len);
        char kept = text[at];
        text[at] = signs[qvl_rng_next(&r) % (sizeof signs - 1)];
        tokens_write("tokenizer.json", text);
        text[at] = kept;
        qvl_tokenizer *t = NULL;
        qvl_err err = { 0 };
        int rc = qvl_tokenizer_open(&t, tokens_dir(), &err);
        CHECK(rc == QVL_OK || rc == QVL_E_MODEL, "round %d: %s", round,
              qvl_err_name(rc));
        n_opened += rc == QVL_OK;
        if (rc == QVL_OK)
            tokens_of(t, "Hello, caf\xc3\xa9 12 <|im_end|>\n\n", false);
        qvl_tokenizer_close(t);
    }
    CHECK(n_opened > 5 && n_opened < 400, "%d opened", n_opened);
    free(text);
}

static void test_missing(void)
{
    qvl_tokenizer *t = NULL;
    qvl_err err = { 0 };
    clear();
    CHECK_FAILS(qvl_tokenizer_open(&t, tokens_dir(), &err), QVL_E_MODEL, err,
                "found neither tokenizer.json nor vocab.json");
    CHECK_FAILS(qvl_tokenizer_open(&t, check_path("nowhere"), &err),
                QVL_E_MODEL, err, "expected a folder");
    tokens_write("vocab.json", "{\"a\":0}");
    tokens_write("merges.txt", "");
    CHECK_FAILS(qvl_tokenizer_open(&t, tokens_dir(), &err), QVL_E_MODEL, err,
                "without tokenizer_config.json");
}

/* Texts of the cut, with a merge as it is written in each form. */
static void check_same(const char *name)
{
    static const char text[] = "Hello, caf\xc3\xa9!\n\n<|im_end|>user  two";
    qvl_tokenizer *t;
    qvl_err err = { 0 };
    char want[256];
    snprintf(want, sizeof want, "%s", tokens_of(tokens_cut(), text, false));
    CHECK_OK(qvl_tokenizer_open(&t, tokens_dir(), &err), err);
    CHECK_STR(tokens_of(t, text, false), want, "%s", name);
    CHECK_INT(qvl_tokenizer_eos(t), 151645, "%s", name);
    qvl_tokenizer_close(t);
}

/* The part of a JSON text that a node of its tree begins, up to `end`. */
static char *part_of(const char *text, const char *from, const char *end)
{
    const char *start = strstr(text, from);
    CHECK(start != NULL, "%s", from);
    start += strlen(from);
    const char *stop = strstr(start, end);
    CHECK(stop != NULL, "%s", end);
    return strndup(start, (size_t)(stop - start));
}

/* Write merges as "a b": one a line, or as JSON strings. */
static char *merges_as_text(const char *pairs, const char *open,
                            const char *close)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_node *list;
    qvl_str out = { 0 };
    qvl_str_puts(&out, "[");
    qvl_str_puts(&out, pairs);
    qvl_str_puts(&out, "]");
    CHECK_OK(qvl_json_parse(&list, out.p, out.len, "merges", &a, &err), err);
    qvl_str_reset(&out);
    for (size_t i = 0; i < list->n; i++) {
        qvl_str merge = { 0 };
        const qvl_node *m = list->items[i].items;
        qvl_str_printf(&merge, "%s %s", m[0].s, m[1].s);
        if (open[0] == '"')
            qvl_json_quote(&out, merge.p, merge.len);
        else
            qvl_str_puts(&out, merge.p);
        qvl_str_puts(&out, i + 1 < list->n ? close : "");
        qvl_str_release(&merge);
    }
    qvl_arena_release(&a);
    return out.p;
}

static void test_forms(void)
{
    char *json = tokens_fixture("cut/tokenizer.json");
    char *config = tokens_fixture("cut/tokenizer_config.json");
    char *pairs = part_of(json, "\"merges\":[", "]}");
    char *vocab = part_of(json, "\"vocab\":", ",\"merges\"");
    clear();
    char *strings = merges_as_text(pairs, "\"", ",");
    char *changed = tokens_replace(json, pairs, strings);
    tokens_write("tokenizer.json", changed);
    tokens_write("tokenizer_config.json", config);
    check_same("merges as strings");

    char *lines = merges_as_text(pairs, "", "\r\n");
    char *with_version = tokens_replace("#version: 0.2\n*", "*", lines);
    clear();
    tokens_write("vocab.json", vocab);
    tokens_write("merges.txt", with_version);
    tokens_write("tokenizer_config.json", config);
    check_same("vocab.json and merges.txt");

    tokens_write("merges.txt", "nospace\n");
    qvl_tokenizer *t = NULL;
    qvl_err err = { 0 };
    CHECK_FAILS(qvl_tokenizer_open(&t, tokens_dir(), &err), QVL_E_MODEL, err,
                "merges.txt:1): found nospace");
    char *const all[] = { json, config, pairs, vocab, strings, changed, lines,
                          with_version };
    for (size_t i = 0; i < QVL_COUNT(all); i++)
        free(all[i]);
}

/* Added tokens of both kinds: raw before the normal form, others behind it,
 * the longest at a place, and none in a stretch with literal text. */
static void test_added(void)
{
    static const char more[] =
        "\"added_tokens\":["
        "{\"id\":151670,\"content\":\"caf\xc3\xa9\",\"single_word\":false,"
        "\"lstrip\":false,\"rstrip\":false,\"normalized\":true,"
        "\"special\":false},"
        "{\"id\":151671,\"content\":\"<|im_end|>!\",\"single_word\":false,"
        "\"lstrip\":false,\"rstrip\":false,\"normalized\":false,"
        "\"special\":false},";
    char *json = tokens_fixture("cut/tokenizer.json");
    char *changed = tokens_replace(json, "\"added_tokens\":[", more);
    qvl_tokenizer *t;
    qvl_err err = { 0 };
    clear();
    tokens_write("tokenizer.json", changed);
    CHECK_OK(qvl_tokenizer_open(&t, tokens_dir(), &err), err);
    CHECK_STR(tokens_of(t, "cafe\xcc\x81 user", false), "151670 220 872",
              "behind the normal form");
    CHECK_STR(tokens_of(t, "<|im_end|>!<|im_end|>", false), "151671 151645",
              "the longest");
    CHECK_STR(tokens_of(t, "<|im_end|><|im_end|>!<|im_end|>!<|im_end|>", false),
              "151645 151671 151671 151645", "the longest, each time");
    CHECK_STR(tokens_of(t, "caf\xc3\xa9", true), "66 2577 963", "literal");
    CHECK_INT(qvl_tokenizer_eos(t), -1, "no config, no end");
    qvl_tokenizer_close(t);
    free(changed);
    free(json);
}

/* An id that is spelled 3.0 is 3. */
static void test_spelled_id(void)
{
    char *json = tokens_fixture("cut/tokenizer.json");
    char *changed = tokens_replace(json, "\"$\":3,", "\"$\":3.0,");
    qvl_tokenizer *t;
    qvl_err err = { 0 };
    clear();
    tokens_write("tokenizer.json", changed);
    CHECK_OK(qvl_tokenizer_open(&t, tokens_dir(), &err), err);
    CHECK_STR(tokens_of(t, "!$", false), "0 3", "ids");
    qvl_tokenizer_close(t);
    free(changed);
    free(json);
}

/* With the host's memory ending at any point: a clean error and nothing left
 * half done, or the whole result. */
static void test_no_memory(void)
{
    qvl_text_part part[] = { { "<|im_start|>caf", 15, false },
                             { "e\xcc\x81 <|im_end|>", 14, true } };
    qvl_tokenizer *t = tokens_cut();
    qvl_err err = { 0 };
    int rc = QVL_E_MEMORY;
    int n_failed = 0;
    for (size_t bytes = 0; rc != QVL_OK; bytes += 64) {
        qvl_ids ids = { 0 };
        qvl_memory_limit(bytes);
        rc = qvl_tokenizer_encode(t, part, 2, &ids, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || (rc == QVL_E_MEMORY && ids.n == 0),
              "%zu bytes: %s", bytes, qvl_err_name(rc));
        n_failed += rc != QVL_OK;
        qvl_ids_release(&ids);
    }
    CHECK(n_failed > 10, "failed %d times", n_failed);
    for (size_t bytes = 0; bytes < 200000; bytes += 9973) {
        qvl_memory_limit(bytes);
        rc = qvl_tokenizer_open(&t, TEXT_FIXTURES "/cut", &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK_INT(rc, QVL_E_MEMORY, "%zu bytes", bytes);
        CHECK(t == tokens_cut(), "unchanged");
    }
}

RUN_TESTS(TEST(test_vectors), TEST(test_literal), TEST(test_parts),
          TEST(test_wrong_text), TEST(test_known), TEST(test_many_known), TEST(test_facts),
          TEST(test_decode), TEST(test_decode_wrong), TEST(test_stream),
          TEST(test_damaged), TEST(test_cut_short),
          TEST(test_changed_anywhere), TEST(test_missing), TEST(test_forms),
          TEST(test_added), TEST(test_spelled_id), TEST(test_no_memory))
