/* sample_turns.c - a record to turns: which question, which answer */
#include <string.h>

#include "base/rng.h"
#include "data/chat.h"
#include "data/sample.h"

static void add_text(qvl_chat_message *m, const char *text)
{
    m->item[m->n_items++] = (qvl_chat_item){
        .kind = QVL_ITEM_TEXT, .text = text, .len = strlen(text)
    };
}

/* A turn with room for n items. */
static qvl_chat_message *add_turn(qvl_sample *s, qvl_chat_message *message,
                                  qvl_role role, int n)
{
    qvl_chat_message *m = &message[s->chat.n_messages++];
    m->role = role;
    m->item = qvl_arena_array(&s->scratch, qvl_chat_item, n);
    return m;
}

/* ---- answers ------------------------------------------------------------ */

static int check_objects(qvl_sample *s)
{
    if (s->record->n_objects == 0)
        return qvl_fail(s->err, QVL_E_DATA, "objects: found none, expected one "
                        "or more in a dense sample");
    for (int i = 0; i < s->record->n_objects; i++)
        QVL_TRY(qvl_encoder_check_text(s->e, "desc", s->record->object[i].desc,
                                       QVL_E_DATA, s->err));
    return QVL_OK;
}

static void put_dense(qvl_sample *s)
{
    const qvl_answer_rules *rules = &s->e->o.answer;
    if (s->e->o.wants_types)
        s->spans = qvl_answer_put_spans(&s->text, s->record, rules, &s->scratch);
    else
        qvl_answer_put(&s->text, s->record, rules, &s->scratch);
}

/* The line in front of the answer. */
static void put_line(qvl_sample *s)
{
    const char *line = s->e->o.answer_line;
    bool is_irrelevant = s->out.mode == QVL_MODE_SUMMARY
                         && strcmp(s->record->summary, qvl_irrelevant_answer) == 0;
    if (line != NULL && !is_irrelevant)
        qvl_str_printf(&s->text, "%s\n", line);
}

static int check_answer(qvl_sample *s)
{
    const char *summary = s->record->summary;
    if (s->out.mode == QVL_MODE_DENSE)
        return check_objects(s);
    if (summary == NULL)
        return qvl_fail(s->err, QVL_E_DATA, "summary: found none, expected one "
                        "in a sample that asks for it");
    return qvl_encoder_check_text(s->e, "summary", summary, QVL_E_DATA, s->err);
}

static int make_answer(qvl_sample *s)
{
    QVL_TRY(check_answer(s));
    qvl_str_reset(&s->text);
    put_line(s);
    if (s->out.mode == QVL_MODE_DENSE)
        put_dense(s);
    else
        qvl_str_puts(&s->text, s->record->summary);
    s->out.answer = qvl_arena_strndup(s->arena, s->text.p, s->text.len);
    return QVL_OK;
}

/* ---- questions ---------------------------------------------------------- */

/* The name of the first picture, seen from the folder of the file where it lies in it:
 * one that stays when the folder is moved. */
static const char *picture_name(const qvl_record *record)
{
    const char *name = record->n_images > 0 ? record->image[0] : "";
    const char *file = record->file != NULL ? record->file : "";
    const char *slash = strrchr(file, '/');
    if (slash == NULL)  // the working folder
        return strncmp(name, "./", 2) == 0 ? name + 2 : name;
    size_t n = (size_t)(slash - file) + 1;
    return strncmp(name, file, n) == 0 ? name + n : name;
}

/* The text that asks. */
static const char *find_user(const qvl_sample *s)
{
    const qvl_encoder *e = s->e;
    if (e->o.n_user == 0)
        return e->prompt[s->out.mode].user;
    if (s->user > 0)
        return e->user[s->user - 1];
    const char *name = picture_name(s->record);
    qvl_rng_id id = { .seed = e->o.seed, .epoch = s->epoch,
                      .dataset = qvl_rng_hash(name, strlen(name)) };
    qvl_rng rng;
    qvl_rng_init(&rng, &id, QVL_RNG_PROMPT);
    return e->user[qvl_rng_below(&rng, (uint64_t)e->o.n_user)];
}

static int make_task(qvl_sample *s)
{
    const qvl_record *record = s->record;
    qvl_chat_message *message = qvl_arena_array(&s->scratch, qvl_chat_message,
                                                3);
    s->chat.message = message;
    if (!s->has_mode)
        s->out.mode = qvl_encoder_draw_mode(s->e, record, s->epoch);
    const qvl_prompt *prompt = &s->e->prompt[s->out.mode];
    if (prompt->system[0] != '\0') {
        s->out.system = qvl_arena_strdup(s->arena, prompt->system);
        add_text(add_turn(s, message, QVL_ROLE_SYSTEM, 1), prompt->system);
    }
    qvl_chat_message *user = add_turn(s, message, QVL_ROLE_USER,
                                      record->n_images + 1);
    for (int i = 0; i < record->n_images; i++)
        user->item[user->n_items++] = (qvl_chat_item){
            .kind = QVL_ITEM_IMAGE, .n_tok = (int)s->plan[i].n_tok
        };
    add_text(user, find_user(s));
    if (s->purpose == QVL_SAMPLE_PROMPT)
        return QVL_OK;
    QVL_TRY(make_answer(s));
    add_text(add_turn(s, message, QVL_ROLE_ASSISTANT, 1), s->out.answer);
    return QVL_OK;
}

/* ---- conversations ------------------------------------------------------ */

/* The texts of a turn as one. */
static const char *turn_text(qvl_sample *s, const qvl_chat_message *m)
{
    qvl_str_reset(&s->text);
    qvl_str_puts(&s->text, "");
    for (size_t i = 0; i < m->n_items; i++)
        if (m->item[i].len > 0)
            qvl_str_putn(&s->text, m->item[i].text, m->item[i].len);
    return qvl_arena_strndup(s->arena, s->text.p, s->text.len);
}

static int make_conversation(qvl_sample *s)
{
    const qvl_record *record = s->record;
    qvl_data_chat chat;
    QVL_TRY(qvl_data_chat_read(&chat, record->messages,
                               record->has_image_list ? record->n_images : -1,
                               &s->scratch, s->err));
    if (chat.n_pictures != (size_t)record->n_images)
        return qvl_fail(s->err, QVL_E_DATA, "messages: found places for %zu "
                        "pictures, expected %d", chat.n_pictures,
                        record->n_images);
    for (size_t i = 0; i < chat.n_pictures; i++)
        chat.picture[i]->n_tok = (int)s->plan[i].n_tok;
    bool is_answered = chat.message[chat.n - 1].role == QVL_ROLE_ASSISTANT;
    if (s->purpose == QVL_SAMPLE_PROMPT && is_answered)
        chat.n--;
    else if (s->purpose != QVL_SAMPLE_PROMPT && !is_answered)
        return qvl_fail(s->err, QVL_E_DATA, "messages: found a last turn of "
                        "the user, expected an answer of the assistant");
    if (s->purpose != QVL_SAMPLE_PROMPT)
        s->out.answer = turn_text(s, &chat.message[chat.n - 1]);
    if (chat.message[0].role == QVL_ROLE_SYSTEM)
        s->out.system = turn_text(s, &chat.message[0]);
    s->chat.message = chat.message;
    s->chat.n_messages = chat.n;
    return QVL_OK;
}

int qvl_sample_turns(qvl_sample *s)
{
    s->chat = (qvl_chat){ .layout = QVL_CHAT_INSTRUCT,
                          .has_prompt = s->purpose == QVL_SAMPLE_PROMPT };
    return s->record->messages != NULL ? make_conversation(s) : make_task(s);
}
