/* SPDX-License-Identifier: Apache-2.0 */
/* dialog.h - a question on the person's desktop, by the dialog program that is there: zenity or
 * kdialog. They are started without a shell. */
#ifndef IDEM_AGENT_TOOL_DIALOG_H
#define IDEM_AGENT_TOOL_DIALOG_H

enum idem_dialog { IDEM_DIALOG_YES, IDEM_DIALOG_NO, IDEM_DIALOG_NONE /* there is no program */ };

/* The text, and whether it is acknowledged. Waits for the person. */
enum idem_dialog idem_dialog_ask(const char *text);
void idem_dialog_tell(const char *text);

#endif
