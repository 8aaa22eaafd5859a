/* augment_rules.c - rules of augmentation from their YAML */
#include "augment_rules.h"

#include "base/yaml.h"
#include "check.h"

void augment_rules(qvl_augmentation *rules, const char *text, qvl_arena *arena)
{
    qvl_err err = { 0 };
    qvl_node *tree;
    qvl_faults faults = { .arena = arena };
    CHECK_OK(qvl_yaml_parse(&tree, text, strlen(text), "rules", arena, &err), err);
    qvl_augmentation_read(rules, tree, NULL, NULL, &faults);
    CHECK(faults.n == 0, "%s", faults.n > 0 ? faults.fault[0].msg : "");
    CHECK(rules->is_on, "rules");
}
