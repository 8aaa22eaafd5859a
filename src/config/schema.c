/* schema.c - the rows of keys.def as a table, and the list of faults
 *
 * Look-ups walk the table: some hundred rows, a few times a run.
 */
#include "config/schema.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

const char qvl_key_needed[] = "";

/* ---- the table ----------------------------------------------------------- */

/* A section's path stands before its keys: section_FIELD. */
#define SECTION(field, path) static const char section_##field[] = path;
#include "config/keys.def"

#define NEEDED qvl_key_needed
#define NONE NULL
const qvl_key qvl_keys[] = {
#define KEY(field, name, type, preset, rule)                                  \
    { section_##field, #name, QVL_KEY_##type,                                 \
      offsetof(qvl_run_config, field.name), preset, rule, NULL },
#define ALIAS(path, of) { NULL, path, QVL_KEY_ALIAS, 0, NULL, of, NULL },
#define IGNORED(path, why)                                                    \
    { NULL, path, QVL_KEY_IGNORED, 0, NULL, why, NULL },
#define ONLY(path, words, what)                                               \
    { NULL, path, QVL_KEY_ONLY, 0, NULL, what, words },
#define OFF(path, what) { NULL, path, QVL_KEY_OFF, 0, NULL, what, NULL },
#define ABSENT(path, what) { NULL, path, QVL_KEY_ABSENT, 0, NULL, what, NULL },
#define GONE(path, instead)                                                   \
    { NULL, path, QVL_KEY_GONE, 0, NULL, instead, NULL },
#include "config/keys.def"
};
const size_t qvl_n_keys = QVL_COUNT(qvl_keys);

/* ---- rows ---------------------------------------------------------------- */

const char *qvl_key_path(const qvl_key *key, qvl_arena *arena)
{
    if (key->section == NULL || key->section[0] == '\0')
        return key->name;
    return qvl_arena_printf(arena, "%s.%s", key->section, key->name);
}

static bool is_path_of(const qvl_key *key, const char *path)
{
    const char *section = key->section != NULL ? key->section : "";
    size_t n = strlen(section);
    if (n > 0) {
        if (strncmp(path, section, n) != 0 || path[n] != '.')
            return false;
        path += n + 1;
    }
    size_t len = strlen(key->name);
    if (key->name[len - 1] == '*')
        return strncmp(path, key->name, len - 1) == 0;
    return strcmp(path, key->name) == 0;
}

const qvl_key *qvl_key_find(const char *path)
{
    for (size_t i = 0; i < qvl_n_keys; i++)
        if (is_path_of(&qvl_keys[i], path))
            return &qvl_keys[i];
    return NULL;
}

const qvl_node *qvl_key_given(const qvl_node *tree, const char *path)
{
    const qvl_node *node = qvl_node_path(tree, path);
    return node != NULL && node->kind != QVL_NODE_NULL ? node : NULL;
}

const char *qvl_key_word(const qvl_key *key, int k, qvl_arena *arena)
{
    const char *p = key->rule;
    for (; k > 0; k--) {
        p = strchr(p, '|');
        if (p == NULL)
            return NULL;
        p++;
    }
    p += *p == '!';
    return qvl_arena_strndup(arena, p, strcspn(p, ",|"));
}

/* ---- faults -------------------------------------------------------------- */

void qvl_faults_add(qvl_faults *f, const qvl_node *at, int code,
                    const char *fmt, ...)
{
    if (f->n == f->cap) {
        int cap = f->cap > 0 ? 2 * f->cap : 8;
        qvl_err *v = qvl_arena_array(f->arena, qvl_err, cap);
        for (int i = 0; i < f->n; i++)
            v[i] = f->fault[i];
        f->fault = v;
        f->cap = cap;
    }
    char text[sizeof(((qvl_err *)0)->msg)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    qvl_err *fault = &f->fault[f->n++];
    if (at == NULL)
        qvl_fail(fault, code, "%s", text);
    else if (at->line == 0)
        qvl_fail(fault, code, "%s: %s", at->file, text);
    else
        qvl_fail(fault, code, "%s:%d: %s", at->file, at->line, text);
}

void qvl_faults_hint(qvl_faults *f, const char *fmt, ...)
{
    assert(f->n > 0);

    char text[sizeof(((qvl_err *)0)->hint)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    qvl_err_hint(&f->fault[f->n - 1], "%s", text);
}

int qvl_faults_raise(const qvl_faults *f, qvl_err *err)
{
    if (f->n == 0)
        return QVL_OK;
    bool is_all_absent = true;
    for (int i = 0; i < f->n; i++)
        is_all_absent &= f->fault[i].code == QVL_E_UNSUPPORTED;
    for (int i = 0; i + 1 < f->n; i++) {
        const qvl_err *fault = &f->fault[i];
        qvl_log(QVL_LOG_ERROR, "%s%s%s", fault->msg,
                fault->hint[0] != '\0' ? "\n" : "", fault->hint);
    }
    const qvl_err *last = &f->fault[f->n - 1];
    int code = is_all_absent ? QVL_E_UNSUPPORTED : QVL_E_CONFIG;
    qvl_fail(err, code, "%s", last->msg);
    if (last->hint[0] != '\0')
        qvl_err_hint(err, "%s", last->hint);
    return code;
}
