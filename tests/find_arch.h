/* find_arch.h - dims and inputs of an arch by their names */
#ifndef TESTS_FIND_ARCH_H
#define TESTS_FIND_ARCH_H

#include <string.h>

#include "base/compiler.h"
#include "graph/arch.h"

/* Position, -1 when the arch has none. */
QVL_UNUSED static int find_dim(const qvl_arch *arch, const char *name)
{
    for (int i = 0; i < arch->n_dims; i++)
        if (strcmp(arch->dim[i].name, name) == 0)
            return i;
    return -1;
}

QVL_UNUSED static int find_input(const qvl_arch *arch, const char *name)
{
    for (int i = 0; i < arch->n_inputs; i++)
        if (strcmp(arch->input[i].name, name) == 0)
            return i;
    return -1;
}

#endif
