/* checkpoint.c - tensors paired with parameters, and loaded
 *
 * A piece is a tensor and the part of a parameter that it fills: all of it, or the
 * share of one expert. That the pieces of a parameter neither overlap nor leave a gap
 * is checked when all are there; only then are square ones given a layout, that of the
 * others. Which files and which of their tensors count, checkpoint_files.c says.
 */
#include "model/checkpoint_files.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"

/* Parameters of all experts of a layer, and the tensors of one expert that
 * stand one below the other in it. */
static const struct {
    const char *stacked;
    const char *part[2];
    int n_parts;
} expert_rule[] = {
    { "gate_up_proj", { "gate_proj.weight", "up_proj.weight" }, 2 },
    { "down_proj", { "down_proj.weight" }, 1 },
};

/* ---- shapes ------------------------------------------------------------- */

size_t qvl_arch_param_elems(const qvl_arch_param *p)
{
    size_t n = 1;
    for (int k = 0; k < p->rank; k++)
        n *= p->shape[k];
    return n;
}

static const char *shape_text(const size_t *shape, int rank, qvl_arena *arena)
{
    const char *text = "[";
    for (int k = 0; k < rank; k++)
        text = qvl_arena_printf(arena, "%s%s%zu", text, k > 0 ? ", " : "",
                                shape[k]);
    return qvl_arena_printf(arena, "%s]", text);
}

static int wrong_shape(qvl_checkpoint *ck, const qvl_st_tensor *t,
                       const size_t *want, int rank, qvl_err *err)
{
    return qvl_fail(err, QVL_E_MODEL,
                    "tensor %s (%s): found shape %s, expected %s", t->name,
                    ck->folder, shape_text(t->shape, t->rank, &ck->arena),
                    shape_text(want, rank, &ck->arena));
}

static bool is_shape(const qvl_st_tensor *t, const size_t *shape, int rank)
{
    if (t->rank != rank)
        return false;
    for (int k = 0; k < rank; k++)
        if (t->shape[k] != shape[k])
            return false;
    return true;
}

/* Whole parameter p, in one of its layouts. */
static int fit_whole(qvl_checkpoint *ck, qvl_piece *piece,
                     const qvl_arch_param *p, qvl_err *err)
{
    const qvl_st_tensor *t = piece->e.tensor;
    if (is_shape(t, p->shape, p->rank))
        return QVL_OK;
    size_t exchanged[5];
    memcpy(exchanged, p->shape, sizeof exchanged);
    if (p->transposable && p->rank >= 2) {
        exchanged[p->rank - 1] = p->shape[p->rank - 2];
        exchanged[p->rank - 2] = p->shape[p->rank - 1];
        piece->swapped = is_shape(t, exchanged, p->rank);
    }
    return piece->swapped ? QVL_OK
                          : wrong_shape(ck, t, p->shape, p->rank, err);
}

/* ---- experts one by one -------------------------------------------------- */

/* Split "PREFIX.experts.E.PART"; false when the name is no such. */
static bool split_expert(const char *name, size_t *prefix_len, size_t *expert,
                         const char **part)
{
    static const char mark[] = ".experts.";
    const char *at = strstr(name, mark);
    if (at == NULL)
        return false;
    const char *digits = at + sizeof mark - 1;
    size_t n = strspn(digits, "0123456789");
    bool is_padded = n > 1 && digits[0] == '0';  // 00 would be 0 once more
    if (n == 0 || n > 6 || is_padded || digits[n] != '.')
        return false;
    *prefix_len = (size_t)(digits - name);
    *expert = (size_t)strtoul(digits, NULL, 10);
    *part = digits + n + 1;
    return true;
}

/* Place one expert's tensor inside the stacked parameter p: [E, parts * out,
 * in], the part's rows [out, in] at part k of expert e. */
static int fit_expert(qvl_checkpoint *ck, qvl_piece *piece,
                      const qvl_arch_param *p, size_t e, int k, int n_parts,
                      qvl_err *err)
{
    const qvl_st_tensor *t = piece->e.tensor;
    size_t n = (size_t)n_parts;
    size_t want[2] = { p->shape[1] / n, p->shape[2] };
    if (e >= p->shape[0])
        return qvl_fail(err, QVL_E_MODEL,
                        "tensor %s (%s): found expert %zu, expected fewer "
                        "than %zu experts",
                        t->name, ck->folder, e, p->shape[0]);
    if (p->shape[1] % n != 0 || !is_shape(t, want, 2))
        return wrong_shape(ck, t, want, 2, err);
    piece->first = (e * p->shape[1] + (size_t)k * want[0]) * p->shape[2];
    piece->is_part = true;
    return QVL_OK;
}

/* Try a tensor as part of an expert; *found says whether its name is one. */
static int pair_expert(qvl_checkpoint *ck, qvl_piece *piece, bool *found,
                       qvl_err *err)
{
    const char *name = qvl_names_bare(piece->e.tensor->name, &ck->arena);
    size_t len, expert;
    const char *part;
    *found = false;
    if (!split_expert(name, &len, &expert, &part))
        return QVL_OK;
    for (size_t r = 0; r < QVL_COUNT(expert_rule); r++)
        for (int k = 0; k < expert_rule[r].n_parts; k++) {
            if (strcmp(expert_rule[r].part[k], part) != 0)
                continue;
            const char *stacked =
                qvl_arena_printf(&ck->arena, "%.*s%s", (int)len, name,
                                 expert_rule[r].stacked);
            int i = qvl_names_match(&ck->names, stacked, &ck->arena);
            if (i < 0 || ck->params->item[i].rank != 3)
                continue;
            *found = true;
            piece->e.param = i;
            return fit_expert(ck, piece, &ck->params->item[i], expert, k,
                              expert_rule[r].n_parts, err);
        }
    return QVL_OK;
}

/* ---- pairing ------------------------------------------------------------ */

static void add_piece(qvl_checkpoint *ck, const qvl_piece *piece)
{
    ck->piece[ck->info.n_entries++] = *piece;
    ck->info.bytes += piece->e.tensor->bytes;
}

static int pair_tensor(qvl_checkpoint *ck, const qvl_st_tensor *t,
                       qvl_err *err)
{
    qvl_piece piece = { .e.tensor = t };
    piece.e.param = qvl_names_match(&ck->names, t->name, &ck->arena);
    if (piece.e.param < 0) {
        bool is_expert;
        QVL_TRY(pair_expert(ck, &piece, &is_expert, err));
        if (is_expert)
            add_piece(ck, &piece);
        else
            ck->extra[ck->info.n_extra++] = t->name;
        return QVL_OK;
    }
    const qvl_arch_param *p = &ck->params->item[piece.e.param];
    QVL_TRY(fit_whole(ck, &piece, p, err));
    if (p->same_as == -1) {
        add_piece(ck, &piece);
    } else {
        ck->unread[ck->info.n_tied] = piece.e;
        ck->tied[ck->info.n_tied++] = t->name;
    }
    return QVL_OK;
}

static int pair_all(qvl_checkpoint *ck, bool **used, qvl_err *err)
{
    size_t n = 0;
    for (int f = 0; f < ck->n_files; f++)
        n += qvl_st_count(ck->file[f]);
    ck->piece = qvl_arena_array(&ck->arena, qvl_piece, n);
    ck->extra = qvl_arena_array(&ck->arena, const char *, n);
    ck->tied = qvl_arena_array(&ck->arena, const char *, n);
    ck->unread = qvl_arena_array(&ck->arena, qvl_checkpoint_entry, n);
    for (int f = 0; f < ck->n_files; f++)
        for (size_t k = 0; k < qvl_st_count(ck->file[f]); k++) {
            const qvl_st_tensor *t = qvl_st_at(ck->file[f], k);
            if (used == NULL || used[f][k])
                QVL_TRY(pair_tensor(ck, t, err));
            else
                ck->extra[ck->info.n_extra++] = t->name;
        }
    return QVL_OK;
}

static int by_place(const void *a, const void *b)
{
    const qvl_piece *x = *(qvl_piece *const *)a, *y = *(qvl_piece *const *)b;
    if (x->e.param != y->e.param)
        return x->e.param < y->e.param ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

/* All pieces, those of a parameter one behind the other. */
static qvl_piece **sorted_pieces(qvl_checkpoint *ck)
{
    size_t n = ck->info.n_entries;
    qvl_piece **piece = qvl_arena_array(&ck->arena, qvl_piece *, n);
    for (size_t k = 0; k < n; k++)
        piece[k] = &ck->piece[k];
    qsort(piece, n, sizeof *piece, by_place);
    return piece;
}

/* Each parameter by one whole tensor, or by all of its parts. */
static int check_cover(qvl_checkpoint *ck, qvl_err *err)
{
    size_t n = (size_t)ck->params->n;
    size_t *covered = qvl_arena_array(&ck->arena, size_t, n);
    size_t *end = qvl_arena_array(&ck->arena, size_t, n);  // of the last piece
    const char **by = qvl_arena_array(&ck->arena, const char *, n);
    qvl_piece **sorted = sorted_pieces(ck);
    for (size_t k = 0; k < ck->info.n_entries; k++) {
        const qvl_piece *piece = sorted[k];
        int i = piece->e.param;
        if (piece->first < end[i])
            return qvl_fail(err, QVL_E_MODEL,
                            "parameter %s (%s): found tensors %s and %s, "
                            "expected one",
                            ck->params->item[i].name, ck->folder, by[i],
                            piece->e.tensor->name);
        covered[i] += piece->e.tensor->n_elems;
        end[i] = piece->first + piece->e.tensor->n_elems;
        by[i] = piece->e.tensor->name;
    }
    ck->missing = qvl_arena_array(&ck->arena, const char *, n);
    for (int i = 0; i < ck->params->n; i++) {
        const qvl_arch_param *p = &ck->params->item[i];
        if (p->same_as == -1 && by[i] == NULL)
            ck->missing[ck->info.n_missing++] = p->name;
        else if (p->same_as == -1 && covered[i] != qvl_arch_param_elems(p))
            return qvl_fail(err, QVL_E_MODEL,
                            "parameter %s (%s): found %zu of %zu values in "
                            "the tensors of its experts",
                            p->name, ck->folder, covered[i],
                            qvl_arch_param_elems(p));
    }
    return QVL_OK;
}

static bool is_square(const qvl_arch_param *p)
{
    return p->shape[p->rank - 1] == p->shape[p->rank - 2];
}

/* Where the last two axes are equal the shape says nothing: the layout is that
 * of the tensors whose shape does. */
static int decide_square(qvl_checkpoint *ck, qvl_err *err)
{
    size_t straight = 0, swapped = 0;
    for (size_t k = 0; k < ck->info.n_entries; k++) {
        const qvl_piece *piece = &ck->piece[k];
        const qvl_arch_param *p = &ck->params->item[piece->e.param];
        if (!p->transposable || piece->is_part || is_square(p))
            continue;
        straight += !piece->swapped;
        swapped += piece->swapped;
    }
    bool is_decided = (straight == 0) != (swapped == 0);
    for (size_t k = 0; k < ck->info.n_entries; k++) {
        qvl_piece *piece = &ck->piece[k];
        const qvl_arch_param *p = &ck->params->item[piece->e.param];
        if (!p->transposable || piece->is_part || !is_square(p))
            continue;
        if (!is_decided)
            return qvl_fail(err, QVL_E_MODEL,
                            "tensor %s (%s): found two equal axes, expected "
                            "other tensors to tell which comes first",
                            piece->e.tensor->name, ck->folder);
        piece->swapped = swapped > 0;
    }
    return QVL_OK;
}

/* ---- open and close ----------------------------------------------------- */

typedef struct {
    qvl_checkpoint *ck;
    const char *folder;
    qvl_err *err;
} opening;

static int open_parts(void *arg)
{
    const opening *o = arg;
    qvl_checkpoint *ck = o->ck;
    bool **used;
    ck->folder = qvl_arena_strdup(&ck->arena, o->folder);
    qvl_names_init(&ck->names, ck->params, &ck->arena);
    QVL_TRY(qvl_checkpoint_open_files(ck, &used, o->err));
    QVL_TRY(pair_all(ck, used, o->err));
    QVL_TRY(check_cover(ck, o->err));
    QVL_TRY(decide_square(ck, o->err));
    for (size_t k = 0; k < ck->info.n_entries; k++)
        ck->piece[k].e.is_plain =
            !ck->piece[k].swapped && !ck->piece[k].is_part;
    ck->info.n_files = ck->n_files;
    ck->info.missing = ck->missing;
    ck->info.extra = ck->extra;
    ck->info.tied = ck->tied;
    return QVL_OK;
}

int qvl_checkpoint_open(qvl_checkpoint **ck, const char *folder,
                        const qvl_param_list *params, qvl_err *err)
{
    qvl_checkpoint *c = qvl_memory_zeroed(1, sizeof *c);
    c->params = params;
    opening o = { .ck = c, .folder = folder, .err = err };
    int rc = qvl_guard(open_parts, &o, err);
    if (rc != QVL_OK) {
        qvl_checkpoint_close(c);
        return rc;
    }
    *ck = c;
    return QVL_OK;
}

void qvl_checkpoint_close(qvl_checkpoint *ck)
{
    if (ck == NULL)
        return;
    for (int f = 0; f < ck->n_files; f++)
        qvl_st_close(ck->file[f]);
    qvl_arena_release(&ck->arena);
    free(ck);
}

const qvl_checkpoint_info *qvl_checkpoint_report(const qvl_checkpoint *ck)
{
    return &ck->info;
}

const qvl_checkpoint_entry *qvl_checkpoint_at(const qvl_checkpoint *ck,
                                              size_t k)
{
    assert(k < ck->info.n_entries);
    return &ck->piece[k].e;
}

/* ---- loading ------------------------------------------------------------ */

void qvl_transpose(float *dst, const float *src, size_t rows, size_t cols)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            dst[r * cols + c] = src[c * rows + r];
}

/* A tensor whose last two axes are exchanged, one matrix at a time. */
static int load_swapped(const qvl_piece *piece, const qvl_arch_param *p,
                        qvl_store *store, qvl_arena *arena, qvl_err *err)
{
    size_t rows = p->shape[p->rank - 2], cols = p->shape[p->rank - 1];
    size_t n = rows * cols;
    float *in = qvl_arena_array(arena, float, n);
    float *out = qvl_arena_array(arena, float, n);
    qvl_st_tensor matrix = *piece->e.tensor;
    size_t bytes = n * qvl_dtype_bytes(matrix.dtype);
    matrix.n_elems = n;
    matrix.bytes = bytes;
    for (size_t m = 0; m * n < piece->e.tensor->n_elems; m++) {
        matrix.data = (const char *)piece->e.tensor->data + m * bytes;
        QVL_TRY(qvl_st_to_f32(&matrix, in, err));
        qvl_transpose(out, in, rows, cols);
        QVL_TRY(qvl_store_write(store, piece->e.param, m * n, n, out,
                                QVL_F32, err));
        qvl_file_forget(matrix.data, bytes);
    }
    return QVL_OK;
}

static int load_piece(const qvl_checkpoint *ck, const qvl_piece *piece,
                      qvl_store *store, qvl_arena *arena, qvl_err *err)
{
    const qvl_st_tensor *t = piece->e.tensor;
    if (t->dtype != QVL_F32 && t->dtype != QVL_BF16 && t->dtype != QVL_F16)
        return qvl_fail(err, QVL_E_MODEL,
                        "tensor %s (%s): found type %s, expected f32, bf16 "
                        "or f16",
                        t->name, ck->folder, qvl_dtype_name(t->dtype));
    if (piece->swapped)
        return load_swapped(piece, &ck->params->item[piece->e.param], store,
                            arena, err);
    QVL_TRY(qvl_store_write(store, piece->e.param, piece->first, t->n_elems,
                            t->data, t->dtype, err));
    qvl_file_forget(t->data, t->bytes);
    return QVL_OK;
}

/* Warn of a tied tensor that is not what it is tied to: whoever wrote the file
 * may have meant an untied model. */
static void compare_tied(const qvl_checkpoint *ck,
                         const qvl_checkpoint_entry *e)
{
    const qvl_st_tensor *t = e->tensor, *other = NULL;
    for (size_t k = 0; k < ck->info.n_entries; k++)
        if (ck->piece[k].e.param == ck->params->item[e->param].same_as)
            other = ck->piece[k].e.tensor;
    if (other != NULL
        && (t->bytes != other->bytes || memcmp(t->data, other->data, t->bytes)))
        qvl_log(QVL_LOG_WARN,
                "tensor %s (%s) is left unread: the model is tied, but it "
                "differs from %s",
                t->name, ck->folder, other->name);
}

static void report(const qvl_checkpoint *ck)
{
    for (size_t k = 0; k < ck->info.n_tied; k++)
        compare_tied(ck, &ck->unread[k]);
    if (ck->info.n_extra > 0)
        qvl_log(QVL_LOG_WARN,
                "%s: %zu tensors do not belong to the model and are left "
                "unread, the first is %s",
                ck->folder, ck->info.n_extra, ck->extra[0]);
}

typedef struct {
    const qvl_checkpoint *ck;
    qvl_store *store;
    qvl_arena scratch;
    qvl_err *err;
} loading;

static int load_all(void *arg)
{
    loading *l = arg;
    for (size_t k = 0; k < l->ck->info.n_entries; k++) {
        QVL_TRY(load_piece(l->ck, &l->ck->piece[k], l->store, &l->scratch,
                           l->err));
        qvl_arena_reset(&l->scratch);
    }
    return QVL_OK;
}

int qvl_checkpoint_load(const qvl_checkpoint *ck, qvl_store *store,
                        qvl_err *err)
{
    if (ck->info.n_missing > 0)
        return qvl_fail(err, QVL_E_MODEL,
                        "%s: found no tensor for %zu parameters, expected "
                        "%s and the like",
                        ck->folder, ck->info.n_missing, ck->missing[0]);
    loading l = { .ck = ck, .store = store, .err = err };
    int rc = qvl_guard(load_all, &l, err);
    qvl_arena_release(&l.scratch);
    if (rc == QVL_OK)
        report(ck);
    return rc;
}

void qvl_checkpoint_extract(const qvl_checkpoint *ck, size_t k,
                            const float *param, float *dst)
{
    assert(k < ck->info.n_entries);
    const qvl_piece *piece = &ck->piece[k];
    const qvl_arch_param *p = &ck->params->item[piece->e.param];
    size_t n_elems = piece->e.tensor->n_elems;
    if (!piece->swapped) {
        memcpy(dst, param + piece->first, n_elems * sizeof *dst);
        return;
    }
    size_t rows = p->shape[p->rank - 2], cols = p->shape[p->rank - 1];
    for (size_t at = 0; at < n_elems; at += rows * cols)
        qvl_transpose(dst + at, param + at, cols, rows);
}
