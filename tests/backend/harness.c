/* harness.c - a test on every back end that has a device here */
#include "harness.h"

#include "base/half.h"
#include "base/log.h"

qvl_device *dev;

static int n_complaints;

static void count_errors(void *ctx, int level, const char *text)
{
    (void)ctx;
    if (level != QVL_LOG_ERROR)
        return;
    n_complaints++;
    print_error("  logged |%s|\n", text);
}

void each_device(void (*fn)(void))
{
    setenv("XDG_CACHE_HOME", check_dir(), 1);
    int n;
    const qvl_backend *const *be = qvl_backends(&n);
    for (int i = 0; i < n; i++) {
        if (be[i]->count() == 0) {
            print_message("SKIP %s: no device\n", be[i]->name);
            continue;
        }
        qvl_err err;
        n_complaints = 0;
        qvl_log_set_sink(count_errors, NULL, QVL_LOG_ERROR);
        CHECK_OK(be[i]->open(&dev, 0, 2, &err), err);
        print_message("  on %s (%s, %s)\n", be[i]->name, dev->info.name,
                      dev->info.driver);
        fn();
        CHECK_INT(counts().bytes_held, 0, "%s: all given back", be[i]->name);
        qvl_device_close(dev);
        qvl_log_set_sink(NULL, NULL, 0);
        CHECK_INT(n_complaints, 0, "%s: errors logged", be[i]->name);
    }
}

qvl_buf take(size_t bytes)
{
    qvl_buf buf = { 0 };
    qvl_err err;
    CHECK_OK(dev->be->alloc(dev, bytes, &buf, &err), err);
    return buf;
}

void give(qvl_buf *buf)
{
    dev->be->release(dev, buf);
}

qvl_slice part(const qvl_buf *buf, size_t at, size_t bytes)
{
    return (qvl_slice){ .buf = buf, .at = at, .bytes = bytes };
}

qvl_slice whole(const qvl_buf *buf)
{
    return part(buf, 0, buf->bytes);
}

void put(qvl_slice dst, const void *src)
{
    qvl_err err;
    CHECK_OK(dev->be->write(dev, dst, src, &err), err);
}

void fetch(qvl_slice src, void *dst)
{
    qvl_err err;
    CHECK_OK(dev->be->read(dev, src, dst, &err), err);
}

void list_begin(void)
{
    qvl_err err;
    CHECK_OK(dev->be->list_begin(dev, &err), err);
}

void add(qvl_slice a, qvl_slice b, qvl_slice y)
{
    const qvl_slice bufs[] = { a, b, y };
    const uint32_t args[] = { (uint32_t)(y.bytes / sizeof(float)) };
    qvl_err err;
    CHECK_OK(dev->be->dispatch(dev, &tiny_add, bufs, args, &err), err);
}

void scale(qvl_slice y, uint32_t period, float s, float c)
{
    const uint32_t args[] = { (uint32_t)(y.bytes / sizeof(float)), period,
                              qvl_f32_bits(s), qvl_f32_bits(c) };
    qvl_err err;
    CHECK_OK(dev->be->dispatch(dev, &tiny_scale, &y, args, &err), err);
}

void copy(qvl_slice dst, qvl_slice src)
{
    qvl_err err;
    CHECK_OK(dev->be->copy(dev, dst, src, &err), err);
}

qvl_list *list_end(void)
{
    qvl_list *list = NULL;
    qvl_err err;
    CHECK_OK(dev->be->list_end(dev, &list, &err), err);
    return list;
}

void submit(qvl_list *list)
{
    qvl_err err;
    CHECK_OK(dev->be->submit(dev, list, &err), err);
}

void list_run(void)
{
    qvl_list *list = list_end();
    submit(list);
    dev->be->list_release(dev, list);
}

qvl_device_counts counts(void)
{
    qvl_device_counts c;
    dev->be->counts(dev, &c);
    return c;
}
