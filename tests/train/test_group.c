/* test_group.c - which parameters are trained, and in which groups */
#include <math.h>

#include "check.h"
#include "train/group.h"

enum { PATCH, PATCH_BIAS, NORM1, MERGE, MERGE_NORM, EMBED, QNORM, Q, FINAL,
       HEAD, N_PARAMS };

static qvl_param_list params;

/* A list as an architecture gives it; the head is tied or not. */
static void make_params(qvl_arena *a, bool tied)
{
    static const struct {
        const char *name, *group;
        size_t rows, cols;
    } p[N_PARAMS] = {
        { "model.visual.patch_embed.proj.weight", "vision", 4, 10 },
        { "model.visual.patch_embed.proj.bias", "vision", 4, 0 },
        { "model.visual.blocks.0.norm1.weight", "vision", 4, 0 },
        { "model.visual.merger.linear_fc1.weight", "aligner", 4, 4 },
        { "model.visual.merger.norm.weight", "aligner", 4, 0 },
        { "model.language_model.embed_tokens.weight", "text", 10, 4 },
        { "model.language_model.layers.0.self_attn.q_norm.weight", "text", 4,
          0 },
        { "model.language_model.layers.0.self_attn.q_proj.weight", "text", 4,
          4 },
        { "model.language_model.norm.weight", "text", 4, 0 },
        { "lm_head.weight", "text", 10, 4 },
    };
    params = (qvl_param_list){ .arena = a };
    for (int i = 0; i < N_PARAMS; i++)
        qvl_param_list_add(&params, p[i].name, p[i].group,
                           p[i].cols > 0 ? 2 : 1,
                           (size_t[]){ p[i].rows, p[i].cols },
                           i == HEAD && tied ? EMBED : -1, false);
}

static qvl_train_options base(void)
{
    return (qvl_train_options){ .learning_rate = 1e-3,
                                .vit_lr = -1.0, .aligner_lr = -1.0,
                                .weight_decay = 0.1 };
}

/* Trained parameters as a text of 0 and 1. */
static const char *trained(const qvl_train_options *o, qvl_groups *g,
                           qvl_arena *a)
{
    static char text[N_PARAMS + 1];
    qvl_err err = { 0 };
    CHECK_OK(qvl_groups_make(g, &params, o, a, &err), err);
    for (int i = 0; i < N_PARAMS; i++)
        text[i] = g->trained[i] ? '1' : '0';
    return text;
}

#define CHECK_TRAINED(o, want)                                                \
    do {                                                                      \
        qvl_groups g_;                                                        \
        const char *found_ = trained(o, &g_, &a);                             \
        CHECK(strcmp(found_, want) == 0, "found %s, wanted %s", found_,       \
              want);                                                          \
    } while (0)

static void test_freezing(void)
{
    qvl_arena a = { 0 };
    make_params(&a, false);
    qvl_train_options o = base();
    CHECK_TRAINED(&o, "1111111111");
    o.freeze_vit = 1;  // not the aligner, whose names begin
                                       // the same
    CHECK_TRAINED(&o, "0001111111");
    o.freeze_llm = 1;  // with the head
    CHECK_TRAINED(&o, "0001100000");
    const char *again[] = { "lm_head", "model.visual.patch_embed" };
    o.trainable = again;
    o.n_trainable = 2;
    CHECK_TRAINED(&o, "1101100001");
    o = base();
    o.freeze = again;
    o.n_freeze = 2;
    CHECK_TRAINED(&o, "0011111110");
    o.trainable_regex = "\\.bias$";
    CHECK_TRAINED(&o, "0111111110");
    o = base();
    o.freeze_regex = "norm";
    CHECK_TRAINED(&o, "1101010101");
    qvl_arena_release(&a);
}

/* 132 numbers: 40 4 4 16 4 40 4 16 4, and 40 of a head of its own. */
static void test_ratio(void)
{
    qvl_arena a = { 0 };
    make_params(&a, true);
    qvl_train_options o = base();
    o.freeze_ratio = 39.5 / 132.0;
    CHECK_TRAINED(&o, "1111111111");
    o.freeze_ratio = 40.5 / 132.0;
    CHECK_TRAINED(&o, "0111111111");
    o.freeze_ratio = 108.5 / 132.0;  // the embedding, and the head with it
    CHECK_TRAINED(&o, "0000001110");
    make_params(&a, false);
    o.freeze_ratio = 108.5 / 172.0;
    CHECK_TRAINED(&o, "0000001111");
    qvl_arena_release(&a);
}

static void test_tied(void)
{
    qvl_arena a = { 0 };
    make_params(&a, true);
    qvl_train_options o = base();
    const char *frozen[] = { "model.language_model.embed_tokens" };
    o.freeze = frozen;
    o.n_freeze = 1;
    CHECK_TRAINED(&o, "1111111111");  // by its other name
    o.freeze_llm = 1;
    CHECK_TRAINED(&o, "1111100000");
    const char *head[] = { "lm_head" };
    o.trainable = head;
    o.n_trainable = 1;
    CHECK_TRAINED(&o, "1111110001");
    qvl_groups g;
    trained(&o, &g, &a);
    CHECK_INT(g.part_elems[QVL_PART_LLM], 64, "once");
    CHECK_INT(g.part_trained[QVL_PART_LLM], 40, "once");
    CHECK_INT(g.group[EMBED], g.group[HEAD], "one group");
    qvl_arena_release(&a);
}

static void test_decay(void)
{
    static const struct {
        const char *name;
        bool decays;
    } seen[] = {
        { "model.visual.pos_embed.weight", true },
        { "model.visual.blocks.3.attn.qkv.weight", true },
        { "model.visual.blocks.3.attn.qkv.bias", false },
        { "model.visual.blocks.3.norm2.weight", false },
        { "model.visual.merger.norm.weight", false },
        { "model.visual.deepstack_merger_list.0.norm.bias", false },
        { "layers.0.self_attn.k_norm.weight", false },
        { "layers.0.input_layernorm.weight", false },
        { "layers.0.RMSNorm.weight", false },
        { "layers.0.normal.weight", true },
        { "layers.0.norm_x.weight", true },
        { "norm", false },
        { "lm_head.weight", true },
        { "", true },
    };
    for (size_t i = 0; i < QVL_COUNT(seen); i++)
        CHECK(qvl_group_decays(seen[i].name) == seen[i].decays, "%s",
              seen[i].name);
}

static void check_group(const qvl_group *g, int part, double lr, double decay,
                        size_t n_params, size_t n_elems)
{
    CHECK_INT(g->part, part, "part");
    CHECK_NEAR(g->lr, lr, 0.0, "rate");
    CHECK_NEAR(g->decay, decay, 0.0, "decay");
    CHECK_INT(g->n_params, n_params, "tensors");
    CHECK_INT(g->n_elems, n_elems, "numbers");
}

static void test_groups(void)
{
    qvl_arena a = { 0 };
    make_params(&a, true);
    qvl_train_options o = base();
    qvl_groups g;
    trained(&o, &g, &a);
    CHECK_INT(g.n, 2, "groups");
    check_group(&g.item[0], QVL_N_PARTS, 1e-3, 0.0, 5, 20);
    check_group(&g.item[1], QVL_N_PARTS, 1e-3, 0.1, 4, 112);
    o.vit_lr = 0.0;
    o.aligner_lr = 5e-4;
    trained(&o, &g, &a);
    CHECK_INT(g.n, 6, "groups");
    check_group(&g.item[0], QVL_PART_VIT, 0.0, 0.0, 2, 8);
    check_group(&g.item[3], QVL_PART_ALIGNER, 5e-4, 0.1, 1, 16);
    check_group(&g.item[5], QVL_PART_LLM, 1e-3, 0.1, 2, 56);
    CHECK_INT(g.group[HEAD], 5, "tied");
    o.freeze_vit = 1;
    o.freeze_regex = "merger\\.norm";
    trained(&o, &g, &a);
    CHECK_INT(g.n, 3, "empty ones are left out");
    check_group(&g.item[0], QVL_PART_ALIGNER, 5e-4, 0.1, 1, 16);
    o = base();
    o.optimizer = "multimodal";
    trained(&o, &g, &a);
    CHECK_INT(g.n, 6, "asked for");
    qvl_arena_release(&a);
}

static void test_refusals(void)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_groups g;
    make_params(&a, false);
    qvl_train_options o = base();
    o.freeze_vit = o.freeze_aligner = o.freeze_llm = 1;
    CHECK_FAILS(qvl_groups_make(&g, &params, &o, &a, &err), QVL_E_CONFIG, err,
                "trained parameters: found none");
    o = base();
    const char *unknown[] = { "model.vision" };
    o.freeze = unknown;
    o.n_freeze = 1;
    CHECK_FAILS(qvl_groups_make(&g, &params, &o, &a, &err), QVL_E_CONFIG, err,
                "freeze_parameters: found model.vision");
    o = base();
    o.freeze_regex = "a(b";
    CHECK_FAILS(qvl_groups_make(&g, &params, &o, &a, &err), QVL_E_CONFIG, err,
                "freeze_parameters_regex: expression a(b");
    o.freeze_regex = "no such name";
    CHECK_FAILS(qvl_groups_make(&g, &params, &o, &a, &err), QVL_E_CONFIG, err,
                "freeze_parameters_regex: found no parameter with \"no such name\"");
    o = base();
    o.optimizer = "galore";
    CHECK_FAILS(qvl_groups_make(&g, &params, &o, &a, &err), QVL_E_CONFIG, err,
                "optimizer: found galore");
    o = base();
    o.optimizer = "default";
    o.vit_lr = 1e-4;
    CHECK_FAILS(qvl_groups_make(&g, &params, &o, &a, &err), QVL_E_CONFIG, err,
                "expected multimodal");
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_freezing), TEST(test_ratio), TEST(test_tied),
          TEST(test_decay), TEST(test_groups), TEST(test_refusals))
