/* cmd_forward.c - tensors in, tensors out: the exact numbers of a model
 *
 * The model is used through qvl.h alone, as other programs use it. Results are declared
 * first, then read one at a time into one buffer as long as the largest, so that
 * gradients pass through it one by one.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "batch_file.h"
#include "cmd.h"
#include "qvl.h"
#include "tensor/safetensors.h"

typedef struct {
    const char *model;
    const char *input;
    const char *output;
    bool grad;
    const char *device;
    int n_threads;
    const char *dtype;
} forward_options;

static const cmd_flag flags[] = {
    { .name = "model", .type = CMD_TEXT, .value = "DIR", .is_needed = true,
      .at = offsetof(forward_options, model), .help = "folder of the model" },
    { .name = "input", .type = CMD_TEXT, .value = "FILE", .is_needed = true,
      .at = offsetof(forward_options, input),
      .help = "safetensors: input_ids and what belongs to them" },
    { .name = "output", .type = CMD_TEXT, .value = "FILE", .is_needed = true,
      .at = offsetof(forward_options, output),
      .help = "safetensors to write, - for standard output" },
    { .name = "grad", .type = CMD_SWITCH,
      .at = offsetof(forward_options, grad),
      .help = "also the gradient of the loss for every parameter" },
    CMD_DEVICE_FLAGS(forward_options, device, n_threads, CMD_COUNT, "", "f32",
                     ""),
};

/* A call, and what it has open. */
typedef struct {
    const forward_options *options;
    qvl_err *err;
    qvl_arena arena;
    qvl *model;
    qvl_st_writer *writer;
    void *data;  // of the tensor that is being written
} call;

static int pass_on(const qvl_error *e, qvl_err *err)
{
    qvl_fail(err, e->code, "%s", e->message);
    if (e->hint[0] != '\0')
        qvl_err_hint(err, "%s", e->hint);
    return e->code;
}

static int run_model(call *c)
{
    const forward_options *o = c->options;
    qvl_batch_in batch;
    qvl_error error;
    QVL_TRY(batch_file_load(&batch, o->input, &c->arena, c->err));
    if (o->grad && batch.labels == NULL)
        return qvl_fail(c->err, QVL_E_DATA,
                        "%s: found no labels, expected them with --grad",
                        o->input);
    unsigned want = QVL_LOGITS | QVL_VISION;
    if (batch.labels != NULL)
        want |= QVL_LOSS;
    if (o->grad)
        want |= QVL_GRADIENTS;
    qvl_options options = { .device = cmd_device(o->device),
                            .n_threads = o->n_threads, .dtype = o->dtype };
    if (qvl_open(&c->model, o->model, &options, &error) != 0
        || qvl_forward(c->model, &batch, want, &error) != 0)
        return pass_on(&error, c->err);
    return QVL_OK;
}

static size_t tensor_bytes(const qvl_tensor *t)
{
    return t->n_elems * (t->is_f32 ? sizeof(float) : sizeof(int64_t));
}

static int write_results(call *c, const char *path)
{
    qvl_tensor t;
    qvl_error error;
    QVL_TRY(qvl_st_writer_open(&c->writer, path, c->err));
    size_t most = 1;
    for (size_t k = 0; k < qvl_n_results(c->model); k++) {
        qvl_result_at(c->model, k, &t);
        QVL_TRY(qvl_st_writer_declare(c->writer, t.name,
                                      t.is_f32 ? QVL_F32 : QVL_I64, t.shape,
                                      t.rank, c->err));
        most = tensor_bytes(&t) > most ? tensor_bytes(&t) : most;
    }
    c->data = qvl_memory_resize(NULL, most);
    for (size_t k = 0; k < qvl_n_results(c->model); k++) {
        qvl_result_at(c->model, k, &t);
        if (qvl_read(c->model, k, c->data, &error) != 0)
            return pass_on(&error, c->err);
        QVL_TRY(qvl_st_writer_write(c->writer, c->data, tensor_bytes(&t),
                                    c->err));
    }
    qvl_st_writer *w = c->writer;
    c->writer = NULL;
    return qvl_st_writer_commit(w, c->err);
}

/* ---- standard output ----------------------------------------------------- */

static int copy_to_stdout(const char *path, qvl_err *err)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return qvl_file_fail("cannot open file", path, errno,
                             "a readable file", err);
    char piece[1 << 16];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        if (fwrite(piece, 1, n, stdout) != n)
            break;
    int bad = ferror(in) || ferror(stdout);
    fclose(in);
    return bad ? cmd_fail_output(err) : QVL_OK;
}

/* The head of the file comes last, so it is made beside and then copied. */
static int write_stdout(call *c)
{
    const char *folder = getenv("TMPDIR");
    char *path = qvl_arena_printf(&c->arena, "%s/qvl-XXXXXX",
                                  folder != NULL ? folder : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        return qvl_file_fail("cannot write file", path, errno,
                             "a place to write in", c->err);
    close(fd);
    int rc = write_results(c, path);
    if (rc == QVL_OK)
        rc = copy_to_stdout(path, c->err);
    unlink(path);
    return rc;
}

static int run_all(void *arg)
{
    call *c = arg;
    QVL_TRY(run_model(c));
    return strcmp(c->options->output, "-") == 0
               ? write_stdout(c)
               : write_results(c, c->options->output);
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    if (n > 0)
        return qvl_fail(err, QVL_E_USAGE,
                        "argument: found %s, expected flags alone", word[0]);
    call c = { .options = options, .err = err };
    int rc = qvl_guard(run_all, &c, err);
    qvl_st_writer_abort(c.writer);
    qvl_close(c.model);
    free(c.data);
    qvl_arena_release(&c.arena);
    return rc;
}

const cmd cmd_forward = {
    .name = "forward",
    .summary = "tensors in, tensors out: the exact numbers of a model",
    .usage = "--model DIR --input FILE --output FILE [--grad] [--device D] "
             "[--dtype T]",
    .details =
        "Reads input_ids [B,S] and, if they are there, attention_mask, labels,"
        "\nsample_ids (numbers of the samples in packed rows), pixel_values "
        "with\nimage_grid_thw, pixel_values_videos with video_grid_thw.\n"
        "Writes logits, position_ids, rope_delta, the outputs of the vision "
        "tower,\nwith labels the loss, with --grad gradients.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(forward_options),
    .run = run,
};
