/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_events.c - what a watcher is told: every window as it is sent, cell by cell, in words and
 * in the very numbers; every alarm. Nothing of a window is left out, so that "this is all" is true.
 */
#include "agent/courier/control_parts.h"
#include "window/words.h"

#include <inttypes.h>

void idem_control_put_refusal(struct idem_text *t, const char *error, const char *message)
{
    idem_text_put(t, "{\"ok\":false,\"error\":");
    idem_text_string(t, error);
    idem_text_put(t, ",\"message\":");
    idem_text_string(t, message);
    idem_text_put(t, "}\n");
}

static void put_words(struct idem_text *t, const struct idem_front *front,
                      enum idem_modality modality, uint32_t cell, double slow)
{
    static const char *const measures[] = {
        [IDEM_CELL_HOLD] = "hold",
        [IDEM_CELL_GAP] = "gap",
        [IDEM_CELL_MOVEMENT] = "movement",
        [IDEM_CELL_CLICK] = "click",
    };
    char what[IDEM_CELL_WORDS_MAX];
    const enum idem_cell_measure measure = idem_cell_words(front, modality, cell, what);

    idem_text_put(t, "{\"what\":");
    idem_text_string(t, what);
    idem_text_fmt(t, ",\"measure\":\"%s\"", measures[measure]);
    if (modality == IDEM_KEYBOARD)
        idem_text_fmt(t, ",\"typical_ms\":%.0f",
                      idem_histogram_ms(front->edges + (size_t)cell * IDEM_EDGES, slow));
}

static void put_cell(struct idem_text *t, const struct idem_front *front,
                     enum idem_modality modality, uint32_t cell, int32_t n, const int32_t *sums)
{
    const uint32_t count = 2 * idem_front_channels(front, modality);

    put_words(t, front, modality, cell, (double)sums[0] / n);
    idem_text_fmt(t, ",\"times\":%.2f,\"numbers\":[%" PRIu32 ",%" PRId32, (double)n / IDEM_GRID,
                  cell, n);
    for (uint32_t i = 0; i < count; i++)
        idem_text_fmt(t, ",%" PRId32, sums[i]);
    idem_text_put(t, "]}");
}

static void put_cells(struct idem_text *t, const struct idem_front *front,
                      const struct idem_window *window)
{
    const enum idem_modality modality = idem_window_modality(window);
    const uint32_t cells = idem_front_cells(front, modality),
                   sums = 2 * idem_front_channels(front, modality);
    const int32_t *n = idem_window_counts(window), *sum = idem_window_sums(window);
    const char *comma = "";

    for (uint32_t cell = 0; cell < cells; cell++) {
        if (n[cell] == 0)
            continue;
        idem_text_put(t, comma);
        put_cell(t, front, modality, cell, n[cell], sum + (size_t)cell * sums);
        comma = ",";
    }
}

static void put_head(struct idem_text *t, const struct idem_window *window, uint32_t seq,
                     bool waiting)
{
    idem_text_fmt(t, "{\"event\":\"window\",\"seq\":%" PRIu32 ",\"modality\":\"%s\"", seq,
                  idem_modality_name(idem_window_modality(window)));
    idem_text_fmt(t, ",\"strokes\":%" PRIu32 ",\"duration_ms\":%" PRIu32,
                  idem_window_strokes(window), idem_window_duration_ms(window));
    idem_text_fmt(t, ",\"front\":\"%016" PRIx64 "\",\"waiting\":%s", idem_window_front_id(window),
                  waiting ? "true" : "false");
}

void idem_control_put_window(struct idem_text *t, const struct idem_front *front,
                             const struct idem_window *window, uint32_t seq, bool waiting)
{
    put_head(t, window, seq, waiting);
    idem_text_put(t, ",\"cells\":[");
    put_cells(t, front, window);
    idem_text_put(t, "]}\n");
    if (!t->full)
        return;
    t->len = 0; /* never half of it: what does not fit is said not to */
    t->full = false;
    put_head(t, window, seq, waiting);
    idem_text_put(t, ",\"cells\":null}\n");
}

static void put_saw(struct idem_text *t, const struct idem_guard_verdict *v)
{
    for (uint32_t i = 0; i < v->saw_count; i++)
        idem_text_fmt(t, "%s{\"reason\":\"%s\",\"count\":%u,\"value\":%.1f}", i > 0 ? "," : "",
                      idem_guard_reason_name(v->saw[i].reason), (unsigned)v->saw[i].count,
                      (double)v->saw[i].value);
}

void idem_control_put_alarm(struct idem_text *t, const struct idem_alarm_message *alarm)
{
    struct idem_guard_verdict v = {.kind = (enum idem_guard_kind)alarm->kind,
                                   .confidence = (double)alarm->confidence};
    char text[IDEM_GUARD_TEXT];

    for (; v.saw_count < alarm->saw_count && v.saw_count < IDEM_GUARD_SAW_MAX; v.saw_count++) {
        v.saw[v.saw_count].reason = (enum idem_guard_reason)alarm->saw[v.saw_count].reason;
        v.saw[v.saw_count].count = alarm->saw[v.saw_count].count;
        v.saw[v.saw_count].value = alarm->saw[v.saw_count].value;
    }
    idem_text_fmt(t, "{\"event\":\"alarm\",\"device\":\"%s\",\"kind\":\"%s\"",
                  idem_modality_name((enum idem_modality)alarm->modality),
                  idem_guard_kind_name(v.kind));
    idem_text_fmt(t, ",\"confidence\":%.3f,\"action\":\"%s\",\"text\":", v.confidence,
                  idem_action_name(alarm->action));
    idem_text_string(t, idem_guard_text(&v, text, sizeof text));
    idem_text_put(t, ",\"saw\":[");
    put_saw(t, &v);
    idem_text_put(t, "]}\n");
}
