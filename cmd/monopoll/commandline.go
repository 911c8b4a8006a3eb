package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"monopoll/routes/config"
)

// arguments checks the arguments of a command by what its line of usage names:
// "serve DIR" takes one, "init [DIR]" one or none.
func arguments(cmd *cobra.Command, args []string) error {
	names := strings.Fields(cmd.Use)[1:]
	least := len(names)
	for least > 0 && strings.HasPrefix(names[least-1], "[") {
		least--
	}
	switch {
	case len(args) < least:
		return fmt.Errorf("the argument %s is missing: %s", names[len(args)], cmd.UseLine())
	case len(args) <= len(names):
		return nil
	case !cmd.HasParent():
		return unknownCommand(cmd, args[0])
	case len(names) == 0 && cmd.Flags().Lookup("config") != nil:
		return fmt.Errorf("%s takes no argument; a config is named with -c: %s -c %s", cmd.Name(), cmd.CommandPath(), args[0])
	}
	return fmt.Errorf("%q is one argument too many: %s", args[len(names)], cmd.UseLine())
}

// unknownCommand says what a first word may have been meant as.
func unknownCommand(cmd *cobra.Command, word string) error {
	names := commandNames(cmd)
	info, err := os.Stat(word)
	near := config.Nearest(word, names)
	switch ext := filepath.Ext(word); {
	case ext == ".yaml" || ext == ".yml" || err == nil && !info.IsDir():
		return fmt.Errorf("%q is no command; a config is named with -c: %s -c %s", word, cmd.CommandPath(), word)
	case near != "":
		return fmt.Errorf("%q is no command; did you mean %s?", word, near)
	case err == nil:
		return fmt.Errorf("%q is no command; to serve a folder: %s serve %s", word, cmd.CommandPath(), word)
	}
	return fmt.Errorf("%q is no command; there are %s", word, strings.Join(names, ", "))
}

// strict has a command's line be checked by arguments, and so those of all
// commands below it. Completion and help come from the library, which takes any
// word for these and shows its help instead.
func strict(root *cobra.Command) {
	root.SetHelpCommand(newHelp())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.Args = arguments
	for _, cmd := range root.Commands() {
		cmd.Args = arguments
		if cmd.HasSubCommands() {
			cmd.Args = nil
			cmd.RunE = nameOne
		}
	}
}

// nameOne is what a command does that does nothing but hold others.
func nameOne(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return fmt.Errorf("%s needs one of %s", cmd.CommandPath(), strings.Join(commandNames(cmd), ", "))
}

func commandNames(cmd *cobra.Command) (names []string) {
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND] [SUBCOMMAND]",
		Short: "Say how a command is used",
		ValidArgsFunction: func(help *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if cmd, rest, err := help.Root().Find(args); err == nil && len(rest) == 0 {
				names = commandNames(cmd)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(help *cobra.Command, args []string) error {
			cmd, rest, err := help.Root().Find(args)
			switch {
			case err != nil:
				return unknownCommand(help.Root(), args[0])
			case len(rest) > 0 && cmd.HasSubCommands():
				return unknownCommand(cmd, rest[0])
			case len(rest) > 0:
				return fmt.Errorf("%q is one word too many, %s has no commands of its own: %s %s", rest[0], cmd.Name(), help.CommandPath(), cmd.Name())
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// status is the value of --status: a number, of which the config says what is
// wrong with it.
type status int

func (s *status) String() string { return strconv.Itoa(int(*s)) }
func (s *status) Type() string   { return "code" }
func (s *status) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return errors.New("a status is a whole number from 200 to 599")
	}
	*s = status(n)
	return nil
}

// fileName is the value of --config. An empty one, as of a variable of a shell that
// is not set, is no file's name.
type fileName string

func (f *fileName) String() string { return string(*f) }
func (f *fileName) Type() string   { return "string" }
func (f *fileName) Set(text string) error {
	if text == "" {
		return errors.New("the name of the config file is empty")
	}
	*f = fileName(text)
	return nil
}

// printer remembers that something could not be printed: the library, which
// prints help, tells nobody.
type printer struct {
	to  io.Writer
	err error
}

func (p *printer) Write(text []byte) (int, error) {
	if p.err == nil {
		_, p.err = p.to.Write(text)
	}
	return len(text), nil
}

// say prints what a command has found. That it could not is a failure of the
// command, as a disk may be full.
func say(format string, args ...any) error {
	_, err := fmt.Printf(format, args...)
	return err
}
