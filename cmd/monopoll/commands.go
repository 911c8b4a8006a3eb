package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"monopoll/routes/config"
)

func newCheck() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say every mistake of the config, without serving it",
		Long:  "check reads the config and everything it names. It exits with 0 if it could be served, and with 1 after saying every mistake. Warnings are of what is allowed and probably not meant; they leave it at 0.",
		Args:  cobra.NoArgs,
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
	table, err := firstTable(cfg, newLoader(cfg, log))
	if err != nil {
		return &failure{exitFailed, err}
	}
	for _, w := range config.Mistakes(append(cfg.Warnings(), table.Warnings()...)).Sort() {
		fmt.Println("warning:", w.Error())
	}
	fmt.Printf("%s is fine\n", path)
	return nil
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which monopoll this is",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Printf("monopoll %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
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
	var listen string
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Serve a folder, without a config",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := config.Serve(args[0], listen)
			return o.quick(cfg, err)
		},
	}
	o.quickFlags(cmd, &listen)
	return cmd
}

func newRespond() *cobra.Command {
	var o runOptions
	var listen string
	var status int
	cmd := &cobra.Command{
		Use:   "respond TEXT",
		Short: "Answer every request with a text, without a config",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := config.RespondText(args[0], status, listen)
			return o.quick(cfg, err)
		},
	}
	o.quickFlags(cmd, &listen)
	cmd.Flags().IntVar(&status, "status", 200, "the status code of the answer")
	return cmd
}

func newEcho() *cobra.Command {
	var o runOptions
	var listen string
	cmd := &cobra.Command{
		Use:   "echo",
		Short: "Send back every byte that comes, without a config",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := config.EchoOn(listen)
			return o.quick(cfg, err)
		},
	}
	o.quickFlags(cmd, &listen)
	return cmd
}

func (o *runOptions) quickFlags(cmd *cobra.Command, listen *string) {
	cmd.Flags().StringVarP(listen, "listen", "l", "8080", "where to listen, as in the config")
	o.logFlags(cmd)
}

func (o *runOptions) quick(cfg *config.Config, err error) error {
	if err != nil {
		return &failure{exitUsage, err}
	}
	return o.serve(cfg)
}
