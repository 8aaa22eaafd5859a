/* pass.c - the list of passes, and how a module goes through them
 *
 * The order is the one below: grad needs whole values and one op for each kernel
 * call, so it comes before fuse; simplify takes out what only other phases read;
 * size counts what is left. Nothing else runs a pass, so none runs unchecked.
 */
#include "pass/pass.h"

#include <string.h>

/* One of the three functions is set. */
static const struct {
    const char *name;
    int (*from_spec)(ir_module *m, const spec *sp, qvl_err *err);
    int (*add)(ir_module *m, qvl_err *err);  // ops, and may fail
    void (*change)(ir_module *m);            // what is there, and cannot fail
    bool for_training;                       // the other phases go without
} passes[] = {
    {"lower", .from_spec = pass_lower},
    {"grad", .add = pass_grad, .for_training = true},
    {"simplify", .change = pass_simplify},
    {"fuse", .change = pass_fuse},
    {"size", .change = pass_size},
};
#define N_PASSES (int)(sizeof passes / sizeof passes[0])

static int run_pass(ir_module *m, int i, const spec *sp, qvl_err *err)
{
    if (passes[i].from_spec)
        QVL_TRY(passes[i].from_spec(m, sp, err));
    else if (passes[i].add)
        QVL_TRY(passes[i].add(m, err));
    else
        passes[i].change(m);
    return ir_check(m, passes[i].name, err);
}

/* Where the last pass of a run stands in the list. */
static int find_last(const ir_module *m, const char *last, int *out,
                     qvl_err *err)
{
    qvl_str names = {0};
    for (int i = 0; i < N_PASSES; i++) {
        bool is_there = !passes[i].for_training || m->phase == IR_TRAIN;
        if (strcmp(passes[i].name, last) == 0 && is_there) {
            qvl_str_release(&names);
            *out = i;
            return QVL_OK;
        }
        if (is_there)
            qvl_str_printf(&names, "%s%s", names.len ? ", " : "",
                           passes[i].name);
    }
    qvl_fail(err, QVL_E_USAGE, "passes of this phase: found %s, expected one "
             "of %s", last, names.p);
    qvl_str_release(&names);
    return QVL_E_USAGE;
}

int pass_run(ir_module *m, const spec *sp, const char *last, qvl_err *err)
{
    int to = N_PASSES - 1;
    if (last)
        QVL_TRY(find_last(m, last, &to, err));
    for (int i = 0; i <= to; i++)
        if (!passes[i].for_training || m->phase == IR_TRAIN)
            QVL_TRY(run_pass(m, i, sp, err));
    return QVL_OK;
}
