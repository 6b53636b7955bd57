// What is known of a file of the page "New dataset": {path, digest, table, error, known, edited}. `known` is what a descriptor
// that was dropped says of it, `edited` what was changed on the page, by column.

export const stem = path => path.split("/").pop().replace(/\.[^.]*$/, "");
export const slug = text => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[-._]+|[-._]+$/g, "").slice(0, 100);

const NOUNS = {integer: "a whole number", number: "a number", boolean: "true or false", date: "a date", datetime: "a date and time", time: "a time", year: "a year"};

export function findingsOf(file) {
  if (file.error) return [{rule: "read", count: 1, examples: [{message: file.error}]}];
  if (!file.table) return [];
  const wrong = file.table.fields.flatMap((field, index) => typeErrors(file, field, index));
  return [...file.table.findings, ...(wrong.length ? [{rule: "type-error", count: wrong.length, examples: wrong}] : [])];
}

function typeErrors(file, field, index) {
  const type = typeOf(file, field, index), against = field.against[type];
  return type === "string" || !against ? [] : [{message: `This is not ${NOUNS[type] || `a value of the type ${type}`}: “${against.cell}”.`, row: against.row, field: field.name}];
}

export function knownField(file, field, index) {
  const fields = file.known && file.known.schema && Array.isArray(file.known.schema.fields) ? file.known.schema.fields : [];
  return fields[index] && fields[index].name === field.name ? fields[index] : null;
}

export function typeOf(file, field, index) {
  const edited = (file.edited[index] || {}).type, known = knownField(file, field, index);
  return edited || (known && known.type) || field.type;
}

export function resourceOf(file, taken) {
  let name = (file.known && file.known.name) || slug(stem(file.path)) || "file";
  for (let number = 2; taken.has(name); number += 1) name = `${slug(stem(file.path)) || "file"}-${number}`;
  taken.add(name);
  const {digest, table, known} = file;
  const proven = {name, path: file.path, bytes: digest.size, hash: `sha256:${digest.sha256}`};
  if (!table || table.broken) return {...known, ...proven};
  const fields = table.fields.map((field, index) => fieldOf(file, field, index));
  const schema = {...((known && known.schema) || {}), fields};
  const dialect = table.delimiter === "," || (known && known.dialect) ? {} : {dialect: {delimiter: table.delimiter}};
  return {...known, ...proven, profile: "tabular-data-resource", ...dialect, schema};
}

function fieldOf(file, field, index) {
  const edited = file.edited[index] || {}, known = knownField(file, field, index), type = typeOf(file, field, index);
  const description = (edited.description ?? (known && known.description) ?? "").trim();
  const {description: _, ...kept} = known && known.type === type ? known : {name: field.name, type, ...(type === field.type && field.format ? {format: field.format} : {})};
  return {...kept, ...(description ? {description} : {})};
}
