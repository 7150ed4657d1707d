/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_token.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob.h"
#include "ntos/svc/svc_capture.h"
#include "ntos/svc/svc_state.h"

#include <string.h>

#define TOKEN_DUPLICATE 0x2u
#define TOKEN_ALL_ACCESS 0xF01FFu
#define TOKEN_READ 0x20008u
#define TOKEN_WRITE 0x200E0u
#define TOKEN_EXECUTE 0x20000u

#define TokenPrimary 1u
#define TokenImpersonation 2u
#define SecurityImpersonation 2u

#define CURRENT_PROCESS_TOKEN ((HANDLE)-4)
#define CURRENT_THREAD_TOKEN ((HANDLE)-5)
#define CURRENT_EFFECTIVE_TOKEN ((HANDLE)-6)
/* Logon session of the one user. */
#define LOGON_SESSION 0x3E8u

static void delete_token(void *Object)
{
  const struct svc_token *token = Object;
  if (token->process)
    ObDereferenceObject(token->process);
}

OBJECT_TYPE *svc_token_type(void)
{
  static const OBJECT_TYPE type = {
      .Name = "Token",
      .PoolTag = POOL_TAG('T', 'o', 'k', 'e'),
      .GenericMapping = {TOKEN_READ, TOKEN_WRITE, TOKEN_EXECUTE, TOKEN_ALL_ACCESS},
      .ValidAccessMask = TOKEN_ALL_ACCESS,
      .dispatcher_offset = -1,
      .DeleteProcedure = delete_token,
  };
  if (ob_types()->Token == NULL)
    ob_types()->Token = ObCreateObjectType(&type);
  return ob_types()->Token;
}

/* The token of a process, or a copy of its own with the privileges of another one. */
static NTSTATUS make_token(ULONG type, EPROCESS *process, const SEP_TOKEN_PRIVILEGES *privileges, ULONG attributes,
                           ACCESS_MASK access, ULONG64 handle_address)
{
  void *object;
  HANDLE handle = 0;
  struct svc_state *state = svc_state_of();
  OBJECT_TYPE *object_type = svc_token_type();
  if (state == NULL || object_type == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = ObCreateObject(object_type, sizeof(struct svc_token), &object);
  if (!NT_SUCCESS(status))
    return status;
  struct svc_token *token = object;
  token->type = type;
  token->id = state->next_luid++;
  token->process = process;
  if (process)
    ObReferenceObject(process);
  else
    token->own_privileges = *privileges;
  token->privileges = process ? &process->Privileges : &token->own_privileges;
  status = ObOpenObjectByPointer(object, attributes, access, object_type, &handle);
  ObDereferenceObject(object);
  if (NT_SUCCESS(status))
    svc_write_handle(handle_address, handle);
  return status;
}

NTSTATUS NtOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                              ULONG64 TokenHandle)
{
  void *process;
  NTSTATUS status = svc_probe_handle(TokenHandle);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_QUERY_LIMITED_INFORMATION, ob_types()->Process,
                                       KeGetPreviousMode(), &process, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = make_token(TokenPrimary, process, NULL, HandleAttributes & OBJ_INHERIT, DesiredAccess, TokenHandle);
  ObDereferenceObject(process);
  return status;
}

NTSTATUS NtOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG64 TokenHandle)
{
  return NtOpenProcessTokenEx(ProcessHandle, DesiredAccess, 0, TokenHandle);
}

NTSTATUS NtOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                             ULONG HandleAttributes, ULONG64 TokenHandle)
{
  void *thread;
  (void)DesiredAccess;
  (void)OpenAsSelf;
  (void)HandleAttributes;
  NTSTATUS status = svc_probe_handle(TokenHandle);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(ThreadHandle, THREAD_QUERY_INFORMATION, ob_types()->Thread, KeGetPreviousMode(),
                                       &thread, NULL);
  if (!NT_SUCCESS(status))
    return status;
  ObDereferenceObject(thread);
  return STATUS_NO_TOKEN;
}

NTSTATUS NtOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf, ULONG64 TokenHandle)
{
  return NtOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf, 0, TokenHandle);
}

/* ---- information ---- */

enum token_class {
  TokenUser = 1,
  TokenGroups = 2,
  TokenPrivileges = 3,
  TokenOwner = 4,
  TokenPrimaryGroup = 5,
  TokenDefaultDacl = 6,
  TokenSource = 7,
  TokenType = 8,
  TokenImpersonationLevel = 9,
  TokenStatistics = 10,
  TokenRestrictedSids = 11,
  TokenSessionId = 12,
  TokenSandBoxInert = 15,
  TokenElevationType = 18,
  TokenLinkedToken = 19,
  TokenElevation = 20,
  TokenHasRestrictions = 21,
  TokenVirtualizationAllowed = 23,
  TokenVirtualizationEnabled = 24,
  TokenIntegrityLevel = 25,
  TokenUIAccess = 26,
  TokenLogonSid = 28,
  TokenIsAppContainer = 29,
  TokenAppContainerSid = 31
};

#define SID_MAX_PARTS 6
struct sid {
  UCHAR authority; /* last byte of the identifier authority */
  UCHAR parts;
  ULONG part[SID_MAX_PARTS];
};

static const struct sid user_sid = {5, 5, {21, 0, 0, 0, 1000}};
static const struct sid primary_group_sid = {5, 5, {21, 0, 0, 0, 513}};
static const struct sid logon_sid = {5, 3, {5, 0, LOGON_SESSION}};
static const struct sid high_integrity_sid = {16, 1, {0x3000}};

#define SE_GROUP_ENABLED 0x7u /* mandatory, enabled by default, enabled */
#define SE_GROUP_OWNER 0x8u
#define SE_GROUP_INTEGRITY 0x60u
#define SE_GROUP_LOGON_ID 0xC0000000u

static const struct {
  struct sid sid;
  ULONG attributes;
} groups[] = {
    {{5, 5, {21, 0, 0, 0, 513}}, SE_GROUP_ENABLED},          /* the primary group */
    {{1, 1, {0}}, SE_GROUP_ENABLED},                         /* Everyone */
    {{5, 2, {32, 544}}, SE_GROUP_ENABLED | SE_GROUP_OWNER},  /* Administrators */
    {{5, 2, {32, 545}}, SE_GROUP_ENABLED},                   /* Users */
    {{5, 1, {4}}, SE_GROUP_ENABLED},                         /* INTERACTIVE */
    {{5, 1, {11}}, SE_GROUP_ENABLED},                        /* Authenticated Users */
    {{2, 1, {0}}, SE_GROUP_ENABLED},                         /* LOCAL */
    {{5, 3, {5, 0, LOGON_SESSION}}, SE_GROUP_ENABLED | SE_GROUP_LOGON_ID},
    {{16, 1, {0x3000}}, SE_GROUP_INTEGRITY},
};
#define GROUP_COUNT (sizeof(groups) / sizeof(groups[0]))

/* An answer under construction; pointers in it are addresses in the caller's buffer. */
struct answer {
  UCHAR bytes[1024];
  ULONG size;
  ULONG64 base;
};

static void put32(struct answer *a, ULONG value)
{
  memcpy(a->bytes + a->size, &value, sizeof(value));
  a->size += (ULONG)sizeof(value);
}

static void put64(struct answer *a, ULONG64 value)
{
  memcpy(a->bytes + a->size, &value, sizeof(value));
  a->size += (ULONG)sizeof(value);
}

static void put_sid(struct answer *a, const struct sid *sid)
{
  UCHAR head[8] = {1, sid->parts, 0, 0, 0, 0, 0, sid->authority};
  memcpy(a->bytes + a->size, head, sizeof(head));
  a->size += (ULONG)sizeof(head);
  for (unsigned i = 0; i < sid->parts; i++)
    put32(a, sid->part[i]);
}

/* SID_AND_ATTRIBUTES, then the SID. */
static void put_sid_and_attributes(struct answer *a, const struct sid *sid, ULONG attributes)
{
  put64(a, a->base + a->size + 16);
  put64(a, attributes);
  put_sid(a, sid);
}

/* A pointer, then the SID. */
static void put_sid_pointer(struct answer *a, const struct sid *sid)
{
  put64(a, a->base + a->size + 8);
  put_sid(a, sid);
}

static void put_groups(struct answer *a)
{
  ULONG64 at = a->base + 8 + GROUP_COUNT * 16;
  put64(a, GROUP_COUNT);
  for (size_t i = 0; i < GROUP_COUNT; i++) {
    put64(a, at);
    put64(a, groups[i].attributes);
    at += 8 + 4u * groups[i].sid.parts;
  }
  for (size_t i = 0; i < GROUP_COUNT; i++)
    put_sid(a, &groups[i].sid);
}

static ULONG count_privileges(const struct svc_token *token)
{
  return (ULONG)__builtin_popcountll(token->privileges->Present);
}

static void put_privileges(struct answer *a, const struct svc_token *token)
{
  put32(a, count_privileges(token));
  for (ULONG luid = 0; luid < 64; luid++) {
    if (!(token->privileges->Present & PS_PRIVILEGE(luid)))
      continue;
    put32(a, luid);
    put32(a, 0);
    put32(a, svc_privilege_attributes(token, luid));
  }
}

static void put_statistics(struct answer *a, const struct svc_token *token)
{
  put64(a, token->id);
  put64(a, LOGON_SESSION);
  put64(a, 0x7FFFFFFFFFFFFFFFull); /* ExpirationTime */
  put32(a, token->type);
  put32(a, token->type == TokenImpersonation ? SecurityImpersonation : 0);
  put32(a, 0x1000); /* DynamicCharged */
  put32(a, 0);
  put32(a, GROUP_COUNT);
  put32(a, count_privileges(token));
  put64(a, token->id); /* ModifiedId */
}

static NTSTATUS answer_class(struct answer *a, const struct svc_token *token, ULONG class)
{
  switch (class) {
  case TokenUser:
    put_sid_and_attributes(a, &user_sid, 0);
    break;
  case TokenGroups:
    put_groups(a);
    break;
  case TokenPrivileges:
    put_privileges(a, token);
    break;
  case TokenOwner:
    put_sid_pointer(a, &user_sid);
    break;
  case TokenPrimaryGroup:
    put_sid_pointer(a, &primary_group_sid);
    break;
  case TokenSource:
    memcpy(a->bytes, "User32 ", 8);
    a->size = 8;
    put64(a, LOGON_SESSION);
    break;
  case TokenType:
    put32(a, token->type);
    break;
  case TokenImpersonationLevel:
    if (token->type != TokenImpersonation)
      return STATUS_INVALID_INFO_CLASS;
    put32(a, SecurityImpersonation);
    break;
  case TokenStatistics:
    put_statistics(a, token);
    break;
  case TokenSessionId:
  case TokenElevationType: /* TokenElevationTypeDefault */
  case TokenElevation:
    put32(a, 1);
    break;
  case TokenSandBoxInert:
  case TokenHasRestrictions:
  case TokenVirtualizationAllowed:
  case TokenVirtualizationEnabled:
  case TokenUIAccess:
  case TokenIsAppContainer:
    put32(a, 0);
    break;
  case TokenRestrictedSids:
  case TokenDefaultDacl:
  case TokenLinkedToken:
  case TokenAppContainerSid:
    put64(a, 0);
    break;
  case TokenIntegrityLevel:
    put_sid_and_attributes(a, &high_integrity_sid, SE_GROUP_INTEGRITY);
    break;
  case TokenLogonSid:
    put64(a, 1);
    put_sid_and_attributes(a, &logon_sid, SE_GROUP_ENABLED | SE_GROUP_LOGON_ID);
    break;
  default:
    return STATUS_INVALID_INFO_CLASS;
  }
  return STATUS_SUCCESS;
}

NTSTATUS svc_reference_token(HANDLE handle, ACCESS_MASK access, struct svc_token *pseudo, struct svc_token **token)
{
  void *object;
  OBJECT_TYPE *type = svc_token_type();
  *token = pseudo;
  if (handle == CURRENT_THREAD_TOKEN)
    return STATUS_NO_TOKEN;
  if (handle == CURRENT_PROCESS_TOKEN || handle == CURRENT_EFFECTIVE_TOKEN) {
    *pseudo = (struct svc_token){
        .type = TokenPrimary, .id = LOGON_SESSION + 1, .privileges = &PsGetCurrentProcess()->Privileges};
    return STATUS_SUCCESS;
  }
  if (type == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = ObReferenceObjectByHandle(handle, access, type, KeGetPreviousMode(), &object, NULL);
  if (NT_SUCCESS(status))
    *token = object;
  return status;
}

void svc_dereference_token(struct svc_token *token, const struct svc_token *pseudo)
{
  if (token != pseudo)
    ObDereferenceObject(token);
}

NTSTATUS NtQueryInformationToken(HANDLE TokenHandle, ULONG TokenInformationClass, ULONG64 TokenInformation,
                                 ULONG TokenInformationLength, ULONG64 ReturnLength)
{
  struct svc_token *token, pseudo;
  struct answer a;
  memset(&a, 0, sizeof(a));
  a.base = TokenInformation;
  NTSTATUS status = ProbeForWrite(ReturnLength, sizeof(ULONG), 4);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(TokenInformation, TokenInformationLength, 4);
  if (NT_SUCCESS(status))
    status = svc_reference_token(TokenHandle, TOKEN_QUERY, &pseudo, &token);
  if (!NT_SUCCESS(status))
    return status;
  status = answer_class(&a, token, TokenInformationClass);
  svc_dereference_token(token, &pseudo);
  if (!NT_SUCCESS(status))
    return status;
  (void)mm_user_write_u32(ReturnLength, a.size);
  if (TokenInformationLength < a.size)
    return STATUS_BUFFER_TOO_SMALL;
  return mm_user_write(TokenInformation, a.bytes, a.size);
}

NTSTATUS NtDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                          BOOLEAN EffectiveOnly, ULONG Type, ULONG64 NewTokenHandle)
{
  struct svc_token *token, pseudo;
  struct svc_object_attributes attributes;
  if (Type != TokenPrimary && Type != TokenImpersonation)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = svc_probe_handle(NewTokenHandle);
  if (NT_SUCCESS(status))
    status = svc_reference_token(ExistingTokenHandle, TOKEN_DUPLICATE, &pseudo, &token);
  if (!NT_SUCCESS(status))
    return status;
  SEP_TOKEN_PRIVILEGES privileges = *token->privileges;
  svc_dereference_token(token, &pseudo);
  if (EffectiveOnly)
    privileges.Present = privileges.Enabled;
  status = svc_capture_object_attributes(ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  ULONG inherit = attributes.Attributes & OBJ_INHERIT;
  svc_release_object_attributes(&attributes);
  /* No access asked: that of the old handle; all of it is as good, since a token grants nothing here. */
  return make_token(Type, NULL, &privileges, inherit, DesiredAccess != 0 ? DesiredAccess : TOKEN_ALL_ACCESS,
                    NewTokenHandle);
}

SVC_THUNK_3(NtOpenProcessToken, HANDLE, ACCESS_MASK, ULONG64)
SVC_THUNK_4(NtOpenProcessTokenEx, HANDLE, ACCESS_MASK, ULONG, ULONG64)
SVC_THUNK_4(NtOpenThreadToken, HANDLE, ACCESS_MASK, BOOLEAN, ULONG64)
SVC_THUNK_5(NtOpenThreadTokenEx, HANDLE, ACCESS_MASK, BOOLEAN, ULONG, ULONG64)
SVC_THUNK_5(NtQueryInformationToken, HANDLE, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_6(NtDuplicateToken, HANDLE, ACCESS_MASK, ULONG64, BOOLEAN, ULONG, ULONG64)

const struct svc_entry svc_token_table[] = {
    SVC(NtOpenProcessToken, 3),
    SVC(NtOpenProcessTokenEx, 4),
    SVC(NtOpenThreadToken, 4),
    SVC(NtOpenThreadTokenEx, 5),
    SVC(NtQueryInformationToken, 5),
    SVC(NtDuplicateToken, 6),
    {0},
};
