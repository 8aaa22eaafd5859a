/* test_reader.c - reading of kernels: what a correct head means, and every mistake
 * with its place
 */
#include "base/file.h"
#include "check.h"
#include "kern/kern.h"
#include "tensor/dtype.h"

static int read_text(const char *text, kern_set *set, qvl_arena *arena,
                     qvl_err *err)
{
    const char *path = check_path("a.k");
    CHECK_OK(qvl_file_write_all(path, text, strlen(text), err), *err);
    return kern_read(set, path, arena, err);
}

static const char good[] =
    "/* two kernels */\n"
    "kernel one(in X x[T, groups, D] ld, in f32 b[N]?, io i32 n[T, 4],\n"
    "           out Y y[T, groups, D] ld, acc X z[N, D], arg f32 eps,\n"
    "           arg u32 k) // comment\n"
    "tile RM, RN\n"
    "const D 256 = 32 64\n"
    "shared f32 part[LANES * RM]\n"
    "shared fv panel[D_MAX / VW]\n"
    "needs RM % RN == 0\n"
    "needs LANES * RM <= 64 || VW == 1\n"
    "turns ceil_div(T, RM) * VW +\n"
    "      min_u32(WALK, k) * PARTS\n"
    "library\n"
    "groups ceil_div(T,\n"
    "                RM) * groups * (k + 1u)\n"
    "{\n"
    "    for (;;) { store_y(0u, 0u, 1.0f); }\n"
    "}\n"
    "kernel two(out f32 y[3]) groups 1 { store_y(0u, 1.0f); /* for EACH_LANE */ "
    "}\n";

static void test_good(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    kern_set set = { 0 };
    CHECK_OK(read_text(good, &set, &arena, &err), err);
    CHECK_INT(set.n, 2, "kernels");
    const kern *k = kern_find(&set, "one");
    CHECK(k != NULL, "found by name");
    CHECK_INT(k->line, 2, "line of the head");
    CHECK_INT(k->body_line, 17, "line of the body");
    CHECK_STR(k->body, "    for (;;) { store_y(0u, 0u, 1.0f); }\n", "body");
    CHECK_INT(k->n_operands, 5, "operands");
    CHECK_INT(k->operand[0].rank, 3, "rank of x");
    CHECK(k->operand[0].ld && !k->operand[1].ld, "ld of x and b");
    CHECK(k->operand[1].optional, "b may be absent");
    CHECK_INT(k->operand[2].access, KERN_IO, "n is changed");
    CHECK_INT(k->operand[2].dim[1], -1 - 4, "n has four columns");
    CHECK_INT(k->operand[4].access, KERN_ACC, "z is added to");
    CHECK_STR(k->operand[3].type, "Y", "storage type of y");
    static const char *const sym[] = { "T", "groups", "D", "N" };
    CHECK_INT(k->n_syms, 4, "dims");
    for (int i = 0; i < 4; i++)
        CHECK_STR(k->sym[i], sym[i], "dim %d", i);
    CHECK(k->scalar[0].is_f32 && !k->scalar[1].is_f32, "types of args");
    CHECK_INT(k->n_tiles, 3, "VW is a tile of every kernel");
    CHECK_STR(k->tile[2], "VW", "behind the declared ones");
    CHECK_INT(k->constant[0].max, 256, "largest D");
    CHECK_INT(k->constant[0].n_favour, 2, "favoured D");
    CHECK_STR(k->shared[1].size, "D_MAX / VW", "size of panel");
    CHECK_STR(k->shared[1].words, "(D_MAX / VW) * VW", "floats of panel");
    CHECK_INT(k->n_needs, 2, "needs");
    CHECK_STR(k->need[1], "LANES * RM <= 64 || VW == 1", "second need");
    CHECK_STR(k->turns, "ceil_div(T, RM) * VW + min_u32(WALK, k) * PARTS",
              "turns");
    CHECK_STR(k->groups, "ceil_div(T, RM) * groups * (k + 1u)", "groups");
    CHECK(k->library, "library");
    const kern *two = kern_find(&set, "two");
    CHECK_STR(two->body, " store_y(0u, 1.0f); /* for EACH_LANE */",
              "body on one line");
    CHECK_INT(two->body_line, 19, "its line");
    CHECK(kern_find(&set, "three") == NULL, "no such kernel");
    qvl_arena_release(&arena);
}

/* Lists hold for the kernels below them, and are no dims that a call gives. */
static void test_names(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    kern_set set = { 0 };
    CHECK_OK(read_text("kernel one(out f32 y[ROW]) groups 1 {}\n"
                       "names ROW { LO, HI } names COL { A1 }\n"
                       "kernel two(out f32 y[ROW, COL, n]) groups 1 {}\n",
                       &set, &arena, &err), err);
    const kern *one = kern_find(&set, "one");
    CHECK_STR(one->sym[0], "ROW", "a dim like any above the list");
    CHECK(one->names == NULL, "no names there");
    const kern *two = kern_find(&set, "two");
    CHECK_INT(two->operand[0].dim[0], -1 - 2, "two of ROW");
    CHECK_INT(two->operand[0].dim[1], -1 - 1, "one of COL");
    CHECK_INT(two->n_syms, 1, "n alone is a dim");
    CHECK_STR(two->names->name, "COL", "the last list comes first");
    CHECK_STR(two->names->next->item[1], "ROW_HI", "with the list before it");
    CHECK_INT(read_text("names ROW { A }\nkernel three(out f32 y[ROW]) groups 1 {}\n",
                        &set, &arena, &err), QVL_E_CONFIG, "in another file");
    CHECK_HAS(err.msg, "1:1: names ROW stands in ", "its place");
    qvl_arena_release(&arena);
}

/* Arguments and buffers of a form, in the order of backend/kernel.h. */
static void test_layout(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    kern_set set = { 0 };
    CHECK_OK(read_text(good, &set, &arena, &err), err);
    kern_form f = {
        .k = kern_find(&set, "one"),
        .dtype = { QVL_F32, -1, QVL_I32, QVL_BF16, QVL_F32 },
        .epilogue_on = 3,
        .epilogue = { .text = "v + e0 + e1", .n_extra = 2,
                      .kind = { KERN_EXTRA_COL, KERN_EXTRA_SAME },
                      .dtype = { QVL_F32, QVL_F32 } },
    };
    int map[20];
    static const int want_map[] = { 0, 2, 3, 4, -1, -2 };
    CHECK_INT(kern_buffers(&f, map), 6, "buffers without b");
    for (int i = 0; i < 6; i++)
        CHECK_INT(map[i], want_map[i], "buffer %d", i);
    kern_arg arg[80];
    static const kern_arg want[] = {
        { KERN_ARG_DIM, 0 },    { KERN_ARG_DIM, 1 },    { KERN_ARG_DIM, 2 },
        { KERN_ARG_DIM, 3 },    { KERN_ARG_OFF, 0 },    { KERN_ARG_LD, 0 },
        { KERN_ARG_OFF, 2 },    { KERN_ARG_LD, 2 },     { KERN_ARG_OFF, 5 },
        { KERN_ARG_LD, 5 },     { KERN_ARG_SCALAR, 0 }, { KERN_ARG_SCALAR, 1 },
        { KERN_ARG_ACC, 4 },
    };
    CHECK_INT(kern_args(&f, arg), QVL_COUNT(want), "arguments");
    for (size_t i = 0; i < QVL_COUNT(want); i++)
        CHECK(arg[i].kind == want[i].kind && arg[i].index == want[i].index,
              "argument %zu", i);
    qvl_arena_release(&arena);
}

static const char cuts[] =
    "kernel three(in X x[N, C] ld, in i32 start[N1], acc Y y[rows, C] ld,\n"
    "             acc f32 z[C], arg f32 f, arg u32 lo)\n"
    "cut N edge N1 first lo\n"
    "cut rows apart\n"
    "groups rows\n"
    "{\n"
    "}\n";

static void test_cuts(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    kern_set set = { 0 };
    CHECK_OK(read_text(cuts, &set, &arena, &err), err);
    const kern *k = kern_find(&set, "three");
    CHECK_INT(k->n_cuts, 2, "cuts");
    CHECK_STR(k->sym[k->cut[0].sym], "N", "first cut");
    CHECK_STR(k->sym[k->cut[0].edge], "N1", "its edge");
    CHECK_STR(k->scalar[k->cut[0].first].name, "lo", "its first index");
    CHECK(!k->cut[0].apart && k->cut[1].apart, "apart");
    CHECK_STR(k->sym[k->cut[1].sym], "rows", "second cut");
    CHECK(k->cut[1].edge < 0 && k->cut[1].first < 0, "nothing else of it");
    CHECK(kern_is_first(k, 1) && !kern_is_first(k, 0), "lo is a first index");
    qvl_arena_release(&arena);
}

#define BODY "groups 1\n{\n}\n"
#define Y "out f32 y[n]"

/* Text and message; place is "line:col" of the caret. */
static const struct {
    const char *text;
    const char *place;
    const char *message;
} bad[] = {
    { "kernal a(" Y ")" BODY, "1:1", "expected kernel" },
    { "kernel 3a(" Y ")" BODY, "1:8", "expected the kernel's name" },
    { "kernel a[" Y ")" BODY, "1:9", "expected (" },
    { "kernel a()" BODY, "1:10", "expected in, out, io, acc or arg" },
    { "kernel a(inout f32 y[n])" BODY, "1:10", "expected in, out, io" },
    { "kernel a(out f64 y[n])" BODY, "1:14", "f64 is no type" },
    { "kernel a(out Xy y[n])" BODY, "1:14", "Xy is no type" },
    { "kernel a(out f32 y)" BODY, "1:19", "expected [" },
    { "kernel a(out f32 y[a,b,c,d,e])" BODY, "1:28", "more than 4 dims" },
    { "kernel a(out f32 y[0])" BODY, "1:20", "expected a number from 1" },
    { "kernel a(out f32 y[n) " BODY, "1:21", "expected ," },
    { "kernel a(out f32 y[n] ld)" BODY, "1:23", "y has one dim" },
    { "kernel a(out f32 y[n]?)" BODY, "1:22", "only an `in` can be absent" },
    { "kernel a(" Y ", in f32 y[n])" BODY, "1:31", "y is there already" },
    { "kernel a(" Y ", in f32 n[n])" BODY, "1:31", "n is there already" },
    { "kernel a(" Y ", in f32 x[y])" BODY, "1:33", "y is there already and is "
                                                   "no dim" },
    { "kernel a(" Y ", in f32 x[LANES])" BODY, "1:33", "a word of the language" },
    { "kernel a(" Y ", arg f32 n)" BODY, "1:32", "n is there already" },
    { "kernel a(" Y ", arg i32 k)" BODY, "1:28", "expected f32 or u32" },
    { "kernel a(" Y ", arg f32 k, in f32 x[n])" BODY, "1:35",
      "operands stand before the args" },
    { "kernel a(in f32 x[n])" BODY, "1:8", "a writes nothing" },
    { "kernel a(" Y ")\n{\n}\n", "1:8", "does not say its groups" },
    { "kernel a(" Y ")\ngroups n\ngroups m\n{\n}\n", "3:1",
      "this line stands twice" },
    { "kernel a(" Y ")\ngroups rows\n{\n}\n", "2:8", "rows is not known here" },
    { "kernel a(" Y ")\ngroups VW\n{\n}\n", "2:8", "VW is not known here" },
    { "kernel a(" Y ", arg f32 k)\ngroups k\n{\n}\n", "2:8",
      "k is not known here" },
    { "kernel a(" Y ")\ngroups (n\n{\n}\n", "2:8", "expected an expression" },
    { "kernel a(" Y ")\ngroups\n{\n}\n", "3:1", "expected an expression" },
    { "kernel a(" Y ")\ntile A\ntile B\n" BODY, "3:1", "stands twice" },
    { "kernel a(" Y ")\ntile A, A\n" BODY, "2:9", "A is there already" },
    { "kernel a(" Y ")\ntile LANES\n" BODY, "2:6", "a word of the language" },
    { "kernel a(" Y ")\ntile A,B,C,D,E,F,G,H,I,J,K,L,M\n" BODY, "2:30",
      "M is one tile too many" },
    { "kernel a(" Y ")\ntile A,B,C,D,E,F,G,H,I,J,K,L\n" BODY, "1:8",
      "needs room for VW" },
    { "kernel a(" Y ")\nconst D 8\n" BODY, "2:7", "no operand has a dim D" },
    { "kernel a(" Y ")\nconst n 8 = 9\n" BODY, "2:13",
      "expected a number from 1 to 8" },
    { "kernel a(" Y ")\nconst n 8 =\n" BODY, "3:1", "expected values" },
    { "kernel a(" Y ")\nconst n 8\nconst n 9\n" BODY, "3:7",
      "n is const already" },
    { "kernel a(" Y ")\nshared half p[4]\n" BODY, "2:8", "expected f32, u32" },
    { "kernel a(" Y ")\nshared f32 y[4]\n" BODY, "2:12", "y is there already" },
    { "kernel a(" Y ")\nshared f32 p[n]\n" BODY, "2:14",
      "n is not known here" },
    { "kernel a(" Y ")\ntile A\nshared f32 p[A * (A - 2)) ]\n" BODY, "3:14",
      "expected an expression" },
    { "kernel a(" Y ")\ntile A\nshared f32 p[A * / 2]\n" BODY, "3:14",
      "A * / 2 is no formula of sizes" },
    { "kernel a(" Y ")\ntile A\nneeds A % n == 0\n" BODY, "3:11",
      "n is not known here" },
    { "kernel a(" Y ")\ntile A\nneeds A % == 0\n" BODY, "3:7",
      "A % == 0 is no formula of sizes" },
    { "kernel a(" Y ")\nneeds\n" BODY, "3:1", "expected an expression" },
    { "kernel a(" Y ")\nneeds 1\nneeds 1\nneeds 1\nneeds 1\nneeds 1\n"
      "needs 1\nneeds 1\nneeds 1\nneeds 1\n" BODY, "10:1",
      "more than 8 needs" },
    { "kernel a(" Y ")\nturns 1\nturns 2\n" BODY, "3:1", "stands twice" },
    { "kernel a(" Y ")\nturns rows\n" BODY, "2:7", "rows is not known here" },
    { "kernel a(" Y ", arg f32 k)\nturns k\n" BODY, "2:7",
      "k is not known here" },
    { "kernel a(" Y ")\nturns\n" BODY, "3:1", "expected an expression" },
    { "kernel a(" Y ")\ngroups WALK\n{\n}\n", "2:8", "WALK is not known here" },
    { "kernel a(" Y ")\ngroups 1\n{\n  if (1) { for (;;) { } }\n}\n", "1:8",
      "a has loops and does not say its turns" },
    { "kernel a(" Y ")\ngroups 1\n{\n  EACH_LANE_TAIL(i, n)\n    ;\n}\n", "1:8",
      "a has loops and does not say its turns" },
    { "kernel a(" Y ")\nlibrary\nlibrary\n" BODY, "3:1", "stands twice" },
    { "kernel a(" Y ")\nlibrary\n" BODY, "1:8", "rows and columns" },
    { "kernel a(" Y ")\nwarps 3\n" BODY, "2:1", "expected tile, const" },
    { "kernel a(" Y ")\ncut 3\n" BODY, "2:5", "expected a dim" },
    { "kernel a(" Y ")\ncut m\n" BODY, "2:5", "no operand has a dim m" },
    { "kernel a(" Y ")\ncut n\ncut n\n" BODY, "3:5", "n is cut already" },
    { "kernel a(" Y ")\ncut n rows\n" BODY, "2:7", "expected tile, const" },
    { "kernel a(" Y ")\nconst n 8\ncut n\n" BODY, "3:5",
      "n is const and cannot be cut" },
    { "kernel a(" Y ")\ncut n\nconst n 8\n" BODY, "3:7",
      "n is cut and cannot be const" },
    { "kernel a(" Y ")\ncut n apart\n" BODY, "2:5",
      "every output has n: nothing to keep apart" },
    { "kernel a(" Y ",in f32 x[m])\ncut m\n" BODY, "2:5",
      "y has no m: expected acc, or apart" },
    { "kernel a(acc f32 y[n],in f32 x[m],io i32 k[n])\ncut m\n" BODY, "2:5",
      "k has no m: expected acc, or apart" },
    { "kernel a(" Y ",in f32 x[m,n])\ncut n\n" BODY, "2:5",
      "n of x: expected the first dim" },
    { "kernel a(" Y ",in f32 x[m,k,n] ld)\ncut n\n" BODY, "2:5",
      "n of x: expected the first dim" },
    { "kernel a(" Y ",in f32 x[n,n] ld)\ncut n\n" BODY, "2:5",
      "n of x: expected the first dim" },
    { "kernel a(" Y ",in f32 x[m])\ncut n edge\n" BODY, "3:1",
      "no operand has a dim groups" },
    { "kernel a(" Y ",in f32 x[m])\nconst m 8\ncut n edge m\n" BODY, "3:12",
      "m is const and cannot be an edge" },
    { "kernel a(" Y ",in f32 x[m])\ncut n edge k\n" BODY, "2:12",
      "no operand has a dim k" },
    { "kernel a(" Y ")\ncut n edge n\n" BODY, "2:12",
      "n is the dim that is cut" },
    { "kernel a(" Y ",acc f32 x[m])\ncut m edge n apart\n" BODY, "2:12",
      "n is the first dim of the kernel" },
    { "kernel a(" Y ",in f32 x[k,m])\ncut n edge m\n" BODY, "2:12",
      "m of x: an edge is the first dim of an `in`" },
    { "kernel a(" Y ",out f32 x[m])\ncut n edge m\n" BODY, "2:12",
      "m of x: an edge is the first dim of an `in`" },
    { "kernel a(" Y ")\ncut n first lo\n" BODY, "2:13", "lo is no u32 arg" },
    { "kernel a(" Y ",arg f32 lo)\ncut n first lo\n" BODY, "2:13",
      "lo is no u32 arg" },
    { "kernel a(acc f32 y[n],acc f32 x[m],arg u32 lo)\ncut n first lo\n"
      "cut m first lo\n" BODY, "3:13", "lo is the first of another cut" },
    { "kernel a(acc f32 y[n],acc f32 x[m],acc f32 z[k],acc f32 q[l])\n"
      "cut n\ncut m\ncut k\ncut l\n" BODY, "5:5", "more than 3 cuts" },
    { "kernel a(" Y ",in f32 cut[n])" BODY, "1:30", "a word of the language" },
    { "kernel a(" Y ")\ngroups 1\n{\n  if (1) {\n}\n", "3:1",
      "this { is never closed" },
    { "kernel a(" Y ")\ngroups 1\n{\n  /* }\n}\n", "4:3",
      "this comment is never closed" },
    { "kernel a(" Y ")\ngroups 1\n{\n\treturn;\n}\n", "4:2",
      "return is not allowed" },
    { "kernel a(" Y ")\ngroups 1\n{\n goto x;\n}\n", "4:2",
      "goto is not allowed" },
    { "kernel a(" Y ")\ngroups 1\n{\n // \xc3\xa9\n}\n", "4:5",
      "only ASCII" },
    { "kernel a(" Y ")\ngroups 1\n{\n}\n}\n", "5:1", "expected kernel" },
    { "kernel a(" Y ")" BODY "kernel a(" Y ")" BODY, "4:8",
      "there is a kernel a already" },
    { "kernel a(out f32 a[n],out f32 b[n],out f32 c[n],out f32 d[n],\n"
      "out f32 e[n],out f32 f[n],out f32 g[n],out f32 h[n],out f32 i[n],\n"
      "out f32 j[n],out f32 k[n],out f32 l[n],out f32 m[n])\n" BODY, "3:40",
      "more than 12 operands" },
    { "kernel a(out f32 y[n,m] ld,in f32 b[a1,a2,a3] ld,"
      "in f32 c[a4,a5,a6] ld,in f32 d[a7,a8,a9,aa] ld,in f32 e[ab,ac])\n" BODY,
      "1:106", "more than 12 different dims" },
    { "kernel a(out f32 a[n,m] ld,out f32 b[n,m] ld,out f32 c[n,m] ld,\n"
      "out f32 d[n,m] ld,out f32 e[n,m] ld,out f32 f[n,m] ld,\n"
      "out f32 g[n,m] ld,out f32 h[n,m] ld,out f32 i[n,m] ld,\n"
      "out f32 j[n,m] ld,out f32 k[n,m] ld,out f32 l[n,m] ld,arg u32 o,\n"
      "arg u32 p,arg u32 q,arg u32 r,arg u32 s,arg u32 t,arg u32 u)\n" BODY,
      "1:8", "a has 33 arguments, 31 fit" },
    { "kernel a(out f32 y[n],arg u32 a1,arg u32 a2,arg u32 a3,arg u32 a4,\n"
      "arg u32 a5,arg u32 a6,arg u32 a7,arg u32 a8,arg u32 a9)\n" BODY, "2:45",
      "more than 8 args" },
    { "names { A }\nkernel a(" Y ")" BODY, "1:7", "a name in capitals" },
    { "names row { A }\nkernel a(" Y ")" BODY, "1:7", "a name in capitals" },
    { "names ROW A\nkernel a(" Y ")" BODY, "1:11", "expected {" },
    { "names ROW { }\nkernel a(" Y ")" BODY, "1:13", "a name in capitals" },
    { "names ROW { A b }\nkernel a(" Y ")" BODY, "1:15", "expected , or }" },
    { "names ROW { A, A }\nkernel a(" Y ")" BODY, "1:16",
      "ROW_A is there already" },
    { "names ROW { A }\nnames ROW { B }\nkernel a(" Y ")" BODY, "2:7",
      "ROW is there already" },
    { "names ROW { A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q }\nkernel a(" Y ")" BODY,
      "1:45", "more than 16 names" },
    { "names LANES { A }\nkernel a(" Y ")" BODY, "1:1",
      "LANES is a word of the language" },
    { "names LONG { A_NAME_THAT_IS_LONGER_THAN_ANY_SHOULD_BE }\nkernel a(" Y ")" BODY,
      "1:1", "at most 40 letters" },
    { "names ROW { A }\nkernel a(" Y ",in f32 ROW_A[n])" BODY, "2:30",
      "ROW_A is there already" },
    { "kernel a(" Y ")" BODY "names ROW { A }\n", "5:1", "expected kernel" },
    { "kernel a(out f32 a_name_that_is_longer_than_any_name_should_be[n])" BODY,
      "1:18", "at most 40 letters" },
};

static void test_mistakes(void)
{
    for (size_t i = 0; i < QVL_COUNT(bad); i++) {
        qvl_arena arena = { 0 };
        qvl_err err = { 0 };
        kern_set set = { 0 };
        char part[128];
        int rc = read_text(bad[i].text, &set, &arena, &err);
        CHECK_INT(rc, QVL_E_CONFIG, "case %zu: %s", i, bad[i].text);
        CHECK_INT(set.n, 0, "case %zu: the set is as it was", i);
        snprintf(part, sizeof part, ".k:%s: ", bad[i].place);
        CHECK_HAS(err.msg, part, "case %zu: %s", i, bad[i].text);
        CHECK_HAS(err.msg, bad[i].message, "case %zu", i);
        qvl_arena_release(&arena);
    }
}

/* The source line and the caret, behind tabs as they were. */
static void test_caret(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    kern_set set = { 0 };
    read_text("kernel a(\n\tout f99 y[n])" BODY, &set, &arena, &err);
    CHECK_HAS(err.msg, "f99 is no type: f32, i32, u32 or a capital word\n"
              "\tout f99 y[n])groups 1\n\t    ^", "caret");
    qvl_arena_release(&arena);
}

static void test_missing_file(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    kern_set set = { 0 };
    CHECK_FAILS(kern_read(&set, check_path("none.k"), &arena, &err), QVL_E_IO,
                err, "none.k");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_good), TEST(test_names), TEST(test_cuts), TEST(test_layout),
          TEST(test_mistakes), TEST(test_caret), TEST(test_missing_file))
