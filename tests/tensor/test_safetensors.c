/* test_safetensors.c - files read and written: damaged heads, cut files, full disks */
#include "tensor/safetensors.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/half.h"
#include "base/rng.h"
#include "base/str.h"
#include "check.h"

/* Write a file of a header and n bytes of data, byte i being i. */
static const char *put_file(const char *header, size_t n_data)
{
    const char *path = check_path("made.safetensors");
    qvl_str out = { 0 };
    qvl_err err;
    uint64_t len = strlen(header);
    qvl_str_putn(&out, (const char *)&len, 8);
    qvl_str_puts(&out, header);
    for (size_t i = 0; i < n_data; i++)
        qvl_str_putc(&out, (char)i);
    CHECK_OK(qvl_file_write_all(path, out.p, out.len, &err), err);
    qvl_str_release(&out);
    return path;
}

static void put_bytes(const char *path, const void *p, size_t n)
{
    qvl_err err;
    CHECK_OK(qvl_file_write_all(path, p, n, &err), err);
}

static void test_read(void)
{
    qvl_err err;
    qvl_st *st;
    CHECK_OK(qvl_st_open(&st, put_file(
        "{\"__metadata__\":{\"format\":\"pt\",\"k\":\"\xe7\xba\xbf\"},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[2,3],\"data_offsets\":[4,10]},"
        "\"s\":{\"shape\":[],\"dtype\":\"F32\",\"data_offsets\":[0,4]},"
        "\"none\":{\"dtype\":\"BF16\",\"shape\":[0,7],\"data_offsets\":[10,10]}}  ",
        10), &err), err);
    CHECK_INT(qvl_st_count(st), 3, "tensors");
    const qvl_st_tensor *b = qvl_st_at(st, 0);
    CHECK_STR(b->name, "b", "order of the header");
    CHECK(b->dtype == QVL_U8 && b->rank == 2 && b->shape[0] == 2
              && b->shape[1] == 3 && b->n_elems == 6 && b->bytes == 6, "b");
    CHECK(memcmp(b->data, "\4\5\6\7\10\11", 6) == 0, "data of b");
    const qvl_st_tensor *s = qvl_st_find(st, "s");
    CHECK(s == qvl_st_at(st, 1) && s->rank == 0 && s->n_elems == 1
              && s->bytes == 4, "a single number");
    const qvl_st_tensor *none = qvl_st_find(st, "none");
    CHECK(none->n_elems == 0 && none->bytes == 0 && none->data != NULL, "empty");
    CHECK(qvl_st_find(st, "c") == NULL, "unknown name");
    CHECK(qvl_st_find(st, "__metadata__") == NULL, "metadata is no tensor");
    CHECK_STR(qvl_st_meta(st, "format"), "pt", "metadata");
    CHECK_STR(qvl_st_meta(st, "k"), "\xe7\xba\xbf", "metadata");
    CHECK_STR(qvl_st_meta(st, "x"), NULL, "metadata");
    qvl_st_close(st);

    CHECK_OK(qvl_st_open(&st, put_file("{}", 0), &err), err);
    CHECK_INT(qvl_st_count(st), 0, "no tensors");
    CHECK_STR(qvl_st_meta(st, "x"), NULL, "no metadata");
    CHECK(qvl_st_find(st, "x") == NULL, "no tensors");
    qvl_st_close(st);
    qvl_st_close(NULL);
}

#define T(offsets) "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" offsets "}"
#define S(shape) "{\"a\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[0,4]}}"

static void test_damaged_headers(void)
{
    static const struct {
        const char *header;
        size_t n_data;
        const char *part;
    } cases[] = {
        { "", 0, "safetensors header: " },
        { "[]", 0, "found list, expected a map" },
        { "{\"a\":", 0, "JSON: found the end of the text" },
        { "{} x", 0, "expected the end" },
        { "{}", 1, "found 1 bytes of data, expected 0" },
        { "{\"a\":" T("[0,4]") "}", 5, "found 5 bytes of data, expected 4" },
        { "{\"a\":" T("[0,4]") "}", 3, "found 0 to 4, expected a range in the 3" },
        { "{\"a\":" T("[0,4]") ",\"b\":" T("[0,4]") "}", 4, "overlaps" },
        { "{\"a\":" T("[0,4]") ",\"b\":" T("[2,6]") "}", 6, "overlaps" },
        { "{\"a\":" T("[0,4]") ",\"b\":" T("[5,9]") "}", 9, "a gap" },
        { "{\"a\":" T("[1,5]") "}", 5, "found its data at byte 1, expected 0" },
        { "{\"a\":" T("[4,0]") "}", 4, "found 4 to 0" },
        { "{\"a\":" T("[0,8]") "}", 8, "found 8 bytes, expected 4 by shape" },
        { "{\"a\":" T("[0]") "}", 4, "expected two integers" },
        { "{\"a\":" T("[0,4,8]") "}", 4, "expected two integers" },
        { "{\"a\":" T("[-4,0]") "}", 4, "expected two integers" },
        { "{\"a\":" T("[0,4.0]") "}", 4, "expected two integers" },
        { "{\"a\":" T("[0,\"4\"]") "}", 4, "expected two integers" },
        { "{\"a\":" T("[0,18446744073709551620]") "}", 4, "two integers" },
        { "{\"a\":" T("[0,9223372036854775807]") "}", 4, "expected a range" },
        { "{\"a\":" T("{}") "}", 4, "expected two integers" },
        { "{\"a\":" T("[0,4]") ",\"a\":" T("[4,8]") "}", 8, "key \"a\": found a second" },
        { "{\"a\":5}", 0, "tensor \"a\": " },
        { "{\"a\":{}}", 0, "dtype: found nothing" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "data_offsets: found nothing" },
        { "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "shape: found nothing" },
        { "{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
          "dtype: found \"F31\"" },
        { "{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
          "dtype: found \"f32\"" },
        { "{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
          "dtype: found integer" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4,
          "found 4 keys" },
        { "{\"a\\u0000b\":" T("[0,4]") "}", 4, "found a NUL" },
        { S("1"), 4, "shape: found integer, expected a list" },
        { S("[-1]"), 4, "shape: found -1" },
        { S("[1.5]"), 4, "shape: found 1.5" },
        { S("[\"1\"]"), 4, "shape: found 1," },
        { S("[[1]]"), 4, "shape: found no number" },
        { S("[2]"), 4, "found 4 bytes, expected 8" },
        { S("[0]"), 4, "found 4 bytes, expected 0" },
        { S("[4294967296,4294967296]"), 4, "more elements than 64 bits" },
        { S("[4294967296,1073741825]"), 4, "more bytes than 64 bits" },
        { S("[4611686018427387904]"), 4, "more bytes than 64 bits" },
        { "{\"__metadata__\":5}", 0, "__metadata__: found integer" },
        { "{\"__metadata__\":{\"a\":5}}", 0, "__metadata__ \"a\": found integer" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const char *path = put_file(cases[i].header, cases[i].n_data);
        qvl_err err = { 0 };
        qvl_st *st = NULL;
        int rc = qvl_st_open(&st, path, &err);
        CHECK_INT(rc, QVL_E_FORMAT, "%s", cases[i].header);
        CHECK_HAS(err.msg, cases[i].part, "%s", cases[i].header);
        CHECK_HAS(err.msg, path, "%s: the file is named", cases[i].header);
        CHECK(st == NULL, "%s: unchanged", cases[i].header);
    }
    qvl_err err;
    qvl_st *st;
    CHECK_FAILS(qvl_st_open(&st, put_file(S("[1,1,1,1,1,1,1,1,1]"), 4), &err),
                QVL_E_UNSUPPORTED, err, "found 9 axes");
}

static void test_damaged_lengths(void)
{
    static const struct {
        uint64_t length;
        const char *part;
    } cases[] = {
        { 3, "found a length of 3 bytes, expected at most 2" },
        { UINT64_MAX, "found a length of 18446744073709551615" },
        { (uint64_t)1 << 63, "found a length" },
        { 0, "safetensors header: " },
        { 1, "safetensors header: " },
    };
    const char *path = check_path("length.safetensors");
    qvl_err err;
    qvl_st *st;
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        char text[10] = "01234567{}";
        memcpy(text, &cases[i].length, 8);
        put_bytes(path, text, sizeof text);
        CHECK_FAILS(qvl_st_open(&st, path, &err), QVL_E_FORMAT, err,
                    cases[i].part);
    }
    CHECK_FAILS(qvl_st_open(&st, check_path("missing"), &err), QVL_E_IO, err,
                "missing");
    CHECK_FAILS(qvl_st_open(&st, check_dir(), &err), QVL_E_IO, err, "directory");
}

/* A small file of our own writer, in memory. */
static void make_sample(char **text, size_t *len, qvl_arena *arena)
{
    qvl_err err;
    qvl_st_writer *w;
    const char *path = check_path("sample.safetensors");
    float a[6] = { 0, 1, -2, 3.5f, 1e30f, -0.0f };
    int64_t b[2] = { -100, 5 };
    CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
    CHECK_OK(qvl_st_writer_meta(w, "format", "pt", &err), err);
    CHECK_OK(qvl_st_writer_declare(w, "b", QVL_I64, (size_t[]){ 2 }, 1, &err),
             err);
    CHECK_OK(qvl_st_writer_declare(w, "a", QVL_F32, (size_t[]){ 3, 2 }, 2, &err),
             err);
    CHECK_OK(qvl_st_writer_write(w, b, sizeof b, &err), err);
    CHECK_OK(qvl_st_writer_write(w, a, sizeof a, &err), err);
    CHECK_OK(qvl_st_writer_commit(w, &err), err);
    CHECK_OK(qvl_file_read(path, text, len, arena, &err), err);
}

/* A file cut at any byte is an error that names it. */
static void test_cut_anywhere(void)
{
    qvl_arena arena = { 0 };
    char *text;
    size_t len;
    make_sample(&text, &len, &arena);
    const char *path = check_path("cut.safetensors");
    for (size_t n = 0; n < len; n++) {
        qvl_err err;
        qvl_st *st;
        put_bytes(path, text, n);
        CHECK_FAILS(qvl_st_open(&st, path, &err), QVL_E_FORMAT, err, path);
    }
    qvl_arena_release(&arena);
}

/* One changed byte of the header gives an error or a consistent file; all
 * data stays readable. */
static void test_changed_anywhere(void)
{
    qvl_arena arena = { 0 };
    char *text;
    size_t len;
    make_sample(&text, &len, &arena);
    const char *path = check_path("changed.safetensors");
    qvl_rng r = { .key = 1 };
    size_t n_header = len - 40;
    for (size_t i = 0; i < 4 * n_header; i++) {
        char kept = text[i % n_header];
        text[i % n_header] = i % 2 ? (char)qvl_rng_below(&r, 256)
                                   : "0123456789[]{},:\" a"[qvl_rng_below(&r, 18)];
        put_bytes(path, text, len);
        text[i % n_header] = kept;
        qvl_err err;
        qvl_st *st;
        int rc = qvl_st_open(&st, path, &err);
        CHECK(rc == QVL_OK || rc == QVL_E_FORMAT, "byte %zu: %s", i % n_header,
              err.msg);
        if (rc != QVL_OK)
            continue;
        size_t sum = 0;
        for (size_t k = 0; k < qvl_st_count(st); k++) {
            const qvl_st_tensor *t = qvl_st_at(st, k);
            CHECK(t->bytes == t->n_elems * qvl_dtype_bytes(t->dtype), "%zu", i);
            for (size_t j = 0; j < t->bytes; j++)
                sum += ((const unsigned char *)t->data)[j];
        }
        CHECK(sum > 0, "byte %zu", i % n_header);
        qvl_st_close(st);
    }
    qvl_arena_release(&arena);
}

/* The bytes that the reference writer puts down for the same tensors. */
static void test_written_bytes(void)
{
    qvl_arena arena = { 0 };
    char *text;
    size_t len;
    make_sample(&text, &len, &arena);
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"b\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[16,40]}}";
    size_t n = sizeof header - 1;
    size_t padded = (n + 7) / 8 * 8;
    CHECK_INT(len, 8 + padded + 40, "length");
    CHECK_INT((unsigned char)text[0] | (unsigned char)text[1] << 8, padded,
              "length of the header");
    CHECK(memcmp(text + 8, header, n) == 0, "header |%.*s|", (int)n, text + 8);
    for (size_t i = n; i < padded; i++)
        CHECK_INT(text[8 + i], ' ', "padding");
    qvl_arena_release(&arena);
}

/* Headers of every length modulo 8, empty tensors, odd names, many pieces. */
static void test_write_and_read(void)
{
    for (int round = 0; round < 20; round++) {
        char name[40];
        snprintf(name, sizeof name, "x.%.*s\"\\\n\xe7\xba\xbf", round,
                 "aaaaaaaaaaaaaaaaaaaa");
        const char *path = check_path("pieces.safetensors");
        qvl_err err;
        qvl_st_writer *w;
        qvl_st *st;
        CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
        if (round % 3 == 1)
            CHECK_OK(qvl_st_writer_meta(w, "k\"", name, &err), err);
        CHECK_OK(qvl_st_writer_declare(w, "e1", QVL_F32, (size_t[]){ 0 }, 1, &err),
                 err);
        CHECK_OK(qvl_st_writer_declare(w, name, QVL_U8, (size_t[]){ 5, 20 }, 2,
                                       &err), err);
        CHECK_OK(qvl_st_writer_declare(w, "e2", QVL_F32, (size_t[]){ 3, 0 }, 2,
                                       &err), err);
        CHECK_OK(qvl_st_writer_declare(w, "one", QVL_U8, NULL, 0, &err), err);
        CHECK_OK(qvl_st_writer_declare(w, "e3", QVL_I8, (size_t[]){ 0 }, 1, &err),
                 err);
        unsigned char data[100];
        for (size_t i = 0; i < 100; i++)
            data[i] = (unsigned char)(i + 7);
        size_t piece = (size_t)round + 1;
        for (size_t i = 0; i < 100; i += piece)
            CHECK_OK(qvl_st_writer_write(w, data + i,
                                         piece < 100 - i ? piece : 100 - i, &err),
                     err);
        CHECK_OK(qvl_st_writer_write(w, NULL, 0, &err), err);
        CHECK_OK(qvl_st_writer_write(w, "z", 1, &err), err);
        CHECK_OK(qvl_st_writer_commit(w, &err), err);

        CHECK_OK(qvl_st_open(&st, path, &err), err);
        CHECK_INT(qvl_st_count(st), 5, "round %d", round);
        const qvl_st_tensor *t = qvl_st_find(st, name);
        CHECK(t == qvl_st_at(st, 1) && t->bytes == 100
                  && memcmp(t->data, data, 100) == 0, "round %d", round);
        CHECK(memcmp(qvl_st_find(st, "one")->data, "z", 1) == 0, "round %d",
              round);
        CHECK_STR(qvl_st_meta(st, "k\""), round % 3 == 1 ? name : NULL,
                  "round %d", round);
        qvl_st_close(st);
    }
}

static void test_empty_files(void)
{
    const char *path = check_path("empty.safetensors");
    qvl_err err;
    qvl_st_writer *w;
    qvl_st *st;
    for (int with_meta = 0; with_meta < 2; with_meta++) {
        CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
        if (with_meta)
            CHECK_OK(qvl_st_writer_meta(w, "a", "b", &err), err);
        CHECK_OK(qvl_st_writer_commit(w, &err), err);
        CHECK_OK(qvl_st_open(&st, path, &err), err);
        CHECK_INT(qvl_st_count(st), 0, "no tensors");
        CHECK_STR(qvl_st_meta(st, "a"), with_meta ? "b" : NULL, "metadata");
        qvl_st_close(st);
    }
}

static void test_writer_faults(void)
{
    const char *path = check_path("faults.safetensors");
    qvl_err err;
    qvl_st_writer *w;
    CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
    size_t two[] = { 2, 1 };
    size_t huge[] = { (size_t)1 << 40, (size_t)1 << 40 };
    size_t half[] = { SIZE_MAX / 2 };
    CHECK_OK(qvl_st_writer_declare(w, "a", QVL_U8, two, 2, &err), err);
    CHECK_FAILS(qvl_st_writer_declare(w, "a", QVL_U8, two, 2, &err),
                QVL_E_USAGE, err, "\"a\" a second time");
    CHECK_FAILS(qvl_st_writer_declare(w, "", QVL_U8, two, 2, &err), QVL_E_USAGE,
                err, "found the name");
    CHECK_FAILS(qvl_st_writer_declare(w, "__metadata__", QVL_U8, two, 2, &err),
                QVL_E_USAGE, err, "__metadata__");
    CHECK_FAILS(qvl_st_writer_declare(w, "b", QVL_U8, two, 9, &err),
                QVL_E_RANGE, err, "found 9 axes");
    CHECK_FAILS(qvl_st_writer_declare(w, "b", QVL_U8, two, -1, &err),
                QVL_E_RANGE, err, "found -1 axes");
    CHECK_FAILS(qvl_st_writer_declare(w, "b", QVL_U8, huge, 2, &err),
                QVL_E_RANGE, err, "64 bits");
    CHECK_OK(qvl_st_writer_declare(w, "h1", QVL_U8, half, 1, &err), err);
    CHECK_FAILS(qvl_st_writer_declare(w, "h2", QVL_I64, half, 1, &err),
                QVL_E_RANGE, err, "64 bits");
    CHECK_OK(qvl_st_writer_meta(w, "k", "v", &err), err);
    CHECK_FAILS(qvl_st_writer_meta(w, "k", "v", &err), QVL_E_USAGE, err,
                "\"k\" a second time");
    CHECK_FAILS(qvl_st_writer_write(w, "abc", 3, &err), QVL_E_USAGE, err,
                "found 3 more bytes, expected at most 2");
    CHECK_OK(qvl_st_writer_write(w, "a", 1, &err), err);
    CHECK_FAILS(qvl_st_writer_write(w, "bc", 2, &err), QVL_E_USAGE, err,
                "found 2 more bytes, expected at most 1");
    CHECK_FAILS(qvl_st_writer_declare(w, "c", QVL_U8, two, 2, &err),
                QVL_E_USAGE, err, "after data");
    CHECK_FAILS(qvl_st_writer_meta(w, "c", "d", &err), QVL_E_USAGE, err,
                "after data");
    CHECK_FAILS(qvl_st_writer_commit(w, &err), QVL_E_USAGE, err,
                "tensor \"a\"");
    CHECK(!qvl_file_exists(path), "nothing appears");

    CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
    CHECK_OK(qvl_st_writer_declare(w, "a", QVL_U8, two, 2, &err), err);
    CHECK_FAILS(qvl_st_writer_declare(w, "a", QVL_U8, two, 2, &err),
                QVL_E_USAGE, err, "second time");
    CHECK_OK(qvl_st_writer_write(w, "ab", 2, &err), err);
    CHECK_FAILS(qvl_st_writer_write(w, "c", 1, &err), QVL_E_USAGE, err,
                "behind the last tensor");
    CHECK_OK(qvl_st_writer_commit(w, &err), err);
    qvl_st *st;
    CHECK_OK(qvl_st_open(&st, path, &err), err);
    CHECK_INT(qvl_st_count(st), 1, "refused declarations leave no trace");
    qvl_st_close(st);

    CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
    qvl_st_writer_abort(w);
    qvl_st_writer_abort(NULL);
    CHECK(qvl_file_exists(path), "abort leaves the target");
    CHECK_FAILS(qvl_st_writer_open(&w, check_path("no/dir"), &err), QVL_E_IO,
                err, "No such file");
}

static void test_full_disk(void)
{
    struct rlimit kept;
    getrlimit(RLIMIT_FSIZE, &kept);
    struct rlimit full = { 500000, kept.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    const char *path = check_path("full.safetensors");
    char *data = calloc(1, 1000000);
    qvl_err err;
    qvl_st_writer *w;
    CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
    CHECK_OK(qvl_st_writer_declare(w, "a", QVL_U8, (size_t[]){ 1000000 }, 1,
                                   &err), err);
    setrlimit(RLIMIT_FSIZE, &full);
    int rc = qvl_st_writer_write(w, data, 1000000, &err);
    int rc2 = qvl_st_writer_commit(w, NULL);
    setrlimit(RLIMIT_FSIZE, &kept);
    CHECK_INT(rc, QVL_E_IO, "write");
    CHECK_INT(rc2, QVL_E_USAGE, "commit without all data");
    CHECK_HAS(err.msg, "full.safetensors", "the file is named");
    CHECK(!qvl_file_exists(path), "nothing appears");
    free(data);
}

typedef struct {
    const char *path;
    qvl_st *st;
    qvl_st_writer *w;
    qvl_err *err;
} starved;

static int open_starved(void *arg)
{
    starved *s = arg;
    return qvl_st_open(&s->st, s->path, s->err);
}

static int write_starved(void *arg)
{
    starved *s = arg;
    QVL_TRY(qvl_st_writer_open(&s->w, check_path("m2"), NULL));
    QVL_TRY(qvl_st_writer_meta(s->w, "key", "value", NULL));
    return qvl_st_writer_declare(s->w, "n", QVL_U8, NULL, 0, NULL);
}

static void test_out_of_memory(void)
{
    qvl_arena arena = { 0 };
    char *text;
    size_t len;
    make_sample(&text, &len, &arena);
    const char *path = check_path("memory.safetensors");
    put_bytes(path, text, len);
    int n_failed = 0;
    for (size_t limit = 0; limit < 20000; limit += 37) {
        qvl_err err = { 0 };
        starved s = { .path = path, .err = &err };
        qvl_memory_limit(limit);
        int rc = qvl_guard(open_starved, &s, &err);
        qvl_memory_limit(limit);
        int wrc = qvl_guard(write_starved, &s, NULL);
        qvl_memory_limit(SIZE_MAX);
        qvl_st_writer_abort(s.w);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "limit %zu: %s", limit,
              err.msg);
        CHECK(wrc == QVL_OK || wrc == QVL_E_MEMORY, "limit %zu", limit);
        n_failed += (rc == QVL_E_MEMORY) + (wrc == QVL_E_MEMORY);
        qvl_st_close(s.st);
    }
    CHECK(n_failed > 10 && n_failed < 1000, "%d failed", n_failed);
    qvl_arena_release(&arena);
}

/* A tensor over data that starts at an odd address. */
static qvl_st_tensor odd_tensor(char *room, int dtype, const void *data, size_t n)
{
    size_t bytes = n * qvl_dtype_bytes(dtype);
    memcpy(room + 1, data, bytes);
    return (qvl_st_tensor){ .name = "t", .dtype = dtype, .rank = 1, .shape = { n },
                            .n_elems = n, .data = room + 1, .bytes = bytes };
}

static void test_to_f32(void)
{
    static const float f32[] = { 0, -1.5f, 3e38f, 1e-45f, INFINITY };
    static const uint16_t bf16[] = { 0x3f80, 0xc000, 0x7f80, 0x0001, 0x8000 };
    static const uint16_t f16[] = { 0x3c00, 0xc000, 0x7c00, 0x0001, 0x8000 };
    static const double f64[] = { 0.1, -1e300, 1.5, 1e-320, 16777217.0 };
    static const int32_t i32[] = { 0, -1, INT32_MAX, INT32_MIN, 16777217 };
    static const int64_t i64[] = { 0, -100, INT64_MAX, INT64_MIN, 16777217 };
    static const struct {
        int dtype;
        const void *data;
        float wanted[5];
    } cases[] = {
        { QVL_F32, f32, { 0, -1.5f, 3e38f, 1e-45f, INFINITY } },
        { QVL_BF16, bf16, { 1, -2, INFINITY, 0x1p-133f, -0.0f } },
        { QVL_F16, f16, { 1, -2, INFINITY, 0x1p-24f, -0.0f } },
        { QVL_F64, f64, { 0.1f, -INFINITY, 1.5f, 0, 16777216 } },
        { QVL_I32, i32, { 0, -1, 0x1p31f, -0x1p31f, 16777216 } },
        { QVL_I64, i64, { 0, -100, 0x1p63f, -0x1p63f, 16777216 } },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        char room[64];
        float found[5];
        qvl_err err;
        qvl_st_tensor t = odd_tensor(room, cases[i].dtype, cases[i].data, 5);
        CHECK_OK(qvl_st_to_f32(&t, found, &err), err);
        for (int k = 0; k < 5; k++)
            CHECK(found[k] == cases[i].wanted[k], "%s %d: %a",
                  qvl_dtype_name(cases[i].dtype), k, (double)found[k]);
    }
    uint32_t nan_bits = 0x7fc00001u;
    char room[64];
    float found = 0;
    qvl_st_tensor nan = odd_tensor(room, QVL_F32, &nan_bits, 1);
    CHECK_OK(qvl_st_to_f32(&nan, &found, NULL), (qvl_err){ 0 });
    CHECK(isnan(found), "NaN stays");
    nan.n_elems = 0;
    CHECK_OK(qvl_st_to_f32(&nan, NULL, NULL), (qvl_err){ 0 });

    static const int refused[] = { QVL_U8, QVL_I8, QVL_BOOL, QVL_U32, QVL_I16,
                                   QVL_U16, QVL_U64, QVL_F8_E4M3, QVL_F8_E5M2 };
    for (size_t i = 0; i < QVL_COUNT(refused); i++) {
        qvl_err err;
        qvl_st_tensor t = odd_tensor(room, refused[i], f64, 1);
        CHECK_FAILS(qvl_st_to_f32(&t, &found, &err), QVL_E_UNSUPPORTED, err,
                    qvl_dtype_name(refused[i]));
    }
}

static void test_to_i64(void)
{
    /* Bytes 0xff make the largest of the unsigned and -1 of the signed. */
    static const unsigned char ones[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };
    static const struct {
        int dtype;
        int64_t wanted;
    } cases[] = {
        { QVL_I64, -1 }, { QVL_I32, -1 }, { QVL_I16, -1 }, { QVL_I8, -1 },
        { QVL_U32, UINT32_MAX }, { QVL_U16, UINT16_MAX }, { QVL_U8, UINT8_MAX },
    };
    char room[64];
    int64_t found = 0;
    qvl_err err;
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_st_tensor t = odd_tensor(room, cases[i].dtype, ones, 1);
        CHECK_OK(qvl_st_to_i64(&t, &found, &err), err);
        CHECK_INT(found, cases[i].wanted, "%s", qvl_dtype_name(cases[i].dtype));
    }
    qvl_st_tensor b = odd_tensor(room, QVL_BOOL, "\1", 1);
    CHECK_OK(qvl_st_to_i64(&b, &found, &err), err);
    CHECK_INT(found, 1, "bool");
    uint64_t two[2] = { INT64_MAX, (uint64_t)INT64_MAX + 1 };
    int64_t both[2];
    qvl_st_tensor u = odd_tensor(room, QVL_U64, two, 1);
    CHECK_OK(qvl_st_to_i64(&u, &found, &err), err);
    CHECK_INT(found, INT64_MAX, "u64");
    u = odd_tensor(room, QVL_U64, two, 2);
    CHECK_FAILS(qvl_st_to_i64(&u, both, &err), QVL_E_RANGE, err,
                "element 1: found 9223372036854775808");
    static const int refused[] = { QVL_F32, QVL_BF16, QVL_F16, QVL_F64,
                                   QVL_F8_E4M3, QVL_F8_E5M2 };
    for (size_t i = 0; i < QVL_COUNT(refused); i++) {
        qvl_st_tensor t = odd_tensor(room, refused[i], ones, 1);
        CHECK_FAILS(qvl_st_to_i64(&t, &found, &err), QVL_E_UNSUPPORTED, err,
                    qvl_dtype_name(refused[i]));
    }
}

RUN_TESTS(TEST(test_read), TEST(test_damaged_headers),
          TEST(test_damaged_lengths), TEST(test_cut_anywhere),
          TEST(test_changed_anywhere), TEST(test_written_bytes),
          TEST(test_write_and_read), TEST(test_empty_files),
          TEST(test_writer_faults), TEST(test_full_disk),
          TEST(test_out_of_memory), TEST(test_to_f32), TEST(test_to_i64))
