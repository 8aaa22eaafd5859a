/* test_parse_mutations.c - thousands of damaged answers: whatever comes in, what comes
 * out holds
 */
#include "check.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/rng.h"
#include "data/objects.h"
#include "infer/parse.h"

#define N_MUTANTS 20000
#define MAX_BYTES 4096

static const char *const seeds[] = {
    "{\"object_1\": {\"bbox_2d\": [100, 200, 300, 400], \"desc\": \"blue "
    "square\"}, \"object_2\": {\"bbox_2d\": [0, 5, 1000, 999], \"desc\": "
    "\"red \\\"circle\\\" \\u7ea2\"}}",
    "<DOMAIN=BBU>, <TASK=DETECTION>\n{\"object_1\": {\"desc\": "
    "\"\xe7\xba\xbf\xe7\xbc\x86/\xe9\xbb\x84\xe8\x89\xb2\", \"line_points\": "
    "3, \"line\": [[50, 60], [80, 120], [130, 180]]}, \"object_2\": "
    "{\"desc\": \"b\", \"poly\": [[1, 2], [30, 4], [5, 60]]}}",
    "```json\n{\"\xe5\x9b\xbe\xe7\x89\x87_1\": {\"object_1\": {\"quad\": "
    "[1, 2, 30, 4, 30, 60, 1, 60], \"desc\": \"q\"}}}\n```",
    "{'object_1'\xef\xbc\x9a {\xe2\x80\x9c" "desc\xe2\x80\x9d: \"x\", "
    "\"bbox_2d\": [3.5, -1, 2000, 1e2,],},}",
    "<think>so many</think>{\"object_1\": {\"bbox_2d\": [1, 2, 3, 4], "
    "\"desc\": \"a\"}, \"object_2\": {\"bbox_2d\": [1, 2, 3, 4], \"desc\": "
    "\"a\"}, \"object_3\": {\"bbox_2d\": [7, 7, ",
    "{}",
};

static const char *const pieces[] = {
    "{", "}", "[", "]", ",", ":", "\"", "'", "\\", "\\u", "\n", "object_",
    "\"object_2\": {", "\"desc\": ", "bbox_2d", "line", "1000", "-", "0", ".",
    "e9", "null", "NaN", "```", "<", ">", "</think>", "\xff", "\xe2\x80\x9c",
    "\xef\xbc\x8c", "image_1", "\"line_points\": 2, ", "999999999999999999",
};

static uint64_t state;

static size_t below(size_t n)
{
    state = qvl_rng_mix(state, 1);
    return (size_t)(state >> 11) % n;
}

typedef struct {
    char p[MAX_BYTES];
    size_t n;
} mutant;

/* Replace n bytes at a place by others, as far as there is room. */
static void splice(mutant *m, size_t at, size_t n, const char *p, size_t k)
{
    if (m->n - n + k > MAX_BYTES)
        return;
    memmove(m->p + at + k, m->p + at + n, m->n - at - n);
    memcpy(m->p + at, p, k);
    m->n = m->n - n + k;
}

static void mutate(mutant *m)
{
    size_t at = below(m->n + 1);
    size_t most = m->n - at < 20 ? m->n - at : 20;
    const char *piece = pieces[below(QVL_COUNT(pieces))];
    char byte = (char)below(256);
    char copy[20];
    switch (below(6)) {
    case 0:
        splice(m, at, most > 0, &byte, 1);
        break;
    case 1:
        splice(m, at, below(most + 1), "", 0);
        break;
    case 2:
        splice(m, at, below(2) && most > 0, piece, strlen(piece));
        break;
    case 3:
        m->n = at;
        break;
    case 4:
        memcpy(copy, m->p + at, most);
        splice(m, below(m->n + 1), 0, copy, most);
        break;
    default:
        splice(m, at, most > 0, &byte, 0);
        break;
    }
}

static bool is_good_text(const char *text)
{
    qvl_str quoted = { 0 };
    qvl_arena arena = { 0 };
    qvl_node *node;
    qvl_err err;
    qvl_json_quote(&quoted, text, strlen(text));
    bool ok = qvl_json_parse(&node, quoted.p, quoted.len, "x", &arena, &err)
              == QVL_OK;
    for (const char *p = text; *p != '\0'; p++)
        ok = ok && (unsigned char)*p >= 0x20;
    size_t n = strlen(text);
    qvl_arena_release(&arena);
    qvl_str_release(&quoted);
    return ok && n > 0 && text[0] != ' ' && text[n - 1] != ' ';
}

static void check_object(const qvl_object *o, const char *text)
{
    CHECK(o->n >= qvl_geom_min_points(o->kind), "%s", text);
    for (int i = 0; i < 2 * o->n; i++)
        CHECK(o->point[i] >= 0 && o->point[i] <= QVL_NORM_MAX, "%s", text);
    CHECK(o->kind != QVL_GEOM_BOX
              || (o->n == 2 && o->point[0] < o->point[2]
                  && o->point[1] < o->point[3]),
          "%s", text);
    CHECK(is_good_text(o->desc), "|%s| of %s", o->desc, text);
}

/* The strict form of what was read. */
static void write_form(qvl_str *out, const qvl_answer *a)
{
    qvl_str_putc(out, '{');
    for (int i = 0; i < a->n_objects; i++) {
        const qvl_object *o = &a->object[i];
        qvl_str_printf(out, "%s\"object_%d\": {", i > 0 ? ", " : "", i + 1);
        if (o->kind == QVL_GEOM_LINE)
            qvl_str_printf(out, "\"line_points\": %d, ", o->n);
        qvl_str_printf(out, "\"%s\": [", qvl_geom_name(o->kind));
        for (int k = 0; k < 2 * o->n; k++) {
            qvl_str_puts(out, k > 0 ? ", " : "");
            qvl_json_number(out, o->point[k]);
        }
        qvl_str_puts(out, "], \"desc\": ");
        qvl_json_quote(out, o->desc, strlen(o->desc));
        qvl_str_putc(out, '}');
    }
    qvl_str_putc(out, '}');
}

static bool has_fraction(const qvl_answer *a)
{
    for (int i = 0; i < a->n_objects; i++)
        for (int k = 0; k < 2 * a->object[i].n; k++)
            if (a->object[i].point[k] != floor(a->object[i].point[k]))
                return true;
    return false;
}

/* Written in the strict form, it is read as the same objects. */
static void check_again(const qvl_answer *a, const char *text,
                        qvl_arena *arena)
{
    qvl_str form = { 0 }, first = { 0 }, second = { 0 };
    qvl_answer b;
    write_form(&form, a);
    qvl_answer_parse(&b, form.p, form.len, NULL, arena);
    CHECK(b.format_ok || has_fraction(a), "%s of %s", form.p, text);
    qvl_objects_put(&first, a->object, a->n_objects);
    qvl_objects_put(&second, b.object, b.n_objects);
    CHECK_STR(second.p, first.p, "%s", text);
    qvl_str_release(&form);
    qvl_str_release(&first);
    qvl_str_release(&second);
}

/* A text is called JSON exactly when the strict reader takes it as a map,
 * unless a key comes twice. */
static void check_json(const qvl_answer *a, const mutant *m, const char *text,
                       qvl_arena *arena)
{
    qvl_node *node;
    qvl_err err;
    int rc = qvl_json_parse(&node, m->p, m->n, "x", arena, &err);
    bool is_map = rc == QVL_OK && node->kind == QVL_NODE_MAP;
    bool is_twice = rc != QVL_OK && strstr(err.msg, "a second time") != NULL;
    if (a->is_json && (a->steps & 3) == 0)
        CHECK(is_map || is_twice, "%s: %s", err.msg, text);
    if (is_map)
        CHECK(a->is_json || (a->steps & 3) != 0, "%s", text);
}

static void check_mutant(const mutant *m)
{
    qvl_arena arena = { 0 };
    char *text = qvl_arena_strndup(&arena, m->p, m->n);
    qvl_answer a, strict;
    qvl_str report = { 0 };
    qvl_node *node;
    qvl_err err;
    qvl_parse_options options = { .mode = QVL_PARSE_STRICT };
    /* A block of its own size: reading past the end is seen. */
    char *exact = malloc(m->n > 0 ? m->n : 1);
    memcpy(exact, m->p, m->n);
    qvl_answer_parse(&a, exact, m->n, NULL, &arena);
    qvl_answer_parse(&strict, exact, m->n, &options, &arena);
    free(exact);
    for (int i = 0; i < a.n_objects; i++)
        check_object(&a.object[i], text);
    CHECK(!a.format_ok || (a.ok && a.level == QVL_ANSWER_STRICT), "%s", text);
    CHECK(a.ok || a.level != QVL_ANSWER_STRICT, "%s", text);
    CHECK(strict.n_objects <= a.n_objects, "%s", text);
    CHECK_INT(strict.format_ok, a.format_ok, "%s", text);
    qvl_answer_put_report(&report, &a);
    CHECK_OK(qvl_json_parse(&node, report.p, report.len, "report", &arena,
                            &err),
             err);
    check_again(&a, text, &arena);
    check_json(&a, m, text, &arena);
    qvl_str_release(&report);
    qvl_arena_release(&arena);
}

static void test_mutants(void)
{
    int n_read = 0;
    for (size_t i = 0; i < N_MUTANTS; i++) {
        mutant m;
        const char *seed = seeds[i % QVL_COUNT(seeds)];
        state = i;
        m.n = strlen(seed);
        memcpy(m.p, seed, m.n);
        for (size_t k = below(6); k > 0; k--)
            mutate(&m);
        check_mutant(&m);
        qvl_arena arena = { 0 };
        qvl_answer a;
        qvl_answer_parse(&a, m.p, m.n, NULL, &arena);
        n_read += a.n_objects > 0;
        qvl_arena_release(&arena);
    }
    CHECK(n_read > N_MUTANTS / 4, "only %d have objects", n_read);
}

/* Every beginning of an answer, as streaming and token limits give them. */
static void test_prefixes(void)
{
    for (size_t i = 0; i < QVL_COUNT(seeds); i++) {
        int last = 0;
        for (size_t n = 0; n <= strlen(seeds[i]); n++) {
            mutant m = { .n = n };
            memcpy(m.p, seeds[i], n);
            check_mutant(&m);
            qvl_arena arena = { 0 };
            qvl_answer a;
            qvl_answer_parse(&a, m.p, n, NULL, &arena);
            if (i < 3)
                CHECK(a.n_objects >= last, "%.*s", (int)n, seeds[i]);
            last = a.n_objects;
            qvl_arena_release(&arena);
        }
    }
}

static void test_noise(void)
{
    for (size_t i = 0; i < 2000; i++) {
        mutant m;
        state = i + 77;
        m.n = below(300);
        for (size_t k = 0; k < m.n; k++)
            m.p[k] = (char)(i % 2 == 0 ? below(256)
                                       : (size_t)"{}[]\":,'1a\\o\n "[below(14)]);
        check_mutant(&m);
    }
}

RUN_TESTS(TEST(test_mutants), TEST(test_prefixes), TEST(test_noise))
