// Monopoll serves several small sites and endpoints, as one YAML file says, and
// follows every edit of the file and of the sites without losing a connection.
//
// # The three rooms
//
//	routes  what to say: the config and the document roots, compiled into an
//	        immutable Table that answers a Request. No socket, no clock.
//	loop    how it is moved: one goroutine, one epoll, every socket.
//	cmd     who starts whom: this package.
//
// Data flows one way: disk → Table → loop → socket. A goroutine that watches
// the disk builds the next Table and publishes it; the loop changes over between
// two turns.
//
// # Reading order
//
//	routes/table.go    the value that everything is about
//	routes/answer.go   what is said to a request
//	loop/loop.go       a turn, on one screen
//	loop/conn.go       a connection: its states, and what follows from each
//	loop/http.go       a request from its first byte to its answer
//	loop/reload.go     a new Table, in two steps: all that can fail, then the rest
//	routes/watch       how an edit becomes a Table
//
// # This package
//
//	main.go         the commands and exit codes; commandline.go: what may follow them
//	run.go          a server from its start to its end, its signals (told.go) and keys (keyboard.go)
//	start.go        what is done before it serves; progress.go: how far that is
//	announce.go     what is said when it serves; log.go, complaints.go: in what words
//	stderr.go       how that gets out without anybody waiting for it
//	control.go      reload, status and stop: the control socket, both its ends
//	system.go       processors, descriptors, the user to become
//	sandbox.go      what is left to read and write
//	memory.go       when the garbage collector runs
//	hugepages.go    the heap in large pages
//	commands.go     check, version, the quick modes; init.go: a first config
//	explain.go      why an answer is what it is; explained.go: in words and JSON
//
// # The rules
//
// They are tests, in house_test.go: who may import whom, which words stay in
// which room, how long a function may be.
package main
