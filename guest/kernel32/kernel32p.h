/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file kernel32p.h  Between the sources of the builtin kernel32. */
#ifndef GUEST_KERNEL32_PRIVATE_H
#define GUEST_KERNEL32_PRIVATE_H

#include "ntdll.h"

/* ---- base.c ---- */
/** Sets the last error that belongs to a status; FALSE for an error, TRUE for success. */
BOOL BaseSetLastNTError(NTSTATUS Status);
/** Sets the last error; FALSE. */
BOOL base_fail(DWORD error);
/** A standard handle's number (STD_INPUT_HANDLE...) as the handle it stands for; any other as it is. */
HANDLE base_real_handle(HANDLE handle);
/** Milliseconds as a relative time of the kernel; NULL for INFINITE. */
LARGE_INTEGER *BaseFormatTimeOut(LARGE_INTEGER *TimeOut, DWORD Milliseconds);

/* ---- ansi.c: the process's ANSI code page (1252: a byte is a character) ---- */
WCHAR base_wide_char(char c);
/** The character's byte; '?' for one that the code page lacks. */
char base_narrow_char(WCHAR c);
/** Characters up to the terminator. */
DWORD base_length(PCWSTR text);
/** The text in the TEB's static buffer, until the next such call of the thread; NULL stays NULL. FALSE: too long
 *  (ERROR_FILENAME_EXCED_RANGE). */
BOOL base_wide_static(PCSTR text, PCWSTR *wide);
/** The text in a block of the process heap; NULL stays NULL. FALSE: no memory (ERROR_NOT_ENOUGH_MEMORY). */
BOOL base_wide_copy(PCSTR text, PWSTR *wide);
/** The same the other way. */
BOOL base_narrow_copy(PCWSTR text, PSTR *narrow);
/** Fills a buffer of `size` bytes, terminated, if length + 1 fit: the length. Else, without touching it, length + 1. */
DWORD base_narrow_fill(PCWSTR text, DWORD length, PSTR buffer, DWORD size);
/** The same for wide text and characters. */
DWORD base_wide_fill(PCWSTR text, DWORD length, PWSTR buffer, DWORD size);
PVOID base_allocate(SIZE_T size);
/** Frees a block of the process heap; the last error stays. NULL is none. */
void base_free(PVOID block);

/* ---- sync.c ---- */
/** Attributes for an object with a name in the session's folder, or without; NULL if nothing is to be said.
 *  Room: for the name. Attributes, security descriptor and OBJ_OPENIF are set. */
OBJECT_ATTRIBUTES *BaseFormatObjectAttributes(OBJECT_ATTRIBUTES *Attributes, const SECURITY_ATTRIBUTES *Security,
                                              PCWSTR Name, UNICODE_STRING *Room);
/** The handle of a creation, with its last error (0, ERROR_ALREADY_EXISTS, or the failure's); NULL on failure. */
HANDLE base_created(NTSTATUS status, HANDLE handle);
/** The attributes under which Open* functions look a name up. FALSE: no name (ERROR_INVALID_PARAMETER). */
BOOL base_open_attributes(OBJECT_ATTRIBUTES *attributes, BOOL inherit, PCWSTR name, UNICODE_STRING *room);

/* ---- codepage.c ---- */
/** The code page that a number stands for (CP_ACP...); 0 for one that there is not. */
UINT BaseResolveCodePage(UINT CodePage);

/* ---- search_path.c ---- */
/** The folders where LoadLibraryEx looks, in a block of the process heap; NULL: where the loader looks anyway. */
PWSTR base_dll_search_path(DWORD flags, PCWSTR name);

#endif
