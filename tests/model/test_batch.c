/* test_batch.c - rows of ids to the arrays of a step */
#include "check.h"
#include "find_arch.h"
#include "model/batch.h"
#include "model/walk.h"

#include "tensor/dtype.h"
#include "tiny.h"

#define IMAGE_PATCHES 44
#define VIDEO_PATCHES 32

/* A batch of the tiny model, with all it stands on. */
typedef struct {
    qvl_arena arena;
    qvl_model_config config;
    qvl_param_list params;
    qvl_batch_source source;
    qvl_batch batch;
    float image[IMAGE_PATCHES * 1536];
    float video[VIDEO_PATCHES * 1536];
} fixture;

static fixture f;

static void open_tiny(void)
{
    memset(&f, 0, sizeof f);
    tiny_open(&f.config, &f.params, tiny_config, &f.arena);
    for (size_t i = 0; i < QVL_COUNT(f.image); i++)
        f.image[i] = (float)i;
    for (size_t i = 0; i < QVL_COUNT(f.video); i++)
        f.video[i] = -(float)i;
    f.source = (qvl_batch_source){
        .n_rows = 1,
        .row_len = TINY_TOKENS,
        .id = tiny_ids,
        .images = { &tiny_image_grid[0][0], 2, f.image, IMAGE_PATCHES },
        .videos = { &tiny_video_grid[0][0], 1, f.video, VIDEO_PATCHES },
        .logits = QVL_LOGITS_ALL,
    };
}

static void make(void)
{
    qvl_err err = { 0 };
    CHECK_OK(qvl_batch_make(&f.batch, &f.config, &f.source, &f.arena, &err),
             err);
}

static qvl_batch_array input(const char *name)
{
    qvl_err err = { 0 };
    qvl_batch_array a;
    int i = find_input(&tiny_arch, name);
    CHECK(i >= 0, "input %s", name);
    CHECK_OK(qvl_batch_input(&f.batch, i, &a, &err), err);
    return a;
}

static const int32_t *ints(const char *name)
{
    return input(name).data;
}

static const float *floats(const char *name)
{
    return input(name).data;
}

static int64_t dim(const char *name)
{
    return f.batch.dims.i[find_dim(&tiny_arch, name)];
}

static void test_sizes(void)
{
    static const struct {
        const char *name;
        int64_t value;
    } wanted[] = { { "T", 41 }, { "M", 19 }, { "P", 76 }, { "R", 0 },
                   { "Q", 41 }, { "C", 16 } };
    open_tiny();
    make();
    for (size_t i = 0; i < QVL_COUNT(wanted); i++)
        CHECK_INT(dim(wanted[i].name), wanted[i].value, "%s", wanted[i].name);
    CHECK_INT(f.batch.n_image_rows, 11, "rows of pictures");
    qvl_arena_release(&f.arena);
}

static void test_text_inputs(void)
{
    open_tiny();
    make();
    int image = 0, video = 11;
    for (int t = 0; t < TINY_TOKENS; t++) {
        int64_t id = tiny_ids[t];
        bool is_text = id != 190 && id != 191;
        CHECK_INT(ints("token")[t], is_text ? id : -1, "token %d", t);
        CHECK_INT(ints("vision_row")[t],
                  id == 190 ? image++ : id == 191 ? video++ : -1,
                  "vision_row %d", t);
        const int32_t *r = ints("text_range") + 4 * t;
        CHECK(r[0] == 0 && r[1] == t + 1 && r[2] == t && r[3] == 41,
              "text_range %d", t);
        CHECK_INT(ints("logit_row")[t], t, "logit_row %d", t);
        CHECK(floats("token.weight")[t] == 1.0f, "token.weight %d", t);
        /* Frequency 2 belongs to the width. */
        volatile float angle =
            (float)tiny_positions[2][t]
            * (1.0f / (float)pow(5e6, (double)(4.0f / 128.0f)));
        CHECK(floats("text_angles")[t * 128 + 2] == (float)cos((double)angle),
              "text_angles %d", t);
    }
    CHECK_INT(image, 11, "placeholders of pictures");
    CHECK_INT(video, 19, "placeholders of videos");
    qvl_arena_release(&f.arena);
}

static void test_vision_inputs(void)
{
    open_tiny();
    make();
    const float *pixels = floats("pixel_values");
    CHECK(memcmp(pixels, f.image, sizeof f.image) == 0, "pictures");
    CHECK(memcmp(pixels + QVL_COUNT(f.image), f.video, sizeof f.video) == 0,
          "videos behind them");
    /* Frames: 24, 20, 16, 16 patches. */
    static const int frame[] = { 0, 24, 44, 60, 76 };
    for (int k = 0; k < 4; k++)
        for (int p = frame[k]; p < frame[k + 1]; p++) {
            const int32_t *r = ints("patch_range") + 4 * p;
            CHECK(r[0] == frame[k] && r[1] == frame[k + 1], "patch %d", p);
        }
    CHECK_INT(ints("pos")[0], 0, "first cell");
    CHECK(floats("pos.weight")[0] == 1.0f && floats("pos.weight")[3] == 0.0f,
          "a corner patch is on a corner cell");
    /* Row 1 of patch 2; the first angle is the row itself. */
    CHECK(floats("patch_angles")[2 * 72] == (float)cos(1.0), "patch_angles");

    f.source.images = (qvl_batch_pictures){ 0 };
    f.source.videos = (qvl_batch_pictures){ 0 };
    f.source.row_len = 3;
    make();
    CHECK(dim("M") == 0 && input("pixel_values").n == 0, "no pictures");
    qvl_arena_release(&f.arena);
}

/* start and entry are a stable sort of the entries by table row. */
static void check_sorted(const char *index, size_t n_table)
{
    char name[32];
    qvl_batch_array row = input(index);
    snprintf(name, sizeof name, "%s.start", index);
    const int32_t *start = ints(name);
    CHECK_INT(input(name).n, n_table + 1, "%s", name);
    snprintf(name, sizeof name, "%s.entry", index);
    const int32_t *entry = ints(name);
    CHECK_INT(start[0], 0, "%s", index);
    for (size_t r = 0; r < n_table; r++)
        for (int32_t e = start[r]; e < start[r + 1]; e++) {
            CHECK_INT(((const int32_t *)row.data)[entry[e]], r, "%s", index);
            CHECK(e == start[r] || entry[e] > entry[e - 1], "%s order",
                  index);
        }
    size_t n_used = 0;
    for (size_t e = 0; e < row.n; e++)
        n_used += ((const int32_t *)row.data)[e] >= 0;
    CHECK_INT(start[n_table], n_used, "%s", index);
}

static void test_sorted(void)
{
    open_tiny();
    make();
    check_sorted("token", 200);
    check_sorted("pos", 2304);
    qvl_arena_release(&f.arena);
}

/* Two rows, padded left and right; labels across the end do not count. */
static void test_padding_and_labels(void)
{
    static const int64_t id[] = { 0, 0, 7, 8, 9, 5, 6, 7, 8, 0 };
    static const int64_t mask[] = { 0, 0, 1, 1, 1, 1, 1, 1, 1, 0 };
    static const int64_t label[] = { 1,    1, 50, -100, 51,
                                     -100, 60, -100, 61, 62 };
    static const int32_t place[] = { 2, 3, 4, 5, 6, 7, 8 };
    open_tiny();
    f.source = (qvl_batch_source){ .n_rows = 2, .row_len = 5, .id = id,
                                   .mask = mask, .label = label };
    make();
    CHECK(dim("T") == 7 && dim("R") == 3 && dim("Q") == 0, "sizes");
    for (int t = 0; t < 7; t++) {
        CHECK_INT(f.batch.place[t], place[t], "place %d", t);
        CHECK_INT(ints("token")[t], id[place[t]], "token %d", t);
        CHECK_INT(f.batch.position[3 * t], t < 3 ? t : t - 3, "position %d",
                  t);
        CHECK_INT(ints("text_range")[4 * t], t < 3 ? 0 : 3, "start %d", t);
        CHECK_INT(ints("text_range")[4 * t + 3], t < 3 ? 3 : 7, "end %d", t);
    }
    /* 51 behind token 1; 60 behind token 3; 61 behind token 5. */
    CHECK(ints("loss_row")[0] == 1 && ints("label")[0] == 51, "first");
    CHECK(ints("loss_row")[1] == 3 && ints("label")[1] == 60, "second");
    CHECK(ints("loss_row")[2] == 5 && ints("label")[2] == 61, "third");
    CHECK(floats("loss_scale")[0] == (float)(1.0 / 3.0), "scale");
    CHECK(f.batch.next[0] == 3 && f.batch.next[1] == 4, "next");
    f.source.loss_count = 8.0;
    make();
    CHECK(floats("loss_scale")[0] == 0.125f, "scale of a larger step");
    qvl_arena_release(&f.arena);
}

/* A packed row: each sample is a sequence of its own, its labels too. */
static void test_packed(void)
{
    static const int64_t id[] = { 4, 5, 6, 7, 8, 0, 0, 9, 3, 2, 1, 9 };
    static const int64_t mask[] = { 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1 };
    static const int64_t sample[] = { 0, 0, 0, 1, 1, 1, 5, 5, 7, 8, 8, 8 };
    static const int64_t label[] = { 50, 51, 52, 53, 54, 55,
                                     56, 57, 58, 59, -100, 61 };
    static const int first[] = { 0, 3, 5, 6, 7, 10 };
    static const int32_t rows[][2] = { { 0, 51 }, { 1, 52 }, { 3, 54 }, { 8, 61 } };
    open_tiny();
    f.source = (qvl_batch_source){ .n_rows = 2, .row_len = 6, .id = id,
                                   .mask = mask, .label = label,
                                   .sample = sample,
                                   .logits = QVL_LOGITS_LAST };
    make();
    CHECK_INT(f.batch.n_seqs, 5, "sequences");
    CHECK_INT(f.batch.row_end[0], 2, "end of row 0");
    CHECK_INT(f.batch.row_end[1], 5, "end of row 1");
    for (int k = 0; k < 5; k++) {
        CHECK_INT(f.batch.first[k + 1], first[k + 1], "sequence %d", k);
        CHECK_INT(f.batch.next[k], first[k + 1] - first[k], "next %d", k);
        CHECK_INT(ints("logit_row")[k], first[k + 1] - 1, "last of %d", k);
        for (int t = first[k]; t < first[k + 1]; t++) {
            const int32_t *r = ints("text_range") + 4 * t;
            CHECK(r[0] == first[k] && r[1] == t + 1 && r[2] == t
                  && r[3] == first[k + 1], "text_range %d", t);
            for (int i = 0; i < 3; i++)
                CHECK_INT(f.batch.position[3 * t + i], t - first[k], "%d", t);
        }
    }
    CHECK(dim("Q") == 5 && dim("R") == 4, "rows of logits and of the loss");
    for (int i = 0; i < 4; i++)
        CHECK(ints("loss_row")[i] == rows[i][0] && ints("label")[i] == rows[i][1],
              "label %d", i);
    qvl_arena_release(&f.arena);
}

/* A mistake in a sample says which one of which row it is. */
static void test_packed_mistake(void)
{
    static const int64_t id[] = { 4, 5, 6, 7, 8, 190 };
    static const int64_t sample[] = { 0, 0, 1, 4, 6, 6 };
    qvl_err err = { 0 };
    open_tiny();
    f.source = (qvl_batch_source){ .n_rows = 2, .row_len = 3, .id = id,
                                   .sample = sample };
    CHECK_FAILS(qvl_batch_make(&f.batch, &f.config, &f.source, &f.arena, &err),
                QVL_E_DATA, err, "input_ids, row 1, sample 1 of the row");
    qvl_arena_release(&f.arena);
}

static void test_chunk(void)
{
    int64_t id[1000], label[1000];
    for (int t = 0; t < 1000; t++) {
        id[t] = 1;
        label[t] = 2;
    }
    open_tiny();
    f.source = (qvl_batch_source){ .n_rows = 1, .row_len = 1000, .id = id,
                                   .label = label };
    make();
    CHECK_INT(dim("C"), 1008, "999 rows, all in one chunk");
    f.config.vocab = 1 << 20;
    make();
    CHECK_INT(dim("C"), 16, "a large vocabulary");
    f.config.vocab = 1 << 18;
    make();
    CHECK_INT(dim("C"), 64, "64 MiB of logits");
    qvl_arena_release(&f.arena);
}

static int64_t walk(bool grads)
{
    qvl_err err = { 0 };
    int64_t rows = -1;
    CHECK_OK(qvl_batch_walk(&f.batch, grads, &rows, &err), err);
    return rows;
}

/* A group of 64 rows walks from the first that any of them sees to the last;
 * backwards each of the two heads that share a key head counts. */
static void test_walk(void)
{
    int64_t id[1000];
    int32_t block[8] = { 0 }, table[2] = { 0, 0 }, past[2] = { 100, 20 };
    qvl_batch_cache cache = { .n_slots = 128, .block_len = 128, .block = block,
                              .n_blocks = 8, .table = table, .past = past,
                              .next = past };
    qvl_err err = { 0 };
    for (int t = 0; t < 1000; t++)
        id[t] = 1;
    open_tiny();
    f.source = (qvl_batch_source){ .n_rows = 1, .row_len = 1000, .id = id };
    make();
    CHECK_INT(walk(false), 1000, "keys of the last token");
    CHECK_INT(walk(true), 2000, "queries of the first, twice");
    f.source.n_rows = 2;
    f.source.row_len = 500;
    make();
    CHECK_INT(walk(false), 563, "a group with 63 of the second row");
    CHECK_INT(walk(true), 1126, "and backwards");
    f.config.rope.dim = 130;
    make();
    CHECK_INT(walk(false), 1126, "heads of more than 128 numbers");
    f.config.rope.dim = 128;
    f.source.row_len = 1;
    f.source.cache = &cache;
    make();
    CHECK_INT(walk(false), 101, "what is kept, and the token itself");

    qvl_arena_release(&f.arena);
    open_tiny();  // frames of 24, 20, 16, 16 patches
    make();
    CHECK_INT(walk(false), 76, "one group has patches of all pictures");
    CHECK_OK(qvl_batch_check_walk(&f.batch, false, 76, "d", &err), err);
    CHECK_OK(qvl_batch_check_walk(&f.batch, true, 0, "d", &err), err);
    CHECK_FAILS(qvl_batch_check_walk(&f.batch, false, 75, "d", &err),
                QVL_E_UNSUPPORTED, err,
                "attention (device d): found 76 rows in one walk, expected at "
                "most 75");
    CHECK_FAILS(qvl_batch_check_walk(&f.batch, true, 81, "d", &err),
                QVL_E_UNSUPPORTED, err, "found 82 rows");
    qvl_arena_release(&f.arena);
}

static void test_mistakes(void)
{
    static const int64_t hole[] = { 1, 0, 1 }, two[] = { 1, 2, 1 };
    static const int64_t none[] = { 0, 0, 0 };
    static const int64_t good[] = { 1, 2, 3 }, large[] = { 1, 200, 3 };
    static const int64_t low[] = { 1, -1, 3 }, picture[] = { 1, 190, 3 };
    static const int64_t grid[] = { 1, 2, 2 }, frames[] = { 2, 2, 2 };
    static const struct {
        const char *name;
        const int64_t *id, *mask, *label, *grid;
        size_t n_patches;
        int code;
        const char *part;
    } cases[] = {
        { "hole", good, hole, NULL, NULL, 0, QVL_E_DATA, "row 0, column 1" },
        { "no mask value", good, two, NULL, NULL, 0, QVL_E_DATA, "found 2" },
        { "nothing kept", good, none, NULL, NULL, 0, QVL_E_DATA,
          "0 everywhere" },
        { "large id", large, NULL, NULL, NULL, 0, QVL_E_DATA, "found 200" },
        { "negative id", low, NULL, NULL, NULL, 0, QVL_E_DATA, "found -1" },
        { "label", good, NULL, low, NULL, 0, QVL_E_DATA, "labels (row 0" },
        { "no grid", picture, NULL, NULL, NULL, 0, QVL_E_DATA,
          "input_ids, row 0: placeholder" },
        { "no placeholder", good, NULL, NULL, grid, 4, QVL_E_DATA,
          "image_grid_thw" },
        { "pixels", picture, NULL, NULL, grid, 5, QVL_E_DATA,
          "found 5 rows, expected 4" },
        { "frames", picture, NULL, NULL, frames, 8, QVL_E_DATA,
          "found 2 frames" },
    };
    open_tiny();
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        f.source = (qvl_batch_source){
            .n_rows = 1, .row_len = 3, .id = cases[i].id,
            .mask = cases[i].mask, .label = cases[i].label,
            .images = { cases[i].grid, cases[i].grid != NULL, f.image,
                        cases[i].n_patches },
        };
        CHECK_FAILS(qvl_batch_make(&f.batch, &f.config, &f.source, &f.arena,
                                   &err),
                    cases[i].code, err, cases[i].part);
    }
    qvl_err err = { 0 };
    f.source = (qvl_batch_source){ .n_rows = 0, .row_len = 3, .id = good };
    CHECK_FAILS(qvl_batch_make(&f.batch, &f.config, &f.source, &f.arena,
                               &err),
                QVL_E_RANGE, err, "0 rows of 3");
    qvl_arena_release(&f.arena);
}

/* An architecture may ask for what no rule knows: that is told, not guessed. */
static void test_unknown(void)
{
    static const qvl_arch_input inputs[] = { { "mystery", QVL_INPUT_F32,
                                               -1 } };
    qvl_arch arch = tiny_arch;
    qvl_err err = { 0 };
    qvl_batch_array a;
    open_tiny();
    arch.input = inputs;
    f.config.arch = &arch;
    make();
    CHECK_FAILS(qvl_batch_input(&f.batch, 0, &a, &err), QVL_E_INTERNAL, err,
                "mystery");
    qvl_arena_release(&f.arena);
}

RUN_TESTS(TEST(test_sizes), TEST(test_text_inputs), TEST(test_vision_inputs),
          TEST(test_sorted), TEST(test_padding_and_labels), TEST(test_packed),
          TEST(test_packed_mistake), TEST(test_chunk), TEST(test_walk),
          TEST(test_mistakes), TEST(test_unknown))
