/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calibration in a child process, so that an engine that crashes is a message (DESIGN 5). */
#include "emu/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool read_all(int fd, void *buffer, size_t size)
{
  for (size_t done = 0; done < size;) {
    ssize_t n = read(fd, (char *)buffer + done, size - done);
    if (n <= 0)
      return false;
    done += (size_t)n;
  }
  return true;
}

static void child(int fd, struct calibration *k)
{
  calibration_make(k);
  const char *at = (const char *)k;
  for (size_t left = sizeof *k; left != 0;) {
    ssize_t n = write(fd, at, left);
    if (n <= 0)
      break;
    at += n;
    left -= (size_t)n;
  }
  _exit(0);
}

bool emu_self_check(char *report, size_t size)
{
  int pipe_fd[2], status = 0;
  struct calibration *k = calloc(1, sizeof *k);
  if (k == NULL || pipe(pipe_fd) != 0) {
    free(k);
    snprintf(report, size, "processor: no memory for the check\n");
    return false;
  }
  pid_t pid = fork();
  if (pid == 0) {
    close(pipe_fd[0]);
    child(pipe_fd[1], k);
  }
  close(pipe_fd[1]);
  bool complete = pid > 0 && read_all(pipe_fd[0], k, sizeof *k);
  close(pipe_fd[0]);
  if (pid > 0)
    waitpid(pid, &status, 0);
  bool good = complete && k->status == EMU_OK;
  if (!complete)
    snprintf(report, size, "processor: the engine library crashed while it was tested (signal %d)\n",
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  else if (!good)
    snprintf(report, size, "processor: %s\n", k->message);
  else
    snprintf(report, size,
             "processor: Unicorn %s, calibrated\n"
             "  context %zu bytes, RIP at %zx, error code at %zx, previous exception at %zx\n",
             k->version, k->at.size, k->at.rip, k->at.error_code, k->at.old_exception);
  free(k);
  return good;
}
