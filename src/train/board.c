/* board.c - protobuf by hand, a record and its checksums
 *
 * A reader takes what is written at once. Texts of a call belong to the board,
 * so unwinding out of memory loses nothing.
 */
#include "train/board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/str.h"

struct qvl_board {
    int fd;
    qvl_str path;
    qvl_str summary;  // values of the event that is being gathered
    // while a call lasts; here, so that unwinding out of memory loses nothing
    qvl_str value, event, record;
};

/* ---- CRC-32C ------------------------------------------------------------- */

/* Bit by bit: a log writes some hundred bytes a second. The polynomial is
 * 0x1edc6f41 with its bits reversed. */
uint32_t qvl_crc32c(const void *p, size_t n)
{
    const unsigned char *byte = p;
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        c ^= byte[i];
        for (int bit = 0; bit < 8; bit++)
            c = (c >> 1) ^ ((c & 1u) != 0 ? 0x82f63b78u : 0u);
    }
    return ~c;
}

uint32_t qvl_crc32c_masked(const void *p, size_t n)
{
    uint32_t c = qvl_crc32c(p, n);
    return ((c >> 15) | (c << 17)) + 0xa282ead8u;
}

/* ---- protobuf ------------------------------------------------------------ */

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static void put_little(qvl_str *out, uint64_t v, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        qvl_str_putc(out, (char)(v >> (8 * i)));
}

static void put_varint(qvl_str *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        qvl_str_putc(out, (char)(v | 0x80));
    qvl_str_putc(out, (char)v);
}

static void put_key(qvl_str *out, unsigned field, unsigned wire)
{
    put_varint(out, field << 3 | wire);
}

static void put_bytes(qvl_str *out, unsigned field, const char *p, size_t n)
{
    put_key(out, field, WIRE_BYTES);
    put_varint(out, n);
    qvl_str_putn(out, p, n);
}

static void put_double(qvl_str *out, unsigned field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_key(out, field, WIRE_64);
    put_little(out, bits, 8);
}

static void put_float(qvl_str *out, unsigned field, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_key(out, field, WIRE_32);
    put_little(out, bits, 4);
}

/* ---- the file ------------------------------------------------------------ */

static int write_all(const qvl_board *b, const char *p, size_t n, qvl_err *err)
{
    while (n > 0) {
        ssize_t done = write(b->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return qvl_file_fail("cannot write file", b->path.p,
                                 done < 0 ? errno : ENOSPC, "room", err);
        p += done;
        n -= (size_t)done;
    }
    return QVL_OK;
}

static int write_event(qvl_board *b, qvl_err *err)
{
    const qvl_str *event = &b->event;
    qvl_str *record = &b->record;
    qvl_str_reset(record);
    put_little(record, event->len, 8);
    put_little(record, qvl_crc32c_masked(record->p, 8), 4);
    qvl_str_putn(record, event->p, event->len);
    put_little(record, qvl_crc32c_masked(event->p, event->len), 4);
    return write_all(b, record->p, record->len, err);
}

static int write_version(qvl_board *b, double unix_s, qvl_err *err)
{
    static const char version[] = "brain.Event:2";
    qvl_str_reset(&b->event);
    put_double(&b->event, 1, unix_s);
    put_bytes(&b->event, 3, version, sizeof version - 1);
    return write_event(b, err);
}

/* A file of a name that no other has: N counts up. */
static int open_new(qvl_board *b, const char *folder, double unix_s,
                    qvl_err *err)
{
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
        strcpy(host, "localhost");
    for (int n = 0; n < 10000; n++) {
        qvl_str_reset(&b->path);
        qvl_str_printf(&b->path, "%s/events.out.tfevents.%lld.%s.%ld.%d",
                       folder, (long long)unix_s, host, (long)getpid(), n);
        b->fd = open(b->path.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (b->fd >= 0)
            return QVL_OK;
        if (errno != EEXIST)
            break;
    }
    return qvl_file_fail("cannot make an event file", folder, errno,
                         "a folder to write in", err);
}

typedef struct {
    qvl_board *b;
    const char *folder;
    double unix_s;
    qvl_err *err;
} opening;

static int open_steps(void *arg)
{
    const opening *o = arg;
    QVL_TRY(open_new(o->b, o->folder, o->unix_s, o->err));
    return write_version(o->b, o->unix_s, o->err);
}

int qvl_board_open(qvl_board **board, const char *folder, double unix_s,
                   qvl_err *err)
{
    QVL_TRY(qvl_file_make_dirs(folder, err));
    qvl_board *b = qvl_memory_zeroed(1, sizeof *b);
    b->fd = -1;
    opening o = { b, folder, unix_s, err };
    int rc = qvl_guard(open_steps, &o, err);
    if (rc != QVL_OK) {
        qvl_board_close(b);
        return rc;
    }
    *board = b;
    return QVL_OK;
}

void qvl_board_close(qvl_board *board)
{
    if (board == NULL)
        return;
    if (board->fd >= 0)
        close(board->fd);
    qvl_str_release(&board->path);
    qvl_str_release(&board->summary);
    qvl_str_release(&board->value);
    qvl_str_release(&board->event);
    qvl_str_release(&board->record);
    free(board);
}

void qvl_board_put(qvl_board *board, const char *tag, double value)
{
    qvl_str *v = &board->value;
    qvl_str_reset(v);
    put_bytes(v, 1, tag, strlen(tag));
    put_float(v, 2, (float)value);
    put_bytes(&board->summary, 1, v->p, v->len);
}

int qvl_board_commit(qvl_board *board, int64_t step, double unix_s,
                     qvl_err *err)
{
    if (board->summary.len == 0)
        return QVL_OK;
    qvl_str *event = &board->event;
    qvl_str_reset(event);
    put_double(event, 1, unix_s);
    put_key(event, 2, WIRE_VARINT);
    put_varint(event, (uint64_t)step);
    put_bytes(event, 5, board->summary.p, board->summary.len);
    int rc = write_event(board, err);
    qvl_str_reset(&board->summary);
    return rc;
}
