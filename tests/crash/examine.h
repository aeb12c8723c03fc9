/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examine.h - what a data base holds, as one number, and whether SQLite finds it sound.
 *
 * Two data bases that hold the same rows have the same number, wherever the rows lie in the file.
 * So a power cut is judged without knowing what a table means: what survived must be, row for row,
 * what the data base held at some moment not before the last acknowledgement and not after the cut.
 */
#ifndef IDEM_TESTS_EXAMINE_H
#define IDEM_TESTS_EXAMINE_H

#include <stdbool.h>
#include <stdint.h>

/* 0: there is no such file, or nothing in it. False: it cannot be read, or is not sound. */
bool examine(const char *name, uint64_t *content);

#endif
