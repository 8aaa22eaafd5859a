/* main.c - the generator: layer specs and kernels in, C, OpenCL C and GLSL out
 *
 *   gen --shaders DIR --tune DIR --out DIR [--arch FILE]... [--kernel NAME]...
 *       [--table NAME] [--spirv yes|no] [--opencl yes|no] [--half yes|no]
 *   gen --embed DIR
 *   gen --dump PASS [--phase infer|decode|train] --shaders DIR --arch FILE
 *   gen --help
 *
 * Reads every *.k of --shaders and takes each spec through the passes (their list
 * is gen/pass/pass.c: lower, grad, simplify, fuse, size), once a phase. --out gets
 * model_NAME.c for each spec, k_KERNEL.c, FORM.comp, kernels.c, families.c and .h,
 * signatures.h, calls.h, archs.c and forms.txt; --embed turns the SPIR-V made of
 * FORM.comp into spirv.inc; --dump prints the program after a pass instead. A
 * --kernel is compiled although no spec reaches it, to be called by hand (calls.h).
 *
 * The output is a pure function of the input: the same bytes in give the same
 * bytes out. A file is written when it changes only, so that the build repeats no
 * work, and none is written before all of them are made: what is wrong with the
 * input leaves the folder as it was.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "emit/model.h"
#include "emit/out.h"
#include "emit/signature.h"
#include "pass/pass.h"

#define MAX_LIST 64

typedef struct {
    const char *shaders, *tune, *out, *dump, *phase, *table, *embed;
    bool no_spirv, no_opencl, no_half, help;
    const char *arch[MAX_LIST];
    int n_arch;
    const char *kernel[MAX_LIST];
    int n_kernel;
} options;

typedef struct {
    const char *name;
    qvl_str text;
} made_file;

typedef struct {
    qvl_arena arena;
    options opt;
    kern_set kernels;
    families families;
    const char *name[MAX_LIST];  // of each architecture
    made_file *file;             // [n_files] to be written
    int n_files, cap_files;
    qvl_err err;
} generator;

/* ---- reading ---- */

static int is_kernel(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 2 && strcmp(d->d_name + n - 2, ".k") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_kernels(generator *g)
{
    struct dirent **list;
    int n = scandir(g->opt.shaders, &list, is_kernel, by_name);
    if (n < 0)
        return qvl_fail(&g->err, QVL_E_IO, "cannot list %s: %s",
                        g->opt.shaders, strerror(errno));
    int rc = QVL_OK;
    for (int i = 0; i < n; i++) {
        const char *path = qvl_arena_printf(&g->arena, "%s/%s",
                                            g->opt.shaders, list[i]->d_name);
        if (rc == QVL_OK)
            rc = kern_read(&g->kernels, path, &g->arena, &g->err);
        free(list[i]);
    }
    free(list);
    return rc;
}

/* The spec through the passes up to `last`, NULL: through all of them. */
static int build(generator *g, const char *file, ir_phase phase,
                 const char *last, ir_module **module)
{
    ir_module *m = qvl_arena_array(&g->arena, ir_module, 1);
    char *text;
    size_t len;
    spec sp = {0};
    m->arena = &g->arena;
    m->kernels = &g->kernels;
    m->phase = phase;
    QVL_TRY(qvl_file_read(file, &text, &len, &g->arena, &g->err));
    const char *slash = strrchr(file, '/');
    QVL_TRY(spec_read(&sp, m, slash ? slash + 1 : file, text, &g->err));
    QVL_TRY(pass_run(m, &sp, last, &g->err));
    *module = m;
    return QVL_OK;
}

static int dump(generator *g)
{
    ir_module *m;
    qvl_str s = {0};
    static const char *const phases[IR_N_PHASE] = {"infer", "decode", "train"};
    int phase = g->opt.phase ? 0 : IR_TRAIN;
    while (g->opt.phase && phase < IR_N_PHASE &&
           strcmp(g->opt.phase, phases[phase]) != 0)
        phase++;
    if (phase == IR_N_PHASE)
        return qvl_fail(&g->err, QVL_E_USAGE,
                        "--phase: found %s, expected infer, decode or train",
                        g->opt.phase);
    if (g->opt.n_arch != 1)
        return qvl_fail(&g->err, QVL_E_USAGE, "--dump takes one --arch");
    QVL_TRY(build(g, g->opt.arch[0], (ir_phase)phase, g->opt.dump, &m));
    ir_print(&s, m);
    fputs(s.p, stdout);
    qvl_str_release(&s);
    return QVL_OK;
}

/* ---- making ---- */

/* Take the text, to be written when all are made; s is empty then. */
static void take_text(generator *g, const char *name, qvl_str *s)
{
    g->file = ir_grow(&g->arena, g->file, g->n_files, &g->cap_files,
                      sizeof *g->file);
    g->file[g->n_files++] = (made_file){.name = name, .text = *s};
    *s = (qvl_str){0};
}


/* C of one kernel's forms a file; GLSL one form a file. */
static int make_kernels(generator *g, const emit_tune *tune)
{
    const families *f = &g->families;
    for (int k = 0; k < g->kernels.n; k++) {
        const kern_form **forms =
            qvl_arena_array(&g->arena, const kern_form *, f->n_forms);
        int n = 0;
        for (int i = 0; i < f->n_forms; i++)
            if (f->form[i]->k == &g->kernels.item[k])
                forms[n++] = f->form[i];
        const char *name = qvl_arena_printf(&g->arena, "k_%s.c",
                                            g->kernels.item[k].name);
        qvl_str s = {0};
        int rc = QVL_OK;
        if (n > 0)
            rc = emit_kernel_c(&s, forms, n, tune, name, &g->err);
        else
            qvl_str_puts(&s, "typedef int qvl_nothing_here;\n");
        take_text(g, name, &s);
        QVL_TRY(rc);
    }
    qvl_str list = {0};
    for (int i = 0; i < f->n_forms; i++) {
        qvl_str s = {0};
        emit_kernel_glsl(&s, f->form[i]);
        take_text(g, qvl_arena_printf(&g->arena, "%s.comp", f->form[i]->id),
                  &s);
        qvl_str_printf(&list, "%s\n", f->form[i]->id);
    }
    take_text(g, "forms.txt", &list);
    return QVL_OK;
}

/* The records of all forms, with OpenCL C inside. */
static int make_table(generator *g, const char *table, const emit_tune *tune)
{
    const families *f = &g->families;
    emit_dialect dialect;
    QVL_TRY(emit_dialect_read(
        &dialect, qvl_arena_printf(&g->arena, "%s/dialect", g->opt.shaders),
        &g->arena, &g->err));
    emit_table_opt opt = {.name = qvl_arena_printf(&g->arena, "%s_kernels",
                                                   table),
                          .spirv_include = g->opt.no_spirv ? NULL
                                                           : "spirv.inc",
                          .dialect = g->opt.no_opencl ? NULL : &dialect};
    const kern_form **forms =
        qvl_arena_array(&g->arena, const kern_form *, f->n_forms);
    for (int i = 0; i < f->n_forms; i++)
        forms[i] = f->form[i];
    qvl_str s = {0};
    int rc = emit_kernel_table(&s, forms, f->n_forms, tune, &opt, &g->err);
    take_text(g, "kernels.c", &s);
    return rc;
}

static void make_families(generator *g)
{
    const families *f = &g->families;
    qvl_str s = {0};
    families_emit(&s, f, "families.h");
    take_text(g, "families.c", &s);
    families_emit_header(&s, f);
    take_text(g, "families.h", &s);
    emit_signatures(&s, &g->kernels);
    take_text(g, "signatures.h", &s);
    emit_calls(&s, f);
    take_text(g, "calls.h", &s);
}

static void make_archs(generator *g, const char *table)
{
    qvl_str s = {0};
    out o;
    out_init(&o, &s);
    out_line(&o, "/* Generated: the architectures of this build. */");
    out_line(&o, "#include \"graph/arch.h\"");
    out_gap(&o);
    for (int i = 0; i < g->opt.n_arch; i++)
        out_line(&o, "extern const qvl_arch qvl_arch_%s;", g->name[i]);
    out_line(&o, "extern const qvl_arch *const %s_archs[];", table);
    out_line(&o, "extern const int qvl_n_%s_archs;", table + 4);
    out_gap(&o);
    out_line(&o, "const qvl_arch *const %s_archs[] = {", table);
    for (int i = 0; i < g->opt.n_arch; i++)
        out_line(&o, "    &qvl_arch_%s,", g->name[i]);
    out_line(&o, "};");
    out_line(&o, "const int qvl_n_%s_archs = %d;", table + 4, g->opt.n_arch);
    take_text(g, "archs.c", &s);
}

/* ---- writing ---- */

/* Leave a file alone that already says this. */
static int write_text(generator *g, const char *name, const qvl_str *s)
{
    const char *path =
        qvl_arena_printf(&g->arena, "%s/%s", g->opt.out, name);
    char *old;
    size_t len;
    if (qvl_file_exists(path) &&
        qvl_file_read(path, &old, &len, &g->arena, &g->err) == QVL_OK &&
        len == s->len && memcmp(old, s->p, len) == 0)
        return QVL_OK;
    return qvl_file_write_all(path, s->p ? s->p : "", s->len, &g->err);
}

static int write_texts(generator *g)
{
    for (int i = 0; i < g->n_files; i++)
        QVL_TRY(write_text(g, g->file[i].name, &g->file[i].text));
    return QVL_OK;
}

static int generate(generator *g)
{
    emit_tune tune;
    QVL_TRY(emit_tune_read(&tune, g->opt.tune, &g->arena, &g->err));
    QVL_TRY(emit_tune_check(&tune, &g->kernels, &g->err));
    for (int i = 0; i < g->opt.n_arch; i++) {
        ir_module *m[IR_N_PHASE];
        for (int phase = 0; phase < IR_N_PHASE; phase++)
            QVL_TRY(build(g, g->opt.arch[i], (ir_phase)phase, NULL,
                          &m[phase]));
        qvl_str s = {0};
        g->name[i] = m[0]->name;
        int rc = emit_model(&s, &g->families, m, "families.h", &g->err);
        take_text(g, qvl_arena_printf(&g->arena, "model_%s.c", g->name[i]),
                  &s);
        QVL_TRY(rc);
    }
    for (int i = 0; i < g->opt.n_kernel; i++) {
        const kern *k = kern_find(&g->kernels, g->opt.kernel[i]);
        int index;
        if (!k)
            return qvl_fail(&g->err, QVL_E_USAGE, "no kernel '%s'",
                            g->opt.kernel[i]);
        for (int j = 0; j < i; j++)
            if (strcmp(g->opt.kernel[j], g->opt.kernel[i]) == 0)
                return qvl_fail(&g->err, QVL_E_USAGE, "--kernel %s: found it twice, "
                                "expected it once", g->opt.kernel[i]);
        QVL_TRY(families_of_kernel(&g->families, k, IR_ACT, &index, &g->err));
    }
    const char *table = g->opt.table ? g->opt.table : "qvl_generated";
    QVL_TRY(make_kernels(g, &tune));
    QVL_TRY(make_table(g, table, &tune));
    make_families(g);
    make_archs(g, table);
    return write_texts(g);
}

/* The SPIR-V of the forms listed in DIR/forms.txt as C arrays. */
static int embed(generator *g)
{
    char *list, *spirv;
    size_t len;
    qvl_str s = {0};
    g->opt.out = g->opt.embed;
    const char *dir = g->opt.embed;
    QVL_TRY(qvl_file_read(qvl_arena_printf(&g->arena, "%s/forms.txt", dir),
                          &list, &len, &g->arena, &g->err));
    for (char *id = strtok(list, "\n"); id; id = strtok(NULL, "\n")) {
        QVL_TRY(qvl_file_read(qvl_arena_printf(&g->arena, "%s/%s.spv", dir,
                                               id),
                              &spirv, &len, &g->arena, &g->err));
        QVL_TRY(emit_kernel_spirv(&s, id, spirv, len, &g->err));
    }
    QVL_TRY(write_text(g, "spirv.inc", &s));
    qvl_str_release(&s);
    return QVL_OK;
}

/* ---- command line ---- */

/* Add to a list of at most MAX_LIST. */
static int add_option(generator *g, const char *flag, const char *value,
                      const char **list, int *n)
{
    if (*n == MAX_LIST)
        return qvl_fail(&g->err, QVL_E_USAGE,
                        "%s: found more than %d of them", flag, MAX_LIST);
    list[(*n)++] = value;
    return QVL_OK;
}

/* A table is the beginning of the names of the library's. */
static int read_table(generator *g, const char *flag, const char *value)
{
    if (strncmp(value, "qvl_", 4) != 0 || value[4] == '\0')
        return qvl_fail(&g->err, QVL_E_USAGE,
                        "%s: found %s, expected qvl_NAME", flag, value);
    g->opt.table = value;
    return QVL_OK;
}

static int read_switch(generator *g, const char *flag, const char *value,
                       bool *is_no)
{
    bool no = strcmp(value, "no") == 0;
    if (!no && strcmp(value, "yes") != 0)
        return qvl_fail(&g->err, QVL_E_USAGE,
                        "%s: found %s, expected yes or no", flag, value);
    *is_no = no;
    return QVL_OK;
}

static const char usage[] =
    "gen - layer specs and kernels in, C, OpenCL C and GLSL out\n"
    "\n"
    "  gen --shaders DIR --tune DIR --out DIR [--arch FILE]... "
    "[--kernel NAME]...\n"
    "      [--table qvl_NAME] [--spirv yes|no] [--opencl yes|no] "
    "[--half yes|no]\n"
    "  gen --embed DIR\n"
    "  gen --dump PASS [--phase infer|decode|train] --shaders DIR "
    "--arch FILE\n"
    "\n"
    "Functions of a layer spec, beside + - * and -x of values. NAME is a parameter; "
    "what\n"
    "stands between [ and ] may be left out.\n";

static int read_options(generator *g, int argc, char **argv)
{
    options *o = &g->opt;
    for (int i = 1; i < argc; i += 2) {
        const char *flag = argv[i];
        if (strcmp(flag, "--help") == 0) {
            o->help = true;
            return QVL_OK;
        }
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!value)
            return qvl_fail(&g->err, QVL_E_USAGE, "%s needs a value", flag);
        if (strcmp(flag, "--shaders") == 0)
            o->shaders = value;
        else if (strcmp(flag, "--tune") == 0)
            o->tune = value;
        else if (strcmp(flag, "--out") == 0)
            o->out = value;
        else if (strcmp(flag, "--dump") == 0)
            o->dump = value;
        else if (strcmp(flag, "--embed") == 0)
            o->embed = value;
        else if (strcmp(flag, "--spirv") == 0)
            QVL_TRY(read_switch(g, flag, value, &o->no_spirv));
        else if (strcmp(flag, "--opencl") == 0)
            QVL_TRY(read_switch(g, flag, value, &o->no_opencl));
        else if (strcmp(flag, "--half") == 0)
            QVL_TRY(read_switch(g, flag, value, &o->no_half));
        else if (strcmp(flag, "--phase") == 0)
            o->phase = value;
        else if (strcmp(flag, "--table") == 0)
            QVL_TRY(read_table(g, flag, value));
        else if (strcmp(flag, "--arch") == 0)
            QVL_TRY(add_option(g, flag, value, o->arch, &o->n_arch));
        else if (strcmp(flag, "--kernel") == 0)
            QVL_TRY(add_option(g, flag, value, o->kernel, &o->n_kernel));
        else
            return qvl_fail(&g->err, QVL_E_USAGE, "unknown flag %s", flag);
    }
    if (o->embed)
        return QVL_OK;
    if (!o->shaders || (!o->dump && (!o->tune || !o->out)))
        return qvl_fail(&g->err, QVL_E_USAGE,
                        "--shaders, and --tune and --out or --dump, are "
                        "needed");
    return QVL_OK;
}

static int help(void)
{
    qvl_str s = {0};
    qvl_str_puts(&s, usage);
    pass_print_functions(&s);
    bool is_out = fputs(s.p, stdout) >= 0;
    qvl_str_release(&s);
    return is_out ? QVL_OK : QVL_E_IO;
}

static int run(void *arg)
{
    generator *g = arg;
    if (g->opt.help)
        return help();
    if (g->opt.embed)
        return embed(g);
    QVL_TRY(read_kernels(g));
    families_init(&g->families, &g->arena);
    g->families.is_f32 = g->opt.no_half;
    return g->opt.dump ? dump(g) : generate(g);
}

int main(int argc, char **argv)
{
    static generator g;
    qvl_arena_init(&g.arena);
    int rc = read_options(&g, argc, argv);
    if (rc == QVL_OK)
        rc = qvl_guard(run, &g, &g.err);
    if (rc != QVL_OK)
        fprintf(stderr, "gen: error: %s\n", g.err.msg);
    for (int i = 0; i < g.n_files; i++)
        qvl_str_release(&g.file[i].text);
    qvl_arena_release(&g.arena);
    return rc == QVL_OK ? 0 : qvl_err_exit_code(rc);
}
