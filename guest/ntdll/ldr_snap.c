/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exports and imports: what a module needs is mapped, depth first, and its import tables are filled. */
#include "ldrp.h"

#define NO_HINT 0xFFFFFFFFu
#define MAX_FORWARDS 8 /* a chain of forwarders that is longer goes round */

const char *LdrpMissing;

static int compare(const char *a, const char *b)
{
  for (; *a && *a == *b; a++, b++)
    ;
  return (UCHAR)*a - (UCHAR)*b;
}

/* Index into the functions of the export with a name, NO_HINT if there is none. Names are sorted. */
static ULONG find_name(const UCHAR *image, const IMAGE_EXPORT_DIRECTORY *exports, const char *name, ULONG hint)
{
  const ULONG *names = (const ULONG *)(image + exports->AddressOfNames);
  const USHORT *ordinals = (const USHORT *)(image + exports->AddressOfNameOrdinals);
  if (hint < exports->NumberOfNames && !compare((const char *)image + names[hint], name))
    return ordinals[hint];
  ULONG low = 0, high = exports->NumberOfNames;
  while (low < high) {
    ULONG middle = low + (high - low) / 2;
    int order = compare((const char *)image + names[middle], name);
    if (!order)
      return ordinals[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NO_HINT;
}

static ULONG number(const char *digits)
{
  ULONG value = 0;
  while (*digits >= '0' && *digits <= '9')
    value = value * 10 + (ULONG)(*digits++ - '0');
  return value;
}

static NTSTATUS get_procedure(LDRP_MODULE *module, const char *name, ULONG hint, ULONG ordinal, LDRP_MODULE *owner,
                              ULONG depth, PVOID *address);

/* "DLL.Name" or "DLL.#ordinal". */
static NTSTATUS follow_forwarder(const char *target, LDRP_MODULE *from, LDRP_MODULE *owner, ULONG depth, PVOID *address)
{
  WCHAR name[LDRP_MAX_PATH];
  const char *dot = NULL;
  LDRP_MODULE *module;
  for (const char *p = target; *p; p++)
    if (*p == '.')
      dot = p;
  if (!dot || dot - target > 200 || depth == MAX_FORWARDS)
    return STATUS_ENTRYPOINT_NOT_FOUND;
  ULONG length = 0;
  while (target < dot)
    name[length++] = (UCHAR)*target++;
  for (const char *p = ".dll"; *p; p++)
    name[length++] = (UCHAR)*p;
  name[length] = 0;
  NTSTATUS status = LdrpLoadDllInternal(name, NULL, from->Entry.BaseDllName.Buffer, &module);
  if (NT_SUCCESS(status) && owner)
    status = LdrpAddDependency(owner, module);
  if (!NT_SUCCESS(status))
    return status;
  return dot[1] == '#' ? get_procedure(module, NULL, NO_HINT, number(dot + 2), owner, depth + 1, address)
                       : get_procedure(module, dot + 1, NO_HINT, 0, owner, depth + 1, address);
}

static NTSTATUS get_procedure(LDRP_MODULE *module, const char *name, ULONG hint, ULONG ordinal, LDRP_MODULE *owner,
                              ULONG depth, PVOID *address)
{
  UCHAR *image = module->Entry.DllBase;
  ULONG size, index = NO_HINT;
  const NTSTATUS absent = name ? STATUS_ENTRYPOINT_NOT_FOUND : STATUS_ORDINAL_NOT_FOUND;
  IMAGE_EXPORT_DIRECTORY *exports = LdrpDirectory(image, IMAGE_DIRECTORY_ENTRY_EXPORT, &size);
  if (!exports)
    return absent;
  index = name ? find_name(image, exports, name, hint) : ordinal - exports->Base;
  if (index >= exports->NumberOfFunctions)
    return absent;
  ULONG rva = ((const ULONG *)(image + exports->AddressOfFunctions))[index];
  if (!rva)
    return absent;
  if (rva - (ULONG)((UCHAR *)exports - image) < size)
    return follow_forwarder((const char *)image + rva, module, owner, depth, address);
  *address = image + rva;
  return STATUS_SUCCESS;
}

NTSTATUS LdrpGetProcedure(LDRP_MODULE *Module, const char *Name, ULONG Hint, ULONG Ordinal, LDRP_MODULE *Owner,
                          PVOID *Address)
{
  return get_procedure(Module, Name, Hint, Ordinal, Owner, 0, Address);
}

/* One entry of an import table. */
static NTSTATUS LdrpSnapThunk(LDRP_MODULE *importer, LDRP_MODULE *exporter, ULONG64 lookup, ULONG64 *address)
{
  UCHAR *image = importer->Entry.DllBase;
  PVOID target;
  NTSTATUS status;
  if (lookup >> 63) {
    status = LdrpGetProcedure(exporter, NULL, NO_HINT, (USHORT)lookup, importer, &target);
  } else {
    IMAGE_IMPORT_BY_NAME *name = (IMAGE_IMPORT_BY_NAME *)(image + (ULONG)lookup);
    status = LdrpGetProcedure(exporter, (const char *)name->Name, name->Hint, 0, importer, &target);
    if (!NT_SUCCESS(status))
      LdrpMissing = (const char *)name->Name;
  }
  if (NT_SUCCESS(status))
    *address = (ULONG64)target;
  return status;
}

/* The module that an import descriptor names, as a dependency. */
static NTSTATUS LdrpLoadImportModule(LDRP_MODULE *importer, const char *name, LDRP_MODULE **module)
{
  WCHAR wide[LDRP_MAX_PATH];
  ULONG length = 0;
  for (; name[length] && length < LDRP_MAX_PATH - 1; length++)
    wide[length] = (UCHAR)name[length];
  wide[length] = 0;
  NTSTATUS status = LdrpLoadDllInternal(wide, NULL, importer->Entry.BaseDllName.Buffer, module);
  if (status == STATUS_DLL_NOT_FOUND && !LdrpMissing)
    LdrpMissing = name;
  return NT_SUCCESS(status) ? LdrpAddDependency(importer, *module) : status;
}

/* True if the addresses that were bound when the module was made are right: the same file, at its base. */
static BOOLEAN is_bound(LDRP_MODULE *importer, const char *name, LDRP_MODULE *exporter)
{
  IMAGE_BOUND_IMPORT_DESCRIPTOR *first =
      LdrpDirectory(importer->Entry.DllBase, IMAGE_DIRECTORY_ENTRY_BOUND_IMPORT, NULL);
  IMAGE_BOUND_IMPORT_DESCRIPTOR *bound = first;
  /* A forwarder's target must be checked, too; such imports are looked up again. */
  for (; bound && bound->OffsetModuleName; bound += 1 + bound->NumberOfModuleForwarderRefs)
    if (!compare((const char *)first + bound->OffsetModuleName, name))
      return !bound->NumberOfModuleForwarderRefs && bound->TimeDateStamp &&
             bound->TimeDateStamp == exporter->Entry.TimeDateStamp &&
             exporter->Entry.OriginalBase == (ULONG_PTR)exporter->Entry.DllBase;
  return FALSE;
}

static NTSTATUS snap_descriptor(LDRP_MODULE *module, const IMAGE_IMPORT_DESCRIPTOR *import)
{
  UCHAR *image = module->Entry.DllBase;
  const char *name = (const char *)image + import->Name;
  LDRP_MODULE *exporter;
  NTSTATUS status = LdrpLoadImportModule(module, name, &exporter);
  if (!NT_SUCCESS(status) || is_bound(module, name, exporter))
    return status;
  ULONG64 *lookup = (ULONG64 *)(image + (import->OriginalFirstThunk ? import->OriginalFirstThunk : import->FirstThunk));
  ULONG64 *address = (ULONG64 *)(image + import->FirstThunk);
  for (; *lookup && NT_SUCCESS(status); lookup++, address++)
    status = LdrpSnapThunk(module, exporter, *lookup, address);
  return status;
}

/* The pages of all import tables, from the IAT directory or the descriptors. */
static BOOLEAN table_range(LDRP_MODULE *module, const IMAGE_IMPORT_DESCRIPTOR *import, PVOID *start, SIZE_T *length)
{
  UCHAR *image = module->Entry.DllBase;
  ULONG size;
  PVOID table = LdrpDirectory(image, IMAGE_DIRECTORY_ENTRY_IAT, &size);
  ULONG_PTR low = table ? (ULONG_PTR)table : ~(ULONG_PTR)0, high = table ? low + size : 0;
  for (; import->Name && import->FirstThunk; import++) {
    ULONG64 *thunk = (ULONG64 *)(image + import->FirstThunk);
    if ((ULONG_PTR)thunk < low)
      low = (ULONG_PTR)thunk;
    while (*thunk)
      thunk++;
    if ((ULONG_PTR)thunk > high)
      high = (ULONG_PTR)thunk;
  }
  *start = (PVOID)low;
  *length = high > low ? high - low : 0;
  return high > low;
}

NTSTATUS LdrpWalkImportDescriptor(LDRP_MODULE *Module)
{
  IMAGE_IMPORT_DESCRIPTOR *import = LdrpDirectory(Module->Entry.DllBase, IMAGE_DIRECTORY_ENTRY_IMPORT, NULL);
  NTSTATUS status = STATUS_SUCCESS;
  PVOID start, at;
  SIZE_T length, bytes;
  ULONG old = 0;
  if (!import || !import->Name)
    return STATUS_SUCCESS;
  BOOLEAN any = table_range(Module, import, &start, &length);
  at = start, bytes = length;
  if (any)
    status = NtProtectVirtualMemory(NtCurrentProcess(), &at, &bytes, PAGE_READWRITE, &old);
  for (; NT_SUCCESS(status) && import->Name && import->FirstThunk; import++)
    status = snap_descriptor(Module, import);
  at = start, bytes = length;
  if (any)
    NtProtectVirtualMemory(NtCurrentProcess(), &at, &bytes, old, &old);
  return status;
}

/* The module for a name, mapped if it was not there. */
static NTSTATUS find_or_map(const WCHAR *Name, const WCHAR *DllPath, const WCHAR *Importer, LDRP_MODULE **Module,
                            BOOLEAN *mapped)
{
  WCHAR name[LDRP_MAX_PATH], path[LDRP_MAX_PATH];
  *Module = NULL;
  *mapped = FALSE;
  NTSTATUS status = LdrpPreprocessName(Name, Importer, name);
  if (!NT_SUCCESS(status))
    return status;
  *Module = LdrpFindByName(name);
  if (*Module)
    return STATUS_SUCCESS;
  status = LdrpSearchPath(name, DllPath, path);
  if (!NT_SUCCESS(status))
    return status;
  *Module = LdrpFindByName(path);
  if (*Module)
    return STATUS_SUCCESS;
  status = LdrpMapDll(path, Module);
  *mapped = NT_SUCCESS(status);
  return status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND ? STATUS_DLL_NOT_FOUND
                                                                                          : status;
}

NTSTATUS LdrpLoadDllInternal(const WCHAR *Name, const WCHAR *DllPath, const WCHAR *Importer, LDRP_MODULE **Module)
{
  BOOLEAN mapped;
  NTSTATUS status = find_or_map(Name, DllPath, Importer, Module, &mapped);
  return mapped ? LdrpWalkImportDescriptor(*Module) : status;
}

NTSTATUS LdrpMapDllOnly(const WCHAR *Name, LDRP_MODULE **Module)
{
  BOOLEAN mapped;
  NTSTATUS status = find_or_map(Name, NULL, NULL, Module, &mapped);
  if (mapped) {
    (*Module)->Entry.EntryPoint = NULL;
    (*Module)->Entry.Flags |= LDRP_DONT_CALL_FOR_THREADS;
    (*Module)->Node.State = LDRP_STATE_READY_TO_RUN;
  }
  return status;
}
