// MD5 (RFC 1321) and SHA-256 (FIPS 180-4) of bytes that pass by. The browser's own crypto.subtle takes a file only whole,
// in memory, and knows no MD5, which object stores check an upload by.
"use strict";

const hashes = (() => {
  const sines = Int32Array.from({length: 64}, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 4294967296) | 0);
  const shifts = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

  function primes(count) {
    const found = [];
    for (let n = 2; found.length < count; n += 1) if (found.every(prime => n % prime)) found.push(n);
    return found;
  }

  const fraction = (number, power) => ((number ** power % 1) * 4294967296) | 0;
  const constants = Int32Array.from(primes(64), prime => fraction(prime, 1 / 3));
  const start = Int32Array.from(primes(8), prime => fraction(prime, 1 / 2));

  class Md5 {
    constructor() { this.state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476); }

    block(view, at) {
      const words = this.words || (this.words = new Int32Array(16));
      for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(at + 4 * i, true);
      let [a, b, c, d] = this.state;
      for (let i = 0; i < 64; i += 1) {
        let mix, from;
        if (i < 16) { mix = (b & c) | (~b & d); from = i; }
        else if (i < 32) { mix = (d & b) | (~d & c); from = (5 * i + 1) & 15; }
        else if (i < 48) { mix = b ^ c ^ d; from = (3 * i + 5) & 15; }
        else { mix = c ^ (b | ~d); from = (7 * i) & 15; }
        const sum = (a + mix + sines[i] + words[from]) | 0, by = shifts[(i >> 4) * 4 + (i & 3)];
        a = d; d = c; c = b;
        b = (b + ((sum << by) | (sum >>> (32 - by)))) | 0;
      }
      const state = this.state;
      state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    }
  }
  Md5.prototype.little = true;

  class Sha256 {
    constructor() { this.state = start.slice(); }

    block(view, at) {
      const words = this.words || (this.words = new Int32Array(64));
      for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(at + 4 * i, false);
      for (let i = 16; i < 64; i += 1) {
        const x = words[i - 15], y = words[i - 2];
        const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        words[i] = (words[i - 16] + low + words[i - 7] + high) | 0;
      }
      let [a, b, c, d, e, f, g, h] = this.state;
      for (let i = 0; i < 64; i += 1) {
        const big = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const first = (h + big + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
        const small = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const second = (small + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + first) | 0;
        d = c; c = b; b = a; a = (first + second) | 0;
      }
      const state = this.state;
      state[0] += a; state[1] += b; state[2] += c; state[3] += d;
      state[4] += e; state[5] += f; state[6] += g; state[7] += h;
    }
  }
  Sha256.prototype.little = false;

  // Cuts what comes into the algorithm's blocks of 64 bytes.
  class Hash {
    constructor(algorithm) {
      this.algorithm = algorithm;
      this.rest = new Uint8Array(64);
      this.filled = 0;
      this.length = 0;
    }

    update(bytes) {
      this.length += bytes.length;
      let at = 0;
      if (this.filled) {
        at = Math.min(64 - this.filled, bytes.length);
        this.rest.set(bytes.subarray(0, at), this.filled);
        this.filled += at;
        if (this.filled < 64) return this;
        this.algorithm.block(new DataView(this.rest.buffer), 0);
        this.filled = 0;
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (; at + 64 <= bytes.length; at += 64) this.algorithm.block(view, at);
      this.rest.set(bytes.subarray(at));
      this.filled = bytes.length - at;
      return this;
    }

    digest() {
      const length = this.length, little = this.algorithm.little;
      const end = new Uint8Array((this.filled < 56 ? 64 : 128) - this.filled);
      end[0] = 0x80;
      const view = new DataView(end.buffer), low = (length * 8) >>> 0, high = Math.floor(length / 536870912);
      view.setUint32(end.length - 8, little ? low : high, little);
      view.setUint32(end.length - 4, little ? high : low, little);
      this.update(end);
      const out = new DataView(new ArrayBuffer(4 * this.algorithm.state.length));
      this.algorithm.state.forEach((word, index) => out.setInt32(4 * index, word, little));
      return new Uint8Array(out.buffer);
    }
  }

  return {
    md5: () => new Hash(new Md5()),
    sha256: () => new Hash(new Sha256()),
    hex: bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join(""),
    base64: bytes => btoa(String.fromCharCode(...bytes)),
  };
})();
