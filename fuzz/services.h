/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file services.h  One case of fuzz_services: the scripts of its actors, the handles they share, and what is noted of
 *  the events to see afterwards that none was lost or delivered twice. */
#ifndef FUZZ_SERVICES_H
#define FUZZ_SERVICES_H

#include "fuzz_kit.h"

#include "dbgk/internal.h"

#define DEBUGGERS 3u /**< native threads */
#define PROCESSES 2u /**< debuggees */
#define ACTORS (DEBUGGERS + PROCESSES)
#define OBJECTS 3u
#define MAX_STEPS 64u
#define MAX_EVENTS 8u
#define MAX_EXCEPTIONS 64u
/** Threads of one case that facts are noted of, by their ids in order. */
#define MAX_THREADS 64u
/** More threads than this a debuggee does not make. */
#define MAX_DEBUGGEE_THREADS 5u

/** One step of a script. */
struct step {
  uint8_t code, a, b, c;
};

/** What is known of a thread of a debuggee; set before the service that causes it is called. */
struct thread_facts {
  unsigned starts_read, exits_read; /**< events read */
  unsigned replies_later;           /**< times DBG_REPLY_LATER was tried on it */
  bool let_go, not_handled;         /**< some other answer was tried on it */
};

/** One call of DbgkForwardException. */
struct exception_facts {
  HANDLE thread_id;
  unsigned reads;
};

/** All of a case; cleared before each. */
struct services_case {
  struct step scripts[ACTORS][MAX_STEPS];
  unsigned length[ACTORS], next[ACTORS];
  struct fuzz_input schedule;
  unsigned keep;          /**< scheduling choices that still let the running thread go on */
  unsigned choices;
  HANDLE object[OBJECTS]; /**< slots that the debuggers share */
  struct {
    CLIENT_ID client;
    unsigned object; /**< slot that it was read from */
  } events[MAX_EVENTS]; /**< read and perhaps not continued */
  unsigned event_count;
  struct thread_facts threads[MAX_THREADS];
  struct exception_facts exceptions[MAX_EXCEPTIONS];
  unsigned exception_count;
  unsigned attaches; /**< tried */
  bool separated; /**< a detach, a close or a termination was tried: events may end without an answer */
  bool suspended; /**< somebody suspended or resumed by himself, or a debuggee keeps its debugger alive */
};
extern struct services_case services;

/** What all cases share, made by `prepare`. */
struct services_world {
  EPROCESS *process[PROCESSES]; /**< gone once the case has ended it */
  HANDLE process_id[PROCESSES];
  HANDLE process_handle[PROCESSES];
  HANDLE first_id; /**< ids from here on belong to the debuggees and to the case */
};
extern struct services_world world;

/** Facts of a thread; NULL for ids that are not noted. */
struct thread_facts *facts_of(HANDLE thread_id);
/** Index of a debuggee; PROCESSES for another process. */
unsigned debuggee_index(HANDLE process_id);
/** Takes the next step of an actor's script; false at its end. */
bool next_step(unsigned actor, struct step *step);

/** A thread of a debuggee: does the next steps of its process until they are used up, then sleeps until it is ended. */
void debuggee_main(void *unused);
/** Waits for an event of a debug object of the current process, at most so many milliseconds, notes it and closes its
 *  handles. False: none came. */
bool debugger_read(HANDLE object, unsigned milliseconds, bool alertable, CLIENT_ID *client);
/** Continues an event, and notes that. */
void debugger_continue(HANDLE object, const CLIENT_ID *client, NTSTATUS status);
/** Does one step of a native thread's script. */
void debugger_step(const struct step *step);

#endif
