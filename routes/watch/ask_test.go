package watch

import (
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// asked gives a watcher that does not run, of one root in its config's folder.
func asked(t *testing.T) (*Watcher, *root) {
	dir := realDir(t)
	write(t, dir+"/www/in/a.txt", "1")
	write(t, dir+"/config.yaml", "listeners: [{listen: '127.0.0.1:8080', root: www}]\n")
	cfg, err := config.Load(dir + "/config.yaml")
	must(t, err)
	loader := &site.Loader{}
	table, err := routes.Build(cfg, nil, loader)
	must(t, err)
	w, err := New(Options{Path: dir + "/config.yaml", Table: table, Loader: loader,
		Publish: func(*routes.Table) (Outcome, error) { return Outcome{}, nil }})
	must(t, err)
	t.Cleanup(w.close)
	return w, w.roots[0]
}

// A root hangs that has been asked and has not answered for a while; not one whose
// answer waits for a watcher that was busy.
func TestHangs(t *testing.T) {
	w, r := asked(t)
	now := time.Now()
	r.asking, r.asked = true, now
	if r.hangs(now.Add(hungAfter / 2)) {
		t.Error("it hangs before its time is over")
	}
	late := now.Add(2 * hungAfter)
	if !r.hangs(late) || len(w.hanging(late)) != 1 || !w.untouchable(late)(r.path+"/in") {
		t.Error("it does not hang")
	}
	r.answered.Store(true)
	if r.hangs(late) || len(w.hanging(late)) != 0 || w.untouchable(late)(r.path+"/in") {
		t.Error("it hangs although it has answered")
	}
}

// A root that answers when the config does without it is left alone: nobody would
// ever give its watches up.
func TestAnsweredTooLate(t *testing.T) {
	w, r := asked(t)
	r.asking = true
	w.abandon(w.roots, nil)
	w.roots = nil
	w.poll(r)
	if w.watches.wants(r.owner, r.path) || w.watches.wants(r.way, real(r.tree)) || len(w.watches.owners[r.owner]) > 0 {
		t.Error("it is watched again")
	}
}
