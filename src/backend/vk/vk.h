/* vk.h - Vulkan as a back end; shared by the files of this folder
 *
 * Vulkan 1.2 through the loader, one compute queue. Every submission counts a
 * timeline semaphore up by one; the host waits for a number of it. Each list
 * and each copy starts behind a barrier that orders it after all before.
 *
 * Buffers are allocations of their own: callers make few, large ones. On
 * devices that share the host's memory they stay mapped and are written and
 * read in place; elsewhere copies go through a staging buffer.
 *
 * Environment, for tests: QVL_VK_VALIDATE=1 loads the validation layer and
 * turns its first warning or error into the result of the next call;
 * QVL_VK_STAGING=1 copies through staging even where memory is shared.
 */
#ifndef QVL_BACKEND_VK_VK_H
#define QVL_BACKEND_VK_VK_H

#include <vulkan/vulkan.h>

#include "backend/internal.h"
#include "backend/vk/hazard.h"
#include "base/arena.h"

/* Groups along one axis: the least that every device allows. */
#define QVL_VK_MAX_FOLD 65535u

/* Mesa's driver on the processor ends all loops of a lane after so many turns,
 * without an error. */
#define QVL_VK_LLVMPIPE_TURNS 65535u

/* Attention takes up to 8.8 turns a row with the tiles of
 * configs/tune/vulkan-cpu.yaml: fewer than that for so many rows. */
#define QVL_VK_LLVMPIPE_WALK 7000u

/* Mesa's driver on the processor maps memory for each descriptor set, from some
 * version on, and crashes where the system maps no more. Dispatches of the lists that
 * are there at a time may take this share of what it maps for a process. */
#define QVL_VK_LLVMPIPE_SETS(maps) ((maps) / 4 * 3)

/* Memory of one qvl_buf; its `id` points here. */
typedef struct {
    // owned
    VkBuffer buffer;
    VkDeviceMemory memory;
    void *mapped;  // NULL: not shared with the host
} qvl_vk_buf;

/* A kernel compiled for one device, one tiling and one set of constants. */
typedef struct qvl_vk_pipeline {
    struct qvl_vk_pipeline *next;
    const qvl_kernel *k;
    qvl_tiling tiling;
    uint32_t constant[QVL_KERNEL_MAX_CONSTS];
    // owned
    VkPipeline pipeline;
} qvl_vk_pipeline;

/* What pipelines of n buffers share; index n of the device's table. */
typedef struct {
    // owned
    VkDescriptorSetLayout set;
    VkPipelineLayout pipeline;
} qvl_vk_layout;

/* One entry of a list. Empty when it has no pipeline and no bytes to copy. */
typedef struct qvl_vk_call {
    struct qvl_vk_call *next;
    const qvl_vk_pipeline *pipeline;  // NULL: a copy
    bool barrier_before;
    VkDescriptorSet set;
    uint32_t groups[2];
    uint32_t push[QVL_KERNEL_MAX_ARGS + 1];  // args, then groups wanted
    VkBuffer dst, src;
    VkBufferCopy copy;
} qvl_vk_call;

typedef struct qvl_vk_pool {
    struct qvl_vk_pool *next;
    VkDescriptorPool pool;
} qvl_vk_pool;

struct qvl_list {
    // owned
    qvl_arena arena;  // of the calls and pools
    qvl_vk_call *first;
    qvl_vk_pool *pools;       // the one in use first
    VkCommandBuffer command;  // NULL until the list ends
    // state
    qvl_vk_call **end;
    int n_calls;
    uint32_t n_sets;       // taken, of the device's
    int sets_left;         // in the pool in use
    int descriptors_left;
    qvl_hazard hazard;
    uint64_t ticket;  // of the last submission
};

/* A part of the staging buffer, used in turns. */
typedef struct {
    VkCommandBuffer command;
    uint64_t ticket;  // of the copy that uses it last
} qvl_vk_stage;

#define QVL_VK_STAGES 4
#define QVL_VK_STAGE_BYTES ((size_t)8 << 20)

typedef struct qvl_vk_device {
    qvl_device base;
    qvl_device_counts counts;
    bool lost;
    bool in_place;  // buffers are mapped; staging only for writes while it runs
    bool has_16bit_storage;
    VkPhysicalDevice physical;
    VkPhysicalDeviceLimits limits;
    VkPhysicalDeviceMemoryProperties memory;
    uint32_t family;
    uint32_t timestamp_bits;
    VkQueue queue;
    uint64_t ticket;       // last one submitted
    uint64_t ticket_done;  // known to be over
    // owned
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkDevice device;
    VkSemaphore timeline;
    VkCommandPool commands;
    VkPipelineCache cache;
    uint64_t cache_hash;   // of the cache's file when it was loaded
    qvl_vk_layout layouts[QVL_KERNEL_MAX_BUFS + 1];
    qvl_vk_pipeline *pipelines;
    qvl_arena arena;       // of the pipeline entries
    qvl_vk_buf staging;
    qvl_vk_stage stages[QVL_VK_STAGES];
    int next_stage;
    qvl_vk_stage *writing; // copies to the device that are recorded and not yet
                           // submitted, NULL: none
    size_t writing_at;     // first byte of that stage
    size_t writing_bytes;  // taken of it
    qvl_list *open;        // being recorded, NULL: none
    uint32_t n_sets;       // of all lists
    char complaint[768];   // first message of the validation layer, "": none
} qvl_vk_device;

/* --- error.c */

/* Raise the error of a call of the API and return its code, QVL_E_INTERNAL for a
 * result that has no other; a device that is gone counts as lost from here on. */
int qvl_vk_fail(qvl_vk_device *dev, VkResult result, const char *what,
                qvl_err *err);

/* QVL_OK, or the error of `result`, or QVL_E_INTERNAL for a message of the validation
 * layer, which is raised once: the call itself succeeded then. */
int qvl_vk_result(qvl_vk_device *dev, VkResult result, const char *what,
                  qvl_err *err);

/* Leave with QVL_E_DEVICE_LOST when the device is gone. */
int qvl_vk_check(const qvl_vk_device *dev, qvl_err *err);

/* --- instance.c */

/* The devices of an instance that we can use; returns how many. */
#define QVL_VK_MAX_DEVICES 16
int qvl_vk_list_devices(VkInstance instance,
                        VkPhysicalDevice device[QVL_VK_MAX_DEVICES]);

/* Make an instance, which the caller destroys; `dev` gets the messages of the
 * validation layer where the environment asks for it, and may be NULL for none.
 * Fails with QVL_E_DEVICE; *instance may then be set, unless dev is NULL. */
int qvl_vk_instance_open(VkInstance *instance, qvl_vk_device *dev,
                         qvl_err *err);
void qvl_vk_info(VkPhysicalDevice physical, int index, qvl_device_info *info);

/* Family of a queue that computes, -1 for none; `bits`, unless NULL, gets the
 * valid bits of its timestamps. */
int qvl_vk_family(VkPhysicalDevice physical, uint32_t *bits);

/* --- memory.c */

/* A buffer of bytes > 0 in memory with the properties wanted, mapped when those of
 * the host are among them; not counted. *buf is unchanged on an error. */
int qvl_vk_buf_open(qvl_vk_device *dev, size_t bytes,
                    VkMemoryPropertyFlags wanted, qvl_vk_buf *buf,
                    qvl_err *err);
void qvl_vk_buf_close(qvl_vk_device *dev, qvl_vk_buf *buf);

/* Memory; see backend.h. */
int qvl_vk_alloc(qvl_device *dev, size_t bytes, qvl_buf *buf, qvl_err *err);
void qvl_vk_release(qvl_device *dev, qvl_buf *buf);
int qvl_vk_write(qvl_device *dev, qvl_slice dst, const void *src,
                 qvl_err *err);
int qvl_vk_read(qvl_device *dev, qvl_slice src, void *dst, qvl_err *err);
void *qvl_vk_host(qvl_device *dev, qvl_slice slice);

/* --- queue.c */

/* Start to record; allocates *command, from the device's pool, when it is NULL, and
 * leaves it there also after an error. */
int qvl_vk_command_begin(qvl_vk_device *dev, VkCommandBuffer *command,
                         VkCommandBufferUsageFlags usage, qvl_err *err);
/* Order all that follows on the device after all before. */
void qvl_vk_barrier(VkCommandBuffer command);
/* Let the host see what was written; last in whatever it will read. */
void qvl_vk_barrier_host(VkCommandBuffer command);

/* End a command buffer that will be queued. */
int qvl_vk_command_end(qvl_vk_device *dev, VkCommandBuffer command,
                       qvl_err *err);
/* Submit the writes that wait in a stage; whoever queues or waits for all does
 * it first. */
int qvl_vk_flush(qvl_vk_device *dev, qvl_err *err);
/* Hand a recorded command buffer to the queue, behind the writes that wait; *ticket
 * is over when it is. */
int qvl_vk_queue(qvl_vk_device *dev, VkCommandBuffer command,
                 uint64_t *ticket, qvl_err *err);

/* Wait until a ticket is over; counts as a wait when it was not known to be. */
int qvl_vk_wait_for(qvl_vk_device *dev, uint64_t ticket, qvl_err *err);
/* Wait until everything asked for is over. */
int qvl_vk_wait_all(qvl_vk_device *dev, qvl_err *err);
/* Ask the driver how far it is, so that no wait is counted for what is over. */
int qvl_vk_refresh(qvl_vk_device *dev, qvl_err *err);

/* --- pipeline.c and cache.c */

/* The kernel for these tiles and args, compiled when it is not there yet; it belongs
 * to the device. Fails with QVL_E_UNSUPPORTED when the build left it out, with
 * QVL_E_DEVICE when the device lacks what it needs; runs out of host memory as an
 * arena does. */
int qvl_vk_pipeline_find(qvl_vk_device *dev, const qvl_kernel *k,
                         const qvl_tiling *tiling, const uint32_t *args,
                         const qvl_vk_pipeline **pipeline, qvl_err *err);
/* Layouts for n buffers, 1 to QVL_KERNEL_MAX_BUFS, made at first use; they belong to
 * the device. */
int qvl_vk_layout_find(qvl_vk_device *dev, int n_bufs,
                       const qvl_vk_layout **layout, qvl_err *err);
void qvl_vk_pipelines_release(qvl_vk_device *dev);

/* Start with what the last run left on disk, and leave it there again. The
 * cache saves time only: a file that is missing, damaged or cannot be written
 * changes nothing else. Loading fails only where the driver makes no cache. */
int qvl_vk_cache_load(qvl_vk_device *dev, qvl_err *err);
void qvl_vk_cache_save(qvl_vk_device *dev);

/* --- list.c; see backend.h */

int qvl_vk_list_begin(qvl_device *dev, qvl_err *err);
int qvl_vk_dispatch(qvl_device *dev, const qvl_kernel *k,
                    const qvl_slice *bufs, const uint32_t *args,
                    qvl_err *err);
int qvl_vk_copy(qvl_device *dev, qvl_slice dst, qvl_slice src, qvl_err *err);
int qvl_vk_list_end(qvl_device *dev, qvl_list **list, qvl_err *err);
void qvl_vk_list_release(qvl_device *dev, qvl_list *list);
int qvl_vk_submit(qvl_device *dev, qvl_list *list, qvl_err *err);
int qvl_vk_profile(qvl_device *dev, qvl_list *list, double *s, qvl_err *err);

#endif
