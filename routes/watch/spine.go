package watch

import "monopoll/routes/site"

// spine gives every name whose change may change what path leads to.
func spine(path string) (names []name) {
	way, _, _ := site.Way(path, nil)
	for _, a := range way {
		names = append(names, name{a.Dir, a.Name})
	}
	return names
}
