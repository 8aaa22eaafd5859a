/* chat.c - conversations checked, pictures put into their turns
 *
 * Turns of one role are joined after the pictures are placed, so a mark in the
 * second of them means the same as in the first.
 */
#include "data/chat.h"

#include <string.h>

static const char image_mark[] = "<image>";

typedef struct {
    const qvl_node *list;
    int n_images;     // of the record's list, -1: none
    int n_marks;      // in texts of the user
    size_t n_inline;  // pictures in turns
    qvl_arena *arena;
    qvl_err *err;
    qvl_data_chat *out;
} reading;

/* ---- checks ------------------------------------------------------------- */

static int count_marks(const char *text, size_t len)
{
    int n = 0;
    size_t mark = sizeof image_mark - 1;
    for (const char *p; (p = memmem(text, len, image_mark, mark)) != NULL; n++) {
        len -= (size_t)(p - text) + mark;
        text = p + mark;
    }
    return n;
}

static int check_item(reading *r, const qvl_chat_message *m,
                      const qvl_chat_item *item)
{
    if (item->kind == QVL_ITEM_VIDEO)
        return qvl_node_fail(item->source, r->err, QVL_E_DATA,
                             "messages: found a video, expected texts and "
                             "pictures");
    if (item->kind == QVL_ITEM_IMAGE && m->role != QVL_ROLE_USER)
        return qvl_node_fail(item->source, r->err, QVL_E_DATA,
                             "messages: found a picture that is not the "
                             "user's, expected text");
    if (item->kind == QVL_ITEM_IMAGE)
        r->n_inline++;
    else if (m->role == QVL_ROLE_USER)
        r->n_marks += count_marks(item->text, item->len);
    return QVL_OK;
}

static int check_turn(reading *r, size_t i)
{
    const qvl_chat_message *m = &r->out->message[i];
    const qvl_node *at = &r->list->items[i];
    bool is_first = i == 0 || (i == 1 && m[-1].role == QVL_ROLE_SYSTEM);
    if (m->role == QVL_ROLE_TOOL || m->n_calls > 0)
        return qvl_node_fail(at, r->err, QVL_E_DATA,
                             "messages[%zu]: found a tool, expected system, "
                             "user and assistant alone", i);
    if (m->role == QVL_ROLE_SYSTEM && i > 0)
        return qvl_node_fail(at, r->err, QVL_E_DATA,
                             "messages[%zu]: found the system, expected it as "
                             "the first turn alone", i);
    if (m->role == QVL_ROLE_ASSISTANT && is_first)
        return qvl_node_fail(at, r->err, QVL_E_DATA,
                             "messages[%zu]: found the assistant, expected the "
                             "user to begin", i);
    if (m->reasoning != NULL)
        return qvl_node_fail(at, r->err, QVL_E_DATA,
                             "messages[%zu]: found reasoning_content, expected "
                             "answers without it", i);
    for (size_t k = 0; k < m->n_items; k++)
        QVL_TRY(check_item(r, m, &m->item[k]));
    return QVL_OK;
}

static int check_pictures(reading *r)
{
    if (r->n_images < 0)
        return QVL_OK;
    if (r->n_inline > 0)
        return qvl_node_fail(r->list, r->err, QVL_E_DATA,
                             "messages: found pictures in turns and in images, "
                             "expected them in one place");
    if (r->n_marks > 0 && r->n_marks != r->n_images)
        return qvl_node_fail(r->list, r->err, QVL_E_DATA,
                             "messages: found %d marks %s, expected %d, one for "
                             "each of images, or none", r->n_marks, image_mark,
                             r->n_images);
    return QVL_OK;
}

static int check(reading *r)
{
    size_t n = r->out->n;
    for (size_t i = 0; i < n; i++)
        QVL_TRY(check_turn(r, i));
    if (n == 0 || (n == 1 && r->out->message[0].role == QVL_ROLE_SYSTEM))
        return qvl_node_fail(r->list, r->err, QVL_E_DATA,
                             "messages: found no turn of the user, expected "
                             "one");
    return check_pictures(r);
}

/* ---- pictures of the list ----------------------------------------------- */

static qvl_chat_item text_item(const char *text, size_t len)
{
    return (qvl_chat_item){ .kind = QVL_ITEM_TEXT, .text = text, .len = len };
}

/* Replace the marks in a turn by pictures. */
static void place_at_marks(reading *r, qvl_chat_message *m)
{
    size_t mark = sizeof image_mark - 1;
    size_t n = 0;
    size_t room = m->n_items;
    for (size_t i = 0; i < m->n_items; i++)
        room += 2 * (size_t)count_marks(m->item[i].text, m->item[i].len);
    qvl_chat_item *item = qvl_arena_array(r->arena, qvl_chat_item, room);
    for (size_t i = 0; i < m->n_items; i++) {
        const char *text = m->item[i].text;
        size_t len = m->item[i].len;
        for (const char *p; (p = memmem(text, len, image_mark, mark)) != NULL;) {
            item[n++] = text_item(text, (size_t)(p - text));
            item[n++] = (qvl_chat_item){ .kind = QVL_ITEM_IMAGE };
            len -= (size_t)(p - text) + mark;
            text = p + mark;
        }
        item[n++] = text_item(text, len);
    }
    m->item = item;
    m->n_items = n;
}

static void place_in_front(reading *r, qvl_chat_message *m)
{
    size_t n = (size_t)r->n_images;
    qvl_chat_item *item = qvl_arena_array(r->arena, qvl_chat_item,
                                          n + m->n_items);
    for (size_t i = 0; i < n; i++)
        item[i].kind = QVL_ITEM_IMAGE;
    if (m->n_items > 0)
        memcpy(item + n, m->item, m->n_items * sizeof *item);
    m->item = item;
    m->n_items += n;
}

static void place_pictures(reading *r)
{
    for (size_t i = 0; i < r->out->n; i++) {
        qvl_chat_message *m = &r->out->message[i];
        if (m->role != QVL_ROLE_USER)
            continue;
        if (r->n_marks > 0) {
            place_at_marks(r, m);
            continue;
        }
        place_in_front(r, m);
        return;
    }
}

/* ---- turns -------------------------------------------------------------- */

/* One turn of two: the items of both, a line break between them. */
static void join(reading *r, qvl_chat_message *to, const qvl_chat_message *m)
{
    size_t n = to->n_items;
    qvl_chat_item *item = qvl_arena_array(r->arena, qvl_chat_item,
                                          n + 1 + m->n_items);
    if (n > 0)
        memcpy(item, to->item, n * sizeof *item);
    item[n] = text_item("\n", 1);
    if (m->n_items > 0)
        memcpy(item + n + 1, m->item, m->n_items * sizeof *item);
    to->item = item;
    to->n_items = n + 1 + m->n_items;
}

static void join_turns(reading *r)
{
    qvl_chat_message *message = r->out->message;
    size_t n = 0;
    for (size_t i = 0; i < r->out->n; i++) {
        if (n > 0 && message[n - 1].role == message[i].role)
            join(r, &message[n - 1], &message[i]);
        else
            message[n++] = message[i];
    }
    r->out->n = n;
}

static void list_pictures(reading *r)
{
    qvl_data_chat *out = r->out;
    size_t n = r->n_images > 0 ? (size_t)r->n_images : r->n_inline;
    out->picture = qvl_arena_array(r->arena, qvl_chat_item *, n);
    for (size_t i = 0; i < out->n; i++)
        for (size_t k = 0; k < out->message[i].n_items; k++)
            if (out->message[i].item[k].kind == QVL_ITEM_IMAGE)
                out->picture[out->n_pictures++] = &out->message[i].item[k];
}

int qvl_data_chat_read(qvl_data_chat *out, const qvl_node *messages,
                       int n_images, qvl_arena *arena, qvl_err *err)
{
    qvl_data_chat chat = { 0 };
    reading r = { .list = messages, .n_images = n_images, .arena = arena,
                  .err = err, .out = &chat };
    QVL_TRY(qvl_chat_read_messages(&chat.message, &chat.n, messages, arena,
                                   err));
    QVL_TRY(check(&r));
    if (n_images > 0)
        place_pictures(&r);
    join_turns(&r);
    list_pictures(&r);
    *out = chat;
    return QVL_OK;
}
