/* SPDX-License-Identifier: Apache-2.0 */
/* Until when each part of a request is waited for, and who goes when it is crowded. */
#include "server/connections.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST_MS = 20, IDLE_MS = 75, BODY_MS = 30, ANSWER_MS = 120 };

struct fixture {
    struct idem_connections all;
    struct idem_connection c[8];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->all.patience_ms[IDEM_PHASE_FIRST] = FIRST_MS;
    f->all.patience_ms[IDEM_PHASE_IDLE] = IDLE_MS;
    f->all.patience_ms[IDEM_PHASE_BODY] = BODY_MS;
    f->all.patience_ms[IDEM_PHASE_ANSWER] = ANSWER_MS;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void each_phase_has_its_end(void **state)
{
    static const struct {
        enum idem_phase phase;
        int ms;
    } cases[] = {{IDEM_PHASE_FIRST, FIRST_MS},
                 {IDEM_PHASE_BODY, BODY_MS},
                 {IDEM_PHASE_ANSWER, ANSWER_MS},
                 {IDEM_PHASE_IDLE, IDLE_MS}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&f->c[0], 0, sizeof f->c[0]);
        idem_connections_add(&f->all, &f->c[0], 0);
        idem_connection_enter(&f->all, &f->c[0], cases[i].phase, 1000);
        assert_null(idem_connections_overdue(&f->all, 1000 + cases[i].ms - 1));
        assert_ptr_equal(idem_connections_overdue(&f->all, 1000 + cases[i].ms), &f->c[0]);
        assert_null(idem_connections_overdue(&f->all, 1000000));
        idem_connections_remove(&f->all, &f->c[0]);
    }
    assert_int_equal(f->all.count, 0);
    assert_int_equal(f->all.cut, 0);
}

static void nobody_waits_for_the_client_while_the_worker_has_it(void **state)
{
    struct fixture *f = *state;

    idem_connections_add(&f->all, &f->c[0], 0);
    idem_connection_enter(&f->all, &f->c[0], IDEM_PHASE_NONE, 0);
    assert_null(idem_connections_overdue(&f->all, INT64_MAX));
    assert_null(idem_connections_spare(&f->all, 0, 1000));
    idem_connections_remove(&f->all, &f->c[0]);
}

static void the_longest_idle_goes_unless_somebody_never_asked(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 5; i++)
        idem_connections_add(&f->all, &f->c[i], i);
    idem_connection_enter(&f->all, &f->c[0], IDEM_PHASE_IDLE, 10);
    idem_connection_enter(&f->all, &f->c[3], IDEM_PHASE_BODY, 10);
    idem_connection_enter(&f->all, &f->c[2], IDEM_PHASE_IDLE, 11);
    assert_null(idem_connections_spare(&f->all, 5, 100));
    assert_ptr_equal(idem_connections_spare(&f->all, 1, 100), &f->c[0]); /* the longest idle */
    assert_ptr_equal(idem_connections_spare(&f->all, 1, 2000), &f->c[1]);
    assert_ptr_equal(idem_connections_spare(&f->all, 1, 2000), &f->c[4]);
    assert_ptr_equal(idem_connections_spare(&f->all, 1, 2000), &f->c[2]);
    assert_null(idem_connections_spare(&f->all, 0, 2000)); /* a request under way is left alone */
    assert_int_equal(f->all.cut, 4);
}

static void all_new_means_the_oldest_of_them(void **state)
{
    struct fixture *f = *state;

    idem_connections_add(&f->all, &f->c[0], 0);
    idem_connections_add(&f->all, &f->c[1], 1);
    assert_ptr_equal(idem_connections_spare(&f->all, 1, 2), &f->c[0]);
    assert_null(idem_connections_spare(&f->all, 1, 2));
}

static void only_so_many_have_not_asked_yet(void **state)
{
    struct fixture *f = *state;
    struct idem_connection *all = calloc(IDEM_STRANGERS_MAX + 1, sizeof *all);

    assert_non_null(all);
    for (int i = 0; i < IDEM_STRANGERS_MAX; i++)
        idem_connections_add(&f->all, &all[i], i);
    assert_null(idem_connections_spare(&f->all, 100000, 0));
    idem_connections_add(&f->all, &all[IDEM_STRANGERS_MAX], 0);
    assert_ptr_equal(idem_connections_spare(&f->all, 100000, 0), &all[0]);
    assert_null(idem_connections_spare(&f->all, 100000, 0));
    free(all);
}

static void what_was_cut_stays_out_of_the_queues(void **state)
{
    struct fixture *f = *state;

    idem_connections_add(&f->all, &f->c[0], 0);
    assert_ptr_equal(idem_connections_overdue(&f->all, 100), &f->c[0]);
    idem_connection_enter(&f->all, &f->c[0], IDEM_PHASE_IDLE, 100); /* its request's last word */
    assert_null(idem_connections_overdue(&f->all, 1000));
    idem_connections_remove(&f->all, &f->c[0]);
    assert_int_equal(f->all.cut, 0);
}

/* Whatever leaves whichever queue from wherever in it, the queues stay whole. */
static void queues_stay_whole(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 1;

    for (int i = 0; i < 8; i++)
        idem_connections_add(&f->all, &f->c[i], 0);
    for (int step = 0; step < 10000; step++) {
        seed = seed * 1103515245 + 12345;
        idem_connection_enter(&f->all, &f->c[(seed >> 16) % 8],
                              (enum idem_phase)((seed >> 20) % (IDEM_PHASES + 1)), step);
        int linked = 0, queued = 0, counted = 0;
        for (int p = 0; p < IDEM_PHASES; p++) {
            counted += (int)f->all.waiting[p];
            for (struct idem_connection *c = f->all.first[p]; c != NULL; c = c->next) {
                assert_int_equal(c->phase, p);
                assert_ptr_equal(c->next != NULL ? c->next->previous : f->all.last[p], c);
                linked++;
            }
        }
        assert_int_equal(linked, counted);
        for (int i = 0; i < 8; i++)
            queued += f->c[i].phase != IDEM_PHASE_NONE;
        assert_int_equal(linked, queued);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_phase_has_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_waits_for_the_client_while_the_worker_has_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_longest_idle_goes_unless_somebody_never_asked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(all_new_means_the_oldest_of_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_so_many_have_not_asked_yet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_cut_stays_out_of_the_queues, set_up, tear_down),
        cmocka_unit_test_setup_teardown(queues_stay_whole, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
