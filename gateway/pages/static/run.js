// Follows a run live: the page was drawn by the server, this only renews its words and states.
"use strict";

(() => {
  const run = document.getElementById("run");
  const stages = ["load", "encoding", "csvkind", "validate", "dump"];
  const words = {QUEUED: "waiting", INPROGRESS: "working", SUCCEEDED: "done", FAILED: "failed", SKIPPED: "not run"};
  const numbers = new Intl.NumberFormat("en");
  const connection = document.getElementById("run-connection");
  const resources = new Map();
  const soonest = 2000, latest = 60000;
  let shown = run.dataset.state;
  let pause = soonest;

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

  function wasSkipped(resource, position) {
    const facts = (resource.facts || {})[stages[position]];
    return position < stages.length - 1 && Boolean(facts && facts.skipped);
  }

  function drawNotes(item, notes) {
    const list = item.querySelector(".left-out");
    if (list.children.length === notes.length) return;
    list.replaceChildren(...notes.map(note => {
      const line = document.createElement("li");
      line.textContent = note;
      return line;
    }));
    list.hidden = !notes.length;
  }

  function drawProgress(item, resource) {
    const bar = item.querySelector("progress");
    const progress = resource.progress;
    bar.hidden = !progress;
    if (progress && progress.total) {
      bar.max = progress.total;
      bar.value = Math.min(progress.done, progress.total);
    } else {
      bar.removeAttribute("value");
    }
    const told = progress || resource.waiting;
    const line = item.querySelector(".resource-words");
    if (told) setText(line, told.words);
    else if (Number.isInteger(resource.rows)) setText(line, `${numbers.format(resource.rows)} ${resource.rows === 1 ? "row" : "rows"}`);
    else if (resource.tabular) setText(line, "");
  }

  function drawResource(resource) {
    resources.set(resource.index, resource);
    const item = document.getElementById(`resource-${resource.index}`);
    if (!item) return;
    // What is being loaded has ended no stage yet, and does not wait all the same; what has ended one may wait.
    const now = resource.progress ? "INPROGRESS" : resource.waiting ? "QUEUED" : resource.state;
    item.className = `resource ${now.toLowerCase()}`;
    const reached = Math.max(0, stages.indexOf(resource.stage));
    item.querySelectorAll(".stages > li").forEach((line, position) => {
      const reachedState = stateOf(position, reached, now);
      const skipped = reachedState === "SUCCEEDED" && wasSkipped(resource, position);
      const state = skipped ? "SKIPPED" : reachedState;
      line.className = state.toLowerCase();
      line.toggleAttribute("aria-current", false);
      if (state === "INPROGRESS") line.setAttribute("aria-current", "step");
      setText(line.querySelector(".stage-state"), skipped ? "skipped" : words[state]);
    });
    drawProgress(item, resource);
    drawNotes(item, resource.left_out || []);
  }

  function headline(status, moves) {
    if (status.state === "SUCCEEDED") return status.indexed || status.index_error ? "Published" : "Published, being made findable";
    return status.state === "INPROGRESS" || moves ? "Being processed" : "Waiting for a free worker";
  }

  function draw(status) {
    status.resources.forEach(drawResource);
    const all = [...resources.values()];
    const done = all.filter(resource => resource.state === "SUCCEEDED").length;
    const text = headline(status, all.some(resource => resource.progress));
    document.querySelector(".verdict").className = `verdict ${status.state.toLowerCase()}`;
    setText(document.getElementById("run-state"), text);
    setText(document.getElementById("run-words"), status.state === "SUCCEEDED"
      ? "Every file was read to its end and stored, and every table checked." + (status.index_error ? ` ${status.index_error}` : "")
      : `${done} of ${all.length} files are ready. Your data is safe; you may close this page.`);
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

  function follow() {
    const source = new EventSource(run.dataset.events);
    const hear = message => {
      const status = JSON.parse(message.data);
      connection.hidden = true;
      pause = soonest;
      if (status.state === "FAILED") {
        // The reasons and findings are drawn by the server.
        source.close();
        window.location.reload();
      } else {
        draw(status);
      }
    };
    source.onmessage = hear;
    source.addEventListener("change", hear);
    source.addEventListener("end", () => {
      source.close();
      run.dataset.final = "true";
    });
    source.onopen = () => { connection.hidden = true; };
    source.onerror = () => {
      connection.hidden = false;
      // The browser comes back by itself, unless it was answered with an error: by a gateway that just starts, say.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(follow, pause);
      pause = Math.min(pause * 2, latest);
    };
  }

  follow();
})();
