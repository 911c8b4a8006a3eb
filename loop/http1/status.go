package http1

import "monopoll/routes"

// Continue asks the client for the body it holds back (RFC 9110 §15.2.1).
const Continue = "HTTP/1.1 100 Continue\r\n\r\n"

// statusLines are whole status lines by their code (RFC 9112 §4); built once,
// so that a head is made of copies alone.
var statusLines = makeStatusLines()

func makeStatusLines() (t [600]string) {
	for code := 100; code < len(t); code++ {
		digits := string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
		t[code] = "HTTP/1.1 " + digits + " " + routes.ReasonPhrase(code) + "\r\n"
	}
	return t
}

// statusLine gives the status line of a code; one that no answer can have
// becomes 500.
func statusLine(status int) string {
	if status < 200 || status >= len(statusLines) {
		status = 500
	}
	return statusLines[status]
}
