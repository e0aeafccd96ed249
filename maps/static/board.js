// The live board: asks its server every few seconds what runs out, counts down in between.
"use strict";
(function (F) {
  const { h } = F;
  const SOON_S = 120;
  const MIDDLE_S = 300;
  const ANSWER_MS = 10000;
  const NAMES_FROM_ZOOM = 13;
  const CHOICES_MIN = [5, 10, 30, 60];
  const byId = (id) => document.getElementById(id);
  const keyOf = (row) => `${row.case_id}-${row.step}`;

  /** Minutes and seconds as a stopwatch shows them; hours where there are any. */
  F.clockOf = function (seconds) {
    const whole = Math.floor(Math.abs(seconds));
    const two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
    return hours ? `${hours}:${rest}` : rest;
  };

  /** How urgent a step is: 0 has run out, 1 within two minutes, 2 within five, 3 later. */
  F.urgencyOf = (left) => (left < 0 ? 0 : left <= SOON_S ? 1 : left <= MIDDLE_S ? 2 : 3);

  class Board {
    constructor(facts) {
      this.facts = facts;
      this.state = { withinS: facts.withinS, street: facts.street || "" };
      this.rows = [];
      this.cards = new Map();
      this.pins = new Map();
      this.chosen = null;
      this.began = performance.now();
      this.at = null; // the server's instant of the last answer, ms
      this.seen = 0; // when that came, on this page's own clock
      this.failed = false;
      this._map();
      this.speak(facts.lang);
      this.refresh();
      setInterval(() => this.tick(), 500);
      document.addEventListener("visibilitychange", () => { if (!document.hidden) this.refresh(); });
    }

    /** The server's clock now, in ms; the computer's own may be wrong. */
    now() {
      return this.at === null ? Date.now() : this.at + (performance.now() - this.seen);
    }

    // -- asking ----------------------------------------------------------------------------------------------------------

    _address() {
      const asked = new URLSearchParams({ within_s: this.state.withinS });
      if (this.state.street) asked.set("street", this.state.street);
      if (this.facts.at) asked.set("at", new Date(Date.parse(this.facts.at) + (performance.now() - this.began)).toISOString());
      return `/response/live?${asked}`;
    }

    async refresh() {
      clearTimeout(this.timer);
      const turn = (this.turn = (this.turn || 0) + 1);
      const stop = new AbortController();
      const limit = setTimeout(() => stop.abort(), ANSWER_MS);
      try {
        const answer = await fetch(this._address(), { signal: stop.signal, cache: "no-store", headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(String(answer.status));
        const said = await answer.json();
        if (turn !== this.turn) return; // somebody asked something else meanwhile
        const first = this.at === null;
        this.at = Date.parse(said.at);
        this.seen = performance.now();
        this.rows = said.rows;
        this.failed = false;
        if (first) setTimeout(() => this.fitCases());
      } catch {
        if (turn !== this.turn) return;
        this.failed = true;
      } finally {
        clearTimeout(limit);
      }
      this.update();
      this.timer = setTimeout(() => this.refresh(), document.hidden ? 60000 : this.facts.refreshS * 1000);
    }

    // -- words -----------------------------------------------------------------------------------------------------------

    speak(lang) {
      this.lang = lang;
      this.text = F.BOARD_TEXTS[lang];
      document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
      document.title = `${this.facts.city[lang]} ${this.text.title}`;
      byId("bd-map").setAttribute("aria-label", this.text.mapLabel);
      this._head();
      this.cards.clear();
      for (const [name, area] of this.names) name.textContent = this._nameOf(area);
      this.update();
    }

    time(ms, withSeconds = true) {
      const shape = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: this.facts.zone };
      return new Intl.DateTimeFormat("en-GB", withSeconds ? { ...shape, second: "2-digit" } : shape).format(ms);
    }

    day(ms) {
      return new Intl.DateTimeFormat("sv-SE", { timeZone: this.facts.zone }).format(ms);
    }

    _head() {
      const { text, facts, lang, state } = this;
      const choice = (id, label, options, value, chosen) => {
        const box = h("select", { id, onchange: () => { chosen(box.value); this.refresh(); } }, ...options.map(([key, words]) => h("option", { value: String(key) }, words)));
        box.value = String(value);
        return h("label", { htmlFor: id }, `${label} `, box);
      };
      const minutes = [...new Set([...CHOICES_MIN, state.withinS / 60])].sort((a, b) => a - b);
      this.clock = h("span", { className: "bd-clock", id: "bd-clock" });
      this.counts = h("p", { className: "bd-counts", id: "bd-counts" });
      this.counts.setAttribute("aria-live", "polite");
      this.told = h("p", { className: "bd-told", id: "bd-told" });
      const layers = facts.synthetic.map((one) => F.TEXTS[lang].layer[one] || one);
      byId("bd-head").replaceChildren(
        h("h1", {}, h("span", {}, facts.city[lang]), " ", text.title),
        this.clock,
        this.counts,
        h("div", { className: "bd-choices" },
          choice("bd-within", text.within, minutes.map((n) => [n * 60, text.minutes(n)]), state.withinS, (value) => { state.withinS = Number(value); }),
          facts.streets.length ? choice("bd-street", text.street, [["", text.everywhere], ...facts.streets.map((one) => [one.code, one[lang]])], state.street, (value) => { state.street = value; this.fit(); }) : null,
          h("button", { type: "button", id: "bd-fit", title: text.fitHint, onclick: () => this.fitCases() }, text.fit),
          h("button", { type: "button", id: "bd-language", title: text.languageHint, lang: lang === "zh" ? "en" : "zh-CN", onclick: () => this.speak(lang === "zh" ? "en" : "zh") }, text.language)),
        h("div", { className: "bd-under" },
          this.told,
          h("nav", { className: "bd-nav" }, h("a", { href: "/maps/heatmap" }, text.heatmap), h("a", { href: "/maps/listings" }, text.listings)),
          layers.length ? h("p", { className: "fg-synthetic", id: "bd-synthetic" }, F.TEXTS[lang].syntheticLayers(layers.join(lang === "zh" ? "、" : ", "))) : null));
    }

    // -- lists -----------------------------------------------------------------------------------------------------------

    update() {
      const { text } = this;
      const now = this.now();
      const waiting = this.rows.filter((row) => row.verdict === "pending");
      const over = this.rows.filter((row) => row.verdict !== "pending");
      const alive = new Set(this.rows.map(keyOf));
      for (const key of [...this.cards.keys()]) if (!alive.has(key)) this.cards.delete(key);
      const list = (id, rows) => h("ol", { id }, ...rows.map((row) => this._card(row)));
      const focused = document.activeElement && document.activeElement.closest && document.activeElement.closest("[data-key]");
      if (this.at === null) { // nothing is known yet, which is not the same as nothing to wait for
        byId("bd-lists").replaceChildren(h("p", { className: "bd-loading" }, this.failed ? text.never : text.loading));
        this.tick();
        return;
      }
      byId("bd-lists").replaceChildren(
        h("h2", {}, `${text.waiting} (${waiting.length})`),
        waiting.length ? list("bd-waiting", waiting) : h("p", { className: "bd-nothing" }, text.nothing),
        h("h2", {}, `${text.over} (${over.length})`),
        over.length ? list("bd-over", over) : h("p", { className: "bd-nothing" }, text.nothingOver));
      if (focused && this.cards.has(focused.dataset.key)) this.cards.get(focused.dataset.key).querySelector("button").focus();
      const soon = waiting.filter((row) => F.urgencyOf((Date.parse(row.due_at) - now) / 1000) === 1).length;
      const words = text.counts(waiting.length, soon, over.length);
      if (this.counts.textContent !== words) this.counts.textContent = words; // so that it is read out once
      this._pins(alive);
      this.tick();
    }

    _card(row) {
      const key = keyOf(row);
      const known = this.cards.get(key);
      if (known) return known;
      const { text, lang } = this;
      const place = [this._street(row) || text.outside, row.cell, text.caseNumber(row.case_id)].filter(Boolean).join(" · ");
      const who = row.responsible;
      const card = h("li", { className: "bd-card" },
        h("button", { type: "button", title: text.stepHint[row.step], onclick: () => this.choose(key) },
          h("span", { className: "bd-left" }),
          h("span", { className: "bd-what" }, lang === "zh" ? row.category_name : row.category_name_en),
          h("span", { className: `bd-step bd-step-${row.step}` }, text.step[row.step]),
          h("span", { className: "bd-where" }, place, row.lon === null ? ` · ${text.noPlace}` : "", ` · ${text.due(this.time(Date.parse(row.due_at), false))}`),
          h("span", { className: "bd-bar" }, h("i"))),
        who
          ? h("p", { className: "bd-who" }, who.name, " ", who.phone ? h("a", { href: `tel:${who.phone}` }, who.phone) : h("span", {}, text.noPhone))
          : h("p", { className: "bd-who bd-nobody" }, text.nobody));
      card.dataset.key = key;
      this.cards.set(key, card);
      return card;
    }

    /** What changes with every second. */
    tick() {
      const now = this.now();
      for (const row of this.rows) {
        const left = (Date.parse(row.due_at) - now) / 1000;
        const urgency = F.urgencyOf(left);
        const key = keyOf(row);
        const card = this.cards.get(key);
        card.className = `bd-card bd-u${urgency}${key === this.chosen ? " bd-chosen" : ""}`;
        card.querySelector(".bd-left").textContent = `${left < 0 ? "+" : ""}${F.clockOf(left)}`;
        card.querySelector(".bd-bar i").style.width = `${Math.max(0, Math.min(100, (left / this.facts.limitS) * 100))}%`;
        const pin = this.pins.get(key);
        if (pin) this._paint(pin, row, left, urgency);
      }
      this.clock.textContent = this.time(now);
      const told = this.failed
        ? this.at === null ? this.text.never : this.text.stale(this.time(this.at))
        : this.at === null ? "" : this.text.updated(this.time(this.at), this.facts.refreshS);
      const replay = this.facts.at && this.at !== null ? `${this.text.replay(this.day(this.at), this.time(this.at, false))} · ` : "";
      this.told.textContent = replay + told;
      document.body.classList.toggle("bd-stale", this.failed);
    }

    choose(key) {
      this.chosen = key;
      const row = this.rows.find((one) => keyOf(one) === key);
      if (row && row.lon !== null) this.map.setView([row.lat, row.lon], Math.max(this.map.getZoom(), 16), { animate: false });
      this.tick();
      const card = this.cards.get(key);
      if (card) card.scrollIntoView({ block: "nearest" });
    }

    // -- map -------------------------------------------------------------------------------------------------------------

    _map() {
      this.map = L.map("bd-map", { zoomSnap: 0.25, zoomDelta: 0.5, maxZoom: 18 }).setView([0, 0], 2);
      this.map.attributionControl.setPrefix(false);
      const { tiles } = this.facts;
      if (tiles) L.tileLayer(tiles.url, { attribution: tiles.attribution }).addTo(this.map);
      L.control.scale({ imperial: false }).addTo(this.map);
      this.areas = L.featureGroup().addTo(this.map);
      this.names = [];
      this.map.createPane("bd-names").style.zIndex = 450; // below the pins
      const crowded = () => this.map.getContainer().classList.toggle("bd-crowded", this.map.getZoom() < NAMES_FROM_ZOOM);
      this.map.on("zoomend", crowded);
      this.shapes = new Map();
      this.marks = L.layerGroup().addTo(this.map);
      if (this.facts.areas) this._outlines();
    }

    async _outlines() {
      const answer = await fetch(this.facts.areas);
      if (!answer.ok) return;
      const { features } = await answer.json();
      const canvas = L.canvas({ padding: 0.5 });
      for (const one of features) {
        const layer = L.geoJSON(one, { renderer: canvas, style: { color: "#6b7486", weight: 1, fillColor: "#fff", fillOpacity: this.facts.tiles ? 0.1 : 0.75 } });
        const name = h("span", {}, this._nameOf(one.properties));
        this.names.push([name, one.properties]);
        layer.bindTooltip(name, { permanent: true, direction: "center", className: "bd-name", interactive: false, pane: "bd-names" });
        this.shapes.set(one.id, layer);
        this.areas.addLayer(layer);
      }
      this.fit();
      this.fitCases();
    }

    _street(row) {
      const known = this.facts.streets.find((one) => one.code === row.street_code);
      return known ? known[this.lang] : row.street;
    }

    _nameOf({ name, name_en: english }) {
      return this.lang === "en" && english ? english : name;
    }

    /** The chosen street, else the city. */
    fit() {
      const shape = this.shapes.get(this.state.street) || this.areas;
      const bounds = shape.getBounds();
      if (bounds.isValid()) this.map.fitBounds(bounds, { padding: [10, 10], animate: false });
    }

    /** All cases of the lists; else as it is. */
    fitCases() {
      const bounds = L.latLngBounds([...this.pins.values()].map((pin) => pin.getLatLng()));
      if (bounds.isValid()) this.map.fitBounds(bounds, { padding: [50, 50], maxZoom: 15, animate: false });
    }

    _pins(alive) {
      for (const [key, pin] of this.pins) {
        if (alive.has(key)) continue;
        this.marks.removeLayer(pin);
        this.pins.delete(key);
      }
      for (const row of this.rows) {
        const key = keyOf(row);
        if (row.lon === null || this.pins.has(key)) continue;
        const face = h("span", {});
        const pin = L.marker([row.lat, row.lon], { icon: L.divIcon({ html: face, className: "bd-pin", iconSize: [30, 30] }), keyboard: false });
        pin.face = face;
        pin.on("click", () => this.choose(key));
        this.pins.set(key, pin);
        this.marks.addLayer(pin);
      }
    }

    _paint(pin, row, left, urgency) {
      pin.face.className = `bd-face bd-u${urgency} bd-step-${row.step}${keyOf(row) === this.chosen ? " bd-chosen" : ""}`;
      pin.face.textContent = left < 0 ? "!" : String(Math.ceil(left / 60));
      pin.setZIndexOffset(Math.round(1000 - Math.min(Math.abs(left), 1000)));
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    F.board = new Board(JSON.parse(byId("bd-facts").textContent));
  });
})(window.Finegrid);
