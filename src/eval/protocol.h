/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol.h - who enrols with what, and which probes are compared with whom.
 *
 * Which sessions enrol: those with enrol_match in their names, else the first `enrol` ones of a
 * person, else (enrol is 0) those of split `train`. Of the others are probes: those with
 * probe_match in their names, else all, or those of split `test` when the split chose.
 *
 * verify     keyboard. Every probe session gives its first `probe` keys, or with `cut` as many
 * whole runs of `probe` keys as it holds. Without `cut` enrolment uses the first `probe` keys of a
 * session too. Impostors: the first probe of every other person. blocks     pointer. Probe sessions
 * are cut into blocks of `events` events; every run of n blocks is a probe, of which the gestures
 * that end in it count. Impostors: all probes of all others. challenge  pointer. Sessions of split
 * `train` enrol an account; every labelled session of split `test` is compared with its own
 * account, genuine when is_illegal is 0. The impostors are other account owners, whom the model may
 * know.
 *
 * A person without an enrolment or without a probe is left out of verify and blocks.
 */
#ifndef IDEM_EVAL_PROTOCOL_H
#define IDEM_EVAL_PROTOCOL_H

#include "eval/compare.h"
#include "eval/filing.h"
#include "eval/pointer.h"
#include "model/population.h"

enum { IDEM_BLOCKS_MAX = 64 };

struct idem_protocol {
    uint32_t enrol; /* sessions; 0: those of split `train` */
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

/* Does a person's session of this number enrol, is it probed? Never both. */
bool idem_protocol_enrols(const struct idem_protocol *p, const struct idem_session *s,
                          uint32_t number);
bool idem_protocol_probes(const struct idem_protocol *p, const struct idem_session *s,
                          uint32_t number);

/* Keyboard, lost releases dropped. IDEM_ERR_TOO_LITTLE when nobody can be compared. */
int idem_setup_verify(const struct idem_recording *rec, const struct idem_front *front,
                      const struct idem_filing *filing, const struct idem_protocol *protocol,
                      struct idem_setup *out);
/* run: blocks of a probe. Pointer; traces of the same recording; likewise. */
int idem_setup_blocks(const struct idem_recording *rec, const struct idem_traces *traces,
                      const struct idem_front *front, const struct idem_protocol *protocol,
                      uint32_t run, struct idem_setup *out);
/*
 * Profiles from `enrol`, probes from `probed`, both traces of the same recording after resampling;
 * the same runs are compared, in the same order, as without: those with a gesture in `traces`.
 */
int idem_setup_blocks_resampled(const struct idem_recording *rec, const struct idem_traces *traces,
                                const struct idem_traces *enrol, const struct idem_traces *probed,
                                const struct idem_front *front,
                                const struct idem_protocol *protocol, uint32_t run,
                                struct idem_setup *out);
int idem_setup_challenge(const struct idem_recording *rec, const struct idem_traces *traces,
                         const struct idem_front *front, struct idem_setup *out);

#endif
