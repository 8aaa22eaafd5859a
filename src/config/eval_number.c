/* eval_number.c - the names of QVL_EVAL_TABLE, with and without a source in front */
#include "config/eval_number.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name;
    bool of_source;
} numbers[] = {
#define ROW(id, name, of_source) { name, of_source },
    QVL_EVAL_TABLE(ROW)
#undef ROW
};

const char *qvl_eval_name(int number)
{
    assert(number >= 0 && number < QVL_N_EVAL_NUMBERS);
    return numbers[number].name;
}

const char *qvl_eval_plain(const char *name)
{
    if (strncmp(name, "eval", 4) == 0 && (name[4] == '_' || name[4] == '/'))
        name += 5;
    return strcmp(name, "token_accuracy") == 0
               ? numbers[QVL_EVAL_TOKEN_ACC].name : name;
}

/* Is the name that number, or SOURCE_ in front of it? */
static bool is_number(const char *plain, int number)
{
    const char *own = numbers[number].name;
    size_t n = strlen(plain), tail = strlen(own);
    if (strcmp(plain, own) == 0)
        return true;
    return numbers[number].of_source && n > tail + 1
           && plain[n - tail - 1] == '_' && strcmp(plain + n - tail, own) == 0;
}

bool qvl_eval_is_number(const char *plain)
{
    for (int i = 0; i < QVL_N_EVAL_NUMBERS; i++)
        if (is_number(plain, i))
            return true;
    return false;
}

bool qvl_eval_is_loss(const char *plain)
{
    return is_number(plain, QVL_EVAL_LOSS);
}

const char *qvl_eval_names(qvl_arena *arena)
{
    const char *all = "";
    const char *of_sources = "or";
    for (int i = 0; i < QVL_N_EVAL_NUMBERS; i++) {
        all = qvl_arena_printf(arena, "%s%s, ", all, numbers[i].name);
        if (numbers[i].of_source)
            of_sources = qvl_arena_printf(arena, "%s SOURCE_%s,", of_sources,
                                          numbers[i].name);
    }
    return qvl_arena_printf(arena, "%s%.*s", all,
                            (int)strlen(of_sources) - 1, of_sources);
}
