/* infer_overlay.c - placeholder */
#include "infer.h"
int infer_overlay(const char *folder, const qvl_record *record, const char *text, size_t len, qvl_err *err)
{ (void)folder; (void)record; (void)text; (void)len; return qvl_fail(err, QVL_E_UNSUPPORTED, "overlay"); }
