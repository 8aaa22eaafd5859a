/* clock.c - seconds of two clocks of the system
 *
 * The one for intervals never goes back.
 */
#include "base/clock.h"

#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double qvl_clock_s(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double qvl_clock_unix_s(void)
{
    return seconds_of(CLOCK_REALTIME);
}
