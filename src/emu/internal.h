/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  What the files of src/emu share. The only header of the project that knows the engine library. */
#ifndef EMU_INTERNAL_H
#define EMU_INTERNAL_H

#include "base/list.h"
#include "emu/emu.h"
#include "emu/insn.h"

#include <string.h>
#include <unicorn/unicorn.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Layout of the first 64 KB of the kernel arena. */
#define EMU_STUBS_ADDRESS (EMU_KERNEL_BASE + 0x4000)
#define EMU_STUB_IRETQ (EMU_STUBS_ADDRESS + 0x00)
#define EMU_STUB_MOV_CR3 (EMU_STUBS_ADDRESS + 0x10)
#define EMU_STUB_STACK (EMU_KERNEL_BASE + 0x6000)
/** The page tables of the kernel arena lie in the last part of the page-table addresses, shared by all engines. */
#define EMU_KERNEL_TABLES_SIZE 0x400000u
#define EMU_KERNEL_TABLES_BASE (EMU_PAGE_TABLES_BASE + EMU_PAGE_TABLES_SIZE - EMU_KERNEL_TABLES_SIZE)

#define EMU_CR0 0x80050033ull
#define EMU_CR0_PG 0x80000000ull
/** OSXMMEXCPT, OSFXSR, PGE, PAE, and TSD so that rdtsc comes to us (spec/6.2). */
#define EMU_CR4 0x6A4ull
/** NXE, LMA, LME, SCE. */
#define EMU_EFER 0xD01ull

#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER)

/* RFLAGS bits that user mode or an iretq to it can set; VM, VIF, VIP and IOPL stay 0. RF is kept outside the engine. */
#define EFLAGS_LOADABLE 0x244FD5ull
#define EFLAGS_FIXED 0x2ull
#define EFLAGS_VM 0x20000ull

#define DR6_FIXED 0xFFFF0FF0ull
#define DR6_BS 0x4000ull
#define DR6_BD 0x2000ull

/** Selector fields in the order of the engine's segment array. */
enum blob_segment { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_COUNT };

/** Where things are in the bytes of a saved engine context ("blob"); found by calibration, never assumed. */
struct blob_layout {
  size_t size; /**< bytes of a blob */
  size_t gpr[CPU_REGISTERS];
  size_t rip;
  size_t selector[SEG_COUNT]; /**< 32 bits; the base follows 8 further on */
  size_t cr0, efer;
  size_t error_code, is_int, old_exception; /**< 32 bits each */
  size_t xmm, xmm_stride;
  size_t mxcsr;         /**< 32 bits; to be read only, as the engine keeps what follows from it elsewhere */
  size_t x87, x87_size; /**< all that x87 registers are read from lies in this range */
  size_t x87_control;   /**< 16 bits; to be read only */
  size_t hook_range;    /**< in what a hook's handle points at: first and last address */
};

/** Largest x87_size. */
#define X87_MAX 0x200u
/** A blob never grows beyond this (calibration refuses it). */
#define BLOB_MAX 0x2000u

/** Result of calibration: immutable once made. */
struct calibration {
  enum emu_status status;
  char message[200];
  char version[16]; /**< of the engine library */
  struct blob_layout at;
  uint8_t user64[BLOB_MAX];  /**< CPL 3, CS 33, just after iretq: what every thread starts from */
  uint8_t user32[BLOB_MAX];  /**< the same with CS 23 */
  uint8_t kernel[BLOB_MAX];  /**< CPL 0 with paging, for the stubs */
  uint8_t unpaged[BLOB_MAX]; /**< CPL 0 with CR0.PG = 0: code removal works whatever the PTE says (spec/6.1) */
};

/** Calibrates once per host process (thread-safe). */
const struct calibration *calibration_get(void);
/** Calibrates into `out` unconditionally; for the forked self check. */
void calibration_make(struct calibration *out);

/** Writes GDT and stubs into the first 64 KB of a kernel arena. */
void kernel_area_init(uint8_t *host);
/** Gives every address that no region of the list covers a slot, so that accesses there reach the page walk. */
uc_err engine_map_gaps(uc_engine *uc, const struct emu_arena *regions, unsigned count);

/** Why the engine stopped; the hooks record the first reason and nothing else (spec/6.1). */
enum stop_reason {
  STOP_NONE,
  STOP_INTERRUPT,
  STOP_INVALID,
  STOP_SYSCALL,
  STOP_BUDGET,
  STOP_FLAG,
  STOP_BREAKPOINT,
  STOP_CHECK,       /**< at an instruction that the engine may get wrong */
  STOP_RETRANSLATE, /**< before a new block that needs other hooks than it was translated with */
  STOP_ABORTED      /**< the library gave up on the block at RIP; the emulator was replaced */
};

#define MAX_PLANTED 16
#define WATCH_STEPS 64

/** Per leaf page table: which of its pages ... */
struct leaf_info {
  uint64_t va;            /**< first address, plus 1; 0: no leaf table */
  uint64_t executable[8]; /**< ... were ever executable in this space, or may have translations that were kept */
  uint64_t modified[8];   /**< ... were written since their view was mapped */
  uint64_t touched[8];    /**< ... were written since the last snapshot or restore, beside those with a D bit */
};

/** A view over an arena. A dormant one belonged to an earlier space; its translations are still in the engine. */
struct view {
  uint64_t va, size, offset, image_id;
  uint64_t serial; /**< no other mapping of this processor had it */
  int fd;
  bool copy_on_write;
  bool dormant;
};

/** What must be looked at before the engine may execute an instruction (scan.c). */
enum check {
  CHECK_NONE,
  CHECK_PORT,      /**< forbidden at CPL 3 */
  CHECK_SYSENTER,  /**< has no target selector: the engine skips it in 32-bit code */
  CHECK_UNDEFINED, /**< not an instruction of this processor */
  CHECK_ALIGNED,   /**< 16-byte memory operand */
  CHECK_LDMXCSR,
  CHECK_FXRSTOR,
  CHECK_SSE,          /**< may raise a floating-point exception; asked for only while one is unmasked */
  CHECK_X87_CONTROL,  /**< may unmask an x87 exception */
  CHECK_X87,          /**< may raise an x87 exception or find one pending; asked for only while one is unmasked */
  CHECK_LOOP,         /**< loope, loopne: the engine may lose the flags */
  CHECK_RETURN,       /**< ret of 32768 bytes and more: the engine takes the number as signed */
  CHECK_FLAGS_AND_AH, /**< lahf, sahf with REX: the engine takes SPL for AH */
  CHECK_HORIZONTAL,   /**< phaddw and its kind of a register with itself */
  CHECK_KEEP_FLAGS,   /**< rcl, rcr in memory: the engine changes flags before the store faults */
  CHECK_LOAD_SS,      /**< mov ss, pop ss: hold off a breakpoint at the next instruction */
  CHECK_FLAGS,        /**< popf, iretq: may set AC, and the latter RF */
  CHECK_IRET          /**< iretd: the engine takes VM from the stack */
};

/** When the check hook may pass over an instruction. */
enum quick_check {
  QUICK_NONE,
  QUICK_ALIGNED, /**< the address below is a multiple of 16 */
  QUICK_CONTROL, /**< the x87 control word there masks everything */
  QUICK_FLAGS,   /**< the flags there have AC and RF clear */
  QUICK_LOAD_SS  /**< there are no breakpoints */
};

/** An instruction that has a check. */
struct check_entry {
  uint64_t key;  /**< address plus 1; 0: free */
  uint8_t quick; /**< enum quick_check */
  int8_t base, index;
  uint8_t scale;
  int32_t disp;
};

/** A data breakpoint of the running thread, and what it does to the page-table entry of its page. */
struct watch {
  uint64_t va; /**< multiple of `size` */
  uint8_t size, index;
  bool reads;      /**< fires on reads as well */
  uint64_t *entry; /**< NULL: the page is not touched by the trick */
  uint64_t saved;  /**< what the entry is to everybody but the engine */
};

/** No instruction has this address. */
#define NO_ADDRESS UINT64_MAX

#define LEAF_CACHE 64

/** Host memory of one address space, with the emulator that can run in it. Reused over spaces, never shared. */
typedef struct engine {
  LIST_ENTRY link; /**< in emu.idle, emu.in_use or emu.parked */
  unsigned kept;   /**< snapshots that hold it: it is parked as it is when its space ends */
  bool parked;
  emu *owner;
  uc_engine *uc; /**< NULL until code runs */
  uint8_t *arena[EMU_MAX_ARENAS];
  uint8_t *tables;          /**< page tables, bump-allocated; page 0 is the PML4 */
  struct leaf_info *leaves; /**< by table index */
  uint32_t tables_used, tables_limit;
  struct {
    uint64_t key;   /**< va >> 21, plus 1 */
    uint32_t table; /**< index of the leaf table */
  } cache[LEAF_CACHE];
  struct view *views; /**< malloc'ed, sorted by nothing */
  unsigned view_count, view_room;

  /* The run in progress. */
  uint64_t blocks_left;
  uint64_t block;     /**< address of the block that was entered last */
  uint64_t block_end; /**< its end, kept while engine_note_ends is on */
  uint64_t *window;   /**< first and last address of the check hook: what it is translated into, see scan.c */
  const volatile int *stop_flag;
  const volatile int *block_flag; /**< what each block looks at: stop_flag, or always set to have block_end kept */
  enum stop_reason stop;
  uint64_t stopped_at; /**< RIP of a stop by engine_stop_at, where the library's may lag behind; else NO_ADDRESS */
  uint32_t interrupt;
  uint64_t held;          /**< id of the register file whose saved state the engine still holds, 0 none */
  uint64_t breakpoint[4]; /**< execute breakpoints of the running thread */
  unsigned breakpoint_mask;
  struct watch watch[4];
  unsigned watch_count;              /**< 0 outside of cpu_run */
  bool watch_armed;                  /**< entries are changed */
  uint64_t watch_hits;               /**< bits for DR6 of the instruction that is being watched */
  uc_hook watch_hook;                /**< of reads and writes, there for that instruction only */
  uint64_t watch_steps[WATCH_STEPS]; /**< instructions whose step was translated with that hook */
  uint64_t planted[MAX_PLANTED];     /**< addresses where some thread has an execute breakpoint */
  unsigned planted_count;
  struct {
    uint64_t va;       /**< block that is being translated again, NO_ADDRESS: none */
    uint64_t range[2]; /**< instructions of it that get calls of on_check */
  } replant;
  uint64_t skip;              /**< on_check lets this address pass once */
  uint64_t skipped;           /**< it has, since the engine was started */
  struct check_entry *checks; /**< hash table, malloc'ed */
  unsigned check_count, check_room;
  bool check_sse; /**< an SSE exception was unmasked here: arithmetic is checked */
  bool check_x87; /**< the same of x87 exceptions */
  bool check_all; /**< no memory for the table: whatever has a call is checked */
  void (*block_callback)(void *context, uint64_t va, uint32_t size);
  void *block_callback_context;
} engine;

struct emu {
  struct emu_config config;
  const struct calibration *calibration;
  uint8_t *kernel;        /**< host memory of the kernel arena */
  uint8_t *kernel_tables; /**< host memory of its page tables */
  size_t tables_size;     /**< bytes reserved for the page tables of a space */
  uint64_t *kernel_pages; /**< bit per page of the kernel arena that the kernel was given the address of */
  LIST_ENTRY in_use, idle, parked;
  const emu_snapshot *base; /**< snapshot that the touched marks are relative to; NULL: none */
  uint64_t next_view_serial;
  unsigned in_use_count, idle_count, spaces;
  uint64_t next_cpu_id;
};

struct address_space {
  emu *owner;
  engine *engine;
  bool tlb_stale;
  bool closing; /**< a snapshot keeps the pages: edits are for nothing */
};

/** The part of a register file that only emu sees. */
struct cpu_extended {
  uint64_t id;            /**< changes when the blob is changed behind the engine's back */
  uint64_t engine_rflags; /**< RFLAGS as the blob encodes them */
  emu *owner;
  char failure[96];
  uint8_t x87_raw[X87_MAX]; /**< the x87 part of the blob that was converted last ... */
  XSAVE_FORMAT x87;         /**< ... and what came out; one conversion costs more than the rest of a trap */
  bool x87_valid;
  _Alignas(16) uint8_t blob[]; /**< a whole engine context, the truth about everything but the public fields */
};

static inline uint64_t blob_u64(const uint8_t *blob, size_t at)
{
  uint64_t v;
  memcpy(&v, blob + at, sizeof v);
  return v;
}
static inline uint32_t blob_u32(const uint8_t *blob, size_t at)
{
  uint32_t v;
  memcpy(&v, blob + at, sizeof v);
  return v;
}
static inline void blob_set64(uint8_t *blob, size_t at, uint64_t v) { memcpy(blob + at, &v, sizeof v); }
static inline void blob_set32(uint8_t *blob, size_t at, uint32_t v) { memcpy(blob + at, &v, sizeof v); }
/** The library takes contexts by an opaque pointer; a blob is the bytes of one. */
static inline uc_context *as_context(const uint8_t *blob) { return (uc_context *)(uintptr_t)blob; }

/* guard.c */
/** uc_emu_start. False: the library aborted; the state is that before the block it could not translate, and the
 *  emulator is only good for saving that state and for guard_close. */
bool guard_start(uc_engine *uc, uint64_t rip, uc_err *error);
/** uc_close of an emulator that aborted. False: it aborted again and is lost. */
bool guard_close(uc_engine *uc);

/* engine_pool.c */
/** Takes an idle engine or makes one (without an emulator yet). NULL: no memory. */
engine *engine_take(emu *e);
/** Empties an engine and keeps it for reuse, or closes it when enough are kept. */
void engine_return(engine *g);
/** Frees an engine and all its host memory. */
void engine_destroy(engine *g);

/* engine.c */
/** Opens the emulator of an engine if it has none. False: no memory (text in `message`). */
bool engine_open(engine *g, char *message, size_t size);
/** Closes it. */
void engine_close(engine *g);
/** Replaces an emulator that aborted by a new one; all translations are gone. False: no memory. */
bool engine_reopen(engine *g, char *message, size_t size);
/** Makes every PTE edit visible. */
void engine_flush_tlb(engine *g);
/** Drops the translations of [va, va + size), whatever the state of their PTEs. */
void engine_remove_code(engine *g, uint64_t va, uint64_t size);
/** Sees to it that the check hook is called at the breakpoints of the running thread. */
void engine_plant_breakpoints(engine *g);
/** Takes all these calls out. */
void engine_unplant_all(engine *g);
/** Switches the note of block_end on or off. */
void engine_note_ends(engine *g, bool on);
/** Drops all translations, those of dormant views too. */
void engine_remove_all_code(engine *g);
/** True if the running thread has an execute breakpoint at `va`. */
bool engine_has_breakpoint(const engine *g, uint64_t va);
/** Notes the first reason of a stop before the instruction at `va`, and stops. */
void engine_stop_at(engine *g, enum stop_reason reason, uint64_t va);
/** Sets the range that the check hook is translated into; NO_ADDRESS twice: none. */
void engine_set_window(engine *g, uint64_t first, uint64_t last);

/* scan.c */
/** What check an instruction needs in this engine. */
enum check check_of(const engine *g, const struct insn *i);
/** True for mov ss and pop ss. */
bool loads_ss(const struct insn *i);
/** True for a 16-byte operand that must be aligned. */
bool must_be_aligned(const struct insn *i);
/** Enters the checks of a block. False if it has none and no breakpoint, else `range` receives the first and last
 *  address. */
bool scan_block(engine *g, const uint8_t *bytes, uint64_t va, size_t size, bool code64, uint64_t range[2]);
/** Hook at instructions that have checks. */
void on_check(uc_engine *uc, uint64_t va, uint32_t size, void *context);
/** Empties the table; all translations must go as well. */
void scan_forget(engine *g);
/** True if the table should be emptied. */
bool scan_is_full(const engine *g);

/* tables.c */
/** Host memory behind `va`; NULL: in no arena. */
uint8_t *engine_host(const engine *g, uint64_t va);
/** Index of the leaf table of `va`; 0 if there is none. */
uint32_t tables_find(engine *g, uint64_t va);
/** Like tables_find, but makes missing tables. 0: no room or no arena. */
uint32_t tables_make(engine *g, uint64_t va);
/** Host address of table `index`. */
static inline uint64_t *table_host(const engine *g, uint32_t index)
{
  return (uint64_t *)(void *)(g->tables + (size_t)index * EMU_PAGE_SIZE);
}
#define PAGE_DOWN(x) ((x) & ~(uint64_t)(EMU_PAGE_SIZE - 1))
#define PAGE_UP(x) PAGE_DOWN((x) + EMU_PAGE_SIZE - 1)
/** Index of the entry of `va` in its leaf table. */
#define SLOT(va) (((va) >> EMU_PAGE_SHIFT) & 511)

static inline bool test_bit(const uint64_t *map, unsigned i) { return (map[i / 64] >> (i % 64)) & 1; }
static inline void set_bit(uint64_t *map, unsigned i) { map[i / 64] |= 1ull << (i % 64); }
static inline void clear_bit(uint64_t *map, unsigned i) { map[i / 64] &= ~(1ull << (i % 64)); }

/** Next address at or above `va` that has a leaf table, `end` if none below it. */
uint64_t tables_next(engine *g, uint64_t va, uint64_t end);
/** Forgets all tables and installs the shared kernel entry. */
void tables_reset(engine *g);

/* space.c */
/** Calls fn for each run of pages of [va, end) whose `executable` bit is set. */
void space_executable_runs(engine *g, uint64_t va, uint64_t end, void (*fn)(engine *g, uint64_t va, uint64_t size));
/** Copies up to `size` code bytes at `va` that are present and executable by user mode; returns how many. */
size_t space_fetch(const address_space *s, uint64_t va, uint8_t *out, size_t size);

/* sse.c */
/** True for SSE instructions whose exceptions sse_exceptions knows. */
bool sse_can_raise(const struct insn *i);
/** Bytes of the source operand; a register of 0F 2A without prefix is one of MMX. */
unsigned sse_operand_size(const struct insn *i);
/** MXCSR flags that an instruction raises. `source` has 16 bytes; what is behind its operand is a copy of it.
 *  @param immediate  last byte of a comparison, rounding or dot product */
unsigned sse_exceptions(const struct insn *i, const void *target, const void *source, unsigned immediate,
                        uint32_t mxcsr);

/* x87.c */
/** Exception bits of the status word, and their masks in the control word. */
#define X87_EXCEPTIONS 0x3Fu
/** True for x87 instructions and fwait. */
bool x87_is_instruction(const struct insn *i);
/** True for fldcw, fldenv and frstor, whose operands start with a control word. */
bool x87_loads_control(const struct insn *i);
/** True for instructions that use MMX registers, and so wait for x87 exceptions, too. */
bool x87_is_mmx(const struct insn *i);
/** True for instructions that raise #MF if an exception is pending. */
bool x87_waits(const struct insn *i);
/** What x87_execute must be given. False: it does not know the instruction. */
bool x87_operand(const struct insn *i, unsigned *size, bool *written);
/** Where an instruction and its operand are. */
struct x87_place {
  uint64_t rip, operand;
  uint16_t cs, ds;
};
/** Executes an x87 instruction as the processor does, pending exceptions left aside.
 *  @param memory  its operand, aligned, in a buffer of 108 bytes
 *  @return RFLAGS after it */
uint64_t x87_execute(const struct insn *i, const struct x87_place *at, XSAVE_FORMAT *fx, void *memory, uint64_t flags);

/* watch.c */
/** The breakpoints, as bits of DR6, that an access of emu's own hits. */
uint64_t databp_hits(const engine *g, uint64_t va, unsigned size, bool write);
/** Makes the pages of all data breakpoints fault. True if the translations of addresses must be flushed. */
bool databp_arm(engine *g);
/** Gives the pages their entries back. */
void databp_disarm(engine *g);
/** True if a fault at `va` may come from databp_arm. */
bool databp_covers(const engine *g, uint64_t va);
/** The entry of `va` as everybody but the engine sees it. */
uint64_t databp_true_entry(const engine *g, const uint64_t *entry);
/** From here to databp_end, accesses of the instruction at `va` are compared with the data breakpoints. */
void databp_begin(engine *g, uint64_t va);
void databp_end(engine *g, uint64_t va);

/* view.c */
/** The view that holds `va`, dormant or not; NULL if none. */
struct view *view_at(engine *g, uint64_t va);
/** Drops a dormant view and its translations. */
void view_forget(engine *g, struct view *v);
/** Forgets dormant views whose translations are gone already. */
void views_drop_dormant(engine *g);
/** Ends all views; those of images become dormant and keep the translations of pages that were not written. */
void views_retire_all(engine *g);

/* regs.c */
/* fixup.c */
/** False for encodings of SSE and MMX that are not instructions, or not ones that CPUID claims. */
bool fixup_exists(const struct insn *i);
/** True for phaddw and its kind with one register as both operands. */
bool fixup_is_horizontal(const struct insn *i);
/** Does such an instruction. */
void fixup_horizontal(cpu *c, const struct insn *i);
/** Does lahf or sahf. */
void fixup_flags_and_ah(cpu *c, const struct insn *i);
/** Which exception the instruction at RIP raises where the engine says #GP(0): 6, 12 or 13. 64-bit code. */
unsigned fixup_protection_vector(const cpu *c, const struct insn *i);

/** The library's numbers of the general registers. */
extern const int engine_gpr[CPU_REGISTERS];
/** The x87 control word. */
uint16_t cpu_x87_control(const cpu *c);
/** Brings the blob and the emulator to the state of `c`; `flags` are added to RFLAGS. */
void cpu_load(engine *g, cpu *c, uint64_t flags);
/** Takes the state out of the emulator. */
void cpu_store(engine *g, cpu *c);

/* cpuid.c */
/** Hook for CPUID: one fixed processor. */
int cpuid_hook(uc_engine *uc, void *context);

/* decode.c */
/** The opcode of one instruction. */
struct decoded {
  uint8_t opcode[2]; /**< first bytes after the prefixes: {0x0F, second} or {opcode, 0} */
  uint8_t modrm;     /**< byte after the opcode, whatever it means */
  unsigned length;   /**< bytes of prefixes and opcode */
  bool rep, operand16;
};
/** Skips prefixes and notes the opcode. */
void decode_opcode(const uint8_t *bytes, size_t size, bool code64, struct decoded *out);
/** True if the instruction reads its memory operand in order to write it. */
bool decode_modifies_memory(const struct decoded *d);
/** The near branch or interrupt return that ends a block. */
struct block_branch {
  uint64_t offset; /**< from the start of the block */
  char kind;       /**< 'c'all, 'r'eturn, 'j'ump or 'i'nterrupt return */
  unsigned pop;    /**< bytes that a return takes beside the address */
};
/** Finds the first near unconditional branch or interrupt return in `bytes`. False if there is none. */
bool decode_block_branch(const uint8_t *bytes, size_t size, bool code64, struct block_branch *out);

#endif
