/* curve.c - loss.png from the history of a run
 *
 * Drawn from what checkpoints keep, so a run that was taken up shows all of it.
 * Values that are no numbers are left out.
 */
#include "train/curve.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "image/plot.h"

#define WIDTH_PX 960
#define HEIGHT_PX 600

/* Above this ratio of largest to smallest loss the axis is logarithmic. */
#define LOG_SPAN 20.0

/* The running mean looks back over a share of the points, and so many at most. */
#define MEAN_SHARE 0.04
#define MEAN_MOST 20.0

typedef struct {
    double *x;  // [n] steps
    double *y;  // [n] losses
    size_t n;
} points;

/* Entries of the history that have `key`, by step. */
static points gather(const qvl_node *history, const char *key, qvl_arena *a)
{
    points p = { .x = qvl_arena_array(a, double, history->n),
                 .y = qvl_arena_array(a, double, history->n) };
    for (size_t k = 0; k < history->n; k++) {
        const qvl_node *entry = &history->items[k];
        if (qvl_node_as_float(qvl_node_find(entry, key), &p.y[p.n])
            && qvl_node_as_float(qvl_node_find(entry, "step"), &p.x[p.n]))
            p.n++;
    }
    return p;
}

/* Exponential mean, its start corrected: sum of kept^i y / sum of kept^i; of the
 * logarithms where the axis has those. */
static points smooth(const points *raw, bool is_log, qvl_arena *a)
{
    points p = { .x = raw->x, .y = qvl_arena_array(a, double, raw->n),
                 .n = raw->n };
    double span = fmin(fmax(MEAN_SHARE * (double)raw->n, 1), MEAN_MOST);
    double kept = 1 - 1 / span, sum = 0, weight = 0;
    for (size_t k = 0; k < p.n; k++) {
        sum = kept * sum + (is_log ? log(raw->y[k]) : raw->y[k]);
        weight = kept * weight + 1;
        p.y[k] = is_log ? exp(sum / weight) : sum / weight;
    }
    return p;
}

static void widen(const points *p, double *least, double *most)
{
    for (size_t k = 0; k < p->n; k++) {
        *least = fmin(*least, p->y[k]);
        *most = fmax(*most, p->y[k]);
    }
}

typedef struct {
    const char *path;
    const char *history;
    qvl_arena arena;
    qvl_err *err;
} drawing;

static int draw(void *arg)
{
    drawing *d = arg;
    qvl_node *root;
    QVL_TRY(qvl_json_parse(&root, d->history, strlen(d->history), "history",
                           &d->arena, d->err));
    if (root->kind != QVL_NODE_LIST)
        return qvl_fail(d->err, QVL_E_FORMAT, "history of a run: found %s, "
                        "expected a list", qvl_node_kind_name(root->kind));
    points raw = gather(root, "loss", &d->arena);
    points eval = gather(root, "eval_loss", &d->arena);
    double least = INFINITY, most = -INFINITY;
    widen(&raw, &least, &most);
    widen(&eval, &least, &most);
    bool is_log = least > 0 && most / least > LOG_SPAN;
    points mean = smooth(&raw, is_log, &d->arena);
    const qvl_plot_series series[] = {
        { .x = raw.x, .y = raw.y, .n = raw.n, .colour = 0, .is_faint = true },
        { .name = "training", .x = mean.x, .y = mean.y, .n = mean.n,
          .colour = 0 },
        { .name = "validation", .x = eval.x, .y = eval.y, .n = eval.n,
          .colour = 1 },
    };
    qvl_plot plot = {
        .title = "Loss", .x_label = "step", .y_label = "loss",
        .is_log_y = is_log,
        .w = WIDTH_PX, .h = HEIGHT_PX, .series = series,
        .n_series = eval.n > 0 ? 3 : 2,
    };
    return qvl_plot_save(d->path, &plot, d->err);
}

int qvl_curve_save(const char *path, const char *history, qvl_err *err)
{
    drawing d = { .path = path, .history = history, .err = err };
    int rc = qvl_guard(draw, &d, err);
    qvl_arena_release(&d.arena);
    return rc;
}
