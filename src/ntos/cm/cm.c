/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/cm/cm.h"

#include "ntos/ke/ke.h"

#include <string.h>

#define KEY_READ 0x20019u
#define KEY_WRITE 0x20006u
#define KEY_ALL_ACCESS 0xF003Fu
#define MAX_VALUES 10u

struct cm_node {
  const char *path;
  struct cm_value values[MAX_VALUES]; /* ended by a value without name, unless full */
};

#define VERSION "\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion"
#define CONTROL "\\Registry\\Machine\\System\\CurrentControlSet\\Control"
#define SYSTEM "\\Registry\\Machine\\Hardware\\Description\\System"

/* In order: a key stands behind its parent, and so do all that are below it. */
static const struct cm_node nodes[] = {
    {"\\Registry", {{0}}},
    {"\\Registry\\Machine", {{0}}},
    {"\\Registry\\Machine\\Hardware", {{0}}},
    {"\\Registry\\Machine\\Hardware\\Description", {{0}}},
    {SYSTEM, {{"Identifier", REG_SZ, "AT/AT COMPATIBLE", 0}}},
    {SYSTEM "\\CentralProcessor", {{0}}},
    {SYSTEM "\\CentralProcessor\\0",
     {{"Identifier", REG_SZ, "Intel64 Family 6", 0},
      {"VendorIdentifier", REG_SZ, "GenuineIntel", 0},
      {"~MHz", REG_DWORD, NULL, 1000}}},
    {"\\Registry\\Machine\\Software", {{0}}},
    {"\\Registry\\Machine\\Software\\Microsoft", {{0}}},
    {"\\Registry\\Machine\\Software\\Microsoft\\Windows NT", {{0}}},
    {VERSION,
     {{"CurrentVersion", REG_SZ, "6.3", 0},
      {"CurrentBuild", REG_SZ, "19045", 0},
      {"CurrentBuildNumber", REG_SZ, "19045", 0},
      {"CurrentMajorVersionNumber", REG_DWORD, NULL, 10},
      {"CurrentMinorVersionNumber", REG_DWORD, NULL, 0},
      {"InstallationType", REG_SZ, "Client", 0},
      {"ProductName", REG_SZ, "Windows 10 Pro", 0},
      {"SystemRoot", REG_SZ, "C:\\windows", 0}}},
    {VERSION "\\Time Zones", {{0}}},
    {VERSION "\\Time Zones\\UTC",
     {{"Display", REG_SZ, "(UTC) Coordinated Universal Time", 0},
      {"Dlt", REG_SZ, "UTC", 0},
      {"Std", REG_SZ, "UTC", 0},
      {"TZI", REG_BINARY, NULL, 44}}},
    {"\\Registry\\Machine\\System", {{0}}},
    {"\\Registry\\Machine\\System\\CurrentControlSet", {{0}}},
    {CONTROL, {{0}}},
    {CONTROL "\\ComputerName", {{0}}},
    {CONTROL "\\ComputerName\\ActiveComputerName", {{"ComputerName", REG_SZ, "DBGKSIM", 0}}},
    {CONTROL "\\ComputerName\\ComputerName", {{"ComputerName", REG_SZ, "DBGKSIM", 0}}},
    {CONTROL "\\TimeZoneInformation",
     {{"Bias", REG_DWORD, NULL, 0}, {"StandardName", REG_SZ, "UTC", 0}, {"TimeZoneKeyName", REG_SZ, "UTC", 0}}},
};
#define NODE_COUNT (sizeof(nodes) / sizeof(nodes[0]))

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c; }

static bool equal(const char *left, const char *right)
{
  while (*left != 0 && upper(*left) == upper(*right)) {
    left++;
    right++;
  }
  return upper(*left) == upper(*right);
}

OBJECT_TYPE *cm_key_type(void)
{
  static const OBJECT_TYPE type = {
      .Name = "Key",
      .PoolTag = POOL_TAG('K', 'e', 'y', ' '),
      .GenericMapping = {KEY_READ, KEY_WRITE, KEY_READ, KEY_ALL_ACCESS},
      .ValidAccessMask = KEY_ALL_ACCESS,
      .dispatcher_offset = -1,
  };
  if (ob_types()->Key == NULL)
    ob_types()->Key = ObCreateObjectType(&type);
  return ob_types()->Key;
}

static const struct cm_node *find_node(const char *path)
{
  for (size_t i = 0; i < NODE_COUNT; i++) {
    if (equal(nodes[i].path, path))
      return &nodes[i];
  }
  return NULL;
}

NTSTATUS CmOpenKey(const CM_KEY *Root, const char *path, CM_KEY **Key)
{
  const char *head = Root != NULL ? Root->node->path : "";
  size_t head_length = strlen(head), length = strlen(path);
  void *object;
  *Key = NULL;
  if ((*path == '\\') == (Root != NULL))
    return STATUS_OBJECT_PATH_SYNTAX_BAD;
  if (length > 0 && path[length - 1] == '\\')
    length--;
  char *whole = ExAllocatePoolWithTag(head_length + 1 + length + 1, POOL_TAG('K', 'e', 'y', ' '));
  if (whole == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  memcpy(whole, head, head_length);
  if (Root != NULL && length > 0)
    whole[head_length++] = '\\';
  memcpy(whole + head_length, path, length);
  const struct cm_node *node = find_node(whole);
  ExFreePool(whole);
  if (node == NULL)
    return STATUS_OBJECT_NAME_NOT_FOUND;
  if (cm_key_type() == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = ObCreateObject(cm_key_type(), sizeof(CM_KEY), &object);
  if (NT_SUCCESS(status)) {
    *Key = object;
    (*Key)->node = node;
  }
  return status;
}

const char *cm_key_path(const CM_KEY *Key) { return Key->node->path; }

const char *cm_subkey(const CM_KEY *Key, ULONG index, size_t *length)
{
  size_t head = strlen(Key->node->path);
  for (const struct cm_node *node = Key->node + 1; node < nodes + NODE_COUNT; node++) {
    if (strncmp(node->path, Key->node->path, head) != 0 || node->path[head] != '\\')
      return NULL;
    const char *name = node->path + head + 1;
    if (strchr(name, '\\') != NULL || index-- > 0)
      continue;
    *length = strlen(name);
    return name;
  }
  return NULL;
}

const struct cm_value *cm_value_at(const CM_KEY *Key, ULONG index)
{
  if (index >= MAX_VALUES || Key->node->values[index].name == NULL)
    return NULL;
  return &Key->node->values[index];
}

const struct cm_value *cm_find_value(const CM_KEY *Key, const char *name)
{
  const struct cm_value *value;
  for (ULONG i = 0; (value = cm_value_at(Key, i)) != NULL; i++) {
    if (equal(value->name, name))
      return value;
  }
  return NULL;
}

ULONG cm_value_data(const struct cm_value *Value, UCHAR data[CM_MAX_DATA])
{
  memset(data, 0, CM_MAX_DATA);
  switch (Value->type) {
  case REG_DWORD:
    memcpy(data, &Value->number, sizeof(Value->number));
    return sizeof(Value->number);
  case REG_BINARY:
    return Value->number < CM_MAX_DATA ? Value->number : CM_MAX_DATA;
  default: {
    ULONG n = 0;
    for (const char *c = Value->text; *c != 0 && n + 4 <= CM_MAX_DATA; c++, n += 2)
      data[n] = (UCHAR)*c;
    return n + 2; /* with the terminator */
  }
  }
}
