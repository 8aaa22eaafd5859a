/* store.h - what runs see of a store
 *
 * For the graph folder and for who records lists of his own over weights and
 * gradients (train/optim); the public part is in exec.h.
 */
#ifndef QVL_GRAPH_STORE_H
#define QVL_GRAPH_STORE_H

#include "graph/exec.h"
#include "graph/scratch.h"
#include "graph/stage.h"

/* All of a parameter, or of its gradient; tied ones give the shared one. The
 * bytes are what is reserved: at least 16, a multiple of the alignment. */
qvl_slice qvl_store_slice(const qvl_store *store, int i);
qvl_slice qvl_store_grad_slice(const qvl_store *store, int i);

/* Memory of state `index`, allocated at the first call; its contents are
 * whatever was there. Every call names the same size; more than is there is
 * QVL_E_INTERNAL. Fails as `alloc` does, too; runs out of host memory as an arena
 * does. */
int qvl_store_state(qvl_store *store, int index, size_t bytes,
                    qvl_slice *slice, qvl_err *err);
/* Of a state that is there. */
qvl_slice qvl_store_state_slice(const qvl_store *store, int index);

/* Parameter whose storage and gradient parameter i shares, i for most. */
int qvl_store_owner(const qvl_store *store, int i);
int qvl_store_n_params(const qvl_store *store);
/* Elements of parameter i. */
size_t qvl_store_n_elems(const qvl_store *store, int i);
const qvl_types *qvl_store_types(const qvl_store *store);
/* Has parameter i, or the one it is tied to, a gradient? */
bool qvl_store_is_trained(const qvl_store *store, int i);
qvl_device *qvl_store_device(const qvl_store *store);
qvl_stage *qvl_store_stage(qvl_store *store);
qvl_scratch *qvl_store_scratch(qvl_store *store);

#endif
