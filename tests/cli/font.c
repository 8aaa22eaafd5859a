/* font.c - write a font file for the tests, of the kind that is named: glyf, cff or
 * collection
 */
#include <stdio.h>
#include <string.h>

#include "../image/make_font.h"

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        font_kind kind;
    } kinds[] = { { "glyf", FONT_GLYF },
                  { "cff", FONT_CFF },
                  { "collection", FONT_COLLECTION } };
    for (size_t i = 0; argc == 2 && i < sizeof kinds / sizeof *kinds; i++) {
        qvl_str font = { 0 };
        if (strcmp(argv[1], kinds[i].name) != 0)
            continue;
        font_write(&font, kinds[i].kind);
        size_t n = fwrite(font.p, 1, font.len, stdout);
        int rc = n == font.len && fflush(stdout) == 0 ? 0 : 1;
        qvl_str_release(&font);
        return rc;
    }
    return 2;
}
