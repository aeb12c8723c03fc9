/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol.h - who enrols with what, and which probes are compared with whom.
 *
 * verify     keyboard. A person's first `enrol` sessions (or those whose name contains enrol_match)
 * make the profile; each later session (or those containing probe_match) gives one probe, its first
 * `probe` keys, or with `cut` as many whole runs of `probe` keys as it holds. Without `cut`
 * enrolment uses the first `probe` keys of a session too. Impostors: the first probe of every other
 * person. blocks     pointer. Enrolment on sessions containing enrol_match (without it: those
 * marked train), probes from sessions containing probe_match (without it: those marked test), cut
 * into blocks of `events` events; every run of n blocks, n = 1..blocks, is a probe of everybody.
 * Impostors: all probes of all others. challenge  pointer. Sessions marked train enrol an account;
 * every labelled session marked test is compared with its own account, genuine when is_illegal is
 * 0. The impostors are other account owners, whom the model may know.
 *
 * A person without both an enrolment and, for verify, a session more than it takes, is left out.
 */
#ifndef IDEM_EVAL_PROTOCOL_H
#define IDEM_EVAL_PROTOCOL_H

#include "eval/compare.h"
#include "eval/filing.h"
#include "model/population.h"

enum { IDEM_BLOCKS_MAX = 64 };

struct idem_protocol {
    uint32_t enrol; /* sessions; used without enrol_match */
    const char *enrol_match, *probe_match;
    uint32_t probe; /* keys */
    bool cut;
    uint32_t events, blocks;
};

/* What a protocol makes of a recording, ready for idem_compare. */
struct idem_setup {
    struct idem_stat_set profiles, probes;
    struct idem_comparisons comparisons;
};

void idem_setup_fini(struct idem_setup *setup);

/* Keyboard, lost releases dropped. IDEM_ERR_TOO_LITTLE when nobody can be compared. */
int idem_setup_verify(const struct idem_recording *rec, const struct idem_front *front,
                      const struct idem_filing *filing, const struct idem_protocol *protocol,
                      struct idem_setup *out);

#endif
