/* SPDX-License-Identifier: Apache-2.0 */
/* eval_liveness.h - `idem eval liveness`. */
#ifndef IDEM_CLI_EVAL_LIVENESS_H
#define IDEM_CLI_EVAL_LIVENESS_H

/* argv[0] is the protocol's name. Returns an exit code. */
int idem_cli_eval_liveness(int argc, char **argv);

#endif
