/* test_vk.c - what a result of Vulkan becomes; pipelines kept on disk */
#include "check.h"

#include <dirent.h>

#include "backend/vk/vk.h"
#include "base/file.h"
#include "base/log.h"
#include "tiny.h"

static void test_codes(void)
{
    static const struct {
        VkResult result;
        int code;
        const char *part;
    } cases[] = {
        { VK_ERROR_OUT_OF_DEVICE_MEMORY, QVL_E_DEVICE_MEMORY, "2.0 MiB held" },
        { VK_ERROR_OUT_OF_HOST_MEMORY, QVL_E_MEMORY, "work" },
        { VK_ERROR_DEVICE_LOST, QVL_E_DEVICE_LOST, "vulkan:3" },
        { VK_ERROR_FEATURE_NOT_PRESENT, QVL_E_DEVICE, "FEATURE" },
        { VK_ERROR_FRAGMENTED_POOL, QVL_E_INTERNAL, "FRAGMENTED" },
        { (VkResult)-77777, QVL_E_INTERNAL, "(-77777)" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_vk_device dev = { .base.info.index = 3,
                              .counts.bytes_held = 2u << 20 };
        qvl_err err;
        CHECK_FAILS(qvl_vk_result(&dev, cases[i].result, "work", &err),
                    cases[i].code, err, cases[i].part);
        CHECK(dev.lost == (cases[i].code == QVL_E_DEVICE_LOST), "case %zu",
              i);
    }
}

static void test_lost_stays_lost(void)
{
    qvl_vk_device dev = { .lost = false };
    qvl_err err;
    CHECK_OK(qvl_vk_check(&dev, &err), err);
    qvl_vk_result(&dev, VK_ERROR_DEVICE_LOST, "wait", &err);
    CHECK_HAS(err.hint, "start the program again", "advice");
    CHECK_FAILS(qvl_vk_check(&dev, &err), QVL_E_DEVICE_LOST, err, "lost");
}

/* A message of the validation layer is reported once. */
static void test_complaint(void)
{
    qvl_vk_device dev = { .complaint = "hazard" };
    qvl_err err;
    CHECK_FAILS(qvl_vk_result(&dev, VK_SUCCESS, "submission", &err),
                QVL_E_INTERNAL, err, "validation: hazard");
    CHECK_OK(qvl_vk_result(&dev, VK_SUCCESS, "submission", &err), err);
}

/* Open the device, use a kernel, close; the cache is loaded and kept. */
static void use_device(void)
{
    qvl_device *dev = NULL;
    qvl_buf buf = { 0 };
    qvl_list *list = NULL;
    qvl_err err;
    const uint32_t args[] = { 4, 1, 0, 0 };
    CHECK_OK(qvl_backend_vulkan.open(&dev, 0, 0, &err), err);
    CHECK_OK(dev->be->alloc(dev, 16, &buf, &err), err);
    const qvl_slice y = { &buf, 0, 16 };
    CHECK_OK(dev->be->list_begin(dev, &err), err);
    CHECK_OK(dev->be->dispatch(dev, &tiny_scale, &y, args, &err), err);
    CHECK_OK(dev->be->list_end(dev, &list, &err), err);
    CHECK_OK(dev->be->submit(dev, list, &err), err);
    dev->be->list_release(dev, list);
    dev->be->release(dev, &buf);
    qvl_device_close(dev);
}

/* The only file of the cache, "" when there is none. */
static const char *cache_file(const char *folder)
{
    static char path[1024];
    int n = 0;
    path[0] = '\0';
    DIR *dir = opendir(folder);
    for (struct dirent *e = dir ? readdir(dir) : NULL; e != NULL;
         e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    CHECK(n <= 1, "%s: %d files", folder, n);
    return path;
}

static char *read_file(const char *path, size_t *len, qvl_arena *arena)
{
    char *text = NULL;
    qvl_err err;
    CHECK_OK(qvl_file_read(path, &text, len, arena, &err), err);
    return text;
}

static void count_damage(void *ctx, int level, const char *text)
{
    (void)level;
    *(int *)ctx += strstr(text, "damaged") != NULL;
}

/* Whatever lies at the place of the file, the device works and the file is
 * whole again afterwards. */
static void test_cache(void)
{
    if (qvl_backend_vulkan.count() == 0) {
        print_message("SKIP vulkan: no device\n");
        return;
    }
    setenv("XDG_CACHE_HOME", check_path("cache"), 1);
    use_device();
    const char *path = cache_file(check_path("cache/qvl"));
    CHECK(path[0] != '\0', "a file is left");

    qvl_arena arena = { 0 };
    qvl_err err;
    size_t len;
    size_t len_again;
    char *good = read_file(path, &len, &arena);
    use_device();
    char *again = read_file(path, &len_again, &arena);
    CHECK(len == len_again && memcmp(good, again, len) == 0, "unchanged");

    for (int damage = 0; damage < 4; damage++) {
        char *bad = qvl_arena_alloc(&arena, len);
        memcpy(bad, good, len);
        bad[len / 2] ^= (char)(damage == 0);
        bad[0] ^= (char)(damage == 1);
        size_t bytes = damage == 2 ? len - 1 : damage == 3 ? 3 : len;
        CHECK_OK(qvl_file_write_all(path, bad, bytes, &err), err);
        int n_found = 0;
        qvl_log_set_sink(count_damage, &n_found, QVL_LOG_DEBUG);
        use_device();
        qvl_log_set_sink(NULL, NULL, 0);
        CHECK_INT(n_found, 1, "damage %d: seen", damage);
        again = read_file(path, &len_again, &arena);
        CHECK(len == len_again && memcmp(good, again, len) == 0,
              "damage %d: mended", damage);
    }
    qvl_arena_release(&arena);
}

/* No place to keep anything. */
static void test_no_cache(void)
{
    static const char *const homes[] = { "/proc/nowhere", "/dev/null", "" };
    if (qvl_backend_vulkan.count() == 0)
        return;
    char *home = getenv("HOME");
    unsetenv("HOME");
    for (size_t i = 0; i < QVL_COUNT(homes); i++) {
        setenv("XDG_CACHE_HOME", homes[i], 1);
        use_device();
    }
    if (home != NULL)
        setenv("HOME", home, 1);
}

/* One more dispatch than the driver can hold is refused, and does no harm: the
 * device works on when the list is gone. */
static void test_too_many_dispatches(void)
{
    qvl_device *dev = NULL;
    qvl_buf buf = { 0 };
    qvl_list *list = NULL;
    qvl_err err = { 0 };
    const uint32_t args[] = { 4, 1, 0, 0 };
    CHECK_OK(qvl_backend_vulkan.open(&dev, 0, 0, &err), err);
    qvl_vk_device *vk = (qvl_vk_device *)dev;
    CHECK_OK(dev->be->alloc(dev, 16, &buf, &err), err);
    const qvl_slice y = { &buf, 0, 16 };
    bool is_limited = dev->info.max_dispatches > 0;
    for (int round = 0; round < 2; round++) {
        uint32_t most = is_limited ? dev->info.max_dispatches : 1000;
        CHECK_OK(dev->be->list_begin(dev, &err), err);
        for (uint32_t i = 0; i < most; i++)
            CHECK_OK(dev->be->dispatch(dev, &tiny_scale, &y, args, &err), err);
        if (is_limited)
            CHECK_FAILS(dev->be->dispatch(dev, &tiny_scale, &y, args, &err),
                        QVL_E_DEVICE, err, "the driver maps memory for each");
        CHECK_OK(dev->be->list_end(dev, &list, &err), err);
        CHECK_INT(vk->n_sets, most, "round %d", round);
        CHECK_OK(dev->be->submit(dev, list, &err), err);
        dev->be->list_release(dev, list);
        CHECK_INT(vk->n_sets, 0, "round %d", round);
        dev->info.max_dispatches = is_limited ? 500 : 0;  // mapping takes seconds
    }
    dev->be->release(dev, &buf);
    dev->be->close(dev);
}

RUN_TESTS(TEST(test_codes), TEST(test_lost_stays_lost), TEST(test_complaint),
          TEST(test_cache), TEST(test_no_cache),
          TEST(test_too_many_dispatches))
