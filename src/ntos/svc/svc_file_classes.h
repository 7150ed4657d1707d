/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_file_classes.h  Numbers and structures of file information that queries and changes share. */
#ifndef NTOS_SVC_SVC_FILE_CLASSES_H
#define NTOS_SVC_SVC_FILE_CLASSES_H

#include <dbgksim/nttypes.h>

enum file_class {
  FileBasicInformation = 4,
  FileStandardInformation = 5,
  FileInternalInformation = 6,
  FileEaInformation = 7,
  FileAccessInformation = 8,
  FileNameInformation = 9,
  FileRenameInformation = 10,
  FileDispositionInformation = 13,
  FilePositionInformation = 14,
  FileModeInformation = 16,
  FileAlignmentInformation = 17,
  FileAllInformation = 18,
  FileAllocationInformation = 19,
  FileEndOfFileInformation = 20,
  FileCompletionInformation = 30,
  FileNetworkOpenInformation = 34,
  FileAttributeTagInformation = 35,
  FileNormalizedNameInformation = 48,
  FileIsRemoteDeviceInformation = 51,
  FileIdInformation = 59,
  FileDispositionInformationEx = 64,
  FileRenameInformationEx = 65
};

typedef struct _FILE_BASIC_INFORMATION {
  LONG64 CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
  ULONG FileAttributes;
  ULONG Reserved;
} FILE_BASIC_INFORMATION;
C_ASSERT_SIZE(FILE_BASIC_INFORMATION, 0x28);

#endif
