/* harness.h - a test on every back end that has a device here
 *
 * The device of the moment is `dev`; `run` and its like fail the test with the
 * device's message. Messages of the validation layer fail it as well, those
 * that come while the device is closed included.
 */
#ifndef QVL_TEST_BACKEND_HARNESS_H
#define QVL_TEST_BACKEND_HARNESS_H

#include "check.h"

#include "backend/backend.h"
#include "tiny.h"

extern qvl_device *dev;

/* Open the first device of each back end with two threads, call fn, close. */
void each_device(void (*fn)(void));

qvl_buf take(size_t bytes);
void give(qvl_buf *buf);
qvl_slice part(const qvl_buf *buf, size_t at, size_t bytes);
qvl_slice whole(const qvl_buf *buf);
void put(qvl_slice dst, const void *src);
void fetch(qvl_slice src, void *dst);

/* Lists: begin, append, end; or submit and release at once. */
void list_begin(void);
void add(qvl_slice a, qvl_slice b, qvl_slice y);
void scale(qvl_slice y, uint32_t period, float s, float c);
void copy(qvl_slice dst, qvl_slice src);
qvl_list *list_end(void);
void submit(qvl_list *list);
void list_run(void);

qvl_device_counts counts(void);

#endif
