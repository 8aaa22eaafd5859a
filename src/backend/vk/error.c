/* error.c - what a result of Vulkan means to us */
#include "backend/vk/vk.h"

#define NAME(result) { result, #result }

static const struct {
    VkResult result;
    const char *name;
} names[] = {
    NAME(VK_TIMEOUT), NAME(VK_ERROR_OUT_OF_HOST_MEMORY),
    NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY), NAME(VK_ERROR_INITIALIZATION_FAILED),
    NAME(VK_ERROR_DEVICE_LOST), NAME(VK_ERROR_MEMORY_MAP_FAILED),
    NAME(VK_ERROR_LAYER_NOT_PRESENT), NAME(VK_ERROR_EXTENSION_NOT_PRESENT),
    NAME(VK_ERROR_FEATURE_NOT_PRESENT), NAME(VK_ERROR_INCOMPATIBLE_DRIVER),
    NAME(VK_ERROR_TOO_MANY_OBJECTS), NAME(VK_ERROR_FRAGMENTED_POOL),
    NAME(VK_ERROR_OUT_OF_POOL_MEMORY), NAME(VK_ERROR_FRAGMENTATION),
    NAME(VK_ERROR_INVALID_SHADER_NV), NAME(VK_ERROR_UNKNOWN),
};

static const char *name_of(VkResult result)
{
    for (size_t i = 0; i < QVL_COUNT(names); i++)
        if (names[i].result == result)
            return names[i].name;
    return "result of the driver";
}

static int code_of(VkResult result)
{
    switch (result) {
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        return QVL_E_DEVICE_MEMORY;
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return QVL_E_MEMORY;
    case VK_ERROR_DEVICE_LOST:
        return QVL_E_DEVICE_LOST;
    case VK_ERROR_INITIALIZATION_FAILED:
    case VK_ERROR_LAYER_NOT_PRESENT:
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_FEATURE_NOT_PRESENT:
    case VK_ERROR_INCOMPATIBLE_DRIVER:
    case VK_ERROR_TOO_MANY_OBJECTS:
        return QVL_E_DEVICE;
    default:
        return QVL_E_INTERNAL;
    }
}

int qvl_vk_fail(qvl_vk_device *dev, VkResult result, const char *what,
                qvl_err *err)
{
    const qvl_device_info *info = &dev->base.info;
    int code = code_of(result);
    qvl_fail(err, code, "%s on vulkan:%d (%s): %s (%d), %.1f MiB held", what,
             info->index, info->name, name_of(result), (int)result,
             (double)dev->counts.bytes_held / (1024.0 * 1024.0));
    if (code == QVL_E_DEVICE_MEMORY)
        qvl_err_hint(err, "use a smaller batch, recomputation or a 16-bit "
                          "storage type, and close other programs that use "
                          "the device");
    if (code == QVL_E_DEVICE_LOST) {
        dev->lost = true;
        qvl_err_hint(err, "the driver gave up the device, most often because "
                          "one submission ran longer than it allows or the "
                          "device was reset; start the program again, with "
                          "smaller batches, and look into the system's log");
    }
    return code;
}

int qvl_vk_result(qvl_vk_device *dev, VkResult result, const char *what,
                  qvl_err *err)
{
    if (result != VK_SUCCESS)
        return qvl_vk_fail(dev, result, what, err);
    if (dev->complaint[0] == '\0')
        return QVL_OK;
    int rc = qvl_fail(err, QVL_E_INTERNAL, "%s on vulkan:%d: validation: %s",
                      what, dev->base.info.index, dev->complaint);
    dev->complaint[0] = '\0';
    return rc;
}

int qvl_vk_check(const qvl_vk_device *dev, qvl_err *err)
{
    if (!dev->lost)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DEVICE_LOST,
                    "vulkan:%d (%s) was lost by an earlier call",
                    dev->base.info.index, dev->base.info.name);
}
