/* each.c - the same work for many things, by several threads */
#include "base/each.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

/* Things taken at a time, at most: few enough to end together, enough that taking
 * them costs nothing. */
#define STRETCH 32

typedef struct {
    size_t n;
    size_t stretch;
    qvl_each_fn *work;
    void *ctx;
    atomic_size_t next;
    atomic_size_t end;      // first thing that failed, or n
    pthread_mutex_t lock;
    int rc;                 // of the thing `end`, under the lock
    qvl_err err;
} run;

typedef struct {
    run *r;
    size_t i;
    int thread;
    qvl_arena *arena;
    qvl_err err;
} step;

static int do_step(void *arg)
{
    step *s = arg;
    return s->r->work(s->r->ctx, s->i, s->thread, s->arena, &s->err);
}

/* Errors of things behind one that failed before are dropped. */
static void note_error(run *r, const step *s, int rc)
{
    pthread_mutex_lock(&r->lock);
    if (s->i < atomic_load(&r->end)) {
        atomic_store(&r->end, s->i);
        r->rc = rc;
        r->err = s->err;
    }
    pthread_mutex_unlock(&r->lock);
}

static void *take_steps(void *arg)
{
    step *s = arg;
    run *r = s->r;
    for (;;) {
        size_t first = atomic_fetch_add(&r->next, r->stretch);
        if (first >= atomic_load(&r->end))
            return NULL;
        for (s->i = first; s->i < first + r->stretch; s->i++) {
            if (s->i >= atomic_load(&r->end))
                break;
            int rc = qvl_guard(do_step, s, &s->err);
            if (rc != QVL_OK)
                note_error(r, s, rc);
        }
    }
}

int qvl_each_threads(int wanted, size_t n)
{
    long here = wanted > 0 ? wanted : sysconf(_SC_NPROCESSORS_ONLN);
    if (here > QVL_EACH_MOST)
        here = QVL_EACH_MOST;
    if (here > 1 && (size_t)here > n)
        here = (long)n;
    return here > 1 ? (int)here : 1;
}

int qvl_each(size_t n, int n_threads, qvl_each_fn *work, void *ctx,
             qvl_arena *arena, qvl_err *err)
{
    pthread_t thread[QVL_EACH_MOST];
    step steps[QVL_EACH_MOST];
    qvl_arena own[QVL_EACH_MOST] = { 0 };
    run r = { .n = n, .work = work, .ctx = ctx,
              .lock = PTHREAD_MUTEX_INITIALIZER };
    int n_begun = 0;
    n_threads = n_threads < QVL_EACH_MOST ? n_threads : QVL_EACH_MOST;
    r.stretch = n / ((size_t)n_threads * 4);
    r.stretch = r.stretch > STRETCH ? STRETCH : r.stretch > 0 ? r.stretch : 1;
    atomic_init(&r.end, n);
    for (int t = 0; t < n_threads; t++)
        steps[t] = (step){ .r = &r, .thread = t,
                           .arena = arena != NULL ? &arena[t] : &own[t] };
    while (n_begun + 1 < n_threads
           && pthread_create(&thread[n_begun], NULL, take_steps,
                             &steps[n_begun + 1]) == 0)
        n_begun++;
    take_steps(&steps[0]);
    for (int t = 0; t < n_begun; t++)
        pthread_join(thread[t], NULL);
    for (int t = 0; t < n_threads; t++)
        qvl_arena_release(&own[t]);
    if (atomic_load(&r.end) == n)
        return QVL_OK;
    if (err != NULL)
        *err = r.err;
    return r.rc;
}
