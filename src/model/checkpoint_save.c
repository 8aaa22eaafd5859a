/* checkpoint_save.c - a model folder written beside its place, then renamed
 *
 * Values stream from the store into a file, in pieces, or matrix by matrix where a
 * tensor's axes are exchanged. Written are the entries of the checkpoint: tensors that
 * no parameter has, and tied ones that are left unread, are not in the new folder.
 */
#include "model/checkpoint_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/half.h"
#include "base/json.h"

#define PIECE_ELEMS ((size_t)1 << 20)  // read from the device at a time
#define INDEX_NAME "model.safetensors.index.json"

/* One save. */
typedef struct {
    const qvl_checkpoint *ck;
    qvl_store *store;
    const char *folder;
    size_t max_shard_bytes;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_arena scratch;      // of one tensor
    qvl_str index;
    const char *temp;       // folder that is being filled
    qvl_st_writer *writer;  // of the file that is being written
    int *shard;            // [n_entries] file of each tensor
    int n_shards;
} saving;

/* ---- values to a file --------------------------------------------------- */

static const void *to_type(void *out, const float *in, size_t n, int dtype)
{
    uint16_t *half = out;
    if (dtype == QVL_F32)
        return in;
    for (size_t i = 0; i < n; i++)
        half[i] = dtype == QVL_BF16 ? qvl_f32_to_bf16(in[i])
                                    : qvl_f32_to_f16(in[i]);
    return out;
}

static int write_values(saving *s, const float *value, size_t n, int dtype,
                        void *scratch)
{
    return qvl_st_writer_write(s->writer,
                               to_type(scratch, value, n, dtype),
                               n * qvl_dtype_bytes(dtype), s->err);
}

/* A tensor in the order of its parameter, in pieces. */
static int write_straight(saving *s, const qvl_piece *piece)
{
    size_t n = piece->e.tensor->n_elems;
    float *value = qvl_arena_array(&s->scratch, float, PIECE_ELEMS);
    uint16_t *half = qvl_arena_array(&s->scratch, uint16_t, PIECE_ELEMS);
    for (size_t at = 0; at < n; at += PIECE_ELEMS) {
        size_t m = n - at < PIECE_ELEMS ? n - at : PIECE_ELEMS;
        QVL_TRY(qvl_store_read(s->store, piece->e.param, piece->first + at, m,
                               value, s->err));
        QVL_TRY(write_values(s, value, m, piece->e.tensor->dtype, half));
    }
    return QVL_OK;
}

/* A tensor whose last two axes are exchanged, one matrix at a time. */
static int write_swapped(saving *s, const qvl_piece *piece)
{
    const qvl_arch_param *p = &s->ck->params->item[piece->e.param];
    size_t rows = p->shape[p->rank - 2], cols = p->shape[p->rank - 1];
    size_t n = rows * cols;
    float *value = qvl_arena_array(&s->scratch, float, n);
    float *turned = qvl_arena_array(&s->scratch, float, n);
    uint16_t *half = qvl_arena_array(&s->scratch, uint16_t, n);
    for (size_t at = 0; at < piece->e.tensor->n_elems; at += n) {
        QVL_TRY(qvl_store_read(s->store, piece->e.param, at, n, value,
                               s->err));
        qvl_transpose(turned, value, cols, rows);
        QVL_TRY(write_values(s, turned, n, piece->e.tensor->dtype, half));
    }
    return QVL_OK;
}

/* ---- shards ------------------------------------------------------------- */

/* Tensors in order, a new file when the next one no longer fits. */
static void plan_shards(saving *s)
{
    size_t n = s->ck->info.n_entries;
    s->shard = qvl_arena_array(&s->arena, int, n);
    s->n_shards = n > 0 ? 1 : 0;
    size_t bytes = 0;
    for (size_t k = 0; k < n; k++) {
        size_t more = s->ck->piece[k].e.tensor->bytes;
        if (s->max_shard_bytes > 0 && bytes > 0
            && bytes + more > s->max_shard_bytes) {
            s->n_shards++;
            bytes = 0;
        }
        bytes += more;
        s->shard[k] = s->n_shards - 1;
    }
}

static const char *shard_name(saving *s, int shard)
{
    if (s->n_shards == 1)
        return "model.safetensors";
    return qvl_arena_printf(&s->arena, "model-%05d-of-%05d.safetensors",
                            shard + 1, s->n_shards);
}

static int declare_shard(saving *s, int shard)
{
    QVL_TRY(qvl_st_writer_meta(s->writer, "format", "pt", s->err));
    for (size_t k = 0; k < s->ck->info.n_entries; k++) {
        const qvl_st_tensor *t = s->ck->piece[k].e.tensor;
        if (s->shard[k] == shard)
            QVL_TRY(qvl_st_writer_declare(s->writer, t->name, t->dtype,
                                          t->shape, t->rank, s->err));
    }
    return QVL_OK;
}

static int write_shard(saving *s, int shard)
{
    const char *path = qvl_arena_printf(&s->arena, "%s/%s", s->temp,
                                        shard_name(s, shard));
    QVL_TRY(qvl_st_writer_open(&s->writer, path, s->err));
    QVL_TRY(declare_shard(s, shard));
    for (size_t k = 0; k < s->ck->info.n_entries; k++) {
        const qvl_piece *piece = &s->ck->piece[k];
        if (s->shard[k] != shard)
            continue;
        QVL_TRY(piece->swapped ? write_swapped(s, piece)
                               : write_straight(s, piece));
        qvl_arena_reset(&s->scratch);
    }
    qvl_st_writer *w = s->writer;
    s->writer = NULL;
    return qvl_st_writer_commit(w, s->err);
}

static int write_index(saving *s)
{
    qvl_str *text = &s->index;
    qvl_str_printf(text, "{\n  \"metadata\": {\n    \"total_size\": %zu\n  "
                         "},\n  \"weight_map\": {",
                   s->ck->info.bytes);
    for (size_t k = 0; k < s->ck->info.n_entries; k++) {
        const char *name = s->ck->piece[k].e.tensor->name;
        qvl_str_puts(text, k > 0 ? ",\n    " : "\n    ");
        qvl_json_quote(text, name, strlen(name));
        qvl_str_printf(text, ": \"%s\"", shard_name(s, s->shard[k]));
    }
    qvl_str_puts(text, "\n  }\n}\n");
    const char *path =
        qvl_arena_printf(&s->arena, "%s/" INDEX_NAME, s->temp);
    return qvl_file_write_all(path, text->p, text->len, s->err);
}

/* ---- the other files ---------------------------------------------------- */

static int copy_file(saving *s, const char *name)
{
    char *text;
    size_t len;
    const char *from = qvl_arena_printf(&s->arena, "%s/%s", s->ck->folder,
                                        name);
    const char *to = qvl_arena_printf(&s->arena, "%s/%s", s->temp, name);
    QVL_TRY(qvl_file_read(from, &text, &len, &s->arena, s->err));
    return qvl_file_write_all(to, text, len, s->err);
}

/* Configuration, tokenizer, templates: all but tensors and their index. */
static int copy_texts(saving *s)
{
    static const char *const suffix[] = { ".json", ".txt", ".jinja" };
    for (size_t k = 0; k < QVL_COUNT(suffix); k++) {
        char **name = NULL;
        size_t n = 0;
        QVL_TRY(qvl_folder_list(s->ck->folder, suffix[k], &name, &n,
                                &s->arena, s->err));
        for (size_t i = 0; i < n; i++)
            if (strstr(name[i], ".safetensors.index.json") == NULL)
                QVL_TRY(copy_file(s, name[i]));
    }
    return QVL_OK;
}

/* ---- the folder --------------------------------------------------------- */

static int system_error(saving *s, const char *path)
{
    return qvl_file_fail("cannot save to", path, errno, "a place to write in",
                         s->err);
}

static int put_in_place(saving *s)
{
    QVL_TRY(qvl_folder_sync(s->temp, s->err));
    if (rename(s->temp, s->folder) != 0)
        return system_error(s, s->folder);
    return qvl_folder_sync_above(s->folder, s->err);
}

static int save_all(void *arg)
{
    saving *s = arg;
    size_t len = strlen(s->folder);
    while (len > 1 && s->folder[len - 1] == '/')
        len--;
    s->folder = qvl_arena_strndup(&s->arena, s->folder, len);
    const char *temp = qvl_arena_printf(&s->arena, "%s.tmp.%ld", s->folder,
                                        (long)getpid());
    if (mkdir(temp, 0777) != 0)
        return system_error(s, temp);
    s->temp = temp;
    plan_shards(s);
    for (int k = 0; k < s->n_shards; k++)
        QVL_TRY(write_shard(s, k));
    if (s->n_shards > 1)
        QVL_TRY(write_index(s));
    QVL_TRY(copy_texts(s));
    return put_in_place(s);
}

int qvl_checkpoint_save(const qvl_checkpoint *ck, qvl_store *store,
                        const char *folder, size_t max_shard_bytes,
                        qvl_err *err)
{
    saving s = { .ck = ck, .store = store, .folder = folder,
                 .max_shard_bytes = max_shard_bytes, .err = err };
    int rc = qvl_guard(save_all, &s, err);
    qvl_st_writer_abort(s.writer);
    if (rc != QVL_OK && s.temp != NULL)
        qvl_folder_remove(s.temp, NULL);
    qvl_str_release(&s.index);
    qvl_arena_release(&s.scratch);
    qvl_arena_release(&s.arena);
    return rc;
}
