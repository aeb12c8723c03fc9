/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_csv.c - recordings from CSV: what is read, what is refused and in which words.
 *
 * Everything a real recorder produces (negative holds, lost releases, quoted commas, CRLF,
 * interleaved people) has its line here, and every refusal names the file and the line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/input-event-codes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "input/keynames.h"
#include "input/labels.h"
#include "input/recording.h"

#define KEYS    "user,session,key,press_ms,release_ms\n"
#define POINTER "user,session,t_ms,x,y,button,state,split,is_illegal\n"

static struct idem_recording *read_ok(const char *text)
{
    struct idem_recording *rec = NULL;
    struct idem_fault fault = {""};
    int r = idem_recording_read_bytes("t.csv", text, strlen(text), NULL, &rec, &fault);
    if (r < 0)
        fail_msg("refused: %s", fault.text);
    return rec;
}

static void refused(const char *text, int err, const char *why)
{
    struct idem_recording *rec = NULL;
    struct idem_fault fault = {""};
    assert_int_equal(idem_recording_read_bytes("t.csv", text, strlen(text), NULL, &rec, &fault),
                     err);
    assert_null(rec);
    if (!strstr(fault.text, why))
        fail_msg("\"%s\" does not say \"%s\"", fault.text, why);
}

static void keyboard_rows_become_strokes(void **state)
{
    (void)state;
    struct idem_recording *rec =
        read_ok(KEYS "ada,s1,a,0,85.5\nada,s1,\",\",100,90\nada,s1,Q,200.0004,\n");
    assert_int_equal(rec->modality, IDEM_KEYBOARD);
    assert_int_equal(rec->person_count, 1);
    assert_string_equal(rec->people[0].name, "ada");
    assert_string_equal(rec->sessions[0].name, "s1");
    assert_int_equal(rec->row_count, 3);
    assert_int_equal(rec->strokes[0].code, KEY_A);
    assert_int_equal(rec->strokes[0].release_us, 85500);
    assert_int_equal(rec->strokes[1].code, KEY_COMMA);
    assert_int_equal(rec->strokes[1].release_us, 90000); /* a negative hold is kept */
    assert_true(rec->strokes[1].released);
    assert_int_equal(rec->strokes[2].code, KEY_Q);
    assert_int_equal(rec->strokes[2].press_us, 200000);
    assert_false(rec->strokes[2].released); /* a lost release is kept and flagged */
    assert_int_equal(rec->lost_releases, 1);
    assert_true(isnan(rec->sessions[0].day));
    idem_recording_free(rec);
}

#define EVENTS "user,session,t_ms,key,state,kind,is_bot\n"

static void events_of_keys_become_strokes(void **state)
{
    (void)state;
    struct idem_recording *rec = read_ok(EVENTS "ada,1,0,Key.shift,down,human,0\n"
                                                "ada,1,50.5,A,down,human,0\n"
                                                "ada,1,90,b,down,human,0\n"
                                                "ada,1,95,a,up,human,0\n"
                                                "ada,1,100,Key.shift,up,human,0\n"
                                                "ada,1,120,b,up,human,0\n"
                                                "ada,1,130,!,down,human,0\n"
                                                "ada,1,131,<97>,down,human,0\n"
                                                "ada,1,132,Key.page_up,down,human,0\n"
                                                "ada,1,133,1,up,human,0\n");
    static const struct idem_stroke want[] = {
        {0, 100000, KEY_LEFTSHIFT, true}, {50500, 95000, KEY_A, true},
        {90000, 120000, KEY_B, true},     {130000, 133000, KEY_1, true},
        {131000, 0, KEY_KP1, false},      {132000, 0, KEY_PAGEUP, false}};
    assert_int_equal(rec->modality, IDEM_KEYBOARD);
    assert_int_equal(rec->sessions[0].count, 6);
    assert_int_equal(rec->sessions[0].bot, IDEM_LABEL_OWNER);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(rec->strokes[i].code, want[i].code);
        assert_int_equal(rec->strokes[i].press_us, want[i].press_us);
        assert_int_equal(rec->strokes[i].released, want[i].released);
        if (want[i].released)
            assert_int_equal(rec->strokes[i].release_us, want[i].release_us);
    }
    assert_int_equal(rec->lost_releases, 2);
    assert_int_equal(rec->stray_releases, 0);
    idem_recording_free(rec);
}

/* The last press holds the key; a release of what is not down and a session of such are left out.
 */
static void repeated_and_stray_events_are_sorted_out(void **state)
{
    (void)state;
    struct idem_recording *rec = read_ok(EVENTS "x,1,5,a,up,simple,1\n"
                                                "ada,1,0,Key.backspace,down,human,0\n"
                                                "bob,1,0,q,down,simple,1\n"
                                                "ada,1,500,Key.backspace,down,human,0\n"
                                                "bob,1,3,q,up,simple,1\n"
                                                "ada,1,530,Key.backspace,down,human,0\n"
                                                "ada,1,541,Key.backspace,up,human,0\n"
                                                "ada,1,542,Key.backspace,up,human,0\n");
    assert_int_equal(rec->person_count, 2);
    assert_string_equal(rec->people[0].name, "ada");
    assert_int_equal(rec->sessions[0].count, 3);
    assert_false(rec->strokes[0].released);
    assert_false(rec->strokes[1].released);
    assert_int_equal(rec->strokes[2].release_us, 541000);
    assert_int_equal(rec->lost_releases, 2);
    assert_int_equal(rec->stray_releases, 2);
    assert_string_equal(rec->people[1].name, "bob");
    assert_int_equal(rec->sessions[1].bot, IDEM_LABEL_OTHER);
    assert_int_equal(rec->strokes[rec->sessions[1].first].release_us, 3000);
    idem_recording_free(rec);
}

static void bad_events_are_refused(void **state)
{
    (void)state;
    refused(EVENTS "ada,1,0,a,pressed,human,0\n", IDEM_ERR_FORMAT, "t.csv:2: state is neither");
    refused(EVENTS "ada,1,x,a,down,human,0\n", IDEM_ERR_FORMAT, "t.csv:2: t_ms");
    refused(EVENTS "ada,1,0,,down,human,0\n", IDEM_ERR_FORMAT, "t.csv:2: key is empty");
    refused(EVENTS "ada,1,0,a,down,human,2\n", IDEM_ERR_FORMAT, "t.csv:2: is_bot is neither");
    refused(EVENTS "ada,1,0,a,down,human,0\nada,1,9,a,up,human,1\n", IDEM_ERR_FORMAT,
            "t.csv:3: split, is_illegal or is_bot differs");
    refused(EVENTS "ada,1,0,a,up,human,0\n", IDEM_ERR_FORMAT, "no key is ever pressed");
}

static void columns_are_found_by_name(void **state)
{
    (void)state;
    struct idem_recording *rec =
        read_ok("\xEF\xBB\xBFrelease_ms,note,day,key,user,press_ms,session\r\n"
                "90,\"a \"\"note\"\", quoted\",2.5,space,u,10,s\r\n\r\n");
    assert_int_equal(rec->row_count, 1);
    assert_int_equal(rec->strokes[0].press_us, 10000);
    assert_int_equal(rec->strokes[0].code, KEY_SPACE);
    assert_true(rec->sessions[0].day == 2.5);
    idem_recording_free(rec);
}

static void people_keep_their_order_when_interleaved(void **state)
{
    (void)state;
    struct idem_recording *rec =
        read_ok(KEYS "b,x,a,1,2\na,x,a,3,4\nb,y,a,5,6\na,x,b,7,8\nb,x,b,9,10\n");
    assert_int_equal(rec->person_count, 2);
    assert_string_equal(rec->people[0].name, "b");
    assert_int_equal(rec->people[0].count, 2);
    assert_int_equal(rec->people[1].first, 2);
    assert_string_equal(rec->sessions[0].name, "x");
    assert_string_equal(rec->sessions[1].name, "y");
    const int64_t press[] = {1, 9, 5, 3, 7};
    const uint32_t first[] = {0, 2, 3};
    for (int i = 0; i < 5; i++)
        assert_int_equal(rec->strokes[i].press_us, press[i] * 1000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rec->sessions[i].first, first[i]);
    idem_recording_free(rec);
}

static void strokes_are_sorted_stably_by_press(void **state)
{
    (void)state;
    struct idem_recording *rec =
        read_ok(KEYS "u,s,c,30,31\nu,s,a,10,11\nu,s,x,10,12\nu,s,b,-5,13\nu,s,y,10,14\n");
    const uint8_t codes[] = {KEY_B, KEY_A, KEY_X, KEY_Y, KEY_C};
    for (int i = 0; i < 5; i++)
        assert_int_equal(rec->strokes[i].code, codes[i]);
    idem_recording_free(rec);
}

static void lost_releases_can_be_taken_out(void **state)
{
    (void)state;
    struct idem_recording *rec =
        read_ok(KEYS "a,x,a,1,\nb,y,a,2,\nb,y,b,3,4\nb,z,c,5,\nb,w,d,6,7\n");
    assert_int_equal(rec->lost_releases, 3);
    idem_recording_drop_lost(rec);
    assert_int_equal(rec->person_count, 1);
    assert_string_equal(rec->people[0].name, "b");
    assert_int_equal(rec->session_count, 2);
    assert_string_equal(rec->sessions[1].name, "w");
    assert_int_equal(rec->sessions[1].person, 0);
    assert_int_equal(rec->sessions[1].first, 1);
    assert_int_equal(rec->strokes[0].code, KEY_B);
    assert_int_equal(rec->strokes[1].code, KEY_D);
    idem_recording_free(rec);
}

static void people_are_kept_by_number(void **state)
{
    (void)state;
    static const struct {
        const char *ranges;
        uint32_t people;
    } good[] = {{"1-72", 2},   {"2,73", 2},   {"73-", 1},    {"-1", 1},
                {"1,2,73", 3}, {"1-73/2", 2}, {"2-73/2", 1}, {"1-2/1,73-/9", 3}};
    static const char *const bad[] = {"",     "x",     "5-4", "1,,2",
                                      "-",    "1-2-3", "1,",  "9999999999999999999",
                                      "1-2/", "1-2/0", "1/2", "1-2/2x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct idem_recording *rec = read_ok(KEYS "u1,s,a,1,2\nu02,s,a,1,2\n73,s,a,1,2\n");
        assert_int_equal(idem_recording_keep(rec, good[i].ranges), 0);
        assert_int_equal(rec->person_count, good[i].people);
        assert_int_equal(rec->session_count, good[i].people);
        idem_recording_free(rec);
    }
    struct idem_recording *rec = read_ok(KEYS "u1,s,a,1,2\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(idem_recording_keep(rec, bad[i]), IDEM_ERR_INVALID);
    assert_int_equal(idem_recording_keep(rec, "5"), IDEM_ERR_NOT_FOUND);
    idem_recording_free(rec);
}

/* Rows of people that are gone stay where they are: the others' must still be found behind them. */
static void what_is_left_keeps_its_rows(void **state)
{
    (void)state;
    struct idem_recording *rec = read_ok(
        POINTER "1,s,10,1,2,,Move,train,\n2,s,20,1,2,,Move,train,\n2,t,30,1,2,,Move,test,\n");
    assert_int_equal(idem_recording_keep(rec, "2"), 0);
    idem_recording_drop_lost(rec);
    assert_int_equal(rec->motions[rec->sessions[0].first].t_us, 20000);
    assert_int_equal(rec->motions[rec->sessions[1].first].t_us, 30000);
    idem_recording_drop_test(rec);
    assert_int_equal(rec->session_count, 1);
    assert_string_equal(rec->sessions[0].name, "s");
    idem_recording_free(rec);
    rec = read_ok(KEYS "1,s,a,10,11\n2,s,b,20,21\n2,s,c,30,\n2,s,d,40,41\n");
    assert_int_equal(idem_recording_keep(rec, "2"), 0);
    idem_recording_drop_lost(rec);
    assert_int_equal(rec->sessions[0].count, 2);
    assert_int_equal(rec->strokes[rec->sessions[0].first].code, KEY_B);
    assert_int_equal(rec->strokes[rec->sessions[0].first + 1].code, KEY_D);
    idem_recording_free(rec);
}

static void zones_stand_for_keys(void **state)
{
    (void)state;
    struct idem_recording *rec = read_ok(
        "user,session,zone,press_ms,release_ms\nu,s,f3,0,1\nu,s,other,2,3\nu,s,shift,4,5\n");
    assert_true(rec->zones);
    assert_int_equal(rec->strokes[0].code, KEY_F);
    assert_int_equal(rec->strokes[1].code, IDEM_KEYNAME_OTHER);
    assert_int_equal(rec->strokes[2].code, KEY_LEFTSHIFT);
    assert_int_equal(rec->unknown_names, 0);
    idem_recording_free(rec);
    refused("user,session,zone,press_ms,release_ms\nu,s,f8,0,1\n", IDEM_ERR_FORMAT,
            "t.csv:2: unknown zone");
}

static void unknown_keys_count_as_other(void **state)
{
    (void)state;
    struct idem_recording *rec = read_ok(KEYS "u,s,vk144,0,1\nu,s,f2,2,3\nu,s,\xC3\xA4,4,5\n");
    assert_int_equal(rec->strokes[0].code, IDEM_KEYNAME_OTHER);
    assert_int_equal(rec->strokes[1].code, KEY_F2); /* the function key, not the zone */
    assert_int_equal(rec->strokes[2].code, IDEM_KEYNAME_OTHER);
    assert_int_equal(rec->unknown_names, 2);
    idem_recording_free(rec);
}

static void every_name_of_the_table_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t code;
    } some[] = {{"alt", KEY_LEFTALT},     {"up", KEY_UP},        {"num*", KEY_KPASTERISK},
                {"f12", KEY_F12},         {"f2", KEY_F2},        {"num0", KEY_KP0},
                {"num.", KEY_KPDOT},      {"num/", KEY_KPSLASH}, {"scrolllock", KEY_SCROLLLOCK},
                {"SHIFT", KEY_LEFTSHIFT}, {"numright", KEY_KP6}, {"escape", KEY_ESC}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_int_equal(
            idem_keyname_code((struct idem_field){some[i].name, (uint32_t)strlen(some[i].name)}),
            some[i].code);
}

static void pointer_rows_become_motions(void **state)
{
    (void)state;
    struct idem_recording *rec =
        read_ok(POINTER "u,s,0.5,1.25,2,NoButton,Move,test,1\nu,s,8,65535,65535,Scroll,Up,test,1\n"
                        "u,s,7,3,4,Left,Pressed,test,1\nu,s,9,3,4,Left,Wiggled,test,1\n"
                        "u,t,9,3,4,Left,Clicked,train,\nu,t,9,3,4,Right,Pressed,train,\n"
                        "u,t,9,3,4,Middle,Released,train,\n");
    assert_int_equal(rec->modality, IDEM_POINTER);
    assert_int_equal(rec->motions[0].t_us, 500);
    assert_true(rec->motions[0].x == 1.25f);
    assert_int_equal(rec->motions[1].kind, IDEM_POINTER_SCROLL);
    assert_true(rec->motions[1].x == 65535.0f);
    assert_int_equal(rec->motions[2].kind, IDEM_POINTER_PRESS); /* file order, not time order */
    assert_int_equal(rec->motions[3].kind, IDEM_POINTER_MOVE);
    assert_int_equal(rec->motions[4].kind, IDEM_POINTER_MOVE); /* Clicked */
    assert_int_equal(rec->motions[5].kind, IDEM_POINTER_PRESS_OTHER);
    assert_int_equal(rec->motions[6].kind, IDEM_POINTER_RELEASE_OTHER);
    assert_int_equal(rec->unknown_names, 1);
    assert_int_equal(rec->sessions[0].split, IDEM_SPLIT_TEST);
    assert_int_equal(rec->sessions[0].illegal, IDEM_LABEL_OTHER);
    assert_int_equal(rec->sessions[1].split, IDEM_SPLIT_TRAIN);
    assert_int_equal(rec->sessions[1].illegal, IDEM_LABEL_NONE);
    idem_recording_free(rec);
}

static void bad_rows_name_file_line_and_reason(void **state)
{
    (void)state;
    refused("", IDEM_ERR_FORMAT, "t.csv:0: no header line");
    refused("a,b\n1,2\n", IDEM_ERR_FORMAT, "t.csv:1: no column `user`");
    refused("user,session,t_ms\nu,s,1\n", IDEM_ERR_FORMAT, "t.csv:1: neither a keyboard");
    refused("user,session,session\n", IDEM_ERR_FORMAT, "two columns have the same name");
    refused(KEYS, IDEM_ERR_FORMAT, "no rows");
    refused(KEYS "u,s,a,1,2\nu,s,a,1\n", IDEM_ERR_FORMAT,
            "t.csv:3: 4 fields where the header names 5");
    refused(KEYS "u,s,a,1,2,3\n", IDEM_ERR_FORMAT, "t.csv:2: 6 fields");
    refused(KEYS "u,s,\"a,1,2\n", IDEM_ERR_FORMAT, "t.csv:2: a quoted field does not end");
    refused(KEYS "u,s,\"a\"b,1,2\n", IDEM_ERR_FORMAT, "t.csv:2: a quoted field does not end");
    refused(KEYS "u,s,a,,2\n", IDEM_ERR_FORMAT, "press_ms is not a number in range: \"\"");
    refused(KEYS "u,s,a,nan,2\n", IDEM_ERR_FORMAT, "\"nan\"");
    refused(KEYS "u,s,a,1,0x10\n", IDEM_ERR_FORMAT, "release_ms is not a number");
    refused(KEYS "u,s,a,1e15,2\n", IDEM_ERR_FORMAT, "press_ms is not a number in range");
    refused(KEYS ",s,a,1,2\n", IDEM_ERR_FORMAT, "user or session is empty");
    refused(KEYS "u,s,,1,2\n", IDEM_ERR_FORMAT, "key is empty");
    refused(POINTER "u,s,1,2,NaN,,Move,,\n", IDEM_ERR_FORMAT, "y is not a number");
    refused(POINTER "u,s,1,2,3,,,,\n", IDEM_ERR_FORMAT, "state is empty");
    refused(POINTER "u,s,1,2,3,,Move,maybe,\n", IDEM_ERR_FORMAT, "split is neither");
    refused(POINTER "u,s,1,2,3,,Move,test,2\n", IDEM_ERR_FORMAT, "is_illegal is neither");
    refused(POINTER "u,s,1,2,3,,Move,test,0\nu,s,1,2,3,,Move,test,1\n", IDEM_ERR_FORMAT,
            "t.csv:3: split, is_illegal or is_bot differs");
}

static void a_byte_0_and_endless_lines_end_the_file(void **state)
{
    (void)state;
    struct idem_recording *rec = NULL;
    struct idem_fault fault;
    struct idem_recording_options skip = {.skip_bad = true};
    static const char nul[] = KEYS "u,s,a,1,2\nu,s,\0,1,2\n";
    assert_int_equal(idem_recording_read_bytes("t", nul, sizeof nul - 1, &skip, &rec, &fault),
                     IDEM_ERR_FORMAT);
    assert_non_null(strstr(fault.text, "t:3: "));
    char *wide = malloc(200000);
    memset(wide, 'x', 200000);
    memcpy(wide, KEYS, strlen(KEYS));
    assert_int_equal(idem_recording_read_bytes("t", wide, 200000, &skip, &rec, &fault),
                     IDEM_ERR_LIMIT);
    assert_non_null(strstr(fault.text, "t:2: "));
    free(wide);
}

static void bad_rows_can_be_skipped_and_are_counted(void **state)
{
    (void)state;
    static const char text[] = KEYS "u,s,a,1,2\nu,s,a,x,2\nu,s,b,3,4\nu,s\n";
    struct idem_recording *rec = NULL;
    struct idem_fault fault;
    struct idem_recording_options skip = {.skip_bad = true};
    assert_int_equal(idem_recording_read_bytes("t", text, strlen(text), &skip, &rec, &fault), 0);
    assert_int_equal(rec->row_count, 2);
    assert_int_equal(rec->skipped, 2);
    assert_non_null(strstr(rec->first_skipped.text, "t:3: press_ms"));
    idem_recording_free(rec);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        double value;
    } cases[] = {{"0", true, 0},
                 {"-12.5", true, -12.5},
                 {"770.2864379882812", true, 770.2864379882812},
                 {"1e3", true, 1000},
                 {"+4", true, 4},
                 {"5.", true, 5},
                 {".5", true, .5},
                 {"", false, 0},
                 {"-", false, 0},
                 {".", false, 0},
                 {"-.", false, 0},
                 {"1.2.3", false, 0},
                 {" 1", false, 0},
                 {"inf", false, 0},
                 {"1e999", false, 0},
                 {"12a", false, 0},
                 {"--1", false, 0},
                 {"123456789012345678", true, 123456789012345678.0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = -1;
        struct idem_field f = {cases[i].text, (uint32_t)strlen(cases[i].text)};
        if (idem_field_number(f, &value) != cases[i].ok)
            fail_msg("\"%s\" should %sbe a number", cases[i].text, cases[i].ok ? "" : "not ");
        if (cases[i].ok && value != cases[i].value)
            fail_msg("\"%s\" became %.17g", cases[i].text, value);
    }
}

/* A gzip'd recording of `rows` rows, so long that it is read in several pieces. */
static void write_gz(const char *path, int rows)
{
    gzFile gz = gzopen(path, "wb");
    gzputs(gz, KEYS);
    for (int i = 0; i < rows; i++)
        gzprintf(gz, "u%d,s%d,a,%d.25,%d\n", i / 1000, i / 100, i * 200, i * 200 + 80);
    assert_int_equal(gzclose(gz), Z_OK);
}

static void gzip_is_read_and_a_cut_one_refused(void **state)
{
    (void)state;
    char dir[] = "/tmp/idem-csv-XXXXXX", path[64];
    struct idem_recording *rec = NULL;
    struct idem_recording_options skip = {.skip_bad = true};
    struct idem_fault fault;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/keys.csv.gz", dir);
    write_gz(path, 60000);
    assert_int_equal(idem_recording_read(path, NULL, &rec, &fault), 0);
    assert_int_equal(rec->row_count, 60000);
    assert_int_equal(rec->person_count, 60);
    assert_int_equal(rec->strokes[59999].press_us, 59999 * 200000LL + 250);
    off_t size = (off_t)rec->bytes;
    idem_recording_free(rec);
    rec = NULL;
    assert_int_equal(truncate(path, size / 2), 0);
    assert_int_equal(idem_recording_read(path, &skip, &rec, &fault), IDEM_ERR_TRUNCATED);
    assert_non_null(strstr(fault.text, "gzip stream ends too early"));
    write_gz(path, 60000);
    FILE *f = fopen(path, "r+b");
    assert_int_equal(fseek(f, size / 2, SEEK_SET), 0);
    fwrite("damaged", 1, 7, f);
    fclose(f);
    assert_true(idem_recording_read(path, &skip, &rec, &fault) < 0);
    assert_null(rec);
    unlink(path);
    rmdir(dir);
}

static void missing_files_and_folders_are_named(void **state)
{
    (void)state;
    struct idem_recording *rec = NULL;
    struct idem_fault fault;
    assert_int_equal(idem_recording_read("/no/such.csv", NULL, &rec, &fault), IDEM_ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "/no/such.csv: No such file"));
    assert_int_equal(idem_recording_read("/tmp", NULL, &rec, &fault), IDEM_ERR_IO);
    assert_non_null(strstr(fault.text, "/tmp: Is a directory"));
}

static int label(struct idem_recording *rec, const char *text, uint32_t *unknown,
                 struct idem_fault *fault)
{
    char path[] = "/tmp/idem-labels-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int r = idem_labels_apply(rec, path, unknown, fault);
    unlink(path);
    return r;
}

static void labels_take_the_place_of_the_column(void **state)
{
    (void)state;
    struct idem_recording *rec =
        read_ok(POINTER "u,s1,0,1,2,,Move,test,1\nu,s10,0,1,2,,Move,test,\n"
                        "u,s2,0,1,2,,Move,test,0\n");
    struct idem_fault fault;
    uint32_t unknown = 9;
    assert_int_equal(label(rec, "session,is_illegal\ns1,0\ns10,1\ns3,1\n", &unknown, &fault), 0);
    assert_int_equal(unknown, 1);
    assert_int_equal(rec->sessions[0].illegal, IDEM_LABEL_OWNER);
    assert_int_equal(rec->sessions[1].illegal, IDEM_LABEL_OTHER);
    assert_int_equal(rec->sessions[2].illegal, IDEM_LABEL_NONE);
    assert_true(label(rec, "session,is_illegal\ns1,0\ns1,0\n", &unknown, &fault) < 0);
    assert_non_null(strstr(fault.text, ":3: this session was labelled"));
    assert_true(label(rec, "session,is_illegal\ns1,yes\n", &unknown, &fault) < 0);
    assert_true(label(rec, "name,is_illegal\ns1,1\n", &unknown, &fault) < 0);
    idem_recording_free(rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keyboard_rows_become_strokes),
        cmocka_unit_test(events_of_keys_become_strokes),
        cmocka_unit_test(repeated_and_stray_events_are_sorted_out),
        cmocka_unit_test(bad_events_are_refused),
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(people_keep_their_order_when_interleaved),
        cmocka_unit_test(strokes_are_sorted_stably_by_press),
        cmocka_unit_test(lost_releases_can_be_taken_out),
        cmocka_unit_test(people_are_kept_by_number),
        cmocka_unit_test(what_is_left_keeps_its_rows),
        cmocka_unit_test(zones_stand_for_keys),
        cmocka_unit_test(unknown_keys_count_as_other),
        cmocka_unit_test(every_name_of_the_table_is_found),
        cmocka_unit_test(pointer_rows_become_motions),
        cmocka_unit_test(bad_rows_name_file_line_and_reason),
        cmocka_unit_test(a_byte_0_and_endless_lines_end_the_file),
        cmocka_unit_test(bad_rows_can_be_skipped_and_are_counted),
        cmocka_unit_test(numbers),
        cmocka_unit_test(gzip_is_read_and_a_cut_one_refused),
        cmocka_unit_test(missing_files_and_folders_are_named),
        cmocka_unit_test(labels_take_the_place_of_the_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
