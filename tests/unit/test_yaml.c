/* SPDX-License-Identifier: Apache-2.0 */
/* test_yaml.c - what is read, what is refused and where, and the words of a refusal. */
#include "wire/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idem_yaml *parse(const char *text)
{
    struct idem_yaml_fault fault;
    struct idem_yaml *y = NULL;

    int err = idem_yaml_parse(text, strlen(text), "t.yaml", &y, &fault);
    if (err != 0)
        fail_msg("%s", fault.reason);
    return y;
}

static void refuse(const char *text, int err, const char *why)
{
    char line[IDEM_YAML_FAULT_TEXT];
    struct idem_yaml_fault fault;
    struct idem_yaml *y = NULL;

    assert_int_equal(idem_yaml_parse(text, strlen(text), "t.yaml", &y, &fault), err);
    assert_null(y);
    assert_string_equal(idem_yaml_fault_text(&fault, line), why);
}

static void end_with(struct idem_yaml *y, const char *why)
{
    char line[IDEM_YAML_FAULT_TEXT];
    struct idem_yaml_fault fault;

    assert_int_equal(idem_yaml_end(y, &fault), IDEM_ERR_FORMAT);
    assert_string_equal(idem_yaml_fault_text(&fault, line), why);
}

static void test_settings_are_read_with_their_lines(void **state)
{
    struct idem_yaml_fault fault;
    struct idem_yaml *y = parse("port: 8787 # here\ntls: yes\nrate: 0.5\nafter: 15 min\n"
                                "day: 2026-02-28\ncountry: NO\nmode: \"open\"\n");
    const struct idem_yaml_node *top = idem_yaml_root(y);
    static const char *const modes[] = {"closed", "open"};
    int64_t port = 0, after = 0, day = 0;
    double rate = 0;
    bool tls = false;
    int mode = 0;
    const char *country = "";
    (void)state;

    assert_int_equal(idem_yaml_int(y, idem_yaml_get(top, "port"), 0, 65535, &port), 1);
    assert_int_equal(idem_yaml_bool(y, idem_yaml_get(top, "tls"), &tls), 2);
    assert_int_equal(idem_yaml_number(y, idem_yaml_get(top, "rate"), 0, 1, &rate), 3);
    assert_int_equal(idem_yaml_span(y, idem_yaml_get(top, "after"), 0, 1000000, &after), 4);
    assert_int_equal(idem_yaml_date(y, idem_yaml_get(top, "day"), &day), 5);
    assert_int_equal(idem_yaml_text(y, idem_yaml_get(top, "country"), 2, &country), 6);
    assert_int_equal(idem_yaml_choice(y, idem_yaml_get(top, "mode"), modes, 2, &mode), 7);
    assert_int_equal(port, 8787);
    assert_true(tls);
    assert_true(rate == 0.5);
    assert_int_equal(after, 900000);
    assert_int_equal(day / 86400000, 20512);
    assert_string_equal(country, "NO");
    assert_int_equal(mode, 1);
    assert_int_equal(idem_yaml_end(y, &fault), IDEM_OK);
}

static void test_what_is_absent_keeps_its_default(void **state)
{
    struct idem_yaml_fault fault;
    struct idem_yaml *y = parse("a: 1");
    const struct idem_yaml_node *none = idem_yaml_get(idem_yaml_root(y), "b"), *first = NULL;
    int64_t number = 7;
    const char *text = "as it was";
    (void)state;

    assert_null(none);
    assert_int_equal(idem_yaml_int(y, none, 0, 1, &number), 0);
    assert_int_equal(idem_yaml_text(y, none, 1, &text), 0);
    assert_int_equal(idem_yaml_list(y, none, 1, &first), 0);
    assert_int_equal(idem_yaml_keys(y, none, NULL, 0), 0);
    assert_int_equal(number, 7);
    assert_string_equal(text, "as it was");
    assert_int_equal(idem_yaml_end(y, &fault), IDEM_OK);
}

static void test_lists_and_single_values(void **state)
{
    struct idem_yaml_fault fault;
    struct idem_yaml *y = parse("many: [a, b]\none: c\n");
    const struct idem_yaml_node *top = idem_yaml_root(y), *item = NULL;
    const char *text = "";
    (void)state;

    assert_int_equal(idem_yaml_list(y, idem_yaml_get(top, "many"), 2, &item), 1);
    idem_yaml_text(y, idem_yaml_next(item), 9, &text);
    assert_string_equal(text, "b");
    assert_null(idem_yaml_next(idem_yaml_next(item)));
    assert_int_equal(idem_yaml_list(y, idem_yaml_get(top, "one"), 2, &item), 2);
    idem_yaml_text(y, item, 9, &text);
    assert_string_equal(text, "c");
    assert_int_equal(idem_yaml_end(y, &fault), IDEM_OK);
}

/* A mistake that people make with the setting's own name is answered with the name. */
static void test_unknown_keys_name_the_nearest(void **state)
{
    static const char *const known[] = {"threshold", "actions", "gate"};
    struct idem_yaml *y = parse("actions: 1\ntreshhold: 2\n");
    (void)state;
    assert_int_equal(idem_yaml_keys(y, idem_yaml_root(y), known, 3), 0);
    end_with(y, "t.yaml:2:1: there is no setting \"treshhold\" here; the nearest is \"threshold\"");
}

static void test_the_first_fault_stays(void **state)
{
    static const char *const modes[] = {"open", "closed", "shut"};
    struct idem_yaml *y = parse("mode: ajar\nport: 70000\n");
    const struct idem_yaml_node *top = idem_yaml_root(y);
    int64_t port = 1;
    int mode = 2;
    (void)state;
    idem_yaml_choice(y, idem_yaml_get(top, "mode"), modes, 3, &mode);
    idem_yaml_int(y, idem_yaml_get(top, "port"), 0, 65535, &port);
    assert_int_equal(mode, 2);
    assert_int_equal(port, 1);
    end_with(y, "t.yaml:1:7: \"ajar\" is not open, closed or shut");
}

static void test_values_that_are_not_what_they_should_be(void **state)
{
    static const char *const ints[] = {"x", "1x",   "1.5", "0x10", "[1]", "99999999999999999999",
                                       "",  "\"\"", "' 1'"};
    static const char *const times[] = {
        "5", "s", "5 weeks", "-5 s", "+5 s", "11 s", "0 s", "99999999999999999999 s", "5 s s"};
    static const char *const dates[] = {"2026-02-29", "2026-13-01",  "2026-1-1",   "26-01-01",
                                        "2026-00-10", "2026-01-011", "1969-12-31", "2026-04-31"};
    static const char *const numbers[] = {"nan", "inf", "0x1p3", "1e999", "1,5", "2"};
    char text[64];
    int64_t out = -1;
    double number = -1;
    (void)state;

#define CHECK(list, get)                                                                           \
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {                                    \
        struct idem_yaml_fault fault;                                                              \
        snprintf(text, sizeof text, "a: %s", list[i]);                                             \
        struct idem_yaml *y = parse(text);                                                         \
        const struct idem_yaml_node *node = idem_yaml_get(idem_yaml_root(y), "a");                 \
        assert_int_equal(get, 0);                                                                  \
        assert_int_equal(idem_yaml_end(y, &fault), IDEM_ERR_FORMAT);                               \
    }
    CHECK(ints, idem_yaml_int(y, node, 0, INT64_MAX, &out))
    CHECK(times, idem_yaml_span(y, node, 1, 10000, &out))
    CHECK(dates, idem_yaml_date(y, node, &out))
    CHECK(numbers, idem_yaml_number(y, node, 0, 1, &number))
    assert_int_equal(out, -1);
    assert_true(number == -1);
}

static void test_what_yaml_could_do_and_we_do_not_want(void **state)
{
    (void)state;
    refuse("a: &x 1\n", IDEM_ERR_FORMAT, "t.yaml:1:4: anchors (&name) are not used here");
    refuse("a: *x\n", IDEM_ERR_FORMAT,
           "t.yaml:1:4: aliases (*name) are not used here; quote a star");
    refuse("a: !!int 1\n", IDEM_ERR_FORMAT, "t.yaml:1:4: tags (!name) are not used here");
    refuse("a: !x [1]\n", IDEM_ERR_FORMAT, "t.yaml:1:4: tags (!name) are not used here");
    refuse("a: 1\n---\nb: 2\n", IDEM_ERR_FORMAT,
           "t.yaml:2:1: a second document begins here; one is read");
    refuse("%YAML 1.1\n---\na: 1\n", IDEM_ERR_FORMAT,
           "t.yaml:1:1: directives (%NAME) are not used here");
    refuse("a: 1\nb: 2\na: 3\n", IDEM_ERR_FORMAT,
           "t.yaml:3:1: \"a\" stands here twice; the first is on line 1");
    refuse("a:\n  <<: {b: 1}\n", IDEM_ERR_FORMAT, "t.yaml:2:3: merge keys (<<) are not used here");
    refuse("[a]: 1\n", IDEM_ERR_FORMAT, "t.yaml:1:1: a key has to be a word");
    refuse("", IDEM_ERR_FORMAT, "t.yaml: there is nothing in it");
    refuse("# nothing\n", IDEM_ERR_FORMAT, "t.yaml: there is nothing in it");
    refuse("a: \"x\\0y\"\n", IDEM_ERR_FORMAT, "t.yaml:1:4: a text with a zero byte in it");
    refuse("a:\n\t- 1\n", IDEM_ERR_FORMAT, "t.yaml:2:1: a tab cannot indent; use blanks");
    refuse("a: 1\nb: \xff\n", IDEM_ERR_FORMAT,
           "t.yaml:2:4: not text in UTF-8: invalid leading UTF-8 octet");
}

static char *repeat(const char *head, const char *part, size_t times)
{
    size_t len = strlen(head), step = strlen(part);
    char *text = malloc(len + step * times + 1);

    assert_non_null(text);
    memcpy(text, head, len);
    for (size_t i = 0; i < times; i++)
        memcpy(text + len + i * step, part, step);
    text[len + step * times] = '\0';
    return text;
}

static void refuse_repeated(const char *head, const char *part, size_t times, int err,
                            const char *why)
{
    char *text = repeat(head, part, times);

    refuse(text, err, why);
    free(text);
}

static void test_limits(void **state)
{
    char *keys = malloc(300 * 16);
    size_t len = 0;
    (void)state;

    refuse_repeated("", "[", 13, IDEM_ERR_FORMAT, "t.yaml:1:13: nested deeper than 12 levels");
    refuse_repeated("a: [", "1,", 40001, IDEM_ERR_FORMAT,
                    "t.yaml:1:79999: more than 40000 keys and values");
    refuse_repeated("a: ", "x", 16385, IDEM_ERR_FORMAT,
                    "t.yaml:1:4: a text of more than 16384 bytes");
    refuse_repeated("a: 1\n#", "x", 512 * 1024, IDEM_ERR_LIMIT, "t.yaml: larger than 512 KiB");
    assert_non_null(keys);
    for (int i = 0; i < 257; i++)
        len += (size_t)sprintf(keys + len, "k%d: 1\n", i);
    refuse(keys, IDEM_ERR_FORMAT, "t.yaml:257:1: more than 256 keys in one map");
    free(keys);
}

/* A fault goes to a log: whatever the file held, it is one line. */
static void test_a_fault_is_one_line(void **state)
{
    struct idem_yaml *y = parse("a: \"x\\ny\\e[31m\"\n");
    bool out = false;
    (void)state;
    idem_yaml_bool(y, idem_yaml_get(idem_yaml_root(y), "a"), &out);
    end_with(y, "t.yaml:1:4: yes or no is expected, not \"x y [31m\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_read_with_their_lines),
        cmocka_unit_test(test_what_is_absent_keeps_its_default),
        cmocka_unit_test(test_lists_and_single_values),
        cmocka_unit_test(test_unknown_keys_name_the_nearest),
        cmocka_unit_test(test_the_first_fault_stays),
        cmocka_unit_test(test_values_that_are_not_what_they_should_be),
        cmocka_unit_test(test_what_yaml_could_do_and_we_do_not_want),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_fault_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
