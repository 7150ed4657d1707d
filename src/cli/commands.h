/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file commands.h  The subcommands. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/** Each gets its own name as argv[0] and returns the exit status. */
int command_run(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_strace(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_explore(int argc, char **argv);
int command_idt(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_samples(int argc, char **argv);

#endif
