/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The attribute list of STARTUPINFOEX. */
#include "create_process.h"

typedef struct {
  DWORD_PTR Attribute;
  SIZE_T Size;
  PVOID Value;
} ENTRY;

struct _PROC_THREAD_ATTRIBUTE_LIST {
  DWORD Present, Room, Count, Reserved;
  PVOID Extended;
  ENTRY Entries[];
};

BOOL WINAPI InitializeProcThreadAttributeList(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD count, DWORD flags, PSIZE_T size)
{
  SIZE_T needed = sizeof *list + count * sizeof(ENTRY);
  if (flags || count > 32)
    return base_fail(ERROR_INVALID_PARAMETER);
  BOOL fits = list && *size >= needed;
  *size = needed;
  if (!fits)
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  *list = (struct _PROC_THREAD_ATTRIBUTE_LIST){.Room = count};
  return TRUE;
}

BOOL WINAPI UpdateProcThreadAttribute(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD flags, DWORD_PTR attribute, PVOID value,
                                      SIZE_T size, PVOID previous, PSIZE_T return_size)
{
  if (flags || previous || return_size)
    return base_fail(ERROR_INVALID_PARAMETER);
  if ((attribute == PROC_THREAD_ATTRIBUTE_PARENT_PROCESS && size != sizeof(HANDLE)) ||
      (attribute == PROC_THREAD_ATTRIBUTE_HANDLE_LIST && (!size || size % sizeof(HANDLE))))
    return base_fail(ERROR_BAD_LENGTH);
  for (DWORD i = 0; i < list->Count; i++)
    if (list->Entries[i].Attribute == attribute)
      return base_fail(698 /* ERROR_OBJECT_NAME_EXISTS */);
  if (list->Count >= list->Room)
    return base_fail(ERROR_GEN_FAILURE);
  list->Entries[list->Count++] = (ENTRY){attribute, size, value};
  list->Present |= 1u << (attribute & 0x1F);
  return TRUE;
}

void WINAPI DeleteProcThreadAttributeList(LPPROC_THREAD_ATTRIBUTE_LIST list) { (void)list; }

BOOL read_process_attributes(LPPROC_THREAD_ATTRIBUTE_LIST list, PROCESS_ATTRIBUTES *out)
{
  *out = (PROCESS_ATTRIBUTES){NULL};
  if (!list)
    return TRUE;
  if (list->Count > list->Room || list->Room > 32)
    return base_fail(ERROR_INVALID_PARAMETER);
  for (DWORD i = 0; i < list->Count; i++) {
    const ENTRY *entry = &list->Entries[i];
    if (entry->Attribute == PROC_THREAD_ATTRIBUTE_PARENT_PROCESS) {
      out->Parent = *(HANDLE *)entry->Value;
    } else if (entry->Attribute == PROC_THREAD_ATTRIBUTE_HANDLE_LIST) {
      out->Handles = entry->Value;
      out->HandlesSize = entry->Size;
    }
  }
  return TRUE;
}
