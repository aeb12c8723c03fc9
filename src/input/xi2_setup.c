/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xi2_setup.c - what is asked of an X server before its events flow, and which devices it has.
 */
#include <stdlib.h>
#include <string.h>

#include "input/xi2_inside.h"

/* ------------------------------------------------------------------ devices */

static void read_axis(struct idem_xi2_slot *slot, const xcb_input_valuator_class_t *v)
{
    if (v->number >= IDEM_XI2_AXES)
        return;
    slot->axis[v->number] = (struct idem_xi2_axis){
        .absolute = v->mode == XCB_INPUT_VALUATOR_MODE_ABSOLUTE,
        .min = idem_xi2_number(v->min),
        .max = idem_xi2_number(v->max),
    };
}

static void read_classes(struct idem_xi2_slot *slot, const xcb_input_xi_device_info_t *info)
{
    xcb_input_device_class_iterator_t it = xcb_input_xi_device_info_classes_iterator(info);

    for (; it.rem > 0; xcb_input_device_class_next(&it))
        if (it.data->type == XCB_INPUT_DEVICE_CLASS_TYPE_VALUATOR)
            read_axis(slot, (const xcb_input_valuator_class_t *)(const void *)it.data);
}

/* The server marks its XTEST devices by a property; their names are anybody's to choose. */
static bool is_xtest(const struct idem_xi2 *x, uint16_t device)
{
    xcb_input_xi_get_property_cookie_t asked = xcb_input_xi_get_property(
        x->connection, device, 0, x->xtest, XCB_GET_PROPERTY_TYPE_ANY, 0, 1);
    xcb_input_xi_get_property_reply_t *reply =
        xcb_input_xi_get_property_reply(x->connection, asked, NULL);
    bool is = reply != NULL && reply->num_items == 1 && reply->format == 8 &&
              *(const uint8_t *)xcb_input_xi_get_property_items(reply) != 0;

    free(reply);
    return is;
}

static void note_device(struct idem_xi2 *x, const xcb_input_xi_device_info_t *info)
{
    struct idem_xi2_slot *slot = &x->slots[info->deviceid];
    size_t len = info->name_len;

    memset(slot, 0, sizeof *slot);
    if (len > IDEM_XI2_NAME - 1)
        len = IDEM_XI2_NAME - 1;
    memcpy(slot->seen.name, xcb_input_xi_device_info_name(info), len);
    slot->slave = info->type != XCB_INPUT_DEVICE_TYPE_MASTER_POINTER &&
                  info->type != XCB_INPUT_DEVICE_TYPE_MASTER_KEYBOARD;
    slot->seen.present = true;
    slot->seen.hotplugged = x->open;
    slot->seen.arrived_us = x->open ? x->now_us : 0;
    if (slot->slave) {
        bool xtest = is_xtest(x, info->deviceid);
        slot->seen.source = xtest ? IDEM_SOURCE_SYNTHETIC : IDEM_SOURCE_HARDWARE;
    }
    read_classes(slot, info);
    if (info->type == XCB_INPUT_DEVICE_TYPE_MASTER_POINTER && x->pointer == 0)
        x->pointer = info->deviceid;
}

int idem_xi2_query(struct idem_xi2 *x, uint16_t which)
{
    xcb_input_xi_query_device_cookie_t asked = xcb_input_xi_query_device(x->connection, which);
    xcb_input_xi_query_device_reply_t *reply =
        xcb_input_xi_query_device_reply(x->connection, asked, NULL);

    if (reply == NULL)
        return xcb_connection_has_error(x->connection) ? IDEM_ERR_IO : 0;
    xcb_input_xi_device_info_iterator_t it = xcb_input_xi_query_device_infos_iterator(reply);
    for (; it.rem > 0; xcb_input_xi_device_info_next(&it))
        if (it.data->deviceid < IDEM_XI2_DEVICES)
            note_device(x, it.data);
    free(reply);
    return 0;
}

/* ------------------------------------------------------------------ asking */

static bool find_xinput(struct idem_xi2 *x)
{
    const xcb_query_extension_reply_t *ext = xcb_get_extension_data(x->connection, &xcb_input_id);

    if (ext == NULL || !ext->present)
        return false;
    x->xinput = ext->major_opcode;
    xcb_input_xi_query_version_reply_t *v = xcb_input_xi_query_version_reply(
        x->connection, xcb_input_xi_query_version(x->connection, 2, 2), NULL);
    bool enough = v != NULL && (v->major_version > 2 || v->minor_version >= 2);
    free(v);
    return enough;
}

void idem_xi2_select(struct idem_xi2 *x)
{
    const struct {
        xcb_input_event_mask_t head;
        uint32_t mask;
    } all = {
        {.deviceid = XCB_INPUT_DEVICE_ALL, .mask_len = 1},
        XCB_INPUT_XI_EVENT_MASK_HIERARCHY | XCB_INPUT_XI_EVENT_MASK_RAW_KEY_PRESS |
            XCB_INPUT_XI_EVENT_MASK_RAW_KEY_RELEASE | XCB_INPUT_XI_EVENT_MASK_RAW_BUTTON_PRESS |
            XCB_INPUT_XI_EVENT_MASK_RAW_BUTTON_RELEASE | XCB_INPUT_XI_EVENT_MASK_RAW_MOTION |
            XCB_INPUT_XI_EVENT_MASK_RAW_TOUCH_BEGIN | XCB_INPUT_XI_EVENT_MASK_RAW_TOUCH_UPDATE |
            XCB_INPUT_XI_EVENT_MASK_RAW_TOUCH_END,
    };
    const uint32_t resizes = XCB_EVENT_MASK_STRUCTURE_NOTIFY;

    xcb_input_xi_select_events(x->connection, x->root, 1, &all.head);
    xcb_change_window_attributes(x->connection, x->root, XCB_CW_EVENT_MASK, &resizes);
}

static void find_root(struct idem_xi2 *x, int number)
{
    xcb_screen_iterator_t it = xcb_setup_roots_iterator(xcb_get_setup(x->connection));

    for (; number > 0 && it.rem > 1; number--)
        xcb_screen_next(&it);
    x->root = it.data->root;
    x->width = it.data->width_in_pixels;
    x->height = it.data->height_in_pixels;
}

static void find_mark(struct idem_xi2 *x)
{
    static const char mark[] = "XTEST Device";
    xcb_intern_atom_cookie_t asked = xcb_intern_atom(x->connection, 1, sizeof mark - 1, mark);
    xcb_intern_atom_reply_t *atom = xcb_intern_atom_reply(x->connection, asked, NULL);

    if (atom != NULL)
        x->xtest = atom->atom;
    free(atom);
}

int idem_xi2_find(struct idem_xi2 *x, int screen, const char **reason)
{
    *reason = "the X server cannot be reached";
    if (xcb_connection_has_error(x->connection))
        return IDEM_ERR_IO;
    *reason = "the X server has no XInput 2.2 or no XKB";
    if (!find_xinput(x))
        return xcb_connection_has_error(x->connection) ? IDEM_ERR_IO : IDEM_ERR_VERSION;
    find_root(x, screen);
    find_mark(x);
    return 0;
}
