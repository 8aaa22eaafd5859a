/* cmd.h - commands of `qvl`: their table, their flags, their help
 *
 * A command is one entry: name, help, flags, and a function that gets its
 * options as a struct. Flags are read the same way everywhere: `-` and `_` are
 * one, `--flag=value` and `--flag value` too, `-n` does for `--n`, a flag that is
 * not known is an error with the nearest one that is. The rest of the words goes
 * to the command.
 */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/err.h"

typedef enum {
    CMD_TEXT,   // const char *
    CMD_COUNT,  // int, from 0
    CMD_REAL,   // double
    CMD_LIST,   // cmd_list: may be given several times
    CMD_SWITCH  // bool: --flag, or true|false|1|0|yes|no behind it
} cmd_type;

typedef struct {
    const char **item;  // [n]
    int n;
} cmd_list;

typedef struct {
    const char *name;   // words joined by '-', without the dashes in front
    const char *alias;  // another name, NULL: none
    cmd_type type;
    size_t at;          // of the field in the options
    const char *value;  // what stands for it in the help: "DIR"
    const char *preset; // value when it is not given, NULL: zero
    bool is_needed;
    const char *help;
    const char *topics; // of a command that has some: a letter for each that
                        // takes the flag, NULL: all; see cmd_check_topic
} cmd_flag;

typedef struct {
    const char *name;     // one word, or two: "data synth"
    const char *summary;  // one line for the list of commands
    const char *usage;    // behind the name: "--model DIR ..."
    const char *details;  // more lines of help, may be empty
    const cmd_flag *flag;
    size_t n_flags;
    size_t options_bytes;
    size_t given_at;      // of a const bool * in the options, set to [n_flags]:
                          // the flags that the call has; 0: there is none
    /* options: the struct, filled; word [n]: what is no flag. Called under a
     * guard. */
    int (*run)(const void *options, const char *const *word, int n,
               qvl_err *err);
} cmd;

/* A number that a header names, as a preset. */
#define CMD_PRESET(number) CMD_PRESET_TEXT(number)
#define CMD_PRESET_TEXT(number) #number

/* Flags of every command that opens a model. The struct `opts` has a field
 * dtype, a text, and those that are named: the device, a text, and the threads,
 * of type `threads_type`. `first` is what the help says of a default that comes
 * before those of the program, "X, else "; `dtype_preset` and `more` are preset
 * and end of the help of --dtype. */
#define CMD_DEVICE_FLAGS(opts, device_at, threads_at, threads_type, first,    \
                         dtype_preset, more)                                  \
    { .name = "device", .type = CMD_TEXT, .at = offsetof(opts, device_at),    \
      .value = "D",                                                           \
      .help = "cpu, opencl[:N], vulkan[:N] or auto: the first GPU, else cpu"  \
              " (default: " first "QVL_DEVICE, else auto)" },                 \
    { .name = "threads", .type = threads_type,                                \
      .at = offsetof(opts, threads_at), .value = "N",                         \
      .help = "threads of the cpu (default: " first "all cores)" },           \
    { .name = "dtype", .alias = "torch-dtype", .type = CMD_TEXT,              \
      .at = offsetof(opts, dtype), .value = "T", .preset = dtype_preset,      \
      .help = "f32, bf16 or f16: storage of weights and activations" more }

extern const cmd cmd_eval;
extern const cmd cmd_forward;
extern const cmd cmd_bench;
extern const cmd cmd_inspect;
extern const cmd cmd_infer;
extern const cmd cmd_init;
extern const cmd cmd_train;
extern const cmd cmd_config_inspect;
extern const cmd cmd_config_diff;
extern const cmd cmd_config_check;
extern const cmd cmd_config_reference;
extern const cmd cmd_data_synth;
extern const cmd cmd_data_validate;
extern const cmd cmd_data_audit;
extern const cmd cmd_data_lengths;
extern const cmd cmd_data_split;
extern const cmd cmd_data_sample;
extern const cmd cmd_data_import;
extern const cmd cmd_data_fuse;
extern const cmd cmd_data_resize;
extern const cmd cmd_vis_augment;
extern const cmd cmd_vis_dataset;
extern const cmd cmd_vis_predictions;

/* Run the program with its arguments; returns the exit status. */
int cmd_main(const cmd *const *commands, size_t n, int argc, char **argv);

/* Standard output could not be written to: raise what the system says. */
int cmd_fail_output(qvl_err *err);

/* Are all flags that were given [n] for the topic of this letter? QVL_E_USAGE
 * names one that is not. `topic` is how it is called: "qvl bench model". */
int cmd_check_topic(const cmd_flag *flag, size_t n, const bool *given,
                    char letter, const char *topic, qvl_err *err);

/* The device to open: the flag's, else the environment's, else "auto". */
const char *cmd_device(const char *flag);

#endif
