/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file emu.h  An x86-64 processor and its address spaces. Hides the emulator library and its defects completely
 *  (spec/6.4 is the contract): whoever is above sees precise traps, a page table and nothing else. */
#ifndef EMU_EMU_H
#define EMU_EMU_H

#include "base/pool.h"

#include <dbgksim/nttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMU_PAGE_SIZE 0x1000u
#define EMU_PAGE_SHIFT 12
/** Views (images, sections) start at multiples of this. */
#define EMU_VIEW_GRANULARITY 0x10000u

/* Selectors of the GDT that every engine has (spec/1.4). */
#define KGDT64_R0_CODE 0x10u
#define KGDT64_R0_DATA 0x18u
#define KGDT64_R3_CMCODE 0x23u
#define KGDT64_R3_DATA 0x2Bu
#define KGDT64_R3_CODE 0x33u
#define KGDT64_SYS_TSS 0x40u
#define KGDT64_R3_CMTEB 0x53u

#define EFLAGS_ZF 0x40u
#define EFLAGS_TF 0x100u
#define EFLAGS_IF 0x200u
#define EFLAGS_DF 0x400u
#define EFLAGS_NT 0x4000u
#define EFLAGS_RF 0x10000u
#define EFLAGS_AC 0x40000u

/* Page-table entry bits. Bits 9-11 and 52-58 are free for mm; bits 12-39 carry a page frame number that the
 * translation ignores (identity paging, spec/6.1). */
#define PTE_PRESENT 0x1ull
#define PTE_WRITE 0x2ull
#define PTE_USER 0x4ull
#define PTE_ACCESSED 0x20ull
#define PTE_DIRTY 0x40ull
#define PTE_NO_EXECUTE (1ull << 63)
#define PTE_PFN_SHIFT 12
#define PTE_PFN_MASK 0x000000FFFFFFF000ull

/** One range of guest addresses that has host memory behind it. */
struct emu_arena {
  uint64_t base; /**< multiple of 2 MB */
  uint64_t size; /**< multiple of 2 MB */
};
#define EMU_MAX_ARENAS 6

/** The kernel arena: one host buffer at this address in every space, supervisor only. */
#define EMU_KERNEL_BASE 0xFFFFF80000000000ull
/** The GDT lies at the start of the kernel arena; the first 64 KB are emu's. What `sidt` and `str` show points at the
 *  next two pages, which are the kernel's to fill; the processor itself never reads them (every event is a trap). */
#define EMU_GDT_ADDRESS EMU_KERNEL_BASE
#define EMU_IDT_ADDRESS (EMU_KERNEL_BASE + 0x1000)
#define EMU_TSS_ADDRESS (EMU_KERNEL_BASE + 0x2000)
#define EMU_KERNEL_FIRST_FREE (EMU_KERNEL_BASE + 0x10000)
/** User addresses that the page tables occupy; mm must never give them out (CAVEATS). */
#define EMU_PAGE_TABLES_BASE 0xE000000000ull
#define EMU_PAGE_TABLES_SIZE 0x0800000000ull

/** How a machine's processor is to be. */
struct emu_config {
  struct emu_arena arenas[EMU_MAX_ARENAS]; /**< ascending, in the lower half */
  unsigned arena_count;                    /**< 0: the defaults of DESIGN 8 */
  uint64_t kernel_arena_size;              /**< bytes; 0: 64 MB */
  unsigned idle_engines;                   /**< engines kept for reuse; 0: default */
  /** Virtual time-stamp counter; `blocks` were executed in the current cpu_run before this rdtsc. */
  uint64_t (*read_tsc)(void *context, uint64_t blocks);
  void *read_tsc_context;
  /** Set asynchronously (a signal handler, another thread) to end cpu_run soon with CPU_TRAP_STOPPED; may be NULL. */
  const volatile int *stop_flag;
  pool *pool; /**< where address spaces and register files live */
};

/** The processor of one machine: its kernel arena and its pool of engines. */
typedef struct emu emu;
/** One process's address space. Owns no engine until code runs in it. */
typedef struct address_space address_space;

/** Outcomes of emu_create. */
enum emu_status {
  EMU_OK,
  EMU_NO_MEMORY,
  EMU_NO_TRANSLATOR_MEMORY, /**< 1 GB of RWX memory cannot be mapped (RLIMIT_AS, overcommit, SELinux execmem) */
  EMU_UNKNOWN_ENGINE        /**< calibration failed: this version of the engine is not understood */
};

/** Creates the processor; calibrates the engine library once per host process.
 *  @param message receives one line that says what failed and what to do. */
enum emu_status emu_create(const struct emu_config *config, emu **out, char *message, size_t message_size);
/** Destroys all engines; no space may be left. */
void emu_destroy(emu *e);
/** Tests engine and calibration in a forked child, so that an engine that crashes is a message (for `doctor`).
 *  @param report receives several lines of findings. True if usable. */
bool emu_self_check(char *report, size_t size);
/** Version of the engine library as "2.0.1". */
const char *emu_engine_version(void);
/** Host address of kernel-arena address `va` if `size` bytes from there lie inside it, else NULL. */
void *emu_kernel_host(emu *e, uint64_t va, size_t size);
/** Size of the kernel arena in bytes. */
uint64_t emu_kernel_size(const emu *e);
/** Engines that are open now (in use, idle). */
void emu_engine_counts(const emu *e, unsigned *in_use, unsigned *idle);

/* ---- address spaces ---- */

/** Makes an empty space (nothing present but the kernel arena). NULL: no memory. */
address_space *space_create(emu *e);
/** The space will be destroyed and not run any more: where a snapshot keeps its pages, later edits are skipped. */
void space_close(address_space *s);
/** Ends a space: its engine, if any, goes back to the pool, with the translations of unchanged image pages. */
void space_destroy(address_space *s);
/** The arena that holds `va`, NULL if none. */
const struct emu_arena *space_arena(const address_space *s, uint64_t va);
/** The arenas of a space, ascending. */
const struct emu_arena *space_arenas(const address_space *s, unsigned *count);
/** Host memory behind `va` if [va, va+size) lies in one arena, else NULL. Says nothing about page protection. */
void *space_host(const address_space *s, uint64_t va, size_t size);
/** The page-table entry of `va`; 0 if there is no table for it. */
uint64_t space_pte(const address_space *s, uint64_t va);
/** Writes a page-table entry. Tightening is seen by the processor before its next instruction.
 *  False: no memory for a page table, or `va` in no arena. */
bool space_set_pte(address_space *s, uint64_t va, uint64_t pte);
/** First page at or above `va` and below `end` whose entry is not 0, else `end`: skips absent tables quickly. */
uint64_t space_next_pte(const address_space *s, uint64_t va, uint64_t end);
/** Declares that the host wrote, replaced or freed bytes at [va, va+size): any translation of them is dropped.
 *  Cheap when no page of the range was ever executable. */
void space_code_changed(address_space *s, uint64_t va, uint64_t size);
/** Makes whole pages read as zero again and gives their memory back (PTEs are not touched). */
void space_discard(address_space *s, uint64_t va, uint64_t size);
/** Maps a view over the arena. `va` and `size` are multiples of 64 KB. False also if it overlaps another view or goes
 *  past the end of the file. Mapping, unmapping and discarding drop translations by themselves: a space_code_changed
 *  after them would only lose what an image has kept.
 *  @param image_id  not 0 for a sealed image file: identity for keeping translations over reuse of an engine */
bool space_map_view(address_space *s, uint64_t va, uint64_t size, int fd, uint64_t offset, bool copy_on_write,
                    uint64_t image_id);
/** Replaces a view by zero pages. */
void space_unmap_view(address_space *s, uint64_t va, uint64_t size);

/* ---- snapshots ---- */

/** All spaces and the kernel arena at some moment. Register files lie in the pool, which is the caller's to restore:
 *  right after emu_snapshot_restore, so that the spaces are the same. Files of views stay open while a snapshot lives. */
typedef struct emu_snapshot emu_snapshot;
/** Keeps the state of all spaces. Every space must have been made since the same emu_create. NULL: no memory. */
emu_snapshot *emu_snapshot_take(emu *e);
/** Puts memory, page tables and views of all spaces back in place. What was written since the last take or restore is
 *  copied back; for another snapshot than that one, everything is. Translations of bytes that stay are kept. Contents of
 *  shared views (not copy-on-write) are the caller's to restore. False: no memory; the machine is lost. */
bool emu_snapshot_restore(emu_snapshot *snapshot);
/** Forgets a snapshot; engines that only it kept are emptied. NULL is allowed. */
void emu_snapshot_drop(emu_snapshot *snapshot);
/** Bytes of host memory that a snapshot holds. */
size_t emu_snapshot_size(const emu_snapshot *snapshot);

/* ---- processors ---- */

/** Index of a general register, in the processor's encoding order. */
enum cpu_register {
  CPU_RAX, CPU_RCX, CPU_RDX, CPU_RBX, CPU_RSP, CPU_RBP, CPU_RSI, CPU_RDI,
  CPU_R8, CPU_R9, CPU_R10, CPU_R11, CPU_R12, CPU_R13, CPU_R14, CPU_R15, CPU_REGISTERS
};

/** One thread's register file. The public fields are the truth while the thread is not inside cpu_run. */
typedef struct cpu {
  uint64_t gpr[CPU_REGISTERS];
  uint64_t rip;
  uint64_t rflags;
  uint64_t fs_base, gs_base;
  uint16_t cs, ss, ds, es, fs, gs; /**< selectors; cs 33 or 23 */
  uint64_t dr[8];                  /**< 0-3, 6 and 7 are used; they work as on hardware */
  struct cpu_extended *extended;   /**< x87, SSE, MXCSR: by cpu_get_/set_ functions only */
} cpu;

/** What ended a run. */
enum cpu_trap_kind {
  CPU_TRAP_EXCEPTION, /**< a vector: fault, trap, or software interrupt */
  CPU_TRAP_SYSCALL,   /**< RIP at the instruction; nothing of its effects has happened */
  CPU_TRAP_BUDGET,    /**< the block budget is used up; RIP at the next block */
  CPU_TRAP_STOPPED,   /**< the stop flag was set */
  CPU_TRAP_FAILED     /**< the engine refused to go on: an internal error, text in cpu_failure() */
};

struct cpu_trap {
  enum cpu_trap_kind kind;
  uint8_t vector;
  bool software;       /**< INT n, INT3: RIP is after the instruction; gate checks are the caller's */
  bool icebp;          /**< vector 1 from F1 (spec/1.1: no DPL check); RIP after the instruction */
  bool has_error_code; /**< vectors 8, 10-14, 17 as faults */
  uint32_t error_code;
  uint64_t fault_address; /**< CR2 of vector 14 */
  uint64_t blocks;        /**< translated blocks executed by this run (CPU_TRAP_BUDGET: exactly the budget) */
};

/** Makes a register file (CS 33, SS 2B, IF set, MXCSR 1F80, x87 control word 27F). NULL: no memory. */
cpu *cpu_create(emu *e);
void cpu_destroy(emu *e, cpu *c);
/** Copies the whole register file. */
void cpu_copy(cpu *to, const cpu *from);
/** Executes at CPL 3 in `s` from the state in `c` until a trap. One host thread per machine.
 *  A run never ends with a debug exception that hardware would not deliver: RFLAGS.RF suppresses an execute
 *  breakpoint at the first instruction and is cleared by it; TF and breakpoints set DR6 (B0-B3, BS). Data breakpoints
 *  are traps: RIP is after the instruction, in a string instruction after the iteration. Accesses by the host and I/O
 *  breakpoints never fire. What is executed by steps of emu's own costs no budget. */
void cpu_run(address_space *s, cpu *c, uint64_t block_budget, struct cpu_trap *trap);
/** Copies SSE, x87 state and MXCSR out, in FXSAVE format. */
void cpu_get_fx(const cpu *c, XSAVE_FORMAT *out);
/** Loads SSE, x87 state and MXCSR (reserved MXCSR bits are dropped). */
void cpu_set_fx(cpu *c, const XSAVE_FORMAT *in);
/** Fast access to the XMM registers alone. */
void cpu_get_xmm(const cpu *c, unsigned first, unsigned count, M128A *out);
void cpu_set_xmm(cpu *c, unsigned first, unsigned count, const M128A *in);
uint32_t cpu_mxcsr(const cpu *c);
void cpu_set_mxcsr(cpu *c, uint32_t mxcsr);
/** Text of the last CPU_TRAP_FAILED. */
const char *cpu_failure(const cpu *c);
/** Decodes the instruction at `bytes` (up to 15), of 64-bit or of 32-bit code.
 *  True if it is privileged: cli sti hlt in out ins outs mov cr/dr rdmsr wrmsr lgdt lidt lldt ltr invd wbinvd
 *  invlpg swapgs sysret clts lmsw rdpmc ... (spec/1.1 vector 13). *length receives its size, 0 if undecodable. */
bool emu_decode_privileged(const uint8_t *bytes, size_t size, bool code64, unsigned *length);
/** For #DE: true if the divisor of the instruction at `bytes` is not zero, so the cause is overflow.
 *  `read` copies guest memory for a memory operand and returns false if it is not readable. */
bool emu_decode_divide_overflow(const cpu *c, const uint8_t *bytes, size_t size,
                                bool (*read)(void *context, uint64_t va, void *buffer, size_t size), void *context);
/** Writes the text of the instruction at `bytes` into `out`; its length in bytes, 0 if undecodable. */
unsigned emu_disassemble(const uint8_t *bytes, size_t size, uint64_t va, char *out, size_t out_size);

/** Coverage: called once for each new translated block of `s` before it first runs (NULL: off). */
void space_set_block_callback(address_space *s, void (*fn)(void *context, uint64_t va, uint32_t size), void *context);

#endif
