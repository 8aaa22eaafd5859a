/* word.h - names of a spec, and those that the emitted C cannot take
 *
 * Dims, loop variables and arrays stand in the emitted functions under their own
 * names, so a word that means something there is refused. Values may have any
 * name: emit/steps.c gives them another where it is taken.
 */
#ifndef GEN_IR_WORD_H
#define GEN_IR_WORD_H

#include <stdbool.h>
#include <stddef.h>

/* The n characters at p, here and below: letters, digits and _, no digit in front? */
bool ir_word_is_name(const char *p, size_t n);

/* A keyword of C11, bool, true, false, NULL, or the name of a function, a table, an
 * argument or a local around emitted steps? */
bool ir_word_is_c(const char *p, size_t n);

/* That, or a name that some emitted function, macro or header has? */
bool ir_word_is_emitted(const char *p, size_t n);

#endif
