/* test_checkpoint.c - folders to a store and back */
#include "check.h"
#include "model/checkpoint.h"

#include "backend/backend.h"
#include "base/file.h"
#include "base/half.h"
#include "base/log.h"
#include "tiny.h"

/* A list of parameters and a store for it on the cpu. */
typedef struct {
    qvl_arena arena;
    qvl_model_config config;
    qvl_param_list params;
    qvl_device *dev;
    qvl_store *store;
    qvl_checkpoint *ck;
} fixture;

static fixture f;

static void open_device(int dtype)
{
    qvl_err err = { 0 };
    qvl_types types = { .act = dtype, .res = QVL_F32 };
    CHECK_OK(qvl_device_open(&f.dev, "cpu", 1, &err), err);
    CHECK_OK(qvl_store_open(&f.store, f.dev, &f.params, &types, &err), err);
}

static void open_tiny(const char *config)
{
    memset(&f, 0, sizeof f);
    tiny_open(&f.config, &f.params, config, &f.arena);
}

static void close_all(void)
{
    qvl_checkpoint_close(f.ck);
    qvl_store_close(f.store);
    qvl_device_close(f.dev);
    qvl_arena_release(&f.arena);
}

static int open_folder(const char *dir, qvl_err *err)
{
    qvl_checkpoint_close(f.ck);
    f.ck = NULL;
    return qvl_checkpoint_open(&f.ck, dir, &f.params, err);
}

static float as_type(float v, int dtype)
{
    return dtype == QVL_BF16 ? qvl_bf16_to_f32(qvl_f32_to_bf16(v)) : v;
}

/* Every value of the store is the one its name says, rounded by the file's and
 * by the store's type. */
static void check_store(int file_dtype)
{
    qvl_err err = { 0 };
    for (int i = 0; i < f.params.n; i++) {
        const qvl_arch_param *p = &f.params.item[i];
        size_t n = qvl_arch_param_elems(p);
        const qvl_arch_param *owner =
            p->same_as != -1 ? &f.params.item[p->same_as] : p;
        float *v = qvl_arena_array(&f.arena, float, n);
        float *want = qvl_arena_array(&f.arena, float, n);
        tiny_weights(owner, want);
        CHECK_OK(qvl_store_read(f.store, i, 0, n, v, &err), err);
        for (size_t k = 0; k < n; k++)
            CHECK(v[k] == as_type(as_type(want[k], file_dtype),
                                  qvl_store_dtype(f.store, i)),
                  "%s[%zu]", p->name, k);
    }
}

/* ---- loading ------------------------------------------------------------ */

static void test_load(void)
{
    static const struct {
        const char *name;
        int file, store, n_files;
    } cases[] = {
        { "f32", QVL_F32, QVL_F32, 1 },
        { "bf16-f32", QVL_BF16, QVL_F32, 1 },
        { "bf16-shards", QVL_BF16, QVL_BF16, 3 },
        { "f32-bf16", QVL_F32, QVL_BF16, 4 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        open_tiny(tiny_config);
        tiny_folder folder = { .dtype = cases[i].file,
                               .n_files = cases[i].n_files };
        CHECK_OK(open_folder(tiny_write(cases[i].name, &f.params, &folder),
                             &err),
                 err);
        const qvl_checkpoint_info *info = qvl_checkpoint_report(f.ck);
        CHECK(info->n_missing == 0 && info->n_extra == 0
                  && info->n_tied == 0 && info->n_files == cases[i].n_files
                  && info->n_entries == (size_t)f.params.n,
              "case %s", cases[i].name);
        open_device(cases[i].store);
        CHECK_OK(qvl_checkpoint_load(f.ck, f.store, &err), err);
        check_store(cases[i].file);
        close_all();
    }
}

static const char *base_class(const char *name, qvl_arena *arena)
{
    return strncmp(name, "model.", 6) == 0 ? qvl_arena_strdup(arena, name + 6)
                                           : name;
}

static const char *other_stack(const char *name, qvl_arena *arena)
{
    static const char text[] = "model.language_model.";
    static const char vision[] = "model.visual.";
    if (strncmp(name, text, sizeof text - 1) == 0)
        return qvl_arena_printf(arena, "language_model.model.%s",
                                name + sizeof text - 1);
    if (strncmp(name, vision, sizeof vision - 1) == 0)
        return qvl_arena_printf(arena, "visual.%s", name + sizeof vision - 1);
    return qvl_arena_printf(arena, "language_model.%s", name);
}

static const char *wrapped(const char *name, qvl_arena *arena)
{
    return qvl_arena_printf(arena, "base_model.model.module.%s", name);
}

static void test_aliases(void)
{
    static const struct {
        const char *name;
        const char *(*rename)(const char *, qvl_arena *);
    } cases[] = {
        { "base-class", base_class },
        { "other-stack", other_stack },
        { "wrapped", wrapped },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        open_tiny(tiny_config);
        tiny_folder folder = { .dtype = QVL_BF16,
                               .rename = cases[i].rename };
        CHECK_OK(open_folder(tiny_write(cases[i].name, &f.params, &folder),
                             &err),
                 err);
        open_device(QVL_F32);
        CHECK_OK(qvl_checkpoint_load(f.ck, f.store, &err), err);
        check_store(QVL_BF16);
        close_all();
    }
}

/* ---- tied, missing, superfluous ------------------------------------------ */

static const char *tied_text(qvl_arena *arena)
{
    const char *key = "\"tie_word_embeddings\": ";
    const char *at = strstr(tiny_config, key) + strlen(key);
    return qvl_arena_printf(arena, "%.*strue%s", (int)(at - tiny_config),
                            tiny_config, at + strlen("false"));
}

static const char *all_names(const char *name, qvl_arena *arena)
{
    (void)arena;
    return name;
}

static void count_warnings(void *ctx, int level, const char *text)
{
    if (level == QVL_LOG_WARN && strstr(text, "lm_head.weight") != NULL)
        ++*(int *)ctx;
}

static void test_tied(void)
{
    for (int with_head = 0; with_head < 2; with_head++) {
        qvl_err err = { 0 };
        qvl_arena arena = { 0 };
        int n_warnings = 0;
        const char *text = tied_text(&arena);
        open_tiny(text);
        tiny_folder folder = { .dtype = QVL_F32, .config = text,
                               .rename = with_head ? all_names : NULL };
        CHECK_OK(open_folder(tiny_write(with_head ? "tied-both" : "tied",
                                        &f.params, &folder),
                             &err),
                 err);
        const qvl_checkpoint_info *info = qvl_checkpoint_report(f.ck);
        CHECK_INT(info->n_missing, 0, "tied");
        CHECK_INT(info->n_tied, with_head, "tied");
        open_device(QVL_F32);
        qvl_log_set_sink(count_warnings, &n_warnings, QVL_LOG_WARN);
        CHECK_OK(qvl_checkpoint_load(f.ck, f.store, &err), err);
        qvl_log_set_sink(NULL, NULL, 0);
        /* The stream of the head's name is not that of the embedding. */
        CHECK_INT(n_warnings, with_head, "warnings");
        check_store(QVL_F32);
        close_all();
        qvl_arena_release(&arena);
    }
}

static const char *without_head(const char *name, qvl_arena *arena)
{
    (void)arena;
    if (strcmp(name, "lm_head.weight") == 0)
        return "";
    return strcmp(name, "model.language_model.norm.weight") == 0
               ? "model.language_model.norm2.weight"
               : name;
}

static void test_missing(void)
{
    qvl_err err = { 0 };
    open_tiny(tiny_config);
    tiny_folder folder = { .dtype = QVL_BF16, .rename = without_head };
    CHECK_OK(open_folder(tiny_write("missing", &f.params, &folder), &err),
             err);
    const qvl_checkpoint_info *info = qvl_checkpoint_report(f.ck);
    CHECK_INT(info->n_missing, 2, "missing");
    CHECK_STR(info->missing[0], "model.language_model.norm.weight",
              "missing");
    CHECK_STR(info->missing[1], "lm_head.weight", "missing");
    CHECK_INT(info->n_extra, 1, "extra");
    CHECK_STR(info->extra[0], "model.language_model.norm2.weight", "extra");
    open_device(QVL_F32);
    CHECK_FAILS(qvl_checkpoint_load(f.ck, f.store, &err), QVL_E_MODEL, err,
                "no tensor for 2 parameters");
    close_all();
}

/* ---- small lists: shapes, layouts, experts -------------------------------- */

/* A tensor to write: value k is 1000 * seed + k. */
typedef struct {
    const char *name;
    int dtype;
    int rank;
    size_t shape[3];
    int seed;
} plain;

static void write_plain(const char *dir, const char *file, const plain *t,
                        size_t n)
{
    qvl_err err = { 0 };
    qvl_st_writer *w;
    char path[600];
    CHECK_OK(qvl_file_make_dirs(dir, &err), err);
    snprintf(path, sizeof path, "%s/%s", dir, file);
    CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
    for (size_t i = 0; i < n; i++)
        CHECK_OK(qvl_st_writer_declare(w, t[i].name, t[i].dtype, t[i].shape,
                                       t[i].rank, &err),
                 err);
    for (size_t i = 0; i < n; i++) {
        size_t elems = 1;
        for (int k = 0; k < t[i].rank; k++)
            elems *= t[i].shape[k];
        for (size_t k = 0; k < elems; k++) {
            float v = (float)(1000 * t[i].seed + (int)k);
            int32_t whole = (int32_t)v;
            CHECK_OK(qvl_st_writer_write(
                         w, t[i].dtype == QVL_F32 ? (void *)&v : &whole, 4,
                         &err),
                     err);
        }
    }
    CHECK_OK(qvl_st_writer_commit(w, &err), err);
}

/* Experts: E 2, H 3, I 2 in the layout [E, 2I, H], [E, H, I]. */
static void open_experts(size_t h, size_t i)
{
    memset(&f, 0, sizeof f);
    f.params.arena = &f.arena;
    qvl_param_list_add(&f.params, "model.l.mlp.experts.gate_up_proj", "text",
                       3, (size_t[]){ 2, 2 * i, h }, -1, true);
    qvl_param_list_add(&f.params, "model.l.mlp.experts.down_proj", "text", 3,
                       (size_t[]){ 2, h, i }, -1, true);
}

static void check_param(int i, const float *want, size_t n, const char *what)
{
    qvl_err err = { 0 };
    float v[64];
    CHECK_OK(qvl_store_read(f.store, i, 0, n, v, &err), err);
    for (size_t k = 0; k < n; k++)
        CHECK(v[k] == want[k], "%s: value %zu is %g, wanted %g", what, k,
              v[k], want[k]);
}

static void load_dir(const char *dir)
{
    qvl_err err = { 0 };
    CHECK_OK(open_folder(dir, &err), err);
    open_device(QVL_F32);
    CHECK_OK(qvl_checkpoint_load(f.ck, f.store, &err), err);
}

/* What entry k of the files holds comes back out of a parameter. */
static void check_extract(size_t k, int seed)
{
    const qvl_checkpoint_entry *e = qvl_checkpoint_at(f.ck, k);
    qvl_err err = { 0 };
    float param[64], out[64];
    size_t n = qvl_arch_param_elems(&f.params.item[e->param]);
    CHECK_OK(qvl_store_read(f.store, e->param, 0, n, param, &err), err);
    qvl_checkpoint_extract(f.ck, k, param, out);
    for (size_t j = 0; j < e->tensor->n_elems; j++)
        CHECK(out[j] == (float)(1000 * seed + (int)j), "%s[%zu]",
              e->tensor->name, j);
}

#define GATE_UP "model.l.mlp.experts.gate_up_proj"
#define DOWN "model.l.mlp.experts.down_proj"

static void test_layouts(void)
{
    static const plain straight[] = {
        { GATE_UP, QVL_F32, 3, { 2, 4, 3 }, 1 },
        { DOWN, QVL_F32, 3, { 2, 3, 2 }, 2 },
    };
    static const plain swapped[] = {
        { GATE_UP, QVL_F32, 3, { 2, 3, 4 }, 1 },
        { DOWN, QVL_F32, 3, { 2, 2, 3 }, 2 },
    };
    float want[24];
    open_experts(3, 2);
    write_plain(check_path("straight"), "model.safetensors", straight, 2);
    load_dir(check_path("straight"));
    for (int k = 0; k < 24; k++)
        want[k] = (float)(1000 + k);
    check_param(0, want, 24, "straight");
    CHECK(qvl_checkpoint_at(f.ck, 0)->is_plain, "straight");
    check_extract(0, 1);
    close_all();

    open_experts(3, 2);
    write_plain(check_path("swapped"), "model.safetensors", swapped, 2);
    load_dir(check_path("swapped"));
    for (int e = 0; e < 2; e++)
        for (int row = 0; row < 4; row++)
            for (int col = 0; col < 3; col++)
                want[(e * 4 + row) * 3 + col] =
                    (float)(1000 + (e * 3 + col) * 4 + row);
    check_param(0, want, 24, "swapped");
    CHECK(!qvl_checkpoint_at(f.ck, 0)->is_plain, "swapped");
    check_extract(0, 1);
    check_extract(1, 2);
    close_all();
}

/* Hidden size equal to twice the expert's: only down_proj tells. */
static void test_square(void)
{
    static const plain files[] = {
        { GATE_UP, QVL_F32, 3, { 2, 4, 4 }, 1 },
        { DOWN, QVL_F32, 3, { 2, 2, 4 }, 2 },
    };
    float want[32];
    open_experts(4, 2);
    write_plain(check_path("square"), "model.safetensors", files, 2);
    load_dir(check_path("square"));
    for (int e = 0; e < 2; e++)
        for (int row = 0; row < 4; row++)
            for (int col = 0; col < 4; col++)
                want[(e * 4 + row) * 4 + col] =
                    (float)(1000 + (e * 4 + col) * 4 + row);
    check_param(0, want, 32, "decided by down_proj");
    close_all();

    qvl_err err = { 0 };
    open_experts(4, 2);
    write_plain(check_path("undecided"), "model.safetensors", files, 1);
    CHECK_FAILS(open_folder(check_path("undecided"), &err), QVL_E_MODEL, err,
                "two equal axes");
    close_all();
}

static void test_one_by_one(void)
{
#define PART(e, part) "model.l.mlp.experts." #e "." #part "_proj.weight"
    static const plain files[] = {
        { PART(1, up), QVL_F32, 2, { 2, 3 }, 4 },
        { PART(0, gate), QVL_F32, 2, { 2, 3 }, 1 },
        { PART(0, up), QVL_F32, 2, { 2, 3 }, 2 },
        { PART(1, gate), QVL_F32, 2, { 2, 3 }, 3 },
        { PART(0, down), QVL_F32, 2, { 3, 2 }, 5 },
        { PART(1, down), QVL_F32, 2, { 3, 2 }, 6 },
    };
    float want[24];
    open_experts(3, 2);
    write_plain(check_path("parts"), "model.safetensors", files, 6);
    load_dir(check_path("parts"));
    for (int k = 0; k < 24; k++)
        want[k] = (float)(1000 * (k / 6 + 1) + k % 6);
    check_param(0, want, 24, "gate_up_proj");
    for (int k = 0; k < 12; k++)
        want[k] = (float)(1000 * (k / 6 + 5) + k % 6);
    check_param(1, want, 12, "down_proj");
    check_extract(0, 4);
    close_all();

    qvl_err err = { 0 };
    open_experts(3, 2);
    write_plain(check_path("parts-cut"), "model.safetensors", files, 5);
    CHECK_FAILS(open_folder(check_path("parts-cut"), &err), QVL_E_MODEL, err,
                "found 6 of 12 values");
    close_all();
}

static void test_wrong_folders(void)
{
    static const plain shape[] = { { DOWN, QVL_F32, 3, { 2, 3, 3 }, 1 } };
    static const plain rank[] = { { DOWN, QVL_F32, 2, { 6, 2 }, 1 } };
    static const plain twice[] = {
        { DOWN, QVL_F32, 3, { 2, 3, 2 }, 1 },
        { "module." DOWN, QVL_F32, 3, { 2, 3, 2 }, 1 },
    };
    static const plain again[] = {  // and none of expert 1
        { PART(0, down), QVL_F32, 2, { 3, 2 }, 1 },
        { "module." PART(0, down), QVL_F32, 2, { 3, 2 }, 2 },
    };
    static const plain padded[] = {
        { PART(0, down), QVL_F32, 2, { 3, 2 }, 1 },
        { PART(01, down), QVL_F32, 2, { 3, 2 }, 2 },
    };
    static const plain expert[] = { { PART(7, gate), QVL_F32, 2, { 2, 3 },
                                      1 } };
    static const struct {
        const char *name;
        const plain *t;
        size_t n;
        const char *part;
    } cases[] = {
        { "shape", shape, 1, "found shape [2, 3, 3], expected [2, 3, 2]" },
        { "rank", rank, 1, "found shape [6, 2]" },
        { "twice", twice, 2, "expected one" },
        { "again", again, 2, "expected one" },
        { "padded", padded, 2, "found 6 of 12 values" },
        { "expert", expert, 1, "found expert 7" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        open_experts(3, 2);
        write_plain(check_path(cases[i].name), "model.safetensors",
                    cases[i].t, cases[i].n);
        CHECK_FAILS(open_folder(check_path(cases[i].name), &err), QVL_E_MODEL,
                    err, cases[i].part);
        close_all();
    }
}

static void test_wrong_type(void)
{
    static const plain files[] = {
        { GATE_UP, QVL_I32, 3, { 2, 4, 3 }, 1 },
        { DOWN, QVL_F32, 3, { 2, 3, 2 }, 2 },
    };
    qvl_err err = { 0 };
    open_experts(3, 2);
    write_plain(check_path("type"), "model.safetensors", files, 2);
    CHECK_OK(open_folder(check_path("type"), &err), err);
    open_device(QVL_F32);
    CHECK_FAILS(qvl_checkpoint_load(f.ck, f.store, &err), QVL_E_MODEL, err,
                "found type i32");
    close_all();
}

/* ---- files -------------------------------------------------------------- */

static void write_text(const char *dir, const char *name, const char *text)
{
    qvl_err err = { 0 };
    char path[600];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CHECK_OK(qvl_file_make_dirs(dir, &err), err);
    CHECK_OK(qvl_file_write_all(path, text, strlen(text), &err), err);
}

static void test_wrong_files(void)
{
    static const plain down[] = { { DOWN, QVL_F32, 3, { 2, 3, 2 }, 2 } };
    static const struct {
        const char *name, *index, *part;
    } cases[] = {
        { "i-json", "{", "model.safetensors.index.json:1:" },
        { "i-map", "{\"weight_map\": []}", "weight_map" },
        { "i-path", "{\"weight_map\": {\"a\": \"../a.safetensors\"}}",
          "found ../a.safetensors" },
        { "i-shard", "{\"weight_map\": {\"a\": \"b.safetensors\"}}",
          "b.safetensors" },
        { "i-tensor", "{\"weight_map\": {\"a\": \"a.safetensors\"}}",
          "found no tensor a" },
    };
    open_experts(3, 2);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        const char *dir = check_path(cases[i].name);
        write_plain(dir, "a.safetensors", down, 1);
        write_text(dir, "model.safetensors.index.json", cases[i].index);
        CHECK_FAILS(open_folder(dir, &err), QVL_E_MODEL, err, cases[i].part);
    }
    qvl_err err = { 0 };
    CHECK_FAILS(open_folder(check_path("nowhere"), &err), QVL_E_MODEL, err,
                "nowhere");
    write_text(check_path("empty"), "config.json", "{}");
    CHECK_FAILS(open_folder(check_path("empty"), &err), QVL_E_MODEL, err,
                "found 0 .safetensors files");
    write_text(check_path("damaged"), "model.safetensors", "no tensors here");
    CHECK_FAILS(open_folder(check_path("damaged"), &err), QVL_E_MODEL, err,
                "model.safetensors");
    write_plain(check_path("many"), "a.safetensors", down, 1);
    write_plain(check_path("many"), "b.safetensors", down, 1);
    CHECK_FAILS(open_folder(check_path("many"), &err), QVL_E_MODEL, err,
                "found 2 .safetensors files");
    close_all();
}

/* ---- saving ------------------------------------------------------------- */

/* Both folders hold the same tensors with the same bytes. */
static void check_same(const char *dir, const char *other)
{
    qvl_err err = { 0 };
    qvl_checkpoint *a, *b;
    CHECK_OK(qvl_checkpoint_open(&a, dir, &f.params, &err), err);
    CHECK_OK(qvl_checkpoint_open(&b, other, &f.params, &err), err);
    size_t n = qvl_checkpoint_report(a)->n_entries;
    CHECK_INT(qvl_checkpoint_report(b)->n_entries, n, "tensors");
    for (size_t i = 0; i < n; i++) {
        const qvl_st_tensor *t = qvl_checkpoint_at(a, i)->tensor;
        const qvl_st_tensor *u = NULL;
        for (size_t k = 0; k < n; k++)
            if (strcmp(qvl_checkpoint_at(b, k)->tensor->name, t->name) == 0)
                u = qvl_checkpoint_at(b, k)->tensor;
        CHECK(u != NULL && u->dtype == t->dtype && u->bytes == t->bytes
                  && memcmp(u->data, t->data, t->bytes) == 0,
              "tensor %s", t->name);
    }
    qvl_checkpoint_close(a);
    qvl_checkpoint_close(b);
}

static void test_save(void)
{
    qvl_err err = { 0 };
    char path[600];
    open_tiny(tiny_config);
    tiny_folder folder = { .dtype = QVL_BF16, .n_files = 2,
                           .rename = other_stack };
    const char *dir = tiny_write("source", &f.params, &folder);
    load_dir(dir);
    CHECK_OK(qvl_checkpoint_save(f.ck, f.store, check_path("one"), 0, &err),
             err);
    check_same(dir, check_path("one"));
    snprintf(path, sizeof path, "%s/config.json", check_path("one"));
    CHECK(qvl_file_exists(path), "config.json is copied");
    snprintf(path, sizeof path, "%s/model.safetensors.index.json",
             check_path("one"));
    CHECK(!qvl_file_exists(path), "one file needs no index");

    CHECK_OK(qvl_checkpoint_save(f.ck, f.store, check_path("shards/"),
                                 3 << 20, &err),
             err);
    check_same(dir, check_path("shards"));
    qvl_checkpoint *ck;
    CHECK_OK(qvl_checkpoint_open(&ck, check_path("shards"), &f.params, &err),
             err);
    CHECK(qvl_checkpoint_report(ck)->n_files > 1, "several files");
    qvl_checkpoint_close(ck);

    CHECK_FAILS(qvl_checkpoint_save(f.ck, f.store, check_path("one"), 0,
                                    &err),
                QVL_E_IO, err, "one");
    snprintf(path, sizeof path, "%s.tmp.%ld", check_path("one"),
             (long)getpid());
    CHECK(!qvl_file_is_dir(path), "nothing is left behind");
    close_all();
}

static void test_save_layouts(void)
{
    static const plain files[] = {
        { PART(0, gate), QVL_F32, 2, { 2, 3 }, 1 },
        { PART(0, up), QVL_F32, 2, { 2, 3 }, 2 },
        { PART(1, gate), QVL_F32, 2, { 2, 3 }, 3 },
        { PART(1, up), QVL_F32, 2, { 2, 3 }, 4 },
        { DOWN, QVL_F32, 3, { 2, 2, 3 }, 2 },
    };
    qvl_err err = { 0 };
    open_experts(3, 2);
    write_plain(check_path("mixed"), "model.safetensors", files, 5);
    load_dir(check_path("mixed"));
    CHECK_OK(qvl_checkpoint_save(f.ck, f.store, check_path("mixed-copy"), 0,
                                 &err),
             err);
    check_same(check_path("mixed"), check_path("mixed-copy"));
    close_all();
}

static int open_memory(void *dir)
{
    return qvl_checkpoint_open(&f.ck, dir, &f.params, NULL);
}

/* Running out of host memory at any point leaves nothing behind. */
static void test_no_memory(void)
{
    static const plain files[] = {
        { GATE_UP, QVL_F32, 3, { 2, 3, 4 }, 1 },
        { DOWN, QVL_F32, 3, { 2, 2, 3 }, 2 },
    };
    open_experts(3, 2);
    write_plain(check_path("memory"), "model.safetensors", files, 2);
    char dir[512];
    snprintf(dir, sizeof dir, "%s", check_path("memory"));
    int rc = QVL_E_MEMORY;
    for (size_t limit = 0; rc == QVL_E_MEMORY; limit += 4096) {
        qvl_err err = { 0 };
        qvl_memory_limit(limit);
        rc = qvl_guard(open_memory, dir, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "%s", qvl_err_name(rc));
    }
    CHECK_INT(qvl_checkpoint_report(f.ck)->n_entries, 2, "at last");
    close_all();
}

RUN_TESTS(TEST(test_load), TEST(test_aliases), TEST(test_tied),
          TEST(test_missing), TEST(test_layouts), TEST(test_square),
          TEST(test_one_by_one), TEST(test_wrong_folders),
          TEST(test_wrong_type), TEST(test_wrong_files), TEST(test_save),
          TEST(test_save_layouts), TEST(test_no_memory))
