// SPDX-License-Identifier: Apache-2.0

// Uses a server through etcd's own Go client as its documentation shows. clients_test.py says what
// a program like this does, step by step, and how it talks to the test.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/grpclog"
)

const timeout = 60 * time.Second

// A step ends the program when something is not as it must be.
func check(holds bool, format string, values ...any) {
	if !holds {
		fmt.Printf("failed: "+format+"\n", values...)
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	check(err == nil, "%v", err)
	return value
}

func settings() clientv3.Config {
	config := clientv3.Config{Endpoints: []string{os.Getenv("ENDPOINT")}, DialTimeout: timeout}
	if ca := os.Getenv("CA"); ca != "" {
		roots := x509.NewCertPool()
		check(roots.AppendCertsFromPEM(must(os.ReadFile(ca))), "no certificate in %s", ca)
		config.TLS = &tls.Config{RootCAs: roots}
	}
	return config
}

// The test starts the server again; true when it has.
func restartServer() bool {
	fmt.Println("restart")
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err == nil && answer == "restarted\n"
}

func main() {
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(os.Stderr, os.Stderr, os.Stderr))
	ctx, cancel := context.WithTimeout(context.Background(), 4*timeout)
	defer cancel()
	client := must(clientv3.New(settings()))
	defer client.Close()
	steps := []struct {
		name string
		run  func(context.Context, *clientv3.Client)
	}{
		{"kv", keysAndValues}, {"txn", transactions}, {"errors", typedErrors}, {"lease", leases},
		{"watch", watches}, {"lock", locks}, {"election", elections}, {"members", members},
		{"auth", authentication},
	}
	for _, step := range steps {
		step.run(ctx, client)
		fmt.Println("ok", step.name)
	}
	fmt.Println("done")
}
