/* infer_chat.c - one prompt, or a conversation at the terminal
 *
 * Turns are written as JSON and parsed, so that a conversation takes the way of a
 * record with messages. A turn and its reply are kept together or not at all: after an
 * error the conversation is as it was. Replies alone go to standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "infer.h"

/* ---- records of turns ---------------------------------------------------- */

static void put_item(qvl_str *s, const char *kind, const char *key,
                     const char *value)
{
    qvl_str_printf(s, "{\"type\":\"%s\",\"%s\":", kind, key);
    qvl_json_quote(s, value, strlen(value));
    qvl_str_putc(s, '}');
}

static void put_turn(qvl_str *s, const infer_turn *t)
{
    qvl_str_puts(s, "{\"role\":");
    qvl_json_quote(s, t->role, strlen(t->role));
    qvl_str_puts(s, ",\"content\":");
    if (t->n_images == 0) {
        qvl_json_quote(s, t->text, strlen(t->text));
    } else {
        qvl_str_putc(s, '[');
        for (int i = 0; i < t->n_images; i++) {
            put_item(s, "image", "image", t->image[i]);
            qvl_str_putc(s, ',');
        }
        put_item(s, "text", "text", t->text);
        qvl_str_putc(s, ']');
    }
    qvl_str_putc(s, '}');
}

typedef struct {
    qvl_record *record;
    const infer_turn *turn;
    int n;
    qvl_str text;
    qvl_arena *arena;
    qvl_err *err;
} making;

static int make_record(void *arg)
{
    making *m = arg;
    qvl_node *root;
    int n_images = 0;
    for (int i = 0; i < m->n; i++) {
        qvl_str_puts(&m->text, i == 0 ? "[" : ",");
        put_turn(&m->text, &m->turn[i]);
        n_images += m->turn[i].n_images;
    }
    qvl_str_putc(&m->text, ']');
    QVL_TRY(qvl_json_parse(&root, m->text.p, m->text.len, "prompt", m->arena,
                           m->err));
    const char **image =
        qvl_arena_array(m->arena, const char *, n_images + 1);
    n_images = 0;
    for (int i = 0; i < m->n; i++)
        for (int k = 0; k < m->turn[i].n_images; k++)
            image[n_images++] =
                qvl_arena_strdup(m->arena, m->turn[i].image[k]);
    *m->record = (qvl_record){ .file = "prompt", .line = 1, .image = image,
                               .n_images = n_images, .messages = root };
    return QVL_OK;
}

int infer_record(qvl_record *record, const infer_turn *turn, int n,
                 qvl_arena *arena, qvl_err *err)
{
    making m = { .record = record, .turn = turn, .n = n, .arena = arena,
                 .err = err };
    int rc = qvl_guard(make_record, &m, err);
    qvl_str_release(&m.text);
    return rc;
}

/* ---- replies ------------------------------------------------------------- */

typedef struct {
    const qvl_reply *reply;
    bool stream;
} reader;

static int show(void *ctx, const qvl_reply *reply, const char *text, size_t n)
{
    const reader *r = ctx;
    if (reply != r->reply || !r->stream)
        return QVL_OK;
    fwrite(text, 1, n, stdout);
    fflush(stdout);
    return QVL_OK;
}

int infer_finish(qvl_session *s, const qvl_asked *asked, bool stream,
                 qvl_err *err)
{
    reader r = { asked->reply, stream && asked->n == 1 };
    while (!qvl_asked_is_done(asked))
        QVL_TRY(qvl_generator_step(qvl_session_generator(s), show, &r, err));
    for (int i = 0; i < asked->n; i++) {
        const qvl_str *text = &asked->all[i]->text;
        if (!r.stream && text->len > 0)
            fwrite(text->p, 1, text->len, stdout);
        putchar('\n');
    }
    fflush(stdout);
    return QVL_OK;
}

/* ---- one prompt ---------------------------------------------------------- */

/* Without a prompt the record asks for what training asks for. */
static int ask_once(const infer_once_options *o, qvl_record *record,
                    qvl_arena *arena, qvl_err *err)
{
    infer_turn turn[2];
    int n = 0;
    if (o->prompt == NULL) {
        *record = (qvl_record){ .file = "prompt", .line = 1,
                                .image = o->image, .n_images = o->n_images };
        return QVL_OK;
    }
    if (o->system != NULL)
        turn[n++] = (infer_turn){ .role = "system", .text = o->system };
    turn[n++] = (infer_turn){ .role = "user", .text = o->prompt,
                              .image = o->image, .n_images = o->n_images };
    return infer_record(record, turn, n, arena, err);
}

int infer_once(qvl_session *s, const infer_once_options *o, qvl_err *err)
{
    qvl_arena arena = { 0 };
    qvl_record record;
    qvl_asked asked = { 0 };
    int rc = ask_once(o, &record, &arena, err);
    if (rc == QVL_OK)
        rc = infer_fetch_record(&record, &record, o->max_bytes, &arena, err);
    if (rc == QVL_OK)
        rc = qvl_session_ask(s, &record, 0, &asked, &arena, err);
    if (rc == QVL_OK)
        rc = infer_finish(s, &asked, o->stream, err);
    if (rc == QVL_OK && o->overlays != NULL)
        rc = infer_overlay(o->overlays, o->n_images > 0 ? o->image[0] : "",
                           &record, asked.reply, err);
    qvl_asked_release(&asked, s);
    qvl_arena_release(&arena);
    return rc;
}

/* ---- a conversation ------------------------------------------------------ */

#define MAX_TURNS 256

typedef struct {
    qvl_session *s;
    const char *system; // NULL: none
    char *own_system;   // owned; of reset-system
    size_t max_bytes;   // of a picture that is downloaded
    bool stream;
    bool many_lines;    // a prompt ends with a line of "."
    qvl_arena arena;    // of the turns
    infer_turn turn[MAX_TURNS];
    int n;
    char *line;         // owned, of getline
    size_t cap;
    qvl_err *err;
} chat;

/* The next line without its end, NULL at the end of the input. */
static char *next_line(chat *c, const char *sign)
{
    if (isatty(STDIN_FILENO)) {
        fputs(sign, stderr);
        fflush(stderr);
    }
    ssize_t n = getline(&c->line, &c->cap, stdin);
    if (n < 0)
        return NULL;
    while (n > 0 && (c->line[n - 1] == '\n' || c->line[n - 1] == '\r'))
        c->line[--n] = '\0';
    return c->line;
}

static void forget(chat *c)
{
    c->n = 0;
    qvl_arena_reset(&c->arena);
    if (c->system != NULL)
        c->turn[c->n++] = (infer_turn){ .role = "system", .text = c->system };
}

/* Lines up to one of "." as one prompt. */
static char *read_many(chat *c, const char *first)
{
    char *text = qvl_arena_strdup(&c->arena, first);
    for (char *line; (line = next_line(c, ".. ")) != NULL;) {
        if (strcmp(line, ".") == 0)
            break;
        text = qvl_arena_printf(&c->arena, "%s\n%s", text, line);
    }
    return text;
}

/* Ask for a path for each mark <image> and take the marks out. */
static int take_images(chat *c, char *text, infer_turn *turn)
{
    static const char mark[] = "<image>";
    int n = 0;
    for (char *p = text; (p = strstr(p, mark)) != NULL; p++)
        n++;
    const char **image = qvl_arena_array(&c->arena, const char *, n + 1);
    for (int i = 0; i < n; i++) {
        const char *path = next_line(c, "picture: ");
        if (path == NULL)
            return qvl_fail(c->err, QVL_E_DATA,
                            "prompt: found %d marks <image> and %d paths", n,
                            i);
        image[i] = qvl_arena_strdup(&c->arena, path);
        char *at = strstr(text, mark);
        memmove(at, at + sizeof mark - 1, strlen(at + sizeof mark - 1) + 1);
    }
    QVL_TRY(infer_fetch(image, n, c->max_bytes, &c->arena, c->err));
    *turn = (infer_turn){ .role = "user", .text = text, .image = image,
                          .n_images = n };
    return QVL_OK;
}

static int answer(chat *c, char *text)
{
    qvl_record record;
    qvl_asked asked = { 0 };
    qvl_arena arena = { 0 };
    QVL_TRY(take_images(c, text, &c->turn[c->n]));
    int rc = infer_record(&record, c->turn, c->n + 1, &arena, c->err);
    if (rc == QVL_OK)
        rc = qvl_session_ask(c->s, &record, (uint64_t)c->n, &asked, &arena,
                             c->err);
    if (rc == QVL_OK)
        rc = infer_finish(c->s, &asked, c->stream, c->err);
    if (rc == QVL_OK) {
        const qvl_str *said = &asked.reply->text;
        c->n++;
        c->turn[c->n++] = (infer_turn){
            .role = "assistant",
            .text = qvl_arena_strndup(&c->arena, said->p != NULL ? said->p : "",
                                      said->len),
        };
    }
    qvl_asked_release(&asked, c->s);
    qvl_arena_release(&arena);
    return rc;
}

/* A word that is an order and no prompt; false when it is a prompt. */
static bool take_order(chat *c, const char *line)
{
    if (strcmp(line, "clear") == 0) {
        forget(c);
    } else if (strcmp(line, "reset-system") == 0) {
        const char *text = next_line(c, "system: ");
        free(c->own_system);
        c->own_system = text != NULL && text[0] != '\0' ? strdup(text) : NULL;
        c->system = c->own_system;
        forget(c);
    } else if (strcmp(line, "multi-line") == 0) {
        c->many_lines = true;
    } else if (strcmp(line, "single-line") == 0) {
        c->many_lines = false;
    } else {
        return line[0] == '\0';
    }
    return true;
}

static int talk(void *arg)
{
    chat *c = arg;
    forget(c);
    for (char *line; (line = next_line(c, "> ")) != NULL;) {
        if (strcmp(line, "exit") == 0 || strcmp(line, "quit") == 0)
            break;
        if (take_order(c, line))
            continue;
        if (c->n + 2 > MAX_TURNS) {
            fputs("the conversation is full; say clear to begin anew\n",
                  stderr);
            continue;
        }
        char *text = c->many_lines ? read_many(c, line)
                                   : qvl_arena_strdup(&c->arena, line);
        if (answer(c, text) != QVL_OK) {
            if (c->err->code == QVL_E_DEVICE_LOST)
                return c->err->code;
            fprintf(stderr, "qvl: error: %s\n", c->err->msg);
            *c->err = (qvl_err){ 0 };
        }
    }
    return QVL_OK;
}

int infer_chat(qvl_session *s, const char *system, size_t max_bytes,
               bool stream, qvl_err *err)
{
    chat *c = qvl_memory_zeroed(1, sizeof *c);
    c->s = s;
    c->system = system;
    c->max_bytes = max_bytes;
    c->stream = stream;
    c->err = err;
    int rc = qvl_guard(talk, c, err);
    free(c->line);
    free(c->own_system);
    qvl_arena_release(&c->arena);
    free(c);
    return rc;
}
