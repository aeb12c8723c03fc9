/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.c - see outbox.h. */
#include "agent/sensor/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "agent/line.h"
#include "agent/pack.h"

static _Alignas(16) uint8_t packed[IDEM_MESSAGE_MAX];

static struct idem_alarm_message *alarm_at(struct idem_outbox *box, uint32_t place)
{
    return &box->alarm[(box->first_alarm + place) % IDEM_OUTBOX_ALARMS];
}

static void **oldest_window(struct idem_outbox *box)
{
    return &box->window[box->first_window % IDEM_OUTBOX_WINDOWS];
}

static void drop_alarm(struct idem_outbox *box)
{
    box->first_alarm++;
    box->alarms--;
    if (box->sent > 0)
        box->sent--;
}

static void drop_window(struct idem_outbox *box)
{
    void **at = oldest_window(box);

    free(*at);
    *at = NULL;
    box->first_window++;
    box->windows--;
}

int idem_outbox_flush(struct idem_outbox *box, int line)
{
    int err = 0;

    if (line < 0)
        return 0;
    while (box->sent < box->alarms && err == 0) {
        err = idem_line_send(line, &alarm_at(box, box->sent)->head, -1);
        if (err == 0)
            box->sent++;
    }
    while (box->windows > 0 && err == 0) {
        err = idem_line_send(line, *oldest_window(box), -1);
        if (err == 0)
            drop_window(box);
    }
    return err;
}

int idem_outbox_alarm(struct idem_outbox *box, int line, const struct idem_alarm_message *alarm)
{
    if (box->alarms == IDEM_OUTBOX_ALARMS) {
        drop_alarm(box);
        box->lost++;
    }
    struct idem_alarm_message *kept = alarm_at(box, box->alarms++);
    *kept = *alarm;
    kept->number = ++box->numbers;
    return idem_outbox_flush(box, line);
}

void idem_outbox_renew(struct idem_outbox *box)
{
    box->sent = 0;
}

/* Nobody can have heard what was not sent. */
void idem_outbox_heard(struct idem_outbox *box, uint64_t number)
{
    while (box->sent > 0 && alarm_at(box, 0)->number <= number)
        drop_alarm(box);
}

static void keep_window(struct idem_outbox *box, size_t len)
{
    void *copy = malloc(len);

    if (box->windows == IDEM_OUTBOX_WINDOWS || copy == NULL) {
        if (box->windows > 0)
            drop_window(box);
        box->dropped++;
    }
    if (copy == NULL)
        return;
    memcpy(copy, packed, len);
    box->window[(box->first_window + box->windows++) % IDEM_OUTBOX_WINDOWS] = copy;
}

int idem_outbox_window(struct idem_outbox *box, int line, const struct idem_window *window)
{
    size_t len = 0;
    int err = idem_outbox_flush(box, line);

    if (idem_pack_window(window, packed, sizeof packed, &len) != 0) {
        box->dropped++; /* larger than any message: not of a front that is shipped */
        return err;
    }
    bool sent = false;
    if (line >= 0 && err == 0) {
        err = idem_line_send(line, (const struct idem_message_head *)(const void *)packed, -1);
        sent = err == 0;
    }
    if (!sent)
        keep_window(box, len);
    return err;
}

void idem_outbox_clear(struct idem_outbox *box)
{
    while (box->windows > 0)
        drop_window(box);
    box->alarms = box->sent = 0;
}
