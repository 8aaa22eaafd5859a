/* cmd_vis_dataset.c - qvl vis dataset: records as pictures
 *
 * The file is read twice, to know how many records there are before some are drawn:
 * its lines and the faults of one read are held for some records at a time. A bad
 * record is drawn with what could be read of it.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "cmd.h"
#include "data/message.h"
#include "data/picture.h"
#include "data/record.h"
#include "vis.h"

#define RECORDS_AT_ONCE 512

/* Pictures of one record that are shown, faults that are written beside them. */
#define MAX_VIEWS 4
#define MAX_FAULTS 6

/* Size of a record that has neither a size nor a picture. */
#define NO_WIDTH 640
#define NO_HEIGHT 480

typedef struct {
    const char *output;
    int n;
    int seed;
    bool all;
    const char *order;
    const char *font;
    const bool *given;
} dataset_options;

#define AT(field) .at = offsetof(dataset_options, field)

enum { FLAG_N = 1 };  // its place

static const cmd_flag flags[] = {
    { .name = "output", .type = CMD_TEXT, AT(output), .value = "DIR",
      .is_needed = true, .help = "folder of the pictures; it is made" },
    { .name = "n", .type = CMD_COUNT, AT(n), .value = "N", .preset = "12",
      .help = "how many records, drawn from all" },
    { .name = "seed", .type = CMD_COUNT, AT(seed), .value = "N",
      .preset = "42", .help = "the same seed draws the same" },
    { .name = "all", .type = CMD_SWITCH, AT(all), .help = "all records" },
    { .name = "order", .type = CMD_TEXT, AT(order), .value = "HOW",
      .preset = "reference_tlbr",
      .help = "of the numbers: reference_tlbr, center_tlbr" },
    { .name = "font", .type = CMD_TEXT, AT(font), .value = "FILE",
      .help = "letters beside ASCII: a .ttf, .otf or .ttc; FILE#N is font N of a "
              "collection" },
};

typedef struct fault {
    struct fault *next;
    int line;
    const char *text;
} fault;

typedef struct {
    const dataset_options *o;
    const char *path;
    qvl_answer_rules rules;
    qvl_records *records;
    qvl_arena arena;          // of the file
    qvl_arena batch;          // of some records
    fault *first, **end;      // of these
    vis v;
    size_t n_rows, n_bad;
    qvl_err *err;
} call;

/* A record on its way to a page. */
typedef struct {
    call *c;
    const qvl_record_result *result;
    const qvl_record *record;   // what there is of it
    size_t number;
    qvl_image picture[MAX_VIEWS];
    bool is_there[MAX_VIEWS];
    int n_views;

    const char **fault;         // [n_faults]
    int n_faults, cap;
    qvl_object *object;         // [n_objects] in order
    int *index;                 // [n_objects] in the record
    bool *is_bad;               // [n_objects]
    int n_objects;
    double w, h;                // units of points
} shown;

/* ---- faults ------------------------------------------------------------- */

static void keep_fault(void *ctx, qvl_fault kind, int line, const char *text)
{
    (void)kind;
    call *c = ctx;
    fault *f = qvl_arena_alloc(&c->batch, sizeof *f);
    *f = (fault){ .line = line, .text = qvl_arena_strdup(&c->batch, text) };
    *c->end = f;
    c->end = &f->next;
}

static void add_fault(shown *s, const char *text)
{
    qvl_arena *arena = &s->c->v.arena;
    if (s->n_faults == s->cap) {
        int cap = s->cap == 0 ? 16 : 2 * s->cap;
        const char **more = qvl_arena_array(arena, const char *, cap);
        if (s->n_faults > 0)
            memcpy(more, s->fault, (size_t)s->n_faults * sizeof *more);
        s->fault = more;
        s->cap = cap;
    }
    s->fault[s->n_faults++] = text;
    qvl_log(QVL_LOG_ERROR, "%s", text);
}

static void collect_faults(shown *s)
{
    for (const fault *f = s->c->first; f != NULL; f = f->next)
        if (f->line == s->record->line)
            add_fault(s, f->text);
}

/* What a fault says behind the place, which is told once for the record. */
static const char *without_place(const call *c, const char *text)
{
    size_t n = strlen(c->path);
    if (strncmp(text, c->path, n) != 0)
        return text;
    n += strspn(text + n, ":0123456789");
    return text[n] == ' ' ? text + n + 1 : text;
}

/* ---- pictures ----------------------------------------------------------- */

static void load_picture(shown *s, int i)
{
    const qvl_record *r = s->record;
    qvl_image *im = &s->picture[i];
    qvl_arena *arena = &s->c->v.arena;
    qvl_err err = { 0 };
    if (r->image[i] == NULL)
        return;  // a fault of the record
    if (qvl_picture_load(im, r->image[i], NULL, &err) != QVL_OK) {
        add_fault(s, qvl_arena_printf(arena, "%s:%d: %s", s->c->path, r->line,
                                      err.msg));
        return;
    }
    s->is_there[i] = true;
    if (r->w != 0 && (im->w != r->w || im->h != r->h))
        add_fault(s, qvl_arena_printf(
            arena, "%s:%d: picture (%s): found %d x %d px, expected width and "
            "height of the record, %d x %d", s->c->path, r->line,
            qvl_picture_name(r->image[i]), im->w, im->h, r->w, r->h));
}

/* The size that points refer to: the record's, else the picture's, else what
 * holds all objects. */
static void find_size(shown *s)
{
    const qvl_record *r = s->record;
    s->w = r->w;
    s->h = r->h;
    if (s->w == 0 && s->is_there[0]) {
        s->w = s->picture[0].w;
        s->h = s->picture[0].h;
    }
    if (s->w > 0)
        return;
    s->w = NO_WIDTH;
    s->h = NO_HEIGHT;
    for (int i = 0; i < r->n_objects; i++) {
        for (int k = 0; k < r->object[i].n; k++) {
            s->w = fmax(s->w, fmin(r->object[i].point[2 * k], 1e6));
            s->h = fmax(s->h, fmin(r->object[i].point[2 * k + 1], 1e6));
        }
    }
}

/* ---- objects ------------------------------------------------------------ */

/* Objects in the order of an answer; behind them those with too few points, which have
 * no place in it. Those without points are left out. */
static void order_objects(shown *s)
{
    qvl_arena *arena = &s->c->v.arena;
    const qvl_record *r = s->record;
    const bool *is_bad = s->result->is_bad_object;
    qvl_record whole = *r;
    qvl_object *object = qvl_arena_array(arena, qvl_object, r->n_objects);
    int *from = qvl_arena_array(arena, int, r->n_objects);
    int *place = qvl_arena_array(arena, int, r->n_objects);
    int n = 0;
    s->object = qvl_arena_array(arena, qvl_object, r->n_objects);
    s->index = qvl_arena_array(arena, int, r->n_objects);
    s->is_bad = qvl_arena_array(arena, bool, r->n_objects);
    for (int i = 0; i < r->n_objects; i++) {
        if (r->object[i].n < qvl_geom_min_points(r->object[i].kind))
            continue;
        object[n] = r->object[i];
        from[n++] = i;
    }
    whole.object = object;
    whole.n_objects = n;
    const qvl_object *sorted =
        qvl_answer_objects_placed(place, &whole, &s->c->rules, arena);
    for (int i = 0; i < n; i++) {
        s->object[i] = sorted[i];
        s->index[i] = from[place[i]];
    }
    for (int i = 0; i < r->n_objects; i++) {
        const qvl_object *o = &r->object[i];
        if (o->n == 0 || o->n >= qvl_geom_min_points(o->kind))
            continue;
        s->object[n] = *o;
        s->index[n++] = i;
    }
    for (int i = 0; i < n; i++)
        s->is_bad[i] = is_bad != NULL && is_bad[s->index[i]];
    s->n_objects = n;
}

/* ---- the page ----------------------------------------------------------- */

typedef struct {
    qvl_note note[16 + MAX_FAULTS];
    int n;
} notes;

static void add_note(notes *to, qvl_note_kind kind, const char *text)
{
    to->note[to->n++] = (qvl_note){ kind, text };
}

static void add_fault_notes(shown *s, notes *to)
{
    vis *v = &s->c->v;
    int n = s->n_faults <= MAX_FAULTS ? s->n_faults : MAX_FAULTS - 1;
    if (s->n_faults == 0)
        return;
    add_note(to, QVL_NOTE_BANNER,
             qvl_arena_printf(&v->arena, "%d fault%s", s->n_faults,
                              s->n_faults > 1 ? "s" : ""));
    for (int i = 0; i < n; i++)
        add_note(to, QVL_NOTE_ALARM,
                 vis_text(v, "fault",
                          qvl_arena_printf(&v->arena, "- %s",
                                           without_place(s->c, s->fault[i]))));
    if (n < s->n_faults)
        add_note(to, QVL_NOTE_ALARM,
                 qvl_arena_printf(&v->arena, "and %d more: see index.jsonl",
                                  s->n_faults - n));
}

static void add_record_notes(shown *s, notes *to)
{
    vis *v = &s->c->v;
    const qvl_record *r = s->record;
    const char *name = r->n_images > 0 && r->image[0] != NULL
                           ? qvl_picture_name(r->image[0]) : "no picture";
    const char *slash = strrchr(name, '/');
    add_note(to, QVL_NOTE_TITLE,
             vis_text(v, "file", qvl_arena_printf(&v->arena, "%s:%d",
                                                  s->c->path, r->line)));
    add_note(to, QVL_NOTE_TEXT,
             vis_text(v, "picture", slash != NULL ? slash + 1 : name));
    add_note(to, QVL_NOTE_TEXT,
             qvl_arena_printf(&v->arena, "%.10g x %.10g px", s->w, s->h));
    if (r->n_images > s->n_views)
        add_note(to, QVL_NOTE_TEXT,
                 qvl_arena_printf(&v->arena, "%d more pictures",
                                  r->n_images - s->n_views));
    if (r->messages != NULL)
        add_note(to, QVL_NOTE_TEXT,
                 qvl_arena_printf(&v->arena, "a conversation of %zu turns",
                                  r->messages->n));
}

static int draw_page(shown *s, const char *path)
{
    vis *v = &s->c->v;
    notes to = { .n = 0 };
    qvl_view view[MAX_VIEWS];
    int n_views = s->n_views > 0 ? s->n_views : 1;
    for (int i = 0; i < n_views; i++)
        view[i] = (qvl_view){
            .heading = i == 0 ? "objects"
                              : qvl_arena_printf(&v->arena, "picture %d", i + 1),
            .picture = s->is_there[i] ? &s->picture[i] : NULL,
            .marks = { .w = s->w, .h = s->h },
        };
    view[0].column = "count";
    view[0].marks.object = s->object;
    view[0].marks.n = s->n_objects;
    view[0].marks.is_marked = s->is_bad;
    add_record_notes(s, &to);
    add_fault_notes(s, &to);
    if (s->record->summary != NULL) {
        add_note(&to, QVL_NOTE_TITLE, "summary");
        add_note(&to, QVL_NOTE_TEXT,
                 vis_text(v, "summary", s->record->summary));
    }
    qvl_page page = {
        .view = view, .n_views = n_views, .note = to.note, .n_notes = to.n,
        .marked = s->result->is_bad_object != NULL ? "at fault" : NULL,
        .categories = &v->categories,
    };
    return qvl_page_save(path, &page, s->c->err);
}

/* ---- the index ---------------------------------------------------------- */

static void put_objects(shown *s)
{
    vis *v = &s->c->v;
    qvl_str_puts(&v->line, ", \"objects\": [");
    for (int i = 0; i < s->n_objects; i++) {
        const qvl_object *o = &s->object[i];
        const qvl_category *c = qvl_categories_find(&v->categories, o->desc);
        qvl_str_printf(&v->line, "%s{\"number\": %d, \"index\": %d, "
                       "\"type\": \"%s\", \"points\": [", i > 0 ? ", " : "",
                       i + 1, s->index[i], qvl_geom_name(o->kind));
        for (int k = 0; k < 2 * o->n; k++) {
            qvl_str_puts(&v->line, k > 0 ? ", " : "");
            qvl_json_number(&v->line, o->point[k]);
        }
        qvl_str_putc(&v->line, ']');
        vis_put_text(v, "desc", o->desc != NULL ? o->desc : "");
        vis_put_text(v, "category", c->name);
        qvl_str_printf(&v->line, ", \"category_number\": %d, \"is_bad\": %s}",
                       c->number, s->is_bad[i] ? "true" : "false");
    }
    qvl_str_putc(&v->line, ']');
}

static void put_texts(vis *v, const char *key, const char *const *text, int n)
{
    qvl_str_printf(&v->line, ", \"%s\": [", key);
    for (int i = 0; i < n; i++) {
        const char *one = text[i] != NULL ? qvl_picture_name(text[i]) : "";
        qvl_str_puts(&v->line, i > 0 ? ", " : "");
        if (text[i] != NULL)
            qvl_json_quote(&v->line, one, strlen(one));
        else
            qvl_str_puts(&v->line, "null");
    }
    qvl_str_putc(&v->line, ']');
}

static int put_index(shown *s, const char *name)
{
    vis *v = &s->c->v;
    const qvl_record *r = s->record;
    qvl_str_puts(&v->line, "{\"file\": ");
    qvl_json_quote(&v->line, s->c->path, strlen(s->c->path));
    qvl_str_printf(&v->line, ", \"line\": %d", r->line);
    vis_put_text(v, "png", name);
    put_texts(v, "images", r->image, r->n_images);
    qvl_str_printf(&v->line, ", \"width\": %d, \"height\": %d", r->w, r->h);
    if (r->summary != NULL)
        vis_put_text(v, "summary", r->summary);
    put_objects(s);
    put_texts(v, "faults", s->fault, s->n_faults);
    qvl_str_putc(&v->line, '}');
    return vis_write_line(v, v->index, s->c->err);
}

/* ---- records ------------------------------------------------------------ */

static int show_steps(void *arg)
{
    shown *s = arg;
    vis *v = &s->c->v;
    const char *name = vis_name(v, s->number);
    int n_images = s->record->n_images;
    s->n_views = n_images < MAX_VIEWS ? n_images : MAX_VIEWS;
    collect_faults(s);
    for (int i = 0; i < s->n_views; i++)
        load_picture(s, i);
    find_size(s);
    order_objects(s);
    QVL_TRY(draw_page(s, vis_path(v, name)));
    QVL_TRY(put_index(s, name));
    vis_warn(v);
    v->n_drawn++;
    s->c->n_bad += s->n_faults > 0;
    return QVL_OK;
}

static int show_record(call *c, const qvl_record_result *result, size_t number)
{
    shown s = { .c = c, .result = result, .number = number,
                .record = result->record != NULL ? result->record
                                                 : result->rest };
    qvl_arena_reset(&c->v.arena);
    qvl_str_reset(&c->v.line);
    int rc = qvl_guard(show_steps, &s, c->err);
    for (int i = 0; i < MAX_VIEWS; i++)
        qvl_image_release(&s.picture[i]);
    return rc;
}

/* Read all, and show those that are chosen; NULL: just count. */
static int read_records(call *c, const bool *is_chosen)
{
    qvl_record_options options = { .needs = QVL_NEEDS_ANSWER };
    if (is_chosen != NULL) {
        options.on_fault = keep_fault;
        options.ctx = c;
    } else {
        options.image_root = ".";  // whose pictures are, is asked for later
    }
    size_t number = 0;
    QVL_TRY(qvl_records_open(&c->records, c->path, &options, c->err));
    for (;;) {
        const qvl_record_result *result;
        size_t n;
        qvl_arena_reset(&c->batch);
        c->first = NULL;
        c->end = &c->first;
        QVL_TRY(qvl_records_many(c->records, RECORDS_AT_ONCE, 0, &result, &n,
                                 c->err));
        for (size_t i = 0; i < n; i++, number++)
            if (is_chosen != NULL && number < c->n_rows && is_chosen[number])
                QVL_TRY(show_record(c, &result[i], number));
        if (n == 0)
            break;
    }
    c->n_rows = number;
    qvl_records_close(c->records);
    c->records = NULL;
    return QVL_OK;
}

static int run_steps(void *arg)
{
    call *c = arg;
    QVL_TRY(read_records(c, NULL));
    if (c->n_rows == 0)
        return qvl_fail(c->err, QVL_E_DATA, "file %s: found no record, "
                        "expected one or more", c->path);
    QVL_TRY(vis_open(&c->v, c->o->output, c->o->font, c->err));
    QVL_TRY(read_records(c, vis_choose(c->n_rows, c->o->all ? 0 : c->o->n,
                                       c->o->seed, &c->arena)));
    QVL_TRY(vis_commit(&c->v, c->err));
    printf("%s: %zu of %zu records\n", c->o->output, c->v.n_drawn, c->n_rows);
    if (c->n_bad > 0)
        return qvl_fail(c->err, QVL_E_DATA, "records: found %zu bad ones of "
                        "the %zu drawn, expected none", c->n_bad,
                        c->v.n_drawn);
    return QVL_OK;
}

/* ---- the command -------------------------------------------------------- */

static int read_order(const char *word, qvl_order *order, qvl_err *err)
{
    bool is_center = strcmp(word, "center_tlbr") == 0;
    if (!is_center && strcmp(word, "reference_tlbr") != 0)
        return qvl_fail(err, QVL_E_USAGE, "flag --order: found %s, expected "
                        "reference_tlbr or center_tlbr", word);
    *order = is_center ? QVL_ORDER_CENTER : QVL_ORDER_REFERENCE;
    return QVL_OK;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const dataset_options *o = options;
    call c = { .o = o, .err = err };
    if (n != 1)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl vis dataset): found "
                        "%d files, expected one", n);
    if (o->n < 1)
        return qvl_fail(err, QVL_E_USAGE, "flag --n: found 0, expected 1 or "
                        "more");
    if (o->all && o->given[FLAG_N])
        return qvl_fail(err, QVL_E_USAGE, "flag --n: found it beside --all, "
                        "expected one of them");
    QVL_TRY(read_order(o->order, &c.rules.order, err));
    c.path = word[0];
    int rc = qvl_guard(run_steps, &c, err);
    qvl_records_close(c.records);
    vis_close(&c.v);
    qvl_arena_release(&c.batch);
    qvl_arena_release(&c.arena);
    return rc;
}

const cmd cmd_vis_dataset = {
    .name = "vis dataset",
    .summary = "records as pictures, with what is wrong with them",
    .usage = "FILE.jsonl --output DIR [--n N] [--seed N] [--all]\n"
             "           [--order reference_tlbr|center_tlbr] [--font FILE]",
    .details =
        "Objects are drawn on their picture and numbered as in an answer: a box is\n"
        "solid, a polygon dashed, a line has dots. DIR gets vis_NNNNN.png by the\n"
        "number of the record, from 0 on, and index.jsonl with what is on them.\n"
        "A bad record is drawn as far as it can be, its faults beside it; the exit\n"
        "status is 3 then.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(dataset_options),
    .given_at = offsetof(dataset_options, given),
    .run = run,
};
