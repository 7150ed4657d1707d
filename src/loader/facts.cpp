/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one C++ file: facts of a PE file from LIEF (spec 7.4). LIEF believes every count in a file, so it is given a copy
 * that holds only what is wanted: tables whose extent was checked here, no resources, signatures or COFF symbols.
 * No exception leaves a function, and the cache only grows, so its entries can be read without the lock. */
#pragma GCC visibility push(hidden)
extern "C" {
#include "loader/bytes.h"
#include "loader/loader.h"
}
#pragma GCC visibility pop

#include <LIEF/PE.hpp>
#include <LIEF/logging.hpp>
#include <LIEF/version.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace
{

constexpr size_t max_file_size = 512u << 20;
constexpr uint32_t max_exports = 65536;
constexpr uint32_t max_import_dlls = 4096;
constexpr uint32_t max_imports = 1u << 18;
constexpr uint32_t max_name = 4096;
constexpr size_t max_text = 32u << 20;
constexpr uint32_t max_debug_entries = 64;
constexpr uint32_t optional_header_offset = 24;
constexpr uint32_t directory_offset = optional_header_offset + 112;

/* A file's content and the tables in it that may be shown to LIEF. */
class Sanitizer
{
public:
  Sanitizer(const uint8_t *file, size_t size, const pe_headers &headers) : headers_(headers)
  {
    size_t end = std::min<size_t>(headers.size_of_headers, size);
    for (unsigned i = 0; i < headers.section_count; i++)
      end = std::max<size_t>(end, headers.sections[i].raw_offset + size_t(headers.sections[i].raw_size));
    end = std::max<size_t>(end, section_table(file) + size_t(headers.section_count) * 40);
    copy_.assign(file, file + std::min(end, size));
  }

  /* nullptr, or why LIEF must not see the file. */
  const char *run()
  {
    if (headers_.header_offset < 64)
      return "the PE header overlaps the DOS header";
    if (headers_.section_alignment < PE_PAGE_SIZE)
      return "the image is mapped as a flat file";
    if (section_table(copy_.data()) < headers_.header_offset + size_t(directory_offset) + 16 * 8)
      return "the section table overlaps the optional header";
    size_t shared = 0;
    for (unsigned i = 0; i < headers_.section_count; i++)
      shared += headers_.sections[i].raw_size;
    if (shared > 2 * copy_.size())
      return "many sections share the same data";

    uint8_t *nt = copy_.data() + headers_.header_offset;
    write_u32(nt + 12, 0); /* COFF symbols */
    write_u32(nt + 16, 0);
    write_u32(nt + optional_header_offset + 108, IMAGE_NUMBEROF_DIRECTORY_ENTRIES);
    for (unsigned i = 0; i < IMAGE_NUMBEROF_DIRECTORY_ENTRIES; i++)
      if (!is_wanted(i))
        set_directory(i, 0, 0);
    for (unsigned i = 0; i < headers_.section_count; i++) {
      uint8_t *entry = copy_.data() + section_table(copy_.data()) + i * size_t(40);
      write_u32(entry + 8, headers_.sections[i].virtual_size);
      write_u32(entry + 16, headers_.sections[i].raw_size);
      write_u32(entry + 20, headers_.sections[i].raw_offset);
      memset(entry + 24, 0, 12); /* relocations and line numbers of an object file */
    }
    return nullptr;
  }

  const std::vector<uint8_t> &content() const { return copy_; }

private:
  const pe_headers &headers_;
  std::vector<uint8_t> copy_;
  size_t text_left_ = max_text;

  size_t section_table(const uint8_t *file) const
  {
    return headers_.header_offset + size_t(optional_header_offset) + read_u16(file + headers_.header_offset + 20);
  }

  void set_directory(unsigned index, uint32_t rva, uint32_t size)
  {
    uint8_t *entry = copy_.data() + headers_.header_offset + directory_offset + 8 * index;
    write_u32(entry, rva);
    write_u32(entry + 4, size);
  }

  /* The bytes at an RVA as far as the same section's data goes; nullptr outside of the file. */
  uint8_t *at(uint64_t rva, uint64_t length, uint64_t *room = nullptr)
  {
    for (unsigned i = 0; i < headers_.section_count; i++) {
      const pe_section &s = headers_.sections[i];
      uint64_t size = std::min(s.raw_size, s.virtual_size);
      if (rva < s.virtual_address || rva - s.virtual_address >= size)
        continue;
      uint64_t offset = rva - s.virtual_address;
      if (length > size - offset || s.raw_offset + offset + length > copy_.size())
        return nullptr;
      if (room != nullptr)
        *room = std::min<uint64_t>(size - offset, copy_.size() - s.raw_offset - offset);
      return copy_.data() + s.raw_offset + offset;
    }
    return nullptr;
  }

  /* One text may be named many times, and LIEF copies it each time: so the sum is limited as well. */
  bool is_text(uint64_t rva)
  {
    uint64_t room = 0;
    const uint8_t *p = at(rva, 1, &room);
    if (p == nullptr)
      return false;
    const void *end = memchr(p, 0, size_t(std::min<uint64_t>(room, max_name)));
    size_t length = end == nullptr ? max_name : size_t(static_cast<const uint8_t *>(end) - p);
    text_left_ -= std::min(length, text_left_);
    return end != nullptr && text_left_ != 0;
  }

  bool is_wanted(unsigned index)
  {
    uint32_t rva = headers_.directories[index].rva;
    uint32_t size = headers_.directories[index].size;
    if (rva == 0 || size == 0)
      return false;
    switch (index) {
    case IMAGE_DIRECTORY_ENTRY_EXPORT:
      return exports_sound(rva, size);
    case IMAGE_DIRECTORY_ENTRY_IMPORT:
      return imports_sound(rva);
    case IMAGE_DIRECTORY_ENTRY_BASERELOC:
      return relocations_sound(rva, size);
    case IMAGE_DIRECTORY_ENTRY_DEBUG:
      return size / 28 <= max_debug_entries && at(rva, size) != nullptr;
    case IMAGE_DIRECTORY_ENTRY_TLS:
      return tls_sound(rva);
    default:
      return false;
    }
  }

  bool exports_sound(uint32_t rva, uint32_t size)
  {
    const uint8_t *d = size < 40 ? nullptr : at(rva, 40);
    if (d == nullptr || !is_text(read_u32(d + 12)))
      return false;
    uint32_t functions = read_u32(d + 20), names = read_u32(d + 24);
    if (functions > max_exports || names > max_exports)
      return false;
    if (functions != 0 && at(read_u32(d + 28), functions * uint64_t(4)) == nullptr)
      return false;
    if (names == 0)
      return true;
    const uint8_t *text = at(read_u32(d + 32), names * uint64_t(4));
    if (text == nullptr || at(read_u32(d + 36), names * uint64_t(2)) == nullptr)
      return false;
    for (uint32_t i = 0; i < names; i++)
      if (!is_text(read_u32(text + i * size_t(4))))
        return false;
    return true;
  }

  bool thunks_sound(uint32_t rva, uint32_t *left)
  {
    for (uint64_t i = 0;; i++) {
      const uint8_t *thunk = at(rva + 8 * i, 8);
      if (thunk == nullptr || *left == 0)
        return false;
      uint64_t value = read_u64(thunk);
      if (value == 0)
        return true;
      if ((value >> 63) == 0 && (at(value & 0x7FFFFFFF, 2) == nullptr || !is_text((value & 0x7FFFFFFF) + 2)))
        return false;
      --*left;
    }
  }

  bool imports_sound(uint32_t rva)
  {
    uint32_t left = max_imports;
    for (uint32_t i = 0; i < max_import_dlls; i++) {
      const uint8_t *d = at(rva + uint64_t(20) * i, 20);
      if (d == nullptr)
        return false;
      uint32_t lookup = read_u32(d), name = read_u32(d + 12), address = read_u32(d + 16);
      if (name == 0 && address == 0)
        return true;
      if (!is_text(name) || !thunks_sound(address, &left))
        return false;
      if (lookup != 0 && !thunks_sound(lookup, &left))
        return false;
    }
    return false;
  }

  bool relocations_sound(uint32_t rva, uint32_t size)
  {
    const uint8_t *block = at(rva, size);
    if (block == nullptr)
      return false;
    while (size >= 8) {
      uint32_t length = read_u32(block + 4);
      if (length < 8 || length > size || length % 2 != 0)
        return false;
      block += length;
      size -= length;
    }
    return true;
  }

  bool tls_sound(uint32_t rva)
  {
    uint8_t *d = at(rva, 40);
    if (d == nullptr)
      return false;
    write_u64(d, 0); /* the template's address range: LIEF would copy all of it */
    write_u64(d + 8, 0);
    uint64_t table = read_u64(d + 24);
    if (table == 0)
      return true;
    if (table < headers_.image_base)
      return false;
    uint64_t offset = table - headers_.image_base;
    if (offset > UINT32_MAX)
      return false;
    for (uint64_t i = 0; i < max_name; i++) {
      const uint8_t *entry = at(offset + 8 * i, 8);
      if (entry == nullptr)
        return false;
      if (read_u64(entry) == 0)
        return true;
    }
    return false;
  }
};

/* Facts together with the memory that they point to. */
struct Entry {
  pe_facts facts{};
  const char *why = nullptr; /* set: there are no facts */
  std::vector<pe_symbol> exports;
  std::vector<pe_import> imports;
  std::vector<uint32_t> tls_callbacks;
  std::deque<std::string> texts;

  const char *keep(const std::string &text)
  {
    texts.push_back(text);
    return texts.back().c_str();
  }
};

void take_exports(Entry &e, const LIEF::PE::Binary &binary, const pe_headers &headers)
{
  if (!binary.has_exports())
    return;
  uint32_t start = headers.directories[IMAGE_DIRECTORY_ENTRY_EXPORT].rva;
  uint32_t size = headers.directories[IMAGE_DIRECTORY_ENTRY_EXPORT].size;
  for (const LIEF::PE::ExportEntry &entry : binary.get_export().entries()) {
    uint32_t rva = entry.address();
    bool is_forwarder = entry.is_extern() || rva - start < size;
    if (is_forwarder || rva == 0 || rva >= headers.size_of_image || entry.name().empty())
      continue;
    e.exports.push_back({rva, e.keep(entry.name())});
  }
  std::sort(e.exports.begin(), e.exports.end(), [](const pe_symbol &a, const pe_symbol &b) {
    return a.rva != b.rva ? a.rva < b.rva : strcmp(a.name, b.name) < 0;
  });
}

void take_imports(Entry &e, const LIEF::PE::Binary &binary)
{
  if (!binary.has_imports())
    return;
  for (const LIEF::PE::Import &dll : binary.imports()) {
    const char *name = e.keep(dll.name());
    for (const LIEF::PE::ImportEntry &entry : dll.entries()) {
      /* ImportEntry::is_ordinal looks at bit 31 of 64 in this version. */
      bool by_ordinal = entry.data() >> 63 != 0;
      e.imports.push_back({name, by_ordinal ? nullptr : e.keep(entry.name()), uint16_t(by_ordinal ? entry.data() : 0)});
    }
  }
}

void take_rest(Entry &e, const LIEF::PE::Binary &binary, const pe_headers &headers)
{
  if (binary.has_tls())
    for (uint64_t callback : binary.tls().callbacks())
      if (callback - headers.image_base < headers.size_of_image)
        e.tls_callbacks.push_back(uint32_t(callback - headers.image_base));
  if (binary.has_relocations())
    for (const LIEF::PE::Relocation &block : binary.relocations())
      for (const LIEF::PE::RelocationEntry &entry : block.entries())
        if (entry.type() != LIEF::PE::RELOCATIONS_BASE_TYPES::IMAGE_REL_BASED_ABSOLUTE)
          e.facts.relocation_count++;
  if (binary.has_debug() && binary.debug().has_code_view()) {
    const auto *pdb = dynamic_cast<const LIEF::PE::CodeViewPDB *>(&binary.debug().code_view());
    if (pdb != nullptr && !pdb->filename().empty())
      e.facts.pdb_name = e.keep(pdb->filename());
  }
}

void parse(Entry &e, const uint8_t *file, size_t size)
{
  pe_headers headers;
  if (size > max_file_size) {
    e.why = "the file is too large for LIEF";
    return;
  }
  if (pe_check(file, size, &headers, &e.why) != STATUS_SUCCESS)
    return;
  Sanitizer sanitizer(file, size, headers);
  e.why = sanitizer.run();
  if (e.why != nullptr)
    return;
  LIEF::Logger::disable();
  std::unique_ptr<LIEF::PE::Binary> binary = LIEF::PE::Parser::parse(sanitizer.content(), "");
  if (binary == nullptr) {
    e.why = "LIEF could not read the file";
    return;
  }
  take_exports(e, *binary, headers);
  take_imports(e, *binary);
  take_rest(e, *binary, headers);
  e.facts.exports = e.exports.data();
  e.facts.export_count = e.exports.size();
  e.facts.imports = e.imports.data();
  e.facts.import_count = e.imports.size();
  e.facts.tls_callbacks = e.tls_callbacks.data();
  e.facts.tls_callback_count = e.tls_callbacks.size();
}

/* Size and two independent hashes of the content. */
using Key = std::tuple<size_t, uint64_t, uint64_t>;

Key key_of(const uint8_t *file, size_t size)
{
  uint64_t a = 0xCBF29CE484222325u, b = 0x9E3779B97F4A7C15u;
  for (size_t i = 0; i < size; i += 8) {
    uint8_t word[8] = {0};
    memcpy(word, file + i, std::min<size_t>(8, size - i));
    uint64_t value = read_u64(word);
    a = (a ^ value) * 0x100000001B3u;
    a ^= a >> 32;
    b = ((b << 23 | b >> 41) + value) * 0xD6E8FEB86659FD93u;
  }
  return Key(size, a, b);
}

struct Cache {
  std::mutex lock;
  std::map<Key, std::unique_ptr<Entry>> entries;
};

/* Never destroyed: facts stay valid until the host process ends. */
Cache &cache()
{
  static Cache *const instance = new Cache;
  return *instance;
}

} // namespace

const struct pe_facts *pe_facts_get(const void *file, size_t size, const char **why)
{
  try {
    const uint8_t *bytes = static_cast<const uint8_t *>(file);
    Key key = key_of(bytes, size);
    Cache &c = cache();
    std::lock_guard<std::mutex> guard(c.lock);
    std::unique_ptr<Entry> &slot = c.entries[key];
    if (slot == nullptr) {
      std::unique_ptr<Entry> fresh(new Entry);
      try {
        parse(*fresh, bytes, size);
      } catch (...) {
        fresh.reset(new Entry);
        fresh->why = "LIEF could not read the file";
      }
      slot = std::move(fresh);
    }
    if (why != nullptr)
      *why = slot->why;
    return slot->why == nullptr ? &slot->facts : nullptr;
  } catch (...) {
    if (why != nullptr)
      *why = "out of memory";
    return nullptr;
  }
}

const struct pe_symbol *pe_facts_nearest(const struct pe_facts *facts, uint32_t rva)
{
  if (facts == nullptr)
    return nullptr;
  size_t low = 0, high = facts->export_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (facts->exports[middle].rva <= rva)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0)
    return nullptr;
  /* Of several names of one address the first one, whatever the search met. */
  const struct pe_symbol *s = &facts->exports[low - 1];
  while (s != facts->exports && s[-1].rva == s->rva)
    s--;
  return s;
}

const char *pe_facts_version(void)
{
  /* LIEF_VERSION ends with a dash where no commit is known. */
  struct Number {
    char text[sizeof(LIEF_VERSION)] = {0};
    Number() { memcpy(text, LIEF_VERSION, strspn(LIEF_VERSION, "0123456789.")); }
  };
  static const Number number;
  return number.text;
}
