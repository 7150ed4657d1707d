/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file recording.h  A recording that is read from its file (docs/record-replay.md). Nothing in it is trusted. */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include "cli/options.h"

#include <stdio.h>

#define RECORDING_FORMAT 1
/** Most bytes that a program reads at a time from standard input while it is recorded. */
#define RECORDING_INPUT 65536u
/** Limits of what is read. */
#define RECORDING_MAX_SIZE ((size_t)1 << 30)
#define RECORDING_MAX_LINE ((size_t)1 << 20)

/** A line that the run must have, too: an event, an act or the end. */
struct recording_line {
  const char *text;
  size_t length;
  unsigned number; /**< in the file, from 1 */
  NTSTATUS answer; /**< to an event */
};

/** A file that the run read, or looked for in vain. */
struct recording_file {
  char *path;   /**< as programs name it */
  bool existed; /**< else the rest is 0 */
  uint64_t size;
  uint8_t sha256[32];
};

/** What a program read from standard input at a time. */
struct recording_input {
  uint8_t *bytes;
  size_t size;
};

struct recording {
  const char *path;
  char *bytes;
  char *folder; /**< that it lies in, with the final slash; empty for the current one */
  void *header; /**< json_t; the options point into it, and at: */
  char *userland;
  const char **arguments;
  struct recording_line *lines;
  size_t line_count, line_room;
  struct recording_file *files;
  size_t file_count, file_room;
  struct recording_input *inputs;
  size_t input_count, input_room;
  uint64_t events;
  bool complete;    /**< it has its end */
  bool interrupted; /**< by Ctrl-C, at: */
  struct dbgksim_point point;
  const char *version, *engine;  /**< that it was made by */
  struct recording_file program; /**< path: where it is from here */
};

/** Reads a recording, and sets the options that it was made with. CLI_OK, or an exit status after one line about the
 *  fault; recording_free is due in every case. */
int recording_read(struct recording *recording, const char *path, struct options *options);
/** One line about a recording. What a terminal could take for more than text is replaced. */
void recording_say(const struct recording *recording, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Frees what it holds; the options do not own anything of it. */
void recording_free(struct recording *recording);
/** True for the name of a userland, false for a folder. */
bool recording_is_userland(const char *name);
/** Text of a SHA-256. */
const char *recording_hash_text(const uint8_t hash[32], char out[65]);

#endif
