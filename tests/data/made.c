/* made.c - records of made.h */
#include "made.h"

#include "base/arena.h"
#include "base/file.h"
#include "check.h"
#include "image/image.h"
#include "image/png_write.h"

const char *made_dir(void)
{
    return check_dir();
}

const char *made_path(const char *name)
{
    return check_path(name);
}

const char *made_file(const char *name, const void *p, size_t n)
{
    qvl_err err = { 0 };
    const char *path = check_path(name);
    CHECK_OK(qvl_file_write_all(path, p, n, &err), err);
    return path;
}

const char *made_text(const char *name, const char *text)
{
    return made_file(name, text, strlen(text));
}

const char *made_png(const char *name, int w, int h)
{
    qvl_err err = { 0 };
    qvl_image im;
    const char *path = check_path(name);
    CHECK_OK(qvl_image_init(&im, h, w, &err), err);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint8_t *p = qvl_image_row(&im, y) + 3 * x;
            p[0] = (uint8_t)x;
            p[1] = (uint8_t)y;
            p[2] = 7;
        }
    CHECK_OK(qvl_png_write(path, im.pixel, w, h, &err), err);
    qvl_image_release(&im);
    return path;
}

static void copy(const char *from, const char *to)
{
    qvl_err err = { 0 };
    qvl_arena arena = { 0 };
    char *text;
    size_t len;
    CHECK_OK(qvl_file_read(from, &text, &len, &arena, &err), err);
    made_file(to, text, len);
    qvl_arena_release(&arena);
}

const char *made_model(void)
{
    static const char processor[] =
        "{\"size\": {\"shortest_edge\": 1024, \"longest_edge\": 16777216},"
        " \"patch_size\": 16, \"temporal_patch_size\": 2, \"merge_size\": 2,"
        " \"image_mean\": [0.5, 0.5, 0.5], \"image_std\": [0.5, 0.5, 0.5]}";
    qvl_err err = { 0 };
    const char *folder = check_path("model");
    if (qvl_file_exists(check_path("model/preprocessor_config.json")))
        return folder;
    CHECK_OK(qvl_file_make_dirs(folder, &err), err);
    copy(DATA_TOKENIZER "/tokenizer.json", "model/tokenizer.json");
    copy(DATA_TOKENIZER "/tokenizer_config.json",
         "model/tokenizer_config.json");
    made_text("model/preprocessor_config.json", processor);
    return folder;
}
