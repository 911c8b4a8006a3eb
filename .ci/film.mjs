// A film for the browser to seek in, without an encoder at hand: a WebM file
// (a subset of Matroska, RFC 9559) of one VP8 key frame a second. The browser
// makes the frames itself, since a lossy WebP image is one such frame (RFC
// 9649 §2.5). Padding makes the file too large to be fetched whole for its
// beginning, so that a seek has to ask for a range.

// Identifiers of elements, RFC 9559 §5.1.
const id = {
  ebml: "1a45dfa3", version: "4286", readVersion: "42f7", maxIdLength: "42f2", maxSizeLength: "42f3",
  docType: "4282", docTypeVersion: "4287", docTypeReadVersion: "4285", padding: "ec",
  segment: "18538067", info: "1549a966", timestampScale: "2ad7b1", duration: "4489", muxer: "4d80", writer: "5741",
  tracks: "1654ae6b", track: "ae", trackNumber: "d7", trackUid: "73c5", trackType: "83", lacing: "9c", codec: "86",
  video: "e0", width: "b0", height: "ba",
  cues: "1c53bb6b", cue: "bb", cueTime: "b3", cuePlace: "b7", cueTrack: "f7", cueOffset: "f1",
  cluster: "1f43b675", timestamp: "e7", block: "a3",
};

// element encodes one element: its identifier, its length in the longest form
// (so that the lengths of all are known before their values), and its content.
function element(name, ...content) {
  const body = Buffer.concat(content.map(bytes));
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE((1n << 56n) | BigInt(body.length));
  return Buffer.concat([Buffer.from(id[name], "hex"), head, body]);
}

function bytes(value) {
  if (typeof value === "string") return Buffer.from(value);
  if (typeof value !== "number") return value;
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(value));
  return number;
}

// film joins frames, one a second, with so many bytes of padding after each.
export function film(frames, width, height, padding) {
  const duration = Buffer.alloc(8);
  duration.writeDoubleBE(frames.length * 1000);
  const head = element("ebml",
    element("version", 1), element("readVersion", 1), element("maxIdLength", 4), element("maxSizeLength", 8),
    element("docType", "webm"), element("docTypeVersion", 2), element("docTypeReadVersion", 2));
  const about = Buffer.concat([
    element("info", element("timestampScale", 1_000_000), element("duration", duration),
      element("muxer", "film.mjs"), element("writer", "film.mjs")),
    element("tracks", element("track", element("trackNumber", 1), element("trackUid", 1), element("trackType", 1),
      element("lacing", 0), element("codec", "V_VP8"), element("video", element("width", width), element("height", height)))),
  ]);
  const clusters = frames.map((frame, second) => Buffer.concat([
    element("cluster", element("timestamp", second * 1000),
      element("block", Buffer.from([0x81, 0, 0, 0x80]), frame)), // track 1, 0 ms into the cluster, a key frame
    element("padding", Buffer.alloc(padding)),
  ]));
  // Offsets count from the content of the segment. The index is as long with
  // any offset, so a first one with zeros tells where the clusters begin.
  const index = (start) => {
    let at = start;
    return element("cues", ...clusters.map((cluster, second) => {
      const cue = element("cue", element("cueTime", second * 1000),
        element("cuePlace", element("cueTrack", 1), element("cueOffset", at)));
      at += cluster.length;
      return cue;
    }));
  };
  const start = about.length + index(0).length;
  return Buffer.concat([head, element("segment", about, index(start), ...clusters)]);
}

// frame takes the VP8 frame out of a lossy WebP image without transparency.
export function frame(webp) {
  for (let at = 12; at + 8 <= webp.length;) {
    const length = webp.readUInt32LE(at + 4);
    if (webp.toString("latin1", at, at + 4) === "VP8 ") return webp.subarray(at + 8, at + 8 + length);
    at += 8 + length + length % 2;
  }
  throw new Error("this image is not a lossy WebP");
}
