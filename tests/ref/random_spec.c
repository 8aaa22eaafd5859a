/* random_spec.c - writes layer specs that nobody would design
 *
 *   random_spec DIR N SEED      DIR/random_00.yaml ..., DIR/dims.yaml
 *
 * A spec is a text tower, perhaps with a second tower whose rows it looks up,
 * put together from blocks that models are made of, each with its variants drawn
 * by lot: norms of either kind, before and behind a block, biases, norms of
 * heads, rotations, gated and plain layers, blocks side by side, layers used
 * twice, taps from one tower to the other, conditions on the turn, experts, a
 * chunked or a tied head. Every second one keeps keys and values in a cache.
 * The same seed gives the same bytes.
 *
 * Blocks keep to a few shapes of elementwise expressions, because each new one
 * is one more kernel to compile on every back end.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"

typedef struct {
    qvl_rng rng;
    qvl_str inputs, params, program;
    int depth;           // of the statement that comes next
    const char *at;      // prefix of parameters that come next
    bool has_tower, has_taps, has_experts, has_merge, is_tied, is_chunked;
    bool has_rope, has_rows, has_cache;
} writer;

static bool maybe(writer *w, int of)
{
    return qvl_rng_below(&w->rng, (uint64_t)of) == 0;
}

static const char *one_of(writer *w, const char *const *list, size_t n)
{
    return list[qvl_rng_below(&w->rng, n)];
}

static void say(writer *w, const char *fmt, ...) QVL_PRINTF(2, 3);

/* One statement of the program. */
static void say(writer *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    qvl_str_printf(&w->program, "%*s- ", 2 + 2 * w->depth, "");
    qvl_str_vprintf(&w->program, fmt, args);
    qvl_str_putc(&w->program, '\n');
    va_end(args);
}

static void param(writer *w, const char *name, const char *shape)
{
    qvl_str_printf(&w->params, "    %s%s: [%s]\n", w->at, name, shape);
}

/* Parameters of linear(_, name), with a bias or not. */
static void linear(writer *w, const char *name, const char *out,
                   const char *in, bool bias)
{
    char text[64], shape[64];
    snprintf(text, sizeof text, "%s.weight", name);
    snprintf(shape, sizeof shape, "%s, %s", out, in);
    param(w, text, shape);
    snprintf(text, sizeof text, "%s.bias", name);
    if (bias)
        param(w, text, out);
}

/* to = norm(from), of one kind or the other */
static void norm(writer *w, const char *to, const char *from, const char *name,
                 const char *size)
{
    char text[64];
    bool mean = maybe(w, 2);
    snprintf(text, sizeof text, "%s.weight", name);
    param(w, text, size);
    snprintf(text, sizeof text, "%s.bias", name);
    if (mean)
        param(w, text, size);
    say(w, "%s = %s(%s, %s, eps)", to, mean ? "layer_norm" : "rms_norm", from,
        name);
}

/* A head norm and a rotation of what a projection gave, or neither. */
static void prepare_heads(writer *w, const char *v, bool normed, bool turned,
                          const char *head, const char *angles)
{
    char name[64];
    snprintf(name, sizeof name, "%s_norm.weight", v);
    if (normed) {
        param(w, name, head);
        say(w, "%s = rms_norm(%s, %s_norm, eps)", v, v, v);
    }
    if (turned)
        say(w, "%s = rope(%s, %s)", v, v, angles);
}

/* a = attention of n; heads and keys of the tower */
static void attention(writer *w, bool text)
{
    const char *rows = text ? "H" : "h", *range = text ? "range" : "patch_range";
    const char *angles = text ? "angles" : "patch_angles";
    const char *head = text ? "hd" : "hv";
    bool bias = maybe(w, 2), normed = maybe(w, 2);
    bool turned = w->has_rope && !maybe(w, 4);
    if (!text && maybe(w, 2)) {
        linear(w, "qkv", "3 * h", "h", bias);
        say(w, "q, k, v = split(heads(linear(n, qkv), 3 * nv), nv, nv, nv)");
    } else {
        const char *kv = text ? "nkv * hd" : "h";
        linear(w, "q", text ? "nh * hd" : "h", rows, bias);
        linear(w, "k", kv, rows, bias);
        linear(w, "v", kv, rows, bias);
        say(w, "q = heads(linear(n, q), %s)", text ? "nh" : "nv");
        say(w, "k = heads(linear(n, k), %s)", text ? "nkv" : "nv");
        say(w, "v = heads(linear(n, v), %s)", text ? "nkv" : "nv");
    }
    prepare_heads(w, "q", normed, turned, head, angles);
    prepare_heads(w, "k", normed, turned, head, angles);
    linear(w, "o", rows, text ? "nh * hd" : "h", bias);
    say(w, "a = linear(join(attention(q, k, v, %s, %s ^ -0.5%s)), o)", range,
        head, text && w->has_cache ? ", cache" : "");
}

/* m = a layer of n: gated, plain, or of experts */
static void mlp(writer *w, bool text)
{
    static const char *const functions[] = { "silu", "gelu_tanh", "gelu_erf" };
    const char *rows = text ? "H" : "h", *inner = text ? "I" : "i";
    const char *fn = one_of(w, functions, QVL_COUNT(functions));
    bool bias = maybe(w, 2);
    if (text && w->has_experts) {
        linear(w, "gate", "E", "H", false);
        param(w, "experts.up", "E, 2 * I, H");
        param(w, "experts.down", "E, H, I");
        say(w, "r = route(linear(n, gate), K)");
        say(w, "g, u = split(experts(n, r, experts.up), I, I)");
        say(w, "m = combine(experts(silu(g) * u, r, experts.down), r)");
        return;
    }
    linear(w, "up", inner, rows, bias);
    linear(w, "down", rows, inner, bias);
    if (maybe(w, 2)) {
        linear(w, "gate", inner, rows, false);
        say(w, "m = linear(silu(linear(n, gate)) * linear(n, up), down)");
    } else {
        say(w, "m = linear(%s(linear(n, up)), down)", fn);
    }
}

/* x = x + part, perhaps behind a norm of the part. */
static void add_part(writer *w, const char *part, const char *name, bool normed,
                     const char *size)
{
    if (normed)
        norm(w, part, part, name, size);
    say(w, "x = x + %s", part);
}

static void layer(writer *w, bool text)
{
    const char *size = text ? "H" : "h";
    bool behind = maybe(w, 3);
    norm(w, "n", "x", "norm1", size);
    attention(w, text);
    if (maybe(w, 4)) {
        /* side by side: both read the same norm */
        mlp(w, text);
        add_part(w, "a", "norm3", behind, size);
        add_part(w, "m", "norm4", behind, size);
        return;
    }
    add_part(w, "a", "norm3", behind, size);
    norm(w, "n", "x", "norm2", size);
    mlp(w, text);
    add_part(w, "m", "norm4", behind, size);
}

/* A block that some turns of the loop do not have. */
static void sometimes(writer *w, const char *var, const char *size)
{
    static const char *const conditions[] = { "%s %% 2 == 0", "%s > 0",
                                              "%s == 1", "not %s == 0" };
    char text[64];
    const char *form = one_of(w, conditions, QVL_COUNT(conditions));
    const char *mark = strstr(form, "%s");
    snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - form), form, var,
             strstr(form, "%%") ? " % 2 == 0" : mark + 2);
    linear(w, "extra", size, size, false);
    say(w, "if %s:", text);
    w->depth++;
    say(w, "x = x + linear(silu(x), extra)");
    w->depth--;
}

/* ---- towers ---- */

static void second_tower(writer *w)
{
    qvl_str_puts(&w->inputs, "  pixels: f32 [P, X]\n"
                             "  patch_range: range [P]\n"
                             "  row: index [T, 1] into M\n");
    if (w->has_rope)
        qvl_str_puts(&w->inputs, "  patch_angles: angles [P, hv / 2]\n");
    w->at = "tower.";
    linear(w, "enter", "h", "X", maybe(w, 2));
    say(w, "at tower.:");
    w->depth++;
    if (maybe(w, 2)) {
        qvl_str_puts(&w->inputs, "  pos: index [P, 4] into N\n");
        param(w, "places", "N, h");
        say(w, "x = linear(pixels, enter) + lookup(places, pos)");
    } else {
        say(w, "x = linear(pixels, enter)");
    }
    say(w, "for b in depth at blocks.{b}.:");
    w->at = "tower.blocks.{b<depth}.";
    w->depth++;
    layer(w, false);
    if (maybe(w, 3))
        sometimes(w, "b", "h");
    if (w->has_taps) {
        say(w, "if b in taps as k at taps.{k}.:");
        w->at = "tower.taps.{k<count(taps)}.";
        w->depth++;
        norm(w, "n", w->has_merge ? "reshape(x, M, h4)" : "x", "norm",
             w->has_merge ? "h4" : "h");
        linear(w, "out", "H", w->has_merge ? "h4" : "h", maybe(w, 2));
        say(w, "ds[k] = linear(n, out)");
        w->depth--;
    }
    w->depth--;
    w->at = "tower.";
    norm(w, "n", "x", "last", "h");
    if (w->has_merge)
        say(w, "n = reshape(n, M, h4)");
    linear(w, "out", "H", w->has_merge ? "h4" : "h", maybe(w, 2));
    say(w, "e = linear(n, out)");
    w->depth--;
}

static void text_layers(writer *w)
{
    say(w, "for l in L at layers.{l}.:");
    w->at = "layers.{l<L}.";
    w->depth++;
    layer(w, true);
    if (w->has_taps) {
        say(w, "if l < count(taps):");
        w->depth++;
        say(w, "x = x + lookup(ds[l], row)");
        w->depth--;
    }
    if (maybe(w, 3))
        sometimes(w, "l", "H");
    w->depth--;
    if (maybe(w, 4)) {
        /* the first layers once more: one weight, two uses */
        w->at = "again.";
        linear(w, "again", "H", "H", false);
        say(w, "for l in L at layers.{l}.:");
        w->depth++;
        say(w, "n = rms_norm(x, norm1, eps)");
        say(w, "x = x + linear(silu(linear(n, again.again)), again.again)");
        w->depth--;
    }
}

static void head(writer *w)
{
    w->at = "";
    if (w->has_rows) {
        qvl_str_puts(&w->inputs, "  loss_row: index [R, 1] into T\n");
        say(w, "x = lookup(x, loss_row)");
    }
    norm(w, "y", "x", "norm", "H");
    if (w->is_tied)
        qvl_str_puts(&w->params, "    head.weight: {shape: [V, H], "
                                 "same_as: embed.weight, if: tied}\n");
    else
        linear(w, "head", "V", "H", maybe(w, 2));
    if (w->is_chunked) {
        say(w, "chunk R by C:");
        w->depth++;
    }
    say(w, "stat = cross_entropy(f32(linear(y, head)), label, loss_scale)");
    w->depth = 0;
    say(w, "stat_sum = sum_rows(stat)");
}

/* ---- files ---- */

static void write_spec(const char *dir, const char *name, const qvl_str *s)
{
    char path[512];
    qvl_err err;
    snprintf(path, sizeof path, "%s/%s.yaml", dir, name);
    if (qvl_file_write_all(path, s->p, s->len, &err) != QVL_OK) {
        fprintf(stderr, "random_spec: error: %s\n", err.msg);
        exit(1);
    }
}

static void put_heading(const writer *w, qvl_str *s, const char *name)
{
    qvl_str_printf(s, "# Made by tests/ref/random_spec.c\narch: %s\n"
                      "model_type: [%s]\nconfig:\n", name, name);
    static const char *const ints[] = { "V", "H", "I", "L", "nh", "nkv", "hd",
                                        "E", "K", "h", "i", "nv", "depth", "X",
                                        "N" };
    for (size_t i = 0; i < QVL_COUNT(ints); i++)
        qvl_str_printf(s, "  %s: int %s\n", ints[i], ints[i]);
    qvl_str_printf(s, "  eps: float eps\n  tied: bool tied\n"
                      "  taps: list taps\n"
                      "derived:\n  A: hd / 2\n  hv: h / nv\n  B: hv / 2\n");
    if (w->has_merge)
        qvl_str_puts(s, "  P: M * 4\n  h4: h * 4\n");
    else
        qvl_str_puts(s, "  P: M * 1\n");
    if (!w->has_rows)
        qvl_str_puts(s, "  R: T * 1\n");
    qvl_str_printf(s, "batch: [T, M, C%s%s]\ncheck:\n  - nh %% nkv == 0\n"
                      "  - count(taps) <= L\n",
                   w->has_rows ? ", R" : "", w->has_cache ? ", S, Z" : "");
}

/* Sizes that divide as the spec wants; the first set stays small. */
static void put_dims(writer *w, qvl_str *s, bool small)
{
    int nkv = 1 + (int)qvl_rng_below(&w->rng, 2);
    int nh = nkv * (1 + (int)qvl_rng_below(&w->rng, 2));
    int hd = 2 + 2 * (int)qvl_rng_below(&w->rng, small ? 2 : 12);
    int nv = 1 + (int)qvl_rng_below(&w->rng, 2);
    int hv = 4 + 2 * (int)qvl_rng_below(&w->rng, small ? 2 : 9);
    int wide = small ? 5 : 40;
    int n_layers = 2 + (int)qvl_rng_below(&w->rng, 2);
    int n_experts = 3 + (int)qvl_rng_below(&w->rng, 5);
    int n_rows = small ? 6 : 40;
    qvl_str_printf(
        s, "  - {V: %d, H: %d, I: %d, L: %d, nh: %d, nkv: %d, hd: %d, E: %d, "
           "K: %d,\n     h: %d, i: %d, nv: %d, depth: %d, X: %d, N: %d, "
           "eps: 0.5, tied: %s, taps: [%s],\n     T: %d, M: %d, C: %d",
        5 + (int)qvl_rng_below(&w->rng, (uint64_t)wide),
        3 + (int)qvl_rng_below(&w->rng, (uint64_t)wide),
        3 + (int)qvl_rng_below(&w->rng, (uint64_t)wide), n_layers, nh, nkv,
        hd, n_experts, 1 + (int)qvl_rng_below(&w->rng, 3), nv * hv,
        3 + (int)qvl_rng_below(&w->rng, (uint64_t)wide), nv,
        2 + (int)qvl_rng_below(&w->rng, 2),
        3 + (int)qvl_rng_below(&w->rng, (uint64_t)wide),
        4 + (int)qvl_rng_below(&w->rng, 5), maybe(w, 4) ? "false" : "true",
        maybe(w, 2) ? "1" : "0, 1",
        2 + (int)qvl_rng_below(&w->rng, (uint64_t)n_rows),
        1 + (int)qvl_rng_below(&w->rng, (uint64_t)n_rows / 2),
        1 + (int)qvl_rng_below(&w->rng, (uint64_t)n_rows));
    if (w->has_rows)
        qvl_str_printf(s, ", R: %d",
                       1 + (int)qvl_rng_below(&w->rng, (uint64_t)n_rows));
    if (w->has_cache)
        qvl_str_puts(s, small ? ", S: 10, Z: 5" : ", S: 71, Z: 30");
    qvl_str_puts(s, "}\n");
}

static void draw(writer *w)
{
    w->has_tower = !maybe(w, 3);
    w->has_taps = w->has_tower && !maybe(w, 3);
    w->has_merge = w->has_tower && maybe(w, 2);
    w->has_experts = maybe(w, 5);
    w->has_rope = !maybe(w, 4);
    w->has_rows = maybe(w, 2);
    w->is_tied = maybe(w, 2);
    w->is_chunked = maybe(w, 2);
}

static void one_spec(const char *dir, int k, uint64_t seed, qvl_str *dims)
{
    writer w = { .at = "" };
    qvl_str s = { 0 };
    char name[32];
    qvl_rng_id id = { .seed = seed, .record = (uint64_t)k };
    snprintf(name, sizeof name, "random_%02d", k);
    qvl_rng_init(&w.rng, &id, QVL_RNG_SYNTH);
    draw(&w);
    w.has_cache = k % 2 == 1;
    qvl_str_printf(&w.inputs, "inputs:\n  token: index [T, 1] into V\n"
                   "  range: range [T]\n%s%s  label: i32 [R, 1]\n"
                   "  loss_scale: f32 [1]\n",
                   w.has_rope ? "  angles: angles [T, A]\n" : "",
                   w.has_cache ? "  cache: cache [T, S, Z]\n" : "");
    qvl_str_puts(&w.params, "params:\n  p:\n");
    qvl_str_puts(&w.program, "program:\n");
    param(&w, "embed.weight", "V, H");
    if (w.has_tower)
        second_tower(&w);
    say(&w, "x = lookup(embed.weight, token)%s",
        w.has_tower ? " + lookup(e, row)" : "");
    text_layers(&w);
    head(&w);
    put_heading(&w, &s, name);
    qvl_str_printf(&s, "%s%s%soutputs:\n  y: y\n  stat_sum: stat_sum\n%s",
                   w.inputs.p, w.params.p, w.program.p,
                   w.has_taps ? "  taps.{k}: ds\n" : "");
    write_spec(dir, name, &s);
    qvl_str_printf(dims, "%s:\n", name);
    put_dims(&w, dims, true);
    put_dims(&w, dims, false);
    qvl_str_release(&w.inputs);
    qvl_str_release(&w.params);
    qvl_str_release(&w.program);
    qvl_str_release(&s);
}

int main(int argc, char **argv)
{
    qvl_str dims = { 0 };
    if (argc != 4) {
        fprintf(stderr, "usage: random_spec DIR N SEED\n");
        return 2;
    }
    qvl_str_puts(&dims, "# Made by tests/ref/random_spec.c\n");
    for (int k = 0; k < atoi(argv[2]); k++)
        one_spec(argv[1], k, strtoull(argv[3], NULL, 10), &dims);
    write_spec(argv[1], "dims", &dims);
    qvl_str_release(&dims);
    return 0;
}
