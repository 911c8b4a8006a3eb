// Package sites holds the three example sites that config.example.yaml serves,
// and nothing to import: its tests keep them true.
//
//	home  a landing page with the listeners of the example
//	blog  notes on the ideas behind the server
//	docs  the user's manual
//
// The pages are written by hand and have no build step, so what is common to
// them stands in each. base.css, scroll.js and the font are the same in all three; site.css has what
// is a site's own. Tests see to it that links lead somewhere, that nothing is
// loaded from outside, that the list of chapters is the same on every page of
// the manual, and that every whole config in it can be loaded.
package sites
