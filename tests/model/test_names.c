/* test_names.c - names of files to names of a model */
#include "check.h"
#include "model/names.h"

static void add(qvl_param_list *list, const char *name)
{
    qvl_param_list_add(list, name, "text", 1, (size_t[]){ 1 }, -1, false);
}

/* File names, and what they stand for; NULL: nothing. */
typedef struct {
    const char *file, *name;
} pair;

static void check_pairs(const qvl_param_list *list, const pair *p, size_t n,
                        qvl_arena *arena)
{
    qvl_names names;
    qvl_names_init(&names, list, arena);
    for (size_t i = 0; i < n; i++) {
        int k = qvl_names_match(&names, p[i].file, arena);
        CHECK_STR(k < 0 ? NULL : list->item[k].name, p[i].name, "%s",
                  p[i].file);
    }
}

static void test_vision_model(void)
{
    static const pair pairs[] = {
        { "model.visual.a.weight", "model.visual.a.weight" },
        { "visual.a.weight", "model.visual.a.weight" },
        { "vision_tower.a.weight", "model.visual.a.weight" },
        { "model.language_model.b.weight", "model.language_model.b.weight" },
        { "model.b.weight", "model.language_model.b.weight" },
        { "language_model.b.weight", "model.language_model.b.weight" },
        { "language_model.model.b.weight", "model.language_model.b.weight" },
        { "lm_head.weight", "lm_head.weight" },
        { "language_model.lm_head.weight", "lm_head.weight" },
        { "model.lm_head.weight", "lm_head.weight" },
        { "base_model.model.model.visual.a.weight", "model.visual.a.weight" },
        { "module.model.visual.a.weight", "model.visual.a.weight" },
        { "model._orig_mod.visual.a.weight", "model.visual.a.weight" },
        { "_orig_mod.module.b.weight", NULL },
        { "model.visual.c.weight", NULL },
        { "b.weight", NULL },
        { "", NULL },
    };
    qvl_arena arena = { 0 };
    qvl_param_list list = { .arena = &arena };
    add(&list, "model.visual.a.weight");
    add(&list, "model.language_model.b.weight");
    add(&list, "lm_head.weight");
    check_pairs(&list, pairs, QVL_COUNT(pairs), &arena);
    qvl_arena_release(&arena);
}

static void test_text_model(void)
{
    static const pair pairs[] = {
        { "model.layers.0.weight", "model.layers.0.weight" },
        { "layers.0.weight", "model.layers.0.weight" },
        { "lm_head.weight", "lm_head.weight" },
        { "model.lm_head.weight", "lm_head.weight" },
        { "layers.1.weight", NULL },
    };
    qvl_arena arena = { 0 };
    qvl_param_list list = { .arena = &arena };
    add(&list, "model.layers.0.weight");
    add(&list, "lm_head.weight");
    check_pairs(&list, pairs, QVL_COUNT(pairs), &arena);
    qvl_arena_release(&arena);
}

/* Many names: every one is found, in a table with collisions. */
static void test_many(void)
{
    qvl_arena arena = { 0 };
    qvl_param_list list = { .arena = &arena };
    for (int i = 0; i < 3000; i++)
        add(&list, qvl_arena_printf(&arena, "model.layers.%d.weight", i));
    qvl_names names;
    qvl_names_init(&names, &list, &arena);
    for (int i = 0; i < 3000; i++)
        CHECK_INT(qvl_names_find(&names, list.item[i].name), i, "name %d", i);
    CHECK_INT(qvl_names_find(&names, "model.layers.3000.weight"), -1, "none");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_vision_model), TEST(test_text_model), TEST(test_many))
