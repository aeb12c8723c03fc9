/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate.c - simulated people for the system tests: a population file, and windows typed by one
 * of them, as the API takes them. Everything follows from the numbers given.
 *
 *   simulate population FILE
 *   simulate windows FILE PERSON SEED FIRST COUNT [KEYS [PASSAGE]]    one JSON object a line
 *   simulate cbor FILE PERSON SEED FIRST COUNT [KEYS]       one batch in CBOR, in hexadecimal
 */
#include "../unit/people.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 60, KEYS_EACH = 1000 };

static int write_population(const char *path)
{
    struct idem_population *pop = people_population(PEOPLE, KEYS_EACH);
    void *bytes = NULL;
    size_t len = 0;
    FILE *f = fopen(path, "wb");
    int bad = f == NULL || idem_population_write(pop, &bytes, &len) != 0 ||
              fwrite(bytes, 1, len, f) != len || fclose(f) != 0;

    free(bytes);
    idem_population_free(pop);
    return bad;
}

static struct idem_population *read_population(const char *path)
{
    static char bytes[4 * 1024 * 1024];
    struct idem_population *pop = NULL;
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        return NULL;
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return idem_population_parse(bytes, len, &pop, NULL) == 0 ? pop : NULL;
}

/* A batch of one is {"windows":[...]}: what stands in the brackets is a line of its own. */
static int print_json(const struct idem_front *front, const struct idem_window *w, uint32_t seq)
{
    static char body[IDEM_WIRE_BODY_MAX];
    const size_t head = strlen("{\"windows\":["), tail = strlen("]}");
    struct idem_wire_writer out;
    size_t len;

    if (idem_wire_batch_begin(&out, front, true, 1, -1, body, sizeof body) != 0 ||
        idem_wire_batch_put(&out, w, seq) != 0 || idem_wire_batch_end(&out, &len) != 0)
        return 1;
    printf("%.*s\n", (int)(len - head - tail), body + head);
    return 0;
}

static int finish_cbor(struct idem_wire_writer *out)
{
    size_t len;

    if (idem_wire_batch_end(out, &len) != 0)
        return 1;
    for (size_t i = 0; i < len; i++)
        printf("%02x", out->bytes[i]);
    printf("\n");
    return 0;
}

/* passage: NULL, or the number of the text that is copied. */
static int print_windows(const struct idem_front *front, char **arg, uint32_t keys,
                         const char *passage, bool cbor)
{
    static char body[IDEM_WIRE_BODY_MAX];
    uint32_t first = (uint32_t)atoi(arg[2]), count = (uint32_t)atoi(arg[3]);
    struct idem_wire_writer out;
    struct person person;
    int bad = 0;

    person_draw(&person, strtoull(arg[0], NULL, 10));
    struct typist typist = typist_new(&person, strtoull(arg[1], NULL, 10));
    if (passage != NULL)
        typist_read(&typist, strtoull(passage, NULL, 10));
    if (cbor && idem_wire_batch_begin(&out, front, false, count, -1, body, sizeof body) != 0)
        return 1;
    for (uint32_t i = 0; i < count && !bad; i++) {
        struct idem_window *w = typist_window(&typist, front, keys);
        bad = cbor ? idem_wire_batch_put(&out, w, first + i) != 0 : print_json(front, w, first + i);
        idem_window_free(w);
    }
    return bad || (cbor && finish_cbor(&out));
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "population") == 0)
        return write_population(argv[2]);
    if (argc >= 7 && argc <= 9) {
        struct idem_population *pop = read_population(argv[2]);
        uint32_t keys = argc >= 8 ? (uint32_t)atoi(argv[7]) : IDEM_WINDOW_KEYS;
        if (pop == NULL)
            return 1;
        int bad = print_windows(idem_population_front(pop), argv + 3, keys,
                                argc == 9 ? argv[8] : NULL, strcmp(argv[1], "cbor") == 0);
        idem_population_free(pop);
        return bad;
    }
    fprintf(stderr, "usage: simulate population FILE | windows|cbor FILE PERSON SEED FIRST COUNT "
                    "[KEYS [PASSAGE]]\n");
    return 2;
}
