/* team.h - threads that share the work of many short calls
 *
 * A team lives for one submission. Its first thread, the lead, walks the calls; for
 * each it offers jobs, which all threads take from a counter. Threads belong to
 * OpenMP, the runtime that matrix libraries use as well, so that two pools never
 * fight for the cores.
 *
 * Nobody is waited for but who has a job: where another program keeps a thread
 * from running, or it sleeps and has yet to wake, the others do what there is.
 */
#ifndef QVL_BACKEND_CPU_TEAM_H
#define QVL_BACKEND_CPU_TEAM_H

#include <stdint.h>

typedef struct qvl_team qvl_team;

/* Call lead(team, data) with n_threads - 1 others at hand, > 0 threads in all;
 * returns when it has returned. OpenMP is set to one thread within, for libraries that
 * a job calls. */
void qvl_team_run(int n_threads, void (*lead)(qvl_team *team, void *data),
                  void *data);

/* One of n jobs, in a thread numbered below n_threads. */
typedef void qvl_team_job(void *data, int thread, uint32_t job);

/* Do job(data, thread, i) for each i < n, in any order, several at a time; for the
 * lead. What the jobs wrote is seen when it returns. */
void qvl_team_share(qvl_team *team, qvl_team_job *job, void *data, uint32_t n);

#endif
