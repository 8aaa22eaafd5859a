/* names.c - lists `names`, read and found
 *
 * Entries are kept with the list's name before them, as bodies write them.
 */
#include "kern/names.h"

#include <string.h>

static bool is_capital(const lexer *lex)
{
    const lex_token *t = &lex->token;
    if (t->kind != LEX_WORD)
        return false;
    for (size_t i = 0; i < t->len; i++) {
        char c = t->at[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

static int fail_here(const lexer *lex, qvl_err *err, const char *what)
{
    return lex_fail(lex, lex->token.at, err, "expected %s", what);
}

static int read_entry(kern_names *list, lexer *lex, qvl_arena *arena,
                      qvl_err *err)
{
    if (!is_capital(lex))
        return fail_here(lex, err, "a name in capitals");
    if (list->n == KERN_MAX_NAMES)
        return lex_fail(lex, lex->token.at, err, "more than %d names",
                        KERN_MAX_NAMES);
    const char *name = qvl_arena_printf(arena, "%s_%s", list->name,
                                        lex_text(lex, arena));
    if (kern_names_has(list, name))
        return lex_fail(lex, lex->token.at, err, "%s is there already", name);
    list->item[list->n++] = name;
    lex_next(lex);
    return QVL_OK;
}

int kern_read_names(const kern_names **head, lexer *lex, qvl_arena *arena,
                    qvl_err *err)
{
    kern_names *list = qvl_arena_array(arena, kern_names, 1);
    lex_next(lex);
    if (!is_capital(lex))
        return fail_here(lex, err, "a name in capitals");
    list->name = lex_text(lex, arena);
    list->next = *head;
    if (kern_names_has(*head, list->name))
        return lex_fail(lex, lex->token.at, err, "%s is there already",
                        list->name);
    lex_next(lex);
    if (!lex_is(lex, "{"))
        return fail_here(lex, err, "{");
    do {
        lex_next(lex);
        QVL_TRY(read_entry(list, lex, arena, err));
    } while (lex_is(lex, ","));
    if (!lex_is(lex, "}"))
        return fail_here(lex, err, ", or }");
    lex_next(lex);
    *head = list;
    return QVL_OK;
}

const kern_names *kern_names_find(const kern_names *head, const char *name)
{
    while (head != NULL && strcmp(head->name, name) != 0)
        head = head->next;
    return head;
}

bool kern_names_has(const kern_names *head, const char *name)
{
    for (; head != NULL; head = head->next) {
        if (strcmp(head->name, name) == 0)
            return true;
        for (int i = 0; i < head->n; i++)
            if (strcmp(head->item[i], name) == 0)
                return true;
    }
    return false;
}
