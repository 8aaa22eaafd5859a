/* fusion_rules.h - what keys of an entry demand of each other; private to fusion.c */
#ifndef QVL_CONFIG_FUSION_RULES_H
#define QVL_CONFIG_FUSION_RULES_H

#include "config/fusion.h"
#include "config/schema.h"

/* Place of each key in the table, QVL_FUSION_AT_ratio and so on. */
enum {
#define KEY(name, type, target, source, rule) QVL_FUSION_AT_##name,
#include "config/fusion_keys.def"
#undef KEY
    QVL_N_FUSION_KEYS
};

/* An entry whose fields hold what its keys say. */
typedef struct {
    qvl_fusion_entry *entry;
    const char *path;                           // "targets[0]"
    const qvl_node *given[QVL_N_FUSION_KEYS];   // NULL: absent or null
    bool is_bad[QVL_N_FUSION_KEYS];             // its fault has been found
    int mode;                                   // of the run; -1: none
    qvl_faults *faults;
} qvl_fusion_reading;

/* Check the rules between the keys of an entry and fill in what follows: mode, pack,
 * domain, curriculum, cap, polygons. Faults are added, notices logged. */
void qvl_fusion_rules(qvl_fusion_reading *r);

/* Every name is there once; r [n]. */
void qvl_fusion_names(const qvl_fusion_reading *r, int n);

#endif
