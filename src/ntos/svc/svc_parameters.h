/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_parameters.h  Capture of a caller's RTL_USER_PROCESS_PARAMETERS for a process that it creates. */
#ifndef NTOS_SVC_SVC_PARAMETERS_H
#define NTOS_SVC_SVC_PARAMETERS_H

#include <dbgksim/nttypes.h>

/** A parameter block in the pool: strings and environment lie in it, pointers are offsets from its start. */
struct svc_parameters {
  UCHAR *block; /**< NULL: none */
  size_t size;
};

#define SVC_PARAMETERS_STANDARD_INPUT 0x20u
#define SVC_PARAMETERS_WINDOW_FLAGS 0xA4u
#define SVC_PARAMETERS_NORMALIZED 1u

/** Captures a block whose pointers are addresses (flag NORMALIZED) or offsets; they may point out of the block.
 *  STATUS_INVALID_PARAMETER: a length or an offset out of bounds, an environment without an end. */
NTSTATUS svc_capture_parameters(ULONG64 address, struct svc_parameters *out);
/** Frees the block. */
void svc_release_parameters(struct svc_parameters *parameters);

#endif
