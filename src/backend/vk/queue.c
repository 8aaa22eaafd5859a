/* queue.c - command buffers, barriers, submissions and waiting */
#include "backend/vk/vk.h"

int qvl_vk_command_begin(qvl_vk_device *dev, VkCommandBuffer *command,
                         VkCommandBufferUsageFlags usage, qvl_err *err)
{
    VkResult result = VK_SUCCESS;
    if (*command == NULL) {
        VkCommandBufferAllocateInfo allocate = {
            .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
            .commandPool = dev->commands,
            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
            .commandBufferCount = 1,
        };
        result = vkAllocateCommandBuffers(dev->device, &allocate, command);
    }
    VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = usage,
    };
    if (result == VK_SUCCESS)
        result = vkBeginCommandBuffer(*command, &begin);
    return qvl_vk_result(dev, result, "recording", err);
}

int qvl_vk_command_end(qvl_vk_device *dev, VkCommandBuffer command,
                       qvl_err *err)
{
    return qvl_vk_result(dev, vkEndCommandBuffer(command), "recording", err);
}

#define DEVICE_STAGES (VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT                   \
                       | VK_PIPELINE_STAGE_TRANSFER_BIT)
#define DEVICE_WRITES (VK_ACCESS_SHADER_WRITE_BIT                             \
                       | VK_ACCESS_TRANSFER_WRITE_BIT)
#define DEVICE_READS (VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT)

static void barrier(VkCommandBuffer command, VkPipelineStageFlags stages,
                    VkAccessFlags access)
{
    VkMemoryBarrier memory = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = DEVICE_WRITES,
        .dstAccessMask = access,
    };
    vkCmdPipelineBarrier(command, DEVICE_STAGES, stages, 0, 1, &memory, 0,
                         NULL, 0, NULL);
}

void qvl_vk_barrier(VkCommandBuffer command)
{
    barrier(command, DEVICE_STAGES, DEVICE_READS | DEVICE_WRITES);
}

void qvl_vk_barrier_host(VkCommandBuffer command)
{
    barrier(command, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

int qvl_vk_flush(qvl_vk_device *dev, qvl_err *err)
{
    qvl_vk_stage *stage = dev->writing;
    if (stage == NULL)
        return QVL_OK;
    dev->writing = NULL;
    QVL_TRY(qvl_vk_command_end(dev, stage->command, err));
    return qvl_vk_queue(dev, stage->command, &stage->ticket, err);
}

int qvl_vk_queue(qvl_vk_device *dev, VkCommandBuffer command,
                 uint64_t *ticket, qvl_err *err)
{
    QVL_TRY(qvl_vk_flush(dev, err));
    uint64_t next = dev->ticket + 1;
    VkTimelineSemaphoreSubmitInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .signalSemaphoreValueCount = 1,
        .pSignalSemaphoreValues = &next,
    };
    VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &timeline,
        .commandBufferCount = 1,
        .pCommandBuffers = &command,
        .signalSemaphoreCount = 1,
        .pSignalSemaphores = &dev->timeline,
    };
    VkResult result = vkQueueSubmit(dev->queue, 1, &info, VK_NULL_HANDLE);
    if (result == VK_SUCCESS)
        *ticket = dev->ticket = next;
    return qvl_vk_result(dev, result, "submission", err);
}

int qvl_vk_refresh(qvl_vk_device *dev, qvl_err *err)
{
    return qvl_vk_result(dev,
                         vkGetSemaphoreCounterValue(dev->device,
                                                    dev->timeline,
                                                    &dev->ticket_done),
                         "state of the queue", err);
}

int qvl_vk_wait_all(qvl_vk_device *dev, qvl_err *err)
{
    QVL_TRY(qvl_vk_flush(dev, err));
    return qvl_vk_wait_for(dev, dev->ticket, err);
}

int qvl_vk_wait_for(qvl_vk_device *dev, uint64_t ticket, qvl_err *err)
{
    VkResult result = VK_SUCCESS;
    if (ticket > dev->ticket_done) {
        VkSemaphoreWaitInfo info = {
            .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
            .semaphoreCount = 1,
            .pSemaphores = &dev->timeline,
            .pValues = &ticket,
        };
        dev->counts.n_waits++;
        result = vkWaitSemaphores(dev->device, &info, UINT64_MAX);
        if (result == VK_SUCCESS)
            dev->ticket_done = ticket;
    }
    return qvl_vk_result(dev, result, "wait", err);
}
