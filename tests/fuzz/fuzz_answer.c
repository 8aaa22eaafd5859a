/* fuzz_answer.c - what a model may write, through the parser of answers
 *
 * Any bytes may come in, so nothing is refused: what comes out has to keep the promises
 * of infer/parse.h.
 */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "fuzz.h"
#include "infer/parse.h"

static void check_object(const qvl_object *o)
{
    FUZZ_CHECK(o->kind >= 0 && o->kind < QVL_N_GEOM && o->n > 0);
    FUZZ_CHECK(o->desc != NULL && o->desc[0] != '\0');
    for (const char *c = o->desc; *c != '\0'; c++)
        FUZZ_CHECK((unsigned char)*c >= ' ');
    for (int i = 0; i < 2 * o->n; i++)
        FUZZ_CHECK(o->point[i] >= 0 && o->point[i] <= 1000);
    if (o->kind == QVL_GEOM_BOX)
        FUZZ_CHECK(o->n == 2 && o->point[0] < o->point[2]
                   && o->point[1] < o->point[3]);
}

static void check_notes(const qvl_answer_note *note, int n)
{
    for (int i = 0; i < n; i++)
        FUZZ_CHECK((int)note[i].fault >= 0 && note[i].fault < QVL_N_ANSWER_FAULTS);
}

static void check_answer(const qvl_answer *a)
{
    FUZZ_CHECK(a->n_objects >= 0 && a->n_dropped >= 0);
    FUZZ_CHECK((int)a->level >= 0 && a->level < QVL_N_ANSWER_LEVELS);
    FUZZ_CHECK(a->ok == (a->n_errors == 0));
    FUZZ_CHECK(!a->format_ok || (a->ok && a->is_json));
    FUZZ_CHECK(a->level != QVL_ANSWER_FAILED || a->n_objects == 0);
    for (int i = 0; i < a->n_objects; i++)
        check_object(&a->object[i]);
    check_notes(a->error, a->n_errors);
    check_notes(a->warning, a->n_warnings);
}

static void parse(const uint8_t *p, size_t len, const qvl_parse_options *options)
{
    qvl_arena arena = { 0 };
    qvl_str report = { 0 };
    qvl_answer a;
    qvl_err err;
    qvl_node *root;
    qvl_answer_parse(&a, (const char *)p, len, options, &arena);
    check_answer(&a);
    int n = a.n_objects;
    qvl_answer_sort(&a, &arena);
    FUZZ_CHECK(a.n_objects == n);
    qvl_answer_put_report(&report, &a);
    FUZZ_CHECK(fuzz_is_ok(qvl_json_parse(&root, report.p, report.len, "report",
                                         &arena, &err), &err));
    qvl_str_release(&report);
    qvl_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
    static const qvl_parse_options options[] = {
        { .mode = QVL_PARSE_TOLERANT },
        { .mode = QVL_PARSE_TOLERANT, .n_images = 3, .is_cut = true },
        { .mode = QVL_PARSE_STRICT },
    };
    for (size_t i = 0; i < QVL_COUNT(options); i++)
        parse(p, len, &options[i]);
    return 0;
}
