/* cut.h - the line `cut` of a kernel: what kern.h says of it, checked
 *
 * A cut that every operand of the kernel can follow is accepted here, so that runs
 * need not ask again: they bind parts by the record alone (src/graph/plan_cut.c).
 */
#ifndef GEN_KERN_CUT_H
#define GEN_KERN_CUT_H

#include "kern/kern.h"
#include "kern/lex.h"

/* Read what follows the word `cut` and append it to the kernel, whose operands
 * and args are known. Fails with QVL_E_CONFIG under the mistake
 *   - for the fourth cut of a kernel (KERN_MAX_CUTS)
 *   - when the dim is none, or const, or cut already, or an operand has it where it
 *     cannot be bound for a part
 *   - when an output without the dim is neither `acc` nor kept apart, or `apart`
 *     stands where every output has it
 *   - when the edge is none, const, the dim itself, the kernel's first dim, or no
 *     first dim of an `in`
 *   - when the first is no u32 arg, or that of another cut */
int kern_read_cut(kern *k, lexer *lex, qvl_arena *arena, qvl_err *err);

#endif
