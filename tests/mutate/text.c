/* text.c - a lexer of what C and the kernel language share
 *
 * What stands left of an operator tells a sign from a difference, the spaces around it
 * a product from a pointer: the style of the project always puts them.
 */
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

typedef enum { TOKEN_NAME, TOKEN_NUMBER, TOKEN_SIGN, TOKEN_END } token_kind;

typedef struct {
    token_kind kind;
    const char *p;
    size_t len;
} token;

typedef struct {
    mutations *m;
    qvl_arena *arena;
    const char *function;
    const char *end;   // of the body
    token before;      // the token left of `now`
    token now;
} scan;

static const char *const pairs[][2] = {
    {"+", "-"},   {"-", "+"},   {"*", "+"},   {"/", "*"},   {"%", "/"},
    {"+=", "-="}, {"-=", "+="}, {"*=", "+="}, {"<", "<="},  {"<=", "<"},
    {">", ">="},  {">=", ">"},  {"==", "!="}, {"!=", "=="}, {"&&", "||"},
    {"||", "&&"},
};

static const char *const names[][2] = {
    {"min_u32", "max_u32"}, {"max_u32", "min_u32"}, {"min_f32", "max_f32"},
    {"max_f32", "min_f32"}, {"true", "false"},      {"false", "true"},
    {"IR_EX_ADD", "IR_EX_SUB"}, {"IR_EX_SUB", "IR_EX_ADD"},
    {"IR_EX_MUL", "IR_EX_ADD"},
};

static bool is(const token *t, const char *text)
{
    return t->len == strlen(text) && memcmp(t->p, text, t->len) == 0;
}

static bool is_word(int c)
{
    return isalnum(c) || c == '_';
}

/* Behind white space, comments, quoted texts and lines of the preprocessor. */
static const char *skip_blank(const char *p, const char *end)
{
    while (p < end) {
        if (isspace((unsigned char)*p)) {
            p++;
        } else if (end - p > 1 && p[0] == '/' && p[1] == '*') {
            const char *close = strstr(p, "*/");
            p = close ? close + 2 : end;
        } else if (*p == '#' || (end - p > 1 && p[0] == '/' && p[1] == '/')) {
            p += strcspn(p, "\n");
        } else if (*p == '"' || *p == '\'') {
            char quote = *p++;
            while (p < end && *p != quote)
                p += *p == '\\' ? 2 : 1;
            p++;
        } else {
            break;
        }
    }
    return p < end ? p : end;
}

static token next_token(const char *p, const char *end)
{
    static const char *const doubled[] = {
        "++", "--", "+=", "-=", "*=", "/=", "%=", "<=", ">=", "==",
        "!=", "&&", "||", "<<", ">>", "->",
    };
    token t = {TOKEN_END, skip_blank(p, end), 0};
    if (t.p == end)
        return t;
    t.kind = TOKEN_SIGN;
    t.len = 1;
    if (isdigit((unsigned char)*t.p)) {
        t.kind = TOKEN_NUMBER;
        while (is_word((unsigned char)t.p[t.len]) || t.p[t.len] == '.' ||
               ((t.p[t.len] == '-' || t.p[t.len] == '+') &&
                t.p[t.len - 1] == 'e' && t.p[1] != 'x'))
            t.len++;
    } else if (is_word((unsigned char)*t.p)) {
        t.kind = TOKEN_NAME;
        while (is_word((unsigned char)t.p[t.len]))
            t.len++;
    } else {
        for (size_t i = 0; i < QVL_COUNT(doubled); i++)
            if (memcmp(t.p, doubled[i], 2) == 0)
                t.len = 2;
    }
    return t;
}

static void add(scan *s, const char *p, size_t len, const char *to)
{
    mutations *m = s->m;
    if (m->n == m->cap) {
        int cap = m->cap > 0 ? 2 * m->cap : 256;
        mutation *item = qvl_arena_array(s->arena, mutation, cap);
        if (m->n > 0)
            memcpy(item, m->item, (size_t)m->n * sizeof *item);
        m->item = item;
        m->cap = cap;
    }
    mutation x = {.function = s->function, .at = (size_t)(p - m->text),
                  .len = len, .to = to, .line = 1, .column = 1};
    for (const char *c = m->text; c < p; c++) {
        x.line += *c == '\n';
        x.column = *c == '\n' ? 1 : x.column + 1;
    }
    m->item[m->n++] = x;
}

/* Does the token end an operand? */
static bool is_operand(const token *t)
{
    return t->kind == TOKEN_NUMBER || is(t, ")") || is(t, "]") ||
           (t->kind == TOKEN_NAME && !is(t, "return") && !is(t, "case"));
}

static void add_sign(scan *s)
{
    const token *t = &s->now;
    bool is_apart = isspace((unsigned char)t->p[-1]) &&
                    isspace((unsigned char)t->p[t->len]);
    if (is(t, "-") && !is_operand(&s->before))
        add(s, t->p, 1, "");
    if (!is_operand(&s->before) || !is_apart)
        return;
    for (size_t i = 0; i < QVL_COUNT(pairs); i++)
        if (is(t, pairs[i][0]))
            add(s, t->p, t->len, pairs[i][1]);
}

/* 0u and 1u change places, 2u becomes 3u; in C, where numbers count operands
 * of an array, 3 becomes 2. */
static void add_whole(scan *s)
{
    const token *t = &s->now;
    char *end;
    unsigned long v = strtoul(t->p, &end, 0);
    const char *ending = qvl_arena_printf(s->arena, "%.*s",
                                          (int)(t->p + t->len - end), end);
    bool is_up = v == 0 || (v > 1 && s->m->is_kernel);
    add(s, t->p, t->len,
        qvl_arena_printf(s->arena, "%lu%s", is_up ? v + 1 : v - 1, ending));
}

static void add_number(scan *s)
{
    const token *t = &s->now;
    bool is_negative = is(&s->before, "-") && s->before.p + 1 == t->p;
    if (!memchr(t->p, '.', t->len) && t->p[t->len - 1] != 'f')
        add_whole(s);
    else if (is(t, "0.0f") || is(t, "0.0"))
        add(s, t->p, 1, "1");
    else if (!is_negative)
        add(s, t->p, 0, "-");
}

/* load_x(r, c) as load_x(c, r). */
static void add_swap(scan *s)
{
    const char *open = s->now.p + s->now.len;
    const char *comma = NULL;
    int depth = 0;
    const char *p = open;
    for (; p < s->end; p++) {
        depth += *p == '(';
        depth -= *p == ')';
        if (depth == 0)
            break;
        if (*p == ',' && depth == 1) {
            if (comma)
                return;
            comma = p;
        }
    }
    if (!comma || p == s->end)
        return;
    const char *second = skip_blank(comma + 1, p);
    add(s, open + 1, (size_t)(p - open - 1),
        qvl_arena_printf(s->arena, "%.*s, %.*s", (int)(p - second), second,
                         (int)(comma - open - 1), open + 1));
}

static void add_name(scan *s)
{
    const token *t = &s->now;
    for (size_t i = 0; i < QVL_COUNT(names); i++)
        if (is(t, names[i][0]))
            add(s, t->p, t->len, names[i][1]);
    if (t->p[t->len] == '(' && memcmp(t->p, "load", 4) == 0)
        add_swap(s);
}

/* Behind the size of an array that is declared; else where it stands. */
static const char *skip_size(const scan *s)
{
    static const char *const types[] = {"fv", "f32", "u32", "i32", "bool",
                                        "int", "ir_value"};
    bool is_type = false;
    for (size_t i = 0; i < QVL_COUNT(types); i++)
        is_type = is_type || is(&s->now, types[i]);
    const char *p = s->now.p + s->now.len;
    if (!is_type)
        return p;
    token t = next_token(p, s->end);
    if (is(&t, "*"))
        t = next_token(t.p + 1, s->end);
    const char *behind = t.p + t.len;
    if (t.kind != TOKEN_NAME || *behind != '[')
        return p;
    int depth = 0;
    do {
        depth += *behind == '[';
        depth -= *behind == ']';
        behind++;
    } while (depth > 0 && behind < s->end);
    return behind;
}

static void scan_body(scan *s, const char *p)
{
    s->before = (token){TOKEN_SIGN, p, 0};
    for (s->now = next_token(p, s->end); s->now.kind != TOKEN_END;
         s->now = next_token(p, s->end)) {
        if (s->now.kind == TOKEN_SIGN)
            add_sign(s);
        else if (s->now.kind == TOKEN_NUMBER)
            add_number(s);
        else
            add_name(s);
        p = skip_size(s);
        s->before = s->now;
    }
}

/* The name in front of the first bracket of a line that begins a function. */
static const char *head_name(const char *line, bool is_kernel,
                             qvl_arena *arena)
{
    size_t n = strcspn(line, "\n(");
    bool is_head = is_kernel ? strncmp(line, "kernel ", 7) == 0
                             : is_word((unsigned char)line[0]);
    if (line[n] != '(' || !is_head)
        return NULL;
    size_t first = n;
    while (first > 0 && is_word((unsigned char)line[first - 1]))
        first--;
    return qvl_arena_printf(arena, "%.*s", (int)(n - first), line + first);
}

void mutations_find(mutations *m, qvl_arena *arena)
{
    scan s = {.m = m, .arena = arena, .function = ""};
    const char *end = m->text + m->len;
    for (const char *p = m->text; p < end; p += strcspn(p, "\n") + 1) {
        const char *close = strstr(p, "\n}\n");
        const char *name = head_name(p, m->is_kernel, arena);
        s.function = name ? name : s.function;
        if (memcmp(p, "{\n", 2) != 0 || !close)
            continue;
        s.end = close;
        scan_body(&s, p + 1);
        p = close + 1;
    }
}

static size_t line_start(const mutations *m, size_t at)
{
    while (at > 0 && m->text[at - 1] != '\n')
        at--;
    return at + strspn(m->text + at, " ");
}

const char *mutation_line(const mutations *m, size_t at, qvl_arena *arena)
{
    const char *p = m->text + line_start(m, at);
    return qvl_arena_printf(arena, "%.*s", (int)strcspn(p, "\n"), p);
}

const char *mutation_above(const mutations *m, size_t at, qvl_arena *arena)
{
    while (at > 0 && m->text[at - 1] != '\n')
        at--;
    return at > 0 ? mutation_line(m, at - 1, arena) : "";
}

const char *mutation_made(const mutations *m, const mutation *x,
                          qvl_arena *arena)
{
    size_t from = line_start(m, x->at);
    const char *behind = m->text + x->at + x->len;
    return qvl_arena_printf(arena, "%.*s%s%.*s", (int)(x->at - from),
                            m->text + from, x->to,
                            (int)strcspn(behind, "\n"), behind);
}
