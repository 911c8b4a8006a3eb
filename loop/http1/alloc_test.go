package http1

import (
	"testing"
	"unsafe"

	"monopoll/routes"
)

// Requests as programs send them.
const (
	wrkGet = "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"

	curlGet = "GET /css/style.css?v=3 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"

	browserGet = "GET /blog/2024/05/a-page.html HTTP/1.1\r\nHost: blog.localhost:8081\r\nConnection: keep-alive\r\n" +
		"sec-ch-ua: \"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\n" +
		"Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nIf-None-Match: \"0123456789abcdef\"\r\n\r\n"

	repeatedGet = "GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nAccept: */*\r\nIf-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n\r\n"

	chunkedPost = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"

	absoluteGet = "GET http://[2001:db8::1]:8080/x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n"
)

var programs = []struct{ name, in string }{
	{"wrk", wrkGet}, {"curl", curlGet}, {"browser", browserGet},
	{"repeated", repeatedGet}, {"chunked", chunkedPost}, {"absolute", absoluteGet},
}

func TestParseAllocatesNothing(t *testing.T) {
	var mark Mark
	var req routes.Request
	var msg Message
	for _, p := range programs {
		in := []byte(p.in)
		allocs := testing.AllocsPerRun(100, func() {
			Parse(in[:len(in)/2], &mark, lim, &req, &msg)
			if n, refused := Parse(in, &mark, lim, &req, &msg); n != len(in) {
				t.Fatal(p.name, n, refused)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", p.name, allocs)
		}
	}
	bad := []byte("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
	if allocs := testing.AllocsPerRun(100, func() { Parse(bad, &mark, lim, &req, &msg) }); allocs != 0 {
		t.Errorf("a refusal: %v allocations", allocs)
	}
}

func TestChunkedAllocatesNothing(t *testing.T) {
	in := []byte("5;a=\"b\"\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX: y\r\n\r\n")
	allocs := testing.AllocsPerRun(100, func() {
		var d Chunked
		for rest, done := in, false; !done; {
			n, _, end, refused := d.Decode(rest)
			if refused != nil {
				t.Fatal(refused)
			}
			rest, done = rest[n:], end
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// What stands in every connection stays small.
func TestSizes(t *testing.T) {
	if size := unsafe.Sizeof(Mark{}); size > 8 {
		t.Errorf("Mark has %d bytes", size)
	}
	if size := unsafe.Sizeof(Chunked{}); size > 16 {
		t.Errorf("Chunked has %d bytes", size)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, p := range programs[:3] {
		b.Run(p.name, func(b *testing.B) {
			var mark Mark
			var req routes.Request
			var msg Message
			in := []byte(p.in)
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if n, _ := Parse(in, &mark, lim, &req, &msg); n != len(in) {
					b.Fatal(n)
				}
			}
		})
	}
}

// The largest head, one byte at a time: the price of a slow client, for each
// of its bytes.
func BenchmarkParseByteByByte(b *testing.B) {
	in := []byte("GET / HTTP/1.1\r\nHost: a\r\n")
	for len(in) < 15<<10 {
		in = append(in, "Cookie: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n"...)
	}
	in = append(in, "\r\n"...)
	var req routes.Request
	var msg Message
	for b.Loop() {
		var mark Mark
		for end := 1; end <= len(in); end++ {
			Parse(in[:end], &mark, lim, &req, &msg)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(in)), "ns/byte")
}

func BenchmarkChunked(b *testing.B) {
	in := []byte("400\r\n" + string(make([]byte, 1024)) + "\r\n400;a=b\r\n" + string(make([]byte, 1024)) + "\r\n0\r\n\r\n")
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		var d Chunked
		for rest, done := in, false; !done; {
			n, _, end, _ := d.Decode(rest)
			rest, done = rest[n:], end
		}
	}
}
