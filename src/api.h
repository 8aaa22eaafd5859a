/* api.h - what the public functions share
 *
 * Private to api*.c.
 */
#ifndef QVL_API_H
#define QVL_API_H

#include "model/model.h"
#include "qvl.h"

/* Translate an error; returns rc. `error` may be NULL. */
int qvl_api_report(int rc, const qvl_err *err, qvl_error *error);

/* Options of a device as the model takes them. Fails with QVL_E_UNSUPPORTED for an
 * unknown dtype; what else is wrong with them the model finds. */
int qvl_api_model_options(qvl_model_options *out, const qvl_options *options,
                          qvl_err *err);

/* A public batch as a source, which borrows its arrays. Fails with QVL_E_DATA
 * for pictures of other patches than the model takes. */
int qvl_api_source(qvl_batch_source *out, const qvl_model_config *config,
                   const qvl_batch_in *in, qvl_err *err);

#endif
