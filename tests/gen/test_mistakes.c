/* test_mistakes.c - what the generator says of a wrong spec, to the letter
 *
 * A good spec with one piece of its text exchanged. The message names file,
 * line and column, shows the line, and puts a caret under the place.
 */
#include "check.h"
#include "gen/small.h"
#include "ref/build.h"

static const small_edit mistakes[] = {
    { "count(taps) <= L",
      "1 <= count(taps) <= L",
      "small.yaml:15:22: a second comparison, expected `and` between two\n"
      "    - 1 <= count(taps) <= L\n"
      "                       ^" },
    { "  - stat = cross_entropy(y, label, loss_scale)",
      "  - s = cross_entropy(y, label, loss_scale)\n"
      "  - stat = cross_entropy(s, label, loss_scale)",
      "small.yaml:39: what cross_entropy returns is for reports: no gradient "
      "comes back through it" },
    { "batch: [T, R, C]",
      "bach: [T, R, C]",
      "small.yaml:13:1: unknown section\n"
      "  bach: [T, R, C]\n"
      "  ^" },
    { "  V: int vocab",
      "  V: integer vocab",
      "small.yaml:4:6: expected TYPE KEY; types are int, float, bool, list\n"
      "    V: integer vocab\n"
      "       ^" },
    { "  H: int hidden",
      "  V: int hidden",
      "small.yaml:5:3: key \"V\": found a second time, expected once (the first is in "
      "line 4)" },
    { "model_type: [small]",
      "model_type: small",
      "small.yaml:2:13: expected a list here\n"
      "  model_type: small\n"
      "              ^" },
    { "batch: [T, R, C]\n",
      "",
      "small.yaml: no section 'batch'" },
    { "batch: [T, R, C]",
      "batch: []",
      "small.yaml:13:8: expected at least one entry\n"
      "  batch: []\n"
      "         ^" },
    { "model_type: [small]",
      "model_type: [[a]]",
      "small.yaml:2:14: expected a model type\n"
      "  model_type: [[a]]\n"
      "               ^" },
    { "  V: int vocab",
      "  long: int vocab",
      "small.yaml:4:3: a word of the emitted C cannot be a name here\n"
      "    long: int vocab\n"
      "    ^" },
    { "batch: [T, R, C]",
      "batch: [T, R, sizeof]",
      "small.yaml:13:15: a word of the emitted C cannot be a name here\n"
      "  batch: [T, R, sizeof]\n"
      "                ^" },
    { "  A: D / 2",
      "  n: D / 2",
      "small.yaml:12:3: a word of the emitted C cannot be a name here\n"
      "    n: D / 2\n"
      "    ^" },
    { "  A: D / 2",
      "  A: auto < L where auto > 2",
      "small.yaml:12:6: a word of the emitted C cannot be a name here\n"
      "    A: auto < L where auto > 2\n"
      "       ^" },
    { "layers.{l<L}.norm.weight: [H]",
      "layers.{do<L}.norm.weight: [H]",
      "small.yaml:25:5: a word of the emitted C cannot be a name here\n"
      "      layers.{do<L}.norm.weight: [H]\n"
      "      ^" },
    { "for l in L at layers.{l}.:",
      "for at in L at layers.{l}.:",
      "small.yaml:31:5: a word of the emitted C cannot be a name here\n"
      "    - for at in L at layers.{l}.:\n"
      "      ^" },
    { "if l in taps as k:",
      "if l in taps as d:",
      "small.yaml:36:7: a word of the emitted C cannot be a name here\n"
      "      - if l in taps as d:\n"
      "        ^" },
    { "- ds[k] = x",
      "- union[k] = x",
      "small.yaml:37:9: a word of the emitted C cannot be the name of an array\n"
      "        - union[k] = x\n"
      "          ^" },
    { "  y: y\n",
      "  y: y\n  s.{k k}: ds\n",
      "small.yaml:42:12: expected a name of letters between the braces of an "
      "output, found 'k k'\n"
      "    s.{k k}: ds\n"
      "             ^" },
    { "  D: H / nh",
      "  D: H / hn",
      "small.yaml:11:10: no dim 'hn'\n"
      "    D: H / hn\n"
      "           ^" },
    { "  D: H / nh",
      "  D: H / eps",
      "small.yaml:11:10: 'eps' is not a whole number\n"
      "    D: H / eps\n"
      "           ^" },
    { "  A: D / 2",
      "  A: D + D / 2",
      "small.yaml:12:12: a size is made of +, - and *; name a quotient under 'derived'\n"
      "    A: D + D / 2\n"
      "             ^" },
    { "  - count(taps) <= L",
      "  - count(L) <= L",
      "small.yaml:15:11: expected the name of a list\n"
      "    - count(L) <= L\n"
      "            ^" },
    { "  - count(taps) <= L",
      "  - count(taps) <=",
      "small.yaml:15:19: the expression ends too early\n"
      "    - count(taps) <=\n"
      "                    ^" },
    { "index [T, 1] into V",
      "index [T, 1]",
      "small.yaml:17:10: expected index [rows, n] into SIZE\n"
      "    token: index [T, 1]\n"
      "           ^" },
    { "index [T, 1] into V",
      "index [T, 1 into V",
      "small.yaml:17:22: unexpected text behind the expression\n"
      "    token: index [T, 1 into V\n"
      "                       ^" },
    { "angles [T, A]",
      "angle [T, A]",
      "small.yaml:18:11: kinds are f32, i32, index, range [T], angles [T, A], "
      "cache [T, S, Z]\n"
      "    angles: angle [T, A]\n"
      "            ^" },
    { "  label: i32 [T, 1]",
      "  label: i32 [T, 1.5]",
      "small.yaml:20:18: expected a whole number\n"
      "    label: i32 [T, 1.5]\n"
      "                   ^" },
    { "- x = lookup(embed.weight, token)",
      "- a, b, c, d, e, f, g, h, i = lookup(embed.weight, token)",
      "small.yaml:30:29: more than 8 names before =\n"
      "    - a, b, c, d, e, f, g, h, i = lookup(embed.weight, token)\n"
      "                              ^" },
    { "join(a)",
      "join(a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a)",
      "small.yaml:35:74: more than 16 arguments\n"
      "      - x = x + linear(join(a, a, a, a, a, a, a, a, a, a, a, a, a, a, "
      "a, a, a), o)\n"
      "                                                                           ^" },
    { "  label: i32 [T, 1]",
      "  label: i32 [T, 1]\n  more: f32 [T, 1, 1, 1, 1, 1]",
      "small.yaml:21:9: more than 5 dims\n"
      "    more: f32 [T, 1, 1, 1, 1, 1]\n"
      "          ^" },
    { "head.weight: [V, H]",
      "head.weight: [V, 2147483648]",
      "small.yaml:28:22: expected a number of at most 2147483647\n"
      "      head.weight: [V, 2147483648]\n"
      "                       ^" },
    { "head.weight: [V, H]",
      "head.weight: [V * 65536 * 32768, H]",
      "small.yaml:28:29: a size that is a sum of more than 6 terms, of "
      "products of more than 12 dims, or of numbers above 2147483647\n"
      "      head.weight: [V * 65536 * 32768, H]\n"
      "                              ^" },
    { "head.weight: [V, H]",
      "head.weight: [2147483647, 2]",
      "small.yaml:28:18: the elements of [2147483647, 2] are a sum of more "
      "than 6 terms, of products of more than 12 dims, or of numbers above "
      "2147483647\n"
      "      head.weight: [2147483647, 2]\n"
      "                   ^" },
    { "head.weight: [V, H]",
      "head.weight: [2147483647 + 1, H]",
      "small.yaml:28:30: a size that is a sum of more than 6 terms, of "
      "products of more than 12 dims, or of numbers above 2147483647\n"
      "      head.weight: [2147483647 + 1, H]\n"
      "                               ^" },
    { "  - count(taps) <= L",
      "  - count(taps) <= 9223372036854775808",
      "small.yaml:15:20: expected a number of at most 2147483647\n"
      "    - count(taps) <= 9223372036854775808\n"
      "                     ^" },
    { "D ^ -0.5)",
      "1e999)",
      "small.yaml:34:51: expected a number that f32 holds: 0, or from 1.2e-38 to "
      "3.4e38\n"
      "      - a = attention(rope(q, angles), k, v, range, 1e999)\n"
      "                                                    ^" },
    { "D ^ -0.5)",
      "1e39)",
      "small.yaml:34:51: expected a number that f32 holds: 0, or from 1.2e-38 to "
      "3.4e38\n"
      "      - a = attention(rope(q, angles), k, v, range, 1e39)\n"
      "                                                    ^" },
    { "norm, eps)",
      "norm, 1e-39)",
      "small.yaml:32:29: expected a number that f32 holds: 0, or from 1.2e-38 to "
      "3.4e38\n"
      "      - n = rms_norm(x, norm, 1e-39)\n"
      "                              ^" },
    { "norm, eps)",
      "norm, 1e-999)",
      "small.yaml:32:29: expected a number that f32 holds: 0, or from 1.2e-38 to "
      "3.4e38\n"
      "      - n = rms_norm(x, norm, 1e-999)\n"
      "                              ^" },
    { "  label: i32 [T, 1]",
      "  label: i32 [T, 0x10]",
      "small.yaml:20:18: expected a number like 12, 0.5 or 1e-6\n"
      "    label: i32 [T, 0x10]\n"
      "                   ^" },
    { "D ^ -0.5)",
      "0x1p3)",
      "small.yaml:34:51: expected a number like 12, 0.5 or 1e-6\n"
      "      - a = attention(rope(q, angles), k, v, range, 0x1p3)\n"
      "                                                    ^" },
    { "D ^ -0.5)",
      "1.5.2)",
      "small.yaml:34:51: expected a number like 12, 0.5 or 1e-6\n"
      "      - a = attention(rope(q, angles), k, v, range, 1.5.2)\n"
      "                                                    ^" },
    { "D ^ -0.5)",
      "2e)",
      "small.yaml:34:51: expected a number like 12, 0.5 or 1e-6\n"
      "      - a = attention(rope(q, angles), k, v, range, 2e)\n"
      "                                                    ^" },
    { "norm, eps)",
      "norm, nan)",
      "small.yaml:32:29: expected a number or a float of config\n"
      "      - n = rms_norm(x, norm, nan)\n"
      "                              ^" },
    { "norm, eps)",
      "norm, inf)",
      "small.yaml:32:29: expected a number or a float of config\n"
      "      - n = rms_norm(x, norm, inf)\n"
      "                              ^" },
    { "  V: int vocab",
      "  V x: int vocab",
      "small.yaml:4:3: expected a name of letters, digits and _\n"
      "    V x: int vocab\n"
      "    ^" },
    { "  eps: float eps",
      "  eps: float e\\ps",
      "small.yaml:9:8: expected a text without quotes, \\ and what is no "
      "ASCII\n"
      "    eps: float e\\ps\n"
      "         ^" },
    { "  y: y\n",
      "  \"y\": y\n  'a\"b': y\n",
      "small.yaml:42:3: expected a text without quotes, \\ and what is no "
      "ASCII\n"
      "    'a\"b': y\n"
      "    ^" },
    { "    head.weight: [V, H]",
      "    head%d.weight: [V, H]",
      "small.yaml:28:5: the name of a parameter has at most 200 letters, and "
      "no %\n"
      "      head%d.weight: [V, H]\n"
      "      ^" },
    { "  y: y\n",
      "  y.{k: y\n",
      "small.yaml:41:9: expected } behind the { of output 'y.{k'\n"
      "    y.{k: y\n"
      "          ^" },
    { "  y: y\n",
      "  y: w\n",
      "small.yaml:41:6: no value 'w' in the program\n"
      "    y: w\n"
      "       ^" },
    { "loss_scale)\noutputs:\n  y: y\n",
      "loss_scale)\n  - w = head.weight\noutputs:\n  y: w\n",
      "small.yaml:42:6: 'w' is a parameter: an output is a value of the "
      "program\n"
      "    y: w\n"
      "       ^" },
    { "layers.{l<L}.norm",
      "layers.{l}.norm",
      "small.yaml:25:5: expected one {VAR<COUNT} or {VAR in LIST} in the name\n"
      "      layers.{l}.norm.weight: [H]\n"
      "      ^" },
    { "head.weight: [V, H]",
      "head.weight: {shape: [V, H], same_as: embed}",
      "small.yaml:28:43: no parameter of this name above\n"
      "      head.weight: {shape: [V, H], same_as: embed}\n"
      "                                            ^" },
    { "head.weight: [V, H]",
      "head.weight: {shape: [V, V], same_as: "
      "embed.weight, if: L == 1}",
      "small.yaml:28:18: same_as needs `if` and an equal shape\n"
      "      head.weight: {shape: [V, V], same_as: embed.weight, if: L == 1}\n"
      "                   ^" },
    { "head.weight: [V, H]",
      "head.weight: {shape: [V, H], tied: true}",
      "small.yaml:28:34: keys are shape, same_as, if, transposable\n"
      "      head.weight: {shape: [V, H], tied: true}\n"
      "                                   ^" },
    { "head.weight: [V, H]",
      "embed.weight: [V, H]",
      "small.yaml:28:5: key \"embed.weight\": found a second time, expected once (the "
      "first is in line 24)" },
    { "head.weight: [V, H]",
      "head.weight: [V, H, V, H, V, H]",
      "small.yaml:28:18: expected a list of 1 to 5 sizes\n"
      "      head.weight: [V, H, V, H, V, H]\n"
      "                   ^" },
    { "- n = rms_norm(x, norm, eps)",
      "- n := rms_norm(x, norm, eps)",
      "small.yaml:32:9: expected a name before =\n"
      "      - n := rms_norm(x, norm, eps)\n"
      "          ^" },
    { "- n = rms_norm(x, norm, eps)",
      "- rms_norm(x, norm, eps)",
      "small.yaml:32:7: expected NAME = EXPRESSION\n"
      "      - rms_norm(x, norm, eps)\n"
      "        ^" },
    { "- n = rms_norm(x, norm, eps)",
      "- n = rms_norm(x, norm)",
      "small.yaml:32:11: rms_norm(x, NAME, eps) takes 3 arguments, found 2\n"
      "      - n = rms_norm(x, norm)\n"
      "            ^" },
    { "- n = rms_norm(x, norm, eps)",
      "- n = rms_norm(x, nrom, eps)",
      "small.yaml:32:23: no parameter 'layers.{l}.nrom.weight' in params\n"
      "      - n = rms_norm(x, nrom, eps)\n"
      "                        ^" },
    { "- n = rms_norm(x, norm, eps)",
      "- n = rms_norm(x, norm, L)",
      "small.yaml:32:29: expected a number or a float of config\n"
      "      - n = rms_norm(x, norm, L)\n"
      "                              ^" },
    { "- n = rms_norm(x, norm, eps)",
      "- n = rmsnorm(x, norm, eps)",
      "small.yaml:32:11: no function 'rmsnorm'; did you mean 'rms_norm'?\n"
      "      - n = rmsnorm(x, norm, eps)\n"
      "            ^" },
    { "- n = rms_norm(x, norm, eps)",
      "- n = layer_norm(x, norm, eps)",
      "small.yaml:32:25: no parameter 'layers.{l}.norm.bias' in params\n"
      "      - n = layer_norm(x, norm, eps)\n"
      "                          ^" },
    { "- n = rms_norm(x, norm, eps)",
      "- n = rms_norm(z, norm, eps)",
      "small.yaml:32:20: no value, input or parameter 'z'\n"
      "      - n = rms_norm(z, norm, eps)\n"
      "                     ^" },
    { "- n = rms_norm(x, norm, eps)",
      "- n = rms_norm(x, norm, eps))",
      "small.yaml:32:33: unexpected text behind the expression\n"
      "      - n = rms_norm(x, norm, eps))\n"
      "                                  ^" },
    { "linear(n, qkv), 3 * nh)",
      "linear(n, qkv), 2 * nh)",
      "small.yaml:33:17: the parts do not add up to the whole\n"
      "      - q, k, v = split(heads(linear(n, qkv), 2 * nh), nh, nh, nh)\n"
      "                  ^" },
    { "linear(n, qkv), 3 * nh)",
      "linear(n, o), 3 * nh)",
      "small.yaml:33:23: the columns do not divide into so many heads\n"
      "      - q, k, v = split(heads(linear(n, o), 3 * nh), nh, nh, nh)\n"
      "                        ^" },
    { "nh, nh, nh)",
      "nh, nh)",
      "small.yaml:33:17: split(x, n, ...) takes 4 arguments, found 3\n"
      "      - q, k, v = split(heads(linear(n, qkv), 3 * nh), nh, nh)\n"
      "                  ^" },
    { "nh, nh, nh)",
      "nh, 0, 2 * nh)",
      "small.yaml:33:58: a part has one column at least\n"
      "      - q, k, v = split(heads(linear(n, qkv), 3 * nh), nh, 0, 2 * nh)\n"
      "                                                           ^" },
    { "q, k, v = split(heads(linear(n, qkv), 3 * nh), nh, nh, nh)",
      "q, k, v = heads(linear(n, qkv), 3 * nh)",
      "small.yaml:33:17: several names on the left go with split(...)\n"
      "      - q, k, v = heads(linear(n, qkv), 3 * nh)\n"
      "                  ^" },
    { "rope(q, angles)",
      "rope(n, angles)",
      "small.yaml:34:21: rope takes [T, heads, 2 * angles]\n"
      "      - a = attention(rope(n, angles), k, v, range, D ^ -0.5)\n"
      "                      ^" },
    { "rope(q, angles)",
      "rope(q, range)",
      "small.yaml:34:29: 'range' is an input of kind range, expected one of kind "
      "angles\n"
      "      - a = attention(rope(q, range), k, v, range, D ^ -0.5)\n"
      "                              ^" },
    { "D ^ -0.5)",
      "D ^ -0.5, range)",
      "small.yaml:34:61: 'range' is an input of kind range, expected one of kind "
      "cache\n"
      "      - a = attention(rope(q, angles), k, v, range, D ^ -0.5, range)\n"
      "                                                              ^" },
    { "D ^ -0.5)",
      "D ^ -0.5, range, 1)",
      "small.yaml:34:11: attention(q, k, v, range, scale[, cache]) takes 5 to 6 "
      "arguments, found 7\n"
      "      - a = attention(rope(q, angles), k, v, range, D ^ -0.5, range, 1)\n"
      "            ^" },
    { "range: range [T]",
      "range: cache [T, R]",
      "small.yaml:19:10: expected cache [rows, slots, blocks]\n"
      "    range: cache [T, R]\n"
      "           ^" },
    { "v, range, D",
      "v, angles, D",
      "small.yaml:34:44: 'angles' is an input of kind angles, expected one of kind "
      "range\n"
      "      - a = attention(rope(q, angles), k, v, angles, D ^ -0.5)\n"
      "                                             ^" },
    { "D ^ -0.5",
      "D ^ eps",
      "small.yaml:34:55: expected a number\n"
      "      - a = attention(rope(q, angles), k, v, range, D ^ eps)\n"
      "                                                        ^" },
    { "x + linear(join(a), o)",
      "x + linear(a, o)",
      "small.yaml:35:15: w of matmul_nt has shape [H, H], expected [H, D]\n"
      "      - x = x + linear(a, o)\n"
      "                ^" },
    { "x + linear(join(a), o)",
      "x + linear(join(a), qkv)",
      "small.yaml:35:13: shapes do not go together: [T, 3 * H] with [T, H]\n"
      "      - x = x + linear(join(a), qkv)\n"
      "              ^" },
    { "x + linear(join(a), o)",
      "x / linear(join(a), o)",
      "small.yaml:35:13: found /, expected + - or * between values\n"
      "      - x = x / linear(join(a), o)\n"
      "              ^" },
    { "x + linear(join(a), o)",
      "not x",
      "small.yaml:35:11: found not, expected + - or * between values\n"
      "      - x = not x\n"
      "            ^" },
    { "x + linear(join(a), o)",
      "x + linear(join(a), 2)",
      "small.yaml:35:31: found a number, expected the name of a parameter\n"
      "      - x = x + linear(join(a), 2)\n"
      "                                ^" },
    { "x + linear(join(a), o)",
      "x + linear(join(a), silu(o))",
      "small.yaml:35:31: found a call, expected the name of a parameter\n"
      "      - x = x + linear(join(a), silu(o))\n"
      "                                ^" },
    { "x + linear(join(a), o)",
      "2 + 3",
      "small.yaml:35:13: numbers alone are no value\n"
      "      - x = 2 + 3\n"
      "              ^" },
    { "x + linear(join(a), o)",
      "linear(join(a), qkv)",
      "small.yaml:31:5: 'x' changes its shape in the loop\n"
      "    - for l in L at layers.{l}.:\n"
      "      ^" },
    { "if l in taps as k:",
      "if l > 1 as k:",
      "small.yaml:36:7: `as` goes with `VAR in LIST`\n"
      "      - if l > 1 as k:\n"
      "        ^" },
    { "if l in taps as k:",
      "if l in eps as k:",
      "small.yaml:36:15: expected the name of a list\n"
      "      - if l in eps as k:\n"
      "                ^" },
    { "if l in taps as k:",
      "if l in taps as l:",
      "small.yaml:36:7: the variable 'l' is that of a block around as well\n"
      "      - if l in taps as l:\n"
      "        ^" },
    { "    - x = x + linear(join(a), o)",
      "    - for l in L:\n      - x = x + linear(join(a), o)",
      "small.yaml:35:7: the variable 'l' is that of a block around as well\n"
      "      - for l in L:\n"
      "        ^" },
    { "ds[k] = x",
      "ds[0] = x",
      "small.yaml:37:9: the place in an array is the variable of the only loop around\n"
      "        - ds[0] = x\n"
      "          ^" },
    { "ds[k] = x",
      "z = ds[k]",
      "small.yaml:37:13: no array 'ds'\n"
      "        - z = ds[k]\n"
      "              ^" },
    { "for l in L at layers.{l}.:",
      "for l of L at layers.{l}.:",
      "small.yaml:31:5: expected for VAR in COUNT [at PREFIX]\n"
      "    - for l of L at layers.{l}.:\n"
      "      ^" },
    { "for l in L at layers.{l}.:",
      "while l in L:",
      "small.yaml:31:5: blocks are at, for, if, chunk\n"
      "    - while l in L:\n"
      "      ^" },
    { "- x = lookup(embed.weight, token)",
      "- x = lookup(embed.weight, label)",
      "small.yaml:30:30: 'label' is an input of kind i32, expected one of kind "
      "index\n"
      "    - x = lookup(embed.weight, label)\n"
      "                               ^" },
    { "- x = lookup(embed.weight, token)",
      "- x = lookup(embed.weight, 2)",
      "small.yaml:30:30: expected the name of an input of kind index\n"
      "    - x = lookup(embed.weight, 2)\n"
      "                               ^" },
    { "- x = lookup(embed.weight, token)",
      "- x = reshape(lookup(embed.weight, token))",
      "small.yaml:30:9: reshape(x, size[, size, size]) takes 2 to 4 arguments, "
      "found 1\n"
      "    - x = reshape(lookup(embed.weight, token))\n"
      "          ^" },
    { "- x = lookup(embed.weight, token)",
      "- x = split(lookup(embed.weight, token))",
      "small.yaml:30:9: split(x, n, ...) takes 2 or more arguments, found 1\n"
      "    - x = split(lookup(embed.weight, token))\n"
      "          ^" },
    { "- x = lookup(embed.weight, token)",
      "- x = split(lookup(embed.weight, token), H)",
      "small.yaml:30:9: split(...) goes with several names on the left\n"
      "    - x = split(lookup(embed.weight, token), H)\n"
      "          ^" },
    { "- x = lookup(embed.weight, token)",
      "- x = silu(lookup(embed.weight, token), 1)",
      "small.yaml:30:9: silu(x) takes 1 argument, found 2\n"
      "    - x = silu(lookup(embed.weight, token), 1)\n"
      "          ^" },
    { "- x = lookup(embed.weight, token)",
      "- x = lookup(layers.{l}.o.weight, token)",
      "small.yaml:30:16: 'layers.{l}.o.weight' needs the loop variable l\n"
      "    - x = lookup(layers.{l}.o.weight, token)\n"
      "                 ^" },
    { "- y = f32(linear(x, head))",
      "- y = f32(linear(n, head))",
      "small.yaml:38:20: no value, input or parameter 'n'\n"
      "    - y = f32(linear(n, head))\n"
      "                     ^" },
    { "(y, label,",
      "(y, token.weight,",
      "small.yaml:39:29: labels are i32\n"
      "    - stat = cross_entropy(y, token.weight, loss_scale)\n"
      "                              ^" },
    { "(y, label,",
      "(y[0], label,",
      "small.yaml:39:26: no array 'y'\n"
      "    - stat = cross_entropy(y[0], label, loss_scale)\n"
      "                           ^" },
    { "- y = f32(linear(x, head))",
      "- chunk R by Z:\n    - y = f32(linear(x, head))",
      "small.yaml:38:5: expected chunk SIZE by SIZE\n"
      "    - chunk R by Z:\n"
      "      ^" },
    { "- y = f32(linear(x, head))",
      "- chunk T by C:\n    - y = f32(linear(x, head))",
      "small.yaml:38: 'y' is made a chunk at a time: no gradient comes back into a "
      "chunk, the loss stands in it" },
    { "- y = f32(linear(x, head))",
      "- chunk T by C:\n    - chunk T by C:\n      - y = x + x",
      "small.yaml:39:7: a chunk inside a chunk\n"
      "      - chunk T by C:\n"
      "        ^" },
    { "- x = lookup(embed.weight, token)\n",
      "- n = lookup(embed.weight, token)\n  - x = n\n  - if L > 1:\n"
      "    - n = embed.weight\n  - x = n\n",
      "small.yaml:34:9: 'n' was set inside of a block above and has no value here\n"
      "    - x = n\n"
      "          ^" },
    { "- y = f32(linear(x, head))",
      "- for l in L:\n    - ds[l] = x\n  - y = f32(linear(x, head))",
      "small.yaml:39:7: 'ds' is filled in another place already\n"
      "      - ds[l] = x\n"
      "        ^" },
    { "- y = f32(linear(x, head))",
      "- z = lookup(embed.weight, token) + lookup(2 * embed.weight, token)\n"
      "  - y = f32(linear(z, head))",
      "small.yaml:38: no gradient for parameter 'embed.weight' used as a value" },
    { "- y = f32(linear(x, head))",
      "- z = x * linear(x, norm)\n  - y = f32(linear(z, head))",
      "small.yaml:38:23: no parameter 'norm.weight' in params\n"
      "    - z = x * linear(x, norm)\n"
      "                        ^" },
    { "  y: y\n",
      "  y: z\n",
      "small.yaml:41:6: no value 'z' in the program\n"
      "    y: z\n"
      "       ^" },
    { "  y: y\n",
      "  y.{k}: y\n",
      "small.yaml:41:10: no array 'y' in the program\n"
      "    y.{k}: y\n"
      "           ^" },
    { "  token: index [T, 1] into V",
      "  token: index [T, 1] into V + H + L + T + R + C",
      "small.yaml:17:10: this size is too long\n"
      "    token: index [T, 1] into V + H + L + T + R + C\n"
      "           ^" },
    { "    embed.weight: [V, H]",
      "    embed.weight: [V + H + L, V + T + R]",
      "small.yaml:24:19: the elements of [V + L + H, V + T + R] "
      "are a sum of more than 6 terms, of products of more than 12 dims, or "
      "of numbers above 2147483647\n"
      "      embed.weight: [V + H + L, V + T + R]\n"
      "                    ^" },
    { "  angles: angles [T, A]",
      "  angles: angles [V + T + L, V + A + R]",
      "small.yaml:18:11: the elements of [V + L + T, V + R + A] are a "
      "sum of more than 6 terms, of products of more than 12 dims, or of "
      "numbers above 2147483647\n"
      "    angles: angles [V + T + L, V + A + R]\n"
      "            ^" },
    { "    - q, k, v = split(heads(linear(n, qkv), 3 * nh), nh, nh, nh)",
      "    - q, k, v = split(heads(linear(n, qkv), 3 * nh), "
      "V + T + L + R + C + D, nh, nh)",
      "small.yaml:33:77: the parts up to here add up to too long a size\n"
      "      - q, k, v = split(heads(linear(n, qkv), 3 * nh), V + T + L "
      "+ R + C + D, nh, nh)\n"
      "                                                                              ^" },
    { "    - x = x + linear(join(a), o)",
      "    - x = x + reshape(linear(join(a), o), V + T + R, L + C + D)",
      "small.yaml:35:15: the elements of [V + T + R, L + C + D] are "
      "a sum of more than 6 terms, of products of more than 12 dims, or of "
      "numbers above 2147483647\n"
      "      - x = x + reshape(linear(join(a), o), V + T + R, L + C + D)\n"
      "                ^" },
    { "    - x = x + linear(join(a), o)",
      "    - x = x + dsilu(linear(join(a), o))",
      "small.yaml:35: no gradient for the function dsilu, of which "
      "'dsilu' is made" },
    { "    head.weight: [V, H]\nprogram:\n"
      "  - x = lookup(embed.weight, token)\n",
      "    head.weight: [V, H]\n    one.weight: [1, H]\nprogram:\n"
      "  - x = lookup(embed.weight, token)\n"
      "  - x = x * reshape(linear(x, one), T)\n",
      "small.yaml:32: no gradient for one factor a row ('one')" },
    { "  D: H / nh\n",
      "  D: H / nh\n  M: l << L where l in taps\n",
      "small.yaml:12:9: expected a name, a number or (\n"
      "    M: l << L where l in taps\n"
      "          ^" },
    { "  D: H / nh\n",
      "  D: H / nh\n  M: l + 1 < L where l in taps\n",
      "small.yaml:12:6: expected VAR < COUNT where CONDITION\n"
      "    M: l + 1 < L where l in taps\n"
      "       ^" },
    { "  D: H / nh\n",
      "  D: H / nh\n  M: H < L where H in taps\n",
      "small.yaml:12:6: this variable has the name of a dim\n"
      "    M: H < L where H in taps\n"
      "       ^" },
    { "  D: H / nh\n",
      "  D: H / nh\n  M: l < L where b in taps\n",
      "small.yaml:12:18: no dim 'b'\n"
      "    M: l < L where b in taps\n"
      "                   ^" },
    { "  D: H / nh\n",
      "  D: H / nh\n  M: l < L where l in L\n",
      "small.yaml:12:23: expected the name of a list\n"
      "    M: l < L where l in L\n"
      "                        ^" },
    { "layers.{l<L}.o.weight",
      "layers.{l in taps}.o.weight",
      "small.yaml:35:31: 'layers.{l}.o.weight' is not there in every "
      "turn: it goes behind `if l in taps`\n"
      "      - x = x + linear(join(a), o)\n"
      "                                ^" },
    { "layers.{l<L}.o.weight",
      "layers.{l in L}.o.weight",
      "small.yaml:27:18: expected the name of a list\n"
      "      layers.{l in L}.o.weight: [H, H]\n"
      "                   ^" },
    { "layers.{l<L}.o.weight",
      "layers.{l+1<L}.o.weight",
      "small.yaml:27:5: expected one {VAR<COUNT} or {VAR in LIST} in the "
      "name\n"
      "      layers.{l+1<L}.o.weight: [H, H]\n"
      "      ^" },
};

static void test_mistakes(void)
{
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_err err;
    ir_module *m;
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    CHECK_OK(ref_build_text(&m, &kernels, "small.yaml", small_spec, REF_TRAIN,
                            "size", &arena, &err), err);
    for (size_t i = 0; i < QVL_COUNT(mistakes); i++) {
        const small_edit *x = &mistakes[i];
        m = NULL;
        int rc = ref_build_text(&m, &kernels, "small.yaml",
                                small_with(small_spec, x, &arena), REF_TRAIN, "size",
                                &arena, &err);
        CHECK(rc == QVL_E_CONFIG, "%s -> %s: found code %s", x->find,
              x->replace, qvl_err_name(rc));
        CHECK(m == NULL, "%s", x->replace);
        CHECK_STR(err.msg, x->message, "%s -> %s", x->find, x->replace);
    }
    qvl_arena_release(&arena);
}

/* Every operator that is there for sizes and conditions alone is named. */
static void test_operators(void)
{
    static const char *const words[] = { "/", "%", "^", "<", "<=", ">", ">=", "==",
                                         "!=", "and", "or", "in" };
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_err err;
    ir_module *m;
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    for (size_t i = 0; i < QVL_COUNT(words); i++) {
        const small_edit x = { "x + linear(join(a), o)",
                               qvl_arena_printf(&arena, "x %s n", words[i]), "" };
        const char *found = qvl_arena_printf(
            &arena, "small.yaml:35:13: found %s, expected + - or * between values",
            words[i]);
        CHECK_FAILS(ref_build_text(&m, &kernels, "small.yaml",
                                   small_with(small_spec, &x, &arena), REF_TRAIN,
                                   "size", &arena, &err),
                    QVL_E_CONFIG, err, found);
    }
    qvl_arena_release(&arena);
}

/* A chunk makes dims of its own, which the spec cannot have as well. */
static void test_dims_of_chunks(void)
{
    static const small_edit chunk = {
        "- y = f32(linear(x, head))\n  - stat = cross_entropy",
        "- chunk T by C:\n    - y = f32(linear(x, head))\n    - stat = cross_entropy", ""
    };
    static const small_edit dims[] = { { "batch: [T, R, C]", "batch: [T, T_rows, C]", "" },
                                       { "batch: [T, R, C]", "batch: [T, C, T_first]", "" } };
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_err err;
    ir_module *m;
    const char *text = small_with(small_spec, &chunk, &arena);
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena, &err), err);
    CHECK_OK(ref_build_text(&m, &kernels, "small.yaml", text, REF_TRAIN, "size", &arena,
                            &err), err);
    for (size_t i = 0; i < QVL_COUNT(dims); i++)
        CHECK_FAILS(ref_build_text(&m, &kernels, "small.yaml",
                                   small_with(text, &dims[i], &arena), REF_TRAIN,
                                   "size", &arena, &err),
                    QVL_E_CONFIG, err,
                    "small.yaml:38:5: a chunk of T has T_rows and T_first");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_mistakes), TEST(test_operators), TEST(test_dims_of_chunks))
