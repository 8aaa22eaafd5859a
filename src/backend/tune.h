/* tune.h - what may be chosen of a kernel on a device, and the user's table
 *
 * Choices are whole numbers with names:
 *   OpenCL, Vulkan   LANES and the tiles, compiled in when a list is recorded
 *   processor        ISA (2, 3, 4: x86-64-v2, v3, v4), at most the device's, and
 *                    of products that a library may compute LIBRARY_FROM: it
 *                    takes those whose shorter side is at least this; 0: none
 * What ships are the tiles of configs/tune/, the best instruction set, and the
 * library for all it takes.
 *
 * A user's table says otherwise for the devices of one machine. It is the file
 * that QVL_TUNE names, else $XDG_CONFIG_HOME/qvl/tune.json, else
 * ~/.config/qvl/tune.json; QVL_TUNE=off: none. It is read when a device opens:
 *
 *     {"version": 1, "devices": [
 *       {"backend": "opencl", "name": "...", "driver": "...", "kernels": {
 *         "matmul_nt": {"LANES": 64, "BM": 64, ...}}}]}
 *
 *   - An entry is for one device: back end, name and driver are those of
 *     qvl_device_info, to the letter. Others wait for theirs; that a device was
 *     measured with another driver is said once.
 *   - Kernels that no program of this build uses are not looked at.
 *   - An entry whose names are not those of this build's kernel was made by
 *     another build. It is left out, with a warning.
 *   - Values that the rules (tiles.h) or the device forbid are an error of the
 *     first dispatch of the kernel, with the place in the file. So is a file
 *     that is no such table, when the device opens. Nothing runs with a tiling
 *     that is not known to be right.
 */
#ifndef QVL_BACKEND_TUNE_H
#define QVL_BACKEND_TUNE_H

#include "backend/backend.h"
#include "base/arena.h"

/* Values that ship, for a kernel of this build on this device; names are borrowed
 * from the kernel and the back end. */
void qvl_choice_shipped(const qvl_device *dev, const qvl_kernel *k,
                        qvl_choice *c);

/* Values in use, from a table or qvl_choice_use. QVL_E_CONFIG for an entry of the
 * table that cannot be had. */
int qvl_choice_in_use(const qvl_device *dev, const qvl_kernel *k,
                      qvl_choice *c, qvl_err *err);

/* May the kernel have these values there? QVL_E_CONFIG, with the first that it
 * may not have; names and their order are those of qvl_choice_shipped. Shared
 * memory, which depends on arguments, a dispatch checks. */
int qvl_choice_check(const qvl_device *dev, const qvl_kernel *k,
                     const qvl_choice *c, qvl_err *err);

/* Lists recorded from now on have these values for all kernels of the same op;
 * NULL: those that ship. Lists recorded before keep theirs. Fails as
 * qvl_choice_check does, and changes nothing then; runs out of host memory as an
 * arena does. */
int qvl_choice_use(qvl_device *dev, const qvl_kernel *k, const qvl_choice *c,
                   qvl_err *err);

/* Do two choices of one kernel have equal values? */
bool qvl_choice_is(const qvl_choice *a, const qvl_choice *b);

/* Entries of the user's table for the device. *path is the file, borrowed until
 * the device is closed; an empty text when there is none. */
int qvl_tune_count(const qvl_device *dev, const char **path);

/* Where the table of this user lies: an empty text for "off", or when the
 * environment names no folder. It belongs to the arena. */
const char *qvl_tune_path(qvl_arena *arena);

/* One kernel of a table that is written. */
typedef struct {
    const char *op;
    const qvl_choice *choice;  // NULL: what ships is best, no entry
} qvl_tune_entry;

/* Set entries of a device in a table, [n]; other kernels and devices stay as
 * they are. Without a device (NULL, n 0) an empty table is made. File and folders
 * are made where they lack; the file appears complete or not at all.
 * QVL_E_CONFIG, QVL_E_FORMAT when the file is no table, QVL_E_IO, QVL_E_MEMORY. */
int qvl_tune_save(const char *path, const qvl_device_info *info,
                  const qvl_tune_entry *entry, int n, qvl_err *err);

/* ---- for back ends ------------------------------------------------------- */

/* What is in use when it is not what ships: values, borrowed until the next
 * qvl_choice_use, or NULL. QVL_E_CONFIG when the table's values are not possible. */
int qvl_tuned_find(const qvl_device *dev, const qvl_kernel *k,
                   const qvl_choice **choice, qvl_err *err);

/* QVL_E_CONFIG when a chosen tiling needs more shared memory for these arguments
 * than the device has, and than what ships needs. */
int qvl_tuned_fits(const qvl_device *dev, const qvl_kernel *k,
                   const qvl_tiling *t, const uint32_t *args, qvl_err *err);

/* Read the table for a device that was opened, failing with QVL_E_CONFIG,
 * QVL_E_FORMAT, QVL_E_IO or QVL_E_MEMORY; let it go, also after an error. */
int qvl_tuned_open(qvl_device *dev, qvl_err *err);
void qvl_tuned_close(qvl_device *dev);

#endif
