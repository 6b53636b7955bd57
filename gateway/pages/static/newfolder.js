// What was dropped or chosen on the page "New dataset": {given: [{path, blob}], isFolder}, paths as in a package.

export const MOST = 1000;

// Of a drop. Entries must be asked for before the event is over: the list of a drop is empty afterwards.
export function dropped(transfer) {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  if (!entries.length) return Promise.resolve(chosen(transfer.files));
  return walk(entries).then(found => rooted(found, entries.length === 1 && entries[0].isDirectory));
}

// Of an input; `webkitRelativePath` begins with the folder that was chosen.
export function chosen(list) {
  const found = [...list].map(blob => ({path: blob.webkitRelativePath || blob.name, blob}));
  return rooted(found.filter(({path}) => !isHidden(path)), found.length > 0 && found.every(({path}) => path.includes("/")));
}

// A package is what is in its folder: the folder's own name is no part of its paths.
function rooted(found, isFolder) {
  const bare = isFolder ? found.map(({path, blob}) => ({path: path.replace(/^[^/]*\//, ""), blob})) : found;
  return {given: bare.sort((one, other) => (one.path < other.path ? -1 : 1)), isFolder};
}

// .git, .DS_Store and their like; files that begin with a dot at the top are taken where they are chosen by themselves.
const isHidden = path => path.includes("/") && path.split("/").some(part => part.startsWith("."));

async function walk(entries) {
  const found = [], left = [...entries];
  while (left.length && found.length <= MOST) {
    const entry = left.shift(), path = entry.fullPath.replace(/^\//, "");
    if (isHidden(path)) continue;
    if (entry.isDirectory) left.push(...await inside(entry.createReader()));
    else found.push({path, blob: await new Promise((done, failed) => entry.file(done, failed))});
  }
  return found;
}

// A reader gives a hundred at a time, and none at the end.
async function inside(reader) {
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return found;
    found.push(...some);
  }
}
