/* prompt.c - texts that ask, and what the rules of a run put into them
 *
 * What a variable says must hold for what qvl_answer_put writes under the same rules;
 * {example} is written by it. The sentences are in the language of the built-in
 * prompts, whose texts stand in configs/prompt, and again in English.
 */
#include <stdio.h>
#include <string.h>

#include "data/message.h"

/* Written by the build from configs/prompt. */
extern const char qvl_prompt_dense_system[];
extern const char qvl_prompt_dense_user[];
extern const char qvl_prompt_summary_system[];
extern const char qvl_prompt_summary_user[];
extern const char qvl_prompt_auxiliary_system[];
extern const char qvl_prompt_auxiliary_user[];

qvl_prompt qvl_prompt_builtin(qvl_mode mode)
{
    return mode == QVL_MODE_SUMMARY
               ? (qvl_prompt){ qvl_prompt_summary_system,
                               qvl_prompt_summary_user }
               : (qvl_prompt){ qvl_prompt_dense_system,
                               qvl_prompt_dense_user };
}

qvl_prompt qvl_prompt_auxiliary(void)
{
    return (qvl_prompt){ qvl_prompt_auxiliary_system, qvl_prompt_auxiliary_user };
}

/* ---- variables ---------------------------------------------------------- */

/* Appends the value of a variable; false when the rules give it none. Arena:
 * work space. */
typedef bool put_value(qvl_str *out, const qvl_answer_rules *rules,
                       qvl_arena *arena);

static bool put_coord_max(qvl_str *out, const qvl_answer_rules *rules,
                          qvl_arena *arena)
{
    (void)arena;
    int most = qvl_coord_max(rules->coord);
    if (most == 0)
        return false;
    qvl_str_put_int(out, most);
    return true;
}

static bool put_coord_rule(qvl_str *out, const qvl_answer_rules *rules,
                           qvl_arena *arena)
{
    if (rules->coord == QVL_COORD_PIXELS) {
        qvl_str_puts(out, "坐标以像素为单位，x 向右，y 向下。");
        return true;
    }
    qvl_str_puts(out, "坐标为 0 到 ");
    put_coord_max(out, rules, arena);
    qvl_str_puts(out, " 的整数，x 相对于图像宽度，y 相对于图像高度。");
    return true;
}

static bool put_order_rule(qvl_str *out, const qvl_answer_rules *rules,
                           qvl_arena *arena)
{
    (void)arena;
    qvl_str_puts(out, rules->order == QVL_ORDER_CENTER
                          ? "目标按外接矩形的中心从上到下、再从左到右排序。"
                          : "目标按参考点从上到下、再从左到右排序：bbox_2d "
                            "取左上角，poly 取第一个顶点，line 取最左边的点。");
    return true;
}

static bool put_poly_rule(qvl_str *out, const qvl_answer_rules *rules,
                          qvl_arena *arena)
{
    (void)arena;
    static const char *const way[] = {
        [QVL_WINDING_CLOCKWISE] = "顺时针",
        [QVL_WINDING_COUNTERCLOCKWISE] = "逆时针",
        [QVL_WINDING_PRESERVE] = "沿轮廓",
    };
    qvl_str_printf(out, "从最上（同高时最左）的顶点开始，%s依次排列。",
                   way[rules->winding]);
    return true;
}

static bool put_point_list(qvl_str *out, const qvl_answer_rules *rules,
                           qvl_arena *arena)
{
    (void)arena;
    qvl_str_puts(out, rules->shape == QVL_SHAPE_STANDARD
                          ? "[[x1, y1], [x2, y2], ...]"
                          : "[x1, y1, x2, y2, ...]");
    return true;
}

static bool has_desc_first(const qvl_answer_rules *rules)
{
    return rules->fields == QVL_FIELDS_DESC_FIRST
           || (rules->fields == QVL_FIELDS_AUTO
               && rules->shape == QVL_SHAPE_STANDARD);
}

static bool put_field_rule(qvl_str *out, const qvl_answer_rules *rules,
                           qvl_arena *arena)
{
    (void)arena;
    qvl_str_puts(out, has_desc_first(rules) ? "先写 desc，后写几何键。"
                                            : "先写几何键，后写 desc。");
    return true;
}

/* The writer itself shows what it writes, with two descriptions. */
static void put_answer(qvl_str *out, const qvl_answer_rules *rules,
                       const char *first, const char *second, qvl_arena *arena)
{
    static const double box[] = { 100, 200, 300, 400 };
    static const double line[] = { 50, 600, 80, 640, 120, 650 };
    const qvl_object object[] = {
        { QVL_GEOM_BOX, 2, box, first },
        { QVL_GEOM_LINE, 3, line, second },
    };
    qvl_record record = { .w = 1000, .h = 1000, .object = object,
                          .n_objects = 2 };
    qvl_answer_put(out, &record, rules, arena);
}

static bool put_example(qvl_str *out, const qvl_answer_rules *rules,
                        qvl_arena *arena)
{
    put_answer(out, rules, "描述一", "描述二", arena);
    return true;
}

/* ---- the same in English ------------------------------------------------- */

static bool put_coord_rule_en(qvl_str *out, const qvl_answer_rules *rules,
                              qvl_arena *arena)
{
    if (rules->coord == QVL_COORD_PIXELS) {
        qvl_str_puts(out, "Coordinates are pixels, x to the right, y down.");
        return true;
    }
    qvl_str_puts(out, "Coordinates are integers from 0 to ");
    put_coord_max(out, rules, arena);
    qvl_str_puts(out, ", x across the width of the picture, y down its height.");
    return true;
}

static bool put_order_rule_en(qvl_str *out, const qvl_answer_rules *rules,
                              qvl_arena *arena)
{
    (void)arena;
    qvl_str_puts(out, "Objects are ordered from top to bottom, then from left to "
                      "right, by ");
    qvl_str_puts(out, rules->order == QVL_ORDER_CENTER
                          ? "the centre of their bounds."
                          : "a point of each: of bbox_2d the top left corner, of "
                            "poly the first vertex, of line the leftmost point.");
    return true;
}

static bool put_poly_rule_en(qvl_str *out, const qvl_answer_rules *rules,
                             qvl_arena *arena)
{
    (void)arena;
    static const char *const way[] = {
        [QVL_WINDING_CLOCKWISE] = "run clockwise",
        [QVL_WINDING_COUNTERCLOCKWISE] = "run counterclockwise",
        [QVL_WINDING_PRESERVE] = "follow the outline",
    };
    qvl_str_printf(out, "Vertices %s, beginning at the topmost one, of several "
                   "the leftmost.", way[rules->winding]);
    return true;
}

static bool put_field_rule_en(qvl_str *out, const qvl_answer_rules *rules,
                              qvl_arena *arena)
{
    (void)arena;
    qvl_str_puts(out, has_desc_first(rules)
                          ? "desc comes first, then the geometry key."
                          : "The geometry key comes first, then desc.");
    return true;
}

static bool put_example_en(qvl_str *out, const qvl_answer_rules *rules,
                           qvl_arena *arena)
{
    put_answer(out, rules, "first description", "second description", arena);
    return true;
}

static const struct {
    const char *name;
    put_value *put;
} variables[] = {
    { "coord_max", put_coord_max },   { "coord_rule", put_coord_rule },
    { "order_rule", put_order_rule }, { "poly_rule", put_poly_rule },
    { "points", put_point_list },     { "field_rule", put_field_rule },
    { "example", put_example },
    { "coord_rule_en", put_coord_rule_en },
    { "order_rule_en", put_order_rule_en },
    { "poly_rule_en", put_poly_rule_en },
    { "field_rule_en", put_field_rule_en },
    { "example_en", put_example_en },
};

/* ---- texts -------------------------------------------------------------- */

typedef struct {
    const char *text;
    const qvl_answer_rules *rules;
    qvl_arena *arena;
    qvl_str out;
    const char *result;
    qvl_err *err;
} expansion;

/* Bytes of the word in braces at p, without them; 0 when it is none. */
static size_t word_at(const char *p)
{
    size_t n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_");
    return n > 0 && p[1 + n] == '}' ? n : 0;
}

static int put_variable(expansion *e, const char *name, size_t len)
{
    char list[400] = "";
    for (size_t i = 0; i < QVL_COUNT(variables); i++) {
        const char *known = variables[i].name;
        if (strlen(known) == len && memcmp(known, name, len) == 0
            && variables[i].put(&e->out, e->rules, e->arena))
            return QVL_OK;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s{%s}",
                 i > 0 ? ", " : "", known);
    }
    return qvl_fail(e->err, QVL_E_CONFIG, "prompt: found {%.*s}, which has no "
                    "value under these rules, expected one of %s",
                    (int)(len < 40 ? len : 40), name, list);
}

static int expand(void *arg)
{
    expansion *e = arg;
    if (strstr(e->text, "<|") != NULL)
        return qvl_fail(e->err, QVL_E_CONFIG, "prompt: found \"<|\" in \"%.60s"
                        "\", expected text without the beginning of control "
                        "tokens", strstr(e->text, "<|"));
    qvl_str_puts(&e->out, "");
    for (const char *p = e->text; *p != '\0';) {
        size_t n = *p == '{' ? word_at(p) : 0;
        if (n == 0) {
            qvl_str_putc(&e->out, *p++);
            continue;
        }
        QVL_TRY(put_variable(e, p + 1, n));
        p += n + 2;
    }
    e->result = qvl_arena_strndup(e->arena, e->out.p, e->out.len);
    return QVL_OK;
}

int qvl_prompt_expand(const char **out, const char *text,
                      const qvl_answer_rules *rules, qvl_arena *arena,
                      qvl_err *err)
{
    expansion e = { .text = text, .rules = rules, .arena = arena,
                    .err = err };
    int rc = qvl_guard(expand, &e, err);
    if (rc == QVL_OK)
        *out = e.result;
    qvl_str_release(&e.out);
    return rc;
}
