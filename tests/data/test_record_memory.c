/* test_record_memory.c - a long file, of which a part is in memory at a time */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "check.h"
#include "data/record.h"
#include "made.h"

#define LINES_OF_PART 200
#define N_PARTS 50

static int compare_pages(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

/* Pages of 4 KiB in which what was read from a file of so many parts has stood. */
static size_t count_pages(int n_parts, int n_threads)
{
    static uintptr_t page[4 * LINES_OF_PART * N_PARTS];
    size_t n_seen = 0, n_different = 0, n;
    const qvl_record_result *result;
    qvl_str text = { 0 };
    qvl_records *r;
    qvl_err err = { 0 };
    for (int k = 0; k < n_parts * LINES_OF_PART; k++)
        qvl_str_puts(&text, "{\"images\": [\"a.png\"], \"width\": 9, \"height\": 9, "
                     "\"objects\": [{\"bbox_2d\": [1, 2, 3, 4], \"desc\": "
                     "\"x\"}]}\n");
    CHECK_OK(qvl_records_open(&r, made_file("parts.jsonl", text.p, text.len),
                              NULL, &err), err);
    for (int k = 0; k <= n_parts; k++) {
        CHECK_OK(qvl_records_many(r, LINES_OF_PART, n_threads, &result, &n, &err),
                 err);
        CHECK_INT(n, k < n_parts ? LINES_OF_PART : 0, "part %d", k);
        for (size_t i = 0; i < n; i++) {
            page[n_seen++] = (uintptr_t)result[i].text >> 12;
            page[n_seen++] = (uintptr_t)result[i].record >> 12;
            page[n_seen++] = (uintptr_t)result[i].record->image[0] >> 12;
            page[n_seen++] = (uintptr_t)result[i].record->object[0].desc >> 12;
        }
    }
    qvl_records_close(r);
    qvl_str_release(&text);
    qsort(page, n_seen, sizeof *page, compare_pages);
    for (size_t i = 0; i < n_seen; i++)
        n_different += i == 0 || page[i] != page[i - 1];
    return n_different;
}

/* A file takes the memory of the lines that are read together, however long it is:
 * each thread that of all of them at most; where blocks begin in a page differs. */
static void test_long_file(void)
{
    size_t alone = count_pages(1, 1);
    CHECK(alone > 5, "found %zu pages", alone);
    for (int t = 1; t <= 3; t++) {
        size_t found = count_pages(N_PARTS, t);
        CHECK(found <= (size_t)(t + 1) * alone, "%d threads: %zu pages, %zu of "
              "one part", t, found, alone);
    }
}

RUN_TESTS(TEST(test_long_file))
