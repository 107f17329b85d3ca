// SPDX-License-Identifier: Apache-2.0
//
// Uses a server from C: through its JSON gateway, with libcurl. clients_test.py says what a program
// like this does, step by step, and how it talks to the test. Answers are looked at as text, which
// the gateway writes in one way only.
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kAnswerBytesMax = 1 << 16, kTimeout_s = 60 };

static CURL* handle;
static const char* endpoint;
static char answer[kAnswerBytesMax];
static size_t answer_bytes;
static char token[256];  // of who is logged in

static void fail(const char* format, ...) {
    va_list values;
    va_start(values, format);
    printf("failed: ");
    vprintf(format, values);
    printf("\n");
    va_end(values);
    exit(1);
}

static size_t keep(char* data, size_t size, size_t count, void* unused) {
    (void)unused;
    const size_t bytes = size * count;
    if (answer_bytes + bytes >= sizeof answer) {
        return 0;
    }
    memcpy(answer + answer_bytes, data, bytes);
    answer_bytes += bytes;
    answer[answer_bytes] = '\0';
    return bytes;
}

// Sends one request; its HTTP status, 0 for none.
static long post(const char* path, const char* body) {
    char url[512];
    snprintf(url, sizeof url, "%s%s", endpoint, path);
    struct curl_slist* headers = NULL;
    char header[300];
    if (token[0] != '\0') {
        snprintf(header, sizeof header, "Authorization: %s", token);
        headers = curl_slist_append(headers, header);
    }
    answer_bytes = 0;
    answer[0] = '\0';
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    const CURLcode code = curl_easy_perform(handle);
    curl_slist_free_all(headers);
    long status = 0;
    if (code == CURLE_OK) {
        curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    }
    return status;
}

// Sends one request, which must be answered with this status and all of these texts.
static void expect(const char* path, const char* body, long status, const char* first,
                   const char* second) {
    const long got = post(path, body);
    if (got != status || strstr(answer, first) == NULL || strstr(answer, second) == NULL) {
        fail("%s %s: %ld %s", path, body, got, answer);
    }
}

static void ok(const char* path, const char* body, const char* text) {
    expect(path, body, 200, text, "\"header\"");
}

// The text between the quotes behind `name` in the last answer.
static void field(const char* name, char* value, size_t bytes) {
    char start[64];
    snprintf(start, sizeof start, "\"%s\":\"", name);
    const char* from = strstr(answer, start);
    const char* to = from == NULL ? NULL : strchr(from + strlen(start), '"');
    if (to == NULL || (size_t)(to - from) - strlen(start) >= bytes) {
        fail("no %s in %s", name, answer);
    }
    from += strlen(start);
    memcpy(value, from, (size_t)(to - from));
    value[to - from] = '\0';
}

// Keys and values are in base64: "a" is YQ==, "k" aw==, "v" dg==, "w" dw==, "auth/" YXV0aC8=.
static void keys_and_values(void) {
    ok("/v3/kv/put", "{\"key\":\"YQ==\",\"value\":\"dg==\"}", "\"revision\"");
    ok("/v3/kv/put", "{\"key\":\"YQ==\",\"value\":\"dw==\",\"prev_kv\":true}",
       "\"value\":\"dg==\"");
    ok("/v3/kv/range", "{\"key\":\"YQ==\"}", "\"value\":\"dw==\"");
    ok("/v3/kv/range", "{\"key\":\"YQ==\"}", "\"count\":\"1\"");
    ok("/v3/kv/deleterange", "{\"key\":\"YQ==\"}", "\"deleted\":\"1\"");
}

static void transactions(void) {
    const char* create =
        "{\"compare\":[{\"target\":\"CREATE\",\"key\":\"aw==\",\"create_revision\":\"0\"}],"
        "\"success\":[{\"request_put\":{\"key\":\"aw==\",\"value\":\"dg==\"}}],"
        "\"failure\":[{\"request_range\":{\"key\":\"aw==\"}}]}";
    ok("/v3/kv/txn", create, "\"succeeded\":true");
    ok("/v3/kv/txn", create, "\"value\":\"dg==\"");
}

static void errors(void) {
    expect("/v3/kv/put", "{\"value\":\"dg==\"}", 400, "etcdserver: key is not provided",
           "\"code\":3");
    expect("/v3/kv/put", "{\"key\":\"aw==\",\"lease\":\"4711\"}", 404, "requested lease not found",
           "\"code\":5");
    expect("/v3/kv/range", "{\"key\":\"aw==\",\"revision\":\"999999999\"}", 400,
           "is a future revision", "\"code\":11");
    expect("/v3/kv/range", "{\"key\":", 400, "\"code\":3", "\"message\"");
    if (post("/v3/no/such", "{}") != 404) {
        fail("a path that leads nowhere: %s", answer);
    }
}

static void leases(void) {
    ok("/v3/lease/grant", "{\"TTL\":\"600\",\"ID\":\"77\"}", "\"ID\":\"77\"");
    ok("/v3/kv/put", "{\"key\":\"YQ==\",\"value\":\"dg==\",\"lease\":\"77\"}", "\"revision\"");
    ok("/v3/lease/keepalive", "{\"ID\":\"77\"}", "\"TTL\":\"600\"");
    ok("/v3/lease/timetolive", "{\"ID\":\"77\",\"keys\":true}", "\"keys\":[\"YQ==\"]");
    ok("/v3/lease/revoke", "{\"ID\":\"77\"}", "\"revision\"");
    post("/v3/kv/range", "{\"key\":\"YQ==\"}");
    if (strstr(answer, "\"kvs\"") != NULL) {
        fail("it outlived its lease: %s", answer);
    }
}

struct events {
    char text[kAnswerBytesMax];
    size_t bytes;
    const char* until;
};

static size_t keep_events(char* data, size_t size, size_t count, void* user) {
    struct events* events = user;
    const size_t bytes = size * count;
    if (events->bytes + bytes >= sizeof events->text) {
        return 0;
    }
    memcpy(events->text + events->bytes, data, bytes);
    events->bytes += bytes;
    events->text[events->bytes] = '\0';
    // A stream ends when its reader has enough.
    return strstr(events->text, events->until) == NULL ? bytes : 0;
}

// Watches "k" from a revision until an event shows a text.
static void watch_until(const char* revision, const char* text) {
    static struct events events;
    char body[200];
    char url[512];
    snprintf(body, sizeof body, "{\"create_request\":{\"key\":\"aw==\",\"start_revision\":\"%s\"}}",
             revision);
    snprintf(url, sizeof url, "%s/v3/watch", endpoint);
    events = (struct events){.until = text};
    CURL* stream = curl_easy_duphandle(handle);
    curl_easy_setopt(stream, CURLOPT_URL, url);
    curl_easy_setopt(stream, CURLOPT_COPYPOSTFIELDS, body);
    curl_easy_setopt(stream, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(stream, CURLOPT_WRITEFUNCTION, keep_events);
    curl_easy_setopt(stream, CURLOPT_WRITEDATA, &events);
    curl_easy_perform(stream);
    curl_easy_cleanup(stream);
    if (strstr(events.text, text) == NULL || strstr(events.text, "\"created\":true") == NULL) {
        fail("no %s in %s", text, events.text);
    }
}

static void restart_server(void) {
    char line[32];
    puts("restart");
    if (fgets(line, sizeof line, stdin) == NULL || strcmp(line, "restarted\n") != 0) {
        fail("the server was not started again");
    }
}

static void watches(void) {
    char revision[32];
    ok("/v3/kv/put", "{\"key\":\"aw==\",\"value\":\"YQ==\"}", "\"revision\"");
    field("revision", revision, sizeof revision);
    watch_until(revision, "\"value\":\"YQ==\"");
    restart_server();
    while (post("/v3/kv/put", "{\"key\":\"aw==\",\"value\":\"dw==\"}") != 200) {
    }
    watch_until(revision, "\"value\":\"dw==\"");
}

static void locks(void) {
    char key[200];
    char body[300];
    ok("/v3/lease/grant", "{\"TTL\":\"600\",\"ID\":\"78\"}", "\"ID\":\"78\"");
    ok("/v3/lock/lock", "{\"name\":\"YQ==\",\"lease\":\"78\"}", "\"key\":");
    field("key", key, sizeof key);
    snprintf(body, sizeof body, "{\"key\":\"%s\"}", key);
    ok("/v3/lock/unlock", body, "\"revision\"");
}

static void elections(void) {
    ok("/v3/election/campaign", "{\"name\":\"aw==\",\"lease\":\"78\",\"value\":\"dg==\"}",
       "\"leader\"");
    ok("/v3/election/leader", "{\"name\":\"aw==\"}", "\"value\":\"dg==\"");
    ok("/v3/lease/revoke", "{\"ID\":\"78\"}", "\"revision\"");
    expect("/v3/election/leader", "{\"name\":\"aw==\"}", 500, "election: no leader", "\"code\":2");
}

static void members(void) {
    ok("/v3/cluster/member/list", "{}", "\"name\":\"t\"");
    ok("/v3/maintenance/status", "{}", "\"leader\"");
}

static void log_in(const char* body) {
    ok("/v3/auth/authenticate", body, "\"token\"");
    field("token", token, sizeof token);
}

static void authentication(void) {
    ok("/v3/auth/user/add", "{\"name\":\"root\",\"password\":\"secret\"}", "\"header\"");
    ok("/v3/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}", "\"header\"");
    ok("/v3/auth/role/add", "{\"name\":\"reader\"}", "\"header\"");
    // All keys that begin with "auth/".
    ok("/v3/auth/role/grant",
       "{\"name\":\"reader\",\"perm\":{\"permType\":\"READ\",\"key\":\"YXV0aC8=\",\"range_end\":"
       "\"YXV0aDA=\"}}",
       "\"header\"");
    ok("/v3/auth/user/add", "{\"name\":\"alice\",\"password\":\"word\"}", "\"header\"");
    ok("/v3/auth/user/grant", "{\"user\":\"alice\",\"role\":\"reader\"}", "\"header\"");
    ok("/v3/auth/enable", "{}", "\"header\"");

    expect("/v3/auth/authenticate", "{\"name\":\"alice\",\"password\":\"wrong\"}", 400,
           "authentication failed", "\"code\":3");
    expect("/v3/kv/range", "{\"key\":\"YXV0aC8=\"}", 400, "user name is empty", "\"code\":3");
    log_in("{\"name\":\"alice\",\"password\":\"word\"}");
    ok("/v3/kv/range", "{\"key\":\"YXV0aC8=\"}", "\"revision\"");
    expect("/v3/kv/put", "{\"key\":\"YXV0aC8=\"}", 403, "permission denied", "\"code\":7");
    log_in("{\"name\":\"root\",\"password\":\"secret\"}");
    ok("/v3/auth/disable", "{}", "\"header\"");
    token[0] = '\0';
    ok("/v3/kv/range", "{\"key\":\"YXV0aC8=\"}", "\"revision\"");
}

int main(void) {
    static const struct {
        const char* name;
        void (*run)(void);
    } steps[] = {
        {"kv", keys_and_values}, {"txn", transactions}, {"errors", errors},
        {"lease", leases},       {"watch", watches},    {"lock", locks},
        {"election", elections}, {"members", members},  {"auth", authentication},
    };
    setvbuf(stdout, NULL, _IOLBF, 0);
    endpoint = getenv("ENDPOINT");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    handle = curl_easy_init();
    if (endpoint == NULL || handle == NULL) {
        fail("no ENDPOINT, or no curl");
    }
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, (long)kTimeout_s);
    if (getenv("CA") != NULL) {
        curl_easy_setopt(handle, CURLOPT_CAINFO, getenv("CA"));
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; ++i) {
        steps[i].run();
        printf("ok %s\n", steps[i].name);
    }
    puts("done");
    return 0;
}
