/* list.c - lists of the processor: recorded as calls, run in order
 *
 * The groups of a call are cut into chunks that threads take from a shared
 * counter. Cores are shared with other programs; with equal parts for all, the
 * thread that was put aside for a while would be waited for by the rest.
 */
#include "backend/cpu/cpu.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/team.h"
#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Chunks a thread takes on average: the last one to finish keeps the others
 * waiting for at most a sixteenth of its share. A chunk costs one atomic
 * addition. */
#define CHUNKS_PER_THREAD 16

/* Waking the other threads takes 20 to 50 us (two cores, threads that sleep).
 * A call that touches fewer bytes than this is over by then. */
#define PARALLEL_FROM_BYTES ((size_t)32 << 10)

/* The level of x86-64 that QVL_ISA_V2 is. */
#define FIRST_LEVEL 2

/* Largest LIBRARY_FROM. */
#define MOST_FROM 65536

int qvl_cpu_list_begin(qvl_device *base, qvl_err *err)
{
    (void)err;
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    qvl_cpu_list_release(base, dev->open);
    dev->open = NULL;
    qvl_list *list = qvl_memory_zeroed(1, sizeof *list);
    list->end = &list->first;
    dev->open = list;
    return QVL_OK;
}

static void append(qvl_list *list, qvl_cpu_call *call)
{
    *list->end = call;
    list->end = &call->next;
}

/* The function for the best instruction set not above this one. */
static qvl_kernel_fn *choose_fn(const qvl_kernel *k, int isa)
{
    for (int i = isa; i >= 0; i--)
        if (k->c[i] != NULL)
            return k->c[i];
    return NULL;
}

static qvl_store_fn *choose_store(const qvl_kernel *k, int isa)
{
    for (int i = isa; i >= 0; i--)
        if (k->c_store[i] != NULL)
            return k->c_store[i];
    return NULL;
}

/* Let the library take the call where it is a product that it may have. */
static int try_library(qvl_cpu_device *dev, const qvl_kernel *k, int isa,
                       const qvl_choice *c, const uint32_t *args,
                       qvl_cpu_call *call, qvl_err *err)
{
    qvl_store_fn *store = choose_store(k, isa);
    uint32_t from = c != NULL && c->n > 1 ? c->value[1] : 1;
    if (dev->lib == NULL || store == NULL || call->n_groups == 0 || from == 0)
        return QVL_OK;
    QVL_TRY(qvl_build_library->product_open(&call->product, dev->lib, k, store,
                                            call->buf, args, from, err));
    if (call->product != NULL)
        call->kind = CPU_PRODUCT;
    return QVL_OK;
}

int qvl_cpu_dispatch(qvl_device *base, const qvl_kernel *k,
                     const qvl_slice *bufs, const uint32_t *args,
                     qvl_err *err)
{
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    assert(dev->open != NULL && "list_begin comes first");

    qvl_call_size size;
    QVL_TRY(qvl_call_check(base, k, bufs, args, &size, err));
    int isa = size.choice != NULL ? (int)size.choice->value[0] - FIRST_LEVEL
                                  : (int)dev->isa;
    qvl_kernel_fn *fn = choose_fn(k, isa);
    if (fn == NULL)
        return qvl_fail(err, QVL_E_UNSUPPORTED,
                        "kernel %s (device cpu:0): found no code for x86-64-%s or "
                        "less in this build, expected some", k->name,
                        qvl_isa_name((qvl_isa)isa));

    qvl_cpu_call *call = qvl_arena_alloc(&dev->open->arena, sizeof *call);
    call->kind = CPU_KERNEL;
    call->fn = fn;
    call->n_groups = size.n_groups;
    for (int i = 0; i < k->n_bufs; i++) {
        call->buf[i] = qvl_cpu_ptr(bufs[i]);
        call->bytes += bufs[i].bytes;
    }
    memcpy(call->arg, args, (size_t)k->n_args * sizeof *args);
    QVL_TRY(try_library(dev, k, isa, size.choice, args, call, err));
    append(dev->open, call);
    return QVL_OK;
}

void qvl_cpu_choice(const qvl_device *base, const qvl_kernel *k,
                    qvl_choice *c)
{
    const qvl_cpu_device *dev = (const qvl_cpu_device *)base;
    int isa = (int)dev->isa;
    while (isa > 0 && k->c[isa] == NULL)
        isa--;
    *c = (qvl_choice){ .n = 1, .name = { "ISA", "LIBRARY_FROM" },
                       .value = { (uint32_t)(isa + FIRST_LEVEL), 1 } };
    if (dev->lib != NULL && choose_store(k, isa) != NULL)
        c->n = 2;
}

int qvl_cpu_choice_check(const qvl_device *base, const qvl_kernel *k,
                         const qvl_choice *c, qvl_err *err)
{
    const qvl_cpu_device *dev = (const qvl_cpu_device *)base;
    uint32_t best = (uint32_t)dev->isa + FIRST_LEVEL;
    uint32_t isa = c->value[0];
    if (isa < FIRST_LEVEL || isa > best || k->c[isa - FIRST_LEVEL] == NULL)
        return qvl_fail(err, QVL_E_CONFIG, "kernel %s: found ISA = %u, "
                        "expected %d to %u, the levels of x86-64 there",
                        k->op, (unsigned)isa, FIRST_LEVEL, (unsigned)best);
    if (c->n > 1 && c->value[1] > MOST_FROM)
        return qvl_fail(err, QVL_E_CONFIG, "kernel %s: found LIBRARY_FROM = "
                        "%u, expected 0 to %d", k->op, (unsigned)c->value[1],
                        MOST_FROM);
    return QVL_OK;
}

int qvl_cpu_copy(qvl_device *base, qvl_slice dst, qvl_slice src, qvl_err *err)
{
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    (void)err;
    assert(dev->open != NULL && "list_begin comes first");
    qvl_copy_check(dst, src);

    qvl_cpu_call *call = qvl_arena_alloc(&dev->open->arena, sizeof *call);
    call->kind = CPU_COPY;
    call->buf[0] = qvl_cpu_ptr(dst);
    call->buf[1] = qvl_cpu_ptr(src);
    call->bytes = dst.bytes;
    append(dev->open, call);
    return QVL_OK;
}

int qvl_cpu_list_end(qvl_device *base, qvl_list **list, qvl_err *err)
{
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    (void)err;
    assert(dev->open != NULL);
    *list = dev->open;
    dev->open = NULL;
    return QVL_OK;
}

void qvl_cpu_list_release(qvl_device *base, qvl_list *list)
{
    (void)base;
    if (list == NULL)
        return;
    for (qvl_cpu_call *c = list->first; c != NULL; c = c->next)
        if (c->product != NULL)
            qvl_build_library->product_close(c->product);
    qvl_arena_release(&list->arena);
    free(list);
}

/* Groups of a kernel, `chunk` of them a job. */
typedef struct {
    const qvl_cpu_call *call;
    uint32_t chunk;
} kernel_run;

static void run_groups(void *data, int thread, uint32_t job)
{
    (void)thread;
    const kernel_run *r = data;
    const qvl_cpu_call *call = r->call;
    uint32_t g0 = job * r->chunk;
    uint32_t left = call->n_groups - g0;
    call->fn(call->buf, call->arg, g0, g0 + (left < r->chunk ? left : r->chunk));
}

static void run_kernel(qvl_team *team, const qvl_cpu_call *call, int n_threads)
{
    uint32_t n = call->n_groups;
    if (n == 0)
        return;
    if (call->bytes < PARALLEL_FROM_BYTES) {
        call->fn(call->buf, call->arg, 0, n);
        return;
    }
    uint32_t chunk = n / ((uint32_t)n_threads * CHUNKS_PER_THREAD);
    kernel_run r = { call, chunk > 0 ? chunk : 1 };
    qvl_team_share(team, run_groups, &r, (n - 1) / r.chunk + 1);
}

static void run_block(void *product, int thread, uint32_t job)
{
    qvl_build_library->product_block(product, thread, job);
}

static int run_product(qvl_team *team, qvl_product *p, qvl_err *err)
{
    uint32_t n = qvl_build_library->product_n_blocks(p);
    qvl_team_share(team, run_block, p, n);
    return qvl_build_library->product_result(p, err);
}

static int run_call(qvl_team *team, const qvl_cpu_device *dev,
                    const qvl_cpu_call *call, qvl_err *err)
{
    switch (call->kind) {
    case CPU_KERNEL:
        run_kernel(team, call, dev->n_threads);
        return QVL_OK;
    case CPU_PRODUCT:
        return run_product(team, call->product, err);
    case CPU_COPY:
        if (call->bytes > 0)
            memcpy(call->buf[0], call->buf[1], call->bytes);
        return QVL_OK;
    }
    return QVL_OK;
}

typedef struct {
    const qvl_cpu_device *dev;
    const qvl_list *list;
    double *s;     // [calls] seconds of each; NULL: not wanted
    int rc;
    qvl_err *err;
} list_run;

static void run_list(qvl_team *team, void *data)
{
    list_run *r = data;
    double *s = r->s;
    double start = s != NULL ? qvl_clock_s() : 0.0;
    for (const qvl_cpu_call *c = r->list->first; c != NULL; c = c->next) {
        r->rc = run_call(team, r->dev, c, r->err);
        if (r->rc != QVL_OK)
            return;
        if (s == NULL)
            continue;
        double end = qvl_clock_s();
        *s++ = end - start;
        start = end;
    }
}

int qvl_cpu_submit(qvl_device *base, qvl_list *list, qvl_err *err)
{
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    dev->counts.n_submits++;
    dev->pending = true;
    list_run r = { .dev = dev, .list = list, .err = err };
    qvl_team_run(dev->n_threads, run_list, &r);
    return r.rc;
}

int qvl_cpu_profile(qvl_device *base, qvl_list *list, double *s, qvl_err *err)
{
    const qvl_cpu_device *dev = (const qvl_cpu_device *)base;
    list_run r = { .dev = dev, .list = list, .s = s, .err = err };
    qvl_team_run(dev->n_threads, run_list, &r);
    return r.rc;
}
