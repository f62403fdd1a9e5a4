// RocksDB's view of SimFiles: its file system, for databases whose power may fail at any instant.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <string>

#include "tests/property/engine/rocks/sim_files.h"

namespace orrery::rocks {

class SimFileSystem final : public rocksdb::FileSystem {
 public:
  // `files` outlives the file system and everything opened through it.
  explicit SimFileSystem(SimFiles& files) : files_(files) {}
  const char* Name() const override { return "SimFileSystem"; }

  using S = rocksdb::IOStatus;
  using Text = const std::string&;
  using Options = const rocksdb::IOOptions&;
  using FileOptions = const rocksdb::FileOptions&;
  using Debug = rocksdb::IODebugContext*;

  S NewSequentialFile(Text path, FileOptions, std::unique_ptr<rocksdb::FSSequentialFile>* file,
                      Debug) override;
  S NewRandomAccessFile(Text path, FileOptions, std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                        Debug) override;
  S NewWritableFile(Text path, FileOptions, std::unique_ptr<rocksdb::FSWritableFile>* file,
                    Debug) override;
  S NewDirectory(Text path, Options, std::unique_ptr<rocksdb::FSDirectory>* folder, Debug) override;
  S FileExists(Text path, Options, Debug) override;
  S GetChildren(Text folder, Options, std::vector<std::string>* names, Debug) override;
  S DeleteFile(Text path, Options, Debug) override;
  S Truncate(Text path, std::size_t size, Options, Debug) override;
  S CreateDir(Text path, Options, Debug) override;
  S CreateDirIfMissing(Text path, Options, Debug) override;
  S DeleteDir(Text path, Options, Debug) override;
  S GetFileSize(Text path, Options, std::uint64_t* size, Debug) override;
  S GetFileModificationTime(Text path, Options, std::uint64_t* time, Debug) override;
  S RenameFile(Text from, Text to, Options, Debug) override;
  S LockFile(Text path, Options, rocksdb::FileLock** lock, Debug) override;
  S UnlockFile(rocksdb::FileLock* lock, Options, Debug) override;
  S GetTestDirectory(Options, std::string* path, Debug) override;
  S GetAbsolutePath(Text path, Options, std::string* absolute, Debug) override;
  S IsDirectory(Text path, Options, bool* is, Debug) override;

 private:
  SimFiles& files_;
};

}  // namespace orrery::rocks
