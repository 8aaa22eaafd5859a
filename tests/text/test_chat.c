/* test_chat.c - turns to text and ids, with tools and pictures; wrong chats */
#include "base/json.h"
#include "check.h"
#include "text/chat.h"
#include "tokens.h"

/* A conversation from JSON, with everything that it borrows. */
typedef struct {
    qvl_arena arena;
    qvl_chat chat;
    qvl_chat_message *message;
} conversation;

static const qvl_node *parse(qvl_arena *a, const char *text)
{
    qvl_node *root;
    qvl_err err = { 0 };
    CHECK_OK(qvl_json_parse(&root, text, strlen(text), "in", a, &err), err);
    return root;
}

static void load(conversation *c, const char *messages, const char *tools)
{
    qvl_err err = { 0 };
    *c = (conversation){ .chat.has_prompt = true };
    CHECK_OK(qvl_chat_read_messages(&c->message, &c->chat.n_messages,
                                    parse(&c->arena, messages), &c->arena,
                                    &err), err);
    CHECK_OK(qvl_chat_read_tools(&c->chat.tool, &c->chat.n_tools,
                                 parse(&c->arena, tools), &c->arena, &err),
             err);
    c->chat.message = c->message;
}

/* The rendered text; with bars around what is literal when asked for. */
static qvl_str render(conversation *c, const char *bar)
{
    qvl_chat_text text;
    qvl_err err = { 0 };
    qvl_str out = { 0 };
    CHECK_OK(qvl_chat_render(&text, &c->chat, &c->arena, &err), err);
    for (size_t i = 0; i < text.n; i++) {
        const char *around = text.part[i].is_literal ? bar : "";
        qvl_str_puts(&out, around);
        qvl_str_putn(&out, text.part[i].p, text.part[i].len);
        qvl_str_puts(&out, around);
    }
    qvl_str joined = { 0 };
    qvl_chat_text_join(&text, &joined);
    CHECK(bar[0] != '\0' || strcmp(out.p, joined.p) == 0, "joined");
    qvl_str_release(&joined);
    return out;
}

static void check_text(conversation *c, const char *bar, const char *want,
                       const char *name)
{
    qvl_str out = render(c, bar);
    CHECK_STR(out.p, want, "%s", name);
    qvl_str_release(&out);
    qvl_arena_release(&c->arena);
}

/* ---- layouts ------------------------------------------------------------ */

#define U "<|im_start|>user\n"
#define A "<|im_start|>assistant\n"
#define S "<|im_start|>system\n"
#define E "<|im_end|>\n"
#define IMAGE "<|vision_start|><|image_pad|><|vision_end|>"
#define VIDEO "<|vision_start|><|video_pad|><|vision_end|>"

static const char tools_head[] =
    "# Tools\n\nYou may call one or more functions to assist with the user "
    "query.\n\nYou are provided with function signatures within "
    "<tools></tools> XML tags:\n<tools>\n";
static const char tools_tail[] =
    "\n</tools>\n\nFor each function call, return a json object with function "
    "name and arguments within <tool_call></tool_call> XML tags:\n<tool_call>"
    "\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n"
    "</tool_call>" E;

static const struct {
    const char *name;
    const char *messages;
    const char *instruct;
    const char *thinking;  // NULL: as Instruct, with "<think>\n" at the end
} layouts[] = {
    { "one question", "[{'role':'user','content':'Hi'}]", U "Hi" E A, NULL },
    { "system",
      "[{'role':'system','content':[{'type':'text','text':'Be'},"
      "{'type':'text','text':' brief'}]},{'role':'user','content':''}]",
      S "Be brief" E U E A, NULL },
    { "late system",
      "[{'role':'user','content':'a'},{'role':'system','content':'b'}]",
      U "a" E A, U "a" E S "b" E A "<think>\n" },
    { "pictures",
      "[{'role':'user','content':[{'type':'image','image':'x'},"
      "{'type':'text','text':'and'},{'type':'video','video':'y'},"
      "{'type':'image_url','image_url':{'url':'z'}}]}]",
      U IMAGE "and" VIDEO IMAGE E A, NULL },
    { "calls",
      "[{'role':'user','content':'q'},{'role':'assistant','content':null,"
      "'tool_calls':[{'name':'f','arguments':'{1}'},{'id':'7','type':'function',"
      "'function':{'name':'g','arguments':{'a':[1,2.0],'b':null}}}]},"
      "{'role':'tool','content':'r','tool_call_id':'7'},"
      "{'role':'tool','content':[{'type':'image','image':'x'}]},"
      "{'role':'user','content':'w'}]",
      U "q" E A "<tool_call>\n{\"name\": \"f\", \"arguments\": {1}}\n"
      "</tool_call>\n<tool_call>\n{\"name\": \"g\", \"arguments\": "
      "{\"a\": [1, 2.0], \"b\": null}}\n</tool_call>" E U "<tool_response>\nr\n"
      "</tool_response>\n<tool_response>\n" IMAGE "\n</tool_response>" E
      U "w" E A, NULL },
    { "call behind text",
      "[{'role':'user','content':'q'},{'role':'assistant','content':'t',"
      "'tool_calls':[{'name':'f','arguments':{}}]},"
      "{'role':'user','content':'w'}]",
      U "q" E A "t\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n"
      "</tool_call>" E U "w" E A, NULL },
    { "reasoning of an earlier turn",
      "[{'role':'user','content':'q'},{'role':'assistant',"
      "'content':'<think>\\nhm\\n</think>\\n\\nyes'},"
      "{'role':'user','content':'w'}]",
      U "q" E A "<think>\nhm\n</think>\n\nyes" E U "w" E A,
      U "q" E A "yes" E U "w" E A "<think>\n" },
    { "reasoning of the last turn",
      "[{'role':'user','content':'q'},{'role':'assistant',"
      "'content':'<think>hm</think>yes'}]",
      U "q" E A "<think>hm</think>yes" E A,
      U "q" E A "<think>\nhm\n</think>\n\nyes" E A "<think>\n" },
    { "reasoning apart",
      "[{'role':'user','content':'q'},{'role':'assistant',"
      "'reasoning_content':'\\nwhy\\n','content':'\\nyes'}]",
      U "q" E A "\nyes" E A,
      U "q" E A "<think>\nwhy\n</think>\n\nyes" E A "<think>\n" },
    { "no reasoning, last and before",
      "[{'role':'user','content':'q'},{'role':'assistant','content':'a'},"
      "{'role':'tool','content':'r'},{'role':'assistant','content':'b'}]",
      U "q" E A "a" E U "<tool_response>\nr\n</tool_response>" E A "b" E A,
      U "q" E A "a" E U "<tool_response>\nr\n</tool_response>" E
      A "<think>\n\n</think>\n\nb" E A "<think>\n" },
    { "a result in the user's clothes is no query",
      "[{'role':'user','content':'q'},{'role':'assistant','content':"
      "'<think>x</think>a'},{'role':'user','content':[{'type':'text',"
      "'text':'<tool_response>'},{'type':'text','text':'r</tool_response>'}]}]",
      U "q" E A "<think>x</think>a" E U "<tool_response>r</tool_response>" E A,
      U "q" E A "<think>\nx\n</think>\n\na" E
      U "<tool_response>r</tool_response>" E A "<think>\n" },
};

/* JSON with ' for ", so that it can be read here. */
static char *with_quotes(const char *text)
{
    char *copy = strdup(text);
    for (char *p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}

static void test_layouts(void)
{
    for (size_t i = 0; i < QVL_COUNT(layouts); i++) {
        char *json = with_quotes(layouts[i].messages);
        conversation c;
        load(&c, json, "null");
        check_text(&c, "", layouts[i].instruct, layouts[i].name);
        load(&c, json, "[]");
        c.chat.layout = QVL_CHAT_THINKING;
        qvl_str want = { 0 };
        qvl_str_puts(&want, layouts[i].thinking != NULL ? layouts[i].thinking
                                                        : layouts[i].instruct);
        if (layouts[i].thinking == NULL)
            qvl_str_puts(&want, "<think>\n");
        check_text(&c, "", want.p, layouts[i].name);
        qvl_str_release(&want);
        free(json);
    }
}

static void test_tools(void)
{
    static const char tools[] =
        "[{\"name\":\"f\",\"d\":\"\xe7\xba\xbf \\\"\\n\\u0001\"},7,"
        "[0.1,-0.0,1e16,1e15,12345.678,1E-5,0.0001,5e-324,"
        "100000000000000000000,-0,true]]";
    static const char text[] =
        "{\"name\": \"f\", \"d\": \"\xe7\xba\xbf \\\"\\n\\u0001\"}\n7\n"
        "[0.1, -0.0, 1e+16, 1000000000000000.0, 12345.678, 1e-05, 0.0001, "
        "5e-324, 100000000000000000000, 0, true]";
    for (int has_system = 0; has_system < 2; has_system++) {
        conversation c;
        qvl_str want = { 0 };
        load(&c, has_system ? "[{\"role\":\"system\",\"content\":\"be\"}]"
                            : "[{\"role\":\"user\",\"content\":\"be\"}]",
             tools);
        c.chat.has_prompt = false;
        qvl_str_printf(&want, S "%s%s%s%s%s", has_system ? "be\n\n" : "",
                       tools_head, text, tools_tail,
                       has_system ? "" : U "be" E);
        check_text(&c, "", want.p, has_system ? "system" : "no system");
        qvl_str_release(&want);
    }
}

/* What comes from outside is literal, all else is not. */
static void test_literal(void)
{
    conversation c;
    load(&c,
         "[{\"role\":\"system\",\"content\":\"s\"},"
         "{\"role\":\"user\",\"content\":\"<|im_end|>\"},"
         "{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":"
         "[{\"name\":\"f\",\"arguments\":\"g\"}]},"
         "{\"role\":\"tool\",\"content\":\"r\"}]",
         "null");
    check_text(&c, "|",
               S "|s|" E U "|<|im_end|>|" E A "|a|\n<tool_call>\n{\"name\": "
               "\"|f|\", \"arguments\": |g|}\n</tool_call>" E
               U "<tool_response>\n|r|\n</tool_response>" E A, "literal");
}

static void test_ids(void)
{
    conversation c;
    qvl_ids ids = { 0 };
    qvl_err err = { 0 };
    load(&c, "[{\"role\":\"user\",\"content\":[{\"type\":\"image\","
             "\"image\":\"x\"},{\"type\":\"text\",\"text\":"
             "\"\\n<|im_end|>\"}]}]", "null");
    c.message[0].item[0].n_tok = 3;
    CHECK_OK(qvl_chat_encode(&c.chat, tokens_cut(), &ids, &err), err);
    CHECK_STR(tokens_print(&ids),
              "151644 872 198 151652 151655 151655 151655 151653 198 27 91 "
              "318 6213 91 29 151645 198 151644 77091 198",
              "ids");
    qvl_ids_release(&ids);
    qvl_arena_release(&c.arena);
}

/* ---- pictures ----------------------------------------------------------- */

#define PADS3 "<|video_pad|><|video_pad|><|video_pad|>"

static void test_pictures(void)
{
    static const char json[] =
        "[{\"role\":\"user\",\"content\":[{\"type\":\"video\",\"video\":1},"
        "{\"type\":\"image\",\"image\":2}]},{\"role\":\"tool\",\"content\":"
        "[{\"type\":\"image\",\"image\":3}]}]";
    static const double stamps[] = { 0.26, 1.3 };
    conversation c;
    load(&c, json, "null");
    CHECK_INT(c.message[0].item[1].source->i, 2, "where it was read");
    c.chat.has_vision_id = true;
    c.chat.has_prompt = false;
    c.message[0].item[0].n_tok = 3;
    c.message[0].item[0].stamp_s = stamps;
    c.message[0].item[0].n_stamps = 2;
    c.message[0].item[1].n_tok = 2;
    check_text(&c, "",
               U "Video 1: <0.3 seconds><|vision_start|>" PADS3
               "<|vision_end|><1.3 seconds><|vision_start|>" PADS3
               "<|vision_end|>Picture 1: <|vision_start|><|image_pad|>"
               "<|image_pad|><|vision_end|>" E U "<tool_response>\nPicture 2: "
               IMAGE "\n</tool_response>" E, "pictures");
}

static void test_stamps(void)
{
    static const struct {
        int frame[6];
        int n;
        double fps;
        const char *text;
    } cases[] = {
        { { 0, 13, 26, 39, 52, 66 }, 6, 25.0, "0.3 1.3 2.4 " },
        { { 0, 18, 36, 53, 71, 89 }, 6, 30.0, "0.3 1.5 2.7 " },
        { { 0, 5, 11, 16 }, 4, 24.0, "0.1 0.6 " },
        { { 3, 3 }, 2, 24.0, "0.1 " },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double s[3];
        qvl_str text = { 0 };
        qvl_chat_stamps(s, cases[i].frame, cases[i].n, cases[i].fps);
        for (int k = 0; k < cases[i].n / 2; k++)
            qvl_str_printf(&text, "%.1f ", s[k]);
        CHECK_STR(text.p, cases[i].text, "case %zu", i);
        qvl_str_release(&text);
    }
}

/* ---- errors ------------------------------------------------------------- */

static void test_wrong_messages(void)
{
    static const struct {
        const char *json;
        const char *part;
    } cases[] = {
        { "{}", "in:1:1: messages: found map, expected a list" },
        { "[7]", "in:1:2: message: found integer" },
        { "[{'content':'a'}]", "role: found nothing" },
        { "[{'role':'boss','content':'a'}]", "role: found boss" },
        { "[{'role':'user'}]", "content: found nothing" },
        { "[{'role':'user','content':null}]", "content: found nothing" },
        { "[{'role':'user','content':7}]", "content: found integer" },
        { "[{'role':'user','content':'a','contents':'b'}]",
          "in:1:31: key: found contents" },
        { "[{'role':'user','content':['a']}]", "item: found string" },
        { "[{'role':'user','content':[{'text':'a'}]}]", "type: found nothing" },
        { "[{'role':'user','content':[{'type':'audio','audio':'a'}]}]",
          "type: found audio" },
        { "[{'role':'user','content':[{'type':'text','text':7}]}]",
          "text: found integer" },
        /* a picture under another key would get lost */
        { "[{'role':'user','content':[{'type':'image','url':'a'}]}]",
          "image: found nothing, expected it beside a type of that name" },
        { "[{'role':'user','content':[{'type':'image','image':null}]}]",
          "image: found nothing" },
        { "[{'role':'user','content':'a','tool_calls':[{'name':'f',"
          "'arguments':{}}]}]", "expected them from the assistant alone" },
        { "[{'role':'assistant','content':'a','tool_calls':7}]",
          "tool_calls: found integer" },
        { "[{'role':'assistant','content':'a','tool_calls':[7]}]",
          "tool call: found integer" },
        { "[{'role':'assistant','content':'a','tool_calls':[{'arguments':{}}]"
          "}]", "name: found nothing" },
        { "[{'role':'assistant','content':'a','tool_calls':[{'name':'f'}]}]",
          "arguments: found nothing" },
        { "[{'role':'assistant','content':'a','reasoning_content':7}]",
          "reasoning_content: found integer" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_err err = { 0 };
        qvl_chat_message *m = NULL;
        size_t n = 99;
        char *json = with_quotes(cases[i].json);
        CHECK_FAILS(qvl_chat_read_messages(&m, &n, parse(&a, json), &a, &err),
                    QVL_E_DATA, err, cases[i].part);
        CHECK(m == NULL && n == 99, "%s: unchanged", json);
        free(json);
        qvl_arena_release(&a);
    }
}

static void test_wrong_chats(void)
{
    conversation c;
    qvl_err err = { 0 };
    qvl_chat_text text;
    const char *const *tool;
    size_t n;
    load(&c, "[]", "null");
    CHECK_FAILS(qvl_chat_render(&text, &c.chat, &c.arena, &err), QVL_E_DATA,
                err, "found no message");
    qvl_arena_release(&c.arena);
    load(&c, "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
             "\"content\":[{\"type\":\"image\",\"image\":1}]}]", "null");
    CHECK_FAILS(qvl_chat_render(&text, &c.chat, &c.arena, &err), QVL_E_DATA,
                err, "message 1, item 0: found a picture from the assistant");
    CHECK_FAILS(qvl_chat_read_tools(&tool, &n, parse(&c.arena, "{}"),
                                    &c.arena, &err),
                QVL_E_DATA, err, "tools: found map");
    qvl_arena_release(&c.arena);
}

RUN_TESTS(TEST(test_layouts), TEST(test_tools), TEST(test_literal),
          TEST(test_ids), TEST(test_pictures), TEST(test_stamps),
          TEST(test_wrong_messages),
          TEST(test_wrong_chats))
