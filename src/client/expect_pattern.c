/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The language of dbgksim_expect: EVENT [words] [-> answer]. */
#include "client/expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const event_names[] = {
    [DBGKSIM_EXCEPTION] = "EXCEPTION",
    [DBGKSIM_CREATE_THREAD] = "CREATE_THREAD",
    [DBGKSIM_CREATE_PROCESS] = "CREATE_PROCESS",
    [DBGKSIM_EXIT_THREAD] = "EXIT_THREAD",
    [DBGKSIM_EXIT_PROCESS] = "EXIT_PROCESS",
    [DBGKSIM_LOAD_DLL] = "LOAD_DLL",
    [DBGKSIM_UNLOAD_DLL] = "UNLOAD_DLL",
    [DBGKSIM_OUTPUT_DEBUG_STRING] = "OUTPUT_DEBUG_STRING",
    [DBGKSIM_RIP] = "RIP",
};

const char *expect_event_name(enum dbgksim_event_code code)
{
  return code >= DBGKSIM_EXCEPTION && code <= DBGKSIM_RIP ? event_names[code] : "?";
}

static bool same_letter(char a, char b)
{
  if (a >= 'A' && a <= 'Z')
    a += 'a' - 'A';
  if (b >= 'A' && b <= 'Z')
    b += 'a' - 'A';
  return a == b;
}

/* Compares without regard to case; `b` may go on after `a` only with `more` (a text, or NULL for nothing). */
static bool same_name(const char *a, const char *b, const char *more)
{
  for (; *a && same_letter(*a, *b); a++, b++)
    ;
  if (*a)
    return false;
  return !*b || (more && same_name(more, b, NULL));
}

static bool parse_index(const char *word, char letter, unsigned *index)
{
  char *end;
  if (word[0] != letter || word[1] < '0' || word[1] > '9')
    return false;
  *index = (unsigned)strtoul(word + 1, &end, 10);
  return *end == 0;
}

/* A number in `base`, or in hexadecimal after 0x, or the name of a status. */
static bool parse_number(const char *word, int base, uint32_t *number)
{
  char *end;
  if (strncmp(word, "STATUS_", 7) == 0 || strncmp(word, "DBG_", 4) == 0)
    return dbgksim_nt_status_value(word, (NTSTATUS *)number);
  if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X'))
    base = 16;
  long long value = strtoll(word, &end, base);
  if (end == word || *end || value < INT32_MIN || value > UINT32_MAX)
    return false;
  *number = (uint32_t)value;
  return true;
}

static const char *parse_answer(const char *text, enum expect_answer *answer)
{
  static const struct {
    const char *text;
    enum expect_answer answer;
  } answers[] = {{"continue", EXPECT_CONTINUE},
                 {"not handled", EXPECT_NOT_HANDLED},
                 {"later", EXPECT_LATER},
                 {"stop", EXPECT_STOP}};
  while (*text == ' ')
    text++;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    if (strcmp(text, answers[i].text) == 0) {
      *answer = answers[i].answer;
      return NULL;
    }
  }
  return "the answer is none of: continue, not handled, later, stop";
}

static const char *parse_debug_string(const char *text, struct expect_pattern *pattern)
{
  size_t n = strlen(text);
  if (n >= 2 && text[0] == '"' && text[n - 1] == '"') {
    text++;
    n -= 2;
  }
  if (n >= sizeof pattern->text)
    return "the text is too long";
  memcpy(pattern->text, text, n);
  pattern->text[n] = 0;
  pattern->has_text = true;
  return NULL;
}

/* One word after the event's name; `rest` is where the pattern goes on behind it. */
static const char *parse_word(const char *word, const char **rest, struct expect_pattern *pattern)
{
  bool exception = pattern->code == DBGKSIM_EXCEPTION;
  if (parse_index(word, 'p', &pattern->process)) {
    pattern->has_process = true;
  } else if (parse_index(word, 't', &pattern->thread)) {
    pattern->has_thread = true;
  } else if (exception && (strcmp(word, "first") == 0 || strcmp(word, "second") == 0)) {
    pattern->has_chance = true;
    pattern->first_chance = word[0] == 'f';
  } else if (exception && strcmp(word, "at") == 0) {
    size_t n = 0;
    while (**rest == ' ')
      ++*rest;
    while (**rest && **rest != ' ' && n < sizeof pattern->place - 1)
      pattern->place[n++] = *(*rest)++;
    pattern->has_place = n > 0;
    return n ? NULL : "nothing follows 'at'";
  } else if (exception) {
    pattern->has_number = parse_number(word, 16, &pattern->number);
    return pattern->has_number ? NULL : "an exception has a hexadecimal code, 'first', 'second', 'at PLACE', pN or tN";
  } else if (pattern->code == DBGKSIM_EXIT_PROCESS || pattern->code == DBGKSIM_EXIT_THREAD) {
    pattern->has_number = parse_number(word, 10, &pattern->number);
    return pattern->has_number ? NULL : "an exit has a code, pN or tN";
  } else if (pattern->code == DBGKSIM_LOAD_DLL || pattern->code == DBGKSIM_UNLOAD_DLL ||
             pattern->code == DBGKSIM_CREATE_PROCESS) {
    if (strlen(word) >= sizeof pattern->module)
      return "the file name is too long";
    strcpy(pattern->module, word);
    pattern->has_module = true;
  } else {
    return "this event has only pN and tN";
  }
  return NULL;
}

/* Copies the next word to `word`; false at the end. */
static bool next_word(const char **at, char *word, size_t size)
{
  size_t n = 0;
  while (**at == ' ')
    ++*at;
  while (**at && **at != ' ' && n < size - 1)
    word[n++] = *(*at)++;
  word[n] = 0;
  return n > 0;
}

const char *expect_parse(const char *text, struct expect_pattern *pattern)
{
  char body[2 * EXPECT_TEXT], word[EXPECT_TEXT];
  memset(pattern, 0, sizeof *pattern);
  if (strlen(text) >= sizeof body)
    return "the pattern is too long";
  strcpy(body, text);
  char *arrow = strstr(body, " -> ");
  if (arrow) {
    *arrow = 0;
    const char *wrong = parse_answer(arrow + 4, &pattern->answer);
    if (wrong)
      return wrong;
  }
  const char *at = body;
  if (!next_word(&at, word, sizeof word))
    return "the pattern is empty";
  if (strcmp(word, "*") == 0) {
    pattern->any_events = true;
    return next_word(&at, word, sizeof word) || arrow ? "'*' stands alone" : NULL;
  }
  for (int code = DBGKSIM_EXCEPTION; code <= DBGKSIM_RIP; code++)
    if (strcmp(word, event_names[code]) == 0)
      pattern->code = (enum dbgksim_event_code)code;
  if (!pattern->code)
    return "there is no such event";
  for (;;) {
    const char *before = at;
    if (!next_word(&at, word, sizeof word))
      return NULL;
    bool index = parse_index(word, 'p', &pattern->process) || parse_index(word, 't', &pattern->thread);
    if (pattern->code == DBGKSIM_OUTPUT_DEBUG_STRING && !index) {
      while (*before == ' ')
        before++;
      return parse_debug_string(before, pattern);
    }
    const char *wrong = parse_word(word, &at, pattern);
    if (wrong)
      return wrong;
  }
}

/* A place is a whole symbolized address, or the part of one before its offset or symbol. */
static bool same_place(const char *expected, const char *actual)
{
  size_t n = strlen(expected);
  if (strncmp(expected, actual, n) != 0)
    return false;
  return actual[n] == 0 || ((actual[n] == '!' || actual[n] == '+') && n > 0);
}

bool expect_matches(const struct expect_pattern *pattern, const struct expect_actual *actual)
{
  const struct dbgksim_event *event = actual->event;
  uint32_t number = event->code == DBGKSIM_EXCEPTION ? (uint32_t)event->exception.ExceptionCode : event->exit_code;
  return pattern->code == event->code && (!pattern->has_process || pattern->process == actual->process) &&
         (!pattern->has_thread || pattern->thread == actual->thread) &&
         (!pattern->has_number || pattern->number == number) &&
         (!pattern->has_chance || pattern->first_chance == event->first_chance) &&
         (!pattern->has_module || same_name(pattern->module, actual->module, ".dll")) &&
         (!pattern->has_place || same_place(pattern->place, actual->place)) &&
         (!pattern->has_text || strcmp(pattern->text, actual->text) == 0);
}

void expect_describe(const struct expect_actual *actual, char *out, size_t size)
{
  const struct dbgksim_event *event = actual->event;
  char details[2 * EXPECT_TEXT] = "";
  switch (event->code) {
  case DBGKSIM_EXCEPTION:
    snprintf(details, sizeof details, " %08X %s at %s", (unsigned)event->exception.ExceptionCode,
             event->first_chance ? "first" : "second", actual->place);
    break;
  case DBGKSIM_EXIT_PROCESS:
  case DBGKSIM_EXIT_THREAD:
    snprintf(details, sizeof details, event->exit_code < 0x10000 ? " %u" : " 0x%X", event->exit_code);
    break;
  case DBGKSIM_LOAD_DLL:
  case DBGKSIM_UNLOAD_DLL:
  case DBGKSIM_CREATE_PROCESS:
    snprintf(details, sizeof details, " %s", actual->module);
    break;
  case DBGKSIM_OUTPUT_DEBUG_STRING:
    snprintf(details, sizeof details, " \"%s\"", actual->text);
    break;
  default:
    break;
  }
  if (event->code == DBGKSIM_OUTPUT_DEBUG_STRING)
    snprintf(out, size, "%s p%u t%u%s", expect_event_name(event->code), actual->process, actual->thread, details);
  else
    snprintf(out, size, "%s%s p%u t%u", expect_event_name(event->code), details, actual->process, actual->thread);
}
