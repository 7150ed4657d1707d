/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ob.h  Objects, types, handle tables, names and access. */
#ifndef NTOS_OB_OB_H
#define NTOS_OB_OB_H

#include "ntos/inc/pcr.h"

#include <stddef.h>

typedef struct _GENERIC_MAPPING {
  ACCESS_MASK GenericRead, GenericWrite, GenericExecute, GenericAll;
} GENERIC_MAPPING;

/** One per kind of object; the procedures are how higher floors are reached (DESIGN 2). */
typedef struct _OBJECT_TYPE {
  const char *Name;
  ULONG Index;
  ULONG PoolTag;
  GENERIC_MAPPING GenericMapping;
  ACCESS_MASK ValidAccessMask;
  LONG dispatcher_offset; /**< of the DISPATCHER_HEADER in the body; -1: not waitable */
  ULONG TotalNumberOfObjects, TotalNumberOfHandles, HighWaterNumberOfObjects, HighWaterNumberOfHandles;
  /** Last reference is gone; frees what the body holds. May be NULL. */
  void (*DeleteProcedure)(void *Object);
  /** A handle was closed; SystemHandleCount is what was there before (1: the last one). May be NULL. */
  void (*CloseProcedure)(EPROCESS *Process, void *Object, ACCESS_MASK GrantedAccess, ULONG ProcessHandleCount,
                         ULONG SystemHandleCount);
} OBJECT_TYPE;

typedef struct _OBJECT_HEADER {
  _Alignas(16) LIST_ENTRY delete_entry; /**< valid from the end of the last reference until DeleteProcedure */
  struct ob_name *name;                 /**< its place in the name space, or NULL */
  bool permanent;                       /**< the name stays without a handle */
  OBJECT_TYPE *Type;
  LONG64 HandleCount;
  LONG64 PointerCount; /**< next to the body, which keeps the pool's alignment */
} OBJECT_HEADER;

/** Attributes of a handle. */
#define OBJ_PROTECT_CLOSE 0x1u
/** Pseudo-handles. */
#define NtCurrentProcess() ((HANDLE)(LONG64)-1)
#define NtCurrentThread() ((HANDLE)(LONG64)-2)

/** Well-known types, filled by the floors that own them (ob creates Directory and the dispatcher types). */
struct ob_types {
  OBJECT_TYPE *Process, *Thread, *Event, *Mutant, *Semaphore, *Timer, *Section, *File, *DebugObject, *Directory, *Key,
      *Token, *KeyedEvent, *IoCompletion, *Job, *SymbolicLink, *Type, *Port;
};

/** Sets up the object manager with its own types and the standing directories; false: no memory.
 *  @param max_handles_per_process  0: 65536 */
bool ObInitSystem(ULONG max_handles_per_process);
struct ob_types *ob_types(void);
/** Registers a type. NULL: no memory. `template`'s Name, PoolTag, mappings, offsets and procedures are copied. */
OBJECT_TYPE *ObCreateObjectType(const OBJECT_TYPE *template);
/** Calls fn for each type, in order of creation. */
void ob_for_each_type(void (*fn)(void *context, OBJECT_TYPE *), void *context);

/** Makes an object with a zeroed body of `size` bytes and one reference. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ObCreateObject(OBJECT_TYPE *Type, size_t size, void **Object);
void ObReferenceObject(void *Object);
/** False when the object is already being deleted. */
BOOLEAN ObReferenceObjectSafe(void *Object);
void ObDereferenceObject(void *Object);
OBJECT_HEADER *ob_header(void *Object);
/** The dispatcher header of a waitable object, NULL otherwise. */
DISPATCHER_HEADER *ob_dispatcher(void *Object);

/** Maps generic bits, MAXIMUM_ALLOWED too, to rights of the type. */
ACCESS_MASK ob_map_access(const OBJECT_TYPE *Type, ACCESS_MASK DesiredAccess);
/** Gives a new object a handle in the current process's table and, if `name` is given, a place in the name space;
 *  takes over the caller's reference in every case.
 *  @param name  absolute object path in UTF-8, case-insensitive; NULL for none
 *  @return STATUS_SUCCESS; STATUS_OBJECT_NAME_EXISTS with OBJ_OPENIF (a handle to the *existing* object);
 *  STATUS_OBJECT_NAME_COLLISION; STATUS_OBJECT_TYPE_MISMATCH; STATUS_INSUFFICIENT_RESOURCES */
NTSTATUS ObInsertObject(void *Object, const char *name, ULONG Attributes, ACCESS_MASK DesiredAccess, HANDLE *Handle);
/** References a named object without a handle; symbolic links are followed, the last component's too unless `Type` is
 *  SymbolicLink.
 *  @return STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_NOT_FOUND, STATUS_OBJECT_TYPE_MISMATCH,
 *  STATUS_OBJECT_NAME_INVALID (an empty component), STATUS_OBJECT_PATH_SYNTAX_BAD (no leading backslash) */
NTSTATUS ObReferenceObjectByName(const char *name, OBJECT_TYPE *Type, void **Object);
/** Makes the name of an object vanish when (or if) it has no handle. */
void ObMakeTemporaryObject(void *Object);
/** Opens a named object: the statuses of ObReferenceObjectByName and ObOpenObjectByPointer. */
NTSTATUS ObOpenObjectByName(const char *name, OBJECT_TYPE *Type, ULONG Attributes, ACCESS_MASK DesiredAccess,
                            HANDLE *Handle);
/** A new handle in the current process's table for an object that the caller holds a reference of. */
NTSTATUS ObOpenObjectByPointer(void *Object, ULONG Attributes, ACCESS_MASK DesiredAccess, OBJECT_TYPE *Type,
                               HANDLE *Handle);
/** The same in another process's table. */
NTSTATUS ob_open_in(EPROCESS *Process, void *Object, ULONG Attributes, ACCESS_MASK DesiredAccess, HANDLE *Handle);
/** Looks a handle up in the current process's table (pseudo-handles too), checks type (NULL: any) and access for
 *  UserMode callers, and references the object.
 *  @return STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED */
NTSTATUS ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, OBJECT_TYPE *Type,
                                   KPROCESSOR_MODE AccessMode, void **Object, ACCESS_MASK *GrantedAccess);
/** The same in the table of `Process`. */
NTSTATUS ob_reference_in(EPROCESS *Process, HANDLE Handle, ACCESS_MASK DesiredAccess, OBJECT_TYPE *Type,
                         KPROCESSOR_MODE AccessMode, void **Object, ACCESS_MASK *GrantedAccess, ULONG *Attributes);
/** STATUS_INVALID_HANDLE; STATUS_HANDLE_NOT_CLOSABLE for a protected handle of a UserMode caller. */
NTSTATUS ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE AccessMode);
NTSTATUS ob_close_in(EPROCESS *Process, HANDLE Handle, KPROCESSOR_MODE AccessMode);
/** Reads or changes a handle's attributes (OBJ_INHERIT, OBJ_PROTECT_CLOSE). */
NTSTATUS ob_handle_attributes(HANDLE Handle, ULONG *Attributes, bool set);
/** An empty handle table; NULL: no memory. */
struct _HANDLE_TABLE *ObCreateHandleTable(void);
/** Closes every handle of an ended process and frees its table. */
void ObKillProcess(EPROCESS *Process);
/** Gives a new process a handle table with copies, at the same values, of the parent's handles that have OBJ_INHERIT;
 *  an empty one if Parent is NULL. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ObInitProcess(EPROCESS *Parent, EPROCESS *Process);
/** Gives a new process, whose table is still empty, copies of those of the parent's handles that are listed, at the
 *  same values. STATUS_INVALID_PARAMETER: one is no handle, or has not OBJ_INHERIT; STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ob_inherit_listed(EPROCESS *Parent, EPROCESS *Process, const HANDLE *handles, size_t count);
/** Handles that are open in a table. */
ULONG ob_handle_count(const EPROCESS *Process);
/** Path of an object's name; NULL if it has none. */
const char *ob_object_name(void *Object);

#endif
