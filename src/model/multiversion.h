/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multiversion.h - one function, compiled once a vector width; the loader picks what the machine
 * has.
 *
 * Nothing is reassociated. Where the machine has a fused multiply-add it is used, so results of
 * different machines may differ in their last bits, never in a decision: scores are held to four
 * digits. Sanitizers run before the loader's choice is safe, so their builds keep the plain
 * version.
 */
#ifndef IDEM_MODEL_MULTIVERSION_H
#define IDEM_MODEL_MULTIVERSION_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define IDEM_MULTIVERSION __attribute__((target_clones("default", "fma", "avx512f")))
#else
#define IDEM_MULTIVERSION
#endif

#endif
