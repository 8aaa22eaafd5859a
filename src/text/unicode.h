/* unicode.h - the normal form of text, and the byte alphabet of vocabularies
 *
 * This module works on valid UTF-8 (base/utf8.h).
 */
#ifndef QVL_UNICODE_H
#define QVL_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/utf8.h"

/* Normal form C of p [len], which is valid, with the tables of Unicode 9: younger
 * characters stay as they are. Returns p itself where all of it is below U+0300,
 * else memory of the arena. Costs O(len), for any text. */
const char *qvl_unicode_nfc(const char *p, size_t len, size_t *out_len,
                            qvl_arena *arena);

/* The byte alphabet: each byte as one character, so that every byte string has
 * a spelling. Printable bytes of Latin-1 stand for themselves, the other 68, in
 * ascending order, are U+0100, U+0101 and so on. */
uint32_t qvl_byte_char(uint8_t byte);

/* The byte a character stands for, -1 when it stands for none. */
int qvl_byte_of_char(uint32_t code);

#endif
