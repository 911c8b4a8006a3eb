package routes

import (
	"fmt"
	"strings"

	"monopoll/routes/config"
)

// Patterns are read here and the file is read there: so that whoever has mistakes
// of both kinds is told them at once, config asks this package about a file that
// it refuses. A file that it takes comes to Build, which says the same.
func init() { config.PatternMistakes = patternMistakes }

// patternMistakes finds what is wrong with the patterns of a config that may
// have mistakes of its own, so that its actions are not to be used: no document
// root is read.
func patternMistakes(cfg *config.Config) config.Mistakes {
	b := &builder{
		table:  &Table{Config: cfg},
		placed: make(map[rootKey]int),
	}
	for i := range cfg.Listeners {
		l := &config.Listener{}
		for _, r := range cfg.Listeners[i].Routes {
			if strings.TrimSpace(r.Pattern) != "" { // else config has told
				l.Routes = append(l.Routes, config.Route{Pos: r.Pos, Pattern: r.Pattern, Action: bare(&r.Action)})
			}
		}
		b.listener(l, fmt.Sprintf("listeners[%d]", i))
	}
	return b.mistakes
}

// bare gives as much of an action as a pattern can be at odds with: that it
// serves files.
func bare(a *config.Action) config.Action {
	switch a.Kind {
	case config.KindRoot:
		return config.Action{Pos: a.Pos, Kind: a.Kind, Root: &config.Root{}}
	case config.KindSites:
		return config.Action{Pos: a.Pos, Kind: a.Kind, Sites: &config.Sites{}}
	}
	return config.Action{Pos: a.Pos, Kind: config.KindEcho}
}
