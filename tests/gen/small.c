/* small.c - the specs of small.h */
#include "gen/small.h"

#include "check.h"

const char small_spec[] =
    "arch: small\n"
    "model_type: [small]\n"
    "config:\n"
    "  V: int vocab\n"
    "  H: int hidden\n"
    "  nh: int heads\n"
    "  L: int layers\n"
    "  taps: list taps\n"
    "  eps: float eps\n"
    "derived:\n"
    "  D: H / nh\n"
    "  A: D / 2\n"
    "batch: [T, R, C]\n"
    "check:\n"
    "  - count(taps) <= L\n"
    "inputs:\n"
    "  token: index [T, 1] into V\n"
    "  angles: angles [T, A]\n"
    "  range: range [T]\n"
    "  label: i32 [T, 1]\n"
    "  loss_scale: f32 [1]\n"
    "params:\n"
    "  text:\n"
    "    embed.weight: [V, H]\n"
    "    layers.{l<L}.norm.weight: [H]\n"
    "    layers.{l<L}.qkv.weight: [3 * H, H]\n"
    "    layers.{l<L}.o.weight: [H, H]\n"
    "    head.weight: [V, H]\n"
    "program:\n"
    "  - x = lookup(embed.weight, token)\n"
    "  - for l in L at layers.{l}.:\n"
    "    - n = rms_norm(x, norm, eps)\n"
    "    - q, k, v = split(heads(linear(n, qkv), 3 * nh), nh, nh, nh)\n"
    "    - a = attention(rope(q, angles), k, v, range, D ^ -0.5)\n"
    "    - x = x + linear(join(a), o)\n"
    "    - if l in taps as k:\n"
    "      - ds[k] = x\n"
    "  - y = f32(linear(x, head))\n"
    "  - stat = cross_entropy(y, label, loss_scale)\n"
    "outputs:\n"
    "  y: y\n"
    "  stat: stat\n";

const char *small_with(const char *text, const small_edit *x, qvl_arena *arena)
{
    const char *at = strstr(text, x->find);
    CHECK(at != NULL, "%s is not in the spec", x->find);
    return qvl_arena_printf(arena, "%.*s%s%s", (int)(at - text), text,
                            x->replace, at + strlen(x->find));
}

