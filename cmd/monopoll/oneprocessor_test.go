package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// With one processor for all goroutines and a loop that never sleeps, an edited
// page and an edited config are still noticed. How soon is logged; a machine
// that has something else to do is no reason to fail.
func TestOneProcessorUnderLoad(t *testing.T) {
	a := freeAddress(t)
	text := func(n int) string {
		return fmt.Sprintf("listeners: [{listen: '%s', routes: {/: {root: {dir: www, compress: false}}, /number: {respond: '%d'}}}]\nlog: {access: off}\n", a, n)
	}
	dir := folder(t, map[string]string{"config.yaml": text(0), "www/page.txt": "0", "www/index.html": strings.Repeat("<p>load</p>", 100)})
	cmd := command(dir, "run")
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	s := launch(t, cmd)

	// Thirty-two clients keep sixteen requests each under way: as soon as
	// answers have come the next ones are sent, so there is always something to do.
	const clients, deep = 32, 16
	request := strings.Repeat("GET / HTTP/1.1\r\nHost: test\r\n\r\n", deep)
	var stop atomic.Bool
	var read atomic.Int64
	var all sync.WaitGroup
	for range clients {
		c := connect(t, a)
		all.Go(func() {
			buf := make([]byte, 64<<10)
			c.Write([]byte(request))
			var length, got int
			for !stop.Load() {
				n, err := c.Read(buf)
				if err != nil {
					t.Errorf("a client: %v", err)
					return
				}
				if length == 0 { // all answers are of one length
					head := strings.Index(string(buf[:n]), "HTTP/1.1 ")
					next := strings.Index(string(buf[head+1:n]), "HTTP/1.1 ")
					if next < 0 {
						t.Error("the first read has no whole answer")
						return
					}
					length = next + 1
				}
				got += n
				read.Add(int64(n))
				for ; got >= length*deep; got -= length * deep {
					c.Write([]byte(request))
				}
			}
		})
	}
	began, before := time.Now(), s.status().Requests
	var pages, configs []time.Duration
	c := connect(t, a)
	for n := 1; n <= 15; n++ {
		edited := time.Now()
		replace(t, filepath.Join(dir, "www/page.txt"), fmt.Sprint(n))
		s.until("the page to be live", func() bool { _, body := c.get("/page.txt"); return body == fmt.Sprint(n) })
		pages = append(pages, time.Since(edited))
		edited = time.Now()
		replace(t, filepath.Join(dir, "config.yaml"), text(n))
		s.until("the config to be live", func() bool { _, body := c.get("/number"); return body == fmt.Sprint(n) })
		configs = append(configs, time.Since(edited))
	}
	rate := float64(s.status().Requests-before) / time.Since(began).Seconds()
	stop.Store(true)
	all.Wait()
	slices.Sort(pages)
	slices.Sort(configs)
	t.Logf("at %.0f requests a second: pages live after %v (median), %v (slowest); configs after %v, %v",
		rate, pages[len(pages)/2], pages[len(pages)-1], configs[len(configs)/2], configs[len(configs)-1])
	s.stop()
}
