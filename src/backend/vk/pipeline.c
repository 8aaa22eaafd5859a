/* pipeline.c - kernels compiled by the driver, and kept
 *
 * Specialisation constants: 0 is the number of lanes, then come the tiles, then
 * the values of the dims that are compiled in. A pipeline is made once for each
 * set of those values that occurs.
 */
#include "backend/vk/vk.h"

#include <assert.h>
#include <string.h>

#include "tensor/dtype.h"

static VkResult make_set_layout(qvl_vk_device *dev, int n_bufs,
                                VkDescriptorSetLayout *set)
{
    VkDescriptorSetLayoutBinding binding[QVL_KERNEL_MAX_BUFS];
    for (int i = 0; i < n_bufs; i++)
        binding[i] = (VkDescriptorSetLayoutBinding){
            .binding = (uint32_t)i,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    VkDescriptorSetLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = (uint32_t)n_bufs,
        .pBindings = binding,
    };
    return vkCreateDescriptorSetLayout(dev->device, &info, NULL, set);
}

/* Bytes of push constants that every layout has. */
static uint32_t push_bytes(const qvl_vk_device *dev)
{
    uint32_t most = (QVL_KERNEL_MAX_ARGS + 1) * sizeof(uint32_t);
    uint32_t limit = dev->limits.maxPushConstantsSize;
    return limit < most ? limit : most;
}

int qvl_vk_layout_find(qvl_vk_device *dev, int n_bufs,
                       const qvl_vk_layout **layout, qvl_err *err)
{
    assert(n_bufs > 0 && n_bufs <= QVL_KERNEL_MAX_BUFS);
    qvl_vk_layout *l = &dev->layouts[n_bufs];
    VkResult result = VK_SUCCESS;
    if (l->set == VK_NULL_HANDLE)
        result = make_set_layout(dev, n_bufs, &l->set);
    if (result == VK_SUCCESS && l->pipeline == VK_NULL_HANDLE) {
        VkPushConstantRange push = {
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
            .size = push_bytes(dev),
        };
        VkPipelineLayoutCreateInfo info = {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
            .setLayoutCount = 1,
            .pSetLayouts = &l->set,
            .pushConstantRangeCount = 1,
            .pPushConstantRanges = &push,
        };
        result = vkCreatePipelineLayout(dev->device, &info, NULL,
                                        &l->pipeline);
    }
    QVL_TRY(qvl_vk_result(dev, result, "layout", err));
    *layout = l;
    return QVL_OK;
}

/* What the kernel needs and the device may lack. */
static int check_kernel(const qvl_vk_device *dev, const qvl_kernel *k,
                        qvl_err *err)
{
    if (k->spirv == NULL)
        return qvl_fail(err, QVL_E_UNSUPPORTED,
                        "kernel %s: not compiled for Vulkan", k->name);
    size_t bytes = ((size_t)k->n_args + 1) * sizeof(uint32_t);
    if (bytes > push_bytes(dev))
        return qvl_fail(err, QVL_E_DEVICE,
                        "kernel %s: found %zu bytes of push constants, "
                        "expected at most %u on vulkan:%d (%s)", k->name,
                        bytes, (unsigned)push_bytes(dev),
                        dev->base.info.index, dev->base.info.name);
    for (int i = 0; i < k->n_bufs; i++)
        if (qvl_dtype_bytes(k->dtype[i]) == 2 && !dev->has_16bit_storage)
            return qvl_fail(err, QVL_E_DEVICE,
                            "kernel %s: vulkan:%d (%s) has no 16-bit storage; "
                            "use f32", k->name, dev->base.info.index,
                            dev->base.info.name);
    return QVL_OK;
}

#define MAX_SPEC (1 + QVL_KERNEL_MAX_TILES + QVL_KERNEL_MAX_CONSTS)

typedef struct {
    uint32_t value[MAX_SPEC];
    VkSpecializationMapEntry entry[MAX_SPEC];
    uint32_t n;
} spec_values;

static void put_spec(spec_values *s, uint32_t value)
{
    uint32_t i = s->n++;
    s->value[i] = value;
    s->entry[i] = (VkSpecializationMapEntry){
        .constantID = i,
        .offset = i * (uint32_t)sizeof(uint32_t),
        .size = sizeof(uint32_t),
    };
}

static VkResult compile(qvl_vk_device *dev, qvl_vk_pipeline *p,
                        const qvl_vk_layout *layout,
                        const VkSpecializationInfo *spec)
{
    VkShaderModuleCreateInfo module_info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = p->k->spirv_bytes,
        .pCode = p->k->spirv,
    };
    VkShaderModule module;
    VkResult result = vkCreateShaderModule(dev->device, &module_info, NULL,
                                           &module);
    if (result != VK_SUCCESS)
        return result;
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = module,
            .pName = "main",
            .pSpecializationInfo = spec,
        },
        .layout = layout->pipeline,
    };
    result = vkCreateComputePipelines(dev->device, dev->cache, 1, &info, NULL,
                                      &p->pipeline);
    vkDestroyShaderModule(dev->device, module, NULL);
    return result;
}

static int make(qvl_vk_device *dev, const qvl_kernel *k,
                const qvl_tiling *tiling, const uint32_t *constant,
                const qvl_vk_pipeline **out, qvl_err *err)
{
    QVL_TRY(check_kernel(dev, k, err));
    const qvl_vk_layout *layout = NULL;
    QVL_TRY(qvl_vk_layout_find(dev, k->n_bufs, &layout, err));

    spec_values s = { .n = 0 };
    put_spec(&s, tiling->lanes);
    for (int i = 0; i < k->n_tiles; i++)
        put_spec(&s, tiling->tile[i]);
    for (int i = 0; i < k->n_consts; i++)
        put_spec(&s, constant[i]);
    VkSpecializationInfo spec = {
        .mapEntryCount = s.n,
        .pMapEntries = s.entry,
        .dataSize = s.n * sizeof(uint32_t),
        .pData = s.value,
    };
    qvl_vk_pipeline *p = qvl_arena_alloc(&dev->arena, sizeof *p);
    p->k = k;
    p->tiling = *tiling;
    memcpy(p->constant, constant, sizeof p->constant);
    VkResult result = compile(dev, p, layout, &spec);
    if (p->pipeline != VK_NULL_HANDLE) {  // listed, so that it is released
        p->next = dev->pipelines;
        dev->pipelines = p;
    }
    int rc = qvl_vk_result(dev, result, "pipeline", err);
    if (rc != QVL_OK) {
        qvl_err_add(err, "kernel %s", k->name);
        return rc;
    }
    *out = p;
    return QVL_OK;
}

int qvl_vk_pipeline_find(qvl_vk_device *dev, const qvl_kernel *k,
                         const qvl_tiling *tiling, const uint32_t *args,
                         const qvl_vk_pipeline **pipeline, qvl_err *err)
{
    uint32_t constant[QVL_KERNEL_MAX_CONSTS] = { 0 };
    for (int i = 0; i < k->n_consts; i++)
        constant[i] = args[k->const_arg[i]];
    for (qvl_vk_pipeline *p = dev->pipelines; p != NULL; p = p->next)
        if (p->k == k && memcmp(&p->tiling, tiling, sizeof *tiling) == 0
            && memcmp(p->constant, constant, sizeof constant) == 0) {
            *pipeline = p;
            return QVL_OK;
        }
    return make(dev, k, tiling, constant, pipeline, err);
}

void qvl_vk_pipelines_release(qvl_vk_device *dev)
{
    for (qvl_vk_pipeline *p = dev->pipelines; p != NULL; p = p->next)
        vkDestroyPipeline(dev->device, p->pipeline, NULL);
    dev->pipelines = NULL;
    for (size_t i = 0; i < QVL_COUNT(dev->layouts); i++) {
        vkDestroyPipelineLayout(dev->device, dev->layouts[i].pipeline, NULL);
        vkDestroyDescriptorSetLayout(dev->device, dev->layouts[i].set, NULL);
        dev->layouts[i] = (qvl_vk_layout){ 0 };
    }
    qvl_arena_release(&dev->arena);
}
