/* message.h - what is asked of the model, and what it is to say
 *
 * A dense answer is one line of JSON, its objects numbered from 1 in the order of
 * the rules:
 *
 *     {"object_1": {"bbox_2d": [100, 200, 300, 400], "desc": "a"},
 *      "object_2": {"line_points": 2, "line": [5, 6, 80, 120], "desc": "b"}}
 *
 * between entries ", ", behind keys ": ", other text than ASCII as it is. Pixels
 * become 0..1000, become 0..100 or stay, as qvl_coord says. A summary answer is the
 * record's summary.
 *
 * What takes an arena runs out of host memory as one does, but qvl_prompt_expand.
 */
#ifndef QVL_DATA_MESSAGE_H
#define QVL_DATA_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "data/geom.h"
#include "data/record.h"
#include "data/token_type.h"

/* What a sample asks for. */
typedef enum { QVL_MODE_DENSE, QVL_MODE_SUMMARY, QVL_N_MODES } qvl_mode;

/* How the modes of the samples of a set are drawn. */
typedef struct {
    double summary_ratio;  // share of summaries: 0 none, 1 all
    uint64_t seed;
    uint64_t dataset;      // qvl_rng_hash of its name
} qvl_mode_draw;

/* The mode that a record is asked in, drawn by its index and the epoch, which counts
 * from 0. A conversation has none and is told as QVL_MODE_DENSE. */
qvl_mode qvl_mode_of(const qvl_mode_draw *draw, const qvl_record *record,
                     uint64_t epoch);

typedef enum {
    QVL_COORD_NORM1000,
    QVL_COORD_NORM100,
    QVL_COORD_PIXELS  // integers where they are, else the shortest decimals
} qvl_coord;

/* Largest coordinate: 1000, 100; 0 of pixels, which have none. */
int qvl_coord_max(qvl_coord coord);

typedef enum {
    QVL_SHAPE_FLAT,     // points as one list; geometry first
    QVL_SHAPE_STANDARD  // points of poly and line as pairs; desc first
} qvl_shape;

typedef enum {
    QVL_FIELDS_AUTO,  // as the shape has it
    QVL_FIELDS_DESC_FIRST,
    QVL_FIELDS_GEOMETRY_FIRST
} qvl_fields;

/* How answers are written; zeroes are the defaults. */
typedef struct {
    qvl_coord coord;
    qvl_shape shape;
    qvl_fields fields;
    qvl_order order;
    qvl_winding winding;
} qvl_answer_rules;

/* The objects of a record as its dense answer has them: in canonical form and
 * in order. [record->n_objects], of the arena; texts are shared. */
const qvl_object *qvl_answer_objects(const qvl_record *record,
                                     const qvl_answer_rules *rules,
                                     qvl_arena *arena);

/* The same, and place[n_objects]: which object of the record each is. */
const qvl_object *qvl_answer_objects_placed(int *place,
                                            const qvl_record *record,
                                            const qvl_answer_rules *rules,
                                            qvl_arena *arena);

/* Append the dense answer of a record: "{}" when it has no objects; with some it has
 * width and height. Arena: work space. */
void qvl_answer_put(qvl_str *out, const qvl_record *record,
                    const qvl_answer_rules *rules, qvl_arena *arena);

/* The same, and where in `out` descriptions and coordinates stand. Spans belong to the
 * arena. */
qvl_spans qvl_answer_put_spans(qvl_str *out, const qvl_record *record,
                               const qvl_answer_rules *rules, qvl_arena *arena);

/* "dense", "summary". */
const char *qvl_mode_name(qvl_mode mode);

/* The summary of a picture that has nothing to do with the task. */
extern const char qvl_irrelevant_answer[];

/* Texts of a turn that asks. A NULL stands for the built-in one; a system text
 * that is empty for no system turn. */
typedef struct {
    const char *system;
    const char *user;
} qvl_prompt;

/* The built-in texts (configs/prompt): of a mode, and in English of the dense mode, for
 * data that is mixed in. */
qvl_prompt qvl_prompt_builtin(qvl_mode mode);
qvl_prompt qvl_prompt_auxiliary(void);

/* Fill in what a text leaves to the rules of the run:
 *
 *     {coord_max}    1000 or 100; not with pixels
 *     {coord_rule}   what coordinates are, as a sentence
 *     {order_rule}   how objects are ordered
 *     {poly_rule}    how the vertices of a polygon run
 *     {points}       how points are listed
 *     {field_rule}   whether the geometry or desc comes first
 *     {example}      an answer under these rules
 *
 * Sentences are in the language of the built-in texts; {coord_rule_en} and so on,
 * {example_en} too, are in English.
 *
 * Only a word of small letters and '_' in braces is looked at; any other such
 * word is QVL_E_CONFIG. The result belongs to the arena. A text that holds "<|"
 * is refused too: it would look like a control token. Fails with QVL_E_CONFIG or
 * QVL_E_MEMORY. */
int qvl_prompt_expand(const char **out, const char *text,
                      const qvl_answer_rules *rules, qvl_arena *arena,
                      qvl_err *err);

#endif
