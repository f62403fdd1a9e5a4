#include "tests/property/engine/rocks/sim_file_system.h"

#include <algorithm>
#include <cstring>

namespace orrery::rocks {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Handle = SimFiles::Handle;

IOStatus missing(const std::string& path) { return IOStatus::PathNotFound(path); }

Slice copied(const std::string& data, char* scratch) {
  std::memcpy(scratch, data.data(), data.size());
  return {scratch, data.size()};
}

class Sequential final : public rocksdb::FSSequentialFile {
 public:
  Sequential(SimFiles& files, Handle file) : files_(files), file_(std::move(file)) {}
  IOStatus Read(std::size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    *result = copied(files_.read(file_, at_, n), scratch);
    at_ += result->size();
    return IOStatus::OK();
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ = std::min<std::size_t>(at_ + n, files_.size(file_));
    return IOStatus::OK();
  }

 private:
  SimFiles& files_;
  Handle file_;
  std::size_t at_ = 0;
};

class RandomAccess final : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccess(SimFiles& files, Handle file) : files_(files), file_(std::move(file)) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    *result = copied(files_.read(file_, offset, n), scratch);
    return IOStatus::OK();
  }

 private:
  SimFiles& files_;
  Handle file_;
};

class Writable final : public rocksdb::FSWritableFile {
 public:
  Writable(SimFiles& files, Handle file) : files_(files), file_(std::move(file)) {}
  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    files_.append(file_, {data.data(), data.size()});
    return IOStatus::OK();
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions&, IODebugContext*) override {
    files_.truncate(file_, size);
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    files_.sync(file_);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    return files_.size(file_);
  }
  bool IsSyncThreadSafe() const override { return true; }

 private:
  SimFiles& files_;
  Handle file_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(SimFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    files_.sync_folder(path_);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  SimFiles& files_;
  std::string path_;
};

}  // namespace

using S = SimFileSystem::S;

S SimFileSystem::NewSequentialFile(Text path, FileOptions,
                                   std::unique_ptr<rocksdb::FSSequentialFile>* file, Debug) {
  Handle found = files_.find(path);
  if (!found) return missing(path);
  *file = std::make_unique<Sequential>(files_, std::move(found));
  return S::OK();
}

S SimFileSystem::NewRandomAccessFile(Text path, FileOptions,
                                     std::unique_ptr<rocksdb::FSRandomAccessFile>* file, Debug) {
  Handle found = files_.find(path);
  if (!found) return missing(path);
  *file = std::make_unique<RandomAccess>(files_, std::move(found));
  return S::OK();
}

S SimFileSystem::NewWritableFile(Text path, FileOptions,
                                 std::unique_ptr<rocksdb::FSWritableFile>* file, Debug) {
  *file = std::make_unique<Writable>(files_, files_.create(path));
  return S::OK();
}

S SimFileSystem::NewDirectory(Text path, Options, std::unique_ptr<rocksdb::FSDirectory>* folder,
                              Debug) {
  if (!files_.is_folder(path)) return missing(path);
  *folder = std::make_unique<Directory>(files_, path);
  return S::OK();
}

S SimFileSystem::FileExists(Text path, Options, Debug) {
  return files_.find(path) || files_.is_folder(path) ? S::OK() : S::NotFound(path);
}

S SimFileSystem::GetChildren(Text folder, Options, std::vector<std::string>* names, Debug) {
  if (!files_.is_folder(folder)) return S::NotFound(folder);
  *names = files_.list(folder);
  return S::OK();
}

S SimFileSystem::DeleteFile(Text path, Options, Debug) {
  return files_.remove(path) ? S::OK() : missing(path);
}

S SimFileSystem::Truncate(Text path, std::size_t size, Options, Debug) {
  const Handle file = files_.find(path);
  if (!file) return missing(path);
  files_.truncate(file, size);
  return S::OK();
}

S SimFileSystem::CreateDir(Text path, Options, Debug) {
  if (files_.is_folder(path)) return S::IOError("is there already", path);
  files_.make_folder(path);
  return S::OK();
}

S SimFileSystem::CreateDirIfMissing(Text path, Options, Debug) {
  files_.make_folder(path);
  return S::OK();
}

S SimFileSystem::DeleteDir(Text path, Options, Debug) { return S::NotSupported(path); }

S SimFileSystem::GetFileSize(Text path, Options, std::uint64_t* size, Debug) {
  const Handle file = files_.find(path);
  if (!file) return missing(path);
  *size = files_.size(file);
  return S::OK();
}

S SimFileSystem::GetFileModificationTime(Text, Options, std::uint64_t* time, Debug) {
  *time = 0;  // nothing that matters asks
  return S::OK();
}

S SimFileSystem::RenameFile(Text from, Text to, Options, Debug) {
  return files_.rename(from, to) ? S::OK() : missing(from);
}

// One process, one database at a time.
S SimFileSystem::LockFile(Text, Options, rocksdb::FileLock** lock, Debug) {
  *lock = new rocksdb::FileLock();
  return S::OK();
}
S SimFileSystem::UnlockFile(rocksdb::FileLock* lock, Options, Debug) {
  delete lock;
  return S::OK();
}

S SimFileSystem::GetTestDirectory(Options, std::string* path, Debug) {
  *path = "/test";
  return S::OK();
}

S SimFileSystem::GetAbsolutePath(Text path, Options, std::string* absolute, Debug) {
  *absolute = path;
  return S::OK();
}

S SimFileSystem::IsDirectory(Text path, Options, bool* is, Debug) {
  *is = files_.is_folder(path);
  return S::OK();
}

}  // namespace orrery::rocks
