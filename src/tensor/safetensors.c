/* safetensors.c - a header checked against its file; data as it was declared
 *
 * Reading maps the file: opening costs the header, tensors cost what is
 * touched. Tensors must cover the data without gaps. The writer takes data in
 * the order of its declarations, in pieces of any size, and the file appears at
 * commit.
 */
#include "tensor/safetensors.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/half.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/str.h"

#define LENGTH_BYTES ((size_t)8)  // of the number before the header
#define META_KEY "__metadata__"

struct qvl_st {
    // owned
    qvl_file_map map;
    qvl_arena arena;  // what follows
    char *path;
    qvl_node *header;
    qvl_st_tensor *tensors;  // [count] in the order of the header
    size_t count;
    size_t meta_place;  // of META_KEY in the header, header->n without one
};

/* Arguments of read_header, which runs under a guard. */
typedef struct {
    qvl_st *st;
    const char *path;
    qvl_err *err;
} opening;

/* Fail with the file, the tensor and its place in the header. */
#define FAIL_TENSOR(node, t, err, ...)                                    \
    fail_tensor(qvl_node_fail(node, err, QVL_E_FORMAT, __VA_ARGS__), t, err)

static int fail_tensor(int code, const qvl_st_tensor *t, qvl_err *err)
{
    qvl_err_add(err, "safetensors tensor \"%.200s\"", t->name);
    return code;
}

static uint64_t u64_at(const unsigned char *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

/* A list entry as a size; false when it is no integer from 0 on. */
static bool is_size(const qvl_node *node, size_t *out)
{
    if (node->kind != QVL_NODE_INT || node->i < 0)
        return false;
    *out = (size_t)node->i;
    return true;
}

static int read_dtype(qvl_st_tensor *t, const qvl_node *entry, qvl_err *err)
{
    const qvl_node *node = qvl_node_find(entry, "dtype");
    const char *text;
    if (!qvl_node_as_string(node, &text))
        return FAIL_TENSOR(entry, t, err, "dtype: found %s, expected a "
                           "string", node ? qvl_node_kind_name(node->kind)
                                          : "nothing");
    for (int i = 0; i < QVL_N_DTYPES; i++) {
        if (strcmp(text, qvl_dtype_st_name(i)) == 0) {
            t->dtype = i;
            return QVL_OK;
        }
    }
    return FAIL_TENSOR(node, t, err, "dtype: found \"%.100s\", expected one "
                       "that is known, such as F32 or BF16", text);
}

/* Axes, number of elements and bytes, all without overflow. */
static int read_shape(qvl_st_tensor *t, const qvl_node *entry, qvl_err *err)
{
    const qvl_node *node = qvl_node_find(entry, "shape");
    if (node == NULL || node->kind != QVL_NODE_LIST)
        return FAIL_TENSOR(entry, t, err, "shape: found %s, expected a list",
                           node ? qvl_node_kind_name(node->kind) : "nothing");
    if (node->n > QVL_ST_MAX_RANK) {
        fail_tensor(qvl_node_fail(node, err, QVL_E_UNSUPPORTED,
                                  "shape: found %zu axes, expected at most %d",
                                  node->n, QVL_ST_MAX_RANK), t, err);
        return QVL_E_UNSUPPORTED;
    }
    t->rank = (int)node->n;
    t->n_elems = 1;
    for (size_t i = 0; i < node->n; i++) {
        if (!is_size(&node->items[i], &t->shape[i]))
            return FAIL_TENSOR(&node->items[i], t, err, "shape: found %.40s, "
                               "expected an integer from 0 on",
                               node->items[i].s ? node->items[i].s : "no number");
        if (t->shape[i] != 0 && t->n_elems > SIZE_MAX / t->shape[i])
            return FAIL_TENSOR(node, t, err, "shape: found more elements "
                               "than 64 bits count, expected fewer");
        t->n_elems *= t->shape[i];
    }
    if (t->n_elems > SIZE_MAX / qvl_dtype_bytes(t->dtype))
        return FAIL_TENSOR(node, t, err, "shape: found more bytes than 64 "
                           "bits count, expected fewer");
    t->bytes = t->n_elems * qvl_dtype_bytes(t->dtype);
    return QVL_OK;
}

/* Place in the data section of data_bytes that starts at `data`. */
static int read_offsets(qvl_st_tensor *t, const qvl_node *entry,
                        const char *data, size_t data_bytes, qvl_err *err)
{
    const qvl_node *node = qvl_node_find(entry, "data_offsets");
    size_t begin;
    size_t end;
    if (node == NULL || node->kind != QVL_NODE_LIST || node->n != 2
        || !is_size(&node->items[0], &begin) || !is_size(&node->items[1], &end))
        return FAIL_TENSOR(node ? node : entry, t, err, "data_offsets: found "
                           "%s, expected two integers from 0 on",
                           node ? "something else" : "nothing");
    if (begin > end || end > data_bytes)
        return FAIL_TENSOR(node, t, err, "data_offsets: found %zu to %zu, "
                           "expected a range in the %zu bytes of data", begin,
                           end, data_bytes);
    if (end - begin != t->bytes)
        return FAIL_TENSOR(node, t, err, "data_offsets: found %zu bytes, "
                           "expected %zu by shape and dtype %s", end - begin,
                           t->bytes, qvl_dtype_st_name(t->dtype));
    t->data = data + begin;
    return QVL_OK;
}

static int read_tensor(qvl_st_tensor *t, const qvl_node *key,
                       const qvl_node *entry, const char *data,
                       size_t data_bytes, qvl_err *err)
{
    t->name = key->s;
    if (strlen(key->s) != key->s_len)
        return FAIL_TENSOR(key, t, err, "name: found a NUL, expected text");
    if (entry->kind != QVL_NODE_MAP)
        return FAIL_TENSOR(entry, t, err, "found %s, expected a map",
                           qvl_node_kind_name(entry->kind));
    if (entry->n > 3)
        return FAIL_TENSOR(entry, t, err, "found %zu keys, expected dtype, "
                           "shape and data_offsets alone", entry->n);
    QVL_TRY(read_dtype(t, entry, err));
    QVL_TRY(read_shape(t, entry, err));
    return read_offsets(t, entry, data, data_bytes, err);
}

static int check_meta(const qvl_node *meta, qvl_err *err)
{
    if (meta->kind != QVL_NODE_MAP)
        return qvl_node_fail(meta, err, QVL_E_FORMAT, "safetensors " META_KEY
                             ": found %s, expected a map",
                             qvl_node_kind_name(meta->kind));
    for (size_t i = 0; i < meta->n; i++)
        if (meta->items[i].kind != QVL_NODE_STRING)
            return qvl_node_fail(&meta->items[i], err, QVL_E_FORMAT,
                                 "safetensors " META_KEY " \"%.200s\": found "
                                 "%s, expected a string", meta->keys[i].s,
                                 qvl_node_kind_name(meta->items[i].kind));
    return QVL_OK;
}

static int compare_places(const void *a, const void *b)
{
    const qvl_st_tensor *x = *(const qvl_st_tensor *const *)a;
    const qvl_st_tensor *y = *(const qvl_st_tensor *const *)b;
    const char *p = x->data;
    const char *q = y->data;
    if (p != q)
        return p < q ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* The tensors cover the data from its first to its last byte, none twice. */
static int check_cover(const qvl_st *st, const char *data, size_t data_bytes,
                       qvl_err *err)
{
    const qvl_st_tensor **by_place = calloc(st->count + 1, sizeof *by_place);
    if (by_place == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "no memory to check %s", st->path);
    for (size_t i = 0; i < st->count; i++)
        by_place[i] = &st->tensors[i];
    qsort(by_place, st->count, sizeof *by_place, compare_places);

    int rc = QVL_OK;
    size_t at = 0;
    for (size_t i = 0; i < st->count && rc == QVL_OK; i++) {
        const qvl_st_tensor *t = by_place[i];
        size_t begin = (size_t)((const char *)t->data - data);
        if (begin != at)
            rc = qvl_fail(err, QVL_E_FORMAT, "safetensors tensor \"%.200s\" (%s)"
                          ": found its data at byte %zu, expected %zu (%s)",
                          t->name, st->path, begin, at,
                          begin < at ? "it overlaps another" : "a gap");
        at = begin + t->bytes;
    }
    free(by_place);
    if (rc == QVL_OK && at != data_bytes)
        rc = qvl_fail(err, QVL_E_FORMAT, "safetensors file (%s): found %zu bytes"
                      " of data, expected %zu by its header", st->path,
                      data_bytes, at);
    return rc;
}

/* Bytes of the header, checked against the file. */
static int read_header_bytes(const qvl_st *st, size_t *out, qvl_err *err)
{
    if (st->map.len < LENGTH_BYTES)
        return qvl_fail(err, QVL_E_FORMAT, "safetensors file (%s): found %zu "
                        "bytes, expected at least %zu", st->path, st->map.len,
                        LENGTH_BYTES);
    uint64_t bytes = u64_at(st->map.p);
    size_t room = st->map.len - LENGTH_BYTES;
    if (bytes > room || bytes > QVL_ST_MAX_HEADER_BYTES)
        return qvl_fail(err, QVL_E_FORMAT, "safetensors header (%s): found a "
                        "length of %llu bytes, expected at most %zu", st->path,
                        (unsigned long long)bytes,
                        room < QVL_ST_MAX_HEADER_BYTES
                            ? room
                            : (size_t)QVL_ST_MAX_HEADER_BYTES);
    *out = (size_t)bytes;
    return QVL_OK;
}

/* Everything between the mapped file and a usable handle. */
static int read_header(void *arg)
{
    opening *o = arg;
    qvl_st *st = o->st;
    qvl_err *err = o->err;
    st->path = qvl_arena_strdup(&st->arena, o->path);
    size_t header_bytes = 0;
    QVL_TRY(read_header_bytes(st, &header_bytes, err));
    const char *text = (const char *)st->map.p + LENGTH_BYTES;
    int rc = qvl_json_parse(&st->header, text, header_bytes, st->path,
                            &st->arena, err);
    if (rc != QVL_OK) {
        qvl_err_add(err, "safetensors header");
        return rc;
    }
    const qvl_node *header = st->header;
    if (header->kind != QVL_NODE_MAP)
        return qvl_node_fail(header, err, QVL_E_FORMAT, "safetensors header: "
                             "found %s, expected a map",
                             qvl_node_kind_name(header->kind));

    const char *data = text + header_bytes;
    size_t data_bytes = st->map.len - LENGTH_BYTES - header_bytes;
    st->tensors = qvl_arena_array(&st->arena, qvl_st_tensor, header->n);
    st->meta_place = header->n;
    for (size_t i = 0; i < header->n; i++) {
        if (strcmp(header->keys[i].s, META_KEY) == 0) {
            st->meta_place = i;
            QVL_TRY(check_meta(&header->items[i], err));
            continue;
        }
        QVL_TRY(read_tensor(&st->tensors[st->count], &header->keys[i],
                            &header->items[i], data, data_bytes, err));
        st->count++;
    }
    return check_cover(st, data, data_bytes, err);
}

int qvl_st_open(qvl_st **out, const char *path, qvl_err *err)
{
    assert(out != NULL && path != NULL);

    qvl_st *st = qvl_memory_zeroed(1, sizeof *st);
    int rc = qvl_file_map_open(&st->map, path, err);
    if (rc == QVL_OK) {
        opening o = { .st = st, .path = path, .err = err };
        rc = qvl_guard(read_header, &o, err);
    }
    if (rc != QVL_OK) {
        qvl_st_close(st);
        return rc;
    }
    *out = st;
    return QVL_OK;
}

void qvl_st_close(qvl_st *st)
{
    if (st == NULL)
        return;
    qvl_arena_release(&st->arena);
    qvl_file_map_close(&st->map);
    free(st);
}

size_t qvl_st_count(const qvl_st *st)
{
    return st->count;
}

const qvl_st_tensor *qvl_st_at(const qvl_st *st, size_t i)
{
    assert(i < st->count);
    return &st->tensors[i];
}

const qvl_st_tensor *qvl_st_find(const qvl_st *st, const char *name)
{
    const qvl_node *entry = qvl_node_find(st->header, name);
    if (entry == NULL)
        return NULL;
    size_t place = (size_t)(entry - st->header->items);
    if (place == st->meta_place)
        return NULL;
    return &st->tensors[place - (place > st->meta_place ? 1 : 0)];
}

const char *qvl_st_meta(const qvl_st *st, const char *key)
{
    if (st->meta_place == st->header->n)
        return NULL;
    const qvl_node *value = qvl_node_find(&st->header->items[st->meta_place],
                                          key);
    return value != NULL ? value->s : NULL;
}

/* dst[i] = element i read as `type`, through `convert`. The memcpy makes any
 * alignment fine and costs nothing. */
#define CONVERT_ALL(type, dst_type, convert)                                  \
    for (size_t i = 0; i < t->n_elems; i++) {                                 \
        type v;                                                               \
        memcpy(&v, src + i * sizeof v, sizeof v);                             \
        dst[i] = (dst_type)convert(v);                                        \
    }                                                                         \
    return QVL_OK

static int fail_type(const qvl_st_tensor *t, const char *wanted, qvl_err *err)
{
    return qvl_fail(err, QVL_E_UNSUPPORTED, "tensor \"%.200s\": found element "
                    "type %s, expected %s", t->name, qvl_dtype_name(t->dtype),
                    wanted);
}

int qvl_st_to_f32(const qvl_st_tensor *t, float *dst, qvl_err *err)
{
    const char *src = t->data;
    switch (t->dtype) {
    case QVL_F32: CONVERT_ALL(float, float, );
    case QVL_BF16: CONVERT_ALL(uint16_t, float, qvl_bf16_to_f32);
    case QVL_F16: CONVERT_ALL(uint16_t, float, qvl_f16_to_f32);
    case QVL_F64: CONVERT_ALL(double, float, );
    case QVL_I32: CONVERT_ALL(int32_t, float, );
    case QVL_I64: CONVERT_ALL(int64_t, float, );
    default: return fail_type(t, "f32, bf16, f16, f64, i32 or i64", err);
    }
}

static int u64_to_i64(const qvl_st_tensor *t, int64_t *dst, qvl_err *err)
{
    for (size_t i = 0; i < t->n_elems; i++) {
        uint64_t v;
        memcpy(&v, (const char *)t->data + i * sizeof v, sizeof v);
        if (v > INT64_MAX)
            return qvl_fail(err, QVL_E_RANGE, "tensor \"%.200s\", element %zu: "
                            "found %llu, expected at most 2^63 - 1", t->name, i,
                            (unsigned long long)v);
        dst[i] = (int64_t)v;
    }
    return QVL_OK;
}

int qvl_st_to_i64(const qvl_st_tensor *t, int64_t *dst, qvl_err *err)
{
    const char *src = t->data;
    switch (t->dtype) {
    case QVL_I64: CONVERT_ALL(int64_t, int64_t, );
    case QVL_I32: CONVERT_ALL(int32_t, int64_t, );
    case QVL_I16: CONVERT_ALL(int16_t, int64_t, );
    case QVL_I8: CONVERT_ALL(int8_t, int64_t, );
    case QVL_U32: CONVERT_ALL(uint32_t, int64_t, );
    case QVL_U16: CONVERT_ALL(uint16_t, int64_t, );
    case QVL_U8: CONVERT_ALL(uint8_t, int64_t, );
    case QVL_BOOL: CONVERT_ALL(uint8_t, int64_t, );
    case QVL_U64: return u64_to_i64(t, dst, err);
    default: return fail_type(t, "an integer type", err);
    }
}

/* A name that the header has, and the size of its data. */
typedef struct {
    const char *name;
    uint64_t hash;  // of the name: comparing thousands of names stays cheap
    size_t bytes;
} entry;

typedef struct {
    entry *v;
    size_t n;
    size_t cap;
} entry_list;

struct qvl_st_writer {
    // owned
    qvl_file_out *out;
    qvl_arena arena;    // path, names, lists
    char *path;
    qvl_str meta_text;  // header text of the metadata
    qvl_str text;       // header text of the tensors
    entry_list metas;
    entry_list tensors;

    size_t data_bytes;  // declared
    bool has_begun;     // the header is written
    size_t current;     // tensor that is being written
    size_t written;     // bytes of it
};

/* Arguments of the steps that allocate, each under a guard. */
typedef struct {
    qvl_st_writer *w;
    const char *name;
    const char *value;    // metadata
    int dtype;            // tensors, from here on
    const size_t *shape;
    int rank;
    size_t bytes;
    qvl_err *err;
} addition;

static void writer_free(qvl_st_writer *w)
{
    qvl_str_release(&w->meta_text);
    qvl_str_release(&w->text);
    qvl_arena_release(&w->arena);
    free(w);
}

static int copy_path(void *arg)
{
    addition *a = arg;
    a->w->path = qvl_arena_strdup(&a->w->arena, a->name);
    return QVL_OK;
}

int qvl_st_writer_open(qvl_st_writer **out, const char *path, qvl_err *err)
{
    assert(out != NULL && path != NULL);

    qvl_st_writer *w = qvl_memory_zeroed(1, sizeof *w);
    addition a = { .w = w, .name = path };
    int rc = qvl_guard(copy_path, &a, err);
    if (rc == QVL_OK)
        rc = qvl_file_out_open(&w->out, path, err);
    if (rc != QVL_OK) {
        writer_free(w);
        return rc;
    }
    *out = w;
    return QVL_OK;
}

static int fail_begun(const qvl_st_writer *w, qvl_err *err)
{
    return qvl_fail(err, QVL_E_USAGE, "safetensors writer (%s): found a "
                    "declaration after data, expected it before", w->path);
}

/* Append a name that the list does not have yet. */
static int push_entry(qvl_st_writer *w, entry_list *list, const char *name,
                      size_t bytes, qvl_err *err)
{
    uint64_t hash = qvl_rng_hash(name, strlen(name));
    for (size_t i = 0; i < list->n; i++)
        if (list->v[i].hash == hash && strcmp(list->v[i].name, name) == 0)
            return qvl_fail(err, QVL_E_USAGE, "safetensors writer (%s): found "
                            "the name \"%.200s\" a second time, expected it once",
                            w->path, name);
    if (list->n == list->cap) {
        size_t cap = list->cap > 0 ? 2 * list->cap : 64;
        entry *v = qvl_arena_array(&w->arena, entry, cap);
        if (list->n > 0)
            memcpy(v, list->v, list->n * sizeof *v);
        list->v = v;
        list->cap = cap;
    }
    list->v[list->n] = (entry){ qvl_arena_strdup(&w->arena, name), hash, bytes };
    list->n++;
    return QVL_OK;
}

static int add_meta(void *arg)
{
    addition *a = arg;
    qvl_str *text = &a->w->meta_text;
    if (text->len > 0)
        qvl_str_putc(text, ',');
    qvl_json_quote(text, a->name, strlen(a->name));
    qvl_str_putc(text, ':');
    qvl_json_quote(text, a->value, strlen(a->value));
    return push_entry(a->w, &a->w->metas, a->name, 0, a->err);
}

/* Run a step that appends to a text; the text is as before when it fails. */
static int append_text(int (*step)(void *), addition *a, qvl_str *text)
{
    size_t len = text->len;
    int rc = qvl_guard(step, a, a->err);
    if (rc != QVL_OK && text->p != NULL) {
        text->len = len;
        text->p[len] = '\0';
    }
    return rc;
}

int qvl_st_writer_meta(qvl_st_writer *w, const char *key, const char *value,
                       qvl_err *err)
{
    assert(w != NULL && key != NULL && value != NULL);

    if (w->has_begun)
        return fail_begun(w, err);
    addition a = { .w = w, .name = key, .value = value, .err = err };
    return append_text(add_meta, &a, &w->meta_text);
}

static int add_tensor(void *arg)
{
    addition *a = arg;
    qvl_st_writer *w = a->w;
    qvl_str *text = &w->text;
    if (text->len > 0)
        qvl_str_putc(text, ',');
    qvl_json_quote(text, a->name, strlen(a->name));
    qvl_str_printf(text, ":{\"dtype\":\"%s\",\"shape\":[",
                   qvl_dtype_st_name(a->dtype));
    for (int i = 0; i < a->rank; i++)
        qvl_str_printf(text, "%s%zu", i > 0 ? "," : "", a->shape[i]);
    qvl_str_printf(text, "],\"data_offsets\":[%zu,%zu]}", w->data_bytes,
                   w->data_bytes + a->bytes);
    return push_entry(w, &w->tensors, a->name, a->bytes, a->err);
}

/* Bytes of a shape; false when size_t does not hold them. */
static bool shape_bytes(int dtype, const size_t *shape, int rank, size_t *out)
{
    size_t bytes = qvl_dtype_bytes(dtype);
    for (int i = 0; i < rank; i++) {
        if (shape[i] != 0 && bytes > SIZE_MAX / shape[i])
            return false;
        bytes *= shape[i];
    }
    *out = bytes;
    return true;
}

int qvl_st_writer_declare(qvl_st_writer *w, const char *name, int dtype,
                          const size_t *shape, int rank, qvl_err *err)
{
    assert(w != NULL && name != NULL && (shape != NULL || rank == 0));

    if (w->has_begun)
        return fail_begun(w, err);
    if (name[0] == '\0' || strcmp(name, META_KEY) == 0)
        return qvl_fail(err, QVL_E_USAGE, "safetensors writer (%s): found the "
                        "name \"%s\", expected another", w->path, name);
    if (rank < 0 || rank > QVL_ST_MAX_RANK)
        return qvl_fail(err, QVL_E_RANGE, "safetensors tensor \"%.200s\" (%s): "
                        "found %d axes, expected 0 to %d", name, w->path, rank,
                        QVL_ST_MAX_RANK);
    size_t bytes;
    if (!shape_bytes(dtype, shape, rank, &bytes)
        || bytes > SIZE_MAX - w->data_bytes)
        return qvl_fail(err, QVL_E_RANGE, "safetensors tensor \"%.200s\" (%s): "
                        "found more bytes than 64 bits count, expected fewer",
                        name, w->path);
    addition a = { .w = w, .name = name, .dtype = dtype, .shape = shape,
                   .rank = rank, .bytes = bytes, .err = err };
    QVL_TRY(append_text(add_tensor, &a, &w->text));
    w->data_bytes += bytes;
    return QVL_OK;
}

/* Write length and header, with spaces at its end up to a multiple of 8. */
static int write_header(qvl_st_writer *w, qvl_err *err)
{
    qvl_str head = w->meta_text;
    const char *open = head.len > 0 ? "{\"" META_KEY "\":{" : "{";
    const char *between = head.len == 0      ? ""
                          : w->text.len == 0 ? "}"
                                             : "},";
    size_t len = strlen(open) + head.len + strlen(between) + w->text.len + 1;
    size_t n_pad = (8 - len % 8) % 8;
    unsigned char length[LENGTH_BYTES];
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        length[i] = (unsigned char)((uint64_t)(len + n_pad) >> 8 * i);

    w->has_begun = true;
    QVL_TRY(qvl_file_out_write(w->out, length, sizeof length, err));
    QVL_TRY(qvl_file_out_write(w->out, open, strlen(open), err));
    QVL_TRY(qvl_file_out_write(w->out, head.p, head.len, err));
    QVL_TRY(qvl_file_out_write(w->out, between, strlen(between), err));
    QVL_TRY(qvl_file_out_write(w->out, w->text.p, w->text.len, err));
    return qvl_file_out_write(w->out, "}       ", 1 + n_pad, err);
}

/* Go on to the next tensor that lacks data, if there is one. */
static void skip_complete(qvl_st_writer *w)
{
    while (w->current < w->tensors.n
           && w->written == w->tensors.v[w->current].bytes) {
        w->current++;
        w->written = 0;
    }
}

int qvl_st_writer_write(qvl_st_writer *w, const void *p, size_t bytes,
                        qvl_err *err)
{
    assert(w != NULL && (p != NULL || bytes == 0));

    if (!w->has_begun)
        QVL_TRY(write_header(w, err));
    if (bytes == 0)
        return QVL_OK;
    skip_complete(w);
    if (w->current == w->tensors.n)
        return qvl_fail(err, QVL_E_USAGE, "safetensors writer (%s): found %zu "
                        "bytes behind the last tensor, expected none", w->path,
                        bytes);
    const entry *t = &w->tensors.v[w->current];
    if (bytes > t->bytes - w->written)
        return qvl_fail(err, QVL_E_USAGE, "safetensors tensor \"%.200s\" (%s): "
                        "found %zu more bytes, expected at most %zu", t->name,
                        w->path, bytes, t->bytes - w->written);
    QVL_TRY(qvl_file_out_write(w->out, p, bytes, err));
    w->written += bytes;
    return QVL_OK;
}

int qvl_st_writer_commit(qvl_st_writer *w, qvl_err *err)
{
    assert(w != NULL);

    int rc = qvl_st_writer_write(w, NULL, 0, err);  // a header without data
    skip_complete(w);
    if (rc == QVL_OK && w->current < w->tensors.n) {
        const entry *t = &w->tensors.v[w->current];
        rc = qvl_fail(err, QVL_E_USAGE, "safetensors tensor \"%.200s\" (%s): "
                      "found %zu bytes, expected %zu", t->name, w->path,
                      w->written, t->bytes);
    }
    if (rc != QVL_OK) {
        qvl_st_writer_abort(w);
        return rc;
    }
    rc = qvl_file_out_commit(w->out, err);
    writer_free(w);
    return rc;
}

void qvl_st_writer_abort(qvl_st_writer *w)
{
    if (w == NULL)
        return;
    qvl_file_out_abort(w->out);
    writer_free(w);
}
