/* find_kernel.h - the first generated kernel of an op */
#ifndef TESTS_FIND_KERNEL_H
#define TESTS_FIND_KERNEL_H

#include <string.h>

#include "backend/kernel.h"
#include "check.h"

extern const qvl_kernel *const qvl_generated_kernels[];
extern const int qvl_generated_kernels_count;

static const qvl_kernel *find_kernel(const char *op)
{
    for (int i = 0; i < qvl_generated_kernels_count; i++)
        if (strcmp(qvl_generated_kernels[i]->op, op) == 0)
            return qvl_generated_kernels[i];
    CHECK(false, "no kernel %s", op);
    return NULL;
}

#endif
