// Package starter holds the files that `monopoll init` writes: a config with
// comments, and a first site. They are ordinary files in this folder, so they
// can be looked at in an editor and in a browser.
package starter

import "embed"

// Files are config.yaml and site/, as they are to be written.
//
//go:embed config.yaml site
var Files embed.FS
