/* test_curve.c - loss curves as pictures, with and without points */
#include "train/curve.h"

#include "base/file.h"
#include "base/str.h"
#include "check.h"
#include "image/decode.h"

/* Pixels of a picture that have a colour: axes and letters are grey. */
static size_t ink(const char *path)
{
    qvl_err err = { 0 };
    qvl_image im;
    size_t count = 0;
    CHECK_OK(qvl_image_load(&im, path, NULL, &err), err);
    CHECK_INT(im.w, 960, "width");
    for (int y = 0; y < im.h; y++)
        for (int x = 0; x < im.w; x++) {
            const uint8_t *p = qvl_image_row(&im, y) + 3 * x;
            int least = p[0] < p[1] ? p[0] : p[1];
            int most = p[0] > p[1] ? p[0] : p[1];
            least = least < p[2] ? least : p[2];
            most = most > p[2] ? most : p[2];
            count += most - least > 60;
        }
    qvl_image_release(&im);
    return count;
}

static void test_curves(void)
{
    qvl_err err = { 0 };
    qvl_str text = { 0 };
    const char *empty = check_path("empty.png"), *one = check_path("one.png"),
               *many = check_path("many.png"), *both = check_path("both.png");
    CHECK_OK(qvl_curve_save(empty, "[]", &err), err);
    CHECK_OK(qvl_curve_save(one, "[{\"loss\": 2, \"step\": 1}]", &err), err);
    qvl_str_puts(&text, "[{\"loss\": null, \"step\": 0}, {\"x\": 1}");
    for (int k = 1; k <= 100; k++)
        qvl_str_printf(&text, ", {\"loss\": %g, \"step\": %d}", 9.0 / k, k);
    qvl_str_puts(&text, "]");
    CHECK_OK(qvl_curve_save(many, text.p, &err), err);
    text.p[text.len - 1] = ' ';
    qvl_str_puts(&text, ", {\"eval_loss\": 5, \"step\": 1}, "
                        "{\"eval_loss\": 0.1, \"step\": 100}]");
    CHECK_OK(qvl_curve_save(both, text.p, &err), err);
    CHECK(ink(many) > ink(empty) + 500, "a curve is seen: %zu, %zu",
          ink(many), ink(empty));
    CHECK(ink(both) > ink(many) + 300, "two are: %zu, %zu", ink(both),
          ink(many));
    CHECK(ink(one) > ink(empty), "one point: %zu, %zu", ink(one),
          ink(empty));
    qvl_str_release(&text);
}

static void test_refused(void)
{
    qvl_err err = { 0 };
    const char *path = check_path("none.png");
    CHECK_FAILS(qvl_curve_save(path, "{}", &err), QVL_E_FORMAT, err,
                "found map");
    CHECK_FAILS(qvl_curve_save(path, "[", &err), QVL_E_FORMAT, err, "history");
    CHECK(!qvl_file_exists(path), "no file");
    CHECK_FAILS(qvl_curve_save(check_path("no/folder.png"), "[]", &err),
                QVL_E_IO, err, "folder.png");
}

RUN_TESTS(TEST(test_curves), TEST(test_refused))
