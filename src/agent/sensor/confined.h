/* SPDX-License-Identifier: Apache-2.0 */
/* confined.h - what the sensor may still do once it runs: the whole list. */
#ifndef IDEM_AGENT_SENSOR_CONFINED_H
#define IDEM_AGENT_SENSOR_CONFINED_H

/* For good. 0 or IDEM_ERR_IO, after a line in the log. */
int idem_sensor_confine(void);

#endif
