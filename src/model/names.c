/* names.c - tensor names and their aliases */
#include "model/names.h"

#include <string.h>

#include "base/rng.h"

/* What a prefix of a file stands for; tried in this order, after the name
 * itself. The last one is for files that leave out the outermost level. */
static const struct {
    const char *file;
    const char *model;
} prefix[] = {
    { "visual.", "model.visual." },
    { "vision_tower.", "model.visual." },
    { "language_model.lm_head.", "lm_head." },
    { "model.lm_head.", "lm_head." },
    { "language_model.model.", "model.language_model." },
    { "language_model.", "model.language_model." },
    { "model.", "model.language_model." },
    { "", "model." },
};

static size_t slot_of(const qvl_names *names, const char *name)
{
    return (size_t)(qvl_rng_hash(name, strlen(name)) % names->n_slots);
}

void qvl_names_init(qvl_names *names, const qvl_param_list *params,
                    qvl_arena *arena)
{
    qvl_names s = { .params = params,
                    .n_slots = 2 * (size_t)params->n + 1 };
    s.slot = qvl_arena_array(arena, int, s.n_slots);
    for (size_t k = 0; k < s.n_slots; k++)
        s.slot[k] = -1;
    for (int i = 0; i < params->n; i++) {
        size_t k = slot_of(&s, params->item[i].name);
        while (s.slot[k] != -1)
            k = (k + 1) % s.n_slots;
        s.slot[k] = i;
    }
    *names = s;
}

int qvl_names_find(const qvl_names *names, const char *name)
{
    size_t k = slot_of(names, name);
    for (; names->slot[k] != -1; k = (k + 1) % names->n_slots)
        if (strcmp(names->params->item[names->slot[k]].name, name) == 0)
            return names->slot[k];
    return -1;
}

/* Take `part` out of the name wherever a component starts with it. */
static void take_out(char *name, const char *part)
{
    size_t len = strlen(part);
    for (char *p = name; *p != '\0';) {
        bool is_start = p == name || p[-1] == '.';
        if (is_start && strncmp(p, part, len) == 0)
            memmove(p, p + len, strlen(p + len) + 1);
        else
            p++;
    }
}

const char *qvl_names_bare(const char *file_name, qvl_arena *arena)
{
    static const char peft[] = "base_model.model.";
    char *name = qvl_arena_strdup(arena, file_name);
    take_out(name, "_orig_mod.");
    take_out(name, "module.");
    return strncmp(name, peft, sizeof peft - 1) == 0 ? name + sizeof peft - 1
                                                     : name;
}

int qvl_names_match(const qvl_names *names, const char *file_name,
                    qvl_arena *arena)
{
    const char *bare = qvl_names_bare(file_name, arena);
    int i = qvl_names_find(names, bare);
    for (size_t k = 0; i < 0 && k < QVL_COUNT(prefix); k++) {
        size_t len = strlen(prefix[k].file);
        if (strncmp(bare, prefix[k].file, len) == 0)
            i = qvl_names_find(names,
                               qvl_arena_printf(arena, "%s%s",
                                                prefix[k].model, bare + len));
    }
    return i;
}
