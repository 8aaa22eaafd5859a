/* defaults.c - generation_config.json
 *
 * Keys that are not in the table are other people's and passed over.
 */
#include "infer/defaults.h"

#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"

#define QVL_GENERATION_NAME(name, key) key,
static const char *const names[] = {
    QVL_GENERATION_TABLE(QVL_GENERATION_NAME)
};
#undef QVL_GENERATION_NAME

const char *qvl_generation_name(qvl_generation_key key)
{
    return names[key];
}

typedef struct {
    qvl_generation *out;
    const char *folder;
    qvl_arena arena;
    qvl_err *err;
} reading;

static int wrong(const reading *r, const qvl_node *n, const char *key,
                 const char *expected)
{
    return qvl_node_fail(n, r->err, QVL_E_MODEL, "%s: found %s, expected %s",
                         key, n->s != NULL ? n->s
                                           : qvl_node_kind_name(n->kind),
                         expected);
}

static int read_ends(reading *r, const qvl_node *root)
{
    const qvl_node *n = qvl_node_given(root, "eos_token_id");
    if (n == NULL)
        return QVL_OK;
    bool is_list = n->kind == QVL_NODE_LIST;
    size_t count = is_list ? n->n : 1;
    if (count > QVL_MAX_ENDS)
        return qvl_node_fail(n, r->err, QVL_E_MODEL,
                             "eos_token_id: found %zu ids, expected at most %d",
                             count, QVL_MAX_ENDS);
    for (size_t i = 0; i < count; i++) {
        const qvl_node *id = is_list ? &n->items[i] : n;
        if (!qvl_node_as_int(id, &r->out->end[i]) || r->out->end[i] < 0)
            return wrong(r, id, "eos_token_id", "ids");
    }
    r->out->n_ends = (int)count;
    return QVL_OK;
}

static int read_file(void *arg)
{
    reading *r = arg;
    char *text;
    size_t len;
    qvl_node *root;
    bool samples = true;
    const char *path = qvl_arena_printf(&r->arena, "%s/generation_config.json",
                                        r->folder);
    if (!qvl_file_exists(path))
        return QVL_OK;
    QVL_TRY(qvl_file_read(path, &text, &len, &r->arena, r->err));
    QVL_TRY(qvl_json_parse(&root, text, len, path, &r->arena, r->err));
    if (root->kind != QVL_NODE_MAP)
        return wrong(r, root, "file", "a map");
    r->out->is_there = true;
    for (int k = 0; k < QVL_N_GENERATION; k++) {
        const qvl_node *n = qvl_node_given(root, names[k]);
        if (n != NULL && !qvl_node_as_float(n, &r->out->value[k]))
            return wrong(r, n, names[k], "a number");
        r->out->has[k] = n != NULL;
    }
    const qvl_node *n = qvl_node_given(root, "do_sample");
    if (n != NULL && !qvl_node_as_bool(n, &samples))
        return wrong(r, n, "do_sample", "true or false");
    if (!samples) {
        r->out->has[QVL_GENERATION_TEMPERATURE] = true;
        r->out->value[QVL_GENERATION_TEMPERATURE] = 0.0;
    }
    return read_ends(r, root);
}

int qvl_generation_load(qvl_generation *out, const char *folder, qvl_err *err)
{
    qvl_generation made = { 0 };
    reading r = { .out = &made, .folder = folder, .err = err };
    int rc = qvl_guard(read_file, &r, err);
    qvl_arena_release(&r.arena);
    if (rc == QVL_E_FORMAT && err != NULL)
        err->code = QVL_E_MODEL;
    if (rc == QVL_E_FORMAT)
        rc = QVL_E_MODEL;
    if (rc == QVL_OK)
        *out = made;
    return rc;
}
