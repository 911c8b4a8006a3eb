package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"monopoll/cmd/monopoll/starter"
	"monopoll/routes/config"
)

func newInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a config with comments, and a first site",
		Long:  "init writes config.yaml and a first site into DIR (default: here). What is there already is never overwritten: then nothing at all is written.",
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
// the way, and takes back what it has written if it fails after that, so that
// there is never half of them.
func initialize(dir string) error {
	if err := eachStarter(func(name string, _ []byte) error { return inTheWay(dir, name) }); err != nil {
		return &failure{exitUsage, err}
	}
	var made []string // files and folders, in order
	err := eachStarter(func(name string, text []byte) error {
		path := filepath.Join(dir, name)
		err := makeFolders(filepath.Dir(path), &made)
		if err == nil {
			err = writeNew(path, text, &made)
		}
		return err
	})
	if err != nil {
		for _, path := range slices.Backward(made) {
			os.Remove(path)
		}
		return &failure{exitFailed, fmt.Errorf("%w; nothing was written: name a folder that can be written to", err)}
	}
	return say("Written: %s and a first site. Serve it:\n\n    monopoll run -c %s\n", filepath.Join(dir, "config.yaml"), filepath.Join(dir, "config.yaml"))
}

// inTheWay says why a file of the starter cannot be written: it is there, or a
// folder above it is none.
func inTheWay(dir, name string) error {
	path := filepath.Join(dir, name)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already, and nothing was written; name another folder, or move it away", path)
	}
	for above := filepath.Dir(path); ; above = filepath.Dir(above) {
		info, err := os.Stat(above)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("%s is a file and would have to be a folder, and nothing was written; name another folder, or move it away", above)
		case err == nil || above == filepath.Dir(above):
			return nil
		}
	}
}

// makeFolders makes a folder and those above it, and notes which are new.
func makeFolders(dir string, made *[]string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if above := filepath.Dir(dir); above != dir {
		if err := makeFolders(above, made); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	*made = append(*made, dir)
	return nil
}

// writeNew writes a file that is not there yet, and notes it.
func writeNew(path string, text []byte, made *[]string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	*made = append(*made, path)
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
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
		RunE: func(*cobra.Command, []string) error {
			_, err := os.Stdout.Write(config.Schema())
			return err
		},
	}
}
