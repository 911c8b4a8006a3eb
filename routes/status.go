package routes

// reason is what a person is told about a status: its phrase (RFC 9110 §15) and
// one sentence on what has happened and what can be done. The sentences say
// nothing of versions, files or the machine.
type reason struct{ phrase, sentence string }

// reasons are the errors that a page is made for beforehand.
var reasons = map[int]reason{
	400: {"Bad Request", "The request could not be understood."},
	401: {"Unauthorized", "This page asks for a login."},
	402: {"Payment Required", "This page asks for a payment."},
	403: {"Forbidden", "This page may not be read."},
	404: {"Not Found", "There is no page at this address. Is it spelled correctly?"},
	405: {"Method Not Allowed", "What is at this address does not take this method."},
	406: {"Not Acceptable", "There is no form of this page that the client accepts."},
	408: {"Request Timeout", "The request did not arrive in time. Please try again."},
	409: {"Conflict", "The request does not fit the state that things are in."},
	410: {"Gone", "The page that was at this address is gone for good."},
	411: {"Length Required", "The request has to say how long its content is."},
	412: {"Precondition Failed", "The page is not the version that the request asked for."},
	413: {"Content Too Large", "The content of the request is larger than what is taken here."},
	414: {"URI Too Long", "The address is longer than what is taken here."},
	415: {"Unsupported Media Type", "Content of this type is not taken here."},
	416: {"Range Not Satisfiable", "The part that was asked for lies beyond the end of the file."},
	417: {"Expectation Failed", "The request expects what this server does not do."},
	418: {"I'm a Teapot", "It is short and stout."},
	421: {"Misdirected Request", "There is no site of this name here."},
	422: {"Unprocessable Content", "The content of the request makes no sense here."},
	425: {"Too Early", "The request came too early. Please try again."},
	426: {"Upgrade Required", "This page asks for another protocol."},
	428: {"Precondition Required", "The request has to say which version it means."},
	429: {"Too Many Requests", "There were too many requests. Please wait a moment."},
	431: {"Request Header Fields Too Large", "The request's fields are larger than what is taken here; clearing the cookies of this site may help."},
	451: {"Unavailable For Legal Reasons", "This page may not be shown for legal reasons."},
	500: {"Internal Server Error", "Something went wrong here. It was not your mistake."},
	501: {"Not Implemented", "This server does not know how to do what was asked."},
	502: {"Bad Gateway", "The server behind this one did not answer as it should."},
	503: {"Service Unavailable", "This page cannot be shown right now. Please try again in a moment."},
	504: {"Gateway Timeout", "The server behind this one did not answer in time."},
	505: {"HTTP Version Not Supported", "This server does not speak this version of HTTP."},
	507: {"Insufficient Storage", "There is no room left for this."},
	508: {"Loop Detected", "The request goes round in circles."},
	511: {"Network Authentication Required", "The network asks for a login first."},
}
