/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  What the files of mm share: address ranges, the software half of page-table entries, control
 *  areas. Nothing in mm waits, so none of it needs a lock. */
#ifndef NTOS_MM_INTERNAL_H
#define NTOS_MM_INTERNAL_H

#include "base/list.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob.h"

#define PAGE_SIZE 0x1000ull
#define PAGE_DOWN(va) ((va) & ~(PAGE_SIZE - 1))
#define PAGE_UP(va) (((va) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))
#define GRANULE_DOWN(va) ((va) & ~(MM_ALLOCATION_GRANULARITY - 1))
#define GRANULE_UP(va) (((va) + MM_ALLOCATION_GRANULARITY - 1) & ~(MM_ALLOCATION_GRANULARITY - 1))

#define TAG_MM POOL_TAG('M', 'm', ' ', ' ')
#define TAG_VAD POOL_TAG('V', 'a', 'd', ' ')
#define TAG_CONTROL_AREA POOL_TAG('M', 'm', 'C', 'a')

/* The software half of an entry. Protection class and PAGE_GUARD are what NtQueryVirtualMemory shows; the hardware
 * half follows from them (mm_pte_protect). An entry that is not committed is 0. */
#define MM_PTE_COMMITTED 0x200ull
#define MM_PTE_GUARD 0x400ull
#define MM_PTE_COPIED 0x800ull /**< page of a copy-on-write view that is the process's own by now */
#define MM_PTE_CLASS_SHIFT 52  /**< 3 bits: log2 of the basic PAGE_* value */
#define MM_PTE_CLASS_MASK (7ull << MM_PTE_CLASS_SHIFT)
#define MM_PTE_NOCACHE (1ull << 55)
#define MM_PTE_WRITECOMBINE (1ull << 56)
#define MM_PTE_CHARGED (1ull << 57) /**< counted in the VAD's `charged` */

/** Basic protection without modifiers. */
#define PAGE_BASIC(protect) ((protect)&0xFFu)

enum mm_vad_type { VAD_PRIVATE, VAD_MAPPED, VAD_IMAGE, VAD_SYSTEM };

/** One range of a process's addresses. */
struct mm_vad {
  ULONG64 start, end; /**< whole pages; `end` is behind the last one */
  enum mm_vad_type type;
  ULONG protect;   /**< AllocationProtect */
  ULONG64 charged; /**< pages counted against the commit limit */
  EPROCESS *process;
  SECTION *section;      /**< referenced; NULL for private ranges */
  ULONG64 offset;        /**< of the view in its section */
  bool shared_view;      /**< stores reach the section */
  LIST_ENTRY view_entry; /**< in the control area's list, if there is a section */
};

/** A process's ranges, ascending. */
struct mm_process {
  struct mm_vad **vads;
  ULONG count, capacity;
  ULONG64 committed, peak; /**< pages */
  ULONG64 virtual_size;    /**< bytes, VAD_SYSTEM left out */
};

/** What sections of one file share: contents, and where they are mapped. */
struct mm_control_area {
  LIST_ENTRY entry; /**< in mm_state.control_areas; the least recently used cached image is the first */
  LIST_ENTRY views; /**< mm_vad.view_entry */
  ULONG references; /**< by SECTION objects; 0: kept in the image cache */
  int fd;
  ULONG64 size;      /**< bytes, whole pages */
  ULONG64 first_pfn; /**< page frame numbers run from here */
  ULONG64 charged;   /**< pages counted against the commit limit */
  ULONG64 committed; /**< SEC_RESERVE: pages set in commit_map */
  UCHAR *commit_map; /**< SEC_RESERVE: one bit a page; NULL: all are committed */
  /* files that are read page by page (paging.c) */
  void *file;         /**< FILE_OBJECT, which the section references; NULL: the contents are all there */
  ULONG64 paged_bytes; /**< of the section, those that the file had when the section was made */
  ULONG64 file_pages; /**< pages with such bytes */
  ULONG64 absent;     /**< of them, those that have not been read */
  UCHAR *resident;    /**< one bit for each of file_pages that has been read */
  bool has_code;     /**< a shared view was executable once (view.c: write or execute, never both) */
  bool writable;     /**< a data section that shared views may store to */
  bool stored;       /**< there was such a view, or a program wrote to the file: the contents may have changed */
  /* images */
  bool image;
  ULONG64 identity, file_size, image_id;
  ULONG64 last_base; /**< where it was put when its own base was taken: one base a machine (DESIGN 8) */
  struct pe_headers *headers;
  void *file_bytes; /**< malloc'ed outside the pool: it never changes */
  void *image_bytes;
};

/** Unreferenced images that are kept. */
#define MM_MAX_CACHED_IMAGES 128
/** Each control area has a host descriptor; a guest must not be able to use them up. */
#define MM_MAX_CONTROL_AREAS 640

struct mm_state {
  ULONG64 commit_limit, committed; /**< pages */
  ULONG64 next_pfn;
  ULONG64 next_image_id;
  LIST_ENTRY control_areas;
  ULONG control_area_count, cached_images;
  int shared_data_fd;
  UCHAR *shared_data; /**< host mapping of shared_data_fd */
};

static inline struct mm_state *mm(void) { return KeGetPcr()->mm; }

/* ---- init.c ---- */

/** Counts pages against the machine's limit and, if given, as the process's. False: the limit would be passed. */
bool mm_charge(struct mm_process *process, ULONG64 pages);
void mm_uncharge(struct mm_process *process, ULONG64 pages);
/** STATUS_SUCCESS if `Process` has an address space that a service may change. */
NTSTATUS mm_check_process(const EPROCESS *Process);

/* ---- vad.c ---- */

/** The VAD that contains `va`, NULL if none. */
struct mm_vad *mm_vad_find(const struct mm_process *process, ULONG64 va);
/** Index of the first VAD that ends above `va`. */
ULONG mm_vad_index(const struct mm_process *process, ULONG64 va);
/** True if no VAD touches [start, end) and host memory is behind it. */
bool mm_range_free(const EPROCESS *Process, ULONG64 start, ULONG64 end);
/** Makes a VAD in a free range and enters it; NULL: no memory. */
struct mm_vad *mm_vad_create(EPROCESS *Process, ULONG64 start, ULONG64 end, enum mm_vad_type type, ULONG protect);
/** Takes a VAD out and frees it; its pages and section are gone already. */
void mm_vad_remove(EPROCESS *Process, struct mm_vad *vad);
/** Finds free room for `size` bytes at a multiple of 64 KB, all of it at or below `highest`.
 *  @return 0 if there is none */
ULONG64 mm_find_gap(const EPROCESS *Process, ULONG64 size, ULONG64 highest, bool top_down);
/** Highest address that the ZeroBits argument of the services allows; 0 if it is invalid. */
ULONG64 mm_zero_bits_limit(ULONG64 ZeroBits);

/* ---- pte.c ---- */

/** True for one basic PAGE_* value with modifiers that go with it. */
bool mm_protection_valid(ULONG protect);
bool mm_protection_reads(ULONG protect);
bool mm_protection_writes(ULONG protect); /**< write-copy too */
bool mm_protection_copies(ULONG protect);
bool mm_protection_executes(ULONG protect);
/** True if pages of a section or view with protection `limit` may have protection `wanted`. */
bool mm_protection_within(ULONG limit, ULONG wanted);
/** Write-copy becomes writable: what a page has once it is the process's own. */
ULONG mm_protection_after_copy(ULONG protect);
/** PAGE_* value of a committed entry. */
ULONG mm_pte_protection(ULONG64 pte);
/** The entry with another protection; frame, A, D and software flags stay. */
ULONG64 mm_pte_protect(ULONG64 pte, ULONG protect);
/** A new committed entry. */
ULONG64 mm_pte_make(ULONG64 pfn, ULONG protect, ULONG64 flags);
/** Takes `count` page frame numbers in a row; 28 bits, so they come again after 2^28. */
ULONG64 mm_take_pfns(ULONG64 count);
/** Sets the protection of a committed page. Never fails. */
void mm_set_protection(struct mm_vad *vad, ULONG64 va, ULONG protect);
/** Makes a page of a copy-on-write view the process's own, with protection `protect`. False: commit limit. */
bool mm_copy_page(struct mm_vad *vad, ULONG64 va, ULONG protect);
/** Commits pages of a private range, all or none; committed ones get the protection.
 *  STATUS_COMMITMENT_LIMIT, STATUS_NO_MEMORY (page tables). */
NTSTATUS mm_commit_private(struct mm_vad *vad, ULONG64 start, ULONG64 end, ULONG protect);
/** Decommits pages of a private range. */
void mm_decommit_private(struct mm_vad *vad, ULONG64 start, ULONG64 end);

/* ---- section.c, image.c ---- */

/** The control area for an image file, new or from the cache, with one reference more. */
NTSTATUS mm_image_control_area(const struct mm_file_source *source, struct mm_control_area **out);
/** An empty control area with one reference, entered in the machine's list. NULL: no memory, or too many. */
struct mm_control_area *mm_control_area_create(void);
/** Takes back a reference; without references and views it goes, unless the image cache keeps it. */
void mm_control_area_release(struct mm_control_area *area);
/** Frees a control area that nobody uses. */
void mm_control_area_destroy(struct mm_control_area *area);
/** True if page `index` is committed. */
bool mm_area_committed(const struct mm_control_area *area, ULONG64 index);

/* ---- view.c, image.c ---- */

/** Removes a view: entries, host mapping, charge, VAD, section reference. */
void mm_remove_view(EPROCESS *Process, struct mm_vad *vad);
/** Maps an image section. */
NTSTATUS mm_map_image(SECTION *Section, EPROCESS *Process, ULONG64 *Base, ULONG64 highest, ULONG64 *ViewSize);
/** Commits pages of a SEC_RESERVE section for every view of it. */
NTSTATUS mm_commit_view(struct mm_vad *vad, ULONG64 start, ULONG64 end, ULONG protect);
/** Host mapping of a VAD: bytes from its start, a multiple of 64 KB. */
static inline ULONG64 mm_view_host_size(const struct mm_vad *vad) { return GRANULE_UP(vad->end - vad->start); }
/** The entry of page `va` without what only a fault gives: presence, while the page has not been read (mm_page_in), and
 *  the rights that another view of the page may have now (mm_grant). */
ULONG64 mm_withhold(const struct mm_vad *vad, ULONG64 va, ULONG64 pte);
/** Gives a page of a shared view the right that `Access` lacks, and takes the opposite one from all other views. */
void mm_grant(struct mm_vad *vad, ULONG64 va, enum mm_access Access);
/** A view of the section may be executed from now on. */
void mm_note_code(struct mm_vad *vad);

/* ---- paging.c ---- */

/** Page `index` has not been read from the section's file. */
bool mm_area_page_absent(const struct mm_control_area *area, ULONG64 index);
/** Makes an area whose first `file_bytes` bytes are read from `file_object` when they are touched. */
NTSTATUS mm_prepare_paging(struct mm_control_area *area, void *file_object, ULONG64 file_bytes);
/** Reads the page of a data view at `va` if it is absent, and makes its entry as its protection says.
 *  STATUS_END_OF_FILE: the file ends before the page now; STATUS_IO_DEVICE_ERROR; STATUS_NO_MEMORY. */
NTSTATUS mm_page_in(struct mm_vad *vad, ULONG64 va);
/** Reads all absent pages that can be read. */
void mm_read_ahead(struct mm_control_area *area);

/* ---- user.c ---- */

/** Makes one page accessible as an access by user code would; `va` is any address in it. */
NTSTATUS mm_touch(EPROCESS *Process, ULONG64 va, enum mm_access Access);
/** After the kernel wrote [va, va+size): dirty bits, translations. */
void mm_written(EPROCESS *Process, ULONG64 va, size_t size);

#define STATUS_MAPPED_ALIGNMENT NT_STATUS_VALUE(0xC0000220)
#define STATUS_UNABLE_TO_DELETE_SECTION NT_STATUS_VALUE(0xC000001B)
#define STATUS_INVALID_PARAMETER_9 NT_STATUS_VALUE(0xC00000F7)

#endif
