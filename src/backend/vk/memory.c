/* memory.c - buffers, and the way of data in and out
 *
 * Where memory is shared, data is copied in place when the device is idle.
 * Else, and elsewhere, it passes through a host-visible buffer that is cut in stages, used
 * in turns: a write returns when the data lies in a stage, and the queue takes
 * it from there in its order.
 */
#include "backend/vk/vk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MEMORY (VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT                      \
                     | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)

/* A memory type out of `allowed` with the properties wanted, if possible one
 * that the host caches when it maps it; -1 for none. */
static int choose_type(const qvl_vk_device *dev, uint32_t allowed,
                       VkMemoryPropertyFlags wanted)
{
    int found = -1;
    for (uint32_t i = 0; i < dev->memory.memoryTypeCount; i++) {
        VkMemoryPropertyFlags has = dev->memory.memoryTypes[i].propertyFlags;
        if ((allowed >> i & 1u) == 0 || (has & wanted) != wanted)
            continue;
        bool is_best = (wanted & HOST_MEMORY) == 0
            || (has & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) != 0;
        if (is_best)
            return (int)i;
        if (found < 0)
            found = (int)i;
    }
    return found;
}

static VkResult take_memory(qvl_vk_device *dev, VkMemoryPropertyFlags wanted,
                            qvl_vk_buf *buf)
{
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(dev->device, buf->buffer, &needs);
    int type = choose_type(dev, needs.memoryTypeBits, wanted);
    if (type < 0)
        return VK_ERROR_FEATURE_NOT_PRESENT;
    VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size,
        .memoryTypeIndex = (uint32_t)type,
    };
    VkResult result = vkAllocateMemory(dev->device, &info, NULL,
                                       &buf->memory);
    if (result == VK_SUCCESS)
        result = vkBindBufferMemory(dev->device, buf->buffer, buf->memory, 0);
    if (result == VK_SUCCESS && (wanted & HOST_MEMORY) != 0)
        result = vkMapMemory(dev->device, buf->memory, 0, VK_WHOLE_SIZE, 0,
                             &buf->mapped);
    return result;
}

int qvl_vk_buf_open(qvl_vk_device *dev, size_t bytes,
                    VkMemoryPropertyFlags wanted, qvl_vk_buf *buf,
                    qvl_err *err)
{
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = bytes,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT
            | VK_BUFFER_USAGE_TRANSFER_SRC_BIT
            | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    qvl_vk_buf made = { 0 };
    VkResult result = vkCreateBuffer(dev->device, &info, NULL, &made.buffer);
    if (result == VK_SUCCESS)
        result = take_memory(dev, wanted, &made);
    int rc = QVL_OK;
    if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY
        || result == VK_ERROR_OUT_OF_HOST_MEMORY)
        rc = qvl_alloc_fail(&dev->base, &dev->counts, bytes,
                            "refused by the driver", err);
    else
        rc = qvl_vk_result(dev, result, "memory", err);
    if (rc == QVL_OK)
        *buf = made;
    else
        qvl_vk_buf_close(dev, &made);
    return rc;
}

void qvl_vk_buf_close(qvl_vk_device *dev, qvl_vk_buf *buf)
{
    vkDestroyBuffer(dev->device, buf->buffer, NULL);
    vkFreeMemory(dev->device, buf->memory, NULL);
    *buf = (qvl_vk_buf){ 0 };
}

int qvl_vk_alloc(qvl_device *base, size_t bytes, qvl_buf *buf, qvl_err *err)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    QVL_TRY(qvl_vk_check(dev, err));
    QVL_TRY(qvl_alloc_check(base, &dev->counts, bytes, err));
    qvl_vk_buf *made = calloc(1, sizeof *made);
    if (made == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "vulkan: no memory for a buffer");
    VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    if (dev->in_place)
        wanted |= HOST_MEMORY;
    int rc = qvl_vk_buf_open(dev, bytes < 16 ? 16 : bytes, wanted, made, err);
    if (rc != QVL_OK) {
        free(made);
        return rc;
    }
    qvl_counts_take(&dev->counts, bytes);
    *buf = (qvl_buf){ .id = made, .bytes = bytes };
    return QVL_OK;
}

void qvl_vk_release(qvl_device *base, qvl_buf *buf)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    if (buf == NULL || buf->id == NULL)
        return;
    if (!dev->lost)
        qvl_vk_wait_all(dev, NULL);
    qvl_vk_buf_close(dev, buf->id);
    free(buf->id);
    qvl_counts_give(&dev->counts, buf->bytes);
    *buf = (qvl_buf){ 0 };
}

void *qvl_vk_host(qvl_device *base, qvl_slice slice)
{
    const qvl_vk_buf *buf = slice.buf->id;
    (void)base;
    return buf->mapped != NULL ? (char *)buf->mapped + slice.at : NULL;
}

/* Start a copy through the next stage: wait until it is free, and record. */
static int stage_begin(qvl_vk_device *dev, qvl_vk_stage **stage, size_t *at,
                       qvl_err *err)
{
    if (dev->staging.buffer == VK_NULL_HANDLE)
        QVL_TRY(qvl_vk_buf_open(dev, QVL_VK_STAGES * QVL_VK_STAGE_BYTES,
                                HOST_MEMORY, &dev->staging, err));
    int i = dev->next_stage;
    qvl_vk_stage *s = &dev->stages[i];
    QVL_TRY(qvl_vk_refresh(dev, err));
    QVL_TRY(qvl_vk_wait_for(dev, s->ticket, err));
    QVL_TRY(qvl_vk_command_begin(dev, &s->command,
                                 VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
                                 err));
    qvl_vk_barrier(s->command);
    dev->next_stage = (i + 1) % QVL_VK_STAGES;
    *stage = s;
    *at = (size_t)i * QVL_VK_STAGE_BYTES;
    return QVL_OK;
}

static size_t stage_bytes(size_t left)
{
    return left < QVL_VK_STAGE_BYTES ? left : QVL_VK_STAGE_BYTES;
}

static int begin_writing(qvl_vk_device *dev, qvl_err *err)
{
    dev->writing_bytes = 0;
    return stage_begin(dev, &dev->writing, &dev->writing_at, err);
}

/* Copy in through stages. What fits into one goes to the device together, ahead
 * of the next submission: an optimizer step writes many small arrays between two
 * lists, and neither submits each nor waits for the list before. */
static int write_staged(qvl_vk_device *dev, qvl_slice dst, const char *src,
                        qvl_err *err)
{
    const qvl_vk_buf *buf = dst.buf->id;
    for (size_t done = 0; done < dst.bytes;) {
        if (dev->writing != NULL)
            qvl_vk_barrier(dev->writing->command);
        else
            QVL_TRY(begin_writing(dev, err));
        size_t from = dev->writing_at + dev->writing_bytes;
        size_t room = QVL_VK_STAGE_BYTES - dev->writing_bytes;
        size_t left = dst.bytes - done;
        VkBufferCopy region = { .srcOffset = from, .dstOffset = dst.at + done,
                                .size = left < room ? left : room };
        memcpy((char *)dev->staging.mapped + from, src + done, region.size);
        vkCmdCopyBuffer(dev->writing->command, dev->staging.buffer,
                        buf->buffer, 1, &region);
        done += region.size;
        dev->writing_bytes += (region.size + 15) / 16 * 16;
        if (dev->writing_bytes >= QVL_VK_STAGE_BYTES)
            QVL_TRY(qvl_vk_flush(dev, err));
    }
    return QVL_OK;
}

/* Is nothing on its way to the device or running there? */
static int find_idle(qvl_vk_device *dev, bool *is_idle, qvl_err *err)
{
    if (dev->ticket > dev->ticket_done)
        QVL_TRY(qvl_vk_refresh(dev, err));
    *is_idle = dev->writing == NULL && dev->ticket <= dev->ticket_done;
    return QVL_OK;
}

int qvl_vk_write(qvl_device *base, qvl_slice dst, const void *src,
                 qvl_err *err)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    qvl_vk_buf *buf = dst.buf->id;
    bool is_idle = false;
    assert(dst.at <= dst.buf->bytes && dst.bytes <= dst.buf->bytes - dst.at);
    QVL_TRY(qvl_vk_check(dev, err));
    if (dst.bytes == 0)
        return QVL_OK;
    if (buf->mapped != NULL)
        QVL_TRY(find_idle(dev, &is_idle, err));
    if (is_idle)
        memcpy((char *)buf->mapped + dst.at, src, dst.bytes);
    else
        QVL_TRY(write_staged(dev, dst, src, err));
    dev->counts.bytes_up += dst.bytes;
    return QVL_OK;
}

/* Queue the copy of a part into a stage; *host is where it will lie. */
static int read_stage(qvl_vk_device *dev, const qvl_vk_buf *src, size_t at,
                      size_t bytes, const qvl_vk_stage **stage,
                      const char **host, qvl_err *err)
{
    qvl_vk_stage *s = NULL;
    size_t to = 0;
    QVL_TRY(stage_begin(dev, &s, &to, err));
    VkBufferCopy region = { .srcOffset = at, .dstOffset = to, .size = bytes };
    vkCmdCopyBuffer(s->command, src->buffer, dev->staging.buffer, 1, &region);
    qvl_vk_barrier_host(s->command);
    QVL_TRY(qvl_vk_command_end(dev, s->command, err));
    QVL_TRY(qvl_vk_queue(dev, s->command, &s->ticket, err));
    *stage = s;
    *host = (const char *)dev->staging.mapped + to;
    return QVL_OK;
}

/* The copy of a part runs while the host takes the one before it. */
static int read_staged(qvl_vk_device *dev, qvl_slice src, char *dst,
                       qvl_err *err)
{
    const qvl_vk_stage *stage = NULL;
    const char *host = NULL;
    size_t done = 0;
    QVL_TRY(read_stage(dev, src.buf->id, src.at, stage_bytes(src.bytes),
                       &stage, &host, err));
    while (done < src.bytes) {
        const qvl_vk_stage *this_stage = stage;
        const char *this_host = host;
        size_t bytes = stage_bytes(src.bytes - done);
        size_t next = done + bytes;
        if (next < src.bytes)
            QVL_TRY(read_stage(dev, src.buf->id, src.at + next,
                               stage_bytes(src.bytes - next), &stage, &host,
                               err));
        QVL_TRY(qvl_vk_wait_for(dev, this_stage->ticket, err));
        memcpy(dst + done, this_host, bytes);
        done = next;
    }
    return QVL_OK;
}

int qvl_vk_read(qvl_device *base, qvl_slice src, void *dst, qvl_err *err)
{
    qvl_vk_device *dev = (qvl_vk_device *)base;
    const qvl_vk_buf *buf = src.buf->id;
    assert(src.at <= src.buf->bytes && src.bytes <= src.buf->bytes - src.at);
    QVL_TRY(qvl_vk_check(dev, err));
    if (buf->mapped == NULL && src.bytes > 0) {
        QVL_TRY(read_staged(dev, src, dst, err));
    } else {
        QVL_TRY(qvl_vk_wait_all(dev, err));
        if (src.bytes > 0)
            memcpy(dst, (const char *)buf->mapped + src.at, src.bytes);
    }
    dev->counts.bytes_down += src.bytes;
    return QVL_OK;
}
