/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent_withdrawn.c - a withdrawal is of one person and one version, is kept, and has an end.
 */
#include "agent/courier/withdrawn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void is_of_one_person_and_version(void **state)
{
    json_t *list = NULL;
    (void)state;

    assert_false(idem_withdrawn_is(list, "ada", "1"));
    idem_withdrawn_clear(list, "ada");
    idem_withdrawn_note(&list, "ada", "1");
    assert_true(idem_withdrawn_is(list, "ada", "1"));
    assert_false(idem_withdrawn_is(list, "ada", "2"));
    assert_false(idem_withdrawn_is(list, "eve", "1"));
    idem_withdrawn_clear(list, "eve");
    assert_true(idem_withdrawn_is(list, "ada", "1"));
    idem_withdrawn_clear(list, "ada");
    assert_false(idem_withdrawn_is(list, "ada", "1"));
    idem_withdrawn_note(&list, "ada", ""); /* whatever it was */
    assert_true(idem_withdrawn_is(list, "ada", "1") && idem_withdrawn_is(list, "ada", ""));
    assert_false(idem_withdrawn_is(list, "eve", ""));
    json_decref(list);
}

static void is_kept_and_bounded(void **state)
{
    json_t *list = NULL, *kept, *other = json_pack("{s:i, s:s}", "ada", 1, "eve", "2"),
           *back = NULL;
    char name[16];
    (void)state;

    for (int i = 0; i < IDEM_WITHDRAWN_MAX + 1; i++) {
        snprintf(name, sizeof name, "p%d", i);
        idem_withdrawn_note(&list, name, "1");
    }
    assert_int_equal(json_object_size(list), IDEM_WITHDRAWN_MAX);
    assert_false(idem_withdrawn_is(list, "p0", "1"));
    assert_true(idem_withdrawn_is(list, name, "1"));
    kept = json_deep_copy(list);
    idem_withdrawn_restore(&back, kept);
    assert_true(json_equal(back, list));
    json_decref(back);
    back = NULL;
    idem_withdrawn_restore(&back, NULL);
    assert_null(back);
    idem_withdrawn_restore(&back, other); /* what is no text is left out */
    assert_true(idem_withdrawn_is(back, "eve", "2") && json_object_size(back) == 1);
    json_decref(back);
    json_decref(other);
    json_decref(kept);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_of_one_person_and_version),
        cmocka_unit_test(is_kept_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
