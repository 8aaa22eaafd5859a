/* isa.h - which instruction set the C kernels run with
 *
 * Chosen once when the device is opened, from what the processor has. The
 * environment variable QVL_ISA (v2, v3, v4) asks for a certain one, for tests
 * and comparisons.
 */
#ifndef QVL_BACKEND_CPU_ISA_H
#define QVL_BACKEND_CPU_ISA_H

#include <stdbool.h>

#include "backend/kernel.h"
#include "base/err.h"

/* "v2", "v3", "v4". */
const char *qvl_isa_name(qvl_isa isa);

/* Does this processor run it? */
bool qvl_isa_is_present(qvl_isa isa);

/* Choose the best that is present, or what QVL_ISA names. Fails with QVL_E_DEVICE
 * when QVL_ISA names no set, or one that this processor lacks, or when the processor
 * has not even the first. */
int qvl_isa_plan(qvl_isa *isa, qvl_err *err);

#endif
