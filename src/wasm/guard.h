/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - the module's two guards, from the inside: edge.c hands every event to them, too. */
#ifndef IDEM_WASM_GUARD_H
#define IDEM_WASM_GUARD_H

#include "idem/idem.h"

/* Makes both anew. 0 or IDEM_ERR_NOMEM. */
int idem_edge_guards_open(void);
void idem_edge_guards_close(void);
/* NULL before opening and outside the modalities. */
struct idem_guard *idem_edge_guard(int modality);

#endif
