/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOS paths (Microsoft: "Naming Files, Paths, and Namespaces", "File path formats on Windows systems") and environment.
 */
#include "check.h"

static BOOLEAN same(PCWSTR a, PCWSTR b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static ULONG text_length(PCWSTR text)
{
  ULONG length = 0;
  while (text[length])
    length++;
  return length;
}

static void full(PCWSTR name, PCWSTR expected, PCWSTR part)
{
  WCHAR buffer[300];
  PWSTR file_part;
  ULONG bytes = RtlGetFullPathName_U(name, sizeof buffer, buffer, &file_part);
  BOOLEAN good = bytes && same(buffer, expected) && bytes == sizeof(WCHAR) * text_length(expected);
  good = good && (part ? file_part && same(file_part, part) : !file_part);
  CHECK(good);
  if (!good)
    DbgPrintEx(0, 0xFFFFFFFF, "%ws: %ws (%ws)\n", name, bytes ? buffer : L"", file_part ? file_part : L"none");
}

static void set_directory(PCWSTR path)
{
  UNICODE_STRING name;
  RtlInitUnicodeString(&name, path);
  CHECK_STATUS(RtlSetCurrentDirectory_U(&name), STATUS_SUCCESS);
}

static void full_names(void)
{
  WCHAR buffer[8];
  set_directory(L"C:\\windows\\system32");
  full(L"name.txt", L"C:\\windows\\system32\\name.txt", L"name.txt");
  full(L"..\\name", L"C:\\windows\\name", L"name");
  full(L"..", L"C:\\windows", L"windows");
  full(L".", L"C:\\windows\\system32", L"system32");
  full(L"..\\..\\..\\..\\x", L"C:\\x", L"x");
  full(L"C:name", L"C:\\windows\\system32\\name", L"name");
  full(L"D:name", L"D:\\name", L"name");
  full(L"\\name", L"C:\\name", L"name");
  full(L"/a/b\\", L"C:\\a\\b\\", NULL);
  full(L"C:\\", L"C:\\", NULL);
  full(L"C:\\a\\.\\b\\..\\c", L"C:\\a\\c", L"c");
  full(L"C:\\a\\\\b", L"C:\\a\\b", L"b");
  full(L"C:\\a\\b. . ", L"C:\\a\\b", L"b");
  full(L"C:\\a.\\b", L"C:\\a\\b", L"b");
  full(L"\\\\server\\share\\..\\x", L"\\\\server\\share\\x", L"x");
  full(L"\\\\.\\pipe\\x", L"\\\\.\\pipe\\x", L"x");
  full(L"nul", L"\\\\.\\nul", NULL);
  full(L"C:\\a\\COM1.txt", L"\\\\.\\COM1", NULL);
  CHECK_EQ(RtlGetFullPathName_U(L"", sizeof buffer, buffer, NULL), 0);
  /* What is needed counts the terminator. */
  CHECK_EQ(RtlGetFullPathName_U(L"C:\\abcdefgh", sizeof buffer, buffer, NULL), 2 * 12);
}

static void kinds(void)
{
  CHECK_EQ(RtlDetermineDosPathNameType_U(L"\\\\server\\share"), RtlPathTypeUncAbsolute);
  CHECK_EQ(RtlDetermineDosPathNameType_U(L"C:\\a"), RtlPathTypeDriveAbsolute);
  CHECK_EQ(RtlDetermineDosPathNameType_U(L"C:a"), RtlPathTypeDriveRelative);
  CHECK_EQ(RtlDetermineDosPathNameType_U(L"\\a"), RtlPathTypeRooted);
  CHECK_EQ(RtlDetermineDosPathNameType_U(L"a"), RtlPathTypeRelative);
  CHECK_EQ(RtlDetermineDosPathNameType_U(L"\\\\.\\a"), RtlPathTypeLocalDevice);
  CHECK_EQ(RtlDetermineDosPathNameType_U(L"\\\\."), RtlPathTypeRootLocalDevice);
  CHECK_EQ(RtlIsDosDeviceName_U(L"con"), 6);
  CHECK_EQ(RtlIsDosDeviceName_U(L"C:\\nul.txt"), 6u << 16 | 6);
  CHECK_EQ(RtlIsDosDeviceName_U(L"COM0"), 0);
  CHECK_EQ(RtlIsDosDeviceName_U(L"console"), 0);
}

static void nt_name(PCWSTR name, PCWSTR expected)
{
  UNICODE_STRING result;
  CHECK_STATUS(RtlDosPathNameToNtPathName_U_WithStatus(name, &result, NULL, NULL), STATUS_SUCCESS);
  CHECK(same(result.Buffer, expected));
  RtlFreeUnicodeString(&result);
}

static void nt_names(void)
{
  UNICODE_STRING result;
  nt_name(L"C:\\a\\b", L"\\??\\C:\\a\\b");
  nt_name(L"\\\\server\\share\\x", L"\\??\\UNC\\server\\share\\x");
  nt_name(L"\\\\.\\pipe\\x", L"\\??\\pipe\\x");
  nt_name(L"\\\\?\\C:\\a\\..\\b.", L"\\??\\C:\\a\\..\\b.");
  CHECK_STATUS(RtlDosPathNameToNtPathName_U_WithStatus(L"", &result, NULL, NULL), STATUS_OBJECT_NAME_INVALID);
}

static void directories(void)
{
  WCHAR buffer[100];
  UNICODE_STRING missing;
  set_directory(L"C:\\windows\\");
  CHECK_EQ(RtlGetCurrentDirectory_U(sizeof buffer, buffer), 2 * 10);
  CHECK(same(buffer, L"C:\\windows"));
  CHECK_EQ(RtlGetCurrentDirectory_U(4, buffer), 2 * 11);
  set_directory(L"system32");
  RtlGetCurrentDirectory_U(sizeof buffer, buffer);
  CHECK(same(buffer, L"C:\\windows\\system32"));
  RtlInitUnicodeString(&missing, L"C:\\no such directory");
  CHECK_STATUS(RtlSetCurrentDirectory_U(&missing), STATUS_OBJECT_NAME_NOT_FOUND);
  CHECK(RtlDosSearchPath_U(L"C:\\none;C:\\windows\\system32", L"ntdll", L".dll", sizeof buffer, buffer, NULL));
  CHECK(same(buffer, L"C:\\windows\\system32\\ntdll.dll"));
  CHECK_EQ(RtlDosSearchPath_U(L"C:\\windows", L"ntdll.dll", NULL, sizeof buffer, buffer, NULL), 0);
}

static NTSTATUS set(PCWSTR name, PCWSTR value)
{
  UNICODE_STRING n, v;
  RtlInitUnicodeString(&n, name);
  RtlInitUnicodeString(&v, value);
  return RtlSetEnvironmentVariable(NULL, &n, value ? &v : NULL);
}

static void environment(void)
{
  WCHAR buffer[40];
  SIZE_T length;
  UNICODE_STRING source, target = {0, sizeof buffer, buffer};
  ULONG bytes;
  CHECK_STATUS(set(L"Fruit", L"apple"), STATUS_SUCCESS);
  CHECK_STATUS(set(L"FRUIT2", L"pear"), STATUS_SUCCESS);
  CHECK_STATUS(RtlQueryEnvironmentVariable(NULL, L"fruit", 5, buffer, 40, &length), STATUS_SUCCESS);
  CHECK(length == 5 && same(buffer, L"apple"));
  CHECK_STATUS(RtlQueryEnvironmentVariable(NULL, L"fruit", 5, buffer, 5, &length), STATUS_BUFFER_TOO_SMALL);
  CHECK_EQ(length, 6);
  RtlInitUnicodeString(&source, L"%fruit% and %FRUIT2%, 50% of %none%");
  CHECK_STATUS(RtlExpandEnvironmentStrings_U(NULL, &source, &target, &bytes), STATUS_SUCCESS);
  CHECK(same(buffer, L"apple and pear, 50% of %none%"));
  CHECK_EQ(bytes, 2 * 30);
  CHECK_STATUS(set(L"fruit", L"a much longer value than before"), STATUS_SUCCESS);
  CHECK_STATUS(RtlQueryEnvironmentVariable(NULL, L"FRUIT", 5, buffer, 40, &length), STATUS_SUCCESS);
  CHECK_EQ(length, 31);
  CHECK_STATUS(set(L"fruit", NULL), STATUS_SUCCESS);
  CHECK_STATUS(RtlQueryEnvironmentVariable(NULL, L"Fruit", 5, buffer, 40, &length), STATUS_VARIABLE_NOT_FOUND);
  CHECK_STATUS(set(L"fruit", NULL), STATUS_VARIABLE_NOT_FOUND);
  CHECK_STATUS(set(L"a=b", L"c"), STATUS_INVALID_PARAMETER);
  PWSTR block;
  CHECK_STATUS(RtlCreateEnvironment(TRUE, &block), STATUS_SUCCESS);
  CHECK_STATUS(RtlQueryEnvironmentVariable(block, L"fruit2", 6, buffer, 40, &length), STATUS_SUCCESS);
  CHECK_STATUS(RtlDestroyEnvironment(block), STATUS_SUCCESS);
}

void check(void)
{
  full_names();
  kinds();
  nt_names();
  directories();
  environment();
}
