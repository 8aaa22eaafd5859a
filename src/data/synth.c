/* synth.c - a folder of drawn records and their pictures
 *
 * The folder is made beside its place and renamed. Record i depends on the seed
 * and i alone, but for draws that are repeated because their answer is held out
 * or there already.
 */
#include "data/synth.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "data/message.h"
#include "data/record_write.h"
#include "image/png_write.h"

/* Scenes drawn for one record before it is clear that none is free. */
#define MAX_ATTEMPTS 10000

/* One folder on its way. */
typedef struct {
    const qvl_synth_options *o;
    const char *part;      // the folder while it is being written
    qvl_arena arena;
    qvl_arena scratch;     // of one record
    const char **held_out; // [n_held_out] answers, sorted once all are there
    size_t n_held_out;
    qvl_image picture;
    qvl_str answer;
    qvl_str png;
    qvl_str lines;         // JSONL
    qvl_err *err;
} maker;

/* ---- kinds -------------------------------------------------------------- */

static const struct {
    const char *word;
    qvl_geom_kind kind;
} kind_words[] = {
    { "box", QVL_GEOM_BOX },
    { "poly", QVL_GEOM_POLY },
    { "line", QVL_GEOM_LINE },
};

static bool has_kind(const qvl_scene_rules *rules, qvl_geom_kind kind)
{
    for (int i = 0; i < rules->n_kinds; i++)
        if (rules->kind[i] == kind)
            return true;
    return false;
}

int qvl_synth_kinds(qvl_scene_rules *rules, const char *list, qvl_err *err)
{
    qvl_scene_rules found = *rules;
    found.n_kinds = 0;
    for (const char *p = list;; p++) {
        size_t len = strcspn(p, ",");
        size_t i = 0;
        while (i < QVL_COUNT(kind_words)
               && (strlen(kind_words[i].word) != len
                   || memcmp(kind_words[i].word, p, len) != 0))
            i++;
        if (i == QVL_COUNT(kind_words)
            || has_kind(&found, kind_words[i].kind))
            return qvl_fail(err, QVL_E_USAGE, "kinds: found '%.60s', expected "
                            "some of box, poly, line, each once, joined by "
                            "','", list);
        found.kind[found.n_kinds++] = kind_words[i].kind;
        p += len;
        if (*p == '\0')
            break;
    }
    *rules = found;
    return QVL_OK;
}

/* ---- answers that are held out ------------------------------------------ */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_held_out(const maker *m, const char *answer)
{
    return m->n_held_out > 0
           && bsearch(&answer, m->held_out, m->n_held_out, sizeof *m->held_out,
                      compare_texts) != NULL;
}

static void put_answer(maker *m, const qvl_record *record)
{
    static const qvl_answer_rules rules = { 0 };
    qvl_str_reset(&m->answer);
    qvl_answer_put(&m->answer, record, &rules, &m->scratch);
}

static void hold_out(maker *m, const qvl_record *record)
{
    put_answer(m, record);
    m->held_out[m->n_held_out++] =
        qvl_arena_strndup(&m->arena, m->answer.p, m->answer.len);
}

static void sort_held_out(maker *m)
{
    if (m->n_held_out > 0)
        qsort(m->held_out, m->n_held_out, sizeof *m->held_out, compare_texts);
}

/* Make room, and take the answers of the file that was named. */
static int read_excluded(maker *m)
{
    qvl_record_list list = { 0 };
    qvl_record_options options = { .needs = QVL_NEEDS_OBJECTS };
    if (m->o->exclude != NULL)
        QVL_TRY(qvl_records_load(&list, m->o->exclude, &options, 0,
                                 &m->arena, m->err));
    m->held_out = qvl_arena_array(&m->arena, const char *,
                                  list.n + m->o->n_held_out);
    for (size_t i = 0; i < list.n; i++) {
        if (list.record[i].n_objects > 0)
            hold_out(m, &list.record[i]);
        qvl_arena_reset(&m->scratch);
    }
    return QVL_OK;
}

/* ---- records ------------------------------------------------------------ */

/* The scene as a record; borrows from it and from the scratch arena. */
static qvl_record record_of(maker *m, const qvl_scene *scene)
{
    qvl_object *object = qvl_arena_array(&m->scratch, qvl_object, scene->n);
    for (int i = 0; i < scene->n; i++) {
        const qvl_scene_object *o = &scene->object[i];
        object[i] = (qvl_object){ o->kind, o->n, o->point, o->desc };
    }
    return (qvl_record){ .w = scene->side_px, .h = scene->side_px,
                         .object = object, .n_objects = scene->n };
}

/* How many objects are called like object i; 0 when one before it is. */
static int count_same(const qvl_record *r, int i)
{
    int n = 0;
    for (int k = 0; k < r->n_objects; k++) {
        bool is_same = strcmp(r->object[k].desc, r->object[i].desc) == 0;
        if (is_same && k < i)
            return 0;
        n += is_same;
    }
    return n;
}

static void put_summary(qvl_str *out, const qvl_record *r)
{
    const char *sep = "";
    qvl_str_puts(out, ", \"summary\": \"");
    for (int i = 0; i < r->n_objects; i++) {
        int n = count_same(r, i);
        if (n == 0)
            continue;
        qvl_str_printf(out, "%s%s×%d", sep, r->object[i].desc, n);
        sep = "，";
    }
    qvl_str_putc(out, '"');
}

static void put_line(maker *m, const qvl_record *r, const char *name)
{
    qvl_str *out = &m->lines;
    qvl_record_put_picture(out, name, r->w, r->h);
    qvl_record_put_objects(out, r->object, r->n_objects);
    if (m->o->has_summary)
        put_summary(out, r);
    qvl_str_puts(out, "}\n");
}

/* ---- files -------------------------------------------------------------- */

/* A file of the new folder, which is synced as a whole by nobody: pictures can be
 * drawn again. */
static int write_plain(maker *m, const char *path, const qvl_str *text)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return qvl_file_fail("cannot write file", path, errno, "a new file",
                             m->err);
    bool is_written = fwrite(text->p, 1, text->len, f) == text->len;
    if (fclose(f) != 0 || !is_written)
        return qvl_file_fail("cannot write file", path, errno, "room",
                             m->err);
    return QVL_OK;
}

static int write_picture(maker *m, const qvl_scene *scene, const char *name)
{
    const char *path = qvl_arena_printf(&m->scratch, "%s/%s", m->part, name);
    qvl_scene_paint(scene, &m->picture);
    qvl_str_reset(&m->png);
    QVL_TRY(qvl_png_encode(&m->png, m->picture.pixel, m->picture.w,
                           m->picture.h, m->err));
    return write_plain(m, path, &m->png);
}

/* Draw record i of a part until it is one that may be used. */
static int draw_scene(maker *m, const char *what, size_t i, bool is_free,
                      qvl_scene *scene)
{
    qvl_rng_id id = { .seed = m->o->seed, .record = i,
                      .dataset = qvl_rng_hash(what, strlen(what)) };
    for (; id.occurrence < MAX_ATTEMPTS; id.occurrence++) {
        qvl_rng rng;
        qvl_arena_reset(&m->scratch);
        qvl_rng_init(&rng, &id, QVL_RNG_SYNTH);
        qvl_scene_draw(scene, &m->o->scene, &rng);
        if (is_free)
            return QVL_OK;
        qvl_record record = record_of(m, scene);
        put_answer(m, &record);
        if (!is_held_out(m, m->answer.p))
            return QVL_OK;
    }
    return qvl_fail(m->err, QVL_E_DATA, "training picture %zu: found %d scenes "
                    "that are all held out, expected one that is not", i,
                    MAX_ATTEMPTS);
}

/* Draw n records: DIR/WHAT.jsonl and their pictures. */
static int make_part(maker *m, const char *what, size_t n, bool is_held_out_part)
{
    qvl_scene scene;
    char name[64];
    qvl_str_reset(&m->lines);
    for (size_t i = 0; i < n; i++) {
        QVL_TRY(draw_scene(m, what, i, is_held_out_part, &scene));
        qvl_record record = record_of(m, &scene);
        snprintf(name, sizeof name, "images/%s-%05zu.png", what, i);
        if (is_held_out_part)
            hold_out(m, &record);
        QVL_TRY(write_picture(m, &scene, name));
        put_line(m, &record, name);
    }
    const char *path = qvl_arena_printf(&m->arena, "%s/%s.jsonl", m->part,
                                        what);
    return qvl_file_write_all(path, m->lines.p, m->lines.len, m->err);
}

static int make_folder(void *arg)
{
    maker *m = arg;
    const char *images = qvl_arena_printf(&m->arena, "%s/images", m->part);
    QVL_TRY(read_excluded(m));
    QVL_TRY(qvl_file_make_dirs(images, m->err));
    QVL_TRY(qvl_image_init(&m->picture, m->o->scene.side_px,
                           m->o->scene.side_px, m->err));
    if (m->o->n_held_out > 0)
        QVL_TRY(make_part(m, "val", m->o->n_held_out, true));
    sort_held_out(m);
    QVL_TRY(make_part(m, "train", m->o->n, false));
    if (rename(m->part, m->o->output) != 0)
        return qvl_file_fail("cannot rename to", m->o->output, errno,
                             "a new name", m->err);
    qvl_log(QVL_LOG_INFO, "%s: %zu pictures to train on, %zu held out",
            m->o->output, m->o->n, m->o->n_held_out);
    return QVL_OK;
}

/* ---- the folder --------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *info, int type,
                      struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

int qvl_synth(const qvl_synth_options *options, qvl_err *err)
{
    char part[4096];
    maker m = { .o = options, .part = part, .err = err };
    int len = snprintf(part, sizeof part, "%s.tmp.%ld", options->output,
                       (long)getpid());
    if (len < 0 || (size_t)len >= sizeof part || options->output[0] == '\0')
        return qvl_fail(err, QVL_E_USAGE, "output: found a name of %d bytes, "
                        "expected a new folder", len);
    if (qvl_file_exists(options->output))
        return qvl_fail(err, QVL_E_USAGE, "output: found %s there already, "
                        "expected a new folder", options->output);
    int rc = qvl_guard(make_folder, &m, err);
    if (rc != QVL_OK)
        nftw(part, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    qvl_image_release(&m.picture);
    qvl_str_release(&m.answer);
    qvl_str_release(&m.png);
    qvl_str_release(&m.lines);
    qvl_arena_release(&m.scratch);
    qvl_arena_release(&m.arena);
    return rc;
}
