/* progress.c - a bar, or lines of JSON, at most so often
 *
 * The rate is that of the last samples kept, so it follows a run that changes
 * its speed. Everything goes to the sink, nothing to a terminal of its own.
 */
#include "train/progress.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "train/metric.h"

#define LINES_EVERY_S 30.0
#define JSON_EVERY_S 1.0
#define BAR_EVERY_S 0.1     // redrawn at most so often
#define SAMPLE_EVERY_S 0.5  // between two samples of the rate
#define BAR_CELLS 20

/* Back to the first column and erase to the end of the line. */
static const char erase[] = "\r\033[K";

int qvl_progress_parse(qvl_progress_mode *mode, const char *name,
                       bool is_terminal, qvl_err *err)
{
    if (strcmp(name, "auto") == 0)
        *mode = is_terminal ? QVL_PROGRESS_BAR : QVL_PROGRESS_LINES;
    else if (strcmp(name, "bar") == 0)
        *mode = QVL_PROGRESS_BAR;
    else if (strcmp(name, "json") == 0)
        *mode = QVL_PROGRESS_JSON;
    else if (strcmp(name, "off") == 0)
        *mode = QVL_PROGRESS_OFF;
    else
        return qvl_fail(err, QVL_E_USAGE, "found %s, expected auto, bar, json "
                        "or off", name);
    return QVL_OK;
}

/* ---- rate ---------------------------------------------------------------- */

/* Remember a sample now and then; the oldest ones go. */
static void sample(qvl_progress *p, double now_s)
{
    int n = p->n_samples;
    if (n > 0 && now_s - p->at[n - 1] < SAMPLE_EVERY_S)
        return;
    if (n == QVL_PROGRESS_SAMPLES) {
        memmove(p->at, p->at + 1, (size_t)(n - 1) * sizeof p->at[0]);
        memmove(p->done_at, p->done_at + 1,
                (size_t)(n - 1) * sizeof p->done_at[0]);
        n--;
    }
    p->at[n] = now_s;
    p->done_at[n] = p->done;
    p->n_samples = n + 1;
}

/* Done a second since the oldest sample; 0 while unknown. */
static double rate(const qvl_progress *p, double now_s)
{
    double s = now_s - p->at[0];
    return s > 0 ? (double)(p->done - p->done_at[0]) / s : 0;
}

/* ---- words --------------------------------------------------------------- */

/* A rate per second, or seconds for one when slow. */
static void put_rate(qvl_str *out, double r)
{
    if (r >= 1)
        qvl_str_printf(out, "%.1f/s", r);
    else
        qvl_str_printf(out, "%.1f s each", 1 / r);
}

static void put_state(qvl_progress *p, double now_s, const char *note)
{
    double r = rate(p, now_s);
    qvl_str_printf(&p->line, "%lld/%lld", (long long)p->done,
                   (long long)p->total);
    if (note != NULL)
        qvl_str_printf(&p->line, "  %s", note);
    if (r <= 0)
        return;
    qvl_str_puts(&p->line, "  ");
    put_rate(&p->line, r);
    if (p->done < p->total) {
        qvl_str_puts(&p->line, "  ");
        qvl_metrics_duration(&p->line, (double)(p->total - p->done) / r);
        qvl_str_puts(&p->line, " left");
    }
}

static void put_bar(qvl_progress *p, double now_s, const char *note)
{
    int cells = (int)(p->done * BAR_CELLS / p->total);
    qvl_str_printf(&p->line, "%s [", p->what);
    for (int i = 0; i < BAR_CELLS; i++)
        qvl_str_putc(&p->line, i < cells ? '=' : i == cells ? '>' : ' ');
    qvl_str_printf(&p->line, "] %3d%%  ", (int)(p->done * 100 / p->total));
    put_state(p, now_s, note);
    /* A line that wraps could not be erased. */
    if (p->width > 1 && p->line.len > (size_t)p->width - 1)
        p->line.len = (size_t)p->width - 1;
}

static void put_json(qvl_progress *p, double now_s, const char *json)
{
    double r = rate(p, now_s);
    qvl_str_puts(&p->line, "{\"what\": ");
    qvl_json_quote(&p->line, p->what, strlen(p->what));
    qvl_str_printf(&p->line, ", \"done\": %lld, \"total\": %lld, \"rate\": ",
                   (long long)p->done, (long long)p->total);
    qvl_metrics_number(&p->line, r);
    qvl_str_puts(&p->line, ", \"left_s\": ");
    if (r > 0)
        qvl_metrics_number(&p->line, (double)(p->total - p->done) / r);
    else
        qvl_str_puts(&p->line, "null");
    qvl_str_printf(&p->line, "%s%s}\n", json != NULL ? ", " : "",
                   json != NULL ? json : "");
}

static void say(qvl_progress *p, double now_s, const char *note,
                const char *json)
{
    qvl_str_reset(&p->line);
    if (p->mode == QVL_PROGRESS_BAR) {
        put_bar(p, now_s, note);
        p->sink(p->ctx, erase, sizeof erase - 1);
        p->is_drawn = true;
    } else if (p->mode == QVL_PROGRESS_JSON) {
        put_json(p, now_s, json);
    } else {
        qvl_str_printf(&p->line, "%s ", p->what);
        put_state(p, now_s, note);
        qvl_str_putc(&p->line, '\n');
    }
    p->sink(p->ctx, p->line.p, p->line.len);
    p->last_s = now_s;
    p->has_spoken = true;
}

/* ---- calls --------------------------------------------------------------- */

void qvl_progress_start(qvl_progress *p, int64_t done, double now_s)
{
    assert(p->total > 0 && done >= 0 && done <= p->total);
    p->done = done;
    sample(p, now_s);
}

void qvl_progress_step(qvl_progress *p, int64_t done, double now_s,
                       const char *note, const char *json)
{
    static const double every_s[] = {
        [QVL_PROGRESS_BAR] = BAR_EVERY_S,
        [QVL_PROGRESS_LINES] = LINES_EVERY_S,
        [QVL_PROGRESS_JSON] = JSON_EVERY_S,
    };
    assert(done >= p->done && done <= p->total);
    if (p->mode == QVL_PROGRESS_OFF)
        return;
    p->done = done;
    if (!p->has_spoken || done == p->total
        || now_s - p->last_s >= every_s[p->mode])
        say(p, now_s, note, json);
    sample(p, now_s);
}

void qvl_progress_clear(qvl_progress *p)
{
    if (p->is_drawn)
        p->sink(p->ctx, erase, sizeof erase - 1);
    p->is_drawn = false;
}

void qvl_progress_end(qvl_progress *p)
{
    if (p->is_drawn)
        p->sink(p->ctx, "\n", 1);
    p->is_drawn = false;
    qvl_str_release(&p->line);
}
