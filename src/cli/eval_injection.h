/* SPDX-License-Identifier: Apache-2.0 */
/* eval_injection.h - `idem eval injection`. */
#ifndef IDEM_CLI_EVAL_INJECTION_H
#define IDEM_CLI_EVAL_INJECTION_H

/* argv[0] is the protocol's name. Returns an exit code. */
int idem_cli_eval_injection(int argc, char **argv);

#endif
