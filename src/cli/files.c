/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.c - reading recordings and populations for the subcommands, see command.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "eval/parallel.h"

static void read_one(void *arg, int i)
{
    struct idem_source *s = (struct idem_source *)arg + i;
    struct idem_recording_options options = {.skip_bad = s->skip_bad};
    s->err = idem_recording_read(s->path, &options, &s->rec, &s->fault);
    if (s->err < 0)
        return;
    if (s->users && (s->err = idem_recording_keep(s->rec, s->users)) < 0)
        snprintf(s->fault.text, sizeof s->fault.text,
                 s->err == IDEM_ERR_INVALID ? "\"%.100s\" is not a list of ranges such as 1-72,80"
                                            : "nobody has a number in %.100s",
                 s->users);
    if (s->teaches)
        idem_recording_drop_test(s->rec);
    if (!s->keep_lost)
        idem_recording_drop_lost(s->rec);
}

int idem_cli_read(struct idem_source *sources, int count)
{
    idem_parallel(read_one, sources, count);
    for (int i = 0; i < count; i++) {
        const struct idem_source *s = &sources[i];
        if (s->err < 0)
            return idem_cli_fail("%s", s->fault.text);
        if (s->rec->skipped)
            idem_cli_note("%s: %u bad rows skipped; the first: %s", s->path, s->rec->skipped,
                          s->rec->first_skipped.text);
        if (s->rec->modality == IDEM_POINTER && s->rec->unknown_names)
            idem_cli_note("%s: %u rows of unknown state counted as mere positions", s->path,
                          s->rec->unknown_names);
        if (s->rec->person_count == 0)
            return idem_cli_fail("%s: no key was ever released", s->path);
    }
    return 0;
}

void idem_cli_close(struct idem_source *sources, int count)
{
    for (int i = 0; i < count; i++)
        idem_recording_free(sources[i].rec);
}

bool idem_cli_is_population(const char *path)
{
    char magic[4] = "";
    FILE *f = fopen(path, "rb");
    size_t got = f ? fread(magic, 1, sizeof magic, f) : 0;
    if (f)
        fclose(f);
    return got == sizeof magic && memcmp(magic, "IDMP", sizeof magic) == 0;
}

/* The whole file, at most what a population may have. */
static int slurp(const char *path, void **bytes, size_t *len)
{
    FILE *f = fopen(path, "rb");
    void *buffer = NULL;
    size_t got = 0;
    int r = f ? 0 : IDEM_ERR_IO;
    if (f && (fseek(f, 0, SEEK_END) != 0 || ftell(f) < 0))
        r = IDEM_ERR_IO;
    if (r == 0) {
        size_t size = (size_t)ftell(f);
        rewind(f);
        r = size > IDEM_POPULATION_BYTES_MAX ? IDEM_ERR_LIMIT : 0;
        buffer = r == 0 ? malloc(size + 1) : NULL;
        r = r == 0 && !buffer ? IDEM_ERR_NOMEM : r;
        got = buffer ? fread(buffer, 1, size, f) : 0;
    }
    if (f)
        fclose(f);
    if (r < 0)
        return r;
    *bytes = buffer;
    *len = got;
    return 0;
}

int idem_cli_read_population(const char *path, struct idem_learned *out)
{
    const char *reason = NULL;
    struct idem_learned learned = {0};
    void *bytes = NULL;
    size_t len = 0;
    int r = slurp(path, &bytes, &len);
    if (r == IDEM_ERR_IO)
        return idem_cli_fail("%s: %s", path, strerror(errno));
    if (r == 0)
        r = idem_population_parse(bytes, len, &learned.population, &reason);
    free(bytes);
    if (r == 0)
        r = idem_filing_of_front(&learned.filing, learned.population->front);
    if (r < 0)
        return idem_cli_fail("%s: %s", path, reason ? reason : idem_strerror(r));
    *out = learned;
    return 0;
}
