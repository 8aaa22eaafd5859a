/* vk.c - Vulkan as a back end: opening and closing a device
 *
 * Every question about devices makes an instance of its own and ends it; an open
 * device keeps one. What opening made so far is closed, last first, when a part
 * of it fails (vk_close), and nothing is left behind. A device needs timeline
 * semaphores and a queue that computes; 16-bit numbers in buffers are used where
 * it has them.
 */
#include "backend/vk/vk.h"

#include <stdlib.h>
#include <string.h>

static int vk_count(void)
{
    VkInstance instance;
    if (qvl_vk_instance_open(&instance, NULL, NULL) != QVL_OK)
        return 0;
    VkPhysicalDevice device[QVL_VK_MAX_DEVICES];
    int n = qvl_vk_list_devices(instance, device);
    vkDestroyInstance(instance, NULL);
    return n;
}

static int find_device(VkInstance instance, int index,
                       VkPhysicalDevice *physical, qvl_err *err)
{
    VkPhysicalDevice device[QVL_VK_MAX_DEVICES];
    int n = qvl_vk_list_devices(instance, device);
    if (index < 0 || index >= n)
        return qvl_fail(err, QVL_E_DEVICE,
                        "vulkan:%d: found %d Vulkan devices", index, n);
    *physical = device[index];
    return QVL_OK;
}

static int vk_info(int index, qvl_device_info *info, qvl_err *err)
{
    VkInstance instance;
    QVL_TRY(qvl_vk_instance_open(&instance, NULL, err));
    VkPhysicalDevice physical = NULL;
    int rc = find_device(instance, index, &physical, err);
    if (rc == QVL_OK)
        qvl_vk_info(physical, index, info);
    vkDestroyInstance(instance, NULL);
    return rc;
}

/* Everything made from the device, in the order of need reversed. */
static void close_parts(qvl_vk_device *dev)
{
    vkDeviceWaitIdle(dev->device);
    qvl_vk_list_release(&dev->base, dev->open);
    qvl_vk_cache_save(dev);
    qvl_vk_pipelines_release(dev);
    qvl_vk_buf_close(dev, &dev->staging);
    vkDestroyPipelineCache(dev->device, dev->cache, NULL);
    vkDestroyCommandPool(dev->device, dev->commands, NULL);
    vkDestroySemaphore(dev->device, dev->timeline, NULL);
    vkDestroyDevice(dev->device, NULL);
}

static void close_messenger(qvl_vk_device *dev)
{
    PFN_vkVoidFunction fn = vkGetInstanceProcAddr(
        dev->instance, "vkDestroyDebugUtilsMessengerEXT");
    if (fn != NULL)
        ((PFN_vkDestroyDebugUtilsMessengerEXT)fn)(dev->instance,
                                                  dev->messenger, NULL);
}

static void vk_close(qvl_device *base)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    if (dev == NULL)
        return;
    if (dev->device != NULL)
        close_parts(dev);
    if (dev->messenger != VK_NULL_HANDLE)
        close_messenger(dev);
    if (dev->instance != NULL)
        vkDestroyInstance(dev->instance, NULL);
    free(dev);
}

/* With what lists and kernels use: timelines, and 16-bit numbers in buffers
 * where the device has them. */
static VkResult make_device(qvl_vk_device *dev)
{
    VkPhysicalDeviceVulkan11Features has11 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
    };
    VkPhysicalDeviceFeatures2 has = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext = &has11,
    };
    vkGetPhysicalDeviceFeatures2(dev->physical, &has);
    dev->has_16bit_storage = has11.storageBuffer16BitAccess;

    VkPhysicalDeviceVulkan12Features use12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .timelineSemaphore = VK_TRUE,
    };
    VkPhysicalDeviceVulkan11Features use11 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
        .pNext = &use12,
        .storageBuffer16BitAccess = has11.storageBuffer16BitAccess,
    };
    VkPhysicalDeviceFeatures2 use = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext = &use11,
    };
    static const float priority = 1.0f;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = dev->family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &use,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
    };
    VkResult result = vkCreateDevice(dev->physical, &info, NULL,
                                     &dev->device);
    if (result == VK_SUCCESS)
        vkGetDeviceQueue(dev->device, dev->family, 0, &dev->queue);
    return result;
}

static VkResult make_queue_parts(qvl_vk_device *dev)
{
    VkSemaphoreTypeCreateInfo type = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
    };
    VkSemaphoreCreateInfo semaphore = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
        .pNext = &type,
    };
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = dev->family,
    };
    VkResult result = vkCreateSemaphore(dev->device, &semaphore, NULL,
                                        &dev->timeline);
    if (result == VK_SUCCESS)
        result = vkCreateCommandPool(dev->device, &pool, NULL,
                                     &dev->commands);
    return result;
}

/* Does the device share its memory with the host, the largest heap of it and
 * coherently? */
static bool shares_memory(const qvl_vk_device *dev, VkPhysicalDeviceType type)
{
    const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
        | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
        | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    if (qvl_env_is_on("QVL_VK_STAGING")
        || (type != VK_PHYSICAL_DEVICE_TYPE_CPU
            && type != VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU))
        return false;
    VkDeviceSize largest = 0;
    for (uint32_t i = 0; i < dev->memory.memoryHeapCount; i++)
        if (dev->memory.memoryHeaps[i].size > largest)
            largest = dev->memory.memoryHeaps[i].size;
    for (uint32_t i = 0; i < dev->memory.memoryTypeCount; i++) {
        const VkMemoryType *t = &dev->memory.memoryTypes[i];
        if ((t->propertyFlags & wanted) == wanted
            && dev->memory.memoryHeaps[t->heapIndex].size == largest)
            return true;
    }
    return false;
}

static void read_limits(qvl_vk_device *dev, int index)
{
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(dev->physical, &properties);
    vkGetPhysicalDeviceMemoryProperties(dev->physical, &dev->memory);
    qvl_vk_info(dev->physical, index, &dev->base.info);
    dev->limits = properties.limits;
    dev->family = (uint32_t)qvl_vk_family(dev->physical,
                                          &dev->timestamp_bits);
    dev->in_place = shares_memory(dev, properties.deviceType);
}

static int open_parts(qvl_vk_device *dev, int index, qvl_err *err)
{
    QVL_TRY(qvl_vk_instance_open(&dev->instance, dev, err));
    QVL_TRY(find_device(dev->instance, index, &dev->physical, err));
    read_limits(dev, index);
    QVL_TRY(qvl_vk_result(dev, make_device(dev), "opening", err));
    QVL_TRY(qvl_vk_result(dev, make_queue_parts(dev), "opening", err));
    return qvl_vk_cache_load(dev, err);
}

/* n_threads is not used: a driver for processors has threads of its own. */
static int vk_open(qvl_device **out, int index, int n_threads, qvl_err *err)
{
    (void)n_threads;
    qvl_vk_device *dev = qvl_memory_zeroed(1, sizeof *dev);
    dev->base.be = &qvl_backend_vulkan;
    int rc = open_parts(dev, index, err);
    if (rc == QVL_OK)
        *out = &dev->base;
    else
        vk_close(&dev->base);
    return rc;
}

static int vk_wait(qvl_device *base, qvl_err *err)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    QVL_TRY(qvl_vk_check(dev, err));
    return qvl_vk_wait_all(dev, err);
}

static void vk_counts(const qvl_device *base, qvl_device_counts *counts)
{
    *counts = ((const qvl_vk_device *)base)->counts;
}

const qvl_backend qvl_backend_vulkan = {
    .name = "vulkan",
    .count = vk_count,
    .info = vk_info,
    .open = vk_open,
    .close = vk_close,
    .alloc = qvl_vk_alloc,
    .release = qvl_vk_release,
    .write = qvl_vk_write,
    .read = qvl_vk_read,
    .host = qvl_vk_host,
    .list_begin = qvl_vk_list_begin,
    .dispatch = qvl_vk_dispatch,
    .copy = qvl_vk_copy,
    .list_end = qvl_vk_list_end,
    .list_release = qvl_vk_list_release,
    .submit = qvl_vk_submit,
    .wait = vk_wait,
    .profile = qvl_vk_profile,
    .counts = vk_counts,
};
