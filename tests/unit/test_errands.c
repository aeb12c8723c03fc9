/* SPDX-License-Identifier: Apache-2.0 */
/* test_errands.c - in order, bounded in all and for each one, and nothing is lost at the end. */
#include "server/errands.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MAX = 8, SHARE = 3 };

struct job {
    struct idem_errand errand; /* first */
    int number;
};

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int order[64], ran, cancelled_count;

static void run_job(struct idem_errand *errand, bool cancelled)
{
    pthread_mutex_lock(&gate); /* the test holds it to keep the thread busy */
    order[ran++] = ((struct job *)errand)->number;
    cancelled_count += cancelled;
    pthread_mutex_unlock(&gate);
}

static void bounded_and_in_order(void **state)
{
    struct job jobs[32];
    struct idem_errands *errands;
    int taken = 0, refused = 0;
    (void)state;
    ran = cancelled_count = 0;
    assert_int_equal(idem_errands_new("test", MAX, SHARE, &errands), 0);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 32; i++) {
        jobs[i] = (struct job){{run_job, (uint64_t)(i % 2 == 0 ? 1 : 100 + i), NULL}, i};
        if (idem_errands_push(errands, &jobs[i].errand) == 0)
            taken++;
        else
            refused++;
    }
    pthread_mutex_unlock(&gate);
    assert_true(taken >= MAX && taken <= MAX + 1); /* one may be running already */
    assert_int_equal(taken + refused, 32);
    idem_errands_free(errands);
    assert_int_equal(ran, taken);
    int even = 0;
    for (int i = 0; i < ran; i++) {
        assert_true(i == 0 || order[i] > order[i - 1]);
        even += order[i] % 2 == 0;
    }
    assert_int_equal(even, SHARE);
}

static void what_waits_at_the_end_is_cancelled(void **state)
{
    struct job jobs[MAX];
    struct idem_errands *errands;
    (void)state;
    ran = cancelled_count = 0;
    assert_int_equal(idem_errands_new("test", MAX, SHARE, &errands), 0);
    for (int i = 0; i < MAX; i++) {
        jobs[i] = (struct job){{run_job, 0, NULL}, i};
        assert_int_equal(idem_errands_push(errands, &jobs[i].errand), 0);
    }
    idem_errands_free(errands);
    assert_int_equal(ran, MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounded_and_in_order),
        cmocka_unit_test(what_waits_at_the_end_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
