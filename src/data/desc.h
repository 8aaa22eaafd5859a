/* desc.h - what the text of an object says: a category and attributes
 *
 * Three dialects, told apart by the text itself:
 *     keyvalue   KEY=VALUE,KEY=VALUE; the category is the value of U+7C7B U+522B
 *     slash      CATEGORY/attr,NAME:VALUE/...; a remark comes last
 *     plain      the whole text is the category
 * In keyvalue, what follows a free text (a reading or a remark) and is no
 * KEY=VALUE belongs to it.
 */
#ifndef QVL_DATA_DESC_H
#define QVL_DATA_DESC_H

#include <stdbool.h>

#include "base/arena.h"

/* Attributes with rules of their own. */
#define QVL_DESC_CATEGORY "\xe7\xb1\xbb\xe5\x88\xab"
#define QVL_DESC_VISIBILITY "\xe5\x8f\xaf\xe8\xa7\x81\xe6\x80\xa7"
#define QVL_DESC_DISTANCE "\xe7\xab\x99\xe7\x82\xb9\xe8\xb7\x9d\xe7\xa6\xbb"
#define QVL_DESC_READING "\xe6\x96\x87\xe6\x9c\xac"
#define QVL_DESC_REMARK "\xe5\xa4\x87\xe6\xb3\xa8"

typedef struct {
    const char *key;    // never empty; of an attribute without one: its value
    const char *value;  // may be empty
} qvl_desc_attr;

/* Belongs to the arena it was read into. */
typedef struct {
    const char *category;       // may be empty
    const qvl_desc_attr *attr;  // [n_attrs] without the category
    int n_attrs;
} qvl_desc;

/* Read a text; any will do. */
void qvl_desc_read(qvl_desc *d, const char *text, qvl_arena *arena);

/* Value of a key, of several equal ones the first; NULL when it is not there. */
const char *qvl_desc_find(const qvl_desc *d, const char *key);

/* The text with each token that is exactly `from` as `to`: tokens are what stands
 * between ',' and, outside of keyvalue, '/'. Free text is left alone. Belongs to the
 * arena, or is `text`. */
const char *qvl_desc_replace(const char *text, const char *from, const char *to,
                             qvl_arena *arena);

#endif
