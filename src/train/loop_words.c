/* loop_words.c - what decides samples and their order beside numbers of the plan
 *
 * Facts as pairs of words, for checkpoints: a run that has others cannot go on from one.
 * Of a fusion, what its quotas, draws and objects follow from; of augmentation, its
 * rules.
 */
#include <string.h>

#include "base/json.h"
#include "config/augment.h"
#include "config/fusion.h"
#include "train/loop_state.h"

typedef struct {
    qvl_arena *arena;
    qvl_loop_words out;
    qvl_loop_word *next;
} writing;

static void add(writing *w, const char *key, const char *text)
{
    *w->next++ = (qvl_loop_word){ key, text };
    w->out.n++;
}

static const char *number(const writing *w, double v)
{
    return qvl_arena_printf(w->arena, "%.17g", v);
}

/* ---- fusion -------------------------------------------------------------- */

enum { WORDS_OF_ENTRY = 9 };

static const char *augmentation_of(const qvl_fusion_entry *e)
{
    return !e->augmentation_enabled ? "off"
           : e->curriculum_enabled  ? "curriculum"
                                    : "on";
}

static void add_entry(writing *w, const qvl_fusion_plan *plan, int i)
{
    const qvl_fusion_entry *e = &plan->fusion->entry[i];
    bool is_boxed = e->poly_fallback == QVL_FUSION_POLY_BOX;
    const qvl_loop_word word[WORDS_OF_ENTRY] = {
        { "name", e->name },
        { "records", number(w, (double)plan->pool[i]) },
        { "slots", number(w, (double)plan->quota[i]) },
        { "seed", number(w, e->seed) },
        { "sample_without_replacement",
          e->sample_without_replacement ? "true" : "false" },
        { "mode", qvl_fusion_mode_name(e->mode) },
        { "augmentation", augmentation_of(e) },
        { "max_objects_per_image", number(w, e->max_objects_per_image) },
        { "poly_max_points", is_boxed ? number(w, e->poly_max_points) : "off" },
    };
    for (int k = 0; k < WORDS_OF_ENTRY; k++)
        add(w, qvl_arena_printf(w->arena, "fusion[%d].%s", i, word[k].key),
            word[k].text);
}

/* ---- augmentation -------------------------------------------------------- */

enum { WORDS_OF_RULES = 6 };

static const char *take_text(const writing *w, qvl_str *text)
{
    return qvl_arena_strdup(w->arena, text->len > 0 ? text->p : "");
}

/* Descriptions that a crop changes. */
static const char *visibility_of(const writing *w, const qvl_augmentation *a,
                                 qvl_str *text)
{
    qvl_str_reset(text);
    for (int i = 0; i < a->n_words; i++) {
        qvl_str_puts(text, i > 0 ? ", " : "");
        qvl_json_quote(text, a->word[i].from, strlen(a->word[i].from));
        qvl_str_puts(text, ": ");
        qvl_json_quote(text, a->word[i].to, strlen(a->word[i].to));
    }
    return take_text(w, text);
}

static void add_rules(writing *w, const qvl_augmentation *a, qvl_str *text)
{
    add(w, "augmentation.bypass_prob", number(w, a->bypass_prob));
    add(w, "augmentation.clip_poly", number(w, a->clip_poly));
    add(w, "augmentation.degenerate", number(w, a->degenerate));
    add(w, "augmentation.min_poly_points", number(w, a->min_poly_points));
    add(w, "augmentation.visibility_tokens", visibility_of(w, a, text));
    add(w, "augmentation.curriculum",
        a->n_phases == 0 ? "none" : a->is_percent ? "percent" : "steps");
    for (int i = 0; i < a->n_ops; i++) {
        qvl_str_reset(text);
        qvl_aug_op_put(text, &a->op[i]);
        add(w, qvl_arena_printf(w->arena, "augmentation.ops[%d]", i),
            take_text(w, text));
    }
    for (int i = 0; i < a->n_phases; i++) {
        qvl_str_reset(text);
        qvl_aug_phase_put(text, &a->phase[i]);
        add(w, qvl_arena_printf(w->arena, "augmentation.phases[%d]", i),
            take_text(w, text));
    }
}

/* ---- all ----------------------------------------------------------------- */

qvl_loop_words qvl_loop_words_of(qvl_loop *r)
{
    const qvl_fusion_plan *plan = r->samples.fusion;
    const qvl_augmentation *a = r->c->augmentation;
    size_t n = plan != NULL ? (size_t)plan->fusion->n * WORDS_OF_ENTRY : 0;
    if (a->is_on)
        n += WORDS_OF_RULES + (size_t)a->n_ops + (size_t)a->n_phases;
    writing w = { .arena = &r->arena };
    w.next = qvl_arena_array(&r->arena, qvl_loop_word, n);
    w.out.v = w.next;
    for (int i = 0; plan != NULL && i < plan->fusion->n; i++)
        add_entry(&w, plan, i);
    if (a->is_on)
        add_rules(&w, a, &r->text);
    return w.out;
}
