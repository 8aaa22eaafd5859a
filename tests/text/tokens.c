/* tokens.c - the tokenizer files of tokens.h */
#include "tokens.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/str.h"
#include "check.h"

qvl_tokenizer *tokens_cut(void)
{
    static qvl_tokenizer *t;
    qvl_err err = { 0 };
    if (t == NULL)
        CHECK_OK(qvl_tokenizer_open(&t, TEXT_FIXTURES "/cut", &err), err);
    return t;
}

char *tokens_fixture(const char *name)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    char *text;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TEXT_FIXTURES, name);
    CHECK_OK(qvl_file_read(path, &text, NULL, &a, &err), err);
    text = strdup(text);
    qvl_arena_release(&a);
    return text;
}

char *tokens_replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    CHECK(at != NULL, "%s is not in the text", from);
    qvl_str out = { 0 };
    qvl_str_putn(&out, text, (size_t)(at - text));
    qvl_str_puts(&out, to);
    qvl_str_puts(&out, at + strlen(from));
    return out.p;
}

const char *tokens_dir(void)
{
    const char *dir = check_path("tokenizer");
    mkdir(dir, 0700);
    return dir;
}

void tokens_write(const char *name, const char *text)
{
    qvl_err err = { 0 };
    char path[512];
    snprintf(path, sizeof path, "%s/%s", tokens_dir(), name);
    if (text == NULL)
        remove(path);
    else
        CHECK_OK(qvl_file_write_all(path, text, strlen(text), &err), err);
}

const char *tokens_print(const qvl_ids *ids)
{
    static char text[4096];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ids->n && n < sizeof text - 16; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%d",
                              i > 0 ? " " : "", ids->p[i]);
    return text;
}

const char *tokens_of(const qvl_tokenizer *t, const char *text,
                      bool is_literal)
{
    qvl_ids ids = { 0 };
    qvl_err err = { 0 };
    qvl_text_part part = { .p = text, .len = strlen(text),
                           .is_literal = is_literal };
    CHECK_OK(qvl_tokenizer_encode(t, &part, 1, &ids, &err), err);
    const char *out = tokens_print(&ids);
    qvl_ids_release(&ids);
    return out;
}
