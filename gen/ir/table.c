/* table.c - words of classes and of kinds of inputs, and the constants of the emitted
 * code for them
 *
 * A row a constant, by its number, so that dumps, specs and emitted C cannot differ in
 * one. A kind without dims is made by the generator alone: no spec can ask for it.
 */
#include <string.h>

#include "ir/ir.h"

#define CLASS(constant, text, letter)                                         \
    [IR_##constant] = { text, letter, "QVL_CLS_" #constant }

const ir_class_words ir_classes[IR_N_CLASS] = {
    CLASS(ACT, "act", 'a'),
    CLASS(RES, "res", 'r'),
    CLASS(WEIGHT, "weight", 'w'),
    CLASS(F32, "f32", 'f'),
    CLASS(I32, "i32", 'i'),
};

#define KIND(constant, cls, text, dims)                                       \
    [QVL_INPUT_##constant] = { cls, text, dims, "QVL_INPUT_" #constant }

const ir_kind_words ir_kinds[] = {
    KIND(F32, IR_F32, "f32", ""),
    KIND(I32, IR_I32, "i32", ""),
    KIND(INDEX, IR_I32, "index", ""),
    KIND(WEIGHT, IR_F32, "weight of an index", NULL),
    KIND(START, IR_I32, "start of an index", NULL),
    KIND(ENTRY, IR_I32, "entry of an index", NULL),
    KIND(RANGE, IR_I32, "range", " [T]"),
    KIND(ANGLES, IR_F32, "angles", " [T, A]"),
    KIND(SLOT, IR_I32, "cache", " [T, S, Z]"),
    KIND(BLOCK, IR_I32, "block of a cache", NULL),
};
_Static_assert(QVL_COUNT(ir_kinds) == QVL_N_INPUT, "kinds of inputs");

int ir_kind_find(const char *p, size_t n)
{
    for (int i = 0; i < QVL_N_INPUT; i++)
        if (ir_kinds[i].dims && strlen(ir_kinds[i].text) == n &&
            memcmp(ir_kinds[i].text, p, n) == 0)
            return i;
    return -1;
}
