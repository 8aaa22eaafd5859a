/* cmd.c - arguments to options, errors to lines and exit codes
 *
 * Options start as zeros; presets and then the flags of the call are set by the same
 * code, so a preset is checked like a flag, the last value wins, and lists grow. What a
 * command returns comes back to cmd_main, which prints the error and makes the exit
 * status of it.
 */
#include "cmd.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/node.h"
#include "base/str.h"
#include "qvl.h"

/* All that a call of the program is about. */
typedef struct {
    const cmd *const *command;  // [n_commands]
    size_t n_commands;
    int argc;
    char **argv;
    qvl_err err;
    qvl_arena arena;
} call;

/* ---- help --------------------------------------------------------------- */

static void print_commands(const call *c)
{
    printf("usage: qvl COMMAND [FLAGS]\n\n");
    for (size_t i = 0; i < c->n_commands; i++)
        printf("  %-16s %s\n", c->command[i]->name, c->command[i]->summary);
    printf("\nqvl help COMMAND tells more, qvl --version what was built.\n");
}

/* Is the command one of a group: "data synth" of "data"? */
static bool is_in_group(const cmd *command, const char *group)
{
    size_t len = strlen(group);
    return strncmp(command->name, group, len) == 0
           && command->name[len] == ' ';
}

/* Print the commands of a group; false when there is none of that name. */
static bool print_group(const call *c, const char *group)
{
    bool is_group = false;
    for (size_t i = 0; i < c->n_commands; i++) {
        if (!is_in_group(c->command[i], group))
            continue;
        if (!is_group)
            printf("usage: qvl %s COMMAND [FLAGS]\n\n", group);
        is_group = true;
        printf("  %-16s %s\n", c->command[i]->name, c->command[i]->summary);
    }
    return is_group;
}

static void print_help(const cmd *command)
{
    printf("usage: qvl %s %s\n\n%s.\n%s%s", command->name, command->usage,
           command->summary, command->details[0] != '\0' ? "\n" : "",
           command->details);
    if (command->n_flags > 0)
        printf("\n");
    for (size_t i = 0; i < command->n_flags; i++) {
        const cmd_flag *f = &command->flag[i];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", f->name,
                 f->value != NULL ? " " : "",
                 f->value != NULL ? f->value : "");
        printf("  %-22s %s%s%s%s\n", left, f->help,
               f->preset != NULL ? " (default: " : "",
               f->preset != NULL ? f->preset : "",
               f->preset != NULL ? ")" : "");
    }
}

static void print_version(void)
{
    int n;
    const qvl_backend *const *be = qvl_backends(&n);
    printf("qvl %s (%s)\nback ends:", qvl_version(), QVL_GIT_REVISION);
    for (int i = 0; i < n; i++)
        printf(" %s", be[i]->name);
    printf("\n");
}

/* ---- flags -------------------------------------------------------------- */

/* Name of "some_flag=value" with dashes; *value is behind '=', or NULL. */
static const char *flag_name(call *c, const char *arg, const char **value)
{
    const char *equal = strchr(arg, '=');
    size_t len = equal != NULL ? (size_t)(equal - arg) : strlen(arg);
    char *name = qvl_arena_strndup(&c->arena, arg, len);
    for (char *p = name; *p != '\0'; p++)
        if (*p == '_')
            *p = '-';
    *value = equal != NULL ? equal + 1 : NULL;
    return name;
}

/* The flag of a command that is nearest to a name. */
static const char *nearest_flag(const cmd *command, const char *name)
{
    const char *best = NULL;
    int best_distance = 0;
    for (size_t i = 0; i < 2 * command->n_flags; i++) {
        const cmd_flag *f = &command->flag[i / 2];
        const char *known = i % 2 == 0 ? f->name : f->alias;
        if (known == NULL)
            continue;
        int distance = qvl_str_distance(name, known);
        if (best == NULL || distance < best_distance) {
            best = known;
            best_distance = distance;
        }
    }
    return best;
}

static int unknown_flag(call *c, const cmd *command, const char *name)
{
    const char *near = nearest_flag(command, name);
    return qvl_fail(&c->err, QVL_E_USAGE,
                    "flag (qvl %s): found --%s, expected a flag it has; the "
                    "nearest is --%s",
                    command->name, name, near != NULL ? near : "help");
}

static bool read_switch(const char *text, bool *out)
{
    static const char *const word[] = { "false", "true", "0", "1", "no",
                                        "yes" };
    for (size_t i = 0; text != NULL && i < QVL_COUNT(word); i++)
        if (strcmp(text, word[i]) == 0) {
            *out = i % 2 != 0;
            return true;
        }
    return false;
}

static void add_item(call *c, cmd_list *list, const char *value)
{
    const char **more =
        qvl_arena_array(&c->arena, const char *, list->n + 1);
    if (list->n > 0)
        memcpy(more, list->item, (size_t)list->n * sizeof *more);
    more[list->n++] = value;
    list->item = more;
}

static int set_flag(call *c, const cmd_flag *f, void *options,
                    const char *value)
{
    char *field = (char *)options + f->at;
    int64_t v;
    double d;
    bool b;
    switch (f->type) {
    case CMD_TEXT:
        memcpy(field, &value, sizeof value);
        return QVL_OK;
    case CMD_LIST:
        add_item(c, (cmd_list *)(void *)field, value);
        return QVL_OK;
    case CMD_REAL:
        if (!qvl_node_read_float(value, strlen(value), &d))
            return qvl_fail(&c->err, QVL_E_USAGE,
                            "flag --%s: found %s, expected a number", f->name,
                            value);
        memcpy(field, &d, sizeof d);
        return QVL_OK;
    case CMD_COUNT:
        if (!qvl_node_read_int(value, strlen(value), &v) || v < 0
            || v > 1 << 30)
            return qvl_fail(&c->err, QVL_E_USAGE,
                            "flag --%s: found %s, expected a whole number "
                            "from 0 on",
                            f->name, value);
        memcpy(field, &(int){ (int)v }, sizeof(int));
        return QVL_OK;
    default:
        if (!read_switch(value, &b))
            return qvl_fail(&c->err, QVL_E_USAGE,
                            "flag --%s: found %s, expected true or false",
                            f->name, value);
        memcpy(field, &b, sizeof b);
        return QVL_OK;
    }
}

static const cmd_flag *find_flag(const cmd *command, const char *name)
{
    for (size_t i = 0; i < command->n_flags; i++) {
        const cmd_flag *f = &command->flag[i];
        if (strcmp(f->name, name) == 0
            || (f->alias != NULL && strcmp(f->alias, name) == 0))
            return f;
    }
    return NULL;
}

/* What stands behind the dashes of a flag; NULL: a word. One dash will do for a
 * flag of one letter that the command has. */
static const char *behind_dashes(const cmd *command, const char *arg)
{
    if (strncmp(arg, "--", 2) == 0 && arg[2] != '\0')
        return arg + 2;
    bool is_letter = arg[0] == '-' && arg[1] != '\0'
                     && (arg[2] == '\0' || arg[2] == '=');
    char name[2] = { is_letter ? arg[1] : '\0', '\0' };
    return is_letter && find_flag(command, name) != NULL ? arg + 1 : NULL;
}

/* Read the flag at argv[*at]; *at ends on the last word it took. */
static int read_flag(call *c, const cmd *command, int *at, void *options,
                     bool *given)
{
    const char *value;
    const char *name = flag_name(c, behind_dashes(command, c->argv[*at]),
                                 &value);
    const cmd_flag *f = find_flag(command, name);
    if (f == NULL)
        return unknown_flag(c, command, name);
    const char *next = *at + 1 < c->argc ? c->argv[*at + 1] : NULL;
    if (next != NULL && behind_dashes(command, next) != NULL)
        next = NULL;
    bool b;
    if (value == NULL && f->type == CMD_SWITCH && !read_switch(next, &b)) {
        value = "true";
    } else if (value == NULL) {
        value = next;
        ++*at;
    }
    if (value == NULL)
        return qvl_fail(&c->err, QVL_E_USAGE,
                        "flag --%s: found nothing behind it, expected %s",
                        f->name, f->value);
    given[f - command->flag] = true;
    return set_flag(c, f, options, value);
}

/* ---- calls -------------------------------------------------------------- */

static int preset_flags(call *c, const cmd *command, void *options)
{
    for (size_t i = 0; i < command->n_flags; i++)
        if (command->flag[i].preset != NULL)
            QVL_TRY(set_flag(c, &command->flag[i], options,
                             command->flag[i].preset));
    return QVL_OK;
}

/* Run a command with the arguments from argv[first] on. */
static int run_command(call *c, const cmd *command, int first)
{
    void *options = qvl_arena_alloc(&c->arena, command->options_bytes);
    bool *given = qvl_arena_array(&c->arena, bool, command->n_flags);
    const char **word = qvl_arena_array(&c->arena, const char *, c->argc);
    int n_words = 0;
    QVL_TRY(preset_flags(c, command, options));
    for (int i = first; i < c->argc; i++) {
        if (strcmp(c->argv[i], "--help") == 0) {
            print_help(command);
            return QVL_OK;
        }
        if (behind_dashes(command, c->argv[i]) != NULL)
            QVL_TRY(read_flag(c, command, &i, options, given));
        else
            word[n_words++] = c->argv[i];
    }
    for (size_t i = 0; i < command->n_flags; i++)
        if (command->flag[i].is_needed && !given[i])
            return qvl_fail(&c->err, QVL_E_USAGE,
                            "flag --%s (qvl %s): found nothing, expected %s",
                            command->flag[i].name, command->name,
                            command->flag[i].value);
    if (command->given_at != 0)
        memcpy((char *)options + command->given_at, &given, sizeof given);
    return command->run(options, word, n_words, &c->err);
}

/* The command that argv[at] names, alone or with the word behind it; an error
 * with the nearest one. *behind is where its arguments begin. */
static int find_command(call *c, int at, const cmd **command, int *behind)
{
    const char *first = c->argv[at];
    const char *both = first;
    const char **known =
        qvl_arena_array(&c->arena, const char *, c->n_commands);
    for (size_t i = 0; i < c->n_commands; i++)
        if (is_in_group(c->command[i], first) && at + 1 < c->argc)
            both = qvl_arena_printf(&c->arena, "%s %s", first,
                                    c->argv[at + 1]);
    for (size_t i = 0; i < c->n_commands; i++) {
        known[i] = c->command[i]->name;
        if (strcmp(known[i], both) == 0) {
            *command = c->command[i];
            *behind = at + (both == first ? 1 : 2);
            return QVL_OK;
        }
    }
    const char *near = qvl_str_nearest(both, known, c->n_commands);
    qvl_fail(&c->err, QVL_E_USAGE,
             "command: found %s, expected one of those that qvl lists", both);
    if (near != NULL)
        qvl_err_hint(&c->err, "did you mean %s?", near);
    return QVL_E_USAGE;
}

/* Does the call ask for nothing but the list of a group? */
static bool asks_for_group(const call *c, int at)
{
    return at + 1 >= c->argc || strcmp(c->argv[at + 1], "--help") == 0;
}

static int run_call(void *arg)
{
    call *c = arg;
    const char *first = c->argc > 1 ? c->argv[1] : "--help";
    bool is_help = strcmp(first, "--help") == 0 || strcmp(first, "help") == 0;
    int at = is_help ? 2 : 1;
    int behind;
    const cmd *command;
    if (strcmp(first, "--version") == 0) {
        print_version();
        return QVL_OK;
    }
    if (is_help && c->argc < 3) {
        print_commands(c);
        return QVL_OK;
    }
    if (asks_for_group(c, at) && print_group(c, c->argv[at]))
        return QVL_OK;
    QVL_TRY(find_command(c, at, &command, &behind));
    if (!is_help)
        return run_command(c, command, behind);
    print_help(command);
    return QVL_OK;
}

static void print_error(const qvl_err *err)
{
    fprintf(stderr, "qvl: error: %s\n", err->msg);
    if (err->hint[0] != '\0')
        fprintf(stderr, "%s\n", err->hint);
}

int cmd_fail_output(qvl_err *err)
{
    return qvl_file_fail("cannot write to", "standard output", errno, "room",
                         err);
}

/* Did all that was printed arrive? Commands that flush line by line may have lost one
 * long ago; what the reason was is not kept. */
static bool is_written(FILE *f)
{
    bool failed_before = ferror(f) != 0;
    if (fflush(f) != 0)
        return false;
    if (failed_before)
        errno = EIO;
    return !failed_before;
}

int cmd_main(const cmd *const *commands, size_t n, int argc, char **argv)
{
    call c = { .command = commands, .n_commands = n, .argc = argc,
               .argv = argv };
    qvl_log_set_sink(qvl_log_stderr, NULL, QVL_LOG_INFO);
    int rc = qvl_guard(run_call, &c, &c.err);
    if (!is_written(stdout) && rc == QVL_OK)
        rc = cmd_fail_output(&c.err);
    if (rc != QVL_OK)
        print_error(&c.err);
    qvl_arena_release(&c.arena);
    return qvl_err_exit_code(rc);
}

int cmd_check_topic(const cmd_flag *flag, size_t n, const bool *given,
                    char letter, const char *topic, qvl_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (given[i] && flag[i].topics != NULL
            && strchr(flag[i].topics, letter) == NULL)
            return qvl_fail(err, QVL_E_USAGE,
                            "flag --%s (%s): found it, expected a flag that "
                            "has a meaning there", flag[i].name, topic);
    return QVL_OK;
}

const char *cmd_device(const char *flag)
{
    const char *environment = getenv("QVL_DEVICE");
    if (flag != NULL)
        return flag;
    return environment != NULL && environment[0] != '\0' ? environment
                                                         : "auto";
}
