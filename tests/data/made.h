/* made.h - what the tests of data share: files made for a test */
#ifndef TESTS_DATA_MADE_H
#define TESTS_DATA_MADE_H

#include <stddef.h>

/* The folder that all of these are in, and the path of a name there. */
const char *made_dir(void);
const char *made_path(const char *name);

/* Write a file of this folder; returns its path. */
const char *made_file(const char *name, const void *p, size_t n);
const char *made_text(const char *name, const char *text);

/* A picture of w x h px, one colour a pixel: red x, green y, blue 7. */
const char *made_png(const char *name, int w, int h);

/* A folder with the cut tokenizer and a processor for pictures of 1024 px and
 * more: patch 16, merge 2. */
const char *made_model(void);

#endif
