/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_audit.c - the audit log's two chains in the SQLite store; see audit.h. */
#include "store/audit.h"

#include "store/sqlite_parts.h"

const char *idem_audit_log_name(enum idem_audit_log log)
{
    static const char *const names[IDEM_AUDIT_LOGS] = {"audit", "audit_seats"};
    return names[log];
}

int idem_sqlite_audit_open(struct idem_sqlite *s)
{
    int err = IDEM_OK;
    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS && err == 0; log++)
        err = idem_chain_open(s->db, idem_audit_log_name(log), &s->logs[log]);
    return err;
}

void idem_sqlite_audit_close(struct idem_sqlite *s)
{
    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS; log++)
        idem_chain_close(s->logs[log]);
}

void idem_sqlite_audit_begin(struct idem_sqlite *s)
{
    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS; log++)
        idem_chain_begin(s->logs[log]);
}

void idem_sqlite_audit_rollback(struct idem_sqlite *s)
{
    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS; log++)
        idem_chain_rollback(s->logs[log]);
}

/* ------------------------------------------------------------------ the table of functions */

static struct idem_chain *chain_of(struct idem_store *base, enum idem_audit_log log)
{
    return idem_sqlite_of(base)->logs[log];
}

static int add(struct idem_store *s, enum idem_audit_log log, int64_t organisation, int64_t at_ms,
               const char *body, size_t len)
{
    return idem_chain_add(chain_of(s, log), organisation, at_ms, body, len, NULL);
}

static struct idem_chain_head head(struct idem_store *s, enum idem_audit_log log)
{
    return idem_chain_head(chain_of(s, log));
}

static int read_lines(struct idem_store *s, enum idem_audit_log log, int64_t organisation,
                      int64_t after, int limit, idem_chain_fn *fn, void *arg)
{
    return idem_chain_read(chain_of(s, log), organisation, false, after, limit, fn, arg);
}

static int blank_before(struct idem_store *s, enum idem_audit_log log, int64_t before_ms,
                        int64_t now_ms, int64_t *until, int64_t *count)
{
    struct idem_chain *chain = chain_of(s, log);
    int64_t last = 0, bodies = 0;
    int err = idem_chain_before(chain, before_ms, now_ms, &last);

    if (err == 0 && last > 0)
        err = idem_chain_bodies(chain, last, &bodies);
    if (err == 0 && bodies > 0)
        err = idem_chain_blank_until(chain, last);
    if (err != 0)
        return err;
    *until = last;
    *count = bodies;
    return IDEM_OK;
}

static int blank_about(struct idem_store *s, enum idem_audit_log log, int64_t organisation,
                       const char *text, int64_t after, int max, int64_t *seqs, int *count)
{
    struct idem_chain *chain = chain_of(s, log);
    int n = 0;
    int err = idem_chain_search(chain, organisation, text, after, max, seqs, &n);

    for (int i = 0; i < n && err == 0; i++)
        err = idem_chain_blank(chain, seqs[i]);
    if (err == 0)
        *count = n;
    return err;
}

static int check_log(struct idem_store *s, enum idem_audit_log log, struct idem_chain_check *check)
{
    return idem_chain_check_table(idem_sqlite_of(s)->db, idem_audit_log_name(log), check);
}

const struct idem_store_audit_ops idem_sqlite_audit_ops = {
    .add = add,
    .head = head,
    .read = read_lines,
    .blank_before = blank_before,
    .blank_about = blank_about,
    .check = check_log,
};
