/* chat.h - a conversation as the text that a model was trained on
 *
 * The layout is written by hand, twice: as the Instruct models have it, and as
 * the Thinking models have it. The template file of a checkpoint is not read.
 *
 *     <|im_start|>ROLE\n ITEMS <|im_end|>\n        ... one block a turn
 *     <|im_start|>assistant\n                      the opening of an answer
 *
 * There is no default system text. The result comes in parts: the marks of the
 * layout, in which added tokens count, and what people, tools and earlier
 * answers have said, which is literal. So no text from outside can end a turn
 * or stand for a picture.
 */
#ifndef QVL_CHAT_H
#define QVL_CHAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "base/str.h"
#include "text/tokenizer.h"

typedef enum { QVL_CHAT_INSTRUCT, QVL_CHAT_THINKING } qvl_chat_layout;

typedef enum {
    QVL_ROLE_SYSTEM,
    QVL_ROLE_USER,
    QVL_ROLE_ASSISTANT,
    QVL_ROLE_TOOL
} qvl_role;

typedef enum { QVL_ITEM_TEXT, QVL_ITEM_IMAGE, QVL_ITEM_VIDEO } qvl_item_kind;

/* A piece of a message. A picture whose size is not known yet has n_tok 0 and
 * gets one pad token. */
typedef struct {
    qvl_item_kind kind;
    const char *text;        // TEXT: [len]
    size_t len;
    int n_tok;               // IMAGE: its tokens; VIDEO: those of one stamp
    const double *stamp_s;   // VIDEO: [n_stamps] seconds from its start, 0 to 1e9
    int n_stamps;            // 0 while n_tok is 0
    const qvl_node *source;  // where it was read: what names the picture
} qvl_chat_item;

/* A call of a tool by the assistant. */
typedef struct {
    const char *name;
    const char *arguments;  // JSON, written as it is
} qvl_chat_call;

typedef struct {
    qvl_role role;
    qvl_chat_item *item;        // [n_items]
    size_t n_items;
    const char *reasoning;      // ASSISTANT of Thinking; NULL: not given apart
    const qvl_chat_call *call;  // ASSISTANT: [n_calls]
    size_t n_calls;
} qvl_chat_message;

/* All borrowed, and as long as what was rendered of it is used. */
typedef struct {
    qvl_chat_layout layout;
    const qvl_chat_message *message;  // [n_messages]
    size_t n_messages;
    const char *const *tool;  // [n_tools] JSON of each
    size_t n_tools;
    bool has_prompt;          // end with the opening of an answer
    bool has_vision_id;       // "Picture N: " and "Video N: " before pictures
} qvl_chat;

/* Parts of a text, for qvl_tokenizer_encode. */
typedef struct {
    const qvl_text_part *part;  // [n]
    size_t n;
} qvl_chat_text;

/* Render a conversation.
 *
 * The marks, and the array itself, belong to the arena; the rest is borrowed
 * from the conversation. Fails with QVL_E_DATA when there is no message, or a
 * picture stands where the layout has none (system, assistant). A later system
 * message is left out by the Instruct layout and kept by Thinking: so were
 * they trained. Runs out of host memory as an arena does. */
int qvl_chat_render(qvl_chat_text *out, const qvl_chat *chat,
                    qvl_arena *arena, qvl_err *err);

/* Append all parts; out of memory unwinds as in base/arena.h. */
void qvl_chat_text_join(const qvl_chat_text *text, qvl_str *out);

/* Append the ids of a conversation: render, then encode with what is literal
 * as literal. Fails as these two do, or with QVL_E_MEMORY; out is unchanged
 * then. */
int qvl_chat_encode(const qvl_chat *chat, const qvl_tokenizer *t,
                    qvl_ids *out, qvl_err *err);

/* The stamps of a video: the middle of each two frames that share tokens.
 *
 *   stamp_s  [n_frames / 2] seconds
 *   frame    [n_frames] index of each in its source, n_frames even
 *   fps      frames a second of the source, > 0 */
void qvl_chat_stamps(double *stamp_s, const int *frame, int n_frames,
                     double fps);

/* Read messages from JSON: a list of {"role", "content", "tool_calls",
 * "reasoning_content"}. Content is a string, a list, or beside calls null; a list
 * holds
 *
 *     {"type": "text", "text": T}
 *     {"type": "image", "image": V}   {"type": "image_url", "image_url": V}
 *     {"type": "video", "video": V}   {"type": "video_url", "video_url": V}
 *
 * V is left to the caller, as the item's `source`; it must be there. A call is
 * {"name", "arguments"}, or that under "function"; "name" and "tool_call_id" of a
 * message are taken and have no effect.
 *
 * Results belong to the arena and borrow from the tree. Fails with QVL_E_DATA and
 * the place of what is missing, unknown or of another type, QVL_E_MEMORY. */
int qvl_chat_read_messages(qvl_chat_message **out, size_t *n,
                           const qvl_node *list, qvl_arena *arena,
                           qvl_err *err);

/* Read tools from JSON: a list of anything, each as the text that Python writes.
 * NULL and null are no tools. Results belong to the arena. Fails with QVL_E_DATA
 * when it is no list, QVL_E_MEMORY. */
int qvl_chat_read_tools(const char *const **out, size_t *n,
                        const qvl_node *list, qvl_arena *arena, qvl_err *err);

#endif
