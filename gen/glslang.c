/* glslang.c - compute shaders to SPIR-V, many in one process
 *
 *   glslang SHADERS DIR FORM...    DIR/FORM.comp to DIR/FORM.spv.part, each
 *
 * What glslangValidator does for one file, by the same library: its tables of
 * built-in functions are made once, which takes it ten times as long as a kernel.
 * What a shader includes lies beside it or in SHADERS, at most MAX_DEPTH files deep;
 * messages name its file and line. A shader that does not compile ends the run with
 * what glslang says and status 1.
 */
#include <glslang/Include/glslang_c_interface.h>
#include <glslang/Public/resource_limits_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

#define MAX_DEPTH 16

typedef struct {
    qvl_arena arena;  // of one shader
    qvl_str text;     // of one shader, with what it includes
    const char *shaders, *dir;
    char *const *form;  // [n_forms]
    int n_forms;
    qvl_err err;
} compiler;

/* The name between quotes of a line that includes, NULL: another line. */
static const char *included(compiler *c, const char *line, size_t len)
{
    static const char word[] = "#include \"";
    size_t n = sizeof word - 1;
    if (len <= n || memcmp(line, word, n) != 0)
        return NULL;
    const char *end = memchr(line + n, '"', len - n);
    return end ? qvl_arena_strndup(&c->arena, line + n,
                                   (size_t)(end - line) - n)
               : NULL;
}

/* Append the lines of a file with what it includes in its place. */
static int put_file(compiler *c, const char *path, int depth)
{
    char *text;
    size_t len;
    int beside = (int)(strrchr(path, '/') - path);
    if (depth == MAX_DEPTH)
        return qvl_fail(&c->err, QVL_E_CONFIG, "%s: found includes %d files deep, "
                        "expected fewer: does it include itself?", path, depth);
    QVL_TRY(qvl_file_read(path, &text, &len, &c->arena, &c->err));
    if (memchr(text, '\0', len) != NULL)
        return qvl_fail(&c->err, QVL_E_FORMAT, "%s: found a zero byte, expected text",
                        path);
    int number = 1;
    for (const char *p = text; p < text + len; number++) {
        size_t n = strcspn(p, "\n");
        const char *name = included(c, p, n);
        if (name != NULL) {
            const char *inner = qvl_arena_printf(&c->arena, "%.*s/%s", beside,
                                                 path, name);
            if (!qvl_file_exists(inner))
                inner = qvl_arena_printf(&c->arena, "%s/%s", c->shaders, name);
            qvl_str_printf(&c->text, "#line 1 \"%s\"\n", inner);
            QVL_TRY(put_file(c, inner, depth + 1));
            qvl_str_printf(&c->text, "\n#line %d \"%s\"\n", number + 1, path);
        } else {
            qvl_str_putn(&c->text, p, n);
            qvl_str_putc(&c->text, '\n');
        }
        p += n + (p[n] == '\n');
    }
    return QVL_OK;
}

static int write_spirv(compiler *c, glslang_program_t *program,
                       const char *form)
{
    glslang_program_SPIRV_generate(program, GLSLANG_STAGE_COMPUTE);
    size_t n = glslang_program_SPIRV_get_size(program);
    const char *said = glslang_program_SPIRV_get_messages(program);
    if (n == 0)
        return qvl_fail(&c->err, QVL_E_CONFIG, "%s.comp: %s", form,
                        said != NULL ? said : "no SPIR-V");
    return qvl_file_write_all(
        qvl_arena_printf(&c->arena, "%s/%s.spv.part", c->dir, form),
        (const char *)glslang_program_SPIRV_get_ptr(program), 4 * n, &c->err);
}

static int link_shader(compiler *c, glslang_shader_t *shader, const char *form)
{
    int messages = GLSLANG_MSG_SPV_RULES_BIT | GLSLANG_MSG_VULKAN_RULES_BIT;
    glslang_program_t *program = glslang_program_create();
    glslang_program_add_shader(program, shader);
    int rc = glslang_program_link(program, messages)
                 ? write_spirv(c, program, form)
                 : qvl_fail(&c->err, QVL_E_CONFIG, "%s.comp: %s", form,
                            glslang_program_get_info_log(program));
    glslang_program_delete(program);
    return rc;
}

static int compile(compiler *c, const char *form)
{
    const char *path = qvl_arena_printf(&c->arena, "%s/%s.comp", c->dir, form);
    qvl_str_release(&c->text);
    QVL_TRY(put_file(c, path, 0));
    const glslang_input_t input = {
        .language = GLSLANG_SOURCE_GLSL,
        .stage = GLSLANG_STAGE_COMPUTE,
        .client = GLSLANG_CLIENT_VULKAN,
        .client_version = GLSLANG_TARGET_VULKAN_1_2,
        .target_language = GLSLANG_TARGET_SPV,
        .target_language_version = GLSLANG_TARGET_SPV_1_5,
        .code = c->text.p != NULL ? c->text.p : "",
        .default_version = 450,
        .default_profile = GLSLANG_NO_PROFILE,
        .messages = GLSLANG_MSG_SPV_RULES_BIT | GLSLANG_MSG_VULKAN_RULES_BIT,
        .resource = glslang_default_resource(),
    };
    glslang_shader_t *shader = glslang_shader_create(&input);
    int rc = glslang_shader_preprocess(shader, &input)
                     && glslang_shader_parse(shader, &input)
                 ? link_shader(c, shader, form)
                 : qvl_fail(&c->err, QVL_E_CONFIG, "%s.comp: %s", form,
                            glslang_shader_get_info_log(shader));
    glslang_shader_delete(shader);
    return rc;
}

static int compile_all(void *arg)
{
    compiler *c = arg;
    for (int i = 0; i < c->n_forms; i++) {
        QVL_TRY(compile(c, c->form[i]));
        qvl_arena_reset(&c->arena);
    }
    return QVL_OK;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: glslang SHADERS DIR FORM...\n", stderr);
        return 2;
    }
    compiler c = { .shaders = argv[1], .dir = argv[2], .form = argv + 3,
                   .n_forms = argc - 3 };
    glslang_initialize_process();
    int rc = qvl_guard(compile_all, &c, &c.err);
    glslang_finalize_process();
    if (rc != QVL_OK)
        fprintf(stderr, "glslang: %s\n", c.err.msg);
    qvl_str_release(&c.text);
    qvl_arena_release(&c.arena);
    return rc == QVL_OK ? 0 : 1;
}
