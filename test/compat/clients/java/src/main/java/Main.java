// SPDX-License-Identifier: Apache-2.0

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Uses a server through jetcd as its documentation shows. clients_test.py says what a program like
 * this does, step by step, and how it talks to the test.
 */
public final class Main {
    interface Step {
        void run(io.etcd.jetcd.Client client) throws Exception;
    }

    public static void main(String[] arguments) {
        Map<String, Step> steps = new LinkedHashMap<>();
        steps.put("kv", Steps::keysAndValues);
        steps.put("txn", Steps::transactions);
        steps.put("errors", Steps::errors);
        steps.put("lease", Steps::leases);
        steps.put("watch", Steps::watches);
        steps.put("lock", Recipes::locks);
        steps.put("election", Recipes::elections);
        steps.put("members", Steps::members);
        steps.put("auth", Recipes::authentication);
        try (io.etcd.jetcd.Client client = Asking.builder().build()) {
            for (Map.Entry<String, Step> step : steps.entrySet()) {
                step.getValue().run(client);
                System.out.println("ok " + step.getKey());
            }
            System.out.println("done");
            System.exit(0);
        } catch (Throwable error) {
            System.out.println("failed: " + error);
            error.printStackTrace(System.out);
            System.exit(1);
        }
    }
}
