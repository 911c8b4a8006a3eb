package site

// classes are the sizes of memory that Go's allocator hands out up to 32 KiB,
// found by asking it; beyond, it rounds up to whole pages. A body of 1,100 bytes
// takes 1,152 of them, one of 33,000 takes 40,960: a budget that counted what
// was asked for would be overdrawn by a tenth.
var classes = func() (found []int) {
	for n := 1; n <= classMost; {
		size := cap(append([]byte(nil), make([]byte, n)...))
		found = append(found, size)
		n = size + 1
	}
	return found
}()

const (
	classMost = 32 << 10
	// heapPage is the allocator's page, not the kernel's.
	heapPage = 8 << 10
)

// allocated gives how many bytes of memory a string of n bytes takes.
func allocated(n int64) int64 {
	if n > classMost {
		return (n + heapPage - 1) / heapPage * heapPage
	}
	low, high := 0, len(classes)
	for low < high {
		if mid := (low + high) / 2; int64(classes[mid]) < n {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if n == 0 || low == len(classes) {
		return n
	}
	return int64(classes[low])
}
