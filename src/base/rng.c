/* rng.c - splitmix64 as a function of key and counter
 *
 * The constants are part of the contract: changing one changes every draw of
 * every run.
 */
#include "base/rng.h"

#include <assert.h>
#include <math.h>

/* g: 2^64 over the golden ratio, the increment of splitmix64. */
#define RNG_G 0x9e3779b97f4a7c15u

/* The finaliser of splitmix64 (Stafford's mix 13): a bijection. */
static uint64_t finalise(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t qvl_rng_hash(const char *name, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    return h;
}

uint64_t qvl_rng_mix(uint64_t key, uint64_t value)
{
    return finalise((key ^ finalise(value + RNG_G)) + RNG_G);
}

uint64_t qvl_rng_at(uint64_t key, uint64_t counter)
{
    return finalise(key ^ finalise(counter + RNG_G));
}

void qvl_rng_init(qvl_rng *r, const qvl_rng_id *id, int stream)
{
    uint64_t key = qvl_rng_mix(0, id->seed);
    key = qvl_rng_mix(key, id->epoch);
    key = qvl_rng_mix(key, id->dataset);
    key = qvl_rng_mix(key, id->record);
    key = qvl_rng_mix(key, id->occurrence);
    key = qvl_rng_mix(key, (uint64_t)stream);
    *r = (qvl_rng){ .key = key };
}

uint64_t qvl_rng_next(qvl_rng *r)
{
    return qvl_rng_at(r->key, r->counter++);
}

double qvl_rng_uniform(qvl_rng *r)
{
    return (double)(qvl_rng_next(r) >> 11) * 0x1p-53;
}

double qvl_rng_between(qvl_rng *r, double a, double b)
{
    return a + (b - a) * qvl_rng_uniform(r);
}

uint64_t qvl_rng_below(qvl_rng *r, uint64_t n)
{
    assert(n > 0);

    /* 2^64 mod n; the numbers that remain are a multiple of n. */
    uint64_t excess = (0 - n) % n;
    uint64_t x = qvl_rng_next(r);
    while (x > UINT64_MAX - excess)
        x = qvl_rng_next(r);
    return x % n;
}

double qvl_rng_normal(qvl_rng *r)
{
    const double two_pi = 6.283185307179586476925;
    double u = qvl_rng_uniform(r);
    double v = qvl_rng_uniform(r);
    return sqrt(-2.0 * log(1.0 - u)) * cos(two_pi * v);
}

void qvl_rng_shuffle(qvl_rng *r, size_t *v, size_t n)
{
    for (size_t i = n; i-- > 1;) {
        size_t j = (size_t)qvl_rng_below(r, (uint64_t)i + 1);
        size_t kept = v[i];
        v[i] = v[j];
        v[j] = kept;
    }
}
