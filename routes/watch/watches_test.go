package watch

import (
	"errors"
	"iter"
	"os"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// fakeKernel is a notifier that counts, and that runs out when told to.
type fakeKernel struct {
	watched map[string]bool
	room    int // Add fails with ENOSPC beyond
}

func newFakeKernel() *fakeKernel { return &fakeKernel{watched: map[string]bool{}, room: 1 << 30} }

func (k *fakeKernel) Add(path string) error {
	if len(k.watched) >= k.room {
		return syscall.ENOSPC
	}
	k.watched[path] = true
	return nil
}

func (k *fakeKernel) Remove(path string) error {
	if !k.watched[path] {
		return fsnotify.ErrNonExistentWatch
	}
	delete(k.watched, path)
	return nil
}

func (k *fakeKernel) Close() error { return nil }

func (k *fakeKernel) String() string {
	var all []string
	for p := range k.watched {
		all = append(all, p[strings.LastIndex(p, "/")+1:])
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}

func these(paths ...string) iter.Seq[string] { return slices.Values(paths) }

func mkdirs(t *testing.T, dirs ...string) {
	t.Helper()
	for _, d := range dirs {
		must(t, os.MkdirAll(d, 0o755))
	}
}

func TestWatchesAreShared(t *testing.T) {
	k := newFakeKernel()
	w := newWatches(k)
	d := realDir(t)
	mkdirs(t, d+"/a", d+"/b", d+"/c")
	if added, err := w.set("one", these(d+"/a", d+"/b", d+"/a", d+"/gone")); err != nil || len(added) != 2 {
		t.Fatalf("added %q, %v", added, err)
	}
	if added, err := w.set("two", these(d+"/b", d+"/c")); err != nil || len(added) != 1 {
		t.Fatalf("added %q, %v", added, err)
	}
	w.forget("one")
	if got := k.String(); got != "b c" {
		t.Errorf("watched: %s, want b c", got)
	}
	w.forget("two")
	if got := k.String(); got != "" || len(w.paths)+len(w.below)+len(w.byInode)+len(w.others)+len(w.owners) != 0 {
		t.Errorf("left over: %q %+v", got, w)
	}
}

func TestWatchesRunOut(t *testing.T) {
	k := newFakeKernel()
	w := newWatches(k)
	d := realDir(t)
	mkdirs(t, d+"/a", d+"/b")
	k.room = 1
	if _, err := w.set("one", these(d+"/a", d+"/b")); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("error %v, want ENOSPC", err)
	}
	w.forget("one")
	if w.size() != 0 {
		t.Errorf("%d watches are still held", w.size())
	}
}

// When a watched directory goes, or another comes in its place, everything
// below it is dropped, and held again by the next set.
func TestWatchesBelow(t *testing.T) {
	k := newFakeKernel()
	w := newWatches(k)
	d := realDir(t)
	mkdirs(t, d+"/a/x/y", d+"/ab")
	all := []string{d + "/a", d + "/a/x", d + "/a/x/y", d + "/ab"}
	_, err := w.set("one", these(all...))
	must(t, err)
	if w.dropFrom(d + "/a/z") {
		t.Error("dropped from a name that holds nothing")
	}
	if !w.dropFrom(d+"/a") || k.String() != "ab" {
		t.Fatalf("watched: %s, want ab", k)
	}
	if added, _ := w.set("one", these(all...)); len(added) != 3 || k.String() != "a ab x y" {
		t.Errorf("added again: %q; watched: %s", added, k)
	}
}

// A watch that was dropped is news when it is back, also where the loader brought
// it back for the sake of one name.
func TestWatchesRegain(t *testing.T) {
	w := newWatches(newFakeKernel())
	d := realDir(t)
	mkdirs(t, d+"/a", d+"/b", d+"/c")
	_, err := w.set("one", these(d+"/a", d+"/b", d+"/c"))
	must(t, err)
	for _, p := range []string{"/a", "/b", "/c"} {
		w.dropFrom(d + p)
	}
	must(t, os.Remove(d+"/c"))
	must(t, w.also("one", d+"/a"))
	found, _, err := w.regain(nothing)
	must(t, err)
	sort.Strings(found)
	if want := []string{d + "/a", d + "/b"}; !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	if found, _, _ := w.regain(nothing); len(found) != 0 {
		t.Errorf("found again %q", found)
	}
}

// A moved directory keeps its watch under the old name, in the kernel and in
// fsnotify. Watching it by its new name must end with that name being watched,
// even before the events of the move were read.
func TestWatchesFollowMovedDirectory(t *testing.T) {
	fs, err := fsnotify.NewBufferedWatcher(100)
	must(t, err)
	w := newWatches(fs)
	defer w.close()
	d := realDir(t)
	mkdirs(t, d+"/a/x", d+"/b")
	_, err = w.set("one", these(d, d+"/a", d+"/a/x", d+"/b"))
	must(t, err)
	must(t, os.Rename(d+"/a", d+"/b/a"))
	if _, err := w.set("one", these(d, d+"/b", d+"/b/a", d+"/b/a/x")); err != nil {
		t.Fatal(err)
	}
	must(t, os.WriteFile(d+"/b/a/x/f", nil, 0o644))
	for {
		select {
		case ev := <-fs.Events:
			if ev.Name == d+"/b/a/x/f" {
				return
			}
		case err := <-fs.Errors:
			t.Fatal(err)
		case <-time.After(10 * time.Second):
			t.Fatal("no event from the moved directory by its new name")
		}
	}
}

// One directory with two paths has one watch in the kernel.
func TestWatchesAlias(t *testing.T) {
	k := newFakeKernel()
	w := newWatches(k)
	d := realDir(t)
	mkdirs(t, d+"/a")
	must(t, os.Symlink("a", d+"/b")) // stands for a bind mount: stat follows it
	_, err := w.set("one", these(d+"/a"))
	must(t, err)
	if added, _ := w.set("two", these(d+"/b")); len(added) != 1 || k.String() != "a" {
		t.Fatalf("added %q; watched %s", added, k)
	}
	if got := w.aliases(d + "/a"); len(got) != 1 || got[0] != d+"/b" {
		t.Errorf("aliases %q", got)
	}
	w.forget("one")
	if k.String() != "b" {
		t.Errorf("watched %s, want b in a's place", k)
	}
}

func TestWatchesStale(t *testing.T) {
	w := newWatches(newFakeKernel())
	d := realDir(t)
	mkdirs(t, d+"/a", d+"/b")
	_, err := w.set("one", these(d, d+"/a"))
	must(t, err)
	if w.isStale(d + "/a") {
		t.Error("stale at once")
	}
	must(t, os.Rename(d+"/a", d+"/c"))
	must(t, os.Rename(d+"/b", d+"/a"))
	if !w.isStale(d + "/a") {
		t.Error("another directory in its place was not seen")
	}
	w.dropStale(nothing)
	if found, _, _ := w.regain(nothing); !slices.Equal(found, []string{d + "/a"}) {
		t.Errorf("watched anew: %q", found)
	}
	if w.isStale(d + "/a") {
		t.Error("still stale")
	}
}

// An alias that cannot take the place of a watch that ends is held again later.
func TestAliasIsLost(t *testing.T) {
	d := t.TempDir()
	mkdirs(t, d+"/a")
	must(t, os.Symlink("a", d+"/b")) // stands for a bind mount: stat follows it
	k := newFakeKernel()
	w := newWatches(k)
	for _, p := range []string{"a", "b"} {
		_, err := w.set(p, these(d+"/"+p))
		must(t, err)
	}
	k.room = 0
	w.forget("a")
	if k.String() != "" {
		t.Fatalf("watched: %s", k)
	}
	k.room = 1
	if found, _, err := w.regain(nothing); err != nil || !slices.Equal(found, []string{d + "/b"}) || k.String() != "b" {
		t.Errorf("found again: %q, %v; watched: %s", found, err, k)
	}
}

// Of a directory in which only some names matter, the others are not heard of,
// until it is made wide.
func TestInboxIsNarrow(t *testing.T) {
	in := newInbox()
	in.setNarrow(map[string]map[string]struct{}{"/tmp": {"site": {}}})
	names := func() int { return len(in.settle.names) }
	for i, c := range []struct {
		path string
		want int
	}{{"/tmp/noise", 0}, {"/tmp/site", 1}, {"/tmp/site/a", 2}, {"/", 2}} {
		in.event(fsnotify.Event{Name: c.path, Op: fsnotify.Create}, time.Unix(int64(i), 0))
		if names() != c.want {
			t.Errorf("after %s %d names wait, want %d", c.path, names(), c.want)
		}
	}
	if !in.widen("/tmp") || in.widen("/tmp") {
		t.Error("a directory is made wide once")
	}
	in.event(fsnotify.Event{Name: "/tmp/noise", Op: fsnotify.Create}, time.Unix(9, 0))
	if names() != 3 {
		t.Error("in a wide directory a name was not heard of")
	}
}

// A stream of events wakes the reader once, not once each.
func TestInboxWakesOnce(t *testing.T) {
	in := newInbox()
	now := time.Unix(1000, 0)
	woken := 0
	for i := range 1000 {
		in.note(name{"/d", string(rune('a' + i%20))}, appeared, now.Add(time.Duration(i)*time.Microsecond))
		select {
		case <-in.wake:
			woken++
		default:
		}
	}
	if woken != 1 {
		t.Errorf("woken %d times", woken)
	}
}

// nothing hangs.
func nothing(string) bool { return false }
