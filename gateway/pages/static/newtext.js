// Words and elements of the page "New dataset".

const numbers = new Intl.NumberFormat("en");

export const number = count => numbers.format(count);
export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

// Control characters and marks of direction are written out, as on every page.
export const plain = text => String(text).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
  letter => `\\x${letter.codePointAt(0).toString(16).padStart(2, "0")}`);

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let count = bytes, index = 0;
  while (count >= 1000 && index < units.length - 1) { count /= 1000; index += 1; }
  return `${index ? count.toFixed(1) : count} ${units[index]}`;
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  made.append(...children);
  return made;
}
