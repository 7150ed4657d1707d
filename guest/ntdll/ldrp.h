/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ldrp.h  Between the files of the loader. All of it but the exports is called with the loader lock held, or before
 *  there is a second thread. */
#ifndef GUEST_LDRP_H
#define GUEST_LDRP_H

#include "ntdllp.h"

#define LDRP_MAX_PATH 520 /* characters of a path, with its terminator */

/** LDR_DDAG_NODE, as far as debuggers read it. */
typedef struct _LDR_DDAG_NODE {
  LIST_ENTRY Modules;
  PVOID ServiceTagList;
  ULONG LoadCount; /**< LdrLoadDll calls that were not taken back; LDRP_PINNED: never unloaded */
  ULONG LoadWhileUnloadingCount, LowestLink;
  PVOID Dependencies, IncomingDependencies;
  LONG State; /**< LDRP_STATE_* */
} LDR_DDAG_NODE;
#define LDRP_PINNED 0xFFFFFFFFu
/* LDR_DDAG_STATE */
#define LDRP_STATE_UNLOADING (-2)
#define LDRP_STATE_MAPPED 2
#define LDRP_STATE_READY_TO_INIT 7
#define LDRP_STATE_INITIALIZING 8
#define LDRP_STATE_READY_TO_RUN 9

/** A module: what PEB.Ldr shows, and what the loader keeps for itself. */
typedef struct _LDRP_MODULE {
  LDR_DATA_TABLE_ENTRY Entry;
  LDR_DDAG_NODE Node;
  struct _LDRP_MODULE **Dependencies; /**< modules that its imports led to */
  ULONG DependencyCount, DependencyRoom;
  BOOLEAN Marked;  /**< a walk has been here */
  BOOLEAN HasTls;  /**< Entry.TlsIndex is its slot */
} LDRP_MODULE;

#define LDRP_MODULE_OF(links) CONTAINING_RECORD(links, LDRP_MODULE, Entry.InLoadOrderLinks)
/** Runs over the modules in load order. */
#define LDRP_FOR_EACH_MODULE(module)                                                    \
  for (LDRP_MODULE *module = LDRP_MODULE_OF(LdrpData.InLoadOrderModuleList.Flink);      \
       &module->Entry.InLoadOrderLinks != &LdrpData.InLoadOrderModuleList;              \
       module = LDRP_MODULE_OF(module->Entry.InLoadOrderLinks.Flink))

/* ---- ldr_list.c ---- */
extern PEB_LDR_DATA LdrpData;
extern RTL_CRITICAL_SECTION LdrpLoaderLock;
void LdrpInitializeLists(void);
/** A new module at the end of load and memory order. NULL: no memory. */
LDRP_MODULE *LdrpInsertModule(PVOID Base, const WCHAR *FullPath);
/** Takes a module off the lists and frees it; it is unmapped already. */
void LdrpRemoveModule(LDRP_MODULE *Module);
LDRP_MODULE *LdrpFindByBase(PVOID Base);
/** By base name, or by full path if the name has a backslash. NULL: not loaded. */
LDRP_MODULE *LdrpFindByName(const WCHAR *Name);
/** Notes that a module needs another. STATUS_NO_MEMORY */
NTSTATUS LdrpAddDependency(LDRP_MODULE *Module, LDRP_MODULE *Needed);
IMAGE_NT_HEADERS64 *LdrpHeaders(PVOID Base);
/** A directory of a mapped image; NULL: it has none. */
PVOID LdrpDirectory(PVOID Base, ULONG Index, ULONG *Size);

/* ---- ldr_map.c ---- */
/** Name of a DLL as it is looked for: with its extension, of an API set its host. Importer: base name of who asks, or
 *  NULL. STATUS_NAME_TOO_LONG */
NTSTATUS LdrpPreprocessName(const WCHAR *Name, const WCHAR *Importer, WCHAR Out[LDRP_MAX_PATH]);
/** Finds the file of a DLL (search order, or the path it has). STATUS_DLL_NOT_FOUND */
NTSTATUS LdrpSearchPath(const WCHAR *Name, const WCHAR *DllPath, WCHAR FullPath[LDRP_MAX_PATH]);
/** The folders that the load at work looks in, for all that it brings; NULL: the default ones. */
extern const WCHAR *LdrpSearchFolders;
/** Maps an image file and makes a module of it. Statuses of NtOpenFile, NtCreateSection, NtMapViewOfSection. */
NTSTATUS LdrpMapDll(const WCHAR *FullPath, LDRP_MODULE **Module);
/** Adds what the base differs by to each address of an image. STATUS_CONFLICTING_ADDRESSES: it can not be moved. */
NTSTATUS LdrpRelocateImage(PVOID Base);

/* ---- ldr_apiset.c ---- */
/** Host of an API set contract. Importer: base name of who asks. FALSE: it is none, or has no host. */
BOOLEAN LdrpResolveApiSet(const WCHAR *Name, const WCHAR *Importer, WCHAR Host[LDRP_MAX_PATH]);

/* ---- ldr_snap.c ---- */
/** The module for a name, mapped with all that it needs if it was not there; not initialised.
 *  STATUS_DLL_NOT_FOUND, STATUS_ENTRYPOINT_NOT_FOUND, STATUS_ORDINAL_NOT_FOUND */
NTSTATUS LdrpLoadDllInternal(const WCHAR *Name, const WCHAR *DllPath, const WCHAR *Importer, LDRP_MODULE **Module);
/** The module for a name; one that was not there is mapped, and never initialised. STATUS_DLL_NOT_FOUND */
NTSTATUS LdrpMapDllOnly(const WCHAR *Name, LDRP_MODULE **Module);
/** Loads what a module imports and fills its import tables, or leaves them where a bound import is right. */
NTSTATUS LdrpWalkImportDescriptor(LDRP_MODULE *Module);
/** Address of an export: by name, or by ordinal if Name is NULL; forwarders are followed.
 *  Owner: gets dependencies on where they lead, or NULL. */
NTSTATUS LdrpGetProcedure(LDRP_MODULE *Module, const char *Name, ULONG Hint, ULONG Ordinal, LDRP_MODULE *Owner,
                          PVOID *Address);
/** What the process's own imports lacked: name of a DLL or function, for the message. */
extern const char *LdrpMissing;

/* ---- ldr_tls.c ---- */
/** Gives a module with a TLS directory its slot, in all threads there are. STATUS_NO_MEMORY */
NTSTATUS LdrpAllocateTlsSlot(LDRP_MODULE *Module);
void LdrpReleaseTlsSlot(LDRP_MODULE *Module);
/** Storage of the running thread, for all slots. STATUS_NO_MEMORY */
NTSTATUS LdrpAllocateThreadTls(void);
void LdrpFreeThreadTls(void);
void LdrpCallTlsInitializers(LDRP_MODULE *Module, ULONG Reason);

/* ---- ldr_init.c ---- */
/** Runs the entry of a module and of all that it needs and that did not run yet, those first. STATUS_DLL_INIT_FAILED */
NTSTATUS LdrpInitializeGraph(LDRP_MODULE *Module, PVOID Reserved);

/* ---- ldr_unload.c ---- */
/** Unloads what nothing needs any more: not loaded by anybody, and not reached from what is. */
void LdrpSweepModules(void);

#endif
