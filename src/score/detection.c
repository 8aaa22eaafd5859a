/* detection.c - objects matched by overlap, and the counts of it
 *
 * Overlaps are of pixels, for all pairs of a picture: n * m masks compared.
 * Pairs are taken greedily from the largest overlap down, so one pass serves
 * all thresholds. Only counts are kept from picture to picture.
 */
#include "score/detection.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/node.h"
#include "base/rng.h"
#include "data/desc.h"
#include "data/mask.h"

/* Largest coordinate that is told apart. */
#define COORD_MAX (QVL_MASK_SIDE - 1)

/* ---- options ------------------------------------------------------------ */

static const double default_threshold[] = {
    0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95,
};
static const qvl_attr_weight default_weight[] = {
    { QVL_DESC_VISIBILITY, 0.1 },
    { QVL_DESC_DISTANCE, 4 },
};

qvl_detection_options qvl_detection_defaults(void)
{
    return (qvl_detection_options){
        .primary = 0.5,
        .threshold = default_threshold,
        .n_thresholds = QVL_COUNT(default_threshold),
        .line_tol = 8,
        .modes = (1u << QVL_N_MATCHES) - 1,
        .top_k = 25,
        .weight = default_weight,
        .n_weights = QVL_COUNT(default_weight),
    };
}

const char *qvl_match_name(qvl_match_mode mode)
{
    static const char *const name[] = {
        [QVL_MATCH_LOCALIZATION] = "localization",
        [QVL_MATCH_PHASE] = "phase",
        [QVL_MATCH_CATEGORY] = "category",
        [QVL_MATCH_FULL] = "full",
    };
    return name[mode];
}

void qvl_detection_init(qvl_detection *d, const qvl_detection_options *options,
                        qvl_arena *arena)
{
    assert(options->n_thresholds > 0
           && options->n_thresholds <= QVL_DETECTION_MAX_THRESHOLDS);
    *d = (qvl_detection){ .options = *options, .arena = arena };
}

void qvl_detection_release(qvl_detection *d)
{
    if (d != NULL)
        qvl_arena_release(&d->scratch);
}

/* ---- objects of one picture --------------------------------------------- */

/* An object, ready to be compared. */
typedef struct {
    const qvl_object *o;
    bool is_line;
    qvl_mask mask;
    qvl_desc desc;
    const char *label[QVL_N_MATCHES];  // "" matches nothing
} item;

/* Two objects that overlap. */
typedef struct {
    double iou;
    int truth, pred;
} pair;

typedef struct {
    const item *truth;  // [n_true]
    int n_true;
    const item *pred;   // [n_pred]
    int n_pred;
    const pair *p;      // [n_pairs] in the order they are taken
    size_t n_pairs;
} picture;

static double clamp(double v)
{
    return v < 0 ? 0 : v > COORD_MAX ? COORD_MAX : v;
}

/* Width of a stroke: rnd(2 tol), at least a pixel. */
static double stroke_radius(double tol)
{
    double width = rint(2 * tol);
    return (width < 1 ? 1 : width) / 2;
}

static void make_mask(item *it, const qvl_detection_options *options,
                      qvl_arena *arena)
{
    const qvl_object *o = it->o;
    double *p = qvl_arena_array(arena, double, 2 * (size_t)o->n);
    for (int i = 0; i < 2 * o->n; i++)
        p[i] = clamp(o->point[i]);
    if (o->kind == QVL_GEOM_LINE) {
        qvl_mask_stroke(&it->mask, p, o->n, stroke_radius(options->line_tol),
                        arena);
    } else if (o->kind == QVL_GEOM_POLY) {
        qvl_mask_region(&it->mask, p, o->n, arena);
    } else {
        double box[] = { fmin(p[0], p[2]), fmin(p[1], p[3]),
                         fmax(p[0], p[2]), fmax(p[1], p[3]) };
        qvl_mask_box(&it->mask, box, arena);
    }
}

/* Category, and for those that stand for many things the first attribute. */
static const char *finer_label(const qvl_detection_options *options,
                               const qvl_desc *desc, qvl_arena *arena)
{
    for (int i = 0; i < options->n_umbrellas; i++)
        if (strcmp(options->umbrella[i], desc->category) == 0
            && desc->n_attrs > 0)
            return qvl_arena_printf(arena, "%s/%s", desc->category,
                                    desc->attr[0].value);
    return desc->category;
}

static item *make_items(const qvl_detection_options *options,
                        const qvl_object *object, int n, qvl_arena *arena)
{
    item *items = qvl_arena_array(arena, item, n);
    for (int i = 0; i < n; i++) {
        item *it = &items[i];
        it->o = &object[i];
        it->is_line = object[i].kind == QVL_GEOM_LINE;
        qvl_desc_read(&it->desc, object[i].desc, arena);
        make_mask(it, options, arena);
        it->label[QVL_MATCH_LOCALIZATION] = "any";
        it->label[QVL_MATCH_PHASE] = it->desc.category;
        it->label[QVL_MATCH_CATEGORY] =
            finer_label(options, &it->desc, arena);
        it->label[QVL_MATCH_FULL] = object[i].desc;
    }
    return items;
}

static int compare_pairs(const void *pa, const void *pb)
{
    const pair *a = pa;
    const pair *b = pb;
    if (a->iou != b->iou)
        return a->iou > b->iou ? -1 : 1;
    if (a->truth != b->truth)
        return a->truth < b->truth ? -1 : 1;
    return a->pred < b->pred ? -1 : a->pred > b->pred;
}

/* All pairs of a family that overlap, the largest overlap first. */
static void find_pairs(picture *s, qvl_arena *arena)
{
    size_t cap = 64;
    pair *p = qvl_arena_array(arena, pair, cap);
    size_t n = 0;
    for (int t = 0; t < s->n_true; t++) {
        for (int k = 0; k < s->n_pred; k++) {
            if (s->truth[t].is_line != s->pred[k].is_line)
                continue;
            double iou = qvl_mask_iou(&s->truth[t].mask, &s->pred[k].mask);
            if (iou <= 0)
                continue;
            if (n == cap) {
                pair *larger = qvl_arena_array(arena, pair, 2 * cap);
                memcpy(larger, p, n * sizeof *p);
                p = larger;
                cap *= 2;
            }
            p[n++] = (pair){ iou, t, k };
        }
    }
    qsort(p, n, sizeof *p, compare_pairs);
    s->p = p;
    s->n_pairs = n;
}

static picture make_picture(const qvl_detection_options *options,
                            const qvl_object *truth, int n_true,
                            const qvl_object *pred, int n_pred,
                            qvl_arena *arena)
{
    picture s = { .truth = make_items(options, truth, n_true, arena),
                  .n_true = n_true,
                  .pred = make_items(options, pred, n_pred, arena),
                  .n_pred = n_pred };
    find_pairs(&s, arena);
    return s;
}

/* ---- matching ----------------------------------------------------------- */

static bool is_compatible(const item *a, const item *b, qvl_match_mode mode)
{
    return a->label[mode][0] != '\0'
           && strcmp(a->label[mode], b->label[mode]) == 0;
}

/* Pairs of a mode, greedily one to one, in order of falling overlap: those
 * that reach a threshold come first, so one pass serves all thresholds. */
static size_t match(const picture *s, qvl_match_mode mode, pair *taken,
                    qvl_arena *arena)
{
    bool *is_used_true = qvl_arena_array(arena, bool, s->n_true);
    bool *is_used_pred = qvl_arena_array(arena, bool, s->n_pred);
    size_t n = 0;
    for (size_t i = 0; i < s->n_pairs; i++) {
        const pair *p = &s->p[i];
        if (is_used_true[p->truth] || is_used_pred[p->pred]
            || !is_compatible(&s->truth[p->truth], &s->pred[p->pred], mode))
            continue;
        is_used_true[p->truth] = true;
        is_used_pred[p->pred] = true;
        taken[n++] = *p;
    }
    return n;
}

void qvl_detection_match(int *of_true, int *of_pred,
                         const qvl_detection_options *options,
                         qvl_match_mode mode, const qvl_object *truth,
                         int n_true, const qvl_object *pred, int n_pred,
                         qvl_arena *arena)
{
    picture s = make_picture(options, truth, n_true, pred, n_pred, arena);
    pair *taken = qvl_arena_array(arena, pair,
                                  n_true < n_pred ? n_true : n_pred);
    size_t n = match(&s, mode, taken, arena);
    for (int i = 0; i < n_true; i++)
        of_true[i] = -1;
    for (int i = 0; i < n_pred; i++)
        of_pred[i] = -1;
    for (size_t i = 0; i < n && taken[i].iou >= options->primary; i++) {
        of_true[taken[i].truth] = taken[i].pred;
        of_pred[taken[i].pred] = taken[i].truth;
    }
}

static void count_matches(qvl_match_counts *c, const pair *taken, size_t n,
                          double threshold)
{
    size_t k = 0;
    while (k < n && taken[k].iou >= threshold)
        k++;
    c->matched += (int64_t)k;
    c->matched_pred += (int64_t)k;
}

static void add_objects(qvl_match_counts *c, const picture *s)
{
    c->n_true += s->n_true;
    c->n_pred += s->n_pred;
}

/* Totals of a mode, at all thresholds and by kind at the primary one. */
static void count_mode(qvl_detection *d, const picture *s,
                       qvl_match_mode mode, const pair *taken, size_t n)
{
    for (int k = 0; k < d->options.n_thresholds; k++) {
        qvl_match_counts *c = &d->total[mode][k];
        count_matches(c, taken, n, d->options.threshold[k]);
        add_objects(c, s);
    }
    count_matches(&d->primary[mode], taken, n, d->options.primary);
    add_objects(&d->primary[mode], s);
    qvl_match_counts *kind = d->kind[mode];
    for (int t = 0; t < s->n_true; t++)
        kind[s->truth[t].o->kind].n_true++;
    for (int p = 0; p < s->n_pred; p++)
        kind[s->pred[p].o->kind].n_pred++;
    for (size_t i = 0; i < n && taken[i].iou >= d->options.primary; i++) {
        kind[s->truth[taken[i].truth].o->kind].matched++;
        kind[s->pred[taken[i].pred].o->kind].matched_pred++;
    }
}

/* ---- categories --------------------------------------------------------- */

/* Slot of a name, or the free one where it belongs. */
static int *find_slot(const qvl_detection *d, const char *name)
{
    uint64_t hash = qvl_rng_mix(0, qvl_rng_hash(name, strlen(name)));
    size_t mask = (size_t)d->n_slots - 1;
    size_t i = (size_t)hash & mask;
    while (d->category_slot[i] != 0
           && strcmp(d->category[d->category_slot[i] - 1].name, name) != 0)
        i = (i + 1) & mask;
    return &d->category_slot[i];
}

/* Twice as much room for categories; slots stay at most half full. */
static void grow_categories(qvl_detection *d)
{
    int cap = d->category_cap == 0 ? 64 : 2 * d->category_cap;
    qvl_category_counts *larger =
        qvl_arena_array(d->arena, qvl_category_counts, cap);
    if (d->n_categories > 0)
        memcpy(larger, d->category,
               (size_t)d->n_categories * sizeof *larger);
    d->category = larger;
    d->category_cap = cap;
    d->n_slots = 2 * cap;
    d->category_slot = qvl_arena_array(d->arena, int, d->n_slots);
    for (int i = 0; i < d->n_categories; i++)
        *find_slot(d, larger[i].name) = i + 1;
}

static qvl_match_counts *category_of(qvl_detection *d, const char *name)
{
    if (d->n_categories == d->category_cap)
        grow_categories(d);
    int *slot = find_slot(d, name);
    if (*slot == 0) {
        d->category[d->n_categories].name =
            qvl_arena_strdup(d->arena, name);
        *slot = ++d->n_categories;
    }
    return &d->category[*slot - 1].at;
}

static void count_categories(qvl_detection *d, const picture *s,
                             const pair *taken, size_t n)
{
    for (int t = 0; t < s->n_true; t++)
        category_of(d, s->truth[t].label[QVL_MATCH_CATEGORY])->n_true++;
    for (int p = 0; p < s->n_pred; p++)
        category_of(d, s->pred[p].label[QVL_MATCH_CATEGORY])->n_pred++;
    for (size_t i = 0; i < n && taken[i].iou >= d->options.primary; i++) {
        const item *it = &s->truth[taken[i].truth];
        qvl_match_counts *c = category_of(d, it->label[QVL_MATCH_CATEGORY]);
        c->matched++;
        c->matched_pred++;
    }
}

/* ---- attributes --------------------------------------------------------- */

static double weight_of(const qvl_detection_options *options, const char *key)
{
    for (int i = 0; i < options->n_weights; i++)
        if (strcmp(options->weight[i].key, key) == 0)
            return options->weight[i].weight;
    return 1;
}

static bool read_whole(const char *text, int64_t *v)
{
    return text != NULL && qvl_node_read_int(text, strlen(text), v);
}

static void count_attributes(qvl_detection *d, const qvl_desc *truth,
                             const qvl_desc *pred)
{
    for (int i = 0; i < truth->n_attrs; i++) {
        const qvl_desc_attr *a = &truth->attr[i];
        const char *found = qvl_desc_find(pred, a->key);
        bool is_equal = found != NULL && strcmp(found, a->value) == 0;
        int64_t v;
        int64_t w;
        if (a->value[0] == '\0')
            continue;
        double weight = weight_of(&d->options, a->key);
        d->attr_total += weight;
        d->attr_matched += is_equal ? weight : 0;
        if (strcmp(a->key, QVL_DESC_READING) == 0) {
            d->n_reading++;
            d->n_reading_equal += is_equal;
        } else if (strcmp(a->key, QVL_DESC_REMARK) == 0) {
            d->n_remark++;
            d->n_remark_equal += is_equal;
        } else if (strcmp(a->key, QVL_DESC_DISTANCE) == 0
                   && read_whole(a->value, &v)) {
            d->n_distance++;
            d->n_distance_equal += read_whole(found, &w) && v == w;
        }
    }
}

/* ---- rows --------------------------------------------------------------- */

static void count_places(qvl_detection *d, const picture *s,
                         const pair *taken, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        d->sum_iou += taken[i].iou;
        if (taken[i].iou >= d->options.primary)
            count_attributes(d, &s->truth[taken[i].truth].desc,
                             &s->pred[taken[i].pred].desc);
    }
    d->n_rows++;
    d->sum_miscount += abs(s->n_pred - s->n_true);
    d->n_over += s->n_pred > s->n_true;
    d->n_under += s->n_pred < s->n_true;
    d->n_equal += s->n_pred == s->n_true;
}

void qvl_detection_add(qvl_detection *d, const qvl_object *truth, int n_true,
                       const qvl_object *pred, int n_pred)
{
    qvl_arena *scratch = &d->scratch;
    qvl_arena_reset(scratch);
    picture s = make_picture(&d->options, truth, n_true, pred, n_pred, scratch);
    pair *taken = qvl_arena_array(scratch, pair,
                                  n_true < n_pred ? n_true : n_pred);
    for (int m = 0; m < QVL_N_MATCHES; m++) {
        qvl_match_mode mode = (qvl_match_mode)m;
        size_t n = match(&s, mode, taken, scratch);
        count_mode(d, &s, mode, taken, n);
        if (mode == QVL_MATCH_LOCALIZATION)
            count_places(d, &s, taken, n);
        if (mode == QVL_MATCH_CATEGORY)
            count_categories(d, &s, taken, n);
    }
}

void qvl_detection_tell(qvl_detection *d, const char *name, bool is_true)
{
    int i = 0;
    while (i < d->n_facts && strcmp(d->fact[i].name, name) != 0)
        i++;
    assert(i < QVL_DETECTION_MAX_FACTS);
    if (i == d->n_facts)
        d->fact[d->n_facts++].name = name;
    d->fact[i].n++;
    d->fact[i].n_true += is_true;
}

/* ---- rates -------------------------------------------------------------- */

static double ratio(int64_t part, int64_t all)
{
    return all > 0 ? (double)part / (double)all : 0;
}

double qvl_match_precision(const qvl_match_counts *c)
{
    return ratio(c->matched_pred, c->n_pred);
}

double qvl_match_recall(const qvl_match_counts *c)
{
    return ratio(c->matched, c->n_true);
}

double qvl_match_f(const qvl_match_counts *c, double beta)
{
    double p = qvl_match_precision(c);
    double r = qvl_match_recall(c);
    double b = beta * beta;
    return p + r > 0 ? (1 + b) * p * r / (b * p + r) : 0;
}

double qvl_detection_mean_f1(const qvl_detection *d, qvl_match_mode mode)
{
    double sum = 0;
    for (int k = 0; k < d->options.n_thresholds; k++)
        sum += qvl_match_f(&d->total[mode][k], 1);
    return sum / d->options.n_thresholds;
}

double qvl_detection_mean_iou(const qvl_detection *d)
{
    int64_t n = d->primary[QVL_MATCH_LOCALIZATION].n_true;
    return n > 0 ? d->sum_iou / (double)n : 0;
}
