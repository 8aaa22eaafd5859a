/* make_forms ROOT OUT          print all forms of forms.h into the folder OUT
 * make_forms --spirv FILE ...  print SPIR-V files as arrays to stdout
 *
 * In OUT: kernels.c, one ID.comp and ID.cl a form, table.c. The build compiles
 * the .comp files to ID.spv between the two calls.
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
    QVL_TRY(emit_kernel_c(&s, forms, n, &tune, "kernels.c", err));
    QVL_TRY(save(folder, "kernels", ".c", &s, err));
    for (int i = 0; i < n; i++) {
        emit_kernel_glsl(&s, forms[i]);
        QVL_TRY(save(folder, forms[i]->id, ".comp", &s, err));
        emit_kernel_cl(&s, forms[i], &dialect);
        QVL_TRY(save(folder, forms[i]->id, ".cl", &s, err));
    }
    emit_table_opt opt = {
        .name = "kern_table", .spirv_include = "spirv.h", .dialect = &dialect
    };
    QVL_TRY(emit_kernel_table(&s, forms, n, &tune, &opt, err));
    QVL_TRY(save(folder, "table", ".c", &s, err));
    qvl_str_release(&s);
    return QVL_OK;
}

static int print_spirv(int n, char **path, qvl_arena *arena, qvl_err *err)
{
    for (int i = 0; i < n; i++) {
        char *bytes;
        size_t len;
        QVL_TRY(qvl_file_read(path[i], &bytes, &len, arena, err));
        const char *slash = strrchr(path[i], '/');
        char *id = qvl_arena_strdup(arena, slash ? slash + 1 : path[i]);
        id[strcspn(id, ".")] = '\0';
        qvl_str s = { 0 };
        QVL_TRY(emit_kernel_spirv(&s, id, bytes, len, err));
        fwrite(s.p, 1, s.len, stdout);
        qvl_str_release(&s);
    }
    return QVL_OK;
}

int main(int argc, char **argv)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    int rc = QVL_E_USAGE;
    if (argc >= 2 && strcmp(argv[1], "--spirv") == 0)
        rc = print_spirv(argc - 2, argv + 2, &arena, &err);
    else if (argc == 3)
        rc = make(argv[1], argv[2], &arena, &err);
    if (rc != QVL_OK)
        fprintf(stderr, "%s\n", err.msg);
    qvl_arena_release(&arena);
    return rc == QVL_OK ? 0 : 1;
}
