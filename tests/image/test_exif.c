/* test_exif.c - the orientation tag, in whole and in broken blocks */
#include "check.h"
#include "image/exif.h"

typedef struct {
    const char *name;
    const char *p;
    size_t len;
    int expected;
} block;

#define BYTES(s) (s), sizeof(s) - 1

static const block blocks[] = {
    { "big endian", BYTES("MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0"), 6 },
    { "little endian", BYTES("II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\10\0\0\0"),
      8 },
    { "a byte", BYTES("MM\0*\0\0\0\10\0\1\1\22\0\1\0\0\0\1\3\0\0\0"), 3 },
    { "a long", BYTES("MM\0*\0\0\0\10\0\1\1\22\0\4\0\0\0\1\0\0\0\5"), 5 },
    { "second entry",
      BYTES("MM\0*\0\0\0\10\0\2\1\17\0\2\0\0\0\4abcd\1\22\0\3\0\0\0\1\0\2\0\0"),
      2 },
    { "directory further on",
      BYTES("MM\0*\0\0\0\12xx\0\1\1\22\0\3\0\0\0\1\0\7\0\0"), 7 },
    { "other tags only", BYTES("MM\0*\0\0\0\10\0\1\1\17\0\3\0\0\0\1\0\6\0\0"),
      1 },
    { "value 0", BYTES("MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\0\0\0"), 1 },
    { "value 9", BYTES("MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\11\0\0"), 1 },
    { "huge value",
      BYTES("MM\0*\0\0\0\10\0\1\1\22\0\4\0\0\0\1\377\377\377\377"), 1 },
    { "two values", BYTES("MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\2\0\6\0\6"), 1 },
    { "a text", BYTES("MM\0*\0\0\0\10\0\1\1\22\0\2\0\0\0\0016\0\0\0"), 1 },
    { "other byte order", BYTES("XX\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0"),
      1 },
    { "mixed byte order",
      BYTES("MM*\0\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0"), 1 },
    { "directory behind the end",
      BYTES("MM\0*\377\377\377\377\0\1\1\22\0\3\0\0\0\1\0\6\0\0"), 1 },
    { "directory at the end",
      BYTES("MM\0*\0\0\0\26\0\1\1\22\0\3\0\0\0\1\0\6\0\0"), 1 },
    { "more entries than bytes",
      BYTES("MM\0*\0\0\0\10\377\377\1\22\0\3\0\0\0\1\0\6\0\0"), 6 },
    { "more entries, none it",
      BYTES("MM\0*\0\0\0\10\377\377\1\17\0\3\0\0\0\1\0\6\0\0"), 1 },
    { "directory on its own head",
      BYTES("MM\0*\0\0\0\0\0\1\1\22\0\3\0\0\0\1\0\6\0\0"), 1 },
    { "empty", BYTES(""), 1 },
};

static int orientation(const block *b, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, b->p, len);
    int found = qvl_exif_orientation(copy, len);
    free(copy);
    return found;
}

static void test_blocks(void)
{
    for (size_t i = 0; i < QVL_COUNT(blocks); i++)
        CHECK_INT(orientation(&blocks[i], blocks[i].len), blocks[i].expected,
                  "%s", blocks[i].name);
    CHECK_INT(qvl_exif_orientation(NULL, 0), 1, "no block");
}

/* A cut block says nothing, or what is left of it. */
static void test_cut(void)
{
    for (size_t i = 0; i < QVL_COUNT(blocks); i++)
        for (size_t len = 0; len < blocks[i].len; len++) {
            int found = orientation(&blocks[i], len);
            CHECK(found == 1 || found == blocks[i].expected, "%s, %zu bytes",
                  blocks[i].name, len);
        }
}

RUN_TESTS(TEST(test_blocks), TEST(test_cut))
