/* test_reference.c - the page of keys: each key once, tables that are tables, names
 * that exist
 */
#include "config/reference.h"

#include <ctype.h>

#include "check.h"
#include "config/augment.h"
#include "config/schema.h"

static const char *page_text(qvl_arena *a)
{
    qvl_str page = { 0 };
    qvl_config_reference(&page, a);
    const char *text = qvl_arena_strdup(a, page.p);
    qvl_str_release(&page);
    return text;
}

static void test_cells(void)
{
    static const struct {
        const char *text, *cell;
    } cases[] = {
        { "", "" },
        { "a b", "a b" },
        { "a|b", "a\\|b" },
        { "`a|b`", "`a\\|b`" },
        { "a < b > c", "a &lt; b &gt; c" },
        { "`a < b > c`", "`a < b > c`" },
        { "*a* \\", "\\*a\\* \\\\" },
        { "`*a* \\`", "`*a* \\`" },
        { "max_steps _a a_ _", "max_steps \\_a a\\_ \\_" },
        { "`_a` _b", "`_a` \\_b" },
        { "\xe7\xba\xbf", "\xe7\xba\xbf" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str out = { 0 };
        qvl_str_puts(&out, "");
        qvl_config_cell(&out, cases[i].text);
        CHECK_STR(out.p, cases[i].cell, "|%s|", cases[i].text);
        qvl_str_release(&out);
    }
}

/* Bars of a line that end cells. */
static int count_bars(const char *line, size_t len)
{
    int n = 0;
    for (size_t i = 0; i < len; i++)
        n += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    return n;
}

/* Rows of a table have the columns of its first; tables stand apart. */
static void test_tables(void)
{
    qvl_arena a = { 0 };
    int columns = 0, n_tables = 0, n_rows = 0;
    for (const char *p = page_text(&a), *end; *p != '\0'; p = end + 1) {
        end = strchr(p, '\n');
        CHECK(end != NULL, "the last line ends");
        size_t len = (size_t)(end - p);
        CHECK(len == 0 || p[len - 1] != ' ', "blank at the end: %.*s", (int)len, p);
        if (*p != '|') {
            columns = 0;
            continue;
        }
        if (columns == 0) {
            columns = count_bars(p, len);
            n_tables++;
            CHECK(strncmp(end + 1, "|---|", 5) == 0, "%.*s", (int)len, p);
        }
        CHECK_INT(count_bars(p, len), columns, "%.*s", (int)len, p);
        n_rows++;
    }
    size_t rows = (size_t)n_rows - 2 * (size_t)n_tables;
    CHECK_INT(rows, qvl_n_keys + qvl_n_aug_params, "a row for each key and parameter");
    qvl_arena_release(&a);
}

/* The part of the page that is about one section. */
static const char *part_of(const char *page, const char *section, qvl_arena *a)
{
    const char *head = section[0] != '\0'
                           ? qvl_arena_printf(a, "\n## `%s`\n", section)
                           : "\n## Top level\n";
    const char *start = strstr(page, head);
    CHECK(start != NULL, "no section %s", section);
    if (start == NULL)
        return "";
    const char *end = strstr(start + 1, "\n## ");
    return end != NULL ? qvl_arena_strndup(a, start, (size_t)(end - start))
                       : start;
}

static void test_keys(void)
{
    qvl_arena a = { 0 };
    const char *page = page_text(&a);
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *key = &qvl_keys[i];
        if (key->section == NULL)
            continue;
        const char *part = part_of(page, key->section, &a);
        const char *row =
            strstr(part, qvl_arena_printf(&a, "\n| `%s` | ", key->name));
        CHECK(row != NULL, "%s.%s", key->section, key->name);
        const char *line = qvl_arena_strndup(&a, row + 1, strcspn(row + 1, "\n"));
        CHECK((strstr(line, "| required |") != NULL)
                  == (key->preset == qvl_key_needed), "%s", line);
    }
    static const struct {
        const char *section, *part;
    } rows[] = {
        { "", "| `extends` | path or list of paths | unset |" },
        { "", "| `rlhf.*` |" },
        { "model", "| `torch_dtype` | word | `bfloat16` | `float32` (`fp32`, `f32`), "
                   "`bfloat16` (`bf16`), `float16` (`fp16`, `f16`) |" },
        { "template", "| `raise` (`delete`); not supported yet: `left`, `right` |" },
        { "template", "| `max_length` | integer | unset | above 0 |" },
        { "template", "| `response_prefix` | text | empty |  |" },
        { "template", "| `system` | text or `FILE.txt` | unset |  |" },
        { "data", "| `dataloader_num_workers` | integer | `1` | from 0 to 1024 |" },
        { "tuner", "| `resume_from_checkpoint` | `training.resume_from_checkpoint` |" },
        { "tuner", "| `lora_*` |  | adapters |" },
        { "training", "| `adam_beta1` | number | `0.9` | from 0, below 1 |" },
        { "training", "| `max_steps` | integer | `-1` | at least -1 |" },
        { "training", "| `max_shard_size` | size | `5GB` |  |" },
        { "training", "| `grad_accum_dtype` | `fp32` (`float32`, `f32`) |" },
        { "training", "| `ddp_*` | there is one rank |" },
        { "training.lr_scheduler_kwargs",
          "| `factor` | number | `0.1` | above 0, below 1 |" },
        { "custom", "| `visual_kd` | `enabled: false` |" },
        { "custom", "| `train_jsonl` | list | unset |" },
        { "custom", "| `emit_norm` | word | required |" },
        { "prompts", "\nRemoved:\n\n| Key | Advice |\n|---|---|\n| `scheme` |" },
    };
    for (size_t i = 0; i < QVL_COUNT(rows); i++)
        CHECK_HAS(part_of(page, rows[i].section, &a), rows[i].part, "row %zu", i);
    qvl_arena_release(&a);
}

/* Is a word of a text a path of keys? Names of sections begin one. */
static bool is_path(const char *word, size_t len)
{
    static const char *const sections[] = { "model.", "template.", "data.", "tuner.",
                                            "training.", "custom.", "prompts.",
                                            "runtime." };
    for (size_t i = 0; i < QVL_COUNT(sections); i++)
        if (len > strlen(sections[i])
            && strncmp(word, sections[i], strlen(sections[i])) == 0)
            return true;
    return false;
}

/* Keys that a text names are those of the table. */
static void check_names(const char *text)
{
    for (const char *p = text; *p != '\0';) {
        size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyz_0123456789.");
        while (len > 0 && p[len - 1] == '.')
            len--;
        char path[256] = "";
        if (len < sizeof path)
            memcpy(path, p, len);
        path[len < sizeof path ? len : 0] = '\0';
        if (is_path(p, len))
            CHECK(qvl_key_find(path) != NULL || strcmp(path, "custom.grpo.chord") == 0,
                  "%s in: %s", path, text);
        p += len > 0 ? len : 1;
    }
}

static void test_texts(void)
{
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *key = &qvl_keys[i];
        bool has_about = key->section != NULL || key->type == QVL_KEY_FILES;
        const char *text = has_about ? key->about : key->rule;
        CHECK(text != NULL && text[0] != '\0', "%s has no text", key->name);
        int n_ticks = 0;
        for (const char *p = text; *p != '\0'; p++)
            n_ticks += *p == '`';
        CHECK(n_ticks % 2 == 0, "%s: %s", key->name, text);
        CHECK(strstr(text, "  ") == NULL && !isspace((unsigned char)text[0])
              && !isspace((unsigned char)text[strlen(text) - 1]), "%s: %s",
              key->name, text);
        if (has_about)
            CHECK(text[strlen(text) - 1] == '.' && strlen(text) < 400, "%s: %s",
                  key->name, text);
        check_names(text);
    }
}

RUN_TESTS(TEST(test_cells), TEST(test_tables), TEST(test_keys), TEST(test_texts))
