/* record_messages.c - conversations: their form, and the pictures they name */
#include <string.h>

#include "data/chat.h"
#include "data/record_check.h"

/* The node that names a picture: a text, or {url: text}. */
static const qvl_node *name_of(const qvl_node *source)
{
    const qvl_node *url = qvl_record_find(source, "url");
    return url != NULL ? url : source;
}

static void collect_pictures(qvl_record_check *c, const qvl_data_chat *chat,
                             qvl_record *out)
{
    size_t n = chat->n_pictures;
    const char **image = qvl_arena_array(c->arena, const char *, n);
    for (size_t i = 0; i < n; i++)
        image[i] = qvl_record_picture(c, name_of(chat->picture[i]->source));
    out->image = image;
    out->n_images = (int)n;
}

void qvl_record_check_messages(qvl_record_check *c, const qvl_node *messages,
                               const qvl_node *images, qvl_record *out)
{
    qvl_err err = { 0 };
    qvl_data_chat chat;
    out->has_image_list = images != NULL;
    int rc = qvl_data_chat_read(&chat, messages,
                                images != NULL ? out->n_images : -1,
                                c->scratch, &err);
    if (rc != QVL_OK) {
        qvl_record_fault_err(c, QVL_FAULT_MESSAGES, &err);
        return;
    }
    if (c->options->needs != 0
        && chat.message[chat.n - 1].role != QVL_ROLE_ASSISTANT)
        qvl_record_fault(c, QVL_FAULT_MESSAGES, QVL_E_DATA, messages,
                         "messages: found a last turn of the user, expected an "
                         "answer of the assistant");
    if (images == NULL)
        collect_pictures(c, &chat, out);
}
