/* SPDX-License-Identifier: Apache-2.0 */
/* test_local.c - the bus within a process: order, bounds, waiting, shutting, many producers. */
#include "bus/bus.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_order_and_bounds(void **state)
{
    struct idem_bus *bus;
    void *items[8];
    (void)state;

    assert_int_equal(idem_bus_local_new(0, &bus), IDEM_ERR_INVALID);
    assert_int_equal(idem_bus_local_new(65537, &bus), IDEM_ERR_INVALID);
    assert_int_equal(idem_bus_local_new(4, &bus), 0);
    for (int round = 0; round < 3; round++) { /* the ring wraps */
        for (uintptr_t i = 1; i <= 4; i++)
            assert_int_equal(bus->ops->push(bus, (void *)i), 0);
        assert_int_equal(bus->ops->push(bus, (void *)5), IDEM_ERR_FULL);
        assert_int_equal(bus->ops->depth(bus), 4);
        assert_int_equal(bus->ops->drain(bus, items, 3, 0), 3);
        assert_int_equal(bus->ops->drain(bus, items + 3, 8 - 3, 0), 1);
        for (uintptr_t i = 1; i <= 4; i++)
            assert_int_equal((uintptr_t)items[i - 1], i);
    }
    assert_int_equal(bus->ops->drain(bus, items, 8, 0), 0);
    assert_int_equal(bus->ops->drain(bus, items, 8, 1), 0); /* waits a little, in vain */
    bus->ops->free(bus);
}

static void test_what_is_inside_can_be_drained_after_shutting(void **state)
{
    struct idem_bus *bus;
    void *items[2];
    (void)state;

    assert_int_equal(idem_bus_local_new(4, &bus), 0);
    assert_int_equal(bus->ops->push(bus, (void *)1), 0);
    bus->ops->shut(bus);
    assert_int_equal(bus->ops->push(bus, (void *)2), IDEM_ERR_NOT_FOUND);
    assert_int_equal(bus->ops->drain(bus, items, 2, 60000), 1);
    assert_int_equal(bus->ops->drain(bus, items, 2, 60000), 0); /* at once */
    bus->ops->free(bus);
}

enum { PRODUCERS = 4, EACH = 20000 };

struct producer {
    struct idem_bus *bus;
    uintptr_t number;
    pthread_t thread;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    for (uintptr_t i = 0; i < EACH; i++)
        while (p->bus->ops->push(p->bus, (void *)(p->number * EACH + i)) == IDEM_ERR_FULL)
            sched_yield();
    return NULL;
}

/* Nothing is lost or doubled, and each producer's items stay in order. */
static void test_many_producers(void **state)
{
    struct producer producers[PRODUCERS];
    uintptr_t next[PRODUCERS] = {0};
    struct idem_bus *bus;
    void *items[64];
    size_t taken = 0;
    (void)state;

    assert_int_equal(idem_bus_local_new(128, &bus), 0);
    for (uintptr_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.bus = bus, .number = i};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    while (taken < (size_t)PRODUCERS * EACH) {
        size_t n = bus->ops->drain(bus, items, 64, 60000);
        assert_true(n > 0);
        for (size_t i = 0; i < n; i++) {
            uintptr_t from = (uintptr_t)items[i] / EACH;
            assert_int_equal((uintptr_t)items[i] % EACH, next[from]);
            next[from]++;
        }
        taken += n;
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i].thread, NULL);
    assert_int_equal(bus->ops->depth(bus), 0);
    bus->ops->free(bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_bounds),
        cmocka_unit_test(test_what_is_inside_can_be_drained_after_shutting),
        cmocka_unit_test(test_many_producers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
