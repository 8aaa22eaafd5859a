/* team.c - a gate that threads pass to get at jobs
 *
 * The gate is one word: the number of the offer, whether it is open, and how many
 * threads besides the lead are inside. The lead opens it, takes jobs itself until
 * none is left, shuts it and waits until nobody is inside; who comes later finds
 * it shut and misses nothing. Threads that find nothing for a while sleep.
 */
#include "backend/cpu/team.h"

#include <immintrin.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Turns of waiting before a thread sleeps, some 20 ns each. Waking it takes 20 to
 * 50 us, but while it waits it takes time from other programs, and the thread that
 * the lead waits for may be put aside for one of them: the core that the lead
 * gives up is then its own. Tokens a second of decoding (shape mini) and
 * milliseconds of a training step (demo) on two cores, quiet and beside one busy
 * thread:
 *
 *     lead, others    300, 1,500   3,000, 3,000   3,000, 300
 *     tokens/s          50, 29        47, 25        45, 28
 *     ms a step         11, 18        11, 19        14, 16
 */
#define LEAD_TURNS 300
#define WAIT_TURNS 1500

#define CACHE_LINE 64

#define INSIDE_MASK (((uint64_t)1 << 16) - 1)
#define IS_OPEN ((uint64_t)1 << 16)
#define OFFER ((uint64_t)1 << 17)

struct qvl_team {
    int n_threads;
    qvl_team_job *job;  // of the offer
    void *data;
    uint32_t n_jobs;
    _Alignas(CACHE_LINE) atomic_uint_fast64_t gate;
    atomic_int n_asleep;      // threads, in `work`
    atomic_bool lead_asleep;  // in `done`
    atomic_bool is_over;
    _Alignas(CACHE_LINE) atomic_uint_fast32_t next;  // job to take
    pthread_mutex_t lock;     // of both conditions
    pthread_cond_t work;      // the gate was opened, or all is over
    pthread_cond_t done;      // nobody is inside
};

static void take_jobs(qvl_team *team, int thread)
{
    for (;;) {
        uint_fast32_t i = atomic_fetch_add_explicit(&team->next, 1,
                                                    memory_order_relaxed);
        if (i >= team->n_jobs)
            return;
        team->job(team->data, thread, (uint32_t)i);
    }
}

/* ---- the lead ----------------------------------------------------------- */

static bool is_empty(const qvl_team *team)
{
    return (atomic_load(&team->gate) & INSIDE_MASK) == 0;
}

static void wait_until_empty(qvl_team *team)
{
    for (int i = 0; i < LEAD_TURNS; i++) {
        if (is_empty(team))
            return;
        _mm_pause();
    }
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->lead_asleep, true);
    while (!is_empty(team))
        pthread_cond_wait(&team->done, &team->lock);
    atomic_store(&team->lead_asleep, false);
    pthread_mutex_unlock(&team->lock);
}

static void wake(qvl_team *team)
{
    if (atomic_load(&team->n_asleep) == 0)
        return;
    pthread_mutex_lock(&team->lock);
    pthread_cond_broadcast(&team->work);
    pthread_mutex_unlock(&team->lock);
}

void qvl_team_share(qvl_team *team, qvl_team_job *job, void *data, uint32_t n)
{
    if (team->n_threads == 1 || n < 2) {
        for (uint32_t i = 0; i < n; i++)
            job(data, 0, i);
        return;
    }
    team->job = job;
    team->data = data;
    team->n_jobs = n;
    atomic_store_explicit(&team->next, 0, memory_order_relaxed);
    atomic_fetch_add(&team->gate, OFFER | IS_OPEN);
    wake(team);
    take_jobs(team, 0);
    atomic_fetch_sub(&team->gate, IS_OPEN);
    wait_until_empty(team);
}

/* ---- the others --------------------------------------------------------- */

/* Whether there is something new since the offer that a thread saw last. */
static bool is_news(const qvl_team *team, uint64_t seen)
{
    uint64_t gate = atomic_load(&team->gate);
    return ((gate & IS_OPEN) != 0 && gate / OFFER != seen)
           || atomic_load(&team->is_over);
}

static void wait_for_news(qvl_team *team, uint64_t seen)
{
    for (int i = 0; i < WAIT_TURNS; i++) {
        if (is_news(team, seen))
            return;
        _mm_pause();
    }
    pthread_mutex_lock(&team->lock);
    atomic_fetch_add(&team->n_asleep, 1);
    while (!is_news(team, seen))
        pthread_cond_wait(&team->work, &team->lock);
    atomic_fetch_sub(&team->n_asleep, 1);
    pthread_mutex_unlock(&team->lock);
}

/* Through the gate if it is open; *seen is the offer then. */
static bool enter(qvl_team *team, uint64_t *seen)
{
    uint64_t gate = atomic_load(&team->gate);
    while ((gate & IS_OPEN) != 0 && gate / OFFER != *seen)
        if (atomic_compare_exchange_weak(&team->gate, &gate, gate + 1)) {
            *seen = gate / OFFER;
            return true;
        }
    return false;
}

static void leave(qvl_team *team)
{
    uint64_t gate = atomic_fetch_sub(&team->gate, 1) - 1;
    if ((gate & (INSIDE_MASK | IS_OPEN)) != 0
        || !atomic_load(&team->lead_asleep))
        return;
    pthread_mutex_lock(&team->lock);
    pthread_cond_signal(&team->done);
    pthread_mutex_unlock(&team->lock);
}

static void follow(qvl_team *team, int thread)
{
    uint64_t seen = 0;
    while (!atomic_load(&team->is_over)) {
        if (enter(team, &seen)) {
            take_jobs(team, thread);
            leave(team);
        }
        wait_for_news(team, seen);
    }
}

void qvl_team_run(int n_threads, void (*lead)(qvl_team *team, void *data),
                  void *data)
{
    qvl_team team = { .n_threads = n_threads,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .work = PTHREAD_COND_INITIALIZER,
                      .done = PTHREAD_COND_INITIALIZER };
    /* It belongs to the program: put it back afterwards. */
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    #pragma omp parallel num_threads(n_threads) if (n_threads > 1)
    {
        int thread = omp_get_thread_num();
        if (thread == 0) {
            lead(&team, data);
            atomic_store(&team.is_over, true);
            wake(&team);
        } else {
            follow(&team, thread);
        }
    }
    omp_set_num_threads(before);
}
