/* SPDX-License-Identifier: Apache-2.0 */
/* eval_replays.h - `idem eval replays`. */
#ifndef IDEM_CLI_EVAL_REPLAYS_H
#define IDEM_CLI_EVAL_REPLAYS_H

/* argv[0] is the protocol's name. Returns an exit code. */
int idem_cli_eval_replays(int argc, char **argv);

#endif
