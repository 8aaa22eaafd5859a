/* make_forms.c - files of the forms that tests of kernels run
 *
 *     make_forms ROOT OUT     print all forms of forms.h into the folder OUT
 *     make_forms --spirv OUT  print the SPIR-V of OUT as arrays to OUT/spirv.h
 *
 * In OUT: kernels.c, one ID.comp a form, their ids in forms.txt, table.c. The
 * build compiles the .comp files to ID.spv between the two calls; a build
 * without Vulkan has none, and the arrays stand empty.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "emit/kernel.h"
#include "forms.h"

static int save(const char *folder, const char *name, const char *ending,
                qvl_str *s, qvl_err *err)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
    int rc = qvl_file_write_all(path, s->p, s->len, err);
    qvl_str_reset(s);
    return rc;
}

static int make(const char *root, const char *folder, qvl_arena *arena,
                qvl_err *err)
{
    kern_set set = { 0 };
    const kern_form *const *forms;
    int n;
    QVL_TRY(forms_make(&forms, &n, &set, root, arena, err));
    emit_tune tune;
    QVL_TRY(emit_tune_read(&tune,
                           qvl_arena_printf(arena, "%s/tests/kern/tune", root),
                           arena, err));
    QVL_TRY(emit_tune_check(&tune, &set, err));
    emit_dialect dialect;
    QVL_TRY(emit_dialect_read(
        &dialect, qvl_arena_printf(arena, "%s/shaders/dialect", root), arena,
        err));

    qvl_str s = { 0 };
    qvl_str ids = { 0 };
    QVL_TRY(emit_kernel_c(&s, forms, n, &tune, "kernels.c", err));
    QVL_TRY(save(folder, "kernels", ".c", &s, err));
    for (int i = 0; i < n; i++) {
        emit_kernel_glsl(&s, forms[i]);
        QVL_TRY(save(folder, forms[i]->id, ".comp", &s, err));
        qvl_str_printf(&ids, "%s\n", forms[i]->id);
    }
    emit_table_opt opt = {
        .name = "kern_table", .spirv_include = "spirv.h", .dialect = &dialect
    };
    QVL_TRY(emit_kernel_table(&s, forms, n, &tune, &opt, err));
    QVL_TRY(save(folder, "table", ".c", &s, err));
    QVL_TRY(save(folder, "forms", ".txt", &ids, err));
    qvl_str_release(&s);
    qvl_str_release(&ids);
    return QVL_OK;
}

static int put_spirv(qvl_str *s, const char *folder, const char *id,
                     qvl_arena *arena, qvl_err *err)
{
    const char *path = qvl_arena_printf(arena, "%s/%s.spv", folder, id);
    if (!qvl_file_exists(path)) {
        qvl_str_printf(s, "static const uint32_t qvl_spv_%s[] = { 0 };\n", id);
        return QVL_OK;
    }
    char *bytes;
    size_t len;
    QVL_TRY(qvl_file_read(path, &bytes, &len, arena, err));
    return emit_kernel_spirv(s, id, bytes, len, err);
}

static int print_spirv(const char *folder, qvl_arena *arena, qvl_err *err)
{
    char *ids;
    QVL_TRY(qvl_file_read(qvl_arena_printf(arena, "%s/forms.txt", folder),
                          &ids, NULL, arena, err));
    qvl_str s = { 0 };
    for (char *id = strtok(ids, "\n"); id != NULL; id = strtok(NULL, "\n"))
        QVL_TRY(put_spirv(&s, folder, id, arena, err));
    QVL_TRY(save(folder, "spirv", ".h", &s, err));
    qvl_str_release(&s);
    return QVL_OK;
}

int main(int argc, char **argv)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    int rc = QVL_E_USAGE;
    if (argc == 3 && strcmp(argv[1], "--spirv") == 0)
        rc = print_spirv(argv[2], &arena, &err);
    else if (argc == 3)
        rc = make(argv[1], argv[2], &arena, &err);
    if (rc != QVL_OK)
        fprintf(stderr, "%s\n", err.msg);
    qvl_arena_release(&arena);
    return rc == QVL_OK ? 0 : 1;
}
