/* job.h - one case on one device: programs run, results compared
 *
 * A case is an architecture, a set of dims and a storage type. Opening a job
 * checks what the generated functions say of dims and parameters, uploads the
 * parameters and prepares gradients; each function then opens a run of its own.
 * Everything fails the running test with the case's name.
 */
#ifndef PROGRAM_JOB_H
#define PROGRAM_JOB_H

#include "backend/backend.h"
#include "graph/exec.h"
#include "program/fixture.h"

/* A device under test. */
typedef struct {
    qvl_device *dev;
    char name[32];
    bool is_thorough;  // recomputation, partial training and so on as well
    bool has_cuts;     // operands bound in parts as well
    bool is_brief;     // kernels are compiled as the test runs: fewer cases
} target;

typedef struct {
    const target *t;
    fixture_arch *a;
    qvl_types types;
    const fixture_case *c;
    const qvl_dims *d;
    char what[640];
    qvl_arena arena;
    qvl_param_list params;
    qvl_store *store;
    bool *trained;
    ref_phase phase;   // of the run that was opened last
    qvl_err err;
} job;

/* Of every `untrained`-th parameter the gradient is left out; 0: of none. */
void job_open(job *j, const target *t, fixture_arch *a, int set,
              const qvl_types *types, int untrained);
void job_close(job *j);

/* A run whose operands are bound by at most max_binding bytes (0: as the device
 * does), its inputs given. NULL, with j->err, where the plan or the device
 * refuses it. */
qvl_run *job_try(job *j, ref_phase ph, bool recompute, size_t max_binding);
/* The same where it has to work. */
qvl_run *job_run(job *j, ref_phase ph, bool recompute);
/* Run; gradients start anew, or with `more` are added to. States start anew. */
void job_submit(job *j, qvl_run *run, bool more);

/* Compare with the interpreter: outputs, states, and gradients of `times` runs.
 */
void job_check_outputs(job *j, qvl_run *run);
void job_check_states(job *j);
void job_check_grads(job *j, double times);

/* All results as one array, which the arena owns: the outputs and states, or with
 * the run NULL the gradients. */
float *job_read(job *j, qvl_run *run, size_t *n);
/* Fails with `why` where a bit differs. */
void job_check_bits(const job *j, const float *found, const float *wanted,
                    size_t n, const char *why);

#endif
