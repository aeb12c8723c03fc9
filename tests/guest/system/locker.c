/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locker.c - what a desktop's screen locker tells logind, without a screen: asked to lock a session
 * (the session's signal Lock) it says that it is locked (SetLockedHint), asked to unlock it that it
 * is not. Nobody else does on a machine without a desktop.
 */
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define LOGIND  "org.freedesktop.login1"
#define SESSION "org.freedesktop.login1.Session"

static int on_signal(sd_bus_message *m, void *bus, sd_bus_error *error)
{
    int locked = strcmp(sd_bus_message_get_member(m), "Lock") == 0;

    (void)error;
    return sd_bus_call_method_async(bus, NULL, LOGIND, sd_bus_message_get_path(m), SESSION,
                                    "SetLockedHint", NULL, NULL, "b", locked);
}

int main(void)
{
    sd_bus *bus = NULL;
    int r = sd_bus_open_system(&bus);

    for (int i = 0; r >= 0 && i < 2; i++)
        r = sd_bus_match_signal(bus, NULL, LOGIND, NULL, SESSION, i ? "Unlock" : "Lock", on_signal,
                                bus);
    while (r >= 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    }
    fprintf(stderr, "locker: %s\n", strerror(-r));
    return 1;
}
