/* loop_sample.c - what a run tells people of the samples that it takes
 *
 * The first sample of each source and mode goes to a file as text, when that is asked
 * for: one is looked for in every batch, since a source may come late. The last sample
 * is kept as a line for the report of a failure, which has no memory to make one.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "data/source_label.h"
#include "train/loop_state.h"

static const char *kind_name(const qvl_encoded *s)
{
    return s->record->messages != NULL ? "conversation" : qvl_mode_name(s->mode);
}

/* ---- the first ones ------------------------------------------------------- */

static bool is_kind(const qvl_loop_kind *k, const qvl_encoded *s)
{
    return strcmp(k->name, kind_name(s)) == 0
           && qvl_source_label_is(s->record, k->label);
}

static bool is_known(const qvl_loop *r, const qvl_encoded *s)
{
    for (int k = 0; k < r->n_kinds; k++)
        if (is_kind(&r->kind[k], s))
            return true;
    return false;
}

static void add_kind(qvl_loop *r, const qvl_encoded *s)
{
    qvl_loop_kind *all =
        qvl_arena_array(&r->arena, qvl_loop_kind, r->n_kinds + 1);
    if (r->n_kinds > 0)
        memcpy(all, r->kind, (size_t)r->n_kinds * sizeof *all);
    all[r->n_kinds++] = (qvl_loop_kind){
        qvl_arena_strdup(&r->arena, qvl_source_label(s->record, &r->arena)),
        kind_name(s)
    };
    r->kind = all;
}

static int put_sample(qvl_loop *r, const qvl_encoded *s)
{
    const qvl_loop_kind *kind = &r->kind[r->n_kinds - 1];
    qvl_str_printf(&r->conversations, "=== %s, %s (%s:%d) ===\n", kind->label,
                   kind->name, s->record->file, s->record->line);
    return qvl_samples_put(r->samples.encoder, s, &r->conversations, r->err);
}

static int write_new(qvl_loop *r, const qvl_collated *batch)
{
    bool is_new = false;
    for (int i = 0; i < batch->n_samples; i++) {
        const qvl_encoded *s = &batch->sample[i];
        if (is_known(r, s))
            continue;
        is_new = true;
        add_kind(r, s);
        QVL_TRY(put_sample(r, s));
    }
    return is_new ? qvl_file_write_all(r->conversation_path, r->conversations.p,
                                       r->conversations.len, r->err)
                  : QVL_OK;
}

void qvl_loop_samples_open(qvl_loop *r)
{
    const qvl_run_config *c = r->c;
    if (!r->o->checks_all && !c->custom.dump_conversation_text)
        return;
    const char *name = c->custom.dump_conversation_path;
    r->conversation_path = name[0] == '/' ? name
                                          : qvl_arena_printf(&r->arena, "%s/%s",
                                                             r->folder.path, name);
}

/* ---- the last one --------------------------------------------------------- */

static int most_points(const qvl_record *record)
{
    int most = 0;
    for (int i = 0; i < record->n_objects; i++)
        if (record->object[i].kind == QVL_GEOM_POLY && record->object[i].n > most)
            most = record->object[i].n;
    return most;
}

/* Append to the line, as far as there is room. */
static void add(qvl_loop *r, const char *text)
{
    size_t n = strlen(r->last_sample);
    snprintf(r->last_sample + n, sizeof r->last_sample - n, "%s", text);
}

static void add_ops(qvl_loop *r, const qvl_augment_report *report)
{
    const qvl_augmentation *rules = r->c->augmentation;
    add(r, report->is_bypassed ? "; not augmented" : "; ops:");
    for (int i = 0; i < rules->n_ops && !report->is_bypassed; i++)
        if (report->outcome[i] == QVL_AUG_FIRED) {
            add(r, " ");
            add(r, qvl_aug_name(rules->op[i].id));
        }
}

static const char *label_of(const qvl_loop *r, const qvl_record *record)
{
    for (int k = 0; k < r->sources.n; k++)
        if (qvl_source_label_is(record, r->sources.item[k].label))
            return r->sources.item[k].label;
    return "one of many sources";
}

/* `what` is the batch in words. Takes no memory. */
static void note_last(qvl_loop *r, const qvl_collated *batch, const char *what)
{
    int last = batch->n_samples - 1;
    const qvl_encoded *s = &batch->sample[last];
    const qvl_record *p = s->record;
    snprintf(r->last_sample, sizeof r->last_sample, "%s:%d, record %zu of %s: %s, "
             "%d objects, polygons of at most %d points, %d x %d px; %d tokens, %d of "
             "them of %d pictures; sample %d of %s", p->file, p->line, p->index,
             label_of(r, p), kind_name(s), p->n_objects, most_points(p),
             p->w, p->h, s->n, s->n_image_tok, s->n_grids, last, what);
    if (batch->augment != NULL && batch->record[last] != NULL)
        add_ops(r, &batch->augment[last]);
}

void qvl_loop_tell_last(const qvl_loop *r)
{
    if (r->last_sample[0] != '\0')
        qvl_log(QVL_LOG_INFO, "last sample: %s", r->last_sample);
}

/* ---- batches -------------------------------------------------------------- */

int qvl_loop_see(qvl_loop *r, const qvl_collated *batch, int n)
{
    char what[64];
    for (int k = 0; k < n && r->conversation_path != NULL; k++)
        QVL_TRY(write_new(r, &batch[k]));
    snprintf(what, sizeof what, "batch %d of step %lld", n - 1,
             (long long)r->step + 1);
    note_last(r, &batch[n - 1], what);
    return QVL_OK;
}

void qvl_loop_see_held_out(qvl_loop *r, const qvl_collated *batch)
{
    char what[64];
    snprintf(what, sizeof what, "the evaluation behind step %lld", (long long)r->step);
    note_last(r, batch, what);
}
