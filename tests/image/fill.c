/* fill.c - noise and ramps */
#include "fill.h"

void fill_noise(qvl_image *im)
{
    uint64_t seed = 0xcbf29ce484222325u;
    for (const char *p = "image"; *p != '\0'; p++)
        seed = (seed ^ (uint8_t)*p) * 0x100000001b3u;
    for (size_t k = 0; k < qvl_image_bytes(im); k++) {
        uint64_t z = seed + (k + 1) * 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        im->pixel[k] = (uint8_t)(z >> 56);
    }
}

void fill_ramp(qvl_image *im)
{
    for (int y = 0; y < im->h; y++)
        for (int x = 0; x < im->w; x++) {
            uint8_t *p = qvl_image_row(im, y) + 3 * x;
            p[0] = (uint8_t)(255 * x / (im->w - 1));
            p[1] = (uint8_t)(255 * y / (im->h - 1));
            p[2] = (uint8_t)(255 * (x + y) / (im->h + im->w - 2));
        }
}
