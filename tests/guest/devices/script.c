/* SPDX-License-Identifier: Apache-2.0 */
/* script.c - see script.h. */
#include "script.h"

#include <stdio.h>
#include <string.h>

enum { PAUSE_US = 300000 };

static const char payload_text[] = "corpus,payload,step,kind,value\n"
                                   "made,1,0,delay,1000\n"
                                   "made,1,1,combo,2\n"
                                   "made,1,2,delay,500\n"
                                   "made,1,3,plain,12\n"
                                   "made,1,4,shifted,2\n"
                                   "made,1,5,plain,40\n"
                                   "made,1,6,enter,1\n";

/* Nobody has to wait for somebody who thinks. */
static void cut_pauses(struct idem_key_stream *s)
{
    int64_t before = 0, saved = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        int64_t gap = i > 0 ? s->list[i].t_us - before : 0;
        before = s->list[i].t_us;
        saved += gap > PAUSE_US ? gap - PAUSE_US : 0;
        s->list[i].t_us -= saved;
    }
}

static int strokes_of(const struct idem_recording *rec, const char *name, uint32_t strokes,
                      struct idem_key_stream *out)
{
    for (uint32_t p = 0; p < rec->person_count; p++) {
        if (strcmp(rec->people[p].name, name) != 0)
            continue;
        const struct idem_session *s = &rec->sessions[rec->people[p].first];
        uint32_t count = s->count < strokes ? s->count : strokes;
        return idem_key_stream_strokes(out, rec->strokes + s->first, count, 0);
    }
    return IDEM_ERR_NOT_FOUND;
}

int script_person(const char *name, uint32_t strokes, struct idem_key_stream *out)
{
    struct idem_recording *rec = NULL;
    struct idem_fault fault = {""};
    int err = idem_recording_read("/recording.csv", NULL, &rec, &fault);

    *out = (struct idem_key_stream){0};
    if (err == 0)
        err = strokes_of(rec, name, strokes, out);
    idem_recording_free(rec);
    cut_pauses(out);
    idem_key_stream_seal(out);
    if (err != 0)
        printf("# person %s: %s %s\n", name, idem_strerror(err), fault.text);
    return err == 0 && out->err == 0 ? 0 : -1;
}

static const struct idem_device_model *model_of(const char *key)
{
    for (int m = 0; m < IDEM_DEVICE_MODELS; m++)
        if (strcmp(idem_device_models[m].key, key) == 0)
            return &idem_device_models[m];
    return NULL;
}

int script_payload(const char *model, struct idem_key_stream *out)
{
    const struct idem_device_model *m = model_of(model);
    struct idem_payloads payloads = {0};
    struct idem_fault fault = {""};
    struct idem_rng rng;
    int err = m ? idem_payloads_read_bytes("payload", payload_text, strlen(payload_text), &payloads,
                                           &fault)
                : IDEM_ERR_NOT_FOUND;

    *out = (struct idem_key_stream){0};
    idem_rng_seed(&rng, 1);
    if (err == 0)
        err = idem_device_play(m, &payloads, 0, &rng, 0, out);
    idem_payloads_free(&payloads);
    if (err != 0)
        printf("# payload by %s: %s %s\n", model, idem_strerror(err), fault.text);
    return err == 0 && out->err == 0 ? 0 : -1;
}
