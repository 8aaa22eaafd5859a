/* sample.c - penalties, filters, and one draw
 *
 * Candidates lie in a heap and come off best first, no further than a filter lets them:
 * the rest is never sorted. Weights are relative to the best logit, so its own is 1 and
 * min_p is compared with them as they are. Nothing is kept from one token to the next.
 */
#include "infer/sample.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/rng.h"

qvl_sampling qvl_sampling_greedy(void)
{
    return (qvl_sampling){ .top_p = 1.0, .repetition_penalty = 1.0 };
}

int qvl_sampling_check(const qvl_sampling *s, qvl_err *err)
{
    const struct {
        const char *name;
        double value;
        bool ok;
        const char *range;
    } rule[] = {
        { "temperature", s->temperature,
          s->temperature >= 0.0 && isfinite(s->temperature), "at least 0" },
        { "top_p", s->top_p, s->top_p > 0.0 && s->top_p <= 1.0,
          "above 0, at most 1" },
        { "top_k", s->top_k, s->top_k >= 0, "at least 0" },
        { "min_p", s->min_p, s->min_p >= 0.0 && s->min_p <= 1.0, "0 to 1" },
        { "repetition_penalty", s->repetition_penalty,
          s->repetition_penalty > 0.0 && isfinite(s->repetition_penalty),
          "above 0" },
        { "no_repeat_ngram_size", s->no_repeat_ngram,
          s->no_repeat_ngram >= 0, "at least 0" },
        { "presence_penalty", s->presence_penalty,
          fabs(s->presence_penalty) <= 2.0, "-2 to 2" },
        { "frequency_penalty", s->frequency_penalty,
          fabs(s->frequency_penalty) <= 2.0, "-2 to 2" },
    };
    for (size_t i = 0; i < QVL_COUNT(rule); i++)
        if (!rule[i].ok)
            return qvl_fail(err, QVL_E_USAGE, "%s: found %g, expected %s",
                            rule[i].name, rule[i].value, rule[i].range);
    return QVL_OK;
}

/* ---- penalties ---------------------------------------------------------- */

/* As the reference does it: what speaks for a token is divided, what speaks
 * against it multiplied; once, however often it came. */
static void penalise_repeats(const qvl_sampling *s, float *logit, int vocab,
                             const int64_t *token, int n, qvl_arena *arena)
{
    if (s->repetition_penalty == 1.0)
        return;
    bool *seen = qvl_arena_array(arena, bool, vocab);
    float f = (float)s->repetition_penalty;
    for (int i = 0; i < n; i++) {
        int64_t t = token[i];
        if (t < 0 || t >= vocab || seen[t])
            continue;
        seen[t] = true;
        logit[t] = logit[t] > 0.0f ? logit[t] / f : logit[t] * f;
    }
}

static void penalise_answer(const qvl_sampling *s, float *logit, int vocab,
                            const int64_t *token, int n, qvl_arena *arena)
{
    if (s->presence_penalty == 0.0 && s->frequency_penalty == 0.0)
        return;
    bool *seen = qvl_arena_array(arena, bool, vocab);
    for (int i = 0; i < n; i++) {
        int64_t t = token[i];
        if (t < 0 || t >= vocab)
            continue;
        logit[t] -= (float)s->frequency_penalty;
        if (!seen[t])
            logit[t] -= (float)s->presence_penalty;
        seen[t] = true;
    }
}

/* No run of k tokens comes twice: what followed the last k - 1 tokens wherever
 * they stood before is out. */
static void ban_ngrams(const qvl_sampling *s, float *logit, int vocab,
                       const int64_t *token, int n)
{
    int k = s->no_repeat_ngram;
    if (k == 0 || n < k)
        return;
    const int64_t *last = token + n - (k - 1);
    for (int i = 0; i + k <= n; i++)
        if (memcmp(token + i, last, (size_t)(k - 1) * sizeof *token) == 0
            && token[i + k - 1] >= 0 && token[i + k - 1] < vocab)
            logit[token[i + k - 1]] = -INFINITY;
}

/* ---- tokens allowed ------------------------------------------------------ */

static bool is_allowed(const uint64_t *allowed, int i)
{
    return (allowed[i / 64] >> i % 64 & 1) != 0;
}

/* Take away what is not allowed; false when nothing can be chosen then. */
static bool keep_allowed(float *logit, int vocab, const uint64_t *allowed)
{
    bool is_any = false;
    for (int i = 0; i < vocab; i++)
        if (is_allowed(allowed, i))
            is_any = is_any || logit[i] > -INFINITY;
        else
            logit[i] = -INFINITY;
    return is_any;
}

static int64_t lowest_allowed(const uint64_t *allowed, int vocab)
{
    int i = 0;
    while (i + 1 < vocab && !is_allowed(allowed, i))
        i++;
    return i;
}

/* The ban of n-grams, and what is allowed; the ban gives way. False: of what is
 * allowed nothing can be chosen. */
static bool narrow(const qvl_sampling *s, float *logit, int vocab,
                   const int64_t *token, int n, const uint64_t *allowed,
                   qvl_arena *arena)
{
    if (allowed == NULL) {
        ban_ngrams(s, logit, vocab, token, n);
        return true;
    }
    if (!keep_allowed(logit, vocab, allowed))
        return false;
    if (s->no_repeat_ngram == 0)
        return true;
    float *banned = qvl_arena_array(arena, float, vocab);
    memcpy(banned, logit, (size_t)vocab * sizeof *banned);
    ban_ngrams(s, banned, vocab, token, n);
    if (keep_allowed(banned, vocab, allowed))
        memcpy(logit, banned, (size_t)vocab * sizeof *banned);
    return true;
}

/* ---- candidates, best first --------------------------------------------- */

typedef struct {
    float logit;
    int id;
} candidate;

static bool is_better(const candidate *a, const candidate *b)
{
    return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

/* Let element i sink to its place in a heap with the best on top. */
static void sink(candidate *heap, int n, int i)
{
    for (;;) {
        int best = i;
        for (int k = 2 * i + 1; k <= 2 * i + 2 && k < n; k++)
            if (is_better(&heap[k], &heap[best]))
                best = k;
        if (best == i)
            return;
        candidate c = heap[i];
        heap[i] = heap[best];
        heap[best] = c;
        i = best;
    }
}

/* Take the best one off: it moves behind the n - 1 that are left. */
static candidate take_best(candidate *heap, int n)
{
    candidate best = heap[0];
    heap[0] = heap[n - 1];
    heap[n - 1] = best;
    sink(heap, n - 1, 0);
    return best;
}

static int64_t largest(const float *logit, int vocab)
{
    int best = 0;
    bool found = false;
    for (int i = 0; i < vocab; i++)
        if (!isnan(logit[i]) && (!found || logit[i] > logit[best])) {
            best = i;
            found = true;
        }
    return best;
}

/* ---- draw --------------------------------------------------------------- */

/* What is left of the candidates, best first, with their weights. */
typedef struct {
    int *id;
    double *weight;
    int n;
    double sum;
} choice;

static double weight_of(const qvl_sampling *s, float logit, float top)
{
    /* Two infinities have no difference. */
    return logit == top ? 1.0 : exp(((double)logit - (double)top) / s->temperature);
}

/* The best top_k of them; among those the fewest that reach top_p; of those the
 * ones that reach min_p of the best. */
static void choose(choice *c, const qvl_sampling *s, candidate *heap, int n,
                   qvl_arena *arena)
{
    int most = s->top_k > 0 && s->top_k < n ? s->top_k : n;
    float top = heap[0].logit;
    double all = 0.0;  // weight of the best top_k
    if (most == n)
        for (int i = 0; i < n; i++)
            all += weight_of(s, heap[i].logit, top);
    c->id = qvl_arena_array(arena, int, most);
    c->weight = qvl_arena_array(arena, double, most);
    int n_taken = 0;
    double taken = 0.0;
    while (n_taken < most && (most < n || taken < s->top_p * all)) {
        candidate best = take_best(heap, n - n_taken);
        c->id[n_taken] = best.id;
        c->weight[n_taken] = weight_of(s, best.logit, top);
        taken += c->weight[n_taken++];
    }
    if (most < n)
        all = taken;
    while (c->n < n_taken && c->sum < s->top_p * all
           && c->weight[c->n] >= s->min_p)
        c->sum += c->weight[c->n++];
}

static int64_t draw(const choice *c, double u)
{
    double left = u * c->sum;
    for (int i = 0; i + 1 < c->n; i++) {
        left -= c->weight[i];
        if (left < 0.0)
            return c->id[i];
    }
    return c->id[c->n - 1];
}

int64_t qvl_sample(const qvl_sampling *s, float *logit, int vocab,
                   const int64_t *token, int n, int n_prompt,
                   const uint64_t *allowed, qvl_arena *arena)
{
    penalise_repeats(s, logit, vocab, token, n, arena);
    penalise_answer(s, logit, vocab, token + n_prompt, n - n_prompt, arena);
    if (!narrow(s, logit, vocab, token, n, allowed, arena))
        return lowest_allowed(allowed, vocab);
    if (s->temperature < QVL_GREEDY_BELOW)
        return largest(logit, vocab);

    candidate *heap = qvl_arena_array(arena, candidate, vocab);
    int n_heap = 0;
    for (int i = 0; i < vocab; i++)
        if (!isnan(logit[i]) && logit[i] > -INFINITY)
            heap[n_heap++] = (candidate){ logit[i], i };
    if (n_heap == 0)
        return 0;
    for (int i = n_heap / 2; i-- > 0;)
        sink(heap, n_heap, i);
    choice c = { 0 };
    choose(&c, s, heap, n_heap, arena);
    uint64_t bits = qvl_rng_at(s->key, (uint64_t)n);
    return draw(&c, (double)(bits >> 11) * 0x1p-53);
}
