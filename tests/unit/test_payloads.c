/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_payloads.c - skeletons of payloads: what is read, what is refused and in which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "input/payloads.h"

#define HEAD "corpus,payload,step,kind,value\n"

static void refused(const char *text, int err, const char *why)
{
    struct idem_payloads p = {0};
    struct idem_fault fault = {""};
    assert_int_equal(idem_payloads_read_bytes("p.csv", text, strlen(text), &p, &fault), err);
    assert_null(p.list);
    if (!strstr(fault.text, why))
        fail_msg("\"%s\" does not say \"%s\"", fault.text, why);
}

static void rows_become_payloads(void **state)
{
    static const char text[] = HEAD "hak5,1,0,delay,2000\nhak5,1,1,combo,2\nhak5,1,2,shifted,1\n"
                                    "hak5,1,3,plain,3\nhak5,1,4,enter,1\n"
                                    "hak5,2,0,jitter,1\nhak5,2,1,plain,1\n"
                                    "jakoby,2,0,combo,11\n"
                                    "jakoby,2,0,plain,1\n"; /* step 0 begins another one */
    struct idem_payloads p = {0};
    struct idem_fault fault = {""};
    (void)state;
    assert_int_equal(idem_payloads_read_bytes("p.csv", text, sizeof text - 1, &p, &fault), 0);
    assert_int_equal(p.count, 4);
    assert_int_equal(p.step_count, 9);
    assert_string_equal(p.list[0].name, "hak5/1");
    assert_int_equal(p.list[0].count, 5);
    assert_int_equal(p.list[0].key_downs, 2 + 2 + 3 + 1);
    assert_int_equal(p.list[1].first, 5);
    assert_int_equal(p.list[1].key_downs, 1);
    assert_string_equal(p.list[2].name, "jakoby/2");
    assert_int_equal(p.list[2].key_downs, 11);
    assert_int_equal(p.list[3].key_downs, 1);
    assert_int_equal(p.steps[0].kind, IDEM_STEP_DELAY);
    assert_int_equal(p.steps[0].value, 2000);
    assert_int_equal(p.steps[5].kind, IDEM_STEP_JITTER);
    idem_payloads_free(&p);
    assert_null(p.list);
}

static void columns_stand_in_any_order(void **state)
{
    static const char text[] = "value,kind,step,payload,corpus,note\n1,plain,0,a,b,\"x,y\"\n";
    struct idem_payloads p = {0};
    struct idem_fault fault = {""};
    (void)state;
    assert_int_equal(idem_payloads_read_bytes("p.csv", text, sizeof text - 1, &p, &fault), 0);
    assert_string_equal(p.list[0].name, "b/a");
    idem_payloads_free(&p);
}

static void bad_rows_end_the_reading(void **state)
{
    (void)state;
    refused(HEAD "a,1,0,typed,1\n", IDEM_ERR_FORMAT, "p.csv:2: kind is none of plain, shifted");
    refused(HEAD "a,1,0,plain,0\n", IDEM_ERR_FORMAT, "p.csv:2: value is not a whole number");
    refused(HEAD "a,1,0,plain,1\na,1,1,combo,17\n", IDEM_ERR_FORMAT,
            "p.csv:3: value is not a whole number from 1 to 16: \"17\"");
    refused(HEAD "a,1,0,delay,-1\n", IDEM_ERR_FORMAT, "p.csv:2: value");
    refused(HEAD "a,1,0,delay,1.5\n", IDEM_ERR_FORMAT, "p.csv:2: value");
    refused(HEAD "a,1,0,delay,3600001\n", IDEM_ERR_FORMAT, "p.csv:2: value");
    refused(HEAD "a,1,0,jitter,2\n", IDEM_ERR_FORMAT, "p.csv:2: value");
    refused(HEAD "a,1,x,plain,1\n", IDEM_ERR_FORMAT, "p.csv:2: step");
    refused(HEAD "a,1,1,plain,1\n", IDEM_ERR_FORMAT, "p.csv:2: step 0 of a/1 is missing");
    refused(HEAD "a,1,0,plain,1\na,1,2,plain,1\n", IDEM_ERR_FORMAT,
            "p.csv:3: step 1 of a/1 is missing");
    refused(HEAD "a,1,0,plain,1\na,2,1,plain,1\n", IDEM_ERR_FORMAT,
            "p.csv:3: step 0 of a/2 is missing");
    refused(HEAD "a,1,0,plain,1\na,1,1,plain,1\na,1,1,plain,1\n", IDEM_ERR_FORMAT,
            "p.csv:4: step 2 of a/1 is missing");
    refused(HEAD ",1,0,plain,1\n", IDEM_ERR_FORMAT, "p.csv:2: corpus or payload is empty");
    refused(HEAD "a,1,0,plain\n", IDEM_ERR_FORMAT, "p.csv:2");
}

static void what_is_no_payload_file_is_refused(void **state)
{
    char name[IDEM_PAYLOAD_NAME + 64], text[sizeof name + 64];
    (void)state;
    refused(HEAD, IDEM_ERR_FORMAT, "no rows");
    refused("user,session,key,press_ms,release_ms\n1,1,a,0,1\n", IDEM_ERR_FORMAT,
            "no column `corpus`");
    memset(name, 'n', IDEM_PAYLOAD_NAME + 1);
    name[IDEM_PAYLOAD_NAME + 1] = 0;
    snprintf(text, sizeof text, HEAD "%s,1,0,plain,1\n", name);
    refused(text, IDEM_ERR_FORMAT, "over 48 bytes");
    struct idem_payloads p = {0};
    struct idem_fault fault = {""};
    assert_int_not_equal(idem_payloads_read("/nonexistent/p.csv", &p, &fault), 0);
    assert_non_null(strstr(fault.text, "/nonexistent/p.csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_payloads),
        cmocka_unit_test(columns_stand_in_any_order),
        cmocka_unit_test(bad_rows_end_the_reading),
        cmocka_unit_test(what_is_no_payload_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
