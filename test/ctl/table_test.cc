// SPDX-License-Identifier: Apache-2.0
#include "ctl/table.h"

#include "ctl/printer.h"
#include "ctl/progress_bar.h"
#include "kv.pb.h"
#include "rpc.pb.h"

#include <gtest/gtest.h>

namespace quorate::ctl {
namespace {

TEST(Table, IsDrawnAsEtcdctlDoes) {
    const Table table{{"ID", "hash_revision"}, {{"1a2dece3", "0"}, {"\xc3\xa4", "12"}}};
    EXPECT_EQ(table.draw(),
              "┌──────────┬───────────────┐\n"
              "│    ID    │ HASH REVISION │\n"
              "├──────────┼───────────────┤\n"
              "│ 1a2dece3 │             0 │\n"
              "│        ä │            12 │\n"
              "└──────────┴───────────────┘\n");
    EXPECT_EQ(table.lines(), "1a2dece3, 0\nä, 12\n");
}

TEST(Fields, ShowIdsAsAskedFor) {
    etcdserverpb::ResponseHeader header;
    header.set_cluster_id(255);
    header.set_raft_term(2);
    EXPECT_EQ(Fields(false).header(header).done(),
              "\"ClusterID\" : 255\n\"MemberID\" : 0\n\"RaftTerm\" : 2\n");
    header.set_revision(7);
    EXPECT_EQ(Fields(true).header(header).done(),
              "\"ClusterID\" : ff\n\"MemberID\" : 0\n\"Revision\" : 7\n\"RaftTerm\" : 2\n");
}

TEST(Printer, WritesKeysAndValues) {
    mvccpb::KeyValue kv;
    kv.set_key("k");
    kv.set_value("v");
    Printer printer(Format::kSimple, false);
    EXPECT_EQ(printer.key_value(kv), "k\nv\n");
    printer.set_value_only();
    EXPECT_EQ(printer.key_value(kv), "v\n");
    EXPECT_EQ(Printer(Format::kSimple, true).key_value(kv), "\\x6b\n\\x76\n");
}

TEST(Printer, RefusesAFormatThatAnAnswerDoesNotHave) {
    const Exit exit =
        Printer(Format::kTable, false).show(etcdserverpb::PutResponse(), {.simple = [] {
                                                return "OK\n";
                                            }});
    EXPECT_EQ(exit.code(), 4);
    EXPECT_EQ(exit.error(), "table not supported as output format");
}

TEST(Exit, HasACodeForEachKind) {
    EXPECT_EQ(Exit(Status()).code(), 0);
    EXPECT_EQ(Exit(Status(errors::kUsage, "x")).code(), 128);
    EXPECT_EQ(Exit(Status(errors::kUnimplemented, "x")).code(), 4);
    EXPECT_EQ(Exit(Status(errors::kInvalidArgument, "x")).code(), 3);
    // What a server says is 1, whatever its code.
    EXPECT_EQ(Exit(Status::from_wire(3, "x")).code(), 1);
    EXPECT_EQ(Exit(Status::from_wire(12, "x")).code(), 1);
}

TEST(ProgressBar, TellsHowFarItIs) {
    EXPECT_EQ(ProgressBar::line("keys", 0, 0, ProgressBar::Unit::kCount), "keys 0");
    EXPECT_EQ(ProgressBar::line("keys", 5, 10, ProgressBar::Unit::kCount),
              "keys 5 of 10 [####################....................] 50%");
    EXPECT_EQ(ProgressBar::line("snapshot", 2000, 1000, ProgressBar::Unit::kBytes),
              "snapshot 2.0 kB of 1.0 kB [########################################] 100%");
}

}  // namespace
}  // namespace quorate::ctl
