/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - the data directory, its lock and its data base, and the population: opened, and refused
 * when somebody else could have put something in their place. All log why not.
 */
#ifndef IDEM_SERVER_FILES_H
#define IDEM_SERVER_FILES_H

#include "idem/idem.h"
#include "store/export.h"

/* Makes it when it is absent. *lock_fd keeps a second server out until it is closed. */
int idem_files_lock(const char *dir, int *lock_fd);
/* That a data base there, if there is one, is nobody else's to read. */
int idem_files_check_database(const char *path);
int idem_files_store(const char *dir, struct idem_store **out);
/* hash: of the file, by which the data base knows whom it was learned from (store/export.h). */
int idem_files_population(const char *path, struct idem_population **out,
                          uint8_t hash[IDEM_POPULATION_HASH]);

#endif
