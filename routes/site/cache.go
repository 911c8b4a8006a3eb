package site

import (
	"path"
	"strings"
)

// The Cache-Control of files that no rule of the config matches (RFC 9111
// §5.2.2, RFC 5861 §3, RFC 8246).
const (
	// cachePage: a page is asked for again each time, and answered with a cheap
	// 304: it names all the rest.
	cachePage = "no-cache"
	// cacheHashed: a name that changes with its content never needs asking.
	cacheHashed = "public, max-age=31536000, immutable"
	// cacheRest: an image or a style sheet may be a minute old, and for ten
	// more be shown while it is asked for.
	cacheRest = "max-age=60, stale-while-revalidate=600"
)

// cacheControl finds the Cache-Control of the file at dir/name in its root.
func (o *Options) cacheControl(dir, name, typ string) string {
	for _, rule := range o.Cache {
		subject := name
		if strings.Contains(rule.Glob, "/") {
			subject = join(dir, name)
		}
		// the config has checked the glob; a bad one matches nothing
		if ok, _ := path.Match(strings.TrimPrefix(rule.Glob, "/"), subject); ok {
			return rule.Value
		}
	}
	switch {
	case isPage(typ):
		return cachePage
	case isHashed(name):
		return cacheHashed
	}
	return cacheRest
}

func isPage(typ string) bool {
	return strings.HasPrefix(typ, "text/html") || strings.HasPrefix(typ, "application/xhtml+xml")
}

// minHash is how long the shortest hash in a name is; esbuild writes 8 characters.
const minHash = 8

// isHashed knows the names that bundlers give: name.<hash>.ext and
// name-<hash>.ext. A name wrongly taken for one is not asked for again for a
// year, so what could be a word, a date or a number is none.
func isHashed(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || dot == len(name)-1 {
		return false
	}
	stem := name[:dot]
	// app.3f2a9bc1.js.map and app.3f2a9bc1.min.css have theirs further left
	for range 2 {
		cut := strings.LastIndexAny(stem, ".-")
		if cut <= 0 {
			return false
		}
		if looksHashed(stem[cut+1:]) {
			return true
		}
		if stem[cut] != '.' {
			return false
		}
		stem = stem[:cut]
	}
	return false
}

// looksHashed says that s is 8 or more hex digits or characters of base32 (RFC
// 4648 §6), of one case, and no word: it has letters and digits. Lower-case
// base32 must change between the two three times, since "product2" is a word.
func looksHashed(s string) bool {
	if len(s) < minHash {
		return false
	}
	var lower, upper, digit, notHex, notBase32, turns int
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			digit++
			if c < '2' || c > '7' {
				notBase32++
			}
		case c >= 'a' && c <= 'z':
			lower++
		case c >= 'A' && c <= 'Z':
			upper++
		default:
			return false
		}
		if low := c | 0x20; low > 'f' && low <= 'z' {
			notHex++
		}
		if i > 0 && (c <= '9') != (s[i-1] <= '9') {
			turns++
		}
	}
	if digit == 0 || digit == len(s) || lower > 0 && upper > 0 {
		return false
	}
	if notHex == 0 {
		return true
	}
	return notBase32 == 0 && (upper > 0 || turns >= 3)
}
