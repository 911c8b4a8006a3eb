package http1

// Continue asks the client for the body it holds back (RFC 9110 §15.2.1).
const Continue = "HTTP/1.1 100 Continue\r\n\r\n"

// reasons are the reason phrases of RFC 9110 §15, and of the codes in IANA's
// registry that a config may name.
var reasons = map[int]string{
	200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information",
	204: "No Content", 205: "Reset Content", 206: "Partial Content", 207: "Multi-Status",
	208: "Already Reported", 226: "IM Used",
	300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other",
	304: "Not Modified", 305: "Use Proxy", 307: "Temporary Redirect", 308: "Permanent Redirect",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
	404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
	407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
	411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large",
	414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable",
	417: "Expectation Failed", 418: "I'm a teapot", 421: "Misdirected Request",
	422: "Unprocessable Content", 423: "Locked", 424: "Failed Dependency", 425: "Too Early",
	426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
	431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
	500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
	503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
	506: "Variant Also Negotiates", 507: "Insufficient Storage", 508: "Loop Detected",
	510: "Not Extended", 511: "Network Authentication Required",
}

// ReasonPhrase gives the reason phrase of a status code, "" for a code that
// has none.
func ReasonPhrase(status int) string { return reasons[status] }

// statusLines are whole status lines by their code (RFC 9112 §4); built once,
// so that a head is made of copies alone.
var statusLines = makeStatusLines()

func makeStatusLines() (t [600]string) {
	for code := 100; code < len(t); code++ {
		digits := string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
		t[code] = "HTTP/1.1 " + digits + " " + reasons[code] + "\r\n"
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
