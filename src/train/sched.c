/* sched.c - the rate as a function of the step
 *
 * A row for each type: its formula and what it reads. No state but that of
 * reduce_lr_on_plateau; a step can be asked for in any order.
 */
#include "train/sched.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/str.h"

#define PI 3.14159265358979323846
#define PROGRESS 1e-4  // relative; smaller changes do not count

static double max_1(int64_t n)
{
    return n > 1 ? (double)n : 1.0;
}

static double at_least_0(double x)
{
    return x > 0.0 ? x : 0.0;
}

static double wave(double turns)
{
    return 0.5 * (1.0 + cos(PI * turns));
}

/* Share of the steps after the warmup. */
static double share(const qvl_sched *s, int64_t k)
{
    return (double)(k - s->n_warmup) / max_1(s->o->max_steps - s->n_warmup);
}

static double with_floor(const qvl_sched *s, double f)
{
    return at_least_0(f * (1.0 - s->floor) + s->floor);
}

/* ---- types -------------------------------------------------------------- */

static double linear(const qvl_sched *s, int64_t k)
{
    return at_least_0((double)(s->o->max_steps - k)
                      / max_1(s->o->max_steps - s->n_warmup));
}

static double cosine(const qvl_sched *s, int64_t k)
{
    return at_least_0(wave(2.0 * s->cycles * share(s, k)));
}

static double cosine_with_restarts(const qvl_sched *s, int64_t k)
{
    double p = share(s, k);
    return p >= 1.0 ? 0.0 : at_least_0(wave(fmod(s->cycles * p, 1.0)));
}

static double polynomial(const qvl_sched *s, int64_t k)
{
    double lr = s->o->learning_rate, end = s->o->lr_end;
    if (k > s->o->max_steps)
        return end / lr;
    return ((lr - end) * pow(1.0 - share(s, k), s->o->power) + end) / lr;
}

static double constant(const qvl_sched *s, int64_t k)
{
    (void)s;
    (void)k;
    return 1.0;
}

static double inverse_sqrt(const qvl_sched *s, int64_t k)
{
    double shift = s->timescale - (double)s->n_warmup;
    return 1.0 / sqrt(((double)k + shift) / s->timescale);
}

static double cosine_with_min_lr(const qvl_sched *s, int64_t k)
{
    return with_floor(s, wave(2.0 * s->cycles * share(s, k)));
}

static double cosine_warmup_with_min_lr(const qvl_sched *s, int64_t k)
{
    double r = s->o->warmup_lr_rate;
    if (k < s->n_warmup && r >= 0.0)
        return r + (1.0 - r) * (double)k / max_1(s->n_warmup - 1);
    if (k < s->n_warmup)
        return (double)(k + 1) / max_1(s->n_warmup);
    return with_floor(s, wave(2.0 * s->cycles * fmin(1.0, share(s, k + 1))));
}

enum { SHAPE_LINEAR, SHAPE_COSINE, SHAPE_ROOT, N_SHAPES };
static const char *const shape_name[N_SHAPES] = { "linear", "cosine",
                                                  "1-sqrt" };

static double warmup_stable_decay(const qvl_sched *s, int64_t k)
{
    int64_t start = s->n_warmup + s->n_stable;
    if (k < start)
        return 1.0;
    if (k >= start + s->n_decay)
        return s->floor;
    double p = (double)(k - start) / max_1(s->n_decay);
    double f = s->decay == SHAPE_LINEAR   ? 1.0 - p
               : s->decay == SHAPE_COSINE ? wave(2.0 * s->cycles * p)
                                          : 1.0 - sqrt(p);
    return with_floor(s, f);
}

static double reduce_lr_on_plateau(const qvl_sched *s, int64_t k)
{
    (void)k;
    return s->memory.scale;
}

enum {
    WARMUP = 1,      // the common one, before W
    FLOOR = 2,       // needs min_lr or min_lr_rate
    MAY_FLOOR = 4,
};

static const struct {
    const char *name;
    double (*factor)(const qvl_sched *s, int64_t k);
    unsigned uses;
    double cycles;   // default of num_cycles
} type[] = {
    { "linear", linear, WARMUP, 0.0 },
    { "cosine", cosine, WARMUP, 0.5 },
    { "cosine_with_restarts", cosine_with_restarts, WARMUP, 1.0 },
    { "polynomial", polynomial, WARMUP, 0.0 },
    { "constant", constant, 0, 0.0 },
    { "constant_with_warmup", constant, WARMUP, 0.0 },
    { "inverse_sqrt", inverse_sqrt, WARMUP, 0.0 },
    { "cosine_with_min_lr", cosine_with_min_lr, WARMUP | FLOOR, 0.5 },
    { "cosine_warmup_with_min_lr", cosine_warmup_with_min_lr, FLOOR, 0.5 },
    { "warmup_stable_decay", warmup_stable_decay, WARMUP | MAY_FLOOR, 0.5 },
    { "reduce_lr_on_plateau", reduce_lr_on_plateau, 0, 0.0 },
};

double qvl_sched_factor(const qvl_sched *s, int64_t k)
{
    assert(k >= 0);
    if ((type[s->kind].uses & WARMUP) != 0 && k < s->n_warmup)
        return (double)k / max_1(s->n_warmup);
    return type[s->kind].factor(s, k);
}

const char *qvl_sched_name(const qvl_sched *s)
{
    return type[s->kind].name;
}

/* ---- evaluations -------------------------------------------------------- */

static bool is_progress(const qvl_sched *s, double value)
{
    double best = s->memory.best;
    if (!isfinite(best))
        return true;
    return s->o->greater_is_better ? value > best * (1.0 + PROGRESS)
                                  : value < best * (1.0 - PROGRESS);
}

void qvl_sched_metric(qvl_sched *s, double value)
{
    if (type[s->kind].factor != reduce_lr_on_plateau)
        return;
    qvl_sched_memory *m = &s->memory;
    if (isfinite(value) && is_progress(s, value)) {
        m->best = value;
        m->n_bad = 0;
    } else if (++m->n_bad > s->o->patience) {
        m->scale *= s->o->factor;
        m->n_bad = 0;
    }
}

/* ---- checks ------------------------------------------------------------- */

static int find_name(const char *what, const char *name, int n,
                     const char *(*at)(int), int *place, qvl_err *err)
{
    const char *all[16];
    for (int i = 0; i < n; i++) {
        all[i] = at(i);
        if (name != NULL && strcmp(all[i], name) == 0) {
            *place = i;
            return QVL_OK;
        }
    }
    int rc = qvl_fail(err, QVL_E_CONFIG, "%s: found %s, expected %s, ...",
                      what, name != NULL ? name : "nothing", all[0]);
    const char *near = name != NULL ? qvl_str_nearest(name, all, (size_t)n)
                                    : NULL;
    if (near != NULL)
        qvl_err_hint(err, "Did you mean %s?", near);
    return rc;
}

static const char *type_at(int i)
{
    return type[i].name;
}

static const char *shape_at(int i)
{
    return shape_name[i];
}

static int check(bool holds, const char *what, double found,
                 const char *wanted, qvl_err *err)
{
    if (holds)
        return QVL_OK;
    return qvl_fail(err, QVL_E_CONFIG, "%s: found %g, expected %s", what,
                    found, wanted);
}

static int set_floor(qvl_sched *s, qvl_err *err)
{
    const qvl_train_options *o = s->o;
    unsigned uses = type[s->kind].uses;
    bool rate = o->min_lr_rate >= 0.0, absolute = o->min_lr >= 0.0;
    if ((uses & (FLOOR | MAY_FLOOR)) == 0)
        return QVL_OK;
    if (rate && absolute)
        return qvl_fail(err, QVL_E_CONFIG,
                        "%s: found min_lr and min_lr_rate, expected one of "
                        "them", type[s->kind].name);
    if (!rate && !absolute && (uses & FLOOR) != 0)
        return qvl_fail(err, QVL_E_CONFIG,
                        "%s: found neither min_lr nor min_lr_rate, expected "
                        "one of them", type[s->kind].name);
    s->floor = rate ? o->min_lr_rate : absolute ? o->min_lr / o->learning_rate : 0.0;
    return check(s->floor <= 1.0, rate ? "min_lr_rate" : "min_lr",
                 rate ? o->min_lr_rate : o->min_lr,
                 "no more than the learning rate", err);
}

static int set_decay(qvl_sched *s, qvl_err *err)
{
    const qvl_train_options *o = s->o;
    QVL_TRY(find_name("decay_type", o->decay_type, N_SHAPES, shape_at,
                      &s->decay, err));
    if (o->num_decay_steps < 0)
        return qvl_fail(err, QVL_E_CONFIG,
                        "%s: found no num_decay_steps, expected a number",
                        type[s->kind].name);
    s->n_decay = o->num_decay_steps;
    s->n_stable = o->num_stable_steps >= 0
                      ? o->num_stable_steps
                      : o->max_steps - s->n_warmup - s->n_decay;
    return check(s->n_stable >= 0, "num_decay_steps",
                 (double)o->num_decay_steps,
                 "no more than the steps after the warmup", err);
}

int qvl_sched_init(qvl_sched *s, const qvl_train_options *o, qvl_err *err)
{
    qvl_sched made = { .o = o,
                       .memory = { .scale = 1.0, .best = (double)NAN } };
    QVL_TRY(find_name("lr_scheduler_type", o->schedule, (int)QVL_COUNT(type),
                      type_at, &made.kind, err));
    made.n_warmup = o->warmup_steps > 0
                        ? o->warmup_steps
                        : (int64_t)ceil((double)o->max_steps
                                        * o->warmup_ratio);
    made.cycles = o->num_cycles >= 0.0 ? o->num_cycles
                                       : type[made.kind].cycles;
    made.timescale = o->timescale > 0.0  ? o->timescale
                     : made.n_warmup > 0 ? (double)made.n_warmup
                                         : 10000.0;
    if (type[made.kind].factor == polynomial)
        QVL_TRY(check(o->lr_end < o->learning_rate, "lr_end", o->lr_end,
                      "less than the learning rate", err));
    QVL_TRY(set_floor(&made, err));
    if (type[made.kind].factor == warmup_stable_decay)
        QVL_TRY(set_decay(&made, err));
    *s = made;
    return QVL_OK;
}
