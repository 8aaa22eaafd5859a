/* tune_case.h - a kernel at one shape, run with several choices in turns
 *
 * The shapes are those of a language model and its adapters, smaller where a
 * driver runs on the processor. Beside the timed ones there are odd ones, with
 * edges that no tile fits, which are only computed and compared.
 */
#ifndef TOOLS_TUNE_CASE_H
#define TOOLS_TUNE_CASE_H

#include "backend/backend.h"
#include "base/arena.h"

#define TUNE_MOST_CASES 6
#define TUNE_MOST_OPS 16

typedef struct {
    // borrowed
    const qvl_kernel *kernel;
    qvl_device *dev;
    const char *blind;  // names of choices that change nothing here, each with
                        // blanks around it
    // owned
    char shape[48];
    bool is_timed;
    size_t bytes[QVL_KERNEL_MAX_BUFS];
    const void *data[QVL_KERNEL_MAX_BUFS];  // NULL: numbers from -1 to 1
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
    qvl_buf buf[QVL_KERNEL_MAX_BUFS];
    int n_bufs;         // that have memory
    qvl_list *list;     // with the incumbent
    qvl_list *next;     // with the candidate
    float *wanted;      // [n_out] what the choices that ship compute
    size_t n_out;
    double run_s;       // of the incumbent alone, about
    int runs;           // of the incumbent that make a sample
} tune_case;

/* Names of the kernels there are shapes for, in the order of a search; returns
 * how many. */
int tune_ops(const char *op[TUNE_MOST_OPS]);

/* The cases of a kernel: buffers with numbers in them. *n is 0 when this build
 * has no such kernel in the storage type. Release the *n that were opened, also after
 * an error. */
int tune_cases_open(tune_case c[TUNE_MOST_CASES], int *n, const char *op,
                    qvl_device *dev, int dtype, qvl_arena *arena,
                    qvl_err *err);
void tune_cases_release(tune_case *c, int n);

/* Record *list with the choice that is in use; an older one is let go. *list is NULL
 * after an error. */
int tune_case_record(tune_case *c, qvl_list **list, qvl_err *err);

/* Run a list once into outputs that hold no numbers, and read all outputs as
 * f32 into out [n_out]. */
int tune_case_compute(tune_case *c, qvl_list *list, float *out, qvl_err *err);

/* Largest relative L2 distance of an output from what is wanted; infinite where
 * one is no number. found [n_out]. */
double tune_case_distance(const tune_case *c, const float *found);

/* Seconds of `runs` runs, one behind the other. */
int tune_case_time(tune_case *c, qvl_list *list, int runs, double *s,
                   qvl_err *err);

#endif
