/* test_team.c - each job is done once, by any number of threads, asleep or not */
#include "check.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "backend/cpu/team.h"

#define MOST_JOBS 4099
#define MOST_THREADS 7

/* Longer than a thread waits before it sleeps. */
#define LONG_NS 3000000

static void sleep_long(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = LONG_NS }, NULL);
}

/* What the jobs of one offer did. */
typedef struct {
    uint32_t offer;
    uint32_t slow_job;      // sleeps; UINT32_MAX: none
    int n_threads;
    uint32_t *done;         // [MOST_JOBS] the offer that job i was done for
    uint32_t *times;        // [MOST_JOBS] how often it was done
    bool is_thread_wrong;
    uint32_t n_wrong;       // jobs not done, or more than once
} work;

static void do_job(void *data, int thread, uint32_t i)
{
    work *w = data;
    if (thread < 0 || thread >= w->n_threads)
        w->is_thread_wrong = true;
    if (i == w->slow_job)
        sleep_long();
    w->done[i] = w->offer;
    w->times[i]++;
}

static void offer(qvl_team *team, work *w, uint32_t n)
{
    w->offer++;
    qvl_team_share(team, do_job, w, n);
    for (uint32_t i = 0; i < n; i++)
        w->n_wrong += w->done[i] != w->offer || w->times[i] != 1;
    memset(w->times, 0, MOST_JOBS * sizeof *w->times);
}

/* Many offers in a row; some after a pause in which the others fall asleep, some
 * with a job that is still being done when all are taken, the last one or the
 * first. */
static void lead(qvl_team *team, void *data)
{
    static const uint32_t sizes[] = { 0, 1, 2, 3, 7, 32, 31, 33, MOST_JOBS };
    work *w = data;
    for (int round = 0; round < 200; round++)
        for (size_t s = 0; s < QVL_COUNT(sizes); s++) {
            uint32_t n = sizes[s];
            w->slow_job = UINT32_MAX;
            if (round % 67 == 11)
                sleep_long();
            if (round % 67 == 23 && n > 0)
                w->slow_job = n - 1;
            if (round % 67 == 29)
                w->slow_job = 0;
            offer(team, w, n);
        }
}

static void test_each_job_once(void)
{
    work w = { .done = calloc(MOST_JOBS, sizeof *w.done),
               .times = calloc(MOST_JOBS, sizeof *w.times) };
    CHECK(w.done != NULL && w.times != NULL, "memory");
    for (w.n_threads = 1; w.n_threads <= MOST_THREADS; w.n_threads++)
        qvl_team_run(w.n_threads, lead, &w);
    CHECK(w.n_wrong == 0, "%u jobs", (unsigned)w.n_wrong);
    CHECK(!w.is_thread_wrong, "a thread beyond %d", MOST_THREADS);
    free(w.done);
    free(w.times);
}

/* ---- a thread that does not run ----------------------------------------- */

/* A signal handler keeps the second thread, between offers, until it may go. */
static atomic_bool is_kept, may_go;
static atomic_bool has_other;  // `other` is known
static pthread_t other;

static void keep_thread(int signal)
{
    (void)signal;
    atomic_store(&is_kept, true);
    while (!atomic_load(&may_go))
        sleep_long();
}

static void find_other(void *data, int thread, uint32_t i)
{
    (void)data;
    (void)i;
    if (thread == 1 && !atomic_load(&has_other)) {
        other = pthread_self();
        atomic_store(&has_other, true);
    }
    sleep_long();
}

static void count_lead(void *data, int thread, uint32_t i)
{
    (void)i;
    *(int *)data += thread == 0;
}

static void lead_kept(qvl_team *team, void *data)
{
    for (int i = 0; i < 1000 && !atomic_load(&has_other); i++)
        qvl_team_share(team, find_other, NULL, 2);
    if (!atomic_load(&has_other))
        return;
    pthread_kill(other, SIGUSR1);
    while (!atomic_load(&is_kept))
        sleep_long();
    for (int i = 0; i < 20; i++)
        qvl_team_share(team, count_lead, data, 100);
    atomic_store(&may_go, true);
}

static void test_nobody_waits_for_who_has_no_job(void)
{
    struct sigaction action = { .sa_handler = keep_thread }, before;
    sigaction(SIGUSR1, &action, &before);
    int n_by_lead = 0;
    qvl_team_run(2, lead_kept, &n_by_lead);
    CHECK_INT(n_by_lead, 2000, "jobs while the other thread was kept");
    sigaction(SIGUSR1, &before, NULL);
}

/* ---- OpenMP's setting --------------------------------------------------- */

static void see_setting(void *data, int thread, uint32_t i)
{
    (void)thread;
    ((int *)data)[i] = omp_get_max_threads();
}

static void lead_setting(qvl_team *team, void *data)
{
    qvl_team_share(team, see_setting, data, 64);
}

static void test_setting_is_put_back(void)
{
    omp_set_num_threads(5);
    for (int n_threads = 1; n_threads < 4; n_threads++) {
        int seen[64] = { 0 };
        qvl_team_run(n_threads, lead_setting, seen);
        for (size_t i = 0; i < QVL_COUNT(seen); i++)
            CHECK_INT(seen[i], 1, "job %zu of %d threads", i, n_threads);
        CHECK_INT(omp_get_max_threads(), 5, "after %d threads", n_threads);
    }
}

RUN_TESTS(TEST(test_each_job_once), TEST(test_nobody_waits_for_who_has_no_job),
          TEST(test_setting_is_put_back))
