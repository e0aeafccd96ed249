// Draws listed places and ties them to the rows of the table. Without it the page still reads.
"use strict";
(function (F) {
  const COLOURS = { late: "#b3261e", soon: "#b35c00", running: "#0b4fd6", waiting: "#6b3fa0", held: "#1b7a3d", off: "#5c6675" };
  const NAMES_FROM = 14; // zoom
  const { h } = F;

  /** Packed rings or lines as arrays of [lat, lon], one array of them per shape. */
  function unpack(packed, steps, closed) {
    const parts = F.unpackNumbers(packed.parts), points = F.unpackNumbers(packed.points);
    const lon = F.unpackSteps(packed.lon), lat = F.unpackSteps(packed.lat);
    let line = 0, at = 0;
    return parts.map((count) => Array.from({ length: count }, () => {
      const ends = at + points[line++];
      const way = [];
      for (; at < ends; at++) way.push([lat[at] / steps, lon[at] / steps]);
      if (closed) way.push(way[0]);
      return way;
    }));
  }

  class ListedMap {
    constructor(box, data) {
      this.data = data;
      this.chosen = -1;
      this.map = L.map(box, { zoomSnap: 0.25, zoomDelta: 0.5, maxZoom: 19, attributionControl: Boolean(data.tiles) });
      if (data.tiles) L.tileLayer(data.tiles[0], { attribution: data.tiles[1], maxZoom: 19 }).addTo(this.map);
      L.control.scale({ imperial: false }).addTo(this.map);
      this.canvas = L.canvas({ padding: 0.3 });
      this._background();
      this._places();
      this.map.on("click", () => this.choose(-1));
      this.map.on("zoomend", () => this._names());
      this._names();
    }

    _background() {
      const { streets, roads, stepsPerDegree } = this.data;
      const quiet = { renderer: this.canvas, interactive: false };
      L.polyline(unpack(roads, stepsPerDegree, false).flat(), { ...quiet, color: "#b9bec8", weight: 2 }).addTo(this.map);
      this.streets = unpack(streets, stepsPerDegree, true).map((rings) =>
        L.polyline(rings, { ...quiet, color: "#8d95a3", weight: 1, dashArray: "4 3" }).addTo(this.map));
      this.names = L.layerGroup(this.streets.map((outline, at) =>
        L.tooltip({ permanent: true, direction: "center", className: "ls-street", interactive: false })
          .setLatLng(outline.getBounds().getCenter()).setContent(h("span", {}, streets.names[at]))));
    }

    _names() {
      if (this.map.getZoom() >= NAMES_FROM) this.names.addTo(this.map);
      else this.names.remove();
    }

    _places() {
      const bounds = L.latLngBounds([]);
      this.marks = this.data.places.map(({ id, at, urgency, shape }, number) => {
        const colour = COLOURS[urgency];
        if (shape) {
          const style = { renderer: this.canvas, color: colour, weight: shape.type.endsWith("LineString") ? 6 : 2, opacity: 0.85, fillColor: colour, fillOpacity: 0.18 };
          const layer = L.geoJSON(shape, { style }).addTo(this.map);
          layer.on("click", (event) => { L.DomEvent.stop(event); this.choose(number, true); });
          bounds.extend(layer.getBounds());
        }
        const icon = L.divIcon({ className: `ls-mark ls-${urgency}`, html: h("span", {}, String(id)), iconSize: [String(id).length > 2 ? 34 : 26, 26] });
        const mark = L.marker(at, { icon, keyboard: false, riseOnHover: true, zIndexOffset: urgency === "late" ? 500 : 0 }).addTo(this.map);
        mark.on("click", (event) => { L.DomEvent.stop(event); this.choose(number, true); });
        bounds.extend(at);
        return mark;
      });
      if (bounds.isValid()) this.map.fitBounds(bounds, { padding: [24, 24], maxZoom: 16, animate: false });
      else this.map.setView([0, 0], 1);
    }

    /** Mark a place and its row, or none. */
    choose(at, fromMap) {
      if (at === this.chosen) return;
      const { rows } = document.getElementById("ls-table").tBodies[0];
      if (rows[this.chosen]) rows[this.chosen].removeAttribute("aria-current");
      if (this.marks[this.chosen]) {
        this.marks[this.chosen].setZIndexOffset(0);
        this.marks[this.chosen].getElement().classList.remove("ls-chosen");
      }
      this.chosen = at;
      if (!rows[at]) return;
      rows[at].setAttribute("aria-current", "true");
      this.marks[at].setZIndexOffset(1000); // a segment inside a spot would stay below it
      this.marks[at].getElement().classList.add("ls-chosen");
      if (fromMap) reveal(rows[at]);
      else this.map.setView(this.data.places[at].at, Math.max(this.map.getZoom(), 16), { animate: false });
    }
  }

  /** Scroll a row into sight inside its frame; the page itself does not move. */
  function reveal(row) {
    const frame = row.closest(".og-rows");
    const head = row.closest("table").tHead.offsetHeight;
    const above = row.offsetTop - head;
    if (above < frame.scrollTop || row.offsetTop + row.offsetHeight > frame.scrollTop + frame.clientHeight) {
      frame.scrollTop = above - (frame.clientHeight - head) / 2;
    }
  }

  for (const form of document.querySelectorAll(".og-form")) {
    const fields = [...form.elements].filter((field) => field.name);
    form.addEventListener("submit", () => fields.forEach((field) => { field.disabled = field.value === ""; }));
    window.addEventListener("pageshow", () => fields.forEach((field) => { field.disabled = false; }));
  }
  const box = document.getElementById("og-map");
  if (!box) return;
  const map = new ListedMap(box, JSON.parse(document.getElementById("og-data").textContent));
  document.getElementById("ls-table").tBodies[0].addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row && !event.target.closest("a")) map.choose(Number(row.dataset.at), false);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") map.choose(-1, false); });
  F.listedMap = map; // for tests and for those who look
})(window.Finegrid);
