// SPDX-License-Identifier: Apache-2.0
#include "config/initial_cluster.h"

#include "base/errors.h"
#include "config/values.h"

#include <map>
#include <utility>

namespace quorate::config {

Result<std::vector<InitialMember>> parse_initial_cluster(std::string_view text) {
    std::map<std::string, std::string> urls_by_name;  // sorted, as etcd keeps it
    for (const std::string& part : split_list(text)) {
        const size_t equals = part.find('=');
        const std::string name(trim(std::string_view(part).substr(0, equals)));
        const std::string url = equals == std::string::npos ? "" : part.substr(equals + 1);
        if (trim(url).empty()) {
            return Status(errors::kConfig, "empty URL given for " + in_quotes(name));
        }
        std::string& urls = urls_by_name[name];
        urls += (urls.empty() ? "" : ",") + url;
    }
    std::vector<InitialMember> members;
    for (const auto& [name, urls] : urls_by_name) {
        Result<std::vector<Url>> parsed = Url::parse_list(urls);
        if (!parsed) {
            return parsed.error();
        }
        members.push_back({name, std::move(parsed).value()});
    }
    return members;
}

std::string format_initial_cluster(const std::vector<InitialMember>& members) {
    std::string text;
    for (const InitialMember& member : members) {
        for (const Url& url : member.peer_urls) {
            text += (text.empty() ? "" : ",") + member.name + "=" + url.to_string();
        }
    }
    return text;
}

}  // namespace quorate::config
