/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file kd.h  The kernel debugger's side of exception dispatch (spec/2.4). */
#ifndef NTOS_KD_KD_H
#define NTOS_KD_KD_H

#include <stdbool.h>

/** Puts KdpStub behind KiDebugRoutine: no kernel debugger is enabled. */
bool KdInitSystem(void);

#endif
