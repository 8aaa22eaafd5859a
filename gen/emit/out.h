/* out.h - write source text line by line, indented
 *
 * A thin layer over qvl_str that knows how deep the text is indented and which
 * line comes next, so that an emitter can point back into its own output.
 */
#ifndef GEN_EMIT_OUT_H
#define GEN_EMIT_OUT_H

#include "base/compiler.h"
#include "base/str.h"

typedef struct {
    qvl_str *s;  // borrowed; the text may begin empty
    int depth;   // of four spaces
    int line;    // number of the line that comes next, 1-based
} out;

/* Begin, at depth 0, behind what s holds, whose lines are counted. */
void out_init(out *o, qvl_str *s);

/* One line, indented; the text holds no newline. */
void out_line(out *o, const char *fmt, ...) QVL_PRINTF(2, 3);

/* An empty line. */
void out_gap(out *o);

/* Lines as they are, not indented; a missing last newline is added. */
void out_text(out *o, const char *text);

/* "{" and one level deeper; one level up and "}" with what follows it. */
void out_open(out *o);
void out_close(out *o, const char *tail);

/* Items of a list, wrapped before column 80: out_item begins each item but the
 * first with a comma. An item has at most 255 bytes (asserted). Start with a zeroed
 * out_list, end with out_list_end: `tail` and the end of the line. */
typedef struct {
    int col;  // where the next item goes; 0: nothing written yet
    int n;
} out_list;

void out_item(out *o, out_list *list, const char *fmt, ...) QVL_PRINTF(3, 4);
void out_list_end(out *o, const out_list *list, const char *tail);

#endif
