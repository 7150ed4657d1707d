/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counted strings, code page 1252, UTF-8, errors of statuses. */
#include "check.h"

static UNICODE_STRING unicode(PCWSTR text)
{
  UNICODE_STRING string;
  RtlInitUnicodeString(&string, text);
  return string;
}

static void compare(void)
{
  UNICODE_STRING a = unicode(L"Hello"), b = unicode(L"hELLO"), c = unicode(L"hello world");
  CHECK(!RtlEqualUnicodeString(&a, &b, FALSE) && RtlEqualUnicodeString(&a, &b, TRUE));
  CHECK(RtlPrefixUnicodeString(&a, &c, TRUE) && !RtlPrefixUnicodeString(&a, &c, FALSE));
  CHECK(RtlCompareUnicodeString(&b, &c, TRUE) < 0 && RtlCompareUnicodeString(&c, &b, TRUE) > 0);
  CHECK_EQ(RtlUpcaseUnicodeChar(0xE4), 0xC4);
  CHECK_EQ(RtlUpcaseUnicodeChar(0xFF), 0x178);
  CHECK_EQ(RtlUpcaseUnicodeChar(0xF7), 0xF7);
  CHECK_EQ(RtlUpcaseUnicodeChar(0x436), 0x416);
  CHECK_EQ(RtlDowncaseUnicodeChar(0x416), 0x436);
  CHECK_EQ(RtlDowncaseUnicodeChar(0x17D), 0x17E);
  /* Documented: x65599 over the upcased characters. */
  ULONG hash, expected = 0;
  for (PCWSTR p = L"HELLO"; *p; p++)
    expected = expected * 65599 + *p;
  CHECK_STATUS(RtlHashUnicodeString(&a, TRUE, 0, &hash), STATUS_SUCCESS);
  CHECK_EQ(hash, expected);
  CHECK_EQ(a.Length, 10);
  CHECK_EQ(a.MaximumLength, 12);
}

static void append(void)
{
  WCHAR buffer[8];
  UNICODE_STRING to = {0, sizeof buffer, buffer}, copy, from = unicode(L"cde");
  CHECK_STATUS(RtlAppendUnicodeToString(&to, L"ab"), STATUS_SUCCESS);
  CHECK_STATUS(RtlAppendUnicodeStringToString(&to, &from), STATUS_SUCCESS);
  CHECK(to.Length == 10 && buffer[4] == 'e' && !buffer[5]);
  CHECK_STATUS(RtlAppendUnicodeToString(&to, L"fghi"), STATUS_BUFFER_TOO_SMALL);
  CHECK_EQ(to.Length, 10);
  CHECK_STATUS(RtlDuplicateUnicodeString(1, &to, &copy), STATUS_SUCCESS);
  CHECK(copy.Length == 10 && copy.MaximumLength == 12 && !copy.Buffer[5]);
  RtlFreeUnicodeString(&copy);
  CHECK(!copy.Buffer);
  RtlCopyUnicodeString(&to, &from);
  CHECK(to.Length == 6 && buffer[0] == 'c' && !buffer[3]);
}

static void ansi(void)
{
  ANSI_STRING bytes, back;
  UNICODE_STRING wide;
  ULONG size;
  char two[2];
  WCHAR small[2];
  RtlInitAnsiString(&bytes, "\x80\x99\xE9\x81");
  CHECK_STATUS(RtlAnsiStringToUnicodeString(&wide, &bytes, TRUE), STATUS_SUCCESS);
  CHECK(wide.Length == 8 && wide.Buffer[0] == 0x20AC && wide.Buffer[1] == 0x2122 && wide.Buffer[2] == 0xE9);
  CHECK_EQ(wide.Buffer[3], 0x81);
  CHECK_STATUS(RtlUnicodeStringToAnsiString(&back, &wide, TRUE), STATUS_SUCCESS);
  CHECK(back.Length == 4 && !memcmp(back.Buffer, bytes.Buffer, 5));
  RtlFreeAnsiString(&back);
  RtlFreeUnicodeString(&wide);
  CHECK_STATUS(RtlUnicodeToMultiByteN(two, 2, &size,
                                      L"\x4E2D"
                                      L"b",
                                      4),
               STATUS_SUCCESS);
  CHECK(size == 2 && two[0] == '?' && two[1] == 'b');
  CHECK_STATUS(RtlUnicodeToMultiByteN(two, 2, &size, L"abc", 6), STATUS_BUFFER_OVERFLOW);
  CHECK_STATUS(RtlMultiByteToUnicodeN(small, sizeof small, &size, "abc", 3), STATUS_SUCCESS);
  CHECK_EQ(size, 4);
  wide = (UNICODE_STRING){0, sizeof small, small};
  CHECK_STATUS(RtlAnsiStringToUnicodeString(&wide, &bytes, FALSE), STATUS_BUFFER_OVERFLOW);
}

static void utf8(void)
{
  WCHAR wide[16];
  char narrow[16];
  ULONG size;
  CHECK_STATUS(RtlUTF8ToUnicodeN(wide, sizeof wide, &size, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10),
               STATUS_SUCCESS);
  CHECK(size == 10 && wide[1] == 0xE9 && wide[2] == 0x20AC && wide[3] == 0xD83D && wide[4] == 0xDE00);
  CHECK_STATUS(RtlUnicodeToUTF8N(narrow, sizeof narrow, &size, wide, 10), STATUS_SUCCESS);
  CHECK(size == 10 && !memcmp(narrow, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10));
  CHECK_STATUS(RtlUTF8ToUnicodeN(wide, sizeof wide, &size, "\xC0\x80z", 3), STATUS_SOME_NOT_MAPPED);
  CHECK(size == 6 && wide[0] == 0xFFFD && wide[1] == 0xFFFD && wide[2] == 'z');
  CHECK_STATUS(RtlUnicodeToUTF8N(narrow, sizeof narrow, &size, L"\xD800z", 4), STATUS_SOME_NOT_MAPPED);
  CHECK(size == 4 && !memcmp(narrow, "\xEF\xBF\xBDz", 4));
  CHECK_STATUS(RtlUTF8ToUnicodeN(wide, 2, &size, "ab", 2), STATUS_BUFFER_TOO_SMALL);
  CHECK_STATUS(RtlUTF8ToUnicodeN(NULL, 0, &size, "ab", 2), STATUS_SUCCESS);
  CHECK_EQ(size, 4);
}

static void errors(void)
{
  static const ULONG pairs[][2] = {
      {(ULONG)STATUS_SUCCESS, ERROR_SUCCESS},
      {(ULONG)STATUS_ACCESS_DENIED, ERROR_ACCESS_DENIED},
      {(ULONG)STATUS_INVALID_HANDLE, ERROR_INVALID_HANDLE},
      {(ULONG)STATUS_OBJECT_NAME_NOT_FOUND, ERROR_FILE_NOT_FOUND},
      {(ULONG)STATUS_OBJECT_PATH_NOT_FOUND, ERROR_PATH_NOT_FOUND},
      {(ULONG)STATUS_OBJECT_NAME_COLLISION, ERROR_ALREADY_EXISTS},
      {(ULONG)STATUS_INVALID_PARAMETER, ERROR_INVALID_PARAMETER},
      {(ULONG)STATUS_NO_MEMORY, ERROR_NOT_ENOUGH_MEMORY},
      {(ULONG)STATUS_ACCESS_VIOLATION, ERROR_NOACCESS},
      {(ULONG)STATUS_INFO_LENGTH_MISMATCH, ERROR_BAD_LENGTH},
      {(ULONG)STATUS_BUFFER_TOO_SMALL, ERROR_INSUFFICIENT_BUFFER},
      {(ULONG)STATUS_BUFFER_OVERFLOW, ERROR_MORE_DATA},
      {(ULONG)STATUS_END_OF_FILE, ERROR_HANDLE_EOF},
      {(ULONG)STATUS_SHARING_VIOLATION, ERROR_SHARING_VIOLATION},
      {(ULONG)STATUS_DLL_NOT_FOUND, ERROR_MOD_NOT_FOUND},
      {(ULONG)STATUS_ENTRYPOINT_NOT_FOUND, ERROR_PROC_NOT_FOUND},
      {(ULONG)STATUS_ORDINAL_NOT_FOUND, ERROR_INVALID_ORDINAL},
      {(ULONG)STATUS_INVALID_IMAGE_FORMAT, ERROR_BAD_EXE_FORMAT},
      {(ULONG)STATUS_INVALID_CID, ERROR_INVALID_PARAMETER},
      {(ULONG)STATUS_VARIABLE_NOT_FOUND, ERROR_ENVVAR_NOT_FOUND},
      {(ULONG)STATUS_PROCESS_IS_TERMINATING, ERROR_ACCESS_DENIED},
      {(ULONG)STATUS_PARTIAL_COPY, ERROR_PARTIAL_COPY},
      {(ULONG)STATUS_PENDING, ERROR_IO_PENDING},
      {(ULONG)STATUS_MUTANT_NOT_OWNED, ERROR_NOT_OWNER},
      {(ULONG)STATUS_SEMAPHORE_LIMIT_EXCEEDED, ERROR_TOO_MANY_POSTS},
      {(ULONG)STATUS_NOT_A_DIRECTORY, ERROR_DIRECTORY},
      {(ULONG)STATUS_PRIVILEGE_NOT_HELD, ERROR_PRIVILEGE_NOT_HELD},
      {(ULONG)STATUS_NO_MORE_FILES, ERROR_NO_MORE_FILES},
      {(ULONG)STATUS_TIMEOUT, ERROR_TIMEOUT},
      {0xC0070005, 5},          /* carries a Win32 error */
      {0xE0001234, 0xE0001234}, /* the customer's own */
      {0xC000FFFF, ERROR_MR_MID_NOT_FOUND},
  };
  for (ULONG i = 0; i < ARRAYSIZE(pairs); i++)
    CHECK_NUMBER(RtlNtStatusToDosError((NTSTATUS)pairs[i][0]) == pairs[i][1], pairs[i][0]);
  CHECK_EQ(RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_NO_MEMORY), ERROR_NOT_ENOUGH_MEMORY);
  CHECK_EQ(RtlGetLastWin32Error(), ERROR_NOT_ENOUGH_MEMORY);
  CHECK_STATUS(RtlGetLastNtStatus(), STATUS_NO_MEMORY);
}

void check(void)
{
  compare();
  append();
  ansi();
  utf8();
  errors();
}
