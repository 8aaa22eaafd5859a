/* cmd_validate.c - qvl data validate: all that is wrong with JSONL files
 *
 * Records are read some thousands at a time. Their faults come through a sink, in the
 * order of lines, so the error of a bad record is dropped here: it was told before.
 * Text is written as they are read; JSON is one value and is written when all files
 * are. With --model a good record that cannot be encoded counts as a bad one.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/each.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "data/encode.h"
#include "data/record.h"

/* So many faults, too, are held before they are written. */
#define RECORDS_AT_ONCE 4096

typedef struct {
    const char *mode;
    const char *profile;
    bool images;
    int limit;
    bool json;
    const char *model;
    int max_length;
    int min_pixels;
    int max_pixels;
    int threads;
} validate_options;

#define AT(field) .at = offsetof(validate_options, field)

static const cmd_flag flags[] = {
    { .name = "mode", .type = CMD_TEXT, AT(mode), .value = "M",
      .preset = "any", .help = "what records must have: dense (objects), "
                               "summary, any (one of the two)" },
    { .name = "profile", .type = CMD_TEXT, AT(profile), .value = "P",
      .preset = "none", .help = "dialect of descriptions and summaries: none (any), "
                                "slash or keyvalue" },
    { .name = "images", .type = CMD_SWITCH, AT(images),
      .help = "read the head of each picture and compare its size" },
    { .name = "limit", .type = CMD_COUNT, AT(limit), .value = "N",
      .preset = "0", .help = "list so many problems of a file, 0: all" },
    { .name = "json", .type = CMD_SWITCH, AT(json),
      .help = "one JSON value instead of text" },
    { .name = "model", .type = CMD_TEXT, AT(model), .value = "DIR",
      .help = "also encode each record for this model, with built-in prompts" },
    { .name = "max-length", .type = CMD_COUNT, AT(max_length), .value = "N",
      .preset = "0", .help = "with --model: longest sample in tokens, 0: any" },
    { .name = "min-pixels", .type = CMD_COUNT, AT(min_pixels), .value = "N",
      .preset = "0", .help = "with --model: smallest picture, 0: of the model" },
    { .name = "max-pixels", .type = CMD_COUNT, AT(max_pixels), .value = "N",
      .preset = "0", .help = "with --model: largest picture, 0: of the model" },
    { .name = "threads", .type = CMD_COUNT, AT(threads), .value = "N",
      .help = "that check records (default: as many as there are processors)" },
};

/* Lengths of the samples of a file, in tokens. */
typedef struct {
    size_t n;
    size_t sum;
    int least, most;
    int most_line;
} lengths;

typedef struct problem {
    struct problem *next;
    qvl_fault fault;
    int line;
    const char *text;
} problem;

typedef struct {
    const validate_options *o;
    const char *const *file;  // [n_files]
    int n_files;
    qvl_err *err;
    unsigned needs;
    qvl_lint lint;
    qvl_encoder *encoder[QVL_N_MODES];  // opened when first needed
    int n_threads;
    qvl_arena arena;   // of the problems of the records that are read together
    qvl_arena *work;   // [n_threads] of their samples
    qvl_str out;

    /* of the file at hand */
    qvl_records *records;
    size_t n_listed;
    problem *first, **end;  // of the records that are read together
    size_t n_unfit;    // good records that cannot be encoded
    lengths tokens;

    /* of all files */
    size_t n_records;
    size_t n_bad;
} call;

/* ---- problems ----------------------------------------------------------- */

static void list_problem(call *c, qvl_fault fault, int line, const char *text)
{
    bool is_first = c->n_listed == 0;
    if (c->o->limit > 0 && c->n_listed >= (size_t)c->o->limit)
        return;
    c->n_listed++;
    if (!c->o->json) {
        qvl_str_printf(&c->out, "%s\n", text);
        return;
    }
    qvl_str_printf(&c->out, "%s{\"line\": %d, \"kind\": \"%s\", \"text\": ",
                   is_first ? "" : ", ", line, qvl_fault_text(fault));
    qvl_json_quote(&c->out, text, strlen(text));
    qvl_str_putc(&c->out, '}');
}

/* A fault of a line waits until those of the samples before it are known. */
static void keep_problem(void *ctx, qvl_fault fault, int line,
                         const char *text)
{
    call *c = ctx;
    problem *p = qvl_arena_alloc(&c->arena, sizeof *p);
    *p = (problem){ .fault = fault, .line = line,
                    .text = qvl_arena_strdup(&c->arena, text) };
    *c->end = p;
    c->end = &p->next;
}

/* List the faults of lines before this one. */
static void list_kept(call *c, int line)
{
    for (; c->first != NULL && c->first->line < line; c->first = c->first->next)
        list_problem(c, c->first->fault, c->first->line, c->first->text);
}

/* Text appears while a long file is read. */
static void flush(call *c)
{
    if (!c->o->json && c->out.len > 0) {
        fwrite(c->out.p, 1, c->out.len, stdout);
        qvl_str_reset(&c->out);
    }
}

/* ---- encoding ----------------------------------------------------------- */

static int open_encoder(call *c, qvl_mode mode)
{
    qvl_encoder_options options = {
        .model = c->o->model, .min_pixels = c->o->min_pixels,
        .max_pixels = c->o->max_pixels, .max_length = c->o->max_length,
        .summary_ratio = mode == QVL_MODE_SUMMARY ? 1.0 : 0.0,
    };
    return c->encoder[mode] != NULL
               ? QVL_OK
               : qvl_encoder_open(&c->encoder[mode], &options, c->err);
}

static void count_tokens(lengths *t, int n_tok, int line)
{
    t->n++;
    t->sum += (size_t)n_tok;
    if (t->n == 1 || n_tok < t->least)
        t->least = n_tok;
    if (t->n == 1 || n_tok > t->most) {
        t->most = n_tok;
        t->most_line = line;
    }
}

static qvl_mode mode_of(const call *c, const qvl_record *record)
{
    bool is_summary = (c->needs & QVL_NEEDS_SUMMARY) != 0
                      || (c->needs == QVL_NEEDS_ANSWER
                          && record->n_objects == 0);
    return is_summary ? QVL_MODE_SUMMARY : QVL_MODE_DENSE;
}

/* How many tokens a record has, or why it has none. */
typedef struct {
    int n_tok;
    qvl_err *err;  // NULL: it could be encoded
} fit;

typedef struct {
    const call *c;
    const qvl_record_result *result;  // [n]
    fit *fit;                         // [n]
} encoding;

static int encode_one(void *ctx, size_t i, int thread, qvl_arena *arena,
                      qvl_err *err)
{
    (void)thread;
    const encoding *e = ctx;
    const qvl_record *record = e->result[i].record;
    qvl_encoded sample;
    qvl_err wrong = { 0 };
    if (record == NULL)
        return QVL_OK;
    int rc = qvl_encode_text(e->c->encoder[mode_of(e->c, record)], record, 0,
                             arena, &sample, &wrong);
    if (rc == QVL_E_MEMORY)
        return qvl_fail(err, rc, "%s", wrong.msg);
    if (rc == QVL_OK) {
        e->fit[i].n_tok = sample.n;
    } else {
        e->fit[i].err = qvl_arena_alloc(arena, sizeof wrong);
        *e->fit[i].err = wrong;
    }
    return QVL_OK;
}

static int encode_records(call *c, const qvl_record_result *result, size_t n)
{
    encoding e = { .c = c, .result = result,
                   .fit = qvl_arena_array(&c->arena, fit, n) };
    for (size_t i = 0; i < n; i++)
        if (result[i].record != NULL)
            QVL_TRY(open_encoder(c, mode_of(c, result[i].record)));
    QVL_TRY(qvl_each(n, c->n_threads, encode_one, &e, c->work, c->err));
    for (size_t i = 0; i < n; i++) {
        if (result[i].record == NULL)
            continue;
        int line = result[i].record->line;
        if (e.fit[i].err == NULL) {
            count_tokens(&c->tokens, e.fit[i].n_tok, line);
            continue;
        }
        c->n_unfit++;
        list_kept(c, line);
        list_problem(c, QVL_FAULT_LENGTH, line, e.fit[i].err->msg);
    }
    for (int t = 0; t < c->n_threads; t++)
        qvl_arena_reset(&c->work[t]);
    return QVL_OK;
}

/* ---- reports ------------------------------------------------------------ */

static size_t n_faults_of(const call *c, int fault)
{
    size_t n = qvl_records_seen(c->records)->fault[fault];
    return fault == QVL_FAULT_LENGTH ? n + c->n_unfit : n;
}

static void report_text(call *c, const char *file)
{
    const qvl_record_counts *seen = qvl_records_seen(c->records);
    qvl_str_printf(&c->out, "%s: %zu records, %zu of them bad; %zu objects",
                   file, seen->n_records + seen->n_bad,
                   seen->n_bad + c->n_unfit, seen->n_objects);
    for (int k = 0; k < QVL_N_GEOM; k++)
        qvl_str_printf(&c->out, "%s%zu %s", k == 0 ? ": " : ", ",
                       seen->of_kind[k], qvl_geom_name((qvl_geom_kind)k));
    qvl_str_putc(&c->out, '\n');
    for (int i = 0; i < QVL_N_FAULTS; i++)
        if (n_faults_of(c, i) > 0)
            qvl_str_printf(&c->out, "  %8zu  %s\n", n_faults_of(c, i),
                           qvl_fault_text((qvl_fault)i));
    for (int i = 0; i < QVL_N_ODDITIES; i++)
        if (seen->oddity[i] > 0)
            qvl_str_printf(&c->out, "  %8zu  %s (no fault; first in line %d)\n",
                           seen->oddity[i], qvl_oddity_text((qvl_oddity)i),
                           seen->oddity_line[i]);
    if (c->tokens.n > 0)
        qvl_str_printf(&c->out, "  tokens of a sample: %d to %d (line %d), "
                       "mean %.1f\n", c->tokens.least, c->tokens.most,
                       c->tokens.most_line,
                       (double)c->tokens.sum / (double)c->tokens.n);
}

static void report_json(call *c)
{
    const qvl_record_counts *seen = qvl_records_seen(c->records);
    const char *sep = "";
    qvl_str_printf(&c->out, "], \"records\": %zu, \"bad\": %zu, \"objects\": {",
                   seen->n_records + seen->n_bad, seen->n_bad + c->n_unfit);
    for (int k = 0; k < QVL_N_GEOM; k++)
        qvl_str_printf(&c->out, "%s\"%s\": %zu", k > 0 ? ", " : "",
                       qvl_geom_name((qvl_geom_kind)k), seen->of_kind[k]);
    qvl_str_puts(&c->out, "}, \"kinds\": {");
    for (int i = 0; i < QVL_N_FAULTS; i++)
        if (n_faults_of(c, i) > 0) {
            qvl_str_printf(&c->out, "%s\"%s\": %zu", sep,
                           qvl_fault_text((qvl_fault)i), n_faults_of(c, i));
            sep = ", ";
        }
    qvl_str_puts(&c->out, "}, \"oddities\": {");
    sep = "";
    for (int i = 0; i < QVL_N_ODDITIES; i++)
        if (seen->oddity[i] > 0) {
            qvl_str_printf(&c->out, "%s\"%s\": {\"n\": %zu, \"line\": %d}",
                           sep, qvl_oddity_text((qvl_oddity)i),
                           seen->oddity[i], seen->oddity_line[i]);
            sep = ", ";
        }
    qvl_str_putc(&c->out, '}');
    if (c->tokens.n > 0)
        qvl_str_printf(&c->out, ", \"tokens\": {\"min\": %d, \"mean\": %.3f, "
                       "\"max\": %d, \"max_line\": %d}", c->tokens.least,
                       (double)c->tokens.sum / (double)c->tokens.n,
                       c->tokens.most, c->tokens.most_line);
    qvl_str_putc(&c->out, '}');
}

/* ---- files -------------------------------------------------------------- */

static int read_all(call *c)
{
    for (;;) {
        const qvl_record_result *result;
        size_t n;
        qvl_arena_reset(&c->arena);
        c->first = NULL;
        c->end = &c->first;
        QVL_TRY(qvl_records_many(c->records, RECORDS_AT_ONCE, c->n_threads,
                                 &result, &n, c->err));
        if (n == 0)
            return QVL_OK;
        if (c->o->model != NULL)
            QVL_TRY(encode_records(c, result, n));
        list_kept(c, INT_MAX);
        flush(c);
    }
}

static int validate_file(call *c, const char *file)
{
    qvl_record_options options = {
        .needs = c->needs, .lint = c->lint, .on_fault = keep_problem, .ctx = c,
        .pictures = c->o->images ? QVL_PICTURES_MEASURED : QVL_PICTURES_EXIST,
    };
    c->n_listed = 0;
    c->n_unfit = 0;
    c->tokens = (lengths){ 0 };
    QVL_TRY(qvl_records_open(&c->records, file, &options, c->err));
    if (c->o->json) {
        qvl_str_puts(&c->out, "{\"file\": ");
        qvl_json_quote(&c->out, file, strlen(file));
        qvl_str_puts(&c->out, ", \"problems\": [");
    }
    QVL_TRY(read_all(c));
    if (c->o->json)
        report_json(c);
    else
        report_text(c, file);
    flush(c);
    const qvl_record_counts *seen = qvl_records_seen(c->records);
    c->n_records += seen->n_records + seen->n_bad;
    c->n_bad += seen->n_bad + c->n_unfit;
    qvl_records_close(c->records);
    c->records = NULL;
    return QVL_OK;
}

static int run_steps(void *arg)
{
    call *c = arg;
    c->n_threads = qvl_each_threads(c->o->threads, SIZE_MAX);
    c->work = qvl_memory_zeroed((size_t)c->n_threads, sizeof *c->work);
    qvl_str_puts(&c->out, c->o->json ? "{\"files\": [" : "");
    for (int i = 0; i < c->n_files; i++) {
        qvl_str_puts(&c->out, c->o->json && i > 0 ? ", " : "");
        QVL_TRY(validate_file(c, c->file[i]));
    }
    if (c->o->json)
        printf("%s], \"records\": %zu, \"bad\": %zu}\n", c->out.p,
               c->n_records, c->n_bad);
    if (c->n_bad > 0)
        return qvl_fail(c->err, QVL_E_DATA, "records: found %zu bad ones of "
                        "%zu, expected none", c->n_bad, c->n_records);
    if (c->n_records == 0)
        return qvl_fail(c->err, QVL_E_DATA, "records: found none, expected one "
                        "or more");
    return QVL_OK;
}

/* ---- the command -------------------------------------------------------- */

static int read_mode(const validate_options *o, unsigned *needs, qvl_err *err)
{
    static const struct {
        const char *word;
        unsigned needs;
    } modes[] = { { "any", QVL_NEEDS_ANSWER },
                  { "dense", QVL_NEEDS_OBJECTS },
                  { "summary", QVL_NEEDS_SUMMARY } };
    for (size_t i = 0; i < QVL_COUNT(modes); i++)
        if (strcmp(o->mode, modes[i].word) == 0) {
            *needs = modes[i].needs;
            return QVL_OK;
        }
    return qvl_fail(err, QVL_E_USAGE, "flag --mode: found %s, expected dense, "
                    "summary or any", o->mode);
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    call c = { .o = options, .file = word, .n_files = n, .err = err };
    const validate_options *o = options;
    if (n == 0)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl data validate): found "
                        "nothing, expected JSONL files");
    if (o->model == NULL
        && (o->max_length > 0 || o->min_pixels > 0 || o->max_pixels > 0))
        return qvl_fail(err, QVL_E_USAGE, "flag --model: found nothing, "
                        "expected a folder beside --max-length, --min-pixels "
                        "or --max-pixels");
    QVL_TRY(read_mode(o, &c.needs, err));
    c.lint = qvl_lint_find(o->profile);
    if (c.lint == QVL_N_LINTS)
        return qvl_fail(err, QVL_E_USAGE, "flag --profile: found %s, expected none, "
                        "slash or keyvalue", o->profile);
    int rc = qvl_guard(run_steps, &c, err);
    qvl_records_close(c.records);
    for (int m = 0; m < QVL_N_MODES; m++)
        qvl_encoder_close(c.encoder[m]);
    qvl_str_release(&c.out);
    qvl_arena_release(&c.arena);
    for (int t = 0; c.work != NULL && t < c.n_threads; t++)
        qvl_arena_release(&c.work[t]);
    free(c.work);
    return rc;
}

const cmd cmd_data_validate = {
    .name = "data validate",
    .summary = "all problems of JSONL files, with their lines",
    .usage = "FILE.jsonl... [--mode dense|summary|any] [--profile P]\n"
             "           [--images] [--limit N] [--json] [--model DIR [--max-length N] "
             "[--min-pixels N]\n           [--max-pixels N]] [--threads N]",
    .details =
        "Every record is checked: form, texts, geometry, that its pictures are\n"
        "there. The exit status is 3 when one is bad.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(validate_options),
    .run = run,
};
