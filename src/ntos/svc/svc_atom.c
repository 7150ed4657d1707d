/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's one atom table. */
#include "ntos/svc/svc_system.h"

#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/svc/svc_state.h"

#include <string.h>

#define TAG POOL_TAG('A', 't', 'o', 'm')

/* The number of "#123", or of a pointer that is none; 0 otherwise. */
static ULONG integer_atom(const char *name)
{
  ULONG value = 0;
  if (name[0] != '#' || name[1] == 0)
    return 0;
  for (name++; *name != 0; name++) {
    if (*name < '0' || *name > '9' || value >= SVC_FIRST_ATOM)
      return 0;
    value = value * 10 + (ULONG)(*name - '0');
  }
  return value < SVC_FIRST_ATOM ? value : 0;
}

static NTSTATUS capture_name(ULONG64 address, ULONG length, char **name, ULONG *number)
{
  WCHAR text[SVC_ATOM_LENGTH];
  *name = NULL;
  *number = (ULONG)address;
  if (address < 0x10000)
    return address != 0 && address < SVC_FIRST_ATOM ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
  if (length > sizeof(text))
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = mm_user_read(text, address, length & ~1u);
  if (!NT_SUCCESS(status))
    return status;
  *name = io_utf8(text, length / sizeof(WCHAR));
  if (*name == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  *number = integer_atom(*name);
  if (**name != 0)
    return STATUS_SUCCESS;
  ExFreePool(*name);
  *name = NULL;
  return STATUS_OBJECT_NAME_INVALID;
}

static struct svc_atom *find_name(struct svc_state *state, const char *name)
{
  for (ULONG i = 0; i < state->atom_count; i++) {
    if (state->atoms[i].name != NULL && io_compare_names(state->atoms[i].name, name) == 0)
      return &state->atoms[i];
  }
  return NULL;
}

static struct svc_atom *find_number(USHORT atom)
{
  struct svc_state *state = svc_state_of();
  ULONG index = (ULONG)atom - SVC_FIRST_ATOM;
  if (state == NULL || atom < SVC_FIRST_ATOM || index >= state->atom_count || state->atoms[index].name == NULL)
    return NULL;
  return &state->atoms[index];
}

static struct svc_atom *free_slot(struct svc_state *state)
{
  for (ULONG i = 0; i < state->atom_count; i++) {
    if (state->atoms[i].name == NULL)
      return &state->atoms[i];
  }
  if (state->atom_count == SVC_MAX_ATOMS - 1)
    return NULL;
  if (state->atom_count == state->atom_room) {
    ULONG room = state->atom_room + 64;
    struct svc_atom *atoms = ExAllocatePoolWithTag(room * sizeof(*atoms), TAG);
    if (atoms == NULL)
      return NULL;
    if (state->atom_count > 0)
      memcpy(atoms, state->atoms, state->atom_count * sizeof(*atoms));
    ExFreePool(state->atoms);
    state->atoms = atoms;
    state->atom_room = room;
  }
  return &state->atoms[state->atom_count++];
}

static NTSTATUS write_atom(ULONG64 address, ULONG atom)
{
  USHORT value = (USHORT)atom;
  return address != 0 ? mm_user_write(address, &value, sizeof(value)) : STATUS_SUCCESS;
}

static NTSTATUS look_up(ULONG64 AtomName, ULONG Length, ULONG64 Atom, bool add)
{
  char *name;
  ULONG number;
  struct svc_state *state = svc_state_of();
  NTSTATUS status = Atom != 0 ? ProbeForWrite(Atom, sizeof(USHORT), 2) : STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    status = state != NULL ? capture_name(AtomName, Length, &name, &number) : STATUS_INSUFFICIENT_RESOURCES;
  if (!NT_SUCCESS(status))
    return status;
  if (number != 0) {
    ExFreePool(name);
    return write_atom(Atom, number);
  }
  struct svc_atom *atom = find_name(state, name);
  if (atom != NULL) {
    ExFreePool(name);
    if (add)
      atom->references++;
  } else if (!add) {
    ExFreePool(name);
    return STATUS_OBJECT_NAME_NOT_FOUND;
  } else {
    atom = free_slot(state);
    if (atom == NULL) {
      ExFreePool(name);
      return STATUS_NO_MEMORY;
    }
    atom->name = name;
    atom->references = 1;
  }
  return write_atom(Atom, SVC_FIRST_ATOM + (ULONG)(atom - state->atoms));
}

NTSTATUS NtAddAtom(ULONG64 AtomName, ULONG Length, ULONG64 Atom) { return look_up(AtomName, Length, Atom, true); }

NTSTATUS NtFindAtom(ULONG64 AtomName, ULONG Length, ULONG64 Atom) { return look_up(AtomName, Length, Atom, false); }

NTSTATUS NtDeleteAtom(USHORT Atom)
{
  if (Atom < SVC_FIRST_ATOM)
    return Atom != 0 ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
  struct svc_atom *atom = find_number(Atom);
  if (atom == NULL)
    return STATUS_INVALID_HANDLE;
  if (--atom->references == 0) {
    ExFreePool(atom->name);
    atom->name = NULL;
  }
  return STATUS_SUCCESS;
}

NTSTATUS NtQueryInformationAtom(USHORT Atom, ULONG AtomInformationClass, ULONG64 AtomInformation,
                                ULONG AtomInformationLength, ULONG64 ReturnLength)
{
  struct {
    USHORT UsageCount, Flags, NameLength;
    WCHAR Name[SVC_ATOM_LENGTH + 1];
  } out;
  const ULONG head = 3 * sizeof(USHORT);
  ULONG bytes = 0;
  memset(&out, 0, sizeof(out));
  if (AtomInformationClass != 0)
    return STATUS_INVALID_INFO_CLASS;
  const struct svc_atom *atom = find_number(Atom);
  if (atom == NULL)
    return STATUS_INVALID_HANDLE;
  WCHAR *name = io_utf16(atom->name, &bytes);
  if (name == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  out.UsageCount = atom->references > 0xFFFF ? 0xFFFF : (USHORT)atom->references;
  out.NameLength = (USHORT)bytes;
  memcpy(out.Name, name, bytes);
  ExFreePool(name);
  ULONG size = head + bytes + (ULONG)sizeof(WCHAR);
  NTSTATUS status = STATUS_SUCCESS;
  if (ReturnLength != 0)
    status = mm_user_write(ReturnLength, &size, sizeof(size));
  if (!NT_SUCCESS(status))
    return status;
  return AtomInformationLength >= size ? mm_user_write(AtomInformation, &out, size) : STATUS_BUFFER_TOO_SMALL;
}

SVC_THUNK_3(NtAddAtom, ULONG64, ULONG, ULONG64)
SVC_THUNK_3(NtFindAtom, ULONG64, ULONG, ULONG64)
SVC_THUNK_1(NtDeleteAtom, USHORT)
SVC_THUNK_5(NtQueryInformationAtom, USHORT, ULONG, ULONG64, ULONG, ULONG64)

const struct svc_entry svc_atom_table[] = {
    SVC(NtAddAtom, 3),
    SVC(NtFindAtom, 3),
    SVC(NtDeleteAtom, 1),
    SVC(NtQueryInformationAtom, 5),
    {0},
};
