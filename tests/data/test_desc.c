/* test_desc.c - texts of objects: category and attributes in each dialect */
#include "check.h"

#include "base/arena.h"
#include "base/str.h"
#include "data/desc.h"

#define CAT QVL_DESC_CATEGORY
#define SEEN QVL_DESC_VISIBILITY
#define NOTE QVL_DESC_REMARK
#define WORDS QVL_DESC_READING
#define WHOLE "\xe6\x98\xbe\xe7\xa4\xba\xe5\xae\x8c\xe6\x95\xb4"

static const struct {
    const char *text;
    const char *wanted;  // category; attributes as [key|value]
} cases[] = {
    { "", ";" },
    { "blue square", "blue square;" },
    { "cable/yellow", "cable;[yellow|yellow]" },
    { "cable/yellow,colour:red/", "cable;[yellow|yellow][colour|red]" },
    { "cable/" WHOLE "/x", "cable;[" SEEN "|" WHOLE "][x|x]" },
    { "cable/a\xef\xbc\x9a" "b", "cable;[a|b]" },
    { "cable/" NOTE ":one, two/three", "cable;[" NOTE "|one, two/three]" },
    { "cable/ " NOTE ":one, two", "cable;[" NOTE "|one, two]" },
    { "cable//,", "cable;" },
    { "/x", ";[x|x]" },
    { CAT "=cable", "cable;" },
    { CAT "=cable,colour=red,size=", "cable;[colour|red][size|]" },
    { "colour=red," CAT "=cable", "cable;[colour|red]" },
    { CAT "=cable," WORDS "=a,b,c", "cable;[" WORDS "|a,b,c]" },
    { CAT "=cable," NOTE "=a=b,c|d," SEEN "=x",
      "cable;[" NOTE "|a=b,c|d][" SEEN "|x]" },
    { CAT "=cable,word,=3", "cable;[word|word][=3|=3]" },
    { CAT "=", ";" },
    { "x" CAT "=cable", "x" CAT "=cable;" },
    { "type=cable", "type=cable;" },
};

static void test_read(void)
{
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena arena = { 0 };
        qvl_desc d;
        qvl_str out = { 0 };
        qvl_desc_read(&d, cases[i].text, &arena);
        qvl_str_printf(&out, "%s;", d.category);
        for (int k = 0; k < d.n_attrs; k++)
            qvl_str_printf(&out, "[%s|%s]", d.attr[k].key, d.attr[k].value);
        CHECK_STR(out.p, cases[i].wanted, "%s", cases[i].text);
        qvl_str_release(&out);
        qvl_arena_release(&arena);
    }
}

static void test_find(void)
{
    qvl_arena arena = { 0 };
    qvl_desc d;
    qvl_desc_read(&d, CAT "=a,k=1,j=2,k=3", &arena);
    CHECK_STR(qvl_desc_find(&d, "k"), "1", "the first");
    CHECK_STR(qvl_desc_find(&d, "j"), "2", "j");
    CHECK_STR(qvl_desc_find(&d, CAT), NULL, "the category is none");
    qvl_arena_release(&arena);
}

/* Whole tokens alone, and never inside of free text. */
static void test_replace(void)
{
#define CLASS QVL_DESC_CATEGORY "=a"
#define READING QVL_DESC_READING "="
#define REMARK QVL_DESC_REMARK
    static const struct {
        const char *in, *out;
    } words[] = {
        { "x", "y" },
        { "a/x", "a/y" },
        { "a/x,x/b", "a/y,y/b" },
        { "a/xx,xb", "a/xx,xb" },
        { "", "" },
        { "a/b/" REMARK ":c,x/x", "a/b/" REMARK ":c,x/x" },
        { "a/x/" REMARK ":x", "a/y/" REMARK ":x" },
        { CLASS ",x", CLASS ",y" },
        { CLASS ",a/x", CLASS ",a/x" },
        { CLASS "," READING "q,x", CLASS "," READING "q,x" },
        { CLASS "," READING "q,x,k=v,x", CLASS "," READING "q,x,k=v,y" },
        { CLASS "," REMARK "=q,x", CLASS "," REMARK "=q,x" },
    };
    for (size_t i = 0; i < QVL_COUNT(words); i++) {
        qvl_arena a = { 0 };
        CHECK_STR(qvl_desc_replace(words[i].in, "x", "y", &a), words[i].out,
                  "case %zu", i);
        CHECK_STR(qvl_desc_replace(words[i].in, "x", "x", &a), words[i].in,
                  "case %zu: by itself", i);
        qvl_arena_release(&a);
    }
    qvl_arena a = { 0 };
    CHECK_STR(qvl_desc_replace("a/x/x", "x", "x2,x", &a), "a/x2,x/x2,x",
              "what is put in is not looked at again");
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_read), TEST(test_find), TEST(test_replace))
