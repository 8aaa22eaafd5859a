/* rng.h - random numbers that depend on what they are for, not on when
 *
 * Counter-based: number c of the stream with key k is
 *
 *     at(k, c) = m(k ^ m(c + g)),   m: the finaliser of splitmix64
 *
 * so streams need no warm-up, can be entered anywhere, and do not depend on
 * threads, ranks or the order of access. A key is folded from what names the
 * draw: seed, epoch, dataset, record, occurrence, stream. The definitions of
 * uniform, between, below and shuffle are a contract: same key, same draws, on
 * every machine. normal goes through the math library, so its last bit may
 * differ from machine to machine. Not for secrets.
 */
#ifndef QVL_RNG_H
#define QVL_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What a stream decides. Numbers are part of the contract. */
typedef enum {
    QVL_RNG_SCHEDULE = 1,  // order of an epoch, fusion plan
    QVL_RNG_MODE = 2,      // dense or summary
    QVL_RNG_AUG = 3,       // geometry of augmentation
    QVL_RNG_COLOUR = 4,    // colour of augmentation
    QVL_RNG_CAP = 5,       // which objects stay
    QVL_RNG_PROMPT = 6,    // which wording
    QVL_RNG_PACK = 7,      // rows
    QVL_RNG_SPLIT = 8,     // training or validation
    QVL_RNG_INIT = 9,      // initial weights
    QVL_RNG_DROPOUT = 10,  // masks
    QVL_RNG_SAMPLE = 11,   // tokens
    QVL_RNG_SYNTH = 12,    // made-up data
    QVL_RNG_CHOOSE = 13    // a few records of many
} qvl_rng_stream;

/* What a draw is for. Fields that do not apply stay 0. */
typedef struct {
    uint64_t seed;        // the run's, salted where train and eval must differ
    uint64_t epoch;
    uint64_t dataset;     // qvl_rng_hash of its name
    uint64_t record;      // index in the dataset
    uint64_t occurrence;  // times the record was scheduled before this epoch
} qvl_rng_id;

typedef struct {
    uint64_t key;
    uint64_t counter;  // of the next number
} qvl_rng;

/* Stable hash of a name: FNV-1a, 64 bits. */
uint64_t qvl_rng_hash(const char *name, size_t len);

/* Fold one more value into a key: m((key ^ m(value + g)) + g). */
uint64_t qvl_rng_mix(uint64_t key, uint64_t value);

/* Number `counter` of a stream, without a struct. */
uint64_t qvl_rng_at(uint64_t key, uint64_t counter);

/* Start of the stream that `id` and `stream` name: key = 0, then seed, epoch,
 * dataset, record, occurrence and stream mixed in, in this order. */
void qvl_rng_init(qvl_rng *r, const qvl_rng_id *id, int stream);

/* 64 random bits. */
uint64_t qvl_rng_next(qvl_rng *r);

/* In [0, 1): the top 53 bits times 2^-53. */
double qvl_rng_uniform(qvl_rng *r);

/* a + (b - a) * uniform. */
double qvl_rng_between(qvl_rng *r, double a, double b);

/* In [0, n), n > 0, without bias: numbers at or above the largest multiple of
 * n up to 2^64 are drawn again, the rest is taken modulo n. */
uint64_t qvl_rng_below(qvl_rng *r, uint64_t n);

/* Mean 0, deviation 1. Box-Muller from two uniforms u, v a call:
 * sqrt(-2 ln(1 - u)) cos(2 pi v). */
double qvl_rng_normal(qvl_rng *r);

/* Fisher-Yates from the last element down: element i changes places with
 * below(i + 1), for i = n - 1 to 1. */
void qvl_rng_shuffle(qvl_rng *r, size_t *v, size_t n);

#endif
