/* each_backend.h - a check on the first device of every back end
 *
 *     each_backend(check_device, NULL);
 */
#ifndef TESTS_EACH_BACKEND_H
#define TESTS_EACH_BACKEND_H

#include "backend/backend.h"
#include "check.h"

typedef void on_backend(const char *device, const void *arg);

/* Call run for every back end that has a device; the others are told as
 * skipped. */
static inline void each_backend(on_backend *run, const void *arg)
{
    int n;
    const qvl_backend *const *be = qvl_backends(&n);
    for (int i = 0; i < n; i++) {
        if (be[i]->count() > 0)
            run(be[i]->name, arg);
        else
            print_message("SKIP %s: no device\n", be[i]->name);
    }
}

#endif
