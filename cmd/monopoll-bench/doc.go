// Monopoll-bench puts monopoll beside the web servers that are installed here:
// the same files, the same client, in turn, and a table with ratios. It brings
// its own load client, serves on loopback alone, and ends by itself.
//
//	go run ./cmd/monopoll-bench                           six works, about seven minutes
//	monopoll-bench --servers monopoll,nginx --work w1k    one question
//	monopoll-bench --servers monopoll=./old,monopoll=./new
//
// # The rules
//
//   - The server has one CPU and the client another (taskset). Where that cannot
//     be had, the output says so.
//   - Rounds go A B C A B C, and each server is started anew in each. A figure is
//     the median over the rounds; a ratio is taken within a round and then the
//     median of those, so that it holds when the machine changes its speed.
//   - Before a server is measured it has to answer right, byte for byte, and
//     while it is measured each answer has to have the right status and length.
//   - No access log in any of them. nginx has its open_file_cache on. monopoll
//     makes no coded variants in the background, as the client asks for none.
//
// # How to read it
//
// us/req comes first: microseconds of CPU, user and system, that the server
// spent on one request, from /proc/PID/stat of all its processes. It holds even
// where the client is slower than the server; req/s does not, and the last
// column says when. The column beside each is the ratio to the first server: 2.00
// under us/req is twice the CPU.
//
// p99 is the time from the first byte of a request to the last of its answer,
// which 99 of 100 do not exceed. With 64 requests always under way it is mostly
// time in the queue, and follows from req/s. PSS is the memory of its
// processes after the round, each shared page divided among those who share it.
//
// MB/s counts heads too. The client reads 16 KiB at a time, as curl does. One
// that reads in larger pieces makes large files cheaper for servers that use
// sendfile: nginx took a third less CPU for 100 KiB where 256 KiB were read at a
// time than where 8 KiB were.
//
// Look at the ratios; the figures are those of one machine at one time. A note
// that rounds differ, or that CPU was lost, means that something else was
// running: do it again when it is quiet.
//
// # The code
//
//	main.go     the command line
//	plan.go     what is measured, in which order
//	work.go     the works: what is asked for, and what has to come
//	kinds.go    the servers: how each is configured and started
//	process.go  one server, from start to end
//	proc.go     what /proc says: CPU time, memory, the machine
//	pin.go      which CPU is whose
//	files.go    what is served
//	check.go    the answers, looked at before they are counted
//	client.go   the client as a process: what it is told, what it reports
//	load.go     the client's loop: connections, and one epoll
//	answer.go   where an answer ends, and whether it is right
//	quantile.go latencies, counted by their size
//	report.go   medians, ratios, notes; report_text.go: the table
//
// The client is this program again, as a process of its own, so that it can be
// pinned and its CPU time be told apart. It is one thread with one epoll and
// allocates nothing while it measures; for 1 KiB it takes about as much CPU for
// a request as wrk does.
package main
