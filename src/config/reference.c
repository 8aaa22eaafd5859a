/* reference.c - rows of keys.def to rows of Markdown
 *
 * A key without a field belongs to the longest section that its path is in, or to
 * the top.
 */
#include "config/reference.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/augment.h"
#include "config/schema.h"
#include "config/schema_value.h"

typedef struct {
    qvl_str *out;
    qvl_arena *arena;
} page;

/* ---- text ---------------------------------------------------------------- */

static const char head[] =
    "# Keys of a configuration\n"
    "\n"
    "Printed by `qvl config reference` from the table that the program reads by.\n"
    "\n"
    "- **Files.** `extends` names files that lie under the one that says it; of "
    "several the later\n  is the stronger, the file itself the strongest. What "
    "`--base_config` names lies under\n  all of them. A file that extends itself, "
    "by whatever way, is an error that tells the way.\n"
    "- **Merging.** Maps merge key by key. Everything else replaces what lies under "
    "it as a\n  whole: lists never append, and `null` makes a key one that is not "
    "given. `qvl config\n  inspect FILE` shows what comes out, and for each key the "
    "file and line that said it.\n"
    "- **Faults.** An unknown key, a value of a wrong type or out of range, a key "
    "that asks for\n  what is not there: each is an error with file and line, all "
    "in one report.\n"
    "- **boolean** is true, yes, y, on, 1 or false, no, n, off, 0, in capitals too, "
    "with quotes or\n  without.\n"
    "- **integer** is a whole number below 2^31, also as `2.0`, `1e3` or with "
    "quotes; never a boolean.\n"
    "- **number** is a finite one, also as `1e-8` or with quotes; never a boolean.\n"
    "- **text** is any scalar as it is written: `no` is the text \"no\". Where "
    "`FILE.txt` may stand,\n  it is what that file holds, without the line breaks "
    "at its end.\n"
    "- **word** is one of the words under *values*, in small letters or capitals; "
    "in parentheses are\n  other spellings of the one before.\n"
    "- **list** is a list of texts; one text is a list of one. None of them is "
    "empty.\n"
    "- **size** is a number of bytes, or a number with KB, MB, GB or TB (of 1000), "
    "KiB and so on\n  (of 1024).\n"
    "- **YAML.** Anchors, aliases and `<<` are known. Refused: tabs as indentation, "
    "a key twice, tags,\n  several documents, a root that is no map. An empty file "
    "is an empty map.\n"
    "- **Paths** are relative to the working folder, those of `extends` to the "
    "file that says them.\n"
    "\n"
    "*required*: there is no default. *unset*: the key has no value until one is "
    "given.\n";

static bool is_in_word(const char *text, const char *p)
{
    return p > text && isalnum((unsigned char)p[-1])
           && isalnum((unsigned char)p[1]);
}

void qvl_config_cell(qvl_str *out, const char *text)
{
    bool is_code = false;
    for (const char *p = text; *p != '\0'; p++) {
        is_code ^= *p == '`';
        if (*p == '|' || (!is_code && (*p == '*' || *p == '\\'))
            || (!is_code && *p == '_' && !is_in_word(text, p)))
            qvl_str_putc(out, '\\');
        if (!is_code && *p == '<')
            qvl_str_puts(out, "&lt;");
        else if (!is_code && *p == '>')
            qvl_str_puts(out, "&gt;");
        else
            qvl_str_putc(out, *p);
    }
}

/* `text`, of which n bytes. */
static void put_code(qvl_str *out, const char *text, size_t n)
{
    qvl_str_putc(out, '`');
    for (size_t i = 0; i < n; i++)
        qvl_str_printf(out, "%s%c", text[i] == '|' ? "\\" : "", text[i]);
    qvl_str_putc(out, '`');
}

/* A cell, from its bar to the blank before the next. */
static void put_cell(qvl_str *out, const char *text)
{
    qvl_str_puts(out, "| ");
    qvl_config_cell(out, text);
    qvl_str_putc(out, ' ');
}

static void put_code_cell(qvl_str *out, const char *text)
{
    qvl_str_puts(out, "| ");
    put_code(out, text, strlen(text));
    qvl_str_putc(out, ' ');
}

/* Heads of columns, "a|b|c", and the line below. */
static void put_columns(qvl_str *out, const char *names)
{
    qvl_str_puts(out, "\n| ");
    for (const char *p = names; *p != '\0'; p++)
        if (*p == '|')
            qvl_str_puts(out, " | ");
        else
            qvl_str_putc(out, *p);
    qvl_str_puts(out, " |\n|---|");
    for (const char *p = names; (p = strchr(p, '|')) != NULL; p++)
        qvl_str_puts(out, "---|");
    qvl_str_putc(out, '\n');
}

/* ---- sections ------------------------------------------------------------ */

static bool is_below(const char *path, const char *section)
{
    size_t n = strlen(section);
    return n == 0 || (strncmp(path, section, n) == 0 && path[n] == '.');
}

/* The section in whose tables a key stands. */
static const char *section_of(const qvl_key *key)
{
    const char *best = "";
    if (key->section != NULL)
        return key->section;
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const char *section = qvl_keys[i].section;
        if (section != NULL && is_below(key->name, section)
            && strlen(section) > strlen(best))
            best = section;
    }
    return best;
}

/* Name of a key below the heading of its section. */
static const char *name_below(const qvl_key *key, const char *section)
{
    size_t n = strlen(section);
    return key->section != NULL || n == 0 ? key->name : key->name + n + 1;
}

/* ---- keys with a field --------------------------------------------------- */

static const char *type_of(const qvl_key *key)
{
    static const char *const names[] = {
        [QVL_KEY_BOOL] = "boolean",  [QVL_KEY_INT] = "integer",
        [QVL_KEY_FLOAT] = "number",  [QVL_KEY_TEXT] = "text",
        [QVL_KEY_PROMPT] = "text or `FILE.txt`",
        [QVL_KEY_PROMPTS] = "list of texts or `FILE.txt`",
        [QVL_KEY_LIST] = "list",     [QVL_KEY_WORD] = "word",
        [QVL_KEY_BYTES] = "size",    [QVL_KEY_FILES] = "path or list of paths",
        [QVL_KEY_MAP] = "map",
    };
    return names[key->type];
}

static bool is_number(const qvl_key *key)
{
    return key->type == QVL_KEY_INT || key->type == QVL_KEY_FLOAT;
}

/* A preset that breaks its own rule stands for "not given". */
static void put_preset(qvl_str *out, const qvl_key *key)
{
    const char *preset = key->preset;
    if (preset == qvl_key_needed)
        put_cell(out, "required");
    else if (preset == NULL
             || (is_number(key) && !qvl_value_obeys(atof(preset), key->rule)))
        put_cell(out, "unset");
    else if (preset[0] == '\0')
        put_cell(out, "empty");
    else
        put_code_cell(out, preset);
}

/* ">=A", "A..<B" and so on in words. */
static const char *range_of(const char *rule, qvl_arena *arena)
{
    bool is_above = rule[0] == '>' && rule[1] != '=';
    const char *least = rule + (rule[0] == '>' ? 2 - is_above : 0);
    const char *dots = strstr(rule, "..");
    if (rule[0] == '\0')
        return "";
    if (dots == NULL)
        return qvl_arena_printf(arena, "%s %s", is_above ? "above" : "at least",
                                least);
    bool is_below = dots[2] == '<';
    return qvl_arena_printf(arena, "%s %.*s%s %s", is_above ? "above" : "from",
                            (int)(dots - least), least,
                            is_below ? ", below" : " to", dots + 2 + is_below);
}

/* One alternative of a WORD rule: its name, in parentheses other spellings. */
static void put_spellings(qvl_str *out, const char *p, size_t len)
{
    size_t n = strcspn(p, ",|");
    put_code(out, p, n);
    for (size_t at = n; at < len; at += n) {
        qvl_str_puts(out, at == strcspn(p, ",|") ? " (" : ", ");
        at++;
        n = strcspn(p + at, ",|");
        put_code(out, p + at, n);
    }
    qvl_str_puts(out, len > strcspn(p, ",|") ? ")" : "");
}

/* The alternatives that are supported, or those that are not. `before`: what comes
 * before the first. */
static void put_words(qvl_str *out, const char *rule, bool absent,
                      const char *before)
{
    for (const char *p = rule; *p != '\0';) {
        bool is_absent = *p == '!';
        p += is_absent;
        size_t len = strcspn(p, "|");
        if (is_absent == absent) {
            qvl_str_puts(out, before);
            put_spellings(out, p, len);
            before = ", ";
        }
        p += len + (p[len] == '|');
    }
}

static void put_values(page *g, const qvl_key *key)
{
    if (key->type != QVL_KEY_WORD) {
        put_cell(g->out, is_number(key) ? range_of(key->rule, g->arena) : "");
        return;
    }
    qvl_str_puts(g->out, "| ");
    put_words(g->out, key->rule, false, "");
    put_words(g->out, key->rule, true, "; not supported yet: ");
    qvl_str_putc(g->out, ' ');
}

static void put_key(page *g, const qvl_key *key, const char *name)
{
    put_code_cell(g->out, name);
    put_cell(g->out, type_of(key));
    put_preset(g->out, key);
    put_values(g, key);
    put_cell(g->out, key->about);
    qvl_str_puts(g->out, "|\n");
}

/* ---- keys without -------------------------------------------------------- */

static void put_reason(page *g, const qvl_key *key, const char *name)
{
    put_code_cell(g->out, name);
    put_cell(g->out, key->rule);
    qvl_str_puts(g->out, "|\n");
}

static void put_alias(page *g, const qvl_key *key, const char *name)
{
    put_code_cell(g->out, name);
    put_code_cell(g->out, key->rule);
    qvl_str_puts(g->out, "|\n");
}

/* What may stand all the same, and what anything else would ask for. */
static void put_absent(page *g, const qvl_key *key, const char *name)
{
    put_code_cell(g->out, name);
    if (key->type == QVL_KEY_ONLY) {
        qvl_str_puts(g->out, "| ");
        put_spellings(g->out, key->words, strlen(key->words));
        qvl_str_putc(g->out, ' ');
    } else {
        put_cell(g->out, key->type == QVL_KEY_OFF ? "`enabled: false`" : "");
    }
    put_cell(g->out, key->rule);
    qvl_str_puts(g->out, "|\n");
}

/* ---- tables -------------------------------------------------------------- */

#define OF(type) (1u << QVL_KEY_##type)

/* The tables of a section. */
static const struct {
    const char *title;    // the line above it, NULL: none
    const char *columns;
    unsigned types;
    void (*put)(page *g, const qvl_key *key, const char *name);
} tables[] = {
    { NULL, "Key|Type|Default|Values|Meaning",
      OF(FILES) | (OF(ALIAS) - 1), put_key },  // FILES, and all with a field
    { "Other places of keys:", "Key|Same as", OF(ALIAS), put_alias },
    { "Accepted and ignored, with a notice:", "Key|Why", OF(IGNORED),
      put_reason },
    { "Not supported yet:", "Key|What may stand|What else would ask for",
      OF(ONLY) | OF(OFF) | OF(ABSENT), put_absent },
    { "Removed:", "Key|Advice", OF(GONE), put_reason },
};

static void put_table(page *g, const char *section, size_t t)
{
    bool is_first = true;
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *key = &qvl_keys[i];
        if ((tables[t].types & (1u << key->type)) == 0
            || strcmp(section_of(key), section) != 0)
            continue;
        if (is_first && tables[t].title != NULL)
            qvl_str_printf(g->out, "\n%s\n", tables[t].title);
        if (is_first)
            put_columns(g->out, tables[t].columns);
        is_first = false;
        tables[t].put(g, key, name_below(key, section));
    }
}

/* ---- augmentation -------------------------------------------------------- */

static const char ops_head[] =
    "\n## Ops of augmentation\n\n"
    "`custom.augmentation.ops` is a list of `{name: OP, params: {...}}`, run in its "
    "order. A\ncurriculum may change what says so. *lo, hi* are two numbers in a list. "
    "`augment_prob` is\nan older name of `prob`.\n";

static const char *param_type(qvl_aug_type type)
{
    static const char *const names[] = {
        [QVL_AUG_TYPE_NUMBER] = "number",
        [QVL_AUG_TYPE_COUNT] = "integer",
        [QVL_AUG_TYPE_SIZE] = "integer or null",
        [QVL_AUG_TYPE_FLAG] = "boolean",
        [QVL_AUG_TYPE_WORD] = "word",
        [QVL_AUG_TYPE_RANGE] = "lo, hi",
        [QVL_AUG_TYPE_PAIR] = "two integers",
        [QVL_AUG_TYPE_NUMBERS] = "numbers",
        [QVL_AUG_TYPE_TEXTS] = "list",
    };
    return names[type];
}

/* The default as it would be written. */
static const char *param_preset(const qvl_aug_param *p, qvl_arena *arena)
{
    const char *blank = p->preset != NULL ? strchr(p->preset, ' ') : NULL;
    if (p->preset == NULL)
        return "required";
    if (p->preset[0] == '\0')
        return "empty";
    if (p->type == QVL_AUG_TYPE_FLAG)
        return p->preset[0] == '0' ? "false" : "true";
    if (p->type == QVL_AUG_TYPE_WORD)
        return qvl_arena_strndup(arena, p->rule, strcspn(p->rule, "|"));
    if (blank != NULL)
        return qvl_arena_printf(arena, "%.*s, %s", (int)(blank - p->preset), p->preset,
                                blank + 1);
    return p->preset;
}

static void put_ops(page *g)
{
    qvl_str *out = g->out;
    qvl_str_puts(out, ops_head);
    put_columns(out, "op|parameter|type|default|values|curriculum");
    for (size_t i = 0; i < qvl_n_aug_params; i++) {
        const qvl_aug_param *p = &qvl_aug_params[i];
        bool is_word = p->type == QVL_AUG_TYPE_WORD;
        put_code_cell(out, qvl_aug_name(p->op));
        put_code_cell(out, p->name);
        put_cell(out, param_type(p->type));
        put_cell(out, param_preset(p, g->arena));
        put_cell(out, is_word ? p->rule : range_of(p->rule, g->arena));
        put_cell(out, p->changes ? "yes" : "");
        qvl_str_puts(out, "|\n");
    }
}

void qvl_config_reference(qvl_str *out, qvl_arena *arena)
{
    page g = { out, arena };
    const char *last = NULL;
    qvl_str_puts(out, head);
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const char *section = qvl_keys[i].section;
        if (section == NULL || section == last)
            continue;
        last = section;
        qvl_str_puts(out, "\n## ");
        if (section[0] != '\0')
            put_code(out, section, strlen(section));
        else
            qvl_str_puts(out, "Top level");
        qvl_str_putc(out, '\n');
        for (size_t t = 0; t < QVL_COUNT(tables); t++)
            put_table(&g, section, t);
    }
    put_ops(&g);
}
