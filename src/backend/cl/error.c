/* error.c - what a status of OpenCL means to us */
#include "backend/cl/cl.h"

#define NAME(code) { code, #code }

static const struct {
    cl_int status;
    const char *name;
} names[] = {
    NAME(CL_DEVICE_NOT_FOUND), NAME(CL_DEVICE_NOT_AVAILABLE),
    NAME(CL_COMPILER_NOT_AVAILABLE), NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE),
    NAME(CL_OUT_OF_RESOURCES), NAME(CL_OUT_OF_HOST_MEMORY),
    NAME(CL_BUILD_PROGRAM_FAILURE), NAME(CL_INVALID_VALUE),
    NAME(CL_INVALID_DEVICE), NAME(CL_INVALID_CONTEXT),
    NAME(CL_INVALID_COMMAND_QUEUE), NAME(CL_INVALID_MEM_OBJECT),
    NAME(CL_INVALID_BUILD_OPTIONS), NAME(CL_INVALID_PROGRAM_EXECUTABLE),
    NAME(CL_INVALID_KERNEL_NAME), NAME(CL_INVALID_KERNEL),
    NAME(CL_INVALID_ARG_INDEX), NAME(CL_INVALID_ARG_VALUE),
    NAME(CL_INVALID_ARG_SIZE), NAME(CL_INVALID_KERNEL_ARGS),
    NAME(CL_INVALID_WORK_GROUP_SIZE), NAME(CL_INVALID_WORK_ITEM_SIZE),
    NAME(CL_INVALID_GLOBAL_WORK_SIZE), NAME(CL_INVALID_BUFFER_SIZE),
};

static const char *name_of(cl_int status)
{
    for (size_t i = 0; i < QVL_COUNT(names); i++)
        if (names[i].status == status)
            return names[i].name;
    return "status of the driver";
}

static int code_of(cl_int status)
{
    switch (status) {
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_RESOURCES:
        return QVL_E_DEVICE_MEMORY;
    case CL_OUT_OF_HOST_MEMORY:
        return QVL_E_MEMORY;
    case CL_DEVICE_NOT_AVAILABLE:
        return QVL_E_DEVICE_LOST;
    case CL_DEVICE_NOT_FOUND:
    case CL_COMPILER_NOT_AVAILABLE:
        return QVL_E_DEVICE;
    default:
        return QVL_E_INTERNAL;
    }
}

int qvl_cl_fail(qvl_cl_device *dev, cl_int status, const char *what,
                qvl_err *err)
{
    const qvl_device_info *info = &dev->base.info;
    int code = code_of(status);
    qvl_fail(err, code, "%s on opencl:%d (%s): %s (%d)", what, info->index,
             info->name, name_of(status), (int)status);
    if (code == QVL_E_DEVICE_MEMORY)
        qvl_err_hint(err, "the device ran out of memory or of another "
                          "resource: use a smaller batch or a 16-bit storage "
                          "type, and close other programs that use it");
    if (code == QVL_E_DEVICE_LOST) {
        dev->lost = true;
        qvl_err_hint(err, "the driver gave up the device; start the program "
                          "again, and look into the system's log for a reset "
                          "or a time limit of the driver");
    }
    return code;
}

int qvl_cl_check(const qvl_cl_device *dev, qvl_err *err)
{
    if (!dev->lost)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DEVICE_LOST,
                    "opencl:%d (%s) was lost by an earlier call",
                    dev->base.info.index, dev->base.info.name);
}
