/* test_category.c - colours and numbers of categories */
#include "check.h"

#include "image/draw.h"
#include "score/category.h"

static const char *name_of(int i)
{
    static char text[32];
    snprintf(text, sizeof text, "kind %d/with more", i);
    return text;
}

/* As many as there are colours have one each; those behind have any. */
static void test_colours_differ(void)
{
    qvl_categories c = { 0 };
    bool is_taken[QVL_N_COLOURS] = { false };
    for (int i = 0; i < 3 * QVL_N_COLOURS; i++) {
        const qvl_category *k = qvl_categories_find(&c, name_of(i));
        CHECK(k->colour >= 0 && k->colour < QVL_N_COLOURS, "%d", i);
        CHECK_INT(k->number, i + 1, "number of %d", i);
        if (i < QVL_N_COLOURS) {
            CHECK(!is_taken[k->colour], "%d has the colour of another", i);
            is_taken[k->colour] = true;
        }
    }
    CHECK_INT(c.n, 3 * QVL_N_COLOURS, "all");
    qvl_categories_release(&c);
    qvl_categories_release(&c);
    CHECK_INT(c.n, 0, "empty");
}

/* Found again, by the category alone; colours stay in another order. */
static void test_stay(void)
{
    qvl_categories c = { 0 };
    qvl_categories d = { 0 };
    const qvl_category *a = qvl_categories_find(&c, "cable/red");
    for (int i = 0; i < 200; i++)
        qvl_categories_find(&c, name_of(i));
    CHECK(qvl_categories_find(&c, "cable/blue,long") == a, "the same");
    CHECK_STR(a->name, "cable", "name");
    CHECK_INT(qvl_categories_find(&c, name_of(150))->number, 152, "number");
    qvl_categories_find(&d, "screw");
    const qvl_category *b = qvl_categories_find(&d, "cable");
    CHECK(qvl_categories_find(&d, "screw")->colour != b->colour, "two colours");
    qvl_categories_release(&d);
    CHECK_INT(qvl_categories_find(&d, "cable")->colour, a->colour,
              "alone it has its own");
    qvl_categories_release(&c);
    qvl_categories_release(&d);
}

static void test_shown(void)
{
    static const char zh[] = "\xe7\xb1\xbb\xe5\x88\xab=\xe6\xa0\x87\xe7\xad\xbe,a=b";
    qvl_categories c = { .has_numbers = true };
    CHECK_STR(qvl_categories_find(&c, "cable")->shown, "cable", "letters");
    CHECK_INT(c.n_unread, 0, "all can be read");
    CHECK_STR(qvl_categories_find(&c, zh)->shown, "c2", "its number");
    CHECK_STR(qvl_categories_find(&c, zh)->name, "\xe6\xa0\x87\xe7\xad\xbe",
              "its name");
    CHECK_INT(c.n_unread, 1, "one cannot");
    CHECK_STR(qvl_categories_find(&c, "")->shown, "(no category)", "nothing");
    CHECK(qvl_categories_find(&c, NULL) == qvl_categories_find(&c, ""), "NULL");
    qvl_categories_release(&c);
    CHECK_STR(qvl_categories_find(&c, zh)->shown, "\xe6\xa0\x87\xe7\xad\xbe",
              "nobody tells what numbers mean");
    qvl_categories_release(&c);
}

RUN_TESTS(TEST(test_colours_differ), TEST(test_stay), TEST(test_shown))
