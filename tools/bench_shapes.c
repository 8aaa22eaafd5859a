/* bench_shapes.c - the shapes that are built in, and lines of JSON read as shapes */
#include "bench_shapes.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

#define MAX_DIM (1u << 20)
#define MAX_HEADS 1024u
#define MAX_ELEMS ((uint64_t)1 << 31)    // of an operand: kernels count in u32

/* Name, and whether it is attention. */
#define OPS(X)                                                                \
    X(matmul_nt, false) X(matmul_nn, false) X(matmul_tn, false)               \
    X(attention, true) X(attention_dq, true) X(attention_dkv, true)

static const struct {
    const char *name;
    bool is_attention;
} ops[] = {
#define ROW(name, is_attention) { #name, is_attention },
    OPS(ROW)
#undef ROW
};

const char *bench_shape_ops(void)
{
#define TEXT(name, is_attention) ", " #name
    static const char text[] = OPS(TEXT);
#undef TEXT
    return text + strlen(", ");
}

void bench_shape_text(char text[48], const bench_shape *shape)
{
    const uint32_t *d = shape->dim;
    snprintf(text, 48, shape->is_attention ? "%u x %u heads of %u"
                                           : "%u x %u x %u",
             d[0], d[1], d[2]);
}

/* ---- built in ------------------------------------------------------------- */

static const bench_shape products[] = {
    { .op = "matmul_nt", .dim = { 512, 2048, 2048 } },
    { .op = "matmul_nn", .dim = { 512, 2048, 2048 } },
    { .op = "matmul_tn", .dim = { 512, 2048, 2048 } },
    { .op = "matmul_nt", .dim = { 512, 6144, 2048 } },
    { .op = "matmul_nt", .dim = { 1, 2048, 2048 } },
    { .op = "matmul_nt", .dim = { 4, 6144, 2048 } },
};

static const uint32_t head_sizes[] = { 64, 72, 128 };

bench_shape_list bench_shapes_builtin(bool is_slow, qvl_arena *arena)
{
    size_t most = QVL_COUNT(products) + QVL_COUNT(head_sizes) * QVL_COUNT(ops);
    bench_shape_list list = { .item = qvl_arena_array(arena, bench_shape,
                                                      most) };
    for (size_t i = 0; i < QVL_COUNT(products); i++)
        list.item[list.n++] = products[i];
    for (size_t d = 0; d < QVL_COUNT(head_sizes); d++)
        for (size_t i = 0; i < QVL_COUNT(ops); i++)
            if (ops[i].is_attention)
                list.item[list.n++] = (bench_shape){
                    .op = ops[i].name, .is_attention = true,
                    .dim = { is_slow ? 256 : 2304, 8, head_sizes[d] },
                };
    return list;
}

/* ---- files ---------------------------------------------------------------- */

/* Three numbers of at most 7 digits in the words of a shape. */
static bool read_dims(bench_shape *shape, const char *text)
{
    uint32_t *d = shape->dim;
    int behind = -1;
    if (shape->is_attention)
        sscanf(text, "%7u x %7u heads of %7u%n", &d[0], &d[1], &d[2], &behind);
    else
        sscanf(text, "%7u x %7u x %7u%n", &d[0], &d[1], &d[2], &behind);
    return behind >= 0 && text[behind] == '\0';
}

static bool is_within(const bench_shape *shape)
{
    const uint32_t *d = shape->dim;
    uint64_t a = d[0], b = d[1], c = d[2];
    for (int i = 0; i < 3; i++)
        if (d[i] < 1 || d[i] > MAX_DIM)
            return false;
    if (shape->is_attention)
        return b <= MAX_HEADS && a * b * c <= MAX_ELEMS;
    return a * b <= MAX_ELEMS && a * c <= MAX_ELEMS && b * c <= MAX_ELEMS;
}

static int find_op(bench_shape *shape, const qvl_node *name, qvl_err *err)
{
    const char *text;
    for (size_t i = 0; i < QVL_COUNT(ops); i++)
        if (qvl_node_as_string(name, &text) && strcmp(text, ops[i].name) == 0) {
            shape->op = ops[i].name;
            shape->is_attention = ops[i].is_attention;
            return QVL_OK;
        }
    return qvl_node_fail(name, err, QVL_E_DATA, "name: found %s, expected one "
                         "of %s",
                         name->s != NULL ? name->s
                                         : qvl_node_kind_name(name->kind),
                         bench_shape_ops());
}

/* A line as a shape. */
static int read_line(bench_shape *shape, const qvl_node *line, qvl_err *err)
{
    const qvl_node *name = qvl_node_given(line, "name");
    const qvl_node *words = qvl_node_given(line, "shape");
    const char *text;
    if (name == NULL)
        name = qvl_node_given(line, "op");
    if (name == NULL || words == NULL)
        return qvl_node_fail(line, err, QVL_E_DATA, "%s: found none, expected "
                             "a map with name and shape",
                             name == NULL ? "name" : "shape");
    QVL_TRY(find_op(shape, name, err));
    if (!qvl_node_as_string(words, &text) || !read_dims(shape, text))
        return qvl_node_fail(words, err, QVL_E_DATA, "shape: found %s, "
                             "expected \"%s\"",
                             words->s != NULL
                                 ? words->s
                                 : qvl_node_kind_name(words->kind),
                             shape->is_attention ? "TOKENS x HEADS heads of N"
                                                 : "M x N x K");
    if (!is_within(shape))
        return qvl_node_fail(words, err, QVL_E_DATA, "shape: found %s, "
                             "expected numbers from 1 to %u (%u heads) and "
                             "operands of at most 2^31", text, MAX_DIM,
                             MAX_HEADS);
    return QVL_OK;
}

static bool is_blank(const char *p, size_t n)
{
    while (n > 0 && (*p == ' ' || *p == '\t' || *p == '\r')) {
        p++;
        n--;
    }
    return n == 0;
}

static int count_lines(const char *text)
{
    int n = 1;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

int bench_shapes_load(bench_shape_list *list, const char *path,
                      qvl_arena *arena, qvl_err *err)
{
    char *text;
    size_t len;
    bench_shape_list l = { .n = 0 };
    QVL_TRY(qvl_file_read(path, &text, &len, arena, err));
    if (strlen(text) != len)
        return qvl_fail(err, QVL_E_FORMAT, "%s: found byte 0x00, expected "
                        "lines of JSON", path);
    l.item = qvl_arena_array(arena, bench_shape, count_lines(text));
    int number = 1;
    for (const char *p = text; *p != '\0'; number++) {
        size_t n = strcspn(p, "\n");
        if (!is_blank(p, n)) {
            qvl_node *line;
            bench_shape *shape = &l.item[l.n];
            QVL_TRY(qvl_json_parse_at(&line, p, n, path, number, arena, err));
            if (qvl_node_find(line, "library_for") == NULL) {
                QVL_TRY(read_line(shape, line, err));
                shape->place = qvl_arena_printf(arena, "%s:%d", path, number);
                l.n++;
            }
        }
        p += n + (p[n] == '\n');
    }
    if (l.n == 0)
        return qvl_fail(err, QVL_E_DATA, "%s: found no shape, expected one or "
                        "more lines", path);
    *list = l;
    return QVL_OK;
}
