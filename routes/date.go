package routes

// Dates of HTTP (RFC 9110 §5.6.7), read and written by hand: package time
// allocates for its layouts, and takes more than the three formats.

const (
	dayNames   = "SunMonTueWedThuFriSat"
	longNames  = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday "
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"

	secondsPerDay = 24 * 60 * 60
	dateLen       = len("Sun, 06 Nov 1994 08:49:37 GMT")
)

// parseDate reads an HTTP-date in any of its three formats and gives seconds
// since 1970. now decides the century of the two-digit year of RFC 850: a date
// more than 50 years ahead is one of the past.
//
// The day of the week must be one, but need not be right: it says nothing that
// the date does not, and other servers let it pass.
func parseDate(b []byte, now int64) (unix int64, ok bool) {
	switch {
	case len(b) == dateLen && b[3] == ',':
		return parseFixdate(b)
	case len(b) == len("Sun Nov  6 08:49:37 1994"):
		return parseAsctime(b)
	}
	return parseRFC850(b, now)
}

// parseFixdate reads "Sun, 06 Nov 1994 08:49:37 GMT", the format of today.
func parseFixdate(b []byte) (int64, bool) {
	if b[4] != ' ' || b[7] != ' ' || b[11] != ' ' || b[16] != ' ' || string(b[25:]) != " GMT" {
		return 0, false
	}
	return unixDate(
		name(dayNames, b[:3]), number(b[12:16]), name(monthNames, b[8:11]), number(b[5:7]), clock(b[17:25]))
}

// parseAsctime reads "Sun Nov  6 08:49:37 1994", C's asctime.
func parseAsctime(b []byte) (int64, bool) {
	if b[3] != ' ' || b[7] != ' ' || b[10] != ' ' || b[19] != ' ' {
		return 0, false
	}
	day := b[8:10]
	if day[0] == ' ' {
		day = day[1:]
	}
	return unixDate(
		name(dayNames, b[:3]), number(b[20:]), name(monthNames, b[4:7]), number(day), clock(b[11:19]))
}

// parseRFC850 reads "Sunday, 06-Nov-94 08:49:37 GMT".
func parseRFC850(b []byte, now int64) (int64, bool) {
	i := 0
	for i < len(b) && b[i] != ',' {
		i++
	}
	if len(b)-i != len(", 06-Nov-94 08:49:37 GMT") {
		return 0, false
	}
	weekday := longName(b[:i])
	b = b[i:]
	if b[1] != ' ' || b[4] != '-' || b[8] != '-' || b[11] != ' ' || string(b[20:]) != " GMT" {
		return 0, false
	}
	short := number(b[9:11])
	if short < 0 {
		return 0, false
	}
	thisYear, thisMonth, today := civil(floorDiv(now, secondsPerDay))
	year := thisYear - thisYear%100 + short
	month, day, seconds := name(monthNames, b[5:8]), number(b[2:4]), clock(b[12:20])
	unix, ok := unixDate(weekday, year, month, day, seconds)
	if !ok || unix >= days(thisYear+50, thisMonth, today+1)*secondsPerDay {
		return unixDate(weekday, year-100, month, day, seconds)
	}
	return unix, true
}

// name finds a name of three letters in names, from 0; -1 if it is not there.
func name(names string, b []byte) int {
	for i := 0; i < len(names); i += 3 {
		if names[i] == b[0] && names[i+1] == b[1] && names[i+2] == b[2] {
			return i / 3
		}
	}
	return -1
}

// longName finds a day's full name; -1 if it is none.
func longName(b []byte) int {
	day := 0
	for from, i := 0, 0; i < len(longNames); i++ {
		if longNames[i] == ' ' {
			if longNames[from:i] == string(b) {
				return day
			}
			from = i + 1
			day++
		}
	}
	return -1
}

// number reads decimal digits; -1 if there is anything else.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// clock reads "08:49:37" as seconds of the day; -1 if it is none. A leap second
// is the first of the next minute.
func clock(b []byte) int {
	h, m, s := number(b[0:2]), number(b[3:5]), number(b[6:8])
	if h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 || b[2] != ':' || b[5] != ':' {
		return -1
	}
	return h*3600 + m*60 + s
}

// unixDate puts a date together; false if a part of it was none.
func unixDate(weekday, year, month, day, seconds int) (int64, bool) {
	if weekday < 0 || year < 0 || month < 0 || day < 1 || seconds < 0 || day > monthLength(year, month+1) {
		return 0, false
	}
	return days(year, month+1, day)*secondsPerDay + int64(seconds), true
}

func monthLength(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// days counts the days from 1970-01-01 to a date of the proleptic Gregorian
// calendar. Years begin in March here, so that the leap day is the last one.
func days(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv(int64(year), 400)
	yearOfEra := int64(year) - era*400
	dayOfYear := int64(153*(month-3)+2)/5 + int64(day) - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

// civil is the inverse of days.
func civil(n int64) (year, month, day int) {
	n += 719468
	era := floorDiv(n, 146097)
	dayOfEra := n - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	shifted := (5*dayOfYear + 2) / 153
	day = int(dayOfYear - (153*shifted+2)/5 + 1)
	month = int(shifted) + 3
	year = int(yearOfEra + era*400)
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
