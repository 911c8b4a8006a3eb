package routes

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// lookUps are shapes of a config of many routes: a pattern, and the request that
// is for it.
var lookUps = []struct {
	name, pattern string
	host, path    string // with the number in the place of the zeros
}{
	{"flat", "/page-%08d", "example.com", "/page-00000000"},
	{"deep", "/section/{id}/page-%08d/edit", "example.com", "/section/42/page-00000000/edit"},
	{"hosts", "site-%08d.example.com/", "site-00000000.example.com", "/a/b.html"},
	{"subdomains", "*.site-%08d.example.com/", "www.site-00000000.example.com", "/a/b.html"},
}

// BenchmarkRoute finds the route of a request, from its path as it was sent.
// What it costs does not depend on how many routes there are: "one" asks for the
// same again and again. What the machine's memory costs does: "all" asks for
// each in turn, without order, so that of 100,000 hardly anything is in the
// processor's caches.
func BenchmarkRoute(b *testing.B) {
	for _, shape := range lookUps {
		for _, count := range []int{10, 1000, 100_000} {
			var all []*route
			for i := range count {
				p, _, err := parsePattern(fmt.Sprintf(shape.pattern, i))
				if err != nil {
					b.Fatal(err)
				}
				all = append(all, &route{pattern: p, index: i})
			}
			r := compile(all, func(_ *route, text string) { b.Fatal(text) })
			order := rand.New(rand.NewPCG(1, 1)).Perm(count)
			for _, ask := range []struct {
				name    string
				numbers []int
			}{{"one", order[:1]}, {"all", order}} {
				b.Run(fmt.Sprintf("%s/%d/%s", shape.name, count, ask.name), func(b *testing.B) {
					lookUp(b, &r, []byte(shape.host), []byte(shape.path), ask.numbers)
				})
			}
		}
	}
}

func lookUp(b *testing.B, r *router, host, path []byte, numbers []int) {
	var s search
	var p Path
	s.path, s.method = &p, MethodGet
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		n := numbers[i]
		if i++; i == len(numbers) {
			i = 0
		}
		putNumber(host, n)
		putNumber(path, n)
		p.Resolve(path)
		r.find(&s, host)
		if s.found == nil || s.found.index != n {
			b.Fatalf("%s%s: route %+v, not %d", host, path, s.found, n)
		}
	}
}

// putNumber writes a number over the eight digits in p, if there are some.
func putNumber(p []byte, n int) {
	for i := len(p) - 1; i >= 7; i-- {
		if p[i] >= '0' && p[i] <= '9' && p[i-7] >= '0' && p[i-7] <= '9' {
			for j := range 8 {
				p[i-j] = '0' + byte(n%10)
				n /= 10
			}
			return
		}
	}
}
