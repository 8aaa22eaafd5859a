/* augment_rules.h - rules of augmentation from their YAML */
#ifndef TESTS_DATA_AUGMENT_RULES_H
#define TESTS_DATA_AUGMENT_RULES_H

#include "base/arena.h"
#include "config/augment.h"

/* Read `text` as custom.augmentation; fails the test when something is wrong. */
void augment_rules(qvl_augmentation *rules, const char *text, qvl_arena *arena);

#endif
