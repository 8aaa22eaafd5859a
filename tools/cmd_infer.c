/* cmd_infer.c - answers for pictures: once, for a file, or in a conversation
 *
 * This file reads the flags, says which of them do not go together, and hands a
 * session to the way that was asked for: infer_batch.c for --jsonl, infer_chat.c
 * for pictures and a prompt, or for lines of standard input. What a flag leaves
 * open generation_config.json of the model decides; a flag that would have no
 * effect is refused. The model is opened last.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "cmd.h"
#include "data/fetch.h"
#include "infer.h"
#include "infer/defaults.h"
#include "tensor/dtype.h"

typedef struct {
    qvl_session_options s;  // most flags write into it; the others are below
    cmd_list images;
    const char *prompt;
    const char *system;
    const char *input;
    const char *output;
    const char *overlay;
    const char *font;
    const char *root;
    int limit, flush_lines, seed, max_bytes;
    bool resume, stream, verify, deterministic;
    cmd_list stop;
    const char *format;
    const char *defaults;
    const char *exif;
    int min_pixels, max_pixels;
    const char *dtype;
    const bool *given;  // [n flags]
} infer_options;

#define AT(field) .at = offsetof(infer_options, field)
#define SAMPLING(field) AT(s.sampling.field)

static const cmd_flag flags[] = {
    { .name = "model", .type = CMD_TEXT, .value = "DIR", .is_needed = true,
      AT(s.model), .help = "folder of the model" },
    { .name = "image", .type = CMD_LIST, .value = "FILE", AT(images),
      .help = "a picture, by path or http(s) URL, may be given several times; "
              "one prompt is answered" },
    { .name = "prompt", .type = CMD_TEXT, .value = "TEXT", AT(prompt),
      .help = "what is asked (default: what dense training asks)" },
    { .name = "system", .type = CMD_TEXT, .value = "TEXT", AT(system),
      .help = "text of the system turn" },
    { .name = "jsonl", .alias = "val-dataset", .type = CMD_TEXT,
      .value = "FILE", AT(input), .help = "answer every record of a file" },
    { .name = "result-path", .alias = "output", .type = CMD_TEXT,
      .value = "FILE", AT(output),
      .help = "JSONL of the answers (default: standard output)" },
    { .name = "overlay", .type = CMD_TEXT, .value = "DIR", AT(overlay),
      .help = "write pictures with what was found" },
    { .name = "font", .type = CMD_TEXT, .value = "FILE", AT(font),
      .help = "their letters beside ASCII: a .ttf, .otf or .ttc; FILE#N is font N"
              " of a collection" },
    { .name = "root-image-dir", .type = CMD_TEXT, .value = "DIR", AT(root),
      .help = "where relative picture paths begin" },
    { .name = "max-image-bytes", .type = CMD_COUNT, .value = "N",
      AT(max_bytes), .preset = CMD_PRESET(QVL_FETCH_MAX_BYTES),
      .help = "most that is downloaded of a picture" },
    { .name = "limit", .type = CMD_COUNT, .value = "N", AT(limit),
      .help = "answer at most N records" },
    { .name = "max-batch-size", .type = CMD_COUNT, .value = "N", AT(s.seats),
      .preset = "1", .help = "answers made at a time" },
    { .name = "deterministic", .type = CMD_SWITCH, AT(deterministic),
      .help = "equal bits for every --max_batch_size: answers are made one at "
              "a time, which is slower" },
    { .name = "write-batch-size", .type = CMD_COUNT, .value = "N",
      AT(flush_lines), .preset = "1000",
      .help = "lines written at a time, or those of 10 s" },
    { .name = "resume", .type = CMD_SWITCH, AT(resume),
      .help = "go on behind what an interrupted run has written" },
    { .name = "verify-inputs", .type = CMD_SWITCH, AT(verify),
      .help = "say how the pictures of the first records were read" },
    { .name = "stream", .type = CMD_SWITCH, AT(stream), .preset = "true",
      .help = "show text as it comes" },
    { .name = "max-new-tokens", .alias = "max-tokens", .type = CMD_COUNT,
      .value = "N", AT(s.max_new), .preset = "2048",
      .help = "tokens of an answer" },
    { .name = "max-model-len", .type = CMD_COUNT, .value = "N", AT(s.max_len),
      .help = "tokens of prompt and answer (default: what the model has)" },
    { .name = "temperature", .type = CMD_REAL, .value = "X", SAMPLING(temperature),
      .preset = "0", .help = "0 is greedy" },
    { .name = "top-p", .type = CMD_REAL, .value = "X", SAMPLING(top_p),
      .preset = "0.9", .help = "share of probability kept" },
    { .name = "top-k", .type = CMD_COUNT, .value = "N", SAMPLING(top_k),
      .help = "candidates kept (default: 0, all)" },
    { .name = "min-p", .type = CMD_REAL, .value = "X", SAMPLING(min_p),
      .help = "least share of the best one's probability (default: 0)" },
    { .name = "repetition-penalty", .type = CMD_REAL, .value = "X",
      SAMPLING(repetition_penalty), .preset = "1", .help = "above 1: against repeats" },
    { .name = "no-repeat-ngram-size", .type = CMD_COUNT, .value = "N",
      SAMPLING(no_repeat_ngram), .help = "no run of N tokens comes twice (default: 0, off)" },
    { .name = "presence-penalty", .type = CMD_REAL, .value = "X",
      SAMPLING(presence_penalty), .help = "taken from what was said (default: 0)" },
    { .name = "frequency-penalty", .type = CMD_REAL, .value = "X",
      SAMPLING(frequency_penalty), .help = "the same, each time it was (default: 0)" },
    { .name = "seed", .type = CMD_COUNT, .value = "N", AT(seed),
      .preset = "42", .help = "of the random numbers" },
    { .name = "stop", .type = CMD_LIST, .value = "TEXT", AT(stop),
      .help = "text that ends an answer, may be given several times" },
    { .name = "json-stop", .type = CMD_SWITCH, AT(s.json_stop),
      .preset = "true",
      .help = "dense answers end with their JSON object" },
    { .name = "json", .type = CMD_SWITCH, AT(s.json_always),
      .help = "every answer ends with its first JSON object" },
    { .name = "max-objects", .type = CMD_COUNT, .value = "N",
      AT(s.ends.max_entries), .preset = "200",
      .help = "most objects of such an answer" },
    { .name = "response-format", .type = CMD_TEXT, .value = "FORMAT",
      AT(format), .preset = "text",
      .help = "text, or json_object: every answer is one object of JSON, and"
              " is closed before --max_new_tokens would cut it" },
    { .name = "n", .type = CMD_COUNT, .value = "N", AT(s.n_replies), .preset = "1",
      .help = "answers to each prompt, which is read once" },
    { .name = "logprobs", .type = CMD_SWITCH, AT(s.ends.logprobs),
      .help = "in the lines of --jsonl: log probability of each token, as the"
              " model has it before penalties and temperature" },
    { .name = "top-logprobs", .type = CMD_COUNT, .value = "N",
      AT(s.ends.n_top),
      .help = "with --logprobs: also of the N most probable, up to 20" },
    { .name = "prefill-chunk", .type = CMD_COUNT, .value = "N",
      AT(s.piece_tok), .preset = CMD_PRESET(QVL_PREFILL_PIECE),
      .help = "longer prompts are read in pieces of N tokens, or the fewest"
              " above with which no picture is cut: less memory, and answers"
              " in work go on, but more time for the prompt" },
    { .name = "gen-defaults", .type = CMD_TEXT, .value = "WHOSE",
      AT(defaults), .preset = "stage",
      .help = "numbers above that are not given: stage (as said here) or"
              " checkpoint (its generation_config.json)" },
    { .name = "exif", .type = CMD_TEXT, .value = "on|off", AT(exif),
      .help = "turn pictures as their EXIF says (default: on, but for the"
              " profile utility)" },
    { .name = "profile", .type = CMD_TEXT, .value = "NAME", AT(s.encoder.profile),
      .help = "how pictures are resized: pillow, torchvision, ..." },
    { .name = "min-pixels", .type = CMD_COUNT, .value = "N", AT(min_pixels),
      .help = "of a picture (default: what the model says)" },
    { .name = "max-pixels", .type = CMD_COUNT, .value = "N", AT(max_pixels),
      .help = "of a picture (default: what the model says)" },
    CMD_DEVICE_FLAGS(infer_options, s.device.device, s.device.n_threads,
                     CMD_COUNT, "", NULL,
                     " (default: bf16 on a GPU, else f32)"),
};

/* Does the call have the flag, which is one of the table? */
static bool is_given(const infer_options *o, const char *flag)
{
    size_t i = 0;
    while (i < QVL_COUNT(flags) && strcmp(flags[i].name, flag) != 0)
        i++;
    assert(i < QVL_COUNT(flags));
    return o->given[i];
}

static int check_modes(const infer_options *o, int n_words, qvl_err *err)
{
    static const char *const of_files[] = {
        "result-path", "resume", "limit", "root-image-dir", "verify-inputs",
        "write-batch-size"
    };
    if (o->input != NULL && o->images.n + n_words > 0)
        return qvl_fail(err, QVL_E_USAGE,
                        "flags: found --image and --jsonl, expected one of "
                        "them");
    for (size_t i = 0; o->input == NULL && i < QVL_COUNT(of_files); i++)
        if (is_given(o, of_files[i]))
            return qvl_fail(err, QVL_E_USAGE,
                            "flag --%s: found no --jsonl, expected it",
                            of_files[i]);
    if (o->resume && (o->output == NULL || strcmp(o->output, "-") == 0))
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --resume: found no file to go on with, expected "
                        "--result_path");
    if (o->font != NULL && o->overlay == NULL)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --font: found no --overlay, expected it");
    if (o->input == NULL && o->images.n + n_words == 0 && o->overlay != NULL)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --overlay: found no picture, expected --image "
                        "or --jsonl");
    return QVL_OK;
}

static int check_counts(const infer_options *o, bool is_chat, qvl_err *err)
{
    const qvl_session_options *s = &o->s;
    const struct {
        const char *flag;
        long long n;
    } counts[] = {
        { "max_batch_size", s->seats },      { "max_new_tokens", s->max_new },
        { "write_batch_size", o->flush_lines }, { "n", s->n_replies },
        { "prefill_chunk", s->piece_tok },   { "max_image_bytes", o->max_bytes },
    };
    for (size_t i = 0; i < QVL_COUNT(counts); i++)
        if (counts[i].n < 1)
            return qvl_fail(err, QVL_E_USAGE,
                            "flag --%s: found %lld, expected at least 1",
                            counts[i].flag, counts[i].n);
    if (s->n_replies > 1 && is_chat)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --n: found %d in a conversation, expected 1",
                        s->n_replies);
    if (s->ends.logprobs && o->input == NULL)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --logprobs: found no --jsonl, expected it");
    if (s->ends.n_top > 0 && !s->ends.logprobs)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --top_logprobs: found no --logprobs, expected "
                        "it");
    if (s->ends.n_top > QVL_MAX_TOP_LOGPROBS)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --top_logprobs: found %d, expected at most %d",
                        s->ends.n_top, QVL_MAX_TOP_LOGPROBS);
    return QVL_OK;
}

/* What a flag's text stands for. */
static int session_options(infer_options *o, qvl_err *err)
{
    qvl_session_options *s = &o->s;
    s->device.device = cmd_device(s->device.device);
    s->device.dtype = QVL_DTYPE_AUTO;
    s->encoder.min_pixels = o->min_pixels;
    s->encoder.max_pixels = o->max_pixels;
    s->sampling.key = (uint64_t)o->seed;
    s->ends.stop = o->stop.item;
    s->ends.n_stops = o->stop.n;
    s->ends.json_object = strcmp(o->format, "json_object") == 0;
    /* What stands in one step with an answer may change how its sums are taken;
     * alone there is one way. */
    if (o->deterministic && s->seats > 1) {
        qvl_log(QVL_LOG_INFO, "deterministic: one answer at a time, not %d",
                s->seats);
        s->seats = 1;
    }
    if (o->exif != NULL && strcmp(o->exif, "on") != 0
        && strcmp(o->exif, "off") != 0)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --exif: found %s, expected on or off", o->exif);
    if (!s->ends.json_object && strcmp(o->format, "text") != 0)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --response_format: found %s, expected text or "
                        "json_object", o->format);
    for (int i = 0; i < o->stop.n; i++)
        if (o->stop.item[i][0] == '\0')
            return qvl_fail(err, QVL_E_USAGE,
                            "flag --stop: found an empty text, expected one "
                            "or more characters");
    if (o->input != NULL)
        for (int m = 0; m < QVL_N_MODES; m++)
            s->encoder.prompt[m] = (qvl_prompt){ o->system, o->prompt };
    else
        s->encoder.prompt[QVL_MODE_DENSE].system = o->system;
    if (o->exif != NULL)
        s->encoder.exif = strcmp(o->exif, "on") == 0 ? QVL_EXIF_ON
                                                     : QVL_EXIF_OFF;
    return o->dtype == NULL ? QVL_OK
                            : qvl_dtype_parse(o->dtype, &s->device.dtype,
                                              err);
}

/* ---- numbers ------------------------------------------------------------- */

/* Fields that generation_config.json may set, and their flags. */
static const struct {
    const char *flag;
    size_t at;
    bool is_int;
} fields[QVL_N_GENERATION] = {
#define FIELD(field) offsetof(infer_options, s.field)
    [QVL_GENERATION_TEMPERATURE] = { "temperature",
                                     FIELD(sampling.temperature), false },
    [QVL_GENERATION_TOP_P] = { "top-p", FIELD(sampling.top_p), false },
    [QVL_GENERATION_TOP_K] = { "top-k", FIELD(sampling.top_k), true },
    [QVL_GENERATION_MIN_P] = { "min-p", FIELD(sampling.min_p), false },
    [QVL_GENERATION_REPETITION] = { "repetition-penalty",
                                    FIELD(sampling.repetition_penalty),
                                    false },
    [QVL_GENERATION_NGRAM] = { "no-repeat-ngram-size",
                               FIELD(sampling.no_repeat_ngram), true },
    [QVL_GENERATION_MAX_NEW] = { "max-new-tokens", FIELD(max_new), true },
#undef FIELD
};

static int set_field(infer_options *o, int key, double v, qvl_err *err)
{
    char *field = (char *)o + fields[key].at;
    if (!fields[key].is_int) {
        memcpy(field, &v, sizeof v);
        return QVL_OK;
    }
    if (!(v >= 0.0 && v <= 1 << 30 && v == (double)(int)v))
        return qvl_fail(err, QVL_E_MODEL,
                        "%s (generation_config.json): found %g, expected a "
                        "whole number from 0 on",
                        qvl_generation_name((qvl_generation_key)key), v);
    memcpy(field, &(int){ (int)v }, sizeof(int));
    return QVL_OK;
}

/* Where the checkpoint is asked, its numbers stand for flags not given. */
static int take_defaults(infer_options *o, qvl_err *err)
{
    qvl_generation g;
    bool asks = strcmp(o->defaults, "checkpoint") == 0;
    if (!asks && strcmp(o->defaults, "stage") != 0)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --gen_defaults: found %s, expected stage or "
                        "checkpoint", o->defaults);
    if (!asks)
        return QVL_OK;
    QVL_TRY(qvl_generation_load(&g, o->s.model, err));
    if (!g.is_there)
        return qvl_fail(err, QVL_E_MODEL,
                        "flag --gen_defaults: found no generation_config.json "
                        "in %s, expected one", o->s.model);
    for (int k = 0; k < QVL_N_GENERATION; k++)
        if (g.has[k] && !is_given(o, fields[k].flag))
            QVL_TRY(set_field(o, k, g.value[k], err));
    return QVL_OK;
}

/* What the run is made with, for whoever reads the log. */
static void tell_sampling(const qvl_session_options *s, int seed)
{
    const qvl_sampling *p = &s->sampling;
    char how[128] = "greedy";
    if (p->temperature >= QVL_GREEDY_BELOW)
        snprintf(how, sizeof how,
                 "temperature %g, top_p %g, top_k %d, min_p %g, seed %d",
                 p->temperature, p->top_p, p->top_k, p->min_p, seed);
    qvl_log(QVL_LOG_INFO, "%s; repetition_penalty %g, no_repeat_ngram_size %d, "
            "presence_penalty %g, frequency_penalty %g, max_new_tokens %d, "
            "n %d, response_format %s",
            how, p->repetition_penalty, p->no_repeat_ngram,
            p->presence_penalty, p->frequency_penalty, s->max_new,
            s->n_replies, s->ends.json_object ? "json_object" : "text");
}

/* ---- runs ---------------------------------------------------------------- */

/* overlays is NULL where none are asked for. */
static int run_mode(qvl_session *s, const infer_options *o,
                    const cmd_list *images, infer_overlays *overlays,
                    qvl_err *err)
{
    if (o->input != NULL)
        return infer_batch(s, &(infer_batch_options){
            .input = o->input, .output = o->output, .overlays = overlays,
            .root = o->root, .limit = o->limit,
            .flush_lines = o->flush_lines, .resume = o->resume,
            .verify = o->verify, .max_bytes = (size_t)o->max_bytes }, err);
    if (images->n > 0 || o->prompt != NULL)
        return infer_once(s, &(infer_once_options){
            .prompt = o->prompt, .system = o->system, .image = images->item,
            .n_images = images->n, .overlays = overlays,
            .max_bytes = (size_t)o->max_bytes, .stream = o->stream }, err);
    return infer_chat(s, o->system, (size_t)o->max_bytes, o->stream, err);
}

/* With pictures behind flags, as flags of theirs have them. */
static int run_session(const infer_options *o, const char *const *word, int n,
                       infer_overlays *overlays, qvl_err *err)
{
    qvl_session *s;
    qvl_arena arena = { 0 };
    QVL_TRY(qvl_session_open(&s, &o->s, err));
    tell_sampling(&o->s, o->seed);
    cmd_list images = { qvl_arena_array(&arena, const char *,
                                        o->images.n + n), 0 };
    for (int i = 0; i < o->images.n; i++)
        images.item[images.n++] = o->images.item[i];
    for (int i = 0; i < n; i++)
        images.item[images.n++] = word[i];
    int rc = run_mode(s, o, &images, overlays, err);
    qvl_session_close(s);
    qvl_arena_release(&arena);
    return rc;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    infer_options own = *(const infer_options *)options;
    infer_options *o = &own;
    QVL_TRY(take_defaults(o, err));
    QVL_TRY(check_modes(o, n, err));
    QVL_TRY(check_counts(o, o->input == NULL && o->prompt == NULL
                                && o->images.n + n == 0, err));
    if (n > 0 && o->images.n == 0)
        return qvl_fail(err, QVL_E_USAGE,
                        "argument: found %s, expected flags alone, or "
                        "pictures behind --image", word[0]);
    QVL_TRY(session_options(o, err));
    infer_overlays overlays = { 0 };
    if (o->overlay != NULL)
        QVL_TRY(infer_overlays_open(&overlays, o->overlay, o->font, err));
    int rc = run_session(o, word, n, o->overlay != NULL ? &overlays : NULL,
                         err);
    infer_overlays_close(&overlays);
    return rc;
}

const cmd cmd_infer = {
    .name = "infer",
    .summary = "answers for pictures: one prompt, a file, a conversation",
    .usage = "--model DIR [--image FILE... --prompt TEXT | --jsonl FILE "
             "--result_path FILE]",
    .details =
        "With --image or --prompt one prompt is answered. With --jsonl every\n"
        "record of a file is: a line each, in order, with the text (response; in\n"
        "raw_text with special tokens and what was cut off), what was read from\n"
        "it (pred), and what the record says (gt_norm1000). With neither,\n"
        "prompts are read line by line; there, <image> asks for a picture, and\n"
        "clear, reset-system, multi-line, single-line, exit are orders.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(infer_options),
    .given_at = offsetof(infer_options, given),
    .run = run,
};
