/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_devices.c - the broker's hands on /sys, over a tree of plain files: which USB device
 * an event node is a part of, whether another has its identification, what can type, and that the
 * cut goes to the one that misbehaved and not to the one that it is named after. What udev itself
 * tells is tested in a guest with a kernel of its own.
 */
#include "agent/broker/devices.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/idem-sysfs-XXXXXX";

static void make_directories(const char *path)
{
    char part[IDEM_SYSFS_PATH];

    for (size_t i = strlen(root); i <= strlen(path); i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        assert_true(mkdir(part, 0700) == 0 || errno == EEXIST);
    }
}

static void put(const char *dir, const char *name, const char *text)
{
    char path[IDEM_SYSFS_PATH * 2];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static bool reads(const char *dir, const char *name, const char *want)
{
    char text[64];
    return idem_sysfs_read(dir, name, text, sizeof text) == 0 && strcmp(text, want) == 0;
}

static char usb[3][IDEM_SYSFS_PATH], node[6][IDEM_SYSFS_PATH], input[6][IDEM_SYSFS_PATH];

static void make_usb(int i, const char *name, const char *product)
{
    char link[IDEM_SYSFS_PATH * 2];

    snprintf(usb[i], sizeof usb[i], "%s/devices/pci0/usb1/%s", root, name);
    make_directories(usb[i]);
    put(usb[i], "idVendor", "046d\n");
    put(usb[i], "idProduct", product);
    put(usb[i], "authorized", "1\n");
    snprintf(link, sizeof link, "%s/bus/usb/devices/%s", root, name);
    assert_int_equal(symlink(usb[i], link), 0);
}

static void make_input(int i, const char *under, int number)
{
    snprintf(input[i], sizeof input[i], "%.300s/input/input%d", under, number);
    snprintf(node[i], sizeof node[i], "%.400s/event%d", input[i], number);
    make_directories(node[i]);
    put(input[i], "inhibited", "0\n");
}

/* 1-1 has two inputs; 1-2 copies its identification; 1-3 is another thing; a serio and a uinput. */
static int make_tree(void **state)
{
    char under[IDEM_SYSFS_PATH * 2];

    (void)state;
    memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(root));
    snprintf(under, sizeof under, "%s/bus/usb/devices", root);
    make_directories(under);
    make_usb(0, "1-1", "c31c\n");
    make_usb(1, "1-2", "c31c\n");
    make_usb(2, "1-3", "c52b\n");
    snprintf(under, sizeof under, "%s/1-1:1.0/0003:046D:C31C.0001", usb[0]);
    make_input(0, under, 1);
    make_input(1, under, 2);
    snprintf(under, sizeof under, "%s/1-2:1.0/0003:046D:C31C.0002", usb[1]);
    make_input(2, under, 3);
    snprintf(under, sizeof under, "%s/1-3:1.0/0003:046D:C52B.0003", usb[2]);
    make_input(3, under, 4);
    snprintf(under, sizeof under, "%s/devices/platform/i8042/serio0", root);
    make_input(4, under, 5);
    snprintf(under, sizeof under, "%s/devices/virtual", root);
    make_input(5, under, 6);
    return 0;
}

static int remove_tree(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static void the_usb_device_is_found_by_the_place_of_the_node(void **state)
{
    (void)state;
    char found[IDEM_SYSFS_PATH];

    assert_int_equal(idem_sysfs_usb(node[1], found), 0);
    assert_string_equal(found, usb[0]);
    assert_int_equal(idem_sysfs_usb(node[2], found), 0);
    assert_string_equal(found, usb[1]);
    assert_int_equal(idem_sysfs_usb(node[4], found), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_sysfs_usb(node[5], found), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_sysfs_usb("", found), IDEM_ERR_NOT_FOUND);
}

static void a_twin_is_another_device_of_the_same_name(void **state)
{
    (void)state;
    assert_true(idem_sysfs_has_twin(root, usb[0]));
    assert_true(idem_sysfs_has_twin(root, usb[1]));
    assert_false(idem_sysfs_has_twin(root, usb[2]));
    assert_false(idem_sysfs_has_twin("/nowhere", usb[0]));
}

static void what_has_a_letter_can_type(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        bool types;
    } cases[] = {
        {"402000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe", true}, /* a keyboard */
        {"10000000000000 0", false},                                            /* a power button */
        {"1f0000 0 0 0 0", false},                                              /* a mouse */
        {"10000", true},                                                        /* nothing but Q */
        {"4000000000000", true},                                                /* nothing but M */
        {"8000000000000", false}, /* the key beside it */
        {"ffc", false},           /* digits and their neighbours */
        {"3e000000000000 0", false},
        {"", false},
        {"0", false},
        {"x", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(idem_sysfs_types(cases[i].keys), cases[i].types);
}

static void resolution_is_the_starred_one(void **state)
{
    (void)state;
    assert_int_equal(idem_sysfs_dpi("400@125 *800@125 1600@125"), 800);
    assert_int_equal(idem_sysfs_dpi("1000"), 1000);
    assert_int_equal(idem_sysfs_dpi(""), 0);
    assert_int_equal(idem_sysfs_dpi("99999999999999999999"), 0);
    assert_int_equal(idem_sysfs_dpi("-5"), 0);
}

static void attributes_have_an_end(void **state)
{
    (void)state;
    char text[8], longer[4000];

    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    put(root, "long", longer);
    assert_int_equal(idem_sysfs_read(root, "long", text, sizeof text), IDEM_ERR_LIMIT);
    assert_int_equal(idem_sysfs_read(root, "none", text, sizeof text), IDEM_ERR_IO);
    put(root, "number", "0x046d\n");
    assert_int_equal(idem_sysfs_number(root, "number", 16), 0x46d);
    assert_int_equal(idem_sysfs_number(root, "none", 16), 0);
}

/* ------------------------------------------------------------------ the cut */

static struct idem_devices *devices_of(const uint32_t groups[6])
{
    static struct idem_devices devices;

    memset(&devices, 0, sizeof devices);
    for (uint32_t i = 0; i < 6; i++) {
        struct idem_device *d = &devices.table[i];
        d->message.id = i + 1;
        d->message.group = groups[i];
        memcpy(d->path, node[i], sizeof d->path);
        d->usb = idem_sysfs_usb(node[i], d->physical) == 0;
    }
    return &devices;
}

static const uint32_t groups[6] = {1, 1, 3, 4, 5, 6};

static void the_clone_is_cut_off_and_not_what_it_copies(void **state)
{
    (void)state;
    assert_int_equal(idem_devices_cut(devices_of(groups), 3), 0);
    assert_true(reads(usb[1], "authorized", "0"));
    assert_true(reads(usb[0], "authorized", "1"));
    assert_true(reads(usb[2], "authorized", "1"));
    assert_int_equal(idem_devices_cut(devices_of(groups), 3), 0); /* twice is no harm */
}

static void what_is_not_usb_is_silenced(void **state)
{
    (void)state;
    assert_int_equal(idem_devices_cut(devices_of(groups), 5), 0);
    assert_true(reads(input[4], "inhibited", "1"));
    assert_true(reads(input[5], "inhibited", "0"));
    assert_int_equal(idem_devices_cut(devices_of(groups), 6), 0);
    assert_true(reads(input[5], "inhibited", "1"));
}

static void all_inputs_of_one_device_are_silenced_together(void **state)
{
    (void)state;
    assert_int_equal(idem_devices_silence(devices_of(groups), 2), 0);
    assert_true(reads(input[0], "inhibited", "1"));
    assert_true(reads(input[1], "inhibited", "1"));
    assert_true(reads(input[2], "inhibited", "0"));
}

static void usb_that_will_not_go_is_silenced(void **state)
{
    (void)state;
    char path[IDEM_SYSFS_PATH * 2];

    snprintf(path, sizeof path, "%s/authorized", usb[2]);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(idem_devices_cut(devices_of(groups), 4), 0);
    assert_true(reads(input[3], "inhibited", "1"));
    snprintf(path, sizeof path, "%s/inhibited", input[3]);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(idem_devices_cut(devices_of(groups), 4), IDEM_ERR_IO);
}

/* Another device may be in its place by now. */
static void what_has_gone_is_not_cut_off(void **state)
{
    (void)state;
    assert_int_equal(rmdir(node[2]), 0);
    assert_int_equal(idem_devices_cut(devices_of(groups), 3), IDEM_ERR_NOT_FOUND);
    assert_true(reads(usb[1], "authorized", "1"));
    assert_int_equal(idem_devices_silence(devices_of(groups), 3), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_devices_cut(devices_of(groups), 0), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_devices_cut(devices_of(groups), 77), IDEM_ERR_NOT_FOUND);
}

static void a_node_that_is_no_device_is_not_handed_out(void **state)
{
    (void)state;
    struct idem_device d = {0};

    memcpy(d.path, node[0], sizeof d.path);
    snprintf(d.node, sizeof d.node, "%s/number", root);
    put(root, "number", "x");
    assert_int_equal(idem_devices_node(&d), IDEM_ERR_NOT_FOUND);
    snprintf(d.node, sizeof d.node, "/dev/null");
    int fd = idem_devices_node(&d);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), -1);
    close(fd);
    snprintf(d.path, sizeof d.path, "%s/gone", root); /* the node is another device's by now */
    assert_int_equal(idem_devices_node(&d), IDEM_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_usb_device_is_found_by_the_place_of_the_node, make_tree,
                                        remove_tree),
        cmocka_unit_test_setup_teardown(a_twin_is_another_device_of_the_same_name, make_tree,
                                        remove_tree),
        cmocka_unit_test(what_has_a_letter_can_type),
        cmocka_unit_test(resolution_is_the_starred_one),
        cmocka_unit_test_setup_teardown(attributes_have_an_end, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(the_clone_is_cut_off_and_not_what_it_copies, make_tree,
                                        remove_tree),
        cmocka_unit_test_setup_teardown(what_is_not_usb_is_silenced, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(all_inputs_of_one_device_are_silenced_together, make_tree,
                                        remove_tree),
        cmocka_unit_test_setup_teardown(usb_that_will_not_go_is_silenced, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(what_has_gone_is_not_cut_off, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(a_node_that_is_no_device_is_not_handed_out, make_tree,
                                        remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
