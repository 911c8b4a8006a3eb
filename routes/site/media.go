package site

import "strings"

// mediaTypes gives the media type of a file by the last extension of its name,
// in lower case. The types are those of the IANA registry; the table is fixed,
// so that a site has the same types on every machine.
var mediaTypes = map[string]string{
	// text
	"htm": "text/html", "html": "text/html", "shtml": "text/html",
	"css": "text/css", "csv": "text/csv", "tsv": "text/tab-separated-values",
	"txt": "text/plain", "text": "text/plain", "log": "text/plain", "conf": "text/plain", "ini": "text/plain",
	"diff": "text/plain", "patch": "text/plain", "asc": "text/plain", "sum": "text/plain",
	"c": "text/plain", "h": "text/plain", "go": "text/plain", "rs": "text/plain", "py": "text/plain",
	"java": "text/plain", "sh": "text/plain",
	"md": "text/markdown", "markdown": "text/markdown",
	"js": "text/javascript", "mjs": "text/javascript", "cjs": "text/javascript",
	"vtt": "text/vtt", "ics": "text/calendar", "ifb": "text/calendar", "vcf": "text/vcard", "vcard": "text/vcard",
	"rtx": "text/richtext", "sgml": "text/SGML", "n3": "text/n3", "ttl": "text/turtle",
	// data
	"json": "application/json", "map": "application/json", "jsonld": "application/ld+json",
	"json5": "application/json5", "geojson": "application/geo+json", "topojson": "application/json",
	"ndjson": "application/x-ndjson", "webmanifest": "application/manifest+json",
	"har": "application/json", "gltf": "model/gltf+json",
	"xml": "application/xml", "xsl": "application/xml", "xsd": "application/xml", "dtd": "application/xml-dtd",
	"xslt": "application/xslt+xml", "xhtml": "application/xhtml+xml", "xht": "application/xhtml+xml",
	"atom": "application/atom+xml", "rss": "application/rss+xml", "rdf": "application/rdf+xml",
	"opml": "text/x-opml", "kml": "application/vnd.google-earth.kml+xml", "gpx": "application/gpx+xml",
	"mathml": "application/mathml+xml", "wsdl": "application/wsdl+xml", "xspf": "application/xspf+xml",
	"m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml", "smil": "application/smil+xml",
	"yaml": "application/yaml", "yml": "application/yaml", "toml": "application/toml",
	"sql": "application/sql", "graphql": "application/graphql", "wasm": "application/wasm",
	"cbor": "application/cbor", "rtf": "application/rtf", "tex": "application/x-tex",
	// pictures
	"svg": "image/svg+xml", "png": "image/png", "apng": "image/apng", "gif": "image/gif",
	"jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg",
	"jxl": "image/jxl", "jp2": "image/jp2", "webp": "image/webp", "avif": "image/avif", "avifs": "image/avif",
	"heic": "image/heic", "heif": "image/heif", "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff",
	"ico": "image/vnd.microsoft.icon", "cur": "image/vnd.microsoft.icon", "ktx": "image/ktx", "ktx2": "image/ktx2",
	"psd": "image/vnd.adobe.photoshop", "wmf": "image/wmf", "emf": "image/emf", "djvu": "image/vnd.djvu",
	// fonts
	"woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "ttc": "font/collection",
	"eot": "application/vnd.ms-fontobject",
	// sound and film
	"mp3": "audio/mpeg", "m4a": "audio/mp4", "m4b": "audio/mp4", "aac": "audio/aac", "oga": "audio/ogg",
	"ogg": "audio/ogg", "opus": "audio/ogg", "spx": "audio/ogg", "flac": "audio/flac", "wav": "audio/wav",
	"weba": "audio/webm", "mid": "audio/midi", "midi": "audio/midi", "mka": "audio/matroska",
	"aif": "audio/aiff", "aiff": "audio/aiff", "m3u": "audio/mpegurl", "amr": "audio/AMR",
	"mp4": "video/mp4", "m4v": "video/mp4", "m4s": "video/iso.segment", "webm": "video/webm", "ogv": "video/ogg",
	"mov": "video/quicktime", "qt": "video/quicktime", "mkv": "video/matroska", "avi": "video/vnd.avi",
	"mpg": "video/mpeg", "mpeg": "video/mpeg", "ts": "video/mp2t", "3gp": "video/3gpp", "3g2": "video/3gpp2",
	"wmv": "video/x-ms-wmv", "flv": "video/x-flv",
	// documents
	"pdf": "application/pdf", "ps": "application/postscript", "eps": "application/postscript", "epub": "application/epub+zip",
	"doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"odt":  "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
	"odp": "application/vnd.oasis.opendocument.presentation", "odg": "application/vnd.oasis.opendocument.graphics",
	"mobi": "application/vnd.amazon.mobi8-ebook", "azw": "application/vnd.amazon.ebook",
	"glb": "model/gltf-binary", "stl": "model/stl", "obj": "model/obj", "mtl": "model/mtl", "3mf": "model/3mf",
	"usdz": "model/vnd.usdz+zip",
	// archives and programs
	"zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "zst": "application/zstd",
	"tar": "application/x-tar", "bz2": "application/x-bzip2", "xz": "application/x-xz", "7z": "application/x-7z-compressed",
	"rar": "application/vnd.rar", "jar": "application/java-archive", "deb": "application/vnd.debian.binary-package",
	"rpm": "application/x-rpm", "apk": "application/vnd.android.package-archive", "iso": "application/x-iso9660-image",
	"dmg": "application/x-apple-diskimage", "torrent": "application/x-bittorrent", "swf": "application/vnd.adobe.flash.movie",
	"sqlite": "application/vnd.sqlite3", "db": "application/vnd.sqlite3", "parquet": "application/vnd.apache.parquet",
	"pem": "application/x-pem-file", "crt": "application/pkix-cert", "cer": "application/pkix-cert",
	"p7s": "application/pkcs7-signature", "sig": "application/pgp-signature", "eml": "message/rfc822",
}

const (
	octetStream = "application/octet-stream"
	// longestExt bounds the extension that is looked for.
	longestExt = 16
)

// withCharset are the types outside text/* that are UTF-8 and say so: JSON and
// JavaScript by definition, XML so that no byte order mark or declaration is
// needed, playlists and the rest because their readers guess otherwise.
var withCharset = map[string]bool{
	"application/json": true, "application/ld+json": true, "application/json5": true, "application/geo+json": true,
	"application/x-ndjson": true, "application/manifest+json": true, "model/gltf+json": true,
	"application/xml": true, "application/xml-dtd": true, "application/yaml": true, "application/toml": true,
	"application/sql": true, "application/graphql": true, "application/vnd.apple.mpegurl": true, "audio/mpegurl": true,
}

// plainTexts are types that compress well although their name does not say text.
var plainTexts = map[string]bool{
	"application/wasm": true, "application/rtf": true, "application/x-tex": true, "application/postscript": true,
	"image/vnd.microsoft.icon": true, "image/bmp": true, "font/ttf": true, "font/otf": true, "font/collection": true,
	"application/vnd.ms-fontobject": true, "model/obj": true, "model/mtl": true, "model/stl": true, "model/gltf-binary": true,
	"application/vnd.sqlite3": true, "application/x-pem-file": true, "message/rfc822": true, "application/x-tar": true,
}

// full holds the media types with their charset, so that naming the type of a
// file makes no new string.
var full = func() map[string]string {
	m := make(map[string]string, len(mediaTypes))
	for ext, typ := range mediaTypes {
		if strings.HasPrefix(typ, "text/") || strings.HasSuffix(typ, "+xml") || withCharset[typ] {
			typ += "; charset=utf-8"
		}
		m[ext] = typ
	}
	return m
}()

// MediaType gives the Content-Type of a file by its name, with the charset
// where there is one: application/octet-stream where the extension is not
// known. Case does not matter.
func MediaType(name string) string {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot-1 > longestExt {
		return octetStream
	}
	var low [longestExt]byte
	n := copy(low[:], name[dot+1:])
	for i, c := range low[:n] {
		if c >= 'A' && c <= 'Z' {
			low[i] = c | 0x20
		}
	}
	if typ, ok := full[string(low[:n])]; ok {
		return typ
	}
	return octetStream
}

// compressible says that bodies of a type are worth a compressor's time.
func compressible(typ string) bool {
	bare, _, _ := strings.Cut(typ, ";")
	return strings.HasPrefix(bare, "text/") || strings.HasSuffix(bare, "+xml") || strings.HasSuffix(bare, "+json") ||
		withCharset[bare] || plainTexts[bare]
}
