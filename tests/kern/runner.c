/* runner.c - operands in double, rounded to a form's types, sent to each device and
 * back
 */
#include "runner.h"

#include "backend/cpu/isa.h"
#include "base/half.h"
#include "check.h"
#include "tensor/dtype.h"

extern const qvl_kernel *const kern_table[];
extern const int kern_table_count;

static target targets[8];
static int n_targets;

static void close_targets(void)
{
    for (int i = 0; i < n_targets; i++)
        qvl_device_close(targets[i].dev);
    n_targets = 0;
}

static bool has_device(const char *backend)
{
    int n;
    const qvl_backend *const *be = qvl_backends(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(be[i]->name, backend) == 0)
            return be[i]->count() > 0;
    return false;
}

static void open_target(const char *name, const char *device)
{
    qvl_err err = { 0 };
    if (!has_device(device)) {
        print_message("SKIP %s: no device\n", name);
        return;
    }
    target *t = &targets[n_targets];
    *t = (target){ .name = name };
    CHECK_OK(qvl_device_open(&t->dev, device, 2, &err), err);
    n_targets++;
}

static void open_isa(const char *name, qvl_isa isa)
{
    const char *only = getenv("QVL_TEST_ISA");
    if (only != NULL && strcmp(only, qvl_isa_name(isa)) != 0) {
        print_message("SKIP %s: not QVL_TEST_ISA\n", name);
        return;
    }
    if (!qvl_isa_is_present(isa)) {
        print_message("SKIP %s: not of this processor\n", name);
        return;
    }
    setenv("QVL_ISA", qvl_isa_name(isa), 1);
    open_target(name, "cpu");
    unsetenv("QVL_ISA");
}

const target *runner_targets(int *n)
{
    if (n_targets == 0) {
        atexit(close_targets);
        open_isa("cpu v2", QVL_ISA_V2);
        open_isa("cpu v3", QVL_ISA_V3);
        open_isa("cpu v4", QVL_ISA_V4);
        if (getenv("QVL_TEST_ISA") == NULL) {
            open_target("opencl", "opencl");
            open_target("vulkan", "vulkan");
        } else {
            print_message("SKIP opencl, vulkan: QVL_TEST_ISA\n");
        }
    }
    CHECK(n_targets > 0, "no device: what is not run is not right");
    *n = n_targets;
    return targets;
}

const qvl_kernel *runner_kernel(const char *name)
{
    for (int i = 0; i < kern_table_count; i++)
        if (strcmp(kern_table[i]->name, name) == 0)
            return kern_table[i];
    CHECK(false, "no form %s", name);
    return NULL;
}

operand operand_zeros(size_t n)
{
    return (operand){ calloc(n > 0 ? n : 1, sizeof(double)), n };
}

operand operand_random(size_t n, double lo, double hi, uint32_t seed)
{
    operand o = operand_zeros(n);
    uint64_t s = seed * 2862933555777941757u + 3037000493u;
    for (size_t i = 0; i < n; i++) {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        o.v[i] = lo + (hi - lo) * (double)(s >> 11) * 0x1p-53;
    }
    return o;
}

void operand_release(operand *o)
{
    free(o->v);
    *o = (operand){ 0 };
}

uint32_t f32_word(float x)
{
    return qvl_f32_bits(x);
}

double dtype_step(int dtype)
{
    return dtype == QVL_BF16 ? 0x1p-8 : dtype == QVL_F16 ? 0x1p-11 : 0x1p-24;
}

static void put(void *bytes, size_t i, int dtype, double v)
{
    switch (dtype) {
    case QVL_BF16:
        ((uint16_t *)bytes)[i] = qvl_f32_to_bf16((float)v);
        break;
    case QVL_F16:
        ((uint16_t *)bytes)[i] = qvl_f32_to_f16((float)v);
        break;
    case QVL_I32:
        ((int32_t *)bytes)[i] = (int32_t)v;
        break;
    case QVL_U32:
        ((uint32_t *)bytes)[i] = (uint32_t)v;
        break;
    default:
        ((float *)bytes)[i] = (float)v;
    }
}

static double take(const void *bytes, size_t i, int dtype)
{
    switch (dtype) {
    case QVL_BF16:
        return (double)qvl_bf16_to_f32(((const uint16_t *)bytes)[i]);
    case QVL_F16:
        return (double)qvl_f16_to_f32(((const uint16_t *)bytes)[i]);
    case QVL_I32:
        return ((const int32_t *)bytes)[i];
    case QVL_U32:
        return ((const uint32_t *)bytes)[i];
    default:
        return (double)((const float *)bytes)[i];
    }
}

void operand_round(operand *o, int dtype)
{
    for (size_t i = 0; i < o->n; i++) {
        uint32_t word;
        put(&word, 0, dtype, o->v[i]);
        o->v[i] = take(&word, 0, dtype);
    }
}

/* All operands lie in one buffer, each at an aligned place. */
typedef struct {
    size_t at[QVL_KERNEL_MAX_BUFS];
    size_t bytes[QVL_KERNEL_MAX_BUFS];
    size_t total;
} layout;

static layout place(const target *t, const qvl_kernel *k, operand *const *ops)
{
    layout l = { 0 };
    size_t align = t->dev->info.align_bytes;
    align = align < 64 ? 64 : align;
    l.total = align;
    for (int i = 0; i < k->n_bufs; i++) {
        l.at[i] = l.total;
        size_t bytes = ops[i]->n * qvl_dtype_bytes(k->dtype[i]);
        l.bytes[i] = bytes < 4 ? 4 : (bytes + 3) / 4 * 4;
        l.total += (l.bytes[i] + align - 1) / align * align;
    }
    return l;
}

static void upload(const target *t, const qvl_kernel *k, operand *const *ops,
                   const layout *l, const qvl_buf *buf, char *bytes)
{
    const qvl_backend *be = t->dev->be;
    qvl_err err = { 0 };
    for (int i = 0; i < k->n_bufs; i++) {
        memset(bytes, 0, l->bytes[i]);
        operand_round(ops[i], k->dtype[i]);
        for (size_t j = 0; j < ops[i]->n; j++)
            put(bytes, j, k->dtype[i], ops[i]->v[j]);
        qvl_slice s = { buf, l->at[i], l->bytes[i] };
        CHECK_OK(be->write(t->dev, s, bytes, &err), err);
    }
}

void runner_run(const target *t, const qvl_kernel *k, operand *const *ops,
                const uint32_t *args)
{
    const qvl_backend *be = t->dev->be;
    qvl_err err = { 0 };
    layout l = place(t, k, ops);
    char *bytes = malloc(l.total);
    qvl_buf buf;
    CHECK_OK(be->alloc(t->dev, l.total, &buf, &err), err);
    upload(t, k, ops, &l, &buf, bytes);

    qvl_slice slice[QVL_KERNEL_MAX_BUFS];
    for (int i = 0; i < k->n_bufs; i++)
        slice[i] = (qvl_slice){ &buf, l.at[i], l.bytes[i] };
    qvl_list *list;
    CHECK_OK(be->list_begin(t->dev, &err), err);
    CHECK_OK(be->dispatch(t->dev, k, slice, args, &err), err);
    CHECK_OK(be->list_end(t->dev, &list, &err), err);
    CHECK_OK(be->submit(t->dev, list, &err), err);
    for (int i = 0; i < k->n_bufs; i++) {
        if (k->access[i] == QVL_ACCESS_IN)
            continue;
        CHECK_OK(be->read(t->dev, slice[i], bytes, &err), err);
        for (size_t j = 0; j < ops[i]->n; j++)
            ops[i]->v[j] = take(bytes, j, k->dtype[i]);
    }
    CHECK_OK(be->wait(t->dev, &err), err);
    be->list_release(t->dev, list);
    be->release(t->dev, &buf);
    free(bytes);
}

void runner_near(const double *found, const double *wanted, size_t n,
                 double tol, double scale, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        bool same = found[i] == wanted[i]
                    || (isnan(found[i]) && isnan(wanted[i]));
        double room = tol * fmax(scale, fabs(wanted[i]));
        CHECK(same || fabs(found[i] - wanted[i]) <= room,
              "%s, element %zu of %zu: found %.9g, wanted %.9g, within %.3g",
              what, i, n, found[i], wanted[i], room);
    }
}
