package routes

import (
	"fmt"
	"path/filepath"
	"strings"

	"monopoll/routes/config"
)

// describedRoutes is how many routes of a listener Describe names: what a
// terminal shows of several listeners at once.
const describedRoutes = 12

// Describe says for a person what the table serves and where: a line for each
// listener, with a URL to click, and one for each route of it.
func (t *Table) Describe() []string {
	var out []string
	for i, l := range t.Listeners {
		urls := make([]string, len(l.Addresses))
		for k, a := range l.Addresses {
			urls[k] = config.URL(a)
		}
		head := strings.Join(urls, " ")
		routes := l.router.routes
		switch {
		case l.Echo:
			out = append(out, head+"  echo")
		case t.Config.Listeners[i].Action.Kind != 0:
			out = append(out, head+"  "+t.describeRoute(i, 0))
		default:
			out = append(out, head)
			for k, r := range routes {
				if k == describedRoutes {
					out = append(out, fmt.Sprintf("  … and %d routes more", len(routes)-k))
					break
				}
				out = append(out, fmt.Sprintf("  %s  %s", r.pattern.text, t.describeRoute(i, k)))
			}
		}
	}
	return out
}

// describeRoute says what a route of a listener does.
func (t *Table) describeRoute(listener, at int) string {
	from := &t.Config.Listeners[listener]
	act := &from.Action
	if act.Kind == 0 {
		act = &from.Routes[at].Action
	}
	r := t.Listeners[listener].router.routes[at]
	switch act.Kind {
	case config.KindRoot:
		return fmt.Sprintf("root %s (%s)", t.shorten(act.Root.Dir), t.describeTree(r.tree))
	case config.KindSites:
		return fmt.Sprintf("sites %s (%s)", t.shorten(act.Sites.Root.Dir), t.describeTree(r.tree))
	case config.KindRespond:
		return fmt.Sprintf("respond %d (%s)", r.status, bytesText(int64(len(act.Respond.Body))))
	case config.KindRedirect:
		return fmt.Sprintf("redirect %d %s", act.Redirect.Status, act.Redirect.To)
	}
	return "echo of the request"
}

func (t *Table) describeTree(i int) string {
	tree := t.sites[i]
	noun := "files"
	if tree.Files() == 1 {
		noun = "file"
	}
	return fmt.Sprintf("%d %s, %s", tree.Files(), noun, bytesText(tree.Bytes()))
}

// shorten gives a path as the config's folder sees it, if it is below it.
func (t *Table) shorten(path string) string {
	rel, err := filepath.Rel(t.Config.Dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return path
	}
	return rel
}

// bytesText gives a number of bytes as a person would say it.
func bytesText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	size, units := float64(n), "kMGTPE"
	for size >= 999.95 && len(units) > 0 {
		size /= 1000
		if size < 999.95 || len(units) == 1 {
			break
		}
		units = units[1:]
	}
	return fmt.Sprintf("%.1f %cB", size, units[0])
}
