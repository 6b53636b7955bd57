// The page "New dataset": files are read here, and nothing leaves this computer until Publish is pressed.

const page = document.getElementById("new");
const {Refused, Uploads, post} = await import(page.dataset.upload);
const {MOST, chosen, dropped} = await import(page.dataset.folder);
const {findingsOf, knownField, resourceOf, slug, stem, typeOf} = await import(page.dataset.file);
const {element, number, plain, plural, size} = await import(page.dataset.text);
const words = JSON.parse(document.getElementById("new-words").textContent);
const files = []; // {path, blob, digest, table, element, error}
const byId = id => document.getElementById(id);
let base = {}; // the descriptor that was dropped, if one was
let readme = null;
let busy = false;

page.hidden = false;
document.querySelector("#new-start").hidden = true;

const TYPES = ["string", "integer", "number", "boolean", "date", "datetime", "time", "year"];

const isTable = path => /\.(csv|tsv|tab)$/i.test(path);
const say = text => { byId("new-said").textContent = text; };

function complain(title, sentences) {
  const list = byId("new-errors");
  list.replaceChildren(element("p", {}, element("strong", {}, title)), element("ul", {}, ...sentences.map(each => element("li", {}, plain(each)))));
  list.hidden = false;
  list.focus();
}

// Reading

function read(file) {
  return new Promise((done, failed) => {
    const worker = new Worker(page.dataset.worker);
    file.worker = worker;
    worker.onmessage = ({data}) => {
      if (data.read) file.bar.value = data.read;
      if (data.done) done(data.done);
      if (data.failed) failed(new Error(data.failed));
      if (data.done || data.failed) worker.terminate();
    };
    worker.onerror = event => { worker.terminate(); failed(new Error(event.message || "it cannot be read here")); };
    worker.postMessage({file: file.blob, isTable: isTable(file.path), hashes: new URL(page.dataset.hashes, location.href).href});
  });
}

async function add({given, isFolder}) {
  byId("new-errors").hidden = true;
  if (given.length > MOST) { complain("Not taken:", [`These are more than ${number(MOST)} files: make a package of fewer, or use \`dh push\`.`]); return; }
  const refused = [], taken = [];
  // Of a folder with a descriptor is taken what it names, as `dh push` does.
  const isPackage = isFolder && given.some(({path}) => path === "datapackage.json");
  for (const {path, blob} of given) {
    try {
      if (path === "datapackage.json") describe(JSON.parse(await blob.text()));
      else if (path === "README.md") readme = await blob.text();
      else if (blob.size === 0) refused.push(`${path} is empty.`);
      else taken.push({path, blob});
    } catch (error) {
      refused.push(`${path} is not what it should be: ${error.message}`);
    }
  }
  for (const each of taken) {
    const known = knownOf(each.path, isFolder);
    if (!isPackage || known) enlist(each, known);
    else refused.push(`${each.path} is in no resource of datapackage.json.`);
  }
  if (!byId("title").value && files.length) byId("title").value = stem(files[0].path).replace(/[-_]+/g, " ").replace(/^./, letter => letter.toUpperCase());
  named();
  if (refused.length) complain("Not taken:", refused);
  await Promise.all(files.filter(file => !file.reading).map(begin));
}

// What a descriptor says of a file: by its path, or, of one that was dropped without its folder, by its name.
function knownOf(path, isFolder) {
  const resources = Array.isArray(base.resources) ? base.resources : [];
  return resources.find(resource => resource.path === path)
    || (isFolder ? undefined : resources.find(resource => String(resource.path).split("/").pop() === path));
}

function enlist({path: given, blob}, known) {
  const path = known ? known.path : given;
  const before = files.findIndex(file => file.path === path);
  if (before >= 0) remove(files[before]); // dropped again: the newer one counts
  const file = {path, blob, known, edited: {}, bar: element("progress", {max: blob.size, value: 0, "aria-label": `Reading ${path}`})};
  file.element = element("li", {class: "resource"});
  files.push(file);
  byId("new-files").append(file.element);
  draw(file);
}

async function begin(file) {
  file.reading = true;
  try {
    file.digest = await read(file);
    file.table = file.digest.table;
  } catch (error) {
    file.error = error.message;
  }
  if (!files.includes(file)) return;
  draw(file);
  const found = findingsOf(file);
  say(`${file.path} was read: ${file.table ? plural(file.table.rows, "row") : size(file.blob.size)}, ${found.length ? plural(found.reduce((sum, each) => sum + each.count, 0), "problem") : "nothing wrong"}.`);
  ready();
}

function remove(file) {
  if (file.worker) file.worker.terminate();
  files.splice(files.indexOf(file), 1);
  file.element.remove();
  ready();
}

// A descriptor that was dropped fills the form, and what it says of files is kept.
function describe(descriptor) {
  if (typeof descriptor !== "object" || descriptor === null || Array.isArray(descriptor)) throw new Error("an object is expected");
  base = descriptor;
  for (const [id, value] of [["title", base.title], ["name", base.name], ["description", base.description]]) if (typeof value === "string") byId(id).value = value;
  byId("name").dataset.own = "true";
  const licence = Array.isArray(base.licenses) && base.licenses[0] ? base.licenses[0].name : null;
  const select = byId("licence");
  if (licence && ![...select.options].some(option => option.value === licence)) select.append(element("option", {value: licence}, plain(licence)));
  if (licence) select.value = licence;
}

// Drawing

function draw(file) {
  const head = element("div", {class: "resource-head"}, element("h3", {}, plain(file.path)), element("p", {class: "resource-words"}, wordsOf(file)));
  const away = element("button", {type: "button", class: "quiet", "aria-label": `Remove ${plain(file.path)}`}, "Remove");
  away.addEventListener("click", () => { if (!busy) { remove(file); byId("choose").focus(); } });
  const body = file.digest || file.error ? [...drawFindings(file), ...(file.table ? drawFields(file) : [])] : [file.bar];
  file.element.classList.toggle("failed", Boolean(findingsOf(file).length));
  file.element.replaceChildren(head, ...body, element("p", {}, away));
}

function wordsOf(file) {
  if (file.error) return "cannot be read";
  if (!file.digest) return `${size(file.blob.size)}, being read`;
  return file.table && !file.table.broken ? `${plural(file.table.rows, "row")}, ${plural(file.table.fields.length, "column")}, ${size(file.blob.size)}` : size(file.blob.size);
}

function drawFindings(file) {
  const found = findingsOf(file);
  if (!found.length) return [element("p", {class: "note"}, file.table ? "Nothing wrong was found." : "Not a table that is read here: published as it is.")];
  const rows = found.flatMap(({rule, count, examples}) => {
    const {title, advice} = words[rule] || {title: "The file cannot be read"};
    return [
      element("tr", {}, element("th", {scope: "row", rowspan: examples.length}, `${title}${count > 1 ? ` (${number(count)})` : ""}`, ...(advice ? [element("span", {class: "line"}, advice)] : [])), ...place(examples[0])),
      ...examples.slice(1).map(example => element("tr", {}, ...place(example))),
    ];
  });
  const header = element("tr", {}, ...["What", "Row", "Where"].map(text => element("th", {scope: "col"}, text)));
  const table = element("table", {class: "findings early"}, element("caption", {class: "hidden"}, `Problems found in ${plain(file.path)}`), element("thead", {}, header), element("tbody", {}, ...rows));
  return [element("div", {class: "scroll", role: "region", tabindex: "0", "aria-label": `Problems found in ${plain(file.path)}`}, table)];
}

function place({message, row, field}) {
  const where = field ? `${plain(field)}: ` : "";
  return [element("td", {class: "num"}, row ? number(row) : ""), element("td", {}, where + plain(message))];
}

function drawFields(file) {
  if (file.table.broken || !file.table.fields.length) return [];
  const rows = file.table.fields.slice(0, 300).map((field, index) => drawField(file, field, index));
  const header = element("tr", {}, ...["Column", "Type", "Description", "First values"].map(text => element("th", {scope: "col"}, text)));
  const table = element("table", {class: "schema edit"}, element("caption", {class: "hidden"}, `Columns of ${plain(file.path)}`), element("thead", {}, header), element("tbody", {}, ...rows));
  return [element("div", {class: "scroll", role: "region", tabindex: "0", "aria-label": `Columns of ${plain(file.path)}`}, table)];
}

function drawField(file, field, index) {
  const known = knownField(file, field, index), edited = file.edited[index] || (file.edited[index] = {});
  const type = typeOf(file, field, index), name = plain(field.name);
  const select = element("select", {"aria-label": `Type of ${name}`}, ...[...new Set([...TYPES, type])].map(each => element("option", {value: each, selected: each === type}, each)));
  select.addEventListener("change", () => {
    edited.type = select.value;
    const old = file.element.querySelectorAll(".scroll, .note").item(0);
    const drawn = drawFindings(file)[0];
    old.replaceWith(drawn); // the columns stay, and with them the focus
    file.element.classList.toggle("failed", Boolean(findingsOf(file).length));
    ready();
  });
  const input = element("input", {"aria-label": `Description of ${name}`, maxlength: "1000", autocomplete: "off", value: edited.description ?? (known && known.description) ?? ""});
  input.addEventListener("input", () => { edited.description = input.value; });
  const sample = file.table.sample.map(row => row[index] ?? "").filter(cell => cell !== "").slice(0, 3).join(", ");
  const why = field.why && type === "string" ? [element("span", {class: "line"}, plain(field.why))] : [];
  return element("tr", {}, element("th", {scope: "row"}, name || "(no name)"), element("td", {}, select, ...why), element("td", {}, input), element("td", {class: "note"}, plain(sample)));
}

// The form

function named() {
  const name = byId("name");
  if (!name.dataset.own) name.value = slug(byId("title").value);
  byId("new-address").textContent = `${location.origin}/${ownerName()}/${name.value || "…"}`;
}

const ownerName = () => byId("owner").selectedOptions[0].textContent;

function ready() {
  const wrong = files.some(file => findingsOf(file).length);
  byId("new-insist").hidden = !wrong;
  byId("new-form").hidden = !files.length;
}

function descriptorOf() {
  const {title, name, description} = Object.fromEntries(["title", "name", "description"].map(id => [id, byId(id).value.trim()]));
  const chosen = byId("licence").selectedOptions[0];
  const kept = Array.isArray(base.licenses) && base.licenses[0] && base.licenses[0].name === chosen.value ? base.licenses : null;
  const licenses = kept || (chosen.value ? [{name: chosen.value, title: chosen.textContent, ...(chosen.dataset.path ? {path: chosen.dataset.path} : {})}] : null);
  const {licenses: _, title: __, description: ___, ...rest} = base;
  const taken = new Set();
  const resources = files.map(file => resourceOf(file, taken));
  return {...rest, name, ...(title ? {title} : {}), ...(description ? {description} : {}), ...(licenses ? {licenses} : {}), ...(readme ? {readme} : {}), resources};
}

function specOf(mapping) {
  const findability = page.querySelector("input[name=findability]:checked").value, descriptor = descriptorOf();
  const meta = {version: 1, ownerid: byId("owner").value, owner: ownerName(), dataset: descriptor.name, findability};
  return {meta, inputs: [{kind: "datapackage", url: "", parameters: {"resource-mapping": mapping, descriptor}}]};
}

function missing() {
  const found = [];
  if (files.some(file => !file.digest && !file.error)) found.push("Not all files are read yet: wait a moment.");
  if (files.some(file => file.error)) found.push("Remove the files that cannot be read.");
  if (!/^[a-z0-9][a-z0-9._-]{0,99}$/.test(byId("name").value)) found.push("The name must have 1 to 100 of the characters a-z 0-9 . _ - and begin with a letter or digit.");
  if (files.some(file => findingsOf(file).length) && !byId("insist").checked) found.push("Mend the problems in your files and drop them again, or say below that they are to be published all the same.");
  return found;
}

async function publish() {
  const spec = mapping => specOf(mapping), findability = spec({}).meta.findability;
  const total = files.reduce((sum, file) => sum + file.digest.size, 0), moved = new Map();
  const bar = byId("new-progress");
  Object.assign(bar, {max: total, value: 0, hidden: false});
  const uploads = new Uploads(byId("owner").value, findability, (path, bytes) => {
    moved.set(path, bytes);
    const done = [...moved.values()].reduce((sum, each) => sum + each, 0);
    bar.value = done;
    byId("new-words-of-progress").textContent = `${size(done)} of ${size(total)} sent`;
  });
  const mapping = await uploads.place(files);
  await post(spec(mapping), true); // refused before hours of sending, not after
  say("The files are being sent.");
  await uploads.send(files);
  const accepted = await post(spec(mapping), false);
  say("Accepted. Going to the run's page.");
  busy = false; // nothing is lost by leaving any more
  location.assign(`/${encodeURIComponent(ownerName())}/${encodeURIComponent(spec({}).meta.dataset)}/v/${accepted.flow_id.split("/").pop()}`);
}

byId("new-form").addEventListener("submit", async event => {
  event.preventDefault();
  if (busy) return;
  const faults = missing();
  if (faults.length) { complain("Not published yet:", faults); return; }
  busy = true;
  byId("new-errors").hidden = true;
  byId("publish").disabled = true;
  try {
    await publish();
  } catch (error) {
    busy = false;
    byId("publish").disabled = false;
    byId("new-progress").hidden = true;
    complain("Not published:", error instanceof Refused ? error.sentences : [`Something went wrong here: ${error.message}`]);
  }
});
for (const id of ["choose", "choose-folder"]) {
  byId(id).addEventListener("change", event => { add(chosen(event.target.files)); event.target.value = ""; });
}
byId("title").addEventListener("input", named);
byId("name").addEventListener("input", event => { event.target.dataset.own = "true"; named(); });
byId("owner").addEventListener("change", named);
const zone = byId("drop");
for (const type of ["dragenter", "dragover"]) zone.addEventListener(type, event => { event.preventDefault(); zone.classList.add("over"); });
for (const type of ["dragleave", "drop"]) zone.addEventListener(type, () => zone.classList.remove("over"));
zone.addEventListener("drop", async event => {
  event.preventDefault();
  try {
    await add(await dropped(event.dataTransfer));
  } catch (error) {
    complain("Not taken:", [`What was dropped cannot be read: ${error.message}`]);
  }
});
// A file that misses the zone must not replace the page.
for (const type of ["dragover", "drop"]) window.addEventListener(type, event => event.preventDefault());
window.addEventListener("beforeunload", event => { if (busy && !byId("new-progress").hidden) event.preventDefault(); });
page.dataset.ready = "true";
