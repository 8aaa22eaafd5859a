/* library.c - the matrix library of this build, if it has one
 *
 * The only file of this folder that knows QVL_ONEDNN; the others ask for NULL.
 */
#include "backend/cpu/library.h"

#ifdef QVL_ONEDNN
const qvl_library_table *const qvl_build_library = &qvl_library_onednn;
#else
const qvl_library_table *const qvl_build_library = NULL;
#endif
