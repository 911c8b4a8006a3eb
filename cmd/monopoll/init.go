package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"monopoll/cmd/monopoll/starter"
	"monopoll/routes/config"
)

func newInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a config with comments, and a first site",
		Long:  "init writes config.yaml and a first site into DIR (default: here). What is there already is never overwritten: then nothing at all is written.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return initialize(dir)
		},
	}
}

// initialize writes the starter's files. It looks first whether anything is in
// the way, so that a refusal leaves no half of them behind.
func initialize(dir string) error {
	err := eachStarter(func(name string, _ []byte) error {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s is there already, and nothing was written; name another folder, or move it away", path)
		}
		return nil
	})
	if err != nil {
		return &failure{exitUsage, err}
	}
	err = eachStarter(func(name string, text []byte) error {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		if _, err = f.Write(text); err != nil {
			f.Close()
			return err
		}
		return f.Close()
	})
	if err != nil {
		return &failure{exitFailed, err}
	}
	fmt.Printf("Written: %s and a first site. Serve it:\n\n    monopoll run -c %s\n", filepath.Join(dir, "config.yaml"), filepath.Join(dir, "config.yaml"))
	return nil
}

func eachStarter(f func(name string, text []byte) error) error {
	return fs.WalkDir(starter.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := starter.Files.ReadFile(name)
		if err != nil {
			return err
		}
		return f(name, text)
	})
}

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of the config, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := os.Stdout.Write(config.Schema())
			return err
		},
	}
}
