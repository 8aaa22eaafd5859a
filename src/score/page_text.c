/* page_text.c - notes, legend, kinds of geometry, in this order
 *
 * Where the legend would be higher than the views and than MOST_LINES, categories
 * at its end are counted instead of listed.
 */
#include "score/page_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/font.h"

/* For a size of 1. */
#define TEXT_UNIT 1.5  // px of an eighth of a capital
#define LINE_GAP_PX 5
#define GAP_PX 10
#define SWATCH_PX 14
#define SAMPLE_PX 60
#define LEAST_PX 220
#define ALARM_PX 340
#define MOST_PX 420

/* Lines of one note, of the legend where notes leave no room, of all text beside
 * views that are less high. */
#define NOTE_LINES 10
#define LEGEND_LINES 6
#define MOST_LINES 40

static const qvl_colour white = { 255, 255, 255 };
static const qvl_colour black = { 20, 20, 20 };
static const qvl_colour grey = { 110, 110, 110 };
static const qvl_colour red = { 190, 0, 0 };
static const qvl_colour blue = { 0, 110, 200 };

/* Objects that are counted together. */
typedef struct {
    const qvl_category *category;
    int *n;     // [columns]
    int total;
} entry;

typedef struct {
    entry *category;  // [n_categories]
    int n_categories;
    entry kind[QVL_N_GEOM];
    int n_columns;
} legend;

double qvl_page_text_unit(double size)
{
    return TEXT_UNIT * size;
}

int qvl_page_text_line_px(double size)
{
    return (int)ceil(qvl_draw_text_height(TEXT_UNIT * size)
                     + LINE_GAP_PX * size);
}

static int scaled_px(const qvl_page_text *t, double px)
{
    return (int)ceil(px * t->size);
}

static const qvl_face *face_of(const qvl_page_text *t)
{
    return t->page->categories->face;
}

static double text_px(const qvl_page_text *t, const char *text)
{
    return qvl_draw_text_width_in(face_of(t), text,
                                  qvl_page_text_unit(t->size));
}

static qvl_page_line *add_line(qvl_page_text *t, const char *text,
                               qvl_colour ink)
{
    if (t->n == t->cap) {
        int cap = t->cap == 0 ? 64 : 2 * t->cap;
        qvl_page_line *more = qvl_arena_array(t->arena, qvl_page_line, cap);
        if (t->n > 0)
            memcpy(more, t->line, (size_t)t->n * sizeof *more);
        t->line = more;
        t->cap = cap;
    }
    qvl_page_line *l = &t->line[t->n++];
    *l = (qvl_page_line){ .text = text, .ink = ink };
    return l;
}

/* ---- counts ------------------------------------------------------------- */

static entry *find_entry(legend *g, const qvl_category *category,
                         qvl_arena *arena)
{
    for (int i = 0; i < g->n_categories; i++)
        if (g->category[i].category == category)
            return &g->category[i];
    entry *e = &g->category[g->n_categories++];
    *e = (entry){ .category = category,
                  .n = qvl_arena_array(arena, int, g->n_columns) };
    return e;
}

static int compare_entries(const void *pa, const void *pb)
{
    const entry *a = pa;
    const entry *b = pb;
    if (a->total != b->total)
        return a->total > b->total ? -1 : 1;
    return a->category->number < b->category->number ? -1 : 1;
}

/* Count the objects of a view in a column; in column `plain` as well those that are not
 * marked, -1: in none. */
static void count_view(const qvl_page_text *t, legend *g, const qvl_marks *m,
                       int column, int plain)
{
    for (int k = 0; k < m->n; k++) {
        const qvl_category *c = qvl_categories_find(t->page->categories,
                                                    m->object[k].desc);
        entry *of[] = { find_entry(g, c, t->arena),
                        &g->kind[m->object[k].kind] };
        bool is_plain = m->is_marked == NULL || !m->is_marked[k];
        for (size_t i = 0; i < QVL_COUNT(of); i++) {
            of[i]->n[column]++;
            of[i]->total++;
            if (plain >= 0 && is_plain)
                of[i]->n[plain]++;
        }
    }
}

/* A column for each view that has one, and one for what is not marked in the first. */
static void count_all(const qvl_page_text *t, legend *g)
{
    const qvl_page *p = t->page;
    size_t n = 0;
    for (int i = 0; i < p->n_views; i++) {
        n += (size_t)p->view[i].marks.n;
        g->n_columns += p->view[i].column != NULL;
    }
    int plain = p->column != NULL ? g->n_columns++ : -1;
    g->category = qvl_arena_array(t->arena, entry, n);
    for (int k = 0; k < QVL_N_GEOM; k++)
        g->kind[k].n = qvl_arena_array(t->arena, int, g->n_columns);
    int column = 0;
    for (int i = 0; i < p->n_views; i++)
        if (p->view[i].column != NULL)
            count_view(t, g, &p->view[i].marks, column++, i == 0 ? plain : -1);
    qsort(g->category, (size_t)g->n_categories, sizeof *g->category,
          compare_entries);
}

static const char *counts_text(const qvl_page_text *t, const legend *g,
                               const entry *e)
{
    const char *text = "";
    for (int i = 0; i < g->n_columns; i++)
        text = qvl_arena_printf(t->arena, "%s%s%d", text, i > 0 ? " / " : "",
                                e->n[i]);
    return text;
}

static const char *columns_text(const qvl_page_text *t)
{
    const qvl_page *p = t->page;
    const char *text = "";
    for (int i = 0; i <= p->n_views; i++) {
        const char *word = i < p->n_views ? p->view[i].column : p->column;
        if (word != NULL)
            text = qvl_arena_printf(t->arena, "%s%s%s", text,
                                    text[0] != '\0' ? " / " : "", word);
    }
    return text;
}

/* ---- lines -------------------------------------------------------------- */

/* Bytes of a text that stand on one line: up to a blank where there is one, at
 * least one character. */
static size_t wrapped_bytes(const qvl_page_text *t, const char *text)
{
    size_t n = qvl_draw_text_bytes(face_of(t), text,
                                   qvl_page_text_unit(t->size),
                                   t->w - scaled_px(t, GAP_PX));
    if (text[n] == '\0')
        return n;
    for (size_t i = n; i > 0; i--)
        if (text[i] == ' ')
            return i + 1;
    const char *p = text;
    qvl_font_next(&p);
    return n > 0 ? n : (size_t)(p - text);
}

static void add_note(qvl_page_text *t, const qvl_note *note)
{
    static const qvl_colour *const ink[QVL_N_NOTES] = {
        [QVL_NOTE_TITLE] = &black,  [QVL_NOTE_TEXT] = &grey,
        [QVL_NOTE_BANNER] = &white, [QVL_NOTE_ALARM] = &red,
    };
    const char *text = note->text;
    for (int i = 0; i < NOTE_LINES && text[0] != '\0'; i++) {
        size_t n = wrapped_bytes(t, text);
        bool is_cut = i == NOTE_LINES - 1 && text[n] != '\0';
        const char *part = is_cut ? "..."
                                  : qvl_arena_strndup(t->arena, text, n);
        add_line(t, part, *ink[note->kind])->is_banner =
            note->kind == QVL_NOTE_BANNER;
        text += n;
    }
}

static void add_legend(qvl_page_text *t, const legend *g, int room)
{
    int n = g->n_categories <= room ? g->n_categories : room - 1;
    if (g->n_categories == 0)
        return;
    add_line(t, "", grey)->counts = columns_text(t);
    for (int i = 0; i < n; i++) {
        const entry *e = &g->category[i];
        qvl_page_line *l = add_line(t, e->category->shown, black);
        l->category = e->category;
        l->counts = counts_text(t, g, e);
    }
    if (n < g->n_categories)
        add_line(t, qvl_arena_printf(t->arena, "and %d more",
                                     g->n_categories - n), grey);
    add_line(t, "", black);
}

static void add_kinds(qvl_page_text *t, const legend *g)
{
    for (int k = 0; k < QVL_N_GEOM; k++) {
        if (g->kind[k].total == 0)
            continue;
        qvl_page_line *l = add_line(t, qvl_geom_name((qvl_geom_kind)k), black);
        l->has_sample = true;
        l->kind = (qvl_geom_kind)k;
        l->counts = counts_text(t, g, &g->kind[k]);
    }
}

/* Wide enough for the legend, within bounds; sentences in red need more. */
static int plan_width(const qvl_page_text *t, const legend *g)
{
    double least = LEAST_PX;
    for (int i = 0; i < t->page->n_notes; i++)
        if (t->page->note[i].kind == QVL_NOTE_ALARM)
            least = ALARM_PX;
    double most = text_px(t, columns_text(t));
    for (int i = 0; i < g->n_categories; i++) {
        const entry *e = &g->category[i];
        most = fmax(most, text_px(t, e->category->shown)
                              + text_px(t, counts_text(t, g, e)));
    }
    double w = most + (SWATCH_PX + 3 * GAP_PX) * t->size;
    return (int)ceil(fmin(fmax(w, least * t->size), MOST_PX * t->size));
}

void qvl_page_text_plan(qvl_page_text *t, int views_h, int n_left_out)
{
    const qvl_page *p = t->page;
    legend g = { 0 };
    count_all(t, &g);
    t->w = plan_width(t, &g);
    for (int i = 0; i < p->n_notes; i++)
        add_note(t, &p->note[i]);
    if (p->n_notes > 0)
        add_line(t, "", black);
    int most = views_h / qvl_page_text_line_px(t->size);
    int others = t->n + QVL_N_GEOM + 5;
    int room = (most > MOST_LINES ? most : MOST_LINES) - others;
    add_legend(t, &g, room > LEGEND_LINES ? room : LEGEND_LINES);
    add_kinds(t, &g);
    if (p->marked != NULL)
        add_note(t, &(qvl_note){ QVL_NOTE_ALARM,
                                 qvl_arena_printf(t->arena, "! red edge: %s",
                                                  p->marked) });
    if (n_left_out > 0)
        add_line(t, qvl_arena_printf(t->arena, "%d label%s without room",
                                     n_left_out, n_left_out > 1 ? "s" : ""),
                 grey);
}

/* ---- drawing ------------------------------------------------------------ */

/* What stands in front of a line; returns where the text begins. */
static int draw_front(const qvl_page_text *t, const qvl_page_line *l,
                      qvl_canvas *c, int x, int y)
{
    double unit = qvl_page_text_unit(t->size);
    int gap = scaled_px(t, GAP_PX);
    int swatch = scaled_px(t, SWATCH_PX);
    int sample = scaled_px(t, SAMPLE_PX);
    if (l->is_banner) {
        int above = scaled_px(t, LINE_GAP_PX);
        qvl_draw_fill(c, x - gap / 2, y - above, x + t->w,
                      y - above + qvl_page_text_line_px(t->size), red, 1);
    }
    if (l->category != NULL) {
        qvl_draw_fill(c, x, y - 1, x + swatch, y - 1 + swatch,
                      qvl_draw_colour(l->category->colour), 1);
        return x + swatch + gap;
    }
    if (l->has_sample) {
        qvl_marks_draw_sample(c, l->kind, x + gap / 2.0,
                              x + sample - gap / 2.0, y + 4.5 * unit, blue,
                              t->size);
        return x + sample + gap;
    }
    return x;
}

static void draw_line(const qvl_page_text *t, const qvl_page_line *l,
                      qvl_canvas *c, int x, int y)
{
    double unit = qvl_page_text_unit(t->size);
    const char *counts = l->counts != NULL ? l->counts : "";
    int from = x + t->w - (int)ceil(text_px(t, counts));
    int at = draw_front(t, l, c, x, y);
    const char *text = l->text;
    if (l->counts != NULL)
        text = qvl_draw_text_fit(c->face, text, unit,
                                 from - scaled_px(t, GAP_PX) - at, t->arena);
    qvl_draw_text(c, at, y, text, unit, l->ink);
    qvl_draw_text(c, from, y, counts, unit, l->ink);
}

void qvl_page_text_draw(const qvl_page_text *t, qvl_canvas *c, int x, int y)
{
    int step = qvl_page_text_line_px(t->size);
    for (int i = 0; i < t->n; i++)
        draw_line(t, &t->line[i], c, x, y + i * step);
}
