/* cut.h - the line `cut` of a kernel: what kern.h says of it, checked */
#ifndef GEN_KERN_CUT_H
#define GEN_KERN_CUT_H

#include "kern/kern.h"
#include "kern/lex.h"

/* Read what follows the word `cut` and append it to the kernel, whose operands
 * and args are known. Fails with QVL_E_CONFIG under the mistake when the dim is
 * none or const or cut already, an operand cannot be bound for a part, an output
 * would be neither a sum nor kept apart, the edge is no dim of starts, or the
 * first is no u32 arg. */
int kern_read_cut(kern *k, lexer *lex, qvl_arena *arena, qvl_err *err);

#endif
