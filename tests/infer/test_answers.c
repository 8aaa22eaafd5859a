/* test_answers.c - what is written for training is what is read of an answer: through
 * the tokenizer and back, and through the strict parser, nothing is lost
 */
#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "check.h"
#include "data/message.h"
#include "data/objects.h"
#include "infer/parse.h"
#include "text/tokenizer.h"

enum { MOST_OBJECTS = 12, MOST_POINTS = 9, SIDE = 2000 };

/* Random payloads. */
typedef struct {
    qvl_object object[MOST_OBJECTS];
    double point[MOST_OBJECTS][2 * MOST_POINTS];
    char desc[MOST_OBJECTS][64];
    qvl_record record;
} payload;

static int draw(qvl_rng *rng, int lo, int hi)
{
    return lo + (int)qvl_rng_below(rng, (uint64_t)(hi - lo + 1));
}

/* Points on a circle, so that polygons do not cross themselves; a box has two. */
static void draw_points(qvl_rng *rng, qvl_object *o, double *p)
{
    double cx = draw(rng, 500, 1500), cy = draw(rng, 500, 1500);
    double radius = draw(rng, 100, 500) + 0.5;
    o->kind = (qvl_geom_kind)draw(rng, 0, QVL_N_GEOM - 1);
    o->n = o->kind == QVL_GEOM_BOX ? 2 : draw(rng, 3, MOST_POINTS);
    for (int i = 0; i < o->n; i++) {
        double turn = o->kind == QVL_GEOM_BOX ? 3.9 + 3.1416 * i
                                              : 6.28 * i / o->n + 0.3;
        p[2 * i] = cx + radius * cos(turn);
        p[2 * i + 1] = cy + radius * sin(turn);
    }
    o->point = p;
}

/* A few characters of every kind; the number makes it the only one. */
static void draw_desc(qvl_rng *rng, char *out, int number)
{
    static const char *const parts[] = {
        "a", "Z", "7", "\"", "\\", "{", "}", "[", "]", ":", "=", "\xc3\xa9",
        "\xe7\xba\xbf", "\xf0\x9f\x98\x80", "'", "\\n", "x x", "bbox_2d"
    };
    size_t n = (size_t)snprintf(out, 64, "%d", number);
    for (int k = draw(rng, 0, 6); k > 0; k--)
        n += (size_t)snprintf(out + n, 64 - n, "%s",
                              parts[draw(rng, 0, (int)QVL_COUNT(parts) - 1)]);
}

static void draw_payload(qvl_rng *rng, payload *p)
{
    int n = draw(rng, 1, MOST_OBJECTS);
    for (int i = 0; i < n; i++) {
        draw_points(rng, &p->object[i], p->point[i]);
        draw_desc(rng, p->desc[i], i);
        p->object[i].desc = p->desc[i];
    }
    p->record = (qvl_record){ .w = SIDE, .h = SIDE, .object = p->object,
                              .n_objects = n };
}

/* Through the ids and back. */
static void put_back(qvl_str *out, const qvl_tokenizer *t, const qvl_str *text)
{
    qvl_ids ids = { 0 };
    qvl_err err = { 0 };
    qvl_text_part part = { text->p, text->len, true };
    CHECK_OK(qvl_tokenizer_encode(t, &part, 1, &ids, &err), err);
    CHECK_OK(qvl_tokenizer_decode(t, ids.p, ids.n, QVL_SPECIAL_KEEP, out, &err), err);
    qvl_ids_release(&ids);
}

static void check_objects(const qvl_answer *a, const qvl_object *want, int n,
                          const char *text)
{
    CHECK_INT(a->n_objects, n, "%s", text);
    for (int i = 0; i < n; i++) {
        CHECK(a->object[i].kind == want[i].kind && a->object[i].n == want[i].n,
              "object %d of %s", i, text);
        CHECK_STR(a->object[i].desc, want[i].desc, "object %d of %s", i, text);
        for (int k = 0; k < 2 * want[i].n; k++)
            CHECK(a->object[i].point[k] == want[i].point[k], "object %d of %s", i, text);
    }
}

static void check_payload(const qvl_tokenizer *t, const payload *p, int k)
{
    qvl_answer_rules rules = { .shape = (qvl_shape)(k % 2),
                               .fields = (qvl_fields)(k / 2 % 3),
                               .order = (qvl_order)(k / 6 % 2),
                               .winding = (qvl_winding)(k / 12 % 3) };
    qvl_arena a = { 0 };
    qvl_str text = { 0 }, back = { 0 };
    qvl_answer answer;
    qvl_answer_put(&text, &p->record, &rules, &a);
    put_back(&back, t, &text);
    CHECK_STR(back.p, text.p, "payload %d", k);
    qvl_answer_parse(&answer, back.p, back.len,
                     &(qvl_parse_options){ .mode = QVL_PARSE_STRICT }, &a);
    CHECK(answer.ok && answer.format_ok && answer.n_dropped == 0, "%s", text.p);
    const qvl_object *want = qvl_objects_to_norm(
        qvl_answer_objects(&p->record, &rules, &a), p->record.n_objects, SIDE, SIDE, &a);
    check_objects(&answer, want, p->record.n_objects, text.p);
    qvl_str_release(&text);
    qvl_str_release(&back);
    qvl_arena_release(&a);
}

static void test_payloads(void)
{
    static payload p;
    qvl_rng rng = { .key = 14 };
    qvl_tokenizer *t = NULL;
    qvl_err err = { 0 };
    CHECK_OK(qvl_tokenizer_open(&t, TOKENIZER, &err), err);
    for (int k = 0; k < 720; k++) {
        draw_payload(&rng, &p);
        check_payload(t, &p, k);
    }
    qvl_tokenizer_close(t);
}

RUN_TESTS(TEST(test_payloads))
