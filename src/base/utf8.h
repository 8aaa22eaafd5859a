/* utf8.h - characters in texts of bytes
 *
 * Text from outside is checked once, with qvl_utf8_valid_bytes; the rest works
 * on valid UTF-8 where it says so. Valid means: no overlong form, no surrogate,
 * nothing above U+10FFFF, nothing cut.
 */
#ifndef QVL_UTF8_H
#define QVL_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Bytes of the character at p [len], 0 when none is there. */
size_t qvl_utf8_bytes(const char *p, size_t len);

/* Bytes of p [len] up to the first that is not part of valid UTF-8; len when
 * all are. */
size_t qvl_utf8_valid_bytes(const char *p, size_t len);

/* The character at p, which is valid, and its length in bytes. */
uint32_t qvl_utf8_code(const char *p, size_t *n_bytes);

/* Write a character, at most U+10FFFF, without a NUL; returns its length in
 * bytes. */
size_t qvl_utf8_put(char out[4], uint32_t code);

/* Bytes at the end of p [len] that begin a character and may still become one:
 * 0 to 3. */
size_t qvl_utf8_unfinished_bytes(const char *p, size_t len);

/* Append p [len] with U+FFFD in place of what is not UTF-8: one for each
 * longest start of a character, one for each other byte. */
void qvl_utf8_repair(qvl_str *out, const char *p, size_t len);

#endif
