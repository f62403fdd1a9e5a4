#include "tests/property/engine/rocks/sim_files.h"

#include <algorithm>
#include <utility>

namespace orrery::rocks {
namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string plain(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

void SimFiles::note(Op op) {
  if (!off_) journal_.push_back(std::move(op));
}

SimFiles::Handle SimFiles::create(const std::string& path) {
  const std::lock_guard lock(mutex_);
  Handle file = std::make_shared<File>();
  now_[path] = file;
  note({.kind = Kind::kCreate, .file = file, .path = path});
  return file;
}

SimFiles::Handle SimFiles::find(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto it = now_.find(path);
  return it == now_.end() ? nullptr : it->second;
}

bool SimFiles::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (now_.erase(path) == 0) return false;
  note({.kind = Kind::kRemove, .path = path});
  return true;
}

bool SimFiles::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (now_.count(from) == 0) return false;
  Op op{.kind = Kind::kRename, .path = from, .other = to};
  apply_names(now_, op);
  note(std::move(op));
  return true;
}

void SimFiles::make_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  folders_[plain(path)] = true;
}

bool SimFiles::is_folder(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return folders_.count(plain(path)) != 0;
}

std::vector<std::string> SimFiles::list(const std::string& folder) const {
  const std::lock_guard lock(mutex_);
  const std::string parent = plain(folder);
  std::vector<std::string> names;
  for (const auto& [path, file] : now_) {
    if (folder_of(path) == parent) names.push_back(path.substr(parent.size() + 1));
  }
  for (const auto& [path, made] : folders_) {
    if (folder_of(path) == parent) names.push_back(path.substr(parent.size() + 1));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool SimFiles::touches(const Op& op, const std::string& folder) const {
  if (op.kind == Kind::kWrite || op.kind == Kind::kTruncate) return false;
  return folder_of(op.path) == folder || (!op.other.empty() && folder_of(op.other) == folder);
}

void SimFiles::sync_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (off_) return;
  std::erase_if(journal_, [&, folder = plain(path)](const Op& op) {
    if (!touches(op, folder)) return false;
    apply_names(durable_, op);
    return true;
  });
}

void SimFiles::append(const Handle& file, std::string_view data) {
  const std::lock_guard lock(mutex_);
  note({.kind = Kind::kWrite,
        .file = file,
        .offset = file->now.size(),
        .data = std::string(data)});
  file->now.append(data);
}

void SimFiles::truncate(const Handle& file, std::size_t size) {
  const std::lock_guard lock(mutex_);
  note({.kind = Kind::kTruncate, .file = file, .offset = size});
  file->now.resize(size);
}

void SimFiles::sync(const Handle& file) {
  const std::lock_guard lock(mutex_);
  if (off_) return;
  file->durable = file->now;
  std::erase_if(journal_, [&](const Op& op) {
    return op.file == file && (op.kind == Kind::kWrite || op.kind == Kind::kTruncate);
  });
}

std::string SimFiles::read(const Handle& file, std::size_t offset, std::size_t size) const {
  const std::lock_guard lock(mutex_);
  return offset >= file->now.size() ? std::string() : file->now.substr(offset, size);
}

std::size_t SimFiles::size(const Handle& file) const {
  const std::lock_guard lock(mutex_);
  return file->now.size();
}

std::uint64_t SimFiles::pending() const {
  const std::lock_guard lock(mutex_);
  return journal_.size();
}

void SimFiles::power_off() {
  const std::lock_guard lock(mutex_);
  off_ = true;
}

void SimFiles::apply_names(Names& names, const Op& op) {
  switch (op.kind) {
    case Kind::kCreate: names[op.path] = op.file; return;
    case Kind::kRemove: names.erase(op.path); return;
    case Kind::kRename:
      if (auto node = names.extract(op.path)) names[op.other] = node.mapped();
      return;
    case Kind::kWrite:
    case Kind::kTruncate: return;
  }
}

// Those sectors of a write that are kept; what lies between and was never written reads as zeros.
void SimFiles::apply_content(const Op& op, const std::vector<bool>& sectors) {
  std::string& content = op.file->durable;
  if (op.kind == Kind::kTruncate) return content.resize(op.offset);
  for (std::size_t s = 0; s < sectors.size(); ++s) {
    if (!sectors[s]) continue;
    const std::size_t begin = s * sim::kSectorBytes;
    const std::size_t size = std::min(sim::kSectorBytes, op.data.size() - begin);
    if (content.size() < op.offset + begin + size) content.resize(op.offset + begin + size);
    content.replace(op.offset + begin, size, op.data, begin, size);
  }
}

// Which sectors of an operation reach the disk (entries and truncations count as one).
std::vector<bool> SimFiles::keep(const Op& op, sim::CrashLoss loss, Place place,
                                 RandomStream& draws) {
  const std::size_t sectors =
      op.kind == Kind::kWrite ? (op.data.size() + sim::kSectorBytes - 1) / sim::kSectorBytes : 1;
  std::vector<bool> kept(sectors, false);
  const bool before = place == Place::kBefore;
  switch (loss) {
    case sim::CrashLoss::kLoseUnsynced:
    case sim::CrashLoss::kWipe: break;
    case sim::CrashLoss::kKeepPrefix: kept.assign(sectors, before); break;
    case sim::CrashLoss::kKeepSubset: kept.assign(sectors, draws.below(2) == 1); break;
    case sim::CrashLoss::kTorn:
      kept.assign(sectors, before);
      if (place != Place::kFirstLost) break;
      for (std::size_t s = 0; s < sectors; ++s) kept[s] = draws.below(2) == 1;
      break;
  }
  return kept;
}

std::uint64_t SimFiles::power_on(sim::CrashLoss loss, RandomStream draws) {
  const std::lock_guard lock(mutex_);
  if (loss == sim::CrashLoss::kWipe) durable_.clear();
  const std::uint64_t whole = draws.below(journal_.size() + 1);  // operations of the prefix
  std::uint64_t lost = 0, index = 0;
  for (const Op& op : journal_) {
    const Place place = index < whole    ? Place::kBefore
                        : index == whole ? Place::kFirstLost
                                         : Place::kBehind;
    ++index;
    const std::vector<bool> kept = keep(op, loss, place, draws);
    const bool any = std::find(kept.begin(), kept.end(), true) != kept.end();
    if (std::find(kept.begin(), kept.end(), false) != kept.end()) ++lost;
    if (op.kind == Kind::kWrite || op.kind == Kind::kTruncate) {
      if (any) apply_content(op, kept);
    } else if (any) {
      apply_names(durable_, op);
    }
  }
  journal_.clear();
  now_ = durable_;
  for (const auto& [path, file] : now_) file->now = file->durable;
  off_ = false;
  return lost;
}

}  // namespace orrery::rocks
