/* run_rules.h - what keys demand of each other, and what follows from them */
#ifndef QVL_CONFIG_RUN_RULES_H
#define QVL_CONFIG_RUN_RULES_H

#include "config/run_config.h"
#include "config/schema.h"

/* Check the rules between keys and fill in what follows: lengths, folders,
 * accumulation, rates, steps, limits, the sense of the best metric; c->origin tells
 * from which key. The fields hold what the keys say, and c->tree is what they were
 * read from. Faults are added, notices logged; texts are made in the arena of the
 * faults. */
void qvl_run_rules(qvl_run_config *c, qvl_faults *faults);

#endif
