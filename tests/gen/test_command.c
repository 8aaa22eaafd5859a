/* test_command.c - the generator as a program: dumps, repeatable output
 *
 * The dumps of tiny.yaml after each pass are compared with the files beside it.
 * When a change of a pass is meant, tests/gen/update.sh writes them anew, and
 * their difference shows what it does.
 */
#include <dirent.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/str.h"
#include "check.h"

#define GEN QVL_TEST_GEN " --shaders " QVL_TEST_SOURCE "/shaders"
#define TINY " --arch " QVL_TEST_SOURCE "/tests/gen/tiny.yaml"

static char *read_all(const char *path, size_t *len, qvl_arena *arena)
{
    char *text = NULL;
    qvl_err err;
    CHECK_OK(qvl_file_read(path, &text, len, arena, &err), err);
    return text;
}

static void run(const char *command)
{
    CHECK_INT(system(command), 0, "%s", command);
}

/* The first line in which two texts differ, for the message. */
static int first_difference(const char *a, const char *b)
{
    int line = 1;
    for (; *a && *a == *b; a++, b++)
        line += *a == '\n';
    return line;
}

static void check_dump(const char *pass, const char *phase, const char *name)
{
    qvl_arena arena = {0};
    size_t n;
    const char *found_path = check_path(name);
    run(qvl_arena_printf(&arena, GEN TINY " --dump %s --phase %s >%s", pass,
                         phase, found_path));
    const char *found = read_all(found_path, &n, &arena);
    const char *wanted = read_all(
        qvl_arena_printf(&arena, QVL_TEST_SOURCE "/tests/gen/%s", name), &n,
        &arena);
    CHECK(strcmp(found, wanted) == 0,
          "%s differs from tests/gen/%s in line %d; when this is meant, run "
          "tests/gen/update.sh", found_path, name,
          first_difference(found, wanted));
    qvl_arena_release(&arena);
}

static void test_dumps(void)
{
    check_dump("lower", "train", "tiny.lower.txt");
    check_dump("grad", "train", "tiny.grad.txt");
    check_dump("simplify", "train", "tiny.simplify.txt");
    check_dump("fuse", "train", "tiny.fuse.txt");
    check_dump("size", "train", "tiny.size.txt");
    check_dump("size", "infer", "tiny.infer.txt");
    check_dump("size", "decode", "tiny.decode.txt");
}

static int is_file(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int list_folder(const char *folder, struct dirent ***list)
{
    int n = scandir(folder, list, is_file, alphasort);
    CHECK(n > 0, "nothing in %s", folder);
    return n;
}

/* Same names and same bytes in both folders. */
static void check_same_folders(const char *a, const char *b)
{
    struct dirent **in_a, **in_b;
    int n = list_folder(a, &in_a);
    CHECK_INT(list_folder(b, &in_b), n, "%s and %s", a, b);
    for (int i = 0; i < n; i++) {
        qvl_arena arena = {0};
        size_t n_a, n_b;
        const char *name = in_a[i]->d_name;
        CHECK_STR(in_b[i]->d_name, name, "%s and %s", a, b);
        const char *text_a = read_all(
            qvl_arena_printf(&arena, "%s/%s", a, name), &n_a, &arena);
        const char *text_b = read_all(
            qvl_arena_printf(&arena, "%s/%s", b, name), &n_b, &arena);
        CHECK(n_a == n_b && memcmp(text_a, text_b, n_a) == 0,
              "%s differs between two runs", name);
        qvl_arena_release(&arena);
        free(in_a[i]);
        free(in_b[i]);
    }
    free(in_a);
    free(in_b);
}

static void generate(const char *folder, qvl_arena *arena)
{
    run(qvl_arena_printf(
        arena,
        GEN TINY " --arch " QVL_TEST_SOURCE "/configs/arch/qwen3.yaml "
        "--tune " QVL_TEST_SOURCE "/configs/tune --out %s", folder));
}

/* Twice into empty folders, once over what is there. */
static void test_same_bytes(void)
{
    qvl_arena arena = {0};
    qvl_err err;
    const char *a = check_path("first");
    const char *b = check_path("second");
    CHECK_OK(qvl_file_make_dirs(a, &err), err);
    CHECK_OK(qvl_file_make_dirs(b, &err), err);
    generate(a, &arena);
    generate(b, &arena);
    check_same_folders(a, b);
    generate(b, &arena);
    check_same_folders(a, b);
    size_t len;
    CHECK_HAS(read_all(qvl_arena_printf(&arena, "%s/model_tiny.c", a), &len,
                       &arena),
              "ARGS(T /*rows*/, 1 /*groups*/, H /*cols*/, 0 /*off_x*/, H /*ld_x*/,",
              "names of arguments");
    qvl_arena_release(&arena);
}

/* Positions of kernels in the order of their signatures, columns, and functions that take
 * all of those that a call by hand needs. */
static void test_calls(void)
{
    static const char positions[] =
        "enum {\n    QVL_MATMUL_NT_X,\n    QVL_MATMUL_NT_W,\n"
        "    QVL_MATMUL_NT_Y,\n    QVL_MATMUL_NT_N_BUFS,\n};\n"
        "enum {\n    QVL_MATMUL_NT_ARG_ROWS,\n    QVL_MATMUL_NT_ARG_K,\n"
        "    QVL_MATMUL_NT_ARG_N,\n    QVL_MATMUL_NT_ARG_OFF_X,\n"
        "    QVL_MATMUL_NT_ARG_LD_X,\n    QVL_MATMUL_NT_ARG_OFF_Y,\n"
        "    QVL_MATMUL_NT_ARG_LD_Y,\n    QVL_MATMUL_NT_N_ARGS,\n};\n";
    static const char of_clip[] =
        "enum {\n    QVL_CLIP_PART,\n    QVL_CLIP_RULE,\n"
        "    QVL_CLIP_STAT,\n    QVL_CLIP_N_BUFS,\n"
        "};\n"
        "enum {\n    QVL_CLIP_ARG_PARTS,\n    QVL_CLIP_ARG_RULES,\n"
        "    QVL_CLIP_N_ARGS,\n};\n";
    static const char names[] =
        "enum {\n    QVL_STAT_NORM,\n    QVL_STAT_FACTOR,\n"
        "    QVL_STAT_IS_APPLIED,\n    QVL_STAT_UNUSED,\n    QVL_N_STAT\n};\n";
    static const char functions[] =
        "static inline void qvl_clip_bufs(\n"
        "    qvl_slice *to, qvl_slice part, qvl_slice rule, "
        "qvl_slice stat)\n"
        "{\n    to[0] = part;\n    to[1] = rule;\n    to[2] = stat;\n}\n"
        "static inline void qvl_clip_args(\n"
        "    uint32_t *to, uint32_t parts, uint32_t rules)\n"
        "{\n    to[0] = parts;\n    to[1] = rules;\n}\n\n"
        "static inline void qvl_tally_bufs(\n";
    qvl_arena arena = {0};
    qvl_err err;
    size_t len;
    const char *folder = check_path("calls");
    CHECK_OK(qvl_file_make_dirs(folder, &err), err);
    run(qvl_arena_printf(&arena, GEN " --kernel clip --kernel tally --tune "
                         QVL_TEST_SOURCE "/configs/tune --out %s", folder));
    const char *text = read_all(qvl_arena_printf(&arena, "%s/signatures.h", folder),
                                &len, &arena);
    CHECK_HAS(text, positions, "signatures.h");
    CHECK_HAS(text, of_clip, "signatures.h");
    CHECK_HAS(text, names, "signatures.h");
    CHECK_HAS(read_all(qvl_arena_printf(&arena, "%s/calls.h", folder), &len,
                       &arena), functions, "calls.h");
    qvl_arena_release(&arena);
}

/* What has no work to do says so with a status, and does nothing. */
static void test_wrong_use(void)
{
    static const char *const commands[] = {
        QVL_TEST_GEN " 2>/dev/null",
        GEN " 2>/dev/null",
        GEN TINY " --dump nothing 2>/dev/null",
        GEN TINY " --dump 2>/dev/null",
        GEN " --arch nowhere.yaml --dump size 2>/dev/null",
        QVL_TEST_GEN " --shaders nowhere" TINY " --dump size 2>/dev/null",
        GEN TINY " --out nowhere --tune nowhere 2>/dev/null",
    };
    for (size_t i = 0; i < QVL_COUNT(commands); i++)
        CHECK(system(commands[i]) != 0, "%s", commands[i]);
}

/* A tile that every kernel, one of them or one instruction set cannot have is
 * found when most texts are made: none of them is written. */
static void test_wrong_tiles(void)
{
    static const struct {
        const char *edit, *message;  // of the files of configs/tune, by sed
    } cases[] = {
        { "s/{LANES: 128, /{LANES: 3000, /", "found LANES = 3000" },
        { "s/col_sum_part: {SPAN: 128}/col_sum_part: {SPAN: 7}/",
          "kernel col_sum_part: found " },
        { "s/VW: \\[4, 8, 16\\]/VW: [4, 8, 3]/", "VW = 3" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena arena = {0};
        qvl_err err;
        size_t len;
        struct dirent **list;
        const char *tune = check_path("wrong-tune");
        const char *folder = check_path("wrong-tiles");
        const char *said = check_path("wrong-said");
        CHECK_OK(qvl_file_make_dirs(tune, &err), err);
        CHECK_OK(qvl_file_make_dirs(folder, &err), err);
        run(qvl_arena_printf(&arena, "cd %s && cp " QVL_TEST_SOURCE
                             "/configs/tune/*.yaml . && sed -i '%s' *.yaml",
                             tune, cases[i].edit));
        int status = system(qvl_arena_printf(
            &arena, GEN TINY " --tune %s --out %s 2>%s", tune, folder, said));
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2, "%s",
              cases[i].edit);
        CHECK_HAS(read_all(said, &len, &arena), cases[i].message, "%s",
                  cases[i].edit);
        CHECK_INT(scandir(folder, &list, is_file, NULL), 0, "%s",
                  cases[i].edit);
        free(list);
        qvl_arena_release(&arena);
    }
}

/* What is said of values that a flag does not take. */
static void test_wrong_values(void)
{
    static const struct {
        const char *flags, *message;
    } cases[] = {
        { "--spirv maybe", "--spirv: found maybe, expected yes or no" },
        { "--opencl No", "--opencl: found No, expected yes or no" },
        { "--half ''", "--half: found , expected yes or no" },
        { "--table mine", "--table: found mine, expected qvl_NAME" },
        { "--table qvl_", "--table: found qvl_, expected qvl_NAME" },
        { "$(for i in $(seq 65); do echo --arch a; done)",
          "--arch: found more than 64 of them" },
        { "$(for i in $(seq 65); do echo --kernel a; done)",
          "--kernel: found more than 64 of them" },
        { "--spir no", "unknown flag --spir" },
        { TINY " --dump grad --phase infer",
          "passes of this phase: found grad, expected one of lower, simplify, "
          "fuse, size" },
        { TINY " --dump emit",
          "passes of this phase: found emit, expected one of lower, grad, "
          "simplify, fuse, size" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena arena = {0};
        size_t len;
        const char *path = check_path("said");
        CHECK(system(qvl_arena_printf(&arena, GEN " %s 2>%s", cases[i].flags,
                                      path)) != 0, "%s", cases[i].flags);
        CHECK_HAS(read_all(path, &len, &arena), cases[i].message, "%s",
                  cases[i].flags);
        qvl_arena_release(&arena);
    }
}

static void test_help(void)
{
    qvl_arena arena = {0};
    size_t len;
    const char *path = check_path("help");
    run(qvl_arena_printf(&arena, GEN " --help >%s", path));
    const char *said = read_all(path, &len, &arena);
    static const char *const lines[] = {
        "gen --dump PASS", "  linear(x, NAME) ",
        "  attention(q, k, v, range, scale[, cache]) ", "  split(x, n, ...) ",
        "  combine(y, route) ", "  silu(x) ", "elementwise\n",
        "elementwise, no gradient\n",
    };
    for (size_t i = 0; i < QVL_COUNT(lines); i++)
        CHECK_HAS(said, lines[i], "help");
    qvl_arena_release(&arena);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (; *text != '\0'; text++)
        n += strncmp(text, part, strlen(part)) == 0;
    return n;
}

/* A value that is used several times is computed once, also where fusing has made
 * one operand of its uses. */
static void test_fuse_once(void)
{
    static const char spec[] =
        "arch: twice\nmodel_type: [twice]\nconfig:\n  H: int hidden\nbatch: [T]\n"
        "inputs:\n  x: f32 [T, H]\n  z: f32 [T, H]\n"
        "params:\n  p:\n    gain: [H]\nprogram:\n"
        "  - a = silu(x) * gain\n  - b = a * a + 1\n  - c = b * b * z + b\n"
        "  - y = tanh(c * c + c)\noutputs:\n  y: y\n";
    qvl_arena arena = {0};
    qvl_err err = {0};
    size_t len;
    const char *path = check_path("twice.yaml");
    CHECK_OK(qvl_file_write_all(path, spec, strlen(spec), &err), err);
    const char *out = check_path("twice.txt");
    run(qvl_arena_printf(&arena, GEN " --dump fuse --phase infer --arch %s >%s", path,
                         out));
    const char *dump = read_all(out, &len, &arena);
    CHECK_INT(count(dump, "silu_f32("), 1, "%s", dump);
    CHECK_INT(count(dump, "tanh_f32("), 1, "%s", dump);
    CHECK_INT(count(dump, " map()"), 4, "%s", dump);
    qvl_arena_release(&arena);
}

/* What a loop carries is stored alike in all of a layer, also behind a chunk. */
static void test_carried(void)
{
    qvl_arena arena = {0};
    size_t len;
    const char *out = check_path("carried.txt");
    run(qvl_arena_printf(&arena, GEN " --dump lower --phase infer --arch "
                         QVL_TEST_SOURCE "/tests/gen/carried.yaml >%s", out));
    const char *dump = read_all(out, &len, &arena);
    CHECK_INT(count(dump, ".h act "), 0, "%s", dump);
    CHECK(count(dump, ".h res ") >= 3, "%s", dump);
    qvl_arena_release(&arena);
}

/* Run a command that fails with `status`; what it said. */
static const char *fails(const char *command, int status, qvl_arena *arena)
{
    size_t len;
    const char *said = check_path("said");
    int found = system(qvl_arena_printf(arena, "%s >%s 2>&1", command, said));
    CHECK(WIFEXITED(found) && WEXITSTATUS(found) == status, "%s: status %d", command,
          WIFEXITED(found) ? WEXITSTATUS(found) : -1);
    return read_all(said, &len, arena);
}

/* A folder of kernels without the one that every pass may add. */
static void test_no_map(void)
{
    qvl_arena arena = {0};
    qvl_err err = {0};
    const char *folder = check_path("some-shaders");
    CHECK_OK(qvl_file_make_dirs(folder, &err), err);
    run(qvl_arena_printf(&arena, "cp " QVL_TEST_SOURCE "/shaders/*.k %s && rm %s/map.k",
                         folder, folder));
    CHECK_HAS(fails(qvl_arena_printf(&arena, QVL_TEST_GEN " --shaders %s" TINY
                                     " --dump lower", folder), 1, &arena),
              "no kernel map in shaders/", "%s", folder);
    qvl_arena_release(&arena);
}

#ifdef QVL_TEST_GLSLANG
/* Shaders that do not compile: the file and line of what is wrong, and an end. */
static void test_glslang(void)
{
    static const char head[] =
        "#version 450\n#extension GL_GOOGLE_include_directive : require\n"
        "#include \"b.h\"\n";
    static const struct {
        const char *shader, *included;
        size_t len;  // of the shader, 0: up to its end
        const char *message;
    } cases[] = {
        { "void main() {}\n", "what is this\n", 0, "b.h:1: " },
        { "void main() { x = 1; }\n", "int n;\n", 0, "a.comp:4: 'x'" },
        { "void main() {}\n", "#include \"b.h\"\n", 0, "does it include itself?" },
        { "void main() {}\n", "#include \"c.h\"\n", 0, "c.h" },
        { "void\0main() {}\n", "", 15, "found a zero byte" },
    };
    const char *folder = check_path("glslang");
    qvl_err err = {0};
    CHECK_OK(qvl_file_make_dirs(folder, &err), err);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena arena = {0};
        qvl_str text = {0};
        const char *inner = cases[i].included;
        qvl_str_puts(&text, head);
        qvl_str_putn(&text, cases[i].shader, cases[i].len > 0
                                                 ? cases[i].len
                                                 : strlen(cases[i].shader));
        CHECK_OK(qvl_file_write_all(qvl_arena_printf(&arena, "%s/a.comp", folder),
                                    text.p, text.len, &err), err);
        CHECK_OK(qvl_file_write_all(qvl_arena_printf(&arena, "%s/b.h", folder), inner,
                                    strlen(inner), &err), err);
        CHECK_HAS(fails(qvl_arena_printf(&arena, QVL_TEST_GLSLANG " %s %s a", folder,
                                         folder), 1, &arena),
                  cases[i].message, "case %zu", i);
        qvl_str_release(&text);
        qvl_arena_release(&arena);
    }
}
#else
static void test_glslang(void)
{
    skip();  // shaders are compiled by glslangValidator
}
#endif

RUN_TESTS(TEST(test_dumps), TEST(test_same_bytes), TEST(test_calls),
          TEST(test_wrong_use), TEST(test_wrong_tiles), TEST(test_wrong_values),
          TEST(test_help), TEST(test_fuse_once), TEST(test_carried), TEST(test_no_map),
          TEST(test_glslang))
