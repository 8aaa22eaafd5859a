/* start.c - a process whose threads sleep while they wait */
#include <stdlib.h>
#include <unistd.h>

#include "backend/internal.h"

void qvl_cpu_start(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL)
        return;
    if (setenv("OMP_WAIT_POLICY", "passive", 0) == 0)
        execv("/proc/self/exe", argv);
    /* Still here: results are the same, a busy machine is slower. */
}
