/* program.c - kernels built by the driver, and kept
 *
 * The generated text is a whole program. Lanes, tiles and the constants C0, C1,
 * ... are defined on the command line, so a kernel is built once for each set
 * of tiles and constants that occurs. No option relaxes the arithmetic: contraction to
 * fused multiply-add, which the language allows anyway, is all that is wanted.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/cl/cl.h"
#include "base/str.h"

#define LOG_LINES 8  // of the compiler, shown in an error

static void put_options(qvl_str *s, const qvl_kernel *k,
                        const qvl_tiling *tiling, const uint32_t *constant)
{
    qvl_str_printf(s, "-cl-std=CL1.2 -w -DLANES=%u", (unsigned)tiling->lanes);
    for (int i = 0; i < k->n_tiles; i++)
        qvl_str_printf(s, " -D%s=%u", k->tile_name[i],
                       (unsigned)tiling->tile[i]);
    for (int i = 0; i < k->n_consts; i++)
        qvl_str_printf(s, " -DC%d=%u", i, (unsigned)constant[i]);
}

/* The first lines of the build log, on one line. */
static int fail_build(qvl_cl_device *dev, const qvl_cl_program *p,
                      cl_int status, qvl_err *err)
{
    size_t bytes = 0;
    clGetProgramBuildInfo(p->program, dev->id, CL_PROGRAM_BUILD_LOG, 0, NULL,
                          &bytes);
    char *log = calloc(1, bytes + 1);
    if (log != NULL)
        clGetProgramBuildInfo(p->program, dev->id, CL_PROGRAM_BUILD_LOG,
                              bytes, log, NULL);
    int n_lines = 0;
    for (char *c = log; c != NULL && *c != '\0'; c++) {
        if (*c != '\n')
            continue;
        *c = ++n_lines < LOG_LINES ? '|' : '\0';
    }
    int rc = qvl_fail(err, QVL_E_DEVICE,
                      "kernel %s on opencl:%d (%s): build failed (%d): %s",
                      p->k->name, dev->base.info.index, dev->base.info.name,
                      (int)status, log != NULL ? log : "no log");
    free(log);
    return rc;
}

static int check_lanes(qvl_cl_device *dev, const qvl_cl_program *p,
                       const qvl_tiling *tiling, qvl_err *err)
{
    size_t most = 0;
    cl_int status = clGetKernelWorkGroupInfo(
        p->kernel, dev->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most,
        NULL);
    if (status != CL_SUCCESS)
        return qvl_cl_fail(dev, status, p->k->name, err);
    if (tiling->lanes <= most)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DEVICE,
                    "kernel %s on opencl:%d (%s): found groups of %u lanes, "
                    "expected at most %zu", p->k->name,
                    dev->base.info.index, dev->base.info.name,
                    (unsigned)tiling->lanes, most);
}

static int build(qvl_cl_device *dev, qvl_cl_program *p,
                 const qvl_tiling *tiling, const char *options, qvl_err *err)
{
    const char *text = p->k->cl;
    cl_int status;
    p->program = clCreateProgramWithSource(dev->context, 1, &text, NULL,
                                           &status);
    if (status != CL_SUCCESS)
        return qvl_cl_fail(dev, status, p->k->name, err);
    status = clBuildProgram(p->program, 1, &dev->id, options, NULL, NULL);
    if (status != CL_SUCCESS)
        return fail_build(dev, p, status, err);
    p->kernel = clCreateKernel(p->program, "k", &status);
    if (status != CL_SUCCESS)
        return qvl_cl_fail(dev, status, p->k->name, err);
    return check_lanes(dev, p, tiling, err);
}

static void release_one(qvl_cl_program *p)
{
    if (p->kernel != NULL)
        clReleaseKernel(p->kernel);
    if (p->program != NULL)
        clReleaseProgram(p->program);
    p->kernel = NULL;
    p->program = NULL;
}

static int make(qvl_cl_device *dev, const qvl_kernel *k,
                const qvl_tiling *tiling, const uint32_t *constant,
                qvl_cl_program **out, qvl_err *err)
{
    if (k->cl == NULL)
        return qvl_fail(err, QVL_E_UNSUPPORTED,
                        "kernel %s: not compiled for OpenCL", k->name);
    qvl_cl_program *p = qvl_arena_alloc(&dev->arena, sizeof *p);
    qvl_str options = { 0 };
    put_options(&options, k, tiling, constant);
    p->k = k;
    p->tiling = *tiling;
    memcpy(p->constant, constant, sizeof p->constant);
    int rc = build(dev, p, tiling, options.p, err);
    qvl_str_release(&options);
    if (rc != QVL_OK) {
        release_one(p);
        return rc;
    }
    p->next = dev->programs;
    dev->programs = p;
    *out = p;
    return QVL_OK;
}

int qvl_cl_program_find(qvl_cl_device *dev, const qvl_kernel *k,
                        const qvl_tiling *tiling, const uint32_t *args,
                        const qvl_cl_program **program, qvl_err *err)
{
    uint32_t constant[QVL_KERNEL_MAX_CONSTS] = { 0 };
    for (int i = 0; i < k->n_consts; i++)
        constant[i] = args[k->const_arg[i]];
    for (qvl_cl_program *p = dev->programs; p != NULL; p = p->next)
        if (p->k == k && memcmp(&p->tiling, tiling, sizeof *tiling) == 0
            && memcmp(p->constant, constant, sizeof constant) == 0) {
            *program = p;
            return QVL_OK;
        }
    qvl_cl_program *made = NULL;
    QVL_TRY(make(dev, k, tiling, constant, &made, err));
    *program = made;
    return QVL_OK;
}

void qvl_cl_programs_release(qvl_cl_device *dev)
{
    for (qvl_cl_program *p = dev->programs; p != NULL; p = p->next)
        release_one(p);
    dev->programs = NULL;
    qvl_arena_release(&dev->arena);
}
