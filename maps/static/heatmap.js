// Puts the page together: what is chosen, what is drawn, what is said.
"use strict";
(function (F) {
  const { h } = F;

  class Page {
    constructor(map, facts) {
      this.map = map;
      this.facts = facts;
      this.model = new F.Model(facts);
      this.state = { period: -1, choice: "all", ownScale: false, withoutShared: facts.withoutShared, worst: true, short: false, shared: true, roads: true, hotspots: false };
      this.hotSpots = F.HotSpots && new F.HotSpots(this); // not in a file, which asks nobody
      this.selected = null;
      this.choose = this.choose.bind(this);
      this.select = this.select.bind(this);
      this.nameOf = this.nameOf.bind(this);
      this.categoryName = this.categoryName.bind(this);
      this.segmentName = this.segmentName.bind(this);
      this.setLanguage = () => this.speak(this.lang === "zh" ? "en" : "zh");
      this.controls = new F.Controls(this, document.getElementById("fg-side"));
      this.details = new F.Details(this, document.getElementById("fg-details"));
      this._layers();
      this._events();
    }

    // -- words ---------------------------------------------------------------------------------------------------------

    speak(lang) {
      this.lang = lang;
      this.text = F.TEXTS[lang];
      document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
      const { city, operation } = this.facts;
      document.title = operation ? `${city[lang]} ${operation[lang]}: ${this.text.title}` : `${city[lang]} ${this.text.title}`;
      this.map.getContainer().setAttribute("aria-label", this.text.mapLabel);
      this._attribution();
      this.controls.build();
      this.names.repaint();
      this.update();
    }

    nameOf(area) {
      const { name, name_en: english } = this.model.areas;
      return this.lang === "en" && english[area] ? english[area] : name[area];
    }

    categoryName(at) {
      const category = this.facts.categories[at];
      return this.lang === "zh" ? category.zh : category.en;
    }

    segmentName(at) {
      return this.model.segments.name[at] || `${this.text.unnamed} ${this.model.segments.code[at]}`;
    }

    periodName(at) {
      const months = this.facts.window.days > 124;
      return F.periodName(this.text, this.facts.periods[at], !months);
    }

    when() {
      const { choice } = this.state;
      const [group, chaos] = choice.split(":");
      const what = choice === "all" ? this.text.all : group !== "chaos" ? this.categoryName(Number(choice)) : chaos === "any" ? this.text.fourAll : this.text.chaos[chaos];
      return `${F.days(this.model.window(this.state))} · ${what}`;
    }

    _attribution() {
      const rights = new Set();
      for (const one of Object.values(this.facts.provenance)) {
        const words = (this.lang === "zh" && one.text_zh) || one.text || "";
        const said = words.match(/©.*?(?=\. |。|$)/);
        if (said) rights.add(said[0]);
      }
      const invented = Object.values(this.facts.provenance).some((one) => one.synthetic);
      const control = this.map.attributionControl;
      control.setPrefix(h("span", {}, [...(invented ? [this.text.synthetic] : []), ...rights].join(" · ")).innerHTML || false);
    }

    // -- layers --------------------------------------------------------------------------------------------------------

    _layers() {
      const pane = (name, level) => { this.map.createPane(name).style.zIndex = level; return name; };
      const picture = () => ({ ...this.picture, ...this.hotSpots?.picture, tiles: this.facts.tiles, roads: this.state.roads });
      this.heat = F.cellPainter(this.model, picture, { pane: pane("fg-heat", 210) });
      this.lines = F.linePainter(this.model, picture, { pane: pane("fg-lines", 220) });
      this.names = new F.NameLayer(this.model, this.nameOf, { pane: pane("fg-names", 450) });
      this.overlays = L.layerGroup().addTo(this.map);
      this.short = L.layerGroup();
      this.mark = L.layerGroup().addTo(this.map);
      const hatched = L.svg({ pane: pane("fg-short", 400) });
      if (this.facts.operation) {
        const edge = F.latLngs(F.unpackShapes(this.facts.operation.outline, this.facts.stepsPerDegree), 0);
        const drawn = { renderer: L.svg({ pane: pane("fg-operation", 420) }), interactive: false, fill: false };
        L.polygon(edge, { ...drawn, className: "fg-edge-under", color: "#ffffff", weight: 6, opacity: 0.9 }).addTo(this.map);
        L.polygon(edge, { ...drawn, className: "fg-edge", color: "#0b4fd6", weight: 3, dashArray: "10 5" }).addTo(this.map);
      }
      for (const { area } of this.facts.staffing?.rows || []) {
        L.polygon(F.latLngs(this.model.areas.shapes, area), { renderer: hatched, className: "fg-hatch", weight: 2, interactive: false }).addTo(this.short);
      }
    }

    _draw() {
      this.overlays.clearLayers();
      const badge = (className, label) => L.divIcon({ className, html: label, iconSize: null });
      const { worst, shared } = this.picture;
      const marker = (at, icon, title, target, above) => L.marker(at, { icon, title, alt: title, keyboard: true, zIndexOffset: above }).on("click", () => this.select(target)).addTo(this.overlays);
      if (this.state.worst) {
        [...worst].reverse().forEach((one, back) => {
          const rank = worst.length - back;
          const line = F.latLngs(this.model.segments.shapes, one.segment);
          L.polyline(line, { color: "#ffffff", weight: 7, opacity: 0.9, interactive: false }).addTo(this.overlays);
          L.polyline(line, { color: "#3b1a9e", weight: 4, opacity: 1 }).on("click", (event) => { L.DomEvent.stop(event); this.select({ kind: "segment", at: one.segment }); }).addTo(this.overlays);
          const middle = line[0][Math.floor(line[0].length / 2)];
          const title = `${rank}. ${this.segmentName(one.segment)}: ${this.text.perKm(F.rounded(one.perKm))}`;
          marker(middle, badge("fg-badge", String(rank)), title, { kind: "segment", at: one.segment }, 1e4 * (back + 1));
        });
      }
      if (this.state.shared) {
        for (const [at, place] of [...shared.entries()].reverse()) {
          const title = this.text.sharedPoint(F.whole(place.reports));
          marker([place.lat, place.lon], badge(`fg-ring fg-ring-${at}${this.state.withoutShared ? " fg-ring-out" : ""}`, `<span>${F.whole(place.reports)}</span>`), title, place.cell >= 0 ? { kind: "cell", at: place.cell } : null, 0);
        }
      }
      if (this.state.short) this.short.addTo(this.map); else this.short.remove();
    }

    // -- choice --------------------------------------------------------------------------------------------------------

    choose(change) {
      Object.assign(this.state, change);
      this.update();
    }

    update() {
      const { model, state } = this;
      const totals = model.totals("cell", state);
      const segmentTotals = model.totals("segment", state);
      const classes = model.classes(state);
      const classOf = new Int8Array(model.size.cell);
      const cellsIn = { [-2]: 0, [-1]: 0 };
      classes.forEach((_, k) => { cellsIn[k] = 0; });
      let inCells = 0;
      for (let c = 0; c < classOf.length; c++) {
        inCells += totals[c];
        classOf[c] = model.classOf(model.rate(totals[c], model.cells.km2[c]), classes);
        cellsIn[classOf[c]]++;
      }
      this.picture = { totals, segmentTotals, classes, classOf, cellsIn, inCells, worst: model.worst(segmentTotals), shared: model.sharedPlaces(state) };
      this.hotSpots?.update();
      this._draw();
      this.refresh();
    }

    /** Show the state again, which is counted already. */
    refresh() {
      this.heat.repaint();
      this.lines.repaint();
      this.controls.update();
      this.details.show(this.selected);
    }

    /** Show the numbers of a cell, segment or area, or of nothing. */
    select(what) {
      this.selected = what;
      this.mark.clearLayers();
      if (what) {
        const shapes = { cell: this.model.cells, segment: this.model.segments, area: this.model.areas }[what.kind].shapes;
        const path = F.latLngs(shapes, what.at);
        const shape = what.kind === "segment" ? L.polyline(path, { color: "#00e5ff", weight: 8, opacity: 0.8 }) : L.polygon(path, { color: "#0b4fd6", weight: 3, fill: false });
        shape.options.interactive = false;
        shape.addTo(this.mark);
        if (what.zoom) this.map.fitBounds(shape.getBounds().pad(what.kind === "segment" ? 2 : 0.2), { maxZoom: 16 });
      }
      this.details.show(what);
    }

    at(latlng) {
      const { cells, segments, areas } = this.model;
      const lineNear = F.lineNear(segments.shapes, latlng.lng, latlng.lat, this.map.getZoom(), 10);
      const cell = F.shapeAt(cells.shapes, latlng.lng, latlng.lat);
      if (cell >= 0) return { kind: "cell", at: cell, lineNear };
      const deepest = areas.level.reduce((most, _, a) => Math.max(most, this.model.upwards(a).length), 0);
      for (let depth = deepest; depth > 0; depth--) {
        const area = F.shapeAt(areas.shapes, latlng.lng, latlng.lat, (a) => this.model.upwards(a).length === depth);
        if (area >= 0) return { kind: "area", at: area };
      }
      return lineNear >= 0 ? { kind: "segment", at: lineNear } : null;
    }

    _events() {
      this.map.on("click", (event) => this.select(this.at(event.latlng)));
      this.map.getContainer().addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.target === this.map.getContainer()) this.select(this.at(this.map.getCenter()));
      });
      document.addEventListener("keydown", (event) => { if (event.key === "Escape" && this.selected) this.select(null); });
    }
  }

  /** Open the page on a Leaflet map with the facts in the element `id`. */
  F.openHeatmap = function (map, id) {
    const facts = JSON.parse(document.getElementById(id).textContent);
    const bounds = facts.view && [[facts.view[1], facts.view[0]], [facts.view[3], facts.view[2]]];
    if (bounds) map.fitBounds(bounds, { padding: [8, 8], animate: false });
    L.control.scale({ imperial: false }).addTo(map);
    F.page = new Page(map, facts);
    F.page.speak(facts.lang);
    for (const layer of [F.page.heat, F.page.lines, F.page.names]) layer.addTo(map);
  };
})(window.Finegrid);
