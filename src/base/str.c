/* str.c - growing text, and the nearest word of a list
 *
 * Room doubles. The distance between words is that of Levenshtein, which costs
 * the product of their lengths: names of keys and flags, nothing longer.
 */
#include "base/str.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

void qvl_str_release(qvl_str *s)
{
    if (s == NULL)
        return;
    free(s->p);
    *s = (qvl_str){ 0 };
}

void qvl_str_reset(qvl_str *s)
{
    s->len = 0;
    if (s->p != NULL)
        s->p[0] = '\0';
}

/* Room for `more` bytes and the NUL. */
static void reserve(qvl_str *s, size_t more)
{
    if (more > SIZE_MAX / 4 || s->len > SIZE_MAX / 4)
        qvl_memory_fail(more);
    size_t need = s->len + more + 1;
    if (need <= s->cap)
        return;
    size_t cap = s->cap < 64 ? 64 : s->cap * 2;
    if (cap < need)
        cap = need;
    s->p = qvl_memory_resize(s->p, cap);
    s->cap = cap;
}

void qvl_str_putn(qvl_str *s, const char *p, size_t n)
{
    reserve(s, n);
    if (n > 0)
        memcpy(s->p + s->len, p, n);
    s->len += n;
    s->p[s->len] = '\0';
}

void qvl_str_putc(qvl_str *s, char c)
{
    qvl_str_putn(s, &c, 1);
}

void qvl_str_puts(qvl_str *s, const char *text)
{
    qvl_str_putn(s, text, strlen(text));
}

void qvl_str_put_int(qvl_str *s, long long v)
{
    char text[24];
    size_t at = sizeof text;
    unsigned long long rest =
        v < 0 ? 0 - (unsigned long long)v : (unsigned long long)v;
    do
        text[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (v < 0)
        text[--at] = '-';
    qvl_str_putn(s, text + at, sizeof text - at);
}

void qvl_str_vprintf(qvl_str *s, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    reserve(s, 64);
    size_t room = s->cap - s->len;
    int n = vsnprintf(s->p + s->len, room, fmt, args);
    assert(n >= 0);
    if ((size_t)n >= room) {
        reserve(s, (size_t)n);
        vsnprintf(s->p + s->len, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    s->len += (size_t)n;
}

void qvl_str_printf(qvl_str *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    qvl_str_vprintf(s, fmt, args);
    va_end(args);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* One row of the table at a time: row[j] is the distance between the first i
 * bytes of a and the first j of b. */
int qvl_str_distance(const char *a, const char *b)
{
    size_t na = strlen(a);
    size_t nb = strlen(b);
    assert(na < INT_MAX && nb < INT_MAX);

    int *row = qvl_memory_resize(NULL, (nb + 1) * sizeof *row);
    for (size_t j = 0; j <= nb; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int corner = row[0];  // distance of i - 1 and j - 1 bytes
        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int replaced = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            row[j] = least(replaced, 1 + least(row[j], row[j - 1]));
        }
    }
    int distance = row[nb];
    free(row);
    return distance;
}

const char *qvl_str_nearest(const char *word, const char *const *words,
                            size_t n)
{
    size_t len = strlen(word);
    const char *best = NULL;
    int best_distance = 0;
    for (size_t i = 0; i < n; i++) {
        size_t longer = strlen(words[i]) > len ? strlen(words[i]) : len;
        int distance = qvl_str_distance(word, words[i]);
        if ((size_t)distance * 3 > longer)
            continue;
        if (best == NULL || distance < best_distance) {
            best = words[i];
            best_distance = distance;
        }
    }
    return best;
}
