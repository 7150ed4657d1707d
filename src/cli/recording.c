/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/recording.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROOTS 64u
#define MAX_ARGUMENTS 4096u

bool recording_is_userland(const char *name)
{
  return strcmp(name, "builtin") == 0 || strcmp(name, "hybrid") == 0 || strcmp(name, "wine") == 0;
}

const char *recording_hash_text(const uint8_t hash[32], char out[65])
{
  for (int i = 0; i < 32; i++)
    sprintf(out + 2 * i, "%02x", hash[i]);
  return out;
}

static void say(const struct recording *r, unsigned line, const char *format, va_list arguments)
{
  char text[1024];
  vsnprintf(text, sizeof text, format, arguments);
  /* Control characters, those behind ASCII (U+0080 to U+009F) too. */
  for (unsigned char *p = (unsigned char *)text; *p; p++)
    if (*p < 0x20 || *p == 0x7F || (p > (unsigned char *)text && p[-1] == 0xC2 && *p < 0xA0))
      *p = '?';
  fflush(stdout);
  fprintf(stderr, "dbgksim replay: %s: ", r->path);
  if (line)
    fprintf(stderr, "line %u: ", line);
  fprintf(stderr, "%s\n", text);
}

void recording_say(const struct recording *r, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  say(r, 0, format, arguments);
  va_end(arguments);
}

static __attribute__((format(printf, 3, 4))) bool bad(const struct recording *r, unsigned line, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  say(r, line, format, arguments);
  va_end(arguments);
  return false;
}

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool is_hex(const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (hex_digit(text[i]) < 0)
      return false;
  return length % 2 == 0;
}

static void get_bytes(const char *hex, uint8_t *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    bytes[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
}

/* Room for one more element. */
static bool grow(void *list, size_t count, size_t *room, size_t size)
{
  void *old, *grown;
  if (count < *room)
    return true;
  size_t wanted = *room ? *room * 2 : 64;
  memcpy(&old, list, sizeof old);
  grown = reallocarray(old, wanted, size);
  if (!grown)
    return false;
  memcpy(list, &grown, sizeof grown);
  *room = wanted;
  return true;
}

/* ---- members ---- */

static const char *text_of(const json_t *object, const char *name)
{
  return json_string_value(json_object_get(object, name));
}

/* A 64-bit number as "0x...". */
static bool number_of(const json_t *object, const char *name, uint64_t *number)
{
  const char *text = text_of(object, name);
  if (!text || strncmp(text, "0x", 2) != 0 || !text[2] || strlen(text) > 18)
    return false;
  *number = 0;
  for (text += 2; *text; text++) {
    int digit = hex_digit(*text);
    if (digit < 0)
      return false;
    *number = *number << 4 | (uint64_t)digit;
  }
  return true;
}

static bool count_of(const json_t *object, const char *name, uint64_t *number)
{
  const json_t *value = json_object_get(object, name);
  if (!json_is_integer(value) || json_integer_value(value) < 0)
    return false;
  *number = (uint64_t)json_integer_value(value);
  return true;
}

/* Path, size and hash; the path is the caller's to free. */
static bool file_of(const json_t *object, struct recording_file *file)
{
  const char *path = text_of(object, "path"), *hash = text_of(object, "sha256");
  if (!path || !*path || !hash || strlen(hash) != 64 || !is_hex(hash, 64) || !count_of(object, "size", &file->size))
    return false;
  get_bytes(hash, file->sha256, sizeof file->sha256);
  file->existed = true;
  file->path = strdup(path);
  return file->path != NULL;
}

/* A path as it is seen from here. */
static char *seen_from_here(const struct recording *r, const char *path)
{
  char *seen = malloc(strlen(r->folder) + strlen(path) + 1);
  if (seen)
    sprintf(seen, "%s%s", *path == '/' ? "" : r->folder, path);
  return seen;
}

/* ---- the header ---- */

static bool take_roots(struct recording *r, const json_t *list, struct options *options)
{
  size_t count = json_array_size(list);
  if (!json_is_array(list) || count > MAX_ROOTS)
    return bad(r, 1, "roots are not a list of at most %u", MAX_ROOTS);
  options->roots = calloc(count + 1, sizeof *options->roots);
  for (size_t i = 0; i < count && options->roots; i++) {
    const json_t *entry = json_array_get(list, i);
    const char *host = text_of(entry, "host"), *guest = text_of(entry, "guest");
    if (!host || !*host || !guest || !json_is_boolean(json_object_get(entry, "writable")))
      return bad(r, 1, "root %zu has no host folder, guest path or right to write", i + 1);
    struct dbgksim_root *root = &options->roots[options->root_count++];
    root->host = seen_from_here(r, host);
    root->guest = strdup(guest);
    root->writable = json_is_true(json_object_get(entry, "writable"));
    if (!root->host || !root->guest)
      return bad(r, 0, "no memory");
  }
  return options->roots || bad(r, 0, "no memory");
}

static bool take_arguments(struct recording *r, const json_t *list, struct options *options)
{
  size_t count = json_array_size(list);
  if (!json_is_array(list) || count > MAX_ARGUMENTS)
    return bad(r, 1, "arguments are not a list of at most %u", MAX_ARGUMENTS);
  r->arguments = calloc(count + 1, sizeof *r->arguments);
  for (size_t i = 0; i < count && r->arguments; i++)
    if (!(r->arguments[i] = json_string_value(json_array_get(list, i))))
      return bad(r, 1, "argument %zu is not a text", i + 1);
  options->arguments = r->arguments;
  return r->arguments || bad(r, 0, "no memory");
}

static bool take_options(struct recording *r, const json_t *list, struct options *options)
{
  if (!json_is_array(list))
    return bad(r, 1, "options are not a list");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    if (!text || !options_take_kept(options, text))
      return bad(r, 1, "option %zu is none that this version knows: %.80s", i + 1, text ? text : "not a text");
  }
  return true;
}

static bool take_schedule(struct recording *r, const json_t *schedule, struct options *options)
{
  const char *policy = text_of(schedule, "policy");
  if (!policy || (strcmp(policy, "round-robin") && strcmp(policy, "random")))
    return bad(r, 1, "the schedule's policy is not round-robin or random");
  options->random_schedule = strcmp(policy, "random") == 0;
  return true;
}

static bool take_era(struct recording *r, const char *era, struct options *options)
{
  if (!era || (strcmp(era, "win10") && strcmp(era, "win7") && strcmp(era, "xp")))
    return bad(r, 1, "the era is not win10, win7 or xp");
  options->era = era;
  return true;
}

static bool take_userland(struct recording *r, const char *userland, struct options *options)
{
  if (!userland || !*userland)
    return bad(r, 1, "no userland is named");
  r->userland = recording_is_userland(userland) ? strdup(userland) : seen_from_here(r, userland);
  options->userland = r->userland;
  return r->userland || bad(r, 0, "no memory");
}

static bool take_program(struct recording *r, const json_t *header, struct options *options)
{
  options->program = text_of(header, "program");
  if (!options->program || !*options->program || !file_of(json_object_get(header, "program_file"), &r->program))
    return bad(r, 1, "no program with its path, size and hash");
  char *seen = seen_from_here(r, r->program.path);
  free(r->program.path);
  r->program.path = seen;
  return seen || bad(r, 0, "no memory");
}

static bool take_header(struct recording *r, json_t *header, struct options *options)
{
  uint64_t format;
  const char *type = text_of(header, "type");
  r->header = header;
  if (!type || strcmp(type, "recording") || !count_of(header, "format", &format))
    return bad(r, 0, "not a recording of dbgksim");
  if (format != RECORDING_FORMAT)
    return bad(r, 0, "format %llu, this version of dbgksim reads format %d", (unsigned long long)format,
               RECORDING_FORMAT);
  r->version = text_of(header, "version");
  r->engine = text_of(header, "engine");
  if (!r->version || !r->engine)
    return bad(r, 1, "the versions that made it are missing");
  if (!number_of(header, "seed", &options->seed) || !number_of(header, "budget", &options->budget) ||
      !number_of(header, "quantum", &options->quantum))
    return bad(r, 1, "seed, budget or quantum is not a number like \"0x10\"");
  return take_program(r, header, options) && take_arguments(r, json_object_get(header, "arguments"), options) &&
         take_era(r, text_of(header, "era"), options) && take_userland(r, text_of(header, "userland"), options) &&
         take_schedule(r, json_object_get(header, "schedule"), options) &&
         take_roots(r, json_object_get(header, "roots"), options) &&
         take_options(r, json_object_get(header, "options"), options);
}

/* ---- the lines behind it ---- */

static bool absent_of(const json_t *object, struct recording_file *file)
{
  const char *path = text_of(object, "path");
  *file = (struct recording_file){.path = path ? strdup(path) : NULL};
  return file->path != NULL;
}

static bool take_file(struct recording *r, unsigned number, const json_t *object, bool existed)
{
  if (!grow(&r->files, r->file_count, &r->file_room, sizeof *r->files))
    return bad(r, 0, "no memory");
  struct recording_file *file = &r->files[r->file_count];
  if (!(existed ? file_of(object, file) : absent_of(object, file)))
    return bad(r, number, "a file without path, size or hash");
  r->file_count++;
  return true;
}

static bool take_input(struct recording *r, unsigned number, const json_t *object)
{
  const char *hex = text_of(object, "bytes");
  size_t digits = hex ? strlen(hex) : 0;
  if (!hex || !is_hex(hex, digits) || digits / 2 > RECORDING_INPUT)
    return bad(r, number, "input that is not a text of at most %u bytes in hexadecimal", RECORDING_INPUT);
  if (!grow(&r->inputs, r->input_count, &r->input_room, sizeof *r->inputs))
    return bad(r, 0, "no memory");
  struct recording_input *input = &r->inputs[r->input_count];
  input->size = digits / 2;
  input->bytes = malloc(input->size + 1);
  if (!input->bytes)
    return bad(r, 0, "no memory");
  get_bytes(hex, input->bytes, input->size);
  r->input_count++;
  return true;
}

static bool check_event(struct recording *r, unsigned number, const json_t *object, NTSTATUS *status)
{
  const char *answer = text_of(object, "answer");
  uint64_t n;
  if (!count_of(object, "number", &n) || n != r->events + 1)
    return bad(r, number, "not event %llu", (unsigned long long)r->events + 1);
  if (!answer || (strcmp(answer, "DBG_CONTINUE") && strcmp(answer, "DBG_EXCEPTION_NOT_HANDLED")))
    return bad(r, number, "the answer is not DBG_CONTINUE or DBG_EXCEPTION_NOT_HANDLED");
  *status = strcmp(answer, "DBG_CONTINUE") == 0 ? DBG_CONTINUE : DBG_EXCEPTION_NOT_HANDLED;
  r->events++;
  return true;
}

static bool check_end(struct recording *r, unsigned number, const json_t *object)
{
  const char *reason = text_of(object, "reason");
  if (!reason || !number_of(object, "blocks", &r->point.blocks) || !number_of(object, "checks", &r->point.checks))
    return bad(r, number, "an end without reason, blocks or checks");
  r->complete = true;
  r->interrupted = strcmp(reason, dbgksim_status_name(DBGKSIM_INTERRUPTED)) == 0;
  return true;
}

static bool take_line(struct recording *r, unsigned number, const char *text, size_t length, struct options *options)
{
  json_error_t error;
  if (length > RECORDING_MAX_LINE)
    return bad(r, number, "longer than %zu bytes", RECORDING_MAX_LINE);
  json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  if (!object)
    return number == 1 ? bad(r, 0, "not a recording of dbgksim") : bad(r, number, "not JSON: %s", error.text);
  if (number == 1)
    return take_header(r, object, options);
  const char *type = text_of(object, "type");
  bool good = false, comparable = false;
  NTSTATUS answer = 0;
  if (r->complete)
    bad(r, number, "something behind the end");
  else if (!type)
    bad(r, number, "no type");
  else if (strcmp(type, "file") == 0 || strcmp(type, "absent") == 0)
    good = take_file(r, number, object, *type == 'f');
  else if (strcmp(type, "input") == 0)
    good = take_input(r, number, object);
  else if (strcmp(type, "event") == 0)
    good = comparable = check_event(r, number, object, &answer);
  else if (strcmp(type, "attach") == 0 || strcmp(type, "detach") == 0 || strcmp(type, "exit") == 0)
    good = comparable = true;
  else if (strcmp(type, "end") == 0)
    good = comparable = check_end(r, number, object);
  else
    bad(r, number, "type %.40s is not known", type);
  json_decref(object);
  if (comparable && !grow(&r->lines, r->line_count, &r->line_room, sizeof *r->lines))
    return bad(r, 0, "no memory");
  if (comparable)
    r->lines[r->line_count++] = (struct recording_line){text, length, number, answer};
  return good;
}

static bool load(struct recording *r, size_t *size)
{
  FILE *file = fopen(r->path, "rb");
  size_t room = 65536;
  if (!file)
    return bad(r, 0, "%s", strerror(errno));
  char *bytes = malloc(room);
  while (bytes) {
    *size += fread(bytes + *size, 1, room - *size, file);
    if (*size < room)
      break;
    char *grown = room < RECORDING_MAX_SIZE ? realloc(bytes, room * 2) : NULL;
    if (!grown)
      free(bytes);
    bytes = grown;
    room *= 2;
  }
  bool failed = ferror(file);
  int error = errno;
  fclose(file);
  r->bytes = bytes;
  if (!bytes)
    return bad(r, 0, "larger than can be read");
  return !failed || bad(r, 0, "%s", strerror(error));
}

int recording_read(struct recording *r, const char *path, struct options *options)
{
  size_t size = 0;
  unsigned number = 0;
  memset(r, 0, sizeof *r);
  r->path = path;
  const char *slash = strrchr(path, '/');
  r->folder = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
  if (!r->folder || !load(r, &size))
    return CLI_BAD_USE;
  for (const char *p = r->bytes, *end = p + size, *next; p < end; p = next + 1) {
    next = memchr(p, '\n', (size_t)(end - p));
    /* A line that was being written when the recording was cut off. */
    if (!next)
      break;
    if (!take_line(r, ++number, p, (size_t)(next - p), options))
      return CLI_BAD_USE;
  }
  if (!number) {
    bad(r, 0, "not a recording of dbgksim");
    return CLI_BAD_USE;
  }
  return options_check(options);
}

void recording_free(struct recording *r)
{
  for (size_t i = 0; i < r->file_count; i++)
    free(r->files[i].path);
  free(r->files);
  for (size_t i = 0; i < r->input_count; i++)
    free(r->inputs[i].bytes);
  free(r->inputs);
  free(r->lines);
  free(r->arguments);
  free(r->userland);
  free(r->program.path);
  json_decref(r->header);
  free(r->folder);
  free(r->bytes);
}
