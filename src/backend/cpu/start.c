/* start.c - a process whose threads sleep after a short wait
 *
 * A step of a small model is many short parallel regions. Threads that sleep at
 * once between them are woken too late, those that wait for long hold up a busy
 * machine. Milliseconds of a training step of the demo on two cores:
 *
 *     turns of waiting    0     3,000   10,000   30,000
 *     quiet             185        70       70       82
 *     one busy thread   139       189      244      526
 */
#include <stdlib.h>
#include <unistd.h>

#include "backend/internal.h"

void qvl_cpu_start(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL)
        return;
    if (setenv("GOMP_SPINCOUNT", "3000", 0) == 0)
        execv("/proc/self/exe", argv);
    /* Still here: results are the same, a busy machine is slower. */
}
