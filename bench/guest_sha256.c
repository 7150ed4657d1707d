/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest code of emu_bench: SHA-256's compression function as a compiler makes it, over a buffer, again and again.
 * Taken flat out of its object file: no data of its own, entry at the first byte. */

typedef unsigned int u32;
typedef unsigned long long u64;

struct job {
  u32 state[8];
  u32 k[64];
  unsigned char block[64];
  u64 rounds;
};

static inline u32 rotate(u32 x, int n) { return (x >> n) | (x << (32 - n)); }

static void compress(struct job *j);
void start(struct job *j);

void start(struct job *j)
{
  for (u64 i = 0; i < j->rounds; i++)
    compress(j);
  __asm__ volatile("int3");
}

static __attribute__((noinline)) void compress(struct job *j)
{
  u32 w[64], s[8];
  for (int i = 0; i < 16; i++)
    w[i] = (u32)j->block[4 * i] << 24 | (u32)j->block[4 * i + 1] << 16 | (u32)j->block[4 * i + 2] << 8 |
           j->block[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    u32 a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    u32 b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  for (int i = 0; i < 8; i++)
    s[i] = j->state[i];
  for (int i = 0; i < 64; i++) {
    u32 t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +
             j->k[i] + w[i];
    u32 t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    s[7] = s[6];
    s[6] = s[5];
    s[5] = s[4];
    s[4] = s[3] + t1;
    s[3] = s[2];
    s[2] = s[1];
    s[1] = s[0];
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++)
    j->state[i] += s[i];
}
