// Sends files and posts the package: the calls that every client makes, with permission tokens in a header. Nothing here
// knows the page; what goes wrong is thrown as a Refused with sentences for people.

export class Refused extends Error {
  constructor(...sentences) {
    super(sentences.join("\n"));
    this.sentences = sentences;
  }
}

const AT_ONCE = 3;
const ATTEMPTS = 5;

const pause = attempt => new Promise(done => { setTimeout(done, 500 * 2 ** attempt * (0.75 + Math.random() / 2)); });

// Runs so many at a time; the first that fails for good ends all.
async function several(items, work) {
  const queue = [...items];
  const lane = async () => { while (queue.length) await work(queue.shift()); };
  await Promise.all(Array.from({length: Math.min(AT_ONCE, queue.length)}, lane));
}

async function call(method, address, token, body) {
  for (let attempt = 0; ; attempt += 1) {
    let answer = null;
    try {
      answer = await fetch(address, {method, headers: {"Auth-Token": token, "Content-Type": "application/json"}, body: JSON.stringify(body)});
    } catch { /* the network: tried again below */ }
    if (answer && answer.ok) return answer.json();
    if (answer && ![429, 502, 503, 504].includes(answer.status)) throw await refusal(answer);
    if (attempt + 1 >= ATTEMPTS) throw new Refused("The server cannot be reached. What was sent is kept: press Publish again.");
    await pause(attempt);
  }
}

async function refusal(answer) {
  const problem = await answer.json().catch(() => null);
  const details = problem && Array.isArray(problem.errors) ? problem.errors.map(error => error.detail || String(error)) : [];
  const refused = new Refused(...(details.length ? details : [(problem && problem.detail) || `The server answered ${answer.status}.`]));
  refused.status = answer.status;
  return refused;
}

// The session's cookie is good for looking; what changes something takes a token that only a page of this site can read.
async function permission(service) {
  const answer = await fetch(`/auth/authorize?service=${service}`, {credentials: "same-origin", cache: "no-store"});
  const {token} = await answer.json();
  if (!token) throw new Refused("You are not logged in any more: log in in another tab, then press Publish again.");
  return token;
}

// XMLHttpRequest, since fetch tells nothing of what is on its way.
function transfer(method, url, headers, body, sent) {
  return new Promise(done => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
    request.upload.onprogress = event => sent(Math.min(event.loaded, body.size || event.loaded));
    request.onloadend = () => done(request.status);
    request.send(body);
  });
}

export class Uploads {
  constructor(ownerid, findability, moved) {
    this.ownerid = ownerid;
    this.findability = findability;
    this.moved = moved; // (path, bytes that are there)
  }

  get metadata() { return {owner: this.ownerid, findability: this.findability}; }

  // Where each file is, or will be, by its path; nothing is sent yet.
  async place(files) {
    this.token = await permission("rawstore");
    const small = files.filter(file => !file.digest.parts), large = files.filter(file => file.digest.parts);
    for (let at = 0; at < small.length; at += 500) {
      const some = small.slice(at, at + 500);
      const forms = await this.forms(some);
      for (const file of some) this.take(file, forms[file.path]);
    }
    for (const file of large) await this.open(file);
    return Object.fromEntries(files.map(file => [file.path, file.address]));
  }

  async forms(files) {
    const entries = files.map(({path, digest}) => [path, {length: digest.size, md5: digest.md5, sha256: digest.sha256}]);
    return (await call("POST", "/rawstore/authorize", this.token, {metadata: this.metadata, filedata: Object.fromEntries(entries)})).filedata;
  }

  take(file, form) {
    file.form = form;
    file.address = `${form.upload_url.replace(/\/$/, "")}/${form.upload_query.key.split("/").map(encodeURIComponent).join("/")}`;
    file.there = form.exists;
  }

  async open(file) {
    const {size, sha256, parts} = file.digest;
    const wanted = {path: file.path, length: size, sha256, part_size: parts.size, parts: parts.hashes};
    const found = await call("POST", "/rawstore/uploads", this.token, {metadata: this.metadata, file: wanted});
    Object.assign(file, {address: found.address, there: found.exists, upload: found.upload, arrived: new Set(found.there || [])});
    file.urls = new Map((found.urls || []).map(each => [each.number, each]));
  }

  // Sends what is not there yet.
  async send(files) {
    for (const file of files) if (file.there) this.moved(file.path, file.digest.size);
    await several(files.filter(file => !file.there && !file.upload), file => this.sendForm(file));
    for (const file of files) if (!file.there && file.upload) await this.sendParts(file);
  }

  async sendForm(file) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (attempt) {
        await pause(attempt - 1);
        this.token = await permission("rawstore");
        this.take(file, (await this.forms([file]))[file.path]);
        if (file.there) break;
      }
      const body = new FormData();
      for (const [name, value] of Object.entries(file.form.upload_query)) body.append(name, value);
      body.append("file", file.blob, "file");
      const status = await transfer("POST", file.form.upload_url, {}, body, sent => this.moved(file.path, Math.min(sent, file.digest.size)));
      file.there = status >= 200 && status <= 204;
      if (file.there) break;
    }
    if (!file.there) throw new Refused(`${file.path} could not be sent: press Publish again, what arrived is kept.`);
    this.moved(file.path, file.digest.size);
  }

  async sendParts(file) {
    const {size, hashes} = file.digest.parts;
    const bytes = number => Math.min(size, file.digest.size - size * (number - 1));
    const parts = hashes.map((hash, index) => ({number: index + 1, ...hash}));
    const moving = new Map();
    const tell = () => {
      const arrived = [...file.arrived].reduce((sum, number) => sum + bytes(number), 0);
      this.moved(file.path, arrived + [...moving.values()].reduce((sum, sent) => sum + sent, 0));
    };
    tell();
    await several(parts.filter(part => !file.arrived.has(part.number)), async part => {
      const body = file.blob.slice(size * (part.number - 1), size * (part.number - 1) + bytes(part.number));
      for (let attempt = 0; ; attempt += 1) {
        const {url, headers} = await this.urlOf(file, parts, part.number);
        const status = await transfer("PUT", url, headers, body, sent => { moving.set(part.number, sent); tell(); });
        moving.delete(part.number);
        if (status === 200) break;
        if (attempt + 1 >= ATTEMPTS) throw new Refused(`${file.path} could not be sent to its end: press Publish again, it goes on where it stopped.`);
        file.urls.delete(part.number);
        await pause(attempt);
      }
      file.arrived.add(part.number);
      tell();
    });
    this.token = await permission("rawstore"); // the last may be older than an hour
    await call("POST", `/rawstore/uploads/${file.upload}/complete`, this.token, {parts: hashes});
    file.there = true;
  }

  async urlOf(file, parts, number) {
    if (!file.urls.has(number)) {
      this.token = await permission("rawstore");
      const next = parts.filter(part => part.number >= number && !file.arrived.has(part.number)).slice(0, 100);
      const signed = await call("POST", `/rawstore/uploads/${file.upload}/parts`, this.token, {parts: next});
      for (const each of signed.urls) file.urls.set(each.number, each);
    }
    return file.urls.get(number);
  }
}

// What the server says to the package: with `plan` before anything is sent, without to publish it.
export async function post(spec, plan) {
  const answer = await call("POST", plan ? "/source/plan" : "/source/upload", await permission("source"), spec);
  if (!answer.success) throw new Refused(...(answer.errors.length ? answer.errors : ["The server gave no reason."]));
  return answer;
}
