// The texts of a page whose contrast with what is behind them is below WCAG 2.2 AA (1.4.3): 4.5 to 1.
() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});

  function rgba(colour) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  }

  function luminance([red, green, blue]) {
    const [r, g, b] = [red, green, blue].map(value => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function paper(element) {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba("white");
  }

  const poor = [];
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const written = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!written || element.getBoundingClientRect().width < 2) continue;
    const ink = luminance(rgba(getComputedStyle(element).color));
    const ground = luminance(paper(element));
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}: ${element.textContent.trim()}`);
  }
  return poor;
}
