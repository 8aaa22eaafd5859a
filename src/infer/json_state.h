/* json_state.h - bytes of a JSON object, one by one: may this one come next?
 *
 * The grammar is that of RFC 8259 with an object on top, in UTF-8, as an
 * automaton with a stack of open brackets. A state is a value: copy it to try a
 * byte. Text whose every byte was taken can always be completed, and
 * qvl_json_rest says in how many bytes.
 *
 * Stricter than the grammar, so that a model cannot go round in it and every
 * parser reads what it wrote: at most QVL_JSON_MAX_SPACE bytes of white space in
 * a row, QVL_JSON_MAX_DIGITS digits of a number, QVL_JSON_MAX_OPEN open
 * brackets, two digits of an exponent; surrogates come in pairs. A name may come
 * twice in an object, as the grammar has it.
 */
#ifndef QVL_INFER_JSON_STATE_H
#define QVL_INFER_JSON_STATE_H

#include <stdbool.h>
#include <stdint.h>

#define QVL_JSON_MAX_SPACE 32
#define QVL_JSON_MAX_DIGITS 24
#define QVL_JSON_MAX_OPEN 64

/* What is awaited, and the fewest bytes until the value it belongs to is whole
 * (inside a string: until its closing quote). */
#define QVL_JSON_WAIT_TABLE(X)                                                \
    X(TOP, 2)          /* the object */                                       \
    X(FIRST_NAME, 0)   /* behind '{': a name or '}' */                        \
    X(NAME, 4)         /* behind ',' of an object */                          \
    X(COLON, 2)                                                               \
    X(FIRST_ITEM, 0)   /* behind '[': a value or ']' */                       \
    X(VALUE, 1)                                                               \
    X(NEXT, 0)         /* behind a value: ',' or a closing bracket */         \
    X(END, 0)          /* nothing: the object is closed */                    \
    X(TEXT, 0)         /* of a string, as all up to LOW_2 */                 \
    X(TAIL_1, 1)       /* 1, 2, 3 more bytes of a character */                \
    X(TAIL_2, 2)                                                              \
    X(TAIL_3, 3)                                                              \
    X(TAIL_E0, 2)      /* behind first bytes that narrow the second */        \
    X(TAIL_ED, 2)                                                             \
    X(TAIL_F0, 3)                                                             \
    X(TAIL_F4, 3)                                                             \
    X(ESCAPE, 1)       /* behind a backslash */                               \
    X(HEX_1, 4)        /* digits of \u */                                     \
    X(HEX_2, 3)                                                               \
    X(HEX_2D, 3)       /* behind 'D': perhaps a surrogate */                  \
    X(HEX_3, 2)                                                               \
    X(HEX_4, 1)                                                               \
    X(HIGH_3, 8)       /* of the first of a pair */                           \
    X(HIGH_4, 7)                                                              \
    X(LOW_BACKSLASH, 6)                                                       \
    X(LOW_U, 5)                                                               \
    X(LOW_1, 4)                                                               \
    X(LOW_2, 3)                                                               \
    X(MINUS, 1)        /* numbers, by what stands in front */                 \
    X(ZERO, 0)                                                                \
    X(DIGITS, 0)                                                              \
    X(POINT, 1)                                                               \
    X(FRACTION, 0)                                                            \
    X(E, 1)                                                                   \
    X(E_SIGN, 1)                                                              \
    X(E_DIGIT, 0)                                                             \
    X(E_DIGITS, 0)                                                            \
    X(WORD_RUE, 3)     /* rests of true, false, null */                       \
    X(WORD_ALSE, 4)                                                           \
    X(WORD_LSE, 3)                                                            \
    X(WORD_ULL, 3)                                                            \
    X(WORD_UE, 2)                                                             \
    X(WORD_SE, 2)                                                             \
    X(WORD_LL, 2)                                                             \
    X(WORD_E, 1)                                                              \
    X(WORD_L, 1)

#define QVL_JSON_ENUM(name, rest) QVL_JSON_##name,
typedef enum {
    QVL_JSON_WAIT_TABLE(QVL_JSON_ENUM) QVL_N_JSON_WAITS
} qvl_json_wait;
#undef QVL_JSON_ENUM

/* A zeroed struct is the state in front of the text. */
typedef struct {
    uint8_t wait;       // qvl_json_wait
    bool is_name;       // inside of a string: it is the name of a member
    uint8_t run;        // bytes of white space, or digits, up to here
    uint8_t depth;      // open brackets
    uint64_t is_object; // bit i: bracket i, the outermost being 0, is '{'
} qvl_json_state;

/* Take a byte; false when it cannot come here, and the state is unchanged. */
bool qvl_json_take(qvl_json_state *s, unsigned char byte);

/* The fewest bytes that close the object; 0: it is closed. From every state but
 * the closed one some byte of qvl_json_closing leads to one less. */
int qvl_json_rest(const qvl_json_state *s);

/* The same without the brackets that are open: of the wait alone. */
int qvl_json_local_rest(const qvl_json_state *s);

/* Bytes by which any text can be closed, NUL terminated. */
extern const char qvl_json_closing[];

/* Is the state inside a string? There brackets and commas are text. */
bool qvl_json_is_text(const qvl_json_state *s);

/* Inside a number? */
bool qvl_json_is_number(const qvl_json_state *s);

#endif
