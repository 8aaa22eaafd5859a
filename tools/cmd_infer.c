/* cmd_infer.c - answers for pictures: once, for a file, or in a conversation */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "cmd.h"
#include "infer.h"
#include "tensor/dtype.h"

typedef struct {
    const char *model;
    cmd_list images;
    const char *prompt;
    const char *system;
    const char *input;
    const char *output;
    const char *overlay;
    const char *root;
    int limit, flush_lines, seats;
    bool resume, stream, verify;
    int max_new, max_len;
    double temperature, top_p, min_p, repetition, presence, frequency;
    int top_k, ngram, seed;
    cmd_list stop;
    bool json_stop, json_always;
    int max_objects;
    const char *profile;
    int min_pixels, max_pixels;
    const char *device;
    int n_threads;
    const char *dtype;
} infer_options;

#define AT(field) .at = offsetof(infer_options, field)

static const cmd_flag flags[] = {
    { .name = "model", .type = CMD_TEXT, .value = "DIR", .is_needed = true,
      AT(model), .help = "folder of the model" },
    { .name = "image", .type = CMD_LIST, .value = "FILE", AT(images),
      .help = "a picture, may be given several times; one prompt is answered" },
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
    { .name = "root-image-dir", .type = CMD_TEXT, .value = "DIR", AT(root),
      .help = "where relative picture paths begin" },
    { .name = "limit", .type = CMD_COUNT, .value = "N", AT(limit),
      .help = "answer at most N records" },
    { .name = "max-batch-size", .type = CMD_COUNT, .value = "N", AT(seats),
      .preset = "1", .help = "answers made at a time (default: 1)" },
    { .name = "write-batch-size", .type = CMD_COUNT, .value = "N",
      AT(flush_lines), .preset = "1000",
      .help = "lines written at a time (default: 1000, or 10 s)" },
    { .name = "resume", .type = CMD_SWITCH, AT(resume),
      .help = "go on behind what an interrupted run has written" },
    { .name = "verify-inputs", .type = CMD_SWITCH, AT(verify),
      .help = "say how the pictures of the first records were read" },
    { .name = "stream", .type = CMD_SWITCH, AT(stream), .preset = "true",
      .help = "show text as it comes (default: true)" },
    { .name = "max-new-tokens", .alias = "max-tokens", .type = CMD_COUNT,
      .value = "N", AT(max_new), .preset = "2048",
      .help = "tokens of an answer (default: 2048)" },
    { .name = "max-model-len", .type = CMD_COUNT, .value = "N", AT(max_len),
      .help = "tokens of prompt and answer (default: what the model has)" },
    { .name = "temperature", .type = CMD_REAL, .value = "X", AT(temperature),
      .preset = "0", .help = "0 is greedy (default: 0)" },
    { .name = "top-p", .type = CMD_REAL, .value = "X", AT(top_p),
      .preset = "0.9", .help = "share of probability kept (default: 0.9)" },
    { .name = "top-k", .type = CMD_COUNT, .value = "N", AT(top_k),
      .help = "candidates kept (default: 0, all)" },
    { .name = "min-p", .type = CMD_REAL, .value = "X", AT(min_p),
      .help = "least share of the best one's probability (default: 0)" },
    { .name = "repetition-penalty", .type = CMD_REAL, .value = "X",
      AT(repetition), .preset = "1", .help = "above 1: against repeats" },
    { .name = "no-repeat-ngram-size", .type = CMD_COUNT, .value = "N",
      AT(ngram), .help = "no run of N tokens comes twice (default: 0, off)" },
    { .name = "presence-penalty", .type = CMD_REAL, .value = "X",
      AT(presence), .help = "taken from what was said (default: 0)" },
    { .name = "frequency-penalty", .type = CMD_REAL, .value = "X",
      AT(frequency), .help = "the same, each time it was (default: 0)" },
    { .name = "seed", .type = CMD_COUNT, .value = "N", AT(seed),
      .preset = "42", .help = "of the random numbers (default: 42)" },
    { .name = "stop", .type = CMD_LIST, .value = "TEXT", AT(stop),
      .help = "text that ends an answer, may be given several times" },
    { .name = "json-stop", .type = CMD_SWITCH, AT(json_stop),
      .preset = "true",
      .help = "dense answers end with their JSON object (default: true)" },
    { .name = "json", .type = CMD_SWITCH, AT(json_always),
      .help = "every answer ends with its first JSON object" },
    { .name = "max-objects", .type = CMD_COUNT, .value = "N",
      AT(max_objects), .preset = "200",
      .help = "most objects of such an answer (default: 200)" },
    { .name = "profile", .type = CMD_TEXT, .value = "NAME", AT(profile),
      .help = "how pictures are resized: pillow, torchvision, ..." },
    { .name = "min-pixels", .type = CMD_COUNT, .value = "N", AT(min_pixels),
      .help = "of a picture (default: what the model says)" },
    { .name = "max-pixels", .type = CMD_COUNT, .value = "N", AT(max_pixels),
      .help = "of a picture (default: what the model says)" },
    { .name = "device", .type = CMD_TEXT, .value = "D", AT(device),
      .help = "cpu, opencl[:N], vulkan[:N] or auto: the first GPU, else cpu"
              " (default: QVL_DEVICE, else auto)" },
    { .name = "threads", .type = CMD_COUNT, .value = "N", AT(n_threads),
      .help = "threads of the cpu (default: all cores)" },
    { .name = "dtype", .alias = "torch-dtype", .type = CMD_TEXT,
      .value = "T", AT(dtype),
      .help = "f32, bf16 or f16 (default: bf16 on a GPU, else f32)" },
};

static int check_modes(const infer_options *o, int n_words, qvl_err *err)
{
    bool once = o->images.n + n_words > 0 || o->prompt != NULL;
    if (o->input != NULL && o->images.n + n_words > 0)
        return qvl_fail(err, QVL_E_USAGE,
                        "flags: found --image and --jsonl, expected one of "
                        "them");
    if (o->input == NULL && (o->output != NULL || o->resume))
        return qvl_fail(err, QVL_E_USAGE,
                        "flags: found --result_path or --resume, expected "
                        "them with --jsonl");
    if (o->resume && (o->output == NULL || strcmp(o->output, "-") == 0))
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --resume: found no file to go on with, expected "
                        "--result_path");
    if (o->input == NULL && !once && o->overlay != NULL)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --overlay: found no picture, expected --image "
                        "or --jsonl");
    if (o->seats < 1 || o->max_new < 1 || o->flush_lines < 1)
        return qvl_fail(err, QVL_E_USAGE,
                        "flags: found 0, expected at least 1 for "
                        "--max_batch_size, --max_new_tokens and "
                        "--write_batch_size");
    return QVL_OK;
}

static int session_options(qvl_session_options *s, const infer_options *o,
                           qvl_err *err)
{
    *s = (qvl_session_options){
        .model = o->model,
        .device = { .device = cmd_device(o->device),
                    .n_threads = o->n_threads, .dtype = QVL_DTYPE_AUTO },
        .encoder = { .profile = o->profile, .min_pixels = o->min_pixels,
                     .max_pixels = o->max_pixels },
        .sampling = { .temperature = o->temperature, .top_p = o->top_p,
                      .top_k = o->top_k, .min_p = o->min_p,
                      .repetition_penalty = o->repetition,
                      .no_repeat_ngram = o->ngram,
                      .presence_penalty = o->presence,
                      .frequency_penalty = o->frequency,
                      .key = (uint64_t)o->seed },
        .max_new = o->max_new,
        .max_len = o->max_len,
        .seats = o->seats,
        .stop = o->stop.item,
        .n_stops = o->stop.n,
        .json_stop = o->json_stop,
        .json_always = o->json_always,
        .max_objects = o->max_objects,
    };
    for (int i = 0; i < o->stop.n; i++)
        if (o->stop.item[i][0] == '\0')
            return qvl_fail(err, QVL_E_USAGE,
                            "flag --stop: found an empty text");
    if (o->input != NULL)
        for (int m = 0; m < QVL_N_MODES; m++)
            s->encoder.prompt[m] = (qvl_prompt){ o->system, o->prompt };
    else
        s->encoder.prompt[QVL_MODE_DENSE].system = o->system;
    return o->dtype == NULL ? QVL_OK
                            : qvl_dtype_parse(o->dtype, &s->device.dtype,
                                              err);
}

/* What the run was made with, for whoever reads the log. */
static void tell_sampling(const qvl_session_options *s, int seed)
{
    const qvl_sampling *p = &s->sampling;
    if (p->temperature < QVL_GREEDY_BELOW)
        qvl_log(QVL_LOG_INFO, "greedy, at most %d tokens, repetition penalty "
                "%g", s->max_new, p->repetition_penalty);
    else
        qvl_log(QVL_LOG_INFO, "temperature %g, top_p %g, top_k %d, min_p %g, "
                "repetition penalty %g, seed %d, at most %d tokens",
                p->temperature, p->top_p, p->top_k, p->min_p,
                p->repetition_penalty, seed, s->max_new);
}

static int run_mode(qvl_session *s, const infer_options *o,
                    const cmd_list *images, qvl_err *err)
{
    if (o->input != NULL)
        return infer_batch(s, &(infer_batch_options){
            .input = o->input, .output = o->output, .overlay = o->overlay,
            .root = o->root, .limit = o->limit,
            .flush_lines = o->flush_lines, .resume = o->resume,
            .verify = o->verify }, err);
    if (images->n > 0 || o->prompt != NULL)
        return infer_once(s, &(infer_once_options){
            .prompt = o->prompt, .system = o->system, .image = images->item,
            .n_images = images->n, .overlay = o->overlay,
            .stream = o->stream }, err);
    return infer_chat(s, o->system, o->stream, err);
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const infer_options *o = options;
    qvl_session_options how;
    qvl_session *s;
    qvl_arena arena = { 0 };
    QVL_TRY(check_modes(o, n, err));
    if (n > 0 && o->images.n == 0)
        return qvl_fail(err, QVL_E_USAGE,
                        "argument: found %s, expected flags alone, or "
                        "pictures behind --image", word[0]);
    QVL_TRY(session_options(&how, o, err));
    QVL_TRY(qvl_session_open(&s, &how, err));
    tell_sampling(&how, o->seed);
    cmd_list images = { qvl_arena_array(&arena, const char *,
                                        o->images.n + n), 0 };
    for (int i = 0; i < o->images.n; i++)
        images.item[images.n++] = o->images.item[i];
    for (int i = 0; i < n; i++)
        images.item[images.n++] = word[i];
    int rc = run_mode(s, o, &images, err);
    qvl_session_close(s);
    qvl_arena_release(&arena);
    return rc;
}

const cmd cmd_infer = {
    .name = "infer",
    .summary = "answers for pictures: one prompt, a file, a conversation",
    .usage = "--model DIR [--image FILE... --prompt TEXT | --jsonl FILE "
             "--result_path FILE]",
    .details =
        "With --image or --prompt one prompt is answered. With --jsonl every\n"
        "record of a file is: a line each, in order, with the text, what was\n"
        "read from it (pred), and what the record says (gt_norm1000). With\n"
        "neither, prompts are read line by line; there, <image> asks for a\n"
        "picture, and clear, reset-system, multi-line, single-line, exit are\n"
        "orders.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(infer_options),
    .run = run,
};
