/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a recording depends on, by the C runtime of the default userland.
 *
 * program           starts itself as a child, which reads standard input
 * program wait      waits with two threads to be attached to
 * program copy      copies C:\data\in.txt to C:\data\out.txt, and reads that */
#include <stdio.h>
#include <string.h>
#include <windows.h>

static int read_input(void)
{
  char line[64];
  int lines = 0;
  while (fgets(line, sizeof line, stdin))
    printf("%d: %s", ++lines, line);
  return lines;
}

static int run_child(const char *self)
{
  char command[300];
  STARTUPINFOA startup = {.cb = sizeof startup};
  PROCESS_INFORMATION child;
  DWORD code;
  snprintf(command, sizeof command, "\"%s\" child", self);
  if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &child))
    return 100;
  WaitForSingleObject(child.hProcess, INFINITE);
  GetExitCodeProcess(child.hProcess, &code);
  printf("the child read %lu lines\n", code);
  return (int)code;
}

static DWORD WINAPI wait_a_while(void *argument)
{
  (void)argument;
  Sleep(100);
  return 0;
}

static int wait_to_be_attached(void)
{
  HANDLE thread = CreateThread(NULL, 0, wait_a_while, NULL, 0, NULL);
  WaitForSingleObject(thread, INFINITE);
  OutputDebugStringA("done");
  return 3;
}

static int copy(void)
{
  char text[64] = "";
  FILE *in = fopen("C:\\data\\in.txt", "r"), *out = fopen("C:\\data\\out.txt", "w");
  if (!in || !out || !fgets(text, sizeof text, in))
    return 1;
  fprintf(out, "copy of %s", text);
  fclose(in);
  fclose(out);
  out = fopen("C:\\data\\out.txt", "r");
  if (!out || !fgets(text, sizeof text, out))
    return 2;
  fclose(out);
  printf("%s\n", text);
  return 0;
}

int main(int argc, char **argv)
{
  if (argc < 2)
    return run_child(argv[0]);
  return strcmp(argv[1], "child") == 0 ? read_input() : strcmp(argv[1], "wait") == 0 ? wait_to_be_attached() : copy();
}
