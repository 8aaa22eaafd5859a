/* start.c - a process whose threads sleep after a short wait
 *
 * Between submissions threads wait in OpenMP. Those that sleep at once are woken
 * too late, those that wait for long hold up a busy machine. Tokens a second of
 * decoding (shape mini, a submission a token) on two cores:
 *
 *     turns of waiting    0    3,000   300,000 (OpenMP's own)
 *     quiet              44       50        47
 *     one busy thread    27       28        23
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
