/* build.c - kernels and specs read as gen/main.c does, without its files */
#include "ref/build.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "pass/pass.h"

static int is_kernel(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 2 && strcmp(d->d_name + n - 2, ".k") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int ref_kernels_read(kern_set *set, const char *folder, qvl_arena *arena,
                     qvl_err *err)
{
    struct dirent **list;
    int rc = QVL_OK;
    int n = scandir(folder, &list, is_kernel, by_name);
    if (n < 0)
        return qvl_fail(err, QVL_E_IO, "cannot list %s: %s", folder,
                        strerror(errno));
    for (int i = 0; i < n; i++) {
        const char *path =
            qvl_arena_printf(arena, "%s/%s", folder, list[i]->d_name);
        if (rc == QVL_OK)
            rc = kern_read(set, path, arena, err);
        free(list[i]);
    }
    free(list);
    return rc;
}

static const ir_phase as_ir[] = {
    [REF_INFER] = IR_INFER, [REF_DECODE] = IR_DECODE, [REF_TRAIN] = IR_TRAIN
};

int ref_build_text(ir_module **out, const kern_set *set, const char *file,
                   const char *text, ref_phase phase, const char *stop,
                   qvl_arena *arena, qvl_err *err)
{
    ir_module *m = qvl_arena_array(arena, ir_module, 1);
    spec s = { 0 };
    m->arena = arena;
    m->phase = as_ir[phase];
    m->kernels = set;
    QVL_TRY(spec_read(&s, m, file, text, err));
    QVL_TRY(pass_run(m, &s, stop, err));
    *out = m;
    return QVL_OK;
}

int ref_build(ir_module **out, const kern_set *set, const char *path,
              ref_phase phase, const char *stop, qvl_arena *arena,
              qvl_err *err)
{
    char *text;
    const char *slash = strrchr(path, '/');
    QVL_TRY(qvl_file_read(path, &text, NULL, arena, err));
    return ref_build_text(out, set, slash ? slash + 1 : path, text, phase,
                          stop, arena, err);
}
