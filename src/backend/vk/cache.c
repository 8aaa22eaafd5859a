/* cache.c - compiled pipelines kept on disk from run to run
 *
 * One file for each device and driver, $XDG_CACHE_HOME/qvl/vk-*.bin or
 * ~/.cache/qvl/vk-*.bin:
 *
 *     magic      8 bytes
 *     hash       u64, FNV-1a of the rest
 *     the rest   what the driver gave, which begins with a header of its own
 *
 * Drivers check their own header and little else, so a file whose hash is wrong
 * never reaches them.
 */
#include "backend/vk/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"

static const char magic[8] = "qvlpipe1";

#define HEAD_BYTES (sizeof magic + sizeof(uint64_t))

static uint64_t hash_of(const unsigned char *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* Folder of the cache; false when the environment names none. */
static bool put_folder(char *path, size_t bytes)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int n = 0;
    if (cache != NULL && cache[0] == '/')
        n = snprintf(path, bytes, "%s/qvl", cache);
    else if (home != NULL && home[0] == '/')
        n = snprintf(path, bytes, "%s/.cache/qvl", home);
    return n > 0 && (size_t)n < bytes;
}

static bool put_path(const qvl_vk_device *dev, const char *folder, char *path,
                     size_t bytes)
{
    VkPhysicalDeviceProperties p;
    vkGetPhysicalDeviceProperties(dev->physical, &p);
    char uuid[2 * VK_UUID_SIZE + 1];
    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        snprintf(uuid + 2 * i, 3, "%02x", p.pipelineCacheUUID[i]);
    int n = snprintf(path, bytes, "%s/vk-%08x-%08x-%s.bin", folder,
                     (unsigned)p.vendorID, (unsigned)p.deviceID, uuid);
    return n > 0 && (size_t)n < bytes;
}

/* The driver's part of a file, NULL when it is damaged. */
static const void *find_body(const qvl_file_map *map, size_t *bytes,
                             uint64_t *hash)
{
    const unsigned char *p = map->p;
    if (map->len <= HEAD_BYTES || memcmp(p, magic, sizeof magic) != 0)
        return NULL;
    memcpy(hash, p + sizeof magic, sizeof *hash);
    if (hash_of(p + HEAD_BYTES, map->len - HEAD_BYTES) != *hash)
        return NULL;
    *bytes = map->len - HEAD_BYTES;
    return p + HEAD_BYTES;
}

static VkResult make_cache(qvl_vk_device *dev, const void *data, size_t bytes)
{
    VkPipelineCacheCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
        .initialDataSize = data != NULL ? bytes : 0,
        .pInitialData = data,
    };
    return vkCreatePipelineCache(dev->device, &info, NULL, &dev->cache);
}

int qvl_vk_cache_load(qvl_vk_device *dev, qvl_err *err)
{
    char folder[1024];
    char path[1200];
    qvl_file_map map = { 0 };
    const void *data = NULL;
    size_t bytes = 0;
    if (put_folder(folder, sizeof folder)
        && put_path(dev, folder, path, sizeof path) && qvl_file_exists(path)
        && qvl_file_map_open(&map, path, NULL) == QVL_OK) {
        data = find_body(&map, &bytes, &dev->cache_hash);
        if (data == NULL) {
            qvl_log(QVL_LOG_DEBUG, "%s: damaged, not used", path);
            dev->cache_hash = 0;
        }
    }
    VkResult result = make_cache(dev, data, bytes);
    qvl_file_map_close(&map);
    return qvl_vk_result(dev, result, "pipeline cache", err);
}

/* Everything the driver has, behind our head; NULL when there is nothing new
 * to keep. */
static unsigned char *pack(const qvl_vk_device *dev, size_t *bytes)
{
    size_t body = 0;
    if (vkGetPipelineCacheData(dev->device, dev->cache, &body, NULL)
            != VK_SUCCESS || body == 0)
        return NULL;
    unsigned char *p = malloc(HEAD_BYTES + body);
    if (p == NULL)
        return NULL;
    VkResult result = vkGetPipelineCacheData(dev->device, dev->cache, &body,
                                             p + HEAD_BYTES);
    uint64_t hash = hash_of(p + HEAD_BYTES, body);
    if (result != VK_SUCCESS || hash == dev->cache_hash) {
        free(p);
        return NULL;
    }
    memcpy(p, magic, sizeof magic);
    memcpy(p + sizeof magic, &hash, sizeof hash);
    *bytes = HEAD_BYTES + body;
    return p;
}

typedef struct {
    const char *folder, *path;
    const void *data;
    size_t bytes;
    qvl_err err;
} save_job;

static int save(void *arg)
{
    save_job *job = arg;
    QVL_TRY(qvl_file_make_dirs(job->folder, &job->err));
    return qvl_file_write_all(job->path, job->data, job->bytes, &job->err);
}

/* Under a guard: closing a device must not stop halfway for want of memory. */
void qvl_vk_cache_save(qvl_vk_device *dev)
{
    char folder[1024];
    char path[1200];
    if (dev->lost || dev->cache == VK_NULL_HANDLE || dev->pipelines == NULL
        || !put_folder(folder, sizeof folder)
        || !put_path(dev, folder, path, sizeof path))
        return;
    save_job job = { .folder = folder, .path = path };
    unsigned char *data = pack(dev, &job.bytes);
    if (data == NULL)
        return;
    job.data = data;
    if (qvl_guard(save, &job, &job.err) != QVL_OK)
        qvl_log(QVL_LOG_DEBUG, "%s: not kept: %s", path, job.err.msg);
    free(data);
}
