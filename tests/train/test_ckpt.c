/* test_ckpt.c - checkpoints: a run that continues is the run that never stopped;
 * kills, full disks and damaged files cost nothing that was there
 *
 *   test_ckpt            the tests
 *   test_ckpt save RUN   train and save in RUN without end, to be killed
 */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/half.h"
#include "batch_file.h"
#include "check.h"
#include "small.h"
#include "tensor/safetensors.h"
#include "train/ckpt_folder.h"

static const qvl_train_save_options keep_all;
static const qvl_train_state no_state;
static const char *program;  // this one

/* ---- helpers ------------------------------------------------------------ */

/* A file or folder in a folder of this test. */
static const char *inside(const char *folder, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder + strlen(check_dir()) + 1,
             name);
    return check_path(path);
}

static void save_with(qvl_trainer *t, const char *run,
                      const qvl_train_save_options *o,
                      const qvl_train_state *s)
{
    qvl_error error;
    CHECK(qvl_train_save(t, run, o, s, NULL, 0, &error) == 0, "%s",
          error.message);
}

static void save(qvl_trainer *t, const char *run)
{
    save_with(t, run, &keep_all, &no_state);
}

static qvl_train_state resume(qvl_trainer *t, const char *folder)
{
    qvl_train_state s;
    qvl_error error;
    CHECK(qvl_train_resume(t, folder, &s, &error) == 0, "%s", error.message);
    return s;
}

static void check_resume_fails(const qvl_train_options *o, const char *folder,
                               int code, const char *part)
{
    qvl_trainer *t = small_open(o);
    qvl_train_state s;
    qvl_error error;
    int rc = qvl_train_resume(t, folder, &s, &error);
    CHECK(rc == code && strstr(error.message, part) != NULL,
          "found %s |%s|, wanted %s |...%s...|", qvl_err_name(rc),
          rc != 0 ? error.message : "", qvl_err_name(code), part);
    qvl_train_close(t);
}

/* Names in a folder as one text. */
static const char *names_in(const char *folder)
{
    static char text[1024];
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    char **name;
    size_t n;
    text[0] = '\0';
    CHECK_OK(qvl_folder_names(folder, &name, &n, &a, &err), err);
    for (size_t k = 0; k < n; k++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
                 k > 0 ? " " : "", name[k]);
    qvl_arena_release(&a);
    return text;
}

static char *read_text(const char *path)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    char *text;
    CHECK_OK(qvl_file_read(path, &text, NULL, &a, &err), err);
    char *copy = strdup(text);
    qvl_arena_release(&a);
    return copy;
}

/* ---- bits --------------------------------------------------------------- */

static void check_same(qvl_trainer *a, qvl_trainer *b, const char *what)
{
    size_t n;
    float *x = small_weights(a, &n), *y = small_weights(b, &n);
    CHECK(memcmp(x, y, n * sizeof *x) == 0, "%s: weights, %g apart", what,
          small_difference(x, y, n));
    free(x);
    free(y);
}

/* Six steps, and three with three more in a new trainer. */
static void check_continues(const qvl_train_options *o, int accumulate,
                            const char *name)
{
    const char *run = check_path(name);
    qvl_trainer *a = small_open(o), *b = small_open(o), *c = small_open(o);
    small_train(a, 6, accumulate);
    small_train(b, 3, accumulate);
    save(b, run);
    small_train(c, 2, accumulate);  // what was there before is overwritten
    resume(c, run);
    CHECK_INT(qvl_train_steps_done(c), 3, "%s", name);
    check_same(b, c, name);
    qvl_train_report want = small_train(b, 3, accumulate);
    qvl_train_report found = small_train(c, 3, accumulate);
    CHECK(memcmp(&want, &found, sizeof want) == 0, "%s: report", name);
    check_same(a, c, name);
    /* The second moments show in nothing but later steps: compare files. */
    save(a, run);
    char *x = read_text(inside(run, "checkpoint-6/checkpoint.json"));
    save(c, run);
    char *y = read_text(inside(run, "checkpoint-6/checkpoint.json"));
    CHECK_STR(x, y, "%s: files", name);
    free(x);
    free(y);
    qvl_train_close(a);
    qvl_train_close(b);
    qvl_train_close(c);
}

static void test_continues(void)
{
    qvl_train_options o = small_options();
    o.schedule = "cosine_warmup_with_min_lr";
    o.min_lr = 1e-5;
    o.warmup_ratio = 0.2;
    o.max_grad_norm = 1.0;
    check_continues(&o, 1, "f32");
    o.n_threads = 2;
    check_continues(&o, 1, "two threads");
    o.n_threads = 1;
    check_continues(&o, 2, "accumulated");
    o.vit_lr = 1e-5;
    o.freeze_aligner = 1;
    check_continues(&o, 1, "groups");
    o = small_options();
    o.dtype = "bf16";
    check_continues(&o, 1, "bf16");
    o.dtype = "f16";
    check_continues(&o, 1, "f16");
    o = small_options();
    o.device = "opencl";
    qvl_trainer *t;
    qvl_error error;
    if (qvl_train_open(&t, SMALL_MODEL, &o, &error) != 0) {
        print_message("SKIP opencl: %s\n", error.message);
        return;
    }
    qvl_train_close(t);
    check_continues(&o, 1, "opencl");
}

/* A head that is tied, in three files. */
static void test_tied(void)
{
    static const char folder[] = TRAIN_FIXTURES "/dense64_tied_sharded";
    qvl_train_options o = small_options();
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_batch_in batch[SMALL_BATCHES];
    char path[600];
    snprintf(path, sizeof path, "%s/input.safetensors", folder);
    CHECK_OK(batch_file_load(&batch[0], path, &a, &err), err);
    for (int k = 1; k < SMALL_BATCHES; k++)
        batch[k] = batch[0];
    snprintf(path, sizeof path, "%s/model", folder);
    small_use(batch);
    small_model = path;
    check_continues(&o, 1, "tied");
    small_model = SMALL_MODEL;
    small_use(NULL);
    qvl_arena_release(&a);
}

/* The small model with its weights in bf16. */
static void write_bf16(const char *folder)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_st *st;
    qvl_st_writer *w;
    char *text;
    size_t len;
    CHECK_OK(qvl_file_make_dirs(folder, &err), err);
    CHECK_OK(qvl_file_read(SMALL_MODEL "/config.json", &text, &len, &a, &err),
             err);
    CHECK_OK(qvl_file_write_all(inside(folder, "config.json"), text, len,
                                &err), err);
    CHECK_OK(qvl_st_open(&st, SMALL_MODEL "/model.safetensors", &err), err);
    CHECK_OK(qvl_st_writer_open(&w, inside(folder, "model.safetensors"),
                                &err), err);
    for (size_t k = 0; k < qvl_st_count(st); k++) {
        const qvl_st_tensor *t = qvl_st_at(st, k);
        CHECK_OK(qvl_st_writer_declare(w, t->name, QVL_BF16, t->shape,
                                       t->rank, &err), err);
    }
    for (size_t k = 0; k < qvl_st_count(st); k++) {
        const qvl_st_tensor *t = qvl_st_at(st, k);
        float *value = qvl_arena_array(&a, float, t->n_elems);
        uint16_t *half = qvl_arena_array(&a, uint16_t, t->n_elems);
        CHECK_OK(qvl_st_to_f32(t, value, &err), err);
        for (size_t i = 0; i < t->n_elems; i++)
            half[i] = qvl_f32_to_bf16(value[i]);
        CHECK_OK(qvl_st_writer_write(w, half, 2 * t->n_elems, &err), err);
    }
    CHECK_OK(qvl_st_writer_commit(w, &err), err);
    qvl_st_close(st);
    qvl_arena_release(&a);
}

/* Files of 16 bits hold less than what is trained; the masters hold the rest. */
static void test_narrow_files(void)
{
    static const char *const type[] = { "f32", "bf16", "f16" };
    qvl_train_options o = small_options();
    small_model = check_path("model-bf16");
    write_bf16(small_model);
    for (size_t k = 0; k < QVL_COUNT(type); k++) {
        char name[32];
        snprintf(name, sizeof name, "%s of bf16", type[k]);
        o.dtype = type[k];
        check_continues(&o, 1, name);
    }
    small_model = SMALL_MODEL;
}

/* Counters and what a schedule remembers go along. */
static void test_memory(void)
{
    qvl_train_options o = small_options();
    const char *run = check_path("plateau");
    o.schedule = "reduce_lr_on_plateau";
    o.patience = 1;
    qvl_trainer *a = small_open(&o), *b = small_open(&o);
    static float bad[8 * 1536];
    for (size_t i = 0; i < QVL_COUNT(bad); i++)
        bad[i] = NAN;
    qvl_batch_in broken = small_batches()[0];
    broken.images.pixels = bad;
    qvl_train_report r;
    qvl_error error;
    CHECK(qvl_train_step(a, &broken, 1, &r, &error) == 0, "%s",
          error.message);
    qvl_train_metric(a, 1.0);
    qvl_train_metric(a, 1.0);
    save(a, run);
    resume(b, run);
    qvl_train_metric(a, 1.0);
    qvl_train_metric(b, 1.0);
    qvl_train_report x = small_train(a, 1, 1), y = small_train(b, 1, 1);
    CHECK(memcmp(&x, &y, sizeof x) == 0, "report");
    CHECK_NEAR(y.lr, 1e-4, 1e-18, "rate has fallen");
    CHECK_INT(y.n_skipped, 1, "counted");
    check_same(a, b, "plateau");
    qvl_train_close(a);
    qvl_train_close(b);
}

/* ---- files -------------------------------------------------------------- */

static void test_files(void)
{
    qvl_train_options o = small_options();
    const char *run = check_path("files");
    qvl_trainer *t = small_open(&o);
    qvl_train_state s = {
        .epoch = 1.5, .num_train_epochs = 3.0, .best_global_step = 1,
        .best_metric = 0.1, .best_model_checkpoint = "runs/\"x\"",
        .eval_steps = 5, .logging_steps = 10, .save_steps = 15,
        .train_batch_size = 2, .num_input_tokens_seen = 123456789012,
        .total_flos = 1e20,
        .log_history = "[{\"loss\":0.1,\"step\":1},{\"loss\":1e-7}]",
        .stateful_callbacks = "{\"control\": {\"stop\": false}}",
        .dataloader = "{\"epoch\": 1, \"seen\": [1, 2]}",
        .args = "{\"training\": {}}",
    };
    char path[600];
    qvl_error error;
    small_train(t, 2, 1);
    CHECK(qvl_train_save(t, run, &keep_all, &s, path, sizeof path, &error)
              == 0, "%s", error.message);
    CHECK_STR(path, inside(run, "checkpoint-2"), "path");
    CHECK_STR(names_in(path), "args.json checkpoint.json config.json "
              "dataloader_state.json generation_config.json model.safetensors "
              "optimizer.safetensors scheduler.json trainer_state.json", "files");
    char *text = read_text(inside(path, "trainer_state.json"));
    const char *last = "";
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, "  \"", 3) == 0) {
            CHECK(strcmp(last, line) < 0, "%s before %s", last, line);
            last = line;
        }
    free(text);
    text = read_text(inside(path, "trainer_state.json"));
    CHECK_HAS(text, "\"global_step\": 2,", "step");
    CHECK_HAS(text, "\"trial_name\": null", "as others write it");
    CHECK_HAS(text, "\"num_input_tokens_seen\": 123456789012,", "whole");
    CHECK_HAS(text, "\"loss\": 1e-7", "as spelled");
    free(text);
    qvl_trainer *u = small_open(&o);
    qvl_train_state found = resume(u, path);
    CHECK_NEAR(found.epoch, 1.5, 0.0, "epoch");
    CHECK_NEAR(found.best_metric, 0.1, 0.0, "best");
    CHECK_INT(found.best_global_step, 1, "best");
    CHECK_STR(found.best_model_checkpoint, "runs/\"x\"", "best");
    s.best_model_checkpoint = path;
    save_with(t, run, &keep_all, &s);
    found = resume(u, path);
    CHECK_STR(found.best_model_checkpoint, path, "best");
    found = resume(u, found.best_model_checkpoint);  // a text that it releases
    CHECK_STR(found.best_model_checkpoint, path, "best");
    CHECK(found.num_input_tokens_seen == 123456789012, "tokens");
    CHECK_HAS(found.log_history, "\"step\": 1", "history");
    CHECK_HAS(found.stateful_callbacks, "\"stop\": false", "callbacks");
    CHECK_HAS(found.dataloader, "\"seen\": [", "loader");
    CHECK_HAS(found.args, "\"training\": {}", "args");
    qvl_train_close(u);
    CHECK(qvl_train_save(t, run, &keep_all, &s, path, 20, &error)
              == QVL_E_RANGE, "no room for the path");
    s.args = "{\"a\": ";
    CHECK(qvl_train_save(t, run, &keep_all, &s, NULL, 0, &error)
              == QVL_E_USAGE, "no JSON");
    CHECK(strstr(error.message, "args.json") != NULL, "%s", error.message);
    s = no_state;
    s.epoch = (double)NAN;
    CHECK(qvl_train_save(t, run, &keep_all, &s, NULL, 0, &error)
              == QVL_E_USAGE, "no number");
    CHECK_STR(names_in(run), "checkpoint-2", "nothing else");
    qvl_train_close(t);
}

/* The weights of a checkpoint are a model folder; a run may begin with it. */
static void test_model_folder(void)
{
    qvl_train_options o = small_options();
    const char *run = check_path("weights");
    qvl_trainer *t = small_open(&o), *u = NULL;
    qvl_error error;
    qvl_train_save_options only = { .save_only_model = 1,
                                    .max_shard_bytes = 200000 };
    small_train(t, 2, 1);
    save_with(t, run, &only, &no_state);
    const char *folder = inside(run, "checkpoint-2");
    CHECK(strstr(names_in(folder), "model-00002-of-") != NULL, "%s",
          names_in(folder));
    CHECK(qvl_train_open(&u, folder, &o, &error) == 0, "%s", error.message);
    check_same(t, u, "weights");
    /* Texts of the checkpoint it came from are not taken for its own. */
    save_with(u, check_path("second"), &only, &no_state);
    CHECK(strstr(names_in(inside(check_path("second"), "checkpoint-0")),
                 "scheduler") == NULL, "texts");
    qvl_train_close(u);
    qvl_train_close(t);
    check_resume_fails(&o, run, QVL_E_CONFIG, "save_only_model");
}

/* ---- rotation ----------------------------------------------------------- */

static void test_rotation(void)
{
    qvl_train_options o = small_options();
    const char *run = check_path("rotation");
    qvl_trainer *t = small_open(&o);
    qvl_train_save_options s = { .save_total_limit = 2,
                                 .save_only_model = 1,
                                 .best = "checkpoint-1" };
    for (int k = 0; k < 4; k++) {
        small_train(t, 1, 1);
        save_with(t, run, &s, &no_state);
    }
    CHECK_STR(names_in(run), "checkpoint-1 checkpoint-4", "the best stays");
    s.save_total_limit = 1;
    small_train(t, 1, 1);
    save_with(t, run, &s, &no_state);
    CHECK_STR(names_in(run), "checkpoint-1 checkpoint-5", "both stay");
    s.is_final = 1;
    s.best = NULL;
    small_train(t, 1, 1);
    save_with(t, run, &s, &no_state);
    CHECK_STR(names_in(run), "checkpoint-5 checkpoint-6", "not counted");
    /* What is no checkpoint of this program is not touched. */
    qvl_err err = { 0 };
    CHECK_OK(qvl_file_make_dirs(inside(run, "checkpoint-0"), &err), err);
    CHECK_OK(qvl_file_make_dirs(inside(run, "checkpoint-x"), &err), err);
    s.is_final = 0;
    small_train(t, 1, 1);
    save_with(t, run, &s, &no_state);
    CHECK_STR(names_in(run),
              "checkpoint-0 checkpoint-6 checkpoint-7 checkpoint-x", "others");
    /* Nor is the one that is being replaced by a checkpoint. */
    qvl_error error;
    CHECK(qvl_train_save(t, run, &s, &no_state, NULL, 0, &error) == 0,
          "again: %s", error.message);
    qvl_train_close(t);
    t = small_open(&o);
    int rc = qvl_train_save(t, run, &s, &no_state, NULL, 0, &error);
    CHECK(rc == QVL_E_IO && strstr(error.message, "is in the way") != NULL,
          "%s", error.message);
    CHECK_STR(names_in(run),
              "checkpoint-0 checkpoint-6 checkpoint-7 checkpoint-x", "others");
    qvl_train_close(t);
}

/* A run that went back to step 1 keeps what it saves now, and the folder that
 * its model came from. */
static void test_going_back(void)
{
    qvl_train_options o = small_options();
    const char *run = check_path("back");
    qvl_trainer *t = small_open(&o), *u = NULL;
    qvl_error error;
    qvl_train_save_options s = { .save_total_limit = 1 };
    small_train(t, 1, 1);
    save(t, run);
    small_train(t, 4, 1);
    save(t, run);
    qvl_train_close(t);
    CHECK(qvl_train_open(&u, inside(run, "checkpoint-1"), &o, &error) == 0,
          "%s", error.message);
    resume(u, inside(run, "checkpoint-1"));
    small_train(u, 1, 1);
    save_with(u, run, &s, &no_state);
    CHECK_STR(names_in(run), "checkpoint-1 checkpoint-2", "in use, and new");
    qvl_train_close(u);
}

/* ---- faults ------------------------------------------------------------- */

/* A disk that is full at any point: an error, and the run folder is as before. */
static void test_full_disk(void)
{
    qvl_train_options o = small_options();
    const char *run = check_path("full");
    qvl_trainer *t = small_open(&o);
    struct rlimit old, limit;
    small_train(t, 1, 1);
    save(t, run);
    small_train(t, 1, 1);
    CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0, "limit");
    signal(SIGXFSZ, SIG_IGN);
    static const rlim_t bytes[] = { 0, 100, 4000, 100000, 2000000 };
    for (size_t k = 0; k < QVL_COUNT(bytes); k++) {
        qvl_error error;
        limit = (struct rlimit){ bytes[k], old.rlim_max };
        CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0, "limit");
        int rc = qvl_train_save(t, run, &keep_all, &no_state, NULL, 0,
                                &error);
        CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0, "limit");
        CHECK_INT(rc, QVL_E_IO, "%d bytes", (int)bytes[k]);
        CHECK_STR(names_in(run), "checkpoint-1", "%d bytes", (int)bytes[k]);
    }
    save(t, run);  // and now there is room
    qvl_trainer *u = small_open(&o);
    resume(u, run);
    check_same(t, u, "after all");
    qvl_train_close(t);
    qvl_train_close(u);
}

/* Change or cut a file. */
static void cut(const char *path, long bytes)
{
    CHECK(truncate(path, bytes) == 0, "%s", path);
}

static void flip(const char *path, long at)
{
    int fd = open(path, O_RDWR);
    char c = 0;
    CHECK(fd >= 0 && pread(fd, &c, 1, at) == 1, "%s", path);
    c ^= 1;
    CHECK(pwrite(fd, &c, 1, at) == 1, "%s", path);
    close(fd);
}

static void check_resumes_at(const qvl_train_options *o, const char *folder,
                             int64_t step, const char *what)
{
    qvl_trainer *t = small_open(o);
    resume(t, folder);
    CHECK_INT(qvl_train_steps_done(t), step, "%s", what);
    qvl_train_close(t);
}

/* A folder that is named must be right; of a run the newest right one is taken. */
static void test_damage(void)
{
    qvl_train_options o = small_options();
    static const char *const name[] = {
        "model.safetensors", "optimizer.safetensors", "scheduler.json",
        "trainer_state.json", "config.json", "dataloader_state.json",
    };
    for (size_t k = 0; k < QVL_COUNT(name); k++) {
        char run[32];
        snprintf(run, sizeof run, "damage%zu", k);
        const char *folder = check_path(run);
        qvl_trainer *t = small_open(&o);
        small_train(t, 1, 1);
        save(t, folder);
        small_train(t, 1, 1);
        save(t, folder);
        qvl_train_close(t);
        const char *newest = inside(folder, "checkpoint-2");
        flip(inside(newest, name[k]), 1);
        check_resume_fails(&o, newest, QVL_E_FORMAT, name[k]);
        check_resumes_at(&o, folder, 1, name[k]);  // the one before is whole
        cut(inside(newest, name[k]), 1);
        check_resume_fails(&o, newest, QVL_E_FORMAT, name[k]);
        check_resumes_at(&o, folder, 1, name[k]);
        remove(inside(newest, name[k]));
        check_resume_fails(&o, newest, QVL_E_FORMAT, name[k]);
        cut(inside(newest, "checkpoint.json"), 40);
        check_resume_fails(&o, newest, QVL_E_FORMAT, "checkpoint.json");
        flip(inside(inside(folder, "checkpoint-1"), name[k]), 1);
        check_resume_fails(&o, folder, QVL_E_IO, "found no complete checkpoint");
    }
    check_resume_fails(&o, check_path("nowhere"), QVL_E_IO, "nowhere");
    qvl_err err = { 0 };
    CHECK_OK(qvl_file_make_dirs(check_path("empty"), &err), err);
    check_resume_fails(&o, check_path("empty"), QVL_E_IO,
                       "found no complete checkpoint");
}

/* Replace a file by one of another run and make the marker fit. */
static void swap(const char *from, const char *to, const char *name,
                 int64_t step)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    char *text;
    size_t len;
    CHECK_OK(qvl_file_read(inside(from, name), &text, &len, &a, &err), err);
    CHECK_OK(qvl_file_write_all(inside(to, name), text, len, &err), err);
    CHECK(remove(inside(to, QVL_CKPT_MARKER)) == 0, "marker");
    CHECK_OK(qvl_ckpt_seal(to, step, false, true, &a, &err), err);
    qvl_arena_release(&a);
}

/* Write optimizer.safetensors anew with one tensor of another shape. */
static void reshape(const char *folder, int64_t step)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_st *st;
    qvl_st_writer *w;
    const char *path = inside(folder, "optimizer.safetensors");
    CHECK_OK(qvl_st_open(&st, path, &err), err);
    CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
    for (size_t k = 0; k < qvl_st_count(st); k++) {
        const qvl_st_tensor *t = qvl_st_at(st, k);
        size_t shape[QVL_ST_MAX_RANK];
        memcpy(shape, t->shape, sizeof shape);
        if (k == 3 && t->rank == 1) {
            shape[1] = shape[0];
            shape[0] = 1;
        }
        CHECK_OK(qvl_st_writer_declare(w, t->name, t->dtype, shape,
                                       k == 3 && t->rank == 1 ? 2 : t->rank,
                                       &err), err);
    }
    for (size_t k = 0; k < qvl_st_count(st); k++)
        CHECK_OK(qvl_st_writer_write(w, qvl_st_at(st, k)->data,
                                     qvl_st_at(st, k)->bytes, &err), err);
    CHECK_OK(qvl_st_writer_commit(w, &err), err);
    qvl_st_close(st);
    CHECK(remove(inside(folder, QVL_CKPT_MARKER)) == 0, "marker");
    CHECK_OK(qvl_ckpt_seal(folder, step, false, true, &a, &err), err);
    qvl_arena_release(&a);
}

/* Whole files that do not belong to this run. */
static void test_other_runs(void)
{
    qvl_train_options o = small_options(), frozen = o, narrow = o;
    frozen.freeze_vit = 1;
    narrow.dtype = "bf16";
    const char *run = check_path("other"), *part = check_path("part");
    qvl_trainer *t = small_open(&o);
    small_train(t, 1, 1);
    save(t, run);
    small_train(t, 1, 1);
    save(t, run);
    qvl_train_close(t);
    t = small_open(&frozen);
    small_train(t, 1, 1);
    save(t, part);
    qvl_train_close(t);
    const char *first = inside(run, "checkpoint-1");
    check_resume_fails(&narrow, first, QVL_E_CONFIG, "trained as f32");
    check_resume_fails(&frozen, first, QVL_E_CONFIG, "trains fewer");
    check_resume_fails(&o, part, QVL_E_CONFIG,
                       "as this run trains the parameter");
    swap(inside(run, "checkpoint-2"), first, "scheduler.json", 1);
    check_resume_fails(&o, first, QVL_E_FORMAT, "global_step");
    reshape(inside(run, "checkpoint-2"), 2);
    check_resume_fails(&o, inside(run, "checkpoint-2"), QVL_E_MODEL,
                       "another type or shape");
}

/* ---- kills -------------------------------------------------------------- */

/* Moments that a kill hardly ever meets, made by hand: between the two renames
 * of a replacement, in the middle of a deletion, and of a save. */
static void test_left_overs(void)
{
    qvl_train_options o = small_options();
    const char *run = check_path("left");
    qvl_trainer *t = small_open(&o), *u = small_open(&o);
    qvl_err err = { 0 };
    small_train(t, 1, 1);
    save(t, run);
    const char *own = inside(run, "checkpoint-1");
    const char *aside = inside(run, "checkpoint-1.tmp.old");
    CHECK(rename(own, aside) == 0, "aside");
    CHECK_OK(qvl_file_make_dirs(inside(run, "checkpoint-1.tmp"), &err), err);
    CHECK_OK(qvl_file_make_dirs(inside(run, "checkpoint-7.tmp.tmp.99"), &err),
             err);
    CHECK_OK(qvl_file_make_dirs(inside(run, "checkpoint-0.tmp.gone"), &err),
             err);
    resume(u, run);
    check_same(t, u, "the old one is back");
    CHECK_STR(names_in(run), "checkpoint-1", "and alone");
    CHECK_OK(qvl_file_make_dirs(aside, &err), err);
    resume(u, run);
    CHECK_STR(names_in(run), "checkpoint-1", "the new one counts");
    qvl_train_close(t);
    qvl_train_close(u);
}

/* Train and save until someone ends it; a line tells that a first checkpoint is
 * there. */
static int save_forever(const char *run)
{
    qvl_train_options o = small_options();
    o.max_steps = 1000000;
    qvl_trainer *t = small_open(&o);
    qvl_train_save_options s = { .save_total_limit = 2 };
    for (int k = 0;; k++) {
        qvl_error error;
        if (k > 0)
            small_train(t, 1, 1);
        else
            resume(t, run);
        if (qvl_train_save(t, run, &s, &no_state, NULL, 0, &error) != 0) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        if (k == 0 && write(STDOUT_FILENO, "x", 1) != 1)
            return 1;
    }
}

/* Start a process that saves, and kill it while it does. */
static void kill_after(const char *run, long ms)
{
    int ends[2];
    char c;
    CHECK(pipe(ends) == 0, "pipe");
    pid_t pid = fork();
    CHECK(pid >= 0, "fork");
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(program, program, "save", run, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    CHECK(read(ends[0], &c, 1) == 1, "the process that saves ended early");
    struct timespec pause = { 0, ms * 1000000 };
    nanosleep(&pause, NULL);
    int status;
    CHECK(kill(pid, SIGKILL) == 0, "kill");
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "killed");
    close(ends[0]);
}

/* Whatever moment it is: the newest checkpoint is whole, and the run goes on. */
static void test_kills(void)
{
    qvl_train_options o = small_options();
    const char *run = check_path("kills");
    o.max_steps = 1000000;
    qvl_trainer *t = small_open(&o);
    small_train(t, 1, 1);
    save(t, run);
    qvl_train_close(t);
    int64_t last = 1;
    int n_cut = 0;
    for (long k = 0; k < 12; k++) {
        kill_after(run, 5 + 45 * k);
        n_cut += strstr(names_in(run), ".tmp") != NULL;
        t = small_open(&o);
        resume(t, run);
        CHECK(strstr(names_in(run), ".tmp") == NULL, "cleaned: %s",
              names_in(run));
        CHECK(qvl_train_steps_done(t) >= last, "step %d after %d",
              (int)qvl_train_steps_done(t), (int)last);
        last = qvl_train_steps_done(t);
        qvl_train_close(t);
    }
    CHECK(n_cut > 0, "no kill met a save");
    CHECK(last > 1, "no save got through");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_continues),  TEST(test_tied),       TEST(test_narrow_files),
        TEST(test_memory),     TEST(test_files),
        TEST(test_model_folder), TEST(test_rotation), TEST(test_going_back),
        TEST(test_full_disk),  TEST(test_damage),     TEST(test_other_runs),
        TEST(test_left_overs), TEST(test_kills),
    };
    program = argv[0];
    if (argc == 3 && strcmp(argv[1], "save") == 0)
        return save_forever(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
