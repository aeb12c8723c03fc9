/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retention.h - the job that forgets what has been kept long enough, once an hour and at the start,
 * by the policy's `retention`. Each run that removed something says so in one audit line: how many
 * rows of which table, but of windows only that there were some, since their number says how much
 * somebody typed.
 *
 *   closed sessions, alarms   closed_sessions
 *   windows                   go with the end of their session; what a crash has left, after
 * windows log-ins, invitations      when they have expired bodies of audit lines     audit_detail;
 * a line of the log says which were emptied records of the gate       gate_records
 * (server/recorder.h has its own file and thread)
 *
 * Afterwards the data base's log is cut and pages that are free leave the file, so that neither
 * leftovers nor the file's size tell how much there was.
 *
 * Worker only.
 */
#ifndef IDEM_SERVER_RETENTION_H
#define IDEM_SERVER_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

struct idem_worker;

/* start: the first run looks at all windows, as the server has just done itself. */
void idem_retention_run(struct idem_worker *w, bool start);

#endif
