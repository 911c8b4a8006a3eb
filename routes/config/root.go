package config

import (
	"fmt"
	"path"
	"strings"

	"gopkg.in/yaml.v3"
)

const theRoot = "the root"

var pathSchema = &schema{Type: anyScalar, MinLength: 1}

// folderValue is the absolute path of a folder that exists and can be read.
var folderValue = value[string]{
	schema: pathSchema,
	read: func(d *decoder, at place) (string, bool) {
		text, ok := d.scalar(at, "a folder's path")
		if !ok {
			return "", false
		}
		dir, ok := d.path(at, text)
		return dir, ok && d.folder(at, dir, theRoot)
	},
}

// namePattern is the name of a file: anything but a dot, two dots and a slash.
const namePattern = `([^./][^/]*|\.[^./][^/]*|\.\.[^/]+)`

var indexValue = wordOrList("file name", textOf("a file name such as index.html", &schema{Type: anyScalar, Pattern: "^" + namePattern + "$"}, checkFileName))

// checkFileName says why name cannot be one file or folder in a folder.
func checkFileName(name string) string {
	switch {
	case name == "":
		return "is empty; give a file name"
	case name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return fmt.Sprintf("%q is not the name of a file in a folder; a name has no slash", short(name))
	case len(name) > 255:
		return fmt.Sprintf("the name has %d bytes; 255 is the most", len(name))
	}
	return ""
}

var fallbackValue = textOf("a path inside the root such as /index.html", &schema{Type: "string", Pattern: "^(/" + namePattern + ")+$"}, func(p string) string {
	switch {
	case p != "" && path.Clean("/"+p) == "/"+p && !strings.ContainsRune(p, 0):
		return fmt.Sprintf("%q must be a path inside the root; did you mean \"/%s\"?", short(p), short(p))
	case path.Clean(p) != p || p == "/" || !strings.HasPrefix(p, "/") || strings.ContainsRune(p, 0):
		return fmt.Sprintf("%q is not the path of a file inside the root; write it like /index.html", short(p))
	}
	return ""
})

// cacheValue is Cache-Control by glob: a mapping, or a list of mappings for
// those who do not trust the order of a mapping.
var cacheValue = value[[]CacheRule]{
	schema: &schema{AnyOf: []*schema{
		cacheSchema, {Type: "array", Items: cacheSchema, MinItems: 1},
	}},
	read: func(d *decoder, at place) ([]CacheRule, bool) {
		before := len(d.mistakes)
		places := []place{at}
		if at.node.Kind == yaml.SequenceNode {
			places = nil
			for i := range at.node.Content {
				places = append(places, at.item(i))
			}
		}
		var rules []CacheRule
		for _, p := range places {
			rules = append(rules, d.cacheRules(p)...)
		}
		if len(rules) == 0 && len(d.mistakes) == before {
			d.fail(at, "is empty; leave cache out for the defaults")
		}
		return rules, len(d.mistakes) == before
	},
}

var cacheSchema = &schema{Type: "object", MinProperties: 1, AdditionalProperties: &schema{Type: anyScalar, MinLength: 1}}

func (d *decoder) cacheRules(at place) []CacheRule {
	if at.node.Kind != yaml.MappingNode {
		d.want(at, `a mapping of globs to Cache-Control, such as {"*.css": max-age=3600}`)
		return nil
	}
	var rules []CacheRule
	for _, p := range d.pairs(at) {
		if _, err := path.Match(p.name, ""); err != nil || p.name == "" {
			d.fail(p.key, "%q is not a glob; it takes *, ?, [a-z] and \\ before one of these", short(p.name))
			continue
		}
		text, ok := d.scalar(p.value, "a Cache-Control such as max-age=3600")
		if !ok {
			continue
		}
		if wrong := checkCacheControl(text); wrong != "" {
			d.fail(p.value, "%s", wrong)
			continue
		}
		rules = append(rules, CacheRule{Pos: p.key.pos(), Glob: p.name, Value: text})
	}
	return rules
}

// checkCacheControl says what is wrong with a Cache-Control (RFC 9111 §5.2): a
// list of directives, of which those with seconds have a whole number.
func checkCacheControl(text string) string {
	if wrong := checkFieldValue(text); wrong != "" {
		return wrong
	}
	if text == "" {
		return "is empty; write a Cache-Control such as no-cache"
	}
	for _, directive := range splitList(text) {
		name, arg, has := strings.Cut(strings.Trim(directive, " \t"), "=")
		if !isToken(name) {
			return fmt.Sprintf("%q is not a directive of Cache-Control; write it like \"public, max-age=3600\"", short(directive))
		}
		name = strings.ToLower(name)
		seconds := name == "max-age" || name == "s-maxage" || strings.HasPrefix(name, "stale-")
		switch {
		case seconds && (!decimal.MatchString(arg) || strings.HasPrefix(arg, "-")):
			return fmt.Sprintf("%s takes a whole number of seconds; write it like %s=3600", name, name)
		case has && !isToken(arg) && !(len(arg) >= 2 && strings.HasPrefix(arg, `"`) && strings.HasSuffix(arg, `"`)):
			return fmt.Sprintf("%q is not a value of the directive %s", short(arg), name)
		}
	}
	return ""
}

// splitList splits a list at its commas, but for those in quotes (RFC 9110
// §5.6.1, §5.6.4; no directive needs an escape in its quotes).
func splitList(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ',' && !quoted
	})
}

var slashValue = value[TrailingSlash]{
	schema: &schema{AnyOf: []*schema{{Enum: []any{"auto", "redirect", false}}, {Type: "string", Pattern: offPattern}}},
	read: func(d *decoder, at place) (TrailingSlash, bool) {
		if b, ok := parseBool(at.node); ok && !b {
			return SlashOff, true
		}
		return slashWords.read(d, at)
	},
}

var slashWords = oneOf([]string{"auto", "redirect", "off"}, []TrailingSlash{SlashAuto, SlashRedirect, SlashOff})

// rootOptions are the keys of a document root, for whatever S holds one.
func rootOptions[S any](dirDoc string, root func(*S) *Root) []key[S] {
	return []key[S]{
		member("dir", dirDoc, nil, folderValue, func(s *S) *string { return &root(s).Dir }).called("path", "folder", "directory"),
		member("index", "Names that answer for a folder, in order.", []string{"index.html"}, indexValue, func(s *S) *[]string { return &root(s).Index }),
		member("listing", "Shows what is in a folder without an index.", false, boolean, func(s *S) *bool { return &root(s).Listing }).called("autoindex", "browse", "list"),
		member("fallback", "A file that answers where a single-page app's own address is asked for.", nil, fallbackValue, func(s *S) *string { return &root(s).Fallback }).called("try_files", "spa"),
		member("hidden", "Serves names that begin with a dot, too (.well-known is always served).", false, boolean, func(s *S) *bool { return &root(s).Hidden }).called("dotfiles"),
		member("precompressed", "Uses file.br, file.zst and file.gz beside a file.", true, boolean, func(s *S) *bool { return &root(s).Precompressed }).called("gzip_static"),
		member("compress", "Makes compressed variants of text in the background.", true, boolean, func(s *S) *bool { return &root(s).Compress }).called("gzip", "encode"),
		member("cache", "Cache-Control by glob, first match; a glob without a slash is matched against the file's name.", nil, cacheValue, func(s *S) *[]CacheRule { return &root(s).Cache }).called("expires", "cache_control"),
		member("trailing_slash", "How a page is called: auto (/about answers with about.html), redirect (and /about.html is redirected to /about), off (by the file's own name only).", "auto", slashValue, func(s *S) *TrailingSlash { return &root(s).TrailingSlash }).called("clean_urls"),
	}
}

var rootKeys = mapping[Root]{what: "root", keys: rootOptions("The folder to serve.", func(r *Root) *Root { return r })}

// newRoot has the defaults that rootOptions states.
func newRoot() Root {
	return Root{Index: []string{"index.html"}, Precompressed: true, Compress: true}
}

var rootValue = value[*Root]{
	schema:  &schema{AnyOf: []*schema{folderValue.schema, rootKeys.object(&schema{Required: []string{"dir"}})}},
	options: rootKeys.names(),
	read: func(d *decoder, at place) (*Root, bool) {
		r := newRoot()
		return &r, readFolder(d, at, rootKeys, &r, &r.Dir)
	},
}

// readFolder reads the short form of root or sites, a folder, or the long one.
func readFolder[S any](d *decoder, at place, keys mapping[S], into *S, dir *string) bool {
	before := len(d.mistakes)
	switch {
	case at.node.Kind == yaml.MappingNode:
		if known, _ := keys.read(d, at, into); !has(known, "dir") && len(d.mistakes) == before {
			d.fail(at, "%s needs dir: the folder to serve", keys.what)
		}
	case at.node.Kind == yaml.ScalarNode && !isNull(at.node):
		*dir, _ = folderValue.read(d, at)
	default:
		d.want(at, "a folder's path, or {dir: …} with options")
	}
	return len(d.mistakes) == before
}

var domainValue = textOf("a host name such as example.com", &schema{Type: anyScalar, Pattern: "^" + hostPattern + "$"}, func(text string) string {
	if strings.HasPrefix(text, "*.") || strings.HasPrefix(text, ".") {
		return fmt.Sprintf("did you mean %q? each folder answers for its name before the domain", strings.TrimLeft(text, "*."))
	}
	return checkHost(text)
})

var sitesKeys = mapping[Sites]{what: "sites", keys: append(
	rootOptions("The folder of folders; each of them is a site.", func(s *Sites) *Root { return &s.Root }),
	member("domain", "The folder \"blog\" answers for blog.DOMAIN.", nil, domainValue, func(s *Sites) *string { return &s.Domain }).called("host", "suffix"),
	member("default", "The folder that answers for every other host; without it they get 421.", nil,
		textOf("a folder's name", &schema{Type: anyScalar, Pattern: "^" + namePattern + "$"}, checkFileName), func(s *Sites) *string { return &s.Default }).called("fallback_site"),
)}

var sitesValue = value[*Sites]{
	schema:  &schema{AnyOf: []*schema{folderValue.schema, sitesKeys.object(&schema{Required: []string{"dir"}})}},
	options: sitesKeys.names(),
	read: func(d *decoder, at place) (*Sites, bool) {
		s := &Sites{Root: newRoot()}
		ok := readFolder(d, at, sitesKeys, s, &s.Root.Dir)
		if ok && s.Default != "" {
			for _, p := range d.pairs(at) {
				if p.name == "default" {
					ok = d.folder(p.value, path.Join(s.Root.Dir, s.Default), "the default site")
				}
			}
		}
		s.Domain = strings.ToLower(strings.TrimSuffix(s.Domain, "."))
		return s, ok
	},
}
