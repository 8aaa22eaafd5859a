/* cut.h - programs whose operands are bound in parts
 *
 * Every case is run again with limits of what a dispatch may bind: the least one
 * that the plan takes, and one that the largest operand just exceeds. Results
 * are compared with the interpreter's, and bit by bit with those of the run with
 * whole operands where no sum was split.
 */
#ifndef PROGRAM_CUT_H
#define PROGRAM_CUT_H

#include "program/job.h"

/* Forget which cuts have been made. */
void cut_begin(void);
/* Run the case with cuts; in training the gradients are set and added to. */
void cut_check(job *j, ref_phase ph);
/* Fails when a cut that a kernel of shaders/ offers has not been made since
 * cut_begin, or no run has been compared bit by bit. */
void cut_end(const char *device);

#endif
