package routes

// phrases are the reason phrases of RFC 9110 §15, and of the codes in IANA's
// registry that a config may name.
var phrases = map[int]string{
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
func ReasonPhrase(status int) string { return phrases[status] }

// sentences tell a person what has happened and what can be done. They say nothing
// of versions, files or the machine.
var sentences = map[int]string{
	400: "The request could not be understood.",
	401: "This page asks for a login.",
	402: "This page asks for a payment.",
	403: "This page may not be read.",
	404: "There is no page at this address. Is it spelled correctly?",
	405: "What is at this address does not take this method.",
	406: "There is no form of this page that the client accepts.",
	408: "The request did not arrive in time. Please try again.",
	409: "The request does not fit the state that things are in.",
	410: "The page that was at this address is gone for good.",
	411: "The request has to say how long its content is.",
	412: "The page is not the version that the request asked for.",
	413: "The content of the request is larger than what is taken here.",
	414: "The address is longer than what is taken here.",
	415: "Content of this type is not taken here.",
	416: "The part that was asked for lies beyond the end of the file.",
	417: "The request expects what this server does not do.",
	418: "It is short and stout.",
	421: "There is no site of this name here.",
	422: "The content of the request makes no sense here.",
	425: "The request came too early. Please try again.",
	426: "This page asks for another protocol.",
	428: "The request has to say which version it means.",
	429: "There were too many requests. Please wait a moment.",
	431: "The request's fields are larger than what is taken here; clearing the cookies of this site may help.",
	451: "This page may not be shown for legal reasons.",
	500: "Something went wrong here. It was not your mistake.",
	501: "This server does not know how to do what was asked.",
	502: "The server behind this one did not answer as it should.",
	503: "This page cannot be shown right now. Please try again in a moment.",
	504: "The server behind this one did not answer in time.",
	505: "This server does not speak this version of HTTP.",
	507: "There is no room left for this.",
	508: "The request goes round in circles.",
	511: "The network asks for a login first.",
}
