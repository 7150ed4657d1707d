/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times, bitmaps, numbers, lists, fiber local storage, process parameters, checksums. */
#include "check.h"

static void times(void)
{
  /* 29 February 2000 was a Tuesday. 2^30 s after 1 January 1970 is 10 January 2004, 13:37:04. */
  TIME_FIELDS fields = {2000, 2, 29, 12, 34, 56, 789, 0}, back;
  LARGE_INTEGER time;
  ULONG seconds;
  CHECK(RtlTimeFieldsToTime(&fields, &time));
  RtlTimeToTimeFields(&time, &back);
  CHECK(back.Year == 2000 && back.Month == 2 && back.Day == 29 && back.Hour == 12 && back.Minute == 34);
  CHECK(back.Second == 56 && back.Milliseconds == 789 && back.Weekday == 2);
  RtlSecondsSince1970ToTime(1u << 30, &time);
  RtlTimeToTimeFields(&time, &back);
  CHECK(back.Year == 2004 && back.Month == 1 && back.Day == 10 && back.Hour == 13 && back.Minute == 37 &&
        back.Second == 4);
  CHECK(RtlTimeToSecondsSince1970(&time, &seconds) && seconds == 1u << 30);
  CHECK(RtlTimeToSecondsSince1980(&time, &seconds) && seconds == (1u << 30) - 315532800u);
  time.QuadPart = 0;
  CHECK(!RtlTimeToSecondsSince1970(&time, &seconds));
  RtlTimeToTimeFields(&time, &back);
  CHECK(back.Year == 1601 && back.Month == 1 && back.Day == 1 && back.Weekday == 1);
  CHECK(!RtlTimeFieldsToTime(&(TIME_FIELDS){2001, 2, 29, 0, 0, 0, 0, 0}, &time));
  CHECK(!RtlTimeFieldsToTime(&(TIME_FIELDS){1600, 1, 1, 0, 0, 0, 0, 0}, &time));
}

static void bitmaps(void)
{
  ULONG bits[3] = {0};
  RTL_BITMAP map;
  RtlInitializeBitMap(&map, bits, 80);
  RtlSetBits(&map, 30, 5);
  CHECK(bits[0] == 0xC0000000 && bits[1] == 7);
  CHECK(RtlAreBitsSet(&map, 30, 5) && !RtlAreBitsSet(&map, 30, 6) && RtlAreBitsClear(&map, 35, 45));
  CHECK(!RtlAreBitsClear(&map, 35, 46) && !RtlAreBitsSet(&map, 30, 0));
  CHECK_EQ(RtlFindClearBits(&map, 40, 0), 35);
  CHECK_EQ(RtlFindClearBits(&map, 46, 0), 0xFFFFFFFF);
  CHECK_EQ(RtlFindClearBitsAndSet(&map, 10, 35), 35);
  CHECK_EQ(RtlFindSetBits(&map, 15, 60), 30);
  CHECK_EQ(RtlNumberOfSetBits(&map), 15);
  CHECK_EQ(RtlNumberOfClearBits(&map), 65);
}

static void numbers(void)
{
  WCHAR buffer[12];
  UNICODE_STRING text = {0, sizeof buffer, buffer};
  ULONG value;
  char bytes[4];
  CHECK_STATUS(RtlIntegerToUnicodeString(0xBEEF, 16, &text), STATUS_SUCCESS);
  CHECK(text.Length == 8 && !memcmp(buffer, L"BEEF", 10));
  CHECK_STATUS(RtlIntegerToUnicodeString(5, 3, &text), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(RtlIntegerToChar(12345, 10, 4, bytes), STATUS_BUFFER_OVERFLOW);
  RtlInitUnicodeString(&text, L" -0x1fZ");
  CHECK_STATUS(RtlUnicodeStringToInteger(&text, 0, &value), STATUS_SUCCESS);
  CHECK_EQ(value, (ULONG)-31);
  CHECK_STATUS(RtlCharToInteger("0b101", 0, &value), STATUS_SUCCESS);
  CHECK_EQ(value, 5);
  CHECK_STATUS(RtlCharToInteger("777", 8, &value), STATUS_SUCCESS);
  CHECK_EQ(value, 511);
  const GUID guid = {0x01234567, 0x89AB, 0xCDEF, {1, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}};
  GUID back = {0};
  CHECK_STATUS(RtlStringFromGUID(&guid, &text), STATUS_SUCCESS);
  CHECK(text.Length == 76 && !memcmp(text.Buffer, L"{01234567-89AB-CDEF-0123-456789ABCDEF}", 78));
  CHECK_STATUS(RtlGUIDFromString(&text, &back), STATUS_SUCCESS);
  CHECK(!memcmp(&guid, &back, sizeof guid));
  RtlFreeUnicodeString(&text);
  /* The check value of CRC-32. */
  CHECK_EQ(RtlComputeCrc32(0, "123456789", 9), 0xCBF43926);
  /* Documented: a linear congruential generator. */
  value = 1;
  CHECK_EQ(RtlUniform(&value), (0x7FFFFFEDull + 0x7FFFFFC3) % 0x7FFFFFFF);
  CHECK(RtlDecodePointer(RtlEncodePointer(&value)) == &value && RtlEncodePointer(&value) != &value);
}

static void versions(void)
{
  RTL_OSVERSIONINFOEXW version = {.dwOSVersionInfoSize = sizeof version};
  ULONG major, minor, build;
  CHECK_STATUS(RtlGetVersion((RTL_OSVERSIONINFOW *)&version), STATUS_SUCCESS);
  RtlGetNtVersionNumbers(&major, &minor, &build);
  CHECK(version.dwMajorVersion == 10 && version.dwPlatformId == VER_PLATFORM_WIN32_NT);
  CHECK(major == version.dwMajorVersion && minor == version.dwMinorVersion);
  CHECK_EQ(build, 0xF0000000 | version.dwBuildNumber);
}

static void lists(void)
{
  static SLIST_HEADER head;
  static struct {
    SLIST_ENTRY entry;
    ULONG64 padding;
  } items[3] __attribute__((aligned(16)));
  RtlInitializeSListHead(&head);
  CHECK(!RtlInterlockedPopEntrySList(&head));
  CHECK(!RtlInterlockedPushEntrySList(&head, &items[0].entry));
  CHECK(RtlInterlockedPushEntrySList(&head, &items[1].entry) == &items[0].entry);
  CHECK(RtlInterlockedPushEntrySList(&head, &items[2].entry) == &items[1].entry);
  CHECK(RtlQueryDepthSList(&head) == 3 && RtlFirstEntrySList(&head) == &items[2].entry);
  CHECK(RtlInterlockedPopEntrySList(&head) == &items[2].entry);
  CHECK(RtlInterlockedFlushSList(&head) == &items[1].entry && items[1].entry.Next == &items[0].entry);
  CHECK(RtlQueryDepthSList(&head) == 0 && !RtlFirstEntrySList(&head));
}

static volatile ULONG called;
static ULONG fls_index;

static void WINAPI on_end(PVOID value) { called += (ULONG)(ULONG_PTR)value; }

static ULONG NTAPI fls_thread(PVOID argument)
{
  PVOID value = (PVOID)1;
  CHECK_STATUS(RtlFlsSetValue(fls_index, argument), STATUS_SUCCESS);
  CHECK_STATUS(RtlFlsGetValue(fls_index, &value), STATUS_SUCCESS);
  CHECK(value == argument);
  return 0;
}

static void fiber_local_storage(void)
{
  HANDLE thread;
  ULONG again;
  CHECK_STATUS(RtlFlsAlloc(on_end, &fls_index), STATUS_SUCCESS);
  CHECK(fls_index);
  CHECK_STATUS(RtlCreateUserThread(NtCurrentProcess(), NULL, FALSE, 0, 0, 0, fls_thread, (PVOID)100, &thread, NULL), 0);
  NtWaitForSingleObject(thread, FALSE, NULL);
  NtClose(thread);
  /* The callback ran as the thread ended. */
  CHECK_EQ(called, 100);
  CHECK_STATUS(RtlFlsSetValue(fls_index, (PVOID)7), STATUS_SUCCESS);
  CHECK_STATUS(RtlFlsFree(fls_index), STATUS_SUCCESS);
  CHECK_EQ(called, 107);
  CHECK_STATUS(RtlFlsFree(fls_index), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(RtlFlsAlloc(NULL, &again), STATUS_SUCCESS);
  CHECK_EQ(again, fls_index);
  PVOID value = (PVOID)1;
  CHECK_STATUS(RtlFlsGetValue(again, &value), STATUS_SUCCESS);
  CHECK(!value);
}

static void parameters(void)
{
  UNICODE_STRING image, line;
  PRTL_USER_PROCESS_PARAMETERS p;
  RtlInitUnicodeString(&image, L"\\??\\C:\\x.exe");
  RtlInitUnicodeString(&line, L"x one two");
  CHECK_STATUS(RtlCreateProcessParametersEx(&p, &image, NULL, NULL, &line, NULL, NULL, NULL, NULL, NULL, 0), 0);
  CHECK(!(p->Flags & 1) && p->CommandLine.Length == 18 && (ULONG_PTR)p->CommandLine.Buffer < p->Length);
  RtlNormalizeProcessParams(p);
  CHECK((p->Flags & 1) && !memcmp(p->CommandLine.Buffer, L"x one two", 20));
  CHECK_EQ(p->CurrentDirectory.DosPath.MaximumLength, 520);
  CHECK(p->CurrentDirectory.DosPath.Length == NtCurrentPeb()->ProcessParameters->CurrentDirectory.DosPath.Length);
  CHECK(p->Environment && p->EnvironmentSize);
  RtlDeNormalizeProcessParams(p);
  CHECK((ULONG_PTR)p->ImagePathName.Buffer < p->Length);
  CHECK_STATUS(RtlDestroyProcessParameters(p), STATUS_SUCCESS);
}

static void images(void)
{
  PVOID base = NtCurrentPeb()->ImageBaseAddress;
  ULONG size;
  CHECK(RtlImageNtHeader(base) && RtlImageNtHeader(base)->OptionalHeader.ImageBase == (ULONG_PTR)base);
  CHECK(RtlImageDirectoryEntryToData(base, TRUE, IMAGE_DIRECTORY_ENTRY_IMPORT, &size) && size);
  CHECK(!RtlImageDirectoryEntryToData(base, TRUE, IMAGE_DIRECTORY_ENTRY_EXPORT, &size));
  CHECK(!RtlImageNtHeader(&size));
}

void check(void)
{
  times();
  bitmaps();
  numbers();
  versions();
  lists();
  fiber_local_storage();
  parameters();
  images();
}
