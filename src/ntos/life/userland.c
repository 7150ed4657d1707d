/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The userland of a machine: entry points and service numbers come from its ntdll, KUSER_SHARED_DATA from here. */
#include "ntos/life/internal.h"

#include "dbgk/dbgk.h"
#include "loader/loader.h"

#include <string.h>

/* KUSER_SHARED_DATA offsets. */
#define USER_SHARED_TICK_MULTIPLIER 0x004
#define USER_SHARED_IMAGE_LOW 0x02C
#define USER_SHARED_SYSTEM_ROOT 0x030
#define USER_SHARED_BUILD 0x260
#define USER_SHARED_PRODUCT_TYPE 0x264
#define USER_SHARED_PRODUCT_VALID 0x268
#define USER_SHARED_MACHINE 0x26A
#define USER_SHARED_MAJOR 0x26C
#define USER_SHARED_MINOR 0x270
#define USER_SHARED_FEATURES 0x274
#define USER_SHARED_SUITE 0x2D0
#define USER_SHARED_PAGES 0x2E8
#define USER_SHARED_PROCESSORS 0x3C0
#define IMAGE_MACHINE 0x8664u

/* Processor features that the emulated processor has and claims (PF_*). */
static const UCHAR processor_features[] = {
    2,  /* PF_COMPARE_EXCHANGE_DOUBLE */
    3,  /* PF_MMX_INSTRUCTIONS_AVAILABLE */
    6,  /* PF_XMMI_INSTRUCTIONS_AVAILABLE */
    8,  /* PF_RDTSC_INSTRUCTION_AVAILABLE */
    9,  /* PF_PAE_ENABLED */
    10, /* PF_XMMI64_INSTRUCTIONS_AVAILABLE */
    12, /* PF_NX_ENABLED */
    14, /* PF_COMPARE_EXCHANGE128 */
    23, /* PF_FASTFAIL_AVAILABLE */
};

static void put32(UCHAR *page, size_t offset, ULONG value)
{
  memcpy(page + offset, &value, sizeof value);
}

void life_fill_shared_data(UCHAR *page)
{
  static const WCHAR root[] = u"C:\\windows";
  put32(page, USER_SHARED_TICK_MULTIPLIER, 0x0FA00000);
  put32(page, USER_SHARED_IMAGE_LOW, IMAGE_MACHINE << 16 | IMAGE_MACHINE);
  memcpy(page + USER_SHARED_SYSTEM_ROOT, root, sizeof root);
  put32(page, USER_SHARED_BUILD, NT_BUILD_NUMBER);
  put32(page, USER_SHARED_PRODUCT_TYPE, 1);
  page[USER_SHARED_PRODUCT_VALID] = 1;
  put32(page, USER_SHARED_MACHINE, 9);
  put32(page, USER_SHARED_MAJOR, NT_MAJOR_VERSION);
  put32(page, USER_SHARED_MINOR, NT_MINOR_VERSION);
  for (size_t i = 0; i < sizeof processor_features; i++)
    page[USER_SHARED_FEATURES + processor_features[i]] = 1;
  put32(page, USER_SHARED_SUITE, 0x100);
  put32(page, USER_SHARED_PAGES, 0x80000);
  put32(page, USER_SHARED_PROCESSORS, 1);
}

static void exit_apc_routine(KAPC *Apc)
{
  ETHREAD *thread = CONTAINING_RECORD(Apc, ETHREAD, exit_apc);
  PspExitThread(thread->ExitStatus);
}

bool LifeInitSystem(void)
{
  struct life_state *life = ExAllocatePoolWithTag(sizeof *life, POOL_TAG('L', 'i', 'f', 'e'));
  if (!life)
    return false;
  KeGetPcr()->life = life;
  life->os_build = NT_BUILD_NUMBER;
  ps_set_exit_routine(exit_apc_routine);
  UCHAR *page = mm_shared_user_data();
  if (!page)
    return false;
  life_fill_shared_data(page);
  ke_set_shared_data(page);
  KeUpdateSharedTime();
  return true;
}

struct binding {
  const UCHAR *image;
  size_t size;
  bool failed;
};

/* Nt* and the userland's own system calls. Zw* and Rtl* names may share an Nt* stub, and are no services. */
static bool is_service_name(const char *name)
{
  return (name[0] == 'N' && name[1] == 't') || !strncmp(name, "wine_", 5) || !strncmp(name, "__wine_", 7);
}

static void bind_export(void *context, const char *name, uint32_t rva)
{
  struct binding *b = context;
  if (!is_service_name(name))
    return;
  int32_t number = pe_service_number(b->image, b->size, rva);
  if (number >= 0 && !trap_bind_service((ULONG)number, name))
    b->failed = true;
}

NTSTATUS life_set_userland(const struct life_userland *userland)
{
  struct life_state *life = life_state();
  const struct pe_headers *headers = mm_section_headers(userland->ntdll);
  const UCHAR *image = mm_section_image(userland->ntdll);
  struct user_entry_points points = {.apc_dispatcher_is_called = userland->unix_call_slot != 0};
  struct {
    const char *name;
    ULONG64 *address;
    bool required;
  } entries[] = {
      {"LdrInitializeThunk", &points.LdrInitializeThunk, true},
      {"RtlUserThreadStart", &points.RtlUserThreadStart, true},
      {"KiUserExceptionDispatcher", &points.KiUserExceptionDispatcher, true},
      {"KiUserApcDispatcher", &points.KiUserApcDispatcher, false},
      {"KiRaiseUserExceptionDispatcher", &points.KiRaiseUserExceptionDispatcher, false},
  };
  if (!headers || !image)
    return STATUS_SECTION_NOT_IMAGE;
  ULONG64 base = headers->image_base;
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
    uint32_t rva = pe_export_rva(image, headers->size_of_image, headers, entries[i].name);
    if (!rva && entries[i].required)
      return STATUS_ENTRYPOINT_NOT_FOUND;
    *entries[i].address = rva ? base + rva : 0;
  }
  struct binding b = {image, headers->size_of_image, false};
  pe_for_each_export(image, headers->size_of_image, headers, bind_export, &b);
  if (userland->unix_call_service && !trap_bind_service(userland->unix_call_service, "wine_unix_call"))
    b.failed = true;
  if (b.failed)
    return STATUS_INSUFFICIENT_RESOURCES;
  life->userland = *userland;
  life->ntdll_base = base;
  trap_set_entry_points(&points);
  dbgk_set_system_dll(userland->ntdll, base);
  return STATUS_SUCCESS;
}

const struct life_userland *life_userland(void)
{
  static const struct life_userland none;
  return life_state() ? &life_state()->userland : &none;
}
