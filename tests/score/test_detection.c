/* test_detection.c - scores against numbers worked out by hand, and against the
 * definition
 */
#include "check.h"

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/rng.h"
#include "data/desc.h"
#include "score/detection.h"

#define CAT QVL_DESC_CATEGORY

static qvl_object box(const double *p, const char *desc)
{
    return (qvl_object){ QVL_GEOM_BOX, 2, p, desc };
}

typedef struct {
    qvl_detection d;
    qvl_arena arena;
} score;

static void begin(score *s, const qvl_detection_options *o)
{
    qvl_detection_options defaults = qvl_detection_defaults();
    *s = (score){ 0 };
    qvl_detection_init(&s->d, o != NULL ? o : &defaults, &s->arena);
}

static void end(score *s)
{
    qvl_detection_release(&s->d);
    qvl_arena_release(&s->arena);
}

static double f1(const score *s, qvl_match_mode mode)
{
    return qvl_match_f(&s->d.primary[mode], 1);
}

/* Two true boxes; one found, one found at half with another desc, one more. */
static void test_by_hand(void)
{
    double a[] = { 0, 0, 100, 100 }, b[] = { 200, 200, 300, 300 };
    double half[] = { 200, 200, 300, 250 }, far[] = { 800, 800, 900, 900 };
    qvl_object truth[] = { box(a, "red/x"), box(b, "blue/y") };
    qvl_object pred[] = { box(half, "blue/z"), box(a, "red/x"),
                          box(far, "red/x") };
    score s;
    begin(&s, NULL);
    qvl_detection_add(&s.d, truth, 2, pred, 3);
    CHECK_NEAR(f1(&s, QVL_MATCH_LOCALIZATION), 0.8, 1e-12, "2 of 2 and 3");
    CHECK_NEAR(f1(&s, QVL_MATCH_PHASE), 0.8, 1e-12, "categories");
    CHECK_NEAR(f1(&s, QVL_MATCH_FULL), 0.4, 1e-12, "1 of 2 and 3");
    CHECK_NEAR(qvl_detection_mean_iou(&s.d), 0.75, 1e-12, "1 and 1/2");
    const qvl_match_counts *c = &s.d.primary[QVL_MATCH_LOCALIZATION];
    CHECK_NEAR(qvl_match_precision(c), 2.0 / 3, 1e-12, "P");
    CHECK_NEAR(qvl_match_recall(c), 1, 1e-12, "R");
    CHECK_NEAR(qvl_match_f(c, 2), 5 * (2.0 / 3) / (4 * (2.0 / 3) + 1), 1e-12,
               "F2");
    /* 0.8 at .50, then one match of 5 boxes at nine thresholds. */
    CHECK_NEAR(qvl_detection_mean_f1(&s.d, QVL_MATCH_LOCALIZATION),
               (0.8 + 9 * 0.4) / 10, 1e-12, "mean F1");
    CHECK_INT(s.d.sum_miscount, 1, "one too many");
    CHECK_INT(s.d.n_over, 1, "over");
    end(&s);
}

/* The larger overlap first, then the first true, then the first predicted. */
static void test_order(void)
{
    double t0[] = { 0, 0, 100, 100 }, t1[] = { 20, 0, 120, 100 };
    double p0[] = { 10, 0, 110, 100 }, p1[] = { 0, 0, 100, 100 };
    qvl_object truth[] = { box(t0, "a"), box(t1, "b") };
    qvl_object pred[] = { box(p0, "b"), box(p1, "a") };
    score s;
    begin(&s, NULL);
    qvl_detection_add(&s.d, truth, 2, pred, 2);
    CHECK_NEAR(s.d.sum_iou, 1 + 90.0 / 110, 1e-12, "p1 takes t0");
    CHECK_INT(s.d.primary[QVL_MATCH_FULL].matched, 2, "with labels too");
    end(&s);
    /* Equal overlaps: one box between two. */
    begin(&s, NULL);
    qvl_object one[] = { box(p0, "b") };
    qvl_detection_add(&s.d, truth, 2, one, 1);
    CHECK_INT(s.d.primary[QVL_MATCH_LOCALIZATION].matched, 1, "one to one");
    CHECK_NEAR(s.d.sum_iou, 90.0 / 110, 1e-12, "one overlap");
    CHECK_INT(s.d.n_under, 1, "under");
    end(&s);
}

static void test_families(void)
{
    double b[] = { 0, 0, 100, 100 };
    double ring[] = { 0, 0, 100, 0, 100, 100, 0, 100 };
    double l[] = { 0, 50, 100, 50 }, near[] = { 0, 54, 100, 54 };
    qvl_object truth[] = { { QVL_GEOM_POLY, 4, ring, "a" },
                           { QVL_GEOM_LINE, 2, l, "l" } };
    qvl_object pred[] = { box(b, "a"), { QVL_GEOM_LINE, 2, near, "l" } };
    score s;
    begin(&s, NULL);
    qvl_detection_add(&s.d, truth, 2, pred, 2);
    CHECK_INT(s.d.primary[QVL_MATCH_FULL].matched, 2, "both");
    const qvl_match_counts *k = s.d.kind[QVL_MATCH_LOCALIZATION];
    CHECK_NEAR(qvl_match_precision(&k[QVL_GEOM_BOX]), 1, 0, "P of boxes");
    CHECK_NEAR(qvl_match_recall(&k[QVL_GEOM_BOX]), 0, 0, "no true boxes");
    CHECK_NEAR(qvl_match_recall(&k[QVL_GEOM_POLY]), 1, 0, "R of polys");
    CHECK_NEAR(qvl_match_recall(&k[QVL_GEOM_LINE]), 1, 0, "R of lines");
    end(&s);
    /* A line over a box is no match, whatever it covers. */
    begin(&s, NULL);
    qvl_detection_add(&s.d, truth, 1, pred + 1, 1);
    CHECK_INT(s.d.primary[QVL_MATCH_LOCALIZATION].matched, 0, "families");
    end(&s);
    /* A wider tolerance forgives more. */
    qvl_detection_options o = qvl_detection_defaults();
    o.line_tol = 1;
    begin(&s, &o);
    qvl_detection_add(&s.d, truth + 1, 1, pred + 1, 1);
    CHECK_INT(s.d.primary[QVL_MATCH_LOCALIZATION].matched, 0, "thin lines");
    end(&s);
}

static void test_labels(void)
{
    double a[] = { 0, 0, 100, 100 };
    static const struct {
        const char *truth, *pred;
        int matched[QVL_N_MATCHES];  // localization, phase, category, full
    } cases[] = {
        { "x/a", "x/a", { 1, 1, 1, 1 } },
        { "x/a", "x/b", { 1, 1, 1, 0 } },
        { "x/a", "y/a", { 1, 0, 0, 0 } },
        { "", "", { 1, 0, 0, 0 } },
        { "/a", "/a", { 1, 0, 0, 1 } },
        { CAT "=x,k=1", "x/1", { 1, 1, 1, 0 } },
        { "tag/a", "tag/b", { 1, 1, 0, 0 } },
        { "tag/a", "tag/a,c", { 1, 1, 1, 0 } },
        { CAT "=tag,k=1", CAT "=tag,k=2", { 1, 1, 0, 0 } },
    };
    static const char *const umbrella[] = { "tag" };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_detection_options o = qvl_detection_defaults();
        o.umbrella = umbrella;
        o.n_umbrellas = 1;
        score s;
        begin(&s, &o);
        qvl_object truth = box(a, cases[i].truth);
        qvl_object pred = box(a, cases[i].pred);
        qvl_detection_add(&s.d, &truth, 1, &pred, 1);
        for (int m = 0; m < QVL_N_MATCHES; m++)
            CHECK_INT(s.d.primary[m].matched, cases[i].matched[m],
                      "%s and %s, %s", cases[i].truth, cases[i].pred,
                      qvl_match_name((qvl_match_mode)m));
        end(&s);
    }
}

static void test_attributes(void)
{
    double a[] = { 0, 0, 100, 100 };
    qvl_object truth = box(a, CAT "=x,k=1,j=2,e=," QVL_DESC_VISIBILITY "=p,"
                              QVL_DESC_DISTANCE "=7," QVL_DESC_READING "=r,s,"
                              QVL_DESC_REMARK "=n");
    qvl_object pred = box(a, CAT "=y,k=1,j=3,e=," QVL_DESC_VISIBILITY "=p,"
                             QVL_DESC_DISTANCE "=07," QVL_DESC_READING "=r,s");
    score s;
    begin(&s, NULL);
    qvl_detection_add(&s.d, &truth, 1, &pred, 1);
    /* k 1, j 1, visibility .1, distance 4, reading 1, remark 1 */
    CHECK_NEAR(s.d.attr_total, 8.1, 1e-12, "all");
    CHECK_NEAR(s.d.attr_matched, 2.1, 1e-12, "k, visibility, reading");
    CHECK(s.d.n_reading == 1 && s.d.n_reading_equal == 1, "reading");
    CHECK(s.d.n_remark == 1 && s.d.n_remark_equal == 0, "remark");
    CHECK(s.d.n_distance == 1 && s.d.n_distance_equal == 1,
          "distances are numbers");
    end(&s);
}

/* ---- against the definition --------------------------------------------- */

static uint64_t state = 3;

static int below(int n)
{
    state = qvl_rng_mix(state, 1);
    return (int)((state >> 11) % (uint64_t)n);
}

enum { MOST = 12 };

typedef struct {
    double p[MOST][4];
    qvl_object o[MOST];
    int n;
} side;

static void fill(side *s)
{
    static const char *const desc[] = { "red circle", "red square", "blue" };
    s->n = below(MOST + 1);
    for (int i = 0; i < s->n; i++) {
        double *p = s->p[i];
        p[0] = below(60);
        p[1] = below(60);
        p[2] = p[0] + 20 + below(60);
        p[3] = p[1] + 20 + below(60);
        s->o[i] = box(p, desc[below(3)]);
    }
}

static double box_iou(const double *a, const double *b)
{
    double w = fmin(a[2], b[2]) - fmax(a[0], b[0]);
    double h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    if (w <= 0 || h <= 0)
        return 0;
    double both = w * h;
    return both / ((a[2] - a[0]) * (a[3] - a[1])
                   + (b[2] - b[0]) * (b[3] - b[1]) - both);
}

/* Take the best pair that is left until none reaches the threshold. */
static int count_greedy(const side *t, const side *p, double threshold,
                        bool by_desc, double *sum)
{
    bool used_t[MOST] = { 0 }, used_p[MOST] = { 0 };
    for (int n = 0;; n++) {
        double best = 0;
        int bi = -1, bk = -1;
        for (int i = 0; i < t->n; i++)
            for (int k = 0; k < p->n; k++) {
                double v = box_iou(t->p[i], p->p[k]);
                if (used_t[i] || used_p[k] || v < threshold || v <= best
                    || (by_desc && strcmp(t->o[i].desc, p->o[k].desc) != 0))
                    continue;
                best = v;
                bi = i;
                bk = k;
            }
        if (bi < 0)
            return n;
        used_t[bi] = true;
        used_p[bk] = true;
        *sum += best;
    }
}

static void test_definition(void)
{
    score s;
    begin(&s, NULL);
    int n_t = 0, n_p = 0;
    double sum = 0, unused = 0;
    int found[2][10] = { { 0 } };
    for (int row = 0; row < 400; row++) {
        side t, p;
        fill(&t);
        fill(&p);
        qvl_detection_add(&s.d, t.o, t.n, p.o, p.n);
        n_t += t.n;
        n_p += p.n;
        count_greedy(&t, &p, 1e-9, false, &sum);
        for (int k = 0; k < 10; k++)
            for (int m = 0; m < 2; m++)
                found[m][k] += count_greedy(&t, &p, (50 + 5 * k) / 100.0,
                                            m == 1, &unused);
    }
    for (int k = 0; k < 10; k++) {
        CHECK_INT(s.d.total[QVL_MATCH_LOCALIZATION][k].matched, found[0][k],
                  "threshold %d", k);
        CHECK_INT(s.d.total[QVL_MATCH_FULL][k].matched, found[1][k],
                  "threshold %d with desc", k);
    }
    CHECK(found[0][0] > 100 && found[1][0] > 30, "%d and %d matches",
          found[0][0], found[1][0]);
    CHECK_NEAR(qvl_detection_mean_iou(&s.d), sum / n_t, 1e-12, "mean IoU");
    CHECK_INT(s.d.primary[QVL_MATCH_FULL].n_pred, n_p, "predicted");
    end(&s);
}

/* ---- reports ------------------------------------------------------------ */

static void check_sorted(const qvl_node *v)
{
    for (size_t i = 0; i < v->n; i++) {
        if (v->kind == QVL_NODE_MAP && i > 0)
            CHECK(strcmp(v->keys[i - 1].s, v->keys[i].s) < 0, "%s before %s",
                  v->keys[i - 1].s, v->keys[i].s);
        check_sorted(&v->items[i]);
    }
}

static double number_at(const qvl_node *root, const char *path)
{
    double v = (double)NAN;
    if (!qvl_node_as_float(qvl_node_path(root, path), &v))
        CHECK(false, "%s is missing", path);
    return v;
}

static void test_reports(void)
{
    double a[] = { 0, 0, 100, 100 };
    score s;
    qvl_detection_options o = qvl_detection_defaults();
    o.top_k = 2;
    o.beta = 2;
    begin(&s, &o);
    static const char *const desc[] = { "b", "a", "c \"q\"" };
    for (int i = 0; i < 3; i++) {
        qvl_object t = box(a, desc[i]), p = box(a, desc[0]);
        qvl_detection_add(&s.d, &t, 1, &p, 1);
        qvl_detection_tell(&s.d, "json_valid", i > 0);
    }
    qvl_str out = { 0 };
    qvl_node *root;
    qvl_err err;
    qvl_detection_put_json(&out, &s.d);
    CHECK_OK(qvl_json_parse(&root, out.p, out.len, "report", &s.arena, &err),
             err);
    check_sorted(root);
    CHECK_NEAR(number_at(root, "mean_iou"), 1, 0, "mean IoU");
    CHECK_NEAR(number_at(root, "modes.full.f1"), 1.0 / 3, 1e-12, "F1");
    CHECK_NEAR(number_at(root, "answers.json_valid.rate"), 2.0 / 3, 1e-12,
               "answers");
    CHECK_NEAR(number_at(root, "parameters.beta"), 2, 0, "beta");
    CHECK_NEAR(number_at(root, "n_categories"), 3, 0, "all categories");
    const qvl_node *top = qvl_node_find(root, "categories");
    CHECK_INT(top->n, 2, "two are told");
    CHECK_STR(qvl_node_find(&top->items[0], "category")->s, "a", "by name");
    qvl_str_reset(&out);
    qvl_detection_put_text(&out, &s.d);
    CHECK_HAS(out.p, "full             0.3333", "F1");
    CHECK_HAS(out.p, "json_valid       0.6667 of 3", "answers");
    CHECK_HAS(out.p, "and 1 more", "categories");
    qvl_str_release(&out);
    end(&s);
}

/* Many categories: all are found again. */
static void test_many_categories(void)
{
    double a[] = { 0, 0, 10, 10 };
    score s;
    begin(&s, NULL);
    for (int i = 0; i < 3000; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i % 1000);
        qvl_object t = box(a, name);
        qvl_detection_add(&s.d, &t, 1, &t, 1);
    }
    CHECK_INT(s.d.n_categories, 1000, "categories");
    for (int i = 0; i < 1000; i++)
        CHECK(s.d.category[i].at.n_true == 3 && s.d.category[i].at.matched == 3,
              "%s", s.d.category[i].name);
    end(&s);
}

static void test_empty(void)
{
    score s;
    begin(&s, NULL);
    qvl_detection_add(&s.d, NULL, 0, NULL, 0);
    CHECK_NEAR(f1(&s, QVL_MATCH_FULL), 0, 0, "nothing");
    CHECK_NEAR(qvl_detection_mean_iou(&s.d), 0, 0, "nothing");
    CHECK_INT(s.d.n_equal, 1, "no objects, none predicted");
    qvl_str out = { 0 };
    qvl_detection_put_text(&out, &s.d);
    qvl_detection_put_json(&out, &s.d);
    CHECK(strstr(out.p, "nan") == NULL && strstr(out.p, "inf") == NULL, "%s",
          out.p);
    qvl_str_release(&out);
    end(&s);
}

/* Partners have each other, and are as many as the score counts, in every mode and
 * at every threshold. */
static void test_partners(void)
{
    enum { N = 9 };
    double p[2 * N][4];
    qvl_object o[2 * N];
    qvl_arena arena = { 0 };
    for (uint64_t round = 0; round < 60; round++) {
        qvl_detection_options options = qvl_detection_defaults();
        options.primary = 0.1 + 0.1 * (double)(round % 9);
        for (int i = 0; i < 2 * N; i++) {
            uint64_t r = qvl_rng_mix(round, (uint64_t)i);
            p[i][0] = (double)(r % 40) * 10;
            p[i][1] = (double)(r / 64 % 40) * 10;
            p[i][2] = p[i][0] + 200 + (double)(r / 4096 % 20) * 10;
            p[i][3] = p[i][1] + 200;
            o[i] = (qvl_object){ r >> 40 & 1 ? QVL_GEOM_LINE : QVL_GEOM_BOX, 2,
                                 p[i], r >> 41 & 1 ? "a" : "b" };
        }
        int n_true = (int)(round % (N + 1));
        int n_pred = (int)(round / 3 % (N + 1));
        score s;
        begin(&s, &options);
        qvl_detection_add(&s.d, o, n_true, o + N, n_pred);
        for (int m = 0; m < QVL_N_MATCHES; m++) {
            int of_true[N];
            int of_pred[N];
            int n = 0;
            qvl_detection_match(of_true, of_pred, &options, (qvl_match_mode)m, o,
                                n_true, o + N, n_pred, &arena);
            for (int i = 0; i < n_true; i++) {
                n += of_true[i] >= 0;
                CHECK(of_true[i] < 0 || of_pred[of_true[i]] == i, "true %d", i);
            }
            for (int i = 0; i < n_pred; i++)
                CHECK(of_pred[i] < 0 || of_true[of_pred[i]] == i, "pred %d", i);
            CHECK_INT(n, s.d.primary[m].matched, "round %d mode %d", (int)round,
                      m);
        }
        end(&s);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_by_hand), TEST(test_order), TEST(test_families),
          TEST(test_labels), TEST(test_attributes), TEST(test_definition),
          TEST(test_partners),
          TEST(test_reports), TEST(test_many_categories), TEST(test_empty))
