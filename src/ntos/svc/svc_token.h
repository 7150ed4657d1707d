/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_token.h  Token services: every process runs as one elevated user; a token tells who that is, and which
 *  privileges are enabled. */
#ifndef NTOS_SVC_SVC_TOKEN_H
#define NTOS_SVC_SVC_TOKEN_H

#include "ntos/ps/ps.h"
#include "ntos/svc/svc.h"

extern const struct svc_entry svc_token_table[];
extern const struct svc_entry svc_privilege_table[];

#define TOKEN_QUERY 0x8u
#define TOKEN_ADJUST_PRIVILEGES 0x20u

/** Body of a Token object. */
struct svc_token {
  ULONG type;
  ULONG64 id;
  EPROCESS *process;                  /**< whose primary token it is, referenced; NULL: a duplicate, or a pseudo-handle */
  SEP_TOKEN_PRIVILEGES *privileges;   /**< of the process, or its own */
  SEP_TOKEN_PRIVILEGES own_privileges;
};
/** References a token; of a pseudo-handle it fills *pseudo. STATUS_NO_TOKEN: of the thread. */
NTSTATUS svc_reference_token(HANDLE handle, ACCESS_MASK access, struct svc_token *pseudo, struct svc_token **token);
/** Undoes it. */
void svc_dereference_token(struct svc_token *token, const struct svc_token *pseudo);
/** SE_PRIVILEGE_* of a privilege that the token has. */
ULONG svc_privilege_attributes(const struct svc_token *token, ULONG luid);
/** True if the running process has a privilege enabled. Native processes and kernel mode have all. */
BOOLEAN SeSinglePrivilegeCheck(ULONG PrivilegeValue, KPROCESSOR_MODE PreviousMode);

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
/** Enables, disables and removes privileges; PreviousState gets those that changed, as they were.
 *  @return STATUS_NOT_ALL_ASSIGNED (a success): the token does not have some of them; STATUS_BUFFER_TOO_SMALL, with the
 *  length needed: nothing is changed; STATUS_INVALID_PARAMETER: no new state, or more than 4096 entries */
NTSTATUS NtAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, ULONG64 NewState,
                                 ULONG BufferLength, ULONG64 PreviousState, ULONG64 ReturnLength);
/** Result: all of a PRIVILEGE_SET are enabled, or any if its Control does not say all. */
NTSTATUS NtPrivilegeCheck(HANDLE ClientToken, ULONG64 RequiredPrivileges, ULONG64 Result);

#endif
