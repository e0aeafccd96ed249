// Draws the features of an OGC page and ties them to the rows of its table. Without it the page still reads.
"use strict";
(function (F) {
  const OUTLINE = "#0b4fd6";
  const element = (id) => document.getElementById(id);
  const { h } = F;

  /** Classes and colours of the heat map for one set of breaks. */
  function scaleOf(breaks) {
    const model = Object.create(F.Model.prototype);
    model.facts = { breaks: { all: { window: breaks } } };
    const classes = model.classes({ choice: "all", ownScale: false, period: -1 });
    const colour = (value) => {
      if (value === null) return F.NO_AREA;
      const at = model.classOf(value, classes);
      return at < 0 ? F.NO_REPORTS : classes[at].colour;
    };
    return { classes, colour };
  }

  class FeatureMap {
    constructor(box, data, legend) {
      this.data = data;
      this.scale = data.breaks && scaleOf(data.breaks);
      this.layers = [];
      this.chosen = -1;
      if (legend) this.legend(legend); // first, because it takes its height from the map
      this.map = L.map(box, { zoomSnap: 0.25, zoomDelta: 0.5, maxZoom: 19, attributionControl: false });
      L.control.scale({ imperial: false }).addTo(this.map);
      // One canvas for all: a second one would lie above it and take its clicks.
      this.canvas = L.canvas({ padding: 0.3, tolerance: 4 });
      this._draw();
    }

    _style(value, isLine) {
      const fill = this.scale ? this.scale.colour(value) : OUTLINE;
      if (isLine) return { color: this.scale ? fill : OUTLINE, weight: 4, opacity: 1 };
      return { color: "#3c4454", weight: 0.7, opacity: 0.8, fillColor: fill, fillOpacity: this.scale ? 0.9 : 0.3 };
    }

    _draw() {
      const group = L.featureGroup();
      this.data.features.forEach(({ geometry, value, label }, at) => {
        if (!geometry) return;
        const isLine = geometry.type.endsWith("LineString");
        const style = { ...this._style(value, isLine), renderer: this.canvas };
        if (isLine) L.geoJSON(geometry, { style: { color: "#3c4454", weight: 6, opacity: 0.6, renderer: this.canvas }, interactive: false }).addTo(this.map);
        const layer = L.geoJSON(geometry, { style, pointToLayer: (_, where) => L.circleMarker(where, { ...style, radius: 6 }) });
        layer.on("click", (event) => { L.DomEvent.stop(event); this.choose(at, "map"); });
        const shown = this.scale && value !== null ? `${label}: ${F.rounded(value)}` : label;
        layer.bindTooltip(() => h("span", {}, shown), { sticky: true }); // an element: a name is never read as HTML
        this.layers[at] = layer;
        group.addLayer(layer);
      });
      group.addTo(this.map);
      this.mark = L.featureGroup().addTo(this.map);
      const bounds = group.getBounds();
      if (bounds.isValid()) this.map.fitBounds(bounds, { padding: [12, 12], maxZoom: 17, animate: false });
      else this.map.setView([0, 0], 1);
      this.map.on("click", () => this.choose(-1, "map"));
    }

    /** Mark a feature and its row, or none. */
    choose(at, from) {
      if (at === this.chosen) return;
      const rows = element("og-table") && element("og-table").tBodies[0].rows;
      if (rows && rows[this.chosen]) rows[this.chosen].removeAttribute("aria-current");
      this.chosen = at;
      this.mark.clearLayers();
      if (rows && rows[at]) {
        rows[at].setAttribute("aria-current", "true");
        if (from === "map") reveal(rows[at]);
      }
      const feature = this.data.features[at];
      if (!feature || !feature.geometry) return;
      const style = { color: OUTLINE, weight: 4, opacity: 1, fill: false, renderer: this.canvas };
      L.geoJSON(feature.geometry, { style, interactive: false, pointToLayer: (_, where) => L.circleMarker(where, { ...style, radius: 10, interactive: false }) }).addTo(this.mark);
      const bounds = this.mark.getBounds();
      if (from === "table" && !this.map.getBounds().contains(bounds)) this.map.panTo(bounds.getCenter());
    }

    legend(box) {
      if (!this.scale) return;
      const values = this.data.features.map((one) => one.value);
      const text = F.TEXTS[this.data.lang];
      const row = (colour, label) => h("li", {}, h("i", { style: `background:${colour}` }), label);
      const rows = this.scale.classes.map((one) => row(one.colour, F.classLabel(text, one)));
      if (values.includes(0)) rows.unshift(row(F.NO_REPORTS, "0"));
      if (values.includes(null)) rows.push(row(F.NO_AREA, this.data.noValue));
      box.replaceChildren(h("h2", {}, this.data.coloured), h("ul", {}, ...rows));
    }

    /** West, south, east, north of the view, as `bbox` takes them. */
    view() {
      const bounds = this.map.getBounds();
      const within = (number, limit) => Math.max(-limit, Math.min(limit, number)).toFixed(5);
      return [within(bounds.getWest(), 180), within(bounds.getSouth(), 90), within(bounds.getEast(), 180), within(bounds.getNorth(), 90)].join(",");
    }
  }

  /** Scroll a row into sight inside its frame, below the head that stays; the page itself does not move. */
  function reveal(row) {
    const frame = row.closest(".og-rows");
    const head = row.closest("table").tHead.offsetHeight;
    const above = row.offsetTop - head;
    if (above < frame.scrollTop || row.offsetTop + row.offsetHeight > frame.scrollTop + frame.clientHeight) {
      frame.scrollTop = above - (frame.clientHeight - head) / 2;
    }
  }

  function tieTable(map) {
    const body = element("og-table").tBodies[0];
    const of = (event) => { const row = event.target.closest("tr"); return row ? Number(row.dataset.at) : -1; };
    body.addEventListener("click", (event) => { if (!event.target.closest("a")) map.choose(of(event), "table"); });
    body.addEventListener("focusin", (event) => map.choose(of(event), "table"));
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") map.choose(-1, "table"); });
  }

  /** An empty field asks for nothing, so it is not sent. */
  function leaveOutEmpty(form) {
    const fields = [...form.elements].filter((field) => field.name);
    form.addEventListener("submit", () => fields.forEach((field) => { field.disabled = field.value === ""; }));
    window.addEventListener("pageshow", () => fields.forEach((field) => { field.disabled = false; }));
  }

  function openForm(form, map) {
    const use = element("og-use-example");
    if (use) {
      use.hidden = false;
      use.addEventListener("click", () => { element("og-filter").value = element("og-example").textContent; element("og-filter").focus(); });
    }
    const inView = element("og-in-view");
    if (!map) return;
    inView.hidden = false;
    inView.addEventListener("click", () => {
      element("og-bbox").value = map.view();
      for (const other of form.querySelectorAll('[name="bbox-crs"]')) other.remove(); // the view is in degrees
      form.requestSubmit();
    });
  }

  const data = JSON.parse(element("og-data").textContent);
  const box = element("og-map");
  let map = null;
  if (box) {
    const extent = data.extent;
    const flat = extent && (extent.length === 6 ? [extent[0], extent[1], extent[3], extent[4]] : extent);
    const ring = flat && [[flat[0], flat[1]], [flat[2], flat[1]], [flat[2], flat[3]], [flat[0], flat[3]], [flat[0], flat[1]]];
    const features = data.features || [{ label: data.label, value: null, geometry: { type: "Polygon", coordinates: [ring] } }];
    map = new FeatureMap(box, { ...data, features }, element("og-legend"));
    if (element("og-table")) tieTable(map);
  }
  for (const form of document.querySelectorAll(".og-form")) leaveOutEmpty(form);
  if (element("og-form")) openForm(element("og-form"), map);
  for (const back of document.querySelectorAll(".og-back")) {
    back.hidden = history.length < 2;
    back.addEventListener("click", () => history.back());
  }
  F.ogcMap = map; // for tests and for those who look
})(window.Finegrid);
