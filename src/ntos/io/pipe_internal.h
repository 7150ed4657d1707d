/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file pipe_internal.h  Pipes behind their interface: an operation that is over goes to a list first, and is told so
 *  only when the pipe is consistent again, because telling may switch threads. */
#ifndef NTOS_IO_PIPE_INTERNAL_H
#define NTOS_IO_PIPE_INTERNAL_H

#include "ntos/io/io_internal.h"
#include "ntos/io/pipe.h"

enum { PIPE_SERVER, PIPE_CLIENT };

/** Bytes of one write that were not read yet. */
struct pipe_data {
  LIST_ENTRY entry;
  UCHAR *bytes; /**< pool */
  ULONG size, at;
  struct io_operation *writer; /**< waits until they are read, or NULL */
};

/** What is on its way to one end. */
struct pipe_queue {
  LIST_ENTRY data;    /**< struct pipe_data */
  LIST_ENTRY readers; /**< struct io_operation; empty unless `data` is */
  ULONG64 bytes;
  ULONG quota;
};

struct io_pipe_instance {
  LIST_ENTRY entry;
  struct io_pipe *pipe;
  ULONG state;
  FILE_OBJECT *end[2]; /**< not referenced: io_pipe_close clears them */
  ULONG read_mode[2], completion_mode[2];
  struct pipe_queue queue[2]; /**< by the end that reads */
  LIST_ENTRY listeners;       /**< struct io_operation */
};

struct io_pipe {
  LIST_ENTRY entry; /**< io_state.pipes */
  char *name;
  ULONG type, share_access, maximum_instances, instance_count;
  LIST_ENTRY instances;
};

/** Ends all operations of a list with a status. */
void pipe_finish_list(LIST_ENTRY *operations, NTSTATUS status, LIST_ENTRY *finished);
/** Throws data away; its writers end with `status`. */
void pipe_discard(struct pipe_queue *queue, NTSTATUS status, LIST_ENTRY *finished);
/** Ends the writers of data that stays. */
void pipe_release_writers(struct pipe_queue *queue, LIST_ENTRY *finished);
/** Tells the owners of what is over. */
void pipe_complete_all(LIST_ENTRY *finished);

#endif
