/* group.h - which parameters are trained, and in which groups
 *
 * The parts of a model are those of its layer spec: the vision tower without
 * its aligner (vit), the mergers (aligner), the decoder with its head (llm).
 *
 * Trained is what is left after these, in this order:
 *   1. freeze_ratio q: from the front of the list, as long as the numbers frozen
 *      so far are at most q of all
 *   2. freeze, freeze_regex: by the beginning of a name, or what is found in it
 *   3. freeze_llm, freeze_vit, freeze_aligner: parts
 *   4. trainable, trainable_regex: trained again, whatever froze it
 *   5. a tied pair is trained if either is
 *
 * Norms and biases do not decay: a name with "bias", "layernorm" or "rmsnorm"
 * in a component, a component "norm", "norm1", ... or one that ends in "_norm".
 * Groups come part by part, without decay first; empty ones are left out.
 */
#ifndef QVL_TRAIN_GROUP_H
#define QVL_TRAIN_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "graph/arch.h"
#include "qvl_train.h"

typedef enum {
    QVL_PART_VIT,
    QVL_PART_ALIGNER,
    QVL_PART_LLM,
    QVL_N_PARTS
} qvl_part;

/* "vit", "aligner", "llm". */
const char *qvl_part_name(qvl_part part);

typedef struct {
    int part;         // enum qvl_part; QVL_N_PARTS: all of them
    double lr;
    double decay;
    size_t n_params;  // tied ones count once
    size_t n_elems;
} qvl_group;

typedef struct {
    bool *trained;    // [params] tied ones agree
    int *group;       // [params] -1: not trained
    int *part;        // [params] enum qvl_part
    qvl_group item[2 * QVL_N_PARTS];
    int n;
    size_t part_elems[QVL_N_PARTS];    // tied ones count once
    size_t part_trained[QVL_N_PARTS];
} qvl_groups;

/* Sort the parameters by what the options say of freezing and rates; their
 * numbers are those that qvl_run_options_check lets through. They are borrowed
 * for the call, arrays belong to the arena. Fails with QVL_E_CONFIG: an unknown
 * optimizer, rates of parts beside the default one, an expression that cannot be
 * read, a beginning that no name has, nothing left to train; with QVL_E_INTERNAL for
 * a part that is none of these. Runs out of host memory as an arena does, or with
 * QVL_E_MEMORY. */
int qvl_groups_make(qvl_groups *g, const qvl_param_list *params,
                    const qvl_train_options *o, qvl_arena *arena,
                    qvl_err *err);

/* Does a parameter of this name decay? */
bool qvl_group_decays(const char *name);

#endif
