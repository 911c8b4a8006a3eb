package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc: USER_HZ, which is 100 in the ABI of
// every architecture that Go runs on (proc_pid_stat(5)).
const tick = 10 * time.Millisecond

// tree gives a process and all that come from it.
func tree(pid int) []int {
	all := []int{pid}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for _, child := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(all, tree(n)...)
			}
		}
	}
	return all
}

// cpuTime is the CPU time, user and system, that a process and all that come
// from it have had.
func cpuTime(pid int) (sum time.Duration) {
	for _, p := range tree(pid) {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p)); err == nil {
			sum += statTime(string(text))
		}
	}
	return sum
}

// statTime reads the CPU time off a line of /proc/PID/stat. The name of the
// program is in parentheses and may hold any byte, also spaces and parentheses.
func statTime(line string) time.Duration {
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	const utime, stime = 14 - 3, 15 - 3 // as proc(5) counts, less what came before
	if len(fields) <= stime {
		return 0
	}
	user, _ := strconv.ParseInt(fields[utime], 10, 64)
	system, _ := strconv.ParseInt(fields[stime], 10, 64)
	return time.Duration(user+system) * tick
}

// pss is the memory of a process and all that come from it, in bytes.
func pss(pid int) (sum int64) {
	for _, p := range tree(pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
				sum += kb << 10
			}
		}
	}
	return sum
}

// machine is what a figure means nothing without.
type machine struct {
	CPU    string  `json:"cpu"`
	CPUs   int     `json:"cpus"`
	Kernel string  `json:"kernel"`
	Load   float64 `json:"load"` // average of the minute before
}

func thisMachine() machine {
	m := machine{CPUs: runtime.NumCPU(), CPU: runtime.GOARCH}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Sscan(string(text), &m.Load)
	}
	if file, err := os.Open("/proc/cpuinfo"); err == nil {
		defer file.Close()
		for s := bufio.NewScanner(file); s.Scan(); {
			if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	return m
}
