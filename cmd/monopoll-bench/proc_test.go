package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestStatTime(t *testing.T) {
	for _, c := range []struct {
		line string
		want time.Duration
	}{
		{"1234 (nginx) S 1 1234 1234 0 -1 4194560 500 0 0 0 17 25 0 0 20 0 1 0", 420 * time.Millisecond},
		{"1234 (a) (b c) R 1 1234 1234 0 -1 4194560 500 0 0 0 1 2 9 9 20 0 1 0", 30 * time.Millisecond},
		{"1234 (gone)", 0},
	} {
		if got := statTime(c.line); got != c.want {
			t.Errorf("%s: %v, want %v", c.line, got, c.want)
		}
	}
}

// TestTree: the processes of a process are found, with theirs.
func TestTree(t *testing.T) {
	cmd := exec.Command("sh", "-c", "cat; true")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The cat is there when it has answered.
	in.Write([]byte("x"))
	out.Read(make([]byte, 1))
	all := tree(os.Getpid())
	if len(tree(cmd.Process.Pid)) != 2 || len(all) < 3 || !slices.Contains(all, cmd.Process.Pid) {
		t.Errorf("the shell has %v, this process %v", tree(cmd.Process.Pid), all)
	}
	if pss(os.Getpid()) <= pss(cmd.Process.Pid) || pss(cmd.Process.Pid) < 1<<10 {
		t.Error("the memory of processes is not that of all of them")
	}
	in.Close()
	cmd.Wait()
	if cpuTime(cmd.Process.Pid) != 0 {
		t.Error("a process that is gone has CPU time")
	}
}

func TestCPUTime(t *testing.T) {
	before := cpuTime(os.Getpid())
	for cpuTime(os.Getpid()) == before { // reading it costs what it counts
	}
}

func TestMachine(t *testing.T) {
	if m := thisMachine(); m.CPU == "" || m.CPUs < 1 || m.Kernel == "" {
		t.Errorf("%+v", m)
	}
}

func TestCPUList(t *testing.T) {
	for text, want := range map[string][]int{
		"0": {0}, "0-3": {0, 1, 2, 3}, "1,3": {1, 3}, "0-1,8,10-11": {0, 1, 8, 10, 11}, "": nil, "x-2": nil,
	} {
		if got := cpuList(text); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestPinnedCommand(t *testing.T) {
	p := pins{taskset: "/usr/bin/taskset", server: 2, client: 5}
	if got := p.command(p.client, []string{"wc", "-l"}); !slices.Equal(got, []string{"/usr/bin/taskset", "-c", "5", "wc", "-l"}) {
		t.Errorf("%q", got)
	}
	p = pins{why: "there is none"}
	if got := p.command(1, []string{"wc"}); !slices.Equal(got, []string{"wc"}) || p.String() != "not pinned: there is none" {
		t.Errorf("%q, %s", got, &p)
	}
}
