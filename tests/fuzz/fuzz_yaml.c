/* fuzz_yaml.c - configurations: text, files that lie under it, keys, rules
 *
 * A line "#under" ends the first file, a.yaml; behind it stands b.yaml, which the first
 * may name as what it extends. With a slash in it `extends` could name any file of the
 * machine, so such texts are parsed alone. The same text is read as a fusion as well.
 */
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/yaml.h"
#include "config/fusion.h"
#include "config/run_config.h"
#include "fuzz.h"

#define MARK "\n#under\n"

/* A report has text and ends. */
static void on_log(void *ctx, int level, const char *text)
{
    (void)ctx;
    FUZZ_CHECK(level >= QVL_LOG_ERROR && text[0] != '\0');
}

/* Every value of a tree can be reached, and has a place. */
static size_t walk(const qvl_node *node, const char *file)
{
    size_t n = 1;
    FUZZ_CHECK(node->line > 0 && node->col > 0);
    FUZZ_CHECK(strcmp(node->file, file) == 0);
    for (size_t i = 0; i < node->n; i++) {
        if (node->kind == QVL_NODE_MAP)
            FUZZ_CHECK(qvl_node_find(node, node->keys[i].s) == &node->items[i]);
        n += walk(&node->items[i], file);
    }
    return n;
}

static void parse(const uint8_t *p, size_t len)
{
    qvl_arena arena = { 0 };
    qvl_err err;
    qvl_node *root;
    if (fuzz_is_ok(qvl_yaml_parse(&root, (const char *)p, len, "a.yaml",
                                  &arena, &err), &err))
        FUZZ_CHECK(walk(root, "a.yaml") <= QVL_YAML_MAX_NODES);
    qvl_arena_release(&arena);
}

static void load_run(const char *path)
{
    qvl_arena arena = { 0 };
    qvl_str out = { 0 };
    qvl_err err;
    qvl_run_config c;
    if (fuzz_is_ok(qvl_run_config_load(&c, path, NULL, NULL, 0, &arena, &err),
                   &err)) {
        qvl_node *again;
        qvl_run_config_json(&out, &c, &arena);
        FUZZ_CHECK(fuzz_is_ok(qvl_json_parse(&again, out.p, out.len, "json",
                                             &arena, &err), &err));
    }
    qvl_str_release(&out);
    qvl_arena_release(&arena);
}

static void load_fusion(const char *path)
{
    qvl_arena arena = { 0 };
    qvl_err err;
    qvl_fusion f;
    if (fuzz_is_ok(qvl_fusion_load(&f, path, -1, &arena, &err), &err)) {
        FUZZ_CHECK(f.n_targets > 0 && f.n_targets <= f.n);
        for (int i = 0; i < f.n; i++)
            FUZZ_CHECK(f.entry[i].name != NULL);
    }
    qvl_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
    qvl_log_set_sink(on_log, NULL, QVL_LOG_DEBUG);
    parse(p, len);
    if (fuzz_find(p, len, "extends") != NULL && memchr(p, '/', len) != NULL)
        return 0;
    const uint8_t *mark = fuzz_find(p, len, MARK);
    size_t n = mark != NULL ? (size_t)(mark - p) + 1 : len;
    size_t behind = mark != NULL ? n + strlen(MARK) - 1 : len;
    const char *path = fuzz_write("a.yaml", p, n);
    fuzz_write("b.yaml", p + behind, len - behind);
    load_run(path);
    if (fuzz_find(p, len, "targets") != NULL)
        load_fusion(path);
    return 0;
}
