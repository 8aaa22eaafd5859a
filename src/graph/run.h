/* run.h - what the profile sees of a run
 *
 * Private to the graph folder; the public part is in exec.h.
 */
#ifndef QVL_GRAPH_RUN_H
#define QVL_GRAPH_RUN_H

#include "graph/exec.h"
#include "graph/store.h"

struct qvl_run {
    // owned
    qvl_arena arena;
    qvl_plan plan;
    qvl_buf *block;     // [plan.n_blocks]; not of a run that shares
    int n_open;         // of the blocks, those that are allocated
    qvl_list *start;    // sets gradients
    qvl_list *more;     // adds to them; both NULL until first needed
    bool *given;        // [program->n_inputs] has data
    // borrowed
    qvl_store *store;
    qvl_device *dev;
    const qvl_program *program;
    // values
    bool shares;        // temporaries are in the scratch of the store
    unsigned age;       // of the scratch that the lists were recorded against
    qvl_run_sum sum;
    int sum_value;      // -1: nothing is added up
};

/* Read all of value v as f32 [elements of v]. Waits for the device. */
int qvl_run_read(qvl_run *run, int v, float *dst, qvl_err *err);

/* Have all inputs that the plan needs been given? */
bool qvl_run_is_fed(const qvl_run *run);

/* Record planned steps [first, first + n) as a list, and behind the last of all the
 * sum, if the run has one. The caller releases *list; on an error, one of the
 * device, there is none. Runs out of host memory as an arena does. */
int qvl_run_record(qvl_run *run, int first, int n, bool more, qvl_list **list,
                   qvl_err *err);

#endif
