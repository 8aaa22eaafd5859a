/* is_json.c - exit status 0 when standard input is one JSON value */
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

typedef struct {
    qvl_arena arena;
    qvl_str text;
    qvl_err err;
} input;

static int parse(void *arg)
{
    input *in = arg;
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        qvl_str_putn(&in->text, piece, n);
    qvl_node *root;
    return qvl_json_parse(&root, in->text.p, in->text.len, "standard input",
                          &in->arena, &in->err);
}

int main(void)
{
    input in = { 0 };
    int rc = qvl_guard(parse, &in, &in.err);
    if (rc != QVL_OK)
        fprintf(stderr, "is_json: %s\n", in.err.msg);
    qvl_str_release(&in.text);
    qvl_arena_release(&in.arena);
    return rc == QVL_OK ? 0 : 1;
}
