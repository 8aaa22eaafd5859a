/* clock.h - what time it is, in seconds */
#ifndef QVL_CLOCK_H
#define QVL_CLOCK_H

/* Of a clock that never goes back; only differences mean something. */
double qvl_clock_s(void);

/* Since the beginning of 1970. */
double qvl_clock_unix_s(void);

#endif
