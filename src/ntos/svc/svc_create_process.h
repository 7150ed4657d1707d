/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_create_process.h  Between the services that make processes: flags, and PS_CREATE_INFO. */
#ifndef NTOS_SVC_SVC_CREATE_PROCESS_H
#define NTOS_SVC_SVC_CREATE_PROCESS_H

#include "ntos/life/life.h"

#define PROCESS_CREATE_FLAGS_BREAKAWAY 0x1u
#define PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT 0x2u
#define PROCESS_CREATE_FLAGS_INHERIT_HANDLES 0x4u
#define PROCESS_CREATE_FLAGS_SUSPENDED 0x200u

/** PROCESS_CREATE_FLAGS_* as LIFE_*. */
static inline ULONG svc_life_flags(ULONG flags)
{
  return (flags & PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT ? LIFE_NO_DEBUG_INHERIT : 0) |
         (flags & PROCESS_CREATE_FLAGS_INHERIT_HANDLES ? LIFE_INHERIT_HANDLES : 0);
}

typedef enum _PS_CREATE_STATE {
  PsCreateInitialState,
  PsCreateFailOnFileOpen,
  PsCreateFailOnSectionCreate,
  PsCreateFailExeFormat,
  PsCreateFailMachineMismatch,
  PsCreateFailExeName,
  PsCreateSuccess
} PS_CREATE_STATE;

/** What a caller's PS_CREATE_INFO asks for. */
struct svc_create_info {
  ULONG64 address;               /**< 0: nothing is written */
  USHORT prohibited;             /**< image characteristics that are refused */
  ACCESS_MASK additional_access; /**< to the file, besides what running it takes */
};

/** What a caller's PS_CREATE_INFO is told. The handles are in the caller's table, and the caller's to close. */
struct svc_create_result {
  PS_CREATE_STATE state;
  HANDLE file, section;       /**< PsCreateSuccess; PsCreateFailOnSectionCreate has the file's */
  USHORT dll_characteristics; /**< PsCreateFailExeFormat */
  ULONG64 parameters, peb;    /**< PsCreateSuccess: addresses in the new process */
};

/** Captures a PS_CREATE_INFO; 0 and one of another size ask for nothing. */
NTSTATUS svc_capture_create_info(ULONG64 address, struct svc_create_info *info);
/** Writes a result, if that was asked for. */
NTSTATUS svc_write_create_info(const struct svc_create_info *info, const struct svc_create_result *result);

#endif
