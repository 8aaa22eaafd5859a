/* tune_file.h - the file behind tune.h: its form, and how it is written */
#ifndef QVL_BACKEND_TUNE_FILE_H
#define QVL_BACKEND_TUNE_FILE_H

#include "backend/backend.h"
#include "base/arena.h"
#include "base/node.h"

/* Read a table. *devices is its list, checked: maps with backend, name and
 * driver as texts, and kernels as a map of maps of whole numbers from 0 to
 * 2^32-1; no device stands twice. It belongs to the arena. QVL_E_FORMAT,
 * QVL_E_CONFIG, QVL_E_IO, QVL_E_MEMORY. */
int qvl_tune_file_read(const qvl_node **devices, const char *path,
                       qvl_arena *arena, qvl_err *err);

/* Is the entry, one of the list above, that of the device? With `any_driver` others
 * will do. */
bool qvl_tune_file_is(const qvl_node *entry, const qvl_device_info *info,
                      bool any_driver);

#endif
