/* reference.h - the keys of a configuration as a page for people
 *
 * Markdown, made of keys.def and augment.def alone: for each section a table of its
 * keys with type, default, values and meaning, then those that are ignored, not
 * supported, gone, and other names, then the ops of augmentation. Text of the table
 * is escaped where Markdown would read it.
 */
#ifndef QVL_CONFIG_REFERENCE_H
#define QVL_CONFIG_REFERENCE_H

#include "base/arena.h"
#include "base/str.h"

/* Append the page. Arena: work space. Runs out of host memory as both do. */
void qvl_config_reference(qvl_str *out, qvl_arena *arena);

/* Append a text of the table as a cell: words in backticks stay as they are but for
 * a '|'; elsewhere '<', '>', '*' and '\' are escaped too, and a '_' that does not
 * stand inside of a word. */
void qvl_config_cell(qvl_str *out, const char *text);

#endif
