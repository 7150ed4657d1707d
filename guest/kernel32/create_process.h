/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file create_process.h  Between the sources of CreateProcess. */
#ifndef GUEST_KERNEL32_CREATE_PROCESS_H
#define GUEST_KERNEL32_CREATE_PROCESS_H

#include "kernel32p.h"
#include "nt_process.h"

/** Characters of a path that CreateProcess finds by itself, with the terminator. */
#define FIND_PROGRAM_LENGTH 520u

/** Full path of the program that a command line starts with. FALSE: ERROR_FILE_NOT_FOUND. */
BOOL find_program(PCWSTR command_line, PWSTR path);

/** What STARTUPINFOEX's attribute list says; what is not in it is 0. */
typedef struct {
  HANDLE Parent;
  const HANDLE *Handles;
  SIZE_T HandlesSize; /**< bytes */
} PROCESS_ATTRIBUTES;
/** FALSE: not a list of InitializeProcThreadAttributeList (ERROR_INVALID_PARAMETER). */
BOOL read_process_attributes(LPPROC_THREAD_ATTRIBUTE_LIST list, PROCESS_ATTRIBUTES *out);

#endif
