/* fuzz_record.c - lines of records: parsed, checked, written, read again
 *
 * The input is a file of lines for the reader, and its first line is read by itself.
 * Pictures are measured where they may be data: URLs, or names without a slash, which
 * are looked for in an empty folder; else names alone are checked.
 */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "data/chat.h"
#include "data/record.h"
#include "data/record_line.h"
#include "fuzz.h"

static void check_object(const qvl_object *o, int w, int h)
{
    FUZZ_CHECK(o->kind >= 0 && o->kind < QVL_N_GEOM && o->n > 0);
    FUZZ_CHECK(o->desc != NULL && o->desc[0] != '\0');
    for (int i = 0; i < 2 * o->n; i++) {
        double most = (i % 2 == 0 ? w : h) + QVL_RECORD_MARGIN_PX;
        FUZZ_CHECK(isfinite(o->point[i]));
        FUZZ_CHECK(w == 0 || (o->point[i] >= -QVL_RECORD_MARGIN_PX
                              && o->point[i] <= most));
    }
}

/* A record that is said to be right. */
static void check_record(const qvl_record *r)
{
    FUZZ_CHECK(r->w >= 0 && r->h >= 0 && r->n_objects >= 0 && r->n_images >= 0);
    FUZZ_CHECK(r->n_objects == 0 || (r->w > 0 && r->h > 0));
    for (int i = 0; i < r->n_images; i++)
        FUZZ_CHECK(r->image[i] != NULL && r->image[i][0] != '\0');
    for (int i = 0; i < r->n_objects; i++)
        check_object(&r->object[i], r->w, r->h);
}

/* ---- one line ----------------------------------------------------------- */

static void check_same(const qvl_record *a, const qvl_record *b)
{
    FUZZ_CHECK(a->n_objects == b->n_objects && a->n_images == b->n_images);
    FUZZ_CHECK(a->w == b->w && a->h == b->h);
    for (int i = 0; i < a->n_objects; i++) {
        const qvl_object *x = &a->object[i], *y = &b->object[i];
        FUZZ_CHECK(x->kind == y->kind && x->n == y->n);
        FUZZ_CHECK(strcmp(x->desc, y->desc) == 0);
        FUZZ_CHECK(memcmp(x->point, y->point, (size_t)x->n * 2 * sizeof *x->point)
                   == 0);
    }
}

static void read_turns(const qvl_record *r, qvl_arena *arena)
{
    qvl_err err;
    qvl_data_chat chat;
    if (r->messages == NULL)
        return;
    FUZZ_CHECK(fuzz_is_ok(
        qvl_data_chat_read(&chat, r->messages,
                           r->has_image_list ? r->n_images : -1, arena, &err),
        &err));
    FUZZ_CHECK(chat.n > 0);
}

static void read_line(const uint8_t *p, size_t len)
{
    qvl_arena arena = { 0 };
    qvl_str out = { 0 };
    qvl_err err;
    qvl_record_line line, again;
    const uint8_t *end = len > 0 ? memchr(p, '\n', len) : NULL;
    qvl_record_source source = { (const char *)p,
                                 end != NULL ? (size_t)(end - p) : len, "a", 7 };
    if (fuzz_is_ok(qvl_record_line_read(&line, &source, "", &arena, &err), &err)) {
        check_record(&line.record);
        read_turns(&line.record, &arena);
        qvl_json_put(&out, line.root, -1);
        source.text = out.p;
        source.len = out.len;
        FUZZ_CHECK(fuzz_is_ok(qvl_record_line_read(&again, &source, "", &arena,
                                                   &err), &err));
        check_same(&line.record, &again.record);
        qvl_record_line_rename(&line, &arena);
    }
    qvl_str_release(&out);
    qvl_arena_release(&arena);
}

/* ---- a file ------------------------------------------------------------- */

static void on_fault(void *ctx, qvl_fault fault, int line, const char *text)
{
    size_t *n = ctx;
    FUZZ_CHECK((int)fault >= 0 && fault < QVL_N_FAULTS && line > 0);
    FUZZ_CHECK(text[0] != '\0');
    (*n)++;
}

/* Lines one by one and lines together are told to be right and wrong alike. */
static void read_file(const char *path, const qvl_record_options *options)
{
    qvl_records *one, *many;
    qvl_err err;
    qvl_record record;
    bool is_end = false;
    size_t n = 0, n_one = 0;
    qvl_arena arena = { 0 };
    const qvl_record_result *result = NULL;
    FUZZ_CHECK(fuzz_is_ok(qvl_records_open(&one, path, options, &err), &err));
    while (!is_end) {
        int rc = qvl_records_next(one, &record, &is_end, &arena, &err);
        FUZZ_CHECK(rc == QVL_OK || rc == QVL_E_DATA || rc == QVL_E_FORMAT);
        if (fuzz_is_ok(rc, &err) && !is_end)
            check_record(&record);
    }
    n_one = qvl_records_seen(one)->n_records;
    FUZZ_CHECK(fuzz_is_ok(qvl_records_open(&many, path, options, &err), &err));
    do
        FUZZ_CHECK(fuzz_is_ok(qvl_records_many(many, 100, 1, &result, &n, &err),
                              &err));
    while (n > 0);
    FUZZ_CHECK(qvl_records_seen(many)->n_records == n_one);
    FUZZ_CHECK(qvl_records_seen(many)->n_bad == qvl_records_seen(one)->n_bad);
    qvl_records_close(one);
    qvl_records_close(many);
    qvl_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
    size_t n_faults = 0;
    bool may_name_files = len > 0 && memchr(p, '/', len) != NULL
                          && fuzz_find(p, len, "data:") == NULL;
    const qvl_record_options strict = {
        .needs = QVL_NEEDS_ANSWER | QVL_NEEDS_OBJECTS | QVL_NEEDS_SUMMARY,
        .pictures = may_name_files ? QVL_PICTURES_NAMED
                                   : QVL_PICTURES_MEASURED,
        .image_root = fuzz_folder(), .has_urls = true,
        .on_fault = on_fault, .ctx = &n_faults,
    };
    read_line(p, len);
    const char *path = fuzz_write("a.jsonl", p, len);
    read_file(path, NULL);
    read_file(path, &strict);
    return 0;
}
