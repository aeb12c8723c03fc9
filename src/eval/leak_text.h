/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_text.h - what the attacker of a window knows about language: words, and how likely a key
 * follows three others.
 *
 * Both are learned from recorded text of people other than the attacked ones. Keys are reduced to
 * symbols: the 26 letters, space, shift, backspace, full stop, comma, the ten digits, and one for
 * everything else. A word is a run of 4 to 12 letters between space, enter, full stop, comma or
 * slash; shift inside it is passed over, any other key spoils it.
 */
#ifndef IDEM_EVAL_LEAK_TEXT_H
#define IDEM_EVAL_LEAK_TEXT_H

#include "input/recording.h"

enum {
    IDEM_LEAK_WORD_MIN = 4,
    IDEM_LEAK_WORD_MAX = 12,
    IDEM_LEAK_SPACE = 26,
    IDEM_LEAK_DIGIT = 31,
    IDEM_LEAK_OTHER = 41,
    IDEM_LEAK_SYMBOLS = 42,
    IDEM_LEAK_CONTEXT = IDEM_LEAK_SYMBOLS * IDEM_LEAK_SYMBOLS * IDEM_LEAK_SYMBOLS,
    IDEM_LEAK_WORDS_MAX = 1 << 20,
};

struct idem_leak_word {
    char text[IDEM_LEAK_WORD_MAX + 1];
    uint8_t len;
    uint32_t typed; /* times */
};

/* Where a word stands among strokes: first stroke, and one beyond its last. */
struct idem_leak_span {
    uint32_t first, end;
    struct idem_leak_word word;
};

struct idem_leak_text {
    struct idem_leak_word *words; /* [count], by text */
    uint32_t count, room;
    uint64_t total;  /* words typed */
    float *log_next; /* [context of three symbols][next symbol], natural logarithms */
};

uint8_t idem_leak_symbol(uint8_t code);
/* The key that stands for a symbol; 255 for everything else. */
uint8_t idem_leak_code(uint8_t symbol);
/* The symbol of a letter or digit, as words and passwords are written. */
static inline uint8_t idem_leak_symbol_of(char c)
{
    return (uint8_t)(c >= 'a' ? c - 'a' : c - '0' + IDEM_LEAK_DIGIT);
}
/* Index into log_next of the context that follows ctx when symbol is typed. */
static inline uint32_t idem_leak_context(uint32_t ctx, uint32_t symbol)
{
    return ctx % (IDEM_LEAK_SYMBOLS * IDEM_LEAK_SYMBOLS) * IDEM_LEAK_SYMBOLS + symbol;
}

/*
 * The next word at or after *at; false when there is none. A word counts as ended by the last
 * stroke only when `open` is set.
 */
bool idem_leak_next_word(const struct idem_stroke *strokes, uint32_t count, bool open, uint32_t *at,
                         struct idem_leak_span *out);

/* Learns words and the language model. IDEM_ERR_TOO_LITTLE when no word was typed. */
int idem_leak_text_init(struct idem_leak_text *text, struct idem_recording *const *recs, int count);
void idem_leak_text_fini(struct idem_leak_text *text);
/*
 * Takes the words of a file, one a line, in the place of the vocabulary; lines of other lengths or
 * with anything but letters are passed over. Counts of words known already are kept.
 */
int idem_leak_text_read(struct idem_leak_text *text, const char *path);
/* The vocabulary's entry or NULL. */
const struct idem_leak_word *idem_leak_text_find(const struct idem_leak_text *text,
                                                 const char *word);

#endif
