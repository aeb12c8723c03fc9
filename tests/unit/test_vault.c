/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_vault.c - what is sealed opens with its key at its place only; a key that was destroyed is
 * in no file any more, the others are; the ledger of erasures keeps every line and shows a change.
 */
#include "store/ledger.h"
#include "store/vault.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PEOPLE = 2000, FILE_MAX = 4 * 1024 * 1024 };

static char dir[] = "/tmp/idem-vault-XXXXXX";

static const char *file(const char *name)
{
    static char path[80];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/idem-vault-XXXXXX");
    return mkdtemp(dir) != NULL && sodium_init() >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const names[] = {"keys.db", "keys.db-wal", "keys.db-shm", "erasures.log"};
    (void)state;
    for (int i = 0; i < 4; i++)
        unlink(file(names[i]));
    return rmdir(dir);
}

/* ------------------------------------------------------------------ sealing */

static struct idem_seal_label label_of(const uint8_t *person)
{
    struct idem_seal_label label = {.table = IDEM_SEAL_WINDOW, .organisation = 3, .person = person};
    idem_seal_row(&label, "session", 7);
    idem_seal_row_number(&label, 12);
    return label;
}

static void test_sealed_opens_again(void **state)
{
    uint8_t key[IDEM_SEAL_KEY_BYTES], person[IDEM_ID_BYTES] = {1}, out[200], back[200];
    const struct idem_seal_label label = label_of(person);
    size_t len, back_len;

    (void)state;
    randombytes_buf(key, sizeof key);
    for (size_t n = 0; n <= 100; n += 50) {
        uint8_t text[100], again[200];
        memset(text, 'x', sizeof text);
        idem_seal(key, &label, text, n, out, &len);
        assert_int_equal(len, n + IDEM_SEAL_OVERHEAD);
        assert_int_equal(idem_unseal(key, &label, out, len, back, &back_len), 0);
        assert_int_equal(back_len, n);
        assert_memory_equal(back, text, n);
        idem_seal(key, &label, text, n, again, &len);
        assert_memory_not_equal(out, again, len); /* no nonce twice */
    }
}

static void test_nonces_are_never_used_twice(void **state)
{
    enum { MANY = 1000 };
    static uint8_t nonce[MANY][24];
    uint8_t key[IDEM_SEAL_KEY_BYTES] = {0}, person[IDEM_ID_BYTES] = {0}, out[64];
    const struct idem_seal_label label = label_of(person);
    size_t len;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        idem_seal(key, &label, "", 0, out, &len);
        memcpy(nonce[i], out + 1, sizeof nonce[i]);
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(nonce[i], nonce[k], sizeof nonce[i]);
    }
}

static void refuse(const uint8_t *key, const struct idem_seal_label *label, const uint8_t *bytes,
                   size_t len)
{
    uint8_t back[200];
    size_t back_len = 77;

    assert_int_equal(idem_unseal(key, label, bytes, len, back, &back_len), IDEM_ERR_FORMAT);
    assert_int_equal(back_len, 77);
}

static void test_sealed_opens_nowhere_else(void **state)
{
    uint8_t key[IDEM_SEAL_KEY_BYTES] = {5}, other[IDEM_SEAL_KEY_BYTES] = {6};
    uint8_t person[IDEM_ID_BYTES] = {1}, stranger[IDEM_ID_BYTES] = {2}, out[100];
    const struct idem_seal_label label = label_of(person);
    size_t len;

    (void)state;
    idem_seal(key, &label, "a window", 8, out, &len);
    struct idem_seal_label wrong = label;
    refuse(other, &label, out, len);
    wrong.table = IDEM_SEAL_PROFILE;
    refuse(key, &wrong, out, len);
    wrong = label;
    wrong.organisation = 4;
    refuse(key, &wrong, out, len);
    wrong = label_of(stranger);
    refuse(key, &wrong, out, len);
    wrong = label;
    wrong.row[0] ^= 1;
    refuse(key, &wrong, out, len);
    for (size_t i = 0; i < len; i++) {
        refuse(key, &label, out, i);
        out[i] ^= 1;
        refuse(key, &label, out, len);
        out[i] ^= 1;
    }
}

/* ------------------------------------------------------------------ the vault */

static struct idem_vault *open_vault(void)
{
    struct idem_vault *vault = NULL;
    const char *why = NULL;
    if (idem_vault_open(dir, true, &vault, &why) != 0)
        fail_msg("%s", why);
    return vault;
}

static void add_many(struct idem_vault *vault, struct idem_vault_entry *list, int count)
{
    for (int i = 0; i < count; i++) {
        list[i] = (struct idem_vault_entry){.organisation = 1};
        randombytes_buf(list[i].handle, sizeof list[i].handle);
        assert_int_equal(idem_vault_begin(vault), 0);
        assert_int_equal(idem_vault_add_new(vault, &list[i]), 0);
        assert_int_equal(idem_vault_commit(vault), 0);
    }
}

/* Whether the bytes are in any of the vault's files. */
static bool on_disk(const void *bytes, size_t len)
{
    static const char *const names[] = {"keys.db", "keys.db-wal"};
    static uint8_t all[FILE_MAX];
    bool found = false;

    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(file(names[i]), "rb");
        if (f == NULL)
            continue;
        const size_t n = fread(all, 1, sizeof all, f);
        assert_true(n < sizeof all);
        found = found || memmem(all, n, bytes, len) != NULL;
        fclose(f);
    }
    return found;
}

static void test_a_destroyed_key_is_in_no_file(void **state)
{
    static struct idem_vault_entry list[PEOPLE];
    struct idem_vault *vault = open_vault();
    struct idem_vault_entry e;

    (void)state;
    add_many(vault, list, PEOPLE);
    assert_true(on_disk(list[0].key, sizeof list[0].key));
    for (int i = 0; i < PEOPLE; i += 100) {
        assert_int_equal(idem_vault_destroy(vault, list[i].key_id), 0);
        assert_false(on_disk(list[i].key, 8));
        assert_false(on_disk(list[i].handle, sizeof list[i].handle));
        assert_int_equal(idem_vault_by_handle(vault, list[i].handle, &e), IDEM_ERR_NOT_FOUND);
        assert_int_equal(idem_vault_by_person(vault, 1, list[i].person, &e), IDEM_ERR_NOT_FOUND);
        assert_int_equal(idem_vault_destroy(vault, list[i].key_id), 0); /* twice is harmless */
    }
    idem_vault_close(vault);
    vault = open_vault();
    for (int i = 0; i < PEOPLE; i++) {
        if (i % 100 == 0)
            continue;
        assert_int_equal(idem_vault_by_handle(vault, list[i].handle, &e), 0);
        assert_memory_equal(e.key, list[i].key, sizeof e.key);
        assert_int_equal(idem_vault_by_key_id(vault, list[i].key_id, &e), 0);
        assert_memory_equal(e.person, list[i].person, sizeof e.person);
    }
    idem_vault_close(vault);
}

static void test_people_are_told_apart(void **state)
{
    struct idem_vault *vault = open_vault();
    struct idem_vault_entry list[2], e, again;
    int64_t count = 0;

    (void)state;
    add_many(vault, list, 2);
    assert_memory_not_equal(list[0].person, list[1].person, IDEM_ID_BYTES);
    assert_memory_not_equal(list[0].key, list[1].key, IDEM_SEAL_KEY_BYTES);
    assert_int_equal(idem_vault_by_person(vault, 2, list[0].person, &e), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_vault_by_person(vault, 1, list[0].person, &e), 0);
    again = list[0];
    assert_int_equal(idem_vault_add(vault, &again), IDEM_ERR_INVALID);
    again = (struct idem_vault_entry){.organisation = 1};
    memcpy(again.handle, list[0].handle, sizeof again.handle);
    assert_int_equal(idem_vault_add_new(vault, &again), IDEM_ERR_INVALID);
    assert_int_equal(idem_vault_begin(vault), 0);
    randombytes_buf(again.handle, sizeof again.handle);
    assert_int_equal(idem_vault_add_new(vault, &again), 0);
    idem_vault_rollback(vault);
    assert_int_equal(idem_vault_by_handle(vault, again.handle, &e), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_vault_count(vault, &count), 0);
    assert_int_equal(count, 2);
    idem_vault_close(vault);
}

static void test_keys_are_for_the_owner_alone(void **state)
{
    struct idem_vault *vault = NULL;
    struct stat st;
    const char *why = NULL;

    (void)state;
    assert_int_equal(idem_vault_open(dir, false, &vault, &why), IDEM_ERR_NOT_FOUND);
    idem_vault_close(open_vault());
    assert_int_equal(stat(file("keys.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(file("keys.db"), 0640), 0);
    assert_int_equal(idem_vault_open(dir, false, &vault, &why), IDEM_ERR_IO);
    assert_non_null(strstr(why, "chmod 600"));
}

/* ------------------------------------------------------------------ the ledger */

static struct idem_erasure erasure_of(uint8_t number)
{
    struct idem_erasure e = {.organisation = "acme", .hour_ms = 1795000000000 + number};
    memset(e.key_id, number, sizeof e.key_id);
    memset(e.person, number + 100, sizeof e.person);
    return e;
}

static struct idem_ledger *open_ledger(void)
{
    struct idem_ledger *ledger = NULL;
    const char *why = NULL;
    if (idem_ledger_open(dir, &ledger, &why) != 0)
        fail_msg("%s", why);
    return ledger;
}

static void append(int first, int last)
{
    struct idem_ledger *ledger = open_ledger();
    for (int i = first; i <= last; i++) {
        const struct idem_erasure e = erasure_of((uint8_t)i);
        assert_int_equal(idem_ledger_append(ledger, &e), 0);
        assert_int_equal(idem_ledger_append(ledger, &e), 0); /* once only */
    }
    idem_ledger_close(ledger);
}

static void check_ledger(int count)
{
    struct idem_ledger *ledger = open_ledger();
    assert_int_equal(idem_ledger_count(ledger), count);
    for (int i = 0; i < count; i++) {
        const struct idem_erasure e = erasure_of((uint8_t)(i + 1));
        const struct idem_erasure *is = idem_ledger_find(ledger, e.key_id);
        assert_non_null(is);
        assert_memory_equal(is->person, e.person, sizeof e.person);
        assert_string_equal(is->organisation, "acme");
        assert_int_equal(is->hour_ms, e.hour_ms - e.hour_ms % 3600000);
        assert_ptr_equal(idem_ledger_find_person(ledger, "acme", e.person), is);
        assert_null(idem_ledger_find_person(ledger, "other", e.person));
    }
    idem_ledger_close(ledger);
}

static size_t read_log(char *bytes, size_t max)
{
    FILE *f = fopen(file("erasures.log"), "rb");
    assert_non_null(f);
    const size_t n = fread(bytes, 1, max, f);
    fclose(f);
    return n;
}

static void write_log(const char *bytes, size_t len)
{
    FILE *f = fopen(file("erasures.log"), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

static void test_the_ledger_keeps_every_line(void **state)
{
    (void)state;
    check_ledger(0);
    append(1, 3);
    check_ledger(3);
    append(4, 40);
    check_ledger(40);
}

/* Cut anywhere: whole lines are there, the rest is gone, and more can be appended. */
static void test_a_line_cut_short_never_was(void **state)
{
    char bytes[2000];

    (void)state;
    append(1, 3);
    const size_t len = read_log(bytes, sizeof bytes), line = len / 3;
    for (size_t cut = 0; cut <= len; cut += 7) {
        write_log(bytes, cut);
        check_ledger((int)(cut / line));
        append((int)(cut / line) + 1, 4);
        check_ledger(4);
    }
}

static void refuse_log(const char *bytes, size_t len)
{
    struct idem_ledger *ledger;
    const char *why = NULL;

    write_log(bytes, len);
    assert_int_equal(idem_ledger_open(dir, &ledger, &why), IDEM_ERR_FORMAT);
    assert_int_equal(idem_ledger_read(file("erasures.log"), &ledger, &why), IDEM_ERR_FORMAT);
    assert_non_null(strstr(why, "damaged"));
}

static void test_a_changed_ledger_shows(void **state)
{
    char bytes[2000], changed[2000];

    (void)state;
    append(1, 3);
    const size_t len = read_log(bytes, sizeof bytes), line = len / 3;
    for (size_t i = 0; i + 1 < len; i++) {
        memcpy(changed, bytes, len);
        changed[i] ^= 2;
        refuse_log(changed, len);
    }
    refuse_log(bytes + line, len - line); /* the first is missing */
    memcpy(changed, bytes, line);
    memcpy(changed + line, bytes + 2 * line, line);
    refuse_log(changed, 2 * line); /* the second is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sealed_opens_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonces_are_never_used_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sealed_opens_nowhere_else, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_destroyed_key_is_in_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_people_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_are_for_the_owner_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_ledger_keeps_every_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_line_cut_short_never_was, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_changed_ledger_shows, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
