/* arch.c - look-ups in generated tables, and the parameter list */
#include "graph/arch.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

int qvl_dims_place(const qvl_dims *d, int list, int64_t v)
{
    for (int i = 0; i < d->n_list[list]; i++)
        if (d->list[list][i] == v)
            return i;
    return -1;
}

int64_t qvl_dims_div(int64_t a, int64_t b)
{
    return b == 0 ? -1 : a / b;
}

int64_t qvl_dims_mod(int64_t a, int64_t b)
{
    return b == 0 ? -1 : a % b;
}

static void make_room(qvl_param_list *list)
{
    assert(list->cap <= INT_MAX / 2);
    list->cap = list->cap == 0 ? 64 : 2 * list->cap;
    qvl_arch_param *item =
        qvl_arena_array(list->arena, qvl_arch_param, list->cap);
    if (list->n > 0)
        memcpy(item, list->item, (size_t)list->n * sizeof *item);
    list->item = item;
}

void qvl_param_list_add(qvl_param_list *list, const char *name,
                        const char *group, int rank, const size_t *shape,
                        int same_as, bool transposable)
{
    assert(rank >= 1 && rank <= 5);
    assert(same_as >= -1 && same_as < list->n);
    assert(same_as == -1 || list->item[same_as].same_as == -1);

    if (list->n == list->cap)
        make_room(list);
    qvl_arch_param *item = &list->item[list->n++];
    *item = (qvl_arch_param){
        .name = qvl_arena_strdup(list->arena, name),
        .group = group,
        .rank = rank,
        .same_as = same_as,
        .transposable = transposable,
    };
    memcpy(item->shape, shape, (size_t)rank * sizeof *shape);
}

const qvl_arch *const *qvl_archs(int *n)
{
    *n = qvl_n_generated_archs;
    return qvl_generated_archs;
}

static bool takes_type(const qvl_arch *arch, const char *model_type)
{
    for (int i = 0; i < arch->n_model_types; i++)
        if (strcmp(arch->model_type[i], model_type) == 0)
            return true;
    return false;
}

const qvl_arch *qvl_arch_for(const char *model_type)
{
    for (int i = 0; i < qvl_n_generated_archs; i++)
        if (takes_type(qvl_generated_archs[i], model_type))
            return qvl_generated_archs[i];
    return NULL;
}
