/* instance.c - the loader, the validation layer, and what devices can do
 *
 * The validation layer is loaded for a device that is opened, never for a question
 * about devices; its first message waits in the device until error.c raises it. Where a
 * driver has a limit that it does not report (max_walk, max_turns) it is known by its
 * id.
 */
#include "backend/vk/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

/* The layer's messages. The first one is kept for the next call that can
 * report it; all of them are logged, for those that come when the device is
 * being closed and no call is left. */
static VKAPI_ATTR VkBool32 VKAPI_CALL
on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
           VkDebugUtilsMessageTypeFlagsEXT types,
           const VkDebugUtilsMessengerCallbackDataEXT *data, void *context)
{
    qvl_vk_device *dev = context;
    (void)severity;
    (void)types;
    qvl_log(QVL_LOG_ERROR, "vulkan validation: %s", data->pMessage);
    if (dev->complaint[0] == '\0')
        snprintf(dev->complaint, sizeof dev->complaint, "%s",
                 data->pMessage);
    return VK_FALSE;
}

static VkDebugUtilsMessengerCreateInfoEXT messenger_info(qvl_vk_device *dev)
{
    return (VkDebugUtilsMessengerCreateInfoEXT){
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT
            | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT
            | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = dev,
    };
}

static bool has_layer(const char *name)
{
    VkLayerProperties layer[64];
    uint32_t n = QVL_COUNT(layer);
    VkResult result = vkEnumerateInstanceLayerProperties(&n, layer);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(layer[i].layerName, name) == 0)
            return true;
    return false;
}

static const VkApplicationInfo application = {
    .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
    .pApplicationName = "qvl",
    .apiVersion = VK_API_VERSION_1_2,
};

static VkResult open_messenger(VkInstance instance, qvl_vk_device *dev)
{
    PFN_vkVoidFunction fn = vkGetInstanceProcAddr(
        instance, "vkCreateDebugUtilsMessengerEXT");
    if (fn == NULL)
        return VK_ERROR_EXTENSION_NOT_PRESENT;
    VkDebugUtilsMessengerCreateInfoEXT info = messenger_info(dev);
    return ((PFN_vkCreateDebugUtilsMessengerEXT)fn)(instance, &info, NULL,
                                                    &dev->messenger);
}

static int open_validated(VkInstance *instance, qvl_vk_device *dev,
                          qvl_err *err)
{
    static const char *const layers[] = { VALIDATION_LAYER };
    static const char *const extensions[] = {
        VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
        VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME,
    };
    static const VkValidationFeatureEnableEXT enable[] = {
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT,
    };
    if (!has_layer(VALIDATION_LAYER))
        return qvl_fail(err, QVL_E_DEVICE,
                        "QVL_VK_VALIDATE=1: found no layer "
                        VALIDATION_LAYER ", expected it to be installed");
    VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(dev);
    VkValidationFeaturesEXT features = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &messenger,
        .enabledValidationFeatureCount = QVL_COUNT(enable),
        .pEnabledValidationFeatures = enable,
    };
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = &features,
        .pApplicationInfo = &application,
        .enabledLayerCount = QVL_COUNT(layers),
        .ppEnabledLayerNames = layers,
        .enabledExtensionCount = QVL_COUNT(extensions),
        .ppEnabledExtensionNames = extensions,
    };
    VkResult result = vkCreateInstance(&info, NULL, instance);
    if (result == VK_SUCCESS)
        result = open_messenger(*instance, dev);
    if (result == VK_SUCCESS)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DEVICE,
                    "vulkan: no instance with validation (%d)", (int)result);
}

int qvl_vk_instance_open(VkInstance *instance, qvl_vk_device *dev,
                         qvl_err *err)
{
    if (dev != NULL && qvl_env_is_on("QVL_VK_VALIDATE"))
        return open_validated(instance, dev, err);
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &application,
    };
    VkResult result = vkCreateInstance(&info, NULL, instance);
    if (result == VK_SUCCESS)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DEVICE, "vulkan: no instance (%d)",
                    (int)result);
}

int qvl_vk_family(VkPhysicalDevice physical, uint32_t *bits)
{
    VkQueueFamilyProperties family[32];
    uint32_t n = QVL_COUNT(family);
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &n, family);
    for (uint32_t i = 0; i < n; i++) {
        if ((family[i].queueFlags & VK_QUEUE_COMPUTE_BIT) == 0)
            continue;
        if (bits != NULL)
            *bits = family[i].timestampValidBits;
        return (int)i;
    }
    return -1;
}

static bool is_usable(VkPhysicalDevice physical)
{
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(physical, &properties);
    if (properties.apiVersion < VK_API_VERSION_1_2)
        return false;
    VkPhysicalDeviceVulkan12Features v12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
    };
    VkPhysicalDeviceFeatures2 features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext = &v12,
    };
    vkGetPhysicalDeviceFeatures2(physical, &features);
    return v12.timelineSemaphore && qvl_vk_family(physical, NULL) >= 0;
}

int qvl_vk_list_devices(VkInstance instance,
                        VkPhysicalDevice device[QVL_VK_MAX_DEVICES])
{
    VkPhysicalDevice found[QVL_VK_MAX_DEVICES];
    uint32_t n_found = QVL_VK_MAX_DEVICES;
    VkResult result = vkEnumeratePhysicalDevices(instance, &n_found, found);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE)
        return 0;
    int n = 0;
    for (uint32_t i = 0; i < n_found; i++)
        if (is_usable(found[i]))
            device[n++] = found[i];
    return n;
}

static bool has_extension(VkPhysicalDevice physical, const char *name)
{
    uint32_t n = 0;
    vkEnumerateDeviceExtensionProperties(physical, NULL, &n, NULL);
    VkExtensionProperties *list = calloc((size_t)n + 1, sizeof *list);
    bool found = false;
    if (list != NULL)
        vkEnumerateDeviceExtensionProperties(physical, NULL, &n, list);
    for (uint32_t i = 0; list != NULL && i < n; i++)
        found = found || strcmp(list[i].extensionName, name) == 0;
    free(list);
    return found;
}

static void put_memory(VkPhysicalDevice physical, size_t largest,
                       qvl_device_info *info)
{
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(physical, &memory);
    size_t heap_bytes = 0;
    for (uint32_t i = 0; i < memory.memoryHeapCount; i++) {
        const VkMemoryHeap *heap = &memory.memoryHeaps[i];
        if ((heap->flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) == 0)
            continue;
        info->memory_bytes += heap->size;
        if (heap->size > heap_bytes)
            heap_bytes = heap->size;
    }
    info->max_alloc_bytes = largest < heap_bytes ? largest : heap_bytes;
}

/* The largest group is bound by its size and by that of its only axis. */
static void put_limits(const VkPhysicalDeviceLimits *limits,
                       qvl_device_info *info)
{
    info->max_binding_bytes = limits->maxStorageBufferRange;
    info->align_bytes = limits->minStorageBufferOffsetAlignment;
    if (info->align_bytes < 16)
        info->align_bytes = 16;
    info->max_lanes = limits->maxComputeWorkGroupInvocations;
    if (info->max_lanes > limits->maxComputeWorkGroupSize[0])
        info->max_lanes = limits->maxComputeWorkGroupSize[0];
    info->max_vector = 1;
    info->shared_bytes = limits->maxComputeSharedMemorySize;
    info->shared_alone_bytes = info->shared_bytes;
}

static bool is_gpu(VkPhysicalDeviceType type)
{
    return type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU
        || type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU
        || type == VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU;
}

/* How many pieces of memory the system maps for a process. */
static uint32_t max_maps(void)
{
    unsigned n = 65530;  // of Linux, unless someone changed it
    FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
    if (f != NULL && fscanf(f, "%u", &n) != 1)
        n = 65530;
    if (f != NULL)
        fclose(f);
    return n;
}

void qvl_vk_info(VkPhysicalDevice physical, int index, qvl_device_info *info)
{
    VkPhysicalDeviceVulkan12Properties v12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES,
    };
    VkPhysicalDeviceVulkan11Properties v11 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES,
        .pNext = &v12,
    };
    VkPhysicalDeviceProperties2 all = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
        .pNext = &v11,
    };
    vkGetPhysicalDeviceProperties2(physical, &all);
    VkPhysicalDeviceVulkan12Features f12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
    };
    VkPhysicalDeviceFeatures2 features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext = &f12,
    };
    vkGetPhysicalDeviceFeatures2(physical, &features);

    VkPhysicalDeviceType type = all.properties.deviceType;
    bool is_llvmpipe = v12.driverID == VK_DRIVER_ID_MESA_LLVMPIPE;
    *info = (qvl_device_info){
        .backend = "vulkan",
        .index = index,
        .device_class = type == VK_PHYSICAL_DEVICE_TYPE_CPU
            ? QVL_CLASS_VULKAN_CPU : QVL_CLASS_GPU,
        .is_gpu = is_gpu(type),
        .subgroup = v11.subgroupSize,
        .has_f16 = f12.shaderFloat16,
        .has_matrix_units =
            has_extension(physical, "VK_KHR_cooperative_matrix"),
        .max_walk = is_llvmpipe ? QVL_VK_LLVMPIPE_WALK : 0,
        .max_turns = is_llvmpipe ? QVL_VK_LLVMPIPE_TURNS : 0,
        .max_dispatches = is_llvmpipe ? QVL_VK_LLVMPIPE_SETS(max_maps()) : 0,
    };
    put_limits(&all.properties.limits, info);
    put_memory(physical, v11.maxMemoryAllocationSize, info);
    snprintf(info->name, sizeof info->name, "%.127s",
             all.properties.deviceName);
    snprintf(info->driver, sizeof info->driver, "%.50s %.70s", v12.driverName,
             v12.driverInfo);
}
