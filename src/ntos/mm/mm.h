/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file mm.h  Address ranges (VADs), page protection, sections, faults, and the only ways kernel code touches user
 *  memory. MmAccessFault and the mm_user_* functions return an NTSTATUS and never switch threads. */
#ifndef NTOS_MM_MM_H
#define NTOS_MM_MM_H

#include "emu/emu.h"
#include "loader/loader.h"
#include "ntos/inc/pcr.h"

#define MM_ALLOCATION_GRANULARITY 0x10000ull
#define MM_LOWEST_USER_ADDRESS 0x10000ull
#define MM_HIGHEST_USER_ADDRESS 0x7FFFFFFEFFFFull
#define MM_SHARED_USER_DATA_VA 0x7FFE0000ull

struct mm_config {
  uint64_t commit_limit; /**< bytes per machine; 0: 2 GB */
};

/** Sets up mm: the Section type, the KUSER_SHARED_DATA page (contents are ps's). False: no memory. */
bool MmInitSystem(const struct mm_config *config);
/** Gives back descriptors and cached images. */
void MmShutdownSystem(void);
/** Host address of the KUSER_SHARED_DATA page (4096 bytes, shared by all processes). */
UCHAR *mm_shared_user_data(void);

/* ---- sections ---- */

/** A file as mm sees it: its bytes, or where data sections read them page by page, each at its first touch. */
struct mm_file_source {
  void *file_object;   /**< FILE_OBJECT kept referenced by the section; NULL for page-file backed */
  const char *path;    /**< NT path for names, e.g. \??\C:\windows\system32\ntdll.dll */
  uint64_t identity;   /**< of the host file: same identity and size, same image (cache key); 0: do not cache */
  const void *bytes;   /**< the file's content, read by the caller; may be freed after the call. NULL, for data sections
                            only: it is read from file_object */
  void **malloced;     /**< where the caller has the malloc'ed `bytes`: a section may keep them and leave NULL. May be
                            NULL: what is kept is copied */
  uint64_t size;
};

/** Body of a Section object. */
typedef struct _SECTION {
  ULONG64 SizeOfSection;
  ULONG AllocationAttributes; /**< SEC_IMAGE, SEC_COMMIT, SEC_RESERVE, SEC_FILE */
  ULONG InitialPageProtection;
  void *FileObject;            /**< referenced, or NULL */
  char *path;                  /**< NT path of the file, pool; NULL if none */
  struct mm_control_area *control_area; /**< shared by sections of one file */
} SECTION;

/** Creates a Section object (one reference, no handle).
 *  @param source  NULL: page-file backed
 *  @return the statuses of pe_check for SEC_IMAGE; STATUS_INVALID_PAGE_PROTECTION, STATUS_INVALID_PARAMETER,
 *  STATUS_SECTION_TOO_BIG, STATUS_COMMITMENT_LIMIT, STATUS_MAPPED_FILE_SIZE_ZERO, STATUS_NO_MEMORY */
NTSTATUS MmCreateSection(SECTION **Section, const struct mm_file_source *source, ULONG64 MaximumSize,
                         ULONG PageProtection, ULONG AllocationAttributes);
/** Headers of an image section, NULL for a data section. */
const struct pe_headers *mm_section_headers(const SECTION *Section);
/** NT path of the section's file, NULL if none. */
const char *mm_section_path(const SECTION *Section);
/** Laid-out image bytes (unrelocated, read-only) of an image section, for export look-ups; size_of_image long. */
const void *mm_section_image(const SECTION *Section);
/** File bytes of an image section (for pe_facts_get); NULL for others. */
const void *mm_section_file_bytes(const SECTION *Section, size_t *size);

/** Maps a view. *Base and *ViewSize as for NtMapViewOfSection (0: mm chooses / whole).
 *  @return STATUS_SUCCESS; STATUS_IMAGE_NOT_AT_BASE (mapped elsewhere, not relocated);
 *  STATUS_CONFLICTING_ADDRESSES, STATUS_INVALID_VIEW_SIZE, STATUS_SECTION_PROTECTION, STATUS_NO_MEMORY... */
NTSTATUS MmMapViewOfSection(SECTION *Section, EPROCESS *Process, ULONG64 *Base, ULONG64 ZeroBits, ULONG64 CommitSize,
                            LONG64 *SectionOffset, ULONG64 *ViewSize, ULONG AllocationType, ULONG Protect);
/** Unmaps the view that contains Base. STATUS_NOT_MAPPED_VIEW.
 *  @param image_base  receives the base if it was an image view, else 0; may be NULL */
NTSTATUS MmUnmapViewOfSection(EPROCESS *Process, ULONG64 Base, ULONG64 *image_base);
/** Section mapped at `va`, referenced; NULL if none. *base (may be NULL) receives the view's base. */
SECTION *mm_section_at(EPROCESS *Process, ULONG64 va, ULONG64 *base);

/* ---- files that are mapped ---- */

/** Shows what programs wrote to a file in the pages of its data sections. */
void mm_file_written(ULONG64 identity, ULONG64 offset, const void *bytes, size_t size);
/** False if a data section has bytes of the file behind NewFileSize. */
bool MmCanFileBeTruncated(ULONG64 identity, ULONG64 NewFileSize);

/* ---- snapshots ---- */

/** The bytes of sections that can be stored to, and KUSER_SHARED_DATA, at some moment. */
struct mm_snapshot;
/** NULL: no memory. */
struct mm_snapshot *mm_snapshot_take(void);
/** Copies back what may have changed; before the pool is restored. False: no memory. */
bool mm_snapshot_restore(struct mm_snapshot *snapshot);
/** NULL is allowed. */
void mm_snapshot_drop(struct mm_snapshot *snapshot);

/* ---- address spaces ---- */

/** Gives a process an empty address space with KUSER_SHARED_DATA mapped. */
NTSTATUS MmCreateProcessAddressSpace(EPROCESS *Process);
/** Frees all memory of a process that ends, in its last thread; what was counted stays to be asked for. */
void MmCleanProcessAddressSpace(EPROCESS *Process);
/** Frees what the former left; all, if it was not called. */
void MmDeleteProcessAddressSpace(EPROCESS *Process);

/* The bodies of the memory services, on kernel copies of the arguments; user pointers were captured by svc. */
NTSTATUS MmAllocateVirtualMemory(EPROCESS *Process, ULONG64 *Base, ULONG64 ZeroBits, ULONG64 *RegionSize,
                                 ULONG AllocationType, ULONG Protect);
NTSTATUS MmFreeVirtualMemory(EPROCESS *Process, ULONG64 *Base, ULONG64 *RegionSize, ULONG FreeType);
NTSTATUS MmProtectVirtualMemory(EPROCESS *Process, ULONG64 *Base, ULONG64 *RegionSize, ULONG NewProtect,
                                ULONG *OldProtect);
/** MemoryBasicInformation. STATUS_INVALID_PARAMETER above the highest user address. */
NTSTATUS MmQueryVirtualMemory(EPROCESS *Process, ULONG64 Address, MEMORY_BASIC_INFORMATION64 *Information);
/** Allocates a user stack with guard page as NtCreateThreadEx does; 0 sizes: the image's. */
NTSTATUS MmCreateUserStack(EPROCESS *Process, ULONG64 reserve, ULONG64 commit, ULONG64 *allocation_base,
                           ULONG64 *stack_base, ULONG64 *stack_limit);
/** Bytes committed, peak, and of virtual size, for information classes and limits. */
void mm_process_sizes(const EPROCESS *Process, ULONG64 *committed, ULONG64 *peak, ULONG64 *virtual_size);
/** Committed bytes of the whole machine. */
ULONG64 mm_committed(void);

/* ---- faults ---- */

enum mm_access { MM_READ, MM_WRITE, MM_EXECUTE };
/** Resolves a fault of the current process or says which exception it is (spec/1.1 vector 14).
 *  @return STATUS_SUCCESS: retry the instruction; STATUS_ACCESS_VIOLATION, STATUS_GUARD_PAGE_VIOLATION (the page loses
 *  PAGE_GUARD), STATUS_STACK_OVERFLOW; any other status: STATUS_IN_PAGE_ERROR, with that status as third parameter:
 *  STATUS_END_OF_FILE (the section's file ends before the page by now), STATUS_IO_DEVICE_ERROR, STATUS_COMMITMENT_LIMIT
 *  (of the copy of a write-copy page), STATUS_NO_MEMORY */
NTSTATUS MmAccessFault(EPROCESS *Process, ULONG64 Address, enum mm_access Access);
/** True for those other statuses. */
static inline bool mm_fault_is_in_page_error(NTSTATUS status)
{
  return status != STATUS_SUCCESS && status != STATUS_ACCESS_VIOLATION && status != STATUS_GUARD_PAGE_VIOLATION &&
         status != STATUS_STACK_OVERFLOW;
}

/* ---- kernel access to user memory; of the *current* process unless named ---- */

/** Copies in or out. All of [address, +size) is checked (user range, committed, protection; guard pages and
 *  write-copy pages act as for user code) before the first byte moves.
 *  In a native process it is memcpy on host addresses.
 *  @return STATUS_ACCESS_VIOLATION, STATUS_GUARD_PAGE_VIOLATION, STATUS_STACK_OVERFLOW, STATUS_IN_PAGE_ERROR;
 *  STATUS_DATATYPE_MISALIGNMENT from the probes with an alignment */
NTSTATUS mm_user_read(void *to, ULONG64 address, size_t size);
NTSTATUS mm_user_write(ULONG64 address, const void *from, size_t size);
/** Probe-and-copy of aligned scalars. */
NTSTATUS mm_user_read_u32(ULONG64 address, ULONG *value);
NTSTATUS mm_user_read_u64(ULONG64 address, ULONG64 *value);
NTSTATUS mm_user_write_u32(ULONG64 address, ULONG value);
NTSTATUS mm_user_write_u64(ULONG64 address, ULONG64 value);
/** Checks that a range may be written (alignment 1, 2, 4, 8) without writing. */
NTSTATUS ProbeForWrite(ULONG64 address, size_t size, ULONG alignment);
NTSTATUS ProbeForRead(ULONG64 address, size_t size, ULONG alignment);
/** Captures a UNICODE_STRING64 as pool-allocated NUL-terminated UTF-16 (free with ExFreePool).
 *  STATUS_OBJECT_NAME_INVALID for an odd length. */
NTSTATUS mm_user_read_string(ULONG64 unicode_string, WCHAR **text, USHORT *bytes);
/** The same as pool-allocated UTF-8. */
NTSTATUS mm_user_read_utf8(ULONG64 unicode_string, char **text);

/** Copies between a kernel buffer and any process's memory, for NtReadVirtualMemory and the kernel itself. Page
 *  protection for *reads* is honoured; writes by a debugger go to read-only executable pages too (copy-on-write), with
 *  translations dropped. *done (may be NULL) receives the bytes moved before the first bad page.
 *  STATUS_ACCESS_DENIED for a native process; STATUS_PARTIAL_COPY. */
NTSTATUS mm_process_read(EPROCESS *Process, ULONG64 address, void *to, size_t size, size_t *done);
NTSTATUS mm_process_write(EPROCESS *Process, ULONG64 address, const void *from, size_t size, size_t *done);

#define STATUS_PARTIAL_COPY NT_STATUS_VALUE(0x8000000D)
#define STATUS_MAPPED_FILE_SIZE_ZERO NT_STATUS_VALUE(0xC000011E)

#endif
