/* test_samples_fusion.c - samples of a run with a fusion: what each entry makes of its
 * records, their order, lengths, draws
 */
#include "train/samples.h"

#include "../data/made.h"
#include "base/log.h"
#include "base/rng.h"
#include "check.h"
#include "config/fusion.h"
#include "data/source_label.h"
#include "train/loader.h"

/* n records NAME0, NAME1, ...; record k has k mod 5 + 1 objects, the first of them a
 * polygon of 5 points. */
static const char *make_records(const char *name, int n, const char *metadata)
{
    char file[64];
    qvl_str text = { 0 };
    made_png("p.png", 32, 32);
    for (int k = 0; k < n; k++) {
        qvl_str_printf(&text, "{\"images\": [\"p.png\"], \"width\": 32, \"height\": 32, "
                       "\"summary\": \"%s%d\"%s, \"objects\": [{\"poly\": [1, 1, 9, 1, "
                       "9, 9, 5, 12, 1, 9], \"desc\": \"%s%d\"}", name, k,
                       metadata, name, k);
        for (int i = 0; i < k % 5; i++)
            qvl_str_printf(&text, ", {\"bbox_2d\": [1, %d, 9, 30], \"desc\": \"b%d\"}",
                           i + 1, i);
        qvl_str_puts(&text, "]}\n");
    }
    snprintf(file, sizeof file, "%s.jsonl", name);
    const char *path = made_file(file, text.p, text.len);
    qvl_str_release(&text);
    return path;
}

static void make_all(void)
{
    make_records("t", 12, ", \"metadata\": {\"dataset\": \"own\", \"k\": 1}");
    make_records("u", 5, "");
    make_records("s", 40, "");
    make_records("v", 3, "");
    make_records("w", 4, "");
    made_text("c.jsonl",
              "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, "
              "{\"role\": \"assistant\", \"content\": \"ho\"}]}\n"
              "{\"messages\": [{\"role\": \"system\", \"content\": \"own\"}, "
              "{\"role\": \"user\", \"content\": \"hi\"}, "
              "{\"role\": \"assistant\", \"content\": \"ho\"}]}\n");
}

/* Paths of a fusion, "@x" for the file x.jsonl here. */
static void put_fusion(const char *text)
{
    qvl_str out = { 0 };
    for (const char *p = text; *p != '\0'; p++)
        if (*p == '@')
            qvl_str_printf(&out, "%s/%c.jsonl", made_dir(), *++p);
        else
            qvl_str_putc(&out, *p);
    made_file("f.yaml", out.p, out.len);
    qvl_str_release(&out);
}

#define FUSION                                                                \
    "targets:\n"                                                              \
    "- {dataset: bbu, name: T, train_jsonl: @t, val_jsonl: @v,\n"             \
    "   template: target_dense, ratio: 2}\n"                                  \
    "- {dataset: rru, train_jsonl: @u, template: target_summary, seed: 9,\n"  \
    "   val_jsonl: @w, prompt_choices: [one, two two, three three three]}\n"  \
    "sources:\n"                                                              \
    "- {dataset: lvis, train_jsonl: @s, template: source_dense, ratio: 0.5,\n" \
    "   max_objects_per_image: 2, poly_max_points: 4, val_jsonl: @v}\n"       \
    "- {dataset: chat, train_jsonl: @c, template: chatml, ratio: 0.1}\n"      \
    "- {dataset: coco, train_jsonl: @u, template: source_dense, ratio: 0,\n"  \
    "   val_jsonl: @w, eval: true}\n"

typedef struct {
    qvl_arena arena;
    qvl_run_config c;
    qvl_samples s;
    qvl_err err;
    int rc;
} opened;

/* A run with more keys of training and custom, more sections. */
static void open_run(opened *o, const char *fusion, const char *training,
                     const char *custom, const char *more, qvl_samples_check check)
{
    char text[4096];
    *o = (opened){ 0 };
    put_fusion(fusion);
    snprintf(text, sizeof text,
             "model: {model: %s, torch_dtype: float32}\n"
             "template: {template: qwen3_vl, max_length: 3000}\n"
             "tuner: {train_type: full}\n"
             "training: {output_dir: out, logging_dir: out/runs, run_name: r,\n"
             "  per_device_train_batch_size: 3, gradient_accumulation_steps: 2,\n"
             "  num_train_epochs: 3, learning_rate: 0.125, seed: 17%s}\n"
             "custom: {emit_norm: norm1000, fusion_config: %s%s}\n%s",
             made_model(), training, made_path("f.yaml"), custom, more);
    qvl_log_set_sink(NULL, NULL, QVL_LOG_ERROR);
    o->rc = qvl_run_config_load(&o->c, made_text("run.yaml", text), NULL, NULL, 0,
                                &o->arena, &o->err);
    if (o->rc == QVL_OK)
        o->rc = qvl_samples_open(&o->s, &o->c, check, &o->arena, &o->err);
}

static void open_fine(opened *o, const char *training, const char *custom,
                      const char *more)
{
    open_run(o, FUSION, training, custom, more, QVL_SAMPLES_FIRST);
    CHECK_OK(o->rc, o->err);
}

static void close_run(opened *o)
{
    qvl_samples_close(&o->s);
    qvl_arena_release(&o->arena);
}

/* ---- records and recipes -------------------------------------------------- */

static const char *text_of(const qvl_record *r, const char *key)
{
    const char *text = NULL;
    qvl_node_as_string(qvl_node_find(r->metadata, key), &text);
    return text;
}

/* Entries one behind the other, but for one without slots; each with its number in its
 * own file and what metadata say. */
static void test_records(void)
{
    static const struct {
        size_t n;
        const char *label, *template, *domain, *mode;
    } parts[] = {
        { 12, "t", "target_dense", "target", "dense" },
        { 5, "rru", "target_summary", "target", "summary" },
        { 40, "lvis", "source_dense", "source", "dense" },
        { 2, "chat", "chatml", "source", "dense" },
    };
    opened o;
    open_fine(&o, "", "", "");
    const qvl_sample_set *t = &o.s.train;
    size_t k = 0;
    CHECK_INT(t->recipes.n, QVL_COUNT(parts), "recipes");
    for (size_t i = 0; i < QVL_COUNT(parts); i++) {
        for (size_t j = 0; j < parts[i].n; j++, k++) {
            const qvl_record *r = &t->record[k];
            CHECK_INT(r->index, j, "record %zu", k);
            CHECK_STR(qvl_source_label(r, &o.arena), parts[i].label, "record %zu", k);
            CHECK_STR(text_of(r, "_fusion_template"), parts[i].template, "%zu", k);
            CHECK_STR(text_of(r, "_fusion_domain"), parts[i].domain, "%zu", k);
            CHECK_STR(text_of(r, "_fusion_mode"), parts[i].mode, "%zu", k);
            CHECK(qvl_recipe_of(&t->recipes, k) == &t->recipes.v[i], "record %zu", k);
            CHECK(i != 2 || r->object[0].kind == QVL_GEOM_BOX, "polygons are boxes");
            CHECK(i != 0 || r->object[0].kind == QVL_GEOM_POLY, "polygons stay");
        }
    }
    CHECK_INT(t->n, k, "records");
    CHECK_STR(text_of(&t->record[3], "dataset"), "own", "metadata stay");
    CHECK_STR(text_of(&t->record[3], "_fusion_source"), "T", "as written");
    CHECK_INT(o.s.val.n, 3 + 4 + 4, "validation: targets, and who asks for it");
    CHECK_STR(qvl_source_label(&o.s.val.record[7], &o.arena), "coco", "the last");
    CHECK_INT(o.s.val.recipes.n, 3, "recipes of validation");
    CHECK(o.s.val.recipe[0].draw.dataset != t->recipe[0].draw.dataset, "other draws");
    CHECK(o.s.val.recipe[0].encoder == t->recipe[0].encoder, "one encoder an entry");
    CHECK_INT(o.s.n_beside, 4, "encoders beside the first");
    close_run(&o);
}

/* What a sample of each entry says: prompts, lines, modes. */
static const char *sample_text(opened *o, size_t k, uint64_t epoch)
{
    qvl_str out = { 0 };
    qvl_encoded sample;
    const qvl_recipe *r = qvl_recipe_of(&o->s.train.recipes, k);
    CHECK_OK(qvl_encode_text(r->encoder, &o->s.train.record[k], epoch, &o->arena,
                             &sample, &o->err), o->err);
    CHECK_OK(qvl_samples_put(r->encoder, &sample, &out, &o->err), o->err);
    const char *text = qvl_arena_strdup(&o->arena, out.p);
    qvl_str_release(&out);
    return text;
}

enum { OF_T = 0, OF_RRU = 12, OF_LVIS = 17, OF_CHAT = 57 };

static void test_prompts(void)
{
    opened o;
    open_fine(&o, "", ", assistant_prefix_format: '<DOMAIN={domain}>, <TASK={task}>, "
              "<SET={dataset}>'", "");
    CHECK_HAS(sample_text(&o, OF_T, 0), "你是图像标注助手", "pack of the template");
    CHECK_HAS(sample_text(&o, OF_T, 0), "assistant\n<DOMAIN=BBU>, <TASK=DETECTION>, "
              "<SET=T>\n{\"object_1\"", "line");
    CHECK_HAS(sample_text(&o, OF_RRU, 0), "你是图像汇总助手", "pack of the template");
    CHECK_HAS(sample_text(&o, OF_RRU, 0), "<DOMAIN=RRU>, <TASK=SUMMARY>, "
              "<SET=RRU>\nu0<|im_end|>", "line");
    CHECK_HAS(sample_text(&o, OF_LVIS, 0), "You annotate pictures.", "auxiliary pack");
    CHECK_HAS(sample_text(&o, OF_LVIS, 0), "assistant\n{\"object_1\"", "no line");
    CHECK_HAS(sample_text(&o, OF_CHAT, 0), "<|im_start|>user\nhi", "nothing in front");
    CHECK_HAS(sample_text(&o, OF_CHAT + 1, 0), "system\nown<|im_end|>", "its own");
    CHECK_HAS(sample_text(&o, OF_CHAT, 0), "assistant\nho<|im_end|>", "no line");
    int n_other = 0;
    for (uint64_t epoch = 1; epoch < 20; epoch++)
        n_other += strcmp(sample_text(&o, OF_RRU, epoch), sample_text(&o, OF_RRU, 0)) != 0;
    CHECK(n_other > 4, "prompts are drawn: %d others", n_other);
    close_run(&o);

    open_fine(&o, "", ", user_prompt: RUN USER, system_prompt_summary: RUN SUMMARY",
              "prompts: {system: RUN SYSTEM, user: weaker}\n");
    CHECK_HAS(sample_text(&o, OF_T, 0), "RUN SYSTEM", "the run beats the pack");
    CHECK_HAS(sample_text(&o, OF_T, 0), "RUN USER<|im_end|>", "the run beats the pack");
    CHECK_HAS(sample_text(&o, OF_LVIS, 0), "RUN SYSTEM", "the run beats the pack");
    CHECK_HAS(sample_text(&o, OF_RRU, 0), "RUN SUMMARY", "of the mode");
    CHECK(strstr(sample_text(&o, OF_RRU, 0), "RUN USER") == NULL, "choices beat the run");
    CHECK_STR(o.s.fusion->from[QVL_MODE_DENSE].system, "prompts.system", "told");
    CHECK_STR(o.s.fusion->from[QVL_MODE_SUMMARY].system, "custom.system_prompt_summary",
              "told");
    CHECK_STR(o.s.fusion->from[QVL_MODE_DENSE].user, "custom.user_prompt", "told");
    close_run(&o);

    open_run(&o, "targets:\n- {dataset: bbu, train_jsonl: @t, template: target_dense, "
             "user_prompt: OWN USER, system_prompt: ''}\n", "", ", user_prompt: RUN",
             "prompts: {system: RUN SYSTEM}\n", QVL_SAMPLES_ALL);
    CHECK_OK(o.rc, o.err);
    const char *text = sample_text(&o, 0, 0);
    CHECK_HAS(text, "OWN USER<|im_end|>", "the entry beats the run");
    CHECK(strncmp(text, "<|im_start|>user", 16) == 0, "no system turn: %s", text);
    close_run(&o);
}

/* ---- order ---------------------------------------------------------------- */

static void test_plan(void)
{
    opened o;
    open_fine(&o, "", "", "");
    qvl_epoch_plan p = qvl_samples_plan(&o.s, &o.c);
    /* 24 + 5 of targets, 14 of half of that (to even), 3 of a tenth */
    CHECK_INT(p.n_records, 24 + 5 + 14 + 3, "slots");
    CHECK_INT(qvl_samples_steps(&o.s, &o.c), 3 * 8, "steps");
    qvl_epoch_slot *slot = qvl_arena_array(&o.arena, qvl_epoch_slot, p.n_records);
    for (uint64_t epoch = 0; epoch < 6; epoch++) {
        int n_of[59] = { 0 };
        qvl_epoch_plan_order(slot, &p, epoch, &o.arena);
        for (size_t i = 0; i < p.n_records; i++)
            CHECK_INT(slot[i].occurrence, n_of[slot[i].record]++, "slot %zu", i);
        for (int k = 0; k < OF_LVIS; k++)
            CHECK_INT(n_of[k], k < OF_RRU ? 2 : 1, "record %d", k);
    }
    close_run(&o);
    open_fine(&o, "", ", train_sample_limit: 3, val_sample_limit: 2", "");
    p = qvl_samples_plan(&o.s, &o.c);
    CHECK_INT(p.n_records, 6 + 3 + 4 + 1, "3 records of each");
    CHECK_INT(o.s.val.n, 6, "2 records of each");
    CHECK_STR(qvl_samples_key(&o.s), "custom.fusion_config", "key");
    close_run(&o);
}

/* ---- batches -------------------------------------------------------------- */

static uint64_t hash_of(const qvl_collated *b)
{
    size_t cells = (size_t)b->in.n_rows * (size_t)b->in.row_len;
    const qvl_pictures *p = &b->in.images;
    uint64_t h = qvl_rng_hash((const char *)b->in.input_ids, 8 * cells);
    h = qvl_rng_mix(h, qvl_rng_hash((const char *)b->in.labels, 8 * cells));
    return qvl_rng_mix(h, qvl_rng_hash((const char *)p->pixels,
                                       4 * p->n_rows * p->n_cols));
}

static void take_all(opened *o, uint64_t *hash, size_t first, size_t end, int n_threads,
                     const qvl_pack_source *pack)
{
    qvl_loader *l;
    const qvl_loader_options options = {
        .recipes = o->s.train.recipes, .record = o->s.train.record,
        .plan = qvl_samples_plan(&o->s, &o->c), .pack = pack,
        .first = first, .end = end, .n_taken = 1, .n_threads = n_threads, .n_ahead = 2,
    };
    CHECK_OK(qvl_loader_open(&l, &options, &o->err), o->err);
    for (size_t b = first; b < end; b++) {
        qvl_collated got;
        CHECK_OK(qvl_loader_take(l, &got, 1, &o->err), o->err);
        hash[b] = hash_of(&got);
    }
    qvl_loader_close(l);
}

#define AUGMENTED                                                             \
    ", augmentation: {ops: [{name: hflip}, {name: rotate, params: {max_deg: 40}}], " \
    "curriculum: {phases: [{until_percent: 50, ops: {rotate: {max_deg: 5}}}]}}"

/* The same for any number of threads, from any batch on; packed or not, augmented or
 * not. */
static void test_batches(void)
{
    enum { N = 40 };
    for (int kind = 0; kind < 4; kind++) {
        opened o;
        uint64_t alone[N], hash[N];
        bool is_packed = kind % 2 != 0;
        open_fine(&o, is_packed ? ", packing: true" : "", kind >= 2 ? AUGMENTED : "", "");
        qvl_samples_augment(&o.s, &o.c, 20, &o.arena);
        qvl_pack_source pack = { .ctx = NULL };
        if (is_packed)
            pack = qvl_samples_pack(&o.s, &o.c);
        take_all(&o, alone, 0, N, 0, is_packed ? &pack : NULL);
        for (int n_threads = 1; n_threads <= 3; n_threads++)
            for (size_t first = 0; first < N; first += 13) {
                take_all(&o, hash, first, N, n_threads, is_packed ? &pack : NULL);
                for (size_t b = first; b < N; b++)
                    CHECK(hash[b] == alone[b], "kind %d, %d threads from %zu: batch %zu",
                          kind, n_threads, first, b);
            }
        close_run(&o);
    }
}

/* The lengths that packing goes by are those of the samples, at every turn. */
static void test_lengths(void)
{
    for (int kind = 0; kind < 2; kind++) {
        opened o;
        open_fine(&o, ", packing: true", kind == 1 ? AUGMENTED : "", "");
        qvl_samples_augment(&o.s, &o.c, 20, &o.arena);
        qvl_pack_source pack = qvl_samples_pack(&o.s, &o.c);
        int n_changed = 0;
        for (size_t k = 0; k < o.s.train.n; k++)
            for (uint64_t turn = 0; turn < 6; turn++) {
                const qvl_sample_at at = { .record = k, .epoch = turn / 2,
                                           .occurrence = turn % 2,
                                           .step = (int64_t)turn };
                const qvl_recipe *r = qvl_recipe_of(&o.s.train.recipes, k);
                const qvl_record *seen;
                qvl_encoded sample;
                int n_tokens;
                CHECK_OK(qvl_recipe_see(r, &o.s.train.record[k], &at, &o.arena, &seen,
                                        NULL, &o.err), o.err);
                CHECK_OK(qvl_encode_text(r->encoder, seen, at.epoch, &o.arena, &sample,
                                         &o.err), o.err);
                CHECK_OK(pack.length(pack.ctx, &at, &n_tokens, &o.err), o.err);
                CHECK_INT(n_tokens, sample.n, "record %zu, turn %d", k, (int)turn);
                n_changed += seen->n_objects != o.s.train.record[k].n_objects;
            }
        CHECK(n_changed > 50, "%d limited", n_changed);
        close_run(&o);
    }
}

/* Who is augmented: entries that want to be, with or without the curriculum. */
static void test_augmenters(void)
{
    opened o;
    open_run(&o, "targets:\n"
             "- {dataset: bbu, train_jsonl: @t, template: target_dense}\n"
             "- {dataset: rru, train_jsonl: @u, template: target_dense, "
             "curriculum_enabled: no}\n"
             "- {dataset: coco, train_jsonl: @u, template: target_dense, "
             "augmentation_enabled: no}\n"
             "sources:\n"
             "- {dataset: lvis, train_jsonl: @s, template: source_dense, ratio: 1}\n",
             "", AUGMENTED, "", QVL_SAMPLES_FIRST);
    CHECK_OK(o.rc, o.err);
    CHECK(qvl_samples_augmenter(&o.s) == NULL, "not yet");
    qvl_samples_augment(&o.s, &o.c, 20, &o.arena);
    const qvl_recipe *r = o.s.train.recipes.v;
    CHECK(r[0].augmenter != NULL && r[0].augmenter->rules->n_phases == 1, "all of it");
    CHECK(r[1].augmenter != NULL && r[1].augmenter->rules->n_phases == 0, "no phases");
    CHECK(r[1].augmenter->rules->n_ops == 2, "all ops");
    CHECK(r[2].augmenter == NULL && r[3].augmenter == NULL, "none");
    CHECK(qvl_samples_augmenter(&o.s) == r[0].augmenter, "that with phases");
    CHECK(r[0].augmenter->dataset != r[1].augmenter->dataset, "draws of their own");
    for (int k = 0; k < o.s.val.recipes.n; k++)
        CHECK(o.s.val.recipe[k].augmenter == NULL, "never of validation");
    close_run(&o);
}

/* Samples of an entry are the same whatever stands beside it; its seed changes them. */
static void test_apart(void)
{
    static const char *const fusions[] = {
        "targets:\n- {dataset: bbu, train_jsonl: @s, template: target_dense, "
        "max_objects_per_image: 2}\n",
        "targets:\n- {dataset: rru, train_jsonl: @t, template: target_dense}\n"
        "- {dataset: bbu, train_jsonl: @s, template: target_dense, "
        "max_objects_per_image: 2}\n",
        "targets:\n- {dataset: bbu, train_jsonl: @s, template: target_dense, "
        "max_objects_per_image: 2, seed: 1}\n",
    };
    uint64_t hash[3][40];
    for (int i = 0; i < 3; i++) {
        opened o;
        open_run(&o, fusions[i], "", AUGMENTED, "", QVL_SAMPLES_FIRST);
        CHECK_OK(o.rc, o.err);
        qvl_samples_augment(&o.s, &o.c, 20, &o.arena);
        for (size_t k = 0; k < 40; k++) {
            size_t at = k + (i == 1 ? 12 : 0);
            const qvl_recipe *r = qvl_recipe_of(&o.s.train.recipes, at);
            const qvl_record *seen;
            qvl_encoded sample;
            CHECK_OK(qvl_recipe_see(r, &o.s.train.record[at], &(qvl_sample_at){ .epoch = 2,
                                    .step = 3 }, &o.arena, &seen, NULL, &o.err), o.err);
            CHECK_OK(qvl_encode_text(r->encoder, seen, 2, &o.arena, &sample, &o.err),
                     o.err);
            hash[i][k] = qvl_rng_hash((const char *)sample.id, 8 * (size_t)sample.n);
        }
        close_run(&o);
    }
    CHECK(memcmp(hash[0], hash[1], sizeof hash[0]) == 0, "beside another entry");
    int n_same = 0;
    for (int k = 0; k < 40; k++)
        n_same += hash[0][k] == hash[2][k];
    CHECK(n_same < 20, "%d samples in spite of the seed", n_same);
}

/* ---- what is wrong -------------------------------------------------------- */

static void test_faults(void)
{
    static const struct {
        const char *fusion, *training, *custom, *said;
        int code;
    } cases[] = {
        { "targets:\n- {dataset: bbu, train_jsonl: no.jsonl, template: target_dense}\n",
          "", "", "no.jsonl", QVL_E_IO },
        { "targets:\n- {dataset: bbu, train_jsonl: @t, template: target_dense, "
          "ratio: 0.01}\n", "", "", "f.yaml: fusion: found ratios", QVL_E_CONFIG },
        { "targets:\n- {dataset: bbu, train_jsonl: @t, template: target_summary, "
          "assert_answer: x}\n", "", "", "t.jsonl:1: summary: found t0, expected x",
          QVL_E_DATA },
        { "targets:\n- {dataset: bbu, train_jsonl: @t, template: target_dense}\n"
          "sources:\n- {dataset: chat, train_jsonl: @t, template: chatml, ratio: 0}\n",
          "", "", "t.jsonl:1: messages: found nothing", QVL_E_DATA },
        { "targets:\n- {dataset: bbu, train_jsonl: @t, template: target_dense, "
          "user_prompt: '{nothing}'}\n", "", "", "bbu: prompt: found {nothing}",
          QVL_E_CONFIG },
        { "targets:\n- {dataset: bbu, train_jsonl: @t, val_jsonl: @x, "
          "template: target_dense}\n", "", "", "x.jsonl:2:", QVL_E_DATA },
        { "targets:\n- {dataset: bbu, train_jsonl: @y, template: target_dense}\n", "", "",
          "y.jsonl:1: metadata: found _fusion_source", QVL_E_DATA },
        { "targets:\n- {dataset: bbu, name: long one, train_jsonl: @z, "
          "template: target_dense}\n", "", "", "dataset long one, record 0", QVL_E_RANGE },
    };
    made_text("x.jsonl", "{\"images\": [\"p.png\"], \"width\": 32, \"height\": 32, "
              "\"objects\": [{\"bbox_2d\": [1, 1, 2, 2], \"desc\": \"a\"}]}\n"
              "{\"images\": [\"p.png\"], \"width\": 32, \"height\": 32, "
              "\"summary\": \"a\"}\n");
    made_text("y.jsonl", "{\"images\": [\"p.png\"], \"width\": 32, \"height\": 32, "
              "\"metadata\": {\"_fusion_source\": \"q\"}, "
              "\"objects\": [{\"bbox_2d\": [1, 1, 2, 2], \"desc\": \"a\"}]}\n");
    qvl_str text = { 0 };
    qvl_str_printf(&text, "{\"images\": [\"p.png\"], \"width\": 32, \"height\": 32, "
                   "\"objects\": [{\"bbox_2d\": [1, 1, 2, 2], \"desc\": \"%0*d\"}]}\n",
                   9000, 7);
    made_file("z.jsonl", text.p, text.len);
    qvl_str_release(&text);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        opened o;
        open_run(&o, cases[i].fusion, cases[i].training, cases[i].custom, "",
                 QVL_SAMPLES_FIRST);
        CHECK(o.rc == cases[i].code && strstr(o.err.msg, cases[i].said) != NULL,
              "case %zu: %d %s", i, o.rc, o.err.msg);
        CHECK(strchr(o.err.msg, '\n') == NULL, "case %zu: one line", i);
        qvl_arena_release(&o.arena);
    }
}

/* Without a model: the records and recipes of training. */
static void test_read(void)
{
    opened o = { 0 };
    open_fine(&o, "", "", "");
    qvl_samples s = { 0 };
    CHECK_OK(qvl_samples_read(&s, &o.c, &o.arena, &o.err), o.err);
    CHECK_INT(s.train.n, o.s.train.n, "records");
    CHECK_INT(s.train.recipes.n, o.s.train.recipes.n, "recipes");
    CHECK(s.train.recipes.v[0].encoder == NULL && s.val.n == 0, "nothing else");
    CHECK_INT(qvl_samples_plan(&s, &o.c).n_records, 46, "slots");
    close_run(&o);
}

/* Out of host memory at any point: an error, and nothing is held. */
static void test_host_memory(void)
{
    opened o;
    int rc = QVL_E_MEMORY, n_failed = 0;
    open_fine(&o, "", "", "");
    for (size_t limit = 64; rc != QVL_OK; limit *= 2) {
        qvl_arena arena = { 0 };
        qvl_samples s = { .train = { .n = 77 } };
        qvl_memory_limit(limit);
        rc = qvl_samples_open(&s, &o.c, QVL_SAMPLES_ALL, &arena, &o.err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "%zu bytes: %s", limit, o.err.msg);
        CHECK(rc == QVL_OK || s.train.n == 77, "%zu bytes", limit);
        n_failed += rc != QVL_OK;
        if (rc == QVL_OK)
            qvl_samples_close(&s);
        qvl_arena_release(&arena);
    }
    CHECK(n_failed > 5, "%d failures", n_failed);
    close_run(&o);
}

static void test_begin(void)
{
    make_all();
}

RUN_TESTS(TEST(test_begin), TEST(test_records), TEST(test_prompts), TEST(test_plan),
          TEST(test_batches), TEST(test_lengths), TEST(test_augmenters),
          TEST(test_apart), TEST(test_faults), TEST(test_read),
          TEST(test_host_memory))
