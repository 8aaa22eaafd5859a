/* category.h - categories of objects that are drawn: their colours and numbers
 *
 * A category keeps both for as long as the list lives, so the pictures of one list
 * agree. The colour depends on the name, and on categories met before where
 * theirs is the same.
 */
#ifndef QVL_SCORE_CATEGORY_H
#define QVL_SCORE_CATEGORY_H

#include <stdbool.h>

#include "base/arena.h"
#include "image/face.h"

typedef struct {
    const char *name;   // as score/desc.h reads it; may be empty
    const char *shown;  // what pictures call it
    int number;         // from 1 on, in the order they were met
    int colour;         // of qvl_draw_colour
} qvl_category;

/* Zeroed but for face and has_numbers: an empty list. */
typedef struct {
    // borrowed
    const qvl_face *face;    // letters of the pictures; NULL: those of image/font.h
    bool has_numbers;        // "c3" stands for a name whose letters are missing, and
                             // someone tells what it means; else the name itself
    // owned
    qvl_arena arena;
    qvl_arena scratch;       // of a text that is read
    qvl_category **category; // [n]
    int n, cap;
    int n_unread;            // names whose letters are missing
} qvl_categories;

void qvl_categories_release(qvl_categories *c);

/* The category of an object with this desc, NULL as an empty one; it is added when it
 * is new. Good until release. Unwinds out of memory. */
const qvl_category *qvl_categories_find(qvl_categories *c, const char *desc);

#endif
