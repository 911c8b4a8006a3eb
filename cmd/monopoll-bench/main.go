package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// What may be asked for: enough to measure, not enough to be left running.
const (
	maxSecs   = 60   // of one round
	maxRounds = 50   // of each server and work
	maxConns  = 4096 // so that the ephemeral ports and descriptors of any machine do
)

func main() {
	// A child is told to end with the thread that started it (see process.go);
	// this one lives as long as the program.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "monopoll-bench:", err)
		os.Exit(1)
	}
}

func newRoot() *cobra.Command {
	var p plan
	var servers, works []string
	cmd := &cobra.Command{
		Use:   "monopoll-bench",
		Short: "Monopoll beside the web servers that are installed here",
		Long: "monopoll-bench runs monopoll and other web servers in turn on the same files, with the same client, and\n" +
			"prints a table with ratios. It needs nothing beside the servers, and taskset to pin them.\n\n" +
			"Servers: " + strings.Join(kindNames(), ", ") + "; NAME=PATH takes another program than the one in $PATH.\n" +
			"The first is what the others are compared to. Where there is no monopoll in $PATH, it is built by go build.\n\n" +
			"Works:\n" + describeWorks(),
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.choose(servers, works); err != nil {
				return err
			}
			return p.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&servers, "servers", nil, "which servers, in this order (default monopoll and all that are installed)")
	f.StringSliceVar(&works, "work", []string{"w1k", "w10k", "w100k", "site", "pipe", "close"}, "which works, or all")
	f.Float64Var(&p.secs, "secs", 3, "seconds that are measured in each round, after a warm-up of up to one")
	f.IntVar(&p.rounds, "rounds", 3, "rounds, from which the median is taken")
	f.IntVar(&p.conns, "conns", 64, "connections at a time")
	f.StringVar(&p.json, "json", "", "also write the figures of every round to this file; - for standard output in place of the table")
	cmd.AddCommand(newClient())
	cmd.CompletionOptions.DisableDefaultCmd = true
	return cmd
}

// newClient is the load client, which this program starts as another process.
func newClient() *cobra.Command {
	return &cobra.Command{
		Use:    "client",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return serveClient(os.Stdin, os.Stdout) },
	}
}
