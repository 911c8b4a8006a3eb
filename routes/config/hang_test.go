package config

import (
	"errors"
	"testing"
	"time"
)

// A folder that answers is one, though another has used up the time of all; one
// that is still waited for is not asked again, and is when it has answered.
func TestFolderBesideOneThatHangs(t *testing.T) {
	d := &decoder{patience: time.Now().Add(-time.Second)}
	dir := t.TempDir()
	for range 20 {
		if err := d.checkFolder(dir); err != nil {
			t.Fatal(err)
		}
	}
	answer := make(chan error, 1)
	stuck.Store(dir, answer)
	if err := d.checkFolder(dir); !errors.Is(err, errHangs) {
		t.Errorf("one that is stuck: %v", err)
	}
	answer <- nil
	if err := d.checkFolder(dir); err != nil {
		t.Errorf("one that was stuck: %v", err)
	}
}
