/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the flags and values that arguments of services consist of. */
#include "client/decode.h"

#include <stddef.h>

struct flag {
  ULONG value;
  const char *name;
};
#define F(name, value) {value, #name}
#define END {0, NULL}

/* A set that stands first counts before its parts. */
#define STANDARD_RIGHTS                                                                                                \
  F(STANDARD_RIGHTS_REQUIRED, 0xF0000), F(DELETE, 0x10000), F(READ_CONTROL, 0x20000), F(WRITE_DAC, 0x40000),           \
      F(WRITE_OWNER, 0x80000), F(SYNCHRONIZE, 0x100000), F(MAXIMUM_ALLOWED, 0x2000000), F(GENERIC_ALL, 0x10000000),    \
      F(GENERIC_EXECUTE, 0x20000000), F(GENERIC_WRITE, 0x40000000), F(GENERIC_READ, 0x80000000), END

static const struct flag access[] = {STANDARD_RIGHTS};
static const struct flag access_debug[] = {
    F(DEBUG_ALL_ACCESS, 0x1F000F),        F(DEBUG_READ_EVENT, 0x1),      F(DEBUG_PROCESS_ASSIGN, 0x2),
    F(DEBUG_SET_INFORMATION, 0x4),        F(DEBUG_QUERY_INFORMATION, 0x8), STANDARD_RIGHTS};
static const struct flag access_directory[] = {
    F(DIRECTORY_ALL_ACCESS, 0xF000F),     F(DIRECTORY_QUERY, 0x1), F(DIRECTORY_TRAVERSE, 0x2),
    F(DIRECTORY_CREATE_OBJECT, 0x4),      F(DIRECTORY_CREATE_SUBDIRECTORY, 0x8), STANDARD_RIGHTS};
static const struct flag access_event[] = {F(EVENT_ALL_ACCESS, 0x1F0003), F(EVENT_QUERY_STATE, 0x1),
                                           F(EVENT_MODIFY_STATE, 0x2), STANDARD_RIGHTS};
static const struct flag access_file[] = {
    F(FILE_ALL_ACCESS, 0x1F01FF),    F(FILE_GENERIC_READ, 0x120089), F(FILE_GENERIC_WRITE, 0x120116),
    F(FILE_GENERIC_EXECUTE, 0x1200A0), F(FILE_READ_DATA, 0x1),       F(FILE_WRITE_DATA, 0x2),
    F(FILE_APPEND_DATA, 0x4),        F(FILE_READ_EA, 0x8),           F(FILE_WRITE_EA, 0x10),
    F(FILE_EXECUTE, 0x20),           F(FILE_DELETE_CHILD, 0x40),     F(FILE_READ_ATTRIBUTES, 0x80),
    F(FILE_WRITE_ATTRIBUTES, 0x100), STANDARD_RIGHTS};
static const struct flag access_key[] = {
    F(KEY_ALL_ACCESS, 0xF003F),       F(KEY_READ, 0x20019),      F(KEY_WRITE, 0x20006),
    F(KEY_QUERY_VALUE, 0x1),          F(KEY_SET_VALUE, 0x2),     F(KEY_CREATE_SUB_KEY, 0x4),
    F(KEY_ENUMERATE_SUB_KEYS, 0x8),   F(KEY_NOTIFY, 0x10),       F(KEY_CREATE_LINK, 0x20),
    F(KEY_WOW64_64KEY, 0x100),        F(KEY_WOW64_32KEY, 0x200), STANDARD_RIGHTS};
static const struct flag access_mutant[] = {F(MUTANT_ALL_ACCESS, 0x1F0001), F(MUTANT_QUERY_STATE, 0x1),
                                            STANDARD_RIGHTS};
static const struct flag access_process[] = {
    F(PROCESS_ALL_ACCESS, 0x1FFFFF),      F(PROCESS_ALL_ACCESS, 0x1F0FFF),   F(PROCESS_TERMINATE, 0x1),
    F(PROCESS_CREATE_THREAD, 0x2),        F(PROCESS_SET_SESSIONID, 0x4),     F(PROCESS_VM_OPERATION, 0x8),
    F(PROCESS_VM_READ, 0x10),             F(PROCESS_VM_WRITE, 0x20),         F(PROCESS_DUP_HANDLE, 0x40),
    F(PROCESS_CREATE_PROCESS, 0x80),      F(PROCESS_SET_QUOTA, 0x100),       F(PROCESS_SET_INFORMATION, 0x200),
    F(PROCESS_QUERY_INFORMATION, 0x400),  F(PROCESS_SUSPEND_RESUME, 0x800),
    F(PROCESS_QUERY_LIMITED_INFORMATION, 0x1000), STANDARD_RIGHTS};
static const struct flag access_section[] = {
    F(SECTION_ALL_ACCESS, 0xF001F), F(SECTION_QUERY, 0x1),        F(SECTION_MAP_WRITE, 0x2), F(SECTION_MAP_READ, 0x4),
    F(SECTION_MAP_EXECUTE, 0x8),    F(SECTION_EXTEND_SIZE, 0x10), STANDARD_RIGHTS};
static const struct flag access_semaphore[] = {F(SEMAPHORE_ALL_ACCESS, 0x1F0003), F(SEMAPHORE_QUERY_STATE, 0x1),
                                               F(SEMAPHORE_MODIFY_STATE, 0x2), STANDARD_RIGHTS};
static const struct flag access_thread[] = {
    F(THREAD_ALL_ACCESS, 0x1FFFFF),       F(THREAD_ALL_ACCESS, 0x1F03FF), F(THREAD_TERMINATE, 0x1),
    F(THREAD_SUSPEND_RESUME, 0x2),        F(THREAD_ALERT, 0x4),           F(THREAD_GET_CONTEXT, 0x8),
    F(THREAD_SET_CONTEXT, 0x10),          F(THREAD_SET_INFORMATION, 0x20), F(THREAD_QUERY_INFORMATION, 0x40),
    F(THREAD_SET_THREAD_TOKEN, 0x80),     F(THREAD_IMPERSONATE, 0x100),   F(THREAD_DIRECT_IMPERSONATION, 0x200),
    F(THREAD_SET_LIMITED_INFORMATION, 0x400), F(THREAD_QUERY_LIMITED_INFORMATION, 0x800), STANDARD_RIGHTS};
static const struct flag access_timer[] = {F(TIMER_ALL_ACCESS, 0x1F0003), F(TIMER_QUERY_STATE, 0x1),
                                           F(TIMER_MODIFY_STATE, 0x2), STANDARD_RIGHTS};
static const struct flag access_token[] = {
    F(TOKEN_ALL_ACCESS, 0xF01FF),      F(TOKEN_ASSIGN_PRIMARY, 0x1), F(TOKEN_DUPLICATE, 0x2),
    F(TOKEN_IMPERSONATE, 0x4),         F(TOKEN_QUERY, 0x8),          F(TOKEN_QUERY_SOURCE, 0x10),
    F(TOKEN_ADJUST_PRIVILEGES, 0x20),  F(TOKEN_ADJUST_GROUPS, 0x40), F(TOKEN_ADJUST_DEFAULT, 0x80),
    F(TOKEN_ADJUST_SESSIONID, 0x100),  STANDARD_RIGHTS};
static const struct flag debug_flags[] = {F(DEBUG_KILL_ON_CLOSE, 0x1), END};
static const struct flag duplicate[] = {F(DUPLICATE_CLOSE_SOURCE, 0x1), F(DUPLICATE_SAME_ACCESS, 0x2),
                                        F(DUPLICATE_SAME_ATTRIBUTES, 0x4), END};
static const struct flag file_attributes[] = {
    F(FILE_ATTRIBUTE_READONLY, 0x1),  F(FILE_ATTRIBUTE_HIDDEN, 0x2),   F(FILE_ATTRIBUTE_SYSTEM, 0x4),
    F(FILE_ATTRIBUTE_DIRECTORY, 0x10), F(FILE_ATTRIBUTE_ARCHIVE, 0x20), F(FILE_ATTRIBUTE_NORMAL, 0x80),
    F(FILE_ATTRIBUTE_TEMPORARY, 0x100), END};
static const struct flag file_options[] = {
    F(FILE_DIRECTORY_FILE, 0x1),           F(FILE_WRITE_THROUGH, 0x2),           F(FILE_SEQUENTIAL_ONLY, 0x4),
    F(FILE_NO_INTERMEDIATE_BUFFERING, 0x8), F(FILE_SYNCHRONOUS_IO_ALERT, 0x10),   F(FILE_SYNCHRONOUS_IO_NONALERT, 0x20),
    F(FILE_NON_DIRECTORY_FILE, 0x40),      F(FILE_RANDOM_ACCESS, 0x800),         F(FILE_DELETE_ON_CLOSE, 0x1000),
    F(FILE_OPEN_BY_FILE_ID, 0x2000),       F(FILE_OPEN_FOR_BACKUP_INTENT, 0x4000), F(FILE_OPEN_REPARSE_POINT, 0x200000),
    END};
static const struct flag handle_attributes[] = {
    F(OBJ_PROTECT_CLOSE, 0x1), F(OBJ_INHERIT, 0x2),  F(OBJ_PERMANENT, 0x10), F(OBJ_EXCLUSIVE, 0x20),
    F(OBJ_CASE_INSENSITIVE, 0x40), F(OBJ_OPENIF, 0x80), F(OBJ_OPENLINK, 0x100), F(OBJ_KERNEL_HANDLE, 0x200), END};
static const struct flag mem_allocate[] = {
    F(MEM_COMMIT, 0x1000),     F(MEM_RESERVE, 0x2000),   F(MEM_REPLACE_PLACEHOLDER, 0x4000),
    F(MEM_RESERVE_PLACEHOLDER, 0x40000), F(MEM_RESET, 0x80000),    F(MEM_TOP_DOWN, 0x100000),
    F(MEM_WRITE_WATCH, 0x200000), F(MEM_PHYSICAL, 0x400000), F(MEM_RESET_UNDO, 0x1000000),
    F(MEM_LARGE_PAGES, 0x20000000), END};
static const struct flag mem_free[] = {F(MEM_COALESCE_PLACEHOLDERS, 0x1), F(MEM_PRESERVE_PLACEHOLDER, 0x2),
                                       F(MEM_DECOMMIT, 0x4000), F(MEM_RELEASE, 0x8000), END};
static const struct flag mem_state[] = {F(MEM_COMMIT, 0x1000),    F(MEM_RESERVE, 0x2000), F(MEM_FREE, 0x10000),
                                        F(MEM_PRIVATE, 0x20000), F(MEM_MAPPED, 0x40000), F(MEM_IMAGE, 0x1000000), END};
static const struct flag page[] = {
    F(PAGE_NOACCESS, 0x1), F(PAGE_READONLY, 0x2),      F(PAGE_READWRITE, 0x4),          F(PAGE_WRITECOPY, 0x8),
    F(PAGE_EXECUTE, 0x10), F(PAGE_EXECUTE_READ, 0x20), F(PAGE_EXECUTE_READWRITE, 0x40), F(PAGE_EXECUTE_WRITECOPY, 0x80),
    F(PAGE_GUARD, 0x100),  F(PAGE_NOCACHE, 0x200),     F(PAGE_WRITECOMBINE, 0x400),     END};
static const struct flag process_flags[] = {
    F(PROCESS_CREATE_FLAGS_BREAKAWAY, 0x1),         F(PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT, 0x2),
    F(PROCESS_CREATE_FLAGS_INHERIT_HANDLES, 0x4),   F(PROCESS_CREATE_FLAGS_OVERRIDE_ADDRESS_SPACE, 0x8),
    F(PROCESS_CREATE_FLAGS_LARGE_PAGES, 0x10),      F(PROCESS_CREATE_FLAGS_SUSPENDED, 0x200), END};
static const struct flag section_flags[] = {
    F(SEC_FILE, 0x800000),   F(SEC_IMAGE, 0x1000000),   F(SEC_PROTECTED_IMAGE, 0x2000000), F(SEC_RESERVE, 0x4000000),
    F(SEC_COMMIT, 0x8000000), F(SEC_NOCACHE, 0x10000000), F(SEC_LARGE_PAGES, 0x80000000u),  END};
static const struct flag share[] = {F(FILE_SHARE_READ, 0x1), F(FILE_SHARE_WRITE, 0x2), F(FILE_SHARE_DELETE, 0x4), END};
static const struct flag thread_flags[] = {
    F(THREAD_CREATE_FLAGS_CREATE_SUSPENDED, 0x1),   F(THREAD_CREATE_FLAGS_SKIP_THREAD_ATTACH, 0x2),
    F(THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER, 0x4), F(THREAD_CREATE_FLAGS_LOADER_WORKER, 0x10),
    F(THREAD_CREATE_FLAGS_SKIP_LOADER_INIT, 0x20),  F(THREAD_CREATE_FLAGS_BYPASS_PROCESS_FREEZE, 0x40), END};

static const struct flag class_debug[] = {F(DebugObjectKillProcessOnExitInformation, 1), END};
static const struct flag class_file[] = {
    F(FileDirectoryInformation, 1),    F(FileFullDirectoryInformation, 2),   F(FileBothDirectoryInformation, 3),
    F(FileBasicInformation, 4),        F(FileStandardInformation, 5),        F(FileInternalInformation, 6),
    F(FileEaInformation, 7),           F(FileAccessInformation, 8),          F(FileNameInformation, 9),
    F(FileRenameInformation, 10),      F(FileNamesInformation, 12),          F(FileDispositionInformation, 13),
    F(FilePositionInformation, 14),    F(FileModeInformation, 16),           F(FileAlignmentInformation, 17),
    F(FileAllInformation, 18),         F(FileAllocationInformation, 19),     F(FileEndOfFileInformation, 20),
    F(FileStreamInformation, 22),      F(FilePipeInformation, 23),           F(FilePipeLocalInformation, 24),
    F(FileCompletionInformation, 30),  F(FileNetworkOpenInformation, 34),    F(FileAttributeTagInformation, 35),
    F(FileIdBothDirectoryInformation, 37), F(FileIdFullDirectoryInformation, 38),
    F(FileIoCompletionNotificationInformation, 41), F(FileNormalizedNameInformation, 48), F(FileIsRemoteDeviceInformation, 51), F(FileIdInformation, 59),
    F(FileDispositionInformationEx, 64),
    F(FileRenameInformationEx, 65),    F(FileStatInformation, 68),           END};
static const struct flag class_key[] = {
    F(KeyBasicInformation, 0),  F(KeyNodeInformation, 1),   F(KeyFullInformation, 2),
    F(KeyNameInformation, 3),   F(KeyCachedInformation, 4), F(KeyFlagsInformation, 5), END};
static const struct flag class_memory[] = {
    F(MemoryBasicInformation, 0),          F(MemoryWorkingSetInformation, 1),  F(MemoryMappedFilenameInformation, 2),
    F(MemoryRegionInformation, 3),         F(MemoryWorkingSetExInformation, 4), F(MemorySharedCommitInformation, 5),
    F(MemoryImageInformation, 6),          END};
static const struct flag class_object[] = {
    F(ObjectBasicInformation, 0), F(ObjectNameInformation, 1),       F(ObjectTypeInformation, 2),
    F(ObjectTypesInformation, 3), F(ObjectHandleFlagInformation, 4), END};
static const struct flag class_process[] = {
    F(ProcessBasicInformation, 0),       F(ProcessQuotaLimits, 1),           F(ProcessIoCounters, 2),
    F(ProcessVmCounters, 3),             F(ProcessTimes, 4),                 F(ProcessBasePriority, 5),
    F(ProcessRaisePriority, 6),          F(ProcessDebugPort, 7),             F(ProcessExceptionPort, 8),
    F(ProcessAccessToken, 9),            F(ProcessDefaultHardErrorMode, 12), F(ProcessPriorityClass, 18),
    F(ProcessHandleCount, 20),           F(ProcessAffinityMask, 21),         F(ProcessPriorityBoost, 22),
    F(ProcessDeviceMap, 23),             F(ProcessSessionInformation, 24), F(ProcessForegroundInformation, 25),
     F(ProcessWow64Information, 26),
    F(ProcessImageFileName, 27),         F(ProcessLUIDDeviceMapsEnabled, 28), F(ProcessBreakOnTermination, 29),
    F(ProcessDebugObjectHandle, 30),     F(ProcessDebugFlags, 31),           F(ProcessHandleTracing, 32),
    F(ProcessExecuteFlags, 34),          F(ProcessTlsInformation, 35),       F(ProcessCookie, 36),
    F(ProcessImageInformation, 37),      F(ProcessCycleTime, 38),            F(ProcessPagePriority, 39),
    F(ProcessInstrumentationCallback, 40), F(ProcessThreadStackAllocation, 41),
    F(ProcessImageFileNameWin32, 43),    F(ProcessAffinityUpdateMode, 45),   F(ProcessConsoleHostProcess, 49),
    F(ProcessHandleInformation, 51),     F(ProcessMitigationPolicy, 52),     F(ProcessCommandLineInformation, 60),
    F(ProcessFaultInformation, 63),      F(ProcessManageWritesToExecutableMemory, 83), END};
static const struct flag class_section[] = {F(SectionBasicInformation, 0), F(SectionImageInformation, 1), END};
static const struct flag class_system[] = {
    F(SystemBasicInformation, 0),          F(SystemProcessorInformation, 1),  F(SystemPerformanceInformation, 2),
    F(SystemTimeOfDayInformation, 3),      F(SystemProcessInformation, 5),    F(SystemModuleInformation, 11),
    F(SystemHandleInformation, 16),        F(SystemProcessorPerformanceInformation, 8), F(SystemInterruptInformation, 23),
    F(SystemTimeAdjustmentInformation, 28), F(SystemRegistryQuotaInformation, 37),
    F(SystemKernelDebuggerInformation, 35), F(SystemCurrentTimeZoneInformation, 44), F(SystemSessionProcessInformation, 53),
    F(SystemRangeStartInformation, 50),    F(SystemEmulationBasicInformation, 62), F(SystemEmulationProcessorInformation, 63),
    F(SystemExtendedHandleInformation, 64), F(SystemFirmwareTableInformation, 76),
    F(SystemDynamicTimeZoneInformation, 102), F(SystemCodeIntegrityInformation, 103),
    F(SystemLogicalProcessorInformation, 73), F(SystemLogicalProcessorInformationEx, 107),
    F(SystemKernelDebuggerInformationEx, 149), F(SystemKernelDebuggerFlags, 166), F(SystemCpuSetInformation, 175), END};
static const struct flag class_thread[] = {
    F(ThreadBasicInformation, 0),      F(ThreadTimes, 1),                    F(ThreadPriority, 2),
    F(ThreadBasePriority, 3),          F(ThreadAffinityMask, 4),             F(ThreadImpersonationToken, 5),
    F(ThreadQuerySetWin32StartAddress, 9), F(ThreadZeroTlsCell, 10),         F(ThreadAmILastThread, 12),
    F(ThreadIdealProcessor, 13),       F(ThreadPriorityBoost, 14),           F(ThreadIsIoPending, 16),
    F(ThreadHideFromDebugger, 17),     F(ThreadBreakOnTermination, 18),      F(ThreadIsTerminated, 20),
    F(ThreadDescriptorTableEntry, 6),  F(ThreadSuspendCount, 35),            F(ThreadGroupInformation, 30),
    F(ThreadWow64Context, 29),         F(ThreadNameInformation, 38),         F(ThreadDynamicCodePolicyInfo, 42), END};
static const struct flag class_token[] = {
    F(TokenUser, 1),             F(TokenGroups, 2),        F(TokenPrivileges, 3),  F(TokenOwner, 4),
    F(TokenPrimaryGroup, 5),     F(TokenDefaultDacl, 6),   F(TokenSource, 7),      F(TokenType, 8),
    F(TokenImpersonationLevel, 9), F(TokenStatistics, 10), F(TokenSessionId, 12),  F(TokenElevationType, 18),
    F(TokenLinkedToken, 19),     F(TokenElevation, 20),    F(TokenIntegrityLevel, 25), F(TokenUIAccess, 26),
    F(TokenIsAppContainer, 29),  END};
static const struct flag class_value[] = {F(KeyValueBasicInformation, 0), F(KeyValueFullInformation, 1),
                                          F(KeyValuePartialInformation, 2), F(KeyValueFullInformationAlign64, 3),
                                          F(KeyValuePartialInformationAlign64, 4), END};
static const struct flag class_volume[] = {
    F(FileFsVolumeInformation, 1),   F(FileFsLabelInformation, 2),   F(FileFsSizeInformation, 3),
    F(FileFsDeviceInformation, 4),   F(FileFsAttributeInformation, 5), F(FileFsControlInformation, 6),
    F(FileFsFullSizeInformation, 7), F(FileFsObjectIdInformation, 8), F(FileFsSectorSizeInformation, 11), END};
static const struct flag disposition[] = {F(FILE_SUPERSEDE, 0), F(FILE_OPEN, 1),      F(FILE_CREATE, 2),
                                          F(FILE_OPEN_IF, 3),   F(FILE_OVERWRITE, 4), F(FILE_OVERWRITE_IF, 5), END};
static const struct flag event_type[] = {F(NotificationEvent, 0), F(SynchronizationEvent, 1), END};
static const struct flag timer_type[] = {F(NotificationTimer, 0), F(SynchronizationTimer, 1), END};
static const struct flag view[] = {F(ViewShare, 1), F(ViewUnmap, 2), END};
static const struct flag wait_type[] = {F(WaitAll, 0), F(WaitAny, 1), END};

#undef F
static const struct {
  const struct flag *names;
  bool one_of; /**< the value is one of them, not a set */
} tables[ARGUMENT_KINDS] = {
    [ARGUMENT_ACCESS] = {access, false},
    [ARGUMENT_ACCESS_DEBUG] = {access_debug, false},
    [ARGUMENT_ACCESS_DIRECTORY] = {access_directory, false},
    [ARGUMENT_ACCESS_EVENT] = {access_event, false},
    [ARGUMENT_ACCESS_FILE] = {access_file, false},
    [ARGUMENT_ACCESS_KEY] = {access_key, false},
    [ARGUMENT_ACCESS_MUTANT] = {access_mutant, false},
    [ARGUMENT_ACCESS_PROCESS] = {access_process, false},
    [ARGUMENT_ACCESS_SECTION] = {access_section, false},
    [ARGUMENT_ACCESS_SEMAPHORE] = {access_semaphore, false},
    [ARGUMENT_ACCESS_THREAD] = {access_thread, false},
    [ARGUMENT_ACCESS_TIMER] = {access_timer, false},
    [ARGUMENT_ACCESS_TOKEN] = {access_token, false},
    [ARGUMENT_DEBUG_FLAGS] = {debug_flags, false},
    [ARGUMENT_DUPLICATE] = {duplicate, false},
    [ARGUMENT_FILE_ATTRIBUTES] = {file_attributes, false},
    [ARGUMENT_FILE_OPTIONS] = {file_options, false},
    [ARGUMENT_HANDLE_ATTRIBUTES] = {handle_attributes, false},
    [ARGUMENT_MEM_ALLOCATE] = {mem_allocate, false},
    [ARGUMENT_MEM_FREE] = {mem_free, false},
    [ARGUMENT_MEM_STATE] = {mem_state, false},
    [ARGUMENT_PAGE] = {page, false},
    [ARGUMENT_OUT_PAGE] = {page, false},
    [ARGUMENT_PROCESS_FLAGS] = {process_flags, false},
    [ARGUMENT_SECTION_FLAGS] = {section_flags, false},
    [ARGUMENT_SHARE] = {share, false},
    [ARGUMENT_THREAD_FLAGS] = {thread_flags, false},
    [ARGUMENT_CLASS_DEBUG] = {class_debug, true},
    [ARGUMENT_CLASS_FILE] = {class_file, true},
    [ARGUMENT_CLASS_KEY] = {class_key, true},
    [ARGUMENT_CLASS_MEMORY] = {class_memory, true},
    [ARGUMENT_CLASS_OBJECT] = {class_object, true},
    [ARGUMENT_CLASS_PROCESS] = {class_process, true},
    [ARGUMENT_CLASS_SECTION] = {class_section, true},
    [ARGUMENT_CLASS_SYSTEM] = {class_system, true},
    [ARGUMENT_CLASS_THREAD] = {class_thread, true},
    [ARGUMENT_CLASS_TOKEN] = {class_token, true},
    [ARGUMENT_CLASS_VALUE] = {class_value, true},
    [ARGUMENT_CLASS_VOLUME] = {class_volume, true},
    [ARGUMENT_DISPOSITION] = {disposition, true},
    [ARGUMENT_EVENT_TYPE] = {event_type, true},
    [ARGUMENT_TIMER_TYPE] = {timer_type, true},
    [ARGUMENT_VIEW] = {view, true},
    [ARGUMENT_WAIT_TYPE] = {wait_type, true},
};

static void put_flags(struct decode_text *text, const struct flag *names, ULONG value)
{
  const char *separator = "";
  for (const struct flag *f = names; f->name; f++) {
    if ((value & f->value) != f->value)
      continue;
    decode_format(text, "%s%s", separator, f->name);
    separator = "|";
    value &= ~f->value;
  }
  if (value)
    decode_format(text, "%s0x%x", separator, value);
  else if (!*separator)
    decode_put(text, "0");
}

bool decode_named(struct decode_text *text, enum service_argument_kind kind, ULONG64 value)
{
  const struct flag *names = kind < ARGUMENT_KINDS ? tables[kind].names : NULL;
  if (!names)
    return false;
  if (!tables[kind].one_of) {
    put_flags(text, names, (ULONG)value);
    return true;
  }
  for (const struct flag *f = names; f->name; f++) {
    if (f->value == (ULONG)value) {
      decode_put(text, f->name);
      return true;
    }
  }
  decode_format(text, "%u", (ULONG)value);
  return true;
}
