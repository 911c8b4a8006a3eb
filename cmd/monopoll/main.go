package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/spf13/cobra"
)

// Exit codes, as documented in the manual.
const (
	exitFine   = 0 // done, or ended as asked
	exitFailed = 1 // failed while running, or a check found mistakes
	exitUsage  = 2 // the command line or the config is wrong
)

// The kernel gives a signal to the first thread of a process, if it can (signal(7)).
// Only the goroutine of main runs there, which waits for no disk: in a thread that
// a filesystem holds up a signal would wait with it.
func init() { runtime.LockOSThread() }

func main() { os.Exit(Main(os.Args[1:])) }

// Main runs one command line and gives its exit code.
func Main(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	out := &printer{to: os.Stdout}
	root.SetOut(out)
	err := root.Execute()
	if err == nil {
		err = out.err
	}
	text, code := ending(err)
	// Behind what was said before. Where that is not read, neither would this be,
	// and the exit code has to do.
	if standardError.flush() {
		fmt.Fprint(os.Stderr, text)
	}
	return code
}

// ending gives what there is to say of an error, and the exit code.
func ending(err error) (string, int) {
	if err == nil {
		return "", exitFine
	}
	var failure *failure
	var disk *fs.PathError
	switch {
	case errors.As(err, &failure) && failure.err == nil:
		return "", failure.code
	case failure != nil:
		return failure.err.Error() + "\n", failure.code
	case errors.As(err, &disk): // what was to be printed was not
		return fmt.Sprintf("monopoll: %v\n", err), exitFailed
	}
	return fmt.Sprintf("monopoll: %v\nRun 'monopoll --help' for usage.\n", err), exitUsage
}

// failure is an error with an exit code of its own; err is nil when what there
// is to say has been said.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return fmt.Sprint(f.err) }

func newRoot() *cobra.Command {
	var o runOptions
	var test, which bool
	root := &cobra.Command{
		Use:   "monopoll",
		Short: "Several small sites and endpoints from one YAML file, live as you save",
		Long: "monopoll serves what one YAML file says: static sites, fixed responses, redirects and echo,\n" +
			"on any number of listeners. The file and the sites are watched; an edit is live as you save it,\n" +
			"and no connection is lost by it.",
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case which:
				return sayVersion()
			case test:
				return check(o.config)
			}
			return o.run()
		},
	}
	o.flags(root)
	root.Flags().BoolVarP(&test, "test", "t", false, "check the config and exit, like the command check")
	root.Flags().BoolVar(&which, "version", false, "say which monopoll this is, like the command version")
	root.AddCommand(newRun(), newCheck(), newVersion(), newServe(), newRespond(), newEcho(), newInit(),
		newReload(), newStatus(), newStop(), newSchema(), newExplain())
	strict(root)
	return root
}
