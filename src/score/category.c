/* category.c - a list that grows; a name looks for its colour from its hash on */
#include "score/category.h"

#include <string.h>

#include "base/rng.h"
#include "image/draw.h"
#include "data/desc.h"

/* The first ones of the palette are strong. */
#define N_STRONG 12

void qvl_categories_release(qvl_categories *c)
{
    if (c == NULL)
        return;
    qvl_arena_release(&c->arena);
    qvl_arena_release(&c->scratch);
    *c = (qvl_categories){ 0 };
}

static bool is_taken(const qvl_categories *c, int colour)
{
    for (int i = 0; i < c->n; i++)
        if (c->category[i]->colour == colour)
            return true;
    return false;
}

/* A colour of [from, from + n) that is not taken, looked for from the one that the
 * hash names; -1 when all are. */
static int free_among(const qvl_categories *c, uint64_t hash, int from, int n)
{
    for (int i = 0; i < n; i++) {
        int colour = from + (int)((hash + (unsigned)i) % (unsigned)n);
        if (!is_taken(c, colour))
            return colour;
    }
    return -1;
}

/* Pale colours are for those that come late. */
static int free_colour(const qvl_categories *c, const char *name)
{
    uint64_t hash = qvl_rng_mix(0, qvl_rng_hash(name, strlen(name))) >> 8;
    int colour = free_among(c, hash, 0, N_STRONG);
    if (colour < 0)
        colour = free_among(c, hash, N_STRONG, QVL_N_COLOURS - N_STRONG);
    return colour >= 0 ? colour : (int)(hash % QVL_N_COLOURS);
}

static const char *shown_name(qvl_categories *c, const char *name, int number)
{
    if (name[0] == '\0')
        return "(no category)";
    if (qvl_draw_has_letters(c->face, name))
        return name;
    c->n_unread++;
    return c->has_numbers ? qvl_arena_printf(&c->arena, "c%d", number) : name;
}

static const qvl_category *add(qvl_categories *c, const char *text)
{
    qvl_category *new = qvl_arena_alloc(&c->arena, sizeof *new);
    if (c->n == c->cap) {
        int cap = c->cap == 0 ? 32 : 2 * c->cap;
        qvl_category **more = qvl_arena_array(&c->arena, qvl_category *, cap);
        if (c->n > 0)
            memcpy(more, c->category, (size_t)c->n * sizeof *more);
        c->category = more;
        c->cap = cap;
    }
    new->name = qvl_arena_strdup(&c->arena, text);
    new->number = c->n + 1;
    new->colour = free_colour(c, text);
    new->shown = shown_name(c, new->name, new->number);
    c->category[c->n++] = new;
    return new;
}

const qvl_category *qvl_categories_find(qvl_categories *c, const char *desc)
{
    qvl_desc read;
    qvl_arena_reset(&c->scratch);
    qvl_desc_read(&read, desc != NULL ? desc : "", &c->scratch);
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->category[i]->name, read.category) == 0)
            return c->category[i];
    return add(c, read.category);
}
