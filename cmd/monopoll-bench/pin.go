package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// pins says which CPU is whose.
type pins struct {
	taskset        string // the program; "" where nothing is pinned
	server, client int    // CPU numbers
	why            string // nothing is pinned
}

// findPins chooses a CPU for the server and another for the client, of those
// that this process may use. Two threads of one core would take speed from
// each other, so the client's is of another core if there is one.
func findPins() pins {
	text, _ := os.ReadFile("/proc/self/status")
	var cpus []int
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			cpus = cpuList(strings.TrimSpace(list))
		}
	}
	if len(cpus) < 2 {
		return pins{why: "there is one CPU, and the client takes its share of it; us/req holds all the same"}
	}
	path, err := exec.LookPath("taskset")
	if err != nil {
		return pins{why: "taskset is not installed (it is part of util-linux), so the scheduler moves server and client about"}
	}
	p := pins{taskset: path, server: cpus[0], client: cpus[1]}
	siblings, err := os.ReadFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", p.server))
	if err == nil {
		same := cpuList(strings.TrimSpace(string(siblings)))
		if i := slices.IndexFunc(cpus, func(cpu int) bool { return !slices.Contains(same, cpu) }); i >= 0 {
			p.client = cpus[i]
		}
	}
	return p
}

// cpuList reads a list such as 0-3,8.
func cpuList(text string) (cpus []int) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := strconv.Atoi(first)
		if err != nil {
			continue
		}
		to := from
		if isRange {
			if to, err = strconv.Atoi(last); err != nil {
				continue
			}
		}
		for cpu := from; cpu <= to; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

// command is the command line that runs another one on a CPU.
func (p *pins) command(cpu int, args []string) []string {
	if p.taskset == "" {
		return args
	}
	return append([]string{p.taskset, "-c", strconv.Itoa(cpu)}, args...)
}

func (p *pins) String() string {
	if p.taskset == "" {
		return "not pinned: " + p.why
	}
	return fmt.Sprintf("server on CPU %d, client on CPU %d", p.server, p.client)
}
