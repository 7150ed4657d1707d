/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drives and volumes. */
#include "filep.h"

/* A root directory's name; NULL is that of the current drive. FALSE: a drive letter without a backslash, or no memory. */
static NTSTATUS open_root(PCWSTR root, HANDLE *handle)
{
  WCHAR current[4] = L"C:\\";
  if (!root) {
    UNICODE_STRING *path = &NtCurrentPeb()->ProcessParameters->CurrentDirectory.DosPath;
    if (path->Length >= 4 && path->Buffer[1] == ':')
      current[0] = path->Buffer[0];
    root = current;
  }
  return base_open(root, FILE_READ_ATTRIBUTES, FILE_DIRECTORY_FILE | FILE_OPEN_FOR_BACKUP_INTENT, handle);
}

UINT WINAPI GetDriveTypeW(LPCWSTR lpRootPathName)
{
  struct {
    ULONG DeviceType, Characteristics;
  } device;
  IO_STATUS_BLOCK io;
  HANDLE root;
  if (!NT_SUCCESS(open_root(lpRootPathName, &root)))
    return DRIVE_NO_ROOT_DIR;
  NTSTATUS status = NtQueryVolumeInformationFile(root, &io, &device, sizeof device, FileFsDeviceInformation);
  NtClose(root);
  if (!NT_SUCCESS(status))
    return DRIVE_UNKNOWN;
  return device.DeviceType == FILE_DEVICE_DISK ? DRIVE_FIXED : DRIVE_UNKNOWN;
}

UINT WINAPI GetDriveTypeA(LPCSTR lpRootPathName)
{
  PWSTR root;
  if (!base_wide_copy(lpRootPathName, &root))
    return DRIVE_UNKNOWN;
  UINT type = GetDriveTypeW(root);
  base_free(root);
  return type;
}

struct volume_size {
  LARGE_INTEGER total, available;
  ULONG sectors, bytes;
};

static BOOL query_size(PCWSTR path, struct volume_size *size)
{
  IO_STATUS_BLOCK io;
  HANDLE root;
  NTSTATUS status = open_root(path, &root);
  if (NT_SUCCESS(status)) {
    status = NtQueryVolumeInformationFile(root, &io, size, sizeof *size, FileFsSizeInformation);
    NtClose(root);
  }
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI GetDiskFreeSpaceW(LPCWSTR lpRootPathName, LPDWORD lpSectorsPerCluster, LPDWORD lpBytesPerSector,
                                 LPDWORD lpNumberOfFreeClusters, LPDWORD lpTotalNumberOfClusters)
{
  struct volume_size size;
  if (!query_size(lpRootPathName, &size))
    return FALSE;
  if (lpSectorsPerCluster)
    *lpSectorsPerCluster = size.sectors;
  if (lpBytesPerSector)
    *lpBytesPerSector = size.bytes;
  if (lpNumberOfFreeClusters)
    *lpNumberOfFreeClusters = size.available.LowPart;
  if (lpTotalNumberOfClusters)
    *lpTotalNumberOfClusters = size.total.LowPart;
  return TRUE;
}

WINBOOL WINAPI GetDiskFreeSpaceA(LPCSTR lpRootPathName, LPDWORD lpSectorsPerCluster, LPDWORD lpBytesPerSector,
                                 LPDWORD lpNumberOfFreeClusters, LPDWORD lpTotalNumberOfClusters)
{
  PWSTR root;
  if (!base_wide_copy(lpRootPathName, &root))
    return FALSE;
  BOOL done = GetDiskFreeSpaceW(root, lpSectorsPerCluster, lpBytesPerSector, lpNumberOfFreeClusters, lpTotalNumberOfClusters);
  base_free(root);
  return done;
}

WINBOOL WINAPI GetDiskFreeSpaceExW(LPCWSTR lpDirectoryName, PULARGE_INTEGER lpFreeBytesAvailableToCaller,
                                   PULARGE_INTEGER lpTotalNumberOfBytes, PULARGE_INTEGER lpTotalNumberOfFreeBytes)
{
  struct volume_size size;
  if (!query_size(lpDirectoryName, &size))
    return FALSE;
  ULONGLONG cluster = (ULONGLONG)size.sectors * size.bytes;
  if (lpFreeBytesAvailableToCaller)
    lpFreeBytesAvailableToCaller->QuadPart = (ULONGLONG)size.available.QuadPart * cluster;
  if (lpTotalNumberOfBytes)
    lpTotalNumberOfBytes->QuadPart = (ULONGLONG)size.total.QuadPart * cluster;
  if (lpTotalNumberOfFreeBytes)
    lpTotalNumberOfFreeBytes->QuadPart = (ULONGLONG)size.available.QuadPart * cluster;
  return TRUE;
}

WINBOOL WINAPI GetDiskFreeSpaceExA(LPCSTR lpDirectoryName, PULARGE_INTEGER lpFreeBytesAvailableToCaller,
                                   PULARGE_INTEGER lpTotalNumberOfBytes, PULARGE_INTEGER lpTotalNumberOfFreeBytes)
{
  PWSTR name;
  if (!base_wide_copy(lpDirectoryName, &name))
    return FALSE;
  BOOL done = GetDiskFreeSpaceExW(name, lpFreeBytesAvailableToCaller, lpTotalNumberOfBytes, lpTotalNumberOfFreeBytes);
  base_free(name);
  return done;
}

struct volume_facts {
  LARGE_INTEGER created;
  ULONG serial, label_length;
  UCHAR objects;
  WCHAR label[33];
};
struct system_facts {
  ULONG attributes, longest_name, name_length;
  WCHAR name[32];
};

static BOOL query_volume(PCWSTR root, struct volume_facts *volume, struct system_facts *system)
{
  IO_STATUS_BLOCK io;
  HANDLE handle;
  NTSTATUS status = open_root(root, &handle);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  status = NtQueryVolumeInformationFile(handle, &io, volume, sizeof *volume, FileFsVolumeInformation);
  if (NT_SUCCESS(status))
    status = NtQueryVolumeInformationFile(handle, &io, system, sizeof *system, FileFsAttributeInformation);
  NtClose(handle);
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI GetVolumeInformationW(LPCWSTR lpRootPathName, LPWSTR lpVolumeNameBuffer, DWORD nVolumeNameSize,
                                     LPDWORD lpVolumeSerialNumber, LPDWORD lpMaximumComponentLength, LPDWORD lpFileSystemFlags,
                                     LPWSTR lpFileSystemNameBuffer, DWORD nFileSystemNameSize)
{
  struct volume_facts volume;
  struct system_facts system;
  if (!query_volume(lpRootPathName, &volume, &system))
    return FALSE;
  if ((lpVolumeNameBuffer && base_wide_fill(volume.label, volume.label_length / 2, lpVolumeNameBuffer, nVolumeNameSize) >
                                 volume.label_length / 2) ||
      (lpFileSystemNameBuffer && base_wide_fill(system.name, system.name_length / 2, lpFileSystemNameBuffer, nFileSystemNameSize) >
                                     system.name_length / 2))
    return base_fail(ERROR_BAD_LENGTH);
  if (lpVolumeSerialNumber)
    *lpVolumeSerialNumber = volume.serial;
  if (lpMaximumComponentLength)
    *lpMaximumComponentLength = system.longest_name;
  if (lpFileSystemFlags)
    *lpFileSystemFlags = system.attributes;
  return TRUE;
}

WINBOOL WINAPI GetVolumeInformationA(LPCSTR lpRootPathName, LPSTR lpVolumeNameBuffer, DWORD nVolumeNameSize,
                                     LPDWORD lpVolumeSerialNumber, LPDWORD lpMaximumComponentLength, LPDWORD lpFileSystemFlags,
                                     LPSTR lpFileSystemNameBuffer, DWORD nFileSystemNameSize)
{
  WCHAR label[MAX_PATH], name[MAX_PATH];
  PWSTR root;
  if (!base_wide_copy(lpRootPathName, &root))
    return FALSE;
  BOOL done = GetVolumeInformationW(root, label, MAX_PATH, lpVolumeSerialNumber, lpMaximumComponentLength, lpFileSystemFlags, name,
                                    MAX_PATH);
  base_free(root);
  if (!done)
    return FALSE;
  if ((lpVolumeNameBuffer && base_narrow_fill(label, base_length(label), lpVolumeNameBuffer, nVolumeNameSize) > base_length(label)) ||
      (lpFileSystemNameBuffer &&
       base_narrow_fill(name, base_length(name), lpFileSystemNameBuffer, nFileSystemNameSize) > base_length(name)))
    return base_fail(ERROR_BAD_LENGTH);
  return TRUE;
}

DWORD WINAPI GetLogicalDrives(void)
{
  WCHAR root[4] = L"A:\\";
  DWORD drives = 0;
  for (ULONG i = 0; i < 26; i++) {
    root[0] = (WCHAR)('A' + i);
    if (GetDriveTypeW(root) != DRIVE_NO_ROOT_DIR)
      drives |= 1u << i;
  }
  return drives;
}

DWORD WINAPI GetLogicalDriveStringsW(DWORD nBufferLength, LPWSTR lpBuffer)
{
  WCHAR list[26 * 4 + 1];
  DWORD drives = GetLogicalDrives(), length = 0;
  for (ULONG i = 0; i < 26; i++)
    if (drives & 1u << i) {
      const WCHAR root[4] = {(WCHAR)('A' + i), ':', '\\', 0};
      memcpy(list + length, root, sizeof root);
      length += 4;
    }
  return base_wide_fill(list, length, lpBuffer, nBufferLength);
}

DWORD WINAPI GetLogicalDriveStringsA(DWORD nBufferLength, LPSTR lpBuffer)
{
  WCHAR list[26 * 4 + 1];
  DWORD length = GetLogicalDriveStringsW(ARRAYSIZE(list), list);
  return base_narrow_fill(list, length, lpBuffer, nBufferLength);
}
