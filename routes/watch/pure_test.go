package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"monopoll/routes/config"
)

func TestSpine(t *testing.T) {
	dir := realDir(t)
	must(t, os.MkdirAll(dir+"/v1", 0o755))
	must(t, os.WriteFile(dir+"/v1/config.yaml", nil, 0o644))
	must(t, os.Symlink("v1", dir+"/..data"))
	must(t, os.Symlink("..data/config.yaml", dir+"/config.yaml"))
	must(t, os.Symlink(dir+"/loop", dir+"/loop"))
	must(t, os.Symlink("v1/../v1/config.yaml", dir+"/up"))
	for path, want := range map[string][]string{
		"config.yaml":     {"config.yaml", "..data", "v1", "v1/config.yaml"},
		"absent/x":        {"absent"},
		"v1/absent":       {"v1", "v1/absent"},
		"up":              {"up", "v1", "v1", "v1/config.yaml"},
		"..data/./absent": {"..data", "v1", "v1/absent"},
	} {
		var got []string
		for _, n := range spine(dir + "/" + path) {
			if rel, ok := strings.CutPrefix(n.path(), dir+"/"); ok {
				got = append(got, rel)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if n, most := len(spine(dir+"/loop")), 41*(strings.Count(dir, "/")+2); n > most {
		t.Errorf("a symlink to itself has a spine of %d names", n)
	}
}

const mountinfo = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
30 27 254:0 /srv/config.yaml /etc/app\040one/config.yaml rw,relatime master:1 - ext4 /dev/vda rw
31 27 0:40 / /srv rw,relatime - overlay overlay rw,lowerdir=/share:/base,upperdir=/up,workdir=/work
32 27 0:41 / /srv rw - tmpfs tmpfs rw
broken line
`

func TestMounts(t *testing.T) {
	all := readMounts(strings.NewReader(mountinfo))
	if len(all) != 5 {
		t.Fatalf("%d mounts, want 5", len(all))
	}
	for path, kind := range map[string]string{
		"/srv/www": "tmpfs", "/srv": "tmpfs", "/srvx": "ext4", "/": "ext4", "/proc/1": "proc",
		"/etc/app one/config.yaml": "ext4",
	} {
		if m := mountOf(path, all); m == nil || m.kind != kind {
			t.Errorf("%s is in %+v, want %s", path, m, kind)
		}
	}
	if got, want := all[3].layers(), []string{"/share", "/base", "/up"}; !reflect.DeepEqual(got, want) {
		t.Errorf("layers %q, want %q", got, want)
	}
	file := filepath.Join(realDir(t), "config.yaml")
	must(t, os.WriteFile(file, nil, 0o644))
	if pinned(file, mounts()) {
		t.Error("a plain file counts as mounted")
	}
	if !pinned(file, append(mounts(), mount{"/x", file, "ext4", "rw"})) {
		t.Error("a mounted file was not recognised")
	}
}

func TestDifference(t *testing.T) {
	base := func() *config.Config {
		c := config.Defaults()
		c.Dir = "/srv"
		c.Listeners = []config.Listener{
			{Addresses: []config.Address{{Port: 8080}}, Action: rootAt("/srv/home")},
			{Addresses: []config.Address{{Port: 8081}, {Host: "::1", Port: 8443}}, Routes: []config.Route{
				{Pattern: "blog.localhost/", Action: rootAt("/srv/sites/blog")},
				{Pattern: "GET /old", Action: respond(200, "old")},
				{Pattern: "/new/", Action: config.Action{Kind: config.KindRedirect, Redirect: &config.Redirect{To: "/x", Status: 308}}},
			}},
		}
		return c
	}
	for _, c := range []struct {
		name string
		edit func(*config.Config)
		want string
	}{
		{"nothing", func(*config.Config) {}, ""},
		{"order", func(c *config.Config) {
			c.Listeners[0], c.Listeners[1] = c.Listeners[1], c.Listeners[0]
			r := c.Listeners[0].Routes
			r[0], r[1] = r[1], r[0]
		}, ""},
		{"listener added", func(c *config.Config) {
			c.Listeners = append(c.Listeners, config.Listener{Addresses: []config.Address{{Port: 9090}}, Action: respond(200, "x")})
		}, "+ listener :9090 (respond)"},
		{"listener removed", func(c *config.Config) { c.Listeners = c.Listeners[:1] }, "− listener :8081 · − listener [::1]:8443"},
		{"one address of two removed", func(c *config.Config) {
			c.Listeners[1].Addresses = c.Listeners[1].Addresses[1:]
		}, "− listener :8081"},
		{"address added before", func(c *config.Config) {
			l := &c.Listeners[0]
			l.Addresses = append([]config.Address{{Unix: "/srv/run/s.sock"}}, l.Addresses...)
		}, "+ listener unix:run/s.sock (root home)"},
		{"ports swapped", func(c *config.Config) {
			a, b := &c.Listeners[0], &c.Listeners[1]
			a.Addresses, b.Addresses = b.Addresses, a.Addresses
		}, "~ listener :8081 3 routes → root home · ~ listener :8080 root home → 3 routes"},
		{"route's root", func(c *config.Config) { c.Listeners[1].Routes[0].Action = rootAt("/srv/sites/blog2") },
			"~ blog.localhost/ root sites/blog → sites/blog2"},
		{"route removed", func(c *config.Config) {
			r := c.Listeners[1].Routes
			c.Listeners[1].Routes = append(r[:1:1], r[2:]...)
		}, "− route GET /old"},
		{"route added", func(c *config.Config) {
			c.Listeners[1].Routes = append(c.Listeners[1].Routes, config.Route{Pattern: "/tea", Action: respond(418, "")})
		}, "+ route /tea (respond 418)"},
		{"body and status", func(c *config.Config) { c.Listeners[1].Routes[1].Action = respond(201, "new") },
			"~ GET /old respond → respond 201 · ~ GET /old body"},
		{"redirect", func(c *config.Config) { c.Listeners[1].Routes[2].Action.Redirect.To = "/y" },
			"~ /new/ redirect /x (308) → /y (308)"},
		{"kind", func(c *config.Config) { c.Listeners[0].Action = config.Action{Kind: config.KindEcho} },
			"~ listener :8080 root home → echo"},
		{"options of a root", func(c *config.Config) {
			c.Listeners[0].Action.Root.Listing = true
			c.Listeners[0].Action.Root.Index = []string{"home.html"}
		}, "~ listener :8080 index, listing"},
		{"headers", func(c *config.Config) { c.Listeners[1].Routes[0].Headers = []config.Header{{Name: "A", Value: "b"}} },
			"~ blog.localhost/ headers"},
		{"settings", func(c *config.Config) {
			c.Limits.Head, c.Limits.FullCloses = 32<<10, true
			c.Timeouts.Idle = time.Minute
			c.Log.Access = "/srv/log/access"
			c.User = "www"
		}, "~ limits.head 16KiB → 32KiB · ~ limits.full respond → close · ~ timeouts.idle 75s → 60s · ~ log.access stdout → log/access · ~ user none → www (from the next start on)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			new := base()
			c.edit(new)
			if got := strings.Join(difference(base(), new), " · "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func rootAt(dir string) config.Action {
	return config.Action{Kind: config.KindRoot, Root: &config.Root{Dir: dir, Index: []string{"index.html"}}}
}

func respond(status int, body string) config.Action {
	return config.Action{Kind: config.KindRespond, Respond: &config.Respond{Status: status, Body: []byte(body)}}
}

func TestVerdict(t *testing.T) {
	many := make([]string, 25)
	for i := range many {
		many[i] = fmt.Sprintf("+ route /%d", i)
	}
	for _, c := range []struct {
		v    Verdict
		want string
	}{
		{Verdict{Kind: Reloaded, Version: 8, What: "config.yaml", Config: true, Kept: 412, Draining: 3, Took: 6 * time.Millisecond,
			Changes: []string{"+ listener :9090 (respond)", "− route GET /old"}},
			"reload 8: config.yaml changed: + listener :9090 (respond) · − route GET /old; 412 connections kept, 3 draining; 6 ms"},
		{Verdict{Kind: Reloaded, Version: 9, What: "sites/blog", Took: 300 * time.Microsecond, Changes: []string{"sites/blog: 3 files changed, 1 added"}},
			"reload 9: sites/blog: 3 files changed, 1 added; under 1 ms"},
		{Verdict{Kind: Reloaded, Version: 2, What: "config.yaml", Config: true, Kept: 1},
			"reload 2: config.yaml changed, but nothing that it means; 1 connection kept, 0 draining; under 1 ms"},
		{Verdict{Kind: Refused, Version: 8, What: "config.yaml", Mistakes: "config.yaml:1:2: no\n"},
			"config.yaml:1:2: no\nstill serving version 8"},
		{Verdict{Kind: Unchanged, Version: 8, What: "config.yaml"}, "config.yaml is unchanged; serving version 8"},
		{Verdict{Kind: Mended, Version: 8, What: "config.yaml"},
			"config.yaml is back to what is being served, the mistake is gone; serving version 8"},
	} {
		if got := c.v.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	long := Verdict{Kind: Reloaded, What: "c", Config: true, Changes: many}.String()
	if !strings.Contains(long, "/19 · and 5 more;") {
		t.Errorf("25 changes are told as %s", long)
	}
}

// The record says to programs what the block says to people.
func TestVerdictRecord(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	Verdict{Kind: Reloaded, Version: 8, What: "config.yaml", Config: true, Kept: 4, Changes: []string{"a", "b"}, Took: time.Millisecond}.record(log)
	var line struct{ Reload map[string]any }
	must(t, json.Unmarshal(out.Bytes(), &line))
	got := line.Reload
	for key, want := range map[string]any{"verdict": "reloaded", "version": 8.0, "what": "config.yaml", "ms": 1.0, "kept": 4.0, "draining": 0.0} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if c := got["changes"]; !reflect.DeepEqual(c, []any{"a", "b"}) {
		t.Errorf("changes are %v", c)
	}
	out.Reset()
	Verdict{Kind: Unchanged}.record(log)
	if out.Len() > 0 {
		t.Errorf("nothing to do was told above debug level: %s", out.String())
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// realDir is a temporary folder by its real path, as watches are named.
func realDir(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	return dir
}
