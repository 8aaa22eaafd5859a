/* test_synth.c - drawn scenes: the same from one seed, objects where they are said to
 * be
 */
#include "base/file.h"
#include "check.h"
#include "data/message.h"
#include "data/synth.h"
#include "image/decode.h"
#include "made.h"

static qvl_synth_options options_of(const char *name, size_t n, size_t held)
{
    return (qvl_synth_options){
        .output = check_path(name), .n = n, .n_held_out = held, .seed = 9,
        .scene = { .kind = { QVL_GEOM_BOX }, .n_kinds = 1, .side_px = 64 },
    };
}

static void make(const qvl_synth_options *o)
{
    qvl_err err = { 0 };
    CHECK_OK(qvl_synth(o, &err), err);
}

static const char *path_of(const char *folder, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", check_path(folder), name);
    return path;
}

static qvl_record_list load(const char *folder, const char *name, qvl_arena *a)
{
    qvl_err err = { 0 };
    qvl_record_list list;
    qvl_record_options o = { .needs = QVL_NEEDS_OBJECTS,
                             .pictures = QVL_PICTURES_MEASURED };
    CHECK_OK(qvl_records_load(&list, path_of(folder, name), &o, 0, a,
                              &err), err);
    return list;
}

static const char *answer_of(const qvl_record *r, qvl_arena *a)
{
    qvl_str out = { 0 };
    qvl_answer_put(&out, r, &(qvl_answer_rules){ 0 }, a);
    const char *text = qvl_arena_strdup(a, out.p);
    qvl_str_release(&out);
    return text;
}

static bool is_same_file(const char *f, const char *g, const char *name)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    char *p, *q;
    size_t np, nq;
    CHECK_OK(qvl_file_read(path_of(f, name), &p, &np, &a, &err), err);
    CHECK_OK(qvl_file_read(path_of(g, name), &q, &nq, &a, &err), err);
    bool is_same = np == nq && memcmp(p, q, np) == 0;
    qvl_arena_release(&a);
    return is_same;
}

/* Every object has the colour of its words where it must have it: in the middle
 * of a box or polygon, at the points of a line. */
static void check_picture(const qvl_record *r)
{
    static const struct {
        const char *name;
        uint8_t rgb[3];
    } colours[] = {
        { "red ", { 230, 25, 25 } },    { "green ", { 20, 170, 40 } },
        { "blue ", { 30, 50, 235 } },   { "yellow ", { 250, 225, 25 } },
        { "purple ", { 140, 20, 170 } }, { "orange ", { 250, 130, 10 } },
    };
    qvl_image im;
    qvl_err err = { 0 };
    CHECK_OK(qvl_image_load(&im, r->image[0], NULL, &err), err);
    for (int i = 0; i < r->n_objects; i++) {
        const qvl_object *o = &r->object[i];
        qvl_bounds b = qvl_geom_bounds(o->point, o->n);
        /* corner: its middle is a corner of the outline, left below is inside */
        double x = (b.x0 + b.x1) / 2 - 1;
        double y = (b.y0 + b.y1) / 2 + 1;
        if (o->kind == QVL_GEOM_LINE) {
            x = (o->point[0] + o->point[2]) / 2;
            y = (o->point[1] + o->point[3]) / 2;
        }
        x = x < im.w ? x : im.w - 1;
        y = y < im.h ? y : im.h - 1;
        size_t c = 0;
        while (c < QVL_COUNT(colours)
               && strncmp(o->desc, colours[c].name, strlen(colours[c].name)))
            c++;
        CHECK(c < QVL_COUNT(colours), "colour of %s", o->desc);
        CHECK(memcmp(qvl_image_row(&im, (int)y) + 3 * (int)x, colours[c].rgb,
                     3) == 0, "%s:%d: %s at %g, %g", r->file, r->line, o->desc,
              x, y);
    }
    qvl_image_release(&im);
}

static void test_same(void)
{
    qvl_synth_options o = options_of("s1", 20, 5);
    make(&o);
    o = options_of("s2", 30, 5);
    make(&o);
    qvl_arena a = { 0 };
    CHECK(is_same_file("s1", "s2", "val.jsonl"), "held out");
    CHECK(is_same_file("s1", "s2", "images/train-00019.png"), "picture");
    CHECK(is_same_file("s1", "s2", "images/val-00004.png"), "picture");
    CHECK_INT(load("s1", "train.jsonl", &a).n, 20, "records");
    CHECK_INT(load("s2", "train.jsonl", &a).n, 30, "records");
    o = options_of("s3", 20, 5);
    o.seed = 10;
    make(&o);
    CHECK(!is_same_file("s1", "s3", "train.jsonl"), "another seed");
    qvl_arena_release(&a);
}

/* Small pictures have few layouts, so training would meet them without care. */
static void test_held_out(void)
{
    qvl_arena a = { 0 };
    qvl_synth_options o = options_of("h1", 300, 100);
    o.scene.side_px = 32;
    make(&o);
    o = options_of("h2", 300, 0);
    o.scene.side_px = 32;
    make(&o);
    o = options_of("h3", 300, 0);
    o.scene.side_px = 32;
    o.exclude = qvl_arena_strdup(&a, path_of("h1", "val.jsonl"));
    make(&o);
    CHECK(!qvl_file_exists(path_of("h2", "val.jsonl")), "none asked for");
    qvl_record_list val = load("h1", "val.jsonl", &a);
    static const char *const folder[] = { "h1", "h2", "h3" };
    for (int k = 0; k < 3; k++) {
        qvl_record_list train = load(folder[k], "train.jsonl", &a);
        int n_known = 0;
        for (size_t i = 0; i < train.n; i++)
            for (size_t v = 0; v < val.n; v++)
                n_known += strcmp(answer_of(&train.record[i], &a),
                                  answer_of(&val.record[v], &a)) == 0;
        CHECK(k == 1 ? n_known > 0 : n_known == 0, "%s: %d", folder[k],
              n_known);
    }
    qvl_arena_release(&a);
}

static void test_scenes(void)
{
    qvl_arena a = { 0 };
    qvl_synth_options o = options_of("k", 200, 0);
    qvl_err err = { 0 };
    o.has_summary = true;
    o.scene.side_px = 96;
    CHECK_OK(qvl_synth_kinds(&o.scene, "line,box,poly", &err), err);
    CHECK_INT(o.scene.n_kinds, 3, "kinds");
    make(&o);
    qvl_record_list list = load("k", "train.jsonl", &a);
    size_t of_kind[QVL_N_GEOM] = { 0 };
    size_t of_count[4] = { 0 };
    for (size_t i = 0; i < list.n; i++) {
        const qvl_record *r = &list.record[i];
        of_count[r->n_objects]++;
        for (int k = 0; k < r->n_objects; k++)
            of_kind[r->object[k].kind]++;
        CHECK(r->summary != NULL, "summary");
        CHECK_HAS(r->summary, r->object[0].desc, "summary");
        check_picture(r);
    }
    for (int k = 0; k < QVL_N_GEOM; k++)
        CHECK(of_kind[k] > 90, "kind %d: %zu", k, of_kind[k]);
    for (int n = 1; n <= 3; n++)
        CHECK(of_count[n] > 30, "%d objects: %zu", n, of_count[n]);
    qvl_arena_release(&a);
}

/* Boxes keep their distance and stand on multiples of 8. */
static void test_places(void)
{
    qvl_scene_rules rules = { .kind = { QVL_GEOM_BOX }, .n_kinds = 1,
                              .side_px = 128 };
    for (uint64_t seed = 0; seed < 500; seed++) {
        qvl_rng rng = { .key = seed };
        qvl_scene s;
        qvl_scene_draw(&s, &rules, &rng);
        CHECK(s.n >= 1 && s.n <= 3, "%d", s.n);
        CHECK(s.ground >= 26 && s.ground <= 38, "%d", s.ground);
        for (int i = 0; i < s.n; i++) {
            const qvl_scene_object *o = &s.object[i];
            CHECK(o->x % 8 == 0 && o->y % 8 == 0, "place");
            CHECK(o->side >= 40 && o->side <= 64 && o->side % 8 == 0, "side");
            CHECK(o->x + o->side <= 128 && o->y + o->side <= 128, "inside");
            for (int k = i + 1; k < s.n; k++) {
                const qvl_scene_object *p = &s.object[k];
                int dx = p->x > o->x ? p->x - o->x - o->side
                                     : o->x - p->x - p->side;
                int dy = p->y > o->y ? p->y - o->y - o->side
                                     : o->y - p->y - p->side;
                CHECK(dx >= 2 || dy >= 2, "distance");
                CHECK(o->y < p->y || (o->y == p->y && o->x < p->x), "order");
            }
        }
    }
}

static void test_mistakes(void)
{
    static const char *const lists[] = { "", "box,", ",box", "box,box", "cube",
                                         "box poly", "Box" };
    qvl_err err = { 0 };
    qvl_scene_rules rules = { .n_kinds = -1 };
    for (size_t i = 0; i < QVL_COUNT(lists); i++) {
        CHECK_FAILS(qvl_synth_kinds(&rules, lists[i], &err), QVL_E_USAGE, err,
                    "expected some of box, poly, line");
        CHECK_INT(rules.n_kinds, -1, "%s", lists[i]);
    }
    qvl_synth_options o = options_of("there", 1, 0);
    CHECK_OK(qvl_file_make_dirs(o.output, &err), err);
    CHECK_FAILS(qvl_synth(&o, &err), QVL_E_USAGE, err, "there already");
    o = options_of("not-made", 3, 0);
    o.exclude = "no/such/file";
    CHECK_FAILS(qvl_synth(&o, &err), QVL_E_IO, err, "no/such/file");
    CHECK(!qvl_file_exists(o.output), "nothing appeared");
    /* a file where a folder is needed */
    char full[300];
    snprintf(full, sizeof full, "%s/file", made_text("plain", "x"));
    o = options_of("not-made", 3, 0);
    o.output = full;
    CHECK_FAILS(qvl_synth(&o, &err), QVL_E_IO, err, "plain");
}

RUN_TESTS(TEST(test_same), TEST(test_held_out), TEST(test_scenes),
          TEST(test_places), TEST(test_mistakes))
