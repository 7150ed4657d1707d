// SPDX-License-Identifier: GPL-2.0-or-later
// C++ exceptions of MinGW (libgcc's handler unwinds by RtlUnwindEx) on the builtin DLLs, without a C runtime.
#include <exception>
#include <windows.h>

static void say(const char *text)
{
  DWORD length = 0, written;
  while (text[length])
    length++;
  WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text, length, &written, NULL);
}

struct Noisy {
  const char *name;
  ~Noisy() { say("~"), say(name), say(" "); }
};

__attribute__((noinline)) static void inner(int n)
{
  Noisy noisy{"inner"};
  if (n == 1)
    throw 42;
  if (n == 2)
    throw "text";
  if (n == 3)
    throw 1.5;
}

__attribute__((noinline)) static void middle(int n)
{
  Noisy noisy{"middle"};
  try {
    inner(n);
  } catch (const char *) {
    Noisy handler{"handler"};
    say("rethrow ");
    throw;
  }
}

struct Destructor {
  int n;
  ~Destructor()
  {
    try {
      middle(n);
    } catch (double) {
      say("inside ");
    }
  }
};

__attribute__((noinline)) static void outer(int n)
{
  Destructor destructor{3};
  middle(n);
}

static void run(void (*function)(int), int n)
{
  try {
    Noisy noisy{"outer"};
    function(n);
  } catch (int value) {
    say(value == 42 ? "int\n" : "wrong\n");
  } catch (const char *) {
    say("pointer\n");
  } catch (...) {
    say("any\n");
  }
}

extern "C" void start()
{
  for (int i = 1; i < 4; i++)
    run(middle, i);
  run(outer, 1);
  say(std::uncaught_exceptions() ? "uncaught\n" : "done\n");
  ExitProcess(0);
}
