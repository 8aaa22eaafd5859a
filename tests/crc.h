/* crc.h - CRC-32 of bytes, as PNG and zlib define it; for tests */
#ifndef QVL_TESTS_CRC_H
#define QVL_TESTS_CRC_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t crc_of(const void *p, size_t n)
{
    const uint8_t *byte = p;
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int bit = 0; bit < 8; bit++)
            v = (v & 1) != 0 ? v >> 1 ^ 0xedb88320u : v >> 1;
        table[i] = v;
    }
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++)
        crc = crc >> 8 ^ table[(crc ^ byte[i]) & 255];
    return ~crc;
}

#endif
