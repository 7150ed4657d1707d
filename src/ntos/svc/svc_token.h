/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_token.h  Token services: every process runs as one elevated user; a token only tells who that is. */
#ifndef NTOS_SVC_SVC_TOKEN_H
#define NTOS_SVC_SVC_TOKEN_H

#include "ntos/svc/svc.h"

extern const struct svc_entry svc_token_table[];

/** The Token type, made at first use. NULL: no memory. */
struct _OBJECT_TYPE *svc_token_type(void);

/** A handle to a process's token. */
NTSTATUS NtOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG64 TokenHandle);
/** The same with handle attributes. */
NTSTATUS NtOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                              ULONG64 TokenHandle);
/** STATUS_NO_TOKEN: no thread impersonates. */
NTSTATUS NtOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf, ULONG64 TokenHandle);
/** The same with handle attributes. */
NTSTATUS NtOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                             ULONG HandleAttributes, ULONG64 TokenHandle);
/** STATUS_BUFFER_TOO_SMALL with the length needed; pseudo-handles -4 and -6 are the process's token, -5 none. */
NTSTATUS NtQueryInformationToken(HANDLE TokenHandle, ULONG TokenInformationClass, ULONG64 TokenInformation,
                                 ULONG TokenInformationLength, ULONG64 ReturnLength);
/** Another token of the same user. */
NTSTATUS NtDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                          BOOLEAN EffectiveOnly, ULONG TokenType, ULONG64 NewTokenHandle);
/** All privileges are held: success, and no previous state to tell. */
NTSTATUS NtAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, ULONG64 NewState,
                                 ULONG BufferLength, ULONG64 PreviousState, ULONG64 ReturnLength);
/** TRUE: all privileges are held. */
NTSTATUS NtPrivilegeCheck(HANDLE ClientToken, ULONG64 RequiredPrivileges, ULONG64 Result);

#endif
