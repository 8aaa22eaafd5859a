/* vis.c - the folder, the index, the letters */
#include "vis.h"

#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "data/choose.h"
#include "image/draw.h"

int vis_open(vis *v, const char *folder, const char *font, qvl_err *err)
{
    v->folder = folder;
    if (font != NULL)
        QVL_TRY(qvl_face_open(&v->face, font, err));
    v->categories.face = v->face;
    v->categories.has_numbers = true;
    QVL_TRY(qvl_file_make_dirs(folder, err));
    return qvl_file_out_open(&v->index, vis_path(v, "index.jsonl"), err);
}

void vis_close(vis *v)
{
    qvl_file_out_abort(v->index);
    qvl_categories_release(&v->categories);
    qvl_face_close(v->face);
    qvl_str_release(&v->line);
    qvl_arena_release(&v->arena);
    *v = (vis){ 0 };
}

int vis_commit(vis *v, qvl_err *err)
{
    qvl_file_out *out = v->index;
    v->index = NULL;
    return qvl_file_out_commit(out, err);
}

const char *vis_name(vis *v, size_t number)
{
    return qvl_arena_printf(&v->arena, "vis_%05zu.png", number);
}

const char *vis_path(vis *v, const char *name)
{
    return qvl_arena_printf(&v->arena, "%s/%s", v->folder, name);
}

/* ---- letters ------------------------------------------------------------ */

const char *vis_letters_advice(const qvl_face *face)
{
    if (face != NULL)
        return "another --font may have them";
    return qvl_face_can_open() ? "--font FILE draws them"
                               : "a build with FreeType draws them by --font";
}

static void warn(vis *v)
{
    if (v->has_warned)
        return;
    v->has_warned = true;
    qvl_log(QVL_LOG_WARN, "letters are missing for some texts: pictures have "
            "c1, c2, ... for categories and leave out other texts, index.jsonl "
            "has them all; %s", vis_letters_advice(v->face));
}

const char *vis_text(vis *v, const char *name, const char *text)
{
    if (qvl_draw_has_letters(v->face, text))
        return text;
    warn(v);
    return qvl_arena_printf(&v->arena, "(%s: see index.jsonl)", name);
}

void vis_warn(vis *v)
{
    if (v->categories.n_unread > 0)
        warn(v);
}

/* ---- lines -------------------------------------------------------------- */

int vis_write_line(vis *v, qvl_file_out *out, qvl_err *err)
{
    qvl_str_putc(&v->line, '\n');
    int rc = qvl_file_out_write(out, v->line.p, v->line.len, err);
    qvl_str_reset(&v->line);
    return rc;
}

void vis_put_text(vis *v, const char *key, const char *text)
{
    qvl_str_printf(&v->line, ", \"%s\": ", key);
    qvl_json_quote(&v->line, text, strlen(text));
}

/* ---- samples ------------------------------------------------------------ */

const bool *vis_choose(size_t n_rows, int n, int seed, qvl_arena *arena)
{
    bool *is_chosen = qvl_arena_array(arena, bool, n_rows);
    if (n == 0 || (size_t)n >= n_rows) {
        memset(is_chosen, true, n_rows * sizeof *is_chosen);
        return is_chosen;
    }
    size_t *row = qvl_arena_array(arena, size_t, n);
    int *n_objects = qvl_arena_array(arena, int, n_rows);  // not looked at
    qvl_choose(row, (size_t)n, n_objects, n_rows, QVL_CHOOSE_RANDOM,
               (uint64_t)seed, arena);
    for (int i = 0; i < n; i++)
        is_chosen[row[i]] = true;
    return is_chosen;
}
