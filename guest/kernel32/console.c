/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard handles and the console, which is a byte stream with a mode: no screen buffer, no cursor, no input records. */
#include "filep.h"

#define CONSOLE_CODE(function) CTL_CODE(FILE_DEVICE_CONSOLE, function, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define CONSOLE_GET_MODE CONSOLE_CODE(0)
#define CONSOLE_SET_MODE CONSOLE_CODE(1)
#define CONSOLE_WRITE CONSOLE_CODE(30)

static UINT input_page = 437, output_page = 437;

HANDLE WINAPI GetStdHandle(DWORD which)
{
  if (which < (DWORD)STD_ERROR_HANDLE || which > (DWORD)STD_INPUT_HANDLE) {
    base_fail(ERROR_INVALID_HANDLE);
    return INVALID_HANDLE_VALUE;
  }
  return base_real_handle((HANDLE)(LONG_PTR)(LONG)which);
}

WINBOOL WINAPI SetStdHandle(DWORD nStdHandle, HANDLE hHandle)
{
  PRTL_USER_PROCESS_PARAMETERS parameters = NtCurrentPeb()->ProcessParameters;
  switch (nStdHandle) {
  case (DWORD)STD_INPUT_HANDLE:
    parameters->StandardInput = hHandle;
    return TRUE;
  case (DWORD)STD_OUTPUT_HANDLE:
    parameters->StandardOutput = hHandle;
    return TRUE;
  case (DWORD)STD_ERROR_HANDLE:
    parameters->StandardError = hHandle;
    return TRUE;
  default:
    return base_fail(ERROR_INVALID_HANDLE);
  }
}

WINBOOL WINAPI SetStdHandleEx(DWORD nStdHandle, HANDLE hHandle, PHANDLE phPrevValue)
{
  if (phPrevValue)
    *phPrevValue = GetStdHandle(nStdHandle);
  return SetStdHandle(nStdHandle, hHandle);
}

/* ---- modes ---- */

static BOOL control(HANDLE console, ULONG code, PVOID in, ULONG in_size, PVOID out, ULONG out_size)
{
  IO_STATUS_BLOCK io;
  NTSTATUS status =
      NtDeviceIoControlFile(base_real_handle(console), NULL, NULL, NULL, &io, code, in, in_size, out, out_size);
  /* What is no console has no such code. */
  if (status == STATUS_OBJECT_TYPE_MISMATCH || status == STATUS_INVALID_DEVICE_REQUEST)
    return base_fail(ERROR_INVALID_HANDLE);
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI GetConsoleMode(HANDLE hConsoleHandle, LPDWORD lpMode)
{
  return control(hConsoleHandle, CONSOLE_GET_MODE, NULL, 0, lpMode, sizeof *lpMode);
}

WINBOOL WINAPI SetConsoleMode(HANDLE hConsoleHandle, DWORD dwMode)
{
  return control(hConsoleHandle, CONSOLE_SET_MODE, &dwMode, sizeof dwMode, NULL, 0);
}

WINBOOL WINAPI VerifyConsoleIoHandle(HANDLE hConsoleHandle)
{
  DWORD mode;
  return GetConsoleMode(hConsoleHandle, &mode);
}

UINT WINAPI GetConsoleCP(void) { return input_page; }
UINT WINAPI GetConsoleOutputCP(void) { return output_page; }

static BOOL set_page(UINT *page, UINT value)
{
  if (!IsValidCodePage(value))
    return base_fail(ERROR_INVALID_PARAMETER);
  *page = value;
  return TRUE;
}

WINBOOL WINAPI SetConsoleCP(UINT wCodePageID) { return set_page(&input_page, wCodePageID); }
WINBOOL WINAPI SetConsoleOutputCP(UINT wCodePageID) { return set_page(&output_page, wCodePageID); }

/* ---- text ---- */

WINBOOL WINAPI WriteConsoleW(HANDLE hConsoleOutput, const VOID *lpBuffer, DWORD nNumberOfCharsToWrite,
                             LPDWORD lpNumberOfCharsWritten, LPVOID lpReserved)
{
  (void)lpReserved;
  if (lpNumberOfCharsWritten)
    *lpNumberOfCharsWritten = 0;
  if (!control(hConsoleOutput, CONSOLE_WRITE, (PVOID)lpBuffer, nNumberOfCharsToWrite * (ULONG)sizeof(WCHAR), NULL, 0))
    return FALSE;
  if (lpNumberOfCharsWritten)
    *lpNumberOfCharsWritten = nNumberOfCharsToWrite;
  return TRUE;
}

WINBOOL WINAPI WriteConsoleA(HANDLE hConsoleOutput, const VOID *lpBuffer, DWORD nNumberOfCharsToWrite,
                             LPDWORD lpNumberOfCharsWritten, LPVOID lpReserved)
{
  int length = (int)nNumberOfCharsToWrite;
  PWSTR wide = base_allocate((nNumberOfCharsToWrite + 1ull) * sizeof(WCHAR));
  if (!wide)
    return FALSE;
  if (length)
    length = MultiByteToWideChar(output_page, 0, lpBuffer, length, wide, length);
  BOOL done = WriteConsoleW(hConsoleOutput, wide, (DWORD)length, NULL, lpReserved);
  base_free(wide);
  if (lpNumberOfCharsWritten)
    *lpNumberOfCharsWritten = done ? nNumberOfCharsToWrite : 0;
  return done;
}

WINBOOL WINAPI ReadConsoleA(HANDLE hConsoleInput, LPVOID lpBuffer, DWORD nNumberOfCharsToRead, LPDWORD lpNumberOfCharsRead,
                            LPVOID pInputControl)
{
  (void)pInputControl;
  return VerifyConsoleIoHandle(hConsoleInput) &&
         ReadFile(hConsoleInput, lpBuffer, nNumberOfCharsToRead, lpNumberOfCharsRead, NULL);
}

/* Bytes that the last character of some UTF-8 still lacks. */
static DWORD missing_bytes(const UCHAR *text, DWORD length)
{
  for (DWORD back = 1; back <= 3 && back <= length; back++) {
    UCHAR c = text[length - back];
    DWORD whole = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    if (c < 0x80)
      return 0;
    if (c >= 0xC0)
      return whole > back ? whole - back : 0;
  }
  return 0;
}

/* The host's text is UTF-8. */
WINBOOL WINAPI ReadConsoleW(HANDLE hConsoleInput, LPVOID lpBuffer, DWORD nNumberOfCharsToRead, LPDWORD lpNumberOfCharsRead,
                            LPVOID pInputControl)
{
  DWORD length = 0, more = 1;
  (void)pInputControl;
  if (!VerifyConsoleIoHandle(hConsoleInput))
    return FALSE;
  PSTR bytes = base_allocate(nNumberOfCharsToRead + 4ull);
  if (!bytes)
    return FALSE;
  BOOL done = ReadFile(hConsoleInput, bytes, nNumberOfCharsToRead, &length, NULL);
  for (DWORD missing = missing_bytes((UCHAR *)bytes, length); done && missing && more; missing--) {
    done = ReadFile(hConsoleInput, bytes + length, 1, &more, NULL);
    length += more;
  }
  if (done && length)
    length = (DWORD)MultiByteToWideChar(CP_UTF8, 0, bytes, (int)length, lpBuffer, (int)nNumberOfCharsToRead);
  base_free(bytes);
  if (lpNumberOfCharsRead)
    *lpNumberOfCharsRead = done ? length : 0;
  return done;
}

/* ---- what a byte stream has nothing of ---- */

/* ERROR_INVALID_HANDLE for what is no console, ERROR_INVALID_FUNCTION for one. */
static BOOL not_here(HANDLE console) { return VerifyConsoleIoHandle(console) && base_fail(ERROR_INVALID_FUNCTION); }

static BOOL no_records(HANDLE console, LPDWORD count)
{
  if (!VerifyConsoleIoHandle(console))
    return FALSE;
  *count = 0;
  return TRUE;
}

WINBOOL WINAPI GetNumberOfConsoleInputEvents(HANDLE hConsoleInput, LPDWORD lpNumberOfEvents)
{
  return no_records(hConsoleInput, lpNumberOfEvents);
}

WINBOOL WINAPI PeekConsoleInputA(HANDLE hConsoleInput, PINPUT_RECORD lpBuffer, DWORD nLength, LPDWORD lpNumberOfEventsRead)
{
  (void)lpBuffer, (void)nLength;
  return no_records(hConsoleInput, lpNumberOfEventsRead);
}

WINBOOL WINAPI PeekConsoleInputW(HANDLE hConsoleInput, PINPUT_RECORD lpBuffer, DWORD nLength, LPDWORD lpNumberOfEventsRead)
{
  (void)lpBuffer, (void)nLength;
  return no_records(hConsoleInput, lpNumberOfEventsRead);
}

WINBOOL WINAPI ReadConsoleInputA(HANDLE hConsoleInput, PINPUT_RECORD lpBuffer, DWORD nLength, LPDWORD lpNumberOfEventsRead)
{
  (void)lpBuffer, (void)nLength, (void)lpNumberOfEventsRead;
  return not_here(hConsoleInput);
}

WINBOOL WINAPI ReadConsoleInputW(HANDLE hConsoleInput, PINPUT_RECORD lpBuffer, DWORD nLength, LPDWORD lpNumberOfEventsRead)
{
  (void)lpBuffer, (void)nLength, (void)lpNumberOfEventsRead;
  return not_here(hConsoleInput);
}

WINBOOL WINAPI FlushConsoleInputBuffer(HANDLE hConsoleInput) { return VerifyConsoleIoHandle(hConsoleInput); }

WINBOOL WINAPI GetConsoleScreenBufferInfo(HANDLE hConsoleOutput, PCONSOLE_SCREEN_BUFFER_INFO lpConsoleScreenBufferInfo)
{
  (void)lpConsoleScreenBufferInfo;
  return not_here(hConsoleOutput);
}

WINBOOL WINAPI GetConsoleCursorInfo(HANDLE hConsoleOutput, PCONSOLE_CURSOR_INFO lpConsoleCursorInfo)
{
  (void)lpConsoleCursorInfo;
  return not_here(hConsoleOutput);
}

WINBOOL WINAPI SetConsoleCursorInfo(HANDLE hConsoleOutput, const CONSOLE_CURSOR_INFO *lpConsoleCursorInfo)
{
  (void)lpConsoleCursorInfo;
  return not_here(hConsoleOutput);
}

WINBOOL WINAPI SetConsoleCursorPosition(HANDLE hConsoleOutput, COORD dwCursorPosition)
{
  (void)dwCursorPosition;
  return not_here(hConsoleOutput);
}

WINBOOL WINAPI SetConsoleTextAttribute(HANDLE hConsoleOutput, WORD wAttributes)
{
  (void)wAttributes;
  return not_here(hConsoleOutput);
}

WINBOOL WINAPI FillConsoleOutputCharacterA(HANDLE hConsoleOutput, CHAR cCharacter, DWORD nLength, COORD dwWriteCoord,
                                           LPDWORD lpNumberOfCharsWritten)
{
  (void)cCharacter, (void)nLength, (void)dwWriteCoord, (void)lpNumberOfCharsWritten;
  return not_here(hConsoleOutput);
}

WINBOOL WINAPI FillConsoleOutputCharacterW(HANDLE hConsoleOutput, WCHAR cCharacter, DWORD nLength, COORD dwWriteCoord,
                                           LPDWORD lpNumberOfCharsWritten)
{
  (void)cCharacter, (void)nLength, (void)dwWriteCoord, (void)lpNumberOfCharsWritten;
  return not_here(hConsoleOutput);
}

WINBOOL WINAPI FillConsoleOutputAttribute(HANDLE hConsoleOutput, WORD wAttribute, DWORD nLength, COORD dwWriteCoord,
                                          LPDWORD lpNumberOfAttrsWritten)
{
  (void)wAttribute, (void)nLength, (void)dwWriteCoord, (void)lpNumberOfAttrsWritten;
  return not_here(hConsoleOutput);
}

WINBOOL WINAPI WriteConsoleOutputA(HANDLE hConsoleOutput, const CHAR_INFO *lpBuffer, COORD dwBufferSize, COORD dwBufferCoord,
                                   PSMALL_RECT lpWriteRegion)
{
  (void)lpBuffer, (void)dwBufferSize, (void)dwBufferCoord, (void)lpWriteRegion;
  return not_here(hConsoleOutput);
}

WINBOOL WINAPI WriteConsoleOutputW(HANDLE hConsoleOutput, const CHAR_INFO *lpBuffer, COORD dwBufferSize, COORD dwBufferCoord,
                                   PSMALL_RECT lpWriteRegion)
{
  (void)lpBuffer, (void)dwBufferSize, (void)dwBufferCoord, (void)lpWriteRegion;
  return not_here(hConsoleOutput);
}

/* ---- the console of the process ---- */

WINBOOL WINAPI AllocConsole(void) { return base_fail(ERROR_ACCESS_DENIED); }

WINBOOL WINAPI AttachConsole(DWORD dwProcessId)
{
  (void)dwProcessId;
  return base_fail(ERROR_ACCESS_DENIED);
}

WINBOOL WINAPI FreeConsole(void) { return TRUE; }
HWND WINAPI GetConsoleWindow(void) { return NULL; }

DWORD WINAPI GetConsoleTitleW(LPWSTR lpConsoleTitle, DWORD nSize)
{
  const UNICODE_STRING *title = &NtCurrentPeb()->ProcessParameters->WindowTitle;
  return base_wide_fill(title->Buffer, title->Length / (DWORD)sizeof(WCHAR), lpConsoleTitle, nSize);
}

WINBOOL WINAPI SetConsoleTitleW(LPCWSTR lpConsoleTitle) { return lpConsoleTitle || base_fail(ERROR_INVALID_PARAMETER); }
WINBOOL WINAPI SetConsoleTitleA(LPCSTR lpConsoleTitle) { return lpConsoleTitle || base_fail(ERROR_INVALID_PARAMETER); }

/* ---- control handlers: they are kept, but nothing sends control events ---- */

WINBOOL WINAPI GenerateConsoleCtrlEvent(DWORD dwCtrlEvent, DWORD dwProcessGroupId)
{
  (void)dwProcessGroupId;
  return base_fail(dwCtrlEvent > CTRL_BREAK_EVENT ? ERROR_INVALID_PARAMETER : ERROR_INVALID_FUNCTION);
}

#define CONTROL_HANDLERS 64u
/* Guards the list. */
static RTL_CRITICAL_SECTION handler_lock = {.DebugInfo = (PVOID)-1, .LockCount = -1};
static PHANDLER_ROUTINE handlers[CONTROL_HANDLERS];
static ULONG handler_count;
static BOOL ignore_control_c;

WINBOOL WINAPI SetConsoleCtrlHandler(PHANDLER_ROUTINE HandlerRoutine, WINBOOL Add)
{
  BOOL done = TRUE;
  if (!HandlerRoutine) {
    ignore_control_c = Add;
    return TRUE;
  }
  RtlEnterCriticalSection(&handler_lock);
  if (Add) {
    done = handler_count < CONTROL_HANDLERS || base_fail(ERROR_NOT_ENOUGH_MEMORY);
    if (done)
      handlers[handler_count++] = HandlerRoutine;
  } else {
    ULONG at = handler_count;
    while (at && handlers[at - 1] != HandlerRoutine)
      at--;
    done = at || base_fail(ERROR_INVALID_PARAMETER);
    for (; at && at < handler_count; at++)
      handlers[at - 1] = handlers[at];
    handler_count -= done ? 1 : 0;
  }
  RtlLeaveCriticalSection(&handler_lock);
  return done;
}
