/* cmd_lengths.c - qvl data lengths: how long the samples of a run are
 *
 * Texts are encoded, pictures counted by their sizes; nothing is cut or refused for
 * its length. A percentile is the least length that so many percent of the samples
 * do not exceed.
 *
 * Where each epoch draws what a record is asked for, the numbers are those of epoch
 * 0, and a record is too long when one of its two answers makes it so: some epoch
 * will ask for that one, and training refuses it before it begins.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "config/run_config.h"
#include "train/samples.h"

typedef struct {
    const char *base;
    int list;
    bool json;
} lengths_options;

#define AT(field) .at = offsetof(lengths_options, field)

static const cmd_flag flags[] = {
    { .name = "base-config", .type = CMD_TEXT, AT(base), .value = "FILE",
      .help = "YAML that lies under everything" },
    { .name = "list", .type = CMD_COUNT, AT(list), .value = "N",
      .preset = "20", .help = "name so many samples that are too long, the "
                              "longest first" },
    { .name = "json", .type = CMD_SWITCH, AT(json),
      .help = "one JSON value instead of text" },
};

/* Parts of a sample, and the whole. */
enum { PROMPT, IMAGE, ANSWER, TOTAL, N_PARTS };
static const char *const parts[N_PARTS] = { "prompt", "image", "answer",
                                            "total" };

typedef struct {
    int min, p50, p90, p95, p99, max;
    double mean;
} summary;

typedef struct {
    const lengths_options *o;
    const char *path;
    qvl_run_config config;
    qvl_samples samples;
    qvl_arena arena;
    qvl_str out;
    qvl_err *err;
} call;

/* ---- numbers ------------------------------------------------------------- */

static int part_of(const qvl_sample_length *l, int part)
{
    const int v[N_PARTS] = { l->prompt, l->image, l->answer,
                             l->prompt + l->image + l->answer };
    return v[part];
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

static int percentile(const int *sorted, size_t n, size_t percent)
{
    size_t rank = (n * percent + 99) / 100;
    return sorted[rank > 0 ? rank - 1 : 0];
}

static summary summarise(call *c, const qvl_sample_set *set, int part)
{
    int *v = qvl_arena_array(&c->arena, int, set->n);
    double sum = 0.0;
    for (size_t i = 0; i < set->n; i++) {
        v[i] = part_of(qvl_sample_set_length(set, i, 0), part);
        sum += v[i];
    }
    qsort(v, set->n, sizeof *v, compare_ints);
    return (summary){
        .min = v[0],
        .mean = sum / (double)set->n,
        .p50 = percentile(v, set->n, 50),
        .p90 = percentile(v, set->n, 90),
        .p95 = percentile(v, set->n, 95),
        .p99 = percentile(v, set->n, 99),
        .max = v[set->n - 1],
    };
}

typedef struct {
    const qvl_record *record;
    int n_tok;
    qvl_mode mode;
} long_sample;

/* Sample k in the mode in which it is longest, of those that it is asked in. */
static long_sample longest_of(const qvl_sample_set *set, size_t k)
{
    long_sample s = { .record = &set->record[k] };
    for (int mode = 0; mode < QVL_N_MODES; mode++) {
        int n_tok = part_of(&set->length[k][mode], TOTAL);
        if (n_tok > s.n_tok) {
            s.n_tok = n_tok;
            s.mode = (qvl_mode)mode;
        }
    }
    return s;
}

static const char *kind_of(const long_sample *s)
{
    return s->record->messages != NULL ? "conversation" : qvl_mode_name(s->mode);
}

/* The longest first; of equal ones the one that stands before. */
static int compare_long(const void *a, const void *b)
{
    const long_sample *x = a, *y = b;
    if (x->n_tok != y->n_tok)
        return x->n_tok > y->n_tok ? -1 : 1;
    return x->record->index < y->record->index ? -1
                                               : x->record->index > y->record->index;
}

/* Samples of more tokens than a run takes, sorted. */
static long_sample *find_long(call *c, const qvl_sample_set *set, size_t *n)
{
    long_sample *s = qvl_arena_array(&c->arena, long_sample, set->n);
    *n = 0;
    for (size_t i = 0; i < set->n; i++) {
        long_sample longest = longest_of(set, i);
        if (longest.n_tok > c->config.template.max_length)
            s[(*n)++] = longest;
    }
    qsort(s, *n, sizeof *s, compare_long);
    return s;
}

/* ---- reports ------------------------------------------------------------- */

static void put_text(call *c, const char *name, const qvl_sample_set *set)
{
    size_t n_long;
    const long_sample *s = find_long(c, set, &n_long);
    qvl_str_printf(&c->out, "%s: %zu samples, tokens\n%-8s%9s%11s%9s%9s%9s%9s"
                   "%9s\n", name, set->n, "", "min", "mean", "p50", "p90",
                   "p95", "p99", "max");
    for (int p = 0; p < N_PARTS; p++) {
        summary m = summarise(c, set, p);
        qvl_str_printf(&c->out, "%-8s%9d%11.1f%9d%9d%9d%9d%9d\n", parts[p],
                       m.min, m.mean, m.p50, m.p90, m.p95, m.p99, m.max);
    }
    qvl_str_printf(&c->out, "longer than %d: %zu\n",
                   c->config.template.max_length, n_long);
    for (size_t i = 0; i < n_long && i < (size_t)c->o->list; i++)
        qvl_str_printf(&c->out, "  %s:%d: %d tokens, %s\n",
                       s[i].record->file, s[i].record->line, s[i].n_tok,
                       kind_of(&s[i]));
    if (n_long > (size_t)c->o->list)
        qvl_str_printf(&c->out, "  and %zu more\n",
                       n_long - (size_t)c->o->list);
}

static void put_json(call *c, const char *name, const qvl_sample_set *set)
{
    size_t n_long;
    const long_sample *s = find_long(c, set, &n_long);
    qvl_str_printf(&c->out, "\"%s\": {\"samples\": %zu", name, set->n);
    for (int p = 0; p < N_PARTS; p++) {
        summary m = summarise(c, set, p);
        qvl_str_printf(&c->out, ", \"%s\": {\"min\": %d, \"mean\": %.17g, "
                       "\"p50\": %d, \"p90\": %d, \"p95\": %d, \"p99\": %d, "
                       "\"max\": %d}", parts[p], m.min, m.mean, m.p50, m.p90,
                       m.p95, m.p99, m.max);
    }
    qvl_str_printf(&c->out, ", \"too_long\": %zu, \"longest\": [", n_long);
    for (size_t i = 0; i < n_long && i < (size_t)c->o->list; i++) {
        const qvl_record *r = s[i].record;
        qvl_str_printf(&c->out, "%s{\"file\": ", i > 0 ? ", " : "");
        qvl_json_quote(&c->out, r->file, strlen(r->file));
        qvl_str_printf(&c->out, ", \"line\": %d, \"tokens\": %d, "
                       "\"mode\": \"%s\"}", r->line, s[i].n_tok,
                       kind_of(&s[i]));
    }
    qvl_str_puts(&c->out, "]}");
}

static int run_steps(void *arg)
{
    call *c = arg;
    QVL_TRY(qvl_run_config_load(&c->config, c->path, c->o->base, NULL, 0,
                                &c->arena, c->err));
    QVL_TRY(qvl_samples_open(&c->samples, &c->config, QVL_SAMPLES_LENGTHS,
                             &c->arena, c->err));
    const qvl_sample_set *val = &c->samples.val;
    if (!c->o->json) {
        put_text(c, "train", &c->samples.train);
        if (val->n > 0)
            put_text(c, "val", val);
    } else {
        qvl_str_printf(&c->out, "{\"max_length\": %d, ",
                       c->config.template.max_length);
        put_json(c, "train", &c->samples.train);
        qvl_str_puts(&c->out, val->n > 0 ? ", " : "");
        if (val->n > 0)
            put_json(c, "val", val);
        qvl_str_puts(&c->out, "}\n");
    }
    fwrite(c->out.p, 1, c->out.len, stdout);
    return QVL_OK;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    if (n != 1)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl data lengths): found "
                        "%d files, expected one configuration", n);
    call c = { .o = options, .path = word[0], .err = err };
    int rc = qvl_guard(run_steps, &c, err);
    qvl_samples_close(&c.samples);
    qvl_str_release(&c.out);
    qvl_arena_release(&c.arena);
    return rc;
}

const cmd cmd_data_lengths = {
    .name = "data lengths",
    .summary = "how many tokens the samples of a run have",
    .usage = "RUN.yaml [--base-config FILE] [--list N] [--json]",
    .details =
        "For prompt, pictures, answer and the whole: least, mean, percentiles, most;\n"
        "and which samples are longer than template.max_length. Pictures are not\n"
        "opened where records say how large they are.\n"
        "With a custom.summary_ratio between 0 and 1 numbers are those of the first\n"
        "epoch; too long is then a record whose objects or whose summary are, since\n"
        "every epoch draws which of them is asked for.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(lengths_options),
    .run = run,
};
