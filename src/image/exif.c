/* exif.c - the orientation tag of the first directory */
#include "image/exif.h"

#include <stdbool.h>
#include <string.h>

/* A block and the order of its bytes. */
typedef struct {
    const uint8_t *p;
    size_t len;
    bool is_little;
} block;

#define ENTRY_BYTES 12
#define TAG_ORIENTATION 0x0112

/* Types of a value, and their sizes. */
enum { TYPE_BYTE = 1, TYPE_SHORT = 3, TYPE_LONG = 4 };

/* The number of n bytes at an offset that was checked. */
static uint32_t number(const block *b, size_t at, size_t n)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = b->is_little ? n - 1 - i : i;
        v = v << 8 | b->p[at + k];
    }
    return v;
}

static bool has(const block *b, size_t at, size_t n)
{
    return at <= b->len && n <= b->len - at;
}

/* Value of one entry; 0 when it is no single small number. */
static uint32_t entry_value(const block *b, size_t at)
{
    if (number(b, at + 4, 4) != 1)
        return 0;
    switch (number(b, at + 2, 2)) {
    case TYPE_BYTE: return number(b, at + 8, 1);
    case TYPE_SHORT: return number(b, at + 8, 2);
    case TYPE_LONG: return number(b, at + 8, 4);
    default: return 0;
    }
}

int qvl_exif_orientation(const uint8_t *p, size_t len)
{
    block b = { .p = p, .len = len };
    if (!has(&b, 0, 8))
        return 1;
    if (memcmp(p, "II*\0", 4) == 0)
        b.is_little = true;
    else if (memcmp(p, "MM\0*", 4) != 0)
        return 1;
    size_t at = number(&b, 4, 4);
    if (!has(&b, at, 2))
        return 1;
    uint32_t n = number(&b, at, 2);
    at += 2;
    for (uint32_t i = 0; i < n && has(&b, at, ENTRY_BYTES); i++) {
        if (number(&b, at, 2) == TAG_ORIENTATION) {
            uint32_t v = entry_value(&b, at);
            return v >= 1 && v <= 8 ? (int)v : 1;
        }
        at += ENTRY_BYTES;
    }
    return 1;
}
