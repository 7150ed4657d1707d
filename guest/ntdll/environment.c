/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The environment block. */
#include "ntdllp.h"

NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(PWSTR Environment, const UNICODE_STRING *Name, UNICODE_STRING *Value)
{
  (void)Environment, (void)Name, (void)Value;
  return STATUS_VARIABLE_NOT_FOUND;
}
