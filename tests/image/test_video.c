/* test_video.c - which frames are taken, and their times */
#include "check.h"
#include "image/video.h"

static const qvl_video_rule rule = { 2.0, 4, 768 };

static const struct {
    int total;
    double fps;
    int n;                // frames, the repeated one included
    int index[12];
    double seconds[6];    // rounded as a prompt shows them
    int n_index, n_seconds;
} vectors[] = {
    { 250, 25.0, 20, { 0, 13, 26, 39, 52, 66, 79, 92, 105, 118, 131, 144 },
      { 0.3, 1.3, 2.4, 3.4, 4.5, 5.5 }, 12, 6 },
    { 90, 30.0, 6, { 0, 18, 36, 53, 71, 89 }, { 0.3, 1.5, 2.7 }, 6, 3 },
    { 17, 24.0, 4, { 0, 5, 11, 16 }, { 0.1, 0.6 }, 4, 2 },
    { 3, 24.0, 4, { 0, 1, 2, 2 }, { 0.0, 0.1 }, 4, 2 },
    { 2, 1.0, 2, { 0, 1 }, { 0.5 }, 2, 1 },
    { 100, 20.0, 10, { 0, 11, 22, 33, 44, 55, 66, 77, 88, 99 }, { 0.3 }, 10,
      1 },
};

static void test_vectors(void)
{
    for (size_t k = 0; k < QVL_COUNT(vectors); k++) {
        qvl_arena arena = { 0 };
        qvl_err err;
        int *index, n;
        double seconds[64];
        CHECK_OK(qvl_video_sample(&index, &n, vectors[k].total,
                                  vectors[k].fps, &rule, 2, &arena, &err),
                 err);
        CHECK_INT(n, vectors[k].n, "vector %zu", k);
        for (int i = 0; i < vectors[k].n_index; i++)
            CHECK_INT(index[i], vectors[k].index[i], "vector %zu, frame %d",
                      k, i);
        CHECK_INT(index[n - 1], vectors[k].total - 1, "vector %zu, last", k);
        qvl_video_times(seconds, index, n, vectors[k].fps, 2);
        for (int t = 0; t < vectors[k].n_seconds; t++) {
            char found[32], wanted[32];
            snprintf(found, sizeof found, "%.1f", seconds[t]);
            snprintf(wanted, sizeof wanted, "%.1f", vectors[k].seconds[t]);
            CHECK_STR(found, wanted, "vector %zu, patch %d", k, t);
        }
        qvl_arena_release(&arena);
    }
}

static void test_limits(void)
{
    qvl_arena arena = { 0 };
    qvl_err err;
    int *index, n;
    CHECK_OK(qvl_video_sample(&index, &n, 1000000, 24.0, &rule, 2, &arena,
                              &err), err);
    CHECK_INT(n, 768, "long video");
    qvl_video_rule odd = { 2.0, 5, 5 };
    CHECK_OK(qvl_video_sample(&index, &n, 100, 24.0, &odd, 2, &arena, &err),
             err);
    CHECK_INT(n, 6, "padded");
    CHECK(index[4] == 99 && index[5] == 99, "last frame twice");
    CHECK_FAILS(qvl_video_sample(&index, &n, 1, 24.0, &rule, 2, &arena, &err),
                QVL_E_DATA, err, "found 1 frames");
    CHECK_OK(qvl_video_sample(&index, &n, 1, 24.0, &rule, 1, &arena, &err),
             err);
    CHECK(n == 1 && index[0] == 0, "single frames");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_vectors), TEST(test_limits))
