// Reads one file to its end, in pieces: its hashes, and of a table the types of its columns and what is wrong with it.
// The types are chosen by the rules of the server (tabular/inference.py), the findings named by its words.
"use strict";

const PART = 8 * 1024 * 1024;
const WHOLE = 2 * PART; // bytes up to which a file goes in one form
const EXAMPLES = 5;
const DELIMITERS = [",", ";", "\t", "|"];
const MAYBE = /^[-0-9tfTF]/;
const MOMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})?$/;
const SPACED = /^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$/;
const YEAR_NAME = /(?:^|[^a-z])(?:year|yr|jahr|année|annee|año|anno|год)(?:$|[^a-z])/i;

function isDay(text) {
  const [year, month, day] = text.split("-").map(Number);
  return year > 0 && month > 0 && month < 13 && day > 0 && day <= new Date(Date.UTC(2000 + year % 400, month, 0)).getUTCDate();
}

function isClock(text) {
  const [hour, minute, second] = text.split(":").map(Number);
  return hour < 24 && minute < 60 && second < 60;
}

// As Python reads one, by which the server goes: a zone is less than a day away, its minutes may be more than an hour's.
function isMoment(text) {
  const zone = /[+-]([0-9]{2}):([0-9]{2})$/.exec(text.slice(19));
  return isDay(text.slice(0, 10)) && isClock(text.slice(11, 19)) && (!zone || zone[1] * 60 + Number(zone[2]) < 1440);
}

// `long`: how many characters such a value has, so that most cells need no pattern.
const KINDS = [
  {type: "year", long: [4, 4], test: text => /^[12][0-9]{3}$/.test(text)},
  {type: "integer", long: [1, 19], test: text => /^-?(?:0|[1-9][0-9]{0,17})$/.test(text)},
  {type: "number", long: [1, 55], test: text => /^-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?$/.test(text)},
  {type: "boolean", long: [4, 5], test: text => /^(?:true|false|True|False|TRUE|FALSE)$/.test(text)},
  {type: "date", long: [10, 10], test: text => /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) && isDay(text)},
  {type: "datetime", long: [19, 32], test: text => MOMENT.test(text) && isMoment(text)},
  {type: "datetime", format: "%Y-%m-%d %H:%M:%S", long: [19, 19], test: text => SPACED.test(text) && isMoment(text)},
  {type: "time", long: [8, 8], test: text => /^(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$/.test(text)},
];

class Column {
  constructor(name) {
    this.name = name;
    this.kinds = KINDS.map(({long, test}) => ({least: long[0], most: long[1], test, passed: false, failed: null}));
    this.undecided = this.kinds; // what both passed and failed needs no more looking at
  }

  add(row, cell) {
    const length = cell.length;
    if (length === 0) return;
    const maybe = MAYBE.test(cell);
    let decided = false;
    for (const kind of this.undecided) {
      if (maybe && length >= kind.least && length <= kind.most && kind.test(cell)) kind.passed = true;
      else if (kind.failed === null) kind.failed = {row, cell: cell.slice(0, 60)};
      decided ||= kind.passed && kind.failed !== null;
    }
    if (decided) this.undecided = this.undecided.filter(kind => !(kind.passed && kind.failed));
  }

  // The field's descriptor, the first value against each type, and why it is text though it looks like something else.
  told() {
    const open = KINDS.map((kind, index) => ({kind, ...this.kinds[index]}))
      .filter(({kind}) => kind.type !== "year" || YEAR_NAME.test(this.name));
    const fitting = open.find(({passed, failed}) => passed && !failed);
    const {type, format} = fitting ? fitting.kind : {type: "string"};
    const against = {};
    for (const {kind, failed} of open) if (failed && !(kind.type in against)) against[kind.type] = failed;
    for (const {kind, failed} of open) if (!failed) against[kind.type] = null;
    const mixed = fitting ? [] : open.filter(({passed, failed}) => passed && failed);
    const last = mixed.reduce((most, each) => (!most || each.failed.row > most.failed.row ? each : most), null);
    const blank = !this.kinds.some(({passed, failed}) => passed || failed);
    return {name: this.name, type, ...(format ? {format} : {}), against,
      why: blank ? "no value in any row" : last ? `not ${last.kind.type}: row ${last.failed.row} has “${last.failed.cell}”` : ""};
  }
}

// Records of a delimited text (RFC 4180), which may come in pieces that end anywhere.
class Records {
  constructor(delimiter, take) {
    this.delimiter = delimiter;
    this.take = take;
    this.cells = [];
    this.cell = "";
    this.quoted = this.closing = this.returned = this.begun = false;
  }

  write(text) {
    const delimiter = this.delimiter.charCodeAt(0);
    let from = 0;
    for (let i = 0; i < text.length; i += 1) {
      if (this.quoted) {
        i = text.indexOf('"', i);
        if (i < 0) break;
        this.cell += text.slice(from, i);
        from = i + 1;
        this.quoted = false;
        this.closing = true;
        continue;
      }
      const code = text.charCodeAt(i);
      if (code === delimiter) {
        this.end(text.slice(from, i));
        this.begun = true;
        from = i + 1;
      } else if (code === 10 || code === 13) {
        if (!(code === 10 && this.returned && from === i)) this.close(text.slice(from, i));
        from = i + 1;
      } else if (code === 34 && this.closing && from === i) {
        this.quoted = true; // a quote that was doubled
        this.closing = false;
      } else if (code === 34 && this.cell === "" && from === i) {
        from = i + 1;
        this.quoted = this.begun = true;
      } else {
        this.closing = false;
      }
      this.returned = code === 13;
    }
    this.cell += text.slice(from);
  }

  end(rest) {
    this.cells.push(this.cell + rest);
    this.cell = "";
    this.closing = false;
  }

  close(rest) {
    this.end(rest);
    const cells = this.cells;
    this.cells = [];
    this.begun = false;
    this.take(cells);
  }

  finish() {
    if (this.cell !== "" || this.cells.length || this.begun || this.quoted) this.close("");
  }
}

function delimiterOf(text) {
  const tried = DELIMITERS.map(delimiter => {
    const rows = [];
    new Records(delimiter, cells => { if (rows.length < 50) rows.push(cells.length); }).write(text);
    const width = rows[0] || 1;
    return {delimiter, score: width > 1 ? rows.filter(count => count === width).length / rows.length + width / 1e6 : 0};
  });
  return tried.reduce((best, each) => (each.score > best.score ? each : best)).delimiter;
}

class Table {
  constructor() {
    this.decoder = new TextDecoder("utf-8", {fatal: true});
    this.findings = new Map();
    this.rows = 0; // records, the header's among them
    this.columns = null;
    this.sample = [];
    this.broken = false;
  }

  found(rule, message, row = null, field = null) {
    const finding = this.findings.get(rule) || {rule, count: 0, examples: []};
    finding.count += 1;
    if (finding.examples.length < EXAMPLES) finding.examples.push({message, row, field});
    this.findings.set(rule, finding);
  }

  write(bytes, at, last) {
    if (this.broken) return;
    try {
      this.text(this.decoder.decode(bytes, {stream: !last}), last);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      const good = firstBad(bytes), place = (at + good + 1).toLocaleString("en");
      this.text(new TextDecoder("utf-8").decode(bytes.subarray(0, good), {stream: true}), false);
      this.broken = true;
      this.found("encoding-error", `The file is not UTF-8: byte ${place} is no part of a text. Published all the same, its encoding is guessed.`, this.rows + 1);
    }
  }

  text(text, last) {
    if (text.includes("\0")) {
      this.broken = true;
      this.found("nul-byte", "The file has bytes that no text has.", this.rows + 1);
      return;
    }
    if (!this.records) this.records = new Records(this.delimiter = delimiterOf(text.slice(0, 65536)), cells => this.record(cells));
    this.records.write(text);
    if (!last) return;
    if (this.records.quoted) this.found("unterminated-quote", "A quote is opened and never closed.", this.rows + 1);
    this.records.finish();
  }

  record(cells) {
    this.rows += 1;
    if (this.columns === null) { this.header(cells); return; }
    if (this.sample.length < 5) this.sample.push(cells.map(cell => cell.slice(0, 80)));
    if (cells.length === 1 && cells[0] === "" && this.columns.length > 1) {
      this.found("blank-row", "The row is blank.", this.rows);
      return;
    }
    if (cells.length !== this.columns.length) {
      const rule = cells.length < this.columns.length ? "missing-cell" : "extra-cell";
      this.found(rule, `The row has ${cells.length} ${cells.length === 1 ? "cell" : "cells"}, the header ${this.columns.length}.`, this.rows);
    }
    for (let i = 0; i < cells.length && i < this.columns.length; i += 1) this.columns[i].add(this.rows, cells[i]);
  }

  header(cells) {
    const names = new Set();
    this.columns = cells.map(name => new Column(name));
    if (cells.every(name => name.trim() === "")) this.found("blank-header", "The header row has no names.", 1);
    cells.forEach((name, index) => {
      if (name.trim() === "") this.found("blank-label", `Column ${index + 1} has no name.`, 1);
      else if (names.has(name)) this.found("duplicate-label", `Another column is called “${name.slice(0, 60)}” already.`, 1, name);
      names.add(name);
    });
  }

  told() {
    const columns = this.columns || [];
    return {rows: Math.max(0, this.rows - 1), delimiter: this.delimiter || ",", broken: this.broken, sample: this.sample,
      fields: columns.map(column => column.told()), findings: [...this.findings.values()]};
  }
}

// Where a piece stops being UTF-8: the longest beginning that is.
function firstBad(bytes) {
  let good = 0, bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      new TextDecoder("utf-8", {fatal: true}).decode(bytes.subarray(0, middle), {stream: true});
      good = middle;
    } catch { bad = middle; }
  }
  return good;
}

async function partOf(bytes) {
  const native = self.crypto && self.crypto.subtle; // not there on an address without TLS
  const sha256 = native ? new Uint8Array(await native.digest("SHA-256", bytes)) : hashes.sha256().update(bytes).digest();
  return {md5: hashes.base64(hashes.md5().update(bytes).digest()), sha256: hashes.hex(sha256)};
}

async function read(file, isTable) {
  const sha256 = hashes.sha256(), table = isTable ? new Table() : null, inParts = file.size > WHOLE, parts = [];
  const md5 = inParts ? null : hashes.md5();
  for (let at = 0; at < file.size; at += PART) {
    const bytes = new Uint8Array(await file.slice(at, at + PART).arrayBuffer());
    sha256.update(bytes);
    if (inParts) parts.push(await partOf(bytes));
    else md5.update(bytes);
    if (table) table.write(bytes, at, at + PART >= file.size);
    self.postMessage({read: Math.min(at + PART, file.size)});
  }
  return {size: file.size, sha256: hashes.hex(sha256.digest()), md5: md5 && hashes.base64(md5.digest()),
    parts: inParts ? {size: PART, hashes: parts} : null, table: table && table.told()};
}

if (typeof WorkerGlobalScope !== "undefined") {
  self.onmessage = async ({data}) => {
    try {
      importScripts(data.hashes);
      self.postMessage({done: await read(data.file, data.isTable)});
    } catch (error) {
      self.postMessage({failed: error.name === "NotReadableError" ? "The file cannot be read: was it moved or changed?" : String(error.message || error)});
    }
  };
}
