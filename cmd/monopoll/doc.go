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
// # The rules
//
// They are tests, in house_test.go: who may import whom, which words stay in
// which room, how long a function may be.
package main
