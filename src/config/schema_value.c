/* schema_value.c - text and nodes to values
 *
 * What YAML has made of a scalar does not matter where its text says the same:
 * "1e3" is a number for a key of numbers, whatever quotes it had.
 */
#include "config/schema_value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool qvl_value_bool(const qvl_node *node, bool *out)
{
    static const char *const words[] = { "false", "true", "0", "1", "no",
                                         "yes", "n", "y", "off", "on" };
    if (node->kind == QVL_NODE_BOOL) {
        *out = node->b;
        return true;
    }
    if (node->kind == QVL_NODE_INT && (node->i == 0 || node->i == 1)) {
        *out = node->i == 1;
        return true;
    }
    if (node->kind != QVL_NODE_STRING)
        return false;
    for (size_t i = 0; i < QVL_COUNT(words); i++)
        if (strcasecmp(node->s, words[i]) == 0) {
            *out = i % 2 != 0;
            return true;
        }
    return false;
}

bool qvl_value_int(const qvl_node *node, int64_t *out)
{
    if (node->kind == QVL_NODE_STRING) {
        double f;
        if (qvl_node_read_int(node->s, node->s_len, out))
            return true;
        if (!qvl_node_read_float(node->s, node->s_len, &f)
            || !(fabs(f) <= 0x1p53) || f != floor(f))
            return false;
        *out = (int64_t)f;
        return true;
    }
    return qvl_node_as_int(node, out);
}

bool qvl_value_float(const qvl_node *node, double *out)
{
    double f;
    int64_t i;
    if (node->kind == QVL_NODE_STRING) {
        if (qvl_node_read_int(node->s, node->s_len, &i))
            f = (double)i;
        else if (!qvl_node_read_float(node->s, node->s_len, &f)
                 || !isfinite(f))
            return false;
        *out = f;
        return true;
    }
    return qvl_node_as_float(node, out);
}

bool qvl_value_bytes(const qvl_node *node, int64_t *out)
{
    static const char units[] = "KMGT";
    if (node->kind == QVL_NODE_BOOL || node->s == NULL)
        return false;
    char *end;
    double v = strtod(node->s, &end);
    if (end == node->s || node->s[0] < '0' || node->s[0] > '9')
        return false;
    while (*end == ' ')
        end++;
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
    if (unit != NULL) {
        end++;
        double step = *end == 'i' ? 1024 : 1000;
        end += *end == 'i';
        for (const char *u = units; u <= unit; u++)
            v *= step;
    }
    end += *end == 'B';
    if (*end != '\0' || !(v < 0x1p62) || v != floor(v))
        return false;
    *out = (int64_t)v;
    return true;
}

bool qvl_value_obeys(double v, const char *rule)
{
    if (rule[0] == '\0')
        return true;
    if (rule[0] == '>' && rule[1] == '=')
        return v >= strtod(rule + 2, NULL);
    bool is_above = rule[0] == '>';
    double least = strtod(rule + is_above, NULL);
    const char *dots = strstr(rule, "..");
    if (!(is_above ? v > least : v >= least) || (dots == NULL && !is_above))
        return false;
    if (dots == NULL)
        return true;
    return dots[2] == '<' ? v < strtod(dots + 3, NULL)
                          : v <= strtod(dots + 2, NULL);
}

static bool is_text(const char *text, const char *p, size_t len)
{
    return strlen(text) == len && strncasecmp(text, p, len) == 0;
}

int qvl_value_word(const char *text, const char *rule, bool *is_absent)
{
    const char *p = rule;
    *is_absent = *p == '!';
    p += *is_absent;
    for (int k = 0; *p != '\0';) {
        size_t len = strcspn(p, ",|");
        if (is_text(text, p, len))
            return k;
        p += len;
        if (*p == '|') {
            k++;
            *is_absent = p[1] == '!';
            p += *is_absent;
        }
        p += *p != '\0';
    }
    return -1;
}

static qvl_node as_node(const char *text, size_t len)
{
    return (qvl_node){ .kind = QVL_NODE_STRING, .s = text, .s_len = len };
}

static bool is_same_text(const qvl_node *a, const qvl_node *b)
{
    double x, y;
    bool p, q;
    if (a->s == NULL || b->s == NULL)
        return false;
    if (strcmp(a->s, b->s) == 0)
        return true;
    if (qvl_value_float(a, &x) && qvl_value_float(b, &y))
        return x == y;
    return qvl_value_bool(a, &p) && qvl_value_bool(b, &q) && p == q;
}

bool qvl_value_is_word(const char *text, const char *words)
{
    qvl_node found = as_node(text, strlen(text));
    char word[64];
    for (const char *p = words; *p != '\0';) {
        size_t len = strcspn(p, ",");
        if (len < sizeof word) {
            memcpy(word, p, len);
            word[len] = '\0';
            qvl_node known = as_node(word, len);
            if (strcasecmp(text, word) == 0 || is_same_text(&found, &known))
                return true;
        }
        p += len + (p[len] == ',');
    }
    return false;
}

bool qvl_value_same(const qvl_node *a, const qvl_node *b)
{
    if (a->kind != QVL_NODE_LIST && b->kind != QVL_NODE_LIST)
        return is_same_text(a, b);
    size_t n = a->kind == QVL_NODE_LIST ? a->n : 1;
    size_t m = b->kind == QVL_NODE_LIST ? b->n : 1;
    const qvl_node *x = a->kind == QVL_NODE_LIST ? a->items : a;
    const qvl_node *y = b->kind == QVL_NODE_LIST ? b->items : b;
    for (size_t i = 0; i < n && n == m; i++)
        if (!is_same_text(&x[i], &y[i]))
            return false;
    return n == m;
}
