/* test_cl.c - what a status of OpenCL becomes */
#include "check.h"

#include "backend/cl/cl.h"

static void test_codes(void)
{
    static const struct {
        cl_int status;
        int code;
        const char *part;
    } cases[] = {
        { CL_OUT_OF_RESOURCES, QVL_E_DEVICE_MEMORY, "CL_OUT_OF_RESOURCES" },
        { CL_MEM_OBJECT_ALLOCATION_FAILURE, QVL_E_DEVICE_MEMORY, "work" },
        { CL_OUT_OF_HOST_MEMORY, QVL_E_MEMORY, "work" },
        { CL_DEVICE_NOT_AVAILABLE, QVL_E_DEVICE_LOST, "opencl:3" },
        { CL_INVALID_KERNEL_ARGS, QVL_E_INTERNAL, "CL_INVALID_KERNEL_ARGS" },
        { -9999, QVL_E_INTERNAL, "(-9999)" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_cl_device dev = { .base.info.index = 3 };
        qvl_err err;
        CHECK_FAILS(qvl_cl_fail(&dev, cases[i].status, "work", &err),
                    cases[i].code, err, cases[i].part);
        CHECK(dev.lost == (cases[i].code == QVL_E_DEVICE_LOST), "case %zu",
              i);
    }
}

static void test_lost_stays_lost(void)
{
    qvl_cl_device dev = { .lost = false };
    qvl_err err;
    CHECK_OK(qvl_cl_check(&dev, &err), err);
    qvl_cl_fail(&dev, CL_DEVICE_NOT_AVAILABLE, "wait", &err);
    CHECK_HAS(err.hint, "start the program again", "advice");
    CHECK_FAILS(qvl_cl_check(&dev, &err), QVL_E_DEVICE_LOST, err, "lost");
}

RUN_TESTS(TEST(test_codes), TEST(test_lost_stays_lost))
