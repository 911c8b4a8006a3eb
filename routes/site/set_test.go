package site

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// A set after any changes is what a map would be, whether its names are few
// letters together or more than 64 KiB.
func TestSetAgainstMap(t *testing.T) {
	setAgainstMap(t, 80)
	setAgainstMap(t, 3200)
}

func setAgainstMap(t *testing.T, long int) {
	r := rand.New(rand.NewPCG(1, 2))
	var s set[int]
	m := map[string]*int{}
	for round := range 300 {
		// names long and short, with common beginnings, of any bytes
		name := func() string {
			n := r.IntN(60)
			if round%3 == 0 {
				return fmt.Sprintf("%0*d", 1+n%4*long, n)
			}
			return string([]byte{byte(1 + r.IntN(255)), byte(1 + n)})
		}
		var changes []change[int]
		for range r.IntN(12) {
			var to *int
			if r.IntN(3) > 0 {
				to = new(int)
			}
			changes = append(changes, change[int]{name(), to})
		}
		sortChanges(changes)
		changes = slices.CompactFunc(changes, func(a, b change[int]) bool { return a.name == b.name })
		before := s
		s = s.with(changes)
		differences := map[string]bool{}
		for _, c := range changes {
			if m[c.name] != c.to {
				differences[c.name] = true
			}
			if m[c.name] = c.to; c.to == nil {
				delete(m, c.name)
			}
		}
		names := slices.Sorted(maps.Keys(m))
		if s.names.len() != len(names) {
			t.Fatalf("round %d: %d names, want %d", round, s.names.len(), len(names))
		}
		for i, name := range names {
			if s.names.at(i) != name || s.get(name) != m[name] || s.get(name+"x") != m[name+"x"] {
				t.Fatalf("round %d: name %d is %q, want %q", round, i, s.names.at(i), name)
			}
		}
		both(before, s, func(name string, x, y *int) {
			if !differences[name] || y != m[name] {
				t.Fatalf("round %d: %q is said to differ", round, name)
			}
			delete(differences, name)
		})
		if len(differences) > 0 {
			t.Fatalf("round %d: %v are not said to differ", round, differences)
		}
	}
}

func TestLookUpAllocatesNothing(t *testing.T) {
	var changes []change[File]
	for i := range 1000 {
		changes = append(changes, change[File]{fmt.Sprintf("%04d", i), &File{}})
	}
	d := &Dir{files: set[File]{}.with(changes), dirs: set[Dir]{}.with([]change[Dir]{{"a", &Dir{}}})}
	name, dir, none := []byte("0500"), []byte("a"), []byte("nothing of the kind")
	n := testing.AllocsPerRun(100, func() {
		if d.File(name) == nil || d.Dir(dir) == nil || d.File(none) != nil || d.Dir(none) != nil {
			t.Fatal("a look-up is wrong")
		}
	})
	if n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}
