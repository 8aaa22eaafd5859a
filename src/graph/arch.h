/* arch.h - what the generator says of one architecture
 *
 * A layer spec (configs/arch/) becomes one qvl_arch: its dims and where
 * config.json holds them, its parameters by checkpoint name, its inputs, and
 * functions that append the steps of inference, decoding and training to a
 * program. Nothing here is written by hand. The host fills the dims of a batch,
 * the inputs by name, and runs what was appended.
 */
#ifndef QVL_GRAPH_ARCH_H
#define QVL_GRAPH_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "graph/program.h"

#define QVL_MAX_DIMS 64
#define QVL_MAX_LISTS 4
#define QVL_MAX_LIST 256

/* All numbers of a model (and of a batch) by position in qvl_arch.dim. */
typedef struct {
    int64_t i[QVL_MAX_DIMS];  // whole numbers and booleans
    double f[QVL_MAX_DIMS];   // real numbers, at the same position
    int list[QVL_MAX_LISTS][QVL_MAX_LIST];
    int n_list[QVL_MAX_LISTS];
} qvl_dims;

typedef enum {
    QVL_DIM_INT,
    QVL_DIM_FLOAT,
    QVL_DIM_BOOL,
    QVL_DIM_LIST
} qvl_dim_type;
typedef enum {
    QVL_DIM_CONFIG,   // read from config.json at `key`
    QVL_DIM_DERIVED,  // computed by qvl_arch.derive
    QVL_DIM_BATCH,    // set by the caller for each batch
} qvl_dim_source;

typedef struct {
    const char *name;
    qvl_dim_type type;
    qvl_dim_source source;
    const char *key;  // "text_config.hidden_size"; NULL unless CONFIG
    int list;         // which list, for QVL_DIM_LIST
} qvl_arch_dim;

typedef enum {
    QVL_INPUT_F32,
    QVL_INPUT_I32,
    QVL_INPUT_INDEX,   // i32 [rows, K], -1 = none, into rows of a table of n
    QVL_INPUT_WEIGHT,  // f32 [rows, K] of an index; all 1 unless given
    QVL_INPUT_START,   // i32 [n + 1]: where the entries of each table row start
    QVL_INPUT_ENTRY,   // i32 [rows, K]: entries r * K + k sorted by table row
    QVL_INPUT_RANGE,   // i32 [rows, 4]: RANGE of shaders/attention.k, or
                       // KEPT of cache.k
    QVL_INPUT_ANGLES,  // f32 [rows, 2, A]: cosines, then sines
    QVL_INPUT_SLOT,    // i32 [rows]: place in a cache of n slots, -1: none
    QVL_INPUT_BLOCK,   // i32 [Z]: block tables, numbers of blocks of a cache
    QVL_N_INPUT
} qvl_input_kind;

typedef struct {
    const char *name;     // "token", "token.weight", "token.start", ...
    qvl_input_kind kind;
    int index;            // of the index input a weight, start, entry is for
} qvl_arch_input;

/* One parameter of a model. */
typedef struct {
    const char *name;   // as in a checkpoint; owned by the list's arena
    const char *group;  // "text", "vision", "aligner"
    int rank;
    size_t shape[5];
    int same_as;        // tied: index of the parameter whose storage and
                        // gradient it shares; -1: its own
    bool transposable;  // files may hold the last two axes exchanged
} qvl_arch_param;

/* Zeroed but for the arena: an empty list. */
typedef struct {
    qvl_arch_param *item;
    int n, cap;
    qvl_arena *arena;
} qvl_param_list;

/* Number of elements, or table size, of each input for these dims. */
typedef struct {
    size_t n_elems;
    size_t cols;     // K of an index, A of angles, else elements of a row
    size_t n_table;  // rows of the table an index points into, else 0
} qvl_input_size;

typedef struct qvl_arch {
    const char *name;               // of the layer spec
    const char *const *model_type;  // accepted in config.json
    int n_model_types;
    const qvl_arch_dim *dim;
    int n_dims;
    const qvl_arch_input *input;
    int n_inputs;
    /* Fill derived dims, check the spec's conditions. Config dims must be set;
     * batch dims may be. QVL_E_MODEL names the condition that fails; some derived
     * dims are set then. */
    int (*derive)(qvl_dims *d, qvl_err *err);
    /* Append every parameter in the spec's order. */
    void (*params)(qvl_param_list *list, const qvl_dims *d);
    /* size [n_inputs]. */
    void (*input_sizes)(qvl_input_size *size, const qvl_dims *d);
    /* Append the steps of inference over whole sequences, which keep keys and
     * values as states; of inference that continues sequences from such states
     * (their ranges are KEPT; NULL: the spec has no cache); of training with every
     * gradient. The program is empty, made for the parameters and inputs above.
     */
    void (*infer)(qvl_program *p, const qvl_dims *d);
    void (*decode)(qvl_program *p, const qvl_dims *d);
    void (*train)(qvl_program *p, const qvl_dims *d);
} qvl_arch;

/* For the generated code. Place of v in a list, -1 when it is not there; a
 * quotient and a rest that are -1 when b is 0, so that a condition fails. */
int qvl_dims_place(const qvl_dims *d, int list, int64_t v);
int64_t qvl_dims_div(int64_t a, int64_t b);
int64_t qvl_dims_mod(int64_t a, int64_t b);


/* Append one parameter; `name` and shape [rank], 1 to 5 axes, are copied, `group` is
 * borrowed as long as the list. same_as is -1 or the position of an earlier
 * parameter that is not tied itself. */
void qvl_param_list_add(qvl_param_list *list, const char *name,
                        const char *group, int rank, const size_t *shape,
                        int same_as, bool transposable);

/* The table that the generator writes. */
extern const qvl_arch *const qvl_generated_archs[];
extern const int qvl_n_generated_archs;

/* Every architecture of this build, and the one for a config's model_type
 * (NULL: unknown). */
const qvl_arch *const *qvl_archs(int *n);
const qvl_arch *qvl_arch_for(const char *model_type);

#endif
