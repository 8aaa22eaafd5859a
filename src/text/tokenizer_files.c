/* tokenizer_files.c - the files of a folder to a qvl_tokenizer_source
 *
 * Two forms: tokenizer.json says everything; the older vocab.json with
 * merges.txt says what merges, and the rest is known for this family. Keys that
 * would change the result and are not understood are errors.
 */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "text/tokenizer_build.h"

/* The expression that goes with vocab.json and merges.txt of this family. */
static const char known_pattern[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

typedef struct {
    const char *folder;
    qvl_arena *arena;
    qvl_err *err;
    const qvl_node *config;  // tokenizer_config.json, NULL: not there
    qvl_tokenizer_source *out;
} reading;

/* ---- values ------------------------------------------------------------- */

/* KEY (FILE:LINE:COL): found X, expected Y; `at` is NULL when the key is
 * missing from `map`. */
static int wrong(reading *r, const qvl_node *map, const qvl_node *at,
                 const char *key, const char *expected)
{
    const qvl_node *place = at != NULL ? at : map;
    const char *kind = at != NULL ? qvl_node_kind_name(at->kind) : "nothing";
    const char *text = at != NULL && at->s != NULL ? at->s : "";
    return qvl_fail(r->err, QVL_E_MODEL,
                    "%s (%s:%d:%d): found %s%s%.60s, expected %s", key,
                    place->file, place->line, place->col, kind,
                    text[0] != '\0' ? " " : "", text, expected);
}

static int need(reading *r, const qvl_node *map, const char *key, int kind,
                const qvl_node **out)
{
    const qvl_node *n = qvl_node_given(map, key);
    if (n == NULL || n->kind != kind)
        return wrong(r, map, n, key, qvl_node_kind_name(kind));
    *out = n;
    return QVL_OK;
}

/* A value that may be absent or null, and else is spelled `is`. */
typedef struct {
    const char *key;
    const char *is;
} fixed;

static int check_fixed(reading *r, const qvl_node *map, const fixed *f,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const qvl_node *v = qvl_node_given(map, f[i].key);
        if (v == NULL || (v->s != NULL && strcmp(v->s, f[i].is) == 0))
            continue;
        const char *is = f[i].is[0] != '\0' ? f[i].is : "an empty string";
        return wrong(r, map, v, f[i].key, is);
    }
    return QVL_OK;
}

static int check_keys(reading *r, const qvl_node *map,
                      const char *const *known, size_t n)
{
    for (size_t i = 0; i < map->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(known[k], map->keys[i].s) != 0)
            k++;
        if (k == n)
            return wrong(r, map, &map->keys[i], "key", "one that is known");
    }
    return QVL_OK;
}

/* A map whose "type" is this one. */
static int need_type(reading *r, const qvl_node *map, const char *key,
                     const char *type)
{
    const qvl_node *part, *t;
    QVL_TRY(need(r, map, key, QVL_NODE_MAP, &part));
    QVL_TRY(need(r, part, "type", QVL_NODE_STRING, &t));
    if (strcmp(t->s, type) != 0)
        return wrong(r, part, t, qvl_arena_printf(r->arena, "%s.type", key),
                     type);
    return QVL_OK;
}

/* ---- files -------------------------------------------------------------- */

static const char *path_of(reading *r, const char *name)
{
    return qvl_arena_printf(r->arena, "%s/%s", r->folder, name);
}

/* A file of a tokenizer that cannot be read or parsed is a wrong tokenizer. */
static int as_model_error(reading *r, int rc)
{
    if (rc == QVL_OK || rc == QVL_E_MEMORY)
        return rc;
    if (r->err != NULL)
        r->err->code = QVL_E_MODEL;
    return QVL_E_MODEL;
}

static int read_text(reading *r, const char *name, char **text, size_t *len)
{
    return as_model_error(r, qvl_file_read(path_of(r, name), text, len,
                                           r->arena, r->err));
}

/* A file that holds a JSON map. */
static int read_map(reading *r, const char *name, const qvl_node **out)
{
    char *text;
    size_t len;
    qvl_node *root;
    QVL_TRY(read_text(r, name, &text, &len));
    QVL_TRY(as_model_error(r, qvl_json_parse(&root, text, len,
                                             path_of(r, name), r->arena,
                                             r->err)));
    if (root->kind != QVL_NODE_MAP)
        return wrong(r, root, root, name, "map");
    *out = root;
    return QVL_OK;
}

/* ---- added tokens ------------------------------------------------------- */

static int read_flag(reading *r, const qvl_node *map, const char *key,
                     bool *out)
{
    const qvl_node *n;
    QVL_TRY(need(r, map, key, QVL_NODE_BOOL, &n));
    *out = n->b;
    return QVL_OK;
}

/* One added token; its id is read by the caller. */
static int read_added(reading *r, const qvl_node *map, int64_t id,
                      qvl_added_source *out)
{
    static const fixed flags[] = {
        { "single_word", "false" },
        { "lstrip", "false" },
        { "rstrip", "false" },
    };
    const qvl_node *text;
    qvl_added_source a = { .at = map, .id = (int)id };
    if (map->kind != QVL_NODE_MAP)
        return wrong(r, map, map, "added token", "map");
    if (id < 0 || id >= QVL_MAX_TOKENS)
        return wrong(r, map, map, "added token", "an id from 0 to 16777215");
    QVL_TRY(need(r, map, "content", QVL_NODE_STRING, &text));
    if (text->s_len == 0)
        return wrong(r, map, text, "content", "some text");
    QVL_TRY(check_fixed(r, map, flags, QVL_COUNT(flags)));
    QVL_TRY(read_flag(r, map, "special", &a.is_special));
    QVL_TRY(read_flag(r, map, "normalized", &a.is_normalized));
    a.text = text->s;
    a.len = text->s_len;
    *out = a;
    return QVL_OK;
}

/* The list of tokenizer.json. */
static int read_added_list(reading *r, const qvl_node *root)
{
    const qvl_node *list = qvl_node_given(root, "added_tokens");
    if (list == NULL)
        return QVL_OK;
    if (list->kind != QVL_NODE_LIST)
        return wrong(r, root, list, "added_tokens", "list");
    qvl_added_source *added =
        qvl_arena_array(r->arena, qvl_added_source, list->n);
    for (size_t i = 0; i < list->n; i++) {
        const qvl_node *id = qvl_node_given(&list->items[i], "id");
        int64_t v;
        if (!qvl_node_as_int(id, &v))
            return wrong(r, &list->items[i], id, "id", "integer");
        QVL_TRY(read_added(r, &list->items[i], v, &added[i]));
    }
    r->out->added = added;
    r->out->n_added = list->n;
    return QVL_OK;
}

/* The map of tokenizer_config.json, by id. */
static int read_added_map(reading *r, const qvl_node *map,
                          qvl_added_source *added)
{
    for (size_t i = 0; i < map->n; i++) {
        const qvl_node *key = &map->keys[i];
        int64_t v;
        if (!qvl_node_read_int(key->s, key->s_len, &v))
            return wrong(r, map, key, "added_tokens_decoder", "ids as keys");
        QVL_TRY(read_added(r, &map->items[i], v, &added[i]));
    }
    return QVL_OK;
}

/* ---- tokenizer.json ----------------------------------------------------- */

static int read_normalizer(reading *r, const qvl_node *root)
{
    r->out->is_nfc = qvl_node_given(root, "normalizer") != NULL;
    return r->out->is_nfc ? need_type(r, root, "normalizer", "NFC") : QVL_OK;
}

/* Sequence of a Split by an expression and ByteLevel without one. */
static int read_pre_tokenizer(reading *r, const qvl_node *root)
{
    static const fixed split_is[] = {
        { "type", "Split" },
        { "behavior", "Isolated" },
        { "invert", "false" },
    };
    static const fixed bytes_is[] = {
        { "type", "ByteLevel" },
        { "add_prefix_space", "false" },
        { "use_regex", "false" },
    };
    const char *key = "pre_tokenizer.pretokenizers";
    const qvl_node *list, *regex;
    QVL_TRY(need_type(r, root, "pre_tokenizer", "Sequence"));
    QVL_TRY(need(r, root, key, QVL_NODE_LIST, &list));
    if (list->n != 2 || qvl_node_given(&list->items[0], "type") == NULL
        || qvl_node_given(&list->items[1], "type") == NULL)
        return wrong(r, root, list, key, "one Split and one ByteLevel");
    const qvl_node *split = &list->items[0];
    QVL_TRY(check_fixed(r, split, split_is, QVL_COUNT(split_is)));
    QVL_TRY(check_fixed(r, &list->items[1], bytes_is, QVL_COUNT(bytes_is)));
    QVL_TRY(need(r, split, "behavior", QVL_NODE_STRING, &regex));
    QVL_TRY(need(r, &list->items[1], "use_regex", QVL_NODE_BOOL, &regex));
    QVL_TRY(need(r, split, "pattern.Regex", QVL_NODE_STRING, &regex));
    if (!qvl_node_as_string(regex, &r->out->pattern))
        return wrong(r, split, regex, "pattern.Regex", "text without NUL");
    return QVL_OK;
}

/* A merge as "a b" or as a pair. */
static int read_merge(reading *r, const qvl_node *n, qvl_merge_source *out)
{
    const char *expected = "\"a b\" or [\"a\", \"b\"]";
    *out = (qvl_merge_source){ .line = n->line };
    if (n->kind == QVL_NODE_LIST && n->n == 2
        && n->items[0].kind == QVL_NODE_STRING
        && n->items[1].kind == QVL_NODE_STRING) {
        out->left = n->items[0].s;
        out->left_len = n->items[0].s_len;
        out->right = n->items[1].s;
        out->right_len = n->items[1].s_len;
        return QVL_OK;
    }
    const char *space =
        n->kind == QVL_NODE_STRING ? memchr(n->s, ' ', n->s_len) : NULL;
    if (space == NULL)
        return wrong(r, n, n, "merge", expected);
    out->left = n->s;
    out->left_len = (size_t)(space - n->s);
    out->right = space + 1;
    out->right_len = n->s_len - out->left_len - 1;
    return QVL_OK;
}

static int read_model(reading *r, const qvl_node *root)
{
    static const char *const known[] = {
        "type", "dropout", "unk_token", "continuing_subword_prefix",
        "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges",
        "vocab", "merges",
    };
    static const fixed is[] = {
        { "continuing_subword_prefix", "" },
        { "end_of_word_suffix", "" },
        { "byte_fallback", "false" },
        { "ignore_merges", "false" },
    };
    static const char *const absent[] = { "dropout", "unk_token" };
    const qvl_node *model, *merges;
    QVL_TRY(need_type(r, root, "model", "BPE"));
    QVL_TRY(need(r, root, "model", QVL_NODE_MAP, &model));
    QVL_TRY(check_keys(r, model, known, QVL_COUNT(known)));
    QVL_TRY(check_fixed(r, model, is, QVL_COUNT(is)));
    for (size_t i = 0; i < QVL_COUNT(absent); i++)
        if (qvl_node_given(model, absent[i]) != NULL)
            return wrong(r, model, qvl_node_given(model, absent[i]), absent[i],
                         "null");
    QVL_TRY(need(r, model, "vocab", QVL_NODE_MAP, &r->out->vocab));
    QVL_TRY(need(r, model, "merges", QVL_NODE_LIST, &merges));
    qvl_merge_source *m =
        qvl_arena_array(r->arena, qvl_merge_source, merges->n);
    for (size_t i = 0; i < merges->n; i++)
        QVL_TRY(read_merge(r, &merges->items[i], &m[i]));
    r->out->merge = m;
    r->out->n_merges = merges->n;
    r->out->merge_file = root->file;
    return QVL_OK;
}

static int read_tokenizer_json(reading *r)
{
    static const char *const known[] = {
        "version", "truncation", "padding", "added_tokens", "normalizer",
        "pre_tokenizer", "post_processor", "decoder", "model",
    };
    const qvl_node *root;
    QVL_TRY(read_map(r, "tokenizer.json", &root));
    QVL_TRY(check_keys(r, root, known, QVL_COUNT(known)));
    QVL_TRY(read_model(r, root));
    QVL_TRY(read_normalizer(r, root));
    QVL_TRY(read_pre_tokenizer(r, root));
    QVL_TRY(need_type(r, root, "decoder", "ByteLevel"));
    if (qvl_node_given(root, "post_processor") != NULL)
        QVL_TRY(need_type(r, root, "post_processor", "ByteLevel"));
    return read_added_list(r, root);
}

/* ---- vocab.json and merges.txt ------------------------------------------ */

/* One merge a line; a first line may name a version. */
static int read_merges_txt(reading *r)
{
    char *text;
    size_t len;
    QVL_TRY(read_text(r, "merges.txt", &text, &len));
    size_t n_lines = 1;
    for (size_t i = 0; i < len; i++)
        n_lines += text[i] == '\n';
    qvl_merge_source *m = qvl_arena_array(r->arena, qvl_merge_source, n_lines);
    const char *path = path_of(r, "merges.txt");
    size_t n = 0;
    int line = 0;
    for (const char *p = text, *end = text + len; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline != NULL ? newline : end;
        size_t n_chars = (size_t)(stop - p);
        n_chars -= n_chars > 0 && p[n_chars - 1] == '\r';
        const char *space = memchr(p, ' ', n_chars);
        line++;
        if (space != NULL && strncmp(p, "#version", 8) != 0)
            m[n++] = (qvl_merge_source){
                .left = p, .left_len = (size_t)(space - p), .right = space + 1,
                .right_len = n_chars - (size_t)(space - p) - 1, .line = line
            };
        else if (space == NULL && n_chars > 0)
            return qvl_fail(r->err, QVL_E_MODEL,
                            "merge (%s:%d): found %.*s, expected two parts",
                            path, line, (int)n_chars, p);
        p = newline != NULL ? newline + 1 : end;
    }
    r->out->merge = m;
    r->out->n_merges = n;
    r->out->merge_file = path;
    return QVL_OK;
}

static int read_two_files(reading *r)
{
    const qvl_node *map;
    QVL_TRY(read_map(r, "vocab.json", &r->out->vocab));
    QVL_TRY(read_merges_txt(r));
    r->out->pattern = known_pattern;
    r->out->is_nfc = true;
    if (r->config == NULL)
        return qvl_fail(r->err, QVL_E_MODEL,
                        "tokenizer (%s): found vocab.json without "
                        "tokenizer_config.json, expected its added tokens",
                        r->folder);
    QVL_TRY(need(r, r->config, "added_tokens_decoder", QVL_NODE_MAP, &map));
    qvl_added_source *added =
        qvl_arena_array(r->arena, qvl_added_source, map->n);
    QVL_TRY(read_added_map(r, map, added));
    r->out->added = added;
    r->out->n_added = map->n;
    return QVL_OK;
}

/* ---- tokenizer_config.json ---------------------------------------------- */

/* The added tokens that it repeats are those of tokenizer.json. */
static int check_added(reading *r)
{
    const qvl_node *map = qvl_node_given(r->config, "added_tokens_decoder");
    if (map == NULL)
        return QVL_OK;
    if (map->kind != QVL_NODE_MAP)
        return wrong(r, r->config, map, "added_tokens_decoder", "map");
    qvl_added_source *again =
        qvl_arena_array(r->arena, qvl_added_source, map->n);
    QVL_TRY(read_added_map(r, map, again));
    for (size_t i = 0; i < map->n; i++) {
        size_t k = 0;
        while (k < r->out->n_added && r->out->added[k].id != again[i].id)
            k++;
        const qvl_added_source *a =
            k < r->out->n_added ? &r->out->added[k] : NULL;
        if (a == NULL || a->len != again[i].len
            || memcmp(a->text, again[i].text, a->len) != 0
            || a->is_special != again[i].is_special)
            return wrong(r, map, qvl_node_given(&map->items[i], "content"),
                         "added_tokens_decoder",
                         "the same token as in tokenizer.json");
    }
    return QVL_OK;
}

/* A token named by its text, or by a map that has it. */
static int read_named(reading *r, const char *key, const qvl_node **out)
{
    const qvl_node *n = qvl_node_given(r->config, key);
    if (n != NULL && n->kind == QVL_NODE_MAP)
        n = qvl_node_given(n, "content");
    if (n != NULL && n->kind != QVL_NODE_STRING)
        return wrong(r, r->config, n, key, "string");
    *out = n;
    return QVL_OK;
}

static int read_config(reading *r)
{
    static const fixed is[] = {
        { "add_prefix_space", "false" },
        { "add_bos_token", "false" },
        { "add_eos_token", "false" },
        { "split_special_tokens", "false" },
        { "errors", "replace" },
    };
    QVL_TRY(check_fixed(r, r->config, is, QVL_COUNT(is)));
    QVL_TRY(check_added(r));
    QVL_TRY(read_named(r, "eos_token", &r->out->eos));
    return read_named(r, "pad_token", &r->out->pad);
}

/* ---- the folder --------------------------------------------------------- */

static bool has_file(reading *r, const char *name)
{
    return qvl_file_exists(path_of(r, name));
}

int qvl_tokenizer_files_read(qvl_tokenizer_source *source, const char *folder,
                             qvl_arena *arena, qvl_err *err)
{
    qvl_tokenizer_source out = { 0 };
    reading r = { .folder = folder, .arena = arena, .err = err, .out = &out };
    if (has_file(&r, "tokenizer_config.json"))
        QVL_TRY(read_map(&r, "tokenizer_config.json", &r.config));
    if (has_file(&r, "tokenizer.json"))
        QVL_TRY(read_tokenizer_json(&r));
    else if (has_file(&r, "vocab.json") && has_file(&r, "merges.txt"))
        QVL_TRY(read_two_files(&r));
    else
        return qvl_fail(err, QVL_E_MODEL,
                        "tokenizer (%s): found neither tokenizer.json nor "
                        "vocab.json with merges.txt, expected one of them",
                        folder);
    if (r.config != NULL)
        QVL_TRY(read_config(&r));
    *source = out;
    return QVL_OK;
}
