package site

// LeftOut says why a name of a directory is not served although it is there, or
// why it is not served as its owner may think, in words that follow the name;
// "" where there is nothing to say.
func (d *Dir) LeftOut(name string) string {
	for _, o := range d.odd() {
		if o.name == name {
			return o.text
		}
	}
	return ""
}

// Of says that the work is about this file, or about one with the same content.
func (w Work) Of(f *File) bool { return w.file.ETag() == f.ETag() }
