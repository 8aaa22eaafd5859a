/* face_freetype.c - font files by FreeType
 *
 * A face has a FreeType library of its own, so faces share nothing. The library is
 * made by FT_New_Library, which does not ask the environment (FREETYPE_PROPERTIES).
 * Letters are loaded at one size, moved to their place as outlines, and FreeType
 * says what these cover.
 */
#include "image/face.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ft2build.h>

#include <freetype/freetype.h>
#include <freetype/ftadvanc.h>
#include <freetype/ftmodapi.h>
#include <freetype/ftoutln.h>

#include "base/arena.h"
#include "base/file.h"

/* Pixels of an em when a letter is loaded: its points are then known to 1/16384 em,
 * and the factor to its place, a 65536th each, is as fine for letters of 256 px. The
 * few fonts that are nothing without hints get them for this size. */
#define EM_PX 256

/* A factor, in a 65536th; a distance, in 1/64 px. */
#define FACTOR_ONE 65536
#define PX_ONE 64

/* FreeType counts pixels of a row in numbers of 16 bits: so far to both sides of where
 * it counts from. An em is smaller than half of it (face.h). */
#define REACH_PX 32767

/* No letter is seen from farther outside of the picture. */
#define FAR_PX 100000

struct qvl_face {
    // owned
    qvl_file_map map;
    struct FT_MemoryRec_ memory;
    size_t refused_bytes;  // what the host had not
    FT_Library library;
    FT_Face font;          // ends with the library
};

/* ---- opening ------------------------------------------------------------ */

static void *resize(FT_Memory memory, long old, long n, void *p)
{
    qvl_face *f = memory->user;
    void *q = realloc(p, (size_t)n);
    (void)old;
    if (q == NULL)
        f->refused_bytes = (size_t)n;
    return q;
}

static void *take(FT_Memory memory, long n)
{
    return resize(memory, 0, n, NULL);
}

static void give(FT_Memory memory, void *p)
{
    (void)memory;
    free(p);
}

static int fail_font(const char *path, const char *found, qvl_err *err)
{
    return qvl_fail(err, QVL_E_FORMAT, "font file %s: found %s, expected a "
                    "TrueType or OpenType font (.ttf, .otf, .ttc)", path, found);
}

static int check_code(FT_Error code, const char *path, qvl_err *err)
{
    switch (code) {
    case FT_Err_Ok:
        return QVL_OK;
    case FT_Err_Out_Of_Memory:
        return qvl_fail(err, QVL_E_MEMORY, "no memory for font file %s", path);
    case FT_Err_Unknown_File_Format:
        return fail_font(path, "something else", err);
    default:
        return fail_font(path, "damage", err);
    }
}

static int open_library(qvl_face *f, const char *path, qvl_err *err)
{
    f->memory = (struct FT_MemoryRec_){ f, take, give, resize };
    QVL_TRY(check_code(FT_New_Library(&f->memory, &f->library), path, err));
    FT_Add_Default_Modules(f->library);
    return QVL_OK;
}

/* Fonts in the file. */
static int count_fonts(qvl_face *f, const char *path, long *n, qvl_err *err)
{
    FT_Face font;
    QVL_TRY(check_code(FT_New_Memory_Face(f->library, f->map.p,
                                          (FT_Long)f->map.len, -1, &font),
                       path, err));
    *n = font->num_faces;
    FT_Done_Face(font);
    return QVL_OK;
}

static int open_font(qvl_face *f, const char *path, long number, qvl_err *err)
{
    long n;
    QVL_TRY(count_fonts(f, path, &n, err));
    if (number >= n)
        return qvl_fail(err, QVL_E_RANGE, "font file %s: found %ld fonts, "
                        "expected number %ld, counted from 0", path, n, number);
    QVL_TRY(check_code(FT_New_Memory_Face(f->library, f->map.p,
                                          (FT_Long)f->map.len, number,
                                          &f->font), path, err));
    if (!FT_IS_SCALABLE(f->font) || f->font->units_per_EM == 0)
        return fail_font(path, "no outlines", err);
    if (f->font->charmap == NULL
        || f->font->charmap->encoding != FT_ENCODING_UNICODE)
        return fail_font(path, "no table of Unicode characters", err);
    return check_code(FT_Set_Pixel_Sizes(f->font, EM_PX, EM_PX), path, err);
}

/* The number behind the last '#' of a path, and where that stands; 0 and the
 * end when there is none. */
static long number_of(const char *path, size_t *len)
{
    const char *mark = strrchr(path, '#');
    *len = strlen(path);
    if (mark == NULL || mark[1] == '\0' || strlen(mark) > 6)
        return 0;
    for (const char *p = mark + 1; *p != '\0'; p++)
        if (!isdigit((unsigned char)*p))
            return 0;
    *len = (size_t)(mark - path);
    return strtol(mark + 1, NULL, 10);
}

typedef struct {
    const char *path;
    qvl_face *face;
    qvl_err *err;
} open_call;

static int open_steps(void *arg)
{
    open_call *c = arg;
    size_t len;
    qvl_arena names = { 0 };
    long number = number_of(c->path, &len);
    c->face = qvl_memory_zeroed(1, sizeof *c->face);
    const char *file = qvl_arena_strndup(&names, c->path, len);
    int rc = qvl_file_map_open(&c->face->map, file, c->err);
    qvl_arena_release(&names);
    if (rc != QVL_OK)
        return rc;
    QVL_TRY(open_library(c->face, c->path, c->err));
    return open_font(c->face, c->path, number, c->err);
}

bool qvl_face_can_open(void)
{
    return true;
}

int qvl_face_open(qvl_face **face, const char *path, qvl_err *err)
{
    open_call c = { .path = path, .err = err };
    int rc = qvl_guard(open_steps, &c, err);
    if (rc == QVL_OK)
        *face = c.face;
    else
        qvl_face_close(c.face);
    return rc;
}

void qvl_face_close(qvl_face *face)
{
    if (face == NULL)
        return;
    if (face->library != NULL)
        FT_Done_Library(face->library);
    qvl_file_map_close(&face->map);
    free(face);
}

/* ---- letters ------------------------------------------------------------ */

bool qvl_face_has(const qvl_face *face, uint32_t code)
{
    return FT_Get_Char_Index(face->font, code) != 0;
}

double qvl_face_advance(const qvl_face *face, uint32_t code)
{
    FT_Fixed units;
    FT_UInt glyph = FT_Get_Char_Index(face->font, code);
    if (FT_Get_Advance(face->font, glyph, FT_LOAD_NO_SCALE, &units)
        != FT_Err_Ok)
        return 0;
    return fmax(0, (double)units / face->font->units_per_EM);
}

/* Runs of a letter whose pixels FreeType counts from (x, y) on, y upwards. */
typedef struct {
    qvl_face_run *run;
    void *to;
    int x, y;
} runs;

static void pass_runs(int y, int n, const FT_Span *span, void *arg)
{
    const runs *r = arg;
    for (int i = 0; i < n; i++)
        if (span[i].coverage > 0 && span[i].len > 0)
            r->run(r->to, r->x + span[i].x, r->y - 1 - y, span[i].len,
                   span[i].coverage);
}

static int clip(int v, int least, int most)
{
    return v < least ? least : v > most ? most : v;
}

/* The pixel of the picture, or behind its end, that is nearest. */
static int nearest(double v, int n)
{
    return (int)floor(fmin(fmax(v, 0), n));
}

static bool is_seen(const qvl_face_place *at, const runs *r)
{
    return fabs(at->x - r->x) < FAR_PX && fabs(at->y - r->y) < FAR_PX
           && hypot(at->dx, at->dy) < QVL_FACE_MAX_PX;
}

static bool draw_outline(FT_Library library, FT_Outline *outline,
                         const qvl_face_place *at, qvl_face_run *run, void *to)
{
    runs r = { run, to, nearest(at->x, at->w), nearest(at->y, at->h) };
    double factor = (double)FACTOR_ONE / EM_PX;
    if (!is_seen(at, &r))
        return true;
    FT_Matrix turn = {
        .xx = lrint(factor * at->dx), .xy = lrint(factor * at->dy),
        .yx = lrint(-factor * at->dy), .yy = lrint(factor * at->dx),
    };
    FT_Raster_Params how = {
        .flags = FT_RASTER_FLAG_AA | FT_RASTER_FLAG_DIRECT
                 | FT_RASTER_FLAG_CLIP,
        .gray_spans = pass_runs,
        .user = &r,
        .clip_box = { clip(-r.x, -REACH_PX, 0), clip(r.y - at->h, -REACH_PX, 0),
                      clip(at->w - r.x, 0, REACH_PX), clip(r.y, 0, REACH_PX) },
    };
    FT_Outline_Transform(outline, &turn);
    FT_Outline_Translate(outline, lrint(PX_ONE * (at->x - r.x)),
                         -lrint(PX_ONE * (at->y - r.y)));
    return FT_Outline_Render(library, outline, &how) == FT_Err_Ok;
}

bool qvl_face_draw(const qvl_face *face, uint32_t code,
                   const qvl_face_place *at, qvl_face_run *run, void *to)
{
    FT_UInt glyph = FT_Get_Char_Index(face->font, code);
    if (glyph == 0)
        return false;
    FT_Error rc = FT_Load_Glyph(face->font, glyph,
                                FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP);
    if (rc == FT_Err_Out_Of_Memory)
        qvl_memory_fail(face->refused_bytes);
    if (rc != FT_Err_Ok || face->font->glyph->format != FT_GLYPH_FORMAT_OUTLINE)
        return false;
    return draw_outline(face->library, &face->font->glyph->outline, at, run, to);
}
