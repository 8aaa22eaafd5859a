/* mutate.c - one small mistake at a time, for tests/mutate/run.sh
 *
 *   mutate pick ROOT EQUAL N SEED FILE...  N of the mutations of the files, a
 *                                          line each, in the order of SEED:
 *                                          FILE NUMBER LINE FUNCTION, then the
 *                                          line as it is and as it becomes,
 *                                          all separated by tabs
 *   mutate make ROOT FILE NUMBER           the file with that mutation, printed
 *   mutate check ROOT EQUAL                refuses entries of EQUAL that no
 *                                          mutation fits any more
 *
 * Files are named from ROOT. EQUAL lists mutations that change no result, which
 * are never picked (equal.txt says how).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/file.h"
#include "base/rng.h"
#include "text.h"

#define MAX_FILES 64

/* A mutation that changes no result, wherever the line stands in one of the
 * functions, or only below the line `above`. */
typedef struct {
    const char *file;
    const char *functions;  // separated by spaces
    const char *above;      // or NULL
    const char *line, *made;
    bool has_reason;
    int at;                 // line of the entry
} equal_entry;

typedef struct {
    const char *name;
    mutations m;
} source;

typedef struct {
    int argc;
    char **argv;
    qvl_arena arena;
    const char *root;
    equal_entry *equal;
    int n_equal;
    source file[MAX_FILES];
    int n_files;
    qvl_err err;
} tool;

/* ---- reading ---- */

static int read_source(tool *t, const char *name, source **out)
{
    for (int i = 0; i < t->n_files; i++)
        if (strcmp(t->file[i].name, name) == 0) {
            *out = &t->file[i];
            return QVL_OK;
        }
    if (t->n_files == MAX_FILES)
        return qvl_fail(&t->err, QVL_E_RANGE, "more than %d files", MAX_FILES);
    char *text;
    size_t len;
    const char *path = qvl_arena_printf(&t->arena, "%s/%s", t->root, name);
    QVL_TRY(qvl_file_read(path, &text, &len, &t->arena, &t->err));
    source *s = &t->file[t->n_files++];
    *s = (source){.name = name, .m = {.text = text, .len = len}};
    const char *end = strrchr(name, '.');
    s->m.is_kernel = len > 0 && end != NULL && strcmp(end, ".k") == 0;
    mutations_find(&s->m, &t->arena);
    *out = s;
    return QVL_OK;
}

static int read_entry_line(tool *t, char *line, int at)
{
    equal_entry *e = t->n_equal > 0 ? &t->equal[t->n_equal - 1] : NULL;
    if (line[0] == '\0' || line[0] == '#')
        return QVL_OK;
    if (strchr("<-+ ", line[0]) == NULL) {
        char *space = strchr(line, ' ');
        if (!space)
            return qvl_fail(&t->err, QVL_E_FORMAT,
                            "equal.txt:%d: a file and functions expected", at);
        *space = '\0';
        t->equal[t->n_equal++] =
            (equal_entry){.file = line, .functions = space + 1, .at = at};
        return QVL_OK;
    }
    if (!e)
        return qvl_fail(&t->err, QVL_E_FORMAT,
                        "equal.txt:%d: no file stands above this", at);
    const char *said = line + 1 + strspn(line + 1, " ");
    if (line[0] == '<')
        e->above = said;
    else if (line[0] == '-')
        e->line = said;
    else if (line[0] == '+')
        e->made = said;
    else
        e->has_reason = true;
    return QVL_OK;
}

static int read_equal(tool *t, const char *name)
{
    char *text;
    const char *path = qvl_arena_printf(&t->arena, "%s/%s", t->root, name);
    QVL_TRY(qvl_file_read(path, &text, NULL, &t->arena, &t->err));
    int n_lines = 1;
    for (const char *p = text; *p; p++)
        n_lines += *p == '\n';
    t->equal = qvl_arena_array(&t->arena, equal_entry, n_lines);
    int at = 1;
    for (char *p = text; p; at++) {
        char *end = strchr(p, '\n');
        if (end)
            *end = '\0';
        QVL_TRY(read_entry_line(t, p, at));
        p = end ? end + 1 : NULL;
    }
    for (int i = 0; i < t->n_equal; i++) {
        const equal_entry *e = &t->equal[i];
        if (!e->line || !e->made || !e->has_reason)
            return qvl_fail(&t->err, QVL_E_FORMAT,
                            "equal.txt:%d: a line with -, one with + and a "
                            "reason expected", e->at);
    }
    return QVL_OK;
}

/* ---- what counts as equal ---- */

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

static bool fits(tool *t, const equal_entry *e, const source *s,
                 const mutation *x)
{
    return strcmp(e->file, s->name) == 0 &&
           has_word(e->functions, x->function) &&
           strcmp(e->line, mutation_line(&s->m, x->at, &t->arena)) == 0 &&
           strcmp(e->made, mutation_made(&s->m, x, &t->arena)) == 0 &&
           (!e->above || strcmp(e->above, mutation_above(&s->m, x->at,
                                                         &t->arena)) == 0);
}

static bool is_equal(tool *t, const source *s, const mutation *x)
{
    for (int i = 0; i < t->n_equal; i++)
        if (fits(t, &t->equal[i], s, x))
            return true;
    return false;
}

/* Every function of the entry has the mutation. */
static int check_entry(tool *t, const equal_entry *e)
{
    source *s;
    QVL_TRY(read_source(t, e->file, &s));
    char *names = qvl_arena_strdup(&t->arena, e->functions);
    for (char *f = strtok(names, " "); f; f = strtok(NULL, " ")) {
        bool found = false;
        for (int i = 0; i < s->m.n && !found; i++)
            found = strcmp(s->m.item[i].function, f) == 0 &&
                    fits(t, e, s, &s->m.item[i]);
        if (!found)
            return qvl_fail(&t->err, QVL_E_FORMAT,
                            "equal.txt:%d: %s of %s has no such mutation of "
                            "'%s'", e->at, f, e->file, e->line);
    }
    return QVL_OK;
}

static int check(tool *t)
{
    if (t->argc != 4)
        return qvl_fail(&t->err, QVL_E_USAGE, "check takes ROOT and EQUAL");
    QVL_TRY(read_equal(t, t->argv[3]));
    for (int i = 0; i < t->n_equal; i++)
        QVL_TRY(check_entry(t, &t->equal[i]));
    return QVL_OK;
}

/* ---- choosing and making ---- */

/* A mutation of a file, by numbers, and its place in the order of a seed. */
typedef struct {
    int file, number;
    uint64_t key;
} place;

static uint64_t mix_text(uint64_t key, const char *text)
{
    return qvl_rng_mix(key, qvl_rng_hash(text, strlen(text)));
}

/* By what a reader sees of it: a change elsewhere in a file, or one more entry of
 * EQUAL, leaves the order of the others as it is. */
static uint64_t order_key(tool *t, const source *s, const mutation *x,
                          uint64_t seed)
{
    uint64_t key = mix_text(seed, s->name);
    key = mix_text(key, x->function);
    key = mix_text(key, mutation_above(&s->m, x->at, &t->arena));
    key = mix_text(key, mutation_line(&s->m, x->at, &t->arena));
    return mix_text(key, mutation_made(&s->m, x, &t->arena));
}

static int compare_places(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static void print_place(tool *t, const place *p)
{
    const source *s = &t->file[p->file];
    const mutation *x = &s->m.item[p->number];
    printf("%s\t%d\t%d\t%s\t%s\t%s\n", s->name, p->number, x->line,
           x->function, mutation_line(&s->m, x->at, &t->arena),
           mutation_made(&s->m, x, &t->arena));
}

/* Equal lines below equal lines stand apart in the order too. */
static size_t count_same(const place *all, size_t n)
{
    size_t n_same = 0;
    for (size_t i = 0; i < n; i++)
        n_same += all[i].key == all[n].key;
    return n_same;
}

static int pick(tool *t)
{
    if (t->argc < 7)
        return qvl_fail(&t->err, QVL_E_USAGE,
                        "pick takes ROOT, EQUAL, N, SEED and files");
    QVL_TRY(read_equal(t, t->argv[3]));
    size_t n_wanted = strtoul(t->argv[4], NULL, 10);
    uint64_t seed = strtoull(t->argv[5], NULL, 10);
    int n_all = 0;
    source *s;
    for (int i = 6; i < t->argc; i++) {
        QVL_TRY(read_source(t, t->argv[i], &s));
        n_all += s->m.n;
    }
    place *all = qvl_arena_array(&t->arena, place, n_all);
    size_t n = 0;
    for (int f = 0; f < t->n_files; f++)
        for (int i = 0; i < t->file[f].m.n; i++) {
            const mutation *x = &t->file[f].m.item[i];
            if (!is_equal(t, &t->file[f], x))
                all[n++] = (place){f, i, order_key(t, &t->file[f], x, seed)};
        }
    for (size_t i = n; i-- > 0;)
        for (size_t same = count_same(all, i); same > 0; same--)
            all[i].key = qvl_rng_mix(all[i].key, same);
    qsort(all, n, sizeof *all, compare_places);
    n_wanted = n_wanted < n ? n_wanted : n;
    for (size_t i = 0; i < n_wanted; i++)
        print_place(t, &all[i]);
    return QVL_OK;
}

static int make(tool *t)
{
    source *s;
    if (t->argc != 5)
        return qvl_fail(&t->err, QVL_E_USAGE,
                        "make takes ROOT, FILE and NUMBER");
    QVL_TRY(read_source(t, t->argv[3], &s));
    long number = strtol(t->argv[4], NULL, 10);
    if (number < 0 || number >= s->m.n)
        return qvl_fail(&t->err, QVL_E_RANGE,
                        "%s has mutations 0 to %d, found %s", s->name,
                        s->m.n - 1, t->argv[4]);
    const mutation *x = &s->m.item[number];
    fwrite(s->m.text, 1, x->at, stdout);
    fputs(x->to, stdout);
    fputs(s->m.text + x->at + x->len, stdout);
    return QVL_OK;
}

static int run(void *arg)
{
    tool *t = arg;
    const char *verb = t->argc > 2 ? t->argv[1] : "";
    t->root = t->argc > 2 ? t->argv[2] : "";
    if (strcmp(verb, "pick") == 0)
        return pick(t);
    if (strcmp(verb, "make") == 0)
        return make(t);
    if (strcmp(verb, "check") == 0)
        return check(t);
    return qvl_fail(&t->err, QVL_E_USAGE,
                    "found '%s', expected pick, make or check", verb);
}

int main(int argc, char **argv)
{
    static tool t;
    qvl_arena_init(&t.arena);
    t.argc = argc;
    t.argv = argv;
    int rc = qvl_guard(run, &t, &t.err);
    if (rc != QVL_OK)
        fprintf(stderr, "mutate: %s\n", t.err.msg);
    qvl_arena_release(&t.arena);
    return rc == QVL_OK ? 0 : qvl_err_exit_code(rc);
}
