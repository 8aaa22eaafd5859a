/* text.h - what texts of records may look like */
#ifndef QVL_DATA_TEXT_H
#define QVL_DATA_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Is there nothing but blanks? Blank is what ASCII calls so, and U+3000. */
bool qvl_text_is_blank(const char *text);

/* What is wrong with a description, as words for "found ...": line breaks, tabs,
 * blanks at its ends or beside ',' or '/', two blanks in a row, "<|", nothing in
 * it. NULL: it is right. */
const char *qvl_text_desc_fault(const char *text);

/* A name of another format as a description, as far as it can be one: any blanks in a
 * row become one ' ', those at the ends and beside ',' and '/' go; all else stays.
 * What is wrong then, qvl_text_desc_fault tells. Belongs to the arena. */
const char *qvl_text_make_desc(qvl_arena *arena, const char *text);

/* The same as qvl_text_desc_fault for a summary, of which alone line breaks, "<|" and
 * nothing in it are wrong. */
const char *qvl_text_summary_fault(const char *text);

/* Bytes of the head of an answer: <NAME=VALUE> once or more, joined by commas or line
 * ends, and the blanks around it; 0 when it has none. text [len] */
size_t qvl_text_head(const char *text, size_t len);

/* Without blanks at its ends; belongs to the arena. */
const char *qvl_text_trim(qvl_arena *arena, const char *text);

/* The first 200 bytes of a text, for messages: whole characters, "..." behind when
 * something is left out, control characters as blanks. Belongs to the arena. */
const char *qvl_text_short(qvl_arena *arena, const char *text);

#endif
