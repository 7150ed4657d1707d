/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every kind of trap, as the processor reports it (spec/6.2, spec/1.1). */
#include "guest.h"

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

START_TEST(int3_is_software_and_rip_is_after_it)
{
  g.cpu->gpr[CPU_RAX] = 0x1122334455667788;
  RUN(&g, "\x90\xCC");
  ck_int3(&g, 1);
  ck_assert(!g.trap.has_error_code);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x1122334455667788);
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_RF, 0);
}
END_TEST

START_TEST(int_n_is_software_with_its_vector)
{
  RUN(&g, "\xCD\x2D");
  ck_exception(&g, 0x2D, 2);
  ck_assert(g.trap.software);
  RUN(&g, "\xCD\x03");
  ck_exception(&g, 3, 2);
  ck_assert(g.trap.software);
  RUN(&g, "\xCD\x01");
  ck_exception(&g, 1, 2);
  ck_assert(g.trap.software && !g.trap.icebp);
  RUN(&g, "\xCD\x0E");
  ck_exception(&g, 14, 2);
  ck_assert(g.trap.software && !g.trap.has_error_code);
  RUN(&g, "\xCD\xFF");
  ck_exception(&g, 0xFF, 2);
}
END_TEST

START_TEST(syscall_stops_at_the_instruction_without_effects)
{
  g.cpu->gpr[CPU_RCX] = 5;
  g.cpu->gpr[CPU_R11] = 6;
  RUN(&g, "\xB8\x34\x12\x00\x00\x0F\x05\xCC");
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_SYSCALL);
  ck_assert_uint_eq(g.cpu->rip, CODE + 5);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x1234);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 5);
  ck_assert_uint_eq(g.cpu->gpr[CPU_R11], 6);
  g.cpu->gpr[CPU_RAX] = 0xC0000002;
  g.cpu->rip += 2;
  guest_continue(&g);
  ck_int3(&g, 7);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0xC0000002);
}
END_TEST

START_TEST(page_fault_read_write_execute)
{
  g.cpu->gpr[CPU_RBX] = ABSENT + 0x123;
  RUN(&g, "\x90\x8A\x03\xCC"); /* mov al, [rbx] */
  ck_page_fault(&g, 4, ABSENT + 0x123, 1);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_RF, 0);
  RUN(&g, "\x88\x03\xCC");
  ck_page_fault(&g, 6, ABSENT + 0x123, 0);
  g.cpu->gpr[CPU_RBX] = READ_ONLY + 8;
  RUN(&g, "\x88\x03\xCC");
  ck_page_fault(&g, 7, READ_ONLY + 8, 0);
}
END_TEST

START_TEST(read_modify_write_faults_as_a_write)
{
  static const struct {
    const char *name, *code;
    size_t size;
    uint32_t error_code;
  } list[] = {
      {"add [rbx], al", "\x00\x03", 2, 6},
      {"inc dword [rbx]", "\xFF\x03", 2, 6},
      {"not byte [rbx]", "\xF6\x13", 2, 6},
      {"xchg [rbx], eax", "\x87\x03", 2, 6},
      {"lock xadd [rbx], eax", "\xF0\x0F\xC1\x03", 4, 6},
      {"cmpxchg [rbx], ecx", "\x0F\xB1\x0B", 3, 6},
      {"bts dword [rbx], 1", "\x0F\xBA\x2B\x01", 4, 6},
      {"shl byte [rbx], 1", "\xD0\x23", 2, 6},
      {"or word [rbx], 1", "\x66\x83\x0B\x01", 4, 6},
      {"cmp [rbx], al", "\x38\x03", 2, 4},
      {"cmp dword [rbx], 1", "\x83\x3B\x01", 3, 4},
      {"test byte [rbx], 1", "\xF6\x03\x01", 3, 4},
      {"bt dword [rbx], 1", "\x0F\xBA\x23\x01", 4, 4},
      {"push qword [rbx]", "\xFF\x33", 2, 4},
      {"add al, [rbx]", "\x02\x03", 2, 4},
      {"cmpxchg16b [rbx]", "\x48\x0F\xC7\x0B", 4, 6},
  };
  g.cpu->gpr[CPU_RBX] = ABSENT;
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    guest_run(&g, list[i].code, list[i].size);
    ck_assert_msg(g.trap.vector == 14 && g.trap.error_code == list[i].error_code && g.cpu->rip == CODE,
                  "%s: vector %d code %x", list[i].name, g.trap.vector, g.trap.error_code);
  }
}
END_TEST

START_TEST(page_fault_on_fetch)
{
  /* mov eax, ABSENT; jmp rax */
  RUN(&g, "\xB8\x00\x00\x03\x00\xFF\xE0");
  ck_page_fault(&g, 0x14, ABSENT, ABSENT - CODE);
  /* mov eax, DATA; jmp rax: the page is there but NX */
  RUN(&g, "\xB8\x00\x00\x02\x00\xFF\xE0");
  ck_page_fault(&g, 0x15, DATA, DATA - CODE);
  /* xor eax, eax; call rax: the address 0 is nothing special */
  RUN(&g, "\x31\xC0\xFF\xD0");
  ck_page_fault(&g, 0x14, 0, -CODE);
  ck_assert_uint_eq(guest_u64(g.space, g.cpu->gpr[CPU_RSP]), CODE + 4);
}
END_TEST

START_TEST(address_zero_can_be_executed)
{
  guest_pages(g.space, 0, 1, RX);
  guest_put(g.space, 0, "\x90\xCC", 2);
  RUN(&g, "\x31\xC0\xFF\xE0");
  ck_int3(&g, 1 - CODE);
}
END_TEST

START_TEST(page_fault_user_access_to_supervisor_page)
{
  guest_pages(g.space, ABSENT, 1, RW & ~PTE_USER);
  g.cpu->gpr[CPU_RBX] = ABSENT + 0x10;
  RUN(&g, "\x8A\x03\xCC");
  ck_page_fault(&g, 5, ABSENT + 0x10, 0);
  RUN(&g, "\x88\x03\xCC");
  ck_page_fault(&g, 7, ABSENT + 0x10, 0);
  /* The kernel arena is present and not the user's; kernel addresses beyond it are absent. */
  g.cpu->gpr[CPU_RBX] = EMU_KERNEL_BASE + 0x5000;
  RUN(&g, "\x8A\x03\xCC");
  ck_page_fault(&g, 5, EMU_KERNEL_BASE + 0x5000, 0);
  g.cpu->gpr[CPU_RBX] = 0xFFFF900000000000ull;
  RUN(&g, "\x8A\x03\xCC");
  ck_page_fault(&g, 4, 0xFFFF900000000000ull, 0);
  /* The page tables themselves cannot be reached. */
  g.cpu->gpr[CPU_RBX] = EMU_PAGE_TABLES_BASE + 0x18;
  RUN(&g, "\x88\x03\xCC");
  ck_page_fault(&g, 6, EMU_PAGE_TABLES_BASE + 0x18, 0);
}
END_TEST

START_TEST(a_straddling_store_is_all_or_nothing)
{
  guest_put(g.space, DATA + 0x1FF0, "AAAAAAAAAAAAAAAA", 16);
  g.cpu->gpr[CPU_RBX] = READ_ONLY - 3;
  g.cpu->gpr[CPU_RAX] = 0;
  RUN(&g, "\x48\x89\x03\xCC"); /* mov [rbx], rax */
  ck_page_fault(&g, 7, READ_ONLY, 0);
  ck_assert_mem_eq(space_host(g.space, DATA + 0x1FF0, 16), "AAAAAAAAAAAAAAAA", 16);
  /* The same below: the first byte is the one that is missing. */
  g.cpu->gpr[CPU_RBX] = DATA - 3;
  RUN(&g, "\x48\x89\x03\xCC");
  ck_page_fault(&g, 6, DATA - 3, 0);
  ck_assert_uint_eq(guest_u64(g.space, DATA), 0);
}
END_TEST

START_TEST(helper_instructions_do_not_store_after_a_fault)
{
  guest_put(g.space, READ_ONLY, "BBBBBBBBBBBBBBBB", 16);
  g.cpu->gpr[CPU_RBX] = READ_ONLY;
  g.cpu->gpr[CPU_RAX] = g.cpu->gpr[CPU_RDX] = 0x4242424242424242ull;
  g.cpu->gpr[CPU_RCX] = 1;
  RUN(&g, "\x48\x0F\xC7\x0B\xCC"); /* cmpxchg16b [rbx] */
  ck_page_fault(&g, 7, READ_ONLY, 0);
  RUN(&g, "\x0F\xAE\x03\xCC"); /* fxsave [rbx] */
  ck_page_fault(&g, 7, READ_ONLY, 0);
  ck_assert_mem_eq(space_host(g.space, READ_ONLY, 16), "BBBBBBBBBBBBBBBB", 16);
}
END_TEST

START_TEST(a_fixed_fault_is_retried)
{
  g.cpu->gpr[CPU_RBX] = ABSENT;
  g.cpu->gpr[CPU_RAX] = 0x77;
  RUN(&g, "\x48\xFF\xC0\x48\x89\x03\xCC"); /* inc rax; mov [rbx], rax */
  ck_page_fault(&g, 6, ABSENT, 3);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x78);
  guest_pages(g.space, ABSENT, 1, RW);
  guest_continue(&g);
  ck_int3(&g, 6);
  ck_assert_uint_eq(guest_u64(g.space, ABSENT), 0x78);
  ck_assert_uint_ne(space_pte(g.space, ABSENT) & PTE_DIRTY, 0);
  ck_assert_uint_ne(space_pte(g.space, ABSENT) & PTE_ACCESSED, 0);
}
END_TEST

START_TEST(many_faults_in_a_row_stay_page_faults)
{
  g.cpu->gpr[CPU_RBX] = ABSENT;
  RUN(&g, "\x88\x03\xCC");
  for (unsigned i = 0; i < 5; i++) {
    ck_page_fault(&g, 6, ABSENT, 0);
    guest_continue(&g);
  }
  RUN(&g, "\xFA");
  ck_exception(&g, 13, 0);
  RUN(&g, "\x88\x03");
  ck_page_fault(&g, 6, ABSENT, 0);
}
END_TEST

START_TEST(a_string_instruction_faults_in_the_middle)
{
  g.cpu->gpr[CPU_RDI] = DATA + 0x1FFC;
  g.cpu->gpr[CPU_RCX] = 9;
  g.cpu->gpr[CPU_RAX] = 0x5A;
  guest_pages(g.space, READ_ONLY, 1, RO);
  RUN(&g, "\xF3\xAA\xCC"); /* rep stosb */
  ck_page_fault(&g, 7, READ_ONLY, 0);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 5);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RDI], READ_ONLY);
}
END_TEST

START_TEST(divide_by_zero_and_overflow)
{
  g.cpu->gpr[CPU_RAX] = 7;
  g.cpu->gpr[CPU_RDX] = 0;
  g.cpu->gpr[CPU_RCX] = 0;
  RUN(&g, "\x90\x48\xF7\xF1\xCC"); /* div rcx */
  ck_exception(&g, 0, 1);
  ck_assert(!g.trap.has_error_code && !g.trap.software);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 7);
  g.cpu->gpr[CPU_RDX] = 9;
  g.cpu->gpr[CPU_RCX] = 1;
  RUN(&g, "\x48\xF7\xF1\xCC");
  ck_exception(&g, 0, 0);
}
END_TEST

START_TEST(invalid_opcodes)
{
  static const struct {
    const char *name, *code;
    size_t size;
  } list[] = {
      {"ud2", "\x0F\x0B", 2},
      {"push es", "\x06", 1},
      {"popcnt", "\xF3\x0F\xB8\xC0", 4},
      {"vaddps ymm", "\xC5\xFC\x58\xC0", 4},
      {"xgetbv", "\x0F\x01\xD0", 3},
      {"xsave", "\x0F\xAE\x23", 3},
      {"rdfsbase", "\xF3\x0F\xAE\xC0", 4},
      {"movbe", "\x0F\x38\xF0\x03", 4},
      {"lock nop", "\xF0\x90", 2},
      {"rdrand", "\x0F\xC7\xF0", 3},
      {"into", "\xCE", 1},
      {"vmcall", "\x0F\x01\xC1", 3},
      {"monitor", "\x0F\x01\xC8", 3},
      {"bound", "\x62\x03", 2},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    g.cpu->gpr[CPU_RBX] = DATA;
    guest_run(&g, list[i].code, list[i].size);
    ck_assert_msg(g.trap.kind == CPU_TRAP_EXCEPTION && g.trap.vector == 6 && g.cpu->rip == CODE && !g.trap.software,
                  "%s: kind %d vector %d rip %llx", list[i].name, g.trap.kind, g.trap.vector,
                  (unsigned long long)g.cpu->rip);
    ck_assert(!g.trap.has_error_code);
  }
}
END_TEST

START_TEST(code_that_the_translator_dies_on_is_an_invalid_opcode)
{
  unsigned in_use, idle;
  g.cpu->gpr[CPU_RBX] = DATA;
  for (unsigned i = 0; i < 20; i++) {
    RUN(&g, "\x90\x90\xF0\x39\x03\xCC"); /* nop; nop; lock cmp [rbx], eax */
    ck_exception(&g, 6, 2);
    ck_assert_uint_eq(g.cpu->rflags & EFLAGS_TF, 0);
  }
  g.cpu->rip = CODE + 5;
  guest_continue(&g);
  ck_int3(&g, 5);
  emu_engine_counts(g.emu, &in_use, &idle);
  ck_assert_uint_eq(in_use + idle, 1);
}
END_TEST

START_TEST(iret_to_virtual_8086_mode_is_general_protection)
{
  /* iretd with VM in the flags and selector 2222 on the stack */
  guest_put(g.space, STACK_TOP - 0x100, "\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22", 12);
  RUN(&g, "\x90\xCF");
  ck_exception(&g, 13, 1);
  ck_assert_uint_eq(g.trap.error_code, 0x2220);
  ck_assert_uint_eq(g.cpu->cs, KGDT64_R3_CODE);
  RUN(&g, "\x48\xB8\x01\x00\x00\x00\x01\x00\x00\x00\xCC"); /* 64-bit code again */
  ck_int3(&g, 10);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x100000001ull);
  /* flags with VM and IOPL 3 and without IF: user mode can not clear it */
  guest_put(g.space, STACK_TOP - 0x100, "\x22\x22\x22\x22\x22\x22\x22\x22\x00\x30\x02\x00", 12);
  RUN(&g, "\x90\xCF");
  ck_exception(&g, 13, 1);
  ck_assert_uint_eq(g.cpu->rflags & (EFLAGS_IF | 0x3000 | 0x20000), EFLAGS_IF);
}
END_TEST

START_TEST(icebp_is_vector_1_after_the_instruction)
{
  RUN(&g, "\x90\xF1\x90");
  ck_exception(&g, 1, 2);
  ck_assert(g.trap.icebp && !g.trap.software);
  guest_put(g.space, CODE + 2, "\xCC", 1);
  guest_continue(&g);
  ck_int3(&g, 2);
}
END_TEST

START_TEST(privileged_instructions_are_general_protection)
{
  static const struct {
    const char *name, *code;
    size_t size;
  } list[] = {
      {"cli", "\xFA", 1},
      {"sti", "\xFB", 1},
      {"hlt", "\xF4", 1},
      {"mov rax, cr0", "\x0F\x20\xC0", 3},
      {"mov cr3, rax", "\x0F\x22\xD8", 3},
      {"mov rax, dr7", "\x0F\x21\xF8", 3},
      {"mov dr0, rax", "\x0F\x23\xC0", 3},
      {"rdmsr", "\x0F\x32", 2},
      {"wrmsr", "\x0F\x30", 2},
      {"rdpmc", "\x0F\x33", 2},
      {"swapgs", "\x0F\x01\xF8", 3},
      {"invd", "\x0F\x08", 2},
      {"wbinvd", "\x0F\x09", 2},
      {"clts", "\x0F\x06", 2},
      {"lgdt [rbx]", "\x0F\x01\x13", 3},
      {"lidt [rbx]", "\x0F\x01\x1B", 3},
      {"lldt ax", "\x0F\x00\xD0", 3},
      {"ltr ax", "\x0F\x00\xD8", 3},
      {"lmsw ax", "\x0F\x01\xF0", 3},
      {"invlpg [rbx]", "\x0F\x01\x3B", 3},
      {"sysexit", "\x48\x0F\x35", 3},
      {"sysretq", "\x48\x0F\x07", 3},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    unsigned length = 0;
    g.cpu->gpr[CPU_RBX] = DATA;
    g.cpu->gpr[CPU_RAX] = 0;
    g.cpu->gpr[CPU_RCX] = 0x10;
    guest_run(&g, list[i].code, list[i].size);
    ck_assert_msg(g.trap.kind == CPU_TRAP_EXCEPTION && g.trap.vector == 13 && g.cpu->rip == CODE &&
                      g.trap.has_error_code && g.trap.error_code == 0,
                  "%s: kind %d vector %d code %x", list[i].name, g.trap.kind, g.trap.vector, g.trap.error_code);
    ck_assert_msg(emu_decode_privileged((const uint8_t *)list[i].code, list[i].size, true, &length), "%s", list[i].name);
    ck_assert_uint_eq(length, list[i].size);
  }
}
END_TEST

START_TEST(bad_selectors_carry_their_error_code)
{
  RUN(&g, "\x66\xB8\x68\x00\x8E\xD8\xCC"); /* mov ax, 68; mov ds, ax */
  ck_exception(&g, 13, 4);
  ck_assert(g.trap.has_error_code);
  ck_assert_uint_eq(g.trap.error_code, 0x68);
  RUN(&g, "\x66\xB8\x10\x00\x8E\xD0\xCC"); /* ss = the kernel's code segment */
  ck_exception(&g, 13, 4);
  ck_assert_uint_eq(g.trap.error_code, 0x10);
}
END_TEST

START_TEST(sixteen_byte_instruction_is_general_protection)
{
  RUN(&g, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90\xCC");
  ck_exception(&g, 13, 0);
  ck_assert_uint_eq(g.trap.error_code, 0);
}
END_TEST

START_TEST(non_canonical_data_access)
{
  g.cpu->gpr[CPU_RBX] = 0x8000000000000000ull;
  RUN(&g, "\x8A\x03\xCC");
  ck_exception(&g, 13, 0);
  ck_assert_uint_eq(g.trap.error_code, 0);
  g.cpu->gpr[CPU_RBX] = 0x800000000000ull;
  RUN(&g, "\x88\x03\xCC");
  ck_exception(&g, 13, 0);
}
END_TEST

START_TEST(non_canonical_branches_fault_at_the_branch)
{
  g.cpu->gpr[CPU_RAX] = 0x1000000000000ull;
  RUN(&g, "\x90\xFF\xE0");
  ck_exception(&g, 13, 1);
  RUN(&g, "\x90\x90\xFF\xD0"); /* call rax */
  ck_exception(&g, 13, 2);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RSP], STACK_TOP - 0x100);
  RUN(&g, "\x50\xC3"); /* push rax; ret */
  ck_exception(&g, 13, 1);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RSP], STACK_TOP - 0x108);
  RUN(&g, "\x50\xC2\x10\x00");
  ck_exception(&g, 13, 1);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RSP], STACK_TOP - 0x108);
}
END_TEST

/* Entered there (iretq, sysretq): no branch of what ran before is undone. */
START_TEST(non_canonical_start_faults_there)
{
  RUN(&g, "\x0F\x05\xC3"); /* syscall; ret */
  ck_assert_int_eq(g.trap.kind, CPU_TRAP_SYSCALL);
  const uint64_t rsp = g.cpu->gpr[CPU_RSP];
  for (unsigned tf = 0; tf < 2; tf++) {
    g.cpu->rip = 0x800000000000ull;
    g.cpu->rflags |= tf ? EFLAGS_TF : 0;
    guest_continue(&g);
    ck_exception(&g, 13, 0x800000000000ull - CODE);
    ck_assert_uint_eq(g.trap.error_code, 0);
    ck_assert(g.trap.has_error_code);
    ck_assert_uint_eq(g.cpu->gpr[CPU_RSP], rsp);
  }
}
END_TEST

START_TEST(faults_have_rf_and_traps_have_not)
{
  g.cpu->gpr[CPU_RBX] = ABSENT;
  RUN(&g, "\x88\x03");
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_RF, 0);
  RUN(&g, "\x0F\x0B");
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_RF, 0);
  RUN(&g, "\xF1");
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_RF, 0);
  RUN(&g, "\x0F\x05");
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_RF, 0);
}
END_TEST

START_TEST(flags_are_exact_at_a_fault)
{
  /* stc; mov ecx, 1; dec ecx (ZF, CF kept); mov [rbx], al */
  g.cpu->gpr[CPU_RBX] = ABSENT;
  RUN(&g, "\xF9\xB9\x01\x00\x00\x00\xFF\xC9\x88\x03");
  ck_page_fault(&g, 6, ABSENT, 8);
  ck_assert_uint_eq(g.cpu->rflags & ~(uint64_t)EFLAGS_RF, 0x247); /* CF, PF, ZF, IF */
}
END_TEST

START_TEST(far_return_to_32_bit_code_and_back)
{
  /* push 23; push target; retfq ... int3 there */
  RUN(&g, "\x6A\x23\x68\x00\x00\x05\x00\x48\xCB");
  ck_assert_uint_eq(g.trap.vector, 6 + 8); /* nothing but zeros: add [eax], al */
  guest_put(g.space, WRITABLE_CODE, "\xB8\x01\x00\x00\x00\xCC", 6);
  RUN(&g, "\x6A\x23\x68\x00\x00\x05\x00\x48\xCB");
  ck_exception(&g, 3, WRITABLE_CODE + 6 - CODE);
  ck_assert_uint_eq(g.cpu->cs, KGDT64_R3_CMCODE);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 1);
  /* The kernel may set the other mode by the selector. */
  g.cpu->cs = KGDT64_R3_CODE;
  RUN(&g, "\x48\xFF\xC0\xCC");
  ck_int3(&g, 3);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 2);
  g.cpu->cs = KGDT64_R3_CMCODE;
  guest_put(g.space, WRITABLE_CODE, "\x48\xCC", 2); /* dec eax */
  g.cpu->rip = WRITABLE_CODE;
  guest_continue(&g);
  ck_exception(&g, 3, WRITABLE_CODE + 2 - CODE);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 1);
}
END_TEST

START_TEST(traps_leave_other_registers_alone)
{
  for (unsigned i = 0; i < CPU_REGISTERS; i++)
    g.cpu->gpr[i] = 0x0101010101010101ull * (i + 1);
  g.cpu->fs_base = 0x1234000;
  g.cpu->gs_base = DATA;
  guest_put(g.space, DATA + 0x30, "\x11\x22\x33\x44\x55\x66\x77\x08", 8);
  RUN(&g, "\x65\x48\x8B\x04\x25\x30\x00\x00\x00\xCC"); /* mov rax, gs:[30] */
  ck_int3(&g, 9);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x0877665544332211ull);
  for (unsigned i = 1; i < CPU_REGISTERS; i++) {
    if (i != CPU_RSP)
      ck_assert_uint_eq(g.cpu->gpr[i], 0x0101010101010101ull * (i + 1));
  }
  ck_assert_uint_eq(g.cpu->fs_base, 0x1234000);
  ck_assert_uint_eq(g.cpu->gs_base, DATA);
  ck_assert_uint_eq(g.cpu->cs, KGDT64_R3_CODE);
  ck_assert_uint_eq(g.cpu->ss, KGDT64_R3_DATA);
  ck_assert_uint_eq(g.cpu->fs, KGDT64_R3_CMTEB);
}
END_TEST

START_TEST(flags_survive_what_the_translator_gives_up_on)
{
  static const uint8_t code[] = {0xF0, 0x41, 0x0F, 0xBB, 0xD9, 0x90, 0xCC}; /* lock btc r9d, ebx; nop; int3 */
  const uint64_t flags = EFLAGS_IF | 2 | 1;                                 /* CF */
  guest_put(g.space, CODE, code, sizeof code);
  g.cpu->rip = CODE;
  g.cpu->rflags = flags;
  guest_continue(&g);
  ck_exception(&g, 6, 0);
  ck_assert_uint_eq(g.cpu->rflags, flags | EFLAGS_RF);
  g.cpu->rip = CODE + 5;
  g.cpu->rflags = flags | EFLAGS_TF;
  guest_continue(&g);
  ck_exception(&g, 1, 6);
  ck_assert_uint_eq(g.cpu->rflags, flags | EFLAGS_TF);
  /* Without a step, too. */
  g.cpu->rip = CODE;
  g.cpu->rflags = flags;
  guest_continue(&g);
  g.cpu->rip = CODE + 5;
  g.cpu->rflags = flags;
  guest_continue(&g);
  ck_int3(&g, 6);
  ck_assert_uint_eq(g.cpu->rflags, flags);
}
END_TEST

/* Call and jmp to a far pointer have it in memory. Whatever was read before, by this block or another. */
START_TEST(far_branches_through_registers_are_undefined)
{
  static const uint8_t prefixes[] = {0x90, 0x66, 0x48}, operations[] = {0xDB, 0xEB};
  for (size_t i = 0; i < sizeof prefixes * sizeof operations; i++) {
    const uint8_t prefix = prefixes[i / 2], operation = operations[i % 2];
    const uint8_t first[] = {prefix, 0xFF, operation, 0xCC};
    const uint8_t after_read[] = {0x48, 0x87, 0x2F, prefix, 0xFF, operation, 0xCC}; /* xchg [rdi], rbp */
    g.cpu->gpr[CPU_RDI] = DATA;
    guest_run(&g, first, sizeof first);
    ck_exception(&g, 6, prefix == 0x90);
    guest_run(&g, after_read, sizeof after_read);
    ck_exception(&g, 6, 3 + (prefix == 0x90));
  }
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu traps");
  TCase *t = tcase_create("traps");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 30);
  tcase_add_test(t, int3_is_software_and_rip_is_after_it);
  tcase_add_test(t, int_n_is_software_with_its_vector);
  tcase_add_test(t, syscall_stops_at_the_instruction_without_effects);
  tcase_add_test(t, page_fault_read_write_execute);
  tcase_add_test(t, read_modify_write_faults_as_a_write);
  tcase_add_test(t, page_fault_on_fetch);
  tcase_add_test(t, address_zero_can_be_executed);
  tcase_add_test(t, page_fault_user_access_to_supervisor_page);
  tcase_add_test(t, a_straddling_store_is_all_or_nothing);
  tcase_add_test(t, helper_instructions_do_not_store_after_a_fault);
  tcase_add_test(t, a_fixed_fault_is_retried);
  tcase_add_test(t, many_faults_in_a_row_stay_page_faults);
  tcase_add_test(t, a_string_instruction_faults_in_the_middle);
  tcase_add_test(t, divide_by_zero_and_overflow);
  tcase_add_test(t, invalid_opcodes);
  tcase_add_test(t, code_that_the_translator_dies_on_is_an_invalid_opcode);
  tcase_add_test(t, iret_to_virtual_8086_mode_is_general_protection);
  tcase_add_test(t, icebp_is_vector_1_after_the_instruction);
  tcase_add_test(t, privileged_instructions_are_general_protection);
  tcase_add_test(t, bad_selectors_carry_their_error_code);
  tcase_add_test(t, sixteen_byte_instruction_is_general_protection);
  tcase_add_test(t, non_canonical_data_access);
  tcase_add_test(t, non_canonical_branches_fault_at_the_branch);
  tcase_add_test(t, non_canonical_start_faults_there);
  tcase_add_test(t, faults_have_rf_and_traps_have_not);
  tcase_add_test(t, flags_are_exact_at_a_fault);
  tcase_add_test(t, far_return_to_32_bit_code_and_back);
  tcase_add_test(t, traps_leave_other_registers_alone);
  tcase_add_test(t, flags_survive_what_the_translator_gives_up_on);
  tcase_add_test(t, far_branches_through_registers_are_undefined);
  suite_add_tcase(s, t);
  return run_suite(s);
}
