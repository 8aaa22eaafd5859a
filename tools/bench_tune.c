/* bench_tune.c - better tiles for the device at hand, kernel by kernel
 *
 * A candidate is computed first and compared with what the values that ship
 * compute: a wrong result is reported and never timed. Then incumbent and
 * candidate run in turns, so that both meet the same noise; a gain counts when
 * most of the pairs show it, and when the results of the odd shapes, for which
 * some drivers compile once more, are right as well. At the end the winner is measured
 * against what ships once more, and only what is better then is written.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/search.h"
#include "backend/tune.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "bench.h"
#include "tensor/dtype.h"
#include "tune_case.h"

/* A sample of the incumbent is at least so long, unless it takes more runs:
 * shorter ones are all noise. */
#define SAMPLE_S 3e-3
#define MOST_RUNS 4096

/* A candidate is given up after a run that takes so many times longer, or after
 * two pairs in which it is so much slower. */
#define FAR_SLOWER 4.0
#define SLOWER 1.25

/* No shape may lose more than this by what others gain. */
#define LOSS 0.95

/* Relative L2 distance of two right results: other orders of a sum, rounded to
 * the storage type. A wrong element in a thousand is far beyond. */
#define NEAR_F32 1e-4
#define NEAR_16_BIT 1e-2

typedef struct {
    const bench_options *o;
    qvl_err *err;
    qvl_arena arena;  // of a kernel
    qvl_device *dev;
    int dtype;
    char path[1024];
    double end_s;     // of the search for this kernel
    const char *op;
    tune_case c[TUNE_MOST_CASES];
    int n;
    float *found;     // what a candidate computes
    int n_tried, n_refused;
    double old_s, new_s;  // of the timed shapes, at the end
} tuner;

/* ---- choices as text ------------------------------------------------------ */

/* " BM 192 -> 96 BK 64 -> 128" */
static void put_changes(qvl_str *s, const qvl_choice *from,
                        const qvl_choice *to)
{
    qvl_str_reset(s);
    qvl_str_puts(s, "");
    for (int i = 0; i < from->n; i++)
        if (from->value[i] != to->value[i])
            qvl_str_printf(s, " %s %u -> %u", from->name[i],
                           (unsigned)from->value[i], (unsigned)to->value[i]);
}

static void tell(const tuner *t, const qvl_choice *from, const qvl_choice *to,
                 const char *what)
{
    qvl_str s = { 0 };
    put_changes(&s, from, to);
    qvl_log(QVL_LOG_INFO, "%s:%s: %s", t->op, s.p, what);
    qvl_str_release(&s);
}

/* ---- results -------------------------------------------------------------- */

/* Is this an error of a candidate, after which others may work? */
static bool is_refusal(int rc)
{
    return rc == QVL_E_DEVICE || rc == QVL_E_CONFIG || rc == QVL_E_UNSUPPORTED
           || rc == QVL_E_DEVICE_MEMORY;
}

/* Record the candidate in the timed cases, or in the others, and look at its
 * results. *is_good is false for one that is refused, and says why. */
static int prepare(tuner *t, const qvl_choice *from, const qvl_choice *to,
                   bool is_timed, bool *is_good)
{
    double near = t->dtype == QVL_F32 ? NEAR_F32 : NEAR_16_BIT;
    *is_good = false;
    QVL_TRY(qvl_choice_use(t->dev, t->c[0].kernel, to, t->err));
    for (int i = 0; i < t->n; i++) {
        tune_case *c = &t->c[i];
        qvl_err own = { 0 };
        if (c->is_timed != is_timed)
            continue;
        int rc = tune_case_record(c, &c->next, &own);
        if (rc == QVL_OK)
            rc = tune_case_compute(c, c->next, t->found, &own);
        if (rc != QVL_OK && !is_refusal(rc))
            return qvl_fail(t->err, rc, "%s", own.msg);
        double far = rc == QVL_OK ? tune_case_distance(c, t->found) : 0.0;
        if (rc == QVL_OK && far <= near)
            continue;
        t->n_refused++;
        /* More shared memory than there is, is no news. */
        if (rc == QVL_E_CONFIG)
            return QVL_OK;
        char text[200];
        snprintf(text, sizeof text, "wrong result for %s: distance %.2g, "
                 "expected at most %.2g", c->shape, far, near);
        tell(t, from, to, rc == QVL_OK ? text : own.msg);
        return QVL_OK;
    }
    *is_good = true;
    return QVL_OK;
}

/* ---- times ---------------------------------------------------------------- */

/* Do the values that differ change what this shape runs? */
static bool is_concerned(const tune_case *c, const qvl_choice *a,
                         const qvl_choice *b)
{
    for (int i = 0; i < a->n; i++) {
        char word[48];
        snprintf(word, sizeof word, " %s ", a->name[i]);
        if (a->value[i] != b->value[i] && strstr(c->blind, word) == NULL)
            return c->is_timed;
    }
    return false;
}

/* Shortest samples of both lists in turns, and in how many pairs the second was
 * shorter. */
typedef struct {
    double old_s, new_s;  // of a run
    double gain;          // 1 at most, unless most pairs agree
} pairs;

static int time_pairs(tuner *t, tune_case *c, pairs *p)
{
    int n = t->o->repeats, n_better = 0, i = 0;
    double best[2] = { INFINITY, INFINITY }, first_s;
    QVL_TRY(tune_case_time(c, c->next, 1, &first_s, t->err));
    *p = (pairs){ c->run_s, first_s, c->run_s / first_s };
    if (first_s > FAR_SLOWER * c->run_s)
        return QVL_OK;
    for (; i < n; i++) {
        double s[2];
        for (int k = 0; k < 2; k++) {
            int which = (i + k) % 2;
            QVL_TRY(tune_case_time(c, which == 0 ? c->list : c->next,
                                   c->runs, &s[which], t->err));
            best[which] = fmin(best[which], s[which]);
        }
        n_better += s[1] < s[0];
        if (i == 1 && best[1] > SLOWER * best[0])
            break;
    }
    *p = (pairs){ best[0] / c->runs, best[1] / c->runs, best[0] / best[1] };
    if (p->gain > 1.0 && 3 * n_better < 2 * i)
        p->gain = 1.0;
    return QVL_OK;
}

/* Mean gain over the shapes that are concerned; 0 when one of them loses. */
static int time_all(tuner *t, const qvl_choice *from, const qvl_choice *to,
                    double *gain)
{
    double sum = 0.0;
    bool is_loss = false;
    int n = 0;
    t->old_s = t->new_s = 0.0;
    for (int i = 0; i < t->n && !is_loss; i++) {
        pairs p;
        if (!is_concerned(&t->c[i], from, to))
            continue;
        QVL_TRY(time_pairs(t, &t->c[i], &p));
        sum += log(p.gain);
        is_loss = is_loss || p.gain < LOSS;
        n++;
        t->old_s += p.old_s;
        t->new_s += p.new_s;
    }
    *gain = is_loss ? 0.0 : n > 0 ? exp(sum / n) : 1.0;
    return QVL_OK;
}

/* How long a run of the incumbent takes, and how many a sample needs: runs
 * behind one another are shorter than one alone. */
static int calibrate(tuner *t)
{
    for (int i = 0; i < t->n; i++) {
        tune_case *c = &t->c[i];
        if (!c->is_timed)
            continue;
        QVL_TRY(tune_case_time(c, c->list, 1, &c->run_s, t->err));
        double s = c->run_s;
        for (c->runs = 1; s < SAMPLE_S && c->runs < MOST_RUNS;) {
            c->runs *= 2;
            QVL_TRY(tune_case_time(c, c->list, c->runs, &s, t->err));
        }
    }
    return QVL_OK;
}

/* ---- the search ----------------------------------------------------------- */

static bool is_legal(void *ctx, const qvl_choice *choice)
{
    tuner *t = ctx;
    return qvl_choice_check(t->dev, t->c[0].kernel, choice, NULL) == QVL_OK;
}

static bool is_over(void *ctx)
{
    return bench_now_s() >= ((const tuner *)ctx)->end_s;
}

static int compare(void *ctx, const qvl_choice *incumbent,
                   const qvl_choice *candidate, double *gain, qvl_err *err)
{
    tuner *t = ctx;
    bool is_good;
    (void)err;
    *gain = 0.0;
    t->n_tried++;
    QVL_TRY(prepare(t, incumbent, candidate, true, &is_good));
    if (is_good)
        QVL_TRY(time_all(t, incumbent, candidate, gain));
    if (*gain < QVL_SEARCH_GAIN)
        return QVL_OK;
    QVL_TRY(prepare(t, incumbent, candidate, false, &is_good));
    *gain = is_good ? *gain : 0.0;
    return QVL_OK;
}

/* The candidate is the incumbent from now on. */
static int take_next(tuner *t)
{
    for (int i = 0; i < t->n; i++) {
        tune_case *c = &t->c[i];
        t->dev->be->list_release(t->dev, c->list);
        c->list = c->next;
        c->next = NULL;
    }
    return calibrate(t);
}

static int accept(void *ctx, const qvl_choice *candidate, qvl_err *err)
{
    tuner *t = ctx;
    qvl_choice shipped;
    (void)err;
    qvl_choice_shipped(t->dev, t->c[0].kernel, &shipped);
    tell(t, &shipped, candidate, "faster");
    return take_next(t);
}

/* What ships is the incumbent, and its results are the truth. */
static int begin(tuner *t)
{
    size_t most = 1;
    QVL_TRY(qvl_choice_use(t->dev, t->c[0].kernel, NULL, t->err));
    for (int i = 0; i < t->n; i++) {
        tune_case *c = &t->c[i];
        QVL_TRY(tune_case_record(c, &c->list, t->err));
        QVL_TRY(tune_case_compute(c, c->list, c->wanted, t->err));
        most = c->n_out > most ? c->n_out : most;
    }
    t->found = qvl_arena_array(&t->arena, float, most);
    return calibrate(t);
}

/* Search from `first`, which was in use, or from what ships where that is wrong;
 * *best is what ships when nothing is better than it. */
static int search(tuner *t, const qvl_choice *shipped, const qvl_choice *first,
                  qvl_choice *best, double *gain)
{
    bool is_good = true;
    *best = *shipped;
    QVL_TRY(begin(t));
    if (!qvl_choice_is(first, shipped)) {
        QVL_TRY(prepare(t, shipped, first, true, &is_good));
        if (is_good)
            QVL_TRY(prepare(t, shipped, first, false, &is_good));
        if (is_good) {
            QVL_TRY(take_next(t));
            *best = *first;
        }
    }
    qvl_search s = { .ctx = t, .is_legal = is_legal, .compare = compare,
                     .accept = accept, .is_over = is_over };
    QVL_TRY(qvl_search_run(&s, best, t->err));
    *gain = 1.0;
    if (qvl_choice_is(best, shipped))
        return QVL_OK;
    QVL_TRY(begin(t));
    QVL_TRY(prepare(t, shipped, best, true, &is_good));
    if (is_good)
        QVL_TRY(time_all(t, shipped, best, gain));
    if (*gain < QVL_SEARCH_GAIN) {
        if (is_good)
            tell(t, shipped, best, "no longer faster when measured again");
        *best = *shipped;
        *gain = 1.0;
    }
    return QVL_OK;
}

/* ---- reports -------------------------------------------------------------- */

static void put_values(qvl_str *s, const char *key, const qvl_choice *c)
{
    qvl_str_printf(s, ", \"%s\": {", key);
    for (int i = 0; i < c->n; i++)
        qvl_str_printf(s, "%s\"%s\": %u", i > 0 ? ", " : "", c->name[i],
                       (unsigned)c->value[i]);
    qvl_str_putc(s, '}');
}

static void report(const tuner *t, const qvl_choice *shipped,
                   const qvl_choice *best, double gain)
{
    qvl_str s = { 0 };
    bool is_new = !qvl_choice_is(best, shipped);
    if (t->o->json) {
        qvl_str_printf(&s, "{\"name\": \"tune %s\", \"device\": \"%s:%d\", "
                       "\"dtype\": \"%s\"", t->op, t->dev->info.backend,
                       t->dev->info.index, qvl_dtype_name(t->dtype));
        put_values(&s, "old", shipped);
        put_values(&s, "new", best);
        if (is_new)
            qvl_str_printf(&s, ", \"old_s\": %.6g, \"new_s\": %.6g",
                           t->old_s, t->new_s);
        qvl_str_printf(&s, ", \"ratio\": %.3f, \"tried\": %d, \"refused\": "
                       "%d}", gain, t->n_tried, t->n_refused);
        puts(s.p);
    } else {
        put_changes(&s, shipped, best);
        printf("%-16s %-9s %-4s", t->op, t->dev->info.backend,
               qvl_dtype_name(t->dtype));
        if (is_new)
            printf(" %9.3f ms -> %9.3f ms %5.2f ", 1e3 * t->old_s,
                   1e3 * t->new_s, gain);
        else
            printf(" %32s ", "what ships");
        printf(" %3d tried, %d refused %s\n", t->n_tried, t->n_refused, s.p);
    }
    fflush(stdout);
    qvl_str_release(&s);
}

/* ---- kernels -------------------------------------------------------------- */

static int tune_op(tuner *t)
{
    qvl_choice shipped, first, best;
    double gain = 1.0;
    const qvl_kernel *k = t->c[0].kernel;
    qvl_choice_shipped(t->dev, k, &shipped);
    QVL_TRY(qvl_choice_in_use(t->dev, k, &first, t->err));
    t->n_tried = t->n_refused = 0;
    QVL_TRY(search(t, &shipped, &first, &best, &gain));
    report(t, &shipped, &best, gain);
    if (t->o->is_dry_run)
        return QVL_OK;
    bool is_new = !qvl_choice_is(&best, &shipped);
    const qvl_tune_entry entry = { t->op, is_new ? &best : NULL };
    return qvl_tune_save(t->path, &t->dev->info, &entry, 1, t->err);
}

static int open_and_tune(void *arg)
{
    tuner *t = arg;
    QVL_TRY(tune_cases_open(t->c, &t->n, t->op, t->dev, t->dtype, &t->arena,
                            t->err));
    if (t->n > 0)
        return tune_op(t);
    qvl_log(QVL_LOG_WARN, "%s: this build has no such kernel for %s", t->op,
            qvl_dtype_name(t->dtype));
    return QVL_OK;
}

/* Each kernel has its part of the time that is left. */
static int tune_all(tuner *t, const char *const *op, int n)
{
    double end_s = bench_now_s() + t->o->budget_s;
    for (int i = 0; i < n; i++) {
        double now_s = bench_now_s();
        double left_s = fmax(0.0, end_s - now_s);
        t->op = op[i];
        t->end_s = now_s + left_s / (n - i);
        int rc = qvl_guard(open_and_tune, t, t->err);
        tune_cases_release(t->c, t->n);
        t->n = 0;
        qvl_arena_release(&t->arena);
        if (rc != QVL_OK)
            return rc;
    }
    return QVL_OK;
}

static int unknown_op(const char *wanted, const char *const *op, int n,
                      qvl_err *err)
{
    qvl_str list = { 0 };
    for (int i = 0; i < n; i++)
        qvl_str_printf(&list, "%s%s", i > 0 ? ", " : "", op[i]);
    int rc = qvl_fail(err, QVL_E_USAGE, "flag --op: found %s, expected one of "
                      "%s", wanted, list.p);
    qvl_str_release(&list);
    return rc;
}

/* The op that --op names, or all of them. */
static int find_ops(const char *wanted, const char *op[TUNE_MOST_OPS], int *n,
                    qvl_err *err)
{
    *n = tune_ops(op);
    if (wanted == NULL)
        return QVL_OK;
    for (int i = 0; i < *n; i++)
        if (strcmp(op[i], wanted) == 0) {
            op[0] = op[i];
            *n = 1;
            return QVL_OK;
        }
    return unknown_op(wanted, op, *n, err);
}

/* Where the winners go; an empty table is made where there is none, so that a
 * place that cannot be written is known before the search. */
static int find_table(tuner *t)
{
    int n = snprintf(t->path, sizeof t->path, "%s", qvl_tune_path(&t->arena));
    if (t->o->is_dry_run)
        return QVL_OK;
    if (n == 0 || (size_t)n >= sizeof t->path)
        return qvl_fail(t->err, QVL_E_USAGE, "QVL_TUNE: found no file to "
                        "write, expected QVL_TUNE=FILE, HOME or "
                        "XDG_CONFIG_HOME, or --dry-run");
    if (qvl_file_exists(t->path))
        return QVL_OK;
    return qvl_tune_save(t->path, NULL, NULL, 0, t->err);
}

static int open_tuner(void *arg)
{
    tuner *t = arg;
    QVL_TRY(qvl_dtype_parse(t->o->dtype, &t->dtype, t->err));
    QVL_TRY(find_table(t));
    return qvl_device_open(&t->dev, t->o->device, t->o->n_threads, t->err);
}

int bench_tune(const bench_options *o, qvl_err *err)
{
    tuner t = { .o = o, .err = err };
    const char *op[TUNE_MOST_OPS];
    int n;
    QVL_TRY(find_ops(o->op, op, &n, err));
    int rc = qvl_guard(open_tuner, &t, err);
    qvl_arena_release(&t.arena);
    if (rc == QVL_OK)
        rc = tune_all(&t, op, n);
    if (rc == QVL_OK && !o->is_dry_run)
        qvl_log(QVL_LOG_INFO, "written to %s", t.path);
    qvl_device_close(t.dev);
    return rc;
}
