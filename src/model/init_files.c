/* init_files.c - config.json and its neighbours beside drawn weights
 *
 * Files of the tokenizer are copied as they are; the ids of its control tokens
 * go into the config, and one that lacks them is refused.
 */
#include "model/init_files.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "model/config.h"

static int write_text(const char *folder, const char *name, qvl_str *s,
                      qvl_arena *arena, qvl_err *err)
{
    qvl_str_putc(s, '\n');
    const char *path = qvl_arena_printf(arena, "%s/%s", folder, name);
    int rc = qvl_file_write_all(path, s->p, s->len, err);
    qvl_str_release(s);
    return rc;
}

/* ---- the files ---- */

static int write_config(const qvl_node *config, const char *folder,
                        const char *dtype, qvl_arena *arena, qvl_err *err)
{
    qvl_str s = {0};
    for (size_t i = 0; i < config->n; i++)
        if (strcmp(config->keys[i].s, "dtype") == 0) {
            config->items[i].s = dtype;
            config->items[i].s_len = strlen(dtype);
        }
    qvl_json_put(&s, config, 0);
    return write_text(folder, "config.json", &s, arena, err);
}

/* The id of a token that begins or ends a text. */
static int read_id(const qvl_node *config, const char *key, int64_t *id,
                   qvl_err *err)
{
    const qvl_node *text = qvl_model_config_text(config);
    const qvl_node *n = qvl_node_given(text, key);
    if (qvl_node_as_int(n, id) && *id >= 0)
        return QVL_OK;
    return qvl_node_fail(n != NULL ? n : text, err, QVL_E_CONFIG,
                         "%s: found %s, expected the id of a token", key,
                         n == NULL        ? "none"
                         : n->s != NULL ? n->s
                                        : qvl_node_kind_name(n->kind));
}

static int write_generation(const qvl_node *config, const char *folder,
                            qvl_arena *arena, qvl_err *err)
{
    int64_t bos, eos;
    QVL_TRY(read_id(config, "bos_token_id", &bos, err));
    QVL_TRY(read_id(config, "eos_token_id", &eos, err));
    qvl_str s = {0};
    qvl_str_printf(&s,
                   "{\n  \"bos_token_id\": %lld,\n"
                   "  \"do_sample\": true,\n"
                   "  \"eos_token_id\": [\n    %lld,\n    %lld\n  ],\n"
                   "  \"pad_token_id\": %lld,\n"
                   "  \"repetition_penalty\": 1.0,\n  \"temperature\": 0.7,\n"
                   "  \"top_k\": 20,\n  \"top_p\": 0.8\n}",
                   (long long)bos, (long long)eos, (long long)bos,
                   (long long)bos);
    return write_text(folder, "generation_config.json", &s, arena, err);
}

/* The processor's keys, with what tells readers which one it is. */
static int write_processor(const qvl_node *processor, const char *folder,
                           const char *name, const char *type,
                           const char *more, qvl_arena *arena, qvl_err *err)
{
    qvl_str s = {0};
    qvl_json_put(&s, processor, 0);
    s.len -= 2;  // the closing "\n}"
    s.p[s.len] = '\0';
    qvl_str_printf(&s,
                   ",\n  \"resample\": 3,\n  \"do_resize\": true,\n"
                   "  \"do_rescale\": true,\n"
                   "  \"rescale_factor\": 0.00392156862745098,\n"
                   "  \"do_normalize\": true,\n%s"
                   "  \"%s\": \"%s\",\n"
                   "  \"processor_class\": \"Qwen3VLProcessor\"\n}",
                   more,
                   strstr(type, "Video") ? "video_processor_type"
                                         : "image_processor_type",
                   type);
    return write_text(folder, name, &s, arena, err);
}

int qvl_init_write_texts(const qvl_node *size, const char *folder,
                         const char *dtype, qvl_arena *arena, qvl_err *err)
{
    const qvl_node *config = qvl_node_find(size, "config");
    const qvl_node *processor = qvl_node_find(size, "processor");
    QVL_TRY(write_config(config, folder, dtype, arena, err));
    QVL_TRY(write_generation(config, folder, arena, err));
    if (qvl_node_given(config, "vision_config") == NULL)
        return QVL_OK;
    QVL_TRY(write_processor(processor, folder, "preprocessor_config.json",
                            "Qwen2VLImageProcessorFast", "", arena, err));
    return write_processor(processor, folder,
                           "video_preprocessor_config.json",
                           "Qwen3VLVideoProcessor",
                           "  \"fps\": 2,\n  \"min_frames\": 4,\n"
                           "  \"max_frames\": 768,\n",
                           arena, err);
}

/* ---- the tokenizer ---- */

static const char *const tokenizer_files[] = {
    "tokenizer.json",     "tokenizer_config.json",
    "vocab.json",         "merges.txt",
    "added_tokens.json",  "special_tokens_map.json",
    "chat_template.json", "chat_template.jinja"};
#define N_TOKENIZER_FILES (sizeof tokenizer_files / sizeof tokenizer_files[0])

static int copy_file(const char *from, const char *to, const char *name,
                     qvl_arena *arena, qvl_err *err)
{
    qvl_file_map map;
    QVL_TRY(qvl_file_map_open(
        &map, qvl_arena_printf(arena, "%s/%s", from, name), err));
    int rc = qvl_file_write_all(qvl_arena_printf(arena, "%s/%s", to, name),
                                map.p, map.len, err);
    qvl_file_map_close(&map);
    return rc;
}

int qvl_init_copy_tokenizer(const char *from, const char *to, qvl_arena *arena,
                            qvl_err *err)
{
    for (size_t i = 0; i < N_TOKENIZER_FILES; i++) {
        const char *name = tokenizer_files[i];
        if (i == 0 || qvl_file_exists(
                          qvl_arena_printf(arena, "%s/%s", from, name)))
            QVL_TRY(copy_file(from, to, name, arena, err));
    }
    return QVL_OK;
}

static void remove_files(const char *folder, const char *const *names,
                         size_t n)
{
    char path[4096];
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
}

void qvl_init_remove(const char *folder)
{
    static const char *const others[] = {
        "config.json", "generation_config.json", "preprocessor_config.json",
        "video_preprocessor_config.json", "model.safetensors"};
    remove_files(folder, tokenizer_files, N_TOKENIZER_FILES);
    remove_files(folder, others, sizeof others / sizeof others[0]);
    rmdir(folder);
}

/* Id of an added token; -1 when the tokenizer lacks it. */
static int64_t added_id(const qvl_node *tokenizer, const char *content)
{
    const qvl_node *list = qvl_node_find(tokenizer, "added_tokens");
    for (size_t i = 0; list && i < list->n; i++) {
        const char *text;
        int64_t id;
        if (qvl_node_as_string(qvl_node_find(&list->items[i], "content"),
                               &text) &&
            strcmp(text, content) == 0 &&
            qvl_node_as_int(qvl_node_find(&list->items[i], "id"), &id))
            return id;
    }
    return -1;
}

static int64_t n_tokens(const qvl_node *tokenizer)
{
    const qvl_node *vocab = qvl_node_path(tokenizer, "model.vocab");
    const qvl_node *list = qvl_node_find(tokenizer, "added_tokens");
    int64_t n = vocab ? (int64_t)vocab->n : 0;
    for (size_t i = 0; list && i < list->n; i++) {
        int64_t id;
        if (qvl_node_as_int(qvl_node_find(&list->items[i], "id"), &id) &&
            id >= n)
            n = id + 1;
    }
    return n;
}

/* Give a key of the config a value. */
static void set_int(qvl_node *n, int64_t value)
{
    *n = (qvl_node){.kind = QVL_NODE_INT, .line = n->line, .col = n->col,
                    .file = n->file, .i = value, .f = (double)value};
}

/* The same: the id of a control token. */
static int set_id(qvl_node *n, const qvl_node *tokenizer, const char *content,
                  const char *folder, qvl_err *err)
{
    int64_t id = added_id(tokenizer, content);
    if (id < 0)
        return qvl_fail(err, QVL_E_MODEL,
                        "a control token is missing (%s/tokenizer.json): "
                        "found no '%s' among the added tokens",
                        folder, content);
    set_int(n, id);
    return QVL_OK;
}

static int set_ids(qvl_node *config, const qvl_node *tokenizer,
                   const char *folder, qvl_err *err)
{
    static const struct {
        bool is_of_text;
        const char *key;
        const char *content;
    } ids[] = {
        {false, "image_token_id", "<|image_pad|>"},
        {false, "video_token_id", "<|video_pad|>"},
        {false, "vision_start_token_id", "<|vision_start|>"},
        {false, "vision_end_token_id", "<|vision_end|>"},
        {true, "bos_token_id", "<|endoftext|>"},
        {true, "eos_token_id", "<|im_end|>"},
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const qvl_node *part =
            ids[i].is_of_text ? qvl_model_config_text(config) : config;
        qvl_node *n = (qvl_node *)qvl_node_find(part, ids[i].key);
        if (n != NULL)
            QVL_TRY(set_id(n, tokenizer, ids[i].content, folder, err));
    }
    return QVL_OK;
}

int qvl_init_use_tokenizer(qvl_node *config, const char *folder,
                           qvl_arena *arena, qvl_err *err)
{
    qvl_node *tokenizer;
    char *text;
    size_t len;
    int64_t rows;
    const char *path = qvl_arena_printf(arena, "%s/tokenizer.json", folder);
    QVL_TRY(qvl_file_read(path, &text, &len, arena, err));
    QVL_TRY(qvl_json_parse(&tokenizer, text, len, path, arena, err));
    QVL_TRY(set_ids(config, tokenizer, folder, err));
    const qvl_node *part = qvl_model_config_text(config);
    qvl_node *vocab = (qvl_node *)qvl_node_find(part, "vocab_size");
    if (!qvl_node_as_int(vocab, &rows))
        return qvl_node_fail(vocab != NULL ? vocab : part, err, QVL_E_CONFIG,
                             "vocab_size: expected a number of rows");
    if (rows < n_tokens(tokenizer))
        set_int(vocab, n_tokens(tokenizer));
    return QVL_OK;
}
