/* word.c - names of a spec, and those that the emitted C cannot take
 *
 * The lists follow what gen/emit writes: a word that it begins to use in its own right
 * is entered here, or a spec with that name gives C that does not compile.
 */
#include "ir/word.h"

#include <string.h>

#include "base/compiler.h"

static const char *const of_c[] = {
    "auto", "break", "case", "char", "const", "continue", "default", "do",
    "double", "else", "enum", "extern", "float", "for", "goto", "if", "inline",
    "int", "long", "register", "restrict", "return", "short", "signed",
    "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned",
    "void", "volatile", "while", "_Alignas", "_Alignof", "_Atomic", "_Bool",
    "_Complex", "_Generic", "_Imaginary", "_Noreturn", "_Static_assert",
    "_Thread_local",
    /* macros of its headers */
    "bool", "true", "false", "NULL",
    /* arguments and locals of a function of steps */
    "p", "d", "at", "infer", "decode", "train", "params", "dims", "inputs",
    "places", "derive",
};

static const char *const emitted[] = {
    "n", "err", "list", "name", "shape", "size", "family_name", "model_types",
    "input_sizes", "N_FAMILIES", "MATRIX", "VECTOR", "GRAD", "STATE", "VALUES",
    "ARGS", "pow", "snprintf", "size_t", "int64_t", "uint32_t",
};

static bool has(const char *const *words, size_t n_words, const char *p,
                size_t n)
{
    for (size_t i = 0; i < n_words; i++)
        if (strlen(words[i]) == n && memcmp(words[i], p, n) == 0)
            return true;
    return false;
}

bool ir_word_is_name(const char *p, size_t n)
{
    if (n == 0 || strspn(p, "0123456789") > 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                    "0123456789", p[i]))
            return false;
    return true;
}

bool ir_word_is_c(const char *p, size_t n)
{
    return has(of_c, QVL_COUNT(of_c), p, n);
}

bool ir_word_is_emitted(const char *p, size_t n)
{
    return ir_word_is_c(p, n) || has(emitted, QVL_COUNT(emitted), p, n);
}
