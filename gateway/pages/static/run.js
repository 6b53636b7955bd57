// Follows a run live: the page was drawn by the server, this only renews its words and states.
"use strict";

(() => {
  const run = document.getElementById("run");
  const stages = ["load", "encoding", "csvkind", "validate", "dump"];
  const words = {QUEUED: "waiting", INPROGRESS: "working", SUCCEEDED: "done", FAILED: "failed", SKIPPED: "not run"};
  const numbers = new Intl.NumberFormat("en");
  const address = run.dataset.events;
  let shown = run.dataset.state;

  // Without a script the page offers to be loaded again; with one it renews itself.
  document.getElementById("run-refresh").hidden = true;

  function setText(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  function stateOf(position, reached, state) {
    if (state === "SUCCEEDED" || position < reached) return "SUCCEEDED";
    if (position === reached) return state;
    return state === "FAILED" ? "SKIPPED" : "QUEUED";
  }

  function amount(count, unit) {
    if (unit !== "bytes") return `${numbers.format(count)} ${unit}`;
    const units = ["B", "kB", "MB", "GB", "TB"];
    let size = count, index = 0;
    while (size >= 1000 && index < units.length - 1) { size /= 1000; index += 1; }
    return `${index ? size.toFixed(1) : size} ${units[index]}`;
  }

  function drawProgress(item, resource) {
    const bar = item.querySelector("progress");
    const progress = resource.state === "INPROGRESS" ? resource.progress : null;
    bar.hidden = !(progress && progress.total);
    if (progress && progress.total) {
      bar.max = progress.total;
      bar.value = Math.min(progress.done, progress.total);
    }
    if (progress) {
      const of = progress.total ? ` of ${amount(progress.total, progress.unit)}` : "";
      setText(item.querySelector(".resource-words"), amount(progress.done, progress.unit) + of);
    } else if (Number.isInteger(resource.rows)) {
      setText(item.querySelector(".resource-words"), `${numbers.format(resource.rows)} rows`);
    }
  }

  function drawResource(resource) {
    const item = document.getElementById(`resource-${resource.index}`);
    if (!item) return;
    item.className = `resource ${resource.state.toLowerCase()}`;
    const reached = Math.max(0, stages.indexOf(resource.stage));
    item.querySelectorAll(".stages > li").forEach((line, position) => {
      const state = stateOf(position, reached, resource.state);
      line.className = state.toLowerCase();
      line.toggleAttribute("aria-current", false);
      if (state === "INPROGRESS") line.setAttribute("aria-current", "step");
      setText(line.querySelector(".stage-state"), words[state]);
    });
    drawProgress(item, resource);
  }

  function headline(status) {
    if (status.state === "SUCCEEDED") return status.indexed || status.index_error ? "Published" : "Published, being made findable";
    return status.state === "INPROGRESS" ? "Being processed" : "Waiting for a free worker";
  }

  function draw(status) {
    const resources = status.resources || [];
    resources.forEach(drawResource);
    const done = resources.filter(resource => resource.state === "SUCCEEDED").length;
    const text = headline(status);
    document.querySelector(".verdict").className = `verdict ${status.state.toLowerCase()}`;
    setText(document.getElementById("run-state"), text);
    setText(document.getElementById("run-words"), status.state === "SUCCEEDED"
      ? "Every file was read to its end, checked and stored."
      : `${done} of ${resources.length} files are ready. Your data is safe; you may close this page.`);
    document.getElementById("run-dataset").hidden = status.state !== "SUCCEEDED";
    const cancel = document.getElementById("run-cancel");
    if (cancel) cancel.hidden = status.state === "SUCCEEDED";
    if (text !== shown) {
      // Said once per change of state: a screen reader is not told of every row.
      setText(document.getElementById("run-said"), text);
      shown = text;
    }
    run.dataset.state = status.state;
  }

  const source = new EventSource(address);
  source.onmessage = message => {
    const status = JSON.parse(message.data);
    if (status.state === "FAILED") {
      // The reasons and findings are drawn by the server.
      source.close();
      window.location.reload();
      return;
    }
    draw(status);
    if (status.state === "SUCCEEDED" && (status.indexed || status.index_error)) {
      run.dataset.final = "true";
      source.close();
    }
  };
})();
