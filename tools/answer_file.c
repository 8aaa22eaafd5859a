/* answer_file.c - lines to rows, rows to objects */
#include "answer_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "data/objects.h"

/* ---- rows of a file ----------------------------------------------------- */

int answer_file_open(answer_file *f, const char *path, qvl_err *err)
{
    *f = (answer_file){ .path = path, .file = fopen(path, "r") };
    if (f->file == NULL)
        return qvl_file_fail("cannot open file", path, errno,
                             "a readable file", err);
    return QVL_OK;
}

void answer_file_close(answer_file *f)
{
    if (f->file != NULL)
        fclose(f->file);
    free(f->line);
    *f = (answer_file){ 0 };
}

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r' && p[i] != '\n')
            return false;
    return true;
}

static int read_row(answer_file *f, size_t len, const qvl_node **row,
                    qvl_arena *arena, qvl_err *err)
{
    qvl_node *root;
    const char *name = qvl_arena_printf(arena, "%s line %d", f->path,
                                        f->n_lines);
    f->n_rows++;
    QVL_TRY(qvl_json_parse(&root, f->line, len, name, arena, err));
    if (root->kind != QVL_NODE_MAP)
        return qvl_node_fail(root, err, QVL_E_DATA,
                             "row: found %s, expected a map",
                             qvl_node_kind_name(root->kind));
    *row = root;
    return QVL_OK;
}

int answer_file_next(answer_file *f, const qvl_node **row, qvl_arena *arena,
                     qvl_err *err)
{
    ssize_t len;
    while ((len = getline(&f->line, &f->cap, f->file)) >= 0) {
        f->n_lines++;
        len -= len > 0 && f->line[len - 1] == '\n';
        if (!is_blank(f->line, (size_t)len))
            return read_row(f, (size_t)len, row, arena, err);
    }
    if (ferror(f->file))
        return qvl_file_fail("cannot read file", f->path, errno,
                             "its content", err);
    *row = NULL;
    return QVL_OK;
}

/* ---- both sides --------------------------------------------------------- */

static const qvl_node *find_given(const qvl_node *row, const char *key)
{
    const qvl_node *v = qvl_node_find(row, key);
    return v != NULL && v->kind != QVL_NODE_NULL ? v : NULL;
}

void answer_row_find(answer_row *out, const qvl_node *row)
{
    const qvl_node *text = qvl_node_find(row, "response");
    const qvl_node *images = qvl_node_find(row, "images");
    const char *reason;
    *out = (answer_row){ .truth = find_given(row, "gt_norm1000"),
                         .pred = find_given(row, "pred") };
    if (text == NULL)
        text = qvl_node_find(row, "clean_text");
    if (text == NULL)
        text = qvl_node_find(row, "raw_text");
    if (text != NULL && text->kind == QVL_NODE_STRING)
        out->text = text;
    if (images != NULL && images->kind == QVL_NODE_LIST)
        out->how.n_images = (int)images->n;
    out->how.is_cut = qvl_node_as_string(qvl_node_find(row, "finish_reason"),
                                         &reason)
                      && strcmp(reason, "length") == 0;
}

int answer_row_read(const answer_row *row, const qvl_object **pred, int *n,
                    qvl_answer *answer, qvl_arena *arena, qvl_err *err)
{
    qvl_answer a = { 0 };
    if (row->text != NULL)
        qvl_answer_parse(&a, row->text->s, row->text->s_len, &row->how, arena);
    const qvl_object *object = a.object;
    int n_objects = a.n_objects;
    if (row->pred != NULL)
        QVL_TRY(qvl_objects_read(&object, &n_objects, row->pred, arena, err));
    *pred = object;
    *n = n_objects;
    *answer = a;
    return QVL_OK;
}
