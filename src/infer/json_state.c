/* json_state.c - one function for each kind of place
 *
 * Waits are told apart by ranges of the table in json_state.h (between values, strings,
 * numbers, words), so its order counts. A byte that is refused leaves the state as it
 * is, and from each state but the closed one some byte of qvl_json_closing brings the
 * end nearer: a new wait keeps both.
 */
#include "infer/json_state.h"

#include <string.h>

#define QVL_JSON_REST(name, rest) [QVL_JSON_##name] = rest,
static const uint8_t rest_of[QVL_N_JSON_WAITS] = {
    QVL_JSON_WAIT_TABLE(QVL_JSON_REST)
};
#undef QVL_JSON_REST

/* Brackets, quote, colon, digit; rests of words; a pair of surrogates; tails of
 * characters. */
const char qvl_json_closing[] = "{}]\":0rueals\\DC\x80\x90\xa0";

bool qvl_json_is_text(const qvl_json_state *s)
{
    return s->wait >= QVL_JSON_TEXT && s->wait <= QVL_JSON_LOW_2;
}

bool qvl_json_is_number(const qvl_json_state *s)
{
    return s->wait >= QVL_JSON_MINUS && s->wait <= QVL_JSON_E_DIGITS;
}

int qvl_json_local_rest(const qvl_json_state *s)
{
    int rest = rest_of[s->wait];
    if (qvl_json_is_text(s))
        rest += s->is_name ? 3 : 1;  // ":0 or "
    return rest;
}

int qvl_json_rest(const qvl_json_state *s)
{
    return qvl_json_local_rest(s) + s->depth;
}

/* ---- moves -------------------------------------------------------------- */

static bool go(qvl_json_state *s, qvl_json_wait wait)
{
    s->wait = (uint8_t)wait;
    s->run = 0;
    return true;
}

static bool go_if(qvl_json_state *s, bool is_right, qvl_json_wait wait)
{
    return is_right && go(s, wait);
}

static bool open_bracket(qvl_json_state *s, bool is_object)
{
    if (s->depth == QVL_JSON_MAX_OPEN)
        return false;
    uint64_t bit = (uint64_t)1 << s->depth;
    s->is_object = is_object ? s->is_object | bit : s->is_object & ~bit;
    s->depth++;
    return go(s, is_object ? QVL_JSON_FIRST_NAME : QVL_JSON_FIRST_ITEM);
}

static bool is_in_object(const qvl_json_state *s)
{
    return s->depth > 0 && (s->is_object >> (s->depth - 1) & 1) != 0;
}

static bool close_bracket(qvl_json_state *s, bool is_object)
{
    if (s->depth == 0 || is_in_object(s) != is_object)
        return false;
    s->depth--;
    return go(s, s->depth == 0 ? QVL_JSON_END : QVL_JSON_NEXT);
}

static bool open_string(qvl_json_state *s, bool is_name)
{
    s->is_name = is_name;
    return go(s, QVL_JSON_TEXT);
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* ---- between values ----------------------------------------------------- */

static bool begin_value(qvl_json_state *s, unsigned char c)
{
    switch (c) {
    case '{': return open_bracket(s, true);
    case '[': return open_bracket(s, false);
    case '"': return open_string(s, false);
    case '-': return go(s, QVL_JSON_MINUS);
    case '0': return go(s, QVL_JSON_ZERO);
    case 't': return go(s, QVL_JSON_WORD_RUE);
    case 'f': return go(s, QVL_JSON_WORD_ALSE);
    case 'n': return go(s, QVL_JSON_WORD_ULL);
    default: break;
    }
    if (!is_digit(c))
        return false;
    go(s, QVL_JSON_DIGITS);
    s->run = 1;
    return true;
}

/* Behind a value. */
static bool take_next(qvl_json_state *s, unsigned char c)
{
    if (c == ',' && s->depth > 0)
        return go(s, is_in_object(s) ? QVL_JSON_NAME : QVL_JSON_VALUE);
    if (c == '}' || c == ']')
        return close_bracket(s, c == '}');
    return false;
}

static bool take_between(qvl_json_state *s, unsigned char c)
{
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        if (s->run == QVL_JSON_MAX_SPACE)
            return false;
        s->run++;
        return true;
    }
    switch (s->wait) {
    case QVL_JSON_TOP:
        return c == '{' && open_bracket(s, true);
    case QVL_JSON_FIRST_NAME:
        return c == '}' ? close_bracket(s, true)
                        : c == '"' && open_string(s, true);
    case QVL_JSON_NAME:
        return c == '"' && open_string(s, true);
    case QVL_JSON_COLON:
        return go_if(s, c == ':', QVL_JSON_VALUE);
    case QVL_JSON_FIRST_ITEM:
        return c == ']' ? close_bracket(s, false) : begin_value(s, c);
    case QVL_JSON_VALUE:
        return begin_value(s, c);
    case QVL_JSON_NEXT:
        return take_next(s, c);
    default:
        return false;
    }
}

/* ---- strings ------------------------------------------------------------ */

static bool take_text(qvl_json_state *s, unsigned char c)
{
    if (c == '"') {
        bool was_name = s->is_name;
        s->is_name = false;
        return go(s, was_name ? QVL_JSON_COLON : QVL_JSON_NEXT);
    }
    if (c == '\\')
        return go(s, QVL_JSON_ESCAPE);
    if (c < 0x80)
        return c >= 0x20;
    if (c < 0xc2 || c > 0xf4)
        return false;
    switch (c) {
    case 0xe0: return go(s, QVL_JSON_TAIL_E0);
    case 0xed: return go(s, QVL_JSON_TAIL_ED);
    case 0xf0: return go(s, QVL_JSON_TAIL_F0);
    case 0xf4: return go(s, QVL_JSON_TAIL_F4);
    default: break;
    }
    return go(s, c < 0xe0   ? QVL_JSON_TAIL_1
                 : c < 0xf0 ? QVL_JSON_TAIL_2
                            : QVL_JSON_TAIL_3);
}

/* A further byte of a character: what it may be, and what follows. */
static bool take_tail(qvl_json_state *s, unsigned char c)
{
    static const struct {
        unsigned char from, to;
        qvl_json_wait then;
    } tail[QVL_N_JSON_WAITS] = {
        [QVL_JSON_TAIL_1] = { 0x80, 0xbf, QVL_JSON_TEXT },
        [QVL_JSON_TAIL_2] = { 0x80, 0xbf, QVL_JSON_TAIL_1 },
        [QVL_JSON_TAIL_3] = { 0x80, 0xbf, QVL_JSON_TAIL_2 },
        [QVL_JSON_TAIL_E0] = { 0xa0, 0xbf, QVL_JSON_TAIL_1 },
        [QVL_JSON_TAIL_ED] = { 0x80, 0x9f, QVL_JSON_TAIL_1 },
        [QVL_JSON_TAIL_F0] = { 0x90, 0xbf, QVL_JSON_TAIL_2 },
        [QVL_JSON_TAIL_F4] = { 0x80, 0x8f, QVL_JSON_TAIL_2 },
    };
    return go_if(s, c >= tail[s->wait].from && c <= tail[s->wait].to,
                 tail[s->wait].then);
}

static bool take_hex(qvl_json_state *s, unsigned char c)
{
    unsigned char d = c | 0x20;  // small letter
    bool is_hex = is_digit(c) || (d >= 'a' && d <= 'f');
    switch (s->wait) {
    case QVL_JSON_HEX_1:
        return go_if(s, is_hex, d == 'd' ? QVL_JSON_HEX_2D : QVL_JSON_HEX_2);
    case QVL_JSON_HEX_2D:
        if (is_digit(c) && c < '8')
            return go(s, QVL_JSON_HEX_3);
        return go_if(s, is_digit(c) || d == 'a' || d == 'b', QVL_JSON_HIGH_3);
    case QVL_JSON_LOW_2:
        return go_if(s, d >= 'c' && d <= 'f', QVL_JSON_HEX_3);
    case QVL_JSON_LOW_1:
        return go_if(s, d == 'd', QVL_JSON_LOW_2);
    case QVL_JSON_HEX_2:
        return go_if(s, is_hex, QVL_JSON_HEX_3);
    case QVL_JSON_HEX_3:
        return go_if(s, is_hex, QVL_JSON_HEX_4);
    case QVL_JSON_HEX_4:
        return go_if(s, is_hex, QVL_JSON_TEXT);
    case QVL_JSON_HIGH_3:
        return go_if(s, is_hex, QVL_JSON_HIGH_4);
    default:
        return go_if(s, is_hex, QVL_JSON_LOW_BACKSLASH);
    }
}

static bool take_in_string(qvl_json_state *s, unsigned char c)
{
    if (s->wait == QVL_JSON_TEXT)
        return take_text(s, c);
    if (s->wait < QVL_JSON_ESCAPE)
        return take_tail(s, c);
    if (s->wait == QVL_JSON_LOW_BACKSLASH)
        return go_if(s, c == '\\', QVL_JSON_LOW_U);
    if (s->wait == QVL_JSON_LOW_U)
        return go_if(s, c == 'u', QVL_JSON_LOW_1);
    if (s->wait != QVL_JSON_ESCAPE)
        return take_hex(s, c);
    if (c == 'u')
        return go(s, QVL_JSON_HEX_1);
    return go_if(s, c != '\0' && strchr("\"\\/bfnrt", c) != NULL,
                 QVL_JSON_TEXT);
}

/* ---- numbers and words -------------------------------------------------- */

/* A digit of the whole part or the fraction; they count together. */
static bool take_digit(qvl_json_state *s, qvl_json_wait then)
{
    uint8_t run = s->run;
    if (run == QVL_JSON_MAX_DIGITS && s->wait == then)
        return false;
    go(s, then);
    s->run = run < QVL_JSON_MAX_DIGITS ? run + 1 : run;
    return true;
}

static bool take_point(qvl_json_state *s)
{
    s->wait = QVL_JSON_POINT;
    return true;
}

/* Behind a whole number a comma, a bracket or white space ends it. */
static bool end_number(qvl_json_state *s, unsigned char c)
{
    qvl_json_state behind = *s;
    go(&behind, QVL_JSON_NEXT);
    if (!take_between(&behind, c))
        return false;
    *s = behind;
    return true;
}

static bool take_in_number(qvl_json_state *s, unsigned char c)
{
    bool is_e = c == 'e' || c == 'E';
    switch (s->wait) {
    case QVL_JSON_MINUS:
        if (c == '0')
            return go(s, QVL_JSON_ZERO);
        return is_digit(c) && take_digit(s, QVL_JSON_DIGITS);
    case QVL_JSON_POINT:
        return is_digit(c) && take_digit(s, QVL_JSON_FRACTION);
    case QVL_JSON_E:
        if (c == '+' || c == '-')
            return go(s, QVL_JSON_E_SIGN);
        return go_if(s, is_digit(c), QVL_JSON_E_DIGIT);
    case QVL_JSON_E_SIGN:
        return go_if(s, is_digit(c), QVL_JSON_E_DIGIT);
    case QVL_JSON_E_DIGIT:
        return is_digit(c) ? go(s, QVL_JSON_E_DIGITS) : end_number(s, c);
    case QVL_JSON_E_DIGITS:
        return end_number(s, c);
    default:
        break;
    }
    if (is_e)
        return go(s, QVL_JSON_E);
    if (c == '.' && s->wait != QVL_JSON_FRACTION)
        return take_point(s);
    if (is_digit(c))
        return s->wait != QVL_JSON_ZERO
               && take_digit(s, (qvl_json_wait)s->wait);
    return end_number(s, c);
}

static bool take_in_word(qvl_json_state *s, unsigned char c)
{
    static const struct {
        unsigned char byte;
        qvl_json_wait then;
    } word[QVL_N_JSON_WAITS] = {
        [QVL_JSON_WORD_RUE] = { 'r', QVL_JSON_WORD_UE },
        [QVL_JSON_WORD_UE] = { 'u', QVL_JSON_WORD_E },
        [QVL_JSON_WORD_ALSE] = { 'a', QVL_JSON_WORD_LSE },
        [QVL_JSON_WORD_LSE] = { 'l', QVL_JSON_WORD_SE },
        [QVL_JSON_WORD_SE] = { 's', QVL_JSON_WORD_E },
        [QVL_JSON_WORD_E] = { 'e', QVL_JSON_NEXT },
        [QVL_JSON_WORD_ULL] = { 'u', QVL_JSON_WORD_LL },
        [QVL_JSON_WORD_LL] = { 'l', QVL_JSON_WORD_L },
        [QVL_JSON_WORD_L] = { 'l', QVL_JSON_NEXT },
    };
    return go_if(s, c == word[s->wait].byte, word[s->wait].then);
}

bool qvl_json_take(qvl_json_state *s, unsigned char byte)
{
    if (s->wait <= QVL_JSON_END)
        return take_between(s, byte);
    if (qvl_json_is_text(s))
        return take_in_string(s, byte);
    if (qvl_json_is_number(s))
        return take_in_number(s, byte);
    return take_in_word(s, byte);
}
