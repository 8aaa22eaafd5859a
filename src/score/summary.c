/* summary.c - items of summaries, and how many are found */
#include "score/summary.h"

#include <stdlib.h>
#include <string.h>

#include "data/message.h"
#include "data/text.h"
#include "score/report.h"

static const char separator[] = "，";
static const char times[] = "×";
static const char stop[] = "。";

/* What a remark begins with; the first is the right one. */
static const char *const remark_marks[] = { "备注: ", "备注:", "备注：" };

/* ---- items -------------------------------------------------------------- */

/* The count behind the last × of an entry: 0 when there is none. *is_formed becomes
 * false when it is not written as it should be. */
static int64_t read_count(const char *entry, size_t *desc_len, bool *is_formed)
{
    const char *mark = NULL;
    for (const char *p = entry; (p = strstr(p, times)) != NULL; p++)
        mark = p;
    *desc_len = strlen(entry);
    const char *digits = mark != NULL ? mark + sizeof times - 1 : entry;
    size_t n = strspn(digits, "0123456789");
    int64_t count = n > 0 && n <= 18 ? strtoll(digits, NULL, 10) : 0;
    if (mark == NULL || mark == entry || digits[n] != '\0' || count < 1
        || count > QVL_SUMMARY_MAX_COUNT) {
        *is_formed = false;
        return 0;
    }
    *desc_len = (size_t)(mark - entry);
    if (digits[0] == '0')
        *is_formed = false;
    return count;
}

/* Read an entry without blanks around it. */
static void read_entry(qvl_summary *s, const char *entry, qvl_arena *arena)
{
    size_t len;
    int64_t count = read_count(entry, &len, &s->is_formed);
    const char *desc = qvl_arena_strndup(arena, entry, len);
    if (qvl_text_desc_fault(desc) != NULL)
        s->is_formed = false;
    s->item[s->n++] = (qvl_summary_item){ qvl_text_trim(arena, desc), count };
}

static int by_desc(const void *pa, const void *pb)
{
    const qvl_summary_item *a = pa;
    const qvl_summary_item *b = pb;
    return strcmp(a->desc, b->desc);
}

/* Sort, and make one of those with one description. */
static void join_items(qvl_summary *s)
{
    size_t n = 0;
    if (s->n > 0)
        qsort(s->item, s->n, sizeof *s->item, by_desc);
    for (size_t i = 0; i < s->n; i++) {
        if (n > 0 && by_desc(&s->item[n - 1], &s->item[i]) == 0) {
            s->item[n - 1].count += s->item[i].count;
            s->is_formed = false;
        } else {
            s->item[n++] = s->item[i];
        }
    }
    s->n = n;
}

/* ---- summaries ---------------------------------------------------------- */

/* Is the rest a remark? Then it is taken. */
static bool take_remark(qvl_summary *s, const char *rest, qvl_arena *arena)
{
    for (size_t i = 0; i < QVL_COUNT(remark_marks); i++) {
        size_t n = strlen(remark_marks[i]);
        if (strncmp(rest, remark_marks[i], n) != 0)
            continue;
        s->remark = qvl_text_trim(arena, rest + n);
        if (i > 0 || s->n == 0 || s->remark[0] == '\0')
            s->is_formed = false;
        return true;
    }
    return false;
}

/* The text without blanks at its ends and a stop behind. */
static char *trim(qvl_summary *s, const char *text, qvl_arena *arena)
{
    char *line = qvl_arena_strdup(arena, qvl_text_trim(arena, text));
    size_t n = strlen(line), n_stop = sizeof stop - 1;
    if (n >= n_stop && strcmp(line + n - n_stop, stop) == 0) {
        line[n - n_stop] = '\0';
        s->is_formed = false;
    }
    if (strcmp(line, text) != 0 || strpbrk(line, "\r\n\t") != NULL)
        s->is_formed = false;
    return line;
}

/* Entries up to the remark. */
static void read_entries(qvl_summary *s, char *line, qvl_arena *arena)
{
    size_t n_separator = sizeof separator - 1;
    for (char *p = line; p != NULL;) {
        char *next = strstr(p, separator);
        const char *rest = qvl_text_trim(arena, p);
        if (take_remark(s, rest, arena))
            return;
        if (next != NULL) {
            *next = '\0';
            next += n_separator;
        }
        const char *entry = qvl_text_trim(arena, p);
        if (entry[0] != '\0')
            read_entry(s, entry, arena);
        if (strcmp(entry, p) != 0 || entry[0] == '\0')
            s->is_formed = false;
        p = next;
    }
}

/* A summary without the line in front that training may have put there. */
static const char *skip_head(const char *text)
{
    return text + qvl_text_head(text, strlen(text));
}

void qvl_summary_parse(qvl_summary *out, const char *text, qvl_arena *arena)
{
    qvl_summary s = { .is_formed = true };
    text = skip_head(text);
    if (qvl_text_trim(arena, text)[0] == '{') {
        *out = (qvl_summary){ .is_json = true };
        return;
    }
    char *line = trim(&s, text, arena);
    s.is_irrelevant = strcmp(line, qvl_irrelevant_answer) == 0;
    if (!s.is_irrelevant) {
        size_t most = strlen(line) / (sizeof separator - 1) + 1;
        s.item = qvl_arena_array(arena, qvl_summary_item, most);
        read_entries(&s, line, arena);
        join_items(&s);
    }
    *out = s;
}

/* ---- scores ------------------------------------------------------------- */

/* How many items are on both sides, which are sorted: by description, and by count
 * as well. */
static void count_found(const qvl_summary *a, const qvl_summary *b,
                        int64_t *n_descs, int64_t *n_items)
{
    size_t i = 0, k = 0;
    *n_descs = *n_items = 0;
    while (i < a->n && k < b->n) {
        int order = by_desc(&a->item[i], &b->item[k]);
        if (order == 0) {
            ++*n_descs;
            *n_items += a->item[i].count == b->item[k].count;
        }
        i += order <= 0;
        k += order >= 0;
    }
}

static void add_counts(qvl_match_counts *c, int64_t matched, int64_t n_pred,
                       int64_t n_true)
{
    c->matched += matched;
    c->matched_pred += matched;
    c->n_pred += n_pred;
    c->n_true += n_true;
}

static void add_texts(qvl_summary_score *s, const qvl_summary *truth,
                      const qvl_summary *pred)
{
    int64_t n_descs, n_items;
    int64_t n_true = (int64_t)truth->n, n_pred = (int64_t)pred->n;
    count_found(truth, pred, &n_descs, &n_items);
    add_counts(&s->items, n_items, n_pred, n_true);
    add_counts(&s->descs, n_descs, n_pred, n_true);
    add_counts(&s->irrelevant, truth->is_irrelevant && pred->is_irrelevant,
               pred->is_irrelevant, truth->is_irrelevant);
    s->n_formed += pred->is_formed;
    s->n_same += n_items == n_true && n_items == n_pred
                 && truth->is_irrelevant == pred->is_irrelevant
                 && !pred->is_json;
    if (truth->remark == NULL)
        return;
    s->n_remarks++;
    s->n_remarks_equal += pred->remark != NULL
                          && strcmp(truth->remark, pred->remark) == 0;
}

void qvl_summary_add(qvl_summary_score *s, const char *truth, const char *pred,
                     qvl_arena *arena)
{
    qvl_summary t, p;
    qvl_summary_parse(&t, truth, arena);
    qvl_summary_parse(&p, pred, arena);
    s->n_rows++;
    s->n_equal += strcmp(qvl_text_trim(arena, skip_head(truth)),
                         qvl_text_trim(arena, skip_head(pred))) == 0;
    if (t.is_json)
        s->n_json++;
    else
        add_texts(s, &t, &p);
}

/* ---- reports ------------------------------------------------------------ */

typedef struct {
    const char *name;
    const qvl_match_counts *counts;
} named_counts;

static void put_counts(qvl_str *out, const qvl_summary_score *s)
{
    const named_counts rows[] = { { "items", &s->items },
                                  { "descriptions", &s->descs },
                                  { qvl_irrelevant_answer, &s->irrelevant } };
    qvl_str_printf(out, "\n%8s %8s %8s %8s %8s", "F1", "P", "R", "true",
                   "found");
    if (s->beta > 0)
        qvl_str_printf(out, "   F%-7g", s->beta);
    qvl_str_putc(out, '\n');
    for (size_t i = 0; i < QVL_COUNT(rows); i++) {
        const qvl_match_counts *c = rows[i].counts;
        qvl_str_printf(out, "%8.4f %8.4f %8.4f %8lld %8lld", qvl_match_f(c, 1),
                       qvl_match_precision(c), qvl_match_recall(c),
                       (long long)c->n_true, (long long)c->n_pred);
        if (s->beta > 0)
            qvl_str_printf(out, " %8.4f", qvl_match_f(c, s->beta));
        qvl_str_printf(out, "  %s\n", rows[i].name);
    }
}

void qvl_summary_put_text(qvl_str *out, const qvl_summary_score *s)
{
    int64_t n_texts = s->n_rows - s->n_json;
    qvl_str_printf(out, "%lld summaries, %lld of them JSON\n",
                   (long long)s->n_rows, (long long)s->n_json);
    if (n_texts > 0)
        put_counts(out, s);
    qvl_str_putc(out, '\n');
    qvl_report_line(out, "equal", s->n_equal, s->n_rows);
    qvl_report_line(out, "same items", s->n_same, n_texts);
    qvl_report_line(out, "form right", s->n_formed, n_texts);
    qvl_report_line(out, "remarks", s->n_remarks_equal, s->n_remarks);
}

static const char *counts_text(const qvl_summary_score *s,
                               const qvl_match_counts *c, qvl_arena *arena)
{
    qvl_report_map m = { .arena = arena };
    qvl_report_put_counts(&m, c, s->beta);
    return qvl_report_text(&m);
}

void qvl_summary_put_json(qvl_str *out, const qvl_summary_score *s)
{
    qvl_arena a = { 0 };
    qvl_report_map m = { .arena = &a }, parameters = { .arena = &a };
    int64_t n_texts = s->n_rows - s->n_json;
    qvl_report_put_number(&parameters, "beta", s->beta);
    qvl_report_put(&m, "parameters", qvl_report_text(&parameters));
    qvl_report_put(&m, "items", counts_text(s, &s->items, &a));
    qvl_report_put(&m, "descriptions", counts_text(s, &s->descs, &a));
    qvl_report_put(&m, "irrelevant", counts_text(s, &s->irrelevant, &a));
    qvl_report_put(&m, "exact", qvl_report_rate(s->n_equal, s->n_rows, &a));
    qvl_report_put(&m, "same_items", qvl_report_rate(s->n_same, n_texts, &a));
    qvl_report_put(&m, "format_ok", qvl_report_rate(s->n_formed, n_texts, &a));
    qvl_report_put(&m, "remarks",
                   qvl_report_rate(s->n_remarks_equal, s->n_remarks, &a));
    qvl_report_put_number(&m, "n_rows", (double)s->n_rows);
    qvl_report_put_number(&m, "n_skipped", (double)s->n_skipped);
    qvl_report_put_number(&m, "n_json", (double)s->n_json);
    qvl_str_printf(out, "%s\n", qvl_report_text(&m));
    qvl_arena_release(&a);
}
