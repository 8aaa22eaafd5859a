/* list.c - lists of Vulkan: one command buffer each, submitted as it is
 *
 * A dispatch is prepared when it is appended: pipeline, descriptor set, and
 * whether it must wait for what came before. The end of the list records the
 * command buffer; a profile records another one from the same calls.
 */
#include "backend/vk/vk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Of one descriptor pool. Most kernels bind three to six buffers. */
#define POOL_SETS 256
#define POOL_DESCRIPTORS (POOL_SETS * 6)

int qvl_vk_list_begin(qvl_device *base, qvl_err *err)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    QVL_TRY(qvl_vk_check(dev, err));
    qvl_vk_list_release(base, dev->open);
    dev->open = NULL;
    qvl_list *list = qvl_memory_zeroed(1, sizeof *list);
    list->end = &list->first;
    dev->open = list;
    return QVL_OK;
}

static void append(qvl_list *list, qvl_vk_call *call)
{
    *list->end = call;
    list->end = &call->next;
    list->n_calls++;
}

static VkResult add_pool(qvl_vk_device *dev, qvl_list *list)
{
    qvl_vk_pool *pool = qvl_arena_alloc(&list->arena, sizeof *pool);
    VkDescriptorPoolSize size = {
        .type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .descriptorCount = POOL_DESCRIPTORS,
    };
    VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = POOL_SETS,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    VkResult result = vkCreateDescriptorPool(dev->device, &info, NULL,
                                             &pool->pool);
    if (result != VK_SUCCESS)
        return result;
    pool->next = list->pools;
    list->pools = pool;
    list->sets_left = POOL_SETS;
    list->descriptors_left = POOL_DESCRIPTORS;
    return VK_SUCCESS;
}

static VkResult take_set(qvl_vk_device *dev, qvl_list *list, int n_bufs,
                         VkDescriptorSetLayout layout, VkDescriptorSet *set)
{
    if (list->sets_left < 1 || list->descriptors_left < n_bufs) {
        VkResult result = add_pool(dev, list);
        if (result != VK_SUCCESS)
            return result;
    }
    VkDescriptorSetAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = list->pools->pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &layout,
    };
    list->sets_left--;
    list->descriptors_left -= n_bufs;
    return vkAllocateDescriptorSets(dev->device, &info, set);
}

static int check_sets(qvl_vk_device *dev, qvl_err *err)
{
    uint32_t most = dev->base.info.max_dispatches;
    if (most == 0 || dev->n_sets < most)
        return QVL_OK;
    qvl_fail(err, QVL_E_DEVICE, "vulkan:%d (%s): found more than %u dispatches, "
             "expected as many or fewer: the driver maps memory for each",
             dev->base.info.index, dev->base.info.name, (unsigned)most);
    qvl_err_hint(err, "shorter sequences and smaller batches have fewer; "
                 "vm.max_map_count is what the system allows");
    return QVL_E_DEVICE;
}

/* An empty tensor still needs bytes behind its binding; no kernel reads them,
 * and every buffer has 16. */
static VkDescriptorBufferInfo binding_of(qvl_slice s)
{
    const qvl_vk_buf *buf = s.buf->id;
    return (VkDescriptorBufferInfo){
        .buffer = buf->buffer,
        .offset = s.bytes > 0 ? s.at : 0,
        .range = s.bytes > 0 ? s.bytes : 16,
    };
}

static void write_set(qvl_vk_device *dev, VkDescriptorSet set,
                      const qvl_slice *bufs, int n)
{
    VkDescriptorBufferInfo info[QVL_KERNEL_MAX_BUFS];
    VkWriteDescriptorSet write[QVL_KERNEL_MAX_BUFS];
    for (int i = 0; i < n; i++) {
        info[i] = binding_of(bufs[i]);
        write[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = set,
            .dstBinding = (uint32_t)i,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = &info[i],
        };
    }
    vkUpdateDescriptorSets(dev->device, (uint32_t)n, write, 0, NULL);
}

/* Fold a number of groups into two axes; the kernel drops what is too much. */
static int fold(const qvl_vk_device *dev, const qvl_kernel *k, uint32_t n,
                uint32_t groups[2], qvl_err *err)
{
    const uint32_t *most = dev->limits.maxComputeWorkGroupCount;
    uint32_t width = most[0] < QVL_VK_MAX_FOLD ? most[0] : QVL_VK_MAX_FOLD;
    groups[0] = n < width ? n : width;
    groups[1] = (n - 1) / groups[0] + 1;
    if (groups[1] <= most[1])
        return QVL_OK;
    return qvl_fail(err, QVL_E_DEVICE,
                    "kernel %s: found %u groups, vulkan:%d (%s) runs fewer",
                    k->name, (unsigned)n, dev->base.info.index,
                    dev->base.info.name);
}

static int prepare(qvl_vk_device *dev, const qvl_kernel *k,
                   const qvl_slice *bufs, const uint32_t *args,
                   const qvl_call_size *size, qvl_vk_call *call, qvl_err *err)
{
    qvl_list *list = dev->open;
    const qvl_vk_layout *layout = NULL;
    QVL_TRY(qvl_vk_pipeline_find(dev, k, size->tiling, args, &call->pipeline,
                                 err));
    QVL_TRY(qvl_vk_layout_find(dev, k->n_bufs, &layout, err));
    QVL_TRY(fold(dev, k, size->n_groups, call->groups, err));
    QVL_TRY(check_sets(dev, err));
    QVL_TRY(qvl_vk_result(dev, take_set(dev, list, k->n_bufs, layout->set,
                                        &call->set), "descriptors", err));
    list->n_sets++;
    dev->n_sets++;
    write_set(dev, call->set, bufs, k->n_bufs);
    memcpy(call->push, args, (size_t)k->n_args * sizeof *args);
    call->push[k->n_args] = size->n_groups;
    call->barrier_before = qvl_hazard_meets(&list->hazard, bufs, k->access,
                                            k->n_bufs);
    return QVL_OK;
}

int qvl_vk_dispatch(qvl_device *base, const qvl_kernel *k,
                    const qvl_slice *bufs, const uint32_t *args,
                    qvl_err *err)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    assert(dev->open != NULL && "list_begin comes first");

    qvl_call_size size;
    QVL_TRY(qvl_vk_check(dev, err));
    QVL_TRY(qvl_call_check(base, k, bufs, args, &size, err));
    qvl_vk_call *call = qvl_arena_alloc(&dev->open->arena, sizeof *call);
    if (size.n_groups > 0)
        QVL_TRY(prepare(dev, k, bufs, args, &size, call, err));
    append(dev->open, call);
    return QVL_OK;
}

int qvl_vk_copy(qvl_device *base, qvl_slice dst, qvl_slice src, qvl_err *err)
{
    static const uint8_t access[] = { QVL_ACCESS_OUT, QVL_ACCESS_IN };
    qvl_vk_device *dev = (qvl_vk_device *)base;
    assert(dev->open != NULL && "list_begin comes first");
    qvl_copy_check(dst, src);
    QVL_TRY(qvl_vk_check(dev, err));

    const qvl_vk_buf *to = dst.buf->id;
    const qvl_vk_buf *from = src.buf->id;
    const qvl_slice slices[] = { dst, src };
    qvl_vk_call *call = qvl_arena_alloc(&dev->open->arena, sizeof *call);
    call->dst = to->buffer;
    call->src = from->buffer;
    call->copy = (VkBufferCopy){ .srcOffset = src.at, .dstOffset = dst.at,
                                 .size = dst.bytes };
    call->barrier_before = qvl_hazard_meets(&dev->open->hazard, slices,
                                            access, 2);
    append(dev->open, call);
    return QVL_OK;
}

static void record_call(qvl_vk_device *dev, VkCommandBuffer command,
                        const qvl_vk_call *c)
{
    if (c->pipeline == NULL) {
        if (c->copy.size > 0)
            vkCmdCopyBuffer(command, c->src, c->dst, 1, &c->copy);
        return;
    }
    const qvl_kernel *k = c->pipeline->k;
    VkPipelineLayout layout = dev->layouts[k->n_bufs].pipeline;
    vkCmdBindPipeline(command, VK_PIPELINE_BIND_POINT_COMPUTE,
                      c->pipeline->pipeline);
    vkCmdBindDescriptorSets(command, VK_PIPELINE_BIND_POINT_COMPUTE, layout,
                            0, 1, &c->set, 0, NULL);
    vkCmdPushConstants(command, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                       ((uint32_t)k->n_args + 1) * sizeof *c->push, c->push);
    vkCmdDispatch(command, c->groups[0], c->groups[1], 1);
}

/* The list may be queued again before it is over. */
int qvl_vk_list_end(qvl_device *base, qvl_list **out, qvl_err *err)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    qvl_list *list = dev->open;
    assert(list != NULL);
    QVL_TRY(qvl_vk_check(dev, err));
    QVL_TRY(qvl_vk_command_begin(dev, &list->command,
                                 VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
                                 err));
    qvl_vk_barrier(list->command);
    for (const qvl_vk_call *c = list->first; c != NULL; c = c->next) {
        if (c->barrier_before)
            qvl_vk_barrier(list->command);
        record_call(dev, list->command, c);
    }
    qvl_vk_barrier_host(list->command);
    QVL_TRY(qvl_vk_command_end(dev, list->command, err));
    dev->open = NULL;
    *out = list;
    return QVL_OK;
}

void qvl_vk_list_release(qvl_device *base, qvl_list *list)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    if (list == NULL)
        return;
    if (!dev->lost)
        qvl_vk_wait_for(dev, list->ticket, NULL);
    if (list->command != NULL)
        vkFreeCommandBuffers(dev->device, dev->commands, 1, &list->command);
    for (qvl_vk_pool *p = list->pools; p != NULL; p = p->next)
        vkDestroyDescriptorPool(dev->device, p->pool, NULL);
    dev->n_sets -= list->n_sets;
    qvl_arena_release(&list->arena);
    free(list);
}

int qvl_vk_submit(qvl_device *base, qvl_list *list, qvl_err *err)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    QVL_TRY(qvl_vk_check(dev, err));
    dev->counts.n_submits++;
    return qvl_vk_queue(dev, list->command, &list->ticket, err);
}

/* One timestamp before all, and one behind each call and its barrier. */
static int record_measured(qvl_vk_device *dev, const qvl_list *list,
                           VkQueryPool pool, VkCommandBuffer *command,
                           qvl_err *err)
{
    QVL_TRY(qvl_vk_command_begin(dev, command,
                                 VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
                                 err));
    uint32_t n = 0;
    vkCmdResetQueryPool(*command, pool, 0, (uint32_t)list->n_calls + 1);
    qvl_vk_barrier(*command);
    vkCmdWriteTimestamp(*command, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool,
                        n++);
    for (const qvl_vk_call *c = list->first; c != NULL; c = c->next) {
        record_call(dev, *command, c);
        qvl_vk_barrier(*command);
        vkCmdWriteTimestamp(*command, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                            pool, n++);
    }
    qvl_vk_barrier_host(*command);
    return qvl_vk_command_end(dev, *command, err);
}

static int read_times(qvl_vk_device *dev, VkQueryPool pool, uint32_t n,
                      double *s, qvl_err *err)
{
    uint64_t *at = calloc((size_t)n + 1, sizeof *at);
    if (at == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "vulkan: no memory for a profile");
    VkResult result = vkGetQueryPoolResults(
        dev->device, pool, 0, n + 1, ((size_t)n + 1) * sizeof *at, at,
        sizeof *at, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
    uint64_t mask = dev->timestamp_bits < 64
        ? ((uint64_t)1 << dev->timestamp_bits) - 1 : UINT64_MAX;
    double period_s = 1e-9 * (double)dev->limits.timestampPeriod;
    for (uint32_t i = 0; i < n && result == VK_SUCCESS; i++)
        s[i] = period_s * (double)((at[i + 1] - at[i]) & mask);
    free(at);
    return qvl_vk_result(dev, result, "profile", err);
}

int qvl_vk_profile(qvl_device *base, qvl_list *list, double *s, qvl_err *err)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    uint32_t n = (uint32_t)list->n_calls;
    QVL_TRY(qvl_vk_check(dev, err));
    if (dev->timestamp_bits == 0)
        return qvl_fail(err, QVL_E_UNSUPPORTED,
                        "profile: vulkan:%d (%s) has no timestamps",
                        base->info.index, base->info.name);
    VkQueryPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = n + 1,
    };
    VkQueryPool pool = VK_NULL_HANDLE;
    VkCommandBuffer command = NULL;
    uint64_t ticket = 0;
    QVL_TRY(qvl_vk_result(dev, vkCreateQueryPool(dev->device, &info, NULL,
                                                 &pool), "profile", err));
    int rc = record_measured(dev, list, pool, &command, err);
    if (rc == QVL_OK)
        rc = qvl_vk_queue(dev, command, &ticket, err);
    if (rc == QVL_OK)
        rc = qvl_vk_wait_for(dev, ticket, err);
    if (rc == QVL_OK)
        rc = read_times(dev, pool, n, s, err);
    if (command != NULL)
        vkFreeCommandBuffers(dev->device, dev->commands, 1, &command);
    vkDestroyQueryPool(dev->device, pool, NULL);
    return rc;
}
