// SPDX-License-Identifier: Apache-2.0

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.ClientBuilder;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** What all steps need. */
class Asking {
    static final long TIMEOUT_S = 60;

    static ByteSequence bytes(String text) {
        return ByteSequence.from(text, StandardCharsets.UTF_8);
    }

    static ClientBuilder builder() throws IOException {
        ClientBuilder builder = io.etcd.jetcd.Client.builder()
            .endpoints(System.getenv("ENDPOINT")).connectTimeout(Duration.ofSeconds(TIMEOUT_S));
        String ca = System.getenv("CA");
        return ca == null ? builder : builder.sslContext(tls -> tls.trustManager(new File(ca)));
    }

    static <T> T get(Future<T> answer) throws Exception {
        return answer.get(TIMEOUT_S, TimeUnit.SECONDS);
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    static void refused(Future<?> answer, String text) throws Exception {
        try {
            get(answer);
        } catch (ExecutionException error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                if (String.valueOf(cause.getMessage()).contains(text)) {
                    return;
                }
            }
            throw error;
        }
        throw new AssertionError("not refused: " + text);
    }

    /** The test starts the server again. */
    static void restartServer() throws IOException {
        System.out.println("restart");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        check("restarted".equals(in.readLine()), "the server was not started again");
    }
}
