/* face_none.c - where FreeType is missing: no font file is read */
#include "image/face.h"

bool qvl_face_can_open(void)
{
    return false;
}

int qvl_face_open(qvl_face **face, const char *path, qvl_err *err)
{
    (void)face;
    return qvl_fail(err, QVL_E_UNSUPPORTED, "font file %s: found a build "
                    "without FreeType, expected one with it (QVL_FREETYPE)",
                    path);
}

void qvl_face_close(qvl_face *face)
{
    (void)face;
}

bool qvl_face_has(const qvl_face *face, uint32_t code)
{
    (void)face;
    (void)code;
    return false;
}

double qvl_face_advance(const qvl_face *face, uint32_t code)
{
    (void)face;
    (void)code;
    return 0;
}

bool qvl_face_draw(const qvl_face *face, uint32_t code,
                   const qvl_face_place *at, qvl_face_run *run, void *to)
{
    (void)face;
    (void)code;
    (void)at;
    (void)run;
    (void)to;
    return false;
}
