// Files on a simulated disk: what a program has written and what would be left of it if the power
// failed now. A journal holds the writes since the last sync of their file and the entries since
// the last sync of their directory; a crash keeps of it what the model of engine/sim/disk.h says.
// Thread-safe: databases write from threads of their own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/random.h"
#include "engine/sim/disk.h"

namespace orrery::rocks {

class SimFiles {
 public:
  // What an open file holds on to; lives on when its name is gone.
  struct File {
    std::string now, durable;
  };
  using Handle = std::shared_ptr<File>;

  // Names. False and nullptr: there is no such file.
  Handle create(const std::string& path);  // empties what is there
  Handle find(const std::string& path) const;
  bool remove(const std::string& path);
  bool rename(const std::string& from, const std::string& to);
  void make_folder(const std::string& path);
  bool is_folder(const std::string& path) const;
  std::vector<std::string> list(const std::string& folder) const;  // names in it, ascending
  void sync_folder(const std::string& path);

  // Content.
  void append(const Handle& file, std::string_view data);
  void truncate(const Handle& file, std::size_t size);
  void sync(const Handle& file);
  std::string read(const Handle& file, std::size_t offset, std::size_t size) const;
  std::size_t size(const Handle& file) const;

  // The power fails: from now on nothing reaches the disk. Who goes on all the same, as a database
  // that is closed behind the scenes, notices nothing; that is what the machine's memory would
  // hold.
  void power_off();
  // It comes back. Of what no sync had confirmed, `loss` is gone; `draws` decide where it is drawn.
  // Returns the operations lost or torn.
  std::uint64_t power_on(sim::CrashLoss loss, RandomStream draws);

  std::uint64_t pending() const;  // operations that a crash might lose

 private:
  enum class Kind : std::uint8_t { kWrite, kTruncate, kCreate, kRemove, kRename };
  struct Op {
    Kind kind;
    Handle file;              // kWrite, kTruncate, kCreate
    std::size_t offset = 0;   // of a write; new size of a truncation
    std::string data;         // of a write
    std::string path, other;  // of entries
  };
  using Names = std::map<std::string, Handle>;

  void note(Op op);
  static void apply_names(Names& names, const Op& op);
  static void apply_content(const Op& op, const std::vector<bool>& sectors);
  bool touches(const Op& op, const std::string& folder) const;
  // Where an operation stands in the journal, seen from the end of what a prefix keeps.
  enum class Place : std::uint8_t { kBefore, kFirstLost, kBehind };
  static std::vector<bool> keep(const Op& op, sim::CrashLoss loss, Place place,
                                RandomStream& draws);

  mutable std::mutex mutex_;
  Names now_, durable_;
  std::map<std::string, bool> folders_;  // made at once and for good: no crash takes one
  std::vector<Op> journal_;
  bool off_ = false;
};

}  // namespace orrery::rocks
