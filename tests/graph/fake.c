/* fake.c - the back end of the tests */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A rule of backend.h: broken, the test ends, in builds without asserts too. */
#define MUST(cond)                                                            \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)

typedef struct {
    const qvl_kernel *kernel;  // NULL: a copy
    void *buf[QVL_KERNEL_MAX_BUFS];
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
    size_t bytes;              // of a copy from buf[1] to buf[0]
} call;

struct qvl_list {
    call *call;
    int n, cap;
};

static qvl_list *open_list;  // of the one device that records

typedef struct {
    size_t bytes;
    unsigned char *p;
} memory;

static fake_device *fake_of(qvl_device *dev)
{
    return (fake_device *)dev;
}

static int count_call(fake_device *f, fake_call which, int code, qvl_err *err)
{
    if (++f->n_calls[which] == f->fail_at[which])
        return qvl_fail(err, code, "injected fault");
    return QVL_OK;
}

unsigned char *fake_bytes(const qvl_buf *buf)
{
    return ((const memory *)buf->id)->p;
}

static int fake_alloc(qvl_device *dev, size_t bytes, qvl_buf *buf,
                      qvl_err *err)
{
    fake_device *f = fake_of(dev);
    MUST(bytes > 0 && bytes <= dev->info.max_alloc_bytes);
    QVL_TRY(count_call(f, FAKE_ALLOC, QVL_E_DEVICE_MEMORY, err));
    memory *m = malloc(sizeof *m);
    *m = (memory){bytes, malloc(bytes)};
    uint32_t poison = FAKE_POISON;
    for (size_t i = 0; i + 4 <= bytes; i += 4)
        memcpy(m->p + i, &poison, 4);
    f->n_bufs++;
    f->counts.bytes_held += bytes;
    if (f->counts.bytes_held > f->counts.bytes_held_peak)
        f->counts.bytes_held_peak = f->counts.bytes_held;
    *buf = (qvl_buf){m, bytes};
    return QVL_OK;
}

static void fake_release(qvl_device *dev, qvl_buf *buf)
{
    fake_device *f = fake_of(dev);
    memory *m = buf->id;
    MUST(m != NULL);
    f->n_bufs--;
    f->counts.bytes_held -= m->bytes;
    free(m->p);
    free(m);
    *buf = (qvl_buf){0};
}

static unsigned char *bytes_of(qvl_slice s)
{
    MUST(s.at % 4 == 0 && s.at + s.bytes <= s.buf->bytes);
    return fake_bytes(s.buf) + s.at;
}

static int fake_write(qvl_device *dev, qvl_slice dst, const void *src,
                      qvl_err *err)
{
    QVL_TRY(count_call(fake_of(dev), FAKE_WRITE, QVL_E_DEVICE_LOST, err));
    MUST(dst.bytes > 0 && dst.bytes % 4 == 0);
    memcpy(bytes_of(dst), src, dst.bytes);
    fake_of(dev)->counts.bytes_up += dst.bytes;
    return QVL_OK;
}

static int fake_read(qvl_device *dev, qvl_slice src, void *dst, qvl_err *err)
{
    QVL_TRY(count_call(fake_of(dev), FAKE_READ, QVL_E_DEVICE_LOST, err));
    MUST(src.bytes > 0 && src.bytes % 4 == 0);
    memcpy(dst, bytes_of(src), src.bytes);
    fake_of(dev)->counts.bytes_down += src.bytes;
    return QVL_OK;
}

static int fake_list_begin(qvl_device *dev, qvl_err *err)
{
    (void)err;
    MUST(!fake_of(dev)->is_recording);
    fake_of(dev)->is_recording = true;
    open_list = calloc(1, sizeof *open_list);
    fake_of(dev)->n_lists++;
    return QVL_OK;
}

/* The rules of backend.h for what a dispatch binds. */
static void check_slices(const qvl_device *dev, const qvl_kernel *k,
                         const qvl_slice *buf)
{
    for (int b = 0; b < k->n_bufs; b++) {
        MUST(buf[b].bytes >= 16);
        MUST(buf[b].bytes <= dev->info.max_binding_bytes);
        MUST(buf[b].at % dev->info.align_bytes == 0);
        MUST(buf[b].at + buf[b].bytes <= buf[b].buf->bytes);
        for (int c = 0; c < k->n_bufs; c++) {
            bool apart = buf[b].buf->id != buf[c].buf->id
                         || buf[b].at + buf[b].bytes <= buf[c].at
                         || buf[c].at + buf[c].bytes <= buf[b].at;
            MUST(b == c || k->access[b] == QVL_ACCESS_IN || apart);
        }
    }
}

static call *append(qvl_list *l)
{
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 64 : 2 * l->cap;
        l->call = realloc(l->call, (size_t)l->cap * sizeof *l->call);
    }
    call *c = &l->call[l->n++];
    *c = (call){0};
    return c;
}

static int fake_copy(qvl_device *dev, qvl_slice dst, qvl_slice src,
                     qvl_err *err)
{
    (void)err;
    MUST(fake_of(dev)->is_recording);
    MUST(dst.bytes == src.bytes);
    call *c = append(open_list);
    c->buf[0] = bytes_of(dst);
    c->buf[1] = bytes_of(src);
    c->bytes = dst.bytes;
    return QVL_OK;
}

static int fake_dispatch(qvl_device *dev, const qvl_kernel *k,
                         const qvl_slice *bufs, const uint32_t *args,
                         qvl_err *err)
{
    MUST(fake_of(dev)->is_recording);
    QVL_TRY(count_call(fake_of(dev), FAKE_DISPATCH, QVL_E_DEVICE, err));
    check_slices(dev, k, bufs);
    uint64_t turns;
    QVL_TRY(qvl_device_turns(dev, k, args, &turns, err));
    MUST(turns <= dev->info.max_turns);
    call *c = append(open_list);
    c->kernel = k;
    for (int b = 0; b < k->n_bufs; b++)
        c->buf[b] = bytes_of(bufs[b]);
    memcpy(c->arg, args, (size_t)k->n_args * sizeof *args);
    return QVL_OK;
}

static void fake_list_release(qvl_device *dev, qvl_list *list)
{
    fake_of(dev)->n_lists--;
    free(list->call);
    free(list);
}

static int fake_list_end(qvl_device *dev, qvl_list **list, qvl_err *err)
{
    MUST(fake_of(dev)->is_recording);
    fake_of(dev)->is_recording = false;
    int rc = count_call(fake_of(dev), FAKE_LIST_END, QVL_E_DEVICE, err);
    if (rc != QVL_OK) {
        fake_list_release(dev, open_list);
        return rc;
    }
    *list = open_list;
    return QVL_OK;
}

static int fake_submit(qvl_device *dev, qvl_list *list, qvl_err *err)
{
    fake_device *f = fake_of(dev);
    QVL_TRY(count_call(f, FAKE_SUBMIT, QVL_E_DEVICE_LOST, err));
    f->counts.n_submits++;
    for (int i = 0; i < list->n; i++) {
        const call *c = &list->call[i];
        if (c->kernel != NULL)
            c->kernel->c[0](c->buf, c->arg, 0, 1);
        else
            memcpy(c->buf[0], c->buf[1], c->bytes);
        if (f->after != NULL)
            f->after(f->after_arg, i);
    }
    return QVL_OK;
}

static int fake_wait(qvl_device *dev, qvl_err *err)
{
    (void)err;
    fake_of(dev)->counts.n_waits++;
    return QVL_OK;
}

static void *fake_host(qvl_device *dev, qvl_slice slice)
{
    (void)dev;
    return bytes_of(slice);
}

static const qvl_backend backend = {
    .name = "fake",
    .alloc = fake_alloc,
    .release = fake_release,
    .write = fake_write,
    .read = fake_read,
    .host = fake_host,
    .list_begin = fake_list_begin,
    .dispatch = fake_dispatch,
    .copy = fake_copy,
    .list_end = fake_list_end,
    .list_release = fake_list_release,
    .submit = fake_submit,
    .wait = fake_wait,
};

void fake_open(fake_device *dev)
{
    *dev = (fake_device){
        .base = {
            .be = &backend,
            .info = {
                .backend = "fake",
                .max_alloc_bytes = (size_t)1 << 30,
                .max_binding_bytes = (size_t)1 << 30,
                .align_bytes = 64,
            },
        },
    };
    fake_n_poison = 0;
}
