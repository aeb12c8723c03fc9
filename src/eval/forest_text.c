/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forest_text.c - a forest as C: the table that is compiled into the guard.
 */
#include "eval/grow.h"

static const char head[] =
    "/* SPDX-License-Identifier: Apache-2.0 */\n"
    "/*\n"
    " * weights.c - the forest of the pointer's judge, nats for a program against a hand. Made by\n"
    " * `idem eval liveness --fit src/guard/weights.c --teach RECORDING --skip-bad`.\n"
    " *\n"
    " * The recording is delbot (github.com/chrisgdt/DELBOT-Mouse, MIT): circles drawn by\n"
    " * people and by four kinds of programs. With it come the programs of robot.c, the hands of\n"
    " * hand.c, and delbot's people cut into pieces, zoomed and seen at other rates (lessons.c), all\n"
    " * of the evaluation tool. The same recording makes the same bytes.\n"
    " */\n"
    "#include \"guard/forest.h\"\n"
    "\n"
    "/* clang-format off */\n"
    "const struct idem_forest idem_forest_shipped = {\n";

int idem_forest_write(const struct idem_forest *forest, FILE *to)
{
    fputs(head, to);
    fprintf(to, "    .offset = %.3fF,\n    .count = %u,\n    .tree = {\n", (double)forest->offset,
            forest->count);
    for (uint32_t i = 0; i < forest->count; i++) {
        const struct idem_tree *t = &forest->tree[i];
        fprintf(to, "        {{%u, %u, %u}, ", t->measure[0], t->measure[1], t->measure[2]);
        fprintf(to, "{%.4fF, %.4fF, %.4fF}, ", (double)t->above[0], (double)t->above[1],
                (double)t->above[2]);
        fprintf(to, "{%.3fF, %.3fF, %.3fF, %.3fF}},\n", (double)t->leaf[0], (double)t->leaf[1],
                (double)t->leaf[2], (double)t->leaf[3]);
    }
    fputs("    },\n};\n", to);
    return ferror(to) ? IDEM_ERR_IO : 0;
}
