/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.c - which USB devices are known as honest fast typists.
 *
 * An identification can be forged, so a role only says what is to be expected: a device whose
 * bursts do not look like its role's is judged as any other (keys.c). The numbers are the vendors'
 * own in the public register of USB identifications; product 0 stands for all of a vendor's.
 */
#include "idem/idem.h"

static const struct {
    uint16_t vendor, product;
    enum idem_guard_role role;
} known[] = {
    {0x1050, 0, IDEM_ROLE_TOKEN},      /* Yubico */
    {0x20a0, 0x4287, IDEM_ROLE_TOKEN}, /* Nitrokey */
    {0x1d50, 0x60fc, IDEM_ROLE_TOKEN}, /* OnlyKey */
    {0x05e0, 0, IDEM_ROLE_SCANNER},    /* Symbol, Zebra */
    {0x0c2e, 0, IDEM_ROLE_SCANNER},    /* Metrologic, Honeywell */
    {0x05f9, 0, IDEM_ROLE_SCANNER},    /* PSC, Datalogic */
    {0x0801, 0, IDEM_ROLE_SCANNER},    /* MagTek card readers */
    {0x0acd, 0, IDEM_ROLE_SCANNER},    /* ID TECH card readers */
    {0x0fd9, 0, IDEM_ROLE_MACRO_PAD},  /* Elgato */
};

enum idem_guard_role idem_guard_role_of(uint16_t vendor, uint16_t product)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].vendor == vendor && (known[i].product == 0 || known[i].product == product))
            return known[i].role;
    return IDEM_ROLE_ORDINARY;
}
