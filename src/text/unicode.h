/* unicode.h - UTF-8, its normal form, and the byte alphabet of vocabularies
 *
 * Everything else in this module works on valid UTF-8; text from outside is
 * checked once, with qvl_utf8_valid_bytes. Valid means: no overlong form, no
 * surrogate, nothing above U+10FFFF, nothing cut.
 */
#ifndef QVL_UNICODE_H
#define QVL_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* Bytes of the character at p [len], 0 when none is there. */
size_t qvl_utf8_bytes(const char *p, size_t len);

/* Bytes of p [len] up to the first that is not part of valid UTF-8; len when
 * all are. */
size_t qvl_utf8_valid_bytes(const char *p, size_t len);

/* The character at p, which is valid, and its length in bytes. */
uint32_t qvl_utf8_code(const char *p, size_t *n_bytes);

/* Write a character; returns its length in bytes. */
size_t qvl_utf8_put(char out[4], uint32_t code);

/* Bytes at the end of p [len] that begin a character and may still become one:
 * 0 to 3. */
size_t qvl_utf8_unfinished_bytes(const char *p, size_t len);

/* Append p [len] with U+FFFD in place of what is not UTF-8: one for each
 * longest start of a character, one for each other byte. */
void qvl_utf8_repair(qvl_str *out, const char *p, size_t len);

/* Normal form C of p [len], which is valid. Returns p itself when it is in
 * that form already, else memory of the arena. Costs O(len), for any text. */
const char *qvl_unicode_nfc(const char *p, size_t len, size_t *out_len,
                            qvl_arena *arena);

/* The byte alphabet: each byte as one character, so that every byte string has
 * a spelling. Printable bytes of Latin-1 stand for themselves, the other 68, in
 * ascending order, are U+0100, U+0101 and so on. */
uint32_t qvl_byte_char(uint8_t byte);

/* The byte a character stands for, -1 when it stands for none. */
int qvl_byte_of_char(uint32_t code);

#endif
