package config

import "strings"

// nearest finds the name that word was most likely meant as: the one with the
// fewest slips between them, at most one for three letters. "" for none.
func nearest(word string, names []string) string {
	word = strings.ToLower(word)
	if len(word) > 40 { // no name of the grammar is near half as long
		return ""
	}
	best, least := "", max(1, len(word)/3)+1
	for _, name := range names {
		if n := slips(word, strings.ToLower(name)); n < least {
			best, least = name, n
		}
	}
	return best
}

// slips counts the letters to insert, drop, change or swap with their neighbour
// to get from a to b (optimal string alignment distance).
func slips(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}

// Nearest finds the name that word was most likely meant as, "" for none: for
// those who say "did you mean" of other things than keys.
func Nearest(word string, names []string) string { return nearest(word, names) }
