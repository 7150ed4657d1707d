/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_file.h  Services on files: opening, transfer, information, directories. */
#ifndef NTOS_SVC_SVC_FILE_H
#define NTOS_SVC_SVC_FILE_H

#include "ntos/svc/svc.h"

extern const struct svc_entry svc_file_table[];
extern const struct svc_entry svc_file_information_table[];
extern const struct svc_entry svc_device_table[];
extern const struct svc_entry svc_directory_table[];

/** Opens or creates a file or directory; the status block's Information says which (FILE_OPENED...). Statuses of
 *  IoCreateFile; STATUS_INVALID_PARAMETER for options that contradict each other. */
NTSTATUS NtCreateFile(ULONG64 FileHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG64 IoStatusBlock,
                      ULONG64 AllocationSize, ULONG FileAttributes, ULONG ShareAccess, ULONG CreateDisposition,
                      ULONG CreateOptions, ULONG64 EaBuffer, ULONG EaLength);
/** NtCreateFile with FILE_OPEN. */
NTSTATUS NtOpenFile(ULONG64 FileHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG64 IoStatusBlock,
                    ULONG ShareAccess, ULONG OpenOptions);
/** Reads; STATUS_END_OF_FILE, STATUS_PIPE_BROKEN, STATUS_INVALID_DEVICE_REQUEST (directory). */
NTSTATUS NtReadFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext, ULONG64 IoStatusBlock,
                    ULONG64 Buffer, ULONG Length, ULONG64 ByteOffset, ULONG64 Key);
/** Writes; STATUS_DISK_FULL, STATUS_MEDIA_WRITE_PROTECTED. */
NTSTATUS NtWriteFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext, ULONG64 IoStatusBlock,
                     ULONG64 Buffer, ULONG Length, ULONG64 ByteOffset, ULONG64 Key);
/** Nothing is buffered: checks its parameters only. */
NTSTATUS NtFlushBuffersFile(HANDLE FileHandle, ULONG64 IoStatusBlock);
/** Deletes by name. */
NTSTATUS NtDeleteFile(ULONG64 ObjectAttributes);
/** Byte-range locks are granted to everybody: no two processes of a machine were seen to contend. */
NTSTATUS NtLockFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext, ULONG64 IoStatusBlock,
                    ULONG64 ByteOffset, ULONG64 Length, ULONG Key, BOOLEAN FailImmediately, BOOLEAN ExclusiveLock);
/** Takes a lock back. */
NTSTATUS NtUnlockFile(HANDLE FileHandle, ULONG64 IoStatusBlock, ULONG64 ByteOffset, ULONG64 Length, ULONG Key);
/** Of pipes: listen, disconnect, peek. All others STATUS_INVALID_DEVICE_REQUEST. */
NTSTATUS NtFsControlFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext,
                         ULONG64 IoStatusBlock, ULONG FsControlCode, ULONG64 InputBuffer, ULONG InputBufferLength,
                         ULONG64 OutputBuffer, ULONG OutputBufferLength);
/** Console mode and output (the control codes of the console driver that Wine's kernelbase uses); all others
 *  STATUS_INVALID_DEVICE_REQUEST, or STATUS_OBJECT_TYPE_MISMATCH for a console code on something else. */
NTSTATUS NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext,
                               ULONG64 IoStatusBlock, ULONG IoControlCode, ULONG64 InputBuffer,
                               ULONG InputBufferLength, ULONG64 OutputBuffer, ULONG OutputBufferLength);
/** Cancels what the caller's thread has pending (on a pipe). */
NTSTATUS NtCancelIoFile(HANDLE FileHandle, ULONG64 IoStatusBlock);
/** Cancels the request with that status block, or all of the process. STATUS_NOT_FOUND: no such request is pending. */
NTSTATUS NtCancelIoFileEx(HANDLE FileHandle, ULONG64 IoRequestToCancel, ULONG64 IoStatusBlock);
/** STATUS_NOT_FOUND: no request is pending. */
NTSTATUS NtCancelSynchronousIoFile(HANDLE ThreadHandle, ULONG64 IoRequestToCancel, ULONG64 IoStatusBlock);

/** STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH, STATUS_BUFFER_OVERFLOW (a name was cut). */
NTSTATUS NtQueryInformationFile(HANDLE FileHandle, ULONG64 IoStatusBlock, ULONG64 FileInformation, ULONG Length,
                                ULONG FileInformationClass);
/** Position, end of file, allocation, basic facts (accepted, not kept), disposition, rename. */
NTSTATUS NtSetInformationFile(HANDLE FileHandle, ULONG64 IoStatusBlock, ULONG64 FileInformation, ULONG Length,
                              ULONG FileInformationClass);
/** FILE_BASIC_INFORMATION by name. */
NTSTATUS NtQueryAttributesFile(ULONG64 ObjectAttributes, ULONG64 FileInformation);
/** FILE_NETWORK_OPEN_INFORMATION by name. */
NTSTATUS NtQueryFullAttributesFile(ULONG64 ObjectAttributes, ULONG64 FileInformation);
/** Facts of the volume; for devices FileFsDeviceInformation only. */
NTSTATUS NtQueryVolumeInformationFile(HANDLE FileHandle, ULONG64 IoStatusBlock, ULONG64 FsInformation, ULONG Length,
                                      ULONG FsInformationClass);
/** Names of a directory. STATUS_NO_MORE_FILES, STATUS_NO_SUCH_FILE, STATUS_BUFFER_OVERFLOW. */
NTSTATUS NtQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext,
                              ULONG64 IoStatusBlock, ULONG64 FileInformation, ULONG Length,
                              ULONG FileInformationClass, BOOLEAN ReturnSingleEntry, ULONG64 FileName,
                              BOOLEAN RestartScan);

#endif
