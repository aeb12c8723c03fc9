/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_seal.c - what seats sign: no statement can stand for another one or for one with other
 * contents; the chain notices whatever happens to a window; sealed batches in CBOR and JSON; codes
 * as people type them.
 */
#include "people.h"
#include "wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t seed[IDEM_SEAL_SEED] = {1, 2, 3};
static struct idem_seal_key key;
static struct idem_front *front;
static struct idem_wire_reader *reader;
static struct idem_window *typed[4];
static uint8_t body[IDEM_WIRE_BODY_MAX];

static int setup(void **state)
{
    struct person person;
    (void)state;

    idem_seal_key_make(seed, &key);
    front = people_front(12, 1000);
    person_draw(&person, 77);
    struct typist typist = typist_new(&person, 1);
    for (int i = 0; i < 4; i++)
        typed[i] = typist_window(&typist, front, 25);
    return idem_wire_reader_new(front, &reader);
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        idem_window_free(typed[i]);
    idem_wire_reader_free(reader);
    idem_front_free(front);
    return 0;
}

/* ------------------------------------------------------------------ statements */

static struct idem_seal_opening an_opening(void)
{
    return (struct idem_seal_opening){.host = "idem.example:443",
                                      .nonce = {9},
                                      .seat = 7,
                                      .person = "ada",
                                      .job = "support",
                                      .time_ms = 1800000000000,
                                      .instance = {4},
                                      .start = 1};
}

static void assert_other(const struct idem_seal_message *a, const struct idem_seal_opening *o)
{
    struct idem_seal_message b;
    uint8_t signature[IDEM_SEAL_SIGNATURE];

    assert_int_equal(idem_seal_opening(o, &b), 0);
    idem_seal_sign(&key, a, signature);
    assert_true(idem_seal_good(key.public, a, signature));
    assert_false(idem_seal_good(key.public, &b, signature));
}

static void test_an_opening_says_all_of_itself(void **state)
{
    struct idem_seal_opening o = an_opening();
    struct idem_seal_message whole;
    (void)state;

    assert_int_equal(idem_seal_opening(&o, &whole), 0);
    assert_other(&whole, (o = an_opening(), o.host = "idem.example:444", &o));
    assert_other(&whole, (o = an_opening(), o.nonce[31] = 1, &o));
    assert_other(&whole, (o = an_opening(), o.seat = 8, &o));
    assert_other(&whole, (o = an_opening(), o.person = "bob", &o));
    assert_other(&whole, (o = an_opening(), o.person = "adasupport", o.job = "", &o));
    assert_other(&whole, (o = an_opening(), o.person = "adas", o.job = "upport", &o));
    assert_other(&whole, (o = an_opening(), o.time_ms++, &o));
    assert_other(&whole, (o = an_opening(), o.instance[15] = 1, &o));
    assert_other(&whole, (o = an_opening(), o.start = 0, &o));
}

static void test_the_longest_statement_fits(void **state)
{
    char longest[IDEM_SEAL_TEXT_MAX + 2];
    struct idem_seal_opening o = an_opening();
    struct idem_seal_message m;
    (void)state;

    memset(longest, 'x', sizeof longest);
    longest[IDEM_SEAL_TEXT_MAX] = '\0';
    o.host = o.person = o.job = longest;
    assert_int_equal(idem_seal_opening(&o, &m), 0);
    longest[IDEM_SEAL_TEXT_MAX] = 'x';
    longest[IDEM_SEAL_TEXT_MAX + 1] = '\0';
    assert_int_equal(idem_seal_opening(&o, &m), IDEM_ERR_LIMIT);
    assert_int_equal(m.len, 0);
}

/* The bytes of one kind never begin like those of another. */
static void test_no_statement_stands_for_another(void **state)
{
    const uint8_t some[IDEM_SEAL_LINK] = {5};
    struct idem_seal_opening o = an_opening();
    struct idem_seal_message m[8];
    (void)state;

    assert_int_equal(idem_seal_registration(some, key.public, o.host, &m[0]), 0);
    assert_int_equal(idem_seal_opening(&o, &m[1]), 0);
    idem_seal_renewal(some, 1, &m[2]);
    idem_seal_windows(some, &m[3]);
    idem_seal_binding(some, 1, &m[4]);
    assert_int_equal(idem_seal_acknowledgement(some, "1", &m[5]), 0);
    idem_seal_strong(some, 1, &m[6]);
    idem_seal_pause(some, 1, 0, &m[7]);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(m[i].bytes, m[k].bytes, 8);
}

/* As docs/seats.md has it, byte for byte. */
static void test_what_a_person_did_is_laid_out_as_documented(void **state)
{
    static const char strong[] = "idem strong authentication 1", pause[] = "idem pause 1";
    const uint8_t nonce[IDEM_SEAL_NONCE] = {9, 8, 7};
    const uint8_t numbers[8] = {4, 3, 2, 1, 0x08, 0x07, 0, 0};
    struct idem_seal_message m;
    (void)state;

    idem_seal_strong(nonce, 0x01020304, &m);
    assert_int_equal(m.len, sizeof strong + sizeof nonce + 4);
    assert_memory_equal(m.bytes, strong, sizeof strong);
    assert_memory_equal(m.bytes + sizeof strong, nonce, sizeof nonce);
    assert_memory_equal(m.bytes + sizeof strong + sizeof nonce, numbers, 4);
    idem_seal_pause(nonce, 0x01020304, 1800, &m);
    assert_int_equal(m.len, sizeof pause + sizeof nonce + 8);
    assert_memory_equal(m.bytes, pause, sizeof pause);
    assert_memory_equal(m.bytes + sizeof pause, nonce, sizeof nonce);
    assert_memory_equal(m.bytes + sizeof pause + sizeof nonce, numbers, 8);
}

static void test_a_registration_is_for_one_server_code_and_key(void **state)
{
    uint8_t code[IDEM_SEAL_CODE_HASH] = {1}, signature[IDEM_SEAL_SIGNATURE];
    struct idem_seal_message m;
    struct idem_seal_key other;
    (void)state;

    idem_seal_key_make(NULL, &other);
    assert_int_equal(idem_seal_registration(code, key.public, "a", &m), 0);
    idem_seal_sign(&key, &m, signature);
    assert_true(idem_seal_good(key.public, &m, signature));
    assert_false(idem_seal_good(other.public, &m, signature));
    assert_int_equal(idem_seal_registration(code, key.public, "b", &m), 0);
    assert_false(idem_seal_good(key.public, &m, signature));
    code[0] = 2;
    assert_int_equal(idem_seal_registration(code, key.public, "a", &m), 0);
    assert_false(idem_seal_good(key.public, &m, signature));
}

/* A key of small order would be satisfied with anything. */
static void test_a_weak_key_proves_nothing(void **state)
{
    const uint8_t weak[IDEM_SEAL_PUBLIC] = {1}, nothing[IDEM_SEAL_SIGNATURE] = {1};
    struct idem_seal_message m;
    (void)state;

    idem_seal_windows(seed, &m);
    assert_false(idem_seal_good(weak, &m, nothing));
}

/* Bytes that must not change without a new name: who signed yesterday is understood tomorrow. */
static void test_the_bytes_stay(void **state)
{
    const uint8_t nonce[IDEM_SEAL_NONCE] = {7};
    uint8_t link[IDEM_SEAL_LINK], code[IDEM_SEAL_CODE_HASH];
    char text[2 + 4 * IDEM_SEAL_LINK / 3];
    (void)state;

    idem_seal_first(nonce, link);
    idem_seal_next(nonce, 1, "window", 6, link);
    idem_seal_text(link, sizeof link, text);
    assert_string_equal(text, "uHWPYeUrkaiIZQZtDqOXXL0mf3Ahxvg051093SXOLAg");
    idem_seal_text(key.public, sizeof key.public, text);
    assert_string_equal(text, "Ih_l9oWaGk_seQV8nTLI0_w1bhRLHaOw-QFu9vKYiNo");
    assert_int_equal(idem_seal_code_hash("00000-11111-22222-33333-44444", code), 0);
    idem_seal_text(code, sizeof code, text);
    assert_string_equal(text, "YWCgYtQg5Y2mUIDer2DRq4vCskgIw_ObGd6CxWoic0w");
}

/* ------------------------------------------------------------------ the chain */

static void chain(uint8_t nonce, const char *const *windows, uint32_t first, int count,
                  uint8_t link[IDEM_SEAL_LINK])
{
    const uint8_t n[IDEM_SEAL_NONCE] = {nonce};

    idem_seal_first(n, link);
    for (int i = 0; i < count; i++)
        idem_seal_next(n, first + (uint32_t)i, windows[i], strlen(windows[i]), link);
}

static void test_the_chain_notices(void **state)
{
    static const char *const sent[] = {"one", "two", "three"};
    static const char *const changed[] = {"one", "tvo", "three"};
    static const char *const swapped[] = {"two", "one", "three"};
    static const char *const moved[] = {"on", "etwo", "three"};
    uint8_t whole[IDEM_SEAL_LINK], link[IDEM_SEAL_LINK];
    (void)state;

    chain(1, sent, 1, 3, whole);
    chain(1, sent, 1, 3, link);
    assert_memory_equal(whole, link, sizeof link);
    assert_memory_not_equal(whole, (chain(1, changed, 1, 3, link), link), sizeof link);
    assert_memory_not_equal(whole, (chain(1, swapped, 1, 3, link), link), sizeof link);
    assert_memory_not_equal(whole, (chain(1, moved, 1, 3, link), link), sizeof link);
    assert_memory_not_equal(whole, (chain(1, sent + 1, 2, 2, link), link), sizeof link);
    assert_memory_not_equal(whole, (chain(1, sent, 1, 2, link), link), sizeof link);
    assert_memory_not_equal(whole, (chain(1, sent, 2, 3, link), link), sizeof link);
    assert_memory_not_equal(whole, (chain(2, sent, 1, 3, link), link), sizeof link);
}

/* ------------------------------------------------------------------ batches */

struct seen {
    uint8_t nonce[IDEM_SEAL_NONCE], link[IDEM_SEAL_LINK];
};

/* As the server does: links over what it would keep. */
static int follow(void *arg, uint32_t seq, const struct idem_window *window)
{
    static uint8_t kept[IDEM_WIRE_BODY_MAX];
    struct seen *s = arg;
    size_t len;

    int err = idem_wire_write_window(front, window, seq, kept, sizeof kept, &len);
    if (err == 0)
        idem_seal_next(s->nonce, seq, kept, len, s->link);
    return err;
}

static struct idem_wire_seal a_seal(void)
{
    struct idem_wire_seal seal = {.key = &key, .nonce = {3}};

    idem_seal_first(seal.nonce, seal.link);
    return seal;
}

static size_t sealed_batch(const struct idem_wire_seal *seal, uint32_t first, uint32_t count,
                           uint8_t link[IDEM_SEAL_LINK])
{
    struct idem_wire_writer w;
    size_t len = 0;

    assert_int_equal(idem_wire_batch_begin_sealed(&w, seal, front, count, 5, body, sizeof body), 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(idem_wire_batch_put(&w, typed[i % 4], first + i), 0);
    assert_int_equal(idem_wire_batch_end(&w, &len), 0);
    memcpy(link, w.link, IDEM_SEAL_LINK);
    return len;
}

static void test_a_sealed_batch_is_checked_by_who_reads_it(void **state)
{
    struct idem_wire_seal seal = a_seal();
    struct seen seen = {.nonce = {3}};
    struct idem_wire_batch batch;
    struct idem_seal_message m;
    (void)state;

    memcpy(seen.link, seal.link, sizeof seen.link);
    for (uint32_t first = 1; first < 9; first += 4) {
        uint8_t link[IDEM_SEAL_LINK];
        size_t len = sealed_batch(&seal, first, 4, link);
        assert_int_equal(idem_wire_read_cbor(reader, body, len, follow, &seen, &batch), 0);
        assert_true(batch.sealed && batch.has_clock && batch.windows == 4);
        assert_memory_equal(batch.previous, seal.link, sizeof seal.link);
        assert_memory_equal(seen.link, link, sizeof link);
        idem_seal_windows(seen.link, &m);
        assert_true(idem_seal_good(key.public, &m, batch.signature));
        memcpy(seal.link, link, sizeof link);
    }
}

/* Every byte of a sealed batch matters: changed, it is not read, or not signed. */
static void test_no_byte_can_be_changed(void **state)
{
    struct idem_wire_seal seal = a_seal();
    uint8_t link[IDEM_SEAL_LINK];
    size_t len = sealed_batch(&seal, 1, 2, link), read = 0;
    (void)state;

    for (size_t i = 0; i < len; i++) {
        struct seen seen = {.nonce = {3}};
        struct idem_wire_batch batch;
        struct idem_seal_message m;
        body[i] ^= 1;
        memcpy(seen.link, seal.link, sizeof seen.link);
        int err = idem_wire_read_cbor(reader, body, len, follow, &seen, &batch);
        bool same =
            err == 0 && batch.sealed && memcmp(batch.previous, seal.link, sizeof seal.link) == 0;
        idem_seal_windows(seen.link, &m);
        /* but for clock_ms, which is for tests and not part of what is signed */
        if (same && batch.clock_ms == 5)
            assert_false(idem_seal_good(key.public, &m, batch.signature));
        read += same;
        body[i] ^= 1;
    }
    assert_true(read > 60); /* numbers of windows, and the signature itself */
}

static int read_json(const char *text, struct idem_wire_batch *batch)
{
    struct seen seen = {.nonce = {0}};
    return idem_wire_read_json(reader, text, strlen(text), follow, &seen, batch);
}

static void test_a_seal_is_whole_or_not_there(void **state)
{
    struct idem_wire_batch batch;
    (void)state;

#define LINK "\"previous\":\"" A43 "\""
#define A43  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SIGN "\"signature\":\"" A43 A43 "\""
    static const char *const bad[] = {
        "{" LINK ",\"windows\":[]}",
        "{" SIGN ",\"windows\":[]}",
        "{" LINK "," LINK ",\"windows\":[]}",
        "{\"previous\":\"AAAA\"," SIGN ",\"windows\":[]}",
        "{\"previous\":7," SIGN ",\"windows\":[]}",
        "{" LINK ",\"signature\":null,\"windows\":[]}",
        "{" LINK "," SIGN "}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(read_json(bad[i], &batch) < 0);
    assert_int_equal(read_json(bad[0], &batch), IDEM_ERR_INVALID);
    assert_non_null(strstr(idem_wire_reader_why(reader), "come together"));
    assert_true(read_json("{" LINK "," SIGN ",\"windows\":[]}", &batch) < 0);
    assert_null(strstr(idem_wire_reader_why(reader), "seal"));
}

/* ------------------------------------------------------------------ codes and texts */

static void test_codes_as_people_type_them(void **state)
{
    uint8_t a[IDEM_SEAL_CODE_HASH], b[IDEM_SEAL_CODE_HASH];
    static const char *const same[] = {"0A1BC-DEFGH-JKMNP-QRSTV-WXYZ0",
                                       "0a1bc-defgh-jkmnp-qrstv-wxyz0", "oaibcdefghjkmnpqrstvwxyzo",
                                       " OALBC DEFGH JKMNP QRSTV WXYZ0"};
    static const char *const not [] = {
        "", "0A1BC-DEFGH-JKMNP-QRSTV-WXYZ", "0A1BC-DEFGH-JKMNP-QRSTV-WXYZ00",
        "UA1BC-DEFGH-JKMNP-QRSTV-WXYZ0", "0A1BC_DEFGH-JKMNP-QRSTV-WXYZ0"};
    (void)state;

    assert_int_equal(idem_seal_code_hash(same[0], a), 0);
    for (size_t i = 1; i < sizeof same / sizeof same[0]; i++) {
        assert_int_equal(idem_seal_code_hash(same[i], b), 0);
        assert_memory_equal(a, b, sizeof a);
    }
    for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
        assert_int_equal(idem_seal_code_hash(not [i], b), IDEM_ERR_FORMAT);
    assert_int_equal(idem_seal_code_hash("0A1BC-DEFGH-JKMNP-QRSTV-WXYZ1", b), 0);
    assert_memory_not_equal(a, b, sizeof a);
}

static void test_a_new_code_is_a_code(void **state)
{
    char text[IDEM_SEAL_CODE_TEXT + 1], other[IDEM_SEAL_CODE_TEXT + 1];
    uint8_t hash[IDEM_SEAL_CODE_HASH];
    (void)state;

    idem_seal_code_new(text);
    idem_seal_code_new(other);
    assert_int_equal(strlen(text), IDEM_SEAL_CODE_TEXT);
    assert_string_not_equal(text, other);
    assert_int_equal(idem_seal_code_hash(text, hash), 0);
}

static void test_base64_has_one_form(void **state)
{
    uint8_t bytes[2];
    (void)state;

    assert_int_equal(idem_seal_parse("AAA", bytes, 2), 0);
    assert_int_equal(idem_seal_parse("AAB", bytes, 2), IDEM_ERR_FORMAT); /* bits left over */
    assert_int_equal(idem_seal_parse("AAA=", bytes, 2), IDEM_ERR_FORMAT);
    assert_int_equal(idem_seal_parse("A+A", bytes, 2), IDEM_ERR_FORMAT);
    assert_int_equal(idem_seal_parse("AA", bytes, 2), IDEM_ERR_FORMAT);
    /* found by fuzzing: once the same as A_8 */
    assert_int_equal(idem_seal_parse("A_8", bytes, 2), 0);
    assert_int_equal(idem_seal_parse("A\xa8"
                                     "8",
                                     bytes, 2),
                     IDEM_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_opening_says_all_of_itself),
        cmocka_unit_test(test_the_longest_statement_fits),
        cmocka_unit_test(test_no_statement_stands_for_another),
        cmocka_unit_test(test_what_a_person_did_is_laid_out_as_documented),
        cmocka_unit_test(test_a_registration_is_for_one_server_code_and_key),
        cmocka_unit_test(test_a_weak_key_proves_nothing),
        cmocka_unit_test(test_the_bytes_stay),
        cmocka_unit_test(test_the_chain_notices),
        cmocka_unit_test(test_a_sealed_batch_is_checked_by_who_reads_it),
        cmocka_unit_test(test_no_byte_can_be_changed),
        cmocka_unit_test(test_a_seal_is_whole_or_not_there),
        cmocka_unit_test(test_codes_as_people_type_them),
        cmocka_unit_test(test_a_new_code_is_a_code),
        cmocka_unit_test(test_base64_has_one_form),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
