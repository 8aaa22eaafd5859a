/* profile.c - seconds of each step of a run */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "graph/run.h"

int qvl_run_profile(qvl_run *run, double *s, qvl_err *err)
{
    const qvl_backend *be = run->dev->be;
    assert(qvl_run_is_fed(run));
    assert(!run->shares || qvl_store_scratch(run->store)->user == run);
    if (be->profile == NULL)
        return qvl_fail(err, QVL_E_UNSUPPORTED,
                        "profile (device %s:%d): found no clock for steps, "
                        "expected one", run->dev->info.backend,
                        run->dev->info.index);
    size_t n = (size_t)run->plan.n_steps;
    double *all = qvl_memory_resize(NULL, (n + 1) * sizeof *all);
    qvl_list *list = NULL;
    int rc = qvl_run_record(run, 0, run->plan.n_steps, false, &list, err);
    if (rc == QVL_OK)
        rc = be->profile(run->dev, list, all, err);
    if (rc == QVL_OK)
        memcpy(s, all, n * sizeof *s);  // without that of the sum
    if (list != NULL)
        be->list_release(run->dev, list);
    free(all);
    return rc;
}
