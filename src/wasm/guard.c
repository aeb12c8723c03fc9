/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.c - what the module says of its guards: one for all keyboards of the page and one for all
 * its pointers, for a page cannot tell one device from another, nor where its events come from.
 *
 *   edge_guard_kind ...   the verdict as it is now, to be read when edge_key or edge_pointer say so
 *   edge_guard_text       the same in words; the server makes its own from the numbers
 *   edge_guard_reset      the alarm has been dealt with
 *
 * Verdicts are read field by field, since numbers are all that a page can take. Fields of nothing
 * (before edge_open, a reason beyond the last) are nought.
 */
#include "wasm/guard.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

/* Browsers give time stamps in steps of 100 us where they do not make them coarser on purpose. */
enum { TICK_US = 100 };

static struct idem_guard *guards[IDEM_MODALITIES];
static char words[IDEM_GUARD_TEXT];

/* The exports, so that -Wmissing-prototypes holds here as everywhere. */
int edge_guard_kind(int modality);
double edge_guard_confidence(int modality);
uint32_t edge_guard_saw_count(int modality);
uint32_t edge_guard_saw_reason(int modality, uint32_t i);
uint32_t edge_guard_saw_times(int modality, uint32_t i);
double edge_guard_saw_value(int modality, uint32_t i);
const char *edge_guard_kind_name(int kind);
const char *edge_guard_reason_name(int reason);
const char *edge_guard_text(int modality);
void edge_guard_reset(int modality);

void idem_edge_guards_close(void)
{
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        idem_guard_free(guards[m]);
        guards[m] = NULL;
    }
}

int idem_edge_guards_open(void)
{
    const struct idem_guard_device page = {.tick_us = TICK_US};

    idem_edge_guards_close();
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        int err = idem_guard_new(&page, &guards[m]);
        if (err != 0)
            return err;
    }
    return IDEM_OK;
}

struct idem_guard *idem_edge_guard(int modality)
{
    return modality < 0 || modality >= IDEM_MODALITIES ? NULL : guards[modality];
}

static struct idem_guard_verdict verdict_of(int modality)
{
    const struct idem_guard *guard = idem_edge_guard(modality);
    return guard == NULL ? (struct idem_guard_verdict){0} : idem_guard_read(guard);
}

static struct idem_guard_saw saw_of(int modality, uint32_t i)
{
    const struct idem_guard_verdict v = verdict_of(modality);
    return i < v.saw_count ? v.saw[i] : (struct idem_guard_saw){0};
}

int EXPORT(edge_guard_kind)(int modality)
{
    return (int)verdict_of(modality).kind;
}

double EXPORT(edge_guard_confidence)(int modality)
{
    return verdict_of(modality).confidence;
}

uint32_t EXPORT(edge_guard_saw_count)(int modality)
{
    return verdict_of(modality).saw_count;
}

uint32_t EXPORT(edge_guard_saw_reason)(int modality, uint32_t i)
{
    return (uint32_t)saw_of(modality, i).reason;
}

uint32_t EXPORT(edge_guard_saw_times)(int modality, uint32_t i)
{
    return saw_of(modality, i).count;
}

double EXPORT(edge_guard_saw_value)(int modality, uint32_t i)
{
    return (double)saw_of(modality, i).value;
}

/* The stable names; NULL outside the range. */
const char *EXPORT(edge_guard_kind_name)(int kind)
{
    return kind < 0 ? NULL : idem_guard_kind_name((enum idem_guard_kind)kind);
}

const char *EXPORT(edge_guard_reason_name)(int reason)
{
    return reason < 0 ? NULL : idem_guard_reason_name((enum idem_guard_reason)reason);
}

/* Valid until the next call. */
const char *EXPORT(edge_guard_text)(int modality)
{
    const struct idem_guard_verdict v = verdict_of(modality);
    return idem_guard_text(&v, words, sizeof words);
}

void EXPORT(edge_guard_reset)(int modality)
{
    struct idem_guard *guard = idem_edge_guard(modality);
    if (guard != NULL)
        idem_guard_reset(guard);
}
