/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The form of guest paths: prefixes, aliases of the drive and of devices, forbidden names. */
#include "base/utf.h"
#include "ntos/io/io_internal.h"

#define DOS_PREFIX "\\??\\"
#define DOS_PREFIX_LENGTH 4u

char *io_duplicate(const char *text)
{
  size_t size = strlen(text) + 1;
  char *copy = ExAllocatePoolWithTag(size, IO_TAG);
  if (copy != NULL)
    memcpy(copy, text, size);
  return copy;
}

/* The part after `prefix`, which is ASCII, without regard to case; NULL if the path starts otherwise. */
static const char *after(const char *path, const char *prefix)
{
  for (; *prefix != 0; prefix++, path++) {
    if (io_upcase((unsigned char)*path) != io_upcase((unsigned char)*prefix))
      return NULL;
  }
  return path;
}

static bool equal(const char *path, const char *name)
{
  const char *rest = after(path, name);
  return rest != NULL && *rest == 0;
}

bool io_valid_component(const char *name, size_t length)
{
  size_t units = 0;
  const char *end = name + length;
  if (length == 0 || (length <= 2 && name[0] == '.' && name[length - 1] == '.'))
    return false;
  while (name < end) {
    uint32_t c = utf8_next(&name);
    if (c < 0x20 || c == 0xFFFD || (c < 0x80 && strchr("\\/:*?\"<>|", (int)c) != NULL))
      return false;
    units += c >= 0x10000 ? 2 : 1;
  }
  return name == end && units <= IO_MAX_COMPONENT;
}

static bool drive_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/* `rest` is what follows the drive's colon. */
static NTSTATUS normal_drive_path(char letter, const char *rest, char **out)
{
  size_t length = strlen(rest);
  if (length > IO_MAX_PATH)
    return STATUS_NAME_TOO_LONG;
  if (*rest == '\\')
    rest++;
  for (const char *p = rest; *p != 0;) {
    size_t n = strcspn(p, "\\");
    if (!io_valid_component(p, n))
      return STATUS_OBJECT_NAME_INVALID;
    p += n;
    if (*p == '\\')
      p++;
  }
  char *path = ExAllocatePoolWithTag(DOS_PREFIX_LENGTH + 3 + length + 1, IO_TAG);
  if (path == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  memcpy(path, DOS_PREFIX "C:\\", DOS_PREFIX_LENGTH + 3);
  path[DOS_PREFIX_LENGTH] = (char)io_upcase((unsigned char)letter);
  strcpy(path + DOS_PREFIX_LENGTH + 3, rest);
  *out = path;
  return STATUS_SUCCESS;
}

static NTSTATUS device(const char *name, char **out)
{
  *out = io_duplicate(name);
  return *out != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS normal_console(const char *name, char **out)
{
  if (equal(name, "CurrentIn") || equal(name, "Input"))
    return device("\\Device\\ConDrv\\CurrentIn", out);
  if (equal(name, "CurrentOut") || equal(name, "Output") || equal(name, "ScreenBuffer"))
    return device("\\Device\\ConDrv\\CurrentOut", out);
  if (equal(name, "Console"))
    return device("\\Device\\ConDrv\\Console", out);
  return STATUS_OBJECT_NAME_NOT_FOUND;
}

/* Names of pipes are one component that may contain anything but a backslash. */
static NTSTATUS normal_pipe(const char *name, char **out)
{
  static const char prefix[] = "\\Device\\NamedPipe\\";
  if (strlen(name) > IO_MAX_COMPONENT)
    return STATUS_OBJECT_NAME_INVALID;
  *out = ExAllocatePoolWithTag(sizeof(prefix) + strlen(name), IO_TAG);
  if (*out == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  strcpy(*out, prefix);
  strcat(*out, name);
  return STATUS_SUCCESS;
}

static NTSTATUS normal_dos_path(const char *name, char **out)
{
  const char *rest;
  if (drive_letter(name[0]) && name[1] == ':' && (name[2] == 0 || name[2] == '\\'))
    return normal_drive_path(name[0], name + 2, out);
  if ((rest = after(name, "UNC")) != NULL && (*rest == 0 || *rest == '\\'))
    return STATUS_BAD_NETWORK_PATH;
  if ((rest = after(name, "PIPE\\")) != NULL)
    return normal_pipe(rest, out);
  if (equal(name, "NUL"))
    return device("\\Device\\Null", out);
  if (equal(name, "CON"))
    return device("\\Device\\ConDrv\\Console", out);
  if (equal(name, "CONIN$"))
    return device("\\Device\\ConDrv\\CurrentIn", out);
  if (equal(name, "CONOUT$"))
    return device("\\Device\\ConDrv\\CurrentOut", out);
  if ((rest = after(name, "GLOBALROOT\\Device\\HarddiskVolume1")) != NULL && (*rest == 0 || *rest == '\\'))
    return normal_drive_path('C', rest, out);
  return strchr(name, '\\') != NULL ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS normal_absolute(const char *path, char **out)
{
  static const char *const dos_prefixes[] = {DOS_PREFIX, "\\DosDevices\\", "\\GLOBAL??\\"};
  const char *rest;
  if (*path != '\\')
    return STATUS_OBJECT_PATH_SYNTAX_BAD;
  for (size_t i = 0; i < sizeof(dos_prefixes) / sizeof(dos_prefixes[0]); i++) {
    if ((rest = after(path, dos_prefixes[i])) != NULL)
      return normal_dos_path(rest, out);
  }
  if ((rest = after(path, "\\SystemRoot")) != NULL && (*rest == 0 || *rest == '\\')) {
    char *whole = ExAllocatePoolWithTag(sizeof("\\windows") + strlen(rest), IO_TAG);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    if (whole != NULL) {
      strcpy(whole, "\\windows");
      strcat(whole, rest);
      status = normal_drive_path('C', whole, out);
    }
    ExFreePool(whole);
    return status;
  }
  if ((rest = after(path, "\\Device\\HarddiskVolume1")) != NULL && (*rest == 0 || *rest == '\\'))
    return normal_drive_path('C', rest, out);
  if (equal(path, "\\Device\\Null"))
    return device("\\Device\\Null", out);
  if ((rest = after(path, "\\Device\\NamedPipe\\")) != NULL)
    return normal_pipe(rest, out);
  if ((rest = after(path, "\\Device\\ConDrv\\")) != NULL)
    return normal_console(rest, out);
  if (path[1] == 0)
    return STATUS_OBJECT_TYPE_MISMATCH;
  return strchr(path + 1, '\\') != NULL ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS io_normalise(const FILE_OBJECT *root, const char *path, char **out)
{
  *out = NULL;
  if (root == NULL)
    return normal_absolute(path, out);
  if (*path == '\\')
    return STATUS_OBJECT_PATH_SYNTAX_BAD;
  if (*path == 0)
    return device(root->path, out);
  if (root->kind != IO_DIRECTORY)
    return STATUS_OBJECT_PATH_NOT_FOUND;
  size_t head = strlen(root->path);
  char *whole = ExAllocatePoolWithTag(head + 1 + strlen(path) + 1, IO_TAG);
  if (whole == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  memcpy(whole, root->path, head);
  if (head > 0 && whole[head - 1] != '\\')
    whole[head++] = '\\';
  strcpy(whole + head, path);
  NTSTATUS status = normal_absolute(whole, out);
  ExFreePool(whole);
  return status;
}

const char *io_drive_path(const char *normal)
{
  return strncmp(normal, DOS_PREFIX, DOS_PREFIX_LENGTH) == 0 ? normal + DOS_PREFIX_LENGTH : NULL;
}

ULONG64 io_file_id(const char *nt_path)
{
  ULONG64 hash = 0xCBF29CE484222325ull;
  for (uint32_t c; (c = io_upcase(utf8_next(&nt_path))) != 0;)
    hash = (hash ^ c) * 0x100000001B3ull;
  /* NTFS: a sequence number above 48 bits of record number. */
  return (hash & 0xFFFFFFFFFFFFull) | 1ull << 48;
}
