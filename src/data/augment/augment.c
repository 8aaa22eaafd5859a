/* augment.c - the pipeline: which ops are drawn, flushes, the end */
#include "data/augment/augment.h"

#include <assert.h>
#include <string.h>

#include "data/augment/curriculum.h"
#include "data/augment/run.h"

/* A map that is nearer to the identity is none. */
#define STILL 1e-9

static qvl_aug_fn *const functions[] = {
#define OP(field, kind) [QVL_AUG_OP_##field] = qvl_aug_##field,
#include "config/augment.def"
};

static const char *const outcomes[] = {
    [QVL_AUG_FIRED] = "fired",
    [QVL_AUG_NOT_DRAWN] = "not_drawn",
    [QVL_AUG_NO_EFFECT] = "no_effect",
    [QVL_AUG_MIN_OBJECTS] = "min_objects",
    [QVL_AUG_LINE_OBJECT] = "line_object",
    [QVL_AUG_NO_OBJECTS] = "no_objects",
    [QVL_AUG_NO_ANCHOR] = "no_anchor",
    [QVL_AUG_SUMMARY_MODE] = "summary_mode",
    [QVL_AUG_NO_TARGET] = "no_target",
    [QVL_AUG_NO_ROOM] = "no_room",
};

const char *qvl_aug_outcome_name(qvl_aug_outcome outcome)
{
    return outcomes[outcome];
}

qvl_aug_fn *qvl_aug_fn_of(qvl_aug_id op)
{
    return functions[op];
}

/* ---- draws --------------------------------------------------------------- */

bool qvl_aug_is_drawn(const qvl_aug_op *op, qvl_rng *rng)
{
    double prob;
    const qvl_aug_param *p = qvl_aug_param_find(op->id, "prob");
    if (p == NULL)
        return true;
    memcpy(&prob, (const char *)op + p->at, sizeof prob);
    return qvl_rng_uniform(rng) < prob;
}

static void start_draws(qvl_aug_run *r)
{
    qvl_rng_id id = { .seed = r->a->seed, .epoch = r->at->epoch,
                      .dataset = r->a->dataset, .record = r->record->index,
                      .occurrence = r->at->occurrence };
    qvl_rng_init(&r->geometry, &id, QVL_RNG_AUG);
    qvl_rng_init(&r->colour, &id, QVL_RNG_COLOUR);
}

/* ---- objects ------------------------------------------------------------- */

static void take_objects(qvl_aug_run *r)
{
    const qvl_record *record = r->record;
    r->item = qvl_arena_array(r->arena, qvl_aug_item, record->n_objects);
    r->n_items = record->n_objects;
    for (int i = 0; i < record->n_objects; i++) {
        const qvl_object *o = &record->object[i];
        r->item[i] = (qvl_aug_item){ .geom = { o->kind, o->n, o->point },
                                     .desc = o->desc, .source = i, .coverage = 1.0 };
    }
}

qvl_aug_item *qvl_aug_add_item(qvl_aug_run *r)
{
    size_t n = (size_t)r->n_items;
    qvl_aug_item *item = qvl_arena_array(r->arena, qvl_aug_item, n + 1);
    if (n > 0)
        memcpy(item, r->item, n * sizeof *item);
    r->item = item;
    return &r->item[r->n_items++];
}

qvl_transform_options qvl_aug_transform_options(const qvl_aug_run *r)
{
    const qvl_augmentation *rules = r->a->rules;
    return (qvl_transform_options){
        .clip_poly = (qvl_clip_poly)rules->clip_poly,
        .degenerate = (qvl_degenerate)rules->degenerate,
        .min_poly_points = rules->min_poly_points,
        .winding = r->a->winding,
    };
}

/* ---- flush --------------------------------------------------------------- */

static int place_objects(qvl_aug_run *r, const qvl_placement *to)
{
    qvl_transform_options options = qvl_aug_transform_options(r);
    int n = 0;
    for (int i = 0; i < r->n_items; i++) {
        qvl_transformed t;
        QVL_TRY(qvl_transform_place(&t, &r->item[i].geom, to, &options, r->arena,
                                    r->err));
        if (t.fate == QVL_FATE_DROPPED) {
            r->n_dropped += !r->item[i].is_copy;
            continue;
        }
        r->item[n] = r->item[i];
        r->item[n++].geom = t.geom;
    }
    r->n_items = n;
    return QVL_OK;
}

int qvl_aug_flush(qvl_aug_run *r, int w, int h)
{
    if (qvl_affine_is_identity(&r->m, STILL) && w == r->w && h == r->h)
        return QVL_OK;
    qvl_edit_step step = { .kind = QVL_EDIT_WARP, .h = h, .w = w };
    qvl_affine inverse;
    QVL_TRY(qvl_affine_invert(&inverse, &r->m, r->err));
    memcpy(step.inverse, inverse.m, sizeof step.inverse);
    qvl_edit_put(&r->steps, &step);
    QVL_TRY(place_objects(r, &(qvl_placement){ r->m, w, h }));
    r->m = qvl_affine_identity();
    r->w = w;
    r->h = h;
    return QVL_OK;
}

/* ---- ops ----------------------------------------------------------------- */

static int run_op(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    bool is_colour = qvl_aug_kind_of(op->id) == QVL_AUG_COLOUR;
    *outcome = QVL_AUG_FIRED;
    if (!qvl_aug_is_drawn(op, is_colour ? &r->colour : &r->geometry)) {
        *outcome = QVL_AUG_NOT_DRAWN;
        return QVL_OK;
    }
    return functions[op->id](r, op, outcome);
}

/* Names of the sample, for whoever wants to see it again. */
static int fail(const qvl_aug_run *r, int rc, const char *op)
{
    qvl_err_add(r->err, "augmentation (%s; record %zu, epoch %llu, occurrence %llu, "
                "step %lld, seed %llu)", op, r->record->index,
                (unsigned long long)r->at->epoch,
                (unsigned long long)r->at->occurrence, (long long)r->at->step,
                (unsigned long long)r->a->seed);
    return rc;
}

static int run_ops(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    const qvl_augmentation *rules = r->a->rules;
    for (int i = 0; i < rules->n_ops; i++) {
        int rc = run_op(r, &op[i], &outcome[i]);
        if (rc != QVL_OK)
            return fail(r, rc, qvl_aug_name(op[i].id));
    }
    int rc = qvl_aug_flush(r, r->w, r->h);
    return rc != QVL_OK ? fail(r, rc, "last flush") : QVL_OK;
}

/* ---- the end ------------------------------------------------------------- */

/* Whole pixels, and no object that has none. */
static void finish_objects(qvl_aug_run *r)
{
    qvl_transform_options options = qvl_aug_transform_options(r);
    int n = 0;
    for (int i = 0; i < r->n_items; i++) {
        qvl_transformed t;
        qvl_transform_finish(&t, &r->item[i].geom, r->w, r->h, &options, r->arena);
        if (t.fate == QVL_FATE_DROPPED) {
            r->n_dropped += !r->item[i].is_copy;
            continue;
        }
        r->item[n] = r->item[i];
        r->item[n++].geom = t.geom;
    }
    r->n_items = n;
}

static const qvl_edit *make_edit(qvl_aug_run *r)
{
    for (int i = 0; i < r->colours.n; i++)
        qvl_edit_put(&r->steps, &r->colours.step[i]);
    qvl_edit *e = qvl_arena_array(r->arena, qvl_edit, 1);
    *e = (qvl_edit){ r->record->h, r->record->w, r->steps.step, r->steps.n };
    return e;
}

static const qvl_record *make_record(qvl_aug_run *r)
{
    qvl_record *record = qvl_arena_array(r->arena, qvl_record, 1);
    qvl_object *object = qvl_arena_array(r->arena, qvl_object, r->n_items);
    for (int i = 0; i < r->n_items; i++) {
        const qvl_aug_item *item = &r->item[i];
        object[i] = (qvl_object){ item->geom.kind, item->geom.n, item->geom.point,
                                  item->desc };
    }
    *record = *r->record;
    record->object = object;
    record->n_objects = r->n_items;
    record->w = r->w;
    record->h = r->h;
    record->edit = make_edit(r);
    return record;
}

static void report_objects(const qvl_aug_run *r, qvl_augment_report *report)
{
    int *source = qvl_arena_array(r->arena, int, r->n_items);
    double *coverage = qvl_arena_array(r->arena, double, r->n_items);
    for (int i = 0; i < r->n_items; i++) {
        source[i] = r->item[i].source;
        coverage[i] = r->item[i].coverage;
        report->n_added += r->item[i].is_copy;
    }
    report->source = source;
    report->coverage = coverage;
    report->n_dropped = r->n_dropped;
    report->padding_ratio = r->padding_ratio;
}

/* ---- a record ------------------------------------------------------------ */

static int run_all(qvl_aug_run *r, const qvl_aug_op *op, const qvl_record **out,
                   qvl_augment_report *report)
{
    qvl_aug_outcome *outcome =
        qvl_arena_array(r->arena, qvl_aug_outcome, r->a->rules->n_ops);
    take_objects(r);
    report->outcome = outcome;
    QVL_TRY(run_ops(r, op, outcome));
    if (r->steps.n > 0 || r->colours.n > 0)
        finish_objects(r);
    report->is_discarded = r->n_items == 0 && r->record->n_objects > 0;
    if (!report->is_discarded && (r->steps.n > 0 || r->colours.n > 0)) {
        *out = make_record(r);
        report_objects(r, report);
        return QVL_OK;
    }
    take_objects(r);  // as they were
    r->n_dropped = 0;
    r->padding_ratio = 0.0;
    report_objects(r, report);
    return QVL_OK;
}

int qvl_augment(const qvl_augmenter *a, const qvl_record *record,
                const qvl_sample_at *at, qvl_mode mode, qvl_arena *arena,
                const qvl_record **out, qvl_augment_report *report, qvl_err *err)
{
    qvl_augment_report own = { 0 };
    const qvl_record *result = record;
    qvl_aug_run r = {
        .a = a, .record = record, .at = at, .mode = mode, .arena = arena, .err = err,
        .w = record->w, .h = record->h, .m = qvl_affine_identity(),
        .steps = { .arena = arena }, .colours = { .arena = arena },
    };
    assert(a->rules->is_on);
    start_draws(&r);
    qvl_aug_state state =
        qvl_aug_state_at(a->rules, at->step, a->total_steps, arena);
    own.is_bypassed = qvl_rng_uniform(&r.geometry) < state.bypass_prob
                      || record->messages != NULL || record->w == 0;
    if (own.is_bypassed) {
        take_objects(&r);
        report_objects(&r, &own);
    } else {
        QVL_TRY(run_all(&r, state.op, &result, &own));
    }
    *out = result;
    if (report != NULL)
        *report = own;
    return QVL_OK;
}
