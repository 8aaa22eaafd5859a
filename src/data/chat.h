/* chat.h - a conversation of a record as turns that can be rendered
 *
 * Pictures stand in the turns, or in the record's `images`. In the second case
 * the marks <image> in the texts of the user say where each belongs; without a
 * mark all of them come before the first text of the first user turn. In the
 * first case <image> is text like any other.
 *
 * Turns of one role that follow each other become one, a line break between.
 */
#ifndef QVL_DATA_CHAT_H
#define QVL_DATA_CHAT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "text/chat.h"

typedef struct {
    qvl_chat_message *message;  // [n]
    size_t n;
    qvl_chat_item **picture;    // [n_pictures] in the order of the turns
    size_t n_pictures;
} qvl_data_chat;

/* Read turns from a record's messages.
 *
 *   n_images  pictures of the record's own list; -1: it has none
 *
 * Results belong to the arena and borrow from the tree; `source` is NULL for
 * pictures of the record's list. Fails with QVL_E_DATA and the place when the form is
 * wrong; when a role is another than system (the first alone), user, assistant, or
 * they do not begin with the user; for a video, a call of a tool, reasoning_content,
 * or a picture that is not the user's; when pictures stand in both places, or marks
 * are not as many as pictures. Runs out of host memory as an arena does, or with
 * QVL_E_MEMORY. */
int qvl_data_chat_read(qvl_data_chat *out, const qvl_node *messages,
                       int n_images, qvl_arena *arena, qvl_err *err);

#endif
