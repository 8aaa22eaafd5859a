/* patch.c - cutting pictures into rows of numbers */
#include "image/patch.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define N_BYTES 256

void qvl_patch_values(float *value, const qvl_processor *p)
{
    for (int c = 0; c < QVL_IMAGE_CHANNELS; c++)
        for (int x = 0; x < N_BYTES; x++) {
            float v = (float)(x * p->rescale);
            float mean = (float)p->mean[c];
            float std = (float)p->std[c];
            if (p->profile->value == QVL_VALUE_ONE_STEP) {
                float scale = (float)(1.0 / p->rescale);
                v = (float)x;
                mean *= scale;
                std *= scale;
            }
            value[c * N_BYTES + x] = (v - mean) / std;
        }
}

/* One frame of one patch: [3, patch, patch], `stride` numbers between the
 * channels. */
static void cut_patch(float *out, size_t stride, const qvl_image *frame,
                      int y0, int x0, int side, const float *value)
{
    for (int y = 0; y < side; y++) {
        const uint8_t *from = qvl_image_row(frame, y0 + y)
                              + (size_t)x0 * QVL_IMAGE_CHANNELS;
        for (int c = 0; c < QVL_IMAGE_CHANNELS; c++) {
            float *to = out + (size_t)c * stride + (size_t)y * (size_t)side;
            for (int x = 0; x < side; x++)
                to[x] = value[c * N_BYTES + from[x * QVL_IMAGE_CHANNELS + c]];
        }
    }
}

/* The numbers of a patch, n a channel, once more in the place behind. */
static void repeat_patch(float *out, size_t stride, size_t n)
{
    for (int c = 0; c < QVL_IMAGE_CHANNELS; c++, out += stride)
        memcpy(out + n, out, n * sizeof *out);
}

/* One frame of a group: all its patches, at n_slots places of each row from `slot` on. */
static void cut_frame(float *rows, const qvl_image *frame, int slot, int n_slots,
                      const qvl_processor *p, const float *value)
{
    size_t n = (size_t)p->patch * (size_t)p->patch;
    size_t row_values = qvl_processor_patch_values(p);
    size_t stride = (size_t)p->frames * n;
    float *out = rows + (size_t)slot * n;
    int gh = frame->h / p->patch, gw = frame->w / p->patch;
    for (int y = 0; y < gh; y += p->merge)
        for (int x = 0; x < gw; x += p->merge)
            for (int i = 0; i < p->merge * p->merge; i++, out += row_values) {
                int row = y + i / p->merge, col = x + i % p->merge;
                cut_patch(out, stride, frame, row * p->patch, col * p->patch,
                          p->patch, value);
                for (int s = 1; s < n_slots; s++)
                    repeat_patch(out + (size_t)(s - 1) * n, stride, n);
            }
}

void qvl_patch_cut(float *rows, const qvl_image *frame, int n_frames,
                   const qvl_processor *p)
{
    assert(n_frames > 0);
    assert(frame[0].h % (p->patch * p->merge) == 0);
    assert(frame[0].w % (p->patch * p->merge) == 0);

    float value[QVL_IMAGE_CHANNELS * N_BYTES];
    size_t n_values = (size_t)(frame[0].h / p->patch)
                      * (size_t)(frame[0].w / p->patch)
                      * qvl_processor_patch_values(p);
    qvl_patch_values(value, p);
    for (int t = 0; t < n_frames; t += p->frames, rows += n_values)
        for (int s = 0; s < p->frames && t + s < n_frames; s++) {
            const qvl_image *f = &frame[t + s];
            bool is_last = t + s + 1 == n_frames;  // and stands for what lacks
            assert(f->h == frame[0].h && f->w == frame[0].w);
            cut_frame(rows, f, s, is_last ? p->frames - s : 1, p, value);
        }
}
