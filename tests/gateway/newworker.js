// Runs what the page "New dataset" runs in its worker: files on standard input, what it says of each on standard output.
"use strict";

const fs = require("fs");
const [hash, worker] = process.argv.slice(2).map(path => fs.readFileSync(path, "utf8"));
const {Table, hashes} = new Function("self", `${hash}\n${worker}\nreturn {Table, hashes};`)({});

function told(bytes, piece) {
  const table = new Table();
  for (let at = 0; at < bytes.length; at += piece) table.write(bytes.subarray(at, at + piece), at, at + piece >= bytes.length);
  return table.told();
}

function digest(algorithm, bytes, piece) {
  const hash = hashes[algorithm]();
  for (let at = 0; at < bytes.length; at += piece) hash.update(bytes.subarray(at, at + piece));
  return hashes.hex(hash.digest());
}

const files = JSON.parse(fs.readFileSync(0, "utf8")).map(text => new Uint8Array(Buffer.from(text, "base64")));
const answers = files.map(bytes => ({
  table: told(bytes, bytes.length || 1),
  pieces: told(bytes, 70_000),
  hashes: [1, 63, 64, 1000].map(piece => [digest("md5", bytes, piece), digest("sha256", bytes, piece)]),
}));
process.stdout.write(JSON.stringify(answers));
