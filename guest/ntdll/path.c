/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOS paths. */
#include "ntdllp.h"

ULONG NTAPI RtlGetFullPathName_U(PCWSTR FileName, ULONG BufferLength, PWSTR Buffer, PWSTR *FilePart)
{
  ULONG length = 0;
  while (FileName[length])
    length++;
  if (FilePart)
    *FilePart = NULL;
  if (BufferLength < (length + 1) * 2)
    return (length + 1) * 2;
  memcpy(Buffer, FileName, (length + 1) * 2);
  return length * 2;
}
