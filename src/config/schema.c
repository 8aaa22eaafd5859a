/* schema.c - the rows of keys.def as a table, and the list of faults
 *
 * A path has the first row that it fits. A row that ends in `*` fits every path that
 * begins so: a row for one of those alone stands above it.
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

/* What a boolean may be. */
#define QVL_FLAG_WORDS "true,false,yes,no,on,off,y,n,1,0"

#define NEEDED qvl_key_needed
#define NONE NULL
const qvl_key qvl_keys[] = {
#define KEY(field, name, type, preset, rule, about)                           \
    { section_##field, #name, QVL_KEY_##type,                                 \
      offsetof(qvl_run_config, field.name), preset, rule, NULL, about },
#define PLAIN(path, type, rule, words, about)                                 \
    { NULL, path, QVL_KEY_##type, 0, NULL, rule, words, about },
#define FILES(path, about) PLAIN(path, FILES, "", NULL, about)
#define ALIAS(path, of) PLAIN(path, ALIAS, of, NULL, NULL)
#define IGNORED(path, why) PLAIN(path, IGNORED, why, NULL, NULL)
#define IGNORED_AS(path, words, why) PLAIN(path, IGNORED, why, words, NULL)
#define ONLY(path, words, what) PLAIN(path, ONLY, what, words, NULL)
#define OFF(path, keys, what) PLAIN(path, OFF, what, keys, NULL)
#define ABSENT(path, what) PLAIN(path, ABSENT, what, NULL, NULL)
#define GONE(path, instead) PLAIN(path, GONE, instead, NULL, NULL)
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

const qvl_node *qvl_key_hole(const qvl_node *tree, const char *path)
{
    const qvl_node *node = tree;
    for (const char *p = path; node != NULL; p += strcspn(p, ".") + 1) {
        char name[128];
        size_t len = strcspn(p, ".");
        if (node->kind != QVL_NODE_MAP)
            return node;
        assert(len < sizeof name);
        memcpy(name, p, len);
        name[len] = '\0';
        node = qvl_node_find(node, name);
        if (p[len] == '\0')
            break;
    }
    return node != NULL && node->kind == QVL_NODE_NULL ? node : NULL;
}

void qvl_key_missing(const qvl_run_config *c, const char *path,
                     const char *wanted, qvl_faults *faults)
{
    const qvl_node *hole = qvl_key_hole(c->tree, path);
    for (size_t i = 0; hole == NULL && i < qvl_n_keys; i++) {
        if (qvl_keys[i].type != QVL_KEY_ALIAS
            || strcmp(qvl_keys[i].rule, path) != 0)
            continue;
        hole = qvl_key_hole(c->tree, qvl_keys[i].name);
        path = hole != NULL ? qvl_keys[i].name : path;
    }
    if (hole == NULL)
        qvl_faults_add(faults, NULL, QVL_E_CONFIG,
                       "%s: %s: found nothing, expected %s",
                       c->files.n > 0 ? c->files.v[c->files.n - 1]
                                      : "configuration", path, wanted);
    else if (hole->kind == QVL_NODE_NULL)
        qvl_faults_add(faults, hole, QVL_E_CONFIG, "%s: found null, expected %s",
                       path, wanted);
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

static int n_kept(const qvl_faults *f)
{
    return f->n < QVL_MOST_FAULTS ? f->n : QVL_MOST_FAULTS;
}

/* Count a fault; where to keep it, NULL when there are enough. */
static qvl_err *keep_fault(qvl_faults *f, const qvl_node *at, int code)
{
    if (f->n == 0) {
        f->fault = qvl_arena_array(f->arena, qvl_err, QVL_MOST_FAULTS);
        f->at = qvl_arena_array(f->arena, const qvl_node *, QVL_MOST_FAULTS);
    }
    f->n_absent += code == QVL_E_UNSUPPORTED;
    if (f->n++ >= QVL_MOST_FAULTS)
        return NULL;
    f->at[f->n - 1] = at;
    return &f->fault[f->n - 1];
}

void qvl_faults_add(qvl_faults *f, const qvl_node *at, int code,
                    const char *fmt, ...)
{
    char text[sizeof(((qvl_err *)0)->msg)];
    va_list args;
    qvl_err *fault = keep_fault(f, at, code);
    if (fault == NULL)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    if (at == NULL)
        qvl_fail(fault, code, "%s", text);
    else if (at->line == 0)
        qvl_fail(fault, code, "%s: %s", at->file, text);
    else
        qvl_fail(fault, code, "%s:%d: %s", at->file, at->line, text);
}

bool qvl_faults_has(const qvl_faults *f, const qvl_node *at)
{
    for (int i = 0; i < n_kept(f); i++)
        if (f->at[i] == at && at != NULL)
            return true;
    return false;
}

bool qvl_faults_is_full(const qvl_faults *f)
{
    return f->n >= QVL_MOST_FAULTS;
}

void qvl_faults_hint(qvl_faults *f, const char *fmt, ...)
{
    assert(f->n > 0);

    if (f->n > QVL_MOST_FAULTS)
        return;
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
    int n = n_kept(f);
    for (int i = 0; i + 1 < n; i++) {
        const qvl_err *fault = &f->fault[i];
        qvl_log(QVL_LOG_ERROR, "%s%s%s", fault->msg,
                fault->hint[0] != '\0' ? "\n" : "", fault->hint);
    }
    if (f->n > n)
        qvl_log(QVL_LOG_ERROR, "%d more faults are not listed", f->n - n);
    const qvl_err *last = &f->fault[n - 1];
    int code = f->n_absent == f->n ? QVL_E_UNSUPPORTED : QVL_E_CONFIG;
    qvl_fail(err, code, "%s", last->msg);
    if (last->hint[0] != '\0')
        qvl_err_hint(err, "%s", last->hint);
    return code;
}
