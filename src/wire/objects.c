/* SPDX-License-Identifier: Apache-2.0 */
/* objects.c - see objects.h; the shapes are those of docs/api.md. */
#include "wire/objects.h"

static void put_member(struct idem_text *t, const char *name_and_colon, const char *string)
{
    idem_text_put(t, name_and_colon);
    idem_text_string(t, string);
}

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

void idem_gaps_json(struct idem_text *t, const struct idem_gap *gaps, uint32_t count)
{
    idem_text_put(t, "[");
    for (uint32_t i = 0; i < count; i++) {
        idem_text_put(t, i > 0 ? ",[" : "[");
        idem_text_int(t, gaps[i].first);
        idem_text_put(t, ",");
        idem_text_int(t, gaps[i].last);
        idem_text_put(t, "]");
    }
    idem_text_put(t, "]");
}

static void enrolment_json(struct idem_text *t, const struct idem_enrolment_view *view)
{
    put_member(t, "{\"state\":", view->state);
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
        const struct idem_enrolment_part *part = &view->part[m];
        idem_text_put(t, ",\"");
        idem_text_put(t, idem_modality_name(m));
        idem_text_put(t, "\":{\"have\":");
        idem_text_int(t, part->have);
        idem_text_put(t, ",\"need\":");
        idem_text_int(t, part->need);
        idem_text_put(t, part->enrolled ? ",\"enrolled\":true}" : ",\"enrolled\":false}");
    }
    if (view->waits_for != NULL)
        put_member(t, ",\"waits_for\":", view->waits_for);
    idem_text_put(t, "}");
}

static void reasons_json(struct idem_text *t, const struct idem_reason *reasons, uint32_t count)
{
    idem_text_put(t, "[");
    for (uint32_t i = 0; i < count; i++) {
        idem_text_put(t, i > 0 ? ",{\"llr\":" : "{\"llr\":");
        idem_text_number(t, reasons[i].llr);
        put_member(t, ",\"text\":", reasons[i].text);
        idem_text_put(t, "}");
    }
    idem_text_put(t, "]");
}

void idem_guard_json(struct idem_text *t, const struct idem_guard_view *view)
{
    const struct idem_guard_verdict *v = view->verdict;
    char text[IDEM_GUARD_TEXT];

    if (v == NULL) {
        idem_text_put(t, "null");
        return;
    }
    put_member(t, "{\"kind\":", idem_guard_kind_name(v->kind));
    idem_text_put(t, ",\"confidence\":");
    idem_text_number(t, v->confidence);
    put_member(t, ",\"text\":", idem_guard_text(v, text, sizeof text));
    idem_text_put(t, ",\"reasons\":[");
    for (uint32_t i = 0; i < v->saw_count; i++)
        put_member(t, i > 0 ? "," : "", idem_guard_reason_name(v->saw[i].reason));
    put_member(t, "],\"device\":", view->device);
    put_member(t, ",\"action\":", view->action);
    idem_text_fmt(t, ",\"cleared\":%s,\"at\":", truth(view->cleared));
    idem_text_time(t, view->at_ms);
    idem_text_put(t, "}");
}

static void put_number(struct idem_text *t, const char *name, bool known, double value)
{
    idem_text_put(t, name);
    if (known)
        idem_text_number(t, value);
    else
        idem_text_put(t, "null");
}

static void trust_json(struct idem_text *t, const struct idem_session_view *view)
{
    put_number(t, ",\"trust\":", view->compared, view->trust);
    put_number(t, ",\"p_owner\":", view->compared, view->p_owner);
    put_number(t, ",\"llr\":", view->compared, view->llr);
    idem_text_put(t, ",\"thresholds\":{\"step_up\":");
    idem_text_number(t, view->step_up);
    idem_text_put(t, ",\"lock\":");
    idem_text_number(t, view->lock);
    idem_text_put(t, "}");
}

static void put_text(struct idem_text *t, const char *name_and_colon, const char *string)
{
    idem_text_put(t, name_and_colon);
    if (string != NULL)
        idem_text_string(t, string);
    else
        idem_text_put(t, "null");
}

/* What the policy wants of the session now, and of its seat. */
static void stands_json(struct idem_text *t, const struct idem_session_view *view)
{
    put_text(t, ",\"policy\":", view->policy);
    put_text(t, ",\"stands\":{\"action\":", view->action);
    put_text(t, ",\"cause\":", view->cause);
    put_text(t, ",\"cut_off\":", view->cut_off);
    idem_text_fmt(t, ",\"line\":%u}", view->policy_line);
}

static void doubts_json(struct idem_text *t, const struct idem_session_view *view)
{
    const char *comma = "";

    idem_text_put(t, ",\"doubts\":[");
    for (int i = 0; i < IDEM_DOUBTS_MAX; i++) {
        if (view->doubts[i] == NULL)
            continue;
        put_member(t, comma, view->doubts[i]);
        comma = ",";
    }
    idem_text_put(t, "]");
}

static void windows_json(struct idem_text *t, const struct idem_session_view *view)
{
    if (view->uncounted) {
        idem_text_put(t, ",\"windows\":null");
        return;
    }
    idem_text_put(t, ",\"windows\":{\"keyboard\":");
    idem_text_int(t, view->windows[IDEM_KEYBOARD]);
    idem_text_put(t, ",\"pointer\":");
    idem_text_int(t, view->windows[IDEM_POINTER]);
    idem_text_put(t, "}");
}

void idem_session_json(struct idem_text *t, const struct idem_session_view *view)
{
    put_member(t, "{\"id\":", view->id);
    put_member(t, ",\"organisation\":", view->organisation);
    put_member(t, ",\"person\":", view->person);
    put_member(t, ",\"seat\":", view->seat);
    put_member(t, ",\"device_class\":", view->device_class);
    put_member(t, ",\"state\":", view->state);
    trust_json(t, view);
    stands_json(t, view);
    windows_json(t, view);
    idem_text_put(t, ",\"missing\":");
    idem_gaps_json(t, view->gaps, view->gap_count);
    idem_text_put(t, ",\"opened\":");
    idem_text_time(t, view->opened_ms);
    idem_text_put(t, ",\"changed\":");
    idem_text_time(t, view->changed_ms);
    idem_text_put(t, ",\"paused_until\":");
    if (view->paused_until_ms != 0)
        idem_text_time(t, view->paused_until_ms);
    else
        idem_text_put(t, "null");
    idem_text_put(t, ",\"enrolment\":");
    enrolment_json(t, &view->enrolment);
    idem_text_put(t, ",\"explanation\":");
    reasons_json(t, view->reasons, view->reason_count);
    idem_text_put(t, ",\"guard\":");
    idem_guard_json(t, &view->guard);
    doubts_json(t, view);
    idem_text_put(t, "}");
}

static void profile_json(struct idem_text *t, const struct idem_profile_view *view)
{
    put_member(t, "{\"modality\":", view->modality);
    put_member(t, ",\"device_class\":", view->device_class);
    idem_text_fmt(t, ",\"strokes\":%u,\"need\":%u,\"enrolled\":%s,\"learned\":", view->strokes,
                  view->need, truth(view->enrolled));
    idem_text_time(t, view->learned_ms);
    idem_text_put(t, "}");
}

void idem_person_json(struct idem_text *t, const struct idem_person_view *view)
{
    put_member(t, "{\"id\":", view->id);
    put_member(t, ",\"organisation\":", view->organisation);
    put_member(t, ",\"state\":", view->enrolment.state);
    idem_text_put(t, ",\"profiles\":[");
    for (uint32_t i = 0; i < view->profile_count; i++) {
        idem_text_put(t, i > 0 ? "," : "");
        profile_json(t, &view->profiles[i]);
    }
    idem_text_put(t, "],\"enrolment\":");
    enrolment_json(t, &view->enrolment);
    idem_text_put(t, "}");
}
