/* cmd_train.c - qvl train: a run from its configuration
 *
 * Flags go into the configuration as values that beat the files, so they are checked
 * like keys; QVL_DEVICE counts where neither names a device. A signal sets a word that
 * the loop looks at between steps. Log and progress share standard error: the bar is
 * cleared before a line.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "cmd.h"
#include "config/run_config.h"
#include "progress_bar.h"
#include "train/loop.h"

typedef struct {
    const char *config;
    const char *base;
    bool debug;
    bool verbose;
    const char *device;
    const char *dtype;
    const char *n_threads;
    const char *progress;
} train_options;

static const cmd_flag flags[] = {
    { .name = "config", .type = CMD_TEXT, .value = "FILE", .is_needed = true,
      .at = offsetof(train_options, config), .help = "YAML of the run" },
    { .name = "base-config", .type = CMD_TEXT, .value = "FILE",
      .at = offsetof(train_options, base),
      .help = "YAML that lies under everything" },
    { .name = "debug", .type = CMD_SWITCH,
      .at = offsetof(train_options, debug),
      .help = "print the configuration, read back every sample, write the "
              "first of each source as text" },
    { .name = "verbose", .type = CMD_SWITCH,
      .at = offsetof(train_options, verbose),
      .help = "print every line of the log" },
    CMD_DEVICE_FLAGS(train_options, device, n_threads, CMD_TEXT,
                     "that of the configuration, else ", NULL,
                     " (default: that of the configuration)"),
    { .name = "progress", .type = CMD_TEXT, .value = "P", .preset = "auto",
      .at = offsetof(train_options, progress),
      .help = "auto, bar, json or off" },
};

/* ---- signals ------------------------------------------------------------- */

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

/* The first signal ends the run after its step, the second one at once. */
static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    action.sa_flags = SA_RESTART | (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- words to the terminal ----------------------------------------------- */

/* Lines of the log and the bar share a terminal. */
static void put_log(void *ctx, int level, const char *text)
{
    qvl_progress_clear(ctx);
    qvl_log_stderr(NULL, level, text);
}

/* ---- the run ------------------------------------------------------------- */

typedef struct {
    const train_options *o;
    qvl_err *err;
    qvl_arena arena;
    qvl_progress progress;
} call;

static void print_config(const qvl_run_config *config, qvl_arena *arena)
{
    qvl_str text = { 0 };
    qvl_run_config_json(&text, config, arena);
    fputs(text.p, stderr);
    qvl_str_release(&text);
}

static int run_all(void *arg)
{
    call *c = arg;
    const train_options *o = c->o;
    const qvl_config_flag given[] = {
        { "runtime.device", o->device, "--device" },
        { "runtime.threads", o->n_threads, "--threads" },
        { "model.torch_dtype", o->dtype, "--dtype" },
    };
    qvl_run_config config;
    QVL_TRY(progress_bar_init(&c->progress, o->progress, c->err));
    QVL_TRY(qvl_run_config_load(&config, o->config, o->base, given,
                                QVL_COUNT(given), &c->arena, c->err));
    config.runtime.device = cmd_device(config.runtime.device);
    if (o->debug)
        print_config(&config, &c->arena);
    qvl_loop_options run = { .config = &config, .stop = &stop,
                            .progress = &c->progress, .checks_all = o->debug,
                            .is_loud = o->verbose };
    return qvl_loop_run(&run, c->err);
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const train_options *o = options;
    if (n > 0)
        return qvl_fail(err, QVL_E_USAGE,
                        "argument: found %s, expected flags alone", word[0]);
    call c = { .o = o, .err = err };
    catch_signals();
    qvl_log_set_sink(put_log, &c.progress,
                     o->debug ? QVL_LOG_DEBUG : QVL_LOG_INFO);
    int rc = qvl_guard(run_all, &c, err);
    qvl_log_set_sink(qvl_log_stderr, NULL, QVL_LOG_INFO);
    qvl_arena_release(&c.arena);
    return rc;
}

const cmd cmd_train = {
    .name = "train",
    .summary = "train a model",
    .usage = "--config FILE [--base-config FILE] [--debug] [--verbose] "
             "[--device D] [--dtype T]",
    .details =
        "The configuration says everything: model, records, rates, when to "
        "log, evaluate\nand save. logging.jsonl has the loss of all samples "
        "and that of each source, which\na record names as metadata.dataset. "
        "A first SIGINT or SIGTERM ends the run after\nits step, with a "
        "checkpoint to resume from and status 130.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(train_options),
    .run = run,
};
