/* test_emit.c - what is printed depends on the forms alone; what cannot be printed is
 * said
 */
#include "base/file.h"
#include "check.h"
#include "emit/form.h"
#include "emit/kernel.h"
#include "forms.h"
#include "tensor/dtype.h"

#ifndef PROJECT_ROOT
#define PROJECT_ROOT "."
#endif

typedef struct {
    qvl_arena arena;
    qvl_err err;
    kern_set set;
    const kern_form *const *forms;
    int n_forms;
    emit_tune tune;
    emit_dialect dialect;
} fixture;

static void fixture_init(fixture *f)
{
    *f = (fixture){ 0 };
    CHECK_OK(forms_make(&f->forms, &f->n_forms, &f->set, PROJECT_ROOT,
                        &f->arena, &f->err), f->err);
    CHECK_OK(emit_tune_read(&f->tune, PROJECT_ROOT "/tests/kern/tune",
                            &f->arena, &f->err), f->err);
    CHECK_OK(emit_dialect_read(&f->dialect, PROJECT_ROOT "/shaders/dialect",
                               &f->arena, &f->err), f->err);
}

/* Everything, one text behind the other. */
static void print_all(fixture *f, qvl_str *s)
{
    CHECK_OK(emit_kernel_c(s, f->forms, f->n_forms, &f->tune, "k.c", &f->err),
             f->err);
    for (int i = 0; i < f->n_forms; i++) {
        form_cl(s, f->forms[i]);
        emit_kernel_glsl(s, f->forms[i]);
    }
    emit_table_opt opt = { "t", "spirv.h", &f->dialect };
    CHECK_OK(emit_kernel_table(s, f->forms, f->n_forms, &f->tune, &opt,
                               &f->err), f->err);
}

static void test_same_bytes(void)
{
    fixture a;
    fixture b;
    fixture_init(&a);
    fixture_init(&b);
    qvl_str x = { 0 };
    qvl_str y = { 0 };
    print_all(&a, &x);
    print_all(&b, &y);
    CHECK_INT(x.len, y.len, "length");
    CHECK(memcmp(x.p, y.p, x.len) == 0, "bytes");
    qvl_str_release(&x);
    qvl_str_release(&y);
    qvl_arena_release(&a.arena);
    qvl_arena_release(&b.arena);
}

/* A form is printed alike alone and among others. */
static void test_form_alone(void)
{
    fixture f;
    fixture_init(&f);
    qvl_str all = { 0 };
    qvl_str one = { 0 };
    CHECK_OK(emit_kernel_c(&all, f.forms, 2, &f.tune, "k.c", &f.err), f.err);
    CHECK_OK(emit_kernel_c(&one, f.forms, 1, &f.tune, "k.c", &f.err), f.err);
    CHECK(strncmp(all.p, one.p, one.len) == 0, "C");
    qvl_str_release(&all);
    qvl_str_release(&one);
    qvl_arena_release(&f.arena);
}

/* The body stands under the line it has in its file, in each language. */
static void test_lines(void)
{
    fixture f;
    fixture_init(&f);
    const kern_form *form = f.forms[0];
    char want[256];
    snprintf(want, sizeof want, "#line %d \"%s\"\n%s", form->k->body_line,
             form->k->file, form->k->body);
    qvl_str s = { 0 };
    CHECK_OK(emit_kernel_c(&s, &form, 1, &f.tune, "k.c", &f.err), f.err);
    CHECK_HAS(s.p, want, "C");
    /* Behind the body the text counts its own lines again. */
    const char *back = strstr(s.p, "\"k.c\"");
    CHECK(back != NULL, "back in k.c");
    int line = 1;
    for (const char *p = s.p; p < back; p++)
        line += *p == '\n';
    snprintf(want, sizeof want, "#line %d \"k.c\"\n", line + 1);
    CHECK_HAS(s.p, want, "its own line");
    qvl_str_reset(&s);
    form_cl(&s, form);
    CHECK_HAS(s.p, form->k->body, "OpenCL C");
    CHECK(strstr(s.p, "/*") == NULL, "no comments in OpenCL C");
    qvl_str_reset(&s);
    emit_kernel_glsl(&s, form);
    CHECK_HAS(s.p, form->k->body, "GLSL");
    qvl_str_release(&s);
    qvl_arena_release(&f.arena);
}

static void test_names(void)
{
    fixture f;
    fixture_init(&f);
    bool found = false;
    for (int i = 0; i < f.n_forms; i++) {
        found = found || strcmp(f.forms[i]->name, "try_product.ffxf") == 0;
        for (int j = 0; j < i; j++)
            CHECK(strcmp(f.forms[i]->id, f.forms[j]->id) != 0, "%s twice",
                  f.forms[i]->id);
    }
    CHECK(found, "an absent operand is x");
    kern_epilogue a = f.forms[0]->epilogue;
    kern_epilogue b = a;
    CHECK(emit_epilogue_same(&a, &b), "same");
    b.kind[0] = KERN_EXTRA_COL;
    CHECK(!emit_epilogue_same(&a, &b), "other kind");
    b = a;
    b.dtype[0] = QVL_F16;
    CHECK(!emit_epilogue_same(&a, &b), "other type");
    b = a;
    b.text = "e0";
    CHECK(!emit_epilogue_same(&a, &b), "other text");
    qvl_arena_release(&f.arena);
}

/* Kernels for forms that cannot be. */
static const char limits[] =
    "kernel a(in X x[T, N] ld, in X y[T, N] ld, in i32 i[T], in f32 b[N]?,\n"
    "         out Y z[T, N] ld, out Y flat[T, N])\n"
    "groups 1 { }\n"
    "kernel wide(in f32 a[T, N] ld, in f32 b[T, N] ld, in f32 c[T, N] ld,\n"
    "            in f32 d[T, N] ld, in f32 e[T, N] ld, in f32 f[T, N] ld,\n"
    "            in f32 g[T, N] ld, out f32 y[T, N] ld)\n"
    "groups 1 { }\n"
    "kernel many(in f32 a[T, N] ld, in f32 b[T, N] ld, in f32 c[T, N] ld,\n"
    "            in f32 d[T, N] ld, in f32 e[T, N] ld, out f32 y[T, N] ld,\n"
    "            arg u32 a1, arg u32 a2, arg u32 a3, arg u32 a4, arg u32 a5,\n"
    "            arg u32 a6)\n"
    "groups 1 { }\n"
    "kernel clash(in f32 e1[T, N], out f32 y[T, N] ld) groups 1 { }\n";

static const struct {
    const char *op;
    int dtype[8];
    int epilogue_on;
    int n_extra;
    const char *message;
} wrong_forms[] = {
    { "a", { QVL_F32, QVL_BF16, QVL_I32, -1, QVL_F32, QVL_F32 }, -1, 0,
      "operand y: one type word, two storage types" },
    { "a", { QVL_I32, QVL_I32, QVL_I32, -1, QVL_F32, QVL_F32 }, -1, 0,
      "operand x: another storage type" },
    { "a", { QVL_F32, QVL_F32, QVL_F32, -1, QVL_F32, QVL_F32 }, -1, 0,
      "operand i: another storage type" },
    { "a", { QVL_F32, QVL_F32, -1, -1, QVL_F32, QVL_F32 }, -1, 0,
      "operand i: it cannot be absent" },
    { "a", { QVL_F64, QVL_F64, QVL_I32, -1, QVL_F32, QVL_F32 }, -1, 0,
      "operand x: no kernel stores this type" },
    { "a", { QVL_F32, QVL_F32, QVL_I32, -1, QVL_F32, QVL_F32 }, 5, 0,
      "operand flat: an expression needs `out` or `acc` with ld" },
    { "a", { QVL_F32, QVL_F32, QVL_I32, -1, QVL_F32, QVL_F32 }, 0, 0,
      "operand x: an expression needs" },
    { "wide", { 0 }, 7, 5, "13 buffers with its expression, expected 12" },
    { "many", { 0 }, 5, 6, "32 arguments with its expression, expected 31" },
    { "clash", { 0 }, 1, 1, "its name belongs to expressions" },
};

static void test_wrong_forms(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    kern_set set = { 0 };
    const char *path = check_path("limits.k");
    CHECK_OK(qvl_file_write_all(path, limits, sizeof limits - 1, &err), err);
    CHECK_OK(kern_read(&set, path, &arena, &err), err);
    for (size_t i = 0; i < QVL_COUNT(wrong_forms); i++) {
        kern_form f = { .k = kern_find(&set, wrong_forms[i].op),
                        .epilogue_on = wrong_forms[i].epilogue_on };
        memcpy(f.dtype, wrong_forms[i].dtype, sizeof wrong_forms[i].dtype);
        f.epilogue.text = "v";
        f.epilogue.n_extra = wrong_forms[i].n_extra;
        CHECK_FAILS(emit_kernel_check(&f, &err), QVL_E_CONFIG, err,
                    wrong_forms[i].message);
        CHECK_HAS(err.msg, "limits.k:", "place of case %zu", i);
    }
    qvl_arena_release(&arena);
}

/* One file of tiles replaced by a text. */
static const struct {
    const char *file;
    const char *text;
    const char *message;
} wrong_tunes[] = {
    { "gpu", "default: {LANES: 64, VW: 1}\nnone: {A: 1}\n",
      "gpu.yaml:2:1: there is no kernel none" },
    { "gpu", "default: {LANES: 64, VW: 1}\nmap: {RM: 1}\n",
      "gpu.yaml:2:7: map has no tile RM" },
    { "gpu", "default: {LANES: 64, VM: 1}\n", "gpu.yaml:1:22: no kernel has tile VM" },
    { "gpu", "default: 3\n", "expected tiles" },
    { "gpu", "default: {LANES: 64, VW: 1}\n",
      "gpu.yaml:1:1: kernel map has no value for SPAN" },
    { "gpu", "default: {LANES: 64, VW: 1}\nmap: {LANES: 32}\n",
      "gpu.yaml:2:6: kernel map has no value for SPAN" },
    { "gpu", "default: {LANES: 48, VW: 1, SPAN: 64}\n",
      "gpu.yaml:1:10: kernel map: found LANES = 48, expected a power of two" },
    { "gpu", "default: {LANES: 64, VW: 3, SPAN: 64}\n",
      "found VW = 3, expected 1, 4, 8 or 16" },
    { "gpu", "default: {LANES: 64, VW: 1, SPAN: 0}\n", "SPAN = 0, expected 1 to 65536" },
    { "gpu", "default: {LANES: 64, VW: 1, SPAN: 65537}\n",
      "kernel map: found SPAN = 65537, expected 1 to 65536" },
    { "gpu", "default: {LANES: 64, VW: 1, SPAN: -1}\n",
      "gpu.yaml:1:35: kernel map: found SPAN = -1, expected a whole number "
      "from 0 to 4294967295" },
    { "gpu", "default: {LANES: 64, VW: 1, SPAN: 4294967296}\n",
      "found SPAN = 4294967296, expected a whole number" },
    { "gpu", "default: {LANES: 64, VW: 1, SPAN: x}\n",
      "found SPAN = x, expected a whole number" },
    { "gpu", "default: {LANES: 64, VW: 1, SPAN: {a: 1}}\n",
      "found SPAN = map, expected a whole number" },
    { "host", "default: {LANES: 1, VW: [4, x, 16], SPAN: 64}\n",
      "found VW = x, expected a whole number" },
    { "gpu", "default: {LANES: 64, VW: [1, 1, 1], SPAN: 9}\n",
      "in host.yaml alone" },
    { "vulkan-cpu", "default: {LANES: 8, VW: 4, SPAN: 64}\n",
      "found VW = 4, expected 1, as" },
    { "host", "default: {LANES: 2, VW: 4, SPAN: 64}\n",
      "LANES = 2, expected 1, the lanes of a group" },
    { "host", "default: {LANES: 1, VW: [4, 8, 16], SPAN: [1, 2, 3]}\n",
      "the groups of map depend on SPAN" },
};

static void test_wrong_tunes(void)
{
    static const char *const files[] = { "host", "opencl-cpu", "vulkan-cpu",
                                         "gpu" };
    for (size_t i = 0; i < QVL_COUNT(wrong_tunes); i++) {
        fixture f;
        fixture_init(&f);
        for (size_t j = 0; j < QVL_COUNT(files); j++) {
            char path[600];
            bool is_wrong = strcmp(files[j], wrong_tunes[i].file) == 0;
            const char *text = is_wrong ? wrong_tunes[i].text
                               : j == 0 ? "default: {LANES: 1, VW: [4, 8, 16],"
                                          " SPAN: 64}\n"
                                        : "default: {LANES: 8, VW: 1, "
                                          "SPAN: 64}\n";
            snprintf(path, sizeof path, "%s/%s.yaml", check_dir(), files[j]);
            CHECK_OK(qvl_file_write_all(path, text, strlen(text), &f.err),
                     f.err);
        }
        CHECK_OK(emit_tune_read(&f.tune, check_dir(), &f.arena, &f.err),
                 f.err);
        qvl_str s = { 0 };
        emit_table_opt opt = { "t", NULL, NULL };
        int rc = emit_tune_check(&f.tune, &f.set, &f.err);
        if (rc == QVL_OK)
            rc = emit_kernel_table(&s, f.forms, 1, &f.tune, &opt, &f.err);
        CHECK_INT(rc, QVL_E_CONFIG, "case %zu", i);
        CHECK_HAS(f.err.msg, wrong_tunes[i].message, "case %zu", i);
        qvl_str_release(&s);
        qvl_arena_release(&f.arena);
    }
}

static void test_wrong_spirv(void)
{
    qvl_err err = { 0 };
    qvl_str s = { 0 };
    CHECK_FAILS(emit_kernel_spirv(&s, "x", "abcdefgh", 8, &err), QVL_E_FORMAT,
                err, "x: 8 bytes are no SPIR-V");
    uint32_t words[3] = { 0x07230203u, 1, 4294967295u };
    CHECK_FAILS(emit_kernel_spirv(&s, "x", words, 11, &err), QVL_E_FORMAT, err,
                "11 bytes");
    CHECK_OK(emit_kernel_spirv(&s, "x", words, 12, &err), err);
    CHECK_STR(s.p, "static const uint32_t qvl_spv_x[] = {\n"
              "119734787,1,4294967295,\n};\n", "array");
    qvl_str_release(&s);
}

static void test_writer(void)
{
    qvl_str s = { 0 };
    out o;
    out_init(&o, &s);
    out_line(&o, "f(");
    o.depth++;
    out_list list = { 0 };
    for (int i = 0; i < 12; i++)
        out_item(&o, &list, "item_%d", 1000 + i);
    out_list_end(&o, &list, ")");
    o.depth--;
    out_open(&o);
    out_text(&o, "raw\ntext");
    CHECK_INT(o.line, 7, "line count");
    out_close(&o, ";");
    CHECK_STR(s.p,
              "f(\n"
              "    item_1000, item_1001, item_1002, item_1003, item_1004, "
              "item_1005,\n"
              "    item_1006, item_1007, item_1008, item_1009, item_1010, "
              "item_1011)\n"
              "{\n"
              "raw\ntext\n"
              "};\n", "text");
    qvl_str_release(&s);
}

RUN_TESTS(TEST(test_same_bytes), TEST(test_form_alone), TEST(test_lines),
          TEST(test_names), TEST(test_wrong_forms), TEST(test_wrong_tunes),
          TEST(test_wrong_spirv), TEST(test_writer))
