/* test_board.c - event files of TensorBoard, read back by its definition */
#include "train/board.h"

#include <dirent.h>
#include <fcntl.h>

#include "base/arena.h"
#include "base/file.h"
#include "check.h"

/* ---- an independent reader ----------------------------------------------- */

typedef struct {
    const unsigned char *p;
    size_t n;
    size_t at;
} bytes;

static uint64_t little(bytes *b, int n)
{
    uint64_t v = 0;
    CHECK(b->at + (size_t)n <= b->n, "byte %zu of %zu", b->at, b->n);
    for (int i = 0; i < n; i++)
        v += (uint64_t)b->p[b->at++] << (8 * i);
    return v;
}

static uint64_t varint(bytes *b)
{
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        uint64_t byte = little(b, 1);
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
}

static bytes part(bytes *b)
{
    size_t n = (size_t)varint(b);
    CHECK(b->at + n <= b->n, "%zu bytes at %zu of %zu", n, b->at, b->n);
    bytes inner = { b->p + b->at, n, 0 };
    b->at += n;
    return inner;
}

/* By table, eight bits at a time, unlike the writer. */
static uint32_t crc(const unsigned char *p, size_t n)
{
    uint32_t table[256], c = 0xffffffffu;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++)
            v = v & 1 ? 0x82f63b78u ^ (v >> 1) : v >> 1;
        table[i] = v;
    }
    for (size_t i = 0; i < n; i++)
        c = table[(c ^ p[i]) & 0xff] ^ (c >> 8);
    c = ~c;
    return ((c >> 15) | (c << 17)) + 0xa282ead8u;
}

/* The payload of the next record, its sums checked. */
static bytes record(bytes *file)
{
    const unsigned char *head = file->p + file->at;
    bytes payload = { NULL, (size_t)little(file, 8), 0 };
    CHECK_INT(little(file, 4), crc(head, 8), "sum of the length");
    CHECK(payload.n <= file->n - file->at, "length %zu", payload.n);
    payload.p = file->p + file->at;
    file->at += payload.n;
    CHECK_INT(little(file, 4), crc(payload.p, payload.n), "sum of the payload");
    return payload;
}

/* An event as text: "T STEP version" or "T STEP tag=value ...". */
static void dump(char *out, size_t size, bytes event)
{
    double time = 0;
    int64_t step = 0;
    char rest[512] = "";
    while (event.at < event.n) {
        uint64_t key = varint(&event);
        if (key == (1 << 3 | 1)) {
            uint64_t bits = little(&event, 8);
            memcpy(&time, &bits, 8);
        } else if (key == (2 << 3 | 0)) {
            step = (int64_t)varint(&event);
        } else if (key == (3 << 3 | 2)) {
            bytes text = part(&event);
            snprintf(rest, sizeof rest, " %.*s", (int)text.n, text.p);
        } else if (key == (5 << 3 | 2)) {
            bytes summary = part(&event);
            while (summary.at < summary.n) {
                CHECK_INT(varint(&summary), 1 << 3 | 2, "Summary.value");
                bytes value = part(&summary);
                CHECK_INT(varint(&value), 1 << 3 | 2, "Value.tag");
                bytes tag = part(&value);
                CHECK_INT(varint(&value), 2 << 3 | 5, "Value.simple_value");
                uint32_t bits = (uint32_t)little(&value, 4);
                float v;
                memcpy(&v, &bits, 4);
                size_t n = strlen(rest);
                snprintf(rest + n, sizeof rest - n, " %.*s=%g", (int)tag.n,
                         tag.p, v);
                CHECK_INT(value.at, value.n, "rest of a Value");
            }
        } else {
            CHECK(false, "unknown field %llu", (unsigned long long)key);
        }
    }
    snprintf(out, size, "%.3f %lld%s", time, (long long)step, rest);
}

static int n_files(const char *folder, char *last, size_t size)
{
    int n = 0;
    DIR *d = opendir(folder);
    CHECK(d != NULL, "%s", folder);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (strncmp(e->d_name, "events.out.tfevents.1700000000.", 31) == 0) {
            snprintf(last, size, "%s/%s", folder, e->d_name);
            n++;
        }
    closedir(d);
    return n;
}

/* ---- tests --------------------------------------------------------------- */

static void test_crc(void)
{
    CHECK_INT(qvl_crc32c("123456789", 9), 0xe3069283u, "the check value");
    CHECK_INT(qvl_crc32c("", 0), 0, "nothing");
    /* vectors of RFC 3720, B.4 */
    unsigned char v[32];
    memset(v, 0, sizeof v);
    CHECK_INT(qvl_crc32c(v, 32), 0x8a9136aau, "32 zeros");
    memset(v, 0xff, sizeof v);
    CHECK_INT(qvl_crc32c(v, 32), 0x62a8ab43u, "32 ones");
    for (int i = 0; i < 32; i++)
        v[i] = (unsigned char)i;
    CHECK_INT(qvl_crc32c(v, 32), 0x46dd794eu, "counting up");
    for (int i = 0; i < 32; i++)
        v[i] = (unsigned char)(31 - i);
    CHECK_INT(qvl_crc32c(v, 32), 0x113fdb5cu, "counting down");
    CHECK_INT(qvl_crc32c_masked(v, 32), crc(v, 32), "masked");
}

static void test_file(void)
{
    qvl_err err;
    qvl_arena a = { 0 };
    qvl_board *b, *other;
    const char *folder = check_path("runs/a/b");
    CHECK_OK(qvl_board_open(&b, folder, 1700000000.5, &err), err);
    qvl_board_put(b, "train/loss", 0.5);
    qvl_board_put(b, "train/lr", 1e-30);
    CHECK_OK(qvl_board_commit(b, 7, 1700000001.25, &err), err);
    CHECK_OK(qvl_board_commit(b, 8, 0, &err), err);  // nothing was put
    qvl_board_put(b, "eval/loss", -3);
    CHECK_OK(qvl_board_commit(b, INT64_C(300) << 32, 2, &err), err);

    char path[512], text[600];
    CHECK_INT(n_files(folder, path, sizeof path), 1, "files");
    /* before it is closed: a reader sees every event at once */
    char *data;
    size_t n;
    CHECK_OK(qvl_file_read(path, &data, &n, &a, &err), err);
    bytes file = { (unsigned char *)data, n, 0 };
    static const char *const wanted[] = {
        "1700000000.500 0 brain.Event:2",
        "1700000001.250 7 train/loss=0.5 train/lr=1e-30",
        "2.000 1288490188800 eval/loss=-3",
    };
    for (size_t i = 0; i < QVL_COUNT(wanted); i++) {
        dump(text, sizeof text, record(&file));
        CHECK_STR(text, wanted[i], "event %zu", i);
    }
    CHECK_INT(file.at, file.n, "end of the file");
    CHECK_OK(qvl_board_open(&other, folder, 1700000000.5, &err), err);
    CHECK_INT(n_files(folder, path, sizeof path), 2, "a name of its own");
    qvl_board_close(other);
    qvl_board_close(b);
    qvl_board_close(NULL);
    qvl_arena_release(&a);
}

static void test_refused(void)
{
    qvl_err err;
    qvl_board *b = NULL;
    const char *file = check_path("file");
    CHECK_OK(qvl_file_write_all(file, "x", 1, &err), err);
    CHECK_FAILS(qvl_board_open(&b, file, 1, &err), QVL_E_IO, err, "file");
    CHECK(b == NULL, "unchanged");
}

RUN_TESTS(TEST(test_crc), TEST(test_file), TEST(test_refused))
