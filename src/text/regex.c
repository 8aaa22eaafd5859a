/* regex.c - PCRE2 for names of parameters
 *
 * UTF-8; a search is not anchored. What cannot be compiled is an error of the
 * configuration with the place in the expression.
 */
#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "base/arena.h"

struct qvl_regex {
    pcre2_code *code;
    pcre2_match_data *data;
};

static const char *message_of(int code, PCRE2_UCHAR *text, size_t len)
{
    pcre2_get_error_message(code, text, len);
    return (const char *)text;
}

int qvl_regex_open(qvl_regex **re, const char *pattern, qvl_err *err)
{
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR text[128];
    qvl_regex *made = qvl_memory_zeroed(1, sizeof *made);
    made->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                               PCRE2_UTF, &code, &at, NULL);
    if (made->code == NULL) {
        qvl_regex_close(made);
        if (code == PCRE2_ERROR_HEAP_FAILED)
            return qvl_fail(err, QVL_E_MEMORY, "no memory for an expression");
        return qvl_fail(err, QVL_E_CONFIG,
                        "expression %s: found what cannot be read at byte "
                        "%zu, expected a regular expression (%s)",
                        pattern, (size_t)at,
                        message_of(code, text, sizeof text));
    }
    made->data = pcre2_match_data_create_from_pattern(made->code, NULL);
    if (made->data == NULL) {
        qvl_regex_close(made);
        return qvl_fail(err, QVL_E_MEMORY, "no memory for an expression");
    }
    *re = made;
    return QVL_OK;
}

void qvl_regex_close(qvl_regex *re)
{
    if (re == NULL)
        return;
    pcre2_match_data_free(re->data);
    pcre2_code_free(re->code);
    free(re);
}

int qvl_regex_find(const qvl_regex *re, const char *text, bool *found,
                   qvl_err *err)
{
    PCRE2_UCHAR why[128];
    int rc = pcre2_match(re->code, (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0,
                         0, re->data, NULL);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        return qvl_fail(err, QVL_E_CONFIG,
                        "expression: the search of %s ended with \"%s\"",
                        text, message_of(rc, why, sizeof why));
    *found = rc >= 0;
    return QVL_OK;
}
