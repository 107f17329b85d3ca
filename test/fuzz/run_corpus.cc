// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over the files of folders: the committed corpus as an ordinary test, with any
// compiler. Linked to one target each.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
    std::vector<std::string> files;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
            if (entry.is_regular_file()) {
                files.push_back(entry.path());
            }
        }
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
        std::ifstream in(file, std::ios::binary);
        std::string content(std::filesystem::file_size(file), '\0');
        in.read(content.data(), static_cast<std::streamsize>(content.size()));
        std::printf("%s\n", file.c_str());
        std::fflush(stdout);  // names the culprit when the next line ends the process
        LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(content.data()), content.size());
    }
    // An empty corpus would be a test that can't fail.
    return files.empty() ? 1 : 0;
}
