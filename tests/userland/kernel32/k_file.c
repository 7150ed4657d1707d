/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files, directories, paths, volumes, pipes, completion ports. C:\out is a folder to write to, empty at first. */
#include "check.h"

static BOOL same(const char *a, const char *b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static HANDLE make(const char *name, DWORD how)
{
  return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL, how, FILE_ATTRIBUTE_NORMAL, NULL);
}

static void opening(void)
{
  CHECK_ERROR(make("C:\\out\\absent.txt", OPEN_EXISTING) != INVALID_HANDLE_VALUE, ERROR_FILE_NOT_FOUND);
  CHECK_ERROR(make("C:\\out\\no\\absent.txt", OPEN_EXISTING) != INVALID_HANDLE_VALUE, ERROR_PATH_NOT_FOUND);
  CHECK_ERROR(make("C:\\out", OPEN_EXISTING) != INVALID_HANDLE_VALUE, ERROR_ACCESS_DENIED);
  CHECK_ERROR(make("", OPEN_EXISTING) != INVALID_HANDLE_VALUE, ERROR_PATH_NOT_FOUND);
  CHECK_ERROR(make("C:\\out\\a.txt", 9) != INVALID_HANDLE_VALUE, ERROR_INVALID_PARAMETER);
  SetLastError(77);
  HANDLE file = make("C:\\out\\a.txt", CREATE_NEW);
  CHECK(file != INVALID_HANDLE_VALUE && GetLastError() == 0);
  CloseHandle(file);
  CHECK_ERROR(make("C:\\out\\a.txt", CREATE_NEW) != INVALID_HANDLE_VALUE, ERROR_FILE_EXISTS);
  file = make("C:\\out\\a.txt", OPEN_ALWAYS);
  CHECK(file != INVALID_HANDLE_VALUE && GetLastError() == ERROR_ALREADY_EXISTS);
  CloseHandle(file);
  file = make("C:\\out\\a.txt", CREATE_ALWAYS);
  CHECK(file != INVALID_HANDLE_VALUE && GetLastError() == ERROR_ALREADY_EXISTS);
  CloseHandle(file);
}

static void transfer(void)
{
  char bytes[16] = {0};
  DWORD moved = 99, high;
  LARGE_INTEGER at = {.QuadPart = 0}, now;
  OVERLAPPED overlapped = {.Offset = 2};
  HANDLE file = make("C:\\out\\b.txt", CREATE_ALWAYS);
  CHECK(WriteFile(file, "0123456789", 10, &moved, NULL) && moved == 10);
  CHECK(ReadFile(file, bytes, 4, &moved, NULL) && moved == 0);
  CHECK(SetFilePointer(file, -4, NULL, FILE_END) == 6 && ReadFile(file, bytes, 16, &moved, NULL) && moved == 4 && bytes[0] == '6');
  CHECK(SetFilePointerEx(file, at, &now, FILE_CURRENT) && now.QuadPart == 10);
  CHECK_ERROR(SetFilePointer(file, -1, NULL, FILE_BEGIN) != INVALID_SET_FILE_POINTER, ERROR_NEGATIVE_SEEK);
  /* An offset of its own moves the position behind what was read. */
  CHECK(ReadFile(file, bytes, 3, &moved, &overlapped) && moved == 3 && bytes[0] == '2' && overlapped.InternalHigh == 3);
  CHECK(SetFilePointer(file, 0, NULL, FILE_CURRENT) == 5);
  overlapped.Offset = 100;
  CHECK_ERROR(ReadFile(file, bytes, 3, &moved, &overlapped), ERROR_HANDLE_EOF);
  CHECK(SetFilePointer(file, 3, NULL, FILE_BEGIN) == 3 && SetEndOfFile(file) && GetFileSize(file, &high) == 3 && high == 0);
  CHECK(GetFileSizeEx(file, &now) && now.QuadPart == 3);
  CHECK(LockFile(file, 0, 0, 1, 0) && UnlockFile(file, 0, 0, 1, 0) && FlushFileBuffers(file));
  CHECK(GetFileType(file) == FILE_TYPE_DISK);
  CHECK_ERROR(GetFileType((HANDLE)0x4444), ERROR_INVALID_HANDLE);
  CHECK(CloseHandle(file));
  CHECK_ERROR(WriteFile(file, "x", 1, &moved, NULL), ERROR_INVALID_HANDLE);
  file = CreateFileA("C:\\out\\b.txt", FILE_APPEND_DATA, 0, NULL, OPEN_EXISTING, 0, NULL);
  CHECK(WriteFile(file, "xy", 2, &moved, NULL) && GetFileSizeEx(file, &now) && now.QuadPart == 5);
  CHECK_ERROR(ReadFile(file, bytes, 1, &moved, NULL), ERROR_ACCESS_DENIED);
  CloseHandle(file);
  file = make("NUL", OPEN_EXISTING);
  CHECK(file != INVALID_HANDLE_VALUE && WriteFile(file, "x", 1, &moved, NULL) && moved == 1);
  CHECK(ReadFile(file, bytes, 1, &moved, NULL) && moved == 0 && GetFileType(file) == FILE_TYPE_CHAR);
  CloseHandle(file);
}

static void facts(void)
{
  WIN32_FILE_ATTRIBUTE_DATA data;
  BY_HANDLE_FILE_INFORMATION information, other;
  FILETIME created, written;
  char path[64];
  HANDLE file = make("C:\\out\\b.txt", OPEN_EXISTING), again = make("C:\\out\\B.TXT", OPEN_EXISTING);
  CHECK(GetFileAttributesA("C:\\out\\b.txt") == FILE_ATTRIBUTE_ARCHIVE && GetFileAttributesA("C:\\out") == FILE_ATTRIBUTE_DIRECTORY);
  CHECK_ERROR(GetFileAttributesA("C:\\out\\none") != INVALID_FILE_ATTRIBUTES, ERROR_FILE_NOT_FOUND);
  CHECK(GetFileAttributesExA("C:\\out\\b.txt", GetFileExInfoStandard, &data) && data.nFileSizeLow == 5);
  CHECK_ERROR(GetFileAttributesExA("C:\\out\\b.txt", 5, &data), ERROR_INVALID_PARAMETER);
  CHECK(GetFileInformationByHandle(file, &information) && information.nFileSizeLow == 5 && information.nNumberOfLinks == 1);
  CHECK(GetFileInformationByHandle(again, &other) && other.nFileIndexLow == information.nFileIndexLow);
  CHECK(GetFileTime(file, &created, NULL, &written) && created.dwHighDateTime == data.ftCreationTime.dwHighDateTime);
  CHECK(GetFinalPathNameByHandleA(file, path, 64, 0) == 16 && same(path, "\\\\?\\C:\\out\\b.txt"));
  CloseHandle(file);
  CloseHandle(again);
}

static void directories(void)
{
  WIN32_FIND_DATAA found;
  int count = 0;
  CHECK(CreateDirectoryA("C:\\out\\sub", NULL));
  CHECK_ERROR(CreateDirectoryA("C:\\out\\sub", NULL), ERROR_ALREADY_EXISTS);
  CHECK_ERROR(CreateDirectoryA("C:\\out\\no\\sub", NULL), ERROR_PATH_NOT_FOUND);
  CHECK(CopyFileA("C:\\out\\b.txt", "C:\\out\\sub\\c.txt", TRUE));
  CHECK_ERROR(CopyFileA("C:\\out\\b.txt", "C:\\out\\sub\\c.txt", TRUE), ERROR_FILE_EXISTS);
  CHECK(MoveFileA("C:\\out\\sub\\c.txt", "C:\\out\\sub\\Dee.txt"));
  CHECK_ERROR(MoveFileA("C:\\out\\b.txt", "C:\\out\\sub\\Dee.txt"), ERROR_ALREADY_EXISTS);
  CHECK(MoveFileExA("C:\\out\\a.txt", "C:\\out\\sub\\Dee.txt", MOVEFILE_REPLACE_EXISTING));
  CHECK_ERROR(MoveFileA("C:\\out\\a.txt", "C:\\out\\x"), ERROR_FILE_NOT_FOUND);
  HANDLE find = FindFirstFileA("C:\\out\\sub\\*.*", &found);
  CHECK(find != INVALID_HANDLE_VALUE && same(found.cFileName, "."));
  do
    count++;
  while (FindNextFileA(find, &found));
  CHECK(GetLastError() == ERROR_NO_MORE_FILES && count == 3 && same(found.cFileName, "Dee.txt"));
  CHECK(FindClose(find));
  CHECK_ERROR(FindFirstFileA("C:\\out\\*.doc", &found) != INVALID_HANDLE_VALUE, ERROR_FILE_NOT_FOUND);
  CHECK_ERROR(FindFirstFileA("C:\\out\\no\\*", &found) != INVALID_HANDLE_VALUE, ERROR_PATH_NOT_FOUND);
  CHECK_ERROR(RemoveDirectoryA("C:\\out\\sub"), ERROR_DIR_NOT_EMPTY);
  CHECK_ERROR(DeleteFileA("C:\\out\\sub"), ERROR_ACCESS_DENIED);
  CHECK_ERROR(RemoveDirectoryA("C:\\out\\b.txt"), ERROR_DIRECTORY);
  CHECK(DeleteFileA("C:\\out\\sub\\Dee.txt") && RemoveDirectoryA("C:\\out\\sub"));
  CHECK_ERROR(DeleteFileA("C:\\out\\sub\\Dee.txt"), ERROR_PATH_NOT_FOUND);
  CHECK_ERROR(DeleteFileA("C:\\out\\none"), ERROR_FILE_NOT_FOUND);
}

static void paths(void)
{
  char path[300], name[MAX_PATH], *part;
  DWORD length, serial, longest, sectors, bytes, available, total;
  CHECK(GetFullPathNameA("C:\\out\\x\\..\\b.txt", 300, path, &part) == 12 && same(path, "C:\\out\\b.txt") && same(part, "b.txt"));
  CHECK(GetFullPathNameA("C:\\out\\b.txt", 5, path, NULL) == 13);
  CHECK(GetLongPathNameA("c:\\OUT\\B.txt", path, 300) == 12 && same(path + 3, "out\\b.txt"));
  CHECK_ERROR(GetLongPathNameA("C:\\out\\none", path, 300), ERROR_FILE_NOT_FOUND);
  UINT unique = GetTempFileNameA("C:\\out", "tmpx", 0, name);
  CHECK(unique && GetFileAttributesA(name) == FILE_ATTRIBUTE_ARCHIVE && DeleteFileA(name));
  CHECK(GetTempFileNameA("C:\\out", "ab", 0x1F, name) == 0x1F && same(name, "C:\\out\\ab1F.tmp"));
  CHECK_ERROR(GetTempFileNameA("C:\\none", "ab", 0, name), ERROR_DIRECTORY);
  length = GetTempPathA(300, path);
  CHECK(length && path[length - 1] == '\\' && !path[length]);
  CHECK(GetSystemDirectoryA(path, 300) == 19 && same(path, "C:\\windows\\system32") && GetWindowsDirectoryA(path, 3) == 11);
  CHECK(GetDriveTypeA("C:\\") == DRIVE_FIXED && GetDriveTypeA("Q:\\") == DRIVE_NO_ROOT_DIR);
  CHECK(GetVolumeInformationA("C:\\", NULL, 0, &serial, &longest, NULL, path, 300) && longest == 255 && same(path, "NTFS"));
  CHECK(GetDiskFreeSpaceA("C:\\", &sectors, &bytes, &available, &total) && sectors == 8 && bytes == 512 && available <= total);
  CHECK_ERROR(GetDiskFreeSpaceA("Q:\\", &sectors, &bytes, &available, &total), ERROR_PATH_NOT_FOUND);
  CHECK(GetLogicalDrives() & 4);
}

static void pipes(void)
{
  HANDLE reader, writer;
  char bytes[8];
  DWORD moved, left;
  CHECK(CreatePipe(&reader, &writer, NULL, 0) && GetFileType(reader) == FILE_TYPE_PIPE);
  CHECK(PeekNamedPipe(reader, NULL, 0, NULL, &left, NULL) && left == 0);
  CHECK(WriteFile(writer, "hello", 5, &moved, NULL) && moved == 5);
  CHECK(PeekNamedPipe(reader, bytes, 2, &moved, &left, NULL) && moved == 2 && left == 5 && bytes[1] == 'e');
  CHECK(ReadFile(reader, bytes, 8, &moved, NULL) && moved == 5);
  CHECK_ERROR(WriteFile(reader, "x", 1, &moved, NULL), ERROR_ACCESS_DENIED);
  CloseHandle(writer);
  CHECK_ERROR(ReadFile(reader, bytes, 8, &moved, NULL), ERROR_BROKEN_PIPE);
  CloseHandle(reader);
}

static void overlapped_pipes(void)
{
  OVERLAPPED connect = {.Offset = 0}, read = {.Offset = 0}, *done;
  ULONG_PTR key;
  char bytes[8];
  DWORD moved;
  HANDLE server = CreateNamedPipeA("\\\\.\\pipe\\k_file", PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_BYTE, 1, 64, 64, 0, NULL);
  CHECK(server != INVALID_HANDLE_VALUE);
  HANDLE port = CreateIoCompletionPort(server, NULL, 42, 1);
  CHECK(port);
  CHECK_ERROR(ConnectNamedPipe(server, &connect), ERROR_IO_PENDING);
  HANDLE client = CreateFileA("\\\\.\\pipe\\k_file", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
  CHECK(client != INVALID_HANDLE_VALUE);
  CHECK(GetQueuedCompletionStatus(port, &moved, &key, &done, 0) && key == 42 && done == &connect);
  CHECK_ERROR(ReadFile(server, bytes, 8, NULL, &read), ERROR_IO_PENDING);
  CHECK_ERROR(GetOverlappedResult(server, &read, &moved, FALSE), ERROR_IO_INCOMPLETE);
  CHECK(WriteFile(client, "abc", 3, &moved, NULL));
  CHECK(GetQueuedCompletionStatus(port, &moved, &key, &done, 0) && moved == 3 && done == &read && bytes[2] == 'c');
  CHECK(GetOverlappedResult(server, &read, &moved, FALSE) && moved == 3);
  CHECK(PostQueuedCompletionStatus(port, 7, 8, &read) && GetQueuedCompletionStatus(port, &moved, &key, &done, INFINITE) && key == 8);
  CHECK_ERROR(GetQueuedCompletionStatus(port, &moved, &key, &done, 0), WAIT_TIMEOUT);
  CHECK(!done);
  CloseHandle(client), CloseHandle(server), CloseHandle(port);
}

static BOOL WINAPI handler(DWORD event)
{
  (void)event;
  return FALSE;
}

static void console(void)
{
  CONSOLE_SCREEN_BUFFER_INFO info;
  DWORD mode, written;
  HANDLE file = make("C:\\out\\b.txt", OPEN_EXISTING), out;
  CHECK_ERROR(GetConsoleMode(file, &mode), ERROR_INVALID_HANDLE);
  CHECK_ERROR(GetConsoleScreenBufferInfo(file, &info), ERROR_INVALID_HANDLE);
  CloseHandle(file);
  out = CreateFileA("CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
  CHECK(out != INVALID_HANDLE_VALUE && GetConsoleMode(out, &mode) && mode & ENABLE_PROCESSED_OUTPUT);
  CHECK(GetFileType(out) == FILE_TYPE_CHAR && WriteConsoleW(out, L"", 0, &written, NULL) && written == 0);
  CHECK_ERROR(GetConsoleScreenBufferInfo(out, &info), ERROR_INVALID_FUNCTION);
  CloseHandle(out);
  CHECK(GetConsoleOutputCP() == 437 && SetConsoleOutputCP(CP_UTF8) && GetConsoleOutputCP() == CP_UTF8);
  CHECK_ERROR(SetConsoleOutputCP(4711), ERROR_INVALID_PARAMETER);
  CHECK(SetConsoleCtrlHandler(handler, TRUE) && SetConsoleCtrlHandler(handler, FALSE));
  CHECK_ERROR(SetConsoleCtrlHandler(handler, FALSE), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(GetStdHandle(5) != INVALID_HANDLE_VALUE, ERROR_INVALID_HANDLE);
  out = GetStdHandle(STD_ERROR_HANDLE);
  CHECK(SetStdHandle(STD_ERROR_HANDLE, (HANDLE)0x1234) && GetStdHandle(STD_ERROR_HANDLE) == (HANDLE)0x1234);
  CHECK(SetStdHandle(STD_ERROR_HANDLE, out));
}

void checks(void)
{
  opening();
  transfer();
  facts();
  directories();
  paths();
  pipes();
  overlapped_pipes();
  console();
}
