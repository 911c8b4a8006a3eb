package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"monopoll/routes/config"
)

func newCheck() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say every mistake of the config, without serving it",
		Long:  "check reads the config and everything it names. It exits with 0 if it could be served, and with 1 after saying every mistake. Warnings are of what is allowed and probably not meant; they leave it at 0.",
		RunE:  func(*cobra.Command, []string) error { return check(path) },
	}
	configFlag(cmd, &path)
	return cmd
}

func check(path string) error {
	cfg, err := config.Load(path)
	if err != nil {
		return &failure{exitFailed, err}
	}
	log, err := newLogger("text", false)
	if err != nil {
		return err
	}
	table, err := firstTable(cfg, newLoader(log))
	if err != nil {
		return &failure{exitFailed, err}
	}
	var b strings.Builder
	for _, w := range config.Mistakes(append(cfg.Warnings(), table.Warnings()...)).Sort() {
		fmt.Fprintln(&b, "warning:", w.Error())
	}
	return say("%s%s is fine\n", &b, path)
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which monopoll this is",
		RunE:  func(*cobra.Command, []string) error { return sayVersion() },
	}
}

func sayVersion() error {
	return say("monopoll %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// version is what the Go toolchain recorded when it built this program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// The quick modes build the same config value that a file would.

func newServe() *cobra.Command {
	var o runOptions
	var listen []string
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Serve a folder, without a config",
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := config.Serve(args[0], listen...)
			return o.quick(cfg, err)
		},
	}
	o.quickFlags(cmd, &listen)
	return cmd
}

func newRespond() *cobra.Command {
	var o runOptions
	var listen []string
	code := status(200)
	cmd := &cobra.Command{
		Use:   "respond TEXT",
		Short: "Answer every request with a text, without a config",
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := config.RespondText(args[0], int(code), listen...)
			return o.quick(cfg, err)
		},
	}
	o.quickFlags(cmd, &listen)
	cmd.Flags().Var(&code, "status", "the status code of the answer")
	return cmd
}

func newEcho() *cobra.Command {
	var o runOptions
	var listen []string
	cmd := &cobra.Command{
		Use:   "echo",
		Short: "Send back every byte that comes, without a config",
		RunE: func(*cobra.Command, []string) error {
			cfg, err := config.EchoOn(listen...)
			return o.quick(cfg, err)
		},
	}
	o.quickFlags(cmd, &listen)
	return cmd
}

func (o *runOptions) quickFlags(cmd *cobra.Command, listen *[]string) {
	cmd.Flags().StringArrayVarP(listen, "listen", "l", nil, "where to listen, as in the config; may be given again (default 8080)")
	o.logFlags(cmd)
}

func (o *runOptions) quick(cfg *config.Config, err error) error {
	if err != nil {
		return &failure{exitUsage, err}
	}
	return o.serve(cfg)
}
