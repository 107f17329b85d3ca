// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/methods.h"
#include "ctl/progress_bar.h"
#include "rpc.pb.h"

#include <memory>
#include <string>
#include <utility>

namespace quorate::ctl {
namespace {

constexpr uint64_t kSectorBytes = 512;
constexpr uint64_t kChecksumBytes = 32;

// A new file that is gone again unless it becomes the real one.
class PartFile {
  public:
    explicit PartFile(const std::string& path)
        : fs_(make_posix_file_system()), path_(path), part_(path + ".part") {}
    ~PartFile() {
        file_.reset();
        if (!kept_) {
            static_cast<void>(fs_->remove(part_));
        }
    }
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;

    // One that an earlier try has left is replaced.
    Status create() {
        const auto left = fs_->exists(part_);
        if (left && *left) {
            static_cast<void>(fs_->remove(part_));
        }
        auto file = fs_->open(part_, OpenMode::kCreateNew);
        if (!file) {
            return {errors::kIo, "could not open " + part_ + " (" + file.error().message() + ")"};
        }
        file_ = std::move(file).value();
        return {};
    }

    Status append(ByteView bytes) {
        Status s = file_->write_at(size_, bytes);
        size_ += bytes.size();
        return s;
    }

    // Synced, under its own name, and the folder knows it.
    Status keep() {
        if (Status s = file_->sync_data(); !s.ok()) {
            return s;
        }
        file_.reset();
        if (Status s = fs_->rename(part_, path_); !s.ok()) {
            return s;
        }
        kept_ = true;
        const size_t slash = path_.rfind('/');
        return fs_->sync_dir(slash == std::string::npos ? "." : path_.substr(0, slash + 1));
    }

    uint64_t size() const { return size_; }

  private:
    const std::unique_ptr<FileSystem> fs_;
    const std::string path_;
    const std::string part_;
    std::unique_ptr<File> file_;
    uint64_t size_ = 0;
    bool kept_ = false;
};

// The server's version, which servers before 3.6 do not tell.
Result<std::string> receive(Client& client, Call& call, PartFile& file) {
    ProgressBar bar("snapshot", 0, ProgressBar::Unit::kBytes);
    std::string version;
    while (true) {
        if (const auto message = call.take()) {
            etcdserverpb::SnapshotResponse part;
            if (!part.ParseFromString(*message)) {
                return Status(errors::kInternal, "the answer is no SnapshotResponse");
            }
            if (!part.version().empty()) {
                version = part.version();
            }
            if (Status s = file.append(part.blob()); !s.ok()) {
                return Status(errors::kIo, "could not write snapshot: " + s.message());
            }
            bar.set(file.size(), file.size() + part.remaining_bytes());
        } else if (const Call::End* end = call.end()) {
            if (end->code != Code::kOk) {
                return server_error(end->code, end->text);
            }
            return version;
        } else {
            client.waiter().wait(kNever_ns);
        }
    }
}

Exit interrupted(const Status& status) {
    return {ExitCode::kInterrupted, status};
}

Exit run_save(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("snapshot save expects one argument <filename>");
    }
    const std::string& path = job.operands()[0];
    const auto client = job.client();
    if (!client) {
        return client.error();
    }
    if ((*client)->endpoints().size() != 1) {
        return {ExitCode::kInterrupted,
                "snapshot must be requested to one selected node, not multiple [" +
                    job.flags().text("endpoints") + "]"};
    }
    PartFile file(path);
    if (Status s = file.create(); !s.ok()) {
        return interrupted(s);
    }
    // It takes as long as it takes, unless a limit was asked for.
    const int64_t deadline_ns =
        job.flags().given("command-timeout") ? job.deadline_ns() : kNever_ns;
    auto call =
        (*client)->open(methods::kSnapshot, {.requires_leader = false, .deadline_ns = deadline_ns});
    if (!call) {
        return interrupted(call.error());
    }
    (*call)->send(etcdserverpb::SnapshotRequest().SerializeAsString());
    (*call)->half_close();
    const auto version = receive(**client, **call, file);
    if (!version) {
        return interrupted(version.error());
    }
    if (file.size() % kSectorBytes != kChecksumBytes) {
        return {ExitCode::kInterrupted,
                "sha256 checksum not found [bytes: " + std::to_string(file.size()) + "]"};
    }
    if (Status s = file.keep(); !s.ok()) {
        return interrupted(s);
    }
    Printer::say("Snapshot saved at " + path + "\n" +
                 (version->empty() ? "" : "Server version " + *version + "\n"));
    return {};
}

constexpr std::string_view kDetails =
    "The file grows under the name <filename>.part and gets its own when it is whole; one that\n"
    "is there already is replaced then, and stays as it is when anything goes wrong. What is in\n"
    "it: quorate util snapshot status. Back to a data directory: quorate util snapshot restore.";

const Command kCommands[] = {
    {"snapshot save",
     "<filename>",
     "Stores a snapshot of a member to a given file",
     Section::kCluster,
     run_save,
     {},
     kDetails},
};

}  // namespace

const std::span<const Command> kSnapshotCommands = kCommands;

}  // namespace quorate::ctl
