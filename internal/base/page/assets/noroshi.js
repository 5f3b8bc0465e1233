// Small help for pages that already work without it. No dependency, no inline
// handlers. Words come from the page (#words), addresses from data attributes.
(() => {
  "use strict";
  const $ = (s, r = document) => r.querySelector(s);
  const $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const words = $("#words")?.dataset ?? {};
  const put = (word, marks) => (word ?? "").replace(/%(\w)/g, (_, k) => marks[k] ?? "");
  const hms = (d = new Date()) => d.toTimeString().slice(0, 8);
  document.documentElement.classList.add("has-js");

  // A page with mistakes starts at their list.
  $("[data-focus]")?.focus();

  // Clocks count down what the server wrote, by the server's clock.
  const skew = (Date.parse(document.body.dataset.now) || Date.now()) - Date.now();
  const two = (n) => String(n).padStart(2, "0");
  const tick = () => $$("[data-clock]").forEach((el) => {
    const s = Math.max(0, Math.round((Date.parse(el.dataset.clock) - Date.now() - skew) / 1000));
    el.textContent = `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  });
  if ($("[data-clock]")) setInterval(tick, 1000);

  // Keys. A person can switch single keys off (WCAG 2.1.4).
  const keysOff = () => localStorage.getItem("keys") === "off";
  const typing = (e) => e.target.closest?.("input, select, textarea, [contenteditable]");
  let go = 0;
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (e.key === "Escape" && typing(e)) { e.target.blur(); return; }
    if (keysOff() || typing(e)) return;
    const rows = $$("[data-item]").map((r) => $("a", r)).filter(Boolean);
    const at = rows.indexOf(document.activeElement);
    if (Date.now() - go < 1500 && /^[1-9]$/.test(e.key)) { $$("#nav a")[e.key - 1]?.click(); return; }
    switch (e.key) {
      case "/": { const q = $("input[type=search]"); if (q) { e.preventDefault(); q.focus(); } break; }
      case "j": rows[Math.min(at + 1, rows.length - 1)]?.focus(); break;
      case "k": rows[Math.max(at - 1, 0)]?.focus(); break;
      case "x": if (at >= 0) $("input[type=checkbox]", rows[at].closest("[data-item]"))?.click(); break;
      case "g": go = Date.now(); break;
      case "?": $("#keys")?.togglePopover?.(); break;
    }
  });
  const keysButton = $("[data-keys]");
  const sayKeys = () => { if (keysButton) keysButton.textContent = keysOff() ? keysButton.dataset.sayOn : keysButton.dataset.sayOff; };
  keysButton?.addEventListener("click", () => { localStorage.setItem("keys", keysOff() ? "on" : "off"); sayKeys(); });
  sayKeys();

  // Bulk bar: there while rows are ticked, or while it can undo.
  const bulk = $("[data-bulk]");
  if (bulk) {
    const count = () => {
      const n = $$("[data-item] input[type=checkbox]:checked").length;
      bulk.hidden = n === 0 && !$("[data-keep]", bulk);
      bulk.classList.toggle("on", n > 0);
      $("[data-bulk-count]", bulk).textContent = n;
    };
    addEventListener("change", count);
    count();
  }

  // Copy a hash or a command.
  addEventListener("click", async (e) => {
    const b = e.target.closest?.("[data-copy]");
    if (!b) return;
    await navigator.clipboard.writeText($(b.dataset.copy).textContent.trim());
    b.textContent = b.dataset.done;
  });

  // Drafts: <form data-draft="address"> is posted there when a field is left
  // and every 20 seconds, if it changed. The answer is JSON: at, version.
  // When the connection is lost, the page keeps what was written and says so.
  const form = $("form[data-draft]");
  if (form) {
    const mark = $("[data-saved]", form) ?? $("[data-saved]");
    const say = (text, lost) => { if (mark) { mark.textContent = text; mark.classList.toggle("lost", !!lost); } };
    const read = () => {
      const d = new FormData(form);
      for (const [k, v] of [...d]) if (v instanceof File) d.delete(k);
      return new URLSearchParams(d).toString();
    };
    let kept = read(), busy = false, stop = false;
    const save = async () => {
      const body = read();
      if (busy || stop || body === kept) return;
      busy = true;
      try {
        const r = await fetch(form.dataset.draft, { method: "POST", body, headers: { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" } });
        if (r.ok) {
          const a = await r.json().catch(() => ({}));
          const same = read() === body;
          const v = form.elements.version;
          if (v && a.version !== undefined) v.value = a.version;
          kept = same ? read() : body;
          say(put(words.saved, { t: a.at ?? hms() }));
        } else if (r.status === 409) { stop = true; say(words.clash, true); }
        else say(words.kept, true);
      } catch { say(words.kept, true); }
      busy = false;
    };
    form.addEventListener("focusout", save);
    setInterval(save, 20000);
    addEventListener("online", save);
    form.addEventListener("submit", () => { stop = true; });
    addEventListener("beforeunload", (e) => { if (!stop && read() !== kept) e.preventDefault(); });
  }

  // Live: <body data-live="address"> is an event stream. A ping says that
  // something changed. The page is then read again: parts marked data-part are
  // put in place, unless a hand is in them; new rows wait behind a link.
  const live = document.body.dataset.live;
  if (live && "EventSource" in window) {
    const mark = $("#live");
    let last = mark?.dataset.at ?? hms();
    const here = () => new Set($$("[data-item] a").map((a) => a.href));
    const link = (text) => Object.assign(document.createElement("a"), { href: location.href, textContent: text });
    let seen = here();
    const lost = () => {
      mark?.classList.add("lost");
      mark?.replaceChildren(put(words.lost, { t: last }) + " ", link(words.reload));
    };
    const read = async () => {
      const r = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!r.ok || r.redirected) return lost();
      const page = new DOMParser().parseFromString(await r.text(), "text/html");
      const fresh = $$("[data-item] a", page).filter((a) => !seen.has(new URL(a.getAttribute("href"), location.href).href)).length;
      const news = $(".news");
      if (news && fresh) news.replaceChildren(Object.assign(link(put(words.new, { n: fresh })), { className: "btn small" }));
      for (const old of $$("[data-part][id]")) {
        const part = page.getElementById(old.id);
        if (part && !old.contains(document.activeElement) && !old.matches(":popover-open") && part.innerHTML !== old.innerHTML) old.replaceWith(document.importNode(part, true));
      }
      const at = page.getElementById("live");
      last = at?.dataset.at ?? hms();
      mark?.classList.remove("lost");
      mark?.replaceChildren(at?.textContent ?? last);
    };
    let wait = 0;
    const soon = () => { clearTimeout(wait); wait = setTimeout(() => read().catch(lost), 300 + Math.random() * 700); };
    let broke = false;
    const es = new EventSource(live);
    es.addEventListener("ping", soon);
    es.addEventListener("error", () => { broke = true; lost(); });
    es.addEventListener("open", () => { if (broke) { broke = false; soon(); } });
  }
})();
